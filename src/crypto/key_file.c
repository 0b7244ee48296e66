#include "crypto/key_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

enum { HEX_SIZE = KEY_BYTES * 2 + 1 };

static const char *const kinds[KEY_KIND_COUNT] = {
	[KEY_HASH] = "hash", [KEY_WRAP] = "wrap", [KEY_SIGN] = "sign", [KEY_SUPPRESSION] = "suppression",
};
static const char *const states[KEY_STATE_COUNT] = {
	[KEY_STAGED] = "staged", [KEY_DUAL] = "dual", [KEY_ACTIVE] = "active", [KEY_RETIRED] = "retired",
};
/* What systemd puts before the name of each file of a folder (LoadCredential=keyring:FOLDER). */
static const char credential_prefix[] = "keyring_";

static int word_index(const char *const *words, size_t count, const char *text, size_t len)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(words[i]) == len && strncmp(words[i], text, len) == 0)
			return (int)i;
	return -1;
}

const char *key_kind_text(enum key_kind kind)
{
	return kinds[kind];
}

const char *key_state_text(enum key_state state)
{
	return states[state];
}

bool key_kind_parse(const char *text, enum key_kind *out)
{
	int at = text ? word_index(kinds, KEY_KIND_COUNT, text, strlen(text)) : -1;

	if (at >= 0)
		*out = (enum key_kind)at;
	return at >= 0;
}

bool key_state_parse(const char *text, enum key_state *out)
{
	int at = text ? word_index(states, KEY_STATE_COUNT, text, strlen(text)) : -1;

	if (at >= 0)
		*out = (enum key_state)at;
	return at >= 0;
}

/* ---- names ---- */

void key_name_format(const struct key_name *name, char out[KEY_FILE_NAME_SIZE])
{
	snprintf(out, KEY_FILE_NAME_SIZE, "%s-%d.%s.key", kinds[name->kind], name->id, states[name->state]);
}

/* Read loosely, then written again and compared: only the one true spelling passes. */
bool key_name_parse(const char *file, struct key_name *out)
{
	const char *dash = strchr(file, '-');
	const char *dot = dash ? strchr(dash, '.') : NULL;
	const char *end = dot ? strchr(dot + 1, '.') : NULL;
	char again[KEY_FILE_NAME_SIZE];

	if (!end)
		return false;
	int kind = word_index(kinds, KEY_KIND_COUNT, file, (size_t)(dash - file));
	int state = word_index(states, KEY_STATE_COUNT, dot + 1, (size_t)(end - dot - 1));
	long id = strtol(dash + 1, NULL, 10);

	if (kind < 0 || state < 0 || id < 1 || id > KEY_ID_MAX)
		return false;
	*out = (struct key_name){ (enum key_kind)kind, (enum key_state)state, (int)id };
	key_name_format(out, again);
	return streq(again, file);
}

/* ---- rights ---- */

bool key_folder_is_credentials(const char *dir)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");

	return credentials && *credentials && streq(credentials, dir);
}

/* systemd hands a credential to its service by an access list, which shows as group rights. */
static mode_t forbidden_bits(const char *dir)
{
	return key_folder_is_credentials(dir) ? 0027 : 0077;
}

static bool is_ours(uid_t owner, uid_t also)
{
	return owner == 0 || owner == geteuid() || (geteuid() == 0 && owner == also);
}

int key_folder_open(const char *dir, uid_t *owner, struct error *err)
{
	int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (folder < 0 || fstat(folder, &st) < 0) {
		error_set(err, ERR_CONFIG, "the keyring %s cannot be read: %s", "không đọc được bộ khóa %s: %s",
			  dir, strerror(errno));
	} else if ((st.st_mode & forbidden_bits(dir)) || !is_ours(st.st_uid, st.st_uid)) {
		error_set(err, ERR_CONFIG, "the keyring %s is open to others: it must be yours, mode 0700",
			  "bộ khóa %s mở cho người khác: phải của chính bạn, quyền 0700", dir);
	} else {
		*owner = st.st_uid;
		return folder;
	}
	if (folder >= 0)
		close(folder);
	return -1;
}

