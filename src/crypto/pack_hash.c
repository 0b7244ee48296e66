#include "crypto/pack_hash.h"

#include <sodium.h>
#include <string.h>

#include "crypto/keyring.h"
#include "domain/pack.h"

void pack_key_make(const struct keyring *keyring, int key_id, const char *pack_id, unsigned char out[PACK_KEY_BYTES])
{
	unsigned char digest[DIGEST_BYTES];

	keyring_digest_bytes(keyring, key_id, "pack", pack_id, strlen(pack_id), digest);
	memcpy(out, digest, PACK_KEY_BYTES);
	sodium_memzero(digest, sizeof(digest));
}

static void hmac(const unsigned char key[PACK_KEY_BYTES], const char *before, const void *text, size_t len,
		 unsigned char out[crypto_auth_hmacsha256_BYTES])
{
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256_init(&state, key, PACK_KEY_BYTES);
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)before, strlen(before));
	crypto_auth_hmacsha256_update(&state, text, len);
	crypto_auth_hmacsha256_final(&state, out);
	sodium_memzero(&state, sizeof(state));
}

uint32_t pack_hash(const unsigned char key[PACK_KEY_BYTES], const void *text, size_t len)
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];

	hmac(key, "", text, len, mac);
	return ((uint32_t)mac[0] << 24 | (uint32_t)mac[1] << 16 | (uint32_t)mac[2] << 8 | mac[3]) >> (32 - PACK_HASH_BITS);
}

uint64_t pack_mark(const unsigned char key[PACK_KEY_BYTES], const void *text, size_t len)
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	uint64_t mark = 0;

	hmac(key, "mark\x1f", text, len, mac);
	for (size_t i = 0; i < sizeof(mark); i++)
		mark = mark << 8 | mac[i];
	return mark;
}

void pack_state(const void *text, size_t len, char out[PACK_STATE_HEX_SIZE])
{
	unsigned char hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, text, len);
	sodium_bin2hex(out, PACK_STATE_HEX_SIZE, hash, sizeof(hash));
}

void pack_state_kept(const unsigned char key[PACK_KEY_BYTES], const char *state, char out[PACK_STATE_HEX_SIZE])
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];

	hmac(key, "state\x1f", state, strlen(state), mac);
	sodium_bin2hex(out, PACK_STATE_HEX_SIZE, mac, sizeof(mac));
}
