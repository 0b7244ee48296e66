#include "wire/eligibility_wire.h"

#include "wire/eligibility_cases.h"

/*
 * Circular 26/2013/TT-BYT, Articles 4 to 6, rule by rule on both sides of each
 * limit. The rules are those of config/eligibility/vn-26-2013-tt-byt.json.
 */
static const char blood_donor[] =
	"{'on': '2026-03-01', 'component': 'whole_blood', 'volume_ml': 350, 'birth_date': '1990-06-15', 'sex': 'female',"
	" 'weight_kg': 60, 'donations': [], 'deferrals': [], 'conditions': [], 'screening': {'systolic_mmhg': 120,"
	" 'diastolic_mmhg': 80, 'pulse_bpm': 72, 'pulse_regular': true, 'hemoglobin_g_l': 130}}";

static const char apheresis_donor[] =
	"{'on': '2026-03-01', 'component': 'plasma', 'volume_ml': 450, 'birth_date': '1990-06-15', 'sex': 'male',"
	" 'weight_kg': 70, 'donations': [], 'deferrals': [], 'conditions': [], 'screening': {'systolic_mmhg': 120,"
	" 'diastolic_mmhg': 80, 'pulse_bpm': 72, 'pulse_regular': true, 'hemoglobin_g_l': 130, 'protein_g_l': 70,"
	" 'protein_on': '2026-02-20', 'platelets_10e9_l': 250}}";

static int setup_vn(void **state)
{
	(void)state;
	load_rules("vn-26-2013-tt-byt.json");
	return 0;
}

/* ---- 4(1) ---- */

static void article_4_1_age(void **state)
{
	static const struct eligibility_case cases[] = {
		{ "4(1) on the 18th birthday", "{'birth_date': '2008-03-01'}", "fit 500 ml" },
		{ "4(1) on the day before the 18th birthday", "{'birth_date': '2008-03-02'}", "too_young until 2026-03-02" },
		{ "4(1) on the eve of the 61st birthday", "{'birth_date': '1965-03-02'}", "fit 500 ml" },
		{ "4(1) on the 61st birthday", "{'birth_date': '1965-03-01'}", "too_old" },
		{ "4(1) born on 29 February, on 28 February of the 18th year", "{'on': '2026-02-28', 'birth_date': '2008-02-29', 'screening': {'protein_on': null}}", "fit 500 ml" },
		{ "4(1) born on 29 February, on 27 February of the 18th year", "{'on': '2026-02-27', 'birth_date': '2008-02-29'}", "too_young until 2026-02-28" },
		{ "4(1) born on 29 February 1964, 27 February 2025", "{'on': '2025-02-27', 'birth_date': '1964-02-29'}", "fit 500 ml" },
		{ "4(1) born on 29 February 1964, 28 February 2025", "{'on': '2025-02-28', 'birth_date': '1964-02-29'}", "too_old" },
		{ "4(1) birth date not known", "{'birth_date': null}", "fit 500 ml ? birth_date" },
		{ "4(1) the 60th year ends while a wait runs: never",
		  "{'birth_date': '1965-03-11', 'donations': [{'on': '2026-02-01', 'component': 'whole_blood'}]}",
		  "too_soon until 2026-04-26 earliest never" },
		{ "4(1) the wait ends on the last day of the age",
		  "{'birth_date': '1965-04-27', 'donations': [{'on': '2026-02-01', 'component': 'whole_blood'}]}",
		  "too_soon until 2026-04-26" },
	};

	(void)state;
	CHECK_CASES(blood_donor, cases);
}

static void article_4_1_by_the_year_alone(void **state)
{
	static const struct {
		int         year;
		struct date on;
		const char *want;
	} cases[] = {
		{ 2008, { 2025, 12, 31 }, "too_young until 2026-01-01" },
		{ 2008, { 2026, 1, 1 }, "fit 500 ml ? birth_date" },
		{ 2008, { 2026, 12, 30 }, "fit 500 ml ? birth_date" },
		{ 2008, { 2026, 12, 31 }, "fit 500 ml" },
		{ 1965, { 2025, 12, 31 }, "fit 500 ml" },
		{ 1965, { 2026, 1, 1 }, "fit 500 ml ? birth_date" },
		{ 1965, { 2026, 12, 30 }, "fit 500 ml ? birth_date" },
		{ 1965, { 2026, 12, 31 }, "too_old" },
	};
	struct eligibility_facts facts;
	struct verdict verdict;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_true(read_facts(blood_donor, "{'birth_date': null}", &facts));
		facts.birth_year = cases[i].year;
		facts.on = cases[i].on;
		eligibility_check(&rules, &facts, &arena, &verdict);
		assert_string_equal(verdict_line(&verdict), cases[i].want);
	}
}

/* ---- 4(2)(a), (b) ---- */

static void article_4_2_a_whole_blood(void **state)
{
	static const struct eligibility_case cases[] = {
		{ "4(2)(a) a woman of 42 kg, 250 ml", "{'weight_kg': 42, 'volume_ml': 250}", "fit 250 ml" },
		{ "4(2)(a) a woman under 42 kg", "{'weight_kg': 41.999, 'volume_ml': 250}", "weight_too_low" },
		{ "4(2)(a) a woman under 45 kg, 251 ml", "{'weight_kg': 44.999, 'volume_ml': 251}", "volume_too_large" },
		{ "4(2)(a) a woman under 45 kg, 250 ml", "{'weight_kg': 44.999, 'volume_ml': 250}", "fit 250 ml" },
		{ "4(2)(a) a woman of 45 kg: 9 ml per kg", "{'weight_kg': 45, 'volume_ml': 405}", "fit 405 ml" },
		{ "4(2)(a) a woman of 45 kg, 406 ml", "{'weight_kg': 45, 'volume_ml': 406}", "volume_too_large" },
		{ "4(2)(a) a man of 45 kg", "{'sex': 'male', 'weight_kg': 45}", "fit 405 ml" },
		{ "4(2)(a) a man under 45 kg", "{'sex': 'male', 'weight_kg': 44.999, 'volume_ml': 250}", "weight_too_low" },
		{ "4(2)(a) half kilograms: rounded down", "{'weight_kg': 45.5, 'volume_ml': 409}", "fit 409 ml" },
		{ "4(2)(a) half kilograms, one more", "{'weight_kg': 45.5, 'volume_ml': 410}", "volume_too_large" },
		{ "4(2)(a) 50 kg: 450 ml", "{'weight_kg': 50, 'volume_ml': 450}", "fit 450 ml" },
		{ "4(2)(a) under 50 kg: not 450 ml", "{'weight_kg': 49.999, 'volume_ml': 450}", "volume_too_large" },
		{ "4(2)(a) at most 500 ml", "{'weight_kg': 90, 'volume_ml': 500}", "fit 500 ml" },
		{ "4(2)(a) more than 500 ml", "{'weight_kg': 90, 'volume_ml': 501}", "volume_too_large" },
		{ "4(2)(a) 43 kg, sex not known", "{'sex': null, 'weight_kg': 43, 'volume_ml': 250}", "fit 250 ml ? sex" },
		{ "4(2)(a) 41 kg: too little for both", "{'sex': null, 'weight_kg': 41, 'volume_ml': 250}", "weight_too_low" },
		{ "4(2)(a) 60 kg: the sex does not matter", "{'sex': null}", "fit 500 ml" },
		{ "4(2)(a) weight not known", "{'weight_kg': null}", "fit ? weight_kg" },
		{ "4(2)(a) weight and sex not known", "{'weight_kg': null, 'sex': null}", "fit ? sex weight_kg" },
		{ "4(2)(a) weight not known, a volume for nobody", "{'weight_kg': null, 'volume_ml': 501}",
		  "volume_too_large ? weight_kg" },
		{ "4(2)(a) no volume said", "{'volume_ml': null, 'weight_kg': 42}", "fit 250 ml" },
	};

	(void)state;
	CHECK_CASES(blood_donor, cases);
}

