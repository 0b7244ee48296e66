#include "crypto/password.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

_Static_assert(PASSWORD_HASH_SIZE >= crypto_pwhash_STRBYTES, "room for libsodium's text");

bool password_hash(const char *composed, char out[PASSWORD_HASH_SIZE])
{
	return crypto_pwhash_str(out, composed, strlen(composed), crypto_pwhash_OPSLIMIT_INTERACTIVE,
				 crypto_pwhash_MEMLIMIT_INTERACTIVE) == 0;
}

/* Of the same cost as those that are made, and of no password: nobody knows one that gives it. */
static void nobody(char out[PASSWORD_HASH_SIZE])
{
	snprintf(out, PASSWORD_HASH_SIZE, "$argon2id$v=19$m=%llu,t=%llu,p=1$%s$%s",
		 (unsigned long long)crypto_pwhash_MEMLIMIT_INTERACTIVE / 1024,
		 (unsigned long long)crypto_pwhash_OPSLIMIT_INTERACTIVE, "Z2lvdGhvbmcgbm9ib2R5IQ",
		 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
}

enum password_verdict password_verify(const char *hash, const char *composed)
{
	char dummy[PASSWORD_HASH_SIZE];

	nobody(dummy);
	errno = 0;
	if (crypto_pwhash_str_verify(hash ? hash : dummy, composed, strlen(composed)) == 0)
		return hash ? PASSWORD_RIGHT : PASSWORD_WRONG;
	return errno == ENOMEM ? PASSWORD_NO_MEMORY : PASSWORD_WRONG;
}
