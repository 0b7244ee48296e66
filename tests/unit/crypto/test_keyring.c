#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "crypto/keyring.h"

static char top[32], dir[64];

static char *in_dir(const char *name)
{
	static char path[2][160];
	static int i;

	i = !i;
	snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name);
	return path[i];
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static int fresh(void **state)
{
	(void)state;
	strcpy(top, "/tmp/giothong-keys-XXXXXX");
	if (!mkdtemp(top))
		return -1;
	snprintf(dir, sizeof(dir), "%s/keyring", top);
	unsetenv("CREDENTIALS_DIRECTORY");
	return 0;
}

static int clean(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", top);
	return system(command);
}

static void make(void)
{
	struct error err = { 0 };

	if (!keyring_create(dir, &err))
		fail_msg("%s", err.detail[LANGUAGE_EN]);
}

static void expect_open(void)
{
	struct error err = { 0 };
	struct keyring *keyring = keyring_open(dir, &err);

	if (!keyring)
		fail_msg("%s", err.detail[LANGUAGE_EN]);
	keyring_free(keyring);
}

static struct keyring *open_it(void)
{
	struct error err = { 0 };
	struct keyring *keyring = keyring_open(dir, &err);

	if (!keyring)
		fail_msg("%s", err.detail[LANGUAGE_EN]);
	return keyring;
}

static void move(const char *from, const char *to)
{
	assert_int_equal(rename(in_dir(from), in_dir(to)), 0);
}

static void expect_file(const char *name)
{
	assert_int_equal(access(in_dir(name), F_OK), 0);
}

static void stage(enum key_kind kind, int id)
{
	struct error err = { 0 };

	if (!keyring_stage(dir, kind, id, &err))
		fail_msg("%s", err.detail[LANGUAGE_EN]);
}

/* What the database would know: all that is at hand. */
static size_t known(const struct keyring *keyring, struct key_record *records)
{
	const struct key_view *view = keyring_view(keyring);

	memcpy(records, view->keys, view->nkeys * sizeof(records[0]));
	return view->nkeys;
}

static void list_ids(const int *ids, size_t count, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(out + len, size - len, i ? " %d" : "%d", ids[i]);
}

/* Which key of a kind is active, which are written and probed, and which only probed. */
static void expect_use(const struct keyring *keyring, enum key_kind kind, int active, const char *written,
		       const char *probed)
{
	const struct key_view *view = keyring_view(keyring);
	size_t nwritten = view->lookup[kind].nwritten;
	char text[64];

	assert_int_equal(view->active[kind], active);
	assert_int_equal(keyring_active(keyring, kind), active);
	list_ids(view->lookup[kind].ids, nwritten, text, sizeof(text));
	assert_string_equal(text, written);
	list_ids(view->lookup[kind].ids + nwritten, view->lookup[kind].nprobed - nwritten, text, sizeof(text));
	assert_string_equal(text, probed);
}

static void expect_refused(const char *part)
{
	struct error err = { 0 };

	assert_null(keyring_open(dir, &err));
	assert_int_equal(err.code, ERR_CONFIG);
	if (!strstr(err.detail[LANGUAGE_EN], part))
		fail_msg("\"%s\" is not in \"%s\"", part, err.detail[LANGUAGE_EN]);
}

