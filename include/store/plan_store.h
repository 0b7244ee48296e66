#ifndef STORE_PLAN_STORE_H
#define STORE_PLAN_STORE_H

#include "base/memory.h"
#include "db/db.h"
#include "domain/plan.h"
#include "domain/history.h"
#include "store/round_store.h"
#include "store/store.h"

/*
 * Plans without their rounds, newest first. `after` is the id of the last one of
 * a page ("" at the beginning), and when there is more already the next page's.
 */
struct plan_list {
	char            after[UUID_TEXT_SIZE];
	int             limit;
	struct draft_sight drafts;       /* which drafts are counted too */
	struct arena   *arena;
	struct plan    *plans;           /* rounds NULL, nrounds counted: those that the reader may see */
	size_t          nplans;
	bool            more;
	struct error    error;
	void          (*done)(struct plan_list *list);
	struct db_query query;           /* private from here on */
	struct store   *store;
	char            limit_text[16];
};
void plan_list_send(struct store *store, struct plan_list *list);

/*
 * One plan by id, slug or number, with all its rounds (drafts too: the caller
 * drops what its reader may not see). ERR_NOT_FOUND.
 */
struct plan_load {
	const char     *key;
	struct arena   *arena;
	struct plan     plan;            /* out */
	struct error    error;
	void          (*done)(struct plan_load *load);
	struct round_list *rounds;       /* private from here on */
	struct db_query query;
	struct store   *store;
};
void plan_load_send(struct store *store, struct plan_load *load);

/*
 * Writes what plan_diff() decided, all or nothing: the plan's row and every
 * CREATE and UPDATE of its rounds, an audit row for each. Anything that
 * changed since `existing` was read: ERR_STALE, and nothing is written.
 * Also makes a plan alone (POST /plans): a diff with no rows.
 */
struct plan_apply {
	const struct plan      *existing;        /* NULL: a new plan */
	const struct plan      *incoming;        /* ids of new plan and rounds are made here */
	const struct plan_diff *diff;
	struct idempotency      idempotency;
	struct actor            actor;
	struct arena           *arena;
	char                    plan_id[UUID_TEXT_SIZE]; /* out */
	struct error            error;
	void                  (*done)(struct plan_apply *apply);
	struct db_query         query;           /* private from here on */
	struct store           *store;
};
void plan_apply_send(struct store *store, struct plan_apply *apply);

/*
 * Rounds that the press or old records report (no plan), with their reports:
 * each is keyed by its code; one that is there already is left as it is.
 */
struct history_apply {
	const struct round_history *rows;
	size_t                    nrows;
	struct actor              actor;
	struct arena             *arena;
	size_t                    created, kept;         /* out */
	struct error              error;
	void                    (*done)(struct history_apply *apply);
	struct db_query           query;         /* private from here on */
	struct store             *store;
};
void history_apply_send(struct store *store, struct history_apply *apply);

#endif
