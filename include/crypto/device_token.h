#ifndef CRYPTO_DEVICE_TOKEN_H
#define CRYPTO_DEVICE_TOKEN_H

#include <stdbool.h>

#include "crypto/token.h"

/*
 * How a phone gets its token. The code that enrols it once is "ghd_" and 22 letters (128 random bits), of which only
 * the hash is kept (token_hash()). The token is made of code and install under a key of the keyring: so who
 * brings both again, because the answer was lost, gets the same; and who has seen the code has no token of it.
 */
struct keyring;

enum { DEVICE_CODE_SIZE = 27 };

void device_code_make(char out[DEVICE_CODE_SIZE]);
bool device_code_well_formed(const char *text);
void device_token_make(const struct keyring *keyring, const char *code, const char *install, char out[TOKEN_TEXT_SIZE]);

#endif
