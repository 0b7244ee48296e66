#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/text.h"
#include "domain/donor_cells.h"

static void test_sex(void **state)
{
	static const struct {
		const char    *cell;
		enum donor_sex sex;
	} table[] = {
		{ "Nam", DONOR_MALE }, { "NỮ", DONOR_FEMALE }, { " nữ ", DONOR_FEMALE }, { "nu\xcc\x83", DONOR_FEMALE },
		{ "m", DONOR_MALE },   { "F", DONOR_FEMALE },  { "Nữ giới", DONOR_FEMALE }, { "x", DONOR_SEX_UNKNOWN },
		{ "", DONOR_SEX_UNKNOWN }, { "nam nữ", DONOR_SEX_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		enum donor_sex sex = DONOR_SEX_UNKNOWN;

		assert_int_equal(cell_sex(table[i].cell, &sex), table[i].sex != DONOR_SEX_UNKNOWN);
		assert_int_equal(sex, table[i].sex);
	}
}

static void test_blood_group(void **state)
{
	static const struct {
		const char    *cell;
		bool           fine;
		enum blood_abo abo;
		enum blood_rhd rhd;
	} table[] = {
		{ "A+", true, ABO_A, RHD_POSITIVE },
		{ "ab-", true, ABO_AB, RHD_NEGATIVE },
		{ "O Rh+", true, ABO_O, RHD_POSITIVE },
		{ "A Rh(D) dương", true, ABO_A, RHD_POSITIVE },
		{ "B Rh D âm tính", true, ABO_B, RHD_NEGATIVE },
		{ "Nhóm máu O", true, ABO_O, RHD_UNKNOWN },
		{ "0+", true, ABO_O, RHD_POSITIVE },
		{ "Rh−", true, ABO_UNKNOWN, RHD_NEGATIVE },
		{ "B (+)", true, ABO_B, RHD_POSITIVE },
		{ "AB Rh", false, ABO_AB, RHD_UNKNOWN },
		{ "C+", false, ABO_UNKNOWN, RHD_UNKNOWN },
		{ "A B", false, ABO_A, RHD_UNKNOWN },
		{ "chưa rõ", false, ABO_UNKNOWN, RHD_UNKNOWN },
		{ "", false, ABO_UNKNOWN, RHD_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		enum blood_abo abo;
		enum blood_rhd rhd;

		assert_int_equal(cell_blood_group(table[i].cell, &abo, &rhd), table[i].fine);
		if (table[i].fine) {
			assert_int_equal(abo, table[i].abo);
			assert_int_equal(rhd, table[i].rhd);
		}
	}
}

static void test_date(void **state)
{
	static const struct {
		const char *cell, *date;         /* date "": a year alone; NULL: not understood */
		int         year;
	} table[] = {
		{ "3/4/1990", "1990-04-03", 1990 },
		{ "03-04-1990", "1990-04-03", 1990 },
		{ "3.4.1990", "1990-04-03", 1990 },
		{ "1990-04-03", "1990-04-03", 1990 },
		{ "1990/4/3", "1990-04-03", 1990 },
		{ "ngày 3 tháng 4 năm 1990", "1990-04-03", 1990 },
		{ "29/2/2000", "2000-02-29", 2000 },
		{ "1990-04-03 00:00:00", "1990-04-03", 1990 },
		{ "3/4/1990 0:00", "1990-04-03", 1990 },
		{ "1990", "", 1990 },
		{ "năm 1990", "", 1990 },
		{ "1900", "", 1900 },
		{ "1899", NULL, 0 },
		{ "29/2/2001", NULL, 0 },
		{ "31/4/1990", NULL, 0 },
		{ "13/13/1990", NULL, 0 },
		{ "3/4/90", NULL, 0 },
		{ "1990-04", NULL, 0 },
		{ "3/4/1990 5", NULL, 0 },
		{ "3/4/1990 00:30", "1990-04-03", 1990 },
		{ "1/6/2024 07:30", "2024-06-01", 2024 },
		{ "1/6/2024 7:30", "2024-06-01", 2024 },
		{ "1/6/2024, 23:59:59", "2024-06-01", 2024 },
		{ "2024-06-01T07:30:00.000", "2024-06-01", 2024 },
		{ "ngày 1 tháng 6 năm 2024 7h30", "2024-06-01", 2024 },
		{ "1/6/2024 7:30 PM", "2024-06-01", 2024 },
		{ "1/6/2024 07:30 CH", "2024-06-01", 2024 },
		{ "1/6/2024 24:00", NULL, 0 },
		{ "1/6/2024 07:60", NULL, 0 },
		{ "1/6/2024 07:3", NULL, 0 },
		{ "1/6/2024 07:30 x", NULL, 0 },
		{ "1/6/2024 07:30+07:00", NULL, 0 },
		{ "2024-06-01T00:30:00Z", NULL, 0 },
		{ "07:30 1/6/2024", NULL, 0 },
		{ "1/6/2024; 2/7/24", NULL, 0 },
		{ "1/6/2024, 2/7/2024", NULL, 0 },
		{ "1990 07:30", "", 1990 },
		{ " 07:30", NULL, 0 },
		{ "hôm qua", NULL, 0 },
		{ "", NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		char text[DATE_TEXT_SIZE];
		struct date date;
		int year = 0;

		assert_int_equal(cell_date(table[i].cell, &date, &year), table[i].date != NULL);
		if (table[i].date) {
			assert_string_equal(date_format(date, text), table[i].date);
			assert_int_equal(year, table[i].year);
		}
	}
}

static void test_numbers(void **state)
{
	static const struct {
		const char *cell;
		bool        of_digits, of_any;   /* more than one where a paper has digits alone, and where it has letters */
	} table[] = {
		{ "", false, false },
		{ "012190000001", false, false },
		{ "012.190.000.001", false, false },
		{ "012 190 000 001", false, false },
		{ "0121900000011", false, false },                      /* one figure too much is a slip */
		{ "045000001; 012190000001", true, true },
		{ "045000001,012190000001", true, true },
		{ "045000001\n012190000001", true, true },
		{ "045000001 | 45000002", true, true },
		{ "045000001 và 012190000001", true, true },
		{ "045000001 hoặc 012190000001", true, true },
		{ "045000001/012190000001", true, false },
		{ "045000001 012190000001", true, false },
		{ "０４５０００００１；０１２１９０００００１", true, true },
		{ "12345/2020", false, false },                          /* of a donor card */
		{ "C1234567; C7654321", true, true },
		{ "T-01, 2019", false, false },
		{ "Vàng A 12345", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (cell_has_numbers(table[i].cell, true) != table[i].of_digits)
			fail_msg("of digits: \"%s\"", table[i].cell);
		if (cell_has_numbers(table[i].cell, false) != table[i].of_any)
			fail_msg("of any: \"%s\"", table[i].cell);
	}
}

static void test_volume(void **state)
{
	static const struct {
		const char *cell;
		int         ml;                  /* 0: not understood */
	} table[] = {
		{ "350", 350 }, { "350ml", 350 }, { "250 ML", 250 }, { "0,35 l", 350 }, { "0.45L", 450 }, { "1000", 1000 }, { "20", 20 },
		{ "350 cc", 350 }, { "19", 0 }, { "1", 0 }, { "0", 0 }, { "1001", 0 }, { "350.5", 0 }, { "-350", 0 }, { "350 cl", 0 }, { "", 0 }, { "nan", 0 }, { "ml", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		int ml = 0;

		assert_int_equal(cell_volume(table[i].cell, &ml), table[i].ml != 0);
		assert_int_equal(ml, table[i].ml);
	}
}

static void test_component(void **state)
{
	static const struct {
		const char *cell, *code;
	} table[] = {
		{ "Máu toàn phần", "whole_blood" }, { "whole_blood", "whole_blood" }, { "Tiểu cầu gạn tách", "platelets" },
		{ "khối hồng cầu", "red_cells" },   { "Huyết tương", "plasma" },      { "TẾ BÀO GỐC", "stem_cells" },
		{ "bạch cầu", "granulocytes" },	    { "nước", NULL },		      { "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		enum component component;
		bool fine = cell_component(table[i].cell, &component);

		assert_int_equal(fine, table[i].code != NULL);
		if (fine)
			assert_string_equal(component_text(component), table[i].code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sex),    cmocka_unit_test(test_blood_group), cmocka_unit_test(test_date),
		cmocka_unit_test(test_numbers), cmocka_unit_test(test_volume), cmocka_unit_test(test_component),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
