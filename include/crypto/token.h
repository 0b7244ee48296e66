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

/*
 * The text of a session is like it, but begins with "gs_": what a person gets
 * by logging in, for a day at most. Its CSRF token is made of it, so that it
 * need not be kept, and tells nothing of it.
 */
enum { CSRF_TEXT_SIZE = 44 };
void session_token_make(char out[TOKEN_TEXT_SIZE]);
bool session_token_well_formed(const char *text);
void session_csrf(const char *text, char out[CSRF_TEXT_SIZE]);
/* In constant time; presented may be NULL. */
bool session_csrf_matches(const char *text, const char *presented);

void token_hash(const char *text, unsigned char out[TOKEN_HASH_BYTES]);
/* As bytea text: "\x...". */
void token_hash_hex(const unsigned char hash[TOKEN_HASH_BYTES], char out[TOKEN_HASH_HEX_SIZE]);

/* "user:password" of a Basic credential, decoded into out (both NUL-terminated); false when malformed. */
bool basic_decode(const char *base64, char *out, size_t size, char **user, char **password);

#endif
