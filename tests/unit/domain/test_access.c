#include "domain/access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* The design's table, in its own notation: one column a role, read then write: - no, o own, s in scope, y
 * yes. */
static const char *const table[AREA_COUNT][ROLE_COUNT] = {
	/*                 public gateway team hospital comms staff auditor admin */
	[AREA_OPEN] = { "y-", "y-", "y-", "y-", "y-", "y-", "y-", "y-" },
	[AREA_METRICS] = { "--", "--", "--", "--", "--", "--", "y-", "y-" },
	[AREA_ROUNDS] = { "y-", "y-", "y-", "y-", "y-", "y-", "y-", "y-" },
	[AREA_ELIGIBILITY] = { "y-", "y-", "y-", "y-", "y-", "y-", "y-", "y-" },
	[AREA_PLANS] = { "--", "--", "o-", "--", "y-", "ss", "y-", "yy" },
	[AREA_REPORTS] = { "--", "--", "oo", "--", "--", "ys", "y-", "yy" },
	[AREA_SMS] = { "--", "-y", "--", "--", "--", "y-", "y-", "yy" },
	[AREA_TOKENS] = { "--", "--", "--", "--", "--", "--", "y-", "yy" },
	[AREA_LOGIN] = { "-y", "-y", "-y", "-y", "-y", "-y", "-y", "-y" },
	[AREA_SELF] = { "--", "yy", "yy", "yy", "yy", "yy", "yy", "yy" },
	[AREA_AUDIT] = { "--", "--", "--", "--", "--", "--", "y-", "y-" },
	[AREA_DONOR_DESK] = { "--", "--", "-y", "--", "--", "-y", "--", "-y" },
	[AREA_DONORS] = { "--", "--", "--", "--", "--", "ss", "--", "yy" },
	[AREA_DONOR_VERDICT] = { "--", "--", "y-", "--", "--", "s-", "--", "y-" },
	[AREA_CERTIFICATES] = { "--", "--", "oo", "--", "--", "ss", "y-", "yy" },
	[AREA_CERTIFICATE_DESK] = { "--", "--", "--", "--", "--", "ss", "--", "yy" },
	[AREA_REDEMPTIONS] = { "--", "--", "--", "yy", "--", "y-", "y-", "yy" },
	[AREA_CERTIFICATE_CHECK] = { "y-", "y-", "y-", "y-", "y-", "y-", "y-", "y-" },
	[AREA_ISSUING_BODIES] = { "--", "--", "y-", "--", "--", "y-", "y-", "yy" },
	[AREA_APPOINTMENTS] = { "--", "--", "oo", "--", "--", "ss", "y-", "yy" },
	[AREA_ERASURE_APPROVAL] = { "--", "--", "--", "--", "--", "--", "--", "-y" },
	[AREA_DEFERRAL_APPROVAL] = { "--", "--", "--", "--", "--", "--", "--", "-y" },
	[AREA_GIFTS] = { "--", "--", "oo", "--", "--", "ss", "y-", "yy" },
	[AREA_GIFT_REVIEW] = { "--", "--", "--", "--", "--", "s-", "y-", "y-" },
	[AREA_HONOURS] = { "--", "--", "--", "--", "--", "ss", "y-", "yy" },
	[AREA_HONOUR_APPROVAL] = { "--", "--", "--", "--", "--", "--", "--", "-y" },
	[AREA_SYNC] = { "--", "--", "oo", "--", "--", "--", "y-", "yy" },
	[AREA_TALLY] = { "--", "--", "o-", "--", "--", "s-", "y-", "y-" },
	[AREA_HELD] = { "--", "--", "--", "--", "--", "ss", "y-", "yy" },
	[AREA_DEVICES] = { "--", "--", "--", "--", "--", "yy", "y-", "yy" },
	[AREA_DONOR_LIST] = { "--", "--", "--", "--", "--", "s-", "y-", "y-" },
};

static void who_may_what(void **state)
{
	static const char letters[] = {
		[ACCESS_NO] = '-', [ACCESS_OWN] = 'o', [ACCESS_IN_SCOPE] = 's', [ACCESS_YES] = 'y'
	};

	(void)state;
	for (int area = 0; area < AREA_COUNT; area++) {
		for (int role = 0; role < ROLE_COUNT; role++) {
			assert_int_equal(
				letters[access_decide((enum role)role, (enum access_area)area, ACCESS_READ)],
				table[area][role][0]);
			assert_int_equal(
				letters[access_decide((enum role)role, (enum access_area)area, ACCESS_WRITE)],
				table[area][role][1]);
		}
	}
}

static void what_is_not_in_the_table_is_forbidden(void **state)
{
	(void)state;
	assert_int_equal(access_decide(ROLE_COUNT, AREA_OPEN, ACCESS_READ), ACCESS_NO);
	assert_int_equal(access_decide(ROLE_ADMIN, AREA_COUNT, ACCESS_READ), ACCESS_NO);
	assert_int_equal(access_decide((enum role) - 1, AREA_OPEN, ACCESS_READ), ACCESS_NO);
	assert_int_equal(access_decide(ROLE_ADMIN, AREA_PLANS, (enum access_mode)7), ACCESS_NO);
}

static void roles_by_name(void **state)
{
	enum role role;

	(void)state;
	for (int i = ROLE_PUBLIC + 1; i < ROLE_COUNT; i++)
		assert_true(role_parse(role_text((enum role)i), &role) && (int)role == i);
	assert_false(role_parse("public", &role));
	assert_false(role_parse("Admin", &role));
	assert_false(role_parse("", &role));
	assert_false(role_parse(NULL, &role));
	assert_string_equal(role_text(ROLE_PUBLIC), "public");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_may_what),
		cmocka_unit_test(what_is_not_in_the_table_is_forbidden),
		cmocka_unit_test(roles_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
