#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "http/probe.h"

#define END "Host: x\r\n\r\n"
#define GET "GET /echo HTTP/1.1\r\n" END

static size_t open_now(const struct probe *p)
{
	return http_server_counters(p->server)->open;
}

/* ---- time limits; the tick comes once a second, so a limit of 1 is over after at most 2 ---- */

static void start_with_seconds(struct probe *p, int head, int body, int idle, int answer)
{
	*p = (struct probe){ 0 };
	http_limits_init(&p->limits);
	p->limits.head_seconds = head;
	p->limits.body_seconds = body;
	p->limits.idle_seconds = idle;
	p->limits.answer_seconds = answer;
	probe_start(p, "unix");
}

/* Bytes that drip in do not move the deadline: there are more of them than seconds. */
static void drip(struct probe *p, struct client *c, const char *bytes)
{
	for (; *bytes && !client_has_ended(c); bytes++) {
		if (send(c->fd, bytes, 1, MSG_NOSIGNAL) < 0)
			break;
		probe_run(p, 150);
	}
	PROBE_WAIT(p, client_has_ended(c));
}

static void test_head_and_body_deadlines(void **state)
{
	struct probe p;
	struct client head, body, silent, chunks;

	(void)state;
	start_with_seconds(&p, 1, 1, 60, 60);
	head = client_connect(&p);
	body = client_connect(&p);
	chunks = client_connect(&p);
	silent = client_connect(&p);
	client_say(&body, "POST /echo HTTP/1.1\r\nContent-Length: 100\r\n" END "x");
	client_say(&chunks, "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END "5\r\nab");
	drip(&p, &head, "GET /a/long/address/that/is/still/not/complete/after/more/than/ten/seconds");
	PROBE_WAIT(&p, client_has_ended(&body) && client_has_ended(&chunks));
	assert_string_equal(client_statuses(&head, false), "408");
	assert_string_equal(client_statuses(&body, false), "408");
	assert_string_equal(client_statuses(&chunks, false), "408");
	assert_true(head.ended && body.ended);
	assert_false(silent.ended);
	client_say(&silent, GET);
	assert_string_equal(client_statuses(&silent, false), "200");
	client_close(&head);
	client_close(&body);
	client_close(&chunks);
	client_close(&silent);
	probe_stop(&p);
}

static void test_idle_and_work(void **state)
{
	struct probe p;
	struct client idle, used, working;

	(void)state;
	start_with_seconds(&p, 60, 60, 1, 60);
	working = client_connect(&p);
	client_say(&working, "GET /later HTTP/1.1\r\n" END);      /* at once: idle, it would have a second */
	idle = client_connect(&p);
	used = client_connect(&p);
	client_say(&used, GET);
	PROBE_WAIT(&p, client_has_ended(&idle) && client_has_ended(&used));
	probe_run(&p, 500);
	client_pump(&working);
	assert_int_equal(idle.got.len, 0);
	assert_false(working.ended);             /* the application takes the time it needs */
	probe_answer_later(&p, "done");
	client_pump(&working);
	assert_string_equal(client_statuses(&working, false), "200");
	client_close(&idle);
	client_close(&used);
	client_close(&working);
	probe_stop(&p);
}

/* A feed has no socket to close: its owner may look at it as long as he likes. */
static void test_feeds_expire(void **state)
{
	struct probe p = { 0 };
	struct client idle, head;

	(void)state;
	http_limits_init(&p.limits);
	p.limits.head_seconds = p.limits.idle_seconds = 1;
	probe_start(&p, NULL);
	idle = client_feed(&p);
	head = client_feed(&p);
	client_say(&head, "GET /echo");
	PROBE_WAIT(&p, http_feed_closed(idle.feed) && http_feed_closed(head.feed));
	client_pump(&head);
	assert_string_equal(client_statuses(&head, false), "408");
	client_close(&idle);
	client_close(&head);
	probe_stop(&p);
}

static void test_slow_reader_and_linger(void **state)
{
	struct probe p;
	struct client slow, refused;

	(void)state;
	start_with_seconds(&p, 60, 60, 60, 1);
	slow = client_connect(&p);
	refused = client_connect(&p);
	for (int i = 0; i < 40; i++)
		client_send(&slow, "GET /big HTTP/1.1\r\n" END, strlen("GET /big HTTP/1.1\r\n" END));
	client_say(&refused, "BAD\r\n");
	assert_true(refused.ended);              /* the server has shut down its side, and listens still */
	assert_int_equal(open_now(&p), 2);
	assert_int_equal(send(refused.fd, "more", 4, MSG_NOSIGNAL), 4);
	PROBE_WAIT(&p, open_now(&p) == 0);
	client_close(&slow);
	client_close(&refused);
	probe_stop(&p);
}

/* A refusal reaches a client that is still sending: no reset overtakes it. */
static void test_refusal_while_sending(void **state)
{
	static char junk[100000];
	struct probe p = { 0 };
	struct client c;

	(void)state;
	probe_start(&p, "unix");
	c = client_connect(&p);
	client_send(&c, "POST /echo HTTP/1.1\r\nContent-Length: 99999999\r\n" END,
		    strlen("POST /echo HTTP/1.1\r\nContent-Length: 99999999\r\n" END));
	for (int i = 0; i < 20; i++)
		client_send(&c, junk, sizeof(junk));
	client_pump(&c);
	assert_string_equal(client_statuses(&c, false), "413");
	client_close(&c);
	assert_int_equal(open_now(&p), 0);
	probe_stop(&p);
}

/* ---- accepting ---- */

static void test_connections_max(void **state)
{
	struct probe p = { 0 };
	struct client c[4];
	int turns = 0;

	(void)state;
	http_limits_init(&p.limits);
	p.limits.connections_max = 2;
	probe_start(&p, "unix");
	for (int i = 0; i < 4; i++)
		c[i] = client_connect(&p);
	for (int i = 0; i < 4; i++)
		client_say(&c[i], GET);
	assert_int_equal(open_now(&p), 2);
	assert_int_equal(http_server_counters(p.server)->accept_paused, 1);
	/* Two wait in the kernel, and the loop does not spin over them. */
	for (; turns < 50; turns++)
		event_base_loop(p.base, EVLOOP_NONBLOCK);
	assert_int_equal(http_server_counters(p.server)->accept_paused, 1);
	client_close(&c[0]);
	client_close(&c[1]);
	client_pump(&c[2]);
	client_pump(&c[3]);
	assert_string_equal(client_statuses(&c[2], false), "200");
	assert_string_equal(client_statuses(&c[3], false), "200");
	client_close(&c[2]);
	client_close(&c[3]);
	probe_stop(&p);
}

static void test_descriptors_run_out(void **state)
{
	struct rlimit old, low;
	struct probe p = { 0 };
	struct client first, second;

	(void)state;
	probe_start(&p, "unix");
	first = client_connect(&p);
	client_say(&first, GET);
	second = client_connect(&p);
	getrlimit(RLIMIT_NOFILE, &old);
	low = old;
	low.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &low);
	for (int i = 0; i < 20; i++)
		event_base_loop(p.base, EVLOOP_NONBLOCK);
	setrlimit(RLIMIT_NOFILE, &old);
	assert_int_equal(http_server_counters(p.server)->accept_paused, 1);
	client_say(&first, GET);
	assert_string_equal(client_statuses(&first, false), "200 200");
	PROBE_WAIT(&p, open_now(&p) == 2);       /* the tick tries again */
	client_say(&second, GET);
	assert_string_equal(client_statuses(&second, false), "200");
	client_close(&first);
	client_close(&second);
	probe_stop(&p);
}

