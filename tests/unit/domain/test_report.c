#include "domain/report.h"
#include "domain/round.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/error.h"
#include "base/memory.h"

static const struct date today = { 2025, 5, 20 };
static struct report full(void)
{
	struct report report = { .source = REPORT_TEAM,
				 .reported_on = { 2025, 5, 18 },
				 .registered = { 330, FIGURE_EXACT },
				 .present = { 330, FIGURE_EXACT },
				 .accepted = { 326, FIGURE_EXACT },
				 .units = { 326, FIGURE_EXACT },
				 .ml = { 114100, FIGURE_EXACT } };

	return report;
}

static void expect(const struct report *report, const char *want)
{
	struct error err = { 0 };
	bool ok = report_check(report, today, &err);

	if (ok != !*want || (!ok && strcmp(err.fields[0].pointer, want) != 0))
		fail_msg("%s, not %s", ok ? "accepted" : err.fields[0].pointer, want);
}

static void figures_stay_in_range(void **state)
{
	struct report report = full();

	(void)state;
	expect(&report, "");
	report.units.value = 100000;
	expect(&report, "");
	report.units.value = 100001;
	expect(&report, "/units");
	report.units.value = -2;
	expect(&report, "/units");
	report = full();
	report.ml.value = 1000000;
	expect(&report, "");
	report.ml.value = 1000001;
	expect(&report, "/ml");
	report = full();
	report.present.qualifier = FIGURE_QUALIFIER_COUNT;
	expect(&report, "/present");
	report.registered.value = report.present.value = report.accepted.value = report.units.value =
		report.ml.value = -1;
	expect(&report, "/units");
	report.units.value = 0;
	expect(&report, "");
}

static void exact_parts_are_no_larger_than_the_whole(void **state)
{
	struct report report = full();

	(void)state;
	report.present.value = 331;
	expect(&report, "/present");
	report.registered.qualifier = FIGURE_AT_LEAST;
	expect(&report, "");
	report = full();
	report.accepted.value = 331;
	expect(&report, "/accepted");
	report.present.value = -1;
	expect(&report, "/accepted");
	report.accepted.value = 330;
	expect(&report, "");
	/* a unit is not always a donor */
	report.units.value = 400;
	expect(&report, "");
}

static void sources_and_days(void **state)
{
	struct report report = full();

	(void)state;
	report.source = REPORT_PRESS;
	expect(&report, "/source_url");
	report.source_url = "baolaichau.vn";
	expect(&report, "/source_url");
	report.source_url = "javascript:alert(1)";
	expect(&report, "/source_url");
	report.source_url = "https://baolaichau.vn/tin";
	expect(&report, "");
	report.reported_on = today;
	expect(&report, "");
	report.reported_on = date_add_days(today, 1);
	expect(&report, "/reported_on");
	report.reported_on = (struct date){ 0 };
	expect(&report, "/reported_on");
	report = full();
	report.corrects = "7";
	expect(&report, "/corrects");
	report.corrects = "01890a5d-ac96-774b-bcce-b302099a8057";
	expect(&report, "");
}

static void the_better_report_is_shown(void **state)
{
	struct report press = full(), team = full(), items = full();

	(void)state;
	press.source = REPORT_PRESS;
	press.reported_on = today;
	items.source = REPORT_ITEMS;
	assert_true(report_compare(&team, &press) > 0);
	assert_true(report_compare(&items, &team) > 0);
	assert_true(report_compare(&press, &items) < 0);
	press.source = REPORT_TEAM;
	assert_true(report_compare(&press, &team) > 0);
	press.reported_on = team.reported_on;
	press.created_us = 1;
	assert_true(report_compare(&press, &team) > 0);
	assert_int_equal(report_compare(&team, &team), 0);
}

static void words(void **state)
{
	enum report_source source;
	enum figure_qualifier qualifier;

	(void)state;
	assert_true(report_source_parse("press", &source) && source == REPORT_PRESS);
	assert_false(report_source_parse("Press", &source));
	assert_false(report_source_parse(NULL, &source));
	assert_true(figure_qualifier_parse("at_least", &qualifier) && qualifier == FIGURE_AT_LEAST);
	assert_false(figure_qualifier_parse("", &qualifier));
	assert_string_equal(report_source_text(REPORT_ITEMS), "items");
	assert_string_equal(figure_qualifier_text(FIGURE_ABOUT), "about");
}

static void a_report_is_of_a_round_that_took_place(void **state)
{
	const struct date held = date_make(2025, 3, 8), eve = date_make(2025, 3, 7);
	struct report report = { .source = REPORT_TEAM, .reported_on = held };
	struct round round;
	struct error err = { 0 };

	(void)state;
	round_init(&round);
	round.from = round.to = held;
	round.status = ROUND_ANNOUNCED;
	assert_true(report_fits(&report, &round, held, &err));
	assert_false(report_fits(&report, &round, eve, &err));
	assert_int_equal(err.code, ERR_ILLEGAL_STEP);
	error_clear(&err);
	report.reported_on = eve;
	assert_false(report_fits(&report, &round, held, &err));
	assert_string_equal(err.fields[0].pointer, "/reported_on");
	error_clear(&err);
	report.reported_on = held;
	report.source = REPORT_ITEMS;
	assert_false(report_fits(&report, &round, held, &err));
	assert_string_equal(err.fields[0].code, "not_by_hand");
	report.source = REPORT_TEAM;
	for (int status = 0; status < ROUND_STATUS_COUNT; status++) {
		error_clear(&err);
		round.status = (enum round_status)status;
		assert_int_equal(report_fits(&report, &round, held, &err),
				 status != ROUND_DRAFT && status != ROUND_CANCELLED && status != ROUND_POSTPONED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures_stay_in_range),
		cmocka_unit_test(exact_parts_are_no_larger_than_the_whole),
		cmocka_unit_test(sources_and_days),
		cmocka_unit_test(the_better_report_is_shown),
		cmocka_unit_test(words),
		cmocka_unit_test(a_report_is_of_a_round_that_took_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
