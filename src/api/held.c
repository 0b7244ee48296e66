#include <ctype.h>
#include <string.h>

#include "api/params.h"
#include "api/places.h"
#include "api/private.h"
#include "api/request.h"
#include "base/error.h"
#include "base/text.h"
#include "store/donor_store.h"
#include "store/held_store.h"
#include "store/item_store.h"
#include "store/round_store.h"
#include "wire/item_wire.h"

/*
 * Items that a person must look at. The list tells nothing personal; who opens one reads a donor's data, and the audit
 * says so. Whether two records are one person is decided with the donors themselves (donor_merges.c): then what was
 * held for it is so no more.
 */

enum { CURSOR_LENGTH = UUID_TEXT_SIZE + 64 };    /* "<id>:<hash>" */

enum held_verb { HELD_DECIDE, HELD_CHOOSE, HELD_ATTACH, HELD_CORRECT };

struct held_op {
	struct request         *r;
	struct held_list        list;
	struct held_load        load;
	/* what a person says of one content of it */
	enum held_verb          verb;
	int64_t                 version;         /* of If-Match */
	struct item_correction  correction;
	const struct held_item *found;
	struct round_load       round;
	struct held_decide      decide;
	struct donor_load       donor, own;
	struct donor_join       join;
	struct item_step        step;
	const struct item      *item;
	struct item_hand_in     hand_in;
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

static void list_send(struct held_op *op)
{
	request_readable_units(op->r, &op->list.units, &op->list.nunits);
	op->list.arena = op->r->arena;
	op->list.done = list_on_loaded;
	held_list_send(api_store(op->r->api), &op->list);
}

static void list_on_round(struct round_load *load)
{
	struct held_op *op = container_of(load, struct held_op, round);

	if (load->error.code != ERR_NONE) {
		request_reply_round_error(op->r, &load->error);
	} else if (!request_sees_round(op->r, &load->round)) {
		request_reply_no_round(op->r);
	} else {
		op->list.round_id = load->round.id;
		list_send(op);
	}
}

static void list_with_units(struct request *r)
{
	struct held_op *op = http_alloc(r->x, sizeof(*op));
	struct params params;
	struct error err;
	const char *cursor = NULL;

	if (params_init(&params, r, &err)) {
		op->list.limit = params_limit(&params);
		op->round.key = params_text(&params, "round");
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
	if (op->round.key) {
		op->round.arena = r->arena;
		op->round.done = list_on_round;
		round_load_send(api_store(r->api), &op->round);
	} else {
		list_send(op);
	}
}

static void list_start(struct request *r)
{
	request_with_units(r, list_with_units);
}

/* ---- GET /sync/held/{id} ---- */

/* What of its content is not understood, as it is read today: a person would look for it in vain. */
static void write_unreadable(struct json_out *out, struct held_op *op, const struct held_item *item)
{
	const struct item_reading reading = { .units = api_units(op->r->api), .rules = op->r->api->daemon->rules, .today = op->r->today };
	enum language language = http_language(op->r->x);
	struct error doubts;

	error_clear(&doubts);
	if (item->content)
		(void)item_content_read(item->content, &reading, op->r->arena, &doubts);
	jout_array(out, "unreadable");
	for (size_t i = 0; i < doubts.nfields; i++) {
		jout_object(out, NULL);
		jout_text(out, "pointer", doubts.fields[i].pointer);
		jout_text(out, "code", doubts.fields[i].code);
		jout_text(out, "detail", doubts.fields[i].detail[language]);
		jout_end(out);
	}
	jout_end(out);
}

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
		write_unreadable(&out, op, &load->items[i]);
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

static void load_item(struct held_op *op, void (*done)(struct held_load *load))
{
	struct request *r = op->r;

	op->load = (struct held_load){ .id = lower_id(r), .actor = r->actor, .arena = r->arena, .done = done };
	op->load.actor.request_id = http_request_id(r->x);
	request_readable_units(r, &op->load.units, &op->load.nunits);
	held_load_send(api_store(r->api), &op->load);
}

static void load_with_units(struct request *r)
{
	struct held_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	load_item(op, load_on_loaded);
}

static void load_start(struct request *r)
{
	request_with_units(r, load_with_units);
}

/* ---- POST /sync/held/{id}/decide, choose, attach, correct ---- */

/*
 * What was read is read again first: whether the round may be written, and for attach and correct what the item says. Each
 * is then one statement, with the version of the case that the person saw: what came to it meanwhile is looked at first.
 */

static void after_on_loaded(struct held_load *load)
{
	struct held_op *op = container_of(load, struct held_op, load);

	if (load->error.code != ERR_NONE)
		request_reply_unread(op->r, &load->error);
	else
		reply_case(op);
}

static void reply_done(struct held_op *op)
{
	load_item(op, after_on_loaded);
}

static void decide_on_done(struct held_decide *decide)
{
	struct held_op *op = container_of(decide, struct held_op, decide);

	if (decide->error.code == ERR_STALE)
		request_reply_stale(op->r, decide->now);
	else if (decide->error.code != ERR_NONE)
		request_reply_error(op->r, &decide->error);
	else
		reply_done(op);
}

static void go_decide(struct held_op *op)
{
	op->decide.id = op->load.id;
	op->decide.actor = op->r->actor;
	op->decide.arena = op->r->arena;
	op->decide.done = decide_on_done;
	request_readable_units(op->r, &op->decide.units, &op->decide.nunits);
	held_decide_send(api_store(op->r->api), &op->decide);
}

/* The same was done before: its answer was lost. */
static bool is_done(const struct held_op *op, const char *id)
{
	for (size_t i = 0; i < op->load.nitems; i++)
		if (streq(op->load.items[i].id, id))
			return true;
	return false;
}

static void reply_unwritten(struct held_op *op)
{
	struct error err;

	error_clear(&err);
	error_set(&err, ERR_UNAVAILABLE, "It could not be written this time: nothing was changed. Try again in a moment.",
		  "Lần này chưa ghi được, chưa có gì thay đổi. Hãy thử lại sau giây lát.");
	request_reply_error_after(op->r, &err, 1);
}

static void correct_on_handed_in(struct item_hand_in *hand_in)
{
	struct held_op *op = container_of(hand_in, struct held_op, hand_in);

	if (hand_in->error.code == ERR_STALE)
		request_reply_stale(op->r, op->load.version);
	else if (hand_in->error.code != ERR_NONE)
		request_reply_error(op->r, &hand_in->error);
	else if (hand_in->results[0].verdict == ITEM_RETRY)
		reply_unwritten(op);
	else
		reply_done(op);
}

/*
 * Whoever works in a scope cannot move a fact out of the round that was looked at, nor, but by attaching it, to whoever bears
 * some id or number: the answer would tell who that is.
 */
static bool stays_in_scope(struct held_op *op, const struct item *item, struct error *err)
{
	const char *const *units;
	size_t count;

	request_readable_units(op->r, &units, &count);
	if (!units)
		return true;
	if (!streq(item->round_id, op->found->round_id))
		error_add_field(err, "/data/round", "not_yours", "Only the province moves an item to another round.",
				"Chỉ cấp tỉnh được chuyển mục sang đợt khác.");
	if (op->correction.data && !item_same_donor(op->found->content, op->correction.data))
		error_add_field(err, "/data/donor", "not_yours",
				"Only the province tells another donor here. Attach the item to a donor of your places.",
				"Chỉ cấp tỉnh được ghi người hiến khác ở đây. Hãy gắn mục với người hiến trong địa bàn của bạn.");
	return err->code == ERR_NONE;
}

static void go_correct(struct held_op *op)
{
	const struct item_reading reading = { .units = api_units(op->r->api), .rules = op->r->api->daemon->rules, .today = op->r->today };
	struct request *r = op->r;
	const char *what = op->correction.data ? op->correction.data : op->correction.donor_id;
	struct error err;

	op->step = (struct item_step){ .item_id = op->load.id, .content_hash = op->correction.content_hash, .version = op->version };
	item_correction_id(api_store(r->api), &op->step, what, op->correction.id);
	if (is_done(op, op->correction.id)) {
		reply_case(op);
		return;
	}
	if (op->load.version != op->version) {
		request_reply_stale(r, op->load.version);
		return;
	}
	error_clear(&err);
	op->item = item_correct(&op->correction, op->found->content, &reading, r->arena, &err);
	if (!op->item || !stays_in_scope(op, op->item, &err)) {
		request_reply_error(r, &err);
		return;
	}
	op->hand_in = (struct item_hand_in){ .items = &op->item, .count = 1, .units = reading.units, .step = &op->step, .today = r->today,
					     .actor = r->actor, .arena = r->arena, .done = correct_on_handed_in };
	item_hand_in_send(api_store(r->api), &op->hand_in);
}

static void attach_on_joined(struct donor_join *join)
{
	struct held_op *op = container_of(join, struct held_op, join);

	if (join->error.code != ERR_NONE)
		request_reply_error(op->r, &join->error);
	else
		reply_done(op);
}

static void attach_on_both(struct donor_load *load)
{
	struct held_op *op = container_of(load, struct held_op, own);

	if (load->error.code != ERR_NONE) {
		request_reply_error(op->r, &load->error);
		return;
	}
	op->join = (struct donor_join){ .verb = DONOR_MERGE, .donor = &op->donor.record, .other = &load->record, .actor = op->r->actor,
					.arena = op->r->arena, .done = attach_on_joined };
	donor_join_send(api_store(op->r->api), &op->join);
}

/* A record that was made of the item itself is merged with the donor's: what else names it follows. */
static void attach_on_loaded(struct donor_load *load)
{
	struct held_op *op = container_of(load, struct held_op, donor);
	struct request *r = op->r;
	struct error err;

	error_clear(&err);
	if (load->error.code == ERR_NOT_FOUND)
		error_add_field(&err, "/donor", "not_found", "There is no such donor in your places.", "Không có người hiến này trong địa bàn của bạn.");
	else if (load->error.code != ERR_NONE)
		err = load->error;
	else if (load->record.donor.erased)
		error_set(&err, ERR_ERASED, "The personal data of this donor has been erased.", "Dữ liệu cá nhân của người hiến này đã bị xóa.");
	if (err.code != ERR_NONE) {
		request_reply_error(r, &err);
	} else if (streq(load->record.donor.id, op->found->person_id)) {
		reply_case(op);
	} else if (!op->found->registers || !streq(op->found->donor_id, op->found->person_id)) {
		op->correction.donor_id = arena_strdup(r->arena, load->record.donor.id);
		go_correct(op);
	} else if (op->load.version != op->version) {
		request_reply_stale(r, op->load.version);
	} else {
		op->own = (struct donor_load){ .key = op->found->donor_id, .exact = true, .arena = r->arena, .done = attach_on_both };
		donor_load_send(api_store(r->api), &op->own);
	}
}

static void go_attach(struct held_op *op)
{
	op->donor = (struct donor_load){ .key = op->correction.donor_id, .arena = op->r->arena, .done = attach_on_loaded };
	request_readable_units(op->r, &op->donor.units, &op->donor.nunits);
	donor_load_send(api_store(op->r->api), &op->donor);
}

static void step_go(struct held_op *op)
{
	struct error err;

	if (op->verb == HELD_DECIDE || op->verb == HELD_CHOOSE) {
		go_decide(op);
	} else if (!op->found->content) {
		error_clear(&err);
		error_set(&err, ERR_ERASED, "The personal data of this donor has been erased: nobody can read what the item says.",
			  "Dữ liệu cá nhân của người hiến này đã bị xóa: không đọc được nội dung của mục.");
		request_reply_error(op->r, &err);
	} else if (op->verb == HELD_ATTACH) {
		go_attach(op);
	} else {
		go_correct(op);
	}
}

static void step_on_round(struct round_load *load)
{
	struct held_op *op = container_of(load, struct held_op, round);
	const struct round *round = &load->round;

	if (load->error.code != ERR_NONE)
		request_reply_error(op->r, &load->error);
	else if (request_may_write(op->r, round->units, round->nunits, round->from, NULL))
		step_go(op);
}

static void step_on_loaded(struct held_load *load)
{
	struct held_op *op = container_of(load, struct held_op, load);
	const char *hash = op->correction.content_hash;
	struct error err;

	error_clear(&err);
	for (size_t i = 0; i < load->nitems && !op->found; i++)
		if (streq(load->items[i].id, load->id) && streq(load->items[i].content_hash, hash))
			op->found = &load->items[i];
	if (load->error.code != ERR_NONE) {
		request_reply_error(op->r, &load->error);
	} else if (!op->found) {
		error_set(&err, ERR_NOT_FOUND, "The item has no such content.", "Mục không có nội dung này.");
		request_reply_error(op->r, &err);
	} else if (op->found->of_round) {
		op->round = (struct round_load){ .key = op->found->of_round, .arena = op->r->arena, .done = step_on_round };
		round_load_send(api_store(op->r->api), &op->round);
	} else {
		step_go(op);
	}
}

static bool read_step(struct held_op *op, struct error *err)
{
	size_t len;
	const char *body = http_body(op->r->x, &len);
	struct arena *arena = op->r->arena;

	switch (op->verb) {
	case HELD_DECIDE:
		return item_decision_read(body, len, arena, &op->correction.content_hash, &op->decide.keep, err);
	case HELD_CHOOSE:
		op->decide.keep = op->decide.alone = true;
		return item_choice_read(body, len, arena, &op->correction.content_hash, err);
	case HELD_ATTACH:
		return item_attachment_read(body, len, arena, &op->correction, err);
	case HELD_CORRECT:
		return item_correction_read(body, len, arena, &op->correction, err);
	}
	return false;
}

static void step_with_units(struct request *r)
{
	static const char *const verbs[] = { "decide", "choose", "attach", "correct" };
	struct held_op *op = http_alloc(r->x, sizeof(*op));
	const char *last = strrchr(http_path(r->x), '/') + 1;
	struct error err;

	op->r = r;
	while (!streq(verbs[op->verb], last))
		op->verb++;
	if (!request_if_match(r, &op->version))
		return;
	error_clear(&err);
	if (!read_step(op, &err)) {
		request_reply_error(r, &err);
		return;
	}
	op->decide.content_hash = op->correction.content_hash;
	op->decide.version = op->version;
	load_item(op, step_on_loaded);
}

static void step_start(struct request *r)
{
	request_with_units(r, step_with_units);
}

const struct route held_routes[] = {
	{ HTTP_GET_, "/api/v1/sync/held", AREA_HELD, ACCESS_READ, list_start, 0, 0 },
	{ HTTP_GET_, "/api/v1/sync/held/{id}", AREA_HELD, ACCESS_READ, load_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/sync/held/{id}/decide", AREA_HELD, ACCESS_WRITE, step_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/sync/held/{id}/choose", AREA_HELD, ACCESS_WRITE, step_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/sync/held/{id}/attach", AREA_HELD, ACCESS_WRITE, step_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/sync/held/{id}/correct", AREA_HELD, ACCESS_WRITE, step_start, ROUTE_PERSONAL, 0 },
	{ 0 }
};
