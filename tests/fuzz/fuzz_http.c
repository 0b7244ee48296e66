#include <event2/event.h>
#include <strings.h>

#include "base/buf.h"
#include "base/memory.h"
#include "fuzz/fuzz.h"
#include "http/feed.h"
#include "http/http.h"

/*
 * The front, without a socket. Byte 0 chooses the limits and how the bytes are
 * split, byte 1 seeds the pieces, the rest is what a stranger sends.
 *
 * Oracle 1: in pieces the same comes out as at once: the answers (but for
 * interim ones, times and ids), what the application saw, whether the
 * connection ends. Oracle 2: every request that the application saw is one
 * that the short strict reader below finds at that place, with the same
 * method, target and body; so no bytes of a body can become a request. Those
 * at the beginning that are as plain as can be, it must have seen. Oracle 3:
 * what goes out is a sequence of whole answers, none of them a 500.
 */

/* ---- the application: the path says what it does ---- */

enum { HEADS_MAX = 64 };

struct seen {
	struct {
		enum http_method method;
		bool             refused, whole;     /* answered at the head; the body came */
		size_t           target_at, target_len, body_at, body_len;
	} heads[HEADS_MAX];
	size_t     nheads;
	struct buf bytes;                /* targets and bodies */
	struct buf text;                 /* all that was seen, for comparing */
};

static struct seen *seen;
static struct http_exchange *later;
static struct http_ready *ready;
static char page[2000], big[20000];

static void check_path(const char *path)
{
	FUZZ_CHECK(*path == '/' && text_valid_utf8(path, strlen(path)), "%s", path);
	for (const char *p = path; *p; p++) {
		FUZZ_CHECK((unsigned char)*p >= ' ' && *p != 0x7f && *p != '\\', "%s", path);
		FUZZ_CHECK(p[0] != '/' || p[1] != '/', "%s", path);
		FUZZ_CHECK(strncmp(p, "/../", 4) != 0 && strcmp(p, "/..") != 0, "%s", path);
	}
}

static void reply(struct http_exchange *x, const char *body, size_t len, const char *etag)
{
	http_reply(x, &(struct http_reply){ .status = 200, .content_type = "text/plain", .body = body,
					    .body_len = len, .etag = etag });
}

static void fail(struct http_exchange *x, enum error_code code)
{
	struct error err;

	error_clear(&err);
	error_set(&err, code, "Detail.", "Chi tiết.");
	http_reply_error(x, &err);
}

static void on_head(struct http_exchange *x, void *owner)
{
	const char *path = http_path(x), *target = http_target(x);
	static const char *const names[] = { "authorization", "content-type", "if-match", "idempotency-key", "x" };

	(void)owner;
	FUZZ_CHECK(seen->nheads < HEADS_MAX, "too many heads");
	check_path(path);
	seen->heads[seen->nheads].method = http_method(x);
	seen->heads[seen->nheads].target_at = seen->bytes.len;
	seen->heads[seen->nheads].target_len = strlen(target);
	buf_append_text(&seen->bytes, target);
	seen->nheads++;
	buf_printf(&seen->text, "%s %s ? %s [%s %d]\n", http_method_name(http_method(x)), path, http_raw_query(x),
		   http_client_address(x), (int)http_language(x));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		buf_printf(&seen->text, "%s: %s\n", names[i], http_header(x, names[i]) ? http_header(x, names[i]) : "-");
	/* Before the answer: with it the request may be gone, and is wiped. */
	seen->heads[seen->nheads - 1].refused = path[1] == 'n' || path[1] == 'p' || path[1] == 'r';
	if (path[1] == 'n' || path[1] == 'p')
		fail(x, ERR_NOT_FOUND);
	else if (path[1] == 'r')
		fail(x, ERR_UNAUTHENTICATED);
	else if (path[1] == 's')
		http_set_body_max(x, 8);
}

