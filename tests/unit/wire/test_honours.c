/*
 * The ladders of honours: the file itself, wrong files, the steps on both sides of each bar (Decision 122/QĐ-BCĐQG, Art.
 * 6 to 8), never twice, the work on one honour, and what another ladder would change.
 */
#include "wire/honour_wire.h"

#include "wire/rule_file_cases.h"

static struct honour_rules rules;
static const struct date as_of = { 2026, 6, 14 };

static const struct embedded_file *own(void)
{
	return rule_file_named(honour_rules_embedded(), "vn-122-2017.json");
}

static void load(void)
{
	assert_true(honour_rules_read((const char *)own()->bytes, own()->size, &arena, &rules, &err));
}

static void load_changed(struct honour_rules *out, const struct bad_rule_file *changes, size_t count)
{
	const char *text = rule_file_changed(own(), changes, count);

	assert_true(honour_rules_read(text, strlen(text), &arena, out, &err));
}

static bool read_any(const char *text, size_t len)
{
	struct honour_rules made;

	return honour_rules_read(text, len, &arena, &made, &err);
}

static void wrong_files(void **state)
{
	static const struct bad_rule_file bad[] = {
		{ "/format", "'giothong-honours/9'", "/format", "invalid_value" },
		{ "/steps", NULL, "/steps", "required" },
		{ "/steps/1/ladder", "'best'", "/steps/1/ladder", "invalid_value" },
		{ "/steps/1/at", "0", "/steps/1/at", "out_of_range" },
		{ "/steps/1/given_by", "'king'", "/steps/1/given_by", "invalid_value" },
		{ "/steps/0/at", "2", "/steps/0", "contradiction" },
		{ "/steps/2/at_mountain", "10", "/steps/2", "contradiction" },
		{ "/steps/2/at", "5", "/steps/2", "contradiction" },
		{ "/steps/2/rule", "'individual.5'", "/steps/2", "duplicate" },
		{ "/steps/2/replaces", "['individual.5']", "/steps/2", "contradiction" },
		{ "/steps/2/replaces", "'individual.5'", "/steps/2/replaces", "wrong_type" },
		{ "/steps/2/award/vi", NULL, "/steps/2/award/vi", "required" },
		{ "/mountain_units", "'some'", "/mountain_units", "invalid_value" },
		{ "/mountain_units", NULL, "/mountain_units", "required" },
		{ "/parameters/3", NULL, "/parameters", "required" },
		{ "/parameters/3/value", "'nobody'", "/parameters/3/value", "invalid_value" },
	};

	(void)state;
	rule_files_refused(own(), read_any, bad, ARRAY_SIZE(bad));
}

/* ---- steps ---- */

enum { MANY = 120 };
static struct honour_donation donations[MANY];

/* So many donations of whole blood, one each hundred days up to `last`. */
static void give(int count, struct date last)
{
	for (int i = 0; i < count; i++) {
		donations[i] = (struct honour_donation){ .component = COMPONENT_WHOLE_BLOOD, .volume_ml = 350,
							 .evidence = DONATION_CONFIRMED };
		donations[i].on = date_add_days(last, -100 * (count - 1 - i));
	}
}

/* "individual.5 individual.10" */
static const char *reached_by(enum honour_ladder ladder, bool is_mountain, int count)
{
	struct honour_reached reached[64];
	struct honour_tally tally;
	const char *text = "";
	size_t nreached = honour_reached(&rules, ladder, is_mountain, donations, (size_t)count, as_of, reached, &tally);

	for (size_t i = 0; i < nreached; i++)
		text = arena_printf(&arena, "%s%s%s", text, i ? " " : "", reached[i].step->rule.id);
	return text;
}

