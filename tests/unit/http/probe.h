#ifndef TESTS_HTTP_PROBE_H
#define TESTS_HTTP_PROBE_H

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/memory.h"
#include "base/text.h"
#include "http/feed.h"
#include "http/http.h"

/*
 * A server in the test's own process with a small application:
 *
 *	/echo...   answers what it saw: "POST /path ?query [body]"
 *	/small     the same, with at most 10 bytes of body
 *	/later     answered when probe_answer_later() is called
 *	/refuse    401 at the head, before the body
 *	/big       300,000 bytes of text; /tagged 3,000 bytes with an ETag
 *	/ready     the same 3,000 bytes as a ready answer
 *	/sms/...   errors are plain text
 *	/none...   404
 *
 * The client side is a non-blocking socket (or a feed), driven by hand.
 */
struct probe {
	struct event_base    *base;
	struct http_server   *server;
	struct http_limits    limits;
	struct http_ready    *ready;
	struct http_exchange *later;
	char                  address[64];
	char                  seen[1024];
	int                   heads, requests;
};

#define PROBE_BODY_LEN 3000
static char probe_body[PROBE_BODY_LEN + 1];
static char probe_big[300001];

static void probe_note(struct probe *p, struct http_exchange *x)
{
	size_t len, n;
	const char *body = http_body(x, &len);

	n = (size_t)snprintf(p->seen, sizeof(p->seen), "%s %s ?%s [", http_method_name(http_method(x)),
			     http_path(x), http_raw_query(x));
	for (size_t i = 0; i < len && n < sizeof(p->seen) - 3; i++)
		p->seen[n++] = body[i] >= ' ' ? body[i] : '~';
	p->seen[n++] = ']';
	p->seen[n] = '\0';
}

static void probe_reply_text(struct http_exchange *x, int status, const char *text)
{
	struct http_reply reply = { .status = status, .content_type = "text/plain; charset=utf-8",
				    .body = text, .body_len = strlen(text) };

	http_reply(x, &reply);
}

static void probe_fail(struct http_exchange *x, enum error_code code)
{
	struct error err;

	error_clear(&err);
	error_set(&err, code, "Detail.", "Chi tiết.");
	http_reply_error(x, &err);
}

static void probe_on_head(struct http_exchange *x, void *owner)
{
	struct probe *p = owner;

	p->heads++;
	if (text_starts_with(http_path(x), "/none"))
		probe_fail(x, ERR_NOT_FOUND);
	else if (text_starts_with(http_path(x), "/refuse") || streq(http_path(x), "/sms/kannel"))
		probe_fail(x, ERR_UNAUTHENTICATED);
	else if (streq(http_path(x), "/small"))
		http_set_body_max(x, 10);
}

static void probe_on_request(struct http_exchange *x, void *owner)
{
	struct http_reply tagged = { .status = 200, .content_type = "text/plain", .body = probe_body,
				     .body_len = PROBE_BODY_LEN, .etag = "\"v1\"",
				     .cache_control = "public, max-age=1" };
	struct probe *p = owner;

	p->requests++;
	probe_note(p, x);
	if (streq(http_path(x), "/later"))
		p->later = x;
	else if (streq(http_path(x), "/big"))
		probe_reply_text(x, 200, probe_big);
	else if (streq(http_path(x), "/tagged"))
		http_reply(x, &tagged);
	else if (streq(http_path(x), "/ready"))
		http_reply_ready(x, p->ready);
	else
		probe_reply_text(x, 200, p->seen);
}

static bool probe_plain_errors(const char *path, void *owner)
{
	(void)owner;
	return text_starts_with(path, "/sms/");
}

/* Answers the request that waits, with what was seen of it. */
static inline void probe_answer_later(struct probe *p, const char *text)
{
	struct http_exchange *x = p->later;

	p->later = NULL;
	probe_reply_text(x, 200, text);
}

/* `address` NULL: no listener, for feeds. Limits are those in p, if head_max is set. */
static inline void probe_start(struct probe *p, const char *address)
{
	static const struct http_app app = { probe_on_head, probe_on_request, probe_plain_errors };
	struct error err;
	int fd = -1;

	for (int i = 0; i < PROBE_BODY_LEN; i++)
		probe_body[i] = "abcdefghij klmno\n"[i % 17];
	memset(probe_big, 'b', sizeof(probe_big) - 1);
	if (p->limits.head_max == 0)
		http_limits_init(&p->limits);
	p->base = event_base_new();
	p->ready = http_ready_new("text/plain", "\"v1\"", "public, max-age=1", probe_body, PROBE_BODY_LEN);
	error_clear(&err);
	if (address && strcmp(address, "unix") == 0)
		snprintf(p->address, sizeof(p->address), "unix:/tmp/http-test-%d.sock", (int)getpid());
	else if (address)
		snprintf(p->address, sizeof(p->address), "%s", address);
	if (address && (fd = http_listen(p->address, &err)) < 0) {
		fprintf(stderr, "%s\n", err.detail[LANGUAGE_EN]);
		abort();
	}
	p->server = http_server_new(p->base, fd, &app, p, &p->limits, "unix");
}

static inline void probe_stop(struct probe *p)
{
	http_server_free(p->server);
	http_ready_unref(p->ready);
	event_base_free(p->base);
	if (text_starts_with(p->address, "unix:"))
		unlink(p->address + 5);
	*p = (struct probe){ 0 };
}

/* ---- the client's side ---- */

struct client {
	struct probe     *p;
	int               fd;            /* -1: feed */
	struct http_feed *feed;
	struct buf        got;
	bool              ended;         /* the server closed its side */
};

