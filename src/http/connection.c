#include "http/connection.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "http/exchange.h"
#include "http/feed.h"
#include "http/server.h"
#include "http/sock.h"

/* Answers to pipelined requests are gathered up to this much. */
enum { GATHER_MAX = 32 * 1024 };

static void on_event(evutil_socket_t fd, short what, void *arg);

/* ---- state and events ---- */

static void enter(struct http_conn *c, enum conn_state state)
{
	struct http_server *server = c->server;

	if (c->state == state && !c->fresh)
		return;
	TAILQ_REMOVE(&server->lists[c->state], c, entry);
	c->state = (uint8_t)state;
	c->since_us = server->now_us;
	c->fresh = false;
	TAILQ_INSERT_TAIL(&server->lists[state], c, entry);
}

/* False when it cannot: nothing would ever wake the connection, so it must be closed. */
static bool watch(struct http_conn *c, enum conn_watch want)
{
	if (c->watch == want || c->fd < 0)
		return true;
	if (c->watch != WATCH_NOTHING)
		event_del(&c->event);
	c->watch = WATCH_NOTHING;
	if (want == WATCH_NOTHING)
		return true;
	event_assign(&c->event, c->server->base, c->fd,
		     (short)((want == WATCH_READ ? EV_READ : EV_WRITE) | EV_PERSIST), on_event, c);
	if (!sock_watch(&c->event))
		return false;
	c->watch = (uint8_t)want;
	return true;
}

static void set_peer(struct http_conn *c, const struct sockaddr *peer)
{
	c->family = AF_UNIX;
	if (peer && (peer->sa_family == AF_INET || peer->sa_family == AF_INET6))
		c->family = (unsigned char)peer->sa_family;
	if (c->family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)peer;

		memcpy(c->address, &in->sin_addr, 4);
	} else if (c->family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)peer;

		if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
			c->family = AF_INET;
			memcpy(c->address, (const char *)&in6->sin6_addr + 12, 4);
		} else {
			memcpy(c->address, &in6->sin6_addr, 16);
		}
	}
}

struct http_conn *http_conn_new(struct http_server *server, int fd, const struct sockaddr *peer)
{
	struct http_conn *c = xcalloc(1, sizeof(*c));

	c->server = server;
	c->fd = fd;
	c->since_us = server->now_us;
	set_peer(c, peer);
	TAILQ_INSERT_TAIL(&server->lists[CONN_IDLE], c, entry);
	server->counters.accepted++;
	server->counters.open++;
	if (watch(c, WATCH_READ))
		return c;
	http_conn_free(c);
	return NULL;
}

static void drop_output(struct http_pending *p)
{
	buf_release(&p->out);
	http_ready_unref(p->ready);
	p->ready = NULL;
	p->out_sent = p->rest_len = 0;
}

static void drop_pending(struct http_conn *c)
{
	if (!c->pending)
		return;
	drop_output(c->pending);
	buf_release(&c->pending->in);
	free(c->pending);
	c->pending = NULL;
}

void http_conn_free(struct http_conn *c)
{
	struct http_server *server = c->server;

	watch(c, WATCH_NOTHING);
	if (c->fd >= 0)
		close(c->fd);
	drop_pending(c);
	if (c->x)
		http_exchange_end(c->x);
	TAILQ_REMOVE(&server->lists[c->state], c, entry);
	server->counters.closed++;
	server->counters.open--;
	free(c);
	http_server_resume_accept(server);
}

static bool with_application(const struct http_conn *c)
{
	return c->x && c->x->phase == PHASE_WORK;
}

void http_conn_close(struct http_conn *c)
{
	c->dead = true;
	watch(c, WATCH_NOTHING);
	if (c->busy)
		return;
	/* Without a time limit, until it is freed: a feed by its owner. */
	if (with_application(c) || c->fd < 0)
		enter(c, CONN_WORK);
	else
		http_conn_free(c);
}

/* ---- output ---- */

static struct http_pending *pending(struct http_conn *c)
{
	if (!c->pending)
		c->pending = xcalloc(1, sizeof(*c->pending));
	return c->pending;
}

static size_t waiting_out(const struct http_conn *c)
{
	const struct http_pending *p = c->pending;

	return p ? p->out.len - p->out_sent + p->rest_len : 0;
}

/* How many bytes the socket took; a broken connection takes all. */
static size_t write_some(struct http_conn *c, const char *bytes, size_t len)
{
	ssize_t n;

	if (c->dead)
		return len;
	if (c->fd < 0)
		n = http_feed_write(c, bytes, len);
	else
		n = sock_send(c->fd, bytes, len);
	if (n < 0) {
		if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
			n = 0;
		} else {
			c->dead = true;          /* settle() closes it */
			return len;
		}
	}
	c->server->counters.bytes_out += (uint64_t)n;
	c->blocked = (size_t)n < len;
	return (size_t)n;
}

static void flush(struct http_conn *c)
{
	struct http_pending *p = c->pending;

	if (waiting_out(c) == 0)
		return;
	if (p->out_sent < p->out.len)
		p->out_sent += write_some(c, p->out.data + p->out_sent, p->out.len - p->out_sent);
	if (p->out_sent < p->out.len)
		return;
	buf_release(&p->out);
	p->out_sent = 0;
	if (p->rest_len > 0) {
		size_t n = write_some(c, p->rest, p->rest_len);

		p->rest += n;
		p->rest_len -= n;
	}
	if (p->rest_len == 0) {
		drop_output(p);
		c->fresh = true;
	}
}

/* Behind what waits already, or to gather the answers to pipelined requests. */
static bool must_queue(const struct http_conn *c, size_t len)
{
	size_t waits = waiting_out(c);

	return waits > 0 || (c->busy && c->more && len < GATHER_MAX);
}

