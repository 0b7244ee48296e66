#ifndef BASE_BASE45_H
#define BASE_BASE45_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Base45 (RFC 9285): bytes as the 45 characters of a QR code's alphanumeric mode, three for two bytes. Each text that is
 * taken is the only text of its bytes.
 */
struct buf;

/* How many characters `len` bytes become. */
static inline size_t base45_length(size_t len)
{
	return len / 2 * 3 + len % 2 * 2;
}

void base45_encode(const void *bytes, size_t len, struct buf *out);
/* At most `max` bytes into out, how many in *len_out; false: not Base45, or too long. */
bool base45_decode(const char *text, size_t text_len, unsigned char *out, size_t max, size_t *len_out)
	__attribute__((warn_unused_result));

#endif
