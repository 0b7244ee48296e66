#include "store/row.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

void query_begin(struct db_query *query, const struct db_statement *statement, enum db_lane lane,
		 void (*done)(struct db_query *query, const struct db_result *result))
{
	*query = (struct db_query){ .statement = statement, .lane = lane, .done = done };
}

void query_text(struct db_query *query, const char *text)
{
	query->params[query->nparams++] = text;
}

void query_int(struct db_query *query, struct arena *arena, int64_t value)
{
	query_text(query, arena_printf(arena, "%lld", (long long)value));
}

void query_bool(struct db_query *query, bool value)
{
	query_text(query, value ? "t" : "f");
}

void query_date(struct db_query *query, struct arena *arena, struct date date)
{
	char *text = NULL;

	if (!date_is_none(date))
		text = date_format(date, arena_alloc(arena, DATE_TEXT_SIZE));
	query_text(query, text);
}

void query_time(struct db_query *query, struct arena *arena, int64_t wall_us)
{
	char *text = NULL;

	if (wall_us != INT64_MIN)
		text = time_format(wall_us, arena_alloc(arena, TIME_TEXT_SIZE));
	query_text(query, text);
}

void array_element(struct buf *buf, const char *text)
{
	buf_append_char(buf, '"');
	for (size_t len; *text; text += len) {
		len = strcspn(text, "\"\\");
		buf_append(buf, text, len);
		if (text[len]) {
			buf_append_char(buf, '\\');
			buf_append_char(buf, text[len++]);
		}
	}
	buf_append_char(buf, '"');
}

/* Dimensions, whether it holds NULLs, type of the elements, how many they are, number of the first. */
struct array_head {
	uint32_t dimensions, nulls, type, count, from;
};

void array_begin(struct buf *buf, enum array_of type)
{
	const struct array_head head = { .dimensions = htonl(1), .type = htonl(type), .from = htonl(1) };

	buf_reset(buf);
	buf_append(buf, &head, sizeof(head));
}

void array_bytes(struct buf *buf, const void *bytes, size_t len)
{
	const uint32_t size = bytes ? htonl((uint32_t)len) : UINT32_MAX;
	struct array_head head;

	memcpy(&head, buf->data, sizeof(head));
	head.count = htonl(ntohl(head.count) + 1);
	if (!bytes)
		head.nulls = htonl(1);
	memcpy(buf->data, &head, sizeof(head));
	buf_append(buf, &size, sizeof(size));
	if (bytes)
		buf_append(buf, bytes, len);
}

void array_integer(struct buf *buf, int32_t value)
{
	const uint32_t bytes = htonl((uint32_t)value);

	array_bytes(buf, &bytes, sizeof(bytes));
}

void array_uuid(struct buf *buf, const char *text)
{
	unsigned char bytes[UUID_BYTES];

	array_bytes(buf, text && uuid_bytes(text, bytes) ? bytes : NULL, sizeof(bytes));
}

void query_array(struct db_query *query, const struct buf *buf)
{
	query->sizes[query->nparams] = (int)buf->len;
	query_text(query, buf->data);
}

void query_texts(struct db_query *query, struct arena *arena, const char *const *texts, size_t count)
{
	struct buf buf = { 0 };

	buf_append_char(&buf, '{');
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_append_char(&buf, ',');
		array_element(&buf, texts[i]);
	}
	buf_append_char(&buf, '}');
	query_text(query, arena_strdup(arena, buf.data));
	buf_release(&buf);
}

const char *bytes_text(struct arena *arena, const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char *text = arena_alloc(arena, 2 * len + 3), *to = text;

	*to++ = '\\';
	*to++ = 'x';
	for (size_t i = 0; i < len; i++) {
		*to++ = digits[((const unsigned char *)bytes)[i] >> 4];
		*to++ = digits[((const unsigned char *)bytes)[i] & 15];
	}
	*to = '\0';
	return text;
}

/* What PostgreSQL gives: lower-case digits, two a byte. */
static unsigned digit_value(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

size_t row_bytes_of(const char *text, unsigned char *out, size_t max)
{
	size_t len = text && text[0] == '\\' && text[1] == 'x' ? strlen(text + 2) / 2 : 0;

	if (len > max)
		return 0;
	for (size_t i = 0; i < len; i++)
		out[i] = (unsigned char)(digit_value(text[2 + 2 * i]) << 4 | digit_value(text[3 + 2 * i]));
	return len;
}

const char *uuid_or_nil(const char *text)
{
	if (text && !uuid_valid(text))
		return "00000000-0000-0000-0000-000000000000";
	return text;
}

char *page_limit(int limit, char out[16])
{
	snprintf(out, 16, "%d", limit + 1);
	return out;
}

const char *row_text(struct arena *arena, const struct db_result *result, int row, int column)
{
	return arena_strdup(arena, db_text(result, row, column));
}

void row_uuid(const struct db_result *result, int row, int column, char out[UUID_TEXT_SIZE])
{
	const char *text = db_text(result, row, column);
	size_t len = text ? strnlen(text, UUID_TEXT_SIZE - 1) : 0;

	if (len > 0)
		memcpy(out, text, len);
	out[len] = '\0';
}

struct date row_date(const struct db_result *result, int row, int column)
{
	struct date date = { 0 };
	const char *text = db_text(result, row, column);

	if (text)
		(void)date_parse(text, &date);
	return date;
}

int64_t row_time(const struct db_result *result, int row, int column)
{
	return db_int(result, row, column, INT64_MIN);
}

int row_int(const struct db_result *result, int row, int column, int if_null)
{
	return (int)db_int(result, row, column, if_null);
}

struct texts {
	struct arena *arena;
	const char  **items;
	size_t        count;
};

static void count_text(void *context, const char *element)
{
	size_t *count = context;

	(void)element;
	(*count)++;
}

static void add_text(void *context, const char *element)
{
	struct texts *texts = context;

	texts->items[texts->count++] = arena_strdup(texts->arena, element);
}

const char **row_texts(struct arena *arena, const struct db_result *result, int row, int column,
		       size_t *count)
{
	struct texts texts = { .arena = arena };

	*count = 0;
	db_each_element(result, row, column, count_text, count);
	if (*count == 0)
		return NULL;
	texts.items = arena_alloc(arena, *count * sizeof(*texts.items));
	db_each_element(result, row, column, add_text, &texts);
	return texts.items;
}
