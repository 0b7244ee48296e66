#include "domain/plan.h"

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

static struct named hosts[] = { { "110@pre-2025-07-01", "Huyện Than Uyên" } };
static struct named others[] = { { "111@pre-2025-07-01", "Huyện Tân Uyên" } };
static struct named campaigns[] = { { "c1", "Chủ nhật Đỏ" }, { "c2", "Hành trình Đỏ" } };
static struct named turned[] = { { "c2", "Hành trình Đỏ" }, { "c1", "Chủ nhật Đỏ" } };

static struct round make_round(int ordinal, struct date on)
{
	struct round round;

	round_init(&round);
	round.ordinal = ordinal;
	round.title = "Đợt";
	round.from = round.to = on;
	round.date_status = round.place_status = FACT_PROPOSED;
	round.units = hosts;
	round.nunits = 1;
	return round;
}

static struct plan make_plan(struct round *rounds, size_t nrounds)
{
	return (struct plan){
		.number = "3653/KH-UBND",
		.slug = "3653-KH-UBND",
		.code_prefix = "LC25",
		.title = "Kế hoạch 2025",
		.from = { 2024, 12, 20 },
		.to = { 2025, 11, 28 },
		.campaigns = campaigns,
		.ncampaigns = 2,
		.rounds = rounds,
		.nrounds = nrounds,
	};
}

static void slugs(void **state)
{
	static const struct {
		const char *number;
		size_t size;
		const char *want; /* NULL: refused */
	} cases[] = {
		{ "3653/KH-UBND", 64, "3653-KH-UBND" },
		{ "  3653 / KH - UBND ", 64, "3653-KH-UBND" },
		{ "12/KH-BCĐ tỉnh Lai Châu", 64, "12-KH-BCD-tinh-Lai-Chau" },
		{ "3653/KH-UBND", 13, "3653-KH-UBND" },
		{ "3653/KH-UBND", 12, NULL },
		{ "///", 64, NULL },
		{ "", 64, NULL },
		{ NULL, 64, NULL },
		{ "\xff", 64, NULL },
	};
	char out[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool ok = plan_slug(cases[i].number, out, cases[i].size);

		assert_int_equal(ok, cases[i].want != NULL);
		assert_string_equal(out, ok ? cases[i].want : "");
	}
}

static void expect(const struct plan *plan, const char *pointer)
{
	struct error err = { 0 };
	bool ok = plan_check(plan, &err);

	if (ok != !*pointer || (!ok && strcmp(err.fields[0].pointer, pointer) != 0))
		fail_msg("%s, not %s", ok ? "accepted" : err.fields[0].pointer, pointer);
}

static void heads_and_days_are_checked(void **state)
{
	struct round rounds[2] = { make_round(1, date_make(2024, 12, 20)),
				   make_round(2, date_make(2025, 11, 28)) };
	struct plan plan = make_plan(rounds, 2);

	(void)state;
	expect(&plan, "");
	rounds[0].from = rounds[0].to = date_make(2024, 12, 19);
	expect(&plan, "/rounds/0/date");
	rounds[0] = make_round(1, date_make(2024, 12, 20));
	rounds[1].from = rounds[1].to = date_make(2025, 11, 29);
	expect(&plan, "/rounds/1/date");
	rounds[1].precision = PRECISION_MONTH;
	rounds[1].from = date_make(2025, 11, 1);
	rounds[1].to = date_make(2025, 11, 30);
	expect(&plan, "");
	rounds[1].ordinal = 1;
	expect(&plan, "/rounds/1/ordinal");
	rounds[1].ordinal = 0;
	expect(&plan, "/rounds/1/ordinal");
	rounds[1].ordinal = 366;
	expect(&plan, "");
	rounds[1].ordinal = 367;
	expect(&plan, "/rounds/1/ordinal");
	rounds[1].ordinal = 2;
	rounds[1].title = "";
	expect(&plan, "/rounds/1/title");
	plan.nrounds = 1;
	plan.slug = "a--b";
	expect(&plan, "/slug");
	plan.slug = "-a";
	expect(&plan, "/slug");
	plan.slug = "a-b";
	expect(&plan, "");
	plan.code_prefix = "lc";
	expect(&plan, "/code_prefix");
	plan.code_prefix = "ABCDEFGHIJKL";
	expect(&plan, "");
	plan.code_prefix = "ABCDEFGHIJKLM";
	expect(&plan, "/code_prefix");
	plan.code_prefix = "LC25";
	plan.to = date_add_days(plan.from, 800);
	expect(&plan, "");
	plan.to = date_add_days(plan.from, 801);
	expect(&plan, "/to");
	plan.to = date_make(2024, 12, 1);
	expect(&plan, "/to");
	plan.number = NULL;
	expect(&plan, "/number");
}

static struct arena arena;

static int arena_setup(void **state)
{
	(void)state;
	arena_init(&arena);
	return 0;
}

