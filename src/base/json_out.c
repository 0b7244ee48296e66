#include "base/json_out.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

static void member_begin(struct json_out *out, const char *key)
{
	uint32_t bit = 1u << out->depth;

	size_t len = key ? strlen(key) : 0;
	char *to = buf_reserve(out->buf, len + 4);

	if (out->depth > 0 && (out->filled & bit))
		*to++ = ',';
	out->filled |= bit;
	if (key) {
		*to++ = '"';
		memcpy(to, key, len);
		to += len;
		*to++ = '"';
		*to++ = ':';
	}
	out->buf->len = (size_t)(to - out->buf->data);
}

static void level_open(struct json_out *out, const char *key, char bracket, bool array)
{
	member_begin(out, key);
	buf_append_char(out->buf, bracket);
	out->depth++;                     /* at most 31: our documents are shallow */
	uint32_t bit = 1u << out->depth;

	out->filled &= ~bit;
	out->arrays = array ? out->arrays | bit : out->arrays & ~bit;
}

void jout_object(struct json_out *out, const char *key)
{
	level_open(out, key, '{', false);
}

void jout_array(struct json_out *out, const char *key)
{
	level_open(out, key, '[', true);
}

void jout_end(struct json_out *out)
{
	buf_append_char(out->buf, out->arrays & (1u << out->depth) ? ']' : '}');
	out->depth--;
}

/* Runs of plain bytes are copied whole; only controls, quotes and backslashes are escaped. */
static void append_quoted(struct buf *buf, const char *text, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	size_t start = 0;

	buf_append_char(buf, '"');
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
			continue;
		buf_append(buf, text + start, i - start);
		start = i + 1;
		if (c == '"' || c == '\\') {
			buf_append_char(buf, '\\');
			buf_append_char(buf, (char)c);
		} else if (c == '\n') {
			buf_append(buf, "\\n", 2);
		} else {
			char escape[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

			buf_append(buf, escape, sizeof(escape));
		}
	}
	buf_append(buf, text + start, len - start);
	buf_append_char(buf, '"');
}

void jout_text_len(struct json_out *out, const char *key, const char *text, size_t len)
{
	member_begin(out, key);
	append_quoted(out->buf, text, len);
}

void jout_text(struct json_out *out, const char *key, const char *text)
{
	if (text)
		jout_text_len(out, key, text, strlen(text));
	else
		jout_null(out, key);
}

void jout_int(struct json_out *out, const char *key, int64_t value)
{
	char digits[24];
	char *p = digits + sizeof(digits);
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	do {
		*--p = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (value < 0)
		*--p = '-';
	member_begin(out, key);
	buf_append(out->buf, p, (size_t)(digits + sizeof(digits) - p));
}

void jout_real(struct json_out *out, const char *key, double value)
{
	if (!isfinite(value)) {
		jout_null(out, key);
		return;
	}
	member_begin(out, key);
	buf_printf(out->buf, "%.15g", value);
}

void jout_bool(struct json_out *out, const char *key, bool value)
{
	jout_raw(out, key, value ? "true" : "false");
}

void jout_null(struct json_out *out, const char *key)
{
	jout_raw(out, key, "null");
}

void jout_date(struct json_out *out, const char *key, struct date date)
{
	char text[DATE_TEXT_SIZE];

	jout_text(out, key, date_is_none(date) ? NULL : date_format(date, text));
}

void jout_time(struct json_out *out, const char *key, int64_t wall_us)
{
	char text[TIME_TEXT_SIZE];

	jout_text(out, key, wall_us == INT64_MIN ? NULL : time_format(wall_us, text));
}

void jout_raw(struct json_out *out, const char *key, const char *json)
{
	member_begin(out, key);
	buf_append_text(out->buf, json);
}
