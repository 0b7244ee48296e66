#include "base/date.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/memory.h"

static void only_real_dates_are_read(void **state)
{
	static const struct {
		const char *text;
		bool ok;
	} cases[] = {
		{ "2025-01-02", true },  { "2024-02-29", true },   { "2025-02-29", false },
		{ "1900-02-29", false }, { "2000-02-29", true },   { "2025-04-31", false },
		{ "2025-13-01", false }, { "2025-00-10", false },  { "2025-01-00", false },
		{ "0000-01-01", false }, { "0001-01-01", true },   { "9999-12-31", true },
		{ "2025-1-02", false },  { "2025-01-02 ", false }, { "2025-01-0", false },
		{ "", false },           { "+025-01-02", false },  { "2025/01/02", false },
		{ "20250102", false },
	};
	struct date date;
	char text[DATE_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (date_parse(cases[i].text, &date) != cases[i].ok)
			fail_msg("%s", cases[i].text);
		if (cases[i].ok)
			assert_string_equal(date_format(date, text), cases[i].text);
	}
	assert_false(date_parse(NULL, &date));
	assert_string_equal(date_format((struct date){ 0 }, text), "");
}

/* Every day of eight centuries: there and back, one after the other, weekdays in turn. */
static void days_are_counted_without_a_gap(void **state)
{
	int32_t last = date_days(date_make(2400, 12, 31));
	int weekday = date_weekday(date_make(1600, 1, 1));
	struct date before = date_make(1599, 12, 31);

	(void)state;
	assert_int_equal(weekday, 5);
	assert_int_equal(date_days(date_make(1970, 1, 1)), 0);
	for (int32_t day = date_days(date_make(1600, 1, 1)); day <= last; day++) {
		struct date date = date_from_days(day);

		assert_true(date_valid(date.year, date.month, date.day));
		assert_int_equal(date_days(date), day);
		assert_int_equal(date_weekday(date), weekday);
		assert_true(date_compare(before, date) < 0);
		weekday = (weekday + 1) % 7;
		before = date;
	}
}

static void days_that_are_known(void **state)
{
	char text[DATE_TEXT_SIZE];

	(void)state;
	assert_int_equal(date_weekday(date_make(2024, 12, 20)), 4);
	assert_int_equal(date_weekday(date_make(2025, 4, 7)), 0);
	assert_int_equal(date_weekday(date_make(2027, 2, 6)), 5);
	assert_int_equal(date_days(date_make(2025, 11, 28)) - date_days(date_make(2024, 12, 20)), 343);
	assert_string_equal(date_format(date_add_days(date_make(2026, 1, 1), 84), text), "2026-03-26");
	assert_string_equal(date_format(date_add_days(date_make(2025, 1, 1), -1), text), "2024-12-31");
}

static void months_end_on_their_last_day(void **state)
{
	static const struct {
		struct date from;
		int months;
		const char *want;
	} cases[] = {
		{ { 2025, 1, 31 }, 1, "2025-02-28" },  { { 2024, 1, 31 }, 1, "2024-02-29" },
		{ { 2025, 3, 30 }, 12, "2026-03-30" }, { { 2024, 2, 29 }, 12, "2025-02-28" },
		{ { 2025, 8, 31 }, 6, "2026-02-28" },  { { 2025, 12, 15 }, 1, "2026-01-15" },
		{ { 2025, 3, 31 }, -1, "2025-02-28" }, { { 9999, 12, 1 }, 1, "" },
	};
	char text[DATE_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(date_format(date_add_months(cases[i].from, cases[i].months), text),
				    cases[i].want);
}

static void the_civil_day_turns_at_seventeen_utc(void **state)
{
	int64_t us;
	char text[TIME_TEXT_SIZE], day[DATE_TEXT_SIZE];

	(void)state;
	assert_true(time_parse("2025-01-01T16:59:59Z", &us));
	assert_string_equal(date_format(date_of_instant(us), day), "2025-01-01");
	assert_true(time_parse("2025-01-01T17:00:00Z", &us));
	assert_string_equal(date_format(date_of_instant(us), day), "2025-01-02");
	assert_string_equal(time_format(us, text), "2025-01-02T00:00:00+07:00");
	assert_true(date_instant(date_make(2025, 1, 2), 0) == us);
	assert_string_equal(time_format(date_instant(date_make(2025, 1, 2), 450), text),
			    "2025-01-02T07:30:00+07:00");
	assert_string_equal(time_format(-1, text), "1970-01-01T06:59:59+07:00");
}

static void times_are_read_with_their_offset(void **state)
{
	static const struct {
		const char *text, *want; /* want NULL: refused */
	} cases[] = {
		{ "2025-01-02T07:30:00+07:00", "2025-01-02T07:30:00+07:00" },
		{ "2025-01-02T00:30:00Z", "2025-01-02T07:30:00+07:00" },
		{ "2025-01-01t19:30:00-05:00", "2025-01-02T07:30:00+07:00" },
		{ "2025-01-02T07:30:00.999999+07:00", "2025-01-02T07:30:00+07:00" },
		{ "9999-12-31T16:59:59Z", "9999-12-31T23:59:59+07:00" },
		{ "9999-12-31T17:00:00Z", NULL }, /* in +07 it is the year 10000 */
		{ "0001-01-01T00:00:00+07:00", "0001-01-01T00:00:00+07:00" },
		{ "0001-01-01T00:00:00+07:01", NULL },
		{ "2025-01-02T07:30:00", NULL },
		{ "2025-01-02T07:30:60Z", NULL },
		{ "2025-01-02T24:00:00Z", NULL },
		{ "2025-01-02T07:30:00.Z", NULL },
		{ "2025-01-02T07:30:00+0700", NULL },
		{ "2025-01-02T07:30:00+24:00", NULL },
		{ "2025-02-30T07:30:00Z", NULL },
		{ "2025-01-02 07:30:00Z", NULL },
		{ "2025-01-02T07:30:00Zx", NULL },
		{ "", NULL },
	};
	char text[TIME_TEXT_SIZE];
	int64_t us;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool ok = time_parse(cases[i].text, &us);

		if (ok != (cases[i].want != NULL))
			fail_msg("%s", cases[i].text);
		if (ok)
			assert_string_equal(time_format(us, text), cases[i].want);
	}
	assert_false(time_parse(NULL, &us));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_real_dates_are_read),
		cmocka_unit_test(days_are_counted_without_a_gap),
		cmocka_unit_test(days_that_are_known),
		cmocka_unit_test(months_end_on_their_last_day),
		cmocka_unit_test(the_civil_day_turns_at_seventeen_utc),
		cmocka_unit_test(times_are_read_with_their_offset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
