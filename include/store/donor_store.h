#ifndef STORE_DONOR_STORE_H
#define STORE_DONOR_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "base/memory.h"
#include "db/db.h"
#include "domain/component.h"
#include "domain/consent.h"
#include "domain/donor.h"
#include "store/store.h"

/*
 * The donor registry. What is personal is sealed here on its way in and opened
 * on its way out (crypto/donor_seal.h); who is looked for is looked for by keyed
 * digests, under every key in use. Opening a record for somebody is a reading of
 * it, and writes its audit row in the same statement.
 *
 * store->donor_key must be there (donor_key_new()).
 */

/* A donor as kept, with what hangs on the record. */
struct donor_record {
	struct donor       donor;
	struct donor_next  next[COMPONENT_COUNT];
	const char       **merged;       /* ids of records that are one with this one */
	size_t             nmerged;
	/* private: the donor's own key, as it is kept */
	int                wrap_key_id;
	const char        *wrapped_hex;
};

/*
 * One donor, by id or donor number, opened. A merged record gives the one that it
 * is merged into, unless `exact`. ERR_NOT_FOUND; ERR_UNAVAILABLE when a key is missing here.
 */
struct donor_load {
	const char          *key;
	/* Where the reader may look: ids of units. NULL: everywhere; a record without a unit is seen only so. */
	const char *const   *units;
	size_t               nunits;
	const char          *action;     /* of the audit row: "donor.read"; NULL: for a machine that tells nobody */
	const struct identifier *asked;  /* whose digest goes into that row; NULL */
	bool                 exact;
	struct actor         actor;
	struct arena        *arena;
	struct donor_record  record;     /* out */
	struct error         error;
	void               (*done)(struct donor_load *load);
	struct db_query      query;      /* private from here on */
	struct store        *store;
};
void donor_load_send(struct store *store, struct donor_load *load);

/*
 * A new donor: checked, with names, phone and identifiers normalised. Audit
 * action "donor.register". Nothing is written and `taken` is filled when one of
 * the identifiers that belong to one person alone is known: ERR_DONOR_EXISTS.
 * Two that race for one identifier: one of them finds it taken.
 */
enum { DONOR_TAKEN_MAX = DONOR_IDENTIFIERS_MAX };
struct donor_taken {
	char   id[UUID_TEXT_SIZE];       /* whose it is; of a merged record the one that it is merged into */
	size_t identifier;               /* index in the donor about to be written */
};
struct donor_create {
	struct donor          donor;     /* in; out: id, number, version, registered_us, identifiers' ids */
	const struct consent *consents;
	size_t                nconsents;
	struct idempotency    idempotency;
	struct actor          actor;
	struct arena         *arena;
	struct donor_taken    taken[DONOR_TAKEN_MAX];    /* out */
	size_t                ntaken;
	struct error          error;
	void                (*done)(struct donor_create *create);
	struct db_query       query;     /* private from here on */
	struct store         *store;
	int                   attempts;
};
void donor_create_send(struct store *store, struct donor_create *create);

/*
 * Writes the next state of a loaded donor over the version that was read
 * (ERR_STALE otherwise); digests follow in the same statement. Identifiers that
 * are in both keep their rows. Audit action "donor.change". ERR_DONOR_EXISTS as above.
 */
struct donor_change {
	const struct donor_record *before;
	struct donor          next;      /* in; out: version, ids of new identifiers */
	struct actor          actor;
	struct arena         *arena;
	struct donor_taken    taken[DONOR_TAKEN_MAX];    /* out */
	size_t                ntaken;
	struct error          error;
	void                (*done)(struct donor_change *change);
	struct db_query       query;     /* private from here on */
	struct store         *store;
};
void donor_change_send(struct store *store, struct donor_change *change);

/*
 * Who may be the same person as this one, by name words and birth year, phone
 * and local paper. They are opened to compare birth dates, which nobody is told:
 * so this is no reading. `id` (or ""): left out with what it is one with, and
 * what a person said to be somebody else. Records that are one are told once, best first.
 */
