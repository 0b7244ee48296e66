#include "wire/deferral_wire.h"

#include "base/buf.h"
#include "base/json_out.h"
#include "domain/deferral.h"
#include "wire/eligibility_cases.h"

/*
 * Deferrals as they are read, reckoned by the circular, and counted. Here and not under domain/, because the
 * rules come from their file.
 */
static const struct date today = { 2025, 3, 10 };
static const struct donor born_1990 = { .birth_date = { 1990, 5, 17 }, .birth_year = 1990 };

static struct deferral deferral_of(const char *body)
{
	struct deferral deferral;

	error_clear(&err);
	if (!deferral_read(body, strlen(body), &rules, &born_1990, today, &arena, &deferral, &err))
		fail_msg("%s: %s", body, err.nfields ? err.fields[0].pointer : err.detail[0]);
	return deferral;
}

static void ends(void **state)
{
	static const struct {
		const char        *body;
		enum deferral_ends ends;
		struct date        on;
	} rows[] = {
		{ "{\"code\":\"malaria\",\"from\":\"2025-02-07\"}", DEFERRAL_DATED, { 2026, 2, 7 } },   /* 5(1)(b): 12 months */
		{ "{\"code\":\"malaria\",\"from\":\"2024-02-29\"}", DEFERRAL_DATED, { 2025, 2, 28 } },
		{ "{\"code\":\"malaria\",\"from\":\"2025-03-10\",\"until\":\"2025-03-11\"}", DEFERRAL_DATED, { 2025, 3, 11 } },
		{ "{\"code\":\"malaria\",\"until\":\"2025-04-01\"}", DEFERRAL_DATED, { 2025, 4, 1 } },
		{ "{\"code\":\"malaria\"}", DEFERRAL_OPEN, { 0 } },
		{ "{\"code\":\"malaria\",\"from\":null,\"until\":null,\"permanent\":null,\"note\":null}", DEFERRAL_OPEN, { 0 } },
		{ "{\"code\":\"malaria\",\"from\":\"2025-02-07\",\"permanent\":true}", DEFERRAL_PERMANENT, { 0 } },
		{ "{\"code\":\"organ_history\"}", DEFERRAL_PERMANENT, { 0 } },                           /* 4(2)(c) */
		{ "{\"code\":\"malaria\",\"from\":\"1990-05-17\"}", DEFERRAL_DATED, { 1991, 5, 17 } },
		{ "{\"code\":\"pregnant_now\",\"from\":\"2025-03-01\"}", DEFERRAL_OPEN, { 0 } },
		{ "{\"code\":\"fever\",\"from\":\"2025-03-10\"}", DEFERRAL_DATED, { 2025, 3, 11 } },
		{ "{\"code\":\"fever\"}", DEFERRAL_OPEN, { 0 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct deferral deferral = deferral_of(rows[i].body);

		if (deferral.ends != rows[i].ends || date_compare(deferral.ends_on, rows[i].on) != 0)
			fail_msg("%s: %s", rows[i].body, deferral_ends_text(deferral.ends));
	}
}

static void refused(void **state)
{
	static const struct { const char *body, *pointer, *code; } rows[] = {
		{ "{}", "/code", "required" },
		{ "{\"code\":\"none_such\"}", "/code", "unknown_code" },
		{ "{\"code\":\"malaria\",\"from\":\"2025-03-11\"}", "/from", "in_future" },
		{ "{\"code\":\"malaria\",\"from\":\"1849-12-31\"}", "/from", "out_of_range" },
		{ "{\"code\":\"malaria\",\"from\":\"1990-05-16\"}", "/from", "before_birth" },
		{ "{\"code\":\"malaria\",\"until\":\"1925-04-01\"}", "/until", "before_birth" },
		{ "{\"code\":\"organ_history\",\"until\":\"2025-04-01\"}", "/until", "permanent" },
		{ "{\"code\":\"malaria\",\"until\":\"2200-01-01\"}", "/until", "out_of_range" },
		{ "{\"code\":\"malaria\",\"from\":\"2025-03-10\",\"until\":\"2025-03-10\"}", "/until", "before_from" },
		{ "{\"code\":\"malaria\",\"until\":\"2025-04-10\",\"permanent\":true}", "/until", "permanent" },
		{ "{\"code\":\"malaria\",\"reason\":\"x\"}", "/reason", "unknown_field" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct deferral deferral;

		error_clear(&err);
		assert_false(deferral_read(rows[i].body, strlen(rows[i].body), &rules, &born_1990, today, &arena, &deferral, &err));
		if (err.nfields != 1 || !streq(err.fields[0].pointer, rows[i].pointer) ||
		    !streq(err.fields[0].code, rows[i].code))
			fail_msg("%s: %s %s", rows[i].body, err.fields[0].pointer, err.fields[0].code);
	}
}

/* By the year alone, and where nothing is known of the birth. */
static void before_birth(void **state)
{
	static const char body[] = "{\"code\":\"malaria\",\"from\":\"1989-12-31\"}";
	const struct donor by_year = { .birth_year = 1990 }, unknown = { .birth_year = 0 };
	struct deferral deferral;

	(void)state;
	error_clear(&err);
	assert_false(deferral_read(body, strlen(body), &rules, &by_year, today, &arena, &deferral, &err));
	assert_fault("/from", "before_birth");
	error_clear(&err);
	assert_true(deferral_read(body, strlen(body), &rules, &unknown, today, &arena, &deferral, &err));
}

static int64_t at(int year, int month, int day)
{
	return date_instant(date_make(year, month, day), 600);
}

static void states(void **state)
{
	struct deferral deferral = deferral_of("{\"code\":\"malaria\",\"from\":\"2025-02-07\"}");

	(void)state;
	assert_int_equal(deferral_state_on(&deferral, &rules, date_make(2026, 2, 6)), DEFERRAL_IN_FORCE);
	assert_int_equal(deferral_state_on(&deferral, &rules, date_make(2026, 2, 7)), DEFERRAL_OVER);
	deferral.lifted_us = at(2025, 3, 9);
	assert_int_equal(deferral_state_on(&deferral, &rules, date_make(2025, 3, 8)), DEFERRAL_IN_FORCE);
	assert_int_equal(deferral_state_on(&deferral, &rules, date_make(2025, 3, 9)), DEFERRAL_LIFTED);
	/* Its code cannot be told any more: what was reckoned when it was recorded holds. */
	deferral = deferral_of("{\"code\":\"malaria\",\"from\":\"2025-02-07\"}");
	deferral.code = NULL;
	deferral.from = (struct date){ 0 };
	assert_int_equal(deferral_state_on(&deferral, &rules, date_make(2026, 2, 6)), DEFERRAL_IN_FORCE);
	assert_int_equal(deferral_state_on(&deferral, &rules, date_make(2026, 2, 7)), DEFERRAL_OVER);
	deferral.ends = DEFERRAL_OPEN;
	assert_int_equal(deferral_state_on(&deferral, &rules, date_make(2099, 1, 1)), DEFERRAL_IN_FORCE);
}

static void known_on_a_day(void **state)
{
	struct donor donor = { .birth_date = { 1990, 5, 17 }, .birth_year = 1990, .sex = DONOR_FEMALE };
	struct deferral deferral = deferral_of("{\"code\":\"malaria\",\"from\":\"2025-02-07\"}");
	struct donor_facts facts = { .donor = &donor, .deferrals = &deferral, .ndeferrals = 1 };
	struct eligibility_facts known;

	(void)state;
	deferral.recorded_us = at(2025, 3, 5);
	deferral.lifted_us = at(2025, 3, 8);
	donor_facts_as_of(&facts, &rules, date_make(2025, 3, 4), today, COMPONENT_WHOLE_BLOOD, &arena, &known);
	assert_int_equal(known.ndeferrals, 0);
	donor_facts_as_of(&facts, &rules, date_make(2025, 3, 5), today, COMPONENT_WHOLE_BLOOD, &arena, &known);
	assert_int_equal(known.ndeferrals, 1);
	donor_facts_as_of(&facts, &rules, date_make(2025, 3, 8), today, COMPONENT_WHOLE_BLOOD, &arena, &known);
	assert_int_equal(known.ndeferrals, 0);
	/* Of a day to come all that is known today counts, whatever the clock of who recorded it. */
	deferral.lifted_us = INT64_MIN;
	deferral.recorded_us = at(2026, 1, 1);
	donor_facts_as_of(&facts, &rules, today, today, COMPONENT_WHOLE_BLOOD, &arena, &known);
	assert_int_equal(known.ndeferrals, 1);
	assert_true(known.deferrals_known && known.donations_known && !known.conditions_known);
}

static void days(void **state)
{
	struct donor donor = { .birth_date = { 1990, 5, 17 }, .birth_year = 1990, .sex = DONOR_MALE };
	struct deferral permanent = deferral_of("{\"code\":\"malaria\",\"permanent\":true}");
	struct eligibility_donation given[] = { { { 2025, 2, 1 }, COMPONENT_WHOLE_BLOOD, 250 },
						{ { 2024, 2, 1 }, COMPONENT_WHOLE_BLOOD, 250 } };
	struct donor_facts facts = { .donor = &donor, .donations = given, .ndonations = 2 };
	struct donor_days days;

	(void)state;
	donor_days_of(&facts, &rules, today, &arena, &days);
	assert_int_equal(date_compare(days.next[COMPONENT_WHOLE_BLOOD].on, date_make(2025, 4, 26)), 0);    /* D+84 */
	assert_int_equal(date_compare(days.last_donated_on, date_make(2025, 2, 1)), 0);
	/* The eve of the 61st birthday is the last day. */
	assert_int_equal(date_compare(days.change_on, date_make(2051, 5, 17)), 0);
	donor_days_of(&facts, &rules, date_make(2051, 5, 16), &arena, &days);
	assert_false(days.next[COMPONENT_WHOLE_BLOOD].endless);
	donor_days_of(&facts, &rules, date_make(2051, 5, 17), &arena, &days);
	assert_true(days.next[COMPONENT_WHOLE_BLOOD].endless);
	assert_true(date_is_none(days.change_on));
	facts.deferrals = &permanent;
	facts.ndeferrals = 1;
	donor_days_of(&facts, &rules, today, &arena, &days);
	for (int c = 0; c < COMPONENT_COUNT; c++)
		assert_true(days.next[c].endless);
	permanent.lifted_us = at(2025, 3, 10);
	donor_days_of(&facts, &rules, today, &arena, &days);
	assert_false(days.next[COMPONENT_WHOLE_BLOOD].endless);
	/* What is still there is in the way of what its rule is about, and of nothing else. */
	permanent = deferral_of("{\"code\":\"pregnant_now\"}");
	donor_days_of(&facts, &rules, today, &arena, &days);
	assert_true(days.next[COMPONENT_WHOLE_BLOOD].endless && days.next[COMPONENT_PLASMA].endless);
	for (size_t i = 0; i < rules.nconditions; i++)
		if (streq(rules.conditions[i].code, "pregnant_now"))
			rules.conditions[i].rule.components = 1u << COMPONENT_PLASMA;
	donor_days_of(&facts, &rules, today, &arena, &days);
	assert_true(!days.next[COMPONENT_WHOLE_BLOOD].endless && days.next[COMPONENT_PLASMA].endless);
	facts.ndeferrals = 0;
	/* Counted again on the day on which a rule begins, and on the first without it. */
	rules.limits[0].rule.valid_from = date_add_days(today, 1);
	rules.limits[0].rule.valid_to = date_add_days(today, 1);
	donor_days_of(&facts, &rules, today, &arena, &days);
	assert_int_equal(date_compare(days.change_on, date_add_days(today, 1)), 0);
	donor_days_of(&facts, &rules, date_add_days(today, 1), &arena, &days);
	assert_int_equal(date_compare(days.change_on, date_add_days(today, 2)), 0);
}

static bool left_is(const struct donor_facts *facts, struct date on_day, bool endless, struct date on)
{
	struct donor_next left = donor_wait_left(facts, &rules, on_day, &arena);

	return left.endless == endless && date_compare(left.on, on) == 0;
}

/* What an erased person leaves: what still runs, whatever the age says, and the longest of it. */
static void wait_left(void **state)
{
	static const struct date none;
	struct donor old = { .birth_date = { 1940, 5, 17 }, .birth_year = 1940, .sex = DONOR_MALE };
	struct donor young = { .birth_date = { 2024, 5, 17 }, .birth_year = 2024 }, unknown = { 0 };
	struct deferral deferral = deferral_of("{\"code\":\"malaria\",\"from\":\"2024-09-10\"}");
	struct eligibility_donation given = { { 2025, 2, 1 }, COMPONENT_WHOLE_BLOOD, 250 };
	struct donor_facts facts = { .donor = &old };

	(void)state;
	assert_true(left_is(&facts, today, false, none));
	facts.donor = &young;
	assert_true(left_is(&facts, today, false, none));
	facts.donor = &unknown;
	assert_true(left_is(&facts, today, false, none));
	/* an interval: the day before its end, and its end */
	facts.donations = &given;
	facts.ndonations = 1;
	assert_true(left_is(&facts, date_make(2025, 4, 25), false, date_make(2025, 4, 26)));
	assert_true(left_is(&facts, date_make(2025, 4, 26), false, none));
	/* a deferral beside it: the later of both, on both sides of its end */
	facts.deferrals = &deferral;
	facts.ndeferrals = 1;
	assert_true(date_compare(deferral.ends_on, date_make(2025, 4, 26)) > 0);
	assert_true(left_is(&facts, today, false, deferral.ends_on));
	assert_true(left_is(&facts, date_add_days(deferral.ends_on, -1), false, deferral.ends_on));
	assert_true(left_is(&facts, deferral.ends_on, false, none));
	/* no day ends it: nothing but that counts; lifted, it is none */
	deferral = deferral_of("{\"code\":\"malaria\",\"permanent\":true}");
	assert_true(left_is(&facts, today, true, none));
	deferral.lifted_us = at(2025, 3, 10);
	assert_true(left_is(&facts, today, false, date_make(2025, 4, 26)));
}

static int set_up(void **state)
{
	(void)state;
	load_rules("vn-26-2013-tt-byt.json");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ends), TEST(refused), TEST(before_birth), TEST(states), TEST(known_on_a_day), TEST(wait_left), TEST(days),
	};

	return cmocka_run_group_tests(tests, set_up, unload_rules);
}
