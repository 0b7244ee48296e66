#include <stdio.h>
#include <string.h>

#include "api/params.h"
#include "api/places.h"
#include "api/private.h"
#include "api/request.h"
#include "base/error.h"
#include "base/json_out.h"
#include "base/text.h"
#include "config/config.h"
#include "domain/unit.h"
#include "format/atom.h"
#include "format/calendar.h"
#include "store/feed_store.h"
#include "wire/round_wire.h"

/*
 * What others subscribe to: calendars, news, changes for portals. The public's
 * view for everybody, so a token shows no draft here.
 *
 * Calendars and news hold rounds from the first day of this month a year ago,
 * and all to come: long enough for every phone to hear of a cancelled round,
 * and, since it moves once a month, no reason for the bytes to change daily.
 */
enum { MONTHS_BACK = 12, NEWS_LIMIT = 50 };

#define CALENDAR_TYPE "text/calendar; charset=utf-8"
#define ATOM_TYPE     "application/atom+xml; charset=utf-8"

struct feed_op {
	struct request   *r;
	const char       *of;            /* what the title names beside the province; NULL: nothing */
	struct buf        path;          /* of this feed, as its links have it; of the arena when ready */
	const char       *path_text;
	struct round_feed feed;
};

static const char *base_url(const struct request *r)
{
	const char *url = r->api->worker->config->public_url;

	return *url ? url : NULL;
}

/* "tỉnh Lai Châu" of the units that are in force. */
static const char *province(struct request *r)
{
	const struct unit_map *map = api_units(r->api);

	for (size_t i = 0; i < unit_count(map); i++) {
		const struct unit *unit = unit_at(map, i);

		if (unit->level == UNIT_PROVINCE && unit_valid_on(unit, r->today))
			return arena_printf(r->arena, "tỉnh %s", unit->name);
	}
	return "tỉnh";
}

static struct date first_shown(const struct request *r)
{
	return date_add_months(date_make(r->today.year, r->today.month, 1), -MONTHS_BACK);
}

/* ---- the address of a feed, in one spelling whatever the client wrote ---- */

static void append_encoded(struct buf *out, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~@";

	for (; *text; text++) {
		if (strchr(plain, *text))
			buf_append_char(out, *text);
		else
			buf_printf(out, "%%%02X", (unsigned char)*text);
	}
}

static void append_param(struct buf *path, const char *name, const char *value)
{
	if (!value)
		return;
	buf_append_char(path, strchr(path->data, '?') ? '&' : '?');
	buf_append_text(path, name);
	buf_append_char(path, '=');
	append_encoded(path, value);
}

static void take_path(struct feed_op *op)
{
	op->path_text = arena_strdup(op->r->arena, op->path.data);
	buf_release(&op->path);
}

/* ---- asking ---- */

static struct feed_op *feed_op_new(struct request *r, enum feed_order order)
{
	struct feed_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	op->feed = (struct round_feed){
		.order = order,
		.from = first_shown(r),
		.limit = order == FEED_BY_CHANGE ? NEWS_LIMIT : FEED_MAX,
		.arena = r->arena,
	};
	return op;
}

/* A place as its unit calls itself, or as it was typed where several are named. */
static const char *place_name(struct request *r, const char *typed)
{
	const struct unit *unit;

	return unit_match(api_units(r->api), typed, (struct date){ 0 }, &unit, 1) > 0 ? unit->full_name : typed;
}

static bool read_filter(struct feed_op *op, const char *path, struct error *err)
{
	struct round_feed *feed = &op->feed;
	struct params params;
	const char *unit;

	if (!params_init(&params, op->r, err))
		return false;
	unit = params_text(&params, "unit");
	params_places(&params, "unit", &feed->units, &feed->nunits);
	feed->campaign = params_text(&params, "campaign");
	feed->plan = params_text(&params, "plan");
	if (!params_finish(&params))
		return false;
	op->of = unit ? place_name(op->r, unit) : feed->plan;
	buf_append_text(&op->path, path);
	append_param(&op->path, "unit", unit);
	append_param(&op->path, "campaign", feed->campaign);
	append_param(&op->path, "plan", feed->plan);
	take_path(op);
	return true;
}

