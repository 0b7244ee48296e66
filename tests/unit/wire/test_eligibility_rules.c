#include "wire/eligibility_wire.h"

#include "domain/eligibility_time.h"
#include "wire/eligibility_cases.h"

/* Wrong rule files: the right one with one thing changed, and the place of the fault that is named. */
struct bad_file {
	const char *at;          /* JSON pointer of what is changed; "-" at its end appends */
	const char *value;       /* with ' for "; NULL takes it away */
	const char *pointer;     /* of the fault */
	const char *code;
};

static json_t *right;

static int load_right(void **state)
{
	const struct embedded_file *file = embedded_set("vn-26-2013-tt-byt.json");

	(void)state;
	right = json_loadb((const char *)file->bytes, file->size, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(right);
	return 0;
}

static int free_right(void **state)
{
	(void)state;
	json_decref(right);
	return 0;
}

static json_t *step(json_t *node, const char *token)
{
	return json_is_array(node) ? json_array_get(node, (size_t)atoi(token)) : json_object_get(node, token);
}

/* Replaces, adds or takes away what stands at a pointer. */
static void change(json_t *root, const char *at, const char *value)
{
	char path[128], *token = path + 1, *slash;
	json_t *node = root, *wrapped = value ? quoted(arena_printf(&arena, "[%s]", value)) : NULL;
	json_t *new = json_array_get(wrapped, 0);

	snprintf(path, sizeof(path), "%s", at);
	for (; (slash = strchr(token, '/')) != NULL; token = slash + 1) {
		*slash = '\0';
		node = step(node, token);
		assert_non_null(node);
	}
	if (json_is_object(node) && !value)
		json_object_del(node, token);
	else if (json_is_object(node))
		json_object_set(node, token, new);
	else if (streq(token, "-"))
		json_array_append(node, new);
	else if (!value)
		json_array_remove(node, (size_t)atoi(token));
	else
		json_array_set(node, (size_t)atoi(token), new);
	json_decref(wrapped);
}

static bool read_changed(const struct bad_file *bad, size_t changes)
{
	json_t *copy = json_deep_copy(right);
	struct eligibility_rules made;
	char *text;
	bool fine;

	for (size_t i = 0; i < changes; i++)
		change(copy, bad[i].at, bad[i].value);
	text = json_dumps(copy, JSON_COMPACT);
	error_clear(&err);
	fine = eligibility_rules_read(text, strlen(text), &arena, &made, &err);
	free(text);
	json_decref(copy);
	return fine;
}

static void the_files_of_the_program_are_right(void **state)
{
	size_t count = 0;

	(void)state;
	for (const struct embedded_file *file = eligibility_rules_embedded(); file->name; file++, count++) {
		struct eligibility_rules made;

		error_clear(&err);
		assert_fine(eligibility_rules_read((const char *)file->bytes, file->size, &arena, &made, &err));
		assert_int_equal(strncmp(file->name, made.id, strlen(made.id)), 0);
		assert_string_equal(file->name + strlen(made.id), ".json");
		assert_int_equal(made.use, streq(made.id, "vn-26-2013-tt-byt") ? USE_PRACTICE : USE_ILLUSTRATION);
	}
	assert_int_equal(count, 2);
	assert_fine(read_changed(NULL, 0));
}

static void a_wrong_file_is_refused_where_it_is_wrong(void **state)
{
	static const struct bad_file cases[] = {
		/* the head */
		{ "/format", "'giothong-eligibility/2'", "/format", "invalid_value" },
		{ "/format", NULL, "/format", "required" },
		{ "/id", "'Đây'", "/id", "invalid_value" },
		{ "/use", "'maybe'", "/use", "invalid_value" },
		{ "/valid_from", "'2013-13-01'", "/valid_from", "invalid_date" },
		{ "/valid_from", "null", "/valid_from", "required" },
		{ "/valid_to", "'2013-11-14'", "/valid_to", "out_of_range" },
		{ "/title/vi", NULL, "/title/vi", "required" },
		{ "/title/fr", "'x'", "/title/fr", "unknown_field" },
		{ "/colour", "1", "/colour", "unknown_field" },
		{ "/final_word/article", NULL, "/final_word/article", "required" },
		{ "/deferrals", NULL, "/deferrals", "required" },
		{ "/deferrals", "{}", "/deferrals", "wrong_type" },
		{ "/sources/1/id", "'s1'", "/sources/1/id", "duplicate" },
		/* what every rule has */
		{ "/limits/3/article", NULL, "/limits/3/article", "required" },
		{ "/limits/3/evidence", "'sure'", "/limits/3/evidence", "invalid_value" },
		{ "/limits/3/evidence", NULL, "/limits/3/evidence", "required" },
		{ "/limits/3/sources/-", "'s99'", "/limits/3/sources/1", "unknown_source" },
		{ "/limits/3/valid_from", "'2013-11-14'", "/limits/3/valid_from", "out_of_range" },
		{ "/limits/3/valid_to", "'2013-11-14'", "/limits/3/valid_to", "out_of_range" },
		{ "/limits/3/components", "['whole_blood', 'bone']", "/limits/3/components/1", "invalid_value" },
		{ "/limits/3/components", "['plasma', 'plasma']", "/limits/3/components/1", "duplicate" },
		{ "/limits/3/components", "'some'", "/limits/3/components", "invalid_value" },
		{ "/limits/3/components", "[]", "/limits/3/components", "required" },
		{ "/limits/3/sex", "'F'", "/limits/3/sex", "invalid_value" },
		{ "/limits/3/first_time", "'yes'", "/limits/3/first_time", "wrong_type" },
		{ "/limits/3/rule", "'diastolic'", "/limits/4", "duplicate" },
		{ "/limits/3/note", "{'en': 'x'}", "/limits/3/note/vi", "required" },
		{ "/limits/3/rule", "'final_word'", "/limits/3", "duplicate" },
		{ "/limits/3", "7", "/limits/3", "wrong_type" },
		/* limits */
		{ "/limits/3/fact", "'temperature'", "/limits/3/fact", "invalid_value" },
		{ "/limits/3/under", "'160'", "/limits/3/under", "wrong_type" },
		{ "/limits/3/under", "-1", "/limits/3/under", "out_of_range" },
		{ "/limits/3/under", "160.0001", "/limits/3/under", "too_precise" },
		{ "/limits/3/under", "90", "/limits/3", "out_of_range" },
		{ "/limits/3/under", "100", "/limits/3", "out_of_range" },
		{ "/limits/3/over", "90", "/limits/3/over", "contradiction" },
		{ "/limits/0/at_least", NULL, "/limits/0", "required" },
		{ "/limits/6/must_be", NULL, "/limits/6/must_be", "required" },
		{ "/limits/8/when_volume_ml", "{'over': 350, 'at_most': 350}", "/limits/8/when_volume_ml", "out_of_range" },
		{ "/limits/9/max_age/unit", "'moon'", "/limits/9/max_age/unit", "invalid_value" },
		{ "/limits/7/max_age", "{'value': 1, 'unit': 'month'}", "/limits/7/max_age", "unknown_field" },
		{ "/limits/-", "{'rule': 'x', 'article': '1', 'evidence': 'seen', 'components': 'all', 'fact': 'pulse_bpm', 'under': 60}",
		  "/limits/11", "contradiction" },
		/* ages, bands */
		{ "/ages/0/to_years", "17", "/ages/0/to_years", "out_of_range" },
		{ "/ages/0/from_years", "18.5", "/ages/0/from_years", "wrong_type" },
		{ "/ages/-", "{'rule': 'x', 'article': '1', 'evidence': 'seen', 'components': ['plasma'], 'from_years': 61}", "/ages/1",
		  "contradiction" },
		{ "/bands/0/weight_kg/under", "46", "/bands/1/weight_kg", "overlap" },
		{ "/bands/0/weight_kg", "{'at_least': 42, 'at_most': 45}", "/bands/1/weight_kg", "overlap" },
		{ "/bands/0/weight_kg/under", "44", "/bands/0/weight_kg", "gap" },
		{ "/bands/2/weight_kg", "{'at_least': 50, 'under': 59.999}", "/bands/2/weight_kg", "gap" },
		{ "/bands/0/weight_kg", "{'at_least': 45, 'under': 42}", "/bands/0/weight_kg", "out_of_range" },
		{ "/bands/0/max_ml", NULL, "/bands/0/max_ml", "required" },
		{ "/bands/0/max_ml", "0", "/bands/0/max_ml", "out_of_range" },
		{ "/bands/0/weight_kg", "{}", "/bands/0/weight_kg", "required" },
		/* conditions, deferrals, occupations */
		{ "/conditions/0/lasts", "'a while'", "/conditions/0/lasts", "invalid_value" },
		{ "/conditions/1/code", "'organ_history'", "/conditions/2", "duplicate" },
		{ "/conditions/1/code", "'malaria'", "/conditions/1/code", "duplicate" },
		{ "/deferrals/1/code", "'syphilis'", "/deferrals/2", "duplicate" },
		{ "/guidance/0/code", "'malaria'", "/guidance/0", "duplicate" },
		{ "/deferrals/1/wait", NULL, "/deferrals/1/wait", "required" },
		{ "/deferrals/1/wait/value", "0", "/deferrals/1/wait/value", "out_of_range" },
		{ "/deferrals/1/wait/days", "3", "/deferrals/1/wait/days", "unknown_field" },
		{ "/deferrals/1/counted_from", "'birth'", "/deferrals/1/counted_from", "invalid_value" },
		{ "/deferrals/1/text/vi", "''", "/deferrals/1/text/vi", "required" },
		{ "/occupations/0/wait/unit", "null", "/occupations/0/wait/unit", "required" },
		/* intervals */
		{ "/waits/0/after", "['blood']", "/waits/0/after/0", "invalid_value" },
		{ "/waits/0/counts_from", "'first'", "/waits/0/counts_from", "invalid_value" },
		{ "/waits/1/after", "['plasma', 'red_cells']", "/waits/1", "duplicate" },
		{ "/waits/0/after_volume_ml", "{'over': 2, 'under': 2}", "/waits/0/after_volume_ml", "out_of_range" },
		{ "/counts/0/at_most", "0", "/counts/0/at_most", "out_of_range" },
		{ "/counts/0/in", "'7 days'", "/counts/0/in", "wrong_type" },
		{ "/totals/-", "{'rule': 't', 'article': '1', 'evidence': 'seen', 'components': 'all', 'of': 'all', 'in': {'value': 1, 'unit': 'day'}}",
		  "/totals/0/at_most_ml", "required" },
		/* parameters */
		{ "/parameters/0", NULL, "/parameters", "required" },
		{ "/parameters/0/name", "'luck'", "/parameters/0/name", "invalid_value" },
		{ "/parameters/0/name", "'month_counting'", "/parameters/2/name", "duplicate" },
		{ "/parameters/0/value", "2", "/parameters/0/value", "invalid_value" },
		{ "/parameters/3/value", "'eve'", "/parameters/3/value", "invalid_value" },
		{ "/parameters/3/value", "0", "/parameters/3/value", "invalid_value" },
		{ "/parameters/3/question", NULL, "/parameters/3/question", "required" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (read_changed(&cases[i], 1))
			fail_msg("%s = %s is taken", cases[i].at, cases[i].value ? cases[i].value : "nothing");
		if (!fault_at(cases[i].pointer))
			print_message("%s = %s\n", cases[i].at, cases[i].value ? cases[i].value : "nothing");
		assert_fault(cases[i].pointer, cases[i].code);
	}
}

static void no_rule_outlives_its_set(void **state)
{
	static const struct bad_file changes[] = {
		{ "/valid_to", "'2026-12-31'", NULL, NULL }, { "/limits/3/valid_to", "'2027-01-01'", NULL, NULL },
	};

	(void)state;
	assert_false(read_changed(changes, ARRAY_SIZE(changes)));
	assert_fault("/limits/3/valid_to", "out_of_range");
}

static void what_is_no_file_is_refused(void **state)
{
	static const char *const texts[] = { "", "[]", "{", "{\"format\": 1, \"format\": 2}", "\xff" };
	struct eligibility_rules made;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		error_clear(&err);
		assert_false(eligibility_rules_read(texts[i], strlen(texts[i]), &arena, &made, &err));
		assert_int_equal(err.code, ERR_MALFORMED);
	}
	error_clear(&err);
	assert_false(eligibility_rules_read("{}", 2, &arena, &made, &err));
	assert_fault("/format", "required");
}

/* Changes that are right: rules that follow each other, or are for others. */
static void what_does_not_contradict_is_taken(void **state)
{
	static const struct bad_file ended[] = {
		{ "/bands/1/valid_to", "'2025-12-31'", NULL, NULL },
		{ "/bands/-", "{'rule': 'new', 'article': '1', 'evidence': 'seen', 'components': ['whole_blood'], 'valid_from': '2026-01-01',"
		  " 'weight_kg': {'at_least': 45}, 'max_ml': 450}", NULL, NULL },
	};
	static const struct bad_file by_volume[] = {
		{ "/waits/0/after_volume_ml", "{'at_most': 350}", NULL, NULL },
		{ "/waits/-", "{'rule': 'long', 'article': '1', 'evidence': 'seen', 'components': 'all', 'after': ['whole_blood'],"
		  " 'counts_from': 'last_donation', 'after_volume_ml': {'over': 350}, 'wait': {'value': 16, 'unit': 'week'}}", NULL, NULL },
	};
	static const struct bad_file texts[] = {
		{ "/parameters/0/value", "'1'", NULL, NULL }, { "/limits/3/doctor_may_allow", "true", NULL, NULL },
		{ "/waits/0/components", "['plasma']", NULL, NULL }, { "/totals", "[]", NULL, NULL },
	};

	static const struct bad_file abolished[] = {
		{ "/bands/1/valid_to", "'2025-12-31'", NULL, NULL }, { "/waits/0/valid_to", "'2025-12-31'", NULL, NULL },
		{ "/valid_to", "'2026-12-31'", NULL, NULL }, { "/ages/0/valid_to", "'2026-12-31'", NULL, NULL },
	};
	static const struct bad_file for_a_while[] = {           /* another limit of the same is always there */
		{ "/limits/-", "{'rule': 'a', 'article': '1', 'evidence': 'seen', 'components': 'all', 'fact': 'pulse_bpm', 'under': 85,"
		  " 'valid_to': '2020-12-31'}", NULL, NULL },
		{ "/limits/-", "{'rule': 'b', 'article': '1', 'evidence': 'seen', 'components': 'all', 'fact': 'pulse_bpm', 'under': 85,"
		  " 'valid_from': '2024-01-01'}", NULL, NULL },
	};

	(void)state;
	assert_fine(read_changed(ended, ARRAY_SIZE(ended)));
	assert_fine(read_changed(abolished, ARRAY_SIZE(abolished)));
	assert_fine(read_changed(for_a_while, ARRAY_SIZE(for_a_while)));
	assert_fine(read_changed(by_volume, ARRAY_SIZE(by_volume)));
	assert_fine(read_changed(texts, ARRAY_SIZE(texts)));
}

/* One rule ends on 31 December 2025, and one that takes its place begins on a day. */
static void days_without_a_rule_are_a_fault(void **state)
{
	static const struct {
		const char *ends, *at, *follows, *pointer;
	} cases[] = {
		{ "/ages/0", "/ages/-", "'rule': 'n', 'components': 'all', 'from_years': 18, 'to_years': 65", "/ages/1/valid_from" },
		{ "/limits/7", "/limits/-", "'rule': 'n', 'components': ['plasma'], 'fact': 'hemoglobin_g_l', 'at_least': 125",
		  "/limits/11/valid_from" },
		{ "/limits/8", "/limits/-", "'rule': 'n', 'components': 'all', 'fact': 'hemoglobin_g_l', 'at_least': 130,"
		  " 'when_volume_ml': {'over': 400}", "/limits/11/valid_from" },
		{ "/bands/1", "/bands/-", "'rule': 'n', 'components': ['whole_blood'], 'weight_kg': {'at_least': 45}, 'max_ml': 450",
		  "/bands/4/valid_from" },
		{ "/waits/2", "/waits/-", "'rule': 'n', 'components': ['whole_blood'], 'after': ['whole_blood'],"
		  " 'counts_from': 'last_of_these', 'wait': {'value': 16, 'unit': 'week'}", "/waits/4/valid_from" },
		{ "/counts/1", "/counts/-", "'rule': 'n', 'components': ['stem_cells'], 'of': ['stem_cells'],"
		  " 'counts_from': 'last_of_these', 'at_most': 2, 'in': {'value': 7, 'unit': 'day'}", "/counts/2/valid_from" },
		{ "/totals/0", "/totals/-", "'rule': 'n', 'components': 'all', 'of': 'all', 'at_most_ml': 1000,"
		  " 'in': {'value': 1, 'unit': 'month'}", "/totals/1/valid_from" },
	};
	static const struct {
		const char *from;
		bool        late;
	} days[] = { { "2026-01-02", true }, { "2026-10-01", true }, { "2026-01-01", false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases) * ARRAY_SIZE(days); i++) {
		size_t which = i / ARRAY_SIZE(days), day = i % ARRAY_SIZE(days);
		struct bad_file changes[] = {
			{ .at = "/totals/-", .value = "{'rule': 'o', 'article': '1', 'evidence': 'seen', 'components': 'all', 'of': 'all',"
						      " 'at_most_ml': 900, 'in': {'value': 1, 'unit': 'month'}}" },
			{ .at = arena_printf(&arena, "%s/valid_to", cases[which].ends), .value = "'2025-12-31'" },
			{ .at = cases[which].at, .value = arena_printf(&arena, "{%s, 'article': '1', 'evidence': 'seen', 'valid_from': '%s'}",
								       cases[which].follows, days[day].from) },
		};
		bool taken = read_changed(changes, ARRAY_SIZE(changes));

		if (days[day].late)
			assert_fault(cases[which].pointer, "gap");
		else
			assert_fine(taken);
	}
}

/* What a doctor reads of a rule has every number of it. */
static void sentences_have_the_numbers(void **state)
{
	struct buf buf = { 0 };

	(void)state;
	load_rules("vn-26-2013-tt-byt.json");
	eligibility_rule_text(&buf, &rules.limits[8].rule, LANGUAGE_EN);
	assert_string_equal(buf.data, "whole blood: Haemoglobin must be at least 125 g/l for over 350 ml.");
	buf_reset(&buf);
	eligibility_rule_text(&buf, &rules.bands[1].rule, LANGUAGE_VI);
	assert_string_equal(buf.data, "máu toàn phần: từ 45 kg trở lên: không quá 9 ml/kg và không quá 500 ml.");
	buf_reset(&buf);
	eligibility_rule_text(&buf, &rules.waits[0].rule, LANGUAGE_EN);
	assert_string_equal(buf.data, "After whole blood or red cells (if given last): wait 12 weeks before any component.");
	buf_reset(&buf);
	eligibility_rule_text(&buf, &eligibility_deferral(&rules, "tattoo")->rule, LANGUAGE_VI);
	assert_string_equal(buf.data, "Xăm trổ trên da: 6 tháng kể từ sự kiện.");
	buf_release(&buf);
	arena_release(&rules_arena);
}

/* ---- the illustration: what the format can say beside ---- */

static const char plasma_donor[] =
	"{'on': '2026-03-01', 'component': 'plasma', 'birth_date': '1990-06-15', 'sex': 'female', 'weight_kg': 60,"
	" 'donations': [], 'deferrals': [], 'screening': {'hemoglobin_g_l': 130}}";

static void another_law_in_the_same_format(void **state)
{
	static const struct eligibility_case cases[] = {
		{ "by sex: women 125", "{'screening': {'hemoglobin_g_l': 125}}", "fit 2400 ml" },
		{ "by sex: men 135", "{'sex': 'male', 'screening': {'hemoglobin_g_l': 134}}", "hemoglobin_too_low" },
		{ "sex not known, between the two", "{'sex': null}", "fit 2400 ml ? sex" },
		{ "sex not known, below both", "{'sex': null, 'screening': {'hemoglobin_g_l': 124}}", "hemoglobin_too_low" },
		{ "sex not known, above both", "{'sex': null, 'screening': {'hemoglobin_g_l': 135}}", "fit 2400 ml" },
		{ "first donation: an upper age", "{'birth_date': '1958-01-01'}", "too_old" },
		{ "not the first: none", "{'birth_date': '1958-01-01', 'donations': [{'on': '2024-01-01', 'component': 'plasma'}]}",
		  "fit 2400 ml" },
		{ "not known whether the first", "{'birth_date': '1958-01-01', 'donations': null}",
		  "fit 2400 ml ? donations" },
		{ "a pair: whole blood, then plasma, day 27", "{'donations': [{'on': '2026-02-02', 'component': 'whole_blood'}]}",
		  "too_soon until 2026-03-02" },
		{ "a pair: whole blood, then plasma, day 28", "{'donations': [{'on': '2026-02-01', 'component': 'whole_blood'}]}",
		  "fit 2400 ml" },
		{ "hours are whole days: one day after", "{'component': 'granulocytes', 'donations': [{'on': '2026-02-28',"
		  " 'component': 'granulocytes'}]}", "too_soon until 2026-03-02" },
		{ "hours are whole days: two days after", "{'component': 'granulocytes', 'donations': [{'on': '2026-02-27',"
		  " 'component': 'granulocytes'}]}", "fit" },
		{ "volume of the last: two units", "{'component': 'red_cells', 'donations': [{'on': '2025-10-01', 'component': 'red_cells',"
		  " 'volume_ml': 400}]}", "too_soon until 2026-04-01" },
		{ "volume of the last: one", "{'component': 'red_cells', 'donations': [{'on': '2025-10-01', 'component': 'red_cells',"
		  " 'volume_ml': 300}]}", "fit" },
		{ "volume of the last: not known", "{'component': 'red_cells', 'donations': [{'on': '2025-10-01', 'component': 'red_cells'}]}",
		  "fit ? donations.volume_ml" },
		{ "count by sex: women three in 12 months", "{'component': 'whole_blood', 'donations': [{'on': '2025-03-02',"
		  " 'component': 'whole_blood'}, {'on': '2025-06-02', 'component': 'whole_blood'}, {'on': '2025-09-02',"
		  " 'component': 'whole_blood'}]}", "too_often until 2026-03-02" },
		{ "count by sex: men four", "{'component': 'whole_blood', 'sex': 'male', 'screening': {'hemoglobin_g_l': 140},"
		  " 'donations': [{'on': '2025-03-02', 'component': 'whole_blood'}, {'on': '2025-06-02', 'component': 'whole_blood'},"
		  " {'on': '2025-09-02', 'component': 'whole_blood'}]}", "fit 500 ml" },
		{ "count, sex not known", "{'component': 'whole_blood', 'sex': null, 'screening': {'hemoglobin_g_l': 140},"
		  " 'donations': [{'on': '2025-03-02', 'component': 'whole_blood'}, {'on': '2025-06-02', 'component': 'whole_blood'},"
		  " {'on': '2025-09-02', 'component': 'whole_blood'}]}", "fit 500 ml ? sex" },
		{ "total in a month: what is left", "{'donations': [{'on': '2026-02-10', 'component': 'plasma', 'volume_ml': 800},"
		  " {'on': '2026-02-20', 'component': 'plasma', 'volume_ml': 800}]}", "fit 800 ml" },
		{ "total in a month: too much", "{'volume_ml': 801, 'donations': [{'on': '2026-02-10', 'component': 'plasma',"
		  " 'volume_ml': 800}, {'on': '2026-02-20', 'component': 'plasma', 'volume_ml': 800}]}", "too_much until 2026-03-10" },
		{ "total in a month: the first has left", "{'on': '2026-03-10', 'volume_ml': 801, 'donations': [{'on': '2026-02-10',"
		  " 'component': 'plasma', 'volume_ml': 800}, {'on': '2026-02-20', 'component': 'plasma', 'volume_ml': 800}]}",
		  "fit 1600 ml" },
		{ "more than any month allows", "{'volume_ml': 2401}", "too_much" },
		{ "more than any month allows, and something given", "{'volume_ml': 2401, 'donations': [{'on': '2026-02-10',"
		  " 'component': 'plasma', 'volume_ml': 800}]}", "too_much" },
		{ "the wait of double red cells hides nothing, sex not known",
		  "{'sex': null, 'component': 'whole_blood', 'screening': {'hemoglobin_g_l': 140}, 'donations': [{'on': '2026-02-01',"
		  " 'component': 'whole_blood'}, {'on': '2026-01-20', 'component': 'red_cells', 'volume_ml': 400}]}",
		  "too_soon until 2026-04-26; too_soon until 2026-07-21" },
	};

	(void)state;
	load_rules("uk-jpac.json");
	CHECK_CASES(plasma_donor, cases);
	arena_release(&rules_arena);
}

/* Women wait longer than men, as some laws have it. */
static void a_wait_by_sex(void **state)
{
	static const struct eligibility_case cases[] = {
		{ "women", "{}", "too_soon until 2026-04-23" },
		{ "men", "{'sex': 'male'}", "too_soon until 2026-03-26" },
		{ "not known: as long as for both", "{'sex': null}", "too_soon until 2026-03-26 ? sex" },
		{ "not known, men may", "{'sex': null, 'on': '2026-03-26'}", "fit ? sex" },
		{ "not known, both may", "{'sex': null, 'on': '2026-04-23'}", "fit" },
	};
	static const char donor[] = "{'on': '2026-03-01', 'component': 'stem_cells', 'birth_date': '1990-06-15', 'sex': 'female',"
				    " 'weight_kg': 60, 'donations': [{'on': '2026-01-01', 'component': 'stem_cells'}],"
				    " 'deferrals': [], 'screening': {'hemoglobin_g_l': 140}}";
	const enum donor_sex sexes[] = { DONOR_FEMALE, DONOR_MALE };

	(void)state;
	for (int turned = 0; turned <= 1; turned++) {    /* then men wait longer: the same for who is not known */
		load_rules("uk-jpac.json");
		for (int i = 0; i < 2; i++) {
			struct wait_rule *wait = &rules.waits[i];

			wait->rule.sex = sexes[i];
			wait->rule.components = wait->after = 1u << COMPONENT_STEM_CELLS;
			wait->wait = (struct span){ i == turned ? 16 : 12, SPAN_WEEK };
		}
		check_cases(donor, cases + 2 * turned, ARRAY_SIZE(cases) - 2 * (size_t)turned);
		arena_release(&rules_arena);
	}
}

static void a_rule_has_its_dates(void **state)
{
	static const struct eligibility_case cases[] = {
		{ "before it begins", "{'on': '2025-12-31', 'weight_kg': 49}", "fit" },
		{ "on its first day", "{'on': '2026-01-01', 'weight_kg': 49}", "weight_too_low until 2026-07-01" },
		{ "on its last day", "{'on': '2026-06-30', 'weight_kg': 49}", "weight_too_low until 2026-07-01" },
		{ "after it", "{'on': '2026-07-01', 'weight_kg': 49}", "fit" },
	};
	static const char donor[] = "{'component': 'stem_cells', 'birth_date': '1990-06-15', 'sex': 'female', 'donations': [],"
				    " 'deferrals': [], 'screening': {'hemoglobin_g_l': 130}}";

	(void)state;
	load_rules("uk-jpac.json");
	for (size_t i = 0; i < rules.nlimits; i++)
		if (rules.limits[i].measure == MEASURE_WEIGHT) {
			rules.limits[i].rule.valid_from = date_make(2026, 1, 1);
			rules.limits[i].rule.valid_to = date_make(2026, 6, 30);
		}
	CHECK_CASES(donor, cases);
	arena_release(&rules_arena);
}

static void end_all_rules(struct date last)
{
	for (size_t i = 0; i < rules.nwaits; i++)
		rules.waits[i].rule.valid_to = last;
	for (size_t i = 0; i < rules.ndeferrals; i++)
		rules.deferrals[i].rule.valid_to = last;
}

/* "9999-12-31" is how some write "for ever". */
static void the_last_day_of_the_calendar_ends_nothing(void **state)
{
	static const struct eligibility_case cases[] = {
		{ "a wait", "{'donations': [{'on': '2026-02-01', 'component': 'whole_blood'}]}", "too_soon until 2026-04-26" },
		{ "a deferral", "{'deferrals': [{'code': 'tattoo', 'from': '2026-01-01'}]}", "tattoo until 2026-05-01" },
	};
	static const char donor[] = "{'on': '2026-03-01', 'component': 'whole_blood', 'birth_date': '1990-06-15', 'sex': 'female',"
				    " 'weight_kg': 60, 'donations': [], 'deferrals': [], 'screening': {'hemoglobin_g_l': 130}}";

	(void)state;
	load_rules("uk-jpac.json");
	end_all_rules(date_make(9999, 12, 31));
	CHECK_CASES(donor, cases);
	arena_release(&rules_arena);
}

/* A rule that ends takes its own waits along, and none that a doctor decided. */
static void what_was_decided_outlives_the_rule(void **state)
{
	static const struct {
		struct eligibility_deferral deferral;
		const char                 *want;
	} cases[] = {
		{ { .code = "tattoo", .from = { 2026, 1, 1 } }, "tattoo until 2026-04-01" },
		{ { .code = "tattoo" }, "tattoo until 2026-04-01" },
		{ { .code = "tattoo", .until = { 2026, 9, 1 } }, "tattoo until 2026-09-01" },
		{ { .code = "tattoo", .permanent = true }, "tattoo" },
	};
	struct eligibility_facts facts;
	struct verdict verdict;

	(void)state;
	load_rules("uk-jpac.json");
	end_all_rules(date_make(2026, 3, 31));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_true(read_facts(plasma_donor, "{}", &facts));
		facts.deferrals = &cases[i].deferral;
		facts.ndeferrals = 1;
		eligibility_check(&rules, &facts, &arena, &verdict);
		assert_string_equal(verdict_line(&verdict), cases[i].want);
	}
	arena_release(&rules_arena);
}