enum { DONOR_MATCHES_MAX = 20 };
struct unit_map;
struct donor_match {
	char         id[UUID_TEXT_SIZE];
	char         number[DONOR_NUMBER_SIZE];
	int          score;              /* domain/donor.h */
	int          birth_year;
	enum donor_sex sex;
	const char  *unit_id;
};
struct donor_match_find {
	const struct donor    *donor;
	const struct unit_map *units;    /* NULL: places say nothing */
	int                    least;    /* score */
	bool                   urgent;   /* as in db/db.h */
	struct arena          *arena;
	struct donor_match     matches[DONOR_MATCHES_MAX];       /* out */
	size_t                 nmatches;
	struct error           error;
	void                 (*done)(struct donor_match_find *find);
	struct db_query        query;    /* private from here on */
	struct store          *store;
};
void donor_match_find_send(struct store *store, struct donor_match_find *find);

/*
 * Two records are one person (DONOR_MERGE: `other` with what hangs on it goes into
 * `donor`), they are not (DONOR_UNMERGE: `other`, which is merged into `donor`,
 * stands by itself again with what had been merged into it), or somebody looked
 * and said that they are two (DONOR_DISTINCT). `donor` and, but for DONOR_UNMERGE,
 * `other` stand by themselves, both as just loaded; ERR_STALE when either has
 * changed since. What is kept of the next dates only moves later; who says "ask
 * the facility" of one record says it of the person, and each has its own again when that is undone.
 */
enum donor_verb { DONOR_MERGE, DONOR_UNMERGE, DONOR_DISTINCT };
struct donor_join {
	enum donor_verb            verb;
	const struct donor_record *donor, *other;
	struct actor               actor;
	struct arena              *arena;
	struct error               error;
	void                     (*done)(struct donor_join *join);
	struct db_query            query;        /* private from here on */
};
void donor_join_send(struct store *store, struct donor_join *join);

/* What a list of donors is narrowed to. Zeroed: everybody. */
struct donor_filter {
	const char *const *units;        /* ids; NULL: no filter; empty list: nobody */
	size_t             nunits;
	unsigned           abos;         /* bits 1 << enum blood_abo; 0: any */
	unsigned           rhds;
	enum component     component;    /* of next_from and next_to */
	/* Nothing in the way counts as eligible by every day; none: open. */
	struct date        next_from, next_to;
	struct date        last_from, last_to;   /* of the last donation */
};

/* Donors in the order in which they were registered; nothing sealed. Merged and erased ones are not in it. */
struct donor_list {
	struct donor_filter  filter;
	char                 after[UUID_TEXT_SIZE];      /* "": the beginning */
	int                  limit;
	struct arena        *arena;
	struct donor_record *donors;     /* out: of each what stands in plain */
	size_t               ndonors;
	bool                 more;
	struct error         error;
	void               (*done)(struct donor_list *list);
	struct db_query      query;      /* private from here on */
	struct store        *store;
	char                 limit_text[16];
};
void donor_list_send(struct store *store, struct donor_list *list);

/*
 * Who is it? By exactly one of: an identifier, a donor number, a phone, a name
 * with birth year. Writes a row of donor_lookup that names who was found; of what
 * found nobody it has the keyed digest, so that it can be told later whether
 * somebody asked for a given number. The audit entry ("donor.lookup", subject
 * "lookup") has the digest of that row.
 */
enum { DONOR_LOOKUP_MAX = 20 };
struct donor_lookup {
	const struct identifier *identifier;     /* normalised; NULL */
	const char              *number;         /* as donor_number_parse() gives it; NULL */
	const char              *phone;          /* normalised; NULL */
	const char              *name;           /* NULL */
	int                      birth_year;     /* of the name */
	const char *const       *units;          /* of the name: ids, or NULL */
	size_t                   nunits;
	struct actor             actor;
	struct arena            *arena;
	struct donor_found      *found;          /* out: at most DONOR_LOOKUP_MAX */
	size_t                   nfound;
	bool                     more;           /* there are more than those */
	const struct error      *error;          /* borrowed, valid only inside done(); NULL: none. Look-ups are many, errors large */
	void                   (*done)(struct donor_lookup *lookup);
	struct db_query          query;          /* private from here on */
	struct store            *store;
	STAILQ_ENTRY(donor_lookup) next;
};

/*
 * Where look-ups are handed in, one of each worker. Those by an identifier of one
 * person that come while earlier ones are being committed go together in one
 * statement, without a timer: alone it is as fast as ever, under load one commit
 * serves hundreds.
 */
enum { DONOR_DESK_BATCH = 256 };
struct donor_desk;
struct donor_desk *donor_desk_new(struct store *store);          /* borrows the store */
void donor_desk_free(struct donor_desk *desk);                   /* after the database is closed; NULL is fine */
void donor_desk_ask(struct donor_desk *desk, struct donor_lookup *lookup);

#endif
