#ifndef CRYPTO_KEY_SET_H
#define CRYPTO_KEY_SET_H

#include "crypto/key_file.h"

/*
 * From the keys in a folder and what the database remembers of them to how
 * they are used. No files and no threads here.
 */
struct key_set {
	struct key_view       view;
	/* Parallel to view.keys; sodium_malloc() memory, read-only. */
	unsigned char       (*secrets)[KEY_BYTES];
	const struct key_set *next;      /* published before this one */
};

/* What a folder holds, by kind and id; `state` is that of the file's name. */
struct key_folder {
	size_t            count;
	struct key_record keys[KEYS_MAX];
	unsigned char   (*secrets)[KEY_BYTES];   /* sodium_malloc() memory */
};

/*
 * New set. `before` (or NULL) is what goes on being used while a key is missing. `wrong` (or NULL): this one of
 * the database's is here with another secret.
 */
struct key_set *key_set_new(const struct key_folder *folder, const struct key_record *records, size_t nrecords,
			    const struct key_record *wrong, const struct key_view *before);
void key_set_free(struct key_set *set);
bool key_set_equal(const struct key_set *a, const struct key_set *b);

/* The secret of a key of any state, or NULL. */
const unsigned char *key_set_find(const struct key_set *set, enum key_kind kind, int id);
bool key_record_same(const struct key_record *a, const struct key_record *b);    /* by fingerprint */
const struct key_record *key_record_find(const struct key_record *keys, size_t count, enum key_kind kind, int id);

#endif
