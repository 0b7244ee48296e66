#include "crypto/token.h"

#include <sodium.h>
#include <string.h>

#include "base/text.h"

static const char token_prefix[] = "gh_", session_prefix[] = "gs_";
enum { PREFIX_LEN = 3, RANDOM_BYTES = 32, LETTERS = 43 };

static void make(const char *prefix, char out[TOKEN_TEXT_SIZE])
{
	unsigned char random[RANDOM_BYTES];

	randombytes_buf(random, sizeof(random));
	memcpy(out, prefix, PREFIX_LEN);
	sodium_bin2base64(out + PREFIX_LEN, TOKEN_TEXT_SIZE - PREFIX_LEN, random, sizeof(random),
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	sodium_memzero(random, sizeof(random));
}

/* All letters are looked at alike, whatever they are: this runs for every request, and the text is a secret. */
static bool well_formed(const char *prefix, const char *text)
{
	unsigned strange = 0, last = 0;

	if (!text_starts_with(text, prefix) || strlen(text) != PREFIX_LEN + LETTERS)
		return false;
	for (int i = PREFIX_LEN; i < PREFIX_LEN + LETTERS; i++) {
		unsigned c = (unsigned char)text[i];
		unsigned upper = c - 'A' < 26, lower = c - 'a' < 26, digit = c - '0' < 10, dash = c == '-', line = c == '_';

		strange |= !(upper | lower | digit | dash | line);
		last = upper * (c - 'A') + lower * (c - 'a' + 26) + digit * (c - '0' + 52) + dash * 62 + line * 63;
	}
	return !strange && last % 4 == 0;        /* 43 letters are 2 bits more than 32 bytes */
}

void token_make(char out[TOKEN_TEXT_SIZE])
{
	make(token_prefix, out);
}

bool token_well_formed(const char *text)
{
	return well_formed(token_prefix, text);
}

void session_token_make(char out[TOKEN_TEXT_SIZE])
{
	make(session_prefix, out);
}

bool session_token_well_formed(const char *text)
{
	return well_formed(session_prefix, text);
}

void session_csrf(const char *text, char out[CSRF_TEXT_SIZE])
{
	static const char use[] = "giothong csrf token";
	unsigned char hash[RANDOM_BYTES];

	/* The text as key: a hash of it under another use is what the database knows it by. */
	crypto_generichash(hash, sizeof(hash), (const unsigned char *)use, sizeof(use) - 1, (const unsigned char *)text,
			   strlen(text));
	sodium_bin2base64(out, CSRF_TEXT_SIZE, hash, sizeof(hash), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	sodium_memzero(hash, sizeof(hash));
}

bool session_csrf_matches(const char *text, const char *presented)
{
	char wanted[CSRF_TEXT_SIZE];

	if (!presented || strlen(presented) != CSRF_TEXT_SIZE - 1)
		return false;
	session_csrf(text, wanted);
	return sodium_memcmp(wanted, presented, CSRF_TEXT_SIZE - 1) == 0;
}

void token_hash(const char *text, unsigned char out[TOKEN_HASH_BYTES])
{
	crypto_generichash(out, TOKEN_HASH_BYTES, (const unsigned char *)text, strlen(text), NULL, 0);
}

void token_hash_hex(const unsigned char hash[TOKEN_HASH_BYTES], char out[TOKEN_HASH_HEX_SIZE])
{
	memcpy(out, "\\x", 2);
	sodium_bin2hex(out + 2, TOKEN_HASH_HEX_SIZE - 2, hash, TOKEN_HASH_BYTES);
}

bool basic_decode(const char *base64, char *out, size_t size, char **user, char **password)
{
	const char *end = NULL;
	size_t len = 0;
	char *colon;

	if (size == 0 ||
	    sodium_base642bin((unsigned char *)out, size - 1, base64, strlen(base64), NULL, &len, &end,
			      sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    *end != '\0')
		return false;
	out[len] = '\0';
	colon = memchr(out, ':', len);
	if (!colon || memchr(out, '\0', len))
		return false;
	*colon = '\0';
	*user = out;
	*password = colon + 1;
	return true;
}
