/*
 * The tariff of gifts and allowances: the file itself, wrong files, and what is owed on both sides of each limit of
 * Circulars 17/2020/TT-BYT and 15/2023/TT-BYT, Art. 4.
 */
#include "wire/tariff_wire.h"

#include "wire/rule_file_cases.h"

static struct tariff tariff;

static void load(void)
{
	const struct embedded_file *file = rule_file_named(tariffs_embedded(), "vn-hmtn.json");

	assert_true(tariff_read((const char *)file->bytes, file->size, &arena, &tariff, &err));
}

static void the_file_of_the_program(void **state)
{
	(void)state;
	load();
	assert_string_equal(tariff.id, "vn-hmtn");
	assert_int_equal(tariff.nlaws, 2);
	for (size_t i = 0; i < tariff.ngifts; i++)
		assert_non_null(tariff.gifts[i].rule.law);
}

static bool read_any(const char *text, size_t len)
{
	struct tariff made;

	return tariff_read(text, len, &arena, &made, &err);
}

static void wrong_files(void **state)
{
	static const struct bad_rule_file bad[] = {
		{ "/format", "'giothong-tariff/2'", "/format", "invalid_value" },
		{ "/id", NULL, "/id", "required" },
		{ "/colour", "1", "/colour", "unknown_field" },
		{ "/gifts/0/at_least_vnd", "'much'", "/gifts/0/at_least_vnd", "wrong_type" },
		{ "/gifts/0/at_least_vnd", "-1", "/gifts/0/at_least_vnd", "out_of_range" },
		{ "/gifts/0/evidence", "'sure'", "/gifts/0/evidence", "invalid_value" },
		{ "/gifts/0/law", "'1/1900'", "/gifts/0/law", "unknown_law" },
		{ "/gifts/0/components", "['whole_blood','whole_blood']", "/gifts/0/components/1", "duplicate" },
		{ "/gifts/0/sources", "['s9']", "/gifts/0/sources/0", "unknown_source" },
		{ "/gifts/1/rule", "'gift.2020.whole_blood.250'", "/gifts/1", "duplicate" },
		{ "/gifts/1/volume_ml", "{'at_least':250}", "/gifts/1", "contradiction" },
		{ "/gifts/0/valid_to", "'2020-12-31'", "/gifts/0", "contradiction" },
		{ "/gifts/6/valid_from", "'2023-09-14'", "/gifts/6", "contradiction" },
		{ "/averages/0/kind", "'gift'", "/averages/0/kind", "invalid_value" },
		{ "/averages/2/kind", "'travel'", "/averages/3", "contradiction" },
		{ "/parameters/0/value", "'whatever'", "/parameters/0/value", "invalid_value" },
		{ "/parameters/0/name", "'whatever'", "/parameters/0/name", "invalid_value" },
		{ "/parameters/1/name", "'between_bands'", "/parameters/1/name", "duplicate" },
		{ "/parameters/3", NULL, "/parameters", "required" },
		{ "/laws/0/valid_to", "'2020-01-01'", "/laws/0", "contradiction" },
	};

	(void)state;
	rule_files_refused(rule_file_named(tariffs_embedded(), "vn-hmtn.json"), read_any, bad, ARRAY_SIZE(bad));
}

/* ---- what is owed ---- */