static void article_4_2_b_apheresis(void **state)
{
	static const struct eligibility_case cases[] = {
		{ "4(2)(b) 50 kg", "{'weight_kg': 50}", "fit 500 ml" },
		{ "4(2)(b) under 50 kg", "{'weight_kg': 49.999}", "weight_too_low" },
		{ "4(2)(b) under 60 kg, 500 ml", "{'weight_kg': 59.999, 'volume_ml': 500}", "fit 500 ml" },
		{ "4(2)(b) under 60 kg, 501 ml", "{'weight_kg': 59.999, 'volume_ml': 501}", "volume_too_large" },
		{ "4(2)(b) 60 kg, 650 ml", "{'weight_kg': 60, 'volume_ml': 650}", "fit 650 ml" },
		{ "4(2)(b) 60 kg, 651 ml", "{'weight_kg': 60, 'volume_ml': 651}", "volume_too_large" },
		{ "4(2)(b) women likewise", "{'sex': 'female', 'weight_kg': 50}", "fit 500 ml" },
	};

	(void)state;
	CHECK_CASES(apheresis_donor, cases);
}

/* ---- 4(2)(c), (d) ---- */

static void article_4_2_c_conditions(void **state)
{
	static const char *const codes[] = {
		"chronic_or_acute_disease", "pregnant_now", "organ_history", "drug_addiction", "alcohol_addiction",
		"severe_disability", "annex1_medicine", "bloodborne_disease_now", "sti_now",
	};
	static const char *const signs[] = {
		"not_alert", "wasting_or_rapid_weight_loss", "pallor", "dizziness", "night_sweats",
		"generalised_lymph_nodes", "fever", "oedema", "cough_breathless", "diarrhoea", "bleeding", "skin_lesions",
	};
	struct eligibility_facts facts;
	struct verdict verdict;
	size_t count = 0;

	(void)state;
	assert_int_equal(rules.nconditions, ARRAY_SIZE(codes) + ARRAY_SIZE(signs));
	for (size_t i = 0; i < ARRAY_SIZE(codes) + ARRAY_SIZE(signs); i++) {
		const char *code = i < ARRAY_SIZE(codes) ? codes[i] : signs[i - ARRAY_SIZE(codes)];
		const char *article = i < ARRAY_SIZE(codes) ? "4(2)(c)" : "4(2)(d)";

		assert_true(read_facts(blood_donor, arena_printf(&arena, "{'conditions': ['%s']}", code), &facts));
		eligibility_check(&rules, &facts, &arena, &verdict);
		assert_string_equal(verdict_line(&verdict), code);
		assert_string_equal(verdict.reasons[0].rule->article, article);
		assert_true(eligibility_reason_is_of_health(&verdict.reasons[0]));
		count++;
	}
	assert_int_equal(count, 21);
	assert_true(read_facts(blood_donor, "{'conditions': null}", &facts));
	eligibility_check(&rules, &facts, &arena, &verdict);
	assert_string_equal(verdict_line(&verdict), "fit 500 ml ? conditions");
}

static void article_4_2_d_examination(void **state)
{
	static const struct eligibility_case cases[] = {
		{ "4(2)(d) systolic 100", "{'screening': {'systolic_mmhg': 100}}", "fit 500 ml" },
		{ "4(2)(d) systolic 99", "{'screening': {'systolic_mmhg': 99}}", "systolic_too_low" },
		{ "4(2)(d) systolic 159", "{'screening': {'systolic_mmhg': 159}}", "fit 500 ml" },
		{ "4(2)(d) systolic 160: must be under", "{'screening': {'systolic_mmhg': 160}}", "systolic_too_high" },
		{ "4(2)(d) diastolic 60", "{'screening': {'diastolic_mmhg': 60}}", "fit 500 ml" },
		{ "4(2)(d) diastolic 59", "{'screening': {'diastolic_mmhg': 59}}", "diastolic_too_low" },
		{ "4(2)(d) diastolic 99", "{'screening': {'diastolic_mmhg': 99}}", "fit 500 ml" },
		{ "4(2)(d) diastolic 100: must be under", "{'screening': {'diastolic_mmhg': 100}}", "diastolic_too_high" },
		{ "4(2)(d) pulse 60", "{'screening': {'pulse_bpm': 60}}", "fit 500 ml" },
		{ "4(2)(d) pulse 59", "{'screening': {'pulse_bpm': 59}}", "pulse_too_low" },
		{ "4(2)(d) pulse 90: still", "{'screening': {'pulse_bpm': 90}}", "fit 500 ml" },
		{ "4(2)(d) pulse 91", "{'screening': {'pulse_bpm': 91}}", "pulse_too_high" },
		{ "4(2)(d) irregular pulse", "{'screening': {'pulse_regular': false}}", "pulse_irregular" },
		{ "4(2)(d) all at once, all told", "{'screening': {'systolic_mmhg': 180, 'diastolic_mmhg': 110, 'pulse_bpm': 120,"
		  " 'pulse_regular': false}}", "systolic_too_high; diastolic_too_high; pulse_too_high; pulse_irregular" },
		{ "4(2)(d) nothing measured yet", "{'screening': {'systolic_mmhg': null, 'diastolic_mmhg': null,"
		  " 'pulse_bpm': null, 'pulse_regular': null, 'hemoglobin_g_l': null}}",
		  "fit 500 ml ? systolic_mmhg diastolic_mmhg pulse_bpm pulse_regular hemoglobin_g_l" },
	};

	(void)state;
	CHECK_CASES(blood_donor, cases);
}

