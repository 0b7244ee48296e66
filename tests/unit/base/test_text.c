#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/memory.h"

static void spellings_of_one_name_fold_alike(void **state)
{
	static const struct {
		const char *typed, *want; /* want NULL: refused */
	} cases[] = {
		{ "Mường Tè", "muong te" },
		{ "MƯỜNG TÈ", "muong te" },
		{ "Mu\xcc\x9bo\xcc\x9b\xcc\x80ng Te\xcc\x80", "muong te" }, /* decomposed */
		{ "M\xc6\xb0\xc6\xa1\xcc\x80ng Tè", "muong te" },           /* half composed */
		{ "muong te", "muong te" },
		{ "  Mường -  Tè. ", "muong te" },
		{ "Đoàn Kết", "doan ket" },
		{ "ĐOÀN KẾT", "doan ket" },
		{ "đoàn kết", "doan ket" },
		{ "H. Than Uyên", "h than uyen" },
		{ "3653/KH-UBND", "3653 kh ubnd" },
		{ "", "" },
		{ " .,;", "" },
		{ "a\xff", NULL },
		{ "\xc3", NULL },
	};
	char out[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool ok = text_fold(cases[i].typed, out, sizeof(out));

		assert_int_equal(ok, cases[i].want != NULL);
		assert_string_equal(out, ok ? cases[i].want : "");
	}
	assert_true(text_fold("abc", out, 4));
	assert_false(text_fold("abcd", out, 4));
	assert_string_equal(out, "");
}

static void marks_are_stripped_and_nothing_else(void **state)
{
	char out[64];

	(void)state;
	assert_true(text_strip_marks("Mường Tè, Đoàn Kết!", out, sizeof(out)));
	assert_string_equal(out, "Muong Te, Doan Ket!");
	assert_true(text_strip_marks("Mu\xcc\x9bo\xcc\x9b\xcc\x80ng  Te\xcc\x80", out, sizeof(out)));
	assert_string_equal(out, "Muong  Te");
	assert_false(text_strip_marks("\xff", out, sizeof(out)));
}

static void composing_makes_one_form(void **state)
{
	char out[64];

	(void)state;
	assert_true(text_compose("Mu\xcc\x9bo\xcc\x9b\xcc\x80ng Te\xcc\x80", out, sizeof(out)));
	assert_string_equal(out, "Mường Tè");
	assert_true(text_compose("Mường Tè", out, sizeof(out)));
	assert_string_equal(out, "Mường Tè");
	assert_false(text_compose("Mường Tè", out, 5));
}

static void utf8_is_strict(void **state)
{
	(void)state;
	assert_true(text_valid_utf8("Mường Tè 😀", strlen("Mường Tè 😀")));
	assert_true(text_valid_utf8("", 0));
	assert_false(text_valid_utf8("a\0b", 3));
	assert_false(text_valid_utf8("\xc0\x80", 2));         /* overlong */
	assert_false(text_valid_utf8("\xed\xa0\x80", 3));     /* surrogate */
	assert_false(text_valid_utf8("\xf4\x90\x80\x80", 4)); /* beyond Unicode */
	assert_false(text_valid_utf8("\xe1\xbb", 2));
	assert_false(text_valid_utf8("\x80", 1));
}

static void points_one_by_one(void **state)
{
	const char *text = "aề\xf0\x9f\xa9\xb8\xc0\x80\xe1\xbb" "b\xed\xa0\x80\xff";
	static const int32_t points[] = { 'a', 0x1ec1, 0x1fa78, -1, -1, -1, -1, 'b', -1, -1, -1, -1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(points); i++)
		assert_int_equal(text_next(&text), points[i]);
	assert_int_equal(*text, '\0');
	text = "\xf0\x9f\xa9";                  /* cut off: never beyond the end */
	for (int i = 0; i < 3; i++)
		assert_int_equal(text_next(&text), -1);
	assert_int_equal(*text, '\0');
}

static void distances(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned limit, want;
	} cases[] = {
		{ "than uyen", "than uyen", 3, 0 },
		{ "than uyen", "thna uyen", 3, 1 },
		{ "than uyen", "tan uyen", 3, 1 },
		{ "than uyen", "than uyn", 3, 1 },
		{ "sin ho", "phong tho", 3, 4 },
		{ "", "abc", 3, 3 },
		{ "", "abcd", 3, 4 },
		{ "ca", "abc", 3, 3 },
		{ "abc", "xyz", 2, 3 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(text_distance(cases[i].a, cases[i].b, cases[i].limit), cases[i].want);
		assert_int_equal(text_distance(cases[i].b, cases[i].a, cases[i].limit), cases[i].want);
	}
}

