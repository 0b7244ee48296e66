#ifndef CRYPTO_KEYRING_H
#define CRYPTO_KEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The secret keys, which live in files and never in the database. Four kinds;
 * a key is one file "<kind>-<id>.<state>.key" of 64 hexadecimal digits (32
 * bytes), so that a change of state is one atomic rename:
 *
 *	hash         keyed BLAKE2b of identifiers, phones, digests of the audit log
 *	wrap         wraps the donors' own keys
 *	sign         seed of the Ed25519 key of certificates and checkpoints
 *	suppression  hashes of erased donors while a deferral still runs
 *
 * States: staged (known, not used), dual (look-ups probe it too), active (new
 * writes use it; exactly one per kind), retired (only reads of old data).
 * Loaded once into locked memory, shared read-only by all threads.
 */
struct error;
struct keyring;

enum key_kind { KEY_HASH, KEY_WRAP, KEY_SIGN, KEY_SUPPRESSION, KEY_KIND_COUNT };
enum key_state { KEY_STAGED, KEY_DUAL, KEY_ACTIVE, KEY_RETIRED };
enum { KEY_BYTES = 32 };

/* Call first, once per process. */
bool crypto_start(struct error *err) __attribute__((warn_unused_result));

/* Makes the folder (0700) and one active key of each kind where there is none at all (0600). */
bool keyring_create(const char *dir, struct error *err) __attribute__((warn_unused_result));
/*
 * New keyring, or NULL and *err: a folder or file that others may read, an
 * odd name, a wrong length, a kind with no or two active keys.
 */
struct keyring *keyring_open(const char *dir, struct error *err);
void keyring_free(struct keyring *keyring);          /* wipes; NULL is fine */

int keyring_active(const struct keyring *keyring, enum key_kind kind);   /* its id */

/*
 * Keyed BLAKE2b-256 under a hash key. `domain` (static, "audit", "body",
 * "phone") keeps digests of different uses apart.
 */
enum { DIGEST_BYTES = 32, DIGEST_HEX_SIZE = 67 };    /* "\x" and 64 digits: PostgreSQL's bytea text */
void keyring_digest(const struct keyring *keyring, int key_id, const char *domain, const void *bytes,
		    size_t len, char out[DIGEST_HEX_SIZE]);

#endif
