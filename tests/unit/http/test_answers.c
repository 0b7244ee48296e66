#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/uuid.h"
#include "http/probe.h"

#define END "Host: x\r\n\r\n"

static struct probe probe;

/* A fresh feed, one request, its first answer. */
static struct answer ask(struct client *c, const char *request)
{
	*c = client_feed(&probe);
	client_say(c, request);
	return client_answer(c, 0);
}

static void assert_field(const struct answer *a, const char *name, const char *want)
{
	const char *value = answer_field(a, name);

	if (!streq(value, want))
		fail_msg("%s is \"%s\", not \"%s\"", name, value ? value : "(none)", want ? want : "(none)");
}

static void test_plain_answer(void **state)
{
	struct client c;
	struct answer a = ask(&c, "GET /echo HTTP/1.1\r\n" END);
	const char *date = answer_field(&a, "Date");

	(void)state;
	assert_non_null(date);
	assert_int_equal(strlen(date), 29);
	assert_string_equal(date + 25, " GMT");
	assert_field(&a, "Content-Type", "text/plain; charset=utf-8");
	assert_field(&a, "Content-Length", "14");
	assert_field(&a, "Cache-Control", "no-store");
	assert_field(&a, "X-Content-Type-Options", "nosniff");
	assert_field(&a, "Server", NULL);
	assert_field(&a, "Connection", NULL);
	assert_field(&a, "Vary", NULL);
	assert_true(uuid_valid(answer_field(&a, "Request-Id")));
	assert_int_equal(answer_field(&a, "Request-Id")[14], '7');
	client_close(&c);
}

