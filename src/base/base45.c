#include "base/base45.h"

#include <string.h>

#include "base/buf.h"

static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
enum { BASE = sizeof(alphabet) - 1 };

_Static_assert(BASE == 45, "RFC 9285, table 1");

void base45_encode(const void *bytes, size_t len, struct buf *out)
{
	const unsigned char *from = bytes;

	for (; len > 0; len -= len > 1 ? 2 : 1, from += 2) {
		unsigned value = len > 1 ? from[0] * 256u + from[1] : from[0];

		buf_append_char(out, alphabet[value % BASE]);
		buf_append_char(out, alphabet[value / BASE % BASE]);
		if (len > 1)
			buf_append_char(out, alphabet[value / (BASE * BASE)]);
	}
}

/* The values of `count` characters, the least first; larger than any group may be: not of the alphabet. */
static unsigned group_value(const char *text, size_t count)
{
	unsigned value = 0;

	while (count-- > 0) {
		const char *place = text[count] ? strchr(alphabet, text[count]) : NULL;

		if (!place)
			return 1u << 20;
		value = value * BASE + (unsigned)(place - alphabet);
	}
	return value;
}

bool base45_decode(const char *text, size_t text_len, unsigned char *out, size_t max, size_t *len_out)
{
	size_t len = 0;

	*len_out = 0;
	while (text_len > 0) {
		size_t group = text_len < 3 ? text_len : 3, bytes = group - 1;
		unsigned value = group_value(text, group);

		if (bytes == 0 || len + bytes > max || value >= 1u << (8 * bytes))
			return false;
		if (bytes == 2)
			out[len++] = (unsigned char)(value >> 8);
		out[len++] = (unsigned char)value;
		text += group;
		text_len -= group;
	}
	*len_out = len;
	return true;
}