/* Lists go by the rules of today, and are counted again on the day on which a rule begins or has ended. */
static void lists_follow_the_dates_of_rules(void **state)
{
	static const struct eligibility_deferral tattoo = { .code = "tattoo", .from = { 2026, 1, 1 } };
	struct rule *rule;
	struct eligibility_facts facts;
	struct eligibility_next next;
	struct rule_changes changes;

	(void)state;
	load_rules("uk-jpac.json");
	rule = &rules.deferrals[0].rule;
	rule->valid_from = date_make(2026, 2, 1);
	rule->valid_to = date_make(2026, 3, 31);
	eligibility_facts_init(&facts);
	facts.deferrals = &tattoo;
	facts.ndeferrals = 1;
	facts.donations_known = true;
	facts.on = date_make(2026, 1, 31);
	eligibility_next(&rules, &facts, COMPONENT_PLASMA, &arena, &next);
	assert_true(date_is_none(next.on) && !next.never);
	facts.on = date_make(2026, 2, 1);
	eligibility_next(&rules, &facts, COMPONENT_PLASMA, &arena, &next);
	assert_int_equal(date_compare(next.on, date_make(2026, 4, 1)), 0);
	facts.on = date_make(2026, 4, 1);
	eligibility_next(&rules, &facts, COMPONENT_PLASMA, &arena, &next);
	assert_true(date_is_none(next.on) && !next.never);
	changes = eligibility_rule_changes(&rules, date_make(2026, 1, 31));
	assert_int_equal(date_compare(changes.last, rules.valid_from), 0);
	assert_int_equal(date_compare(changes.next, date_make(2026, 2, 1)), 0);
	changes = eligibility_rule_changes(&rules, date_make(2026, 2, 1));
	assert_int_equal(date_compare(changes.last, date_make(2026, 2, 1)), 0);
	assert_int_equal(date_compare(changes.next, date_make(2026, 4, 1)), 0);
	changes = eligibility_rule_changes(&rules, date_make(2026, 4, 1));
	assert_int_equal(date_compare(changes.last, date_make(2026, 4, 1)), 0);
	assert_true(date_is_none(changes.next));
	arena_release(&rules_arena);
}

