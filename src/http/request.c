#include <string.h>
#include <strings.h>

#include "http/connection.h"
#include "http/exchange.h"
#include "http/server.h"

/*
 * How a request is read: head, then body or chunks, then trailers. Each part
 * passes its byte gate first and llhttp second. Every step takes what it can
 * and returns how much; the exchange may be answered and gone afterwards.
 */
static const char continue_line[] = "HTTP/1.1 100 Continue\r\n\r\n";

static bool refuse_gate(struct http_exchange *x, enum error_code code)
{
	switch (code) {
	case ERR_HEAD_TOO_LARGE:
		return http_refuse(x, code, "The head of the request is too large.",
				   "Phần đầu của yêu cầu quá lớn.");
	case ERR_TARGET_TOO_LONG:
		return http_refuse(x, code, "The address of the request is too long.",
				   "Địa chỉ của yêu cầu quá dài.");
	case ERR_CONTENT_TOO_LARGE:
		return http_refuse(x, code, "The body of the request is too large.",
				   "Nội dung của yêu cầu quá lớn.");
	case ERR_NOT_IMPLEMENTED:
		return http_refuse(x, code, "This method is not known here.",
				   "Phương thức này không được hỗ trợ.");
	default:
		return http_refuse(x, code, "The request breaks the rules of HTTP.",
				   "Yêu cầu không đúng quy tắc HTTP.");
	}
}

static void hand_over(struct http_exchange *x)
{
	struct http_server *server = x->conn->server;

	x->phase = PHASE_WORK;
	server->app.on_request(x, server->owner);
}

static bool body_too_large(const struct http_exchange *x)
{
	return x->content_length > x->body_max;
}

/* The head is valid: the application says where it goes, then the body is asked for. */
static void begin_body(struct http_conn *c, struct http_exchange *x)
{
	struct http_server *server = c->server;

	x->phase = PHASE_BODY;
	server->app.on_head(x, server->owner);
	if (c->x != x)                   /* answered */
		return;
	if (!x->has_body)
		hand_over(x);
	else if (body_too_large(x))
		refuse_gate(x, ERR_CONTENT_TOO_LARGE);
	else if (x->expects_continue)
		http_conn_send(c, continue_line, sizeof(continue_line) - 1);
}

/* "OPTIONS *" asks about the server as a whole. */
static void answer_for_server(struct http_exchange *x)
{
	struct http_reply reply = { .status = 204 };

	x->phase = PHASE_BODY;
	http_add_header(x, "Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
	http_reply(x, &reply);
}

static void head_done(struct http_conn *c, struct http_exchange *x)
{
	http_parser_begin(x);
	if (!http_parser_head(x, x->head.data, x->head.len)) {
		refuse_gate(x, ERR_BAD_REQUEST);
		return;
	}
	if (!http_check_fields(x))
		return;
	c->server->counters.requests++;
	if (*x->target == '*')
		answer_for_server(x);
	else
		begin_body(c, x);
}

static size_t take_head(struct http_conn *c, struct http_exchange *x, const char *bytes, size_t len)
{
	size_t skip, used;
	enum gate_verdict verdict = http_gate_scan(&x->gate, bytes, len, &skip, &used);

	if (used > skip)
		buf_append(&x->head, bytes + skip, used - skip);
	c->more = used < len;
	if (verdict == GATE_REQUEST_LINE)
		http_check_request_line(x);
	else if (verdict == GATE_DONE)
		head_done(c, x);
	else if (verdict == GATE_BAD)
		refuse_gate(x, x->gate.code);
	return used;
}

static size_t take_counted(struct http_conn *c, struct http_exchange *x, const char *bytes, size_t len)
{
	uint64_t left = x->content_length - x->body.len;
	size_t used = len < left ? len : (size_t)left;

	c->more = used < len;
	if (!http_parser_body(x, bytes, used))
		refuse_gate(x, ERR_BAD_REQUEST);
	else if (x->body.len == x->content_length && http_parser_complete(x))
		hand_over(x);
	else if (used == left)           /* llhttp counts otherwise: trust neither */
		refuse_gate(x, ERR_BAD_REQUEST);
	return used;
}

static void begin_trailers(struct http_exchange *x)
{
	const struct http_limits *limits = &x->conn->server->limits;

	x->phase = PHASE_TRAILERS;
	http_gate_init_trailers(&x->gate, limits->head_max, limits->fields_max);
}

static size_t take_chunks(struct http_conn *c, struct http_exchange *x, const char *bytes, size_t len)
{
	size_t used;
	enum chunk_verdict verdict = http_chunk_scan(&x->chunk, bytes, len, x->body_max, &used);

	c->more = used < len;
	/* First what came before the fault: so the answer is the same however the bytes were cut. */
	if (!http_parser_body(x, bytes, used) || http_parser_complete(x))
		refuse_gate(x, ERR_BAD_REQUEST);
	else if (verdict == CHUNK_BAD)
		refuse_gate(x, x->chunk.code);
	else if (verdict == CHUNK_LAST)
		begin_trailers(x);
	return used;
}

/* Trailers are read by the rules of a head and dropped; some must not be there at all. */
static bool forbidden_trailer(const struct buf *trailers)
{
	static const char *const names[] = { "content-length:", "transfer-encoding:", "host:", "trailer:",
					     "authorization:", "content-encoding:" };
	const char *line = trailers->data;

	while (line && *line != '\r') {
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			if (strncasecmp(line, names[i], strlen(names[i])) == 0)
				return true;
		line = strstr(line, "\r\n");
		line = line ? line + 2 : NULL;
	}
	return false;
}

static void trailers_done(struct http_exchange *x)
{
	if (forbidden_trailer(&x->trailers) || !http_parser_body(x, x->trailers.data, x->trailers.len) ||
	    !http_parser_complete(x))
		refuse_gate(x, ERR_BAD_REQUEST);
	else
		hand_over(x);
}

static size_t take_trailers(struct http_conn *c, struct http_exchange *x, const char *bytes, size_t len)
{
	size_t skip, used;
	enum gate_verdict verdict = http_gate_scan(&x->gate, bytes, len, &skip, &used);

	buf_append(&x->trailers, bytes, used);
	c->more = used < len;
	if (verdict == GATE_DONE)
		trailers_done(x);
	else if (verdict == GATE_BAD)
		refuse_gate(x, x->gate.code);
	return used;
}

size_t http_request_take(struct http_conn *c, const char *bytes, size_t len)
{
	struct http_exchange *x = c->x;

	if (!x)
		x = http_exchange_begin(c, c->server->now_us);
	switch (x->phase) {
	case PHASE_HEAD:
		return take_head(c, x, bytes, len);
	case PHASE_BODY:
		return x->content_length > 0 ? take_counted(c, x, bytes, len)
					     : take_chunks(c, x, bytes, len);
	case PHASE_TRAILERS:
		return take_trailers(c, x, bytes, len);
	case PHASE_WORK:
		break;
	}
	return 0;
}