/* ---- listing ---- */

static DIR *list_open(int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd >= 0 ? fdopendir(fd) : NULL;

	if (!list && fd >= 0)
		close(fd);
	return list;
}

/* systemd keeps other secrets of the service beside the keys, and prefixes these. */
static bool name_parse(const char *file, bool credentials, struct key_name *name)
{
	if (credentials && text_starts_with(file, credential_prefix))
		file += strlen(credential_prefix);
	return key_name_parse(file, name);
}

bool key_folder_each(int folder, const char *dir, void *context,
		     bool (*take)(void *context, const char *file, const struct key_name *name,
				  struct error *err), struct error *err)
{
	bool credentials = key_folder_is_credentials(dir), fine = true;
	DIR *list = list_open(folder);
	const struct dirent *entry;

	if (!list)
		return error_set(err, ERR_SYSTEM, "the keyring %s cannot be read: %s",
				 "không đọc được bộ khóa %s: %s", dir, strerror(errno));
	while (fine && (entry = readdir(list)) != NULL) {
		struct key_name name;

		if (entry->d_name[0] == '.')
			continue;
		if (name_parse(entry->d_name, credentials, &name))
			fine = take(context, entry->d_name, &name, err);
		else if (!credentials)
			fine = error_set(err, ERR_CONFIG, "the keyring %s holds \"%s\", which is no key",
					 "bộ khóa %s chứa \"%s\", không phải khóa", dir, entry->d_name);
	}
	closedir(list);
	return fine;
}

static void mark_add(crypto_generichash_state *state, const char *name, const struct stat *st)
{
	const int64_t facts[] = { (int64_t)st->st_ino,        st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
				  st->st_ctim.tv_sec,         st->st_ctim.tv_nsec, (int64_t)st->st_size,
				  (int64_t)st->st_mode,       (int64_t)st->st_uid };

	crypto_generichash_update(state, (const unsigned char *)name, strlen(name) + 1);
	crypto_generichash_update(state, (const unsigned char *)facts, sizeof(facts));
}

uint64_t key_folder_mark(const char *dir)
{
	int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = folder >= 0 ? list_open(folder) : NULL;
	crypto_generichash_state state;
	const struct dirent *entry;
	unsigned char digest[crypto_generichash_BYTES];
	struct stat st;
	uint64_t mark;

	crypto_generichash_init(&state, NULL, 0, sizeof(digest));
	while (list && (entry = readdir(list)) != NULL)
		if (fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    !streq(entry->d_name, ".."))
			mark_add(&state, entry->d_name, &st);
	crypto_generichash_final(&state, digest, sizeof(digest));
	if (list)
		closedir(list);
	if (folder >= 0)
		close(folder);
	memcpy(&mark, digest, sizeof(mark));
	return mark;
}

/* ---- content ---- */

static bool check_file(int fd, const char *dir, const char *file, uid_t folder_owner, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return error_set(err, ERR_CONFIG, "the key %s/%s is not a file", "khóa %s/%s không phải là tệp", dir,
				 file);
	if ((st.st_mode & forbidden_bits(dir)) || !is_ours(st.st_uid, folder_owner))
		return error_set(err, ERR_CONFIG, "the key %s/%s is open to others: it must be yours, mode 0600",
				 "khóa %s/%s mở cho người khác: phải của chính bạn, quyền 0600", dir, file);
	return true;
}

static bool decode(const char *text, size_t len, unsigned char out[KEY_BYTES])
{
	size_t digits = len == HEX_SIZE && text[HEX_SIZE - 1] == '\n' ? HEX_SIZE - 1 : len;
	size_t bytes = 0;

	return digits == HEX_SIZE - 1 &&
	       sodium_hex2bin(out, KEY_BYTES, text, digits, NULL, &bytes, NULL) == 0 && bytes == KEY_BYTES;
}

