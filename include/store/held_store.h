#ifndef STORE_HELD_STORE_H
#define STORE_HELD_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "db/db.h"
#include "domain/item.h"
#include "store/store.h"

/*
 * Items that a person must look at, and what was decided about them. Who works in a scope sees those of rounds with one
 * of its units; of what names no round, where its phone was that day (item_rounds() in the database). store->donor_key must be there to open one.
 */

/* One content of an item, as it stands. */
struct held_item {
	char          id[UUID_TEXT_SIZE], donor_id[UUID_TEXT_SIZE];
	const char   *content_hash;      /* hexadecimal */
	const char   *kind, *round_id, *device_id, *install, *corrects;
	int64_t       seq, captured_us, received_us;
	enum item_verdict verdict;       /* the first answer */
	const char   *state;             /* "counts", "held", "open", "corrected", "dropped" */
	const char  **reasons;
	size_t        nreasons;
	const char   *decision;          /* "keep", "drop", "correct", or NULL: nobody decided */
	bool          staff;             /* written at a desk */
	const char   *content;           /* canonical JSON, where it was asked for; NULL: its donor was erased */
	bool          registers;         /* where it was opened: the donor's record was made of it */
	char          person_id[UUID_TEXT_SIZE];         /* where it was opened: the record that stands for the donor */
	const char   *of_round;          /* where it was opened: whose staff look at it, in reach if one is; NULL: the province's */
};

/* What waits, in the order of ids; nothing sealed. */
struct held_list {
	const char        *round_id;     /* NULL: of all */
	const char *const *units;        /* NULL: everywhere */
	size_t             nunits;
	char               after[UUID_TEXT_SIZE + 68];   /* "<id>:<hash>"; "": the beginning */
	int                limit;
	struct arena      *arena;
	struct held_item  *items;        /* out */
	size_t             nitems;
	bool               more;
	struct error       error;
	void             (*done)(struct held_list *list);
	struct db_query    query;        /* private from here on */
	char               limit_text[16];
};
void held_list_send(struct store *store, struct held_list *list);

/*
 * All contents of one item, the lowest first, and behind them those of the items that are decided together with it (one
 * corrects the other, or they name one bag), opened. Audit "item.read" of each donor. ERR_NOT_FOUND.
 */
enum { HELD_CONTENTS_MAX = 32 };
struct held_load {
	const char        *id;
	const char *const *units;
	size_t             nunits;
	struct actor       actor;
	struct arena      *arena;
	struct held_item  *items;        /* out */
	size_t             nitems;
	int64_t            version;      /* out: of the case */
	struct error       error;
	void             (*done)(struct held_load *load);
	struct db_query    query;        /* private from here on */
	struct store      *store;
};
void held_load_send(struct store *store, struct held_load *load);

/*
 * All that phones told of a person (the record that stands, and what was merged into it), opened, in the order in which it was
 * captured; no content of a record that was erased, nor (which the log says) of what is not as it was sealed. Shown as part of
 * something audited.
 */
struct held_person {
	const char       *donor_id;
	int               limit;
	struct arena     *arena;
	struct held_item *items;         /* out */
	size_t            nitems;
	bool              more;
	struct error      error;
	void            (*done)(struct held_person *person);
	struct db_query   query;         /* private from here on */
	struct store     *store;
};
void held_person_send(struct store *store, struct held_person *person);

/*
 * It is right as it stands (which answers the reasons that there are now, none that come later), or it does not count; or, of all that are decided together, it alone counts. The last decision
 * holds; deciding the same again writes the audit row only. Audit "item.keep", "item.drop" for each row. ERR_NOT_FOUND: no
 * such content, or out of scope; ERR_STALE: something came to the case meanwhile; ERR_FORBIDDEN: others are out of scope.
 */
struct held_decide {
	const char        *id, *content_hash;    /* hexadecimal */
	bool               keep;
	bool               alone;        /* all others of the case are dropped */
	int64_t            version;      /* of the case, as it was read */
	int64_t            now;          /* out: as it was found */
	const char *const *units;
	size_t             nunits;
	struct actor       actor;
	struct arena      *arena;
	struct error       error;
	void             (*done)(struct held_decide *decide);
	struct db_query    query;        /* private from here on */
};
void held_decide_send(struct store *store, struct held_decide *decide);

#endif
