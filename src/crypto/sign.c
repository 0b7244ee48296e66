#include "crypto/sign.h"

#include <sodium.h>
#include <string.h>

#include "crypto/keyring_secret.h"

/* The pair of a key; the caller wipes `secret`. */
static bool open_pair(const struct keyring *keyring, int key_id, unsigned char public_key[SIGN_PUBLIC_BYTES],
		      unsigned char secret[crypto_sign_SECRETKEYBYTES])
{
	unsigned char seed[KEY_BYTES];
	bool known = keyring_copy_key(keyring, KEY_SIGN, key_id, seed);

	if (known)
		crypto_sign_seed_keypair(public_key, secret, seed);
	sodium_memzero(seed, sizeof(seed));
	return known;
}

bool sign_text(const struct keyring *keyring, int key_id, const void *text, size_t len,
	       unsigned char signature[SIGNATURE_BYTES])
{
	unsigned char public_key[SIGN_PUBLIC_BYTES], secret[crypto_sign_SECRETKEYBYTES];
	bool known = open_pair(keyring, key_id, public_key, secret);

	if (known)
		crypto_sign_detached(signature, NULL, text, len, secret);
	sodium_memzero(secret, sizeof(secret));
	return known;
}

bool sign_public_key(const struct keyring *keyring, int key_id, unsigned char out[SIGN_PUBLIC_BYTES])
{
	unsigned char secret[crypto_sign_SECRETKEYBYTES];
	bool known = open_pair(keyring, key_id, out, secret);

	sodium_memzero(secret, sizeof(secret));
	return known;
}

bool sign_public_parse(const char *hex, unsigned char out[SIGN_PUBLIC_BYTES])
{
	size_t digits = strlen(hex), bytes = 0;

	return digits == SIGN_PUBLIC_HEX_SIZE - 1 &&
	       sodium_hex2bin(out, SIGN_PUBLIC_BYTES, hex, digits, NULL, &bytes, NULL) == 0 &&
	       bytes == SIGN_PUBLIC_BYTES;
}

size_t sign_key_ids(const struct keyring *keyring, int ids[SIGN_KEYS_MAX])
{
	size_t count = keyring_ids(keyring, KEY_SIGN, ids, SIGN_KEYS_MAX);

	return count < SIGN_KEYS_MAX ? count : SIGN_KEYS_MAX;
}

bool sign_verify(const unsigned char public_key[SIGN_PUBLIC_BYTES], const void *text, size_t len,
		 const unsigned char signature[SIGNATURE_BYTES])
{
	return crypto_sign_verify_detached(signature, text, len, public_key) == 0;
}
