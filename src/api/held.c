#include <ctype.h>
#include <string.h>

#include "api/params.h"
#include "api/places.h"
#include "api/private.h"
#include "api/request.h"
#include "base/text.h"
#include "store/held_store.h"
#include "wire/item_wire.h"

/*
 * Items that a person must look at. The list tells nothing personal; who opens one reads a donor's data, and the audit
 * says so. Whether two records are one person is decided with the donors themselves (donor_merges.c): then what was
 * held for it is so no more.
 */

enum { CURSOR_LENGTH = UUID_TEXT_SIZE + 64 };    /* "<id>:<hash>" */

struct held_op {
	struct request    *r;
	struct held_list   list;
	struct held_load   load;
	struct held_decide decide;
};

static void item_write(struct json_out *out, const struct held_item *item)
{
	jout_object(out, NULL);
	jout_text(out, "id", item->id);
	jout_text(out, "content_hash", item->content_hash);
	jout_text(out, "kind", item->kind);
	jout_text(out, "round", item->round_id);
	jout_text(out, "donor", item->donor_id);
	jout_text(out, "device", item->device_id);
	jout_text(out, "install", item->install);
	jout_int(out, "seq", item->seq);
	jout_text(out, "corrects", item->corrects);
	jout_time(out, "captured_at", item->captured_us);
	jout_time(out, "received_at", item->received_us);
	jout_text(out, "verdict", item_verdict_text(item->verdict));
	jout_text(out, "state", item->state);
	jout_array(out, "reasons");
	for (size_t i = 0; i < item->nreasons; i++)
		jout_text(out, NULL, item->reasons[i]);
	jout_end(out);
	jout_text(out, "decision", item->decision);
	jout_bool(out, "staff", item->staff);
}

/* ---- GET /sync/held ---- */

static void list_on_loaded(struct held_list *list)
{
	struct held_op *op = container_of(list, struct held_op, list);
	struct held_item *last = list->nitems > 0 ? &list->items[list->nitems - 1] : NULL;
	struct json_out out;

	if (list->error.code != ERR_NONE) {
		request_reply_error(op->r, &list->error);
		return;
	}
	request_list_begin(op->r, &out);
	for (size_t i = 0; i < list->nitems; i++) {
		item_write(&out, &list->items[i]);
		jout_end(&out);
	}
	request_list_reply(op->r, &out, list->more ? arena_printf(op->r->arena, "%s:%s", last->id, last->content_hash) : NULL);
}

static void list_with_units(struct request *r)
{
	struct held_op *op = http_alloc(r->x, sizeof(*op));
	struct params params;
	struct error err;
	const char *cursor = NULL;

	if (params_init(&params, r, &err)) {
		op->list.limit = params_limit(&params);
		op->list.round_id = params_text(&params, "round");
		cursor = params_text(&params, "cursor");
		if (cursor && (strlen(cursor) != CURSOR_LENGTH || cursor[UUID_TEXT_SIZE - 1] != ':'))
			params_fault(&params, "cursor", "invalid_value", "Use next_cursor of the page before, unchanged.",
				     "Dùng nguyên next_cursor của trang trước.");
		params_finish(&params);
	}
	if (err.code != ERR_NONE) {
		request_reply_error(r, &err);
		return;
	}
	if (cursor)
		memcpy(op->list.after, cursor, CURSOR_LENGTH);
	op->r = r;
	request_readable_units(r, &op->list.units, &op->list.nunits);
	op->list.arena = r->arena;
	op->list.done = list_on_loaded;
	held_list_send(api_store(r->api), &op->list);
}

static void list_start(struct request *r)
{
	request_with_units(r, list_with_units);
}

/* ---- GET /sync/held/{id} ---- */

static void reply_case(struct held_op *op)
{
	struct held_load *load = &op->load;
	struct buf *buf = api_scratch(op->r->api);
	struct json_out out = { .buf = buf };

	jout_object(&out, NULL);
	jout_array(&out, "items");
	for (size_t i = 0; i < load->nitems; i++) {
		item_write(&out, &load->items[i]);
		if (load->items[i].content)
			jout_raw(&out, "content", load->items[i].content);
		else
			jout_null(&out, "content");
		jout_end(&out);
	}
	jout_end(&out);
	jout_null(&out, "next_cursor");
	jout_end(&out);
	request_reply_versioned(op->r, 200, buf, load->version);
}

static void load_on_loaded(struct held_load *load)
{
	struct held_op *op = container_of(load, struct held_op, load);

	if (load->error.code != ERR_NONE)
		request_reply_error(op->r, &load->error);
	else
		reply_case(op);
}

static const char *lower_id(struct request *r)
{
	char *id = arena_strdup(r->arena, request_param(r, "id"));

	for (char *p = id; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return id;
}

static void load_item(struct held_op *op)
{
	struct request *r = op->r;

	op->load = (struct held_load){ .id = lower_id(r), .actor = r->actor, .arena = r->arena, .done = load_on_loaded };
	op->load.actor.request_id = http_request_id(r->x);
	request_readable_units(r, &op->load.units, &op->load.nunits);
	held_load_send(api_store(r->api), &op->load);
}

static void load_with_units(struct request *r)
{
	struct held_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	load_item(op);
}

static void load_start(struct request *r)
{
	request_with_units(r, load_with_units);
}

/* ---- POST /sync/held/{id}/decide, /choose ---- */

static void decide_on_done(struct held_decide *decide)
{
	struct held_op *op = container_of(decide, struct held_op, decide);

	if (decide->error.code == ERR_STALE)
		request_reply_stale(op->r, decide->now);
	else if (decide->error.code != ERR_NONE)
		request_reply_error(op->r, &decide->error);
	else
		load_item(op);
}

static void decide_with_units(struct request *r)
{
	struct held_op *op = http_alloc(r->x, sizeof(*op));
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	op->r = r;
	error_clear(&err);
	op->decide.alone = streq(strrchr(http_path(r->x), '/'), "/choose");
	if (!request_if_match(r, &op->decide.version))
		return;
	if (op->decide.alone ? !item_choice_read(body, len, r->arena, &op->decide.content_hash, &err)
			     : !item_decision_read(body, len, r->arena, &op->decide.content_hash, &op->decide.keep, &err)) {
		request_reply_error(r, &err);
		return;
	}
	op->decide.keep |= op->decide.alone;
	op->decide.id = lower_id(r);
	op->decide.actor = r->actor;
	op->decide.arena = r->arena;
	op->decide.done = decide_on_done;
	request_readable_units(r, &op->decide.units, &op->decide.nunits);
	held_decide_send(api_store(r->api), &op->decide);
}

static void decide_start(struct request *r)
{
	request_with_units(r, decide_with_units);
}

const struct route held_routes[] = {
	{ HTTP_GET_, "/api/v1/sync/held", AREA_HELD, ACCESS_READ, list_start, 0, 0 },
	{ HTTP_GET_, "/api/v1/sync/held/{id}", AREA_HELD, ACCESS_READ, load_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/sync/held/{id}/decide", AREA_HELD, ACCESS_WRITE, decide_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/sync/held/{id}/choose", AREA_HELD, ACCESS_WRITE, decide_start, ROUTE_PERSONAL, 0 },
	{ 0 }
};
