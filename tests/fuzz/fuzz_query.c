#include <event2/event.h>

#include "api/params.h"
#include "api/request.h"
#include "base/memory.h"
#include "base/uuid.h"
#include "domain/lai_chau_units.h"
#include "domain/plan.h"
#include "domain/scope.h"
#include "fuzz/fuzz.h"
#include "http/feed.h"
#include "http/http.h"
#include "http/router.h"
#include "store/feed_store.h"

/*
 * What stands in an address. The first letter says what the rest is:
 *
 *	t  a target "/path?query", through the front. Oracle: path and parameters,
 *	   written again with every byte escaped, come back the same; no escape is a
 *	   slash; a route that matches gives back the path; parameters are read or
 *	   refused by name
 *	w  a word: a date, a time, an hour, a number, a uuid. Oracle: what is read is
 *	   written the same, and read again
 *	c  a cursor of changes. Oracle: what is read is written the same
 *	u  a place as a person types it. Oracle: folding and composing are stable,
 *	   look-ups stay within their bounds
 */
static struct http_server *server;
static struct http_router *router;
static struct unit_map *units;

/* ---- t ---- */

static struct {
	bool       seen;
	struct buf path, params;         /* "name=value\n", bytes as they are */
	struct buf again;                /* the target, escaped */
} target;

static void escape(struct buf *out, const char *bytes, size_t len, bool keep_slash)
{
	for (size_t i = 0; i < len; i++)
		if (keep_slash && bytes[i] == '/')
			buf_append_char(out, '/');
		else
			buf_printf(out, "%%%02X", (unsigned char)bytes[i]);
}

static bool order_word(const char *text, int *value)
{
	*value = 3;
	return streq(text, "asc") || streq(text, "desc");
}

static void read_params(struct http_exchange *x)
{
	struct request r = { .x = x, .arena = http_arena(x) };
	char cursor[UUID_TEXT_SIZE], text[DATE_TEXT_SIZE];
	struct params params;
	struct error err;
	struct date day;
	bool fine = false;

	if (params_init(&params, &r, &err)) {
		const char *place = params_text(&params, "unit");
		int limit = params_limit(&params);

		FUZZ_CHECK(!place || (*place && text_valid_utf8(place, strlen(place))), "unit");
		FUZZ_CHECK(limit >= 1 && limit <= 500, "%d", limit);
		day = params_date(&params, "from");
		FUZZ_CHECK(date_is_none(day) || strlen(date_format(day, text)) == 10, "%s", text);
		params_bool(&params, "inactive");
		params_cursor(&params, cursor);
		FUZZ_CHECK(!*cursor || uuid_valid(cursor), "%s", cursor);
		FUZZ_CHECK((params_words(&params, "order", "asc, desc", order_word) & ~8u) == 0, "order");
		fine = params_finish(&params);
	}
	if (!fine) {
		FUZZ_CHECK(err.code == ERR_INVALID_QUERY, "%d", (int)err.code);
		fuzz_check_refusal(&err);
	}
}

static void check_route(const char *path)
{
	static const char *const patterns[] = { "/", "/api/v1/rounds", "/api/v1/rounds/{id}",
						"/api/v1/rounds/{id}/{verb}", "/api/v1/plans/import",
						"/api/v1/plans/{id}/rounds", "/sms/kannel" };
	struct http_match match;
	struct buf made = { 0 };
	size_t next = 0;

	if (!router) {
		router = http_router_new();
		for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
			http_router_add(router, HTTP_GET_, patterns[i], (int)i);
	}
	http_router_match(router, HTTP_GET_, path, &match);
	if (match.route < 0)
		return;
	FUZZ_CHECK(match.allowed && (size_t)match.route < ARRAY_SIZE(patterns), "%d", match.route);
	for (const char *p = patterns[match.route]; *p; p++) {
		if (*p != '{') {
			buf_append_char(&made, *p);
			continue;
		}
		FUZZ_CHECK(next < match.nparams && *match.params[next].value, "%s", path);
		buf_append_text(&made, match.params[next++].value);
		p = strchr(p, '}');
	}
	FUZZ_CHECK(streq(made.data, path), "%s is not %s", made.data, path);
	buf_release(&made);
}

