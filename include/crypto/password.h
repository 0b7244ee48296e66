#ifndef CRYPTO_PASSWORD_H
#define CRYPTO_PASSWORD_H

#include <stdbool.h>

/*
 * Argon2id of libsodium at its INTERACTIVE cost: about 40 ms and 64 MiB each,
 * so a daemon does it in the pool (worker/pool.h), whose threads bound the
 * memory, and never on a loop. Passwords are composed (domain/password.h). Any thread.
 */
enum { PASSWORD_HASH_SIZE = 128 };

/* False: no memory for it just now. */
bool password_hash(const char *composed, char out[PASSWORD_HASH_SIZE]) __attribute__((warn_unused_result));

enum password_verdict { PASSWORD_RIGHT, PASSWORD_WRONG, PASSWORD_NO_MEMORY };
/* hash NULL: there is no such account, or it has none: takes as long, and is wrong. */
enum password_verdict password_verify(const char *hash, const char *composed) __attribute__((warn_unused_result));

#endif