static void steps_of_each_ladder(void **state)
{
	static const struct { enum honour_ladder ladder; bool mountain; int count; const char *want; } cases[] = {
		{ LADDER_FIRST, false, 0, "" },                          /* Art. 6 */
		{ LADDER_FIRST, false, 1, "first.1" },
		{ LADDER_FIRST, false, 9, "first.1" },
		{ LADDER_INDIVIDUAL, false, 4, "" },                     /* Art. 7 */
		{ LADDER_INDIVIDUAL, false, 5, "individual.5" },
		{ LADDER_INDIVIDUAL, false, 9, "individual.5" },
		{ LADDER_INDIVIDUAL, false, 10, "individual.5 individual.10" },
		{ LADDER_INDIVIDUAL, true, 6, "individual.5" },          /* the province's option: 7 in the mountains */
		{ LADDER_INDIVIDUAL, true, 7, "individual.5 individual.10" },
		{ LADDER_INDIVIDUAL, false, 7, "individual.5" },
		{ LADDER_INDIVIDUAL, false, 14, "individual.5 individual.10" },
		{ LADDER_INDIVIDUAL, false, 15, "individual.5 individual.10 individual.15" },
		{ LADDER_INDIVIDUAL, false, 99, "individual.5 individual.10 individual.15 individual.20 individual.30"
		  " individual.40 individual.50 individual.70" },
		{ LADDER_INDIVIDUAL, false, 100, "individual.5 individual.10 individual.15 individual.20 individual.30"
		  " individual.40 individual.50 individual.70 individual.100" },
		{ LADDER_FAMILY, false, 2, "" },                         /* Art. 8(1) */
		{ LADDER_FAMILY, false, 3, "family.3" },
		{ LADDER_FAMILY, false, 4, "family.3" },
		{ LADDER_FAMILY, false, 5, "family.3 family.5" },        /* 8(2) */
		{ LADDER_FAMILY, false, 9, "family.3 family.5" },
		{ LADDER_FAMILY, false, 10, "family.3 family.5 family.10" },     /* 8(3) */
		{ LADDER_FAMILY, false, 14, "family.3 family.5 family.10" },
		{ LADDER_FAMILY, false, 15, "family.3 family.5 family.10 family.15" },   /* 8(4) */
		{ LADDER_FAMILY, false, 19, "family.3 family.5 family.10 family.15" },
		{ LADDER_FAMILY, false, 20, "family.3 family.5 family.10 family.15 family.20" }, /* 8(5) */
	};

	(void)state;
	load();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		give(cases[i].count, as_of);
		assert_string_equal(reached_by(cases[i].ladder, cases[i].mountain, cases[i].count), cases[i].want);
	}
}

static void the_day_that_is_asked_about(void **state)
{
	struct honour_reached reached[64];
	struct honour_tally tally;

	(void)state;
	load();
	give(5, as_of);
	assert_int_equal(honour_reached(&rules, LADDER_INDIVIDUAL, false, donations, 5, as_of, reached, &tally), 1);
	assert_int_equal(date_compare(reached[0].on, as_of), 0);
	assert_int_equal(reached[0].bar, 5);
	/* the day before, the fifth had not been given */
	assert_int_equal(honour_reached(&rules, LADDER_INDIVIDUAL, false, donations, 5, date_add_days(as_of, -1), reached,
					&tally), 0);
	assert_int_equal(tally.counted, 4);
	/* the decision is of 15/9/2017 */
	give(5, (struct date){ 2017, 9, 14 });
	assert_int_equal(honour_reached(&rules, LADDER_INDIVIDUAL, false, donations, 5, (struct date){ 2017, 9, 14 }, reached,
					&tally), 0);
	assert_int_equal(honour_reached(&rules, LADDER_INDIVIDUAL, false, donations, 5, (struct date){ 2017, 9, 15 }, reached,
					&tally), 1);
}

static void mountain_is_an_option(void **state)
{
	static const struct bad_rule_file on[] = { { "/parameters/4/value", "'on'", NULL, NULL } };
	static const struct bad_rule_file there[] = { { "/parameters/4/value", "'on'", NULL, NULL },
						      { "/mountain_units", "['12-03433']", NULL, NULL } };

	(void)state;
	load();
	assert_false(honour_is_mountain(&rules, "12-03433"));
	load_changed(&rules, on, 1);
	assert_true(honour_is_mountain(&rules, "12-03433"));
	assert_false(honour_is_mountain(&rules, NULL));
	load_changed(&rules, there, 2);
	assert_true(honour_is_mountain(&rules, "12-03433"));
	assert_false(honour_is_mountain(&rules, "12-03434"));
}

