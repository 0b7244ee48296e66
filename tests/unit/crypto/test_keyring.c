#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
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
	assert_int_equal(rename(in_dir("hash-2.staged.key"), in_dir("hash-2.active.key")), 0);
	expect_refused("two active hash keys");
	assert_int_equal(rename(in_dir("hash-1.active.key"), in_dir("hash-1.dual.key")), 0);
	expect_open();
	write_file(in_dir("hash-2.retired.key"), key, 0600);
	expect_refused("in two states");
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
	chmod(in_dir("hash-1.active.key"), 0444);
	expect_refused("open to others");
	chmod(dir, 0700);
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
		TEST(test_credentials),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
