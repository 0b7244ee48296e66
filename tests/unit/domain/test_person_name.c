/* Names of persons, found again however they are spelled. The persons do not exist. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "domain/person_name.h"

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

static void expect_clean(const char *typed, const char *want)
{
	struct error err = { 0 };
	const char *name = typed;

	if (!person_name_clean(&name, "/name", &arena, &err) || !streq(name, want))
		fail_msg("\"%s\" is \"%s\" (%s)", typed, name, err.nfields ? err.fields[0].code : "no fault");
	assert_int_equal(err.code, ERR_NONE);
}

static void expect_fault(const char *typed, const char *code)
{
	struct error err = { 0 };
	const char *name = typed;

	if (person_name_clean(&name, "/donor/name", &arena, &err))
		fail_msg("\"%s\" is taken", typed);
	assert_ptr_equal(name, typed);
	assert_int_equal(err.code, ERR_INVALID_FIELD);
	assert_int_equal(err.nfields, 1);
	assert_string_equal(err.fields[0].pointer, "/donor/name");
	if (!streq(err.fields[0].code, code))
		fail_msg("\"%s\": %s instead of %s", typed, err.fields[0].code, code);
	for (int language = 0; language < LANGUAGE_COUNT; language++)
		assert_true(text_valid_utf8(err.fields[0].detail[language], strlen(err.fields[0].detail[language])));
}

static void expect_words(const char *name, const char *want)
{
	const char *words[PERSON_NAME_WORDS_MAX];
	size_t count = person_name_words(name, &arena, words);
	char all[512] = "";

	for (size_t i = 0; i < count; i++) {
		strcat(all, i ? " " : "");
		strcat(all, words[i]);
	}
	if (!streq(all, want))
		fail_msg("\"%s\" has the words \"%s\"", name, all);
}

static void test_clean(void **state)
{
	(void)state;
	expect_clean("Lò Thị Thử Nghiệm", "Lò Thị Thử Nghiệm");
	expect_clean("  Lò \t Thị\nThử\xc2\xa0Nghiệm ", "Lò Thị Thử Nghiệm");
	expect_clean("Lo\xcc\x80 Thi\xcc\xa3 Thu\xcc\x9b\xcc\x89", "Lò Thị Thử");
	expect_clean("\xef\xbb\xbfLò\xe2\x80\x8b Thử", "Lò Thử");
	expect_clean("H'Thử Niê", "H'Thử Niê");
	expect_clean("H’Thử Niê-Kđăm", "H’Thử Niê-Kđăm");
	expect_clean("H‘Thử", "H‘Thử");
	expect_clean("H´Thử", "H´Thử");
	expect_clean("Y·Thử A.", "Y·Thử A.");
	expect_clean("Thử\xe2\x80\x91" "Nghiệm", "Thử\xe2\x80\x91" "Nghiệm");     /* a hyphen that does not break */
	expect_clean("Ｈ＇Thử", "Ｈ＇Thử");
	expect_clean("สมชาย", "สมชาย");
	expect_clean("ສົມພອນ", "ສົມພອນ");
	expect_clean("Anne-Marie O'Test", "Anne-Marie O'Test");
	expect_clean("Đ", "Đ");
	expect_clean("张三", "张三");
}

static void test_faults(void **state)
{
	(void)state;
	expect_fault("", "required");
	expect_fault("  \t", "required");
	expect_fault("---", "required");
	expect_fault("\xe2\x80\x8b", "required");
	expect_fault("\xcc\x81", "required");
	expect_fault("Thử 2", "invalid_character");
	expect_fault("Thử ２", "invalid_character");
	expect_fault("Thử Ⅱ", "invalid_character");
	expect_fault("Thử Văn A (con ông B.)", "invalid_character");
	for (const char *sign = "<>{}|=()[]\\/\"!?@#$%^&*_+:;,~"; *sign; sign++) {
		char name[] = "Thu ? A";

		name[4] = *sign;
		expect_fault(name, "invalid_character");
	}
	expect_fault("Thử ＜A", "invalid_character");               /* full-width */
	expect_fault("Thử <\xcc\xb8", "invalid_character");         /* composed: one sign */
	expect_fault("Thử ≠", "invalid_character");
	expect_fault("Thử 😀", "invalid_character");
	expect_fault("Thử ₫", "invalid_character");
	expect_fault("Thử\x01", "invalid_character");
	expect_fault("Thử\x7f", "invalid_character");
	expect_fault("Thử\xee\x80\x80", "invalid_character");       /* private use */
	expect_fault("Thử\xff", "invalid_character");
	expect_fault("Th\xed\xa0\x80", "invalid_character");        /* half a surrogate pair */
}