static int counted(void)
{
	struct honour_reached reached[64];
	struct honour_tally tally;

	honour_reached(&rules, LADDER_INDIVIDUAL, false, donations, 4, as_of, reached, &tally);
	return tally.counted;
}

static void what_counts(void **state)
{
	(void)state;
	load();
	give(4, as_of);
	donations[0].evidence = DONATION_DECLARED;
	donations[1].stopped = true;
	donations[1].volume_ml = 80;
	donations[2].component = COMPONENT_PLATELETS;
	assert_int_equal(counted(), 3);
	rules.answers[HONOUR_DECLARED].value = DECLARED_COUNT;
	assert_int_equal(counted(), 4);
	donations[1].volume_ml = 0;
	assert_int_equal(counted(), 3);
	donations[1].volume_ml = -1;
	assert_int_equal(counted(), 3);
	donations[1].volume_ml = 80;
	rules.answers[HONOUR_STOPPED].value = HONOUR_STOPPED_NOT;
	assert_int_equal(counted(), 3);
	rules.answers[HONOUR_APHERESIS].value = APHERESIS_NOT;
	assert_int_equal(counted(), 2);
	/* of a family: while a member, both days at the edges */
	donations[3].joined = as_of;
	assert_int_equal(counted(), 2);
	donations[3].joined = date_add_days(as_of, 1);
	assert_int_equal(counted(), 1);
	donations[3].joined = date_add_days(as_of, -9);
	donations[3].left = as_of;
	assert_int_equal(counted(), 1);
	donations[3].left = date_add_days(as_of, 1);
	assert_int_equal(counted(), 2);
	donations[3].left = as_of;
	/* also from before they joined; but not from after they left: there is another family then */
	rules.answers[HONOUR_FAMILY_SINCE].value = FAMILY_ALL;
	assert_int_equal(counted(), 1);
	donations[3].left = date_add_days(as_of, 1);
	donations[3].joined = donations[3].left;
	assert_int_equal(counted(), 2);
}

static void the_record_that_an_honour_stands_on(void **state)
{
	static const char *const records[] = { "b", "a", "b", "c", "c", "a" };
	const struct honour_donation *with[6];

	(void)state;
	load();
	give(6, as_of);
	for (int i = 0; i < 6; i++)
		snprintf(donations[i].record, sizeof(donations[i].record), "%s", records[i]);
	donations[1].evidence = DONATION_DECLARED;
	assert_int_equal(honour_reached_with(&rules, donations, 6, as_of, 3, with), 3);
	assert_string_equal(honour_record(with, 3), "b");
	assert_int_equal(honour_reached_with(&rules, donations, 6, as_of, 6, with), 5);
	assert_string_equal(honour_record(with, 5), "b");          /* as many as on "c" */
	assert_string_equal(honour_record(with + 2, 3), "c");
	assert_int_equal(honour_reached_with(&rules, donations, 6, donations[0].on, 6, with), 1);
	assert_null(honour_record(with, 0));
}

static void who_gives(void **state)
{
	const struct date last = { 2025, 6, 30 }, first = { 2025, 7, 1 };

	(void)state;
	load();
	assert_string_equal(honour_given_by(&rules, honour_step(&rules, "family.3"), last), "district_committee");
	assert_string_equal(honour_given_by(&rules, honour_step(&rules, "family.3"), first), "undecided");
	assert_string_equal(honour_given_by(&rules, honour_step(&rules, "family.5"), first), "province_committee");
	assert_null(honour_given_by_known(&rules, honour_step(&rules, "family.3"), first));
	assert_null(honour_given_by_known(&rules, honour_step(&rules, "individual.5"), last));
	assert_string_equal(honour_given_by_known(&rules, honour_step(&rules, "family.5"), first), "province_committee");
	rules.answers[HONOUR_DISTRICT].value = DISTRICT_COMMUNE;
	assert_string_equal(honour_given_by(&rules, honour_step(&rules, "family.3"), first), "commune_committee");
	assert_string_equal(honour_given_by(&rules, honour_step(&rules, "family.3"), last), "district_committee");
}

/* ---- never twice ---- */