static size_t count_slashes(const char *text, size_t len)
{
	size_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += text[i] == '/';
	return count;
}

static void on_head(struct http_exchange *x, void *owner)
{
	size_t raw = strcspn(http_target(x), "?");

	(void)owner;
	FUZZ_CHECK(raw == 0 || count_slashes(http_path(x), strlen(http_path(x))) == count_slashes(http_target(x), raw),
		   "%s", http_target(x));
}

static void on_request(struct http_exchange *x, void *owner)
{
	struct http_param *params;
	struct error err;
	size_t count;

	(void)owner;
	target.seen = true;
	buf_reset(&target.path);
	buf_reset(&target.params);
	buf_reset(&target.again);
	buf_append_text(&target.path, http_path(x));
	escape(&target.again, http_path(x), strlen(http_path(x)), true);
	check_route(http_path(x));
	read_params(x);
	error_clear(&err);
	if (http_query(x, &params, &count, &err)) {
		for (size_t i = 0; i < count; i++) {
			buf_append_text(&target.params, params[i].name);
			buf_append_char(&target.params, '=');
			buf_append(&target.params, params[i].value, params[i].value_len);
			buf_append_char(&target.params, '\n');
			FUZZ_CHECK(params[i].value[params[i].value_len] == '\0', "a value without end");
			buf_append_char(&target.again, i ? '&' : '?');
			escape(&target.again, params[i].name, strlen(params[i].name), false);
			buf_append_char(&target.again, '=');
			escape(&target.again, params[i].value, params[i].value_len, false);
		}
	} else {
		FUZZ_CHECK(err.code == ERR_INVALID_QUERY, "%d", (int)err.code);
		fuzz_check_refusal(&err);
	}
	http_reply(x, &(struct http_reply){ .status = 204 });
}

static bool plain_errors(const char *path, void *owner)
{
	(void)path;
	(void)owner;
	return false;
}

static void start(void)
{
	static const struct http_app app = { on_head, on_request, plain_errors };
	struct http_limits limits;

	http_limits_init(&limits);
	limits.head_max = 64 * 1024;
	limits.target_max = 60 * 1024;   /* escaped three times as long */
	server = http_server_new(event_base_new(), -1, &app, NULL, &limits, NULL);
}

static void ask(const char *text, size_t len)
{
	static const char after[] = " HTTP/1.1\r\nHost: x\r\n\r\n";
	struct http_feed *feed = http_feed_new(server);
	size_t output;

	target.seen = false;
	http_feed_bytes(feed, "GET ", 4);
	http_feed_bytes(feed, text, len);
	http_feed_bytes(feed, after, strlen(after));
	http_feed_output(feed, &output);
	FUZZ_CHECK(output > 0, "no answer");
	http_feed_free(feed);
}

static void fuzz_target(const char *text, size_t len)
{
	struct buf path = { 0 }, params = { 0 }, again = { 0 };

	if (!server)
		start();
	if (len > 4000)
		return;
	ask(text, len);
	if (target.seen && !streq(target.path.data, "*")) {
		path = target.path;
		params = target.params;
		again = target.again;
		target.path = target.params = target.again = (struct buf){ 0 };
		ask(again.data, again.len);
		FUZZ_CHECK(target.seen && streq(path.data, target.path.data), "%s", again.data);
		FUZZ_CHECK(params.len == target.params.len &&
				   (params.len == 0 || memcmp(params.data, target.params.data, params.len) == 0),
			   "%s", again.data);
		FUZZ_CHECK(streq(again.data, target.again.data), "%s", again.data);
		buf_release(&path);
		buf_release(&params);
		buf_release(&again);
	}
}

/* ---- w ---- */

