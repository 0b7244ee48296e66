#include "api/plan_import.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "wire/plan_wire.h"

/* In the order they happen. */
static void list_next(struct plan_import *import, enum catalog_kind kind);
static void on_campaigns(struct catalog_list *list);
static void on_venues(struct catalog_list *list);
static void on_teams(struct catalog_list *list);
static void on_catalogs(struct plan_import *import);
static void on_loaded(struct plan_load *load);
static void compare(struct plan_import *import, const struct plan *existing);
static void on_applied(struct plan_apply *apply);

enum { PAGE = 500 };

static void finish(struct plan_import *import)
{
	import->done(import);
}

/* ---- step 1: what rounds may name ---- */

void plan_import_start(struct plan_import *import)
{
	error_clear(&import->error);
	import->applied = false;
	import->plan_id[0] = '\0';
	import->catalog = (struct catalog){ .units = import->units };
	import->waiting = CATALOG_KIND_COUNT;
	for (int kind = 0; kind < CATALOG_KIND_COUNT; kind++) {
		/* The retired ones too: a file imported again names what it named. */
		import->catalogs[kind] = (struct catalog_list){ .kind = (enum catalog_kind)kind, .inactive = true };
		list_next(import, (enum catalog_kind)kind);
	}
}

static void list_next(struct plan_import *import, enum catalog_kind kind)
{
	static void (*const done[CATALOG_KIND_COUNT])(struct catalog_list *) = {
		[CATALOG_CAMPAIGN] = on_campaigns, [CATALOG_VENUE] = on_venues, [CATALOG_TEAM] = on_teams,
	};
	struct catalog_list *list = &import->catalogs[kind];

	list->limit = PAGE;
	list->arena = import->arena;
	list->done = done[kind];
	catalog_list_send(import->store, list);
}

static void keep_page(struct plan_import *import, const struct catalog_list *list)
{
	enum catalog_kind kind = list->kind;
	size_t have = import->catalog.nitems[kind];
	struct catalog_item *all = arena_alloc(import->arena, (have + list->nitems + 1) * sizeof(*all));

	if (have > 0)
		memcpy(all, import->catalog.items[kind], have * sizeof(*all));
	if (list->nitems > 0)
		memcpy(all + have, list->items, list->nitems * sizeof(*all));
	import->catalog.items[kind] = all;
	import->catalog.nitems[kind] = have + list->nitems;
}

static void on_page(struct plan_import *import, struct catalog_list *list)
{
	if (list->error.code != ERR_NONE) {
		if (import->error.code == ERR_NONE)
			import->error = list->error;
	} else {
		keep_page(import, list);
		if (list->more && list->nitems > 0) {
			const struct catalog_item *last = &list->items[list->nitems - 1];

			snprintf(list->after, sizeof(list->after), "%s", catalog_item_id(last));
			list_next(import, list->kind);
			return;
		}
	}
	if (--import->waiting == 0)
		on_catalogs(import);
}

static void on_campaigns(struct catalog_list *list)
{
	on_page(container_of(list, struct plan_import, catalogs[CATALOG_CAMPAIGN]), list);
}

static void on_venues(struct catalog_list *list)
{
	on_page(container_of(list, struct plan_import, catalogs[CATALOG_VENUE]), list);
}

static void on_teams(struct catalog_list *list)
{
	on_page(container_of(list, struct plan_import, catalogs[CATALOG_TEAM]), list);
}

/* ---- step 2: the plan as it is ---- */

static void load_plan(struct plan_import *import, const char *key)
{
	import->load = (struct plan_load){ .key = key, .arena = import->arena, .done = on_loaded };
	plan_load_send(import->store, &import->load);
}

/* A JSON file tells its plan; rows need one that is there. */
static void on_catalogs(struct plan_import *import)
{
	if (import->error.code != ERR_NONE) {
		finish(import);
	} else if (import->csv) {
		load_plan(import, import->plan_key ? import->plan_key : "");
	} else if (!plan_file_read_json(import->text, import->len, import->units, import->arena, &import->plan,
					&import->error)) {
		finish(import);
	} else {
		load_plan(import, import->plan.number);
	}
}

static void on_loaded(struct plan_load *load)
{
	struct plan_import *import = container_of(load, struct plan_import, load);
	bool found = load->error.code == ERR_NONE;

	if (!found && (load->error.code != ERR_NOT_FOUND || import->csv)) {
		import->error = load->error;
		finish(import);
		return;
	}
	if (found)
		snprintf(import->plan_id, sizeof(import->plan_id), "%s", load->plan.id);
	if (import->csv && !plan_file_read_csv(import->text, import->len, &load->plan, import->units,
					       import->arena, &import->plan, &import->error)) {
		finish(import);
		return;
	}
	if (found) {
		memcpy(import->plan.id, load->plan.id, sizeof(import->plan.id));
		import->plan.version = load->plan.version;
	}
	compare(import, found ? &load->plan : NULL);
}

/* ---- step 3: what people write becomes ids ---- */

static bool resolve(struct plan_import *import)
{
	struct plan *plan = &import->plan;
	bool fine = catalog_find_campaigns(&import->catalog, plan->campaigns, plan->ncampaigns, "/campaigns",
					   &import->error);

	for (size_t i = 0; i < plan->nrounds; i++) {
		char prefix[32];

		snprintf(prefix, sizeof(prefix), "/rounds/%zu", i);
		fine &= catalog_find_names(&import->catalog, &plan->rounds[i], prefix, &import->error);
	}
	return fine;
}

/* ---- step 4: compare, and write what differs ---- */

static bool nothing_to_do(const struct plan_diff *diff)
{
	return diff->plan == PLAN_KEEP && diff->created == 0 && diff->updated == 0;
}

static void compare(struct plan_import *import, const struct plan *existing)
{
	/* Rows (CSV) take the plan's head, whose campaigns are ids already: ids resolve to themselves. */
	if (!resolve(import) || !plan_check(&import->plan, &import->error) ||
	    !plan_diff(existing, &import->plan, import->arena, &import->diff, &import->error) ||
	    (import->allow && !import->allow(import)) || import->dry_run) {
		finish(import);
		return;
	}
	/* With a key even an empty change goes to the store, which knows whether it is a replay. */
	if (nothing_to_do(&import->diff) && !import->idempotency.key) {
		finish(import);
		return;
	}
	import->apply = (struct plan_apply){
		.existing = existing,
		.incoming = &import->plan,
		.diff = &import->diff,
		.idempotency = import->idempotency,
		.actor = import->actor,
		.arena = import->arena,
		.done = on_applied,
	};
	plan_apply_send(import->store, &import->apply);
}

static void on_applied(struct plan_apply *apply)
{
	struct plan_import *import = container_of(apply, struct plan_import, apply);

	import->error = apply->error;
	import->idempotency = apply->idempotency;
	if (apply->error.code == ERR_NONE) {
		import->applied = !apply->idempotency.replayed && !nothing_to_do(&import->diff);
		snprintf(import->plan_id, sizeof(import->plan_id), "%s", apply->plan_id);
		memcpy(import->plan.id, import->plan_id, sizeof(import->plan.id));
		import->plan.version += import->applied && import->diff.plan != PLAN_KEEP;
	}
	finish(import);
}