static const char *due_for(int count, const struct honour_had *had, size_t nhad)
{
	struct honour_reached reached[64];
	struct honour_tally tally;
	const char *text = "";
	size_t n;

	give(count, as_of);
	n = honour_reached(&rules, LADDER_INDIVIDUAL, false, donations, (size_t)count, as_of, reached, &tally);
	n = honour_due(&rules, reached, n, had, nhad);
	for (size_t i = 0; i < n; i++)
		text = arena_printf(&arena, "%s%s%s", text, i ? " " : "", reached[i].step->rule.id);
	return text;
}

static void never_twice(void **state)
{
	static const struct honour_had five[] = { { "individual.5", HONOUR_HANDED_OVER } };
	static const struct honour_had work[] = { { "individual.10", HONOUR_CANDIDATE } };
	static const struct honour_had no[] = { { "individual.5", HONOUR_REFUSED } };
	static const struct honour_had again[] = { { "individual.5", HONOUR_REFUSED }, { "individual.5", HONOUR_APPROVED } };

	(void)state;
	load();
	assert_string_equal(due_for(10, NULL, 0), "individual.5 individual.10");
	assert_string_equal(due_for(10, five, 1), "individual.10");
	assert_string_equal(due_for(10, work, 1), "individual.5");
	assert_string_equal(due_for(5, no, 1), "individual.5");
	assert_string_equal(due_for(5, again, 2), "");
	rules.answers[HONOUR_AT_ONCE].value = AT_ONCE_HIGHEST;
	assert_string_equal(due_for(10, NULL, 0), "individual.10");
	assert_string_equal(due_for(10, five, 1), "individual.10");
	assert_string_equal(due_for(14, work, 1), "");
	assert_string_equal(due_for(4, NULL, 0), "");
}

static const struct bad_rule_file renamed[] = {
	{ "/steps/2/rule", "'individual.12'", NULL, NULL }, { "/steps/2/at", "12", NULL, NULL },
	{ "/steps/2/at_mountain", NULL, NULL, NULL }, { "/steps/2/replaces", "['individual.10']", NULL, NULL },
};

static void never_twice_by_another_ladder(void **state)
{
	static const struct honour_had ten[] = { { "individual.10", HONOUR_HANDED_OVER } };

	(void)state;
	load_changed(&rules, renamed, 4);
	assert_string_equal(due_for(12, NULL, 0), "individual.5 individual.12");
	assert_string_equal(due_for(12, ten, 1), "individual.5");
}

/* ---- the work ---- */

static void every_step_of_the_work(void **state)
{
	enum { NO = -1 };
	static const int want[HONOUR_STATE_COUNT][HONOUR_VERB_COUNT] = {
		/*                    check           propose          approve          hand over           set back          refuse */
		[HONOUR_CANDIDATE] = { HONOUR_CHECKED, NO, NO, NO, NO, HONOUR_REFUSED },
		[HONOUR_CHECKED] = { NO, HONOUR_PROPOSED, NO, NO, HONOUR_CANDIDATE, HONOUR_REFUSED },
		[HONOUR_PROPOSED] = { NO, NO, HONOUR_APPROVED, NO, HONOUR_CHECKED, HONOUR_REFUSED },
		[HONOUR_APPROVED] = { NO, NO, NO, HONOUR_HANDED_OVER, HONOUR_PROPOSED, HONOUR_REFUSED },
		[HONOUR_HANDED_OVER] = { NO, NO, NO, NO, NO, NO },
		[HONOUR_REFUSED] = { NO, NO, NO, NO, NO, NO },
	};

	(void)state;
	for (int from = 0; from < HONOUR_STATE_COUNT; from++) {
		for (int verb = 0; verb < HONOUR_VERB_COUNT; verb++) {
			bool backward = verb == HONOUR_SET_BACK || verb == HONOUR_REFUSE;
			enum honour_state to = HONOUR_STATE_COUNT;

			error_clear(&err);
			assert_int_equal(honour_next((enum honour_state)from, (enum honour_verb)verb, true, "why", &to, &err),
					 want[from][verb] != NO);
			assert_int_equal(to, want[from][verb] == NO ? HONOUR_STATE_COUNT : (unsigned)want[from][verb]);
			if (want[from][verb] == NO) {
				assert_int_equal(err.code, ERR_ILLEGAL_STEP);
				continue;
			}
			/* what is not reached any more goes back alone, and only with a reason */
			error_clear(&err);
			assert_int_equal(honour_next((enum honour_state)from, (enum honour_verb)verb, false, "why", &to, &err),
					 backward);
			error_clear(&err);
			assert_int_equal(honour_next((enum honour_state)from, (enum honour_verb)verb, true, NULL, &to, &err),
					 !backward);
		}
	}
	error_clear(&err);
}

