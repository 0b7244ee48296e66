#include "http/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "http/address.h"
#include "http/connection.h"
#include "http/negotiate.h"
#include "http/server.h"

enum { SPARE_MAX = 64, SPARE_BUFFER_MAX = 4096 };

/* An unwanted body up to this size is read and thrown away, so that the connection may stay. */
enum { DISCARD_MAX = 64 * 1024 };

static struct http_exchange *exchange_new(size_t fields_max)
{
	struct http_exchange *x = xcalloc(1, sizeof(*x));

	x->fields = xcalloc(fields_max ? fields_max : 1, sizeof(*x->fields));
	x->fields_cap = fields_max;
	arena_init(&x->arena);
	return x;
}

struct http_exchange *http_exchange_begin(struct http_conn *conn, int64_t now_us)
{
	struct http_server *server = conn->server;
	const struct http_limits *limits = &server->limits;
	struct http_exchange *x = server->spare;

	if (x) {
		server->spare = x->next;
		server->nspare--;
	} else {
		x = exchange_new(limits->fields_max);
	}
	x->conn = conn;
	x->started_us = now_us;
	x->body_max = limits->body_max;
	http_gate_init(&x->gate, limits->head_max, limits->target_max, limits->fields_max);
	conn->x = x;
	conn->fresh = true;
	return x;
}

static void tidy_buffer(struct buf *buf)
{
	if (buf->cap > SPARE_BUFFER_MAX)
		buf_release(buf);
	else
		buf_reset(buf);
}

void http_exchange_end(struct http_exchange *x)
{
	struct http_server *server = x->conn->server;

	x->conn->x = NULL;
	if (server->nspare >= SPARE_MAX) {
		http_exchange_free(x);
		return;
	}
	memset(x, 0, offsetof(struct http_exchange, arena));
	arena_release(&x->arena);
	tidy_buffer(&x->head);
	tidy_buffer(&x->path);
	tidy_buffer(&x->body);
	tidy_buffer(&x->trailers);
	tidy_buffer(&x->headers);
	x->next = server->spare;
	server->spare = x;
	server->nspare++;
}

void http_exchange_free(struct http_exchange *x)
{
	arena_release(&x->arena);
	buf_release(&x->head);
	buf_release(&x->path);
	buf_release(&x->body);
	buf_release(&x->trailers);
	buf_release(&x->headers);
	free(x->fields);
	free(x);
}

/* ---- what the application may ask ---- */

enum http_method http_method(const struct http_exchange *x)
{
	return x->method;
}

const char *http_path(const struct http_exchange *x)
{
	return x->path.data ? x->path.data : "";
}

const char *http_target(const struct http_exchange *x)
{
	return x->target ? x->target : "";
}

const char *http_raw_query(const struct http_exchange *x)
{
	return x->query ? x->query : "";
}

const char *http_header(const struct http_exchange *x, const char *name)
{
	for (size_t i = 0; i < x->nfields; i++)
		if (streq(x->fields[i].name, name))
			return x->fields[i].value;
	return NULL;
}

const char *http_body(const struct http_exchange *x, size_t *len)
{
	if (len)
		*len = x->body.len;
	return x->body.data && x->body.len > 0 ? x->body.data : "";
}

/* Made when first asked for: answers from memory need none. */
const char *http_request_id(const struct http_exchange *x)
{
	static const struct clock clock;
	struct http_exchange *own = (struct http_exchange *)(uintptr_t)x;

	if (!own->request_id[0])
		uuid7_make(own->request_id, clock_wall_us(&clock));
	return own->request_id;
}

const char *http_client_address(const struct http_exchange *x)
{
	struct http_exchange *own = (struct http_exchange *)(uintptr_t)x;

	if (!own->client_address)
		own->client_address = http_address_of_client(own);
	return own->client_address;
}

const char *http_client_network(const struct http_exchange *x)
{
	struct http_exchange *own = (struct http_exchange *)(uintptr_t)x;
	char *network = arena_alloc(&own->arena, HTTP_NETWORK_SIZE);

	http_network_of(http_client_address(x), network);
	return network;
}

enum language http_language(const struct http_exchange *x)
{
	struct http_exchange *own = (struct http_exchange *)(uintptr_t)x;

	if (!own->language)
		own->language = (int8_t)(http_choose_language(x->known[FIELD_ACCEPT_LANGUAGE]) + 1);
	return (enum language)(own->language - 1);
}

int64_t http_started_us(const struct http_exchange *x)
{
	return x->started_us;
}

void http_set_body_max(struct http_exchange *x, size_t max)
{
	x->body_max = max;
}

void *http_alloc(struct http_exchange *x, size_t size)
{
	return arena_alloc(&x->arena, size);
}

struct arena *http_arena(struct http_exchange *x)
{
	return &x->arena;
}

void http_set_context(struct http_exchange *x, void *context)
{
	x->context = context;
}

void *http_context(const struct http_exchange *x)
{
	return x->context;
}

void http_close_after(struct http_exchange *x)
{
	x->close_after = true;
}

/* ---- its end ---- */

static bool body_is_unread(const struct http_exchange *x)
{
	return x->has_body && x->phase != PHASE_WORK;
}

bool http_exchange_keeps_open(const struct http_exchange *x)
{
	if (x->close_after || !x->keep_alive || x->conn->server->leaving)
		return false;
	if (!body_is_unread(x))
		return true;
	/* A client that waits for "100 Continue" may or may not send the body now: no telling. */
	return x->content_length > 0 && x->content_length <= DISCARD_MAX && !x->expects_continue;
}

size_t http_exchange_unread(const struct http_exchange *x)
{
	return body_is_unread(x) ? (size_t)x->content_length - x->body.len : 0;
}

bool http_refuse(struct http_exchange *x, enum error_code code, const char *en, const char *vi)
{
	struct error err;

	error_clear(&err);
	err.code = code;
	snprintf(err.detail[LANGUAGE_EN], sizeof(err.detail[0]), "%s", en);
	snprintf(err.detail[LANGUAGE_VI], sizeof(err.detail[0]), "%s", vi);
	x->close_after = true;
	x->conn->server->counters.rejected++;
	http_reply_error(x, &err);
	return false;
}