static void queue(struct http_conn *c, const char *bytes, size_t len)
{
	if (c->dead)
		return;
	buf_append(&pending(c)->out, bytes, len);
	if (!c->blocked && (!c->more || waiting_out(c) >= GATHER_MAX))
		flush(c);
}

void http_conn_send(struct http_conn *c, const char *bytes, size_t len)
{
	size_t sent;

	if (must_queue(c, len)) {
		queue(c, bytes, len);
		return;
	}
	sent = write_some(c, bytes, len);
	if (sent < len)
		buf_append(&pending(c)->out, bytes + sent, len - sent);
}

void http_conn_send_ready(struct http_conn *c, struct http_ready *ready, const char *bytes,
			  size_t head_len, size_t len)
{
	struct http_pending *p;
	size_t sent;

	if (must_queue(c, len)) {
		queue(c, bytes, len);
		return;
	}
	sent = write_some(c, bytes, len);
	if (sent == len)
		return;
	p = pending(c);
	if (sent < head_len) {
		buf_append(&p->out, bytes + sent, head_len - sent);
		sent = head_len;
	}
	p->ready = http_ready_ref(ready);
	p->rest = bytes + sent;
	p->rest_len = len - sent;
}

/* ---- input ---- */

static bool may_parse(const struct http_conn *c)
{
	return !c->dead && !c->closing && !c->blocked && !with_application(c);
}

static size_t take(struct http_conn *c, const char *bytes, size_t len)
{
	size_t n = len;

	if (c->discard == 0)
		return http_request_take(c, bytes, len);
	if (n > c->discard)
		n = c->discard;
	c->discard -= (uint32_t)n;
	return n;
}

static enum conn_state reading_state(const struct http_conn *c)
{
	if (c->x)
		return c->x->phase == PHASE_HEAD ? CONN_HEAD : CONN_BODY;
	return c->discard > 0 ? CONN_BODY : CONN_IDLE;
}

static void begin_linger(struct http_conn *c)
{
	drop_pending(c);
	if (c->fd < 0) {
		http_conn_close(c);
		return;
	}
	/* Closing at once would send a reset if bytes are unread, and the client could lose the answer. */
	if (shutdown(c->fd, SHUT_WR) < 0) {
		http_conn_close(c);
		return;
	}
	enter(c, CONN_LINGER);
	if (!watch(c, WATCH_READ))
		http_conn_close(c);
}

/* After all that could be done: the state, and what to wait for. May free the connection. */
static void settle(struct http_conn *c)
{
	if (c->dead) {
		http_conn_close(c);
	} else if (waiting_out(c) > 0) {
		enter(c, CONN_ANSWER);
		if (!watch(c, WATCH_WRITE))
			http_conn_close(c);
	} else if (with_application(c)) {
		/* Reading is stopped only if the client sends more meanwhile: that saves two system calls. */
		enter(c, CONN_WORK);
		if (c->watch == WATCH_WRITE)
			watch(c, WATCH_NOTHING);
	} else if (c->closing) {
		if (c->state != CONN_LINGER)
			begin_linger(c);
	} else {
		drop_pending(c);
		enter(c, reading_state(c));
		if ((c->state == CONN_IDLE && c->server->draining) || !watch(c, WATCH_READ))
			http_conn_close(c);
	}
}

void http_conn_feed(struct http_conn *c, const char *bytes, size_t len)
{
	c->busy = true;
	do {
		while (len > 0 && may_parse(c)) {
			size_t n = take(c, bytes, len);

			bytes += n;
			len -= n;
		}
		c->more = false;
		if (!c->blocked)
			flush(c);
	} while (len > 0 && may_parse(c));
	if (len > 0 && !c->dead && !c->closing)
		buf_append(&pending(c)->in, bytes, len);
	c->busy = false;
	settle(c);
}

/* Parses what was read earlier and had to wait. */
static void resume(struct http_conn *c)
{
	struct buf in = { 0 };

	if (c->pending && may_parse(c)) {
		in = c->pending->in;
		c->pending->in = (struct buf){ 0 };
	}
	http_conn_feed(c, in.data, in.len);
	buf_release(&in);
}

void http_conn_answered(struct http_conn *c)
{
	c->fresh = true;
	if (!c->busy)
		resume(c);
}

static void linger_read(struct http_conn *c)
{
	ssize_t n = sock_recv(c->fd, c->server->read_buffer, READ_BUFFER_SIZE);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		http_conn_close(c);
}

void http_conn_read(struct http_conn *c)
{
	struct http_server *server = c->server;
	ssize_t n = sock_recv(c->fd, server->read_buffer, READ_BUFFER_SIZE);

	if (n > 0) {
		server->counters.bytes_in += (uint64_t)n;
		http_conn_feed(c, server->read_buffer, (size_t)n);       /* and c may be gone */
		explicit_bzero(server->read_buffer, (size_t)n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		http_conn_close(c);
	}
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
	struct http_conn *c = arg;

	(void)fd;
	c->server->now_us = clock_mono_us();
	if (what & EV_WRITE) {
		c->blocked = false;
		flush(c);
		resume(c);
	} else if (c->state == CONN_LINGER) {
		linger_read(c);
	} else if (with_application(c)) {
		watch(c, WATCH_NOTHING);
	} else {
		http_conn_read(c);
	}
}

void http_conn_expire(struct http_conn *c)
{
	bool begun = c->x && (c->x->phase != PHASE_HEAD || c->x->head.len > 0);

	if ((c->state == CONN_HEAD || c->state == CONN_BODY) && begun)
		http_refuse(c->x, ERR_REQUEST_TIMEOUT, "The request did not arrive in time.",
			    "Yêu cầu không đến kịp thời hạn.");
	else
		http_conn_close(c);
}
