/* Bag codes: the form of ISBT 128 is checked, everything else is taken as it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "domain/bag_code.h"

/* From published examples and worked by hand. */
static const struct {
	const char *din;
	int         value, flags;
	char        character;
} known[] = {
	{ "G123498654321", 17, 77, 'H' }, { "A999914123458", 19, 79, 'J' }, { "W000026000001", 15, 75, 'F' },
	{ "G000000000000", 20, 80, 'K' }, { "A000000000000", 36, 96, '*' }, { "V999925000079", 36, 96, '*' },
	{ "Z999999999999", 25, 85, 'P' },
};

static void test_known_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		struct bag_code code;
		char typed[BAG_CODE_SIZE];

		assert_int_equal(bag_code_check_value(known[i].din), known[i].value);
		assert_int_equal(bag_code_check_character(known[i].value), known[i].character);
		snprintf(typed, sizeof(typed), "%s%c", known[i].din, known[i].character);
		assert_true(bag_code_parse(typed, &code));
		assert_true(code.is_din && !code.doubtful);
		assert_string_equal(code.text, known[i].din);
		snprintf(typed, sizeof(typed), "=%s%02d", known[i].din, known[i].flags);
		assert_true(bag_code_parse(typed, &code));
		assert_true(code.is_din && !code.doubtful);
		assert_string_equal(code.text, known[i].din);
	}
}

static void test_each_wrong_check_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		for (int value = 0; value < 37; value++) {
			struct bag_code code;
			char typed[BAG_CODE_SIZE];

			snprintf(typed, sizeof(typed), "%s%c", known[i].din, bag_code_check_character(value));
			assert_true(bag_code_parse(typed, &code));
			assert_int_equal(code.doubtful, value != known[i].value);
			snprintf(typed, sizeof(typed), "=%s%02d", known[i].din, 60 + value);
			assert_true(bag_code_parse(typed, &code));
			assert_int_equal(code.doubtful, value != known[i].value);
		}
	}
}

/* Each wrong character and each exchange of two changes the check value. */
static void test_slips(void **state)
{
	static const char characters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		char din[BAG_CODE_DIN_LENGTH + 1];

		for (int at = 0; at < BAG_CODE_DIN_LENGTH; at++) {
			for (const char *c = characters; *c; c++) {
				snprintf(din, sizeof(din), "%s", known[i].din);
				if (din[at] == *c)
					continue;
				din[at] = *c;
				assert_int_not_equal(bag_code_check_value(din), known[i].value);
			}
			snprintf(din, sizeof(din), "%s", known[i].din);
			if (at + 1 < BAG_CODE_DIN_LENGTH && din[at] != din[at + 1]) {
				din[at] = known[i].din[at + 1];
				din[at + 1] = known[i].din[at];
				assert_int_not_equal(bag_code_check_value(din), known[i].value);
			}
		}
	}
}

static const struct {
	const char *typed, *text;
	bool        is_din, doubtful;
} spellings[] = {
	{ "G1234 98 654321 H", "G123498654321", true, false },
	{ "g1234-98-654321-h", "G123498654321", true, false },
	{ " G123498654321 ", "G123498654321", true, false },
	{ "=G12349865432100", "G123498654321", true, false },      /* flags not used */
	{ "=G12349865432177", "G123498654321", true, false },
	{ "=G12349865432159", "G123498654321", true, false },      /* 59: some other meaning */
	{ "=G12349865432160", "=G12349865432160", false, true },   /* 60: a check value, and not this one */
	{ "=G12349865432196", "=G12349865432196", false, true },
	{ "=G12349865432197", "G123498654321", true, false },
	{ "=G1234986543210A", "G123498654321", true, false },
	{ "=G123498654321", "G123498654321", true, false },
	{ "G1234 98 654321 A", "G123498654321A", false, true },
	{ "G1AZ098654321", "G1AZ098654321", true, false },
	/* not of that form: as they are, with their dashes */
	{ "1123498654321", "1123498654321", false, false },
	{ "G12349865432", "G12349865432", false, false },
	{ "G12349865432A", "G12349865432A", false, false },
	{ "G123498654321HH", "G123498654321HH", false, false },
	{ "lc-25/07-001", "LC-25/07-001", false, false },
	{ "HM 2025.001", "HM2025.001", false, false },
	{ "1-23", "1-23", false, false }, { "12-3", "12-3", false, false },
	{ "=", "=", false, false }, { "7", "7", false, false }, { "A*", "A*", false, false },
	{ "0123456789012345678901234567890123456789", "0123456789012345678901234567890123456789", false, false },
};

static void test_spellings(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(spellings); i++) {
		struct bag_code code;

		assert_true(bag_code_parse(spellings[i].typed, &code));
		assert_string_equal(code.text, spellings[i].text);
		assert_int_equal(code.is_din, spellings[i].is_din);
		assert_int_equal(code.doubtful, spellings[i].doubtful);
	}
}

static void test_none(void **state)
{
	static const char *const typed[] = { "", "   ", "Túi 7", "a\nb", "\x7f", "01234567890123456789012345678901234567890" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(typed); i++) {
		struct bag_code code;

		assert_false(bag_code_parse(typed[i], &code));
		assert_string_equal(code.text, "");
		assert_false(code.doubtful || code.is_din);
	}
	assert_false(bag_code_parse(NULL, &(struct bag_code){ 0 }));
	assert_int_equal(bag_code_check_value("G12349865432"), -1);
	assert_int_equal(bag_code_check_value("G1234*8654321"), -1);
	assert_int_equal(bag_code_check_character(37), '\0');
	assert_int_equal(bag_code_check_character(-1), '\0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_numbers), cmocka_unit_test(test_each_wrong_check_is_found), cmocka_unit_test(test_slips),
		cmocka_unit_test(test_spellings), cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
