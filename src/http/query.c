#include <string.h>

#include "http/exchange.h"
#include "http/percent.h"

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int percent_decode(const char *p, const char *end)
{
	int high, low;

	if (end - p < 3)
		return -1;
	high = hex_value(p[1]);
	low = hex_value(p[2]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* New text in the exchange's memory, or NULL. */
static char *decode(struct http_exchange *x, const char *raw, size_t len, size_t *out_len)
{
	char *out = http_alloc(x, len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int byte = raw[i] == '+' ? ' ' : (unsigned char)raw[i];

		if (raw[i] == '%') {
			byte = percent_decode(raw + i, raw + len);
			if (byte < 0)
				return NULL;
			i += 2;
		}
		out[n++] = (char)byte;
	}
	*out_len = n;
	return out;
}

/* A name is compared as a C string, so it must be one. */
static bool decode_field(struct http_exchange *x, const char *raw, size_t len, struct http_param *param)
{
	const char *equals = memchr(raw, '=', len);
	size_t name_raw = equals ? (size_t)(equals - raw) : len;
	size_t name_len = 0;
	const char *value = equals ? equals + 1 : raw + len;

	param->name = decode(x, raw, name_raw, &name_len);
	param->value = decode(x, value, (size_t)(raw + len - value), &param->value_len);
	return param->name && param->value && strlen(param->name) == name_len;
}

static size_t count_fields(const char *query)
{
	size_t count = 1;

	for (; *query; query++)
		count += *query == '&';
	return count;
}

bool http_query(struct http_exchange *x, struct http_param **params, size_t *count, struct error *err)
{
	const char *at = http_raw_query(x);

	*count = 0;
	*params = http_alloc(x, count_fields(at) * sizeof(**params));
	while (*at) {
		size_t len = strcspn(at, "&");

		if (len > 0 && !decode_field(x, at, len, &(*params)[(*count)++]))
			return error_set(err, ERR_INVALID_QUERY,
					 "The query holds a '%%' without two hexadecimal digits behind it, or '%%00' in a name.",
					 "Chuỗi truy vấn có dấu '%%' không kèm hai chữ số thập lục phân, hoặc có '%%00' trong tên.");
		at += len;
		at += *at == '&';
	}
	return true;
}
