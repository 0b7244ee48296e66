#ifndef CRYPTO_PACK_HASH_H
#define CRYPTO_PACK_HASH_H

#include <stddef.h>
#include <stdint.h>

/*
 * The hashes of a round pack (domain/pack.h). Phones make them too, of what is typed at the desk: so they are
 * HMAC-SHA-256, which every phone's browser has, of the plain text, under a key that travels with the pack. No digest of the
 * registry is in it, and no key of the keyring can be told from it: the pack's key is made of a random id under one of
 * them, so that it need not be kept.
 *
 * Any thread.
 */
struct keyring;

enum { PACK_KEY_BYTES = 16, PACK_STATE_HEX_SIZE = 65 };

/* Of the id of the pack (random), under that hash key. */
void pack_key_make(const struct keyring *keyring, int key_id, const char *pack_id, unsigned char out[PACK_KEY_BYTES]);
/* The first 22 bits of HMAC-SHA-256: PACK_HASH_BITS. */
uint32_t pack_hash(const unsigned char key[PACK_KEY_BYTES], const void *text, size_t len);
/* The first 64 bits, of "mark" 0x1f text: by it the server tells whether an entry has changed. */
uint64_t pack_mark(const unsigned char key[PACK_KEY_BYTES], const void *text, size_t len);
/* SHA-256 of the state's text, in lower case hexadecimal digits. */
void pack_state(const void *text, size_t len, char out[PACK_STATE_HEX_SIZE]);
/*
 * What is kept of a state as a phone has it: HMAC-SHA-256 of "state" 0x1f state, in such digits. Of few people a state by itself
 * could be tried out.
 */
void pack_state_kept(const unsigned char key[PACK_KEY_BYTES], const char *state, char out[PACK_STATE_HEX_SIZE]);

#endif
