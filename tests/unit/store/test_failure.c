#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "db/db.h"
#include "store/failure.h"

static enum error_code code_of(enum db_outcome outcome, const char *sqlstate, const char *constraint)
{
	struct db_result result = { .outcome = outcome, .constraint = constraint, .message = "secret value" };
	struct error err;

	snprintf(result.sqlstate, sizeof(result.sqlstate), "%s", sqlstate);
	bool ok = result_ok(&result, &err);

	assert_int_equal(ok, err.code == ERR_NONE);
	for (int i = 0; i < LANGUAGE_COUNT; i++)
		assert_null(strstr(err.detail[i], "secret"));
	return err.code;
}

static void test_outcomes(void **state)
{
	(void)state;
	assert_int_equal(code_of(DB_OK, "", NULL), ERR_NONE);
	assert_int_equal(code_of(DB_BUSY, "", NULL), ERR_UNAVAILABLE);
	assert_int_equal(code_of(DB_UNAVAILABLE, "", NULL), ERR_UNAVAILABLE);
	assert_int_equal(code_of(DB_UNKNOWN, "", NULL), ERR_UNKNOWN_OUTCOME);
	assert_int_equal(code_of(DB_REFUSED, "57014", NULL), ERR_UNAVAILABLE);
	assert_int_equal(code_of(DB_REFUSED, "53100", NULL), ERR_UNAVAILABLE);
	assert_int_equal(code_of(DB_REFUSED, "40P01", NULL), ERR_UNAVAILABLE);
	assert_int_equal(code_of(DB_REFUSED, "42601", NULL), ERR_INTERNAL);
	assert_int_equal(code_of(DB_REFUSED, "23514", "round_time_ck"), ERR_INTERNAL);
}

/* Each unique and foreign key that a client can run into has its own answer. */
static void test_constraints(void **state)
{
	static const struct { const char *name; enum error_code code; const char *pointer; } cases[] = {
		{ "round_team_day_uk", ERR_TEAM_BUSY, NULL },
		{ "round_venue_day_uk", ERR_VENUE_BUSY, NULL },
		{ "round_code_uk", ERR_ALREADY_EXISTS, "/code" },
		{ "round_ordinal_uk", ERR_ALREADY_EXISTS, "/ordinal" },
		{ "plan_number_uk", ERR_ALREADY_EXISTS, "/number" },
		{ "plan_slug_uk", ERR_ALREADY_EXISTS, "/number" },
		{ "plan_prefix_uk", ERR_ALREADY_EXISTS, "/code_prefix" },
		{ "campaign_slug_uk", ERR_ALREADY_EXISTS, "/slug" },
		{ "venue_name_uk", ERR_ALREADY_EXISTS, "/name" },
		{ "team_code_uk", ERR_ALREADY_EXISTS, "/code" },
		{ "access_token_name_uk", ERR_ALREADY_EXISTS, "/name" },
		{ "round_unit_uk", ERR_INVALID_FIELD, "/units" },
		{ "round_campaign_uk", ERR_INVALID_FIELD, "/campaigns" },
		{ "round_plan_fk", ERR_INVALID_FIELD, "/plan" },
		{ "round_venue_fk", ERR_INVALID_FIELD, "/venue" },
		{ "round_team_fk", ERR_INVALID_FIELD, "/team" },
		{ "round_unit_unit_fk", ERR_INVALID_FIELD, "/units" },
		{ "round_campaign_campaign_fk", ERR_INVALID_FIELD, "/campaigns" },
		{ "plan_campaign_campaign_fk", ERR_INVALID_FIELD, "/campaigns" },
		{ "venue_unit_fk", ERR_INVALID_FIELD, "/unit" },
		{ "access_token_team_fk", ERR_INVALID_FIELD, "/team" },
		{ "round_report_corrects_fk", ERR_INVALID_FIELD, "/corrects" },
		{ "round_report_corrects_uk", ERR_INVALID_FIELD, "/corrects" },
		{ "round_booked_ck", ERR_INVALID_FIELD, "/capacity" },
		{ "round_report_round_fk", ERR_NOT_FOUND, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct db_result result = { .outcome = DB_REFUSED, .sqlstate = "23505",
					    .constraint = cases[i].name };
		struct error err;

		assert_false(result_ok(&result, &err));
		assert_int_equal(err.code, cases[i].code);
		assert_int_equal(err.nfields, cases[i].pointer != NULL);
		if (cases[i].pointer) {
			assert_string_equal(err.fields[0].pointer, cases[i].pointer);
			assert_string_not_equal(err.fields[0].detail[LANGUAGE_EN], err.fields[0].detail[LANGUAGE_VI]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_outcomes), cmocka_unit_test(test_constraints) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