static void what_is_owed(void **state)
{
	static const struct {
		const char *article;
		enum component component;
		int ml;
		const char *on;
		enum entitlement_state want;
		int64_t vnd;
	} cases[] = {
		{ "17/2020, 4(4)(a): 250 ml", COMPONENT_WHOLE_BLOOD, 250, "2022-05-05", ENTITLED, 100000 },
		{ "between the bags, lower_band", COMPONENT_WHOLE_BLOOD, 349, "2022-05-05", ENTITLED, 100000 },
		{ "4(4)(a): 350 ml", COMPONENT_WHOLE_BLOOD, 350, "2022-05-05", ENTITLED, 150000 },
		{ "between", COMPONENT_WHOLE_BLOOD, 449, "2022-05-05", ENTITLED, 150000 },
		{ "4(4)(a): 450 ml", COMPONENT_WHOLE_BLOOD, 450, "2022-05-05", ENTITLED, 180000 },
		{ "above the largest bag", COMPONENT_WHOLE_BLOOD, 500, "2022-05-05", ENTITLED, 180000 },
		{ "below the smallest, lowest_band", COMPONENT_WHOLE_BLOOD, 249, "2022-05-05", ENTITLED, 100000 },
		{ "nothing came", COMPONENT_WHOLE_BLOOD, 0, "2022-05-05", ENTITLED_NOTHING, 0 },
		{ "not known how much", COMPONENT_WHOLE_BLOOD, -1, "2022-05-05", ENTITLED_UNKNOWN_VOLUME, 0 },
		{ "4(4)(b): 250 ml", COMPONENT_PLATELETS, 250, "2022-05-05", ENTITLED, 150000 },
		{ "4(4)(b): up to 400", COMPONENT_PLATELETS, 400, "2022-05-05", ENTITLED, 150000 },
		{ "4(4)(b): over 400", COMPONENT_PLATELETS, 401, "2022-05-05", ENTITLED, 200000 },
		{ "4(4)(b): up to 500", COMPONENT_PLASMA, 500, "2022-05-05", ENTITLED, 200000 },
		{ "4(4)(b): over 500", COMPONENT_PLASMA, 501, "2022-05-05", ENTITLED, 250000 },
		{ "4(4)(b): 650", COMPONENT_RED_CELLS, 650, "2022-05-05", ENTITLED, 250000 },
		{ "in force from 2021-01-01", COMPONENT_WHOLE_BLOOD, 350, "2021-01-01", ENTITLED, 150000 },
		{ "the day before: nothing is known here", COMPONENT_WHOLE_BLOOD, 350, "2020-12-31", ENTITLED_NO_RULE, 0 },
		{ "its last day", COMPONENT_WHOLE_BLOOD, 350, "2023-09-14", ENTITLED, 150000 },
		{ "15/2023 from 2023-09-15", COMPONENT_WHOLE_BLOOD, 350, "2023-09-15", ENTITLED, 150000 },
		{ "15/2023: 450 ml", COMPONENT_WHOLE_BLOOD, 450, "2026-01-01", ENTITLED, 180000 },
	};

	(void)state;
	load();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct gift_donation donation = { .component = cases[i].component, .volume_ml = cases[i].ml };
		struct entitlement owed;

		assert_true(date_parse(cases[i].on, &donation.on));
		owed = tariff_entitlement(&tariff, &donation);
		if (owed.state != cases[i].want || owed.vnd != cases[i].vnd)
			fail_msg("%s: %s, %lld", cases[i].article, entitlement_state_text(owed.state), (long long)owed.vnd);
		if (owed.state == ENTITLED)
			assert_true(dated_rule_holds(&owed.rule->rule, donation.on));
	}
}

static int64_t owed_for(int ml, bool is_stopped)
{
	struct gift_donation donation = { .component = COMPONENT_WHOLE_BLOOD, .volume_ml = ml, .on = { 2024, 5, 5 },
					  .stopped = is_stopped };

	return tariff_entitlement(&tariff, &donation).vnd;
}

static void open_questions_decide(void **state)
{
	(void)state;
	load();
	assert_int_equal(owed_for(300, false), 100000);
	assert_int_equal(owed_for(100, true), 100000);
	tariff.answers[TARIFF_BETWEEN_BANDS].value = BETWEEN_UPPER_BAND;
	assert_int_equal(owed_for(300, false), 150000);
	assert_int_equal(owed_for(460, false), 180000);
	assert_int_equal(owed_for(250, false), 100000);
	tariff.answers[TARIFF_BELOW_BANDS].value = BELOW_NOTHING;
	assert_int_equal(owed_for(100, false), 0);
	assert_int_equal(owed_for(250, false), 100000);
	tariff.answers[TARIFF_STOPPED].value = STOPPED_NOTHING;
	assert_int_equal(owed_for(350, true), 0);
	assert_int_equal(owed_for(350, false), 150000);
}

/* ---- the book of a round ---- */

/* "a350 b350? c-": who gave how much; '?': waits, 'x': volume not known. */
static size_t donations_of(const char *text, struct gift_donation *out)
{
	size_t count = 0;

	for (const char *p = text; *p; p += strcspn(p, " "), p += *p == ' ') {
		char *end;

		out[count] = (struct gift_donation){ .person = arena_printf(&arena, "%c", *p),
						     .component = COMPONENT_WHOLE_BLOOD, .on = { 2024, 5, 5 } };
		out[count].volume_ml = p[1] == 'x' ? -1 : (int)strtol(p + 1, &end, 10);
		out[count].waits = p[1] != 'x' && *end == '?';
		count++;
	}
	return count;
}

/* "a150g a30f": who was handed how many thousands as gift, food, travel. */
static size_t handed_of(const char *text, struct gift_handed *out)
{
	size_t count = 0;

	for (const char *p = text; *p; p += strcspn(p, " "), p += *p == ' ') {
		char *end;

		out[count] = (struct gift_handed){ .person = arena_printf(&arena, "%c", *p) };
		out[count].vnd = strtol(p + 1, &end, 10) * 1000;
		out[count++].kind = *end == 'f' ? GIFT_FOOD : *end == 't' ? GIFT_TRAVEL : GIFT_GIFT;
	}
	return count;
}

