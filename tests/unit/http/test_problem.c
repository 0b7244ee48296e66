#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/probe.h"

static void test_no_code_is_missing(void **state)
{
	(void)state;
	for (int code = ERR_NONE; code < ERR_COUNT; code++) {
		int status = http_error_status((enum error_code)code);

		if (status < 400 || status > 599)
			fail_msg("%s has no status", error_slug((enum error_code)code));
		for (int language = 0; language < LANGUAGE_COUNT; language++) {
			const char *title = http_error_title((enum error_code)code, (enum language)language);
			const char *advice = http_error_advice((enum error_code)code, (enum language)language);

			if (!title || !*title || !text_valid_utf8(title, strlen(title)))
				fail_msg("%s has no title in language %d", error_slug((enum error_code)code), language);
			if (!advice || !*advice || !text_valid_utf8(advice, strlen(advice)))
				fail_msg("%s has no advice in language %d", error_slug((enum error_code)code), language);
		}
		if (code != ERR_NONE && streq(http_error_title((enum error_code)code, LANGUAGE_EN),
					      http_error_title((enum error_code)code, LANGUAGE_VI)))
			fail_msg("%s is not translated", error_slug((enum error_code)code));
	}
}

static void test_statuses(void **state)
{
	static const struct {
		enum error_code code;
		int             status;
	} rows[] = {
		{ ERR_MALFORMED, 400 }, { ERR_INVALID_FIELD, 422 }, { ERR_UNAUTHENTICATED, 401 },
		{ ERR_FORBIDDEN, 403 }, { ERR_NOT_FOUND, 404 }, { ERR_METHOD_NOT_ALLOWED, 405 },
		{ ERR_REQUEST_TIMEOUT, 408 }, { ERR_ILLEGAL_STEP, 409 }, { ERR_STALE, 412 },
		{ ERR_CONTENT_TOO_LARGE, 413 }, { ERR_TARGET_TOO_LONG, 414 }, { ERR_EXPECTATION_FAILED, 417 },
		{ ERR_PRECONDITION_REQUIRED, 428 }, { ERR_TOO_MANY_REQUESTS, 429 }, { ERR_HEAD_TOO_LARGE, 431 },
		{ ERR_NOT_IMPLEMENTED, 501 }, { ERR_UNAVAILABLE, 503 }, { ERR_UNKNOWN_OUTCOME, 503 },
		{ ERR_HTTP_VERSION, 505 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(http_error_status(rows[i].code), rows[i].status);
	assert_int_equal(http_error_status((enum error_code)9999), 500);
}

static struct answer ask(struct probe *p, struct client *c, const char *request)
{
	*c = client_feed(p);
	client_say(c, request);
	return client_answer(c, 0);
}

static void assert_has(const struct answer *a, const char *text)
{
	if (!strstr(a->body, text))
		fail_msg("\"%s\" is not in: %s", text, a->body);
}

static void test_document(void **state)
{
	struct probe p = { 0 };
	struct client c;
	struct answer a;

	(void)state;
	probe_start(&p, NULL);
	a = ask(&p, &c, "GET /none HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_string_equal(answer_field(&a, "Content-Type"), "application/problem+json");
	assert_string_equal(answer_field(&a, "Cache-Control"), "no-store");
	assert_string_equal(answer_field(&a, "Vary"), "Accept-Language");
	assert_has(&a, "{\"type\":\"/problems/not-found\",\"title\":\"Not found\",\"status\":404,"
		       "\"detail\":\"Detail.\",\"advice\":\"Check the address and the id.\",\"request_id\":\"");
	assert_has(&a, answer_field(&a, "Request-Id"));
	client_close(&c);

	a = ask(&p, &c, "GET /none HTTP/1.1\r\nHost: x\r\nAccept-Language: vi-VN,vi;q=0.9,en;q=0.8\r\n\r\n");
	assert_has(&a, "\"title\":\"Không tìm thấy\"");
	assert_has(&a, "\"detail\":\"Chi tiết.\",\"advice\":\"Hãy kiểm tra lại địa chỉ và mã.\"");
	client_close(&c);

	a = ask(&p, &c, "GET /refuse HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(a.status, 401);
	assert_string_equal(answer_field(&a, "WWW-Authenticate"), "Bearer realm=\"giothong\"");
	client_close(&c);
	probe_stop(&p);
}

/* The route of the SMS gateway gets text, also for what the front itself refuses. */
static void test_plain_errors(void **state)
{
	static const struct {
		const char *request;
		int         status;
		const char *body;
	} rows[] = {
		{ "GET /sms/kannel?a=b HTTP/1.1\r\nHost: x\r\n\r\n", 401, "Detail.\n" },
		{ "GET /sms/kannel?a=b HTTP/1.1\r\nHost: x\r\nAccept-Language: vi\r\n\r\n", 401, "Chi tiết.\n" },
		{ "GET /sms/kannel?a=b HTTP/1.1\r\n\r\n", 400, "The request must name exactly one valid Host.\n" },
		{ "GET /sms/kannel?a=b HTTP/2.0\r\n", 505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.\n" },
		{ "GET /sms/kannel?a=\x01", 400, "The request breaks the rules of HTTP.\n" },
		{ "BREW /sms/kannel HTTP/1.1\r\n", 501, "This method is not known here.\n" },
	};
	struct probe p = { 0 };

	(void)state;
	probe_start(&p, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct client c;
		struct answer a = ask(&p, &c, rows[i].request);

		assert_int_equal(a.status, rows[i].status);
		assert_string_equal(answer_field(&a, "Content-Type"), "text/plain; charset=utf-8");
		assert_string_equal(a.body, rows[i].body);
		client_close(&c);
	}
	probe_stop(&p);
}

static struct error *the_error;
static int the_delay;

static void on_head(struct http_exchange *x, void *owner)
{
	(void)owner;
	http_reply_error_after(x, the_error, the_delay);
}

static struct answer fail_with(struct error *err, int delay, struct http_server **server, struct client *c)
{
	static const struct http_app app = { .on_head = on_head };
	struct http_limits limits;
	struct event_base *base = event_base_new();

	the_error = err;
	the_delay = delay;
	http_limits_init(&limits);
	*server = http_server_new(base, -1, &app, NULL, &limits, NULL);
	*c = (struct client){ .fd = -1, .feed = http_feed_new(*server) };
	client_say(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	http_feed_free(c->feed);
	http_server_free(*server);
	event_base_free(base);
	return client_answer(c, 0);
}

static void test_fields_and_retry(void **state)
{
	struct http_server *server;
	struct error err = { 0 };
	struct client c;
	struct answer a;

	(void)state;
	error_add_field(&err, "/title", "required", "Say \"%s\".", "Hãy ghi \"%s\".", "it");
	error_add_field(&err, "/from", "not_a_date", "No date.", "Không phải ngày.");
	a = fail_with(&err, 0, &server, &c);
	assert_int_equal(a.status, 422);
	assert_has(&a, "\"errors\":[{\"pointer\":\"/title\",\"code\":\"required\",\"detail\":\"Say \\\"it\\\".\"},"
		       "{\"pointer\":\"/from\",\"code\":\"not_a_date\",\"detail\":\"No date.\"}]");
	assert_null(answer_field(&a, "Retry-After"));
	buf_release(&c.got);

	error_clear(&err);
	err.code = ERR_TOO_MANY_REQUESTS;
	a = fail_with(&err, 17, &server, &c);
	assert_string_equal(answer_field(&a, "Retry-After"), "17");
	assert_has(&a, "\"advice\":\"Wait as long as Retry-After says.\"");
	buf_release(&c.got);

	err.code = ERR_UNKNOWN_OUTCOME;
	a = fail_with(&err, 0, &server, &c);
	assert_int_equal(a.status, 503);
	assert_string_equal(answer_field(&a, "Retry-After"), "1");
	assert_string_equal(answer_field(&a, "Connection"), "close");
	buf_release(&c.got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_code_is_missing),
		cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_document),
		cmocka_unit_test(test_plain_errors),
		cmocka_unit_test(test_fields_and_retry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
