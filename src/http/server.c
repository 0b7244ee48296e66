#include "http/server.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "http/exchange.h"
#include "http/gzip.h"
#include "http/sock.h"

enum { ACCEPT_BATCH = 64, LINGER_SECONDS = 1, FIELDS_MAX = 200 };

/*
 * A head is one packet of an honest client; a body may be on its way over a slow
 * line. Both end before the daemon's own deadline, so that they end with an answer.
 */
enum { DRAIN_HEAD_SECONDS = 2, DRAIN_BODY_SECONDS = 6 };

void http_limits_init(struct http_limits *limits)
{
	*limits = (struct http_limits){
		.head_max = 16 * 1024,
		.target_max = 8 * 1024,
		.fields_max = 100,
		.body_max = 1024 * 1024,
		.head_seconds = 10,
		.body_seconds = 30,
		.idle_seconds = 75,
		.answer_seconds = 30,
		.connections_max = 4096,
	};
}

/* ---- accepting ---- */

static void pause_accept(struct http_server *server)
{
	event_del(&server->accept_event);
	server->accepting = false;
	server->counters.accept_paused++;
}

void http_server_resume_accept(struct http_server *server)
{
	if (server->accepting || server->held || server->listen_fd < 0 ||
	    server->counters.open >= server->limits.connections_max)
		return;
	server->accepting = sock_watch(&server->accept_event);   /* if not: the next tick tries again */
}

static bool out_of_descriptors(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* At most once a second: each connection that comes and goes may meet the same lack. */
static void warn_of_descriptors(struct http_server *server, int error)
{
	if (server->warned_us && server->now_us - server->warned_us < 1000000)
		return;
	server->warned_us = server->now_us;
	log_warning("accept_paused", "error=%d open=%zu", error, server->counters.open);
}

/* False when nothing more can be accepted now. */
static bool accept_one(struct http_server *server)
{
	struct sockaddr_storage peer = { 0 };
	int fd = sock_accept(server->listen_fd, &peer);

	if (fd >= 0) {
		http_conn_new(server, fd, (struct sockaddr *)&peer);
		return true;
	}
	if (out_of_descriptors(errno)) {
		/* Level-triggered readiness would spin; a closed connection or the next tick goes on. */
		warn_of_descriptors(server, errno);
		pause_accept(server);
		return false;
	}
	return errno != EAGAIN && errno != EWOULDBLOCK && errno != EBADF && errno != EINVAL;
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct http_server *server = arg;

	(void)fd;
	(void)what;
	server->now_us = clock_mono_us();
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		if (server->counters.open >= server->limits.connections_max) {
			pause_accept(server);
			return;
		}
		if (!accept_one(server))
			return;
	}
}

/* ---- time limits ---- */

static int seconds_allowed(const struct http_server *server, enum conn_state state)
{
	switch (state) {
	case CONN_IDLE:
		return server->limits.idle_seconds;
	case CONN_HEAD:
		return server->limits.head_seconds;
	case CONN_BODY:
		return server->limits.body_seconds;
	case CONN_ANSWER:
		return server->limits.answer_seconds;
	case CONN_LINGER:
		return LINGER_SECONDS;           /* and up to one more until the tick */
	case CONN_WORK:                          /* the application keeps its own deadlines */
	case CONN_STATE_COUNT:
		break;
	}
	return 0;
}

/* What of it is left while draining; counted from the drain's begin for those who were here then. */
static int seconds_to_drain(enum conn_state state)
{
	return state == CONN_HEAD ? DRAIN_HEAD_SECONDS : state == CONN_BODY ? DRAIN_BODY_SECONDS : 0;
}

static bool is_over(const struct http_server *server, int64_t since_us, int seconds)
{
	return seconds > 0 && server->now_us - since_us >= (int64_t)seconds * 1000000;
}

static bool has_expired(const struct http_server *server, const struct http_conn *c, enum conn_state state)
{
	int64_t since_us = c->since_us > server->drain_us ? c->since_us : server->drain_us;

	return is_over(server, c->since_us, seconds_allowed(server, state)) ||
	       (server->draining && is_over(server, since_us, seconds_to_drain(state)));
}

static void expire(struct http_server *server, enum conn_state state)
{
	struct http_conn *c;

	while ((c = TAILQ_FIRST(&server->lists[state])) && has_expired(server, c, state))
		http_conn_expire(c);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct http_server *server = arg;

	(void)fd;
	(void)what;
	server->now_us = clock_mono_us();
	for (int state = 0; state < CONN_STATE_COUNT; state++)
		expire(server, (enum conn_state)state);
	http_server_resume_accept(server);
}