static void test_connection_field(void **state)
{
	static const struct {
		const char *request, *connection;
	} rows[] = {
		{ "GET /echo HTTP/1.1\r\n" END, NULL },
		{ "GET /echo HTTP/1.1\r\nConnection: keep-alive\r\n" END, NULL },
		{ "GET /echo HTTP/1.1\r\nConnection: close\r\n" END, "close" },
		{ "GET /echo HTTP/1.0\r\n\r\n", "close" },
		{ "GET /echo HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "keep-alive" },
		{ "GET /ready HTTP/1.1\r\n" END, NULL },
		{ "GET /ready HTTP/1.1\r\nConnection: close\r\n" END, "close" },
		{ "GET /ready HTTP/1.0\r\n\r\n", "close" },
		{ "GET /ready HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "keep-alive" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct client c;
		struct answer a = ask(&c, rows[i].request);

		assert_int_equal(a.status, 200);
		assert_field(&a, "Connection", rows[i].connection);
		assert_int_equal(c.ended, streq(rows[i].connection, "close"));
		client_close(&c);
	}
}

static void unzip(const struct answer *a, char *out, size_t size)
{
	z_stream z = { 0 };

	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_in = (Bytef *)(uintptr_t)a->body;
	z.avail_in = (uInt)a->body_len;
	z.next_out = (Bytef *)out;
	z.avail_out = (uInt)size;
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.total_out, size);
	inflateEnd(&z);
}

/* What both ways of answering must do with the same 3,000 bytes. */
static void check_forms(const char *path)
{
	static const struct {
		const char *fields;
		int         status;
		const char *encoding, *etag;
	} rows[] = {
		{ "", 200, NULL, "\"v1\"" },
		{ "Accept-Encoding: gzip\r\n", 200, "gzip", "\"v1-gzip\"" },
		{ "Accept-Encoding: gzip;q=0\r\n", 200, NULL, "\"v1\"" },
		{ "If-None-Match: \"v1\"\r\n", 304, NULL, "\"v1\"" },
		{ "If-None-Match: W/\"v1\"\r\n", 304, NULL, "\"v1\"" },
		{ "If-None-Match: *\r\n", 304, NULL, "\"v1\"" },
		{ "If-None-Match: \"v0\"\r\n", 200, NULL, "\"v1\"" },
		{ "If-None-Match: \"v1-gzip\"\r\nAccept-Encoding: gzip\r\n", 304, NULL, "\"v1-gzip\"" },
	};
	static const char *const methods[] = { "GET", "HEAD" };
	char request[512], text[PROBE_BODY_LEN];

	for (size_t i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
		size_t row = i / 2;
		struct client c;
		struct answer a;

		snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\n%s" END, methods[i % 2], path, rows[row].fields);
		c = client_feed(&probe);
		client_say(&c, request);
		if (i % 2 && rows[row].status == 200) {
			const char *at = c.got.data;

			assert_true(answer_next(&at, c.got.data + c.got.len, true, &a));
			assert_ptr_equal(at, c.got.data + c.got.len);
		} else {
			a = client_answer(&c, 0);
		}
		assert_int_equal(a.status, rows[row].status);
		assert_field(&a, "Content-Encoding", rows[row].encoding);
		assert_field(&a, "ETag", rows[row].etag);
		assert_field(&a, "Vary", "Accept-Encoding");
		assert_field(&a, "Cache-Control", "public, max-age=1");
		if (a.status == 304) {
			assert_field(&a, "Content-Length", NULL);
			assert_field(&a, "Content-Type", NULL);
		} else if (!rows[row].encoding) {
			assert_field(&a, "Content-Length", "3000");
		} else {
			assert_in_range(atoi(answer_field(&a, "Content-Length")), 20, 1000);
		}
		if (i % 2 == 0 && rows[row].encoding) {
			unzip(&a, text, sizeof(text));
			assert_memory_equal(text, probe_body, sizeof(text));
		}
		client_close(&c);
	}
}

static void test_forms(void **state)
{
	(void)state;
	check_forms("/tagged");
	check_forms("/ready");
}

static void test_small_and_large_bodies(void **state)
{
	static char text[300000];
	struct client c;
	struct answer a = ask(&c, "GET /echo HTTP/1.1\r\nAccept-Encoding: gzip\r\n" END);

	(void)state;
	assert_field(&a, "Content-Encoding", NULL);
	client_close(&c);
	a = ask(&c, "GET /big HTTP/1.1\r\nAccept-Encoding: gzip\r\n" END);
	assert_field(&a, "Content-Encoding", "gzip");
	unzip(&a, text, sizeof(text));
	assert_memory_equal(text, probe_big, sizeof(text));
	client_close(&c);
}

/* The interim answer comes once the head is accepted, before the body, and never after a refusal. */
static void test_continue(void **state)
{
	struct client c = client_feed(&probe);

	(void)state;
	client_say(&c, "POST /echo HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n" END);
	assert_string_equal(c.got.data, "HTTP/1.1 100 Continue\r\n\r\n");
	client_say(&c, "hi");
	assert_int_equal(client_answer(&c, 1).status, 200);
	client_close(&c);

	c = client_feed(&probe);
	client_say(&c, "POST /refuse HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n" END);
	assert_string_equal(client_statuses(&c, false), "401");
	assert_null(strstr(c.got.data, "100 Continue"));
	client_close(&c);

	c = client_feed(&probe);
	client_say(&c, "POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n" END);
	assert_int_equal(c.got.len, 0);
	client_close(&c);
}

/* What is sent while a request is being answered waits, and is answered in order. */
static void pipeline_behind_later(struct client *c)
{
	client_say(c, "GET /later HTTP/1.1\r\n" END "GET /echo/2 HTTP/1.1\r\n" END);
	assert_int_equal(c->got.len, 0);
	assert_non_null(probe.later);
	client_say(c, "GET /later HTTP/1.1\r\n" END "GET /echo/4 HTTP/1.1\r\n" END);
	assert_int_equal(c->got.len, 0);
	probe_answer_later(&probe, "first");
	client_pump(c);
	assert_string_equal(client_statuses(c, false), "200 200");
	probe_answer_later(&probe, "third");
	client_pump(c);
	assert_string_equal(client_statuses(c, false), "200 200 200 200");
	assert_memory_equal(client_answer(c, 0).body, "first", 5);
	assert_memory_equal(client_answer(c, 1).body, "GET /echo/2 ", 12);
	assert_memory_equal(client_answer(c, 2).body, "third", 5);
	assert_memory_equal(client_answer(c, 3).body, "GET /echo/4 ", 12);
}

static void test_pipeline(void **state)
{
	struct client c = client_feed(&probe);

	(void)state;
	pipeline_behind_later(&c);
	client_close(&c);
	c = client_connect(&probe);
	pipeline_behind_later(&c);
	client_close(&c);
}

/* A request that waited behind another is timed from when its turn came. */
static void test_time_behind_later(void **state)
{
	struct client c = client_feed(&probe);
	int64_t answered_us;

	(void)state;
	client_say(&c, "GET /later HTTP/1.1\r\n" END "GET /later HTTP/1.1\r\n" END);
	usleep(20000);
	answered_us = clock_mono_us();
	probe_answer_later(&probe, "first");
	assert_true(http_started_us(probe.later) >= answered_us);
	probe_answer_later(&probe, "second");
	client_close(&c);
}

static struct buf many_requests(const char *path, int count)
{
	struct buf bytes = { 0 };

	for (int i = 0; i < count; i++)
		buf_printf(&bytes, "GET %s HTTP/1.1\r\n" END, path);
	return bytes;
}

static size_t count_answers(const struct client *c)
{
	const char *at = c->got.data, *end = at + c->got.len;
	struct answer a;
	size_t count = 0;

	while (at && answer_next(&at, end, false, &a))
		count++;
	assert_ptr_equal(at, end);
	return count;
}

/* Far more answers than the socket takes: parsing stops, and goes on when they have been read. */
static void test_full_output(void **state)
{
	static const char *const paths[] = { "/big", "/tagged", "/ready" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct buf bytes = many_requests(paths[i], 500);
		struct client c = client_connect(&probe);
		size_t sent = 0;
		int before = probe.requests;

		while (sent < bytes.len) {
			ssize_t n = send(c.fd, bytes.data + sent, bytes.len - sent, MSG_NOSIGNAL);

			for (int turn = 0; turn < 5; turn++)
				event_base_loop(probe.base, EVLOOP_NONBLOCK);
			if (n < 0)
				break;
			sent += (size_t)n;
		}
		/* Nothing has been read: the rest waits here and in the kernel. */
		assert_in_range(probe.requests - before, 1, 499);
		client_pump(&c);
		client_send(&c, bytes.data + sent, bytes.len - sent);
		client_pump(&c);
		assert_int_equal(count_answers(&c), 500);
		client_close(&c);
		buf_release(&bytes);
	}
}

static void test_answer_after_the_client_left(void **state)
{
	struct client c = client_connect(&probe);

	(void)state;
	client_say(&c, "GET /later HTTP/1.1\r\n" END);
	assert_non_null(probe.later);
	client_close(&c);
	event_base_loop(probe.base, EVLOOP_NONBLOCK);
	probe_answer_later(&probe, "nobody reads this");
	event_base_loop(probe.base, EVLOOP_NONBLOCK);
	assert_int_equal(http_server_counters(probe.server)->open, 0);
}

/* A client may say that it sends no more and still wants its answers, also the late one. */
static void test_half_closed_client(void **state)
{
	struct client c = client_connect(&probe);

	(void)state;
	client_send(&c, "GET /echo HTTP/1.1\r\n" END "GET /later HTTP/1.1\r\n" END,
		    strlen("GET /echo HTTP/1.1\r\n" END "GET /later HTTP/1.1\r\n" END));
	shutdown(c.fd, SHUT_WR);
	client_pump(&c);
	assert_string_equal(client_statuses(&c, false), "200");
	assert_false(c.ended);
	probe_answer_later(&probe, "late");
	client_pump(&c);
	assert_string_equal(client_statuses(&c, false), "200 200");
	assert_true(c.ended);
	client_close(&c);

	c = client_connect(&probe);
	client_say(&c, "GET /echo HTTP/1.1\r\n");
	shutdown(c.fd, SHUT_WR);
	client_pump(&c);
	assert_true(c.ended);
	assert_int_equal(c.got.len, 0);
	client_close(&c);
}

/* Errors to HEAD have no body either. */
static void test_head_of_an_error(void **state)
{
	struct client c = client_feed(&probe);
	size_t len;

	(void)state;
	client_say(&c, "HEAD /none HTTP/1.1\r\n" END);
	len = c.got.len;
	assert_true(len > 4);
	assert_string_equal(c.got.data + len - 4, "\r\n\r\n");
	assert_null(strstr(c.got.data, "/problems/"));
	client_close(&c);
}

static void test_ready_size(void **state)
{
	struct http_ready *more = http_ready_ref(probe.ready);

	(void)state;
	assert_in_range(http_ready_size(more), PROBE_BODY_LEN, 4 * PROBE_BODY_LEN);
	http_ready_unref(more);
	http_ready_unref(NULL);
}

/* ---- an application that looks closer ---- */

static char noted[512];

static void close_look(struct http_exchange *x, void *owner)
{
	struct http_reply none = { .status = 201 };

	(void)owner;
	snprintf(noted, sizeof(noted), "%s|%s|%s|%s", http_client_address(x), http_target(x),
		 http_header(x, "x-two") ? http_header(x, "x-two") : "-",
		 http_header(x, "if-match") ? http_header(x, "if-match") : "-");
	http_add_header(x, "Location", "/a\r\nX-Evil: 1");
	http_add_header(x, "Allow", "GET");
	http_reply(x, &none);
}

static void test_request_and_headers(void **state)
{
	static const struct http_app app = { .on_head = close_look };
	static const struct {
		const char *trust, *request, *want;
	} rows[] = {
		{ NULL, "GET /a?b HTTP/1.1\r\nX-Forwarded-For: 192.0.2.1\r\n" END, "unix|/a?b|-|-" },
		{ "unix", "GET /a HTTP/1.1\r\nX-Two: first\r\nx-two: second\r\n" END, "unix|/a|first|-" },
		{ "unix", "GET /a HTTP/1.1\r\nX-Forwarded-For: 198.51.100.9, 192.0.2.1\r\n" END, "192.0.2.1|/a|-|-" },
		{ "unix", "GET /a HTTP/1.1\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 2001:DB8::1 \r\n" END,
		  "2001:db8::1|/a|-|-" },
		{ "unix", "GET /a HTTP/1.1\r\nX-Forwarded-For: <script>\r\n" END, "unix|/a|-|-" },
		{ "10.0.0.0/8", "GET /a HTTP/1.1\r\nX-Forwarded-For: 192.0.2.1\r\n" END, "unix|/a|-|-" },
		{ NULL, "GET http://h HTTP/1.1\r\nIf-Match: \"v7-gzip\"\r\n" END, "unix|/|-|\"v7\"" },
		{ NULL, "GET http://h?q HTTP/1.1\r\nIf-Match: \"a\", \"v7-gzip\", \"b-gzip\"\r\n" END,
		  "unix|/?q|-|\"a\", \"v7\", \"b\"" },
	};
	struct http_limits limits;

	(void)state;
	http_limits_init(&limits);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct http_server *server = http_server_new(probe.base, -1, &app, NULL, &limits, rows[i].trust);
		struct client c = { .fd = -1, .feed = http_feed_new(server) };
		struct answer a;

		client_say(&c, rows[i].request);
		assert_string_equal(noted, rows[i].want);
		a = client_answer(&c, 0);
		assert_int_equal(a.status, 201);
		assert_field(&a, "Content-Length", "0");
		assert_field(&a, "Location", "/a  X-Evil: 1");
		assert_field(&a, "X-Evil", NULL);
		assert_field(&a, "Allow", "GET");
		client_close(&c);
		http_server_free(server);
	}
}