static void article_4_2_dd_blood_tests(void **state)
{
	static const struct eligibility_case whole_blood[] = {
		{ "4(2)(đ) 120 g/l, 350 ml", "{'screening': {'hemoglobin_g_l': 120}}", "fit 350 ml" },
		{ "4(2)(đ) under 120 g/l", "{'screening': {'hemoglobin_g_l': 119.9}, 'volume_ml': 250}", "hemoglobin_too_low" },
		{ "4(2)(đ) 125 g/l, over 350 ml", "{'screening': {'hemoglobin_g_l': 125}, 'volume_ml': 351}", "fit 500 ml" },
		{ "4(2)(đ) under 125 g/l, over 350 ml", "{'screening': {'hemoglobin_g_l': 124.9}, 'volume_ml': 351}",
		  "hemoglobin_too_low" },
		{ "4(2)(đ) under 125 g/l, no volume said: at most 350", "{'screening': {'hemoglobin_g_l': 124.9}, 'volume_ml': null}",
		  "fit 350 ml" },
		{ "4(2)(đ) under 120 and over 350 ml: both rules", "{'screening': {'hemoglobin_g_l': 119}, 'volume_ml': 450}",
		  "hemoglobin_too_low; hemoglobin_too_low" },
	};
	static const struct eligibility_case plasma[] = {
		{ "4(2)(đ) protein 60 g/l", "{'screening': {'protein_g_l': 60}}", "fit 650 ml" },
		{ "4(2)(đ) protein under 60 g/l", "{'screening': {'protein_g_l': 59.9}}", "protein_too_low" },
		{ "4(2)(đ) the test one month ago", "{'screening': {'protein_on': '2026-02-01'}}", "fit 650 ml" },
		{ "4(2)(đ) the test more than a month ago", "{'screening': {'protein_on': '2026-01-31'}}",
		  "fit 650 ml ? protein_g_l protein_on" },
		{ "4(2)(đ) the test of 31 January on 28 February", "{'on': '2026-02-28', 'screening': {'protein_on': '2026-01-31'}}",
		  "fit 650 ml" },
		{ "4(2)(đ) day of the test not known", "{'screening': {'protein_on': null}}", "fit 650 ml ? protein_on" },
		{ "4(2)(đ) not tested", "{'screening': {'protein_g_l': null}}", "fit 650 ml ? protein_g_l" },
		{ "4(2)(đ) red cells need no protein", "{'component': 'red_cells', 'screening': {'protein_g_l': 10}}", "fit 650 ml" },
		{ "4(2)(đ) apheresis: 120 g/l is enough", "{'screening': {'hemoglobin_g_l': 120}}", "fit 650 ml" },
		{ "4(2)(đ) platelets 150", "{'component': 'platelets', 'screening': {'platelets_10e9_l': 150}}", "fit 650 ml" },
		{ "4(2)(đ) platelets 149", "{'component': 'platelets', 'screening': {'platelets_10e9_l': 149}}",
		  "platelets_too_low" },
		{ "4(2)(đ) granulocytes", "{'component': 'granulocytes', 'screening': {'platelets_10e9_l': 149}}",
		  "platelets_too_low" },
		{ "4(2)(đ) stem cells", "{'component': 'stem_cells', 'screening': {'platelets_10e9_l': 149}}", "platelets_too_low" },
		{ "4(2)(đ) plasma needs no platelets", "{'screening': {'platelets_10e9_l': 149}}", "fit 650 ml" },
		{ "4(2)(đ) not counted", "{'component': 'platelets', 'screening': {'platelets_10e9_l': null}}",
		  "fit 650 ml ? platelets_10e9_l" },
	};

	(void)state;
	CHECK_CASES(blood_donor, whole_blood);
	CHECK_CASES(apheresis_donor, plasma);
}

/* ---- 5 ---- */

/* Counted by hand from 31 August 2025. */
static const struct {
	const char *article, *code;
	struct date until;
} deferrals[] = {
	{ "5(1)(a)", "surgery_recovery", { 2026, 8, 31 } },
	{ "5(1)(b)", "malaria", { 2026, 8, 31 } },
	{ "5(1)(b)", "syphilis", { 2026, 8, 31 } },
	{ "5(1)(b)", "tuberculosis", { 2026, 8, 31 } },
	{ "5(1)(b)", "tetanus", { 2026, 8, 31 } },
	{ "5(1)(b)", "encephalitis", { 2026, 8, 31 } },
	{ "5(1)(b)", "meningitis", { 2026, 8, 31 } },
	{ "5(1)(c)", "rabies_vaccine_after_bite", { 2026, 8, 31 } },
	{ "5(1)(c)", "blood_product_received", { 2026, 8, 31 } },
	{ "5(1)(d)", "childbirth", { 2026, 8, 31 } },
	{ "5(1)(d)", "pregnancy_termination", { 2026, 8, 31 } },
	{ "5(2)(a)", "tattoo", { 2026, 2, 28 } },
	{ "5(2)(b)", "body_piercing", { 2026, 2, 28 } },
	{ "5(2)(c)", "blood_exposure", { 2026, 2, 28 } },
	{ "5(2)(d)", "typhoid", { 2026, 2, 28 } },
	{ "5(2)(d)", "sepsis", { 2026, 2, 28 } },
	{ "5(2)(d)", "snake_bite", { 2026, 2, 28 } },
	{ "5(2)(d)", "obliterating_arteritis", { 2026, 2, 28 } },
	{ "5(2)(d)", "thrombophlebitis", { 2026, 2, 28 } },
	{ "5(2)(d)", "osteomyelitis", { 2026, 2, 28 } },
	{ "5(2)(d)", "pancreatitis", { 2026, 2, 28 } },
	{ "5(3)(a)", "gastroenteritis", { 2025, 9, 28 } },
	{ "5(3)(a)", "urinary_tract_infection", { 2025, 9, 28 } },
	{ "5(3)(a)", "skin_infection", { 2025, 9, 28 } },
	{ "5(3)(a)", "bronchitis", { 2025, 9, 28 } },
	{ "5(3)(a)", "pneumonia", { 2025, 9, 28 } },
	{ "5(3)(a)", "measles", { 2025, 9, 28 } },
	{ "5(3)(a)", "pertussis", { 2025, 9, 28 } },
	{ "5(3)(a)", "mumps", { 2025, 9, 28 } },
	{ "5(3)(a)", "dengue", { 2025, 9, 28 } },
	{ "5(3)(a)", "dysentery", { 2025, 9, 28 } },
	{ "5(3)(a)", "rubella", { 2025, 9, 28 } },
	{ "5(3)(a)", "cholera", { 2025, 9, 28 } },
	{ "5(3)(b)", "vaccine_rubella", { 2025, 9, 28 } },
	{ "5(3)(b)", "vaccine_measles", { 2025, 9, 28 } },
	{ "5(3)(b)", "vaccine_typhoid", { 2025, 9, 28 } },
	{ "5(3)(b)", "vaccine_cholera", { 2025, 9, 28 } },
	{ "5(3)(b)", "vaccine_mumps", { 2025, 9, 28 } },
	{ "5(3)(b)", "vaccine_varicella", { 2025, 9, 28 } },
	{ "5(3)(b)", "vaccine_bcg", { 2025, 9, 28 } },
	{ "5(4)(a)", "influenza", { 2025, 9, 7 } },
	{ "5(4)(a)", "common_cold", { 2025, 9, 7 } },
	{ "5(4)(a)", "allergic_rhinitis", { 2025, 9, 7 } },
	{ "5(4)(a)", "pharyngitis", { 2025, 9, 7 } },
	{ "5(4)(a)", "migraine", { 2025, 9, 7 } },
	{ "5(4)(b)", "vaccine_other", { 2025, 9, 7 } },
};

