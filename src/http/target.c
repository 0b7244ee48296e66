#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "http/exchange.h"
#include "http/percent.h"

/*
 * The request line. By the time it comes here it has the form METHOD SP target
 * SP version (gate.c); this decides whether the three parts are ours.
 */
static const char *const method_names[HTTP_METHOD_COUNT] = {
	[HTTP_GET_] = "GET",     [HTTP_HEAD_] = "HEAD",     [HTTP_POST_] = "POST",       [HTTP_PUT_] = "PUT",
	[HTTP_PATCH_] = "PATCH", [HTTP_DELETE_] = "DELETE", [HTTP_OPTIONS_] = "OPTIONS",
};

const char *http_method_name(enum http_method method)
{
	return (unsigned)method < HTTP_METHOD_COUNT ? method_names[method] : "";
}

static bool find_method(const char *text, size_t len, enum http_method *method)
{
	for (int m = 0; m < HTTP_METHOD_COUNT; m++) {
		if (strlen(method_names[m]) == len && memcmp(text, method_names[m], len) == 0) {
			*method = (enum http_method)m;
			return true;
		}
	}
	return false;
}

static bool check_version(struct http_exchange *x, const char *text)
{
	bool digits = text[5] >= '0' && text[5] <= '9' && text[7] >= '0' && text[7] <= '9';

	if (memcmp(text, "HTTP/", 5) != 0 || text[6] != '.' || !digits)
		return http_refuse(x, ERR_BAD_REQUEST, "The request line is not valid.",
				   "Dòng yêu cầu không hợp lệ.");
	if (text[5] != '1' || text[7] > '1')
		return http_refuse(x, ERR_HTTP_VERSION, "Only HTTP/1.1 and HTTP/1.0 are spoken here.",
				   "Chỉ hỗ trợ HTTP/1.1 và HTTP/1.0.");
	x->version_10 = text[7] == '0';
	return true;
}

static bool bad_target(struct http_exchange *x)
{
	return http_refuse(x, ERR_BAD_REQUEST, "The address of the request is not valid.",
			   "Địa chỉ của yêu cầu không hợp lệ.");
}

/* Characters of a URL's path (RFC 3986), but for '%'. */
static bool path_char(char c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
		return true;
	return c != '\0' && strchr("/-._~!$&'()*+,;=:@", c) != NULL;
}

/* Decoded into path; no byte may come out that a path has another use for, and only UTF-8. */
static bool decode_path(struct buf *path, const char *raw, size_t len)
{
	char *out = buf_reserve(path, len + 1);
	bool ascii = true;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int byte = (unsigned char)raw[i];

		if (raw[i] == '%') {
			byte = percent_decode(raw + i, raw + len);
			if (byte < 0x20 || byte == 0x7f || byte == '/' || byte == '\\')
				return false;
			i += 2;
		} else if (!path_char(raw[i])) {
			return false;
		}
		ascii = ascii && byte < 0x80;
		out[n++] = (char)byte;
	}
	out[n] = '\0';
	path->len = n;
	return ascii || text_valid_utf8(out, n);
}

/* Starts with '/'; no empty segment but at the end, none of only one or two dots. */
static bool segments_plain(const char *path)
{
	if (*path != '/')
		return false;
	for (const char *p = path; (p = strchr(p, '/')) != NULL; p++) {
		size_t len = strcspn(p + 1, "/");

		if ((len == 0 && p[1] == '/') || (len == 1 && p[1] == '.') ||
		    (len == 2 && p[1] == '.' && p[2] == '.'))
			return false;
	}
	return true;
}

static bool check_path(struct http_exchange *x, const char *raw, size_t len)
{
	buf_reset(&x->path);
	if (!decode_path(&x->path, raw, len) || !segments_plain(x->path.data)) {
		buf_reset(&x->path);
		return bad_target(x);
	}
	return true;
}

/* Length of "http://authority" or "https://authority" at the start; 0: none, or not valid. */
static size_t absolute_prefix(const char *text, size_t len)
{
	size_t scheme = len > 7 && strncasecmp(text, "http://", 7) == 0    ? 7
			: len > 8 && strncasecmp(text, "https://", 8) == 0 ? 8
									   : 0;
	size_t end = scheme;

	if (scheme == 0)
		return 0;
	while (end < len && text[end] != '/' && text[end] != '?')
		end++;
	return http_valid_authority(text + scheme, end - scheme) ? end : 0;
}

static bool check_target(struct http_exchange *x, uint32_t at, uint32_t len)
{
	const char *text = x->head.data + at;
	const char *query;
	size_t path_len;

	if (len == 1 && *text == '*') {
		x->target_at = at;
		x->target_len = len;
		buf_reset(&x->path);
		buf_append_text(&x->path, "*");
		return x->method == HTTP_OPTIONS_ ? true : bad_target(x);
	}
	if (*text != '/') {
		size_t prefix = absolute_prefix(text, len);

		if (prefix == 0)
			return bad_target(x);
		at += (uint32_t)prefix;
		len -= (uint32_t)prefix;
		text += prefix;
	}
	if (memchr(text, '#', len))
		return bad_target(x);
	query = memchr(text, '?', len);
	path_len = query ? (size_t)(query - text) : len;
	x->target_at = at;
	x->target_len = len;
	/* "http://host" and "http://host?query" mean the root. */
	return path_len == 0 ? check_path(x, "/", 1) : check_path(x, text, path_len);
}

static bool check_method(struct http_exchange *x)
{
	if (find_method(x->head.data, x->gate.method_len, &x->method))
		return true;
	return http_refuse(x, ERR_NOT_IMPLEMENTED, "This method is not known here.",
			   "Phương thức này không được hỗ trợ.");
}

bool http_check_request_line(struct http_exchange *x)
{
	uint32_t target_at = x->gate.method_len + 1;

	if (!check_version(x, x->head.data + target_at + x->gate.target_len + 1) || !check_method(x) ||
	    !check_target(x, target_at, x->gate.target_len))
		return false;
	x->line_checked = true;
	return true;
}
