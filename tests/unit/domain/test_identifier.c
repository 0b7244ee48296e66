/* Numbers on papers: what is one, what is refused, what looks odd. All numbers and issuers are invented. */
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
#include "domain/identifier.h"

static struct arena arena;

static int begin(void **state)
{
	(void)state;
	arena_init(&arena);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static const struct {
	const char *text;
	bool        issuer, unique;
} kinds[] = {
	{ "cccd", false, true },     { "cmnd", false, true },           { "passport", false, true },
	{ "military", true, true },  { "police", true, true },          { "driving_licence", true, true },
	{ "work_card", true, true }, { "student_card", true, true },    { "donor_card", true, true },
	{ "local_paper", true, false },
};

static void test_kinds(void **state)
{
	enum identifier_kind kind;

	(void)state;
	assert_int_equal(ARRAY_SIZE(kinds), IDENTIFIER_KIND_COUNT);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		assert_true(identifier_kind_parse(kinds[i].text, &kind));
		assert_int_equal(kind, i);
		assert_string_equal(identifier_kind_text(kind), kinds[i].text);
		assert_int_equal(identifier_needs_issuer(kind), kinds[i].issuer);
		assert_int_equal(identifier_is_unique(kind), kinds[i].unique);
	}
	assert_false(identifier_kind_parse("CCCD", &kind));
	assert_false(identifier_kind_parse("", &kind));
	assert_false(identifier_kind_parse(NULL, &kind));
	assert_string_equal(identifier_kind_text(IDENTIFIER_KIND_COUNT), "unknown");
}

static bool normalise(struct identifier *identifier, struct error *err)
{
	error_clear(err);
	return identifier_normalise(identifier, "/identifiers/0", &arena, err);
}

/* Normalised, the same again when normalised again, and with this digest text. */
static void expect(enum identifier_kind kind, const char *issuer, const char *typed, const char *digest_text)
{
	struct identifier identifier = { kind, issuer, typed };
	struct error err;
	size_t len;

	if (!normalise(&identifier, &err))
		fail_msg("\"%s\": %s at %s", typed, err.fields[0].code, err.fields[0].pointer);
	const char *text = identifier_digest_text(&identifier, &arena, &len);

	assert_string_equal(text, digest_text);
	assert_int_equal(len, strlen(digest_text));
	struct identifier again = identifier;

	assert_true(normalise(&again, &err));
	assert_int_equal(again.kind, identifier.kind);
	assert_string_equal(again.value, identifier.value);
	assert_true(streq(again.issuer, identifier.issuer));
	assert_true(identifier_same(&again, &identifier));
}

static void expect_fault(enum identifier_kind kind, const char *issuer, const char *typed, const char *member,
			 const char *code)
{
	struct identifier identifier = { kind, issuer, typed }, before = identifier;
	struct error err;
	char pointer[64];

	if (normalise(&identifier, &err))
		fail_msg("%s \"%s\" is taken", identifier_kind_text(kind), typed);
	assert_memory_equal(&identifier, &before, sizeof(before));
	snprintf(pointer, sizeof(pointer), "/identifiers/0/%s", member);
	assert_int_equal(err.code, ERR_INVALID_FIELD);
	assert_int_equal(err.nfields, 1);
	assert_string_equal(err.fields[0].pointer, pointer);
	if (!streq(err.fields[0].code, code))
		fail_msg("%s \"%s\": %s instead of %s", identifier_kind_text(kind), typed, err.fields[0].code, code);
	for (int language = 0; language < LANGUAGE_COUNT; language++) {
		const char *detail = err.fields[0].detail[language];

		assert_true(strlen(detail) < sizeof(err.fields[0].detail[0]) - 1);
		assert_true(text_valid_utf8(detail, strlen(detail)));
		if (typed && strlen(typed) > 3)
			assert_null(strstr(detail, typed));
	}
}