static void test_create(void **state)
{
	struct stat st;
	char first[80] = "", again[80] = "";
	struct error err = { 0 };

	(void)state;
	umask(0777);                     /* the rights must not depend on it */
	make();
	umask(022);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(in_dir("hash-1.active.key"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 65);
	struct keyring *keyring = keyring_open(dir, &err);

	assert_non_null(keyring);
	for (int kind = 0; kind < KEY_KIND_COUNT; kind++)
		assert_int_equal(keyring_active(keyring, (enum key_kind)kind), 1);
	keyring_digest(keyring, 1, "audit", "x", 1, first);
	keyring_free(keyring);
	make();                          /* again: nothing changes */
	keyring = keyring_open(dir, &err);
	keyring_digest(keyring, 1, "audit", "x", 1, again);
	keyring_free(keyring);
	assert_string_equal(first, again);
}

static void test_create_completes(void **state)
{
	char draft[80];

	(void)state;
	assert_int_equal(mkdir(dir, 0700), 0);           /* an empty folder is there */
	snprintf(draft, sizeof(draft), "%s.new", dir);   /* and what a crash left */
	assert_int_equal(mkdir(draft, 0700), 0);
	strcat(draft, "/.hash-1.active.key.new");
	write_file(draft, "half", 0600);
	make();
	expect_open();
	unlink(in_dir("sign-1.active.key"));
	expect_refused("no active sign key");
	make();
	expect_open();
}

static void test_digest(void **state)
{
	/* python: hashlib.blake2b(b"phone\x1fabc", key=bytes.fromhex("01"*32), digest_size=32) */
	struct error err = { 0 };
	char out[DIGEST_HEX_SIZE], other[DIGEST_HEX_SIZE], key[65];

	(void)state;
	make();
	for (int i = 0; i < 64; i++)
		key[i] = i % 2 ? '1' : '0';
	key[64] = '\0';
	write_file(in_dir("hash-1.active.key"), key, 0600);
	struct keyring *keyring = keyring_open(dir, &err);

	assert_non_null(keyring);
	keyring_digest(keyring, 1, "phone", "abc", 3, out);
	assert_string_equal(out, "\\xa9bedcd5b4adc7d4dee501d9c89045395583252eabe47cb2d58947859d3eb70a");
	keyring_digest(keyring, 1, "body", "abc", 3, other);
	assert_string_not_equal(out, other);
	keyring_free(keyring);
}

static void test_states(void **state)
{
	char key[66];

	(void)state;
	make();
	memset(key, 'a', 64);
	strcpy(key + 64, "\n");
	write_file(in_dir("hash-2.staged.key"), key, 0600);
	write_file(in_dir("wrap-20.retired.key"), key, 0400);
	expect_open();
	struct keyring *keyring = open_it();

	expect_use(keyring, KEY_HASH, 1, "1", "");
	expect_use(keyring, KEY_WRAP, 1, "1", "20");
	keyring_free(keyring);
	move("hash-2.staged.key", "hash-2.dual.key");
	keyring = open_it();
	expect_use(keyring, KEY_HASH, 1, "1 2", "");
	keyring_free(keyring);
	/* what a crash between two renames leaves: the newer one is active */
	move("hash-2.dual.key", "hash-2.active.key");
	keyring = open_it();
	expect_use(keyring, KEY_HASH, 2, "1 2", "");
	keyring_free(keyring);
	move("hash-1.active.key", "hash-1.dual.key");
	keyring = open_it();
	expect_use(keyring, KEY_HASH, 2, "1 2", "");
	keyring_free(keyring);
	move("hash-1.dual.key", "hash-1.retired.key");
	keyring = open_it();
	expect_use(keyring, KEY_HASH, 2, "2", "1");
	keyring_free(keyring);
}

/* A copy of the folder made again after a step brings a key under a second name. */
static void test_one_key_under_two_names(void **state)
{
	char key[66];

	(void)state;
	make();
	memset(key, 'a', 64);
	strcpy(key + 64, "\n");
	write_file(in_dir("hash-2.staged.key"), key, 0600);
	write_file(in_dir("hash-2.active.key"), key, 0600);
	struct keyring *keyring = open_it();

	assert_int_equal(keyring_view(keyring)->nkeys, 5);
	expect_use(keyring, KEY_HASH, 2, "1 2", "");
	keyring_free(keyring);
	key[3] = 'b';
	write_file(in_dir("hash-2.retired.key"), key, 0600);
	expect_refused("two different keys hash 2");
}

/* ---- what the database says ---- */

static void test_the_database_decides(void **state)
{
	struct key_record records[KEYS_MAX];
	struct error err = { 0 };

	(void)state;
	make();
	stage(KEY_HASH, 2);
	struct keyring *keyring = open_it();
	size_t count = known(keyring, records);

	assert_int_equal(count, 5);
	records[1].state = KEY_DUAL;                     /* by kind and id: hash-1, hash-2, wrap-1, ... */
	assert_true(keyring_agree(keyring, records, count, &err));
	expect_use(keyring, KEY_HASH, 1, "1 2", "");
	records[0].state = KEY_RETIRED;
	records[1].state = KEY_ACTIVE;
	assert_true(keyring_agree(keyring, records, count, &err));
	expect_use(keyring, KEY_HASH, 2, "2", "1");
	/* of a kind that the database does not know, the names count */
	move("wrap-1.active.key", "wrap-7.active.key");
	keyring_free(keyring);
	keyring = open_it();
	assert_true(keyring_agree(keyring, records, 2, &err));
	expect_use(keyring, KEY_WRAP, 7, "7", "");
	/* a key that it does not know beside one that it does was never used */
	move("hash-2.staged.key", "hash-3.active.key");
	keyring_free(keyring);
	keyring = open_it();
	records[0].state = KEY_ACTIVE;
	assert_true(keyring_agree(keyring, records, 1, &err));
	expect_use(keyring, KEY_HASH, 1, "1", "");
	assert_int_equal(keyring_view(keyring)->keys[1].state, KEY_STAGED);
	keyring_free(keyring);
}

static void test_another_key_is_refused(void **state)
{
	struct key_record records[KEYS_MAX];
	struct error err = { 0 };

	(void)state;
	make();
	struct keyring *keyring = open_it();
	size_t count = known(keyring, records);
	const struct key_view *before = keyring_view(keyring);

	records[2].fingerprint[15] ^= 1;
	assert_false(keyring_agree(keyring, records, count, &err));
	assert_int_equal(err.code, ERR_CONFIG);
	assert_non_null(strstr(err.detail[LANGUAGE_EN], "the sign key 1"));
	expect_use(keyring, KEY_SIGN, 1, "1", "");
	assert_false(keyring_view(keyring)->complete);   /* a database that was changed under us: nothing is served */
	error_clear(&err);
	assert_false(keyring_fail_missing(keyring, &err));
	assert_non_null(strstr(err.detail[LANGUAGE_EN], "not the one"));
	records[2].fingerprint[15] ^= 1;
	assert_true(keyring_agree(keyring, records, count, &err));
	assert_ptr_equal(keyring_view(keyring), before);
	records[0].state = KEY_DUAL;
	error_clear(&err);
	assert_false(keyring_agree(keyring, records, count, &err));
	assert_non_null(strstr(err.detail[LANGUAGE_EN], "0 active hash keys"));
	keyring_free(keyring);
}

/* Two hosts began a rotation at one moment; here lies the key that lost. */
static void test_another_staged_key_is_none(void **state)
{
	struct key_record records[KEYS_MAX];
	struct error err = { 0 };

	(void)state;
	make();
	stage(KEY_HASH, 2);
	struct keyring *keyring = open_it();
	size_t count = known(keyring, records);

	records[1].fingerprint[0] ^= 1;
	assert_true(keyring_agree(keyring, records, count, &err));
	assert_int_equal(keyring_view(keyring)->nkeys, 4);
	assert_true(keyring_view(keyring)->complete);
	assert_true(keyring_reload(keyring, &err));
	records[1].state = KEY_DUAL;                     /* now it matters */
	assert_false(keyring_agree(keyring, records, count, &err));
	assert_false(keyring_view(keyring)->complete);
	keyring_free(keyring);
}

static void test_a_missing_key(void **state)
{
	struct key_record records[KEYS_MAX];
	struct error err = { 0 };
	char out[DIGEST_HEX_SIZE];

	(void)state;
	make();
	stage(KEY_HASH, 2);
	struct keyring *keyring = open_it();
	size_t count = known(keyring, records);

	keyring_free(keyring);
	move("hash-2.staged.key", ".elsewhere");
	keyring = open_it();
	assert_true(keyring_agree(keyring, records, count, &err));
	assert_true(keyring_view(keyring)->complete);    /* staged is no need */
	records[1].state = KEY_DUAL;
	assert_true(keyring_agree(keyring, records, count, &err));
	assert_false(keyring_view(keyring)->complete);
	assert_int_equal(keyring_view(keyring)->missing.id, 2);
	expect_use(keyring, KEY_HASH, 1, "1", "");
	records[0].state = KEY_DUAL;
	records[1].state = KEY_ACTIVE;
	assert_true(keyring_agree(keyring, records, count, &err));
	assert_false(keyring_view(keyring)->complete);
	expect_use(keyring, KEY_HASH, 1, "1", "");       /* nothing but what is at hand */
	keyring_digest(keyring, keyring_active(keyring, KEY_HASH), "x", "y", 1, out);
	assert_false(keyring_fail_missing(keyring, &err));
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	assert_non_null(strstr(err.detail[LANGUAGE_EN], "hash key 2"));
	assert_non_null(strstr(err.detail[LANGUAGE_EN], dir));
	error_clear(&err);
	move(".elsewhere", "hash-2.staged.key");         /* under whatever name */
	assert_true(keyring_may_have_changed(keyring));
	assert_true(keyring_reload(keyring, &err));
	assert_true(keyring_view(keyring)->complete);
	expect_use(keyring, KEY_HASH, 2, "1 2", "");
	keyring_free(keyring);
	/* a retired key that is gone is told, no more */
	records[0].state = KEY_RETIRED;
	unlink(in_dir("hash-1.active.key"));
	move("hash-2.staged.key", "hash-2.active.key");
	keyring = open_it();
	assert_true(keyring_agree(keyring, records, count, &err));
	assert_true(keyring_view(keyring)->complete);
	assert_int_equal(keyring_view(keyring)->nlost, 1);
	keyring_free(keyring);
}

/* ---- while it runs ---- */

static void test_reload(void **state)
{
	struct key_record records[KEYS_MAX];
	struct error err = { 0 };
	char first[DIGEST_HEX_SIZE], again[DIGEST_HEX_SIZE];

	(void)state;
	make();
	struct keyring *keyring = open_it();
	const struct key_view *before = keyring_view(keyring);

	assert_true(keyring_agree(keyring, records, known(keyring, records), &err));
	assert_ptr_equal(keyring_view(keyring), before);         /* it says what the names say */
	assert_false(keyring_may_have_changed(keyring));
	stage(KEY_HASH, 2);
	assert_true(keyring_may_have_changed(keyring));
	assert_true(keyring_reload(keyring, &err));
	const struct key_view *with = keyring_view(keyring);

	assert_ptr_not_equal(with, before);
	assert_int_equal(with->nkeys, 5);
	assert_int_equal(before->nkeys, 4);              /* who still looks at it finds it unchanged */
	keyring_digest(keyring, 2, "x", "y", 1, first);
	/* a staged key may go again; whoever has its id still finds it */
	assert_true(keyring_unstage(dir, KEY_HASH, 2, &err));
	assert_true(keyring_unstage(dir, KEY_HASH, 2, &err));
	assert_true(keyring_reload(keyring, &err));
	assert_ptr_equal(keyring_view(keyring), before); /* the same set again, not one more */
	keyring_digest(keyring, 2, "x", "y", 1, again);
	assert_string_equal(first, again);
	keyring_free(keyring);
}

static void expect_bad(struct keyring *keyring, const char *part)
{
	const struct key_view *before = keyring_view(keyring);
	struct error err = { 0 };

	assert_true(keyring_may_have_changed(keyring));
	assert_false(keyring_reload(keyring, &err));
	if (!strstr(err.detail[LANGUAGE_EN], part))
		fail_msg("\"%s\" is not in \"%s\"", part, err.detail[LANGUAGE_EN]);
	assert_ptr_equal(keyring_view(keyring), before);
}

static void test_bad_reload(void **state)
{
	struct key_record records[KEYS_MAX];
	struct error err = { 0 };
	char key[66];

	(void)state;
	make();
	struct keyring *keyring = open_it();

	assert_true(keyring_agree(keyring, records, known(keyring, records), &err));
	write_file(in_dir("hash-2.staged.key"), "x", 0600);
	expect_bad(keyring, "64 hexadecimal digits");
	unlink(in_dir("hash-2.staged.key"));
	chmod(dir, 0750);
	expect_bad(keyring, "open to others");
	chmod(dir, 0700);
	move("sign-1.active.key", ".away");
	expect_bad(keyring, "no active sign key");
	memset(key, 'a', 64);
	strcpy(key + 64, "\n");
	write_file(in_dir("sign-2.active.key"), key, 0600);
	expect_bad(keyring, "sign key 1 is gone");
	unlink(in_dir("sign-2.active.key"));
	write_file(in_dir("sign-1.active.key"), key, 0600);
	expect_bad(keyring, "is not the one that this database");
	move(".away", "sign-1.active.key");
	assert_true(keyring_may_have_changed(keyring));
	assert_true(keyring_reload(keyring, &err));
	keyring_free(keyring);
}

/* ---- the files ---- */

static int renames;
static char renamed[8][48];

static void on_renamed(const struct key_record *key)
{
	snprintf(renamed[renames++ % 8], sizeof(renamed[0]), "%s-%d.%s", key_kind_text(key->kind), key->id,
		 key_state_text(key->state));
}

static void test_names_follow(void **state)
{
	struct key_record records[KEYS_MAX];
	struct error err = { 0 };

	(void)state;
	renames = 0;
	make();
	stage(KEY_HASH, 2);
	struct keyring *keyring = open_it();
	size_t count = known(keyring, records);

	records[0].state = KEY_DUAL;
	records[1].state = KEY_ACTIVE;
	assert_true(keyring_agree(keyring, records, count, &err));
	assert_true(keyring_settle_names(keyring, on_renamed, &err));
	assert_int_equal(renames, 2);
	assert_string_equal(renamed[0], "hash-2.active");        /* new first: there is always an active one */
	assert_string_equal(renamed[1], "hash-1.dual");
	expect_file("hash-2.active.key");
	expect_file("hash-1.dual.key");
	assert_true(keyring_settle_names(keyring, on_renamed, &err));
	assert_int_equal(renames, 2);
	/* a second name of the same key goes */
	assert_int_equal(link(in_dir("hash-2.active.key"), in_dir("hash-2.staged.key")), 0);
	assert_true(keyring_settle_names(keyring, NULL, &err));
	assert_int_equal(access(in_dir("hash-2.staged.key"), F_OK), -1);
	expect_file("hash-2.active.key");
	/* another key under the name that is wanted, put there since the folder was read: neither is removed */
	records[0].state = KEY_RETIRED;
	assert_true(keyring_agree(keyring, records, count, &err));
	write_file(in_dir("hash-1.retired.key"), "0000000000000000000000000000000000000000000000000000000000000000", 0600);
	assert_false(keyring_settle_names(keyring, NULL, &err));
	assert_int_equal(err.code, ERR_CONFIG);
	expect_file("hash-1.dual.key");
	expect_file("hash-1.retired.key");
	keyring_free(keyring);
}

static void test_stage(void **state)
{
	struct error err = { 0 };
	struct stat st;

	(void)state;
	make();
	stage(KEY_SIGN, 2);
	assert_int_equal(stat(in_dir("sign-2.staged.key"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_false(keyring_stage(dir, KEY_SIGN, 2, &err));
	assert_int_equal(err.code, ERR_ALREADY_EXISTS);
	error_clear(&err);
	assert_false(keyring_stage(dir, KEY_SIGN, 1, &err));     /* in another state */
	assert_int_equal(err.code, ERR_ALREADY_EXISTS);
	error_clear(&err);
	/* what a crash left of a first try is in nobody's way */
	write_file(in_dir(".wrap-2.staged.key.new"), "half", 0600);
	expect_open();
	stage(KEY_WRAP, 2);
	expect_open();
	int lock = keyring_lock(dir, &err);

	assert_true(lock >= 0);
	assert_int_equal(keyring_lock(dir, &err), -1);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	error_clear(&err);
	close(lock);
	lock = keyring_lock(dir, &err);
	assert_true(lock >= 0);
	close(lock);
	if (geteuid() != 0)
		return;
	/* root makes it for the user whose daemon reads it */
	assert_int_equal(chown(dir, 12345, 12345), 0);
	stage(KEY_HASH, 2);
	assert_int_equal(stat(in_dir("hash-2.staged.key"), &st), 0);
	assert_int_equal(st.st_uid, 12345);
	assert_int_equal(chown(dir, 0, 0), 0);
}

static void test_bad_names(void **state)
{
	static const char *const names[] = {
		"hash.key", "hash-0.active.key", "hash-01.active.key", "hash-1.aktive.key", "hash-3.staged.key.bak",
		"hsh-2.staged.key", "hash--2.staged.key", "hash-2 .staged.key", "hash-9999999999.staged.key", "README",
	};

	(void)state;
	make();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		write_file(in_dir(names[i]), "x", 0600);
		expect_refused("no key");
		unlink(in_dir(names[i]));
	}
	expect_open();
}

static void test_bad_content(void **state)
{
	char key[68];

	(void)state;
	make();
	memset(key, 'a', sizeof(key));
	for (size_t len = 0; len < 67; len++) {
		if (len == 64)
			continue;
		char text[68];

		snprintf(text, sizeof(text), "%.*s", (int)len, key);
		write_file(in_dir("sign-1.active.key"), text, 0600);
		expect_refused("64 hexadecimal digits");
	}
	memset(key, 'g', 64);
	key[64] = '\0';
	write_file(in_dir("sign-1.active.key"), key, 0600);
	expect_refused("64 hexadecimal digits");
}

static void test_rights(void **state)
{
	(void)state;
	make();
	static const mode_t open_modes[] = { 0640, 0604, 0660, 0644, 0610 };

	for (size_t i = 0; i < sizeof(open_modes) / sizeof(open_modes[0]); i++) {
		chmod(in_dir("hash-1.active.key"), open_modes[i]);
		expect_refused("open to others");
	}
	chmod(in_dir("hash-1.active.key"), 0400);
	expect_open();
	chmod(dir, 0750);
	expect_refused("open to others");
	chmod(dir, 0700);
	unlink(in_dir("hash-1.active.key"));
	assert_int_equal(symlink("/etc/hostname", in_dir("hash-1.active.key")), 0);
	expect_refused("cannot be read");
	unlink(in_dir("hash-1.active.key"));
	assert_int_equal(mkfifo(in_dir("hash-1.active.key"), 0600), 0);
	expect_refused("is not a file");
}

static void test_other_owner(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	make();
	assert_int_equal(chown(in_dir("hash-1.active.key"), 12345, 12345), 0);
	expect_refused("open to others");
}

/* As systemd leaves them: readable by a group entry, beside other secrets. */
static void test_credentials(void **state)
{
	(void)state;
	make();
	write_file(in_dir("pgpass"), "x", 0440);
	chmod(in_dir("hash-1.active.key"), 0440);
	chmod(dir, 0550);
	expect_refused("open to others");
	setenv("CREDENTIALS_DIRECTORY", dir, 1);
	expect_open();
	/* LoadCredential=keyring:/etc/giothong/keyring names them so */
	chmod(dir, 0700);
	move("hash-1.active.key", "keyring_hash-1.active.key");
	move("wrap-1.active.key", "keyring_wrap-1.active.key");
	write_file(in_dir("keyring_README"), "x", 0440);
	chmod(dir, 0500);
	struct keyring *keyring = open_it();
	struct error err = { 0 };

	assert_int_equal(keyring_view(keyring)->nkeys, 4);
	assert_true(keyring_is_fixed(keyring));
	assert_true(keyring_settle_names(keyring, NULL, &err));  /* nothing to do there */
	keyring_free(keyring);
	chmod(dir, 0700);
	unsetenv("CREDENTIALS_DIRECTORY");
	expect_refused("no key");                        /* nowhere else */
	setenv("CREDENTIALS_DIRECTORY", dir, 1);
	unlink(in_dir("keyring_README"));
	unlink(in_dir("pgpass"));
	move("keyring_hash-1.active.key", "hash-1.active.key");
	move("keyring_wrap-1.active.key", "wrap-1.active.key");
	chmod(in_dir("hash-1.active.key"), 0444);
	expect_refused("open to others");
	chmod(dir, 0700);
}

/* ---- threads ---- */

static _Atomic int done;

static void *read_on(void *context)
{
	const struct keyring *keyring = context;
	char out[DIGEST_HEX_SIZE];

	while (!atomic_load(&done)) {
		const struct key_view *view = keyring_view(keyring);

		for (size_t i = 0; i < view->lookup[KEY_HASH].nprobed; i++)
			keyring_digest(keyring, view->lookup[KEY_HASH].ids[i], "x", "y", 1, out);
	}
	return NULL;
}

/* Under ThreadSanitizer this is the proof; without it, that nothing breaks. */
static void test_readers_and_owner(void **state)
{
	struct key_record records[KEYS_MAX];
	struct error err = { 0 };
	pthread_t readers[2];

	(void)state;
	make();
	stage(KEY_HASH, 2);
	struct keyring *keyring = open_it();
	size_t count = known(keyring, records);

	atomic_store(&done, 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_on, keyring), 0);
	for (int i = 0; i < 300; i++) {
		records[0].state = i % 2 ? KEY_ACTIVE : KEY_RETIRED;
		records[1].state = i % 2 ? i % 3 ? KEY_STAGED : KEY_DUAL : KEY_ACTIVE;
		assert_true(keyring_agree(keyring, records, count, &err));
		if (i % 50 == 0)
			assert_true(keyring_reload(keyring, &err));
	}
	atomic_store(&done, 1);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(readers[i], NULL), 0);
	keyring_free(keyring);
}

static int set_up(void **state)
{
	struct error err = { 0 };

	(void)state;
	return crypto_start(&err) ? 0 : -1;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, clean)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_create), TEST(test_create_completes), TEST(test_digest), TEST(test_states),
		TEST(test_bad_names), TEST(test_bad_content), TEST(test_rights), TEST(test_other_owner),
		TEST(test_credentials), TEST(test_one_key_under_two_names), TEST(test_the_database_decides),
		TEST(test_another_key_is_refused), TEST(test_another_staged_key_is_none), TEST(test_a_missing_key), TEST(test_reload), TEST(test_bad_reload),
		TEST(test_names_follow), TEST(test_stage), TEST(test_readers_and_owner),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
