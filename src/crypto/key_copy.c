#include "crypto/key_copy.h"

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
#include "crypto/key_file.h"
#include "crypto/key_folder.h"
#include "crypto/keyring_secret.h"

#define MAGIC "GIOTHONG KEYS 1\n"

enum {
	MAGIC_BYTES = sizeof(MAGIC) - 1,
	SALT_BYTES = crypto_pwhash_argon2id_SALTBYTES,
	NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
	TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES,
	SEAL_KEY_BYTES = crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
	CHECKSUM_BYTES = 32,
	HEAD_BYTES = MAGIC_BYTES + 8 + SALT_BYTES + NONCE_BYTES,
	KEY_LINE_MAX = KEY_FILE_NAME_SIZE + 2 * KEY_BYTES + 2,
	SECRET_MAX = KEYS_MAX * KEY_LINE_MAX,
	COPY_MAX = HEAD_BYTES + SECRET_MAX + TAG_BYTES + CHECKSUM_BYTES,
	/* a damaged or hostile file must not make us try for ever */
	PASSES_MAX = 10, MEMORY_MIN_KIB = 8, MEMORY_MAX_KIB = 1 << 20
};

const struct key_copy_cost key_copy_moderate = { 3, 256 << 10 };

/* ---- the passphrase ---- */

char *key_passphrase_new(void)
{
	char *passphrase = sodium_malloc(KEY_PASSPHRASE_SIZE);

	if (!passphrase)
		abort();
	return passphrase;
}

void key_passphrase_free(char *passphrase)
{
	sodium_free(passphrase);
}

bool key_passphrase_check(const char *typed, char out[KEY_PASSPHRASE_SIZE], struct error *err)
{
	if (!text_valid_utf8(typed, strlen(typed)) || !text_compose(typed, out, KEY_PASSPHRASE_SIZE) ||
	    text_length(out) > KEY_PASSPHRASE_MAX)
		return error_set(err, ERR_CONFIG, "the passphrase must be UTF-8 text of at most %d characters",
				 "cụm mật khẩu phải là văn bản UTF-8, nhiều nhất %d ký tự", KEY_PASSPHRASE_MAX);
	if (text_length(out) < KEY_PASSPHRASE_MIN)
		return error_set(err, ERR_CONFIG, "the passphrase must have at least %d characters: some words are best",
				 "cụm mật khẩu phải có ít nhất %d ký tự: nên dùng vài từ", KEY_PASSPHRASE_MIN);
	return true;
}

static void put_u32(unsigned char out[4], unsigned value)
{
	for (int i = 0; i < 4; i++)
		out[i] = (unsigned char)(value >> 8 * i);
}

static unsigned get_u32(const unsigned char in[4])
{
	unsigned value = 0;

	for (int i = 0; i < 4; i++)
		value |= (unsigned)in[i] << 8 * i;
	return value;
}

/* New, in locked memory. */
static unsigned char *derive(const char *passphrase, const unsigned char *head, struct error *err)
{
	const unsigned char *cost = head + MAGIC_BYTES, *salt = cost + 8;
	unsigned passes = get_u32(cost), memory_kib = get_u32(cost + 4);
	unsigned char *key;

	if (passes < 1 || passes > PASSES_MAX || memory_kib < MEMORY_MIN_KIB || memory_kib > MEMORY_MAX_KIB) {
		error_set(err, ERR_CONFIG, "the file asks for a cost that no export has",
			  "tệp yêu cầu mức tính toán mà không bản xuất nào có");
		return NULL;
	}
	key = sodium_malloc(SEAL_KEY_BYTES);
	if (!key)
		abort();
	if (crypto_pwhash_argon2id(key, SEAL_KEY_BYTES, passphrase, strlen(passphrase), salt, passes,
				   (size_t)memory_kib << 10, crypto_pwhash_argon2id_ALG_ARGON2ID13) == 0)
		return key;
	sodium_free(key);
	error_set(err, ERR_SYSTEM, "not enough memory for the passphrase: %u MiB are needed",
		  "không đủ bộ nhớ cho cụm mật khẩu: cần %u MiB", memory_kib >> 10);
	return NULL;
}