static void test_personal_numbers(void **state)
{
	static const char *const spellings[] = {
		"012205000000", "012 205 000 000", "012.205.000.000", "012-205-000-000", " 012205000000\n", "０１２２０５００００００",
		"012　205　000　000", "012\xc2\xa0" "205\xe2\x80\x93" "000\xe2\x80\x8b" "000", "０１２．２０５－０００ ０００",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(spellings); i++) {
		expect(IDENTIFIER_CCCD, NULL, spellings[i], "cccd\x1f\x1f" "012205000000");
		expect(IDENTIFIER_CMND, NULL, spellings[i], "cccd\x1f\x1f" "012205000000");
		expect(IDENTIFIER_PASSPORT, NULL, spellings[i], "cccd\x1f\x1f" "012205000000");
	}
	/* Who gave it out is kept, and is no part of what it is found by. */
	expect(IDENTIFIER_CCCD, "Nơi cấp thử", "012205000000", "cccd\x1f\x1f" "012205000000");
	expect_fault(IDENTIFIER_CCCD, NULL, "01220500000", "value", "invalid_length");
	expect_fault(IDENTIFIER_CCCD, NULL, "0122050000000", "value", "invalid_length");
	expect_fault(IDENTIFIER_CCCD, NULL, "045000000", "value", "invalid_length");
	expect_fault(IDENTIFIER_CCCD, NULL, "01220500000O", "value", "invalid_character");
	expect_fault(IDENTIFIER_CCCD, NULL, "012/205000000", "value", "invalid_character");
	expect_fault(IDENTIFIER_CCCD, NULL, "٠١٢٢٠٥٠٠٠٠٠٠", "value", "invalid_character");
	expect_fault(IDENTIFIER_CCCD, NULL, "01220500000²", "value", "invalid_character");
}

static void test_old_numbers(void **state)
{
	(void)state;
	expect(IDENTIFIER_CMND, NULL, "045 000 000", "cmnd\x1f\x1f" "045000000");
	expect(IDENTIFIER_CMND, NULL, "０４５．０００．０００", "cmnd\x1f\x1f" "045000000");
	expect_fault(IDENTIFIER_CMND, NULL, "04500000", "value", "invalid_length");
	expect_fault(IDENTIFIER_CMND, NULL, "0450000000", "value", "invalid_length");
	expect_fault(IDENTIFIER_CMND, NULL, "04500000A", "value", "invalid_character");
}

static void test_passports(void **state)
{
	(void)state;
	expect(IDENTIFIER_PASSPORT, NULL, "b 0000000", "passport\x1f\x1f" "B0000000");
	expect(IDENTIFIER_PASSPORT, NULL, "Ｃ００００-０００", "passport\x1f\x1f" "C0000000");
	expect(IDENTIFIER_PASSPORT, NULL, "X00000", "passport\x1f\x1fX00000");
	expect(IDENTIFIER_PASSPORT, NULL, "XX0000000000", "passport\x1f\x1fXX0000000000");
	expect_fault(IDENTIFIER_PASSPORT, NULL, "X0000", "value", "invalid_length");
	expect_fault(IDENTIFIER_PASSPORT, NULL, "XX00000000000", "value", "invalid_length");
	expect_fault(IDENTIFIER_PASSPORT, NULL, "0000000000000", "value", "invalid_length");
	expect_fault(IDENTIFIER_PASSPORT, NULL, "XXXXXXXX", "value", "invalid_character");
	expect_fault(IDENTIFIER_PASSPORT, NULL, "X000/000", "value", "invalid_character");
}

/* The rule of those that their issuers number is one. */
static void test_issued(void **state)
{
	char digits[64], text[128];

	(void)state;
	memset(digits, '7', sizeof(digits));
	for (int i = IDENTIFIER_MILITARY; i < IDENTIFIER_KIND_COUNT; i++) {
		enum identifier_kind kind = (enum identifier_kind)i;

		snprintf(text, sizeof(text), "%s\x1f" "noi cap thu\x1f" "HD15/XY7", kinds[i].text);
		expect(kind, "Nơi cấp Thử", "hđ-15/xy.7", text);
		expect(kind, " Noi  cap: thử ", "HĐ 15/XY 7", text);
		expect(kind, "No\xcc\x9bi ca\xcc\x82\xcc\x81p Thu\xcc\x9b\xcc\x89", "H\xc3\x90" "15/xy7", text);
		/* Twelve digits are a personal number only where no issuer numbers. */
		snprintf(text, sizeof(text), "%s\x1f" "noi cap thu\x1f" "010000000000", kinds[i].text);
		expect(kind, "Nơi cấp Thử", "010 000 000 000", text);
		snprintf(text, sizeof(text), "%s\x1f" "noi cap thu\x1f" "7", kinds[i].text);
		expect(kind, "Nơi cấp Thử", "7", text);
		digits[32] = '\0';
		snprintf(text, sizeof(text), "%s\x1f" "noi cap thu\x1f%s", kinds[i].text, digits);
		expect(kind, "Nơi cấp Thử", digits, text);
		digits[32] = '7';
		digits[33] = '\0';
		expect_fault(kind, "Nơi cấp Thử", digits, "value", "too_long");
		expect_fault(kind, "Nơi cấp Thử", "//", "value", "required");
		expect_fault(kind, NULL, "7", "issuer", "required");
		expect_fault(kind, "", "7", "issuer", "required");
		expect_fault(kind, " - ", "7", "issuer", "required");
	}
}

