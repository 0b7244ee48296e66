#include "crypto/wrap.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "crypto/keyring_secret.h"

enum { NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES,
       BOUND_MAX = 160 };

_Static_assert(WRAP_EXTRA == NONCE + TAG, "what sealing adds");

/* What goes with the ciphertext unsealed but authenticated. */
static size_t bind(const char *bound, int key_id, char out[BOUND_MAX])
{
	int len = snprintf(out, BOUND_MAX, "%s\x1f%d", bound, key_id);

	if (len < 0 || len >= BOUND_MAX)
		abort();                 /* tables, ids and fields are short */
	return (size_t)len;
}

void wrap_seal(const struct keyring *keyring, int key_id, const char *bound, const void *secret, size_t len,
	       char out[WRAP_HEX_SIZE])
{
	unsigned char key[KEY_BYTES], sealed[WRAP_MAX + WRAP_EXTRA];
	unsigned long long written = 0;
	char with[BOUND_MAX];

	if (len > WRAP_MAX || !keyring_copy_key(keyring, KEY_WRAP, key_id, key))
		abort();                 /* ids come from this keyring */
	randombytes_buf(sealed, NONCE);
	crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + NONCE, &written, secret, len,
						   (const unsigned char *)with, bind(bound, key_id, with), NULL,
						   sealed, key);
	sodium_memzero(key, sizeof(key));
	memcpy(out, "\\x", 2);
	sodium_bin2hex(out + 2, WRAP_HEX_SIZE - 2, sealed, NONCE + (size_t)written);
}

bool wrap_open(const struct keyring *keyring, int key_id, const char *bound, const char *hex,
	       unsigned char out[WRAP_MAX], size_t *len)
{
	unsigned char key[KEY_BYTES], sealed[WRAP_MAX + WRAP_EXTRA];
	unsigned long long written = 0;
	char with[BOUND_MAX];
	size_t bytes = 0;
	bool fine;

	if (text_starts_with(hex, "\\x"))
		hex += 2;
	if (sodium_hex2bin(sealed, sizeof(sealed), hex, strlen(hex), NULL, &bytes, NULL) != 0 || bytes < WRAP_EXTRA ||
	    !keyring_copy_key(keyring, KEY_WRAP, key_id, key))
		return false;
	fine = crypto_aead_xchacha20poly1305_ietf_decrypt(out, &written, NULL, sealed + NONCE, bytes - NONCE,
							  (const unsigned char *)with, bind(bound, key_id, with),
							  sealed, key) == 0;
	sodium_memzero(key, sizeof(key));
	*len = fine ? (size_t)written : 0;
	return fine;
}