/* Feeds of one thing, named in the path, take no parameters. */
static bool no_params(struct request *r, struct error *err)
{
	struct params params;

	return params_init(&params, r, err) && params_finish(&params);
}

static void path_of_one(struct feed_op *op, const char *folder, const char *name)
{
	buf_append_text(&op->path, folder);
	append_encoded(&op->path, name);
	buf_append_text(&op->path, ".ics");
	take_path(op);
}

/* ---- calendars ---- */

static void calendar_on_loaded(struct round_feed *feed)
{
	struct feed_op *op = container_of(feed, struct feed_op, feed);
	struct request *r = op->r;
	struct calendar_head head = { .base_url = base_url(r), .path = op->path_text };
	struct buf *buf;

	if (feed->error.code != ERR_NONE) {
		request_reply_round_error(r, &feed->error);
		return;
	}
	head.name = feed->key ? feed->news[0].round.title
		    : op->of  ? arena_printf(r->arena, "Lịch hiến máu: %s", op->of)
			      : arena_printf(r->arena, "Lịch hiến máu %s", province(r));
	buf = api_scratch(r->api);
	calendar_begin(buf, &head);
	for (size_t i = 0; i < feed->nnews; i++)
		calendar_round(buf, &head, &feed->news[i].round, feed->news[i].changed_us);
	calendar_end(buf);
	request_reply_text(r, CALENDAR_TYPE, buf);
}

static void calendar_with_units(struct request *r)
{
	struct feed_op *op = feed_op_new(r, FEED_BY_PERIOD);
	struct error err;

	if (!read_filter(op, "/calendar/rounds.ics", &err)) {
		request_reply_error(r, &err);
		return;
	}
	op->feed.done = calendar_on_loaded;
	round_feed_send(api_store(r->api), &op->feed);
}

static void calendar_start(struct request *r)
{
	request_with_units(r, calendar_with_units);
}

static void unit_calendar_with_units(struct request *r)
{
	struct feed_op *op = feed_op_new(r, FEED_BY_PERIOD);
	const char *typed = request_param(r, "unit");
	const struct unit *unit;
	struct error err;

	error_clear(&err);
	if (!no_params(r, &err) ||
	    !places_find(r, typed, &op->feed.units, &op->feed.nunits, &unit, &err)) {
		request_reply_error(r, &err);
		return;
	}
	op->of = unit->full_name;
	path_of_one(op, "/calendar/units/", typed);
	op->feed.done = calendar_on_loaded;
	round_feed_send(api_store(r->api), &op->feed);
}

static void unit_calendar_start(struct request *r)
{
	request_with_units(r, unit_calendar_with_units);
}

static void round_calendar_start(struct request *r)
{
	struct feed_op *op = feed_op_new(r, FEED_BY_PERIOD);
	struct error err;

	if (!no_params(r, &err)) {
		request_reply_error(r, &err);
		return;
	}
	op->feed.key = request_param(r, "round");
	path_of_one(op, "/calendar/rounds/", op->feed.key);
	op->feed.done = calendar_on_loaded;
	round_feed_send(api_store(r->api), &op->feed);
}

/* ---- news ---- */

static void news_on_loaded(struct round_feed *feed)
{
	struct feed_op *op = container_of(feed, struct feed_op, feed);
	struct request *r = op->r;
	struct atom_head head = { .base_url = base_url(r), .path = op->path_text };
	struct buf *buf;

	if (feed->error.code != ERR_NONE) {
		request_reply_error(r, &feed->error);
		return;
	}
	head.title = op->of ? arena_printf(r->arena, "Tin hiến máu: %s", op->of)
			    : arena_printf(r->arena, "Tin hiến máu %s", province(r));
	head.author = arena_printf(r->arena, "Hội Chữ thập đỏ %s", province(r));
	/* Without an entry: a time that stands as long as the feed stays as it is. */
	head.updated_us = feed->nnews > 0 ? feed->news[0].changed_us : date_instant(feed->from, 0);
	buf = api_scratch(r->api);
	atom_begin(buf, &head);
	for (size_t i = 0; i < feed->nnews; i++)
		atom_round(buf, &head, &feed->news[i].round, feed->news[i].changed_us);
	atom_end(buf);
	request_reply_text(r, ATOM_TYPE, buf);
}

