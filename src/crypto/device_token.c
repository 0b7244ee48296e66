#include "crypto/device_token.h"

#include <sodium.h>
#include <string.h>

#include "base/text.h"
#include "crypto/keyring.h"

enum { CODE_BYTES = 16, PREFIX = 4, BOTH_MAX = DEVICE_CODE_SIZE + 64 };

void device_code_make(char out[DEVICE_CODE_SIZE])
{
	unsigned char random[CODE_BYTES];

	randombytes_buf(random, sizeof(random));
	memcpy(out, "ghd_", PREFIX);
	sodium_bin2base64(out + PREFIX, DEVICE_CODE_SIZE - PREFIX, random, sizeof(random), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	sodium_memzero(random, sizeof(random));
}

bool device_code_well_formed(const char *text)
{
	unsigned char bytes[CODE_BYTES];
	size_t len = 0;

	return text_starts_with(text, "ghd_") && strlen(text) == DEVICE_CODE_SIZE - 1 &&
	       sodium_base642bin(bytes, sizeof(bytes), text + PREFIX, strlen(text) - PREFIX, NULL, &len, NULL,
				 sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
	       len == CODE_BYTES;
}

/* Code, 0x1f, install: both are of fixed length. */
void device_token_make(const struct keyring *keyring, const char *code, const char *install, char out[TOKEN_TEXT_SIZE])
{
	unsigned char digest[DIGEST_BYTES];
	char both[BOTH_MAX];
	size_t code_len = strlen(code), len = code_len + 1 + strlen(install);

	if (len >= sizeof(both))
		len = sizeof(both) - 1;
	memcpy(both, code, code_len);
	both[code_len] = 0x1f;
	memcpy(both + code_len + 1, install, len - code_len - 1);
	keyring_digest_bytes(keyring, keyring_active(keyring, KEY_HASH), "device token", both, len, digest);
	memcpy(out, "gh_", 3);
	sodium_bin2base64(out + 3, TOKEN_TEXT_SIZE - 3, digest, sizeof(digest), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	sodium_memzero(both, sizeof(both));
	sodium_memzero(digest, sizeof(digest));
}