/* Two rules for women and one for all, where the sex is not known: what is told of it is told once. */
static void one_reason_of_a_rule(void **state)
{
	static const struct eligibility_case cases[] = {
		{ "not known", "{'sex': null}", "too_soon until 2026-03-26 ? sex" },
		{ "a man", "{'sex': 'male'}", "too_soon until 2026-03-26" },
	};
	static const char donor[] = "{'on': '2026-03-01', 'component': 'stem_cells', 'birth_date': '1990-06-15', 'sex': 'female',"
				    " 'weight_kg': 60, 'donations': [{'on': '2026-01-01', 'component': 'stem_cells'}],"
				    " 'deferrals': [], 'screening': {'hemoglobin_g_l': 140}}";

	(void)state;
	load_rules("uk-jpac.json");
	for (int i = 0; i < 3; i++) {
		struct wait_rule *wait = &rules.waits[i];

		wait->rule.sex = i == 0 ? DONOR_SEX_UNKNOWN : DONOR_FEMALE;
		wait->rule.components = wait->after = 1u << COMPONENT_STEM_CELLS;
		wait->after_volume = (struct range){ 0 };
		wait->wait = (struct span){ 12 + 2 * i, SPAN_WEEK };
	}
	CHECK_CASES(donor, cases);
	arena_release(&rules_arena);
}