static void test_values_of_no_use(void **state)
{
	static const char *const empty[] = { NULL, "", "  ", "- .", "\xe2\x80\x8b" };
	static const char *const odd[] = { "12#4", "12,4", "12_4", "12\x01" "4", "12\xff" "4", "一二三", "12\xf0\x9f\x86\x94",
					   "12'4", "12+4" };

	(void)state;
	for (int i = 0; i < IDENTIFIER_KIND_COUNT; i++) {
		enum identifier_kind kind = (enum identifier_kind)i;

		for (size_t j = 0; j < ARRAY_SIZE(empty); j++)
			expect_fault(kind, "Nơi cấp Thử", empty[j], "value", "required");
		for (size_t j = 0; j < ARRAY_SIZE(odd); j++)
			expect_fault(kind, "Nơi cấp Thử", odd[j], "value", "invalid_character");
	}
}

static void test_long_texts(void **state)
{
	static char text[10 << 20];

	(void)state;
	memset(text, '7', sizeof(text) - 1);
	expect_fault(IDENTIFIER_WORK_CARD, "Nơi cấp Thử", text, "value", "too_long");
	memset(text, ' ', sizeof(text) - 1);
	expect_fault(IDENTIFIER_WORK_CARD, "Nơi cấp Thử", text, "value", "too_long");
	memset(text, 'x', sizeof(text) - 1);
	expect_fault(IDENTIFIER_WORK_CARD, text, "7", "issuer", "too_long");
	text[201] = '\0';
	expect_fault(IDENTIFIER_WORK_CARD, text, "7", "issuer", "too_long");
	expect_fault(IDENTIFIER_CCCD, text, "012205000000", "issuer", "too_long");
	text[200] = '\0';
	struct identifier identifier = { IDENTIFIER_WORK_CARD, text, "7" };
	struct error err;

	assert_true(normalise(&identifier, &err));
	assert_string_equal(identifier.issuer, text);
}

static void test_issuers(void **state)
{
	struct identifier identifier = { IDENTIFIER_WORK_CARD, " Trường\tThử  nghiệm ", "7" };
	struct error err;

	(void)state;
	assert_true(normalise(&identifier, &err));
	assert_string_equal(identifier.issuer, "Trường Thử nghiệm");
	identifier = (struct identifier){ IDENTIFIER_PASSPORT, "  ", "X000000" };
	assert_true(normalise(&identifier, &err));
	assert_null(identifier.issuer);
	expect_fault(IDENTIFIER_WORK_CARD, "Trường\x01", "7", "issuer", "invalid_character");
	expect_fault(IDENTIFIER_WORK_CARD, "Trường\xff", "7", "issuer", "invalid_character");
	expect_fault(IDENTIFIER_CCCD, "Trường\x1f", "012205000000", "issuer", "invalid_character");

	/* Both faults are told at once. */
	identifier = (struct identifier){ IDENTIFIER_WORK_CARD, NULL, "" };
	assert_false(normalise(&identifier, &err));
	assert_int_equal(err.nfields, 2);
}

static void test_same(void **state)
{
	const struct identifier one = { IDENTIFIER_WORK_CARD, "Nơi A", "7" };
	const struct identifier folded = { IDENTIFIER_WORK_CARD, "noi  a", "7" };
	const struct identifier other_issuer = { IDENTIFIER_WORK_CARD, "Nơi B", "7" };
	const struct identifier other_value = { IDENTIFIER_WORK_CARD, "Nơi A", "8" };
	const struct identifier other_kind = { IDENTIFIER_DONOR_CARD, "Nơi A", "7" };
	const struct identifier card = { IDENTIFIER_CCCD, NULL, "012205000000" };
	const struct identifier issued = { IDENTIFIER_CCCD, "Nơi A", "012205000000" };

	(void)state;
	assert_true(identifier_same(&one, &one));
	assert_true(identifier_same(&one, &folded));
	assert_true(identifier_same(&card, &issued));
	assert_false(identifier_same(&one, &other_issuer));
	assert_false(identifier_same(&one, &other_value));
	assert_false(identifier_same(&one, &other_kind));
}