static void article_5_deferrals(void **state)
{
	struct eligibility_deferral deferral = { .from = { 2025, 8, 31 } };
	struct eligibility_facts facts;
	struct verdict verdict;

	(void)state;
	assert_int_equal(ARRAY_SIZE(deferrals), 46);
	assert_int_equal(rules.ndeferrals, 46 + 2);      /* two from outside the circular */
	assert_true(read_facts(blood_donor, "{}", &facts));
	facts.deferrals = &deferral;
	facts.ndeferrals = 1;
	for (size_t i = 0; i < ARRAY_SIZE(deferrals); i++) {
		deferral = (struct eligibility_deferral){ .code = deferrals[i].code, .from = { 2025, 8, 31 } };
		facts.on = deferrals[i].until;
		eligibility_check(&rules, &facts, &arena, &verdict);
		assert_string_equal(verdict_line(&verdict), "fit 500 ml");
		facts.on = date_add_days(deferrals[i].until, -1);
		eligibility_check(&rules, &facts, &arena, &verdict);
		assert_int_equal(verdict.nreasons, 1);
		assert_string_equal(verdict.reasons[0].code, deferrals[i].code);
		assert_string_equal(verdict.reasons[0].rule->article, deferrals[i].article);
		assert_int_equal(date_compare(verdict.reasons[0].until, deferrals[i].until), 0);
		assert_int_equal(date_compare(verdict.earliest_on, deferrals[i].until), 0);
		/* not over yet: no day ends it */
		deferral.from = (struct date){ 0 };
		eligibility_check(&rules, &facts, &arena, &verdict);
		assert_string_equal(verdict_line(&verdict), deferrals[i].code);
		assert_true(date_is_none(verdict.earliest_on));
	}
}

static void article_5_what_a_registry_knows(void **state)
{
	static const struct {
		const char                 *name;
		struct eligibility_deferral deferral;
		const char                 *want;
	} cases[] = {
		{ "permanent", { .code = "malaria", .from = { 2020, 1, 1 }, .permanent = true }, "malaria" },
		{ "until a day that a doctor gave", { .code = "malaria", .from = { 2020, 1, 1 }, .until = { 2026, 3, 2 } },
		  "malaria until 2026-03-02" },
		{ "that day has come", { .code = "malaria", .until = { 2026, 3, 1 } }, "fit 500 ml" },
		{ "a sign, with its end", { .code = "fever", .until = { 2026, 3, 2 } }, "fever until 2026-03-02" },
		{ "a state for good", { .code = "organ_history", .permanent = true }, "organ_history" },
		{ "without a code", { .until = { 2026, 3, 2 } }, "deferral until 2026-03-02" },
		{ "without a code, for good", { .permanent = true }, "deferral" },
		{ "without a code, not over yet", { 0 }, "deferral" },
		{ "a code that the rules do not have", { .code = "of_another_law", .from = { 2020, 1, 1 } }, "deferral" },
		{ "permanent, and lifted", { .code = "malaria", .permanent = true, .lifted_on = { 2026, 3, 1 } }, "fit 500 ml" },
		{ "lifted tomorrow", { .code = "malaria", .permanent = true, .lifted_on = { 2026, 3, 2 } },
		  "malaria until 2026-03-02" },
		{ "lifted after its end", { .code = "tattoo", .from = { 2025, 9, 2 }, .lifted_on = { 2026, 6, 1 } },
		  "tattoo until 2026-03-02" },
	};
	struct eligibility_facts facts;
	struct verdict verdict;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_true(read_facts(blood_donor, "{}", &facts));
		facts.deferrals = &cases[i].deferral;
		facts.ndeferrals = 1;
		eligibility_check(&rules, &facts, &arena, &verdict);
		if (!streq(verdict_line(&verdict), cases[i].want))
			fail_msg("%s: %s", cases[i].name, verdict_line(&verdict));
	}
}

/* Of two that end alike the same one is told, whichever was handed in first; what a doctor decided is above the rule. */
static void article_5_two_of_one_code(void **state)
{
	static const struct {
		struct eligibility_deferral deferrals[2];
		const char                 *want, *text;
	} cases[] = {
		{ { { .code = "tattoo", .from = { 2025, 10, 1 } }, { .code = "tattoo", .until = { 2026, 4, 1 } } },
		  "tattoo until 2026-04-01", "Tattoo on the skin: wait 6 months. Possible from 2026-04-01." },
		{ { { .code = "malaria" }, { .code = "malaria", .permanent = true } }, "malaria",
		  "Malaria, after cure: no more donations." },
		{ { { .code = "malaria", .until = { 2030, 1, 1 } }, { .code = "malaria", .from = { 2026, 2, 1 } } },
		  "malaria until 2030-01-01", "Malaria, after cure. Possible from 2030-01-01." },
	};
	struct eligibility_deferral turned[2];
	struct eligibility_facts facts;
	struct verdict verdict;
	struct buf buf = { 0 };

	(void)state;
	assert_true(read_facts(blood_donor, "{}", &facts));
	facts.ndeferrals = 2;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		turned[i % 2] = cases[i / 2].deferrals[0];
		turned[1 - i % 2] = cases[i / 2].deferrals[1];
		facts.deferrals = turned;
		eligibility_check(&rules, &facts, &arena, &verdict);
		assert_string_equal(verdict_line(&verdict), cases[i / 2].want);
		buf_reset(&buf);
		eligibility_reason_text(&buf, &verdict.reasons[0], LANGUAGE_EN);
		assert_string_equal(buf.data, cases[i / 2].text);
	}
	buf_release(&buf);
}

