#include "api/plan_import.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "domain/unit.h"
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

enum { PAGE = 500, NAME_MAX_BYTES = 512 };

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
	import->waiting = CATALOG_KIND_COUNT;
	for (int kind = 0; kind < CATALOG_KIND_COUNT; kind++) {
		import->catalogs[kind] = (struct catalog_list){ .kind = (enum catalog_kind)kind };
		import->items[kind] = NULL;
		import->nitems[kind] = 0;
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
	size_t have = import->nitems[kind];
	struct catalog_item *all = arena_alloc(import->arena, (have + list->nitems + 1) * sizeof(*all));

	if (have > 0)
		memcpy(all, import->items[kind], have * sizeof(*all));
	if (list->nitems > 0)
		memcpy(all + have, list->items, list->nitems * sizeof(*all));
	import->items[kind] = all;
	import->nitems[kind] = have + list->nitems;
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
	compare(import, found ? &load->plan : NULL);
}

/* ---- step 3: what people write becomes ids ---- */

static bool is_campaign(const struct catalog_item *item, const char *text)
{
	return streq(item->campaign.slug, text) || streq(item->campaign.id, text);
}

static bool resolve_campaigns(struct plan_import *import, struct named *list, size_t count, int ordinal)
{
	for (size_t i = 0; i < count; i++) {
		const struct catalog_item *found = NULL;
		char pointer[64] = "/campaigns";

		for (size_t k = 0; k < import->nitems[CATALOG_CAMPAIGN] && !found; k++)
			if (is_campaign(&import->items[CATALOG_CAMPAIGN][k], list[i].id))
				found = &import->items[CATALOG_CAMPAIGN][k];
		if (ordinal > 0)
			snprintf(pointer, sizeof(pointer), "round %d, campaigns", ordinal);
		if (!found)
			return error_add_field(&import->error, pointer, "unknown_campaign",
					       "There is no campaign \"%s\".", "Không có chiến dịch \"%s\".",
					       list[i].id);
		list[i] = (struct named){ found->campaign.id, found->campaign.name };
	}
	return true;
}

static bool resolve_team(struct plan_import *import, struct round *round)
{
	const char *typed = round->team.id;
	char pointer[64];

	if (!typed)
		return true;
	for (size_t k = 0; k < import->nitems[CATALOG_TEAM]; k++) {
		const struct team *team = &import->items[CATALOG_TEAM][k].team;

		if (streq(team->code, typed) || streq(team->id, typed)) {
			round->team = (struct named){ team->id, team->name };
			return true;
		}
	}
	snprintf(pointer, sizeof(pointer), "round %d, team", round->ordinal);
	return error_add_field(&import->error, pointer, "unknown_team",
			       "There is no team \"%s\": add it first, or correct its code.",
			       "Không có đội \"%s\": hãy thêm đội trước, hoặc sửa mã đội.", typed);
}

/* Venues lie in communes, hosts may be districts. */
static bool is_host(const struct plan_import *import, const struct round *round, const char *unit_id)
{
	const struct unit *unit = unit_by_id(import->units, unit_id);

	for (size_t i = 0; i < round->nunits; i++) {
		const struct unit *host = unit_by_id(import->units, round->units[i].id);

		if (host && unit && unit_related(import->units, host, unit))
			return true;
	}
	return round->nunits == 0;
}

/* The same name may stand in two communes: then the round's own units decide. */
static const struct venue *find_venue(const struct plan_import *import, const struct round *round,
				      const char *typed, size_t *matches)
{
	const struct venue *found = NULL;
	char wanted[NAME_MAX_BYTES], name[NAME_MAX_BYTES];

	*matches = 0;
	text_fold(typed, wanted, sizeof(wanted));
	for (size_t k = 0; k < import->nitems[CATALOG_VENUE]; k++) {
		const struct venue *venue = &import->items[CATALOG_VENUE][k].venue;

		if (streq(venue->id, typed)) {
			*matches = 1;
			return venue;
		}
		if (text_fold(venue->name, name, sizeof(name)) && *wanted && streq(name, wanted) &&
		    is_host(import, round, venue->unit_id)) {
			found = venue;
			++*matches;
		}
	}
	return found;
}

static bool resolve_venue(struct plan_import *import, struct round *round)
{
	const char *typed = round->venue.id;
	size_t matches;
	char pointer[64];

	if (!typed)
		return true;
	const struct venue *venue = find_venue(import, round, typed, &matches);

	if (venue && matches == 1) {
		round->venue = (struct named){ venue->id, venue->name };
		round->venue_address = venue->address;
		return true;
	}
	snprintf(pointer, sizeof(pointer), "round %d, venue", round->ordinal);
	if (matches > 1)
		return error_add_field(&import->error, pointer, "ambiguous_venue",
				       "Several venues are named \"%s\": give the id.",
				       "Có nhiều địa điểm tên \"%s\": hãy ghi mã.", typed);
	return error_add_field(&import->error, pointer, "unknown_venue",
			       "There is no venue \"%s\" in the round's units: add it first.",
			       "Không có địa điểm \"%s\" tại nơi tổ chức đợt: hãy thêm trước.", typed);
}

static bool resolve(struct plan_import *import)
{
	struct plan *plan = &import->plan;
	bool fine = resolve_campaigns(import, plan->campaigns, plan->ncampaigns, 0);

	for (size_t i = 0; i < plan->nrounds; i++) {
		struct round *round = &plan->rounds[i];

		fine &= resolve_campaigns(import, round->campaigns, round->ncampaigns, round->ordinal);
		fine &= resolve_team(import, round);
		fine &= resolve_venue(import, round);
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
	}
	finish(import);
}
