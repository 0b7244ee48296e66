/*
 * Every request of the table, and the long ones made here: whole, split in two
 * at every byte, and byte by byte, over a real socket and through a feed. The
 * answers, what the application saw and whether the connection ends must be
 * the same each time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/cases.h"
#include "http/probe.h"

static struct probe wired, fed;

static void check(struct client *c, const struct http_case *k, const char *how, size_t split)
{
	bool no_body = strncmp(k->bytes, "HEAD", 4) == 0;
	const char *statuses;

	client_pump(c);
	statuses = client_statuses(c, no_body);
	if (strcmp(statuses, k->statuses) != 0 || c->ended != k->closes ||
	    strcmp(c->p->seen, k->seen ? k->seen : "") != 0)
		fail_msg("%s, %s at %zu: statuses \"%s\" not \"%s\"; seen \"%s\" not \"%s\"; closed %d not %d", k->name,
			 how, split, statuses, k->statuses, c->p->seen, k->seen ? k->seen : "", c->ended, k->closes);
}

static struct client start(struct probe *p)
{
	p->seen[0] = '\0';
	return p == &fed ? client_feed(p) : client_connect(p);
}

static void run_split(struct probe *p, const struct http_case *k, size_t split)
{
	struct client c = start(p);

	client_send(&c, k->bytes, split);
	if (split > 0)
		client_pump(&c);
	client_send(&c, k->bytes + split, k->len - split);
	check(&c, k, "split", split);
	client_close(&c);
}

static void run_by_byte(struct probe *p, const struct http_case *k)
{
	struct client c = start(p);

	for (size_t i = 0; i < k->len; i++) {
		client_send(&c, k->bytes + i, 1);
		if (!c.feed)
			event_base_loop(p->base, EVLOOP_NONBLOCK);
	}
	check(&c, k, "byte by byte", 0);
	client_close(&c);
}

/* Long requests are split at fewer places. */
static void run_case(struct probe *p, const struct http_case *k)
{
	size_t step = k->len > 2000 ? k->len / 97 : 1;

	for (size_t split = 0; split < k->len; split += step)
		run_split(p, k, split);
	run_by_byte(p, k);
}

static void test_table_over_a_socket(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(http_cases); i++)
		run_case(&wired, &http_cases[i]);
}

static void test_table_through_a_feed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(http_cases); i++)
		run_case(&fed, &http_cases[i]);
}

/* `count` times `piece` between a beginning and an end. */
static void run_long(const char *name, const char *before, const char *piece, size_t count, const char *after,
		     const char *statuses, const char *seen, bool closes)
{
	struct buf bytes = { 0 };
	struct http_case k = { .name = name, .statuses = statuses, .seen = seen, .closes = closes };

	buf_append_text(&bytes, before);
	for (size_t i = 0; i < count; i++)
		buf_append_text(&bytes, piece);
	buf_append_text(&bytes, after);
	k.bytes = bytes.data;
	k.len = bytes.len;
	run_case(&fed, &k);
	run_split(&wired, &k, 0);
	run_split(&wired, &k, k.len / 2);
	buf_release(&bytes);
}

static void test_sizes(void **state)
{
	static const char end[] = " HTTP/1.1\r\nHost: x\r\n\r\n";
	static const char host[] = "GET /echo HTTP/1.1\r\nHost: x\r\n";
	static const char chunked[] = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";

	(void)state;
	run_long("target of 8192 bytes", "GET /none", "a", 8192 - 5, end, "404", NULL, false);
	run_long("target of 8193 bytes", "GET /none", "a", 8193 - 5, end, "414", NULL, true);
	run_long("target without end", "GET /", "a", 30000, "", "414", NULL, true);
	/* 16384 bytes: the two lines, "A: ", the value, two line ends */
	run_long("head of 16384 bytes", "GET /echo HTTP/1.1\r\nHost: x\r\nA: ", "a", 16384 - 29 - 3 - 4, "\r\n\r\n",
		 "200", "GET /echo ? []", false);
	run_long("head of 16385 bytes", "GET /echo HTTP/1.1\r\nHost: x\r\nA: ", "a", 16385 - 29 - 3 - 4, "\r\n\r\n",
		 "431", NULL, true);
	run_long("head without end", host, "A: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n", 2000, "", "431", NULL, true);
	run_long("100 fields", host, "A: b\r\n", 99, "\r\n", "200", "GET /echo ? []", false);
	run_long("101 fields", host, "A: b\r\n", 100, "\r\n", "431", NULL, true);
	run_long("chunks of one byte", chunked, "1\r\na\r\n", 20, "0\r\n\r\n", "200",
		 "POST /echo ? [aaaaaaaaaaaaaaaaaaaa]", false);
	run_long("endless extension", "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;", "a",
		 5000, "\r\na\r\n", "400", NULL, true);
	run_long("trailers without end",
		 "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "A: b\r\n", 101, "\r\n",
		 "431", NULL, true);
	run_long("chunk above the default limit", chunked, "100001\r\n", 1, "", "413", NULL, true);
}

static void test_body_of_a_mebibyte(void **state)
{
	struct client c = client_connect(&wired);
	char *body = xmalloc(1024 * 1024);

	(void)state;
	memset(body, 'x', 1024 * 1024);
	client_say(&c, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n");
	assert_string_equal(client_statuses(&c, false), "");
	client_send(&c, body, 1024 * 1024);
	client_pump(&c);
	assert_string_equal(client_statuses(&c, false), "200");
	client_close(&c);
	free(body);
}

static int group_start(void **state)
{
	(void)state;
	probe_start(&wired, "unix");
	probe_start(&fed, NULL);
	return 0;
}

static int group_stop(void **state)
{
	(void)state;
	probe_stop(&wired);
	probe_stop(&fed);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_through_a_feed),
		cmocka_unit_test(test_table_over_a_socket),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_body_of_a_mebibyte),
	};

	return cmocka_run_group_tests(tests, group_start, group_stop);
}
