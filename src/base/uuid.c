#include "base/uuid.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { RANDOM_POOL = 256 };      /* come whole once the kernel's pool is ready; anything else is a broken system */

/* Ids are no secrets: some are asked for at once. */
static void random_bytes(unsigned char *out, size_t len)
{
	static _Thread_local unsigned char pool[RANDOM_POOL];
	static _Thread_local size_t left;

	if (left < len) {
		if (getrandom(pool, sizeof(pool), 0) != sizeof(pool))
			abort();
		left = sizeof(pool);
	}
	left -= len;
	memcpy(out, pool + left, len);
}

/* The 12 bits behind the millisecond (RFC 9562, 6.2, method 1): they count within one, from a drawn start. */
static unsigned place_in(uint64_t ms, unsigned drawn)
{
	static _Thread_local uint64_t last_ms;
	static _Thread_local unsigned place;

	place = ms == last_ms ? (place + 1) & 0xfff : drawn & 0x7ff;
	last_ms = ms;
	return place;
}

void uuid7_make(char out[UUID_TEXT_SIZE], int64_t wall_us)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char bytes[16];
	uint64_t ms = (uint64_t)wall_us / 1000;
	unsigned place;
	char *p = out;

	random_bytes(bytes, sizeof(bytes));
	place = place_in(ms, (unsigned)bytes[6] << 8 | bytes[7]);
	for (int i = 0; i < 6; i++)
		bytes[i] = (unsigned char)(ms >> (40 - 8 * i));
	bytes[6] = (unsigned char)(0x70 | (place >> 8));
	bytes[7] = (unsigned char)place;
	bytes[8] = (unsigned char)(0x80 | (bytes[8] & 0x3f));
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = hex[bytes[i] >> 4];
		*p++ = hex[bytes[i] & 15];
	}
	*p = '\0';
}

static unsigned digit(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

bool uuid_bytes(const char *text, unsigned char out[UUID_BYTES])
{
	if (!uuid_valid(text))
		return false;
	for (int i = 0; i < UUID_BYTES; i++, text += 2) {
		text += *text == '-';
		out[i] = (unsigned char)(digit(text[0]) << 4 | digit(text[1]));
	}
	return true;
}

bool uuid_valid(const char *text)
{
	for (int i = 0; i < 36; i++) {
		char c = text[i];

		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (c != '-')
				return false;
		} else if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
			     (c >= 'A' && c <= 'F'))) {
			return false;
		}
	}
	return text[36] == '\0';
}
