#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "crypto/keyring.h"
#include "crypto/token.h"

static void test_token(void **state)
{
	char a[TOKEN_TEXT_SIZE], b[TOKEN_TEXT_SIZE];

	(void)state;
	token_make(a);
	token_make(b);
	assert_int_equal(strlen(a), TOKEN_TEXT_SIZE - 1);
	assert_string_not_equal(a, b);
	assert_true(token_well_formed(a));
	assert_false(token_well_formed(""));
	assert_false(token_well_formed("gh_"));
	assert_false(token_well_formed("gh_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
	assert_true(token_well_formed("gh_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
	assert_false(token_well_formed("gh_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB"));      /* not canonical */
	assert_true(token_well_formed("gh_az09AZ-_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA8"));
	assert_false(token_well_formed("gh_az09AZ-_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA9"));
	assert_false(token_well_formed("gh_az09AZ-_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA_"));
	assert_false(token_well_formed("gh_AAAAAAAA@AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
	assert_false(token_well_formed("gh_AAAAAAAA[AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
	assert_false(token_well_formed("gh_AAAAAAAA\xc1""AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
	assert_false(token_well_formed("gh_AAAAAAAAAAAAAAAAAAAA+AAAAAAAAAAAAAAAAAAAAAA"));
	assert_false(token_well_formed("hg_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
	assert_false(token_well_formed("gh_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
}

static void test_hash(void **state)
{
	unsigned char hash[TOKEN_HASH_BYTES];
	char hex[TOKEN_HASH_HEX_SIZE];

	(void)state;
	token_hash("abc", hash);         /* b2sum -l 256 */
	token_hash_hex(hash, hex);
	assert_string_equal(hex, "\\xbddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

static bool decodes(const char *base64, const char *want_user, const char *want_password)
{
	char out[32], *user, *password;

	return basic_decode(base64, out, sizeof(out), &user, &password) && streq(user, want_user) &&
	       streq(password, want_password);
}

static void test_basic(void **state)
{
	char out[8], *user, *password;

	(void)state;
	assert_true(decodes("Z3c6c2VjcmV0", "gw", "secret"));
	assert_true(decodes("Z3c6YTpi", "gw", "a:b"));
	assert_true(decodes("Og==", "", ""));
	assert_true(decodes("OmE=", "", "a"));
	assert_false(decodes("", "", ""));
	assert_false(decodes("Z3c=", "gw", ""));         /* no colon */
	assert_false(decodes("Z3c6c2VjcmV0!", "gw", "secret"));
	assert_false(decodes("Z3c6AGE=", "gw", ""));     /* a NUL */
	assert_false(decodes("Og", "", ""));
	assert_false(basic_decode("Z3c6c2VjcmV0", out, sizeof(out), &user, &password));  /* too long */
}

static int set_up(void **state)
{
	struct error err = { 0 };

	(void)state;
	return crypto_start(&err) ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_token), cmocka_unit_test(test_hash), cmocka_unit_test(test_basic),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