static ssize_t read_all(int fd, char *out, size_t size)
{
	size_t len = 0;
	ssize_t n = 1;

	while (len < size && (n = read(fd, out + len, size - len)) != 0) {
		if (n > 0)
			len += (size_t)n;
		else if (errno != EINTR)
			return -1;
	}
	return (ssize_t)len;
}

bool key_file_read(int folder, const char *dir, const char *file, uid_t folder_owner,
		   unsigned char out[KEY_BYTES], struct error *err)
{
	int fd = openat(folder, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char text[HEX_SIZE + 1];

	if (fd < 0)
		return error_set(err, ERR_CONFIG, "the key %s/%s cannot be read: %s",
				 "không đọc được khóa %s/%s: %s", dir, file, strerror(errno));
	bool fine = check_file(fd, dir, file, folder_owner, err);

	if (fine) {
		ssize_t len = read_all(fd, text, sizeof(text));

		fine = (len >= 0 && decode(text, (size_t)len, out)) ||
		       error_set(err, ERR_CONFIG, "the key %s/%s is not 64 hexadecimal digits",
				 "khóa %s/%s không phải 64 chữ số thập lục phân", dir, file);
		sodium_memzero(text, sizeof(text));
	}
	close(fd);
	return fine;
}

static bool write_key(int fd, const unsigned char key[KEY_BYTES])
{
	unsigned char fresh[KEY_BYTES];
	char text[HEX_SIZE];

	randombytes_buf(fresh, sizeof(fresh));
	sodium_bin2hex(text, sizeof(text), key ? key : fresh, KEY_BYTES);
	text[HEX_SIZE - 1] = '\n';
	bool fine = write(fd, text, sizeof(text)) == (ssize_t)sizeof(text) && fchmod(fd, 0600) == 0 &&
		    fsync(fd) == 0;

	sodium_memzero(fresh, sizeof(fresh));
	sodium_memzero(text, sizeof(text));
	return fine;
}

/* What root makes in the folder of the daemon's user, the daemon must be able to read. */
static bool give_to_owner(int folder, int fd)
{
	struct stat st;

	if (geteuid() != 0)
		return true;
	return fstat(folder, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) == 0;
}

/* A name with a dot in front is no key: a half-written one left by a crash hurts nobody. */
bool key_file_create(int folder, const char *file, const unsigned char key[KEY_BYTES], struct error *err)
{
	char draft[KEY_FILE_NAME_SIZE + 8];
	bool fine;

	snprintf(draft, sizeof(draft), ".%s.new", file);
	unlinkat(folder, draft, 0);
	int fd = openat(folder, draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	fine = fd >= 0 && write_key(fd, key) && give_to_owner(folder, fd);
	if (fd >= 0 && close(fd) < 0)
		fine = false;
	fine = fine && key_file_rename(folder, draft, file);
	if (!fine && fd >= 0) {
		int why = errno;

		unlinkat(folder, draft, 0);
		errno = why;
	}
	return fine || error_set(err, ERR_SYSTEM, "the key %s cannot be written: %s",
				 "không ghi được khóa %s: %s", file, strerror(errno));
}

/* Some file systems do not know RENAME_NOREPLACE; keyring_lock() keeps others away meanwhile. */
bool key_file_rename(int folder, const char *from, const char *to)
{
	struct stat st;

	if (renameat2(folder, from, folder, to, RENAME_NOREPLACE) < 0) {
		if (errno != EINVAL)
			return false;
		if (fstatat(folder, to, &st, AT_SYMLINK_NOFOLLOW) == 0) {
			errno = EEXIST;
			return false;
		}
		if (renameat(folder, from, folder, to) < 0)
			return false;
	}
	return fsync(folder) == 0;
}
