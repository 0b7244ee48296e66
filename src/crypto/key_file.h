#ifndef CRYPTO_KEY_FILE_H
#define CRYPTO_KEY_FILE_H

#include <sys/types.h>

#include "crypto/keyring.h"

/* One key's file: its name, its rights, its content. */
enum { KEY_FILE_NAME_SIZE = 64, KEY_ID_MAX = 999999999 };

struct key_name {
	enum key_kind  kind;
	enum key_state state;
	int            id;       /* from 1 */
};

const char *key_kind_name(enum key_kind kind);
bool key_name_parse(const char *file, struct key_name *out);
void key_name_format(const struct key_name *name, char out[KEY_FILE_NAME_SIZE]);

/* The folder's descriptor, or -1 and *err. Refuses a folder that others may enter or own. */
int key_folder_open(const char *dir, uid_t *owner, struct error *err);
/* Whether that is the folder that systemd fills: there files may be 0440 and root's. */
bool key_folder_is_credentials(const char *dir);

bool key_file_read(int folder, const char *dir, const char *file, uid_t folder_owner,
		   unsigned char out[KEY_BYTES], struct error *err);
/* A new random key: whole and on disk, or not there at all. */
bool key_file_create(int folder, const char *file, struct error *err);

#endif
