#ifndef CRYPTO_KEY_COPY_H
#define CRYPTO_KEY_COPY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A copy of the whole keyring in one file, sealed under a passphrase: for the
 * safe, and for bringing the keys to another machine.
 *
 *	"GIOTHONG KEYS 1\n"  16 bytes
 *	cost                  of Argon2id: passes, then memory in KiB; 4 bytes each, little-endian
 *	salt, nonce           16 and 24 bytes
 *	sealed                XChaCha20-Poly1305 under the key that Argon2id makes of passphrase and
 *	                      salt; all before it is authenticated with it. Inside, a line for each
 *	                      key: "<kind>-<id>.<state> <64 hexadecimal digits>\n"
 *	checksum              BLAKE2b-256 of all before it. Anybody can make it: it only tells a damaged
 *	                      file from a wrong passphrase.
 */
struct error;
struct keyring;

enum { KEY_PASSPHRASE_MIN = 15, KEY_PASSPHRASE_MAX = 256 };       /* characters */

enum { KEY_PASSPHRASE_SIZE = KEY_PASSPHRASE_MAX * 4 + 64 };
/* New room for one, in locked memory. */
char *key_passphrase_new(void);
void key_passphrase_free(char *passphrase);      /* wipes; NULL is fine */
/* The passphrase in the form that is used: valid, composed (NFC), neither too short nor too long. */
bool key_passphrase_check(const char *typed, char out[KEY_PASSPHRASE_SIZE], struct error *err)
	__attribute__((warn_unused_result));

/* What it costs to try a passphrase. */
struct key_copy_cost {
	unsigned passes, memory_kib;
};
extern const struct key_copy_cost key_copy_moderate;     /* 3 passes over 256 MiB: most of a second */

/* A new file, 0600, on disk when it returns; ERR_ALREADY_EXISTS where something is there. States are the view's. */
bool keyring_export(const struct keyring *keyring, const char *path, const char *passphrase,
		    const struct key_copy_cost *cost, struct error *err) __attribute__((warn_unused_result));

struct key_import {
	size_t nkeys, nadded;            /* in the file; of them not there before */
};
/*
 * Puts the keys into `dir`, which is made when it is not there (0700). All or
 * nothing: when the passphrase is wrong, the file damaged, or `dir` has another
 * key under an id of the file, nothing is written. A key that is there already keeps its state.
 */
bool keyring_import(const char *path, const char *passphrase, const char *dir, struct key_import *import,
		    struct error *err) __attribute__((warn_unused_result));

#endif