static void checksum(const unsigned char *bytes, size_t len, unsigned char out[CHECKSUM_BYTES])
{
	crypto_generichash(out, CHECKSUM_BYTES, bytes, len, NULL, 0);
}

/* ---- export ---- */

static char *secret_text_new(void)
{
	char *text = sodium_malloc(SECRET_MAX + 1);

	if (!text)
		abort();
	return text;
}

static size_t write_lines(const struct keyring *keyring, char *text)
{
	const struct key_view *view = keyring_view(keyring);
	unsigned char secret[KEY_BYTES];
	char hex[2 * KEY_BYTES + 1];
	size_t len = 0;

	for (size_t i = 0; i < view->nkeys; i++) {
		const struct key_record *key = &view->keys[i];

		if (!keyring_copy_key(keyring, key->kind, key->id, secret))
			abort();         /* the view is of this keyring */
		sodium_bin2hex(hex, sizeof(hex), secret, sizeof(secret));
		len += (size_t)snprintf(text + len, SECRET_MAX + 1 - len, "%s-%d.%s %s\n", key_kind_text(key->kind),
					key->id, key_state_text(key->state), hex);
	}
	sodium_memzero(secret, sizeof(secret));
	sodium_memzero(hex, sizeof(hex));
	return len;
}

static bool seal(const struct keyring *keyring, const char *passphrase, const struct key_copy_cost *cost,
		 unsigned char out[COPY_MAX], size_t *len, struct error *err)
{
	unsigned long long sealed = 0;
	unsigned char *key;
	char *text;

	memcpy(out, MAGIC, MAGIC_BYTES);
	put_u32(out + MAGIC_BYTES, cost->passes);
	put_u32(out + MAGIC_BYTES + 4, cost->memory_kib);
	randombytes_buf(out + MAGIC_BYTES + 8, SALT_BYTES + NONCE_BYTES);
	key = derive(passphrase, out, err);
	if (!key)
		return false;
	text = secret_text_new();
	crypto_aead_xchacha20poly1305_ietf_encrypt(out + HEAD_BYTES, &sealed, (const unsigned char *)text,
						   write_lines(keyring, text), out, HEAD_BYTES, NULL,
						   out + HEAD_BYTES - NONCE_BYTES, key);
	sodium_free(text);
	sodium_free(key);
	*len = HEAD_BYTES + (size_t)sealed;
	checksum(out, *len, out + *len);
	*len += CHECKSUM_BYTES;
	return true;
}

/* Whole and on disk, or not there. */
static bool write_new(const char *path, const unsigned char *bytes, size_t len, struct error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 && errno == EEXIST)
		return error_set(err, ERR_ALREADY_EXISTS, "%s is there already: name a new file",
				 "%s đã có: hãy đặt tên tệp mới", path);
	bool fine = fd >= 0 && fchmod(fd, 0600) == 0 && write(fd, bytes, len) == (ssize_t)len && fsync(fd) == 0;
	int why = errno;

	if (fd >= 0 && close(fd) < 0 && fine) {
		why = errno;
		fine = false;
	}
	if (fine && !folder_sync_parent(path)) {
		why = errno;
		fine = false;
	}
	if (!fine && fd >= 0)
		unlink(path);
	return fine || error_set(err, ERR_SYSTEM, "%s cannot be written: %s", "không ghi được %s: %s", path,
				 strerror(why));
}

bool keyring_export(const struct keyring *keyring, const char *path, const char *passphrase,
		    const struct key_copy_cost *cost, struct error *err)
{
	unsigned char *bytes = xmalloc(COPY_MAX);
	size_t len = 0;
	bool fine = seal(keyring, passphrase, cost, bytes, &len, err) && write_new(path, bytes, len, err);

	free(bytes);
	return fine;
}

/* ---- reading an export ---- */

