#include "crypto/keyring.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/key_set.h"
#include "crypto/keyring_secret.h"

/*
 * Readers take `current` and are done; it and `published` are the only members
 * that they touch. The rest is the owner's. A set is whole before it is
 * published (release) and is never changed after.
 */
struct keyring {
	_Atomic(const struct key_set *) current, published;
	char                           *dir;
	bool                            fixed;
	uint64_t                        mark;            /* of the folder, when it was last looked at */
	struct key_folder               folder;
	size_t                          nrecords;
	struct key_record               records[KEYS_MAX];
};

/* ---- reading the folder ---- */

struct loading {
	struct key_folder *into;
	const char        *dir;
	int                folder;
	uid_t              owner;
};

static void fingerprint(struct key_record *record, const unsigned char secret[KEY_BYTES])
{
	static const unsigned char text[] = "giothong key fingerprint";

	crypto_generichash(record->fingerprint, KEY_FINGERPRINT_BYTES, text, sizeof(text) - 1, secret, KEY_BYTES);
}

static bool comes_before(const struct key_record *a, const struct key_record *b)
{
	return a->kind != b->kind ? a->kind < b->kind : a->id < b->id;
}

static void insert_key(struct key_folder *into, const struct key_record *record,
		       const unsigned char secret[KEY_BYTES])
{
	size_t at = into->count;

	while (at > 0 && comes_before(record, &into->keys[at - 1]))
		at--;
	memmove(&into->keys[at + 1], &into->keys[at], (into->count - at) * sizeof(into->keys[0]));
	memmove(into->secrets[at + 1], into->secrets[at], (into->count - at) * KEY_BYTES);
	into->keys[at] = *record;
	memcpy(into->secrets[at], secret, KEY_BYTES);
	into->count++;
}

/* A copy of the folder that was made again after a change of state leaves a key under two names. */
static bool merge_key(struct loading *loading, struct key_record *there, const struct key_record *record,
		      struct error *err)
{
	if (sodium_memcmp(there->fingerprint, record->fingerprint, KEY_FINGERPRINT_BYTES) != 0)
		return error_set(err, ERR_CONFIG, "the keyring %s has two different keys %s %d",
				 "bộ khóa %s có hai khóa %s %d khác nhau", loading->dir,
				 key_kind_text(record->kind), record->id);
	if (record->state > there->state)
		there->state = record->state;
	return true;
}

static bool load_key(void *context, const char *file, const struct key_name *name, struct error *err)
{
	struct loading *loading = context;
	struct key_folder *into = loading->into;
	struct key_record record = { .kind = name->kind, .state = name->state, .id = name->id };
	unsigned char secret[KEY_BYTES];
	bool fine = key_file_read(loading->folder, loading->dir, file, loading->owner, secret, err);

	if (fine) {
		fingerprint(&record, secret);
		struct key_record *there = (struct key_record *)key_record_find(into->keys, into->count,
										name->kind, name->id);

		if (there)
			fine = merge_key(loading, there, &record, err);
		else if (into->count == KEYS_MAX)
			fine = error_set(err, ERR_CONFIG, "the keyring %s has more than %d keys",
					 "bộ khóa %s có hơn %d khóa", loading->dir, KEYS_MAX);
		else
			insert_key(into, &record, secret);
	}
	sodium_memzero(secret, sizeof(secret));
	return fine;
}

static bool check_complete(const struct key_folder *folder, const char *dir, struct error *err)
{
	bool active[KEY_KIND_COUNT] = { false };

	for (size_t i = 0; i < folder->count; i++)
		if (folder->keys[i].state == KEY_ACTIVE)
			active[folder->keys[i].kind] = true;
	for (int kind = 0; kind < KEY_KIND_COUNT; kind++)
		if (!active[kind])
			return error_set(err, ERR_CONFIG, "the keyring %s has no active %s key",
					 "bộ khóa %s không có khóa %s đang dùng", dir,
					 key_kind_text((enum key_kind)kind));
	return true;
}