static void article_5_months_and_leap_days(void **state)
{
	static const struct eligibility_case cases[] = {
		{ "5(2) six months after 31 August end on the last of February",
		  "{'on': '2026-02-27', 'deferrals': [{'code': 'tattoo', 'from': '2025-08-31'}]}", "tattoo until 2026-02-28" },
		{ "5(2) in a leap year on the 29th",
		  "{'on': '2024-02-28', 'deferrals': [{'code': 'tattoo', 'from': '2023-08-31'}]}", "tattoo until 2024-02-29" },
		{ "5(1) twelve months after 29 February",
		  "{'on': '2025-02-27', 'deferrals': [{'code': 'malaria', 'from': '2024-02-29'}]}", "malaria until 2025-02-28" },
		{ "5(1) twelve months end in a leap year",
		  "{'on': '2024-02-27', 'deferrals': [{'code': 'malaria', 'from': '2023-02-28'}]}", "malaria until 2024-02-28" },
		{ "5(3) four weeks over a leap day",
		  "{'on': '2024-02-28', 'deferrals': [{'code': 'measles', 'from': '2024-02-01'}]}", "measles until 2024-02-29" },
		{ "5(4) seven days over the new year; the day is a Sunday and stays",
		  "{'on': '2026-01-03', 'deferrals': [{'code': 'influenza', 'from': '2025-12-28'}]}", "influenza until 2026-01-04" },
		{ "5 the same twice: the longer wait, once",
		  "{'deferrals': [{'code': 'tattoo', 'from': '2025-10-01'}, {'code': 'tattoo', 'from': '2025-11-01'}]}",
		  "tattoo until 2026-05-01" },
		{ "5 over, and again not over",
		  "{'deferrals': [{'code': 'malaria'}, {'code': 'malaria', 'from': '2020-01-01'}]}", "malaria" },
		{ "5 several: the latest end",
		  "{'deferrals': [{'code': 'influenza', 'from': '2026-02-28'}, {'code': 'tattoo', 'from': '2025-10-01'}]}",
		  "tattoo until 2026-04-01; influenza until 2026-03-07" },
		{ "5 not asked", "{'deferrals': null}", "fit 500 ml ? deferrals" },
		{ "outside the circular: COVID-19",
		  "{'deferrals': [{'code': 'covid19_infection', 'from': '2026-02-16'}]}", "covid19_infection until 2026-03-02" },
	};

	(void)state;
	CHECK_CASES(blood_donor, cases);
}

static void article_5_5_occupation_is_a_note(void **state)
{
	static const char *const codes[] = { "height_or_depth", "public_transport", "heavy_effort" };
	struct eligibility_facts facts;
	struct verdict verdict;
	struct buf buf = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		assert_true(read_facts(blood_donor, arena_printf(&arena, "{'occupation': '%s'}", codes[i]), &facts));
		eligibility_check(&rules, &facts, &arena, &verdict);
		assert_string_equal(verdict_line(&verdict), "fit 500 ml");
		assert_non_null(verdict.occupation);
		assert_string_equal(verdict.occupation->code, codes[i]);
		buf_reset(&buf);
		eligibility_occupation_text(&buf, verdict.occupation, LANGUAGE_VI);
		assert_non_null(strstr(buf.data, "12 giờ"));
	}
	buf_release(&buf);
	assert_true(read_facts(blood_donor, "{}", &facts));
	eligibility_check(&rules, &facts, &arena, &verdict);
	assert_null(verdict.occupation);
}

/* ---- 6 ---- */

static void article_6_intervals(void **state)
{
	static const struct eligibility_case cases[] = {
		{ "6(1) day 83 after whole blood", "{'on': '2026-03-25', 'donations': [{'on': '2026-01-01', 'component': 'whole_blood'}]}",
		  "too_soon until 2026-03-26" },
		{ "6(1) day 84 after whole blood", "{'on': '2026-03-26', 'donations': [{'on': '2026-01-01', 'component': 'whole_blood'}]}",
		  "fit 500 ml" },
		{ "6(1) day 83 after red cells", "{'on': '2026-03-25', 'donations': [{'on': '2026-01-01', 'component': 'red_cells'}]}",
		  "too_soon until 2026-03-26" },
		{ "6(1) day 84 after red cells", "{'on': '2026-03-26', 'donations': [{'on': '2026-01-01', 'component': 'red_cells'}]}",
		  "fit 500 ml" },
		{ "6(1) over the leap day", "{'on': '2024-03-25', 'donations': [{'on': '2024-01-01', 'component': 'whole_blood'}]}",
		  "fit 500 ml" },
		{ "6(1) the same day again", "{'donations': [{'on': '2026-03-01', 'component': 'whole_blood'}]}",
		  "too_soon until 2026-05-24" },
		{ "6(2) day 13 after platelets", "{'on': '2026-01-14', 'donations': [{'on': '2026-01-01', 'component': 'platelets'}]}",
		  "too_soon until 2026-01-15" },
		{ "6(2) day 14 after platelets", "{'on': '2026-01-15', 'donations': [{'on': '2026-01-01', 'component': 'platelets'}]}",
		  "fit 500 ml" },
		{ "6(2) day 13 after plasma", "{'on': '2026-01-14', 'donations': [{'on': '2026-01-01', 'component': 'plasma'}]}",
		  "too_soon until 2026-01-15" },
		{ "6(2) day 14 after plasma", "{'on': '2026-01-15', 'donations': [{'on': '2026-01-01', 'component': 'plasma'}]}",
		  "fit 500 ml" },
		{ "6(4) platelets given last do not hide the 12 weeks between two of whole blood",
		  "{'on': '2026-03-25', 'donations': [{'on': '2026-01-01', 'component': 'whole_blood'},"
		  " {'on': '2026-02-20', 'component': 'platelets'}]}", "too_soon until 2026-03-26" },
		{ "6(4) and after them it is allowed",
		  "{'on': '2026-03-26', 'donations': [{'on': '2026-01-01', 'component': 'whole_blood'},"
		  " {'on': '2026-02-20', 'component': 'platelets'}]}", "fit 500 ml" },
		{ "6(4) red cells and whole blood are one kind",
		  "{'on': '2026-03-25', 'donations': [{'on': '2026-01-01', 'component': 'red_cells'},"
		  " {'on': '2026-02-20', 'component': 'platelets'}]}", "too_soon until 2026-03-26" },
		{ "6(4) both waits are told, the later day counts",
		  "{'on': '2026-03-01', 'donations': [{'on': '2026-01-01', 'component': 'whole_blood'},"
		  " {'on': '2026-02-20', 'component': 'platelets'}]}", "too_soon until 2026-03-06; too_soon until 2026-03-26" },
		{ "6(4) both waits are told, though they end on one day",
		  "{'on': '2026-03-25', 'donations': [{'on': '2026-01-01', 'component': 'whole_blood'},"
		  " {'on': '2026-03-12', 'component': 'plasma'}]}", "too_soon until 2026-03-26; too_soon until 2026-03-26" },
		{ "6(4) two kinds on one day: both waits",
		  "{'on': '2026-01-10', 'donations': [{'on': '2026-01-01', 'component': 'platelets'},"
		  " {'on': '2026-01-01', 'component': 'plasma'}]}", "too_soon until 2026-01-15" },
		{ "6 none is one: none is known", "{'donations': null}", "fit 500 ml ? donations" },
	};

	(void)state;
	CHECK_CASES(blood_donor, cases);
}