static const char *found_in(const char *given, const char *handed)
{
	struct gift_donation donations[20];
	struct gift_handed gifts[20];
	size_t ndonations = donations_of(given, donations), ngifts = handed_of(handed, gifts), count;
	struct gift_exception *out = arena_alloc(&arena, gift_exceptions_most(ndonations, ngifts) * sizeof(*out));
	const char *text = "";

	count = gift_exceptions(&tariff, donations, ndonations, gifts, ngifts, out);
	assert_true(count <= gift_exceptions_most(ndonations, ngifts));
	for (size_t i = 0; i < count; i++)
		text = arena_printf(&arena, "%s%s%s:%s", text, *text ? " " : "", out[i].person ? out[i].person : "*",
				    gift_exception_text(out[i].kind));
	return text;
}

static void exceptions_of_a_round(void **state)
{
	static const struct { const char *given, *handed, *want; } cases[] = {
		{ "", "", "" },
		{ "a350", "a150g", "" },
		{ "a350", "a149g", "a:less_than_owed" },
		{ "a350", "a500g", "" },
		{ "a350", "", "a:nothing_handed" },
		{ "a350", "a30f", "a:nothing_handed" },
		{ "a350", "a100g a100g", "a:handed_twice" },
		{ "a350 a350", "a150g a150g", "" },
		{ "a350 a350", "a150g", "a:less_than_owed" },
		{ "", "a150g", "a:no_donation_that_counts" },
		{ "", "a30f", "a:no_donation_that_counts" },
		{ "a350?", "", "" },
		{ "a350?", "a150g", "a:donation_waits" },
		{ "a350? a350", "a150g a150g", "a:donation_waits" },
		{ "a350? a350", "a150g a150g a150g", "a:handed_twice a:donation_waits" },
		{ "ax", "a100g", "a:volume_unknown" },
		{ "a0", "", "" },
		{ "a350 b350 c350", "a150g c150g", "b:nothing_handed" },
		{ "b350", "a150g b150g c150g", "a:no_donation_that_counts c:no_donation_that_counts" },
		/* 15/2023 Art. 4: food at most 30,000 on average, travel 50,000 */
		{ "a350 b350", "a150g a60f b150g", "" },
		{ "a350 b350", "a150g a61f b150g", "*:food_above_average" },
		{ "a350 b350", "a150g a50t b150g b50t", "" },
		{ "a350 b350", "a150g a50t b150g b51t", "*:travel_above_average" },
		{ "a350? b350", "b150g b30f", "" },
		{ "a350? b350", "b150g b31f", "*:food_above_average" },
	};

	(void)state;
	load();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(found_in(cases[i].given, cases[i].handed), cases[i].want);
	tariff.answers[TARIFF_AVERAGE_OVER].value = AVERAGE_OVER_HANDED;
	assert_string_equal(found_in("a350 b350", "a150g a31f b150g"), "*:food_above_average");
	assert_string_equal(found_in("a350 b350", "a150g a31f b150g b29f"), "");
}

/* A time in which the limit changed is judged by what each day allows. */
static void averages_over_a_change(void **state)
{
	struct gift_donation donations[] = {
		{ .person = "a", .component = COMPONENT_WHOLE_BLOOD, .volume_ml = 350, .on = { 2023, 9, 14 } },
		{ .person = "b", .component = COMPONENT_WHOLE_BLOOD, .volume_ml = 350, .on = { 2023, 9, 15 } },
	};
	struct gift_handed handed[] = { { "1", "a", GIFT_GIFT, 150000 }, { "2", "a", GIFT_FOOD, 30000 },
					{ "3", "b", GIFT_GIFT, 150000 }, { "4", "b", GIFT_FOOD, 40000 } };
	struct gift_exception out[30];

	(void)state;
	load();
	assert_int_equal(gift_exceptions(&tariff, donations, 2, handed, 4, out), 1);
	assert_int_equal(out[0].kind, GIFT_FOOD_AVERAGE);
	assert_int_equal(out[0].owed_vnd, 30000);
	assert_int_equal(out[0].handed_vnd, 35000);
	tariff.averages[2].at_most_vnd = 40000;
	assert_int_equal(gift_exceptions(&tariff, donations, 2, handed, 4, out), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_file_of_the_program, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_files, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_owed, setup, teardown),
		cmocka_unit_test_setup_teardown(open_questions_decide, setup, teardown),
		cmocka_unit_test_setup_teardown(exceptions_of_a_round, setup, teardown),
		cmocka_unit_test_setup_teardown(averages_over_a_change, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