static bool folder_read_once(struct key_folder *into, const char *dir, struct error *err)
{
	struct loading loading = { .into = into, .dir = dir };
	bool fine;

	error_clear(err);
	into->count = 0;
	loading.folder = key_folder_open(dir, &loading.owner, err);
	if (loading.folder < 0)
		return false;
	fine = key_folder_each(loading.folder, dir, &loading, load_key, err) && check_complete(into, dir, err);
	close(loading.folder);
	return fine;
}

/* A name that is just being changed may be met under neither spelling; a second look meets it. */
static bool folder_read(struct key_folder *into, const char *dir, struct error *err)
{
	into->secrets = sodium_allocarray(KEYS_MAX, KEY_BYTES);
	if (!into->secrets)
		abort();
	if (folder_read_once(into, dir, err) || folder_read_once(into, dir, err))
		return true;
	sodium_free(into->secrets);
	into->secrets = NULL;
	return false;
}

/* ---- publishing ---- */

static const struct key_set *current(const struct keyring *keyring)
{
	return atomic_load_explicit(&keyring->current, memory_order_acquire);
}

static const struct key_set *published(const struct keyring *keyring)
{
	return atomic_load_explicit(&keyring->published, memory_order_acquire);
}

/* A set like an earlier one is that one again, so a folder that goes to and fro does not fill the memory. */
static void publish(struct keyring *keyring, const struct key_record *wrong)
{
	const struct key_set *now = current(keyring);
	struct key_set *set = key_set_new(&keyring->folder, keyring->records, keyring->nrecords, wrong,
					  now ? &now->view : NULL);
	const struct key_set *same = published(keyring);

	while (same && !key_set_equal(same, set))
		same = same->next;
	if (same) {
		key_set_free(set);
	} else {
		set->next = published(keyring);
		atomic_store_explicit(&keyring->published, set, memory_order_release);
		same = set;
	}
	atomic_store_explicit(&keyring->current, same, memory_order_release);
}

/* The secrets of the folder are needed again when the database's word changes. */
static void take_folder(struct keyring *keyring, struct key_folder *folder)
{
	sodium_free(keyring->folder.secrets);
	keyring->folder = *folder;
	sodium_mprotect_readonly(keyring->folder.secrets);
	publish(keyring, NULL);
}

struct keyring *keyring_open(const char *dir, struct error *err)
{
	struct key_folder folder;
	uint64_t mark = key_folder_mark(dir);

	if (!folder_read(&folder, dir, err))
		return NULL;
	struct keyring *keyring = xcalloc(1, sizeof(*keyring));

	keyring->dir = xstrdup(dir);
	keyring->fixed = key_folder_is_credentials(dir);
	keyring->mark = mark;
	take_folder(keyring, &folder);
	return keyring;
}

void keyring_free(struct keyring *keyring)
{
	if (!keyring)
		return;
	struct key_set *set = (struct key_set *)published(keyring), *next;

	for (; set; set = next) {
		next = (struct key_set *)set->next;
		key_set_free(set);
	}
	sodium_free(keyring->folder.secrets);
	free(keyring->dir);
	free(keyring);
}

const char *keyring_dir(const struct keyring *keyring)
{
	return keyring->dir;
}

bool keyring_is_fixed(const struct keyring *keyring)
{
	return keyring->fixed;
}

/* ---- changing ---- */

bool keyring_may_have_changed(struct keyring *keyring)
{
	uint64_t mark = key_folder_mark(keyring->dir);
	bool changed = mark != keyring->mark;

	keyring->mark = mark;
	return changed;
}

/* Two keys under one id: whichever was used, what the other one digested or sealed would not be found. */
static const struct key_record *find_wrong(const struct key_folder *folder, const struct key_record *records,
					   size_t nrecords)
{
	for (size_t i = 0; i < nrecords; i++) {
		const struct key_record *key = key_record_find(folder->keys, folder->count, records[i].kind,
							       records[i].id);

		if (key && records[i].state != KEY_STAGED && !key_record_same(key, &records[i]))
			return &records[i];
	}
	return NULL;
}

static bool is_wrong(const struct keyring *keyring, const struct key_record *record, enum error_code code,
		     struct error *err)
{
	char known[KEY_FINGERPRINT_HEX_SIZE];

