#include "http/reply.h"

#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/text.h"
#include "http/connection.h"
#include "http/exchange.h"
#include "http/gzip.h"
#include "http/negotiate.h"
#include "http/server.h"
#include "http/status.h"

/* Beyond this the cheapest level; the scratch buffer is not kept this large either. */
enum { LARGE_BODY = 32 * 1024, SCRATCH_KEEP = 256 * 1024 };

static void write_field(struct buf *out, const char *name, const char *value)
{
	buf_append_text(out, name);
	buf_append(out, ": ", 2);
	buf_append_text(out, value);
	buf_append(out, "\r\n", 2);
}

static void write_length(struct buf *out, size_t length)
{
	char digits[24];
	char *p = digits + sizeof(digits) - 1;

	*p = '\0';
	do {
		*--p = (char)('0' + length % 10);
		length /= 10;
	} while (length);
	write_field(out, "Content-Length", p);
}

static void write_etag(struct buf *out, const char *etag, bool gzipped)
{
	size_t len = strlen(etag);

	if (!gzipped || len < 2) {
		write_field(out, "ETag", etag);
		return;
	}
	buf_append_text(out, "ETag: ");
	buf_append(out, etag, len - 1);
	buf_append_text(out, HTTP_GZIP_TAG_SUFFIX "\"\r\n");
}

static void write_vary(struct buf *out, bool encoding, bool language)
{
	if (encoding || language)
		write_field(out, "Vary", !language   ? "Accept-Encoding"
					 : !encoding ? "Accept-Language"
						     : "Accept-Encoding, Accept-Language");
}

void http_write_head(struct buf *out, const struct reply_head *head)
{
	buf_append_text(out, "HTTP/1.1 ");
	buf_append_text(out, http_status_line(head->status));
	buf_append(out, "\r\n", 2);
	write_field(out, "Date", head->date);
	if (head->content_type)
		write_field(out, "Content-Type", head->content_type);
	if (head->has_length)
		write_length(out, head->length);
	if (head->gzipped && head->status != 304)
		write_field(out, "Content-Encoding", "gzip");
	if (head->etag)
		write_etag(out, head->etag, head->gzipped);
	write_field(out, "Cache-Control", head->cache_control ? head->cache_control : "no-store");
	write_vary(out, head->vary_encoding, head->vary_language);
	buf_append_text(out, "X-Content-Type-Options: nosniff\r\n");
}

void http_write_connection(struct buf *out, const struct http_exchange *x, bool keep)
{
	if (!keep)
		buf_append_text(out, "Connection: close\r\n");
	else if (x->version_10)
		buf_append_text(out, "Connection: keep-alive\r\n");
}

/* A value may come from a request: without line ends it cannot become a second field. */
void http_add_header(struct http_exchange *x, const char *name, const char *value)
{
	size_t start;

	buf_append_text(&x->headers, name);
	buf_append(&x->headers, ": ", 2);
	start = x->headers.len;
	buf_append_text(&x->headers, value);
	for (size_t i = start; i < x->headers.len; i++)
		if ((unsigned char)x->headers.data[i] < 0x20 || x->headers.data[i] == 0x7f)
			x->headers.data[i] = ' ';
	buf_append(&x->headers, "\r\n", 2);
}

static void count_time(struct http_counters *counters, int64_t us)
{
	static const int64_t bounds_ms[] = { 1, 5, 10, 50, 100, 500, 1000 };
	size_t i = 0;

	while (i < ARRAY_SIZE(bounds_ms) && us > bounds_ms[i] * 1000)
		i++;
	counters->bucket[i]++;
	counters->seconds_count++;
	counters->seconds_us += (uint64_t)us;
}

struct http_conn *http_exchange_answered(struct http_exchange *x, int status, bool keep)
{
	struct http_conn *c = x->conn;
	struct http_counters *counters = &c->server->counters;

	/* It may be long after the event that brought the request: what follows begins now. */
	c->server->now_us = clock_mono_us();
	counters->status[status / 100 % 6]++;
	count_time(counters, c->server->now_us - x->started_us);
	if (keep)
		c->discard = (uint32_t)http_exchange_unread(x);
	else
		c->closing = true;
	http_exchange_end(x);
	return c;
}

static bool is_read(const struct http_exchange *x)
{
	return x->line_checked && (x->method == HTTP_GET_ || x->method == HTTP_HEAD_);
}

static bool not_modified(const struct http_exchange *x, const struct http_reply *reply)
{
	return reply->status == 200 && is_read(x) &&
	       http_tag_listed(x->known[FIELD_IF_NONE_MATCH], reply->etag);
}

/* New gzip form in *zipped, when it is worth it and wanted. */
static bool compress(struct http_exchange *x, const struct http_reply *reply, struct buf *zipped)
{
	struct http_server *server = x->conn->server;

	if (!http_takes_gzip(x->known[FIELD_ACCEPT_ENCODING]))
		return false;
	if (!server->deflater)
		server->deflater = http_deflater_new();
	return http_gzip(server->deflater, reply->body_len > LARGE_BODY ? 1 : 4, reply->body,
			 reply->body_len, zipped);
}

static bool forbids_body(int status)
{
	return status == 204 || status == 304;
}

static void describe(struct reply_head *head, struct http_exchange *x, const struct http_reply *reply)
{
	*head = (struct reply_head){
		.status = reply->status,
		.date = http_date_now(&x->conn->server->date),
		.etag = reply->etag,
		.cache_control = reply->cache_control,
		.vary_language = reply->vary_language,
		.vary_encoding = reply->content_type && reply->body_len > GZIP_MIN &&
				 http_compressible(reply->content_type),
	};
}

/* Head and body into the server's scratch buffer; which form of the body, is decided here. */
static void build(struct buf *out, struct http_exchange *x, const struct http_reply *reply, bool keep)
{
	const char *body = reply->content_type ? reply->body : NULL;
	size_t len = body ? reply->body_len : 0;
	struct buf zipped = { 0 };
	struct reply_head head;

	describe(&head, x, reply);
	if (not_modified(x, reply)) {
		head.status = 304;
		head.gzipped = head.vary_encoding && http_takes_gzip(x->known[FIELD_ACCEPT_ENCODING]);
	} else if (head.vary_encoding && compress(x, reply, &zipped)) {
		head.gzipped = true;
		body = zipped.data;
		len = zipped.len;
	}
	if (!forbids_body(head.status)) {
		head.content_type = reply->content_type;
		head.has_length = true;
		head.length = len;
	}
	buf_reset(out);
	http_write_head(out, &head);
	write_field(out, "Request-Id", http_request_id(x));
	buf_append(out, x->headers.data, x->headers.len);
	http_write_connection(out, x, keep);
	buf_append(out, "\r\n", 2);
	if (len > 0 && head.has_length && x->method != HTTP_HEAD_)
		buf_append(out, body, len);
	buf_release(&zipped);
}

void http_reply(struct http_exchange *x, const struct http_reply *reply)
{
	bool keep = http_exchange_keeps_open(x);
	struct buf *out = &x->conn->server->scratch;
	struct http_conn *c;

	build(out, x, reply, keep);
	c = http_exchange_answered(x, not_modified(x, reply) ? 304 : reply->status, keep);
	http_conn_send(c, out->data, out->len);
	if (out->cap > SCRATCH_KEEP)
		buf_release(out);
	else
		buf_reset(out);
	http_conn_answered(c);
}