static void test_longest(void **state)
{
	char name[4 * PERSON_NAME_MAX + 8] = "";

	(void)state;
	for (int i = 0; i < PERSON_NAME_MAX; i++)
		strcat(name, "Ử");
	expect_clean(name, name);
	strcat(name, "a");
	expect_fault(name, "too_long");

	name[0] = '\0';
	for (int i = 0; i < PERSON_NAME_MAX; i++)
		strcat(name, "각");
	expect_clean(name, name);

	name[0] = '\0';
	for (int i = 0; i < PERSON_NAME_WORDS_MAX; i++)
		strcat(name, i ? " Thử" : "Thử");
	expect_clean(name, name);
	strcat(name, " A");
	expect_fault(name, "too_long");
}

/* Decomposed, a name of the greatest length has more bytes than any composed one, and is still one. */
static void test_longest_decomposed(void **state)
{
	char name[8 * PERSON_NAME_MAX] = "", want[4 * PERSON_NAME_MAX] = "";

	(void)state;
	for (int i = 0; i < PERSON_NAME_MAX; i++) {
		strcat(name, "U\xcc\x9b\xcc\x89");
		strcat(want, "Ử");
	}
	expect_clean(name, want);
}

static void test_ten_megabytes(void **state)
{
	size_t size = 10 << 20;
	char *name = xmalloc(size + 1);

	(void)state;
	memset(name, 'a', size);
	name[size] = '\0';
	expect_fault(name, "too_long");
	memset(name, ' ', size);
	expect_fault(name, "too_long");
	free(name);
}

static void test_words(void **state)
{
	static const char *const spellings[] = {
		"Đèo Thị Thử Nghiệm", "đèo thị thử nghiệm", "ĐÈO THỊ THỬ NGHIỆM", "Deo Thi Thu Nghiem", "Nghiệm Thử Thị Đèo",
		"\xc4\x90" "e\xcc\x80o Thi\xcc\xa3 Thu\xcc\x9b\xcc\x89 Nghie\xcc\xa3\xcc\x82m",
		"\xc4\x90" "e\xcc\x80o Thi\xcc\xa3 Thu\xcc\x89\xcc\x9b Nghie\xcc\x82\xcc\xa3m",
		"\xc3\x90\xc3\xa8o Thị Thử Nghiệm",      /* eth, as old keyboards gave it */
		"\xc3\xb0\xc3\xa8o Thị Thử Nghiệm",
		"Đèo  Thị-Thử, Nghiệm.", "Ｄeo Thị Thử Nghiệm", "Đèo Thị Thử Thử Nghiệm",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(spellings); i++)
		expect_words(spellings[i], "deo nghiem thi thu");
	expect_words("Lò Thị Mây", "lo may thi");
	expect_words("", "");
	expect_words("- '", "");
	expect_words("\xff", "");
	expect_words("A B C D E F G H I K L M N", "a b c d e f g h i k l m");
}

static void test_apostrophes(void **state)
{
	static const char *const spellings[] = { "H'Thử", "H’Thử", "H‘Thử", "H`Thử", "H´Thử", "Hʼthử", "H Thử", "H-Thử",
						 "H–Thử", "H. Thử" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(spellings); i++)
		expect_words(spellings[i], "h thu");
}

/* Every letter of the alphabet with every tone, composed and decomposed. */
static void test_letters(void **state)
{
	static const char *const vowels[] = { "a", "ă", "â", "e", "ê", "i", "o", "ô", "ơ", "u", "ư", "y" };
	static const char plain[] = "aaaeeiooouuy";
	static const char *const tones[] = { "", "\xcc\x80", "\xcc\x81", "\xcc\x83", "\xcc\x89", "\xcc\xa3" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vowels); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(tones); j++) {
			char typed[16], composed[16], want[] = { plain[i], '\0' };

			strcpy(typed, vowels[i]);
			strcat(typed, tones[j]);
			expect_words(typed, want);
			assert_true(text_compose(typed, composed, sizeof(composed)));
			assert_int_equal(text_length(composed), 1);
			expect_words(composed, want);
			expect_clean(typed, composed);
		}
	}
}

/* What is digested stays what it is, or nobody is found again. */
static void test_digest_text(void **state)
{
	size_t len;
	const char *text = person_name_digest_text(1990, "thu", &arena, &len);

	(void)state;
	assert_string_equal(text, "1990\x1fthu");
	assert_int_equal(len, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),       cmocka_unit_test(test_faults),
		cmocka_unit_test(test_longest),     cmocka_unit_test(test_longest_decomposed),
		cmocka_unit_test(test_ten_megabytes), cmocka_unit_test(test_words),
		cmocka_unit_test(test_apostrophes), cmocka_unit_test(test_letters),
		cmocka_unit_test(test_digest_text),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
