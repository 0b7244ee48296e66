/*
 * Each call that the front makes to the kernel, and each allocation of zlib, fails
 * in turn (base/fault.h). A client gets the right answers in the right order, all of
 * them or those before the connection was closed: never part of another's, never
 * silence. The next client is served as ever.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/fault.h"
#include "base/log.h"
#include "http/probe.h"

#define BIT(point) (UINT64_C(1) << (point))

static const uint64_t front_points = BIT(FAULT_ACCEPT) | BIT(FAULT_RECV) | BIT(FAULT_RECV_SHORT) |
				     BIT(FAULT_SEND) | BIT(FAULT_SEND_SHORT) | BIT(FAULT_EVENT) | BIT(FAULT_ZLIB);

enum { ANSWERS = 6, TRIES = 5 };

static const char first_part[] =
	"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n01234";
static const char second_part[] =
	"56789"
	"GET /big HTTP/1.1\r\nHost: x\r\n\r\n"
	"GET /tagged HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n"
	"GET /ready HTTP/1.1\r\nHost: x\r\n\r\n";
static const char third_part[] =
	"GET /none HTTP/1.1\r\nHost: x\r\n\r\n"
	"GET /later HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

static bool same_text(const struct answer *a, const char *text)
{
	return a->body_len == strlen(text) && memcmp(a->body, text, a->body_len) == 0;
}

static bool same_gzipped(const struct answer *a, const char *text)
{
	char out[PROBE_BODY_LEN + 1];
	z_stream z = { .next_in = (Bytef *)(uintptr_t)a->body, .avail_in = (uInt)a->body_len,
		       .next_out = (Bytef *)out, .avail_out = sizeof(out) };
	bool same = inflateInit2(&z, 15 + 16) == Z_OK && inflate(&z, Z_FINISH) == Z_STREAM_END &&
		    z.total_out == strlen(text) && memcmp(out, text, z.total_out) == 0;

	inflateEnd(&z);
	return same;
}

/* What the n-th request must be answered by. */
static bool is_right(const struct answer *a, int n)
{
	const char *encoding = answer_field(a, "Content-Encoding");

	switch (n) {
	case 0:
		return a->status == 200 && same_text(a, "POST /echo ? [0123456789]");
	case 1:
		return a->status == 200 && same_text(a, probe_big);
	case 2:          /* without memory for gzip it comes as it is */
		return a->status == 200 && (encoding ? same_gzipped(a, probe_body) : same_text(a, probe_body));
	case 3:
		return a->status == 200 && same_text(a, probe_body);
	case 4:
		return a->status == 404;
	default:
		return a->status == 200 && same_text(a, "done");
	}
}

/* How many whole answers there are; all must be right. */
static int right_answers(const struct client *c)
{
	const char *at = c->got.data ? c->got.data : "";
	const char *end = at + c->got.len;
	struct answer a;
	int n = 0;

	while (n < ANSWERS && answer_next(&at, end, false, &a)) {
		assert_true(is_right(&a, n));
		n++;
	}
	return n;
}

static void work(struct probe *p, struct client *c)
{
	client_pump(c);
	if (p->later)
		probe_answer_later(p, "done");
	client_pump(c);
}

/* The whole conversation; false when the server closed before its end. */
static bool converse(struct probe *p)
{
	struct client c = client_connect(p);
	int answered;

	client_say(&c, first_part);
	client_say(&c, second_part);
	client_say(&c, third_part);
	work(p, &c);
	/* Accepting may pause until the next tick. */
	for (int i = 0; i < 250 && !c.ended; i++) {
		probe_run(p, 20);
		work(p, &c);
	}
	assert_true(c.ended);
	answered = right_answers(&c);
	client_close(&c);
	return answered == ANSWERS;
}

static void test_each_in_turn(void **state)
{
	struct probe p = { 0 };
	int cut = 0, whole = 0;
	bool struck = true;
	uint64_t n = 0;

	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	probe_start(&p, "unix");
	while (struck) {
		fault_at(++n, front_points);
		if (converse(&p))
			whole++;
		else
			cut++;
		struck = fault_count() >= n;
		fault_at(0, 0);
		assert_true(converse(&p));
	}
	PROBE_WAIT(&p, http_server_counters(p.server)->open == 0);
	probe_stop(&p);
	print_message("%d calls failed in turn: %d conversations cut, %d whole\n", (int)n - 1, cut, whole);
	assert_in_range(n, 20, 1000);
	assert_true(cut > 0 && whole > cut / 4);
}

/* Many faults in one conversation: whatever comes of it, what was answered is right, and the server lives on. */
static void test_many(void **state)
{
	static const struct { const char *name; uint64_t rate, points; bool may_cut; } rows[] = {
		{ "short reads", 1, BIT(FAULT_RECV_SHORT), false },
		{ "short writes", 1, BIT(FAULT_SEND_SHORT), false },
		{ "no memory for zlib", 1, BIT(FAULT_ZLIB), false },
		{ "all", 80, ~BIT(FAULT_XMALLOC), true },
	};

	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct probe p = { 0 };

		probe_start(&p, "unix");
		fault_at_random(i + 1, rows[i].rate, rows[i].points);
		for (int k = 0; k < TRIES; k++)
			if (!converse(&p) && !rows[i].may_cut)
				fail_msg("%s: a conversation was cut", rows[i].name);
		fault_at(0, 0);
		assert_true(converse(&p));
		probe_stop(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_in_turn),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