static void test_counters(void **state)
{
	const struct http_counters *n = http_server_counters(probe.server);
	struct http_counters before = *n;
	struct client c = client_feed(&probe);
	uint64_t measured = 0;

	(void)state;
	client_say(&c, "GET /echo HTTP/1.1\r\n" END "GET /none HTTP/1.1\r\n" END "BAD\r\n");
	assert_int_equal(n->requests - before.requests, 2);
	assert_int_equal(n->status[2] - before.status[2], 1);
	assert_int_equal(n->status[4] - before.status[4], 2);
	assert_int_equal(n->rejected - before.rejected, 1);
	assert_int_equal(n->open - before.open, 1);
	client_close(&c);
	assert_int_equal(n->closed - before.closed, 1);
	for (size_t i = 0; i < ARRAY_SIZE(n->bucket); i++)
		measured += n->bucket[i];
	assert_int_equal(measured, n->seconds_count);
}

static int group_start(void **state)
{
	(void)state;
	probe_start(&probe, "unix");
	return 0;
}

static int group_stop(void **state)
{
	(void)state;
	probe_stop(&probe);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_answer),
		cmocka_unit_test(test_connection_field),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_small_and_large_bodies),
		cmocka_unit_test(test_continue),
		cmocka_unit_test(test_pipeline),
		cmocka_unit_test(test_time_behind_later),
		cmocka_unit_test(test_full_output),
		cmocka_unit_test(test_answer_after_the_client_left),
		cmocka_unit_test(test_half_closed_client),
		cmocka_unit_test(test_head_of_an_error),
		cmocka_unit_test(test_ready_size),
		cmocka_unit_test(test_request_and_headers),
		cmocka_unit_test(test_counters),
	};

	return cmocka_run_group_tests(tests, group_start, group_stop);
}
