#include "crypto/keyring.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/key_file.h"
#include "crypto/keyring_secret.h"

enum { KEYS_MAX = 64 };

struct key {
	struct key_name name;
	unsigned char   bytes[KEY_BYTES];
};

/* In sodium_malloc() memory, read-only once it is loaded. */
struct keyring {
	int        count;
	int        active[KEY_KIND_COUNT];       /* id; 0: none seen yet */
	struct key keys[KEYS_MAX];
};

/* ---- listing ---- */

/* Calls take() for each key's name; false as soon as it says so, or for a name that is none. */
static bool each_key(int folder, const char *dir, void *context,
		     bool (*take)(void *context, const char *file, const struct key_name *name,
				  struct error *err), struct error *err)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	bool fine = true;

	if (!list)
		return error_set(err, ERR_SYSTEM, "the keyring %s cannot be read: %s",
				 "không đọc được bộ khóa %s: %s", dir, strerror(errno));
	while (fine && (entry = readdir(list)) != NULL) {
		struct key_name name;

		if (entry->d_name[0] == '.')
			continue;
		if (key_name_parse(entry->d_name, &name))
			fine = take(context, entry->d_name, &name, err);
		else if (!key_folder_is_credentials(dir))        /* systemd keeps other secrets there too */
			fine = error_set(err, ERR_CONFIG, "the keyring %s holds \"%s\", which is no key",
					 "bộ khóa %s chứa \"%s\", không phải khóa", dir, entry->d_name);
	}
	closedir(list);
	return fine;
}

/* ---- opening ---- */

struct loading {
	struct keyring *keyring;
	const char     *dir;
	int             folder;
	uid_t           owner;
};

static const struct key *find(const struct keyring *keyring, enum key_kind kind, int id)
{
	for (int i = 0; i < keyring->count; i++)
		if (keyring->keys[i].name.kind == kind && keyring->keys[i].name.id == id)
			return &keyring->keys[i];
	return NULL;
}

static bool load_key(void *context, const char *file, const struct key_name *name, struct error *err)
{
	struct loading *loading = context;
	struct keyring *keyring = loading->keyring;
	struct key *key = &keyring->keys[keyring->count];

	if (keyring->count == KEYS_MAX)
		return error_set(err, ERR_CONFIG, "the keyring %s has more than %d keys",
				 "bộ khóa %s có hơn %d khóa", loading->dir, KEYS_MAX);
	if (find(keyring, name->kind, name->id))
		return error_set(err, ERR_CONFIG, "the keyring %s has %s key %d in two states",
				 "bộ khóa %s có khóa %s %d ở hai trạng thái", loading->dir,
				 key_kind_name(name->kind), name->id);
	if (name->state == KEY_ACTIVE) {
		if (keyring->active[name->kind])
			return error_set(err, ERR_CONFIG, "the keyring %s has two active %s keys",
					 "bộ khóa %s có hai khóa %s đang dùng", loading->dir,
					 key_kind_name(name->kind));
		keyring->active[name->kind] = name->id;
	}
	key->name = *name;
	keyring->count++;
	return key_file_read(loading->folder, loading->dir, file, loading->owner, key->bytes, err);
}

static bool check_complete(const struct keyring *keyring, const char *dir, struct error *err)
{
	for (int kind = 0; kind < KEY_KIND_COUNT; kind++)
		if (!keyring->active[kind])
			return error_set(err, ERR_CONFIG, "the keyring %s has no active %s key",
					 "bộ khóa %s không có khóa %s đang dùng", dir,
					 key_kind_name((enum key_kind)kind));
	return true;
}

struct keyring *keyring_open(const char *dir, struct error *err)
{
	struct loading loading = { .dir = dir };

	loading.folder = key_folder_open(dir, &loading.owner, err);
	if (loading.folder < 0)
		return NULL;
	loading.keyring = sodium_malloc(sizeof(*loading.keyring));
	if (!loading.keyring)
		abort();
	memset(loading.keyring, 0, sizeof(*loading.keyring));
	bool fine = each_key(loading.folder, dir, &loading, load_key, err) &&
		    check_complete(loading.keyring, dir, err);

	close(loading.folder);
	if (fine) {
		sodium_mprotect_readonly(loading.keyring);
		return loading.keyring;
	}
	sodium_free(loading.keyring);
	return NULL;
}

