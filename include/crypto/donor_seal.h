#ifndef CRYPTO_DONOR_SEAL_H
#define CRYPTO_DONOR_SEAL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What is personal of a donor, sealed (design 6.5). Each donor has a random key
 * of its own; it is kept wrapped by a wrap key of the keyring, and what it
 * seals goes with it: who deletes the wrapped key has erased the donor, in
 * every place where the sealed fields still lie. XChaCha20-Poly1305 with random
 * nonces; the associated data name table, donor, field and (of the wrapped key)
 * the wrap key's id, so nothing sealed can be moved elsewhere and be opened.
 *
 * Any thread. Open keys lie in sodium_malloc() memory: one donor_key, used for
 * many donors in turn, not one each.
 */
struct arena;
struct buf;
struct keyring;
struct donor_key;

struct donor_key *donor_key_new(void);                   /* holds no key yet */
void donor_key_free(struct donor_key *key);              /* wipes; NULL is fine */

enum { DONOR_KEY_WRAPPED_BYTES = 24 + 32 + 16 };

/* A fresh random key for this donor, wrapped by the active wrap key, whose id is returned. */
int donor_key_make(struct donor_key *key, const struct keyring *keyring, const char *donor_id,
		   unsigned char wrapped[DONOR_KEY_WRAPPED_BYTES]);
/* False: no such wrap key here, or these bytes are not that donor's key. */
bool donor_key_open(struct donor_key *key, const struct keyring *keyring, int wrap_key_id,
		    const char *donor_id, const unsigned char wrapped[DONOR_KEY_WRAPPED_BYTES])
	__attribute__((warn_unused_result));
/* The same key under the active wrap key, whose id is returned; for a rotation. The key is open. */
int donor_key_wrap(const struct donor_key *key, const struct keyring *keyring, const char *donor_id,
		   unsigned char wrapped[DONOR_KEY_WRAPPED_BYTES]);

enum { DONOR_SEAL_OVERHEAD = 24 + 16 };

/*
 * Appends nonce, ciphertext, tag to *out: len + DONOR_SEAL_OVERHEAD bytes. `table` is a word in lower case, `field`
 * too; where a table has several rows of a donor, `field` is word and row id ("code 0190..."), so that they cannot be
 * exchanged either. Both at most 80 characters. The key is open.
 */
void donor_seal(const struct donor_key *key, const char *table, const char *field, const char *donor_id,
		const void *bytes, size_t len, struct buf *out);
/*
 * New text in the arena, NUL-ended, its length in *len; NULL: not sealed by this key for that place. The caller
 * wipes it (sodium_memzero) where it does not go straight into an answer.
 */
char *donor_open(const struct donor_key *key, const char *table, const char *field, const char *donor_id,
		 const void *sealed, size_t sealed_len, struct arena *arena, size_t *len);

/*
 * A digest of bytes that only this donor's key makes, for one use (a word, static): who has erased the donor can compare
 * nothing with it any more. The key is open.
 */
enum { DONOR_DIGEST_BYTES = 32 };
void donor_digest_bytes(const struct donor_key *key, const char *use, const void *bytes, size_t len,
			unsigned char out[DONOR_DIGEST_BYTES]);

#endif