static void article_6_apheresis_next(void **state)
{
	static const struct eligibility_case cases[] = {
		{ "6(4) plasma after whole blood: the last one decides",
		  "{'donations': [{'on': '2025-12-08', 'component': 'whole_blood'}]}", "too_soon until 2026-03-02" },
		{ "6(4) plasma 14 days after platelets, whole blood before them",
		  "{'donations': [{'on': '2025-12-20', 'component': 'whole_blood'}, {'on': '2026-02-15', 'component': 'platelets'}]}",
		  "fit 650 ml" },
		{ "6(3) granulocytes: two within 7 days",
		  "{'component': 'granulocytes', 'donations': [{'on': '2026-02-26', 'component': 'granulocytes'},"
		  " {'on': '2026-02-27', 'component': 'granulocytes'}]}", "fit 650 ml" },
		{ "6(3) granulocytes: three within 7 days",
		  "{'component': 'granulocytes', 'donations': [{'on': '2026-02-23', 'component': 'granulocytes'},"
		  " {'on': '2026-02-26', 'component': 'granulocytes'}, {'on': '2026-02-27', 'component': 'granulocytes'}]}",
		  "too_often until 2026-03-02" },
		{ "6(3) granulocytes: three, the first 7 days ago",
		  "{'component': 'granulocytes', 'donations': [{'on': '2026-02-22', 'component': 'granulocytes'},"
		  " {'on': '2026-02-26', 'component': 'granulocytes'}, {'on': '2026-02-27', 'component': 'granulocytes'}]}",
		  "fit 650 ml" },
		{ "6(3) four already: two must leave",
		  "{'component': 'granulocytes', 'donations': [{'on': '2026-02-24', 'component': 'granulocytes'},"
		  " {'on': '2026-02-25', 'component': 'granulocytes'}, {'on': '2026-02-26', 'component': 'granulocytes'},"
		  " {'on': '2026-02-27', 'component': 'granulocytes'}]}", "too_often until 2026-03-04" },
		{ "6(3) stem cells are of the same kind",
		  "{'component': 'stem_cells', 'donations': [{'on': '2026-02-25', 'component': 'granulocytes'},"
		  " {'on': '2026-02-26', 'component': 'stem_cells'}, {'on': '2026-02-27', 'component': 'stem_cells'}]}",
		  "too_often until 2026-03-04" },
		{ "6(4) three of granulocytes, then plasma: the last one decides",
		  "{'donations': [{'on': '2026-02-25', 'component': 'granulocytes'}, {'on': '2026-02-26', 'component': 'granulocytes'},"
		  " {'on': '2026-02-27', 'component': 'granulocytes'}]}", "too_often until 2026-03-04" },
		{ "6(4) three of granulocytes, then platelets, then plasma: platelets decide",
		  "{'donations': [{'on': '2026-02-25', 'component': 'granulocytes'}, {'on': '2026-02-26', 'component': 'granulocytes'},"
		  " {'on': '2026-02-27', 'component': 'granulocytes'}, {'on': '2026-02-28', 'component': 'platelets'}]}",
		  "too_soon until 2026-03-14" },
		{ "6(3) told twice, counted once",
		  "{'component': 'granulocytes', 'donations': [{'on': '2026-02-26', 'component': 'granulocytes'},"
		  " {'on': '2026-02-26', 'component': 'granulocytes'}, {'on': '2026-02-27', 'component': 'granulocytes'}]}",
		  "fit 650 ml" },
	};

	(void)state;
	CHECK_CASES(apheresis_donor, cases);
}

/* ---- the open questions: the other reading of each ---- */

