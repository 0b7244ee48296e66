/* Donor numbers: each slip of one character, and each exchange of two, is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/text.h"
#include "domain/donor_number.h"

static const char alphabet[] = "23456789ABCDEFGHKMNPQRSTVWXYZ";
enum { NUMBERS = 3000 };

/* The same numbers in each run (xorshift64). */
static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static enum donor_number_fault parse(const char *typed)
{
	char out[DONOR_NUMBER_SIZE];
	enum donor_number_fault fault = donor_number_parse(typed, out);

	assert_int_equal(fault == DONOR_NUMBER_FINE, *out != '\0');
	return fault;
}

static void test_known_numbers(void **state)
{
	char out[DONOR_NUMBER_SIZE];

	(void)state;
	donor_number_make(0, out);
	assert_string_equal(out, "2222-2222");
	donor_number_make(1, out);
	assert_string_equal(out, "3222-222R");           /* weight 8: -8 is 21 modulo 29 */
	donor_number_make(UINT64_MAX, out);
	assert_int_equal(parse(out), DONOR_NUMBER_FINE);
	assert_int_equal(parse("K7M4-XQD5"), DONOR_NUMBER_FINE);
	assert_int_equal(parse("K7M4-XQD2"), DONOR_NUMBER_MISTYPED);
}

static void test_spellings(void **state)
{
	static const char *const typed[] = {
		"K7M4-XQD5", "k7m4-xqd5", "K7M4XQD5", "k7m4 xqd5", " K 7 M 4 - X Q D 5 ", "Ｋ７Ｍ４－ＸＱＤ５", "ｋ７ｍ４　ｘｑｄ５",
		"K7M4\xe2\x80\x93XQD5", "K7M4\xc2\xa0XQD5", "K7-M4-XQ-D5", "\xef\xbb\xbfK7M4-XQD5\r\n",
		"\u212a7M4-XQD5",                          /* the sign of kelvin, which is canonically a K */
	};
	char out[DONOR_NUMBER_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(typed); i++) {
		assert_int_equal(donor_number_parse(typed[i], out), DONOR_NUMBER_FINE);
		assert_string_equal(out, "K7M4-XQD5");
	}
}

static void test_malformed(void **state)
{
	static const char *const typed[] = {
		"", "-", "K7M4-XQD", "K7M4-XQD55", "K7M4_XQD5", "K7M4.XQD5", "K7M4-XQDĐ", "K7M4-XQDO", "K7M4-XQD0",
		"17M4-XQD5", "K7M4-XQDI", "L7M4-XQD5", "J7M4-XQD5", "U7M4-XQD5", "K7M4-XQD5\xff", "\x01K7M4-XQD5",
		"K7M4-XQD\xcc\x81",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(typed); i++)
		if (parse(typed[i]) != DONOR_NUMBER_MALFORMED)
			fail_msg("\"%s\" is not called malformed", typed[i]);
}

static size_t place(size_t character)
{
	return character + (character >= DONOR_NUMBER_CHARACTERS / 2);
}

static void expect_mistyped(const char *changed, const char *number)
{
	if (parse(changed) != DONOR_NUMBER_MISTYPED)
		fail_msg("%s instead of %s is not found", changed, number);
}

static void each_other_character(char number[DONOR_NUMBER_SIZE])
{
	char changed[DONOR_NUMBER_SIZE];

	for (size_t i = 0; i < DONOR_NUMBER_CHARACTERS; i++) {
		strcpy(changed, number);
		for (const char *c = alphabet; *c; c++) {
			changed[place(i)] = *c;
			if (*c != number[place(i)])
				expect_mistyped(changed, number);
		}
	}
}

static void each_exchange(char number[DONOR_NUMBER_SIZE])
{
	char changed[DONOR_NUMBER_SIZE];

	for (size_t i = 0; i < DONOR_NUMBER_CHARACTERS; i++) {
		for (size_t j = 0; j < i; j++) {
			strcpy(changed, number);
			changed[place(i)] = number[place(j)];
			changed[place(j)] = number[place(i)];
			if (changed[place(i)] != changed[place(j)])
				expect_mistyped(changed, number);
		}
	}
}

static void test_slips(void **state)
{
	uint64_t seed = 0x9e3779b97f4a7c15;
	char number[DONOR_NUMBER_SIZE], again[DONOR_NUMBER_SIZE];

	(void)state;
	for (int i = 0; i < NUMBERS; i++) {
		donor_number_make(next_random(&seed), number);
		assert_int_equal(donor_number_parse(number, again), DONOR_NUMBER_FINE);
		assert_string_equal(again, number);
		each_other_character(number);
		each_exchange(number);
	}
}

/* Each pair of characters at each pair of neighbouring places, whatever stands in the other places. */
static void test_every_pair_of_neighbours(void **state)
{
	char number[DONOR_NUMBER_SIZE];

	(void)state;
	for (unsigned i = 0; i + 2 < DONOR_NUMBER_CHARACTERS; i++) {
		uint64_t power = 1;

		for (unsigned j = 0; j < i; j++)
			power *= 29;
		for (uint64_t pair = 0; pair < 29 * 29; pair++) {
			donor_number_make(pair * power, number);
			each_exchange(number);
		}
	}
}

static void test_each_random_bit_counts(void **state)
{
	char one[DONOR_NUMBER_SIZE], two[DONOR_NUMBER_SIZE];

	(void)state;
	for (int bit = 0; bit < 34; bit++) {
		donor_number_make(0, one);
		donor_number_make(UINT64_C(1) << bit, two);
		assert_string_not_equal(one, two);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_numbers), cmocka_unit_test(test_spellings),
		cmocka_unit_test(test_malformed),     cmocka_unit_test(test_slips),
		cmocka_unit_test(test_every_pair_of_neighbours), cmocka_unit_test(test_each_random_bit_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