static void classes_of_characters(void **state)
{
	static const struct {
		int32_t         point;
		enum text_class want;
	} cases[] = {
		{ 'a', TEXT_LETTER },    { 0x1ef9, TEXT_LETTER },  { 0x111, TEXT_LETTER },   { 0x5f20, TEXT_LETTER },
		{ 0x2bc, TEXT_LETTER },  { 0x301, TEXT_MARK },     { 0x20dd, TEXT_MARK },    { '0', TEXT_DIGIT },
		{ 0xff10, TEXT_DIGIT },  { 0xb2, TEXT_DIGIT },     { 0x2161, TEXT_DIGIT },   { 0x660, TEXT_DIGIT },
		{ ' ', TEXT_BLANK },     { '\t', TEXT_BLANK },     { '\n', TEXT_BLANK },     { '\r', TEXT_BLANK },
		{ 0x85, TEXT_BLANK },    { 0xa0, TEXT_BLANK },     { 0x2028, TEXT_BLANK },   { 0x3000, TEXT_BLANK },
		{ '-', TEXT_SIGN },      { '\'', TEXT_SIGN },      { '+', TEXT_SIGN },       { 0x2019, TEXT_SIGN },
		{ 0x1f600, TEXT_SIGN },  { 0x200b, TEXT_HIDDEN },  { 0x202e, TEXT_HIDDEN },  { 0xfeff, TEXT_HIDDEN },
		{ 0xad, TEXT_HIDDEN },   { 0, TEXT_CONTROL },      { 8, TEXT_CONTROL },      { 0xe, TEXT_CONTROL },
		{ 0x1f, TEXT_CONTROL },  { 0x7f, TEXT_CONTROL },   { 0x84, TEXT_CONTROL },   { 0x86, TEXT_CONTROL },
		{ 0xd800, TEXT_CONTROL }, { 0xe000, TEXT_CONTROL }, { 0xffff, TEXT_CONTROL }, { 0x10ffff, TEXT_CONTROL },
		{ -1, TEXT_CONTROL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (text_class(cases[i].point) != cases[i].want)
			fail_msg("U+%04X", (unsigned)cases[i].point);
}

static void small_helpers(void **state)
{
	long value = 7;

	(void)state;
	assert_int_equal(text_length("Mường Tè"), 8);
	assert_true(text_is_blank(NULL) && text_is_blank(" \t\n"));
	assert_false(text_is_blank(" x"));
	assert_true(text_to_int("500", 1, 500, &value) && value == 500);
	assert_false(text_to_int("501", 1, 500, &value));
	assert_true(text_to_int("-1", -1, 500, &value) && value == -1);
	assert_false(text_to_int(" 5", 1, 500, &value));
	assert_false(text_to_int("+5", 1, 500, &value));
	assert_false(text_to_int("5x", 1, 500, &value));
	assert_false(text_to_int("", 1, 500, &value));
	assert_false(text_to_int("-", -5, 500, &value));
	assert_false(text_to_int("99999999999999999999", 1, 500, &value));
	assert_false(text_to_int(NULL, 1, 500, &value));
	assert_true(streq(NULL, NULL) && streq("a", "a"));
	assert_false(streq(NULL, "a") || streq("a", NULL) || streq("a", "b"));
	assert_true(text_starts_with("abc", "ab") && text_starts_with("abc", ""));
	assert_false(text_starts_with("a", "ab"));
}

/* ASCII takes a shorter way: beside a letter that does not, it must become the same. */
static void ascii_becomes_what_it_does_beside_other_letters(void **state)
{
	(void)state;
	for (int c = 1; c < 128; c++) {
		const char text[] = { 'A', (char)c, 'b', '\0' };
		char mixed[8], short_way[8], long_way[12];

		snprintf(mixed, sizeof(mixed), "%s\xc3\xa0", text);
		assert_true(text_fold(text, short_way, sizeof(short_way)) && text_fold(mixed, long_way, sizeof(long_way)));
		assert_int_equal(strlen(long_way), strlen(short_way) + 1);
		assert_memory_equal(long_way, short_way, strlen(short_way));
		assert_true(text_strip_marks(text, short_way, sizeof(short_way)) && text_strip_marks(mixed, long_way, sizeof(long_way)));
		assert_string_equal(short_way, text);
		assert_memory_equal(long_way, text, 3);
		assert_true(text_compose(text, short_way, sizeof(short_way)) && text_compose(mixed, long_way, sizeof(long_way)));
		assert_string_equal(short_way, text);
		assert_memory_equal(long_way, text, 3);
	}
	assert_false(text_compose("abcd", (char[4]){ 0 }, 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spellings_of_one_name_fold_alike),
		cmocka_unit_test(marks_are_stripped_and_nothing_else),
		cmocka_unit_test(ascii_becomes_what_it_does_beside_other_letters),
		cmocka_unit_test(composing_makes_one_form),
		cmocka_unit_test(utf8_is_strict), cmocka_unit_test(points_one_by_one),
		cmocka_unit_test(distances),
		cmocka_unit_test(classes_of_characters),
		cmocka_unit_test(small_helpers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
