#include "crypto/keyring.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "crypto/key_file.h"
#include "crypto/key_folder.h"

/* Making keys and changing the names of their files. What the keys mean is keyring.c's and key_set.c's. */

/* ---- making ---- */

static bool note_kind(void *context, const char *file, const struct key_name *name, struct error *err)
{
	bool *has = context;

	(void)file, (void)err;
	has[name->kind] = true;
	return true;
}

static bool fill_folder(void *context, const char *dir, struct error *err)
{
	const int *ids = context;
	bool has[KEY_KIND_COUNT] = { false };
	uid_t owner;
	int folder = key_folder_open(dir, &owner, err);
	bool fine = folder >= 0 && key_folder_each(folder, dir, has, note_kind, err);

	for (int kind = 0; fine && kind < KEY_KIND_COUNT; kind++) {
		struct key_name name = { (enum key_kind)kind, KEY_ACTIVE, ids[kind] };
		char file[KEY_FILE_NAME_SIZE];

		key_name_format(&name, file);
		fine = has[kind] || key_file_create(folder, file, NULL, err);
	}
	if (folder >= 0)
		close(folder);
	return fine;
}

bool keyring_is_empty(const char *dir)
{
	DIR *list = opendir(dir);
	bool empty = true;

	if (!list)
		return errno == ENOENT;
	for (const struct dirent *entry; empty && (entry = readdir(list)) != NULL;)
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	closedir(list);
	return empty;
}

/* All keys or none. One that is there is completed. */
bool keyring_create_with(const char *dir, const int ids[KEY_KIND_COUNT], struct error *err)
{
	int copy[KEY_KIND_COUNT];

	memcpy(copy, ids, sizeof(copy));
	return folder_make_or_fill(dir, fill_folder, copy, err);
}

bool keyring_create(const char *dir, struct error *err)
{
	static const int first[KEY_KIND_COUNT] = { 1, 1, 1, 1 };

	return keyring_create_with(dir, first, err);
}

/* ---- one key ---- */

int keyring_lock(const char *dir, struct error *err)
{
	uid_t owner;
	int folder = key_folder_open(dir, &owner, err);

	if (folder < 0 || flock(folder, LOCK_EX | LOCK_NB) == 0)
		return folder;
	error_set(err, ERR_UNAVAILABLE, "another command works on the keyring %s: wait until it has ended",
		  "lệnh khác đang làm việc với bộ khóa %s: hãy đợi lệnh đó xong", dir);
	close(folder);
	return -1;
}

struct search {
	enum key_kind kind;
	int           id;
	bool          found;
};

static bool note_key(void *context, const char *file, const struct key_name *name, struct error *err)
{
	struct search *search = context;

	(void)file, (void)err;
	search->found = search->found || (name->kind == search->kind && name->id == search->id);
	return true;
}

static bool add_staged(int folder, const char *dir, enum key_kind kind, int id, struct error *err)
{
	const struct key_name name = { kind, KEY_STAGED, id };
	struct search search = { .kind = kind, .id = id };
	char file[KEY_FILE_NAME_SIZE];

	if (!key_folder_each(folder, dir, &search, note_key, err))
		return false;
	if (search.found)
		return error_set(err, ERR_ALREADY_EXISTS, "%s has a %s key %d already", "%s đã có khóa %s %d", dir,
				 key_kind_text(kind), id);
	key_name_format(&name, file);
	return key_file_create(folder, file, NULL, err);
}

bool keyring_stage(const char *dir, enum key_kind kind, int id, struct error *err)
{
	uid_t owner;
	int folder = key_folder_open(dir, &owner, err);
	bool fine = folder >= 0 && add_staged(folder, dir, kind, id, err);

	if (folder >= 0)
		close(folder);
	return fine;
}

