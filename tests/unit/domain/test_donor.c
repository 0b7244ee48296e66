/* Donors: what must hold, what looks odd, who may be the same person. Nobody here exists. */
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
#include "domain/donor.h"
#include "lai_chau_units.h"

static const struct date today = { 2026, 3, 1 };

/* ---- words of the API ---- */

#define EXPECT_WORDS(prefix, type, ...)                                                  \
	do {                                                                             \
		static const char *const words_[] = { __VA_ARGS__ };                     \
		enum type value_ = (enum type)0;                                         \
		assert_null(prefix##_text(value_));                                      \
		for (size_t i_ = 0; i_ < ARRAY_SIZE(words_); i_++) {                     \
			assert_true(prefix##_parse(words_[i_], &value_));                \
			assert_int_equal(value_, i_ + 1);                                \
			assert_string_equal(prefix##_text(value_), words_[i_]);          \
		}                                                                        \
		assert_null(prefix##_text((enum type)(ARRAY_SIZE(words_) + 1)));         \
		assert_false(prefix##_parse(NULL, &value_));                             \
		assert_false(prefix##_parse("", &value_));                               \
		assert_false(prefix##_parse("unknown", &value_));                        \
		assert_int_equal(value_, ARRAY_SIZE(words_));                            \
	} while (0)

static void test_words(void **state)
{
	(void)state;
	EXPECT_WORDS(donor_sex, donor_sex, "female", "male");
	EXPECT_WORDS(blood_abo, blood_abo, "O", "A", "B", "AB");
	EXPECT_WORDS(blood_rhd, blood_rhd, "positive", "negative");
	EXPECT_WORDS(blood_evidence, blood_evidence, "declared", "card", "laboratory");
}

/* ---- what must hold ---- */

static struct donor fine_donor(void)
{
	return (struct donor){ .name = "Lò Thị Thử", .birth_date = { 1990, 5, 17 }, .birth_year = 1990 };
}

/* `want`: "pointer code" of each fault in order, with one blank between. */
static void expect(const struct donor *donor, const char *want)
{
	struct error err = { 0 };
	char got[512] = "";
	bool fine = donor_check(donor, today, &err);

	for (size_t i = 0; i < err.nfields; i++) {
		size_t len = strlen(got);

		snprintf(got + len, sizeof(got) - len, "%s%s %s", i ? " " : "", err.fields[i].pointer, err.fields[i].code);
		for (int language = 0; language < LANGUAGE_COUNT; language++)
			assert_true(strlen(err.fields[i].detail[language]) < sizeof(err.fields[i].detail[0]) - 1);
	}
	if (!streq(got, want))
		fail_msg("\"%s\" instead of \"%s\"", got, want);
	assert_int_equal(fine, !*want);
	assert_int_equal(err.code, *want ? ERR_INVALID_FIELD : ERR_NONE);
}

static void test_name_and_all_faults(void **state)
{
	struct donor donor = fine_donor();

	(void)state;
	expect(&donor, "");
	donor.name = NULL;
	expect(&donor, "/name required");
	donor.name = " ";
	expect(&donor, "/name required");
	donor = (struct donor){ .abo = ABO_A };
	expect(&donor, "/name required /birth_date required /blood_group/evidence required");
}

static void test_birth(void **state)
{
	static const struct {
		struct date born;
		int         year;
		const char *want;
	} cases[] = {
		{ { 2026, 3, 1 }, 2026, "" },
		{ { 2026, 3, 1 }, 0, "" },
		{ { 2026, 3, 2 }, 2026, "/birth_date future" },
		{ { 1906, 3, 1 }, 1906, "" },
		{ { 1906, 2, 28 }, 1906, "/birth_date out_of_range" },
		{ { 1990, 5, 17 }, 1991, "/birth_year contradiction" },
		{ { 0, 0, 0 }, 0, "/birth_date required" },
		{ { 0, 0, 0 }, 2026, "" },
		{ { 0, 0, 0 }, 2027, "/birth_year out_of_range" },
		{ { 0, 0, 0 }, 1906, "" },
		{ { 0, 0, 0 }, 1905, "/birth_year out_of_range" },
		{ { 0, 0, 0 }, -1, "/birth_year out_of_range" },
	};
	struct donor donor = fine_donor();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		donor.birth_date = cases[i].born;
		donor.birth_year = cases[i].year;
		expect(&donor, cases[i].want);
	}
}

static void test_blood(void **state)
{
	(void)state;
	for (int abo = 0; abo <= ABO_AB; abo++) {
		for (int rhd = 0; rhd <= RHD_NEGATIVE; rhd++) {
			for (int evidence = 0; evidence <= BLOOD_LABORATORY; evidence++) {
				struct donor donor = fine_donor();

				donor.abo = (enum blood_abo)abo;
				donor.rhd = (enum blood_rhd)rhd;
				donor.blood_evidence = (enum blood_evidence)evidence;
				expect(&donor, (abo || rhd) == (evidence != 0) ? ""
					       : evidence ? "/blood_group/abo required"
							  : "/blood_group/evidence required");
			}
		}
	}
}

static void test_address(void **state)
{
	struct donor donor = fine_donor();
	char address[3 * (DONOR_ADDRESS_MAX + 1) + 1] = "";

	(void)state;
	for (int i = 0; i < DONOR_ADDRESS_MAX; i++)
		strcat(address, "ử");
	donor.address = address;
	expect(&donor, "");
	strcat(address, "a");
	expect(&donor, "/address too_long");
}

static void test_identifiers(void **state)
{
	struct donor_identifier list[DONOR_IDENTIFIERS_MAX + 1];
	static const char *const values[] = { "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13" };
	struct donor donor = fine_donor();

	(void)state;
	memset(list, 0, sizeof(list));
	for (size_t i = 0; i < ARRAY_SIZE(list); i++)
		list[i].identifier = (struct identifier){ IDENTIFIER_WORK_CARD, "Nơi Thử", values[i] };
	donor.identifiers = list;
	donor.nidentifiers = DONOR_IDENTIFIERS_MAX;
	expect(&donor, "");
	donor.nidentifiers++;
	expect(&donor, "/identifiers too_many");
	donor.nidentifiers = 3;
	list[2].identifier = (struct identifier){ IDENTIFIER_WORK_CARD, "noi thu", "1" };
	expect(&donor, "/identifiers/2 duplicate");
	list[1].identifier = list[0].identifier;
	expect(&donor, "/identifiers/1 duplicate /identifiers/2 duplicate");
}

/* ---- what looks odd ---- */

static void expect_warning(const struct donor_warning *warning, const char *pointer, const char *code)
{
	assert_string_equal(warning->pointer, pointer);
	assert_string_equal(warning->code, code);
	assert_true(*warning->text[0] && *warning->text[1]);
}

static void test_warnings(void **state)
{
	struct donor_identifier list[] = {
		{ .identifier = { IDENTIFIER_WORK_CARD, "Nơi Thử", "1" } },
		{ .identifier = { IDENTIFIER_CCCD, NULL, "999205000000" } },
		{ .identifier = { IDENTIFIER_CCCD, NULL, "012190000000" } },
		{ .identifier = { IDENTIFIER_CCCD, NULL, "012191000000" } },
	};
	struct donor donor = fine_donor();
	struct donor_warning out[DONOR_WARNINGS_MAX];
	struct arena arena;

	(void)state;
	arena_init(&arena);
	assert_int_equal(donor_warnings(&donor, &arena, out), 0);
	donor.sex = DONOR_FEMALE;
	donor.identifiers = list;
	donor.nidentifiers = ARRAY_SIZE(list);
	assert_int_equal(donor_warnings(&donor, &arena, out), 4);
	expect_warning(&out[0], "/identifiers/1/value", "unknown_province");
	expect_warning(&out[1], "/identifiers/1/value", "sex_mismatch");
	expect_warning(&out[2], "/identifiers/1/value", "birth_year_mismatch");
	expect_warning(&out[3], "/identifiers/3/value", "birth_year_mismatch");

	donor.sex = DONOR_SEX_UNKNOWN;
	donor.birth_date = (struct date){ 0 };
	donor.birth_year = 0;
	assert_int_equal(donor_warnings(&donor, &arena, out), 1);
	donor.birth_year = 1991;
	assert_int_equal(donor_warnings(&donor, &arena, out), 3);
	donor.sex = DONOR_MALE;
	assert_int_equal(donor_warnings(&donor, &arena, out), 5);
	arena_release(&arena);
}

static void test_as_many_warnings_as_there_may_be(void **state)
{
	struct donor_identifier list[DONOR_IDENTIFIERS_MAX];
	struct donor donor = fine_donor();
	struct donor_warning out[DONOR_WARNINGS_MAX];
	struct arena arena;

	(void)state;
	memset(list, 0, sizeof(list));
	for (size_t i = 0; i < ARRAY_SIZE(list); i++)
		list[i].identifier = (struct identifier){ IDENTIFIER_CCCD, NULL, "999205000000" };
	arena_init(&arena);
	donor.sex = DONOR_FEMALE;
	donor.identifiers = list;
	donor.nidentifiers = ARRAY_SIZE(list);
	assert_int_equal(donor_warnings(&donor, &arena, out), DONOR_WARNINGS_MAX);
	expect_warning(&out[DONOR_WARNINGS_MAX - 1], "/identifiers/11/value", "birth_year_mismatch");
	arena_release(&arena);
}

/* ---- one person once ---- */

#define NAME(same, one, two) .same_words = (same), .words_one = (one), .words_two = (two)
#define SAME_NAME NAME(3, 3, 3)

static const struct {
	const char           *what;
	struct donor_likeness likeness;
	int                   score;
} likenesses[] = {
	{ "nothing", { 0 }, 0 },
	/* surely offered */
	{ "name, birth date, unit", { SAME_NAME, .same_birth_date = true, .same_unit = true }, 95 },
	{ "all", { SAME_NAME, .same_birth_date = true, .same_unit = true, .same_phone = true, .same_sex = true,
		   .same_paper = true }, 100 },
	{ "name and birth date", { SAME_NAME, .same_birth_date = true }, 75 },
	{ "name and birth date, moved", { SAME_NAME, .same_birth_date = true, .other_unit = true }, 70 },
	{ "name and birth date, moved, sex entered wrongly",
	  { SAME_NAME, .same_birth_date = true, .other_unit = true, .other_sex = true }, 50 },
	/* name, birth year and one sign more */
	{ "name and year", { SAME_NAME }, 45 },
	{ "name, year, sex", { SAME_NAME, .same_sex = true }, 50 },
	{ "name, year, another unit", { SAME_NAME, .other_unit = true }, 40 },
	{ "name, year, sex, another unit", { SAME_NAME, .other_unit = true, .same_sex = true }, 45 },
	{ "name, year, unit", { SAME_NAME, .same_unit = true }, 65 },
	{ "name, year, phone", { SAME_NAME, .same_phone = true }, 65 },
	{ "name, year, phone, another unit", { SAME_NAME, .same_phone = true, .other_unit = true }, 60 },
	{ "name, year, paper", { SAME_NAME, .same_paper = true }, 75 },
	{ "name, year, unit, other sex", { SAME_NAME, .same_unit = true, .other_sex = true }, 45 },
	{ "name, year, unit, another day", { SAME_NAME, .same_unit = true, .other_birth_date = true }, 40 },
	{ "name, year, unit, phone, sex, another day",
	  { SAME_NAME, .same_unit = true, .same_phone = true, .same_sex = true, .other_birth_date = true }, 65 },
	/* a part of the name */
	{ "two words of three", { NAME(2, 3, 3) }, 20 },
	{ "one word of three", { NAME(1, 3, 3) }, 5 },
	{ "two words of three, birth date", { NAME(2, 3, 3), .same_birth_date = true }, 50 },
	{ "two words of three, birth date, unit", { NAME(2, 3, 3), .same_birth_date = true, .same_unit = true }, 70 },
	{ "two words of three, unit", { NAME(2, 3, 3), .same_unit = true, .same_sex = true }, 45 },
	{ "a word left out, unit", { NAME(2, 3, 2), .same_unit = true }, 49 },
	{ "a word left out, birth date, unit", { NAME(2, 3, 2), .same_birth_date = true, .same_unit = true }, 79 },
	{ "a word of many left out, unit", { NAME(11, 12, 11), .same_unit = true }, 61 },
	/* without a word of the name */
	{ "phone", { .same_phone = true, .words_one = 3, .words_two = 3 }, 20 },
	{ "phone, unit, sex", { .same_phone = true, .same_unit = true, .same_sex = true }, 45 },
	{ "phone and birth date", { .same_phone = true, .same_birth_date = true, .same_sex = true }, 55 },
	{ "paper", { .same_paper = true }, 30 },
	{ "paper and phone", { .same_paper = true, .same_phone = true, .same_sex = true }, 55 },
	{ "paper, unit, phone: a family of one house",
	  { .same_paper = true, .same_unit = true, .same_phone = true, .other_sex = true }, 50 },
	/* a family */
	{ "husband and wife", { NAME(1, 3, 3), .same_unit = true, .same_phone = true, .other_sex = true,
				.other_birth_date = true }, 0 },
	{ "brothers of one year", { NAME(2, 3, 3), .same_unit = true, .same_phone = true, .same_sex = true,
				    .other_birth_date = true }, 40 },
	/* counts that cannot be */
	{ "more words than there are", { NAME(5, 3, 3) }, 45 },
	{ "no words", { NAME(2, 0, 0) }, 0 },
	{ "words of one alone", { NAME(2, 3, 0) }, 0 },
	{ "only against", { .other_birth_date = true, .other_unit = true, .other_sex = true }, 0 },
};

static void test_likeness(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(likenesses); i++) {
		struct donor_likeness turned = likenesses[i].likeness;
		int score = donor_likeness_score(&likenesses[i].likeness);

		if (score != likenesses[i].score)
			fail_msg("%s: %d instead of %d", likenesses[i].what, score, likenesses[i].score);
		turned.words_one = likenesses[i].likeness.words_two;
		turned.words_two = likenesses[i].likeness.words_one;
		assert_int_equal(donor_likeness_score(&turned), score);
	}
}

static void test_compared(void **state)
{
	static const struct date may = { 1990, 5, 17 }, june = { 1990, 6, 17 }, new_year = { 1990, 1, 1 };
	struct unit_map *units = test_units();
	const struct unit *found[8];
	const char *old, *successor, *elsewhere, *province;
	struct donor one = { .birth_date = may, .sex = DONOR_MALE }, two = { .birth_date = may, .sex = DONOR_MALE };

	(void)state;
	assert_true(unit_match(units, "Huyện Than Uyên", (struct date){ 2025, 1, 1 }, found, 8) > 0);
	old = found[0]->id;
	assert_true(unit_match(units, "Xã Than Uyên", (struct date){ 2025, 8, 1 }, found, 8) > 0);
	successor = found[0]->id;
	assert_true(unit_match(units, "Xã Sìn Hồ", (struct date){ 2025, 8, 1 }, found, 8) > 0);
	elsewhere = found[0]->id;
	assert_true(unit_match(units, "Tỉnh Lai Châu", (struct date){ 2025, 8, 1 }, found, 8) > 0);
	province = found[0]->id;

	const struct {
		const char  *what;
		struct date  birth;
		enum donor_sex sex;
		const char  *unit;
		struct donor_likeness want;
	} table[] = {
		{ "all", may, DONOR_MALE, old, { .same_birth_date = true, .same_sex = true, .same_unit = true } },
		{ "the commune of today", may, DONOR_MALE, successor, { .same_birth_date = true, .same_sex = true, .same_unit = true } },
		{ "nothing", june, DONOR_FEMALE, elsewhere, { .other_birth_date = true, .other_sex = true, .other_unit = true } },
		{ "a day that may not be known", new_year, DONOR_SEX_UNKNOWN, NULL, { 0 } },
		{ "only the year", { 0 }, DONOR_SEX_UNKNOWN, "no such unit", { 0 } },
		{ "the whole province", may, DONOR_MALE, province, { .same_birth_date = true, .same_sex = true } },
	};

	one.unit_id = old;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct donor_likeness got = { 0 }, turned = { 0 }, placeless = { 0 };

		two.birth_date = table[i].birth;
		two.sex = table[i].sex;
		two.unit_id = table[i].unit;
		donor_compare(&one, &two, units, &got);
		donor_compare(&two, &one, units, &turned);
		donor_compare(&one, &two, NULL, &placeless);
		if (memcmp(&got, &table[i].want, sizeof(got)) != 0)
			fail_msg("%s", table[i].what);
		assert_memory_equal(&turned, &got, sizeof(got));
		assert_false(placeless.same_unit || placeless.other_unit);
	}
	unit_map_free(units);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),    cmocka_unit_test(test_name_and_all_faults),
		cmocka_unit_test(test_birth),    cmocka_unit_test(test_blood),
		cmocka_unit_test(test_address),  cmocka_unit_test(test_identifiers),
		cmocka_unit_test(test_warnings), cmocka_unit_test(test_as_many_warnings_as_there_may_be),
		cmocka_unit_test(test_likeness), cmocka_unit_test(test_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