	key_fingerprint_hex(record, known);
	return error_set(err, code,
			 "the %s key %d in %s is not the one that this database is used with (fingerprint %.8s):"
			 " bring back the keyring that belongs to it",
			 "khóa %s %d trong %s không phải khóa mà cơ sở dữ liệu này đang dùng (dấu %.8s):"
			 " hãy khôi phục đúng bộ khóa của nó",
			 key_kind_text(record->kind), record->id, keyring->dir, known);
}

/* A key that the database knows stays, unless it was only staged. */
static bool check_kept(const struct keyring *keyring, const struct key_folder *folder, struct error *err)
{
	const struct key_view *view = keyring_view(keyring);

	for (size_t i = 0; i < view->nkeys; i++) {
		const struct key_record *key = &view->keys[i];

		if (key->state == KEY_STAGED || key_record_find(folder->keys, folder->count, key->kind, key->id))
			continue;
		return error_set(err, ERR_CONFIG,
				 "the %s key %d is gone from %s: bring its file back; until this process ends"
				 " it goes on with the key in its memory",
				 "khóa %s %d không còn trong %s: hãy khôi phục tệp; tiến trình này vẫn dùng"
				 " khóa trong bộ nhớ cho đến khi dừng",
				 key_kind_text(key->kind), key->id, keyring->dir);
	}
	return true;
}

bool keyring_reload(struct keyring *keyring, struct error *err)
{
	struct key_folder folder;

	if (!folder_read(&folder, keyring->dir, err))
		return false;
	const struct key_record *wrong = find_wrong(&folder, keyring->records, keyring->nrecords);

	if ((wrong && !is_wrong(keyring, wrong, ERR_CONFIG, err)) || !check_kept(keyring, &folder, err)) {
		sodium_free(folder.secrets);
		return false;
	}
	take_folder(keyring, &folder);
	return true;
}

/* The database's own constraint allows no other; a hand in it might. */
static bool check_active(const struct key_record *records, size_t count, struct error *err)
{
	int known[KEY_KIND_COUNT] = { 0 }, active[KEY_KIND_COUNT] = { 0 };

	for (size_t i = 0; i < count; i++) {
		known[records[i].kind]++;
		active[records[i].kind] += records[i].state == KEY_ACTIVE;
	}
	for (int kind = 0; kind < KEY_KIND_COUNT; kind++)
		if (known[kind] && active[kind] != 1)
			return error_set(err, ERR_CONFIG, "the database names %d active %s keys instead of one",
					 "cơ sở dữ liệu ghi %d khóa %s đang dùng thay vì một", active[kind],
					 key_kind_text((enum key_kind)kind));
	return true;
}

bool keyring_agree(struct keyring *keyring, const struct key_record *records, size_t count, struct error *err)
{
	if (count > KEYS_MAX)
		return error_set(err, ERR_CONFIG, "the database knows more than %d keys",
				 "cơ sở dữ liệu biết hơn %d khóa", KEYS_MAX);
	if (!check_active(records, count, err))
		return false;
	const struct key_record *wrong = find_wrong(&keyring->folder, records, count);

	if (wrong) {
		publish(keyring, wrong);
		return is_wrong(keyring, wrong, ERR_CONFIG, err);
	}
	memcpy(keyring->records, records, count * sizeof(records[0]));
	keyring->nrecords = count;
	publish(keyring, NULL);
	return true;
}

/* ---- using ---- */

const struct key_view *keyring_view(const struct keyring *keyring)
{
	return &current(keyring)->view;
}

int keyring_active(const struct keyring *keyring, enum key_kind kind)
{
	return keyring_view(keyring)->active[kind];
}

bool keyring_fail_missing(const struct keyring *keyring, struct error *err)
{
	const struct key_record *missing = &keyring_view(keyring)->missing;
	const char *kind = key_kind_text(missing->kind);

	if (keyring_view(keyring)->wrong)
		return is_wrong(keyring, missing, ERR_UNAVAILABLE, err);
	if (keyring->fixed)
		return error_set(err, ERR_UNAVAILABLE,
				 "The %s key %d is not at hand. Copy its file into the folder that LoadCredential= names,"
				 " then restart the service.",
				 "Thiếu khóa %s %d. Hãy chép tệp khóa vào thư mục mà LoadCredential= chỉ tới,"
				 " rồi khởi động lại dịch vụ.", kind, missing->id);
	return error_set(err, ERR_UNAVAILABLE,
			 "The %s key %d is not in %s. Copy its file there (mode 0600); it is picked up in seconds.",
			 "Thiếu khóa %s %d trong %s. Hãy chép tệp khóa vào đó (quyền 0600);"
			 " chương trình sẽ nhận sau vài giây.", kind, missing->id, keyring->dir);
}

