#ifndef CRYPTO_DEVICE_MARK_H
#define CRYPTO_DEVICE_MARK_H

#include <stdbool.h>

/*
 * What a device gets when an account's password was right there: "gd_", the id
 * of a hash key, 16 random bytes and a keyed digest over them and the account's
 * name. It lets nobody in; it only tells the owner's devices from strangers when
 * wrong passwords are counted (domain/login.h). Nothing of it is stored.
 */
struct keyring;

enum { DEVICE_MARK_SIZE = 120 };

void device_mark_make(const struct keyring *keyring, const char *login, char out[DEVICE_MARK_SIZE]);
/* text NULL: false. Any key of the keyring will do, retired ones too. */
bool device_mark_valid(const struct keyring *keyring, const char *login, const char *text);

#endif