/* ---- draining ---- */

static void test_drain(void **state)
{
	struct probe p = { 0 };
	struct client idle, working, half, sent, waiting;

	(void)state;
	probe_start(&p, "unix");
	idle = client_connect(&p);
	working = client_connect(&p);
	half = client_connect(&p);
	sent = client_connect(&p);
	client_say(&idle, GET);
	client_say(&working, "GET /later HTTP/1.1\r\n" END);
	client_say(&half, "GET /echo HTTP/1.1\r\n");
	waiting = client_connect(&p);
	/* Two requests are on their way, one of them on a connection not yet accepted. */
	assert_true(send(sent.fd, GET, strlen(GET), 0) > 0);
	assert_true(send(waiting.fd, GET, strlen(GET), 0) > 0);
	http_server_drain(p.server);
	client_pump(&idle);
	assert_true(idle.ended);
	client_pump(&sent);
	client_pump(&waiting);
	assert_string_equal(client_statuses(&sent, false), "200");
	assert_string_equal(client_statuses(&waiting, false), "200");
	assert_true(sent.ended);
	assert_false(http_server_drained(p.server));
	client_say(&half, END);
	assert_string_equal(client_statuses(&half, false), "200");
	probe_answer_later(&p, "done");
	client_pump(&working);
	assert_string_equal(client_statuses(&working, false), "200");
	assert_non_null(strstr(working.got.data, "Connection: close\r\n"));
	client_close(&idle);
	client_close(&working);
	client_close(&half);
	client_close(&sent);
	client_close(&waiting);
	assert_true(http_server_drained(p.server));
	probe_stop(&p);
}

