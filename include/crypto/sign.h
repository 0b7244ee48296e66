#ifndef CRYPTO_SIGN_H
#define CRYPTO_SIGN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Ed25519 (RFC 8032) with the keyring's sign keys: the 32 bytes of a key are
 * the seed. What is signed begins with words of its own use, so that a
 * signature for one use is none for another.
 */
struct keyring;

enum { SIGN_PUBLIC_BYTES = 32, SIGN_PUBLIC_HEX_SIZE = 65, SIGNATURE_BYTES = 64, SIGN_KEYS_MAX = 64 };

/* False: the keyring has no sign key of that id. Any state will do. */
bool sign_text(const struct keyring *keyring, int key_id, const void *text, size_t len,
	       unsigned char signature[SIGNATURE_BYTES]) __attribute__((warn_unused_result));

/* What may be given to everybody. False: no such key. */
bool sign_public_key(const struct keyring *keyring, int key_id, unsigned char out[SIGN_PUBLIC_BYTES])
	__attribute__((warn_unused_result));
/* 64 hexadecimal digits, either case, and nothing else. */
bool sign_public_parse(const char *hex, unsigned char out[SIGN_PUBLIC_BYTES])
	__attribute__((warn_unused_result));

/* Ids of all sign keys, ascending; returns how many. */
size_t sign_key_ids(const struct keyring *keyring, int ids[SIGN_KEYS_MAX]);

bool sign_verify(const unsigned char public_key[SIGN_PUBLIC_BYTES], const void *text, size_t len,
		 const unsigned char signature[SIGNATURE_BYTES]) __attribute__((warn_unused_result));

#endif
