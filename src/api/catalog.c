#include <string.h>

#include "api/params.h"
#include "api/places.h"
#include "api/private.h"
#include "api/request.h"
#include "base/text.h"
#include "domain/catalog.h"
#include "store/catalog_store.h"
#include "wire/catalog_wire.h"

/* Campaigns, venues and teams: one set of handlers, which the path tells apart. */

static enum catalog_kind kind_of(const struct request *r)
{
	const char *path = http_path(r->x) + strlen("/api/v1/");

	return text_starts_with(path, "campaigns") ? CATALOG_CAMPAIGN
	       : text_starts_with(path, "venues")  ? CATALOG_VENUE
						   : CATALOG_TEAM;
}

static const char *collection_of(enum catalog_kind kind)
{
	static const char *const names[] = {
		[CATALOG_CAMPAIGN] = "campaigns", [CATALOG_VENUE] = "venues", [CATALOG_TEAM] = "teams",
	};

	return names[kind];
}

/* A venue lies in a unit; campaigns and teams are the province's. */
static bool may_write(struct request *r, const struct catalog_item *item)
{
	struct named unit = { 0 };

	if (item->kind == CATALOG_VENUE)
		unit.id = item->venue.unit_id;
	return request_may_write(r, &unit, unit.id ? 1 : 0, r->today, NULL);
}

static struct buf *written(struct request *r, const struct catalog_item *item)
{
	struct buf *buf = api_scratch(r->api);
	struct json_out out = { .buf = buf };

	catalog_item_write(&out, NULL, item);
	return buf;
}

/* ---- lists ---- */

struct list_op {
	struct request     *r;
	struct catalog_list list;
};

static void list_on_loaded(struct catalog_list *list)
{
	struct list_op *op = container_of(list, struct list_op, list);
	struct json_out out;

	if (list->error.code != ERR_NONE) {
		request_reply_error(op->r, &list->error);
		return;
	}
	request_list_begin(op->r, &out);
	for (size_t i = 0; i < list->nitems; i++)
		catalog_item_write(&out, NULL, &list->items[i]);
	request_list_reply(op->r, &out, list->more ? catalog_item_id(&list->items[list->nitems - 1]) : NULL);
}

static void list_with_units(struct request *r)
{
	struct list_op *op = http_alloc(r->x, sizeof(*op));
	struct params params;
	struct error err;

	op->r = r;
	op->list.kind = kind_of(r);
	if (params_init(&params, r, &err)) {
		op->list.limit = params_limit(&params);
		params_cursor(&params, op->list.after);
		if (op->list.kind == CATALOG_VENUE)
			params_places(&params, "unit", &op->list.units, &op->list.nunits);
		if (op->list.kind != CATALOG_CAMPAIGN)
			op->list.inactive = params_bool(&params, "inactive");
		params_finish(&params);
	}
	if (err.code != ERR_NONE) {
		request_reply_error(r, &err);
		return;
	}
	op->list.arena = r->arena;
	op->list.done = list_on_loaded;
	catalog_list_send(api_store(r->api), &op->list);
}

static void list_start(struct request *r)
{
	request_with_units(r, list_with_units);
}

/* ---- one ---- */

struct item_op {
	struct request     *r;
	int64_t             version;
	struct catalog_load load;
	struct catalog_save save;
};

static void load_item(struct item_op *op, const char *key, void (*done)(struct catalog_load *load))
{
	op->load.kind = kind_of(op->r);
	op->load.key = key;
	op->load.arena = op->r->arena;
	op->load.done = done;
	catalog_load_send(api_store(op->r->api), &op->load);
}

static void get_on_loaded(struct catalog_load *load)
{
	struct item_op *op = container_of(load, struct item_op, load);

	if (load->error.code != ERR_NONE)
		request_reply_error(op->r, &load->error);
	else
		request_reply_versioned(op->r, 200, written(op->r, &load->item),
					catalog_item_version(&load->item));
}

static void get_start(struct request *r)
{
	struct item_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	load_item(op, request_param(r, "id"), get_on_loaded);
}

/* ---- create ---- */

static void reply_created(struct request *r, const struct catalog_item *item)
{
	request_reply_created(r, written(r, item), collection_of(item->kind), catalog_item_id(item),
			      catalog_item_version(item));
}

static void create_on_replayed(struct catalog_load *load)
{
	struct item_op *op = container_of(load, struct item_op, load);

	if (load->error.code != ERR_NONE)
		request_reply_unread(op->r, &load->error);
	else
		reply_created(op->r, &load->item);
}

static void create_was_made(void *context, const char *id)
{
	struct item_op *op = context;

	load_item(op, id, create_on_replayed);
}