bool keyring_unstage(const char *dir, enum key_kind kind, int id, struct error *err)
{
	const struct key_name name = { kind, KEY_STAGED, id };
	char file[KEY_FILE_NAME_SIZE];
	uid_t owner;
	int folder = key_folder_open(dir, &owner, err);
	bool fine = folder >= 0;

	key_name_format(&name, file);
	if (fine && ((unlinkat(folder, file, 0) < 0 && errno != ENOENT) || fsync(folder) < 0))
		fine = error_set(err, ERR_SYSTEM, "the key %s/%s cannot be removed: %s",
				 "không xóa được khóa %s/%s: %s", dir, file, strerror(errno));
	if (folder >= 0)
		close(folder);
	return fine;
}

/* ---- names that say what is ---- */

struct renaming {
	const struct key_view *view;
	const char            *dir;
	int                    folder;
	uid_t                  owner;
	bool                   only_active;      /* the first round */
	void                 (*after)(const struct key_record *key);
};

static const struct key_record *find_key(const struct key_view *view, const struct key_name *name)
{
	for (size_t i = 0; i < view->nkeys; i++)
		if (view->keys[i].kind == name->kind && view->keys[i].id == name->id)
			return &view->keys[i];
	return NULL;
}

/* Somebody may have put a file there since the folder was read: a key that may be the only one is not removed. */
static bool is_same_key(const struct renaming *renaming, const char *file, const char *other, struct error *err)
{
	unsigned char keys[2][KEY_BYTES];
	bool fine = key_file_read(renaming->folder, renaming->dir, file, renaming->owner, keys[0], err) &&
		    key_file_read(renaming->folder, renaming->dir, other, renaming->owner, keys[1], err);

	if (fine && sodium_memcmp(keys[0], keys[1], KEY_BYTES) != 0)
		fine = error_set(err, ERR_CONFIG, "%s/%s and %s are different keys under one id: take the wrong one away",
				 "%s/%s và %s là hai khóa khác nhau cùng một số: hãy bỏ khóa sai đi", renaming->dir,
				 file, other);
	sodium_memzero(keys, sizeof(keys));
	return fine;
}

/* The name is taken by the same key: the old one is one too many. */
static bool rename_key(const struct renaming *renaming, const char *file, const char *wanted, struct error *err)
{
	bool fine = key_file_rename(renaming->folder, file, wanted);

	if (!fine && errno == EEXIST) {
		if (!is_same_key(renaming, file, wanted, err))
			return false;
		fine = unlinkat(renaming->folder, file, 0) == 0 && fsync(renaming->folder) == 0;
	}
	return fine || error_set(err, ERR_SYSTEM, "the key %s/%s cannot be renamed to %s: %s",
			 "không đổi được tên khóa %s/%s thành %s: %s", renaming->dir, file, wanted, strerror(errno));
}

static bool settle_name(void *context, const char *file, const struct key_name *name, struct error *err)
{
	const struct renaming *renaming = context;
	const struct key_record *key = find_key(renaming->view, name);
	char wanted[KEY_FILE_NAME_SIZE];

	if (!key || key->state == name->state || (renaming->only_active && key->state != KEY_ACTIVE))
		return true;
	key_name_format(&(struct key_name){ key->kind, key->state, key->id }, wanted);
	if (!rename_key(renaming, file, wanted, err))
		return false;
	if (renaming->after)
		renaming->after(key);
	return true;
}

bool keyring_settle_names(struct keyring *keyring, void (*after)(const struct key_record *key), struct error *err)
{
	struct renaming renaming = { .view = keyring_view(keyring), .dir = keyring_dir(keyring), .only_active = true,
				     .after = after };

	if (keyring_is_fixed(keyring))
		return true;
	renaming.folder = key_folder_open(renaming.dir, &renaming.owner, err);
	if (renaming.folder < 0)
		return false;
	bool fine = key_folder_each(renaming.folder, renaming.dir, &renaming, settle_name, err);

	renaming.only_active = false;
	fine = fine && key_folder_each(renaming.folder, renaming.dir, &renaming, settle_name, err);
	close(renaming.folder);
	return fine;
}