static bool read_file(const char *path, unsigned char *out, size_t size, size_t *len, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t n = -1;

	if (fd < 0 || fstat(fd, &st) < 0 || (!S_ISREG(st.st_mode) && (errno = EINVAL))) {
		error_set(err, ERR_SYSTEM, "%s cannot be opened: %s", "không mở được %s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	*len = 0;
	while (*len < size && (n = read(fd, out + *len, size - *len)) > 0)
		*len += (size_t)n;
	close(fd);
	return n >= 0 || error_set(err, ERR_SYSTEM, "%s cannot be read: %s", "không đọc được %s: %s", path,
				   strerror(errno));
}

static bool is_damaged(struct error *err, const char *path)
{
	return error_set(err, ERR_MALFORMED, "%s is damaged, or no copy of a keyring: take another copy",
			 "%s bị hỏng, hoặc không phải bản sao bộ khóa: hãy dùng bản khác", path);
}

static bool check_whole(const unsigned char *bytes, size_t len, const char *path, struct error *err)
{
	unsigned char sum[CHECKSUM_BYTES];

	if (len < HEAD_BYTES + TAG_BYTES + CHECKSUM_BYTES || len >= COPY_MAX)
		return is_damaged(err, path);
	checksum(bytes, len - CHECKSUM_BYTES, sum);
	if (memcmp(sum, bytes + len - CHECKSUM_BYTES, CHECKSUM_BYTES) != 0)
		return is_damaged(err, path);
	if (memcmp(bytes, MAGIC, MAGIC_BYTES - 2) != 0)
		return is_damaged(err, path);
	return memcmp(bytes, MAGIC, MAGIC_BYTES) == 0 ||
	       error_set(err, ERR_MALFORMED, "%s was made by a newer version: import it with that one",
			 "%s do phiên bản mới hơn tạo: hãy nhập bằng phiên bản đó", path);
}

/* The lines, NUL-terminated, in locked memory; NULL and *err. */
static char *open_sealed(const unsigned char *bytes, size_t len, const char *passphrase, const char *path,
			 struct error *err)
{
	unsigned char *key = derive(passphrase, bytes, err);
	unsigned long long opened = 0;
	char *text;
	bool fine;

	if (!key)
		return NULL;
	text = secret_text_new();
	fine = crypto_aead_xchacha20poly1305_ietf_decrypt((unsigned char *)text, &opened, NULL, bytes + HEAD_BYTES,
							  len - HEAD_BYTES - CHECKSUM_BYTES, bytes, HEAD_BYTES,
							  bytes + HEAD_BYTES - NONCE_BYTES, key) == 0;
	sodium_free(key);
	if (fine) {
		text[opened] = '\0';
		return text;
	}
	sodium_free(text);
	error_set(err, ERR_FORBIDDEN, "the passphrase does not open %s", "cụm mật khẩu không mở được %s", path);
	return NULL;
}

/* ---- putting keys into a folder ---- */

/* One line of the export; `secret` of it is in locked memory. */
struct imported {
	struct key_name name;
	bool            there;           /* already, and the same */
	bool            written;         /* by us */
};

struct importing {
	const char      *dir;
	int              folder;
	uid_t            owner;
	size_t           count;
	struct imported  keys[KEYS_MAX];
	unsigned char  (*secrets)[KEY_BYTES];
};

static bool parse_line(struct importing *importing, const char *line, size_t len)
{
	const char *blank = memchr(line, ' ', len);
	char file[KEY_FILE_NAME_SIZE];
	size_t bytes = 0;

	if (!blank || importing->count == KEYS_MAX || (size_t)(blank - line) + sizeof(".key") > sizeof(file))
		return false;
	snprintf(file, sizeof(file), "%.*s.key", (int)(blank - line), line);
	size_t digits = len - (size_t)(blank + 1 - line);
	struct imported *key = &importing->keys[importing->count];

	*key = (struct imported){ .there = false };
	if (!key_name_parse(file, &key->name) || digits != 2 * KEY_BYTES ||
	    sodium_hex2bin(importing->secrets[importing->count], KEY_BYTES, blank + 1, digits, NULL, &bytes, NULL) < 0)
		return false;
	importing->count++;
	return bytes == KEY_BYTES;
}

static bool parse_lines(struct importing *importing, const char *text)
{
	const char *end;

	for (; *text; text = end + 1) {
		end = strchr(text, '\n');
		if (!end || !parse_line(importing, text, (size_t)(end - text)))
			return false;
	}
	return importing->count > 0;
}

static bool compare_key(void *context, const char *file, const struct key_name *name, struct error *err)
{
	struct importing *importing = context;
	unsigned char secret[KEY_BYTES];
	bool fine = true;

	for (size_t i = 0; fine && i < importing->count; i++) {
		struct imported *key = &importing->keys[i];

		if (key->name.kind != name->kind || key->name.id != name->id)
			continue;
		fine = key_file_read(importing->folder, importing->dir, file, importing->owner, secret, err);
		key->there = fine && sodium_memcmp(secret, importing->secrets[i], KEY_BYTES) == 0;
		if (fine && !key->there)
			fine = error_set(err, ERR_ALREADY_EXISTS,
					 "%s has another %s key %d: nothing was changed; import into an empty folder",
					 "%s có khóa %s %d khác: chưa thay đổi gì; hãy nhập vào thư mục trống",
					 importing->dir, key_kind_text(name->kind), name->id);
	}
	sodium_memzero(secret, sizeof(secret));
	return fine;
}

static void take_back(struct importing *importing)
{
	char file[KEY_FILE_NAME_SIZE];

	for (size_t i = 0; i < importing->count; i++) {
		if (!importing->keys[i].written)
			continue;
		key_name_format(&importing->keys[i].name, file);
		unlinkat(importing->folder, file, 0);
	}
}

static bool write_keys(struct importing *importing, size_t *added, struct error *err)
{
	char file[KEY_FILE_NAME_SIZE];

	*added = 0;
	for (size_t i = 0; i < importing->count; i++) {
		struct imported *key = &importing->keys[i];

		if (key->there)
			continue;
		key_name_format(&key->name, file);
		key->written = key_file_create(importing->folder, file, importing->secrets[i], err);
		if (!key->written) {
			take_back(importing);
			return false;
		}
		(*added)++;
	}
	return true;
}

/* All is looked at before anything is written. */
static bool fill(void *context, const char *dir, struct error *err)
{
	struct importing *importing = context;
	size_t added = 0;
	int lock = keyring_lock(dir, err);
	bool fine;

	if (lock < 0)
		return false;
	importing->dir = dir;
	importing->folder = key_folder_open(dir, &importing->owner, err);
	fine = importing->folder >= 0 &&
	       key_folder_each(importing->folder, dir, importing, compare_key, err) &&
	       write_keys(importing, &added, err);
	if (importing->folder >= 0)
		close(importing->folder);
	close(lock);
	return fine;
}

static bool import_text(const char *text, const char *path, const char *dir, struct key_import *import,
			struct error *err)
{
	struct importing *importing = xcalloc(1, sizeof(*importing));
	bool fine;

	importing->secrets = sodium_allocarray(KEYS_MAX, KEY_BYTES);
	if (!importing->secrets)
		abort();
	fine = (parse_lines(importing, text) || is_damaged(err, path)) && folder_make_or_fill(dir, fill, importing, err);
	*import = (struct key_import){ .nkeys = importing->count };
	for (size_t i = 0; fine && i < importing->count; i++)
		import->nadded += importing->keys[i].written;
	sodium_free(importing->secrets);
	free(importing);
	return fine;
}

bool keyring_import(const char *path, const char *passphrase, const char *dir, struct key_import *import,
		    struct error *err)
{
	unsigned char *bytes = xmalloc(COPY_MAX);
	char *text = NULL;
	size_t len;

	if (read_file(path, bytes, COPY_MAX, &len, err) && check_whole(bytes, len, path, err))
		text = open_sealed(bytes, len, passphrase, path, err);
	free(bytes);
	if (!text)
		return false;
	bool fine = import_text(text, path, dir, import, err);

	sodium_free(text);
	return fine;
}
