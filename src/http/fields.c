#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "http/exchange.h"

/*
 * The fields of a head: names lower-case, values trimmed, both NUL-terminated
 * in place; then those that say where a request ends and whom it is for.
 */
static const struct known {
	const char *name;
	size_t      len;
} known[KNOWN_FIELD_COUNT] = {
#define KNOWN(field, text) [field] = { text, sizeof(text) - 1 }
	KNOWN(FIELD_HOST, "host"),
	KNOWN(FIELD_CONTENT_LENGTH, "content-length"),
	KNOWN(FIELD_TRANSFER_ENCODING, "transfer-encoding"),
	KNOWN(FIELD_EXPECT, "expect"),
	KNOWN(FIELD_ACCEPT_ENCODING, "accept-encoding"),
	KNOWN(FIELD_IF_NONE_MATCH, "if-none-match"),
	KNOWN(FIELD_IF_MATCH, "if-match"),
	KNOWN(FIELD_ACCEPT_LANGUAGE, "accept-language"),
#undef KNOWN
};

static void name_known(struct http_exchange *x, const struct http_field *field)
{
	for (size_t i = 0; i < KNOWN_FIELD_COUNT; i++) {
		if (known[i].len != field->name_len || memcmp(known[i].name, field->name, field->name_len) != 0)
			continue;
		if (x->known_count[i]++ == 0)    /* at most fields_max, far below 255 */
			x->known[i] = field->value;
		return;
	}
}

static void tidy(struct http_field *field)
{
	static char nothing[1];

	for (uint32_t i = 0; i < field->name_len; i++)
		if (field->name[i] >= 'A' && field->name[i] <= 'Z')
			field->name[i] |= 0x20;
	field->name[field->name_len] = '\0';
	if (!field->value) {
		field->value = nothing;
		field->value_len = 0;
		return;
	}
	while (field->value_len > 0 && (field->value[field->value_len - 1] == ' ' ||
					field->value[field->value_len - 1] == '\t'))
		field->value_len--;
	field->value[field->value_len] = '\0';
}

/* The target as text: cut out of the head, or "/" and the query where the path was left out. */
static void name_target(struct http_exchange *x)
{
	char *raw = x->head.data + x->target_at;
	const char *query;

	raw[x->target_len] = '\0';
	if (*raw == '/' || *raw == '*')
		x->target = raw;
	else
		x->target = arena_printf(&x->arena, "/%s", raw);
	query = strchr(x->target, '?');
	x->query = query ? query + 1 : "";
}

static bool bad(struct http_exchange *x, const char *en, const char *vi)
{
	return http_refuse(x, ERR_BAD_REQUEST, en, vi);
}

static bool host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '.' || c == '_' || c == '~';
}

static bool valid_port(const char *text, size_t len)
{
	unsigned port = 0;

	if (len == 0 || len > 5)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		port = port * 10 + (unsigned)(text[i] - '0');
	}
	return port <= 65535;
}

/* Length of "[v6 address]" at the start; 0 when it is not one. */
static size_t bracketed(const char *text, size_t len)
{
	const char *close = memchr(text, ']', len);
	size_t inside = close ? (size_t)(close - text) - 1 : 0;

	if (!close || inside < 2 || inside > 45)
		return 0;
	for (size_t i = 1; i <= inside; i++)
		if (!strchr("0123456789abcdefABCDEF:.", text[i]))
			return 0;
	return inside + 2;
}

bool http_valid_authority(const char *text, size_t len)
{
	size_t host = 0;

	if (len > 0 && text[0] == '[')
		host = bracketed(text, len);
	else
		while (host < len && host_char(text[host]))
			host++;
	if (host == 0 || host > 255)
		return false;
	return host == len || (text[host] == ':' && valid_port(text + host + 1, len - host - 1));
}

static bool check_host(struct http_exchange *x)
{
	unsigned count = x->known_count[FIELD_HOST];
	const char *host = x->known[FIELD_HOST];

	if (count == 0 && x->version_10)
		return true;
	if (count != 1 || !http_valid_authority(host, strlen(host)))
		return bad(x, "The request must name exactly one valid Host.",
			   "Yêu cầu phải có đúng một trường Host hợp lệ.");
	return true;
}

static bool parse_length(const char *text, uint64_t *length)
{
	size_t len = strlen(text);

	*length = 0;
	if (len == 0 || len > 18)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*length = *length * 10 + (unsigned)(text[i] - '0');
	}
	return true;
}

/* How the body is framed: exactly one way, or none. */
static bool check_framing(struct http_exchange *x)
{
	unsigned lengths = x->known_count[FIELD_CONTENT_LENGTH];
	unsigned codings = x->known_count[FIELD_TRANSFER_ENCODING];

	if (lengths + codings > 1)
		return bad(x, "The length of the body is given twice.",
			   "Độ dài của nội dung được ghi hai lần.");
	if (codings == 1) {
		if (x->version_10 || strcasecmp(x->known[FIELD_TRANSFER_ENCODING], "chunked") != 0)
			return bad(x, "Transfer-Encoding may only be chunked, and not in HTTP/1.0.",
				   "Transfer-Encoding chỉ có thể là chunked và không dùng với HTTP/1.0.");
		x->has_body = true;
	} else if (lengths == 1) {
		if (!parse_length(x->known[FIELD_CONTENT_LENGTH], &x->content_length))
			return bad(x, "Content-Length is not a number.", "Content-Length không phải là số.");
		x->has_body = x->content_length > 0;
	}
	/* llhttp must see the same end. */
	if (x->message_complete == x->has_body)
		return bad(x, "The request breaks the rules of HTTP.", "Yêu cầu không đúng quy tắc HTTP.");
	return true;
}

static bool check_expect(struct http_exchange *x)
{
	unsigned count = x->known_count[FIELD_EXPECT];

	if (count == 0)
		return true;
	if (count > 1 || strcasecmp(x->known[FIELD_EXPECT], "100-continue") != 0)
		return http_refuse(x, ERR_EXPECTATION_FAILED, "Only Expect: 100-continue is understood.",
				   "Chỉ hiểu Expect: 100-continue.");
	x->expects_continue = !x->version_10 && x->has_body;
	return true;
}

/*
 * The gzip form of an answer has a tag of its own, made here by a suffix; the
 * application compares with the one it gave.
 */
static void strip_gzip_suffix(char *tags)
{
	static const char suffix[] = HTTP_GZIP_TAG_SUFFIX "\"";
	size_t len = sizeof(suffix) - 2;         /* the quote stays */
	char *at = tags;

	while ((at = strstr(at, suffix)) != NULL)
		memmove(at, at + len, strlen(at + len) + 1);
}

bool http_check_fields(struct http_exchange *x)
{
	for (size_t i = 0; i < x->nfields; i++) {
		tidy(&x->fields[i]);
		name_known(x, &x->fields[i]);
	}
	name_target(x);
	if (!check_host(x) || !check_framing(x) || !check_expect(x))
		return false;
	for (size_t i = 0; x->known_count[FIELD_IF_MATCH] > 0 && i < x->nfields; i++)
		if (streq(x->fields[i].name, "if-match"))
			strip_gzip_suffix(x->fields[i].value);
	return true;
}
