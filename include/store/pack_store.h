#ifndef STORE_PACK_STORE_H
#define STORE_PACK_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "crypto/pack_hash.h"
#include "db/db.h"
#include "domain/pack.h"
#include "store/donor_store.h"
#include "store/store.h"

/*
 * What goes into the pack of a round (domain/pack.h), and what a phone was given:
 *
 *	1. pack_load_send() reads what the phone has, who is expected, and what was merged of records that it may know.
 *	2. pack_page_send(), page by page, reads the sealed records of all who may not give: the phone hashes the number
 *	   that is typed, so the number itself is needed here, and the digests by which the registry finds people will
 *	   not do (their key must never be on a phone). A page is opened and hashed in the CPU pool, by pack_page_hash(),
 *	   and forgotten: nobody is told who they are, so this is no reading.
 *	3. pack_people_open() opens the names of those expected, in the pool too.
 *	4. pack_keep_send() writes what the phone then holds, with an audit row for the pack and one for each person
 *	   whose name it is told ("pack.load"), before anybody is answered.
 */
struct donor_sealed;

struct pack_load {
	const char         *round_id;
	const char         *token;       /* what the phone brings; NULL */
	const char         *holder;      /* of whom that must be */
	int64_t             now_us;
	struct arena       *arena;
	/* out */
	int64_t             epoch;       /* for pack_keep */
	bool                known;       /* the token is there, of this holder and round, and has not expired: */
	char                origin[UUID_TEXT_SIZE];
	int                 key_id;
	const char         *rule_set;
	char                state[PACK_STATE_HEX_SIZE];  /* pack_state_kept() */
	struct pack_contents before;
	/* by code; names are still sealed */
	struct pack_expected *expected;
	struct donor_sealed *sealed;     /* private: side by side with them; id "": nothing to open */
	size_t              nexpected;
	struct pack_merge  *merges;
	size_t              nmerges;
	struct error        error;
	void              (*done)(struct pack_load *load);
	struct db_query     find, people, joined;        /* private from here on */
	struct store       *store;
	int                 waiting;
};
void pack_load_send(struct store *store, struct pack_load *load);

/* Records of people who may not give on a day, in the order of those that stand; with what was merged into them. */
enum { PACK_PAGE = 500 };
struct pack_page {
	struct date          on;
	char                 after[UUID_TEXT_SIZE];      /* "": the beginning; out: where the page ended */
	struct arena        *arena;
	struct donor_sealed *records;    /* out */
	size_t               nrecords;
	size_t               nidentifiers;       /* of all of them */
	bool                 more;
	struct error         error;
	void               (*done)(struct pack_page *page);
	struct db_query      query;      /* private from here on */
};
void pack_page_send(struct store *store, struct pack_page *page);

/*
 * In any thread. `numbers` has room for page->nidentifiers, `names` for page->nrecords. A record that cannot be opened is
 * passed over and counted. False and ERR_UNAVAILABLE: a key is missing here.
 */
struct pack_hashes {
	uint32_t *numbers, *names;
	size_t    nnumbers, nnames, nbroken;
};
bool pack_page_hash(const struct pack_page *page, const struct keyring *keyring, const unsigned char key[PACK_KEY_BYTES],
		    struct pack_hashes *hashes, struct error *err) __attribute__((warn_unused_result));
/* In any thread: fills in names and marks of load->expected. */
bool pack_people_open(struct pack_load *load, const struct keyring *keyring, const unsigned char key[PACK_KEY_BYTES],
		      struct arena *arena, struct error *err) __attribute__((warn_unused_result));

struct pack_keep {
	const char          *token;      /* of what the phone then holds; where that is the old one it only lives longer */
	const char          *origin, *round_id, *holder, *rule_set, *state;
	int                  key_id;
	const struct buf    *held;
	const struct pack_expected *const *told;         /* whose names it is told */
	size_t               ntold;
	int64_t              epoch, now_us, expires_us;
	struct actor         actor;
	struct arena        *arena;
	bool                 kept;       /* out; false: somebody was erased meanwhile, begin anew */
	struct error         error;
	void               (*done)(struct pack_keep *keep);
	struct db_query      query;      /* private from here on */
};
void pack_keep_send(struct store *store, struct pack_keep *keep);

/* One daemon of many (advisory lock 7411): what has expired, and of each phone all but the newest states. */
enum { PACK_STATES_KEPT = 16 };
struct pack_purge {
	int64_t         now_us;
	int64_t         deleted;         /* out */
	struct error    error;
	void          (*done)(struct pack_purge *purge);
	struct db_query query;           /* private from here on */
	char            now_text[TIME_TEXT_SIZE], kept_text[16];
};
void pack_purge_send(struct store *store, struct pack_purge *purge);

#endif