static void other_readings(void **state)
{
	static const struct {
		enum eligibility_parameter parameter;
		int                        value;
		struct eligibility_case    cases[2];
	} readings[] = {
		{ PARAMETER_INTERVAL_FIRST_DAY, 1,
		  { { "D+84", "{'on': '2026-03-26', 'donations': [{'on': '2026-01-01', 'component': 'whole_blood'}]}",
		      "too_soon until 2026-03-27" },
		    { "D+85", "{'on': '2026-03-27', 'donations': [{'on': '2026-01-01', 'component': 'whole_blood'}]}",
		      "fit 500 ml" } } },
		{ PARAMETER_DEFERRAL_FIRST_DAY, 1,
		  { { "12 months", "{'deferrals': [{'code': 'malaria', 'from': '2025-03-01'}]}", "malaria until 2026-03-02" },
		    { "and a day", "{'deferrals': [{'code': 'malaria', 'from': '2025-02-28'}]}", "fit 500 ml" } } },
		{ PARAMETER_MONTH_COUNTING, MONTH_NEXT_FIRST,
		  { { "no 31st", "{'on': '2026-02-28', 'deferrals': [{'code': 'tattoo', 'from': '2025-08-31'}]}",
		      "tattoo until 2026-03-01" },
		    { "a 28th", "{'on': '2026-02-28', 'deferrals': [{'code': 'tattoo', 'from': '2025-08-28'}]}", "fit 500 ml" } } },
		{ PARAMETER_AGE_LAST_DAY, AGE_BIRTHDAY,
		  { { "60th birthday", "{'birth_date': '1966-03-01'}", "fit 500 ml" },
		    { "the day after", "{'birth_date': '1966-02-28'}", "too_old" } } },
		{ PARAMETER_LEAP_BIRTHDAY, LEAP_MARCH_1,
		  { { "28 February", "{'on': '2026-02-28', 'birth_date': '2008-02-29'}", "too_young until 2026-03-01" },
		    { "1 March", "{'birth_date': '2008-02-29'}", "fit 500 ml" } } },
		{ PARAMETER_MIXED_DONATIONS, MIXED_LAST_ONLY,
		  { { "6(4) alone: hidden", "{'on': '2026-03-06', 'donations': [{'on': '2026-01-01', 'component': 'whole_blood'},"
			" {'on': '2026-02-20', 'component': 'platelets'}]}", "fit 500 ml" },
		    { "6(4) alone: the last", "{'on': '2026-03-05', 'donations': [{'on': '2026-01-01', 'component': 'whole_blood'},"
			" {'on': '2026-02-20', 'component': 'platelets'}]}", "too_soon until 2026-03-06" } } },
		{ PARAMETER_MIXED_DONATIONS, MIXED_EACH,
		  { { "each kind", "{'component': 'plasma', 'on': '2026-03-25', 'volume_ml': 350, 'screening': {'protein_g_l': 70,"
			" 'protein_on': '2026-03-20'}, 'donations': [{'on': '2026-01-01', 'component': 'whole_blood'},"
			" {'on': '2026-02-20', 'component': 'platelets'}]}", "too_soon until 2026-03-26" },
		    { "each kind, over", "{'component': 'plasma', 'on': '2026-03-26', 'volume_ml': 350, 'screening':"
			" {'protein_g_l': 70, 'protein_on': '2026-03-20'}, 'donations': [{'on': '2026-01-01',"
			" 'component': 'whole_blood'}, {'on': '2026-02-20', 'component': 'platelets'}]}", "fit 650 ml" } } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(readings); i++) {
		int *value = &rules.parameters[readings[i].parameter].value, before = *value;

		*value = readings[i].value;
		CHECK_CASES(blood_donor, readings[i].cases);
		*value = before;
	}
}

/* ---- all of it ---- */

static void every_reason_is_told(void **state)
{
	static const struct eligibility_case cases[] = {
		{ "dated and not dated: no day", "{'conditions': ['fever'], 'donations': [{'on': '2026-02-01', 'component': 'whole_blood'}]}",
		  "fever; too_soon until 2026-04-26" },
		{ "all dated: the last day",
		  "{'birth_date': '2008-03-20', 'deferrals': [{'code': 'tattoo', 'from': '2025-10-15'}],"
		  " 'donations': [{'on': '2026-02-01', 'component': 'whole_blood'}]}",
		  "too_young until 2026-03-20; tattoo until 2026-04-15; too_soon until 2026-04-26" },
		{ "before the circular was in force", "{'on': '2013-11-14'}",
		  "no_rules_for_this_day until 2013-11-15" },
		{ "on its first day", "{'on': '2013-11-15'}", "fit 500 ml" },
		{ "nothing is known",
		  "{'volume_ml': null, 'birth_date': null, 'sex': null, 'weight_kg': null, 'donations': null, 'deferrals': null,"
		  " 'conditions': null, 'screening': null}",
		  "fit ? birth_date sex weight_kg donations deferrals conditions systolic_mmhg diastolic_mmhg pulse_bpm"
		  " pulse_regular hemoglobin_g_l" },
	};

	(void)state;
	CHECK_CASES(blood_donor, cases);
}

static void as_of_a_day_later_donations_have_not_happened(void **state)
{
	static const struct eligibility_donation donations[] = {
		{ { 2026, 5, 1 }, COMPONENT_WHOLE_BLOOD, 350 },
		{ { 2025, 6, 1 }, COMPONENT_WHOLE_BLOOD, 350 },
	};
	struct eligibility_facts facts;
	struct verdict verdict;

	(void)state;
	assert_true(read_facts(blood_donor, "{}", &facts));
	facts.donations = donations;
	facts.ndonations = ARRAY_SIZE(donations);
	eligibility_check(&rules, &facts, &arena, &verdict);
	assert_string_equal(verdict_line(&verdict), "fit 500 ml");
	facts.on = (struct date){ 2025, 7, 1 };
	eligibility_check(&rules, &facts, &arena, &verdict);
	assert_string_equal(verdict_line(&verdict), "too_soon until 2025-08-24");
}

static void the_registrys_next_day(void **state)
{
	static const struct eligibility_donation one = { { 2026, 1, 1 }, COMPONENT_WHOLE_BLOOD, 350 };
	static const struct eligibility_donation often[] = {
		{ { 2026, 2, 27 }, COMPONENT_GRANULOCYTES, 300 }, { { 2026, 2, 25 }, COMPONENT_GRANULOCYTES, 300 },
		{ { 2026, 2, 28 }, COMPONENT_GRANULOCYTES, 300 },
	};
	static const struct eligibility_donation seldom[] = {
		{ { 2020, 2, 27 }, COMPONENT_GRANULOCYTES, 300 }, { { 2024, 2, 25 }, COMPONENT_GRANULOCYTES, 300 },
		{ { 2025, 2, 28 }, COMPONENT_GRANULOCYTES, 300 }, { { 2026, 2, 28 }, COMPONENT_GRANULOCYTES, 300 },
	};
	static const struct eligibility_deferral open = { .code = "malaria" }, sealed = { .until = { 2026, 9, 1 } };
	struct eligibility_facts facts;
	struct eligibility_next next;

	(void)state;
	eligibility_facts_init(&facts);
	facts.donations_known = facts.deferrals_known = true;
	eligibility_next(&rules, &facts, COMPONENT_WHOLE_BLOOD, &arena, &next);
	assert_true(!next.never && date_is_none(next.on) && date_is_none(next.last_on));
	facts.donations = &one;
	facts.ndonations = 1;
	for (int i = 0; i < COMPONENT_COUNT; i++) {
		eligibility_next(&rules, &facts, (enum component)i, &arena, &next);
		assert_int_equal(date_compare(next.on, date_make(2026, 3, 26)), 0);
	}
	facts.deferrals = &sealed;
	facts.ndeferrals = 1;
	eligibility_next(&rules, &facts, COMPONENT_WHOLE_BLOOD, &arena, &next);
	assert_int_equal(date_compare(next.on, date_make(2026, 9, 1)), 0);
	facts.birth_date = date_make(1965, 9, 2);        /* the last day of the age */
	eligibility_next(&rules, &facts, COMPONENT_WHOLE_BLOOD, &arena, &next);
	assert_int_equal(date_compare(next.on, date_make(2026, 9, 1)), 0);
	assert_int_equal(date_compare(next.last_on, date_make(2026, 9, 1)), 0);
	assert_false(next.never);
	facts.birth_date = date_make(1965, 9, 1);
	eligibility_next(&rules, &facts, COMPONENT_WHOLE_BLOOD, &arena, &next);
	assert_true(next.never && date_is_none(next.on));
	facts.birth_date = (struct date){ 0 };
	facts.birth_year = 2010;
	facts.ndonations = facts.ndeferrals = 0;
	eligibility_next(&rules, &facts, COMPONENT_PLASMA, &arena, &next);
	assert_int_equal(date_compare(next.on, date_make(2028, 1, 1)), 0);
	facts.donations = often;
	facts.ndonations = ARRAY_SIZE(often);
	facts.birth_year = 1990;
	eligibility_next(&rules, &facts, COMPONENT_GRANULOCYTES, &arena, &next);
	assert_int_equal(date_compare(next.on, date_make(2026, 3, 4)), 0);
	facts.donations = seldom;                        /* four, and never two in a week */
	facts.ndonations = ARRAY_SIZE(seldom);
	eligibility_next(&rules, &facts, COMPONENT_GRANULOCYTES, &arena, &next);
	assert_true(date_is_none(next.on) && !next.never);
	facts.ndonations = 0;
	facts.deferrals = &open;
	facts.ndeferrals = 1;
	eligibility_next(&rules, &facts, COMPONENT_PLASMA, &arena, &next);
	assert_true(next.never);
}

static void texts_name_the_limit_and_the_day(void **state)
{
	static const struct {
		const char *facts, *en, *vi;
	} cases[] = {
		{ "{'donations': [{'on': '2026-02-01', 'component': 'whole_blood'}]}",
		  "Wait 12 weeks after giving whole blood on 2026-02-01. Possible from 2026-04-26.",
		  "Phải chờ 12 tuần sau lần hiến máu toàn phần ngày 01/02/2026. Có thể hiến từ ngày 26/04/2026." },
		{ "{'weight_kg': 41}", "Weight must be at least 42 kg.", "Cân nặng phải từ 42 kg trở lên." },
		{ "{'screening': {'systolic_mmhg': 170}}", "Systolic blood pressure must be at least 100 and under 160 mmHg.",
		  "Huyết áp tâm thu phải từ 100 đến dưới 160 mmHg." },
		{ "{'screening': {'pulse_bpm': 99}}", "Pulse must be at least 60 and at most 90 per minute.",
		  "Mạch phải từ 60 đến 90 lần/phút." },
		{ "{'screening': {'hemoglobin_g_l': 121}, 'volume_ml': 450}", "Haemoglobin must be at least 125 g/l for over 350 ml.",
		  "Huyết sắc tố phải từ 125 g/l trở lên khi hiến trên 350 ml." },
		{ "{'volume_ml': 600}", "At this weight at most 500 ml may be given.", "Với cân nặng này, mỗi lần hiến không quá 500 ml." },
		{ "{'volume_ml': 600, 'weight_kg': null}", "At any weight at most 500 ml may be given.",
		  "Dù nặng bao nhiêu, mỗi lần hiến không quá 500 ml." },
		{ "{'birth_date': '2008-03-02'}", "Donors must be at least 18 years old. Possible from 2026-03-02.",
		  "Người hiến phải đủ 18 tuổi. Có thể hiến từ ngày 02/03/2026." },
		{ "{'birth_date': '1965-03-01'}", "Donors may be at most 60 years old.", "Người hiến không quá 60 tuổi." },
		{ "{'screening': {'pulse_regular': false}}", "The pulse must be regular.", "Mạch phải đều." },
		{ "{'conditions': ['organ_history']}",
		  "History of having had an organ removed, donated or transplanted: no donation.",
		  "Có tiền sử lấy, hiến, ghép bộ phận cơ thể người: không hiến máu." },
		{ "{'deferrals': [{'code': 'malaria'}]}", "Malaria, after cure: not over yet.", "Sốt rét: chưa kết thúc." },
		{ "{'deferrals': [{'code': 'tattoo', 'from': '2025-10-01'}]}",
		  "Tattoo on the skin: wait 6 months. Possible from 2026-04-01.",
		  "Xăm trổ trên da: chờ 6 tháng. Có thể hiến từ ngày 01/04/2026." },
		{ "{'conditions': ['fever']}", "Fever: no donation today.", "Sốt: hôm nay không hiến máu." },
	};
	struct eligibility_facts facts;
	struct verdict verdict;
	struct buf buf = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_true(read_facts(blood_donor, cases[i].facts, &facts));
		eligibility_check(&rules, &facts, &arena, &verdict);
		for (int language = 0; language < LANGUAGE_COUNT; language++) {
			buf_reset(&buf);
			eligibility_reason_text(&buf, &verdict.reasons[0], (enum language)language);
			assert_string_equal(buf.data, language == LANGUAGE_VI ? cases[i].vi : cases[i].en);
		}
	}
	buf_release(&buf);
}