/* As long as the body, and of letters that no head can be made of. */
static void echo(struct http_exchange *x)
{
	size_t len;
	const char *body = http_body(x, &len);
	char *text = http_alloc(x, len + 1);

	for (size_t i = 0; i < len; i++)
		text[i] = (char)('a' + (body[i] & 15));
	reply(x, text, len, NULL);
}

static void answer(struct http_exchange *x)
{
	const char *path = http_path(x);

	if (path[1] == 'b')
		reply(x, big, sizeof(big), NULL);
	else if (path[1] == 't')
		reply(x, page, sizeof(page), "\"v1\"");
	else if (path[1] == 'y')
		http_reply_ready(x, ready);
	else if (path[1] == 'u')
		fail(x, ERR_UNKNOWN_OUTCOME);
	else
		echo(x);
}

static void on_request(struct http_exchange *x, void *owner)
{
	struct http_param *params;
	struct error err;
	size_t len, count;
	const char *body = http_body(x, &len);

	(void)owner;
	FUZZ_CHECK(seen->nheads > 0 && body[len] == '\0', "a body without a head or an end");
	seen->heads[seen->nheads - 1].whole = true;
	seen->heads[seen->nheads - 1].body_at = seen->bytes.len;
	seen->heads[seen->nheads - 1].body_len = len;
	buf_append(&seen->bytes, body, len);
	buf_append_text(&seen->text, "body ");
	buf_append(&seen->text, body, len);
	buf_append_char(&seen->text, '\n');
	error_clear(&err);
	if (!http_query(x, &params, &count, &err))
		fuzz_check_refusal(&err);
	if (http_path(x)[1] == 'l') {
		FUZZ_CHECK(!later, "two requests of one connection at a time");
		later = x;
	} else {
		answer(x);
	}
}

static bool plain_errors(const char *path, void *owner)
{
	(void)owner;
	return path[0] == '/' && path[1] == 'p';
}

/* ---- one connection ---- */

struct outcome {
	struct seen seen;
	struct buf  out;
	bool        closed;
};

static struct http_server *servers[2];       /* the usual limits; narrow ones */

static void start(void)
{
	static const struct http_app app = { on_head, on_request, plain_errors };
	struct event_base *base = event_base_new();
	struct http_limits limits;

	memset(page, 'p', sizeof(page));
	memset(big, 'b', sizeof(big));
	ready = http_ready_new("text/plain", "\"v1\"", "public, max-age=1", page, sizeof(page));
	http_limits_init(&limits);
	servers[0] = http_server_new(base, -1, &app, NULL, &limits, "unix");
	limits.head_max = 200;
	limits.target_max = 40;
	limits.fields_max = 6;
	limits.body_max = 32;
	servers[1] = http_server_new(base, -1, &app, NULL, &limits, NULL);
}

/* Times and ids differ from run to run: their letters become 'x'. */
static void mask(struct buf *out, const char *before, size_t len)
{
	size_t n = strlen(before);
	char *p = out->data;

	while (p && (p = memmem(p, (size_t)(out->data + out->len - p), before, n)) != NULL) {
		p += n;
		if ((size_t)(out->data + out->len - p) >= len)
			memset(p, 'x', len);
	}
}

static void drop(struct buf *out, const char *text)
{
	size_t n = strlen(text);
	char *p;

	while (out->len >= n && (p = memmem(out->data, out->len, text, n)) != NULL) {
		memmove(p, p + n, (size_t)(out->data + out->len - p) - n);
		out->len -= n;
	}
}

