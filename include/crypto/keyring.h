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
 *	staged   known, not used
 *	dual     beside the active one: look-ups probe both, writes of what is
 *	         looked up store both
 *	active   what new writes use; one of each kind
 *	retired  only for what was written before; look-ups probe it too
 *
 * A rotation makes the new key staged, then dual, then active (the old one
 * dual), then the old one retired. The database remembers which keys there are
 * and in what state; where it does, its word counts and not the file's name,
 * so that all daemons change together. A key that it does not know, of a kind
 * of which it knows others, counts as staged. Without its word the names count;
 * of two active keys, which a crash between two renames leaves, the newer is
 * the active one and the older dual. The same key under two names is one.
 *
 * systemd's LoadCredential= of a folder gives each file as "keyring_<file>"
 * in $CREDENTIALS_DIRECTORY; there both spellings are keys and other names are
 * left alone.
 *
 * All threads read; one thread, the owner, changes: it makes a new immutable
 * set of keys and publishes it. Nothing is locked, and an older set stays in
 * (locked) memory until the end, so that an id once handed out is always found.
 */
struct error;
struct keyring;

enum key_kind { KEY_HASH, KEY_WRAP, KEY_SIGN, KEY_SUPPRESSION, KEY_KIND_COUNT };
enum key_state { KEY_STAGED, KEY_DUAL, KEY_ACTIVE, KEY_RETIRED, KEY_STATE_COUNT };
enum { KEY_BYTES = 32, KEYS_MAX = 128, KEY_ID_MAX = 999999999 };

const char *key_kind_text(enum key_kind kind);
bool key_kind_parse(const char *text, enum key_kind *out);
const char *key_state_text(enum key_state state);
bool key_state_parse(const char *text, enum key_state *out);

/*
 * Call first, once per process. From then on there is no core file, and no other process of the same user
 * looks into this one (but in builds with AddressSanitizer, whose leak check must).
 */
bool crypto_start(struct error *err) __attribute__((warn_unused_result));

/* Whether there is no such folder, or nothing in it. */
bool keyring_is_empty(const char *dir);
/* Makes the folder (0700) and one active key of each kind where there is none at all (0600). */
bool keyring_create(const char *dir, struct error *err) __attribute__((warn_unused_result));
/* The same with these ids instead of 1: where a database remembers keys that are lost. */
bool keyring_create_with(const char *dir, const int ids[KEY_KIND_COUNT], struct error *err)
	__attribute__((warn_unused_result));
/*
 * New keyring, or NULL and *err: a folder or file that others may read, an
 * odd name, a wrong length, a kind without an active key, one id with two keys.
 */
struct keyring *keyring_open(const char *dir, struct error *err);
void keyring_free(struct keyring *keyring);          /* wipes; NULL is fine */

const char *keyring_dir(const struct keyring *keyring);
/* Filled by systemd when the service starts, and the same until it ends. */
bool keyring_is_fixed(const struct keyring *keyring);

/* ---- what there is ---- */

/*
 * A key without its secret: what the database remembers of it and daemons
 * report. The fingerprint is the keyed digest of a fixed text: it tells two
 * keys apart and nothing about either, because nobody can try 2^256 keys, and
 * no other digest is made of that text.
 */
enum { KEY_FINGERPRINT_BYTES = 16, KEY_FINGERPRINT_HEX_SIZE = 33 };
struct key_record {
	enum key_kind  kind;
	enum key_state state;
	int            id;
	unsigned char  fingerprint[KEY_FINGERPRINT_BYTES];
};
void key_fingerprint_hex(const struct key_record *record, char out[KEY_FINGERPRINT_HEX_SIZE]);
bool key_fingerprint_parse(const char *hex, struct key_record *record);

/* How the keys are used from now on. Immutable; borrowed until keyring_free(). Take one for an operation. */
struct key_view {
	int active[KEY_KIND_COUNT];      /* never 0 */
	/* For digests that are looked up: the first `nwritten` are stored, ascending; all are looked for. */
	struct {
		size_t nwritten, nprobed;
		int    ids[KEYS_MAX];
	} lookup[KEY_KIND_COUNT];
	/* Every key at hand, by kind and id. */
	size_t            nkeys;
	struct key_record keys[KEYS_MAX];
	/*
	 * False: the database calls `missing` active or dual and it is not here, or (`wrong`) another key is here
	 * under its id. The rest is then what it was before, and nothing may be served: others look for what
	 * this process would not write.
	 */
	bool              complete, wrong;
	struct key_record missing;
	/* Retired keys that the database remembers and that are not here: what they digested is not found again. */
	size_t            nlost;
};
const struct key_view *keyring_view(const struct keyring *keyring);
int keyring_active(const struct keyring *keyring, enum key_kind kind);   /* its id */
/* What to do about a missing or wrong key, as ERR_UNAVAILABLE. Returns false. */
bool keyring_fail_missing(const struct keyring *keyring, struct error *err);

/* ---- changing: the owner's thread ---- */

/* Whether the folder may have changed since it was last read: names, times, owners. Cheap. */
bool keyring_may_have_changed(struct keyring *keyring);
/*
 * Reads the folder again. False and *err: something is wrong with it, or a key
 * that the database knows is gone; what was read before goes on being used.
 */
bool keyring_reload(struct keyring *keyring, struct error *err) __attribute__((warn_unused_result));
/*
 * What the database remembers. False and ERR_CONFIG: a key at hand is not the
 * one that the database means; then the view is not complete, and the rest is
 * as before. A missing key is no error here. Of a staged key, which nobody
 * uses yet, another one under its id counts as none at all.
 */
bool keyring_agree(struct keyring *keyring, const struct key_record *records, size_t count, struct error *err)
	__attribute__((warn_unused_result));

/* ---- changing the files: for commands, under keyring_lock() ---- */

/* One at a time works on a folder; -1 and *err. Ends when the descriptor is closed. */
int keyring_lock(const char *dir, struct error *err);
/* A new key, staged, with that id; whole and on disk. *err: one is there already. */
bool keyring_stage(const char *dir, enum key_kind kind, int id, struct error *err)
	__attribute__((warn_unused_result));
/* Takes a staged file away that was never used. */
bool keyring_unstage(const char *dir, enum key_kind kind, int id, struct error *err)
	__attribute__((warn_unused_result));
/*
 * Gives the files the names that the view says, active ones first, each rename
 * on disk before the next. `after` (or NULL) is called after each. Running it again is fine.
 */
bool keyring_settle_names(struct keyring *keyring, void (*after)(const struct key_record *key), struct error *err)
	__attribute__((warn_unused_result));

/* ---- using ---- */

/*
 * Keyed BLAKE2b-256 under a hash key. `domain` (static, "audit", "body",
 * "phone") keeps digests of different uses apart.
 */
enum { DIGEST_BYTES = 32, DIGEST_HEX_SIZE = 67 };    /* "\x" and 64 digits: PostgreSQL's bytea text */
void keyring_digest(const struct keyring *keyring, int key_id, const char *domain, const void *bytes,
		    size_t len, char out[DIGEST_HEX_SIZE]);
void keyring_digest_bytes(const struct keyring *keyring, int key_id, const char *domain, const void *bytes,
			  size_t len, unsigned char out[DIGEST_BYTES]);
/* The same under a suppression key, for what is left of erased donors. */
void keyring_digest_suppressed(const struct keyring *keyring, int key_id, const char *domain, const void *bytes,
			       size_t len, char out[DIGEST_HEX_SIZE]);

#endif
