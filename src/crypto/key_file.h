#ifndef CRYPTO_KEY_FILE_H
#define CRYPTO_KEY_FILE_H

#include <sys/types.h>

#include "crypto/keyring.h"

/* One key's file: its name, its rights, its content; and the folder that they lie in. */
enum { KEY_FILE_NAME_SIZE = 64 };

struct key_name {
	enum key_kind  kind;
	enum key_state state;
	int            id;       /* from 1 */
};

bool key_name_parse(const char *file, struct key_name *out);
void key_name_format(const struct key_name *name, char out[KEY_FILE_NAME_SIZE]);

/* The folder's descriptor, or -1 and *err. Refuses a folder that others may enter or own. */
int key_folder_open(const char *dir, uid_t *owner, struct error *err);
/* Whether that is the folder that systemd fills: there files may be 0440 and root's. */
bool key_folder_is_credentials(const char *dir);

/* Calls take() for each key's file; false as soon as it says so, or for a name that is none. */
bool key_folder_each(int folder, const char *dir, void *context,
		     bool (*take)(void *context, const char *file, const struct key_name *name,
				  struct error *err), struct error *err);
/* A digest of names, times, sizes and owners: the same as long as nobody touched the folder. */
uint64_t key_folder_mark(const char *dir);

bool key_file_read(int folder, const char *dir, const char *file, uid_t folder_owner,
		   unsigned char out[KEY_BYTES], struct error *err);
/* A key, random where `key` is NULL: whole and on disk, or not there at all. The folder's owner's. */
bool key_file_create(int folder, const char *file, const unsigned char key[KEY_BYTES], struct error *err);
/* On disk when it returns. A target that is there is not replaced: errno EEXIST. */
bool key_file_rename(int folder, const char *from, const char *to);

#endif
