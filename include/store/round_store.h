#ifndef STORE_ROUND_STORE_H
#define STORE_ROUND_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/memory.h"
#include "db/db.h"
#include "domain/report.h"
#include "domain/round.h"
#include "store/store.h"

/* The rounds that a reader sees beside the public ones: drafts, and what was cancelled as a draft. Zeroed: none. */
struct draft_sight {
	bool               all;
	const char        *team;         /* those of this team; NULL */
	const char *const *units;        /* those with any of these as host */
	size_t             nunits;
};

/* What a list of rounds is narrowed to. Zeroed: everything public of day precision. Borrowed texts. */
struct round_filter {
	struct date  from, to;           /* the round's period meets [from, to]; none: open */
	const char *const *units;        /* ids; a round with any of them as host. NULL: no filter; empty list: no round */
	size_t       nunits;
	const char  *campaign;           /* id or slug; NULL */
	const char  *plan;               /* id, slug or number; NULL */
	const char  *team;               /* id; NULL */
	const char  *venue;              /* id; NULL */
	unsigned     statuses;           /* bits 1 << enum round_status; 0: all that may be seen */
	unsigned     precisions;         /* bits 1 << enum date_precision; 0: day only */
	struct draft_sight drafts;
	bool         newest_first;
};

/* Where a page ended: opaque to the client, (from_day, id) here. Empty id: the beginning. */
struct round_cursor {
	struct date day;
	char        id[UUID_TEXT_SIZE];
};

struct round_list {
	struct round_filter filter;
	struct round_cursor after;
	int                 limit;       /* 1..500 */
	bool                urgent;      /* as in db/db.h */
	struct arena       *arena;       /* in: where results go */
	struct round       *rounds;      /* out */
	size_t              nrounds;
	bool                more;        /* out: and `after` then is the next page's */
	struct error        error;
	void              (*done)(struct round_list *list);
	/* private */
	struct store       *store;
	struct db_query     query;
	char                texts[6][64];
};
void round_list_send(struct store *store, struct round_list *list);

/* One round, by id or by code. ERR_NOT_FOUND. */
struct round_load {
	const char      *key;
	struct arena    *arena;
	struct round     round;          /* out */
	struct error     error;
	void           (*done)(struct round_load *load);
	struct db_query  query;          /* private from here on */
	struct store    *store;
};
void round_load_send(struct store *store, struct round_load *load);

/*
 * Writes the next state of a round, if it still is at before->version
 * (ERR_STALE otherwise). ERR_TEAM_BUSY, ERR_VENUE_BUSY; ERR_INVALID_FIELD
 * when a unit, venue, team or campaign is not there. Then `after` is as stored
 * (names filled in).
 */
struct round_save {
	const struct round *before;
	const struct round *next;
	enum round_verb     verb;        /* audit action "round.<verb>" */
	struct actor        actor;
	struct arena       *arena;
	struct round        after;       /* out */
	struct error        error;
	void              (*done)(struct round_save *save);
	struct db_query     query;       /* private from here on */
	struct store       *store;
};
void round_save_send(struct store *store, struct round_save *save);

/*
 * A new round: of a plan (round.plan_id, and an ordinal, or 0 for the next free
 * one; the code follows the plan's prefix) or of none (then round.code is
 * given). Units, campaigns, venue and team by id. Audit action "round.create".
 */
struct round_create {
	struct round        round;       /* in; out: as stored */
	struct idempotency  idempotency;
	struct actor        actor;
	struct arena       *arena;
	struct error        error;
	void              (*done)(struct round_create *create);
	struct db_query     query;       /* private from here on */
	struct store       *store;
	bool                numbered;    /* by the plan */
	int                 attempts;
};
void round_create_send(struct store *store, struct round_create *create);

/* Reports of one round, newest first, superseded ones included. ERR_NOT_FOUND when there is no such round. */
struct report_list {
	const char     *round;           /* id or code */
	struct arena   *arena;
	struct report  *reports;
	size_t          nreports;
	struct error    error;
	void          (*done)(struct report_list *list);
	struct db_query query;           /* private from here on */
	struct store   *store;
};
void report_list_send(struct store *store, struct report_list *list);

/* Appends a report (audit action "report.create"). ERR_INVALID_FIELD /corrects when it names no report of that round, or one already corrected. */
struct report_create {
	const char        *round_id;
	struct report      report;       /* in; out: id and created_us filled in */
	struct idempotency idempotency;
	struct actor       actor;
	struct arena      *arena;
	struct error       error;
	void             (*done)(struct report_create *create);
	struct db_query    query;        /* private from here on */
	struct store      *store;
};
void report_create_send(struct store *store, struct report_create *create);

/* Results are others than they were (result_changed): moves the version of the rounds. `told`: it had to. */
struct result_tell {
	bool            told;            /* out */
	struct error    error;
	void          (*done)(struct result_tell *tell);
	struct db_query query;           /* private from here on */
};
void result_tell_send(struct store *store, struct result_tell *tell);

#endif