/* Between the notice and the drain everything goes on; only no connection is kept. */
static void test_notice(void **state)
{
	struct probe p = { 0 };
	struct client idle, busy, late;

	(void)state;
	probe_start(&p, "unix");
	idle = client_connect(&p);
	busy = client_connect(&p);
	client_say(&idle, GET);
	client_say(&busy, GET);
	http_server_give_notice(p.server);
	late = client_connect(&p);
	client_say(&busy, GET);
	client_say(&late, GET);
	client_pump(&idle);
	assert_false(idle.ended);                /* it may be about to ask */
	assert_string_equal(client_statuses(&busy, false), "200 200");
	assert_string_equal(client_statuses(&late, false), "200");
	assert_non_null(strstr(late.got.data, "Connection: close\r\n"));
	assert_true(busy.ended && late.ended);
	client_say(&idle, GET);
	assert_string_equal(client_statuses(&idle, false), "200 200");
	assert_true(idle.ended);
	client_close(&idle);
	client_close(&busy);
	client_close(&late);
	probe_stop(&p);
}

/* Requests that drip in hold the drain 2 seconds with a head, 6 with a body, and are told so. */
static void test_drain_of_slow(void **state)
{
	struct probe p = { 0 };
	struct client head, body, done;

	(void)state;
	probe_start(&p, "unix");
	head = client_connect(&p);
	body = client_connect(&p);
	done = client_connect(&p);
	client_say(&head, "GET /echo HT");
	client_say(&body, "POST /echo HTTP/1.1\r\nContent-Length: 100\r\n" END "x");
	client_say(&done, "POST /echo HTTP/1.1\r\nContent-Length: 2\r\n" END "x");
	http_server_drain(p.server);
	PROBE_WAIT(&p, client_has_ended(&head));
	assert_string_equal(client_statuses(&head, false), "408");
	assert_false(client_has_ended(&body));
	client_say(&done, "y");
	assert_string_equal(client_statuses(&done, false), "200");
	PROBE_WAIT(&p, client_has_ended(&body));
	assert_string_equal(client_statuses(&body, false), "408");
	client_close(&head);
	client_close(&body);
	client_close(&done);
	assert_true(http_server_drained(p.server));
	probe_stop(&p);
}