/* 63 provinces of before 1/7/2025, and nothing else. */
static void test_provinces(void **state)
{
	unsigned known = 0;

	(void)state;
	for (unsigned code = 0; code < 1000; code++) {
		char value[16];
		struct identifier identifier = { IDENTIFIER_CCCD, NULL, value };

		snprintf(value, sizeof(value), "%03u205000000", code);
		known += identifier_doubts(&identifier, 0, 0) == 0;
		if (code > 96)
			assert_int_equal(identifier_doubts(&identifier, 0, 0), IDENTIFIER_DOUBT_PROVINCE);
	}
	assert_int_equal(known, 63);
}

static void test_doubts(void **state)
{
	static const struct {
		const char *value;
		char        sex;
		int         year;
		unsigned    want;
	} cases[] = {
		{ "012205000000", 'm', 2005, 0 },
		{ "012205000000", 0, 0, 0 },
		{ "012305000000", 'f', 2005, 0 },
		{ "012085000000", 'm', 1985, 0 },
		{ "012185000000", 'f', 1985, 0 },
		{ "012401000000", 'm', 2101, 0 },
		{ "012501000000", 'f', 2101, 0 },
		{ "012000000000", 'm', 1900, 0 },
		{ "012099000000", 'm', 1999, 0 },
		{ "012200000000", 'm', 2000, 0 },
		{ "012205000000", 'f', 2005, IDENTIFIER_DOUBT_SEX },
		{ "012305000000", 'm', 2005, IDENTIFIER_DOUBT_SEX },
		{ "012205000000", 'm', 2006, IDENTIFIER_DOUBT_BIRTH_YEAR },
		{ "012205000000", 'm', 2004, IDENTIFIER_DOUBT_BIRTH_YEAR },
		{ "012205000000", 'm', 1905, IDENTIFIER_DOUBT_BIRTH_YEAR },
		{ "012005000000", 'm', 2005, IDENTIFIER_DOUBT_BIRTH_YEAR },
		{ "012205000000", 0, 2006, IDENTIFIER_DOUBT_BIRTH_YEAR },
		{ "011205000000", 'm', 2005, 0 },
		{ "010205000000", 'm', 2005, 0 },
		{ "014205000000", 'm', 2005, 0 },
		{ "001205000000", 'm', 2005, 0 },
		{ "079205000000", 'm', 2005, 0 },
		{ "096205000000", 'm', 2005, 0 },
		{ "013205000000", 'm', 2005, IDENTIFIER_DOUBT_PROVINCE },
		{ "000205000000", 'm', 2005, IDENTIFIER_DOUBT_PROVINCE },
		{ "097205000000", 'm', 2005, IDENTIFIER_DOUBT_PROVINCE },
		{ "112205000000", 'm', 2005, IDENTIFIER_DOUBT_PROVINCE },
		{ "999905000000", 'm', 1990,
		  IDENTIFIER_DOUBT_PROVINCE | IDENTIFIER_DOUBT_SEX | IDENTIFIER_DOUBT_BIRTH_YEAR },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct identifier identifier = { IDENTIFIER_CCCD, NULL, cases[i].value };
		unsigned doubts = identifier_doubts(&identifier, cases[i].sex, cases[i].year);

		if (doubts != cases[i].want)
			fail_msg("%s, %d: %u instead of %u", cases[i].value, cases[i].year, doubts, cases[i].want);
	}
	for (int i = IDENTIFIER_CMND; i < IDENTIFIER_KIND_COUNT; i++) {
		struct identifier identifier = { (enum identifier_kind)i, "Nơi A", "999905000000" };

		assert_int_equal(identifier_doubts(&identifier, 'f', 1990), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),       cmocka_unit_test(test_personal_numbers),
		cmocka_unit_test(test_old_numbers), cmocka_unit_test(test_passports),
		cmocka_unit_test(test_issued),      cmocka_unit_test(test_values_of_no_use),
		cmocka_unit_test(test_long_texts),  cmocka_unit_test(test_issuers),
		cmocka_unit_test(test_same),        cmocka_unit_test(test_provinces),
		cmocka_unit_test(test_doubts),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
