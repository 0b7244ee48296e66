#ifndef CRYPTO_WRAP_H
#define CRYPTO_WRAP_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Small secrets sealed by the keyring's wrap keys: XChaCha20-Poly1305 under a
 * random nonce, which comes first. `bound` says what the secret is of (table,
 * id, field); it is authenticated together with the key's id, so a sealed
 * value moved to another row or under another key does not open.
 */
struct keyring;

enum { WRAP_MAX = 64, WRAP_EXTRA = 40, WRAP_HEX_SIZE = 2 + 2 * (WRAP_MAX + WRAP_EXTRA) + 1 };

/* At most WRAP_MAX bytes, as PostgreSQL's bytea text ("\x..."). */
void wrap_seal(const struct keyring *keyring, int key_id, const char *bound, const void *secret, size_t len,
	       char out[WRAP_HEX_SIZE]);
/* Hexadecimal digits, with "\x" before or not. False: no such key, or not what was sealed with it for `bound`. */
bool wrap_open(const struct keyring *keyring, int key_id, const char *bound, const char *hex,
	       unsigned char out[WRAP_MAX], size_t *len) __attribute__((warn_unused_result));

#endif