static void fuzz_word(const char *word)
{
	char text[TIME_TEXT_SIZE], day_text[DATE_TEXT_SIZE], hour[6];
	int64_t instant, second;
	struct date day;
	int minute, again;
	long number;

	if (date_parse(word, &day)) {
		FUZZ_CHECK(streq(date_format(day, day_text), word), "%s", word);
		FUZZ_CHECK(date_compare(date_from_days(date_days(day)), day) == 0, "%s", word);
		FUZZ_CHECK(date_valid(day.year, day.month, day.day), "%s", word);
	}
	if (time_parse(word, &instant)) {
		time_format(instant, text);
		FUZZ_CHECK(time_parse(text, &second), "%s -> %s", word, text);
		FUZZ_CHECK(second <= instant && instant - second < 1000000, "%s -> %s", word, text);
		FUZZ_CHECK(!date_is_none(date_of_instant(instant)), "%s", word);
	}
	if (minute_parse(word, &minute)) {
		FUZZ_CHECK(minute >= 0 && minute <= 1440, "%d", minute);
		FUZZ_CHECK(minute_parse(minute_format(minute, hour), &again) && minute == again, "%s", word);
	}
	if (text_to_int(word, -1000000, 1000000, &number)) {
		snprintf(text, sizeof(text), "%ld", number);
		FUZZ_CHECK(number >= -1000000 && number <= 1000000 && text_to_int(text, number, number, &number), "%s",
			   word);
	}
	if (uuid_valid(word))
		FUZZ_CHECK(strlen(word) == UUID_TEXT_SIZE - 1, "%s", word);
}

/* ---- c ---- */

static void fuzz_cursor(const char *text)
{
	char again[CHANGE_CURSOR_SIZE];
	struct change_cursor cursor;

	if (change_cursor_parse(text, &cursor)) {
		FUZZ_CHECK(cursor.position >= 0 && (cursor.position == 0 || uuid_valid(cursor.round_id)), "%s", text);
		FUZZ_CHECK(streq(change_cursor_format(&cursor, again), text), "%s is not %s", again, text);
	}
}

/* ---- u ---- */

enum { FOUND_MAX = 8 };

static void check_texts(const char *typed)
{
	char first[2048], second[2048], slug[128], slug2[128];

	if (text_fold(typed, first, sizeof(first))) {
		FUZZ_CHECK(text_fold(first, second, sizeof(second)) && streq(first, second), "\"%s\" \"%s\"", first,
			   second);
		FUZZ_CHECK(strlen(first) > 64 || text_distance(first, first, 3) == 0, "%s", first);
	}
	if (text_compose(typed, first, sizeof(first)))
		FUZZ_CHECK(text_compose(first, second, sizeof(second)) && streq(first, second), "\"%s\" \"%s\"", first,
			   second);
	if (text_strip_marks(typed, first, sizeof(first)))
		FUZZ_CHECK(text_strip_marks(first, second, sizeof(second)) && streq(first, second), "\"%s\" \"%s\"",
			   first, second);
	if (plan_slug(typed, slug, sizeof(slug)))
		FUZZ_CHECK(plan_slug(slug, slug2, sizeof(slug2)) && streq(slug, slug2), "\"%s\" \"%s\"", slug, slug2);
}

static void fuzz_place(const char *typed)
{
	const struct unit *found[FOUND_MAX], *near[FOUND_MAX];
	static const struct date days[] = { { 0 }, { 2025, 6, 30 }, { 2025, 7, 1 } };

	if (!units)
		units = test_units();
	if (!text_valid_utf8(typed, strlen(typed)))
		return;
	check_texts(typed);
	for (size_t d = 0; d < ARRAY_SIZE(days); d++) {
		size_t count = unit_match(units, typed, days[d], found, FOUND_MAX);
		size_t nearest = unit_nearest(units, typed, days[d], near, FOUND_MAX);

		FUZZ_CHECK(nearest <= FOUND_MAX, "%zu", nearest);
		for (size_t i = 0; i < nearest; i++)
			FUZZ_CHECK(unit_by_id(units, near[i]->id) == near[i], "%s", near[i]->id);
		for (size_t i = 0; i < count && i < FOUND_MAX; i++)
			FUZZ_CHECK(unit_related(units, found[i], found[i]), "%s", found[i]->id);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned kind = fuzz_byte(&data, &size);
	char *text = fuzz_rest(data, size);

	if (kind == 't')
		fuzz_target(text, size);
	else if (kind == 'w')
		fuzz_word(text);
	else if (kind == 'c')
		fuzz_cursor(text);
	else if (kind == 'u')
		fuzz_place(text);
	free(text);
	return 0;
}