static void news_with_units(struct request *r)
{
	struct feed_op *op = feed_op_new(r, FEED_BY_CHANGE);
	struct error err;

	op->feed.years = true;
	if (!read_filter(op, "/feeds/rounds.atom", &err)) {
		request_reply_error(r, &err);
		return;
	}
	op->feed.done = news_on_loaded;
	round_feed_send(api_store(r->api), &op->feed);
}

static void news_start(struct request *r)
{
	request_with_units(r, news_with_units);
}

/* ---- changes ---- */

/*
 * Never from memory: an answer is made of what is sealed, and sealing moves no
 * topic. It costs one step down an index, and an ETag spares the bytes.
 */
struct changes_op {
	struct request    *r;
	struct change_feed changes;
};

static void changes_on_loaded(struct change_feed *changes)
{
	struct changes_op *op = container_of(changes, struct changes_op, changes);
	char cursor[CHANGE_CURSOR_SIZE];
	struct json_out out;

	if (changes->error.code != ERR_NONE) {
		request_reply_error(op->r, &changes->error);
		return;
	}
	request_list_begin(op->r, &out);
	for (size_t i = 0; i < changes->nnews; i++) {
		jout_object(&out, NULL);
		jout_time(&out, "changed_at", changes->news[i].changed_us);
		jout_text(&out, "action", changes->news[i].action);
		round_write(&out, "round", &changes->news[i].round);
		jout_end(&out);
	}
	jout_end(&out);
	jout_text(&out, "next_cursor", change_cursor_format(&changes->cursor, cursor));
	jout_bool(&out, "more", changes->more);
	jout_end(&out);
	request_reply_json(op->r, 200, out.buf, NULL);
}

static void changes_start(struct request *r)
{
	struct changes_op *op = http_alloc(r->x, sizeof(*op));
	struct change_feed *changes = &op->changes;
	struct params params;
	struct error err;
	const char *cursor;

	op->r = r;
	if (params_init(&params, r, &err)) {
		cursor = params_text(&params, "cursor");
		changes->limit = params_limit(&params);
		if (cursor && !change_cursor_parse(cursor, &changes->cursor))
			params_fault(&params, "cursor", "invalid_value",
				     "Use next_cursor of an earlier answer, unchanged; or none, to begin anew.",
				     "Dùng nguyên next_cursor của câu trả lời trước; hoặc bỏ đi để bắt đầu lại.");
		params_finish(&params);
	}
	if (err.code != ERR_NONE) {
		request_reply_error(r, &err);
		return;
	}
	changes->arena = r->arena;
	changes->done = changes_on_loaded;
	change_feed_send(api_store(r->api), changes);
}

const struct route feed_routes[] = {
	{ HTTP_GET_, "/calendar/rounds.ics", AREA_ROUNDS, ACCESS_READ, calendar_start, ROUTE_CACHED, 0 },
	{ HTTP_GET_, "/calendar/units/{unit}.ics", AREA_ROUNDS, ACCESS_READ, unit_calendar_start, ROUTE_CACHED, 0 },
	{ HTTP_GET_, "/calendar/rounds/{round}.ics", AREA_ROUNDS, ACCESS_READ, round_calendar_start, ROUTE_CACHED, 0 },
	{ HTTP_GET_, "/feeds/rounds.atom", AREA_ROUNDS, ACCESS_READ, news_start, ROUTE_CACHED, 0 },
	{ HTTP_GET_, "/feeds/changes.json", AREA_ROUNDS, ACCESS_READ, changes_start, 0, 0 },
	{ 0 }
};