/* `seed` 0: all at once. Else pieces of 1 to 16 bytes, or of up to 255; what waits is answered between them. */
static void run(struct http_server *server, const char *bytes, size_t size, unsigned seed, struct outcome *outcome)
{
	unsigned most = seed & 1 ? 16 : 255, dice = seed * 2654435761u;
	struct http_feed *feed = http_feed_new(server);
	const char *output;
	size_t len;

	seen = &outcome->seen;
	while (size > 0) {
		size_t piece = seed ? 1 + (dice >> 16) % most : size;

		if (piece > size)
			piece = size;
		http_feed_bytes(feed, bytes, piece);
		bytes += piece;
		size -= piece;
		dice = dice * 1664525 + 1013904223;
		if (later && (dice >> 29) == 0) {
			struct http_exchange *x = later;

			later = NULL;
			answer(x);
		}
	}
	while (later) {
		struct http_exchange *x = later;

		later = NULL;
		answer(x);
	}
	output = http_feed_output(feed, &len);
	buf_append(&outcome->out, output, len);
	outcome->closed = http_feed_closed(feed);
	http_feed_free(feed);
	drop(&outcome->out, "HTTP/1.1 100 Continue\r\n\r\n");
	mask(&outcome->out, "\r\nDate: ", 29);
	mask(&outcome->out, "\r\nRequest-Id: ", 36);
	mask(&outcome->out, "\"request_id\":\"", 36);
}

static bool same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static void outcome_release(struct outcome *outcome)
{
	buf_release(&outcome->seen.bytes);
	buf_release(&outcome->seen.text);
	buf_release(&outcome->out);
}

/* ---- the strict reader: what a request is, said once more and shortly ---- */

struct reader {
	const char *p, *end;
	const char *method, *target;     /* of the request just read */
	size_t      method_len, target_len;
	struct buf  body;
	bool        whole;               /* its body is all there */
	bool        plain;               /* nobody could refuse it, or close the connection behind it */
};

static const char *line_end(const char *p, const char *end)
{
	return end - p < 2 ? NULL : memmem(p, (size_t)(end - p), "\r\n", 2);
}

static bool is_name(const char *line, const char *colon, const char *name)
{
	return (size_t)(colon - line) == strlen(name) && strncasecmp(line, name, strlen(name)) == 0;
}

static bool read_digits(const char *p, const char *end, unsigned base, uint64_t *out)
{
	static const char digits[] = "00112233445566778899aAbBcCdDeEfF";

	*out = 0;
	if (p == end)
		return false;
	for (; p < end; p++) {
		const char *digit = strchr(digits, *p);

		if (!*p || !digit || (unsigned)(digit - digits) / 2 >= base || *out > UINT64_MAX / 32)
			return false;
		*out = *out * base + (uint64_t)(digit - digits) / 2;
	}
	return true;
}

/* Reads size lines and data up to the last trailer; false when it is no valid body (or not all there: !whole). */
static bool read_chunks(struct reader *r)
{
	const char *eol;
	uint64_t size;

	for (;;) {
		eol = line_end(r->p, r->end);
		if (!eol)
			return false;
		const char *extension = memchr(r->p, ';', (size_t)(eol - r->p));

		if (!read_digits(r->p, extension ? extension : eol, 16, &size))
			return false;
		r->p = eol + 2;
		if (size == 0)
			break;
		if ((uint64_t)(r->end - r->p) < 2 || size > (uint64_t)(r->end - r->p) - 2 ||
		    memcmp(r->p + size, "\r\n", 2) != 0)
			return false;
		buf_append(&r->body, r->p, size);
		r->p += size + 2;
	}
	while ((eol = line_end(r->p, r->end)) != NULL) {
		bool last = eol == r->p;

		r->p = eol + 2;
		if (last)
			return true;
	}
	return false;
}

static bool read_line(struct reader *r, const char *eol)
{
	const char *one = memchr(r->p, ' ', (size_t)(eol - r->p));
	const char *two = one ? memchr(one + 1, ' ', (size_t)(eol - one - 1)) : NULL;

	if (!two || eol - two != 9 || strncmp(two, " HTTP/1.", 8) != 0)
		return false;
	r->method = r->p;
	r->method_len = (size_t)(one - r->p);
	r->target = one + 1;
	r->target_len = (size_t)(two - one - 1);
	return true;
}

