#ifndef CRYPTO_TOKEN_H
#define CRYPTO_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Access tokens: "gh_" and 43 letters (32 random bytes, base64url). Only the
 * BLAKE2b-256 of the text is kept anywhere; with 256 random bits no key is needed.
 */
enum { TOKEN_TEXT_SIZE = 47, TOKEN_HASH_BYTES = 32, TOKEN_HASH_HEX_SIZE = 67 };

void token_make(char out[TOKEN_TEXT_SIZE]);
bool token_well_formed(const char *text);
void token_hash(const char *text, unsigned char out[TOKEN_HASH_BYTES]);
/* As bytea text: "\x...". */
void token_hash_hex(const unsigned char hash[TOKEN_HASH_BYTES], char out[TOKEN_HASH_HEX_SIZE]);

/* "user:password" of a Basic credential, decoded into out (both NUL-terminated); false when malformed. */
bool basic_decode(const char *base64, char *out, size_t size, char **user, char **password);

#endif
