#ifndef STORE_DAYS_STORE_H
#define STORE_DAYS_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "db/db.h"
#include "domain/deferral.h"
#include "store/donor_store.h"
#include "store/store.h"

/*
 * The days that lists show and filter by (donor.next_*, last_donated_on), counted from the facts. Whoever decides
 * about one person reads the facts (store/deferral_store.h); these columns are for lists alone.
 *
 *	1. A statement that writes a fact (a donor, a change of one, a donation, a deferral or its lift, a merge or
 *	   its end) leaves a row in donor_stale: triggers see to it, so no writer can forget it. It moves the days
 *	   later itself only where it knows how (deferral_add_send()), which commutes.
 *	2. days_read_send() reads such rows and the facts of those people in one statement, domain/deferral.h counts,
 *	   days_write_send() takes the rows away and writes the days.
 *
 * The end is the same in whatever order facts are written and counted. Whoever sees a row sees its fact; a
 * person's days are written only by who takes away one of the rows that it read, so the newest row of a person goes
 * only with days that were counted with its fact. Killed anywhere between, the rows are still there. Between a
 * fact and its count, days that are just being written may show what was known a moment before.
 *
 * store->donor_key must be there: birth dates and codes are opened, for a machine that tells nobody.
 */
struct person_days {
	const char         *donor_id;
	struct donor_facts  facts;
	const char         *rows;        /* of donor_stale: "12,15"; of days_walk: none */
	struct donor_days   days;        /* as they are now (of days_walk); as they are to be (for days_write) */
};

/* The oldest rows. ERR_UNAVAILABLE: a key is missing here. */
enum { DAYS_BATCH = 100, DAYS_PAGE = 200 };
struct days_read {
	struct arena       *arena;
	struct person_days *people;      /* out */
	size_t              npeople;
	size_t              nrows;       /* fewer than DAYS_BATCH: these were all */
	const char        **broken;      /* donors whose record cannot be opened: nothing is counted, their rows go */
	size_t              nbroken;
	const char         *broken_rows;
	struct error        error;
	void              (*done)(struct days_read *read);
	struct db_query     query;       /* private from here on */
	struct store       *store;
};
void days_read_send(struct store *store, struct days_read *read);

/* One daemon of many at a time (advisory lock 7403): who does not get it has written nothing. */
struct days_write {
	const struct days_read *read;    /* with the days of each person filled in */
	struct arena       *arena;
	bool                written;     /* out */
	int64_t             changed;     /* people whose days are others now */
	struct error        error;
	void              (*done)(struct days_write *write);
	struct db_query     query;       /* private from here on */
};
void days_write_send(struct store *store, struct days_write *write);

/* Leaves rows for those whose age has passed a limit by `today`, or whose rules are others since. Also behind lock 7403. */
struct days_age {
	struct date         today;
	struct arena       *arena;
	int64_t             found;       /* out */
	struct error        error;
	void              (*done)(struct days_age *age);
	struct db_query     query;       /* private from here on */
};
void days_age_send(struct store *store, struct days_age *age);

/* ---- when the rules changed ---- */

/* People in the order of their ids, with the days as they are kept. Merged and erased records are not in it. */
struct days_walk {
	const char         *after;       /* id; NULL: from the beginning */
	struct arena       *arena;
	struct person_days *people;      /* out */
	size_t              npeople;
	const char         *last;        /* where the page ended; NULL: that was all */
	size_t              nbroken;     /* records that cannot be opened: not among them */
	struct error        error;
	void              (*done)(struct days_walk *walk);
	struct db_query     query;       /* private from here on */
	struct store       *store;
};
void days_walk_send(struct store *store, struct days_walk *walk);

/* Daemons that were seen lately and decide by another rule set: they would count again by theirs. */
struct days_others {
	const char         *edition;     /* ours */
	struct arena       *arena;
	const char         *host, *theirs;       /* out, of one of them; NULL: there is none */
	struct error        error;
	void              (*done)(struct days_others *others);
	struct db_query     query;       /* private from here on */
};
void days_others_send(struct store *store, struct days_others *others);

/* Rows for these donors, so that their days are counted again. Audit "eligibility.recompute" of the rule set. */
struct days_mark {
	const char *const  *donors;
	size_t              ndonors;
	const char         *rule_set;
	struct actor        actor;
	struct arena       *arena;
	struct error        error;
	void              (*done)(struct days_mark *mark);
	struct db_query     query;       /* private from here on */
};
void days_mark_send(struct store *store, struct days_mark *mark);

#endif
