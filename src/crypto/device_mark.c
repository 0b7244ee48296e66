#include "crypto/device_mark.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/keyring.h"

enum { NONCE_BYTES = 16, NONCE_HEX = 2 * NONCE_BYTES, LOGIN_MAX = 64 };

/* "gd_<key>_<nonce>_<digest>" of that key and nonce. */
static void write_mark(const struct keyring *keyring, int key_id, const char *nonce, const char *login,
		       char out[DEVICE_MARK_SIZE])
{
	char digest[DIGEST_HEX_SIZE], text[NONCE_HEX + 1 + LOGIN_MAX];
	int len = snprintf(text, sizeof(text), "%.*s\x1f%s", NONCE_HEX, nonce, login);

	if (len < 0 || (size_t)len >= sizeof(text))
		abort();                 /* callers pass names of accounts */
	keyring_digest(keyring, key_id, "device", text, (size_t)len, digest);
	snprintf(out, DEVICE_MARK_SIZE, "gd_%d_%.*s_%s", key_id, NONCE_HEX, nonce, digest + 2);
}

void device_mark_make(const struct keyring *keyring, const char *login, char out[DEVICE_MARK_SIZE])
{
	unsigned char random[NONCE_BYTES];
	char nonce[NONCE_HEX + 1];

	randombytes_buf(random, sizeof(random));
	sodium_bin2hex(nonce, sizeof(nonce), random, sizeof(random));
	write_mark(keyring, keyring_active(keyring, KEY_HASH), nonce, login, out);
}

static bool has_hash_key(const struct keyring *keyring, long id)
{
	const struct key_view *view = keyring_view(keyring);

	for (size_t i = 0; i < view->nkeys; i++)
		if (view->keys[i].kind == KEY_HASH && view->keys[i].id == id)
			return true;
	return false;
}

bool device_mark_valid(const struct keyring *keyring, const char *login, const char *text)
{
	char want[DEVICE_MARK_SIZE], *end;
	long key_id;

	if (!text || strncmp(text, "gd_", 3) != 0 || strlen(text) >= DEVICE_MARK_SIZE || strlen(login) >= LOGIN_MAX)
		return false;
	key_id = strtol(text + 3, &end, 10);
	if (*end != '_' || strlen(end) != 1 + NONCE_HEX + 1 + 2 * DIGEST_BYTES || !has_hash_key(keyring, key_id))
		return false;
	write_mark(keyring, (int)key_id, end + 1, login, want);
	return strlen(want) == strlen(text) && sodium_memcmp(want, text, strlen(want)) == 0;
}