static const unsigned char *find(const struct keyring *keyring, enum key_kind kind, int id)
{
	const unsigned char *secret = key_set_find(current(keyring), kind, id);

	for (const struct key_set *set = published(keyring); !secret && set; set = set->next)
		secret = key_set_find(set, kind, id);
	return secret;
}

bool keyring_copy_key(const struct keyring *keyring, enum key_kind kind, int id, unsigned char out[KEY_BYTES])
{
	const unsigned char *secret = find(keyring, kind, id);

	if (secret)
		memcpy(out, secret, KEY_BYTES);
	return secret != NULL;
}

size_t keyring_ids(const struct keyring *keyring, enum key_kind kind, int *ids, size_t max)
{
	const struct key_view *view = keyring_view(keyring);
	size_t count = 0;

	for (size_t i = 0; i < view->nkeys; i++) {
		if (view->keys[i].kind != kind)
			continue;
		if (count < max)
			ids[count] = view->keys[i].id;
		count++;
	}
	return count;
}

void key_fingerprint_hex(const struct key_record *record, char out[KEY_FINGERPRINT_HEX_SIZE])
{
	sodium_bin2hex(out, KEY_FINGERPRINT_HEX_SIZE, record->fingerprint, KEY_FINGERPRINT_BYTES);
}

bool key_fingerprint_parse(const char *hex, struct key_record *record)
{
	size_t bytes = 0;

	return strlen(hex) == KEY_FINGERPRINT_HEX_SIZE - 1 &&
	       sodium_hex2bin(record->fingerprint, KEY_FINGERPRINT_BYTES, hex, strlen(hex), NULL, &bytes, NULL) == 0 &&
	       bytes == KEY_FINGERPRINT_BYTES;
}

static void digest_under(const struct keyring *keyring, enum key_kind kind, int key_id, const char *domain,
			 const void *bytes, size_t len, unsigned char out[DIGEST_BYTES])
{
	const unsigned char *key = find(keyring, kind, key_id);
	crypto_generichash_state state;

	if (!key)
		abort();                 /* ids come from this keyring */
	crypto_generichash_init(&state, key, KEY_BYTES, DIGEST_BYTES);
	crypto_generichash_update(&state, (const unsigned char *)domain, strlen(domain));
	crypto_generichash_update(&state, (const unsigned char *)"\x1f", 1);
	crypto_generichash_update(&state, bytes, len);
	crypto_generichash_final(&state, out, DIGEST_BYTES);
	sodium_memzero(&state, sizeof(state));
}

static void digest_text(const unsigned char digest[DIGEST_BYTES], char out[DIGEST_HEX_SIZE])
{
	memcpy(out, "\\x", 2);
	sodium_bin2hex(out + 2, DIGEST_HEX_SIZE - 2, digest, DIGEST_BYTES);
}

void keyring_digest_bytes(const struct keyring *keyring, int key_id, const char *domain, const void *bytes,
			  size_t len, unsigned char out[DIGEST_BYTES])
{
	digest_under(keyring, KEY_HASH, key_id, domain, bytes, len, out);
}

void keyring_digest(const struct keyring *keyring, int key_id, const char *domain, const void *bytes,
		    size_t len, char out[DIGEST_HEX_SIZE])
{
	unsigned char digest[DIGEST_BYTES];

	digest_under(keyring, KEY_HASH, key_id, domain, bytes, len, digest);
	digest_text(digest, out);
}

void keyring_digest_suppressed(const struct keyring *keyring, int key_id, const char *domain, const void *bytes,
			       size_t len, char out[DIGEST_HEX_SIZE])
{
	unsigned char digest[DIGEST_BYTES];

	digest_under(keyring, KEY_SUPPRESSION, key_id, domain, bytes, len, digest);
	digest_text(digest, out);
}
