#ifndef CRYPTO_KEYRING_SECRET_H
#define CRYPTO_KEYRING_SECRET_H

#include "crypto/keyring.h"

/* For this room alone: the bytes of a key of any state. The caller wipes its copy. */
bool keyring_copy_key(const struct keyring *keyring, enum key_kind kind, int id, unsigned char out[KEY_BYTES])
	__attribute__((warn_unused_result));
/* Ids of a kind in any state, ascending, at most `max` of them; returns how many there are. */
size_t keyring_ids(const struct keyring *keyring, enum key_kind kind, int *ids, size_t max);

#endif