/* Another worker's copy of the socket must not take in whom nobody serves any more. */
static void test_drain_of_shared_socket(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct probe p = { 0 };
	struct error err = { 0 };
	struct client before;
	int shared, late;

	(void)state;
	probe_start(&p, "unix");
	shared = http_listen(p.address, &err);
	assert_true(shared >= 0);
	before = client_connect(&p);
	assert_true(send(before.fd, GET, strlen(GET), 0) > 0);
	http_server_drain(p.server);
	late = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	memcpy(un.sun_path, p.address + 5, strlen(p.address + 5));
	assert_int_equal(connect(late, (struct sockaddr *)&un, sizeof(un)), -1);
	assert_int_equal(errno, ECONNREFUSED);
	client_pump(&before);
	assert_string_equal(client_statuses(&before, false), "200");
	close(late);
	close(shared);
	client_close(&before);
	probe_stop(&p);
}

/* Everybody who has connected and asked is answered, not only as many as one turn accepts. */
static void test_drain_of_many(void **state)
{
	struct probe p = { 0 };
	struct client c[100];

	(void)state;
	probe_start(&p, "unix");
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		c[i] = client_connect(&p);
		assert_true(send(c[i].fd, GET, strlen(GET), 0) > 0);
	}
	http_server_drain(p.server);
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		client_pump(&c[i]);
		assert_string_equal(client_statuses(&c[i], false), "200");
	}
	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		client_close(&c[i]);
	assert_true(http_server_drained(p.server));
	probe_stop(&p);
}

/* ---- listening ---- */

static int port_of(int fd)
{
	struct sockaddr_in in;
	socklen_t len = sizeof(in);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	return ntohs(in.sin_port);
}