/* "At least 350.5 ml" says nothing of 350 ml. */
static void a_limit_between_two_millilitres(void **state)
{
	static const struct {
		int32_t low;
		bool    open;
		int     most;
	} cases[] = { { 350000, true, 350 }, { 350000, false, 349 }, { 350500, false, 350 }, { 350500, true, 350 } };
	struct eligibility_facts facts;
	struct verdict verdict;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		load_rules("vn-26-2013-tt-byt.json");
		rules.limits[8].volume.low = cases[i].low;
		rules.limits[8].volume.low_open = cases[i].open;
		assert_true(read_facts("{'on': '2026-03-01', 'component': 'whole_blood', 'weight_kg': 60, 'sex': 'male',"
				       " 'screening': {'hemoglobin_g_l': 121}}", "{}", &facts));
		eligibility_check(&rules, &facts, &arena, &verdict);
		assert_int_equal(verdict.max_volume_ml, cases[i].most);
		arena_release(&rules_arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_files_of_the_program_are_right),
		TEST(a_wrong_file_is_refused_where_it_is_wrong),
		TEST(no_rule_outlives_its_set),
		TEST(what_is_no_file_is_refused),
		TEST(what_does_not_contradict_is_taken),
		TEST(days_without_a_rule_are_a_fault),
		TEST(sentences_have_the_numbers),
		TEST(another_law_in_the_same_format),
		TEST(a_wait_by_sex),
		TEST(a_rule_has_its_dates),
		TEST(the_last_day_of_the_calendar_ends_nothing),
		TEST(what_was_decided_outlives_the_rule),
		TEST(lists_follow_the_dates_of_rules),
		TEST(one_reason_of_a_rule),
		TEST(a_limit_between_two_millilitres),
	};

	return cmocka_run_group_tests(tests, load_right, free_right);
}