static bool is_plain_line(const struct reader *r)
{
	static const char *const methods[] = { "GET", "POST", "PUT", "DELETE" };
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789?=&";
	const char *version = r->target + r->target_len + 1;
	bool known = false, plain = r->target_len >= 2 && r->target_len < 100 && strncmp(version, "HTTP/1.1\r\n", 10) == 0;

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		known |= r->method_len == strlen(methods[i]) && strncmp(r->method, methods[i], r->method_len) == 0;
	for (size_t i = 0; plain && i < r->target_len; i++)
		plain = i == 0 ? r->target[0] == '/' : r->target[i] && strchr(letters, r->target[i]);
	return known && plain && r->target[1] != 'u' && r->target[1] != 's';
}

/* The next request; false when there is none that is valid and whole up to the end of its head. */
static bool read_request(struct reader *r)
{
	unsigned lengths = 0, codings = 0, hosts = 0;
	uint64_t length = 0;
	const char *eol;

	buf_reset(&r->body);
	r->whole = r->plain = false;
	if (r->end - r->p >= 2 && memcmp(r->p, "\r\n", 2) == 0)
		r->p += 2;
	eol = line_end(r->p, r->end);
	if (!eol || !read_line(r, eol))
		return false;
	r->plain = is_plain_line(r);
	for (r->p = eol + 2;; r->p = eol + 2) {
		eol = line_end(r->p, r->end);
		if (!eol)
			return false;
		if (eol == r->p)
			break;
		const char *colon = memchr(r->p, ':', (size_t)(eol - r->p));

		if (!colon || memchr(r->p, '\n', (size_t)(eol - r->p)) || memchr(r->p, '\r', (size_t)(eol - r->p)))
			return false;
		const char *value = colon + 1, *end = eol;

		while (value < end && (*value == ' ' || *value == '\t'))
			value++;
		while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
			end--;
		if (is_name(r->p, colon, "content-length")) {
			if (lengths++ > 0 || !read_digits(value, end, 10, &length))
				return false;
			r->plain &= !memchr(end, '\t', (size_t)(eol - end));    /* llhttp takes blanks there, no tabs */
		} else if (is_name(r->p, colon, "transfer-encoding")) {
			if (codings++ > 0 || end - value != 7 || strncasecmp(value, "chunked", 7) != 0)
				return false;
		} else if (is_name(r->p, colon, "host")) {
			r->plain &= hosts++ == 0 && end - value == 1 && *value == 'x';
		} else {
			r->plain = false;
		}
	}
	r->plain &= hosts == 1 && codings == 0 && length < 1000;
	r->p = eol + 2;
	if (codings > 0 && lengths > 0)
		return false;
	if (codings > 0) {
		r->whole = read_chunks(r);
	} else if ((uint64_t)(r->end - r->p) >= length) {
		buf_append(&r->body, r->p, length);
		r->p += length;
		r->whole = true;
	}
	return true;
}

static bool for_the_front(const struct reader *r)
{
	return r->method_len == 7 && strncmp(r->method, "OPTIONS", 7) == 0 && r->target_len == 1 && *r->target == '*';
}

static void check_head(const struct reader *r, const struct seen *s, size_t i)
{
	const char *method = http_method_name(s->heads[i].method);
	const char *target = s->bytes.data + s->heads[i].target_at;
	size_t len = s->heads[i].target_len;

	/* The front puts a '/' before the query of "http://host?query", and for "http://host". */
	if (len > 0 && len - 1 < r->target_len && r->target[r->target_len - len] != '/') {
		target++;
		len--;
	}
	FUZZ_CHECK(strlen(method) == r->method_len && memcmp(method, r->method, r->method_len) == 0,
		   "request %zu: method %s", i, method);
	FUZZ_CHECK(len <= r->target_len &&
			   memcmp(target, r->target + r->target_len - len, len) == 0,
		   "request %zu: target", i);
	if (s->heads[i].whole)
		FUZZ_CHECK(r->whole && r->body.len == s->heads[i].body_len &&
				   (r->body.len == 0 ||
				    memcmp(r->body.data, s->bytes.data + s->heads[i].body_at, r->body.len) == 0),
			   "request %zu: body", i);
}

