#include "crypto/totp.h"

#include <ctype.h>
#include <sodium.h>
#include <string.h>

#include "crypto/sha1.h"

static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
static const char recovery_letters[] = "abcdefghjkmnpqrstuvwxyz23456789";
enum { RECOVERY_LETTERS = 31, RECOVERY_LEN = 16, GROUP = 4 };

void totp_secret_make(unsigned char out[TOTP_SECRET_BYTES])
{
	randombytes_buf(out, TOTP_SECRET_BYTES);
}

void totp_secret_text(const unsigned char secret[TOTP_SECRET_BYTES], char out[TOTP_TEXT_SIZE])
{
	uint32_t bits = 0;
	unsigned have = 0;

	for (size_t i = 0; i < TOTP_SECRET_BYTES; i++) {
		bits = bits << 8 | secret[i];
		for (have += 8; have >= 5; have -= 5)
			*out++ = base32[bits >> (have - 5) & 31];
	}
	*out = '\0';
}

uint32_t totp_code(const unsigned char *secret, size_t len, uint64_t step)
{
	unsigned char message[8], mac[SHA1_BYTES];
	uint32_t code = 0;

	for (unsigned i = 0; i < 8; i++)
		message[i] = (unsigned char)(step >> (56 - 8 * i));
	hmac_sha1(secret, len, message, sizeof(message), mac);
	for (unsigned i = 0; i < 4; i++)
		code = code << 8 | mac[(mac[SHA1_BYTES - 1] & 15) + i];
	sodium_memzero(mac, sizeof(mac));
	return (code & 0x7fffffff) % 1000000;
}

static bool parse_digits(const char *digits, uint32_t *out)
{
	int count = 0;

	*out = 0;
	for (; *digits; digits++) {
		if (*digits == ' ')
			continue;
		if (!isdigit((unsigned char)*digits) || ++count > TOTP_DIGITS)
			return false;
		*out = *out * 10 + (uint32_t)(*digits - '0');
	}
	return count == TOTP_DIGITS;
}

bool totp_matches(const unsigned char secret[TOTP_SECRET_BYTES], const char *digits, int64_t wall_us, int64_t *step)
{
	int64_t now = wall_us / 1000000 / TOTP_STEP_SECONDS;
	uint32_t typed;
	bool found = false;

	if (!parse_digits(digits, &typed) || now < 1)
		return false;
	for (int64_t at = now - 1; at <= now + 1; at++) {
		if (totp_code(secret, TOTP_SECRET_BYTES, (uint64_t)at) == typed) {
			*step = at;
			found = true;
		}
	}
	return found;
}

void recovery_make(char out[RECOVERY_TEXT_SIZE])
{
	for (int i = 0; i < RECOVERY_LEN; i++) {
		if (i > 0 && i % GROUP == 0)
			*out++ = '-';
		*out++ = recovery_letters[randombytes_uniform(RECOVERY_LETTERS)];
	}
	*out = '\0';
}

bool recovery_hash(const char *user_id, const char *typed, char out[RECOVERY_HASH_HEX_SIZE])
{
	static const char use[] = "giothong recovery code";
	unsigned char hash[32];
	char code[RECOVERY_LEN];
	crypto_generichash_state state;
	size_t len = 0;

	for (; *typed; typed++) {
		char c = (char)tolower((unsigned char)*typed);

		if (c == '-' || c == ' ')
			continue;
		if (len == RECOVERY_LEN || !memchr(recovery_letters, c, RECOVERY_LETTERS))
			return false;
		code[len++] = c;
	}
	if (len < RECOVERY_LEN)
		return false;
	crypto_generichash_init(&state, NULL, 0, sizeof(hash));
	crypto_generichash_update(&state, (const unsigned char *)use, sizeof(use));
	crypto_generichash_update(&state, (const unsigned char *)user_id, strlen(user_id) + 1);
	crypto_generichash_update(&state, (const unsigned char *)code, RECOVERY_LEN);
	crypto_generichash_final(&state, hash, sizeof(hash));
	sodium_bin2hex(out, RECOVERY_HASH_HEX_SIZE, hash, sizeof(hash));
	sodium_memzero(code, sizeof(code));
	return true;
}
