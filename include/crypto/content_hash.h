#ifndef CRYPTO_CONTENT_HASH_H
#define CRYPTO_CONTENT_HASH_H

#include <stdbool.h>
#include <stddef.h>

/*
 * BLAKE2b-256 of a file's bytes, to know a file again. Unkeyed: of a list of
 * people it goes nowhere but into a keyed digest.
 */
struct error;

enum { CONTENT_HASH_BYTES = 32 };

/* False and ERR_SYSTEM: it cannot be read. */
bool content_hash_file(const char *path, unsigned char out[CONTENT_HASH_BYTES], struct error *err);
/* Of bytes that were read before. */
void content_hash(const void *bytes, size_t len, unsigned char out[CONTENT_HASH_BYTES]);

#endif
