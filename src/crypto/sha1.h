#ifndef CRYPTO_SHA1_H
#define CRYPTO_SHA1_H

#include <stddef.h>

/* SHA-1 (RFC 3174) and its HMAC (RFC 2104), for totp.c alone. */
enum { SHA1_BYTES = 20 };

void sha1(const void *bytes, size_t len, unsigned char out[SHA1_BYTES]);
/* `len` at most 256: the messages here are 8 bytes. */
void hmac_sha1(const void *key, size_t key_len, const void *bytes, size_t len, unsigned char out[SHA1_BYTES]);

#endif
