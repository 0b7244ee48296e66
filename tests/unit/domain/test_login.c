#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "domain/login.h"
#include "domain/password.h"

#define S INT64_C(1000000)

static void test_waits(void **state)
{
	static const struct { enum login_bucket bucket; int failures; int64_t want; } cases[] = {
		{ LOGIN_NETWORK, 0, 0 }, { LOGIN_NETWORK, 4, 0 }, { LOGIN_NETWORK, 5, 1 * S }, { LOGIN_NETWORK, 6, 2 * S },
		{ LOGIN_NETWORK, 14, 512 * S }, { LOGIN_NETWORK, 15, 900 * S }, { LOGIN_NETWORK, 19, 900 * S },
		{ LOGIN_NETWORK, 20, 86400 * S }, { LOGIN_NETWORK, 1000, 86400 * S },
		{ LOGIN_KNOWN, 4, 0 }, { LOGIN_KNOWN, 5, 1 * S }, { LOGIN_KNOWN, 9, 16 * S }, { LOGIN_KNOWN, 10, LOGIN_NEVER_US },
		{ LOGIN_STRANGERS, 89, 0 }, { LOGIN_STRANGERS, 90, LOGIN_NEVER_US },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_true(login_wait_us(cases[i].bucket, cases[i].failures) == cases[i].want);
	for (int bucket = 0; bucket < LOGIN_BUCKET_COUNT; bucket++) {
		int last = login_waits((enum login_bucket)bucket);

		assert_true(last <= LOGIN_WAITS_MAX);
		assert_true(login_wait_us((enum login_bucket)bucket, last - 1) < login_wait_us((enum login_bucket)bucket, last));
		assert_true(login_wait_us((enum login_bucket)bucket, last) == login_wait_us((enum login_bucket)bucket, last + 1));
	}
	/* no account takes more than this in a row */
	assert_true(login_waits(LOGIN_STRANGERS) + login_waits(LOGIN_KNOWN) <= 100);
}

static void test_names(void **state)
{
	static const char *const good[] = { "an", "lan.anh", "quan-tri_2", "a2345678901234567890123456789012" };
	static const char *const bad[] = { "", "a", "2an", "-an", "Lan", "lan anh", "lan@x", "lân", "a23456789012345678901234567890123" };
	char out[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(login_name_valid(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(login_name_valid(bad[i]));
	login_name_fold(" \tLan.ANH ", out, sizeof(out));
	assert_string_equal(out, "lan.anh");
	login_name_fold("a b", out, sizeof(out));
	assert_string_equal(out, "a b");
	login_name_fold("", out, sizeof(out));
	assert_string_equal(out, "");
	login_name_fold("abcdefghijklmnopqrstuvwxyz", out, sizeof(out));
	assert_string_equal(out, "abcdefghijklmno");
}

static void test_session_limits(void **state)
{
	const struct session_limits limits = { .idle_us = 30 * 60 * S, .absolute_us = 12 * 3600 * S };

	(void)state;
	assert_false(session_is_over(&limits, 100, 100, 100));
	assert_false(session_is_over(&limits, 0, 1000, 1000 + 30 * 60 * S - 1));
	assert_true(session_is_over(&limits, 0, 1000, 1000 + 30 * 60 * S));
	assert_false(session_is_over(&limits, 1000, 12 * 3600 * S, 1000 + 12 * 3600 * S - 1));
	assert_true(session_is_over(&limits, 1000, 12 * 3600 * S, 1000 + 12 * 3600 * S));
	/* a clock that is a little behind another daemon's ends nothing */
	assert_false(session_is_over(&limits, 5 * S, 5 * S, 0));
}

/* The code of the fault, or "" */
static const char *fault_of(const char *typed, const char *login, const char *name, bool second_factor)
{
	const struct password_owner owner = { login, name, second_factor };
	char composed[PASSWORD_SIZE];
	struct error err;

	error_clear(&err);
	if (!password_compose(typed, composed))
		return "not composed";
	if (password_check(composed, &owner, "/password", &err)) {
		assert_int_equal(err.code, ERR_NONE);
		return "";
	}
	assert_int_equal(err.nfields, 1);
	assert_string_equal(err.fields[0].pointer, "/password");
	assert_null(strstr(err.fields[0].detail[0], typed));
	return err.fields[0].code;
}

static void test_password_rules(void **state)
{
	static const struct { const char *typed; bool second; const char *want; } cases[] = {
		{ "mot hai ba tam ", false, "" },                /* 15, blanks count */
		{ "mot hai ba tam", false, "too_short" },        /* 14 */
		{ "k7#mxp2q", true, "" },                        /* 8 beside a second factor */
		{ "k7#mxp2", true, "too_short" },
		{ "chín con trâu đen ăn cỏ", false, "" },
		{ "đđđđđđđđđđđđđđđ", false, "too_common" },      /* 15 letters, more bytes */
		{ "password1234567", false, "too_common" },
		{ "PASSWORD PASSWORD", false, "too_common" },
		{ "Mật Khẩu Lai Châu 123", false, "too_common" },
		{ "hienmaunhandao2025", false, "too_common" },   /* four are left */
		{ "hienmaunhandao20257", false, "" },            /* five */
		{ "qwertyuiopasdfgh", false, "too_common" },
		{ "987654321098765", false, "too_common" },
		{ "aaaaaaaaaaaaaaaaaaaa", false, "too_common" },
		{ "lan.anhlan.anhlan.anh", false, "too_common" },
		{ "tran thi lan anh 99", false, "too_common" },
		{ "abcd\nefgh ijkl mnop qrst", false, "control_character" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (!streq(fault_of(cases[i].typed, "lan.anh", "Trần Thị Lan Anh", cases[i].second), cases[i].want))
			fail_msg("\"%s\": %s", cases[i].typed, fault_of(cases[i].typed, "lan.anh", "Trần Thị Lan Anh",
									cases[i].second));
	assert_string_equal(fault_of("mot hai ba tam ", NULL, NULL, false), "");
}

static void test_long_and_composed(void **state)
{
	char typed[300], composed[PASSWORD_SIZE], other[PASSWORD_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(typed); i++)
		typed[i] = (char)('a' + i * 7 % 26);
	typed[256] = '\0';
	assert_string_equal(fault_of(typed, NULL, NULL, false), "");
	typed[256] = 'x';
	typed[257] = '\0';
	assert_false(password_compose(typed, composed));
	assert_string_equal(composed, "");
	assert_false(password_compose("\xff\xfe", composed));
	assert_true(password_compose("tr\u00e2u \u0111en", composed));
	assert_true(password_compose("tra\u0302u \u0111en", other));
	assert_string_equal(composed, other);
	assert_true(password_stands_alone("0123456789abcde"));
	assert_false(password_stands_alone("0123456789abcd"));
	assert_false(password_stands_alone("đđđđđđđđđđ"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_session_limits),
		cmocka_unit_test(test_password_rules),
		cmocka_unit_test(test_long_and_composed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