static void refuse_create(struct item_op *op, const struct error *err)
{
	request_refuse_create(op->r, err, catalog_kind_text(op->save.next.kind), create_was_made, op);
}

static void create_on_saved(struct catalog_save *save)
{
	struct item_op *op = container_of(save, struct item_op, save);

	if (save->error.code != ERR_NONE)
		refuse_create(op, &save->error);
	else if (save->idempotency.replayed)
		load_item(op, save->idempotency.resource_id, create_on_replayed);
	else
		reply_created(op->r, &save->next);
}

static void save_item(struct item_op *op, void (*done)(struct catalog_save *save))
{
	op->save.actor = op->r->actor;
	op->save.arena = op->r->arena;
	op->save.done = done;
	catalog_save_send(api_store(op->r->api), &op->save);
}

static void create_with_units(struct request *r)
{
	struct item_op *op = http_alloc(r->x, sizeof(*op));
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	op->r = r;
	op->save.next.kind = kind_of(r);
	error_clear(&err);
	if (!catalog_item_read(body, len, false, api_units(r->api), r->today, r->arena, &op->save.next, &err)) {
		refuse_create(op, &err);
		return;
	}
	if (may_write(r, &op->save.next) && request_idempotency(r, &op->save.idempotency))
		save_item(op, create_on_saved);
}

static void create_start(struct request *r)
{
	request_with_units(r, create_with_units);
}

/* ---- change ---- */

static void patch_on_saved(struct catalog_save *save)
{
	struct item_op *op = container_of(save, struct item_op, save);

	if (save->error.code != ERR_NONE)
		request_reply_error(op->r, &save->error);
	else
		request_reply_versioned(op->r, 200, written(op->r, &save->next),
					catalog_item_version(&save->next));
}

static void patch_on_loaded(struct catalog_load *load)
{
	struct item_op *op = container_of(load, struct item_op, load);
	struct request *r = op->r;
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	if (load->error.code != ERR_NONE) {
		request_reply_error(r, &load->error);
		return;
	}
	if (!may_write(r, &load->item))
		return;
	if (catalog_item_version(&load->item) != op->version) {
		request_reply_stale(r, catalog_item_version(&load->item));
		return;
	}
	op->save.before = &load->item;
	op->save.next = load->item;
	error_clear(&err);
	if (!catalog_item_read(body, len, true, api_units(r->api), r->today, r->arena, &op->save.next, &err)) {
		request_reply_error(r, &err);
		return;
	}
	if (may_write(r, &op->save.next))
		save_item(op, patch_on_saved);
}

static void patch_with_units(struct request *r)
{
	struct item_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	if (request_if_match(r, &op->version))
		load_item(op, request_param(r, "id"), patch_on_loaded);
}

static void patch_start(struct request *r)
{
	request_with_units(r, patch_with_units);
}

const struct route catalog_routes[] = {
	{ HTTP_GET_, "/api/v1/campaigns", AREA_ROUNDS, ACCESS_READ, list_start, ROUTE_CACHED, 0 },
	{ HTTP_POST_, "/api/v1/campaigns", AREA_PLANS, ACCESS_WRITE, create_start, 0, 0 },
	{ HTTP_GET_, "/api/v1/campaigns/{id}", AREA_ROUNDS, ACCESS_READ, get_start, ROUTE_CACHED, 0 },
	{ HTTP_PATCH_, "/api/v1/campaigns/{id}", AREA_PLANS, ACCESS_WRITE, patch_start, 0, 0 },
	{ HTTP_GET_, "/api/v1/venues", AREA_ROUNDS, ACCESS_READ, list_start, ROUTE_CACHED, 0 },
	{ HTTP_POST_, "/api/v1/venues", AREA_PLANS, ACCESS_WRITE, create_start, 0, 0 },
	{ HTTP_GET_, "/api/v1/venues/{id}", AREA_ROUNDS, ACCESS_READ, get_start, ROUTE_CACHED, 0 },
	{ HTTP_PATCH_, "/api/v1/venues/{id}", AREA_PLANS, ACCESS_WRITE, patch_start, 0, 0 },
	{ HTTP_GET_, "/api/v1/teams", AREA_ROUNDS, ACCESS_READ, list_start, ROUTE_CACHED, 0 },
	{ HTTP_POST_, "/api/v1/teams", AREA_PLANS, ACCESS_WRITE, create_start, 0, 0 },
	{ HTTP_GET_, "/api/v1/teams/{id}", AREA_ROUNDS, ACCESS_READ, get_start, ROUTE_CACHED, 0 },
	{ HTTP_PATCH_, "/api/v1/teams/{id}", AREA_PLANS, ACCESS_WRITE, patch_start, 0, 0 },
	{ 0 }
};