/* ---- another ladder ---- */

static const char *changes_for(const struct honour_rules *next, int count, const struct honour_had *had, size_t nhad)
{
	struct honour_reached scratch[128];
	struct honour_change out[HONOUR_CHANGES_MAX];
	const char *text = "";
	size_t n;

	give(count, as_of);
	n = honour_compare(&rules, next, LADDER_INDIVIDUAL, "12-03433", donations, (size_t)count, as_of, had, nhad, scratch, out);
	for (size_t i = 0; i < n; i++)
		text = arena_printf(&arena, "%s%s%s:%s", text, i ? " " : "", out[i].step, honour_change_text((int)out[i].what));
	return text;
}

static void what_another_ladder_would_change(void **state)
{
	static const struct bad_rule_file lower[] = { { "/parameters/4/value", "'on'", NULL, NULL } };
	static const struct bad_rule_file higher[] = { { "/steps/1/at", "6", NULL, NULL } };
	static const struct honour_had given[] = { { "individual.5", HONOUR_HANDED_OVER } };
	static const struct honour_had work[] = { { "individual.5", HONOUR_PROPOSED } };
	static const struct honour_had ten[] = { { "individual.10", HONOUR_HANDED_OVER }, { "individual.5", HONOUR_HANDED_OVER } };
	struct honour_rules next;

	(void)state;
	load();
	assert_string_equal(changes_for(&rules, 7, NULL, 0), "");
	assert_true(honour_ladders_alike(&rules, &rules, LADDER_INDIVIDUAL));
	load_changed(&next, lower, 1);
	assert_false(honour_ladders_alike(&rules, &next, LADDER_FAMILY));
	assert_string_equal(changes_for(&next, 6, NULL, 0), "");
	assert_string_equal(changes_for(&next, 7, NULL, 0), "individual.10:new_candidate");
	assert_string_equal(changes_for(&next, 10, NULL, 0), "");
	load_changed(&next, higher, 1);
	assert_false(honour_ladders_alike(&rules, &next, LADDER_INDIVIDUAL));
	assert_true(honour_ladders_alike(&rules, &next, LADDER_FAMILY));
	assert_string_equal(changes_for(&next, 5, NULL, 0), "individual.5:no_candidate_any_more");
	assert_string_equal(changes_for(&next, 5, given, 1), "individual.5:given_not_reached");
	assert_string_equal(changes_for(&next, 5, work, 1), "individual.5:in_work_not_reached");
	assert_string_equal(changes_for(&next, 6, given, 1), "");
	/* what takes the place of another step is the same honour */
	load_changed(&next, renamed, 4);
	assert_string_equal(changes_for(&next, 12, NULL, 0), "");
	assert_string_equal(changes_for(&next, 12, ten, 2), "");
	assert_string_equal(changes_for(&next, 11, NULL, 0), "individual.10:no_candidate_any_more");
	assert_string_equal(changes_for(&next, 11, ten, 2), "individual.10:given_not_reached");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(wrong_files, setup, teardown),
		cmocka_unit_test_setup_teardown(steps_of_each_ladder, setup, teardown),
		cmocka_unit_test_setup_teardown(the_day_that_is_asked_about, setup, teardown),
		cmocka_unit_test_setup_teardown(mountain_is_an_option, setup, teardown),
		cmocka_unit_test_setup_teardown(what_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(the_record_that_an_honour_stands_on, setup, teardown),
		cmocka_unit_test_setup_teardown(who_gives, setup, teardown),
		cmocka_unit_test_setup_teardown(never_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(never_twice_by_another_ladder, setup, teardown),
		cmocka_unit_test_setup_teardown(every_step_of_the_work, setup, teardown),
		cmocka_unit_test_setup_teardown(what_another_ladder_would_change, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
