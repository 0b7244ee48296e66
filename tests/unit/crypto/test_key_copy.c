/* A keyring in one file under a passphrase: out, in, and nothing that is damaged or forged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "crypto/key_copy.h"
#include "crypto/keyring.h"

static const char good[] = "mười lăm ký tự trở lên";
static const struct key_copy_cost cheap = { 1, 8 };      /* what is tested is not how long it takes */
enum { CHECKSUM = 32, FILE_MAX = 4096 };

static char top[32], from[48], to[48], copy[48], changed[48];

static int fresh(void **state)
{
	(void)state;
	strcpy(top, "/tmp/giothong-copy-XXXXXX");
	if (!mkdtemp(top))
		return -1;
	snprintf(from, sizeof(from), "%s/from", top);
	snprintf(to, sizeof(to), "%s/to", top);
	snprintf(copy, sizeof(copy), "%s/copy", top);
	snprintf(changed, sizeof(changed), "%s/changed", top);
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

static void export_it(void)
{
	struct error err = { 0 };

	if (!keyring_create(from, &err) || !keyring_stage(from, KEY_HASH, 2, &err))
		fail_msg("%s", err.detail[LANGUAGE_EN]);
	struct keyring *keyring = keyring_open(from, &err);

	if (!keyring || !keyring_export(keyring, copy, good, &cheap, &err))
		fail_msg("%s", err.detail[LANGUAGE_EN]);
	keyring_free(keyring);
}

static bool import_it(const char *path, const char *passphrase, struct error *err)
{
	struct key_import import;

	error_clear(err);
	return keyring_import(path, passphrase, to, &import, err);
}

static void expect_same(void)
{
	char command[128];

	snprintf(command, sizeof(command), "diff -r %s %s", from, to);
	assert_int_equal(system(command), 0);
}

static void expect_nothing(void)
{
	char draft[64];

	assert_int_equal(access(to, F_OK), -1);
	snprintf(draft, sizeof(draft), "%s.new", to);
	assert_int_equal(access(draft, F_OK), -1);
}

static size_t read_copy(unsigned char out[FILE_MAX])
{
	int fd = open(copy, O_RDONLY);
	ssize_t n = read(fd, out, FILE_MAX);

	close(fd);
	assert_true(n > 100 && n < FILE_MAX);
	return (size_t)n;
}

static void write_changed(const unsigned char *bytes, size_t len)
{
	int fd = open(changed, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

static void test_there_and_back(void **state)
{
	struct error err = { 0 };
	struct key_import import;
	struct stat st;

	(void)state;
	umask(0);
	export_it();
	umask(022);
	assert_int_equal(stat(copy, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true(keyring_import(copy, good, to, &import, &err));
	assert_int_equal(import.nkeys, 5);
	assert_int_equal(import.nadded, 5);
	expect_same();
	assert_int_equal(stat(to, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	/* again: all is there */
	assert_true(keyring_import(copy, good, to, &import, &err));
	assert_int_equal(import.nadded, 0);
	expect_same();
	/* what was begun and not ended is ended */
	char path[80];

	snprintf(path, sizeof(path), "%s/sign-1.active.key", to);
	assert_int_equal(unlink(path), 0);
	assert_true(keyring_import(copy, good, to, &import, &err));
	assert_int_equal(import.nadded, 1);
	expect_same();
	/* an export replaces nothing */
	struct keyring *keyring = keyring_open(from, &err);

	assert_false(keyring_export(keyring, copy, good, &cheap, &err));
	assert_int_equal(err.code, ERR_ALREADY_EXISTS);
	keyring_free(keyring);
}

/* The same word typed on two machines, composed and decomposed. */
/* As before a restore, where nothing is yet; one folder around the keys, no more. */
static void test_the_folder_around(void **state)
{
	char around[48], dir[64];
	struct key_import import;
	struct error err = { 0 };
	struct stat st;

	(void)state;
	export_it();
	snprintf(around, sizeof(around), "%s/around", top);
	snprintf(dir, sizeof(dir), "%s/more/keyring", around);
	assert_false(keyring_import(copy, good, dir, &import, &err));
	assert_int_equal(access(around, F_OK), -1);
	snprintf(dir, sizeof(dir), "%s/keyring", around);
	if (!keyring_import(copy, good, dir, &import, &err))
		fail_msg("%s", err.detail[LANGUAGE_EN]);
	assert_int_equal(stat(around, &st), 0);
	assert_int_equal(st.st_mode & 07777, geteuid() == 0 ? 0755 : 0700);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

static void test_passphrases(void **state)
{
	char composed[KEY_PASSPHRASE_SIZE], decomposed[KEY_PASSPHRASE_SIZE], many[400];
	struct error err = { 0 };

	(void)state;
	assert_true(key_passphrase_check("giọt máu hồng hè 2027", composed, &err));
	assert_true(key_passphrase_check("gio\xcc\xa3t ma\xcc\x81u ho\xcc\x82\xcc\x80ng he\xcc\x80 2027", decomposed, &err));
	assert_string_equal(composed, decomposed);
	assert_false(key_passphrase_check("chỉ mười bốn k", composed, &err));
	error_clear(&err);
	assert_false(key_passphrase_check("not \xff text at all", composed, &err));
	error_clear(&err);
	memset(many, 'x', sizeof(many));
	many[KEY_PASSPHRASE_MAX] = '\0';
	assert_true(key_passphrase_check(many, composed, &err));
	many[KEY_PASSPHRASE_MAX] = 'x';
	many[KEY_PASSPHRASE_MAX + 1] = '\0';
	assert_false(key_passphrase_check(many, composed, &err));
	error_clear(&err);
	export_it();
	assert_false(import_it(copy, "mười lăm ký tự trở lêN", &err));
	assert_int_equal(err.code, ERR_FORBIDDEN);
	expect_nothing();
}

static void test_each_byte_counts(void **state)
{
	unsigned char bytes[FILE_MAX];
	struct error err = { 0 };

	(void)state;
	export_it();
	size_t len = read_copy(bytes);

	for (size_t i = 0; i < len; i++) {
		bytes[i] ^= (unsigned char)(1 << i % 8);
		write_changed(bytes, len);
		if (import_it(changed, good, &err))
			fail_msg("byte %zu may be changed", i);
		assert_int_equal(err.code, ERR_MALFORMED);
		bytes[i] ^= (unsigned char)(1 << i % 8);
	}
	for (size_t cut = 0; cut < len; cut += cut < len - 2 ? 7 : 1) {
		write_changed(bytes, cut);
		assert_false(import_it(changed, good, &err));
		assert_int_equal(err.code, ERR_MALFORMED);
	}
	memset(bytes + len, 0, 1);
	write_changed(bytes, len + 1);
	assert_false(import_it(changed, good, &err));
	expect_nothing();
	write_changed(bytes, len);
	assert_true(import_it(changed, good, &err));
}

/* The checksum is no secret: whoever changes the file on purpose makes a new one. */
static void test_no_byte_can_be_forged(void **state)
{
	unsigned char bytes[FILE_MAX];
	struct error err = { 0 };

	(void)state;
	export_it();
	size_t len = read_copy(bytes);

	for (size_t i = 0; i < len - CHECKSUM; i++) {
		bytes[i] ^= (unsigned char)(1 << i % 8);
		crypto_generichash(bytes + len - CHECKSUM, CHECKSUM, bytes, len - CHECKSUM, NULL, 0);
		write_changed(bytes, len);
		if (import_it(changed, good, &err))
			fail_msg("byte %zu may be changed", i);
		assert_int_not_equal(err.code, ERR_NONE);
		bytes[i] ^= (unsigned char)(1 << i % 8);
	}
	expect_nothing();
}

static void test_a_folder_with_another_key(void **state)
{
	struct error err = { 0 };
	char path[80];

	(void)state;
	export_it();
	assert_true(keyring_create(to, &err));
	snprintf(path, sizeof(path), "%s/hash-2.staged.key", to);
	assert_false(import_it(copy, good, &err));
	assert_int_equal(err.code, ERR_ALREADY_EXISTS);
	assert_int_equal(access(path, F_OK), -1);        /* nor the one that would have had room */
}

/* What a crash left of an earlier try was never used by anybody. */
static void test_a_draft_of_before(void **state)
{
	struct error err = { 0 };
	char draft[64];

	(void)state;
	export_it();
	snprintf(draft, sizeof(draft), "%s.new", to);
	assert_true(keyring_create(draft, &err));
	assert_true(import_it(copy, good, &err));
	expect_same();
}

static void test_files_that_are_none(void **state)
{
	struct error err = { 0 };

	(void)state;
	export_it();
	assert_false(import_it("/nowhere/at/all", good, &err));
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_false(import_it(from, good, &err));
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_int_equal(mkfifo(changed, 0600), 0);
	assert_false(import_it(changed, good, &err));
	expect_nothing();
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
		TEST(test_there_and_back), TEST(test_the_folder_around), TEST(test_passphrases), TEST(test_each_byte_counts),
		TEST(test_no_byte_can_be_forged), TEST(test_a_folder_with_another_key), TEST(test_a_draft_of_before),
		TEST(test_files_that_are_none),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
