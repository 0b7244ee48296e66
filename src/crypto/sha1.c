#include "crypto/sha1.h"

#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 64, MESSAGE_MAX = 256 };

static uint32_t rotate(uint32_t x, unsigned n)
{
	return x << n | x >> (32 - n);
}

static uint32_t word_at(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void mix(uint32_t h[5], const unsigned char block[BLOCK])
{
	static const uint32_t k[4] = { 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6 };
	uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];

	for (unsigned t = 0; t < 16; t++)
		w[t] = word_at(block + 4 * t);
	for (unsigned t = 16; t < 80; t++)
		w[t] = rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
	for (unsigned t = 0; t < 80; t++) {
		uint32_t f = t < 20 ? (b & c) | (~b & d) : t >= 40 && t < 60 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;
		uint32_t next = rotate(a, 5) + f + e + w[t] + k[t / 20];

		e = d;
		d = c;
		c = rotate(b, 30);
		b = a;
		a = next;
	}
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
	h[4] += e;
	sodium_memzero(w, sizeof(w));
}

void sha1(const void *bytes, size_t len, unsigned char out[SHA1_BYTES])
{
	uint32_t h[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };
	const unsigned char *p = bytes;
	unsigned char last[2 * BLOCK] = { 0 };
	size_t rest = len % BLOCK, padded = rest < BLOCK - 8 ? BLOCK : 2 * BLOCK;

	for (size_t i = 0; i + BLOCK <= len; i += BLOCK)
		mix(h, p + i);
	memcpy(last, p + (len - rest), rest);
	last[rest] = 0x80;
	for (unsigned i = 0; i < 8; i++)
		last[padded - 1 - i] = (unsigned char)((uint64_t)len * 8 >> 8 * i);
	for (size_t i = 0; i < padded; i += BLOCK)
		mix(h, last + i);
	for (unsigned i = 0; i < SHA1_BYTES; i++)
		out[i] = (unsigned char)(h[i / 4] >> (24 - 8 * (i % 4)));
	sodium_memzero(last, sizeof(last));
}

void hmac_sha1(const void *key, size_t key_len, const void *bytes, size_t len, unsigned char out[SHA1_BYTES])
{
	unsigned char block[BLOCK] = { 0 }, inner[BLOCK + MESSAGE_MAX], outer[BLOCK + SHA1_BYTES];

	if (len > MESSAGE_MAX)
		abort();
	if (key_len > BLOCK)
		sha1(key, key_len, block);
	else
		memcpy(block, key, key_len);
	for (unsigned i = 0; i < BLOCK; i++) {
		inner[i] = block[i] ^ 0x36;
		outer[i] = block[i] ^ 0x5c;
	}
	memcpy(inner + BLOCK, bytes, len);
	sha1(inner, BLOCK + len, outer + BLOCK);
	sha1(outer, sizeof(outer), out);
	sodium_memzero(block, sizeof(block));
	sodium_memzero(inner, sizeof(inner));
	sodium_memzero(outer, sizeof(outer));
}
