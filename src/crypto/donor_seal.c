#include "crypto/donor_seal.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/memory.h"
#include "crypto/keyring_secret.h"

enum {
	NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
	TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES,
	PLACE_SIZE = 256
};

_Static_assert(KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "wrap keys are keys of the cipher");
_Static_assert(DONOR_KEY_WRAPPED_BYTES == NONCE_BYTES + KEY_BYTES + TAG_BYTES, "as the header says");
_Static_assert(DONOR_SEAL_OVERHEAD == NONCE_BYTES + TAG_BYTES, "as the header says");

struct donor_key {
	unsigned char bytes[KEY_BYTES];
	bool          open;
};

struct donor_key *donor_key_new(void)
{
	struct donor_key *key = sodium_malloc(sizeof(*key));

	if (!key)
		abort();
	sodium_memzero(key, sizeof(*key));
	return key;
}

void donor_key_free(struct donor_key *key)
{
	sodium_free(key);
}

/* ---- where a sealed text belongs: the associated data ---- */

struct place {
	unsigned char bytes[PLACE_SIZE];
	size_t        len;
};

/* Ids are the same in either case. The words are ours and the id is a UUID: they fit. */
static void place_make(struct place *place, const char *table, const char *donor_id, const char *field)
{
	int len = snprintf((char *)place->bytes, PLACE_SIZE, "%s\x1f%s\x1f%s", table, donor_id, field);

	if (len < 0 || len >= PLACE_SIZE)
		abort();
	place->len = (size_t)len;
	for (size_t i = 0; i < place->len; i++)
		if (place->bytes[i] >= 'A' && place->bytes[i] <= 'Z')
			place->bytes[i] = (unsigned char)(place->bytes[i] - 'A' + 'a');
}

static void place_of_key(struct place *place, const char *donor_id, int wrap_key_id)
{
	char field[32];

	snprintf(field, sizeof(field), "wrapped_key %d", wrap_key_id);
	place_make(place, "donor", donor_id, field);
}

/* ---- nonce, ciphertext, tag ---- */

static void seal(const unsigned char key[KEY_BYTES], const struct place *place, const void *bytes, size_t len,
		 unsigned char *out)
{
	randombytes_buf(out, NONCE_BYTES);
	crypto_aead_xchacha20poly1305_ietf_encrypt(out + NONCE_BYTES, NULL, bytes, len, place->bytes, place->len,
						   NULL, out, key);
}

static bool unseal(const unsigned char key[KEY_BYTES], const struct place *place, const unsigned char *sealed,
		   size_t sealed_len, unsigned char *out)
{
	return crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed + NONCE_BYTES,
							  sealed_len - NONCE_BYTES, place->bytes, place->len,
							  sealed, key) == 0;
}

/* ---- the donor's key ---- */

/* Whoever seals with a key that is not open has a fault in the program: nobody could open it again. */
static void expect_open(const struct donor_key *key)
{
	if (!key->open)
		abort();
}

int donor_key_wrap(const struct donor_key *key, const struct keyring *keyring, const char *donor_id,
		   unsigned char wrapped[DONOR_KEY_WRAPPED_BYTES])
{
	int wrap_key_id = keyring_active(keyring, KEY_WRAP);
	unsigned char wrap_key[KEY_BYTES];
	struct place place;

	expect_open(key);
	if (!keyring_copy_key(keyring, KEY_WRAP, wrap_key_id, wrap_key))
		abort();                 /* the active key is in the keyring */
	place_of_key(&place, donor_id, wrap_key_id);
	seal(wrap_key, &place, key->bytes, KEY_BYTES, wrapped);
	sodium_memzero(wrap_key, sizeof(wrap_key));
	return wrap_key_id;
}

int donor_key_make(struct donor_key *key, const struct keyring *keyring, const char *donor_id,
		   unsigned char wrapped[DONOR_KEY_WRAPPED_BYTES])
{
	crypto_aead_xchacha20poly1305_ietf_keygen(key->bytes);
	key->open = true;
	return donor_key_wrap(key, keyring, donor_id, wrapped);
}

bool donor_key_open(struct donor_key *key, const struct keyring *keyring, int wrap_key_id, const char *donor_id,
		    const unsigned char wrapped[DONOR_KEY_WRAPPED_BYTES])
{
	unsigned char wrap_key[KEY_BYTES];
	struct place place;

	sodium_memzero(key, sizeof(*key));
	if (!keyring_copy_key(keyring, KEY_WRAP, wrap_key_id, wrap_key))
		return false;
	place_of_key(&place, donor_id, wrap_key_id);
	key->open = unseal(wrap_key, &place, wrapped, DONOR_KEY_WRAPPED_BYTES, key->bytes);
	sodium_memzero(wrap_key, sizeof(wrap_key));
	return key->open;
}

/* ---- the fields ---- */

void donor_seal(const struct donor_key *key, const char *table, const char *field, const char *donor_id,
		const void *bytes, size_t len, struct buf *out)
{
	struct place place;

	expect_open(key);
	place_make(&place, table, donor_id, field);
	seal(key->bytes, &place, bytes, len, (unsigned char *)buf_reserve(out, len + DONOR_SEAL_OVERHEAD));
	out->len += len + DONOR_SEAL_OVERHEAD;
	out->data[out->len] = '\0';
}

char *donor_open(const struct donor_key *key, const char *table, const char *field, const char *donor_id,
		 const void *sealed, size_t sealed_len, struct arena *arena, size_t *len)
{
	struct place place;

	if (!key->open || sealed_len < DONOR_SEAL_OVERHEAD)
		return NULL;
	char *text = arena_alloc(arena, sealed_len - DONOR_SEAL_OVERHEAD + 1);

	place_make(&place, table, donor_id, field);
	if (!unseal(key->bytes, &place, sealed, sealed_len, (unsigned char *)text))
		return NULL;
	*len = sealed_len - DONOR_SEAL_OVERHEAD;
	text[*len] = '\0';
	return text;
}

void donor_digest_bytes(const struct donor_key *key, const char *use, const void *bytes, size_t len,
			unsigned char out[DONOR_DIGEST_BYTES])
{
	unsigned char own[KEY_BYTES];    /* a key of its own: what seals digests nothing */

	expect_open(key);
	crypto_generichash(own, sizeof(own), (const unsigned char *)use, strlen(use), key->bytes, KEY_BYTES);
	crypto_generichash(out, DONOR_DIGEST_BYTES, bytes, len, own, sizeof(own));
	sodium_memzero(own, sizeof(own));
}
