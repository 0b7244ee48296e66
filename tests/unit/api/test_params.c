#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <event2/event.h>

#include "api/params.h"
#include "api/request.h"
#include "base/error.h"
#include "base/text.h"
#include "http/feed.h"

/* What a handler reads of a query, on a connection without a socket. */
#define ID "0197b1c0-0000-7000-8000-00000000aaaa"

static struct {
	struct error err;
	bool         fine;
	const char  *text;
	char         copy[64], cursor[UUID_TEXT_SIZE];
	struct date  day;
	bool         flag;
	int          limit;
	unsigned     words;
} seen;

static bool colour(const char *text, int *value)
{
	*value = streq(text, "red") ? 0 : streq(text, "blue") ? 3 : -1;
	return *value >= 0;
}

static void on_request(struct http_exchange *x, void *owner)
{
	struct request r = { .x = x, .arena = http_arena(x) };
	struct params params;

	(void)owner;
	memset(&seen, 0, sizeof(seen));
	if (params_init(&params, &r, &seen.err)) {
		seen.text = params_text(&params, "q");
		if (seen.text)
			snprintf(seen.copy, sizeof(seen.copy), "%s", seen.text);
		seen.day = params_date(&params, "on");
		seen.flag = params_bool(&params, "dry");
		seen.limit = params_limit(&params);
		params_cursor(&params, seen.cursor);
		seen.words = params_words(&params, "colour", "red, blue", colour);
		seen.fine = params_finish(&params);
	}
	http_reply(x, &(struct http_reply){ .status = 204 });
}

static void on_head(struct http_exchange *x, void *owner)
{
	(void)x;
	(void)owner;
}

static bool plain_errors(const char *path, void *owner)
{
	(void)path;
	(void)owner;
	return false;
}

static void ask(const char *query)
{
	static const struct http_app app = { .on_head = on_head, .on_request = on_request, .plain_errors = plain_errors };
	struct event_base *base = event_base_new();
	struct http_limits limits;
	struct http_server *server;
	struct http_feed *feed;
	char request[2048];
	size_t len;

	http_limits_init(&limits);
	server = http_server_new(base, -1, &app, NULL, &limits, NULL);
	feed = http_feed_new(server);
	snprintf(request, sizeof(request), "GET /x?%s HTTP/1.1\r\nHost: a\r\n\r\n", query);
	http_feed_bytes(feed, request, strlen(request));
	assert_true(text_starts_with(http_feed_output(feed, &len), "HTTP/1.1 204"));
	http_feed_free(feed);
	http_server_free(server);
	event_base_free(base);
}

static void refused(const char *query, const char *name, const char *code)
{
	ask(query);
	if (seen.fine || seen.err.code != ERR_INVALID_QUERY || seen.err.nfields != 1 ||
	    !streq(seen.err.fields[0].pointer, name) || !streq(seen.err.fields[0].code, code))
		fail_msg("%s: %s %zu %s %s", query, error_slug(seen.err.code), seen.err.nfields,
			 seen.err.fields[0].pointer, seen.err.nfields ? seen.err.fields[0].code : "-");
	assert_string_not_equal(seen.err.fields[0].detail[LANGUAGE_EN], "");
	assert_string_not_equal(seen.err.fields[0].detail[LANGUAGE_VI], seen.err.fields[0].detail[LANGUAGE_EN]);
}

static void test_nothing_is_the_defaults(void **state)
{
	(void)state;
	ask("");
	assert_true(seen.fine);
	assert_null(seen.text);
	assert_true(date_is_none(seen.day));
	assert_false(seen.flag);
	assert_int_equal(seen.limit, 50);
	assert_string_equal(seen.cursor, "");
	assert_int_equal(seen.words, 0);
	ask("q=&on=&limit=&cursor=&colour=&dry=");
	assert_true(seen.fine);
	assert_null(seen.text);
	assert_int_equal(seen.limit, 50);
}

static void test_values(void **state)
{
	(void)state;
	ask("q=than+uy%C3%AAn&on=2024-02-29&dry=true&limit=500&cursor=" ID "&colour=red,blue");
	assert_true(seen.fine);
	assert_string_equal(seen.copy, "than uyên");
	assert_int_equal(seen.day.day, 29);
	assert_true(seen.flag);
	assert_int_equal(seen.limit, 500);
	assert_string_equal(seen.cursor, ID);
	assert_int_equal(seen.words, 1 << 0 | 1 << 3);
	ask("limit=1&dry=false");
	assert_true(seen.fine);
	assert_int_equal(seen.limit, 1);
}

static void test_both_sides_of_limits(void **state)
{
	(void)state;
	refused("limit=0", "limit", "out_of_range");
	refused("limit=501", "limit", "out_of_range");
	refused("limit=5x", "limit", "out_of_range");
	refused("limit=99999999999999999999", "limit", "out_of_range");
	refused("on=2025-02-29", "on", "invalid_date");
	refused("on=2025-2-9", "on", "invalid_date");
	refused("dry=yes", "dry", "invalid_value");
	refused("colour=red,", "colour", "invalid_value");
	refused("colour=red,green", "colour", "invalid_value");
	assert_non_null(strstr(seen.err.fields[0].detail[LANGUAGE_EN], "red, blue"));
	refused("colour=redredredredredredredredredredredred", "colour", "invalid_value");
}

static void test_cursors_come_back_unchanged(void **state)
{
	(void)state;
	refused("cursor=7", "cursor", "invalid_value");
	refused("cursor=" ID "0", "cursor", "invalid_value");
	refused("cursor=2025-03-10_" ID, "cursor", "invalid_value");
	refused("cursor=0197b1c0-0000-7000-8000-00000000aaag", "cursor", "invalid_value");
}

static void test_what_nobody_asked_for(void **state)
{
	(void)state;
	refused("unknown=1", "unknown", "unknown_parameter");
	refused("Q=1", "Q", "unknown_parameter");
	refused("%FF=1", "?", "unknown_parameter");
	refused("q=1&q=2", "q", "repeated");
	refused("q=a%00b", "q", "invalid_value");
	refused("q=%C3", "q", "invalid_value");
	ask("q=%zz");
	assert_false(seen.fine);
	assert_int_not_equal(seen.err.code, ERR_NONE);
}

static void many(int count, char *query, size_t size)
{
	size_t len = 0;

	for (int i = 0; i < count; i++)
		len += (size_t)snprintf(query + len, size - len, "%sp%d=1", i ? "&" : "", i);
}

static void test_how_many(void **state)
{
	char query[1024];

	(void)state;
	many(32, query, sizeof(query));
	ask(query);
	assert_int_equal(seen.err.nfields, ERROR_MAX_FIELDS);
	many(33, query, sizeof(query));
	ask(query);
	assert_int_equal(seen.err.code, ERR_INVALID_QUERY);
	assert_int_equal(seen.err.nfields, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_the_defaults), cmocka_unit_test(test_values),
		cmocka_unit_test(test_both_sides_of_limits), cmocka_unit_test(test_cursors_come_back_unchanged),
		cmocka_unit_test(test_what_nobody_asked_for), cmocka_unit_test(test_how_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
