#ifndef API_PLAN_IMPORT_H
#define API_PLAN_IMPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/memory.h"
#include "domain/catalog_names.h"
#include "domain/plan.h"
#include "store/catalog_store.h"
#include "store/plan_store.h"
#include "store/store.h"

/*
 * Importing a plan file, for the API and the command alike: the file is read,
 * its slugs of campaigns, codes of teams and names of venues become ids, it is
 * compared with what is there, and what differs is written, all or nothing.
 *
 * Embed it, fill the first part, call plan_import_start(). done() runs once, on
 * the loop, never inside the start. Then error.code is ERR_NONE, or:
 *	ERR_IMPORT_REFUSED       announced rounds would change; `diff` is whole all the same
 *	ERR_INVALID_FIELD, ...   the file is bad, or names what is not there: nothing was compared
 *	ERR_NOT_FOUND            rows (CSV) for a plan that is not there
 * A plan that is already as the file says is no error: nothing was applied.
 */
struct unit_map;

struct plan_import {
	struct store          *store;
	const struct unit_map *units;            /* must live until done */
	const char            *text;             /* the file; must live until done */
	size_t                 len;
	bool                   csv;
	const char            *plan_key;         /* CSV: the plan (number, slug or id) the rows are of */
	bool                   dry_run;
	struct actor           actor;
	struct idempotency     idempotency;
	struct arena          *arena;            /* where results go */
	/*
	 * Asked before anything is written, with plan and diff filled in; false and
	 * import->error stop the import. NULL: the actor may change every round.
	 */
	bool                 (*allow)(struct plan_import *import);
	void                  *owner;            /* for allow() and done() */

	struct plan            plan;             /* as the file says, with ids */
	struct plan_diff       diff;
	bool                   applied;          /* something was written now */
	char                   plan_id[UUID_TEXT_SIZE];  /* "" when there is none (a dry run of a new plan) */
	struct error           error;
	void                 (*done)(struct plan_import *import);
	/* private from here on */
	struct catalog_list    catalogs[CATALOG_KIND_COUNT];
	struct catalog         catalog;
	int                    waiting;
	struct plan_load       load;
	struct plan_apply      apply;
};

void plan_import_start(struct plan_import *import);

#endif