/* ---- life ---- */

static void start_listening(struct http_server *server)
{
	int on = 1;

	/* Accepted connections inherit it. Fails on a Unix socket, where it means nothing. */
	(void)setsockopt(server->listen_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	event_assign(&server->accept_event, server->base, server->listen_fd, EV_READ | EV_PERSIST, on_accept,
		     server);
	http_server_resume_accept(server);
}

struct http_server *http_server_new(struct event_base *base, int listen_fd, const struct http_app *app,
				    void *owner, const struct http_limits *limits, const char *trusted_proxy)
{
	static const struct timeval one_second = { .tv_sec = 1 };
	struct http_server *server = xcalloc(1, sizeof(*server));

	server->base = base;
	server->app = *app;
	server->owner = owner;
	server->limits = *limits;
	if (server->limits.fields_max > FIELDS_MAX)
		server->limits.fields_max = FIELDS_MAX;
	server->listen_fd = listen_fd;
	server->now_us = clock_mono_us();
	if (!http_trust_parse(&server->trust, trusted_proxy))
		log_warning("trusted_proxy_ignored", "value=\"%s\"", trusted_proxy);
	for (int state = 0; state < CONN_STATE_COUNT; state++)
		TAILQ_INIT(&server->lists[state]);
	event_assign(&server->tick_event, base, -1, EV_PERSIST, on_tick, server);
	event_add(&server->tick_event, &one_second);
	if (listen_fd >= 0)
		start_listening(server);
	return server;
}

static void stop_listening(struct http_server *server)
{
	if (server->listen_fd < 0)
		return;
	if (server->accepting)
		event_del(&server->accept_event);
	server->accepting = false;
	close(server->listen_fd);
	server->listen_fd = -1;
}

/*
 * Who has connected already may have sent a request: it is answered too. A Unix
 * socket that is shut down refuses newcomers but still hands over those who
 * wait, so nobody slips in between the last accept and the close. (A listening
 * TCP socket would throw the waiting ones away.)
 */
static void accept_the_rest(struct http_server *server)
{
	struct sockaddr_storage own = { 0 };
	socklen_t len = sizeof(own);

	if (server->listen_fd >= 0 && getsockname(server->listen_fd, (struct sockaddr *)&own, &len) == 0 &&
	    own.ss_family == AF_UNIX)
		(void)shutdown(server->listen_fd, SHUT_RD);
	while (server->accepting && server->counters.open < server->limits.connections_max)
		if (!accept_one(server))
			break;
}

static void close_idle(struct http_server *server)
{
	struct http_conn *c, *next;

	for (c = TAILQ_FIRST(&server->lists[CONN_IDLE]); c; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (c->fd < 0 || c->busy)
			continue;
		/* Reading moves it, or frees it; still idle means that nothing was there. */
		http_conn_read(c);
	}
	for (c = TAILQ_FIRST(&server->lists[CONN_IDLE]); c; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (!c->busy)
			http_conn_close(c);
	}
}

void http_server_hold(struct http_server *server)
{
	server->held = true;
	if (server->accepting)
		event_del(&server->accept_event);
	server->accepting = false;
}

void http_server_open(struct http_server *server)
{
	server->held = false;
	http_server_resume_accept(server);
}

void http_server_give_notice(struct http_server *server)
{
	server->leaving = true;
}

void http_server_drain(struct http_server *server)
{
	if (server->draining)
		return;
	server->leaving = server->draining = true;
	server->now_us = server->drain_us = clock_mono_us();
	http_server_open(server);
	accept_the_rest(server);
	stop_listening(server);
	close_idle(server);
}

bool http_server_drained(const struct http_server *server)
{
	return server->counters.open == 0;
}

void http_server_free(struct http_server *server)
{
	if (!server)
		return;
	stop_listening(server);
	event_del(&server->tick_event);
	for (int state = 0; state < CONN_STATE_COUNT; state++) {
		struct http_conn *c;

		while ((c = TAILQ_FIRST(&server->lists[state])) != NULL)
			http_conn_free(c);
	}
	while (server->spare) {
		struct http_exchange *x = server->spare;

		server->spare = x->next;
		http_exchange_free(x);
	}
	http_deflater_free(server->deflater);
	buf_release(&server->scratch);
	free(server);
}

const struct http_counters *http_server_counters(const struct http_server *server)
{
	return &server->counters;
}