static void the_neutral_text_names_no_health(void **state)
{
	static const struct {
		const char *facts, *want;
	} cases[] = {
		{ "{}", "By what is known a donation is possible; the examining doctor decides." },
		{ "{'birth_date': '1960-01-01'}", "Donors may be at most 60 years old." },
		{ "{'conditions': ['sti_now'], 'donations': [{'on': '2026-02-01', 'component': 'whole_blood'}]}",
		  "Please contact the blood facility before you come." },
		{ "{'deferrals': [{'code': 'syphilis', 'from': '2026-02-01'}]}", "Please contact the blood facility before you come." },
		{ "{'screening': {'hemoglobin_g_l': 100}}", "Please contact the blood facility before you come." },
	};
	struct eligibility_facts facts;
	struct verdict verdict;
	struct buf buf = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_true(read_facts(blood_donor, cases[i].facts, &facts));
		eligibility_check(&rules, &facts, &arena, &verdict);
		buf_reset(&buf);
		eligibility_neutral_text(&buf, &verdict, false, LANGUAGE_EN);
		assert_string_equal(buf.data, cases[i].want);
		buf_reset(&buf);                 /* the facility's flag is above all */
		eligibility_neutral_text(&buf, &verdict, true, LANGUAGE_EN);
		assert_string_equal(buf.data, "Please contact the blood facility before you come.");
	}
	buf_release(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(article_4_1_age),
		TEST(article_4_1_by_the_year_alone),
		TEST(article_4_2_a_whole_blood),
		TEST(article_4_2_b_apheresis),
		TEST(article_4_2_c_conditions),
		TEST(article_4_2_d_examination),
		TEST(article_4_2_dd_blood_tests),
		TEST(article_5_deferrals),
		TEST(article_5_what_a_registry_knows),
		TEST(article_5_two_of_one_code),
		TEST(article_5_months_and_leap_days),
		TEST(article_5_5_occupation_is_a_note),
		TEST(article_6_intervals),
		TEST(article_6_apheresis_next),
		TEST(other_readings),
		TEST(every_reason_is_told),
		TEST(as_of_a_day_later_donations_have_not_happened),
		TEST(the_registrys_next_day),
		TEST(texts_name_the_limit_and_the_day),
		TEST(the_neutral_text_names_no_health),
	};

	return cmocka_run_group_tests(tests, setup_vn, unload_rules);
}
