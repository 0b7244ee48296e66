#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "crypto/device_mark.h"
#include "crypto/keyring.h"
#include "crypto/password.h"
#include "crypto/token.h"
#include "crypto/wrap.h"

static char dir[40];
static struct keyring *keyring;

static void test_password(void **state)
{
	char hash[PASSWORD_HASH_SIZE], again[PASSWORD_HASH_SIZE];

	(void)state;
	assert_true(password_hash("chín con trâu đen", hash));
	assert_true(text_starts_with(hash, "$argon2id$v=19$m=65536,t=2,p=1$"));
	assert_true(password_hash("chín con trâu đen", again));
	assert_string_not_equal(hash, again);            /* salted */
	assert_int_equal(password_verify(hash, "chín con trâu đen"), PASSWORD_RIGHT);
	assert_int_equal(password_verify(hash, "chín con trâu đe"), PASSWORD_WRONG);
	assert_int_equal(password_verify(hash, ""), PASSWORD_WRONG);
	assert_int_equal(password_verify(NULL, "chín con trâu đen"), PASSWORD_WRONG);
	assert_int_equal(password_verify("", ""), PASSWORD_WRONG);
}

static void test_wrap(void **state)
{
	char hex[WRAP_HEX_SIZE], again[WRAP_HEX_SIZE];
	unsigned char out[WRAP_MAX];
	size_t len;

	(void)state;
	wrap_seal(keyring, 1, "staff_user\x1fu1\x1ftotp", "secret", 6, hex);
	wrap_seal(keyring, 1, "staff_user\x1fu1\x1ftotp", "secret", 6, again);
	assert_string_not_equal(hex, again);
	assert_true(wrap_open(keyring, 1, "staff_user\x1fu1\x1ftotp", hex, out, &len));
	assert_int_equal(len, 6);
	assert_memory_equal(out, "secret", 6);
	assert_true(wrap_open(keyring, 1, "staff_user\x1fu1\x1ftotp", hex + 2, out, &len));
	assert_false(wrap_open(keyring, 1, "staff_user\x1fu2\x1ftotp", hex, out, &len));  /* another's */
	assert_false(wrap_open(keyring, 2, "staff_user\x1fu1\x1ftotp", hex, out, &len));  /* no such key */
	hex[10] = hex[10] == '0' ? '1' : '0';
	assert_false(wrap_open(keyring, 1, "staff_user\x1fu1\x1ftotp", hex, out, &len));
	assert_false(wrap_open(keyring, 1, "staff_user\x1fu1\x1ftotp", "\\x00", out, &len));
	assert_false(wrap_open(keyring, 1, "staff_user\x1fu1\x1ftotp", "zz", out, &len));
}

static void test_sessions(void **state)
{
	char a[TOKEN_TEXT_SIZE], b[TOKEN_TEXT_SIZE], csrf[CSRF_TEXT_SIZE];

	(void)state;
	session_token_make(a);
	session_token_make(b);
	assert_true(session_token_well_formed(a));
	assert_false(token_well_formed(a));
	token_make(b);
	assert_false(session_token_well_formed(b));
	session_token_make(b);
	session_csrf(a, csrf);
	assert_true(session_csrf_matches(a, csrf));
	assert_false(session_csrf_matches(b, csrf));
	assert_false(session_csrf_matches(a, NULL));
	assert_false(session_csrf_matches(a, ""));
	assert_false(session_csrf_matches(a, a));
	assert_null(strstr(a, csrf));
}

static void test_device_marks(void **state)
{
	char mark[DEVICE_MARK_SIZE], other[DEVICE_MARK_SIZE];

	(void)state;
	device_mark_make(keyring, "lan.anh", mark);
	device_mark_make(keyring, "lan.anh", other);
	assert_string_not_equal(mark, other);
	assert_true(device_mark_valid(keyring, "lan.anh", mark));
	assert_true(device_mark_valid(keyring, "lan.anh", other));
	assert_false(device_mark_valid(keyring, "lan.an", mark));
	assert_false(device_mark_valid(keyring, "", mark));
	assert_false(device_mark_valid(keyring, "lan.anh", NULL));
	assert_false(device_mark_valid(keyring, "lan.anh", ""));
	assert_false(device_mark_valid(keyring, "lan.anh", "gd_1_"));
	mark[3] = '2';                                   /* no such key */
	assert_false(device_mark_valid(keyring, "lan.anh", mark));
	other[10] = other[10] == 'a' ? 'b' : 'a';
	assert_false(device_mark_valid(keyring, "lan.anh", other));
}

static int up(void **state)
{
	struct error err = { 0 };

	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/giothong-keys-XXXXXX");
	if (!crypto_start(&err) || !mkdtemp(dir) || !keyring_create(dir, &err))
		return -1;
	keyring = keyring_open(dir, &err);
	return keyring ? 0 : -1;
}

static int down(void **state)
{
	char command[64];

	(void)state;
	keyring_free(keyring);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_password),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_sessions),
		cmocka_unit_test(test_device_marks),
	};

	return cmocka_run_group_tests(tests, up, down);
}