static inline struct client client_connect(struct probe *p)
{
	struct client c = { .p = p };
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", p->address + 5);
	c.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(c.fd, (struct sockaddr *)&un, sizeof(un)) < 0)
		abort();
	fcntl(c.fd, F_SETFL, O_NONBLOCK);
	return c;
}

static inline struct client client_feed(struct probe *p)
{
	return (struct client){ .p = p, .fd = -1, .feed = http_feed_new(p->server) };
}

static inline bool client_receive(struct client *c)
{
	bool any = false;
	ssize_t n;

	while (!c->ended) {
		n = recv(c->fd, buf_reserve(&c->got, 65536), 65536, 0);
		if (n < 0) {
			c->ended = errno == ECONNRESET;
			break;
		}
		any = true;
		if (n == 0)
			c->ended = true;
		c->got.len += (size_t)n;
		c->got.data[c->got.len] = '\0';
	}
	return any;
}

/* Lets the server work until nothing moves any more. */
static inline void client_pump(struct client *c)
{
	if (c->feed) {
		const char *output;
		size_t len;

		output = http_feed_output(c->feed, &len);
		buf_reset(&c->got);
		buf_append(&c->got, output, len);
		c->ended = http_feed_closed(c->feed);
		return;
	}
	for (int still = 0; still < 2; still++) {
		event_base_loop(c->p->base, EVLOOP_NONBLOCK);
		if (client_receive(c))
			still = -1;
	}
}

static inline void client_send(struct client *c, const char *bytes, size_t len)
{
	if (c->feed) {
		http_feed_bytes(c->feed, bytes, len);
		return;
	}
	while (len > 0) {
		ssize_t n = send(c->fd, bytes, len, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return;
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		}
		event_base_loop(c->p->base, EVLOOP_NONBLOCK);
	}
}

static inline void client_say(struct client *c, const char *text)
{
	client_send(c, text, strlen(text));
	client_pump(c);
}

static inline void client_close(struct client *c)
{
	if (c->feed)
		http_feed_free(c->feed);
	else
		close(c->fd);
	buf_release(&c->got);
	if (!c->feed)
		event_base_loop(c->p->base, EVLOOP_NONBLOCK);
}

/* Lets the loop run for some milliseconds of real time. */
static inline void probe_run(struct probe *p, int ms)
{
	struct timeval time = { .tv_usec = ms * 1000 };

	event_base_loopexit(p->base, &time);
	event_base_dispatch(p->base);
}

/* For time limits: until it is so, at most for the seconds that a very busy machine may need. */
#define PROBE_WAIT(p, condition)                                       \
	do {                                                           \
		for (int turn = 0; !(condition) && turn < 500; turn++) \
			probe_run(p, 20);                              \
		assert_true(condition);                                \
	} while (0)

static inline bool client_has_ended(struct client *c)
{
	client_receive(c);
	return c->ended;
}

/* ---- reading answers ---- */

struct answer {
	int         status;
	const char *head;                /* up to the empty line */
	size_t      head_len;
	const char *body;
	size_t      body_len;
};

/* Value of a field in an answer's head, in a static buffer; NULL when it is not there. */
static inline const char *answer_field(const struct answer *a, const char *name)
{
	static char value[512];
	size_t name_len = strlen(name);
	const char *line = a->head;

	while (line < a->head + a->head_len) {
		const char *end = memmem(line, (size_t)(a->head + a->head_len - line), "\r\n", 2);

		if (strncasecmp(line, name, name_len) == 0 && line[name_len] == ':') {
			snprintf(value, sizeof(value), "%.*s", (int)(end - line - (long)name_len - 2),
				 line + name_len + 2);
			return value;
		}
		line = end + 2;
	}
	return NULL;
}

/* Takes one answer from the text at *at; false at the end. `no_body`: it is to a HEAD. */
static inline bool answer_next(const char **at, const char *end, bool no_body, struct answer *a)
{
	size_t left = (size_t)(end - *at);
	const char *empty = left > 0 ? memmem(*at, left < 4096 ? left : 4096, "\r\n\r\n", 4) : NULL;
	const char *length;

	if (!empty || strncmp(*at, "HTTP/1.1 ", 9) != 0)
		return false;
	a->status = atoi(*at + 9);
	a->head = *at;
	a->head_len = (size_t)(empty - *at) + 2;
	a->body = empty + 4;
	length = answer_field(a, "Content-Length");
	a->body_len = no_body || !length ? 0 : (size_t)atol(length);
	if (a->body_len > (size_t)(end - a->body))
		return false;
	*at = a->body + a->body_len;
	return true;
}

/* "200 200 404" of all that was received, interim answers left out; "?" behind it for bytes that are no answer. */
static inline const char *client_statuses(const struct client *c, bool no_body)
{
	static char text[256];
	const char *at = c->got.data ? c->got.data : "";
	const char *end = at + c->got.len;
	struct answer a;
	size_t n = 0;

	text[0] = '\0';
	while (n < sizeof(text) - 8 && answer_next(&at, end, no_body, &a))
		if (a.status != 100)
			n += (size_t)snprintf(text + n, 8, "%s%d", n ? " " : "", a.status);
	if (at != end)
		snprintf(text + n, 3, " ?");
	return text;
}

/* The n-th answer, from 0; a test that wants one that is not there ends. */
static inline struct answer client_answer(const struct client *c, int index)
{
	const char *at = c->got.data ? c->got.data : "";
	const char *end = at + c->got.len;
	struct answer a = { 0 };

	for (int i = 0; i <= index; i++)
		if (!answer_next(&at, end, false, &a))
			abort();
	return a;
}

#endif