static void test_listen_tcp(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct error err = { 0 };
	char address[64];
	int other, mine, again, on = 1;

	(void)state;
	/* Another program's listener, which would share its port with anyone who asks. */
	other = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(other, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	assert_int_equal(bind(other, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(other, 1), 0);
	snprintf(address, sizeof(address), "127.0.0.1:%d", port_of(other));
	assert_int_equal(http_listen(address, &err), -1);
	assert_non_null(strstr(err.detail[LANGUAGE_EN], "is in use"));
	assert_non_null(strstr(err.detail[LANGUAGE_VI], "đang được dùng"));
	error_clear(&err);
	assert_false(http_can_listen(address, &err));
	assert_non_null(strstr(err.detail[LANGUAGE_EN], "is in use"));
	close(other);

	error_clear(&err);
	assert_true(http_can_listen(address, &err));
	mine = http_listen(address, &err);
	assert_true(mine >= 0);
	again = http_listen(address, &err);      /* a second worker of this process */
	assert_true(again >= 0);
	close(mine);
	close(again);
}

static void test_listen_unix(void **state)
{
	struct error err = { 0 };
	char address[64], path[48];
	struct stat st;
	int first, second, file;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/http-listen-%d.sock", (int)getpid());
	snprintf(address, sizeof(address), "unix:%s", path);
	first = http_listen(address, &err);
	assert_true(first >= 0);
	second = http_listen(address, &err);     /* shared inside the process, but not with its children */
	assert_true(second >= 0 && second != first);
	assert_int_equal(fcntl(first, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(second, F_GETFD), FD_CLOEXEC);
	close(second);
	close(first);
	assert_int_equal(stat(path, &st), 0);    /* stale now: replaced */
	first = http_listen(address, &err);
	assert_true(first >= 0);
	close(first);
	unlink(path);

	file = open(path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(http_listen(address, &err), -1);
	assert_non_null(strstr(err.detail[LANGUAGE_EN], "is not a socket"));
	close(file);
	unlink(path);
}

/* The file goes with its listener, once, and never the next daemon's. */
static void test_listen_remove(void **state)
{
	struct error err = { 0 };
	char address[64], path[48], kept[56];
	struct stat st;
	int mine, next;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/http-remove-%d.sock", (int)getpid());
	snprintf(kept, sizeof(kept), "%s.kept", path);
	snprintf(address, sizeof(address), "unix:%s", path);
	mine = http_listen(address, &err);
	assert_true(mine >= 0);
	http_listen_remove(address);
	assert_int_equal(stat(path, &st), -1);
	next = open(path, O_CREAT | O_WRONLY, 0600);
	http_listen_remove(address);
	assert_int_equal(stat(path, &st), 0);
	close(next);
	unlink(path);
	close(mine);

	/* Somebody put another file there while we listened. */
	mine = http_listen(address, &err);
	assert_true(mine >= 0);
	assert_int_equal(rename(path, kept), 0);
	next = open(path, O_CREAT | O_WRONLY, 0600);
	http_listen_remove(address);
	assert_int_equal(stat(path, &st), 0);
	http_listen_remove("unix:/nobody/listens/here");
	http_listen_remove("127.0.0.1:1");
	close(next);
	close(mine);
	unlink(path);
	unlink(kept);
}

static void test_listen_unix_in_use(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct error err = { 0 };
	char address[128];
	int other;

	(void)state;
	snprintf(un.sun_path, sizeof(un.sun_path), "/tmp/http-other-%d.sock", (int)getpid());
	other = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(other, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(other, 1), 0);
	snprintf(address, sizeof(address), "unix:%s", un.sun_path);
	assert_int_equal(http_listen(address, &err), -1);
	assert_non_null(strstr(err.detail[LANGUAGE_EN], "is in use"));
	close(other);
	unlink(un.sun_path);
}

static void test_addresses(void **state)
{
	static const char *const wrong[] = { "", "8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x",
					     "127.0.0.1:65536", "::1:80", "[::1:80", "[]:80", "unix:" };
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		if (http_listen(wrong[i], &err) != -1 || err.code != ERR_CONFIG)
			fail_msg("\"%s\" was taken", wrong[i]);
}

/* Over TCP: the peer's address, and no delay on what is accepted. */
static void test_tcp(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct probe p = { 0 };
	struct client c = { .p = &p };
	struct error err = { 0 };
	int probe_fd = http_listen("127.0.0.1:0", &err);
	char address[32];

	(void)state;
	in.sin_port = htons((uint16_t)port_of(probe_fd));
	close(probe_fd);
	snprintf(address, sizeof(address), "127.0.0.1:%d", ntohs(in.sin_port));
	probe_start(&p, address);
	c.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	(void)connect(c.fd, (struct sockaddr *)&in, sizeof(in));
	PROBE_WAIT(&p, open_now(&p) == 1);
	client_send(&c, GET GET GET, strlen(GET GET GET));
	PROBE_WAIT(&p, client_receive(&c) || c.got.len > 0);
	assert_string_equal(client_statuses(&c, false), "200 200 200");
	client_close(&c);
	PROBE_WAIT(&p, open_now(&p) == 0);
	probe_stop(&p);
}

/* ---- whom a request is from ---- */

static void reply_with_address(struct http_exchange *x, void *owner)
{
	(void)owner;
	probe_reply_text(x, 200, http_client_address(x));
}

/* What the client behind 127.0.0.1 wrote itself must never be believed. */
static void test_client_address(void **state)
{
	static const struct {
		const char *trust, *fields, *want;
	} rows[] = {
		{ NULL, "X-Forwarded-For: 192.0.2.1\r\n", "127.0.0.1" },
		{ "10.0.0.0/8", "X-Forwarded-For: 192.0.2.1\r\n", "127.0.0.1" },
		{ "unix", "X-Forwarded-For: 192.0.2.1\r\n", "127.0.0.1" },
		{ "126.0.0.0/7", "X-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1" },
		{ "126.0.0.0/8", "X-Forwarded-For: 192.0.2.1\r\n", "127.0.0.1" },
		{ "0.0.0.0/0", "X-Forwarded-For: 192.0.2.1, 192.0.2.2\r\n", "192.0.2.1" },
		{ "127.0.0.1", "", "127.0.0.1" },
		{ "127.0.0.1", "X-Forwarded-For:\r\n", "127.0.0.1" },
		{ "127.0.0.1", "X-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1" },
		{ "::ffff:127.0.0.1", "X-Forwarded-For: ::ffff:192.0.2.1\r\n", "192.0.2.1" },
		{ "127.0.0.1", "X-Forwarded-For: 127.0.0.9, 192.0.2.1\r\n", "192.0.2.1" },
		{ "127.0.0.1", "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1" },
		{ "127.0.0.1", "X-Forwarded-For: 198.51.100.1\r\nX-Empty:\r\nX-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1" },
		{ "127.0.0.1", "X-Forwarded-For: 198.51.100.1,\r\n", "127.0.0.1" },
		{ "127.0.0.1", "X-Forwarded-For: 198.51.100.1, unknown\r\n", "127.0.0.1" },
		/* two proxies of ours, in one field or each in its own; the first saw 192.0.2.1 */
		{ "127.0.0.0/8", "X-Forwarded-For: 198.51.100.1, 192.0.2.1, 127.0.0.2\r\n", "192.0.2.1" },
		{ "127.0.0.0/8", "X-Forwarded-For: 198.51.100.1, 192.0.2.1\r\nX-Forwarded-For: 127.0.0.2\r\n",
		  "192.0.2.1" },
		{ "127.0.0.0/8", "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For:\r\n", "127.0.0.1" },
		{ "127.0.0.0/8", "X-Forwarded-For: 127.0.0.3\r\nX-Forwarded-For: 127.0.0.2\r\n", "127.0.0.3" },
	};
	static const struct http_app app = { .on_head = reply_with_address };
	struct sockaddr_in in;
	socklen_t len = sizeof(in);
	struct http_limits limits;
	char request[512];

	(void)state;
	http_limits_init(&limits);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct probe p = { .base = event_base_new() };
		struct client c = { .p = &p };
		struct error err = { 0 };
		int fd = http_listen("127.0.0.1:0", &err);
		struct answer a;

		assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
		p.server = http_server_new(p.base, fd, &app, NULL, &limits, rows[i].trust);
		c.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(c.fd, (struct sockaddr *)&in, len), 0);
		fcntl(c.fd, F_SETFL, O_NONBLOCK);
		snprintf(request, sizeof(request), "GET / HTTP/1.1\r\n%s" END, rows[i].fields);
		client_send(&c, request, strlen(request));
		PROBE_WAIT(&p, client_receive(&c) || c.got.len > 0);
		a = client_answer(&c, 0);
		if (strlen(rows[i].want) != a.body_len || memcmp(a.body, rows[i].want, a.body_len) != 0)
			fail_msg("row %zu: \"%.*s\", not \"%s\"", i, (int)a.body_len, a.body, rows[i].want);
		client_close(&c);
		http_server_free(p.server);
		event_base_free(p.base);
	}
}

static void test_trusted_proxy(void **state)
{
	static const char *const right[] = { NULL, "", "unix", "127.0.0.1", "10.0.0.0/8", "0.0.0.0/0", "::1", "fd00::/8",
					     "::/128" };
	static const char *const wrong[] = { "localhost", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0/8", "::/129",
					     "unix:/run/x", "127.0.0.1:80", "10.0.0.1 10.0.0.2", "*" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(right); i++)
		assert_true(http_trusted_proxy_is_valid(right[i]));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		if (http_trusted_proxy_is_valid(wrong[i]))
			fail_msg("\"%s\" was taken", wrong[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_head_and_body_deadlines),
		cmocka_unit_test(test_idle_and_work),
		cmocka_unit_test(test_feeds_expire),
		cmocka_unit_test(test_slow_reader_and_linger),
		cmocka_unit_test(test_refusal_while_sending),
		cmocka_unit_test(test_connections_max),
		cmocka_unit_test(test_descriptors_run_out),
		cmocka_unit_test(test_notice),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_drain_of_slow),
		cmocka_unit_test(test_drain_of_shared_socket),
		cmocka_unit_test(test_drain_of_many),
		cmocka_unit_test(test_listen_tcp),
		cmocka_unit_test(test_listen_unix),
		cmocka_unit_test(test_listen_remove),
		cmocka_unit_test(test_listen_unix_in_use),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_client_address),
		cmocka_unit_test(test_trusted_proxy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
