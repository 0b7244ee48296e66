#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "crypto/keyring.h"
#include "crypto/sha1.h"
#include "crypto/totp.h"

static void expect_hex(const unsigned char *bytes, const char *hex)
{
	char text[2 * SHA1_BYTES + 1];

	sodium_bin2hex(text, sizeof(text), bytes, SHA1_BYTES);
	assert_string_equal(text, hex);
}

/* RFC 3174, 7.3; and every length around a block against the same text in one more form: a million of 'a'. */
static void test_sha1(void **state)
{
	static char million[1000000];
	unsigned char out[SHA1_BYTES];

	(void)state;
	sha1("", 0, out);
	expect_hex(out, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
	sha1("abc", 3, out);
	expect_hex(out, "a9993e364706816aba3e25717850c26c9cd0d89d");
	sha1("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, out);
	expect_hex(out, "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
	memset(million, 'a', sizeof(million));
	sha1(million, sizeof(million), out);
	expect_hex(out, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
	sha1(million, 55, out);
	expect_hex(out, "c1c8bbdc22796e28c0e15163d20899b65621d65a");
	sha1(million, 64, out);
	expect_hex(out, "0098ba824b5c16427bd7a1122a5a442a25ec644d");
}

/* RFC 2202, 3: cases 1, 2, 3 and 6. */
static void test_hmac(void **state)
{
	unsigned char key[80], text[50], out[SHA1_BYTES];

	(void)state;
	memset(key, 0x0b, 20);
	hmac_sha1(key, 20, "Hi There", 8, out);
	expect_hex(out, "b617318655057264e28bc0b6fb378c8ef146be00");
	hmac_sha1("Jefe", 4, "what do ya want for nothing?", 28, out);
	expect_hex(out, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
	memset(key, 0xaa, sizeof(key));
	memset(text, 0xdd, sizeof(text));
	hmac_sha1(key, 20, text, sizeof(text), out);
	expect_hex(out, "125d7342b9ac11cd91a39af48aa17b4f63f175d3");
	hmac_sha1(key, 80, "Test Using Larger Than Block-Size Key - Hash Key First", 54, out);
	expect_hex(out, "aa4ae5e15272d00e95705637ce8a3b55ed402112");
}

static const unsigned char rfc_secret[TOTP_SECRET_BYTES + 1] = "12345678901234567890";

/* RFC 4226, appendix D; RFC 6238, appendix B (its eight digits end in our six). */
static void test_rfc_codes(void **state)
{
	static const uint32_t hotp[] = { 755224, 287082, 359152, 969429, 338314, 254676, 287922, 162583, 399871, 520489 };
	static const struct { int64_t seconds; const char *code; } totp[] = {
		{ 59, "287082" }, { 1111111109, "081804" }, { 1111111111, "050471" }, { 1234567890, "005924" },
		{ 2000000000, "279037" }, { 20000000000, "353130" },
	};
	int64_t step;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hotp); i++)
		assert_int_equal(totp_code(rfc_secret, TOTP_SECRET_BYTES, i), hotp[i]);
	for (size_t i = 0; i < ARRAY_SIZE(totp); i++) {
		assert_true(totp_matches(rfc_secret, totp[i].code, totp[i].seconds * 1000000, &step));
		assert_int_equal(step, totp[i].seconds / 30);
	}
}

static bool accepted(int64_t seconds, int64_t *step)
{
	return totp_matches(rfc_secret, "081804", seconds * 1000000, step);      /* of step 37037036 */
}

static void test_one_step_to_each_side(void **state)
{
	const int64_t first = INT64_C(37037036) * 30;
	int64_t step = 0;

	(void)state;
	assert_false(accepted(first - 31, &step));
	assert_true(accepted(first - 30, &step));
	assert_true(accepted(first, &step));
	assert_true(accepted(first + 59, &step));
	assert_int_equal(step, 37037036);
	assert_false(accepted(first + 60, &step));
	assert_true(totp_matches(rfc_secret, " 081 804", first * 1000000, &step));
	assert_false(totp_matches(rfc_secret, "081 80", first * 1000000, &step));
	assert_false(totp_matches(rfc_secret, "81804", first * 1000000, &step));
	assert_false(totp_matches(rfc_secret, "0818040", first * 1000000, &step));
	assert_false(totp_matches(rfc_secret, "08180x", first * 1000000, &step));
	assert_false(totp_matches(rfc_secret, "", first * 1000000, &step));
}

static void test_secret_text(void **state)
{
	unsigned char a[TOTP_SECRET_BYTES], b[TOTP_SECRET_BYTES];
	char text[TOTP_TEXT_SIZE];

	(void)state;
	totp_secret_text(rfc_secret, text);
	assert_string_equal(text, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
	totp_secret_make(a);
	totp_secret_make(b);
	assert_memory_not_equal(a, b, sizeof(a));
}

static void test_recovery(void **state)
{
	char code[RECOVERY_TEXT_SIZE], typed[40], hash[RECOVERY_HASH_HEX_SIZE], again[RECOVERY_HASH_HEX_SIZE];

	(void)state;
	recovery_make(code);
	assert_int_equal(strlen(code), RECOVERY_TEXT_SIZE - 1);
	assert_true(recovery_hash("u1", code, hash));
	snprintf(typed, sizeof(typed), " %.4s %.4s%.4s-%.4s ", code, code + 5, code + 10, code + 15);
	for (char *p = typed; *p; p++)
		*p = (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p);
	assert_true(recovery_hash("u1", typed, again));
	assert_string_equal(hash, again);
	assert_true(recovery_hash("u2", code, again));
	assert_string_not_equal(hash, again);
	assert_false(recovery_hash("u1", "123456", again));
	assert_false(recovery_hash("u1", "", again));
	assert_false(recovery_hash("u1", "aaaa-bbbb-cccc-ddddd", again));
	assert_false(recovery_hash("u1", "aaaa-bbbb-cccc-dd0d", again));
}

static int up(void **state)
{
	struct error err = { 0 };

	(void)state;
	return crypto_start(&err) ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha1),
		cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_rfc_codes),
		cmocka_unit_test(test_one_step_to_each_side),
		cmocka_unit_test(test_secret_text),
		cmocka_unit_test(test_recovery),
	};

	return cmocka_run_group_tests(tests, up, NULL);
}
