#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/probe.h"

/* "name=value;..." of the decoded fields, "~" for NUL; "error CODE" when refused. */
static char result[512];

static void on_head(struct http_exchange *x, void *owner)
{
	struct http_param *params;
	struct error err;
	size_t count, n = 0;

	(void)owner;
	error_clear(&err);
	result[0] = '\0';
	if (!http_query(x, &params, &count, &err)) {
		snprintf(result, sizeof(result), "error %s", error_slug(err.code));
		probe_reply_text(x, 200, "");
		return;
	}
	for (size_t i = 0; i < count; i++) {
		n += (size_t)snprintf(result + n, sizeof(result) - n, "%s=", params[i].name);
		for (size_t j = 0; j < params[i].value_len; j++)
			result[n++] = params[i].value[j] ? params[i].value[j] : '~';
		assert_int_equal(params[i].value[params[i].value_len], '\0');
		result[n++] = ';';
		result[n] = '\0';
	}
	probe_reply_text(x, 200, "");
}

static const char *query(struct http_server *server, const char *text)
{
	struct http_feed *feed = http_feed_new(server);
	char request[512];

	snprintf(request, sizeof(request), "GET /q%s HTTP/1.1\r\nHost: x\r\n\r\n", text);
	snprintf(result, sizeof(result), "refused");
	http_feed_bytes(feed, request, strlen(request));
	http_feed_free(feed);
	return result;
}

static void test_queries(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "" }, { "?", "" }, { "?a", "a=;" }, { "?a=", "a=;" }, { "?a=1", "a=1;" }, { "?a=1&b=2", "a=1;b=2;" },
		{ "?a=1&a=2", "a=1;a=2;" }, { "?&&a=1&", "a=1;" }, { "?a=b=c", "a=b=c;" }, { "?=v", "=v;" },
		{ "?a=x+y%20z", "a=x y z;" }, { "?a%5B=%5d", "a[=];" }, { "?a=%00%2F", "a=~/;" }, { "?a=%C4%90", "a=\xc4\x90;" },
		{ "?a=%FF%fe", "a=\xff\xfe;" }, { "?a=%26%3D", "a=&=;" }, { "?a=%", "error invalid-query" },
		{ "?a=%4", "error invalid-query" }, { "?a=%zz", "error invalid-query" }, { "?a=%4&b", "error invalid-query" },
		{ "?%=1", "error invalid-query" }, { "?a%00=1", "error invalid-query" }, { "?a=%u0041", "error invalid-query" },
		{ "?a#b", "refused" },
	};
	static const struct http_app app = { .on_head = on_head };
	struct event_base *base = event_base_new();
	struct http_limits limits;
	struct http_server *server;

	(void)state;
	http_limits_init(&limits);
	server = http_server_new(base, -1, &app, NULL, &limits, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!streq(query(server, rows[i].text), rows[i].want))
			fail_msg("%s gave \"%s\", not \"%s\"", rows[i].text, result, rows[i].want);
	http_server_free(server);
	event_base_free(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_queries) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
