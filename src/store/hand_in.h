#ifndef STORE_HAND_IN_H
#define STORE_HAND_IN_H

#include "store/audit.h"
#include "store/donor_row.h"
#include "store/item_store.h"

/*
 * A batch at work (store/item_store.h), inside the store. It goes: look up what its items name (item_load.c); settle, item
 * by item, whether it is there (item_store.c) and whom it is about (item_person.c); look for people who are alike
 * (item_alike.c); write all that is new in one statement, with what becomes of the records of donors (item_write.c); read
 * back how things stand (item_store.c). The statement locks the records that it is about, over the versions that were read;
 * what somebody else wrote in between stops it, and it begins anew. Where one row cannot be written, half of the batch is
 * tried, down to that row alone. All of it lives in the arena of the request and runs on its worker's loop.
 */

/* Arrays side by side, as they go into the statement. */
enum { COLUMNS_MAX = 24 };
struct columns {
	size_t        count, max, ncells;
	const char  **cells[COLUMNS_MAX];
};

/* A record of a donor. */
struct known {
	struct donor_record record;      /* as it is to be; its key */
	struct donor  before;            /* as it was read */
	const char   *into_id;           /* as it was read: merged into; NULL */
	struct known *into;              /* the same, and what is to be */
	bool          by_item;           /* a phone told of it first: nobody registered it at a desk */
	bool          is_new, told_more, took, gone;     /* gone: merged in this batch, and `took` that it took another in */
	bool          used;              /* what is settled stands on it */
	size_t        by;                /* which item a new one was made of */
	struct known *next;
};

/* By what id items name a record that has another. */
struct told {
	const char   *id;
	struct known *of;
	struct told  *next;
};

/* Somebody said that these are two. */
struct distinct {
	struct known *one, *two;
};

/* A content that is there, or will be: of an id. */
struct content {
	const char     *id, *hash;
	struct known   *of;
	enum item_verdict verdict;
	int64_t         captured_us;
	const char     *tie;
	const char     *sealed, *text;   /* canonical content, sealed or not */
	struct content *next;
};

struct doubt {
	const char *donor_id, *reason;
	size_t      n;                   /* which of the new ones, from 1 */
	size_t      before;              /* the one before it of the same item, from 1; 0: none */
};

/* A new item. */
struct fresh {
	size_t            index;         /* in the batch */
	const struct item *item;
	struct known     *of;
	const char       *hash, *sealed, *deferral_sealed;
	const char       *held;          /* comma between */
	const char       *provisional;
	const char       *tie;
	bool              registers, conflict, doubted, is_donation;
	bool              looks;         /* more is known of who it is by this item: who is alike? */
	size_t            last_doubt;    /* from 1; 0: none */
	bool              tells_more, joins;     /* of a record that was there; records of it are one person now */
	bool              claims;        /* nobody told `provisional` before */
	struct date       day;
	char              fact_id[UUID_TEXT_SIZE];
	bool              round_known;
};

struct round_seen {
	char              id[UUID_TEXT_SIZE];
	struct item_setting setting;
	const char       *team;          /* whose round it is; NULL */
};

/* Somebody bears a number that an item tells. */
struct hit {
	size_t        index, identifier;
	struct known *of;
};

struct hand_in {
	struct item_hand_in *op;
	struct store       *store;
	struct arena       *arena;
	const struct key_view *view;
	size_t              from, len;   /* which of the items are at work */
	size_t              most;        /* how many at once, since more took too long; 0: any */
	int                 attempts;
	/* what was looked up, and what was settled; anew in each attempt */
	struct known       *known;
	struct told        *told;
	struct distinct    *distincts;
	size_t              ndistincts;
	struct content     *contents;
	struct round_seen  *rounds;
	size_t              nrounds;
	struct hit         *hits;
	size_t              nhits;
	struct fresh       *fresh;
	size_t              nfresh;
	struct doubt       *doubts;
	size_t              ndoubts, doubts_max;
	size_t             *replayed;    /* which were there before */
	size_t              nreplayed;
	struct audit        audit;
	struct columns      donors, identifiers, merges, locks;
	struct donor_digests digests;
	const char        **digest_donors;
	size_t              ndigest_donors, digest_donors_max;
	size_t              finding, next_finding;
	struct error        find_error;
	/* for the whole batch */
	const char        **hashes;      /* of each item that is there now; NULL */
};

/* The steps, each of which asks for the next. */
void hand_in_begin(struct hand_in *work);
void hand_in_load(struct hand_in *work);
void hand_in_settle(struct hand_in *work);
void hand_in_find_alike(struct hand_in *work);
void hand_in_write(struct hand_in *work);
/* What comes after the part that was written: another part, or the receipt. */
void hand_in_next(struct hand_in *work);
/* What is at work cannot be written as it is: half of it is tried, and one item alone is for another time. */
void hand_in_less(struct hand_in *work);
/* A step failed: a record that does not open keeps no other items waiting; anything else ends the batch. */
void hand_in_fail(struct hand_in *work, const struct error *err);
bool hand_in_took_too_long(const struct db_result *result);
/* Over its deadline: half of what is at work is tried. False: that was not it, or it was one alone. */
bool hand_in_half(struct hand_in *work, const struct db_result *result);
/* NULL: no error. */
void hand_in_finish(struct hand_in *work, const struct error *err);

const struct item *hand_in_item(const struct hand_in *work, size_t index);
/* Who hands that item in. */
const struct item_hand_in *hand_in_whose(const struct hand_in *work, size_t index);
/* Contents of one id are different things to the audit. */
const char *hand_in_subject(struct arena *arena, const char *id, const char *hash);

/* A record by its id; NULL: not among those that were read or made. */
struct known *known_by_id(struct hand_in *work, const char *id);
/* As items name them; of one that is both a record and an id that was told, the record. One that was erased if no other is there. */
struct known *known_as_told(struct hand_in *work, const char *id);
/* Whether that id leads, or led, to somebody who was erased. */
bool known_was_erased(struct hand_in *work, const char *id);
bool told_is(const struct hand_in *work, const char *id);
void told_add(struct hand_in *work, const char *id, struct known *of);
struct known *known_add(struct hand_in *work);
/* The record that stands for the person. */
struct known *known_root(struct known *known);
bool known_is_erased(struct known *known);
/* No record of the person is from a desk: a phone may fill it, and merge it. */
bool known_by_phones(struct hand_in *work, struct known *known);
/* What is known of the person: of the record that stands, or of another that has the name. NULL: nobody told yet who it is. */
const struct donor *known_person(struct hand_in *work, struct known *known);

/* Whom the item is about, by what it tells of its donor; records are made, filled and merged, reasons added. */
struct known *hand_in_find_donor(struct hand_in *work, struct fresh *fresh, unsigned *reasons);
/* By which id, other than that of a record from a desk, the item names its donor: others may do so, too. */
void hand_in_tell_id(struct hand_in *work, struct fresh *fresh);
bool donor_bears(const struct donor *donor, const struct identifier *identifier);
/* `n`: which of the new items, from 1. The same twice is kept once. */
void hand_in_doubt(struct hand_in *work, size_t n, const char *donor_id, const char *reason);
/* Somebody said that these are two. */
bool hand_in_are_distinct(const struct hand_in *work, const struct known *one, const struct known *two);

#endif
