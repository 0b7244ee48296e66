#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "http/connection.h"
#include "http/exchange.h"
#include "http/gzip.h"
#include "http/negotiate.h"
#include "http/reply.h"
#include "http/server.h"

/*
 * Each form is head and body in one piece, so that the usual request is one
 * write of memory that is already there. Only the Date in it changes.
 */
struct form {
	struct buf bytes;
	size_t     head_len;             /* with the empty line */
	time_t     second;               /* of the Date in it */
	int        status;
};

enum form_kind { FORM_PLAIN, FORM_GZIP, FORM_SAME_PLAIN, FORM_SAME_GZIP, FORM_COUNT };

struct http_ready {
	unsigned    references;
	char       *etag;
	bool        has_gzip;
	struct form forms[FORM_COUNT];
};

static const char date_before[] = "\r\nDate: ";
static const char date_dummy[] = "Thu, 01 Jan 1970 00:00:00 GMT";

static void make_form(struct form *form, const struct reply_head *head, const char *body, size_t len)
{
	http_write_head(&form->bytes, head);
	buf_append(&form->bytes, "\r\n", 2);
	form->head_len = form->bytes.len;
	form->status = head->status;
	if (head->status != 304)
		buf_append(&form->bytes, body, len);
}

/* The full form and the "not modified" one of the same bytes. */
static void make_pair(struct http_ready *ready, enum form_kind full, enum form_kind same,
		      struct reply_head *head, const char *body, size_t len)
{
	struct reply_head unchanged = *head;

	head->has_length = true;
	head->length = len;
	make_form(&ready->forms[full], head, body, len);
	if (!head->etag)
		return;
	unchanged.status = 304;
	unchanged.content_type = NULL;
	unchanged.has_length = false;
	make_form(&ready->forms[same], &unchanged, NULL, 0);
}

static bool zip(const char *body, size_t len, struct buf *zipped)
{
	struct http_deflater *deflater = http_deflater_new();
	bool done = http_gzip(deflater, len > 1024 * 1024 ? 1 : 6, body, len, zipped);

	http_deflater_free(deflater);
	return done;
}

struct http_ready *http_ready_new(const char *content_type, const char *etag, const char *cache_control,
				  const char *body, size_t body_len)
{
	struct http_ready *ready = xcalloc(1, sizeof(*ready));
	struct reply_head head = {
		.status = 200,
		.date = date_dummy,
		.content_type = content_type,
		.etag = etag,
		.cache_control = cache_control,
		.vary_encoding = body_len > GZIP_MIN && http_compressible(content_type),
	};
	struct buf zipped = { 0 };

	ready->references = 1;
	ready->etag = etag ? xstrdup(etag) : NULL;
	make_pair(ready, FORM_PLAIN, FORM_SAME_PLAIN, &head, body, body_len);
	if (head.vary_encoding && zip(body, body_len, &zipped)) {
		ready->has_gzip = head.gzipped = true;
		make_pair(ready, FORM_GZIP, FORM_SAME_GZIP, &head, zipped.data, zipped.len);
	}
	buf_release(&zipped);
	return ready;
}

struct http_ready *http_ready_ref(struct http_ready *ready)
{
	ready->references++;
	return ready;
}

void http_ready_unref(struct http_ready *ready)
{
	if (!ready || --ready->references > 0)
		return;
	for (size_t i = 0; i < FORM_COUNT; i++)
		buf_release(&ready->forms[i].bytes);
	free(ready->etag);
	free(ready);
}

size_t http_ready_size(const struct http_ready *ready)
{
	size_t size = sizeof(*ready);

	for (size_t i = 0; i < FORM_COUNT; i++)
		size += ready->forms[i].bytes.cap;
	return size;
}

static struct form *choose(struct http_ready *ready, const struct http_exchange *x)
{
	bool gzip = ready->has_gzip && http_takes_gzip(x->known[FIELD_ACCEPT_ENCODING]);
	bool same = ready->etag && http_tag_listed(x->known[FIELD_IF_NONE_MATCH], ready->etag);

	return &ready->forms[gzip ? (same ? FORM_SAME_GZIP : FORM_GZIP)
				  : (same ? FORM_SAME_PLAIN : FORM_PLAIN)];
}

static void freshen_date(struct form *form, struct http_server *server)
{
	const char *date = http_date_now(&server->date);
	char *at;

	if (form->second == server->date.second)
		return;
	at = strstr(form->bytes.data, date_before);
	memcpy(at + sizeof(date_before) - 1, date, HTTP_DATE_LENGTH);
	form->second = server->date.second;
}

/* With fields that are not in the ready head: it is copied, and they are put in. */
static void send_extended(struct http_exchange *x, const struct form *form, bool keep)
{
	struct buf *out = &x->conn->server->scratch;
	struct http_conn *c;

	buf_reset(out);
	buf_append(out, form->bytes.data, form->head_len - 2);
	buf_append(out, x->headers.data, x->headers.len);
	http_write_connection(out, x, keep);
	buf_append(out, "\r\n", 2);
	if (x->method != HTTP_HEAD_)
		buf_append(out, form->bytes.data + form->head_len, form->bytes.len - form->head_len);
	c = http_exchange_answered(x, form->status, keep);
	http_conn_send(c, out->data, out->len);
	http_conn_answered(c);
}

void http_reply_ready(struct http_exchange *x, struct http_ready *ready)
{
	bool keep = http_exchange_keeps_open(x);
	struct form *form = choose(ready, x);
	struct http_conn *c;
	size_t len;

	freshen_date(form, x->conn->server);
	if (!keep || x->version_10 || x->headers.len > 0) {
		send_extended(x, form, keep);
		return;
	}
	len = x->method == HTTP_HEAD_ ? form->head_len : form->bytes.len;
	c = http_exchange_answered(x, form->status, keep);
	http_conn_send_ready(c, ready, form->bytes.data, form->head_len < len ? form->head_len : len, len);
	http_conn_answered(c);
}