static int arena_teardown(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static void a_new_plan_is_all_new(void **state)
{
	struct round rounds[2] = { make_round(2, date_make(2025, 3, 1)),
				   make_round(1, date_make(2025, 1, 5)) };
	struct plan plan = make_plan(rounds, 2);
	struct plan_diff diff;
	struct error err = { 0 };

	(void)state;
	assert_true(plan_diff(NULL, &plan, &arena, &diff, &err));
	assert_int_equal(diff.plan, PLAN_CREATE);
	assert_int_equal(diff.created, 2);
	assert_int_equal(diff.rows[0].ordinal, 1);
	assert_ptr_equal(diff.rows[0].now, &rounds[1]);
	assert_null(diff.rows[0].was);
	/* and again: nothing */
	assert_true(plan_diff(&plan, &plan, &arena, &diff, &err));
	assert_int_equal(diff.plan, PLAN_KEEP);
	assert_int_equal(diff.kept, 2);
}

static void drafts_follow_the_file(void **state)
{
	struct round was[1] = { make_round(1, date_make(2025, 3, 1)) }, now[2];
	struct plan existing = make_plan(was, 1), incoming = make_plan(now, 2);
	struct plan_diff diff;
	struct error err = { 0 };

	(void)state;
	was[0].target_units = 200;
	was[0].team = (struct named){ "t", "Đội 1" };
	now[0] = make_round(1, date_make(2025, 3, 8));
	now[1] = make_round(2, date_make(2025, 4, 8));
	incoming.campaigns = turned;
	assert_true(plan_diff(&existing, &incoming, &arena, &diff, &err));
	assert_int_equal(diff.plan, PLAN_KEEP);
	assert_int_equal(diff.updated, 1);
	assert_int_equal(diff.created, 1);
	assert_int_equal(diff.rows[0].fields, ROUND_DATE);
	assert_int_equal(date_compare(diff.rows[0].now->from, date_make(2025, 3, 8)), 0);
	/* what the file leaves out stays */
	assert_int_equal(diff.rows[0].now->target_units, 200);
	assert_string_equal(diff.rows[0].now->team.id, "t");
	incoming.title = "Kế hoạch sửa đổi";
	assert_true(plan_diff(&existing, &incoming, &arena, &diff, &err));
	assert_int_equal(diff.plan, PLAN_UPDATE);
	now[0] = was[0];
	now[0].status = ROUND_ANNOUNCED;
	assert_true(plan_diff(&existing, &incoming, &arena, &diff, &err));
	assert_int_equal(diff.rows[0].action, PLAN_UPDATE);
	assert_int_equal(diff.rows[0].fields, 0);
	assert_int_equal(diff.rows[0].now->status, ROUND_ANNOUNCED);
}

static void announced_rounds_are_never_changed(void **state)
{
	struct round was[2] = { make_round(1, date_make(2025, 3, 1)), make_round(2, date_make(2025, 5, 1)) };
	struct round now[2] = { was[0], was[1] };
	struct plan existing = make_plan(was, 2), incoming = make_plan(now, 2);
	struct plan_diff diff;
	struct error err = { 0 };

	(void)state;
	was[0].status = ROUND_ANNOUNCED;
	was[1].status = ROUND_CLOSED;
	/* confirmed and closed since: the old file is no difference */
	was[1].date_status = FACT_OFFICIAL;
	assert_true(plan_diff(&existing, &incoming, &arena, &diff, &err));
	assert_int_equal(diff.kept, 2);
	/* so is a note, which a confirmation takes away; of a draft it is one */
	now[0].note = "thứ Bảy, đúng ngày chia đều";
	assert_true(plan_diff(&existing, &incoming, &arena, &diff, &err));
	assert_int_equal(diff.kept, 2);
	was[0].status = ROUND_DRAFT;
	assert_true(plan_diff(&existing, &incoming, &arena, &diff, &err));
	assert_int_equal(diff.rows[0].fields, ROUND_NOTE);
	was[0].status = ROUND_ANNOUNCED;
	now[0].from = now[0].to = date_make(2025, 3, 2);
	assert_false(plan_diff(&existing, &incoming, &arena, &diff, &err));
	assert_int_equal(err.code, ERR_IMPORT_REFUSED);
	assert_int_equal(diff.refused, 1);
	assert_int_equal(diff.kept, 1);
	assert_int_equal(diff.rows[0].action, PLAN_REFUSE);
	assert_string_equal(err.fields[0].pointer, "/rounds/0");
	assert_non_null(strstr(err.fields[0].detail[LANGUAGE_EN], "date; use: move"));
	error_clear(&err);
	now[0] = was[0];
	now[0].date_status = FACT_OFFICIAL;
	assert_false(plan_diff(&existing, &incoming, &arena, &diff, &err));
	assert_true(diff.rows[0].facts_differ);
	assert_non_null(strstr(err.fields[0].detail[LANGUAGE_EN], "use: confirm"));
	error_clear(&err);
	now[0] = was[0];
	now[0].title = "Tên khác";
	now[0].units = others;
	assert_false(plan_diff(&existing, &incoming, &arena, &diff, &err));
	assert_int_equal(diff.rows[0].fields, ROUND_TITLE | ROUND_UNITS);
	assert_non_null(strstr(err.fields[0].detail[LANGUAGE_EN], "units, title; use: edit"));
	assert_non_null(strstr(err.fields[0].detail[LANGUAGE_VI], "hãy dùng: edit"));
	error_clear(&err);
	was[0].place_status = now[0].place_status = FACT_OFFICIAL;
	assert_false(plan_diff(&existing, &incoming, &arena, &diff, &err));
	assert_non_null(strstr(err.fields[0].detail[LANGUAGE_EN], "use: move, then edit"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slugs),
		cmocka_unit_test(heads_and_days_are_checked),
		cmocka_unit_test_setup_teardown(a_new_plan_is_all_new, arena_setup, arena_teardown),
		cmocka_unit_test_setup_teardown(drafts_follow_the_file, arena_setup, arena_teardown),
		cmocka_unit_test_setup_teardown(announced_rounds_are_never_changed, arena_setup,
						arena_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