/* Returns how many answers are known to be to HEAD, as bits by number of the answer. */
static uint64_t check_framing(const struct seen *s, const char *bytes, size_t size, size_t *answers)
{
	struct reader r = { .p = bytes, .end = bytes + size };
	uint64_t heads = 0;

	*answers = 0;
	for (size_t i = 0; i < s->nheads; i++) {
		do {
			FUZZ_CHECK(i == 0 || r.whole, "request %zu begins inside of another", i);
			FUZZ_CHECK(read_request(&r), "request %zu: there is none", i);
			if (s->heads[i].method == HTTP_HEAD_)
				heads |= (uint64_t)1 << (*answers % 64);
			++*answers;
		} while (for_the_front(&r));
		check_head(&r, s, i);
		if (!s->heads[i].whole && !s->heads[i].refused)
			--*answers;
	}
	buf_release(&r.body);
	return heads;
}

static void check_plain(const struct seen *s, const char *bytes, size_t size)
{
	struct reader r = { .p = bytes, .end = bytes + size };
	size_t count = 0;

	while (read_request(&r) && r.plain && r.whole)
		count++;
	FUZZ_CHECK(s->nheads >= count, "%zu plain requests, %zu seen", count, s->nheads);
	buf_release(&r.body);
}

/* ---- the answers ---- */

static const char *field(const char *head, const char *end, const char *name)
{
	const char *line = memmem(head, (size_t)(end - head), name, strlen(name));

	return line ? line + strlen(name) : NULL;
}

static void check_answers(const struct buf *out, uint64_t to_head, size_t answers)
{
	const char *p = out->data, *end = out->data + out->len;
	size_t count = 0;

	while (p && p < end) {
		const char *empty = memmem(p, (size_t)(end - p), "\r\n\r\n", 4);
		const char *length;
		int status;

		FUZZ_CHECK(empty && strncmp(p, "HTTP/1.1 ", 9) == 0, "answer %zu begins oddly", count);
		status = atoi(p + 9);
		FUZZ_CHECK(status >= 200 && status <= 505 && status != 500, "status %d", status);
		FUZZ_CHECK(field(p, empty, "\r\nDate: "), "answer %zu has no date", count);
		length = field(p, empty + 2, "\r\nContent-Length: ");
		p = empty + 4;
		if (count >= answers && status >= 400 && p == end)
			return;          /* the front's own, to a HEAD */
		if (length && status != 304 && !(count < answers && (to_head >> count % 64) & 1)) {
			size_t n = (size_t)atol(length);

			FUZZ_CHECK(n <= (size_t)(end - p), "answer %zu is cut", count);
			p += n;
		}
		count++;
	}
	FUZZ_CHECK(count >= answers, "%zu answers to %zu requests", count, answers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole = { 0 }, pieces = { 0 };
	unsigned flags = fuzz_byte(&data, &size), seed = fuzz_byte(&data, &size);
	struct http_server *server;
	uint64_t heads;
	size_t answers;
	char *bytes;

	if (!servers[0])
		start();
	if (size > 16 * HEADS_MAX)       /* the shortest request has more than 16 bytes */
		size = 16 * HEADS_MAX;
	bytes = fuzz_rest(data, size);
	server = servers[flags & 1];
	run(server, bytes, size, 0, &whole);
	run(server, bytes, size, 2 * seed + 2 + (flags >> 1 & 1), &pieces);
	FUZZ_CHECK(same(&whole.seen.text, &pieces.seen.text), "seen at once:\n%s\nin pieces:\n%s",
		   whole.seen.text.data, pieces.seen.text.data);
	FUZZ_CHECK(same(&whole.out, &pieces.out), "answered at once:\n%s\nin pieces:\n%s", whole.out.data,
		   pieces.out.data);
	FUZZ_CHECK(whole.closed == pieces.closed, "closed at once %d, in pieces %d", whole.closed, pieces.closed);
	heads = check_framing(&whole.seen, bytes, size, &answers);
	if (!(flags & 1))
		check_plain(&whole.seen, bytes, size);
	check_answers(&whole.out, heads, answers);
	outcome_release(&whole);
	outcome_release(&pieces);
	free(bytes);
	return 0;
}