void keyring_free(struct keyring *keyring)
{
	sodium_free(keyring);            /* wipes */
}

int keyring_active(const struct keyring *keyring, enum key_kind kind)
{
	return keyring->active[kind];
}

/* ---- making ---- */

static bool note_kind(void *context, const char *file, const struct key_name *name, struct error *err)
{
	bool *has = context;

	(void)file, (void)err;
	has[name->kind] = true;
	return true;
}

static bool fill_folder(const char *dir, struct error *err)
{
	bool has[KEY_KIND_COUNT] = { false };
	uid_t owner;
	int folder = key_folder_open(dir, &owner, err);
	bool fine = folder >= 0 && each_key(folder, dir, has, note_kind, err);

	for (int kind = 0; fine && kind < KEY_KIND_COUNT; kind++) {
		struct key_name name = { (enum key_kind)kind, KEY_ACTIVE, 1 };
		char file[KEY_FILE_NAME_SIZE];

		key_name_format(&name, file);
		fine = has[kind] || key_file_create(folder, file, err);
	}
	if (folder >= 0)
		close(folder);
	return fine;
}

static bool sync_parent(const char *dir)
{
	char *copy = xstrdup(dir);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool fine = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	free(copy);
	return fine;
}

static bool cannot_make(const char *dir, struct error *err)
{
	return error_set(err, ERR_SYSTEM, "the keyring %s cannot be made: %s", "không tạo được bộ khóa %s: %s", dir,
			 strerror(errno));
}

static bool ensure_folder(const char *dir)
{
	struct stat st;

	if (mkdir(dir, 0700) == 0)
		return chmod(dir, 0700) == 0;    /* whatever the umask took away */
	return errno == EEXIST && lstat(dir, &st) == 0 && S_ISDIR(st.st_mode);
}

/* What a crash left of an earlier try was never used: it is completed. */
static bool build_and_rename(const char *path, struct error *err)
{
	char *draft = xasprintf("%s.new", path);
	bool fine = ensure_folder(draft) ? fill_folder(draft, err) : cannot_make(draft, err);

	if (fine && (rename(draft, path) < 0 || !sync_parent(path)))
		fine = cannot_make(path, err);
	free(draft);
	return fine;
}

/* All keys or none: a new keyring is built beside and renamed into place. One that is there is completed. */
bool keyring_create(const char *dir, struct error *err)
{
	char *path = xstrdup(dir);
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
	bool is_new = rmdir(path) == 0 || errno == ENOENT;       /* an empty folder counts as none */
	bool fine = is_new ? build_and_rename(path, err) : fill_folder(path, err);

	free(path);
	return fine;
}

/* ---- using ---- */

bool keyring_copy_key(const struct keyring *keyring, enum key_kind kind, int id, unsigned char out[KEY_BYTES])
{
	const struct key *key = find(keyring, kind, id);

	if (key)
		memcpy(out, key->bytes, KEY_BYTES);
	return key != NULL;
}

static int compare_ids(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

size_t keyring_ids(const struct keyring *keyring, enum key_kind kind, int *ids, size_t max)
{
	size_t count = 0;

	for (int i = 0; i < keyring->count; i++) {
		if (keyring->keys[i].name.kind != kind)
			continue;
		if (count < max)
			ids[count] = keyring->keys[i].name.id;
		count++;
	}
	qsort(ids, count < max ? count : max, sizeof(*ids), compare_ids);
	return count;
}

void keyring_digest(const struct keyring *keyring, int key_id, const char *domain, const void *bytes,
		    size_t len, char out[DIGEST_HEX_SIZE])
{
	const struct key *key = find(keyring, KEY_HASH, key_id);
	unsigned char digest[DIGEST_BYTES];
	crypto_generichash_state state;

	if (!key)
		abort();                 /* ids come from this keyring */
	crypto_generichash_init(&state, key->bytes, KEY_BYTES, sizeof(digest));
	crypto_generichash_update(&state, (const unsigned char *)domain, strlen(domain));
	crypto_generichash_update(&state, (const unsigned char *)"\x1f", 1);
	crypto_generichash_update(&state, bytes, len);
	crypto_generichash_final(&state, digest, sizeof(digest));
	sodium_memzero(&state, sizeof(state));
	memcpy(out, "\\x", 2);
	sodium_bin2hex(out + 2, DIGEST_HEX_SIZE - 2, digest, sizeof(digest));
}
