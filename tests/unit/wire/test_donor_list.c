#include "wire/donor_list.h"
#include "wire/support.h"

/* Invented people; a list as a branch might keep it. */
static const struct date today = { 2025, 3, 10 };

static const char good_mapping[] =
	"{\"source\": \"Sổ thử\", \"heading_row\": 2, \"columns\": {\"name\": \"Họ và tên\", \"birth\": \"Ngày sinh\","
	" \"sex\": \"Giới\", \"id_number\": \"Số giấy tờ\", \"donor_card\": \"Thẻ\", \"phone\": \"ĐT\", \"unit\": \"Nơi ở\","
	" \"address\": \"Địa chỉ\", \"blood_group\": \"Nhóm máu\", \"donated_on\": \"Ngày hiến\", \"volume_ml\": \"ml\"},"
	" \"issuers\": {\"donor_card\": \"Viện Thử\"}, \"numbers_lost_zeros\": true}";
static const char *const heading[] = { "TT", "HỌ VÀ TÊN", "ngày sinh", "Giới", "Số giấy tờ", "Thẻ", "ĐT", "Nơi ở", "Địa chỉ",
				       "Nhóm máu", "Ngày hiến", "ML" };

static void read_mapping(struct donor_mapping *mapping)
{
	error_clear(&err);
	assert_fine(donor_mapping_read(good_mapping, strlen(good_mapping), units, today, &arena, mapping, &err));
	assert_fine(donor_mapping_find(mapping, heading, ARRAY_SIZE(heading), &err));
}

static void test_a_row(void **state)
{
	static const char *const cells[] = { "1", " Lò  Thị Thử ", "3/4/1990", "Nữ", "12190000001", "T-01", "0912.000.001", "Xã Than Uyên",
					     "Bản Thử", "A+", "1/2/2025", "350ml" };
	struct donor_mapping mapping;
	struct donor_row row;

	(void)state;
	read_mapping(&mapping);
	assert_int_equal(mapping.heading_row, 2);
	assert_fine(donor_row_read(&row, &mapping, units, today, cells, ARRAY_SIZE(cells), &arena, &err));
	assert_string_equal(row.donor.name, "Lò Thị Thử");
	assert_int_equal(row.donor.birth_year, 1990);
	assert_int_equal(row.donor.birth_date.month, 4);
	assert_int_equal(row.donor.sex, DONOR_FEMALE);
	assert_int_equal(row.donor.nidentifiers, 2);
	assert_int_equal(row.donor.identifiers[0].identifier.kind, IDENTIFIER_CCCD);
	assert_string_equal(row.donor.identifiers[0].identifier.value, "012190000001");
	assert_int_equal(row.donor.identifiers[1].identifier.kind, IDENTIFIER_DONOR_CARD);
	assert_string_equal(row.donor.identifiers[1].identifier.issuer, "Viện Thử");
	assert_string_equal(row.donor.phone, "+84912000001");
	assert_non_null(row.donor.unit_id);
	assert_int_equal(row.donor.abo, ABO_A);
	assert_int_equal(row.donor.blood_evidence, BLOOD_DECLARED);
	assert_int_equal(row.donated_on.month, 2);
	assert_int_equal(row.component, COMPONENT_WHOLE_BLOOD);
	assert_int_equal(row.volume_ml, 350);
}

/* Only what is needed; a year instead of a day; 9 digits are a cmnd; no donation. */
static void test_a_poor_row(void **state)
{
	static const char *const cells[] = { "1", "Vàng A Thử", "1980", "", "045000001", "-" };
	struct donor_mapping mapping;
	struct donor_row row;

	(void)state;
	read_mapping(&mapping);
	assert_fine(donor_row_read(&row, &mapping, units, today, cells, ARRAY_SIZE(cells), &arena, &err));
	assert_int_equal(row.donor.birth_year, 1980);
	assert_true(date_is_none(row.donor.birth_date));
	assert_int_equal(row.donor.nidentifiers, 1);
	assert_int_equal(row.donor.identifiers[0].identifier.kind, IDENTIFIER_CMND);
	assert_true(date_is_none(row.donated_on));
	assert_null(row.donor.unit_id);
}

static void test_faults_name_the_column(void **state)
{
	static const struct {
		int         column;
		const char *cell, *pointer;
	} table[] = {
		{ 1, "", "name" },		 { 1, "12345", "name" },	     { 2, "", "birth" },
		{ 2, "31/2/1990", "birth" },	 { 2, "1/1/1850", "birth_date" },    { 3, "khác", "sex" },
		{ 4, "12345", "id_number/value" }, { 6, "12", "phone" },	     { 7, "Xã Không Có Thật", "unit" },
		{ 9, "Z", "blood_group" },	 { 10, "hôm qua", "donated_on" },    { 10, "2025", "donated_on" },
		{ 10, "11/3/2025", "donated_on" }, { 10, "31/12/1990", "donated_on" }, { 11, "5000", "volume_ml" },
	};
	struct donor_mapping mapping;

	(void)state;
	read_mapping(&mapping);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const char *cells[] = { "1", "Lò Thị Thử", "3/4/1990", "Nữ", "", "", "", "", "", "", "10/3/2025", "" };
		struct donor_row row;

		cells[table[i].column] = table[i].cell;
		error_clear(&err);
		assert_false(donor_row_read(&row, &mapping, units, today, cells, ARRAY_SIZE(cells), &arena, &err));
		assert_true(err.nfields >= 1);
		assert_non_null(strstr(err.fields[0].pointer, table[i].pointer));
		for (int language = 0; *table[i].cell && strlen(table[i].cell) > 3 && language < LANGUAGE_COUNT; language++)
			assert_null(strstr(err.fields[0].detail[language], table[i].cell));
	}
}

/* What spreadsheets and people do to cells. */
static void test_spoilt_cells(void **state)
{
	static const struct {
		int         column;
		const char *cell, *number;       /* the first number of the donor, or NULL */
		const char *code;                /* of the fault; NULL: none */
	} table[] = {
		{ 4, "12190000001", "012190000001", NULL },     { 4, "1190000001", "001190000001", NULL },
		{ 4, "45000001", "045000001", NULL },           { 4, "'012190000001", "012190000001", NULL },
		{ 4, "012190000001", "012190000001", NULL },    { 4, "không", NULL, NULL },
		{ 4, "X", NULL, NULL },                         { 4, "1.2219E+11", NULL, "rounded" },
		{ 4, "1,2219E+11", NULL, "rounded" },           { 4, "119000001", "119000001", NULL },
		{ 4, "1219000", NULL, "invalid_length" },       { 3, "x", NULL, NULL },
		{ 4, "01219000001", NULL, "invalid_length" },   /* one zero is left: another figure is missing */
		{ 4, "0912000001", NULL, "invalid_length" },    /* a phone in the wrong column */
		{ 4, "04500001", NULL, "invalid_length" },      { 10, "1/1/1991", NULL, NULL },
		{ 4, "045000001; 012190000001", NULL, "several_numbers" }, { 4, "045000001\n012190000001", NULL, "several_numbers" },
		{ 5, "T-12345, T-12346", NULL, "several_numbers" }, { 10, "1/2/2025 07:30", NULL, NULL },
		{ 10, "1/2/2025 07:99", NULL, "not_understood" }, { 1, "Lò Thị <b>", NULL, "invalid_character" },
		{ 10, "3/4/1990", NULL, "before_birth" },
		{ 6, "'912000001", NULL, NULL },                { 6, "chưa có", NULL, NULL },
		{ 6, "0912000001 / 0912000002", NULL, "not_understood" }, { 10, "–", NULL, NULL },
		{ 10, "2025-01-02 00:00:00", NULL, NULL },      { 11, "1", NULL, "not_understood" },
		{ 11, "350cc", NULL, NULL },                    { 7, "Không rõ", NULL, NULL },
	};
	struct donor_mapping mapping;

	(void)state;
	read_mapping(&mapping);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const char *cells[] = { "1", "Không", "3/4/1990", "Nữ", "", "", "", "", "", "", "10/3/2025", "" };
		struct donor_row row;

		cells[table[i].column] = table[i].cell;
		error_clear(&err);
		if (donor_row_read(&row, &mapping, units, today, cells, ARRAY_SIZE(cells), &arena, &err) != !table[i].code)
			fail_msg("%s: %zu faults", table[i].cell, err.nfields);
		if (table[i].code)
			assert_string_equal(err.fields[0].code, table[i].code);
		else
			assert_string_equal(row.donor.name, "Không");
		assert_int_equal(row.donor.nidentifiers, table[i].number ? 1 : 0);
		if (table[i].number)
			assert_string_equal(row.donor.identifiers[0].identifier.value, table[i].number);
	}
}

/* Lists tell of places as they were. */
static void test_units_that_ended(void **state)
{
	static const struct {
		struct date on;
		const char *cell, *unit, *told_on;       /* unit: its full name, and the day on which it was so */
	} table[] = {
		{ { 2025, 3, 10 }, "Huyện Than Uyên", "Huyện Than Uyên", "2025-03-10" },
		{ { 2025, 8, 1 }, "Huyện Than Uyên", "Huyện Than Uyên", "2025-06-30" },
		{ { 2025, 8, 1 }, "Xã Tà Mung", "Xã Mường Kim", "2025-08-01" },
		{ { 2025, 8, 1 }, "Xã Mường Kim", "Xã Mường Kim", "2025-08-01" },
	};
	struct donor_mapping mapping;

	(void)state;
	read_mapping(&mapping);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const char *cells[] = { "1", "Lò Thị Thử", "3/4/1990", "Nữ", "", "", "", table[i].cell };
		const struct unit *unit;
		char text[DATE_TEXT_SIZE];
		struct donor_row row;

		error_clear(&err);
		assert_fine(donor_row_read(&row, &mapping, units, table[i].on, cells, ARRAY_SIZE(cells), &arena, &err));
		unit = unit_by_id(units, row.donor.unit_id);
		assert_non_null(unit);
		assert_string_equal(unit->full_name, table[i].unit);
		assert_string_equal(date_format(row.donor.unit_on, text), table[i].told_on);
		assert_true(unit_valid_on(unit, row.donor.unit_on));
	}
}

static void test_bad_mappings(void **state)
{
	static const struct {
		const char *text, *pointer;
	} table[] = {
		{ "{}", "/source" },
		{ "{\"source\": \"x\", \"columns\": {\"birth\": \"b\"}}", "/columns/name" },
		{ "{\"source\": \"x\", \"columns\": {\"name\": \"a\", \"birth\": \"b\", \"tuổi\": \"c\"}}", "/columns/tuổi" },
		{ "{\"source\": \"x\", \"columns\": {\"name\": \"a\", \"birth\": \"b\", \"work_card\": \"c\"}}", "/issuers/work_card" },
		{ "{\"source\": \"x\", \"columns\": {\"name\": \"a\", \"birth\": \"b\"}, \"component\": \"nước\"}", "/component" },
		{ "{\"source\": \"x\", \"columns\": {\"name\": \"a\", \"birth\": \"b\"}, \"heading_row\": 0}", "/heading_row" },
	};
	struct donor_mapping mapping;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		error_clear(&err);
		assert_false(donor_mapping_read(table[i].text, strlen(table[i].text), units, today, &arena, &mapping, &err));
		assert_string_equal(err.fields[0].pointer, table[i].pointer);
	}
}

static void test_headings(void **state)
{
	static const char *const doubled[] = { "Họ và tên", "Ngày sinh", "Họ và tên", "Giới", "Số giấy tờ", "Thẻ", "ĐT", "Nơi ở",
					       "Địa chỉ", "Nhóm máu", "Ngày hiến", "ml" };
	struct donor_mapping mapping;

	(void)state;
	read_mapping(&mapping);
	error_clear(&err);
	assert_false(donor_mapping_find(&mapping, doubled, ARRAY_SIZE(doubled), &err));
	assert_string_equal(err.fields[0].code, "duplicate_column");
	error_clear(&err);
	assert_false(donor_mapping_find(&mapping, doubled, 3, &err));
	assert_true(err.nfields > 1);
	error_clear(&err);
	assert_false(donor_mapping_find(&mapping, doubled, 0, &err));
	assert_int_equal(err.nfields, 1);
	assert_string_equal(err.fields[0].pointer, "heading_row");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_row, setup, teardown),	    cmocka_unit_test_setup_teardown(test_a_poor_row, setup, teardown), cmocka_unit_test_setup_teardown(test_faults_name_the_column, setup, teardown),
		cmocka_unit_test_setup_teardown(test_spoilt_cells, setup, teardown),
		cmocka_unit_test_setup_teardown(test_units_that_ended, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_mappings, setup, teardown), cmocka_unit_test_setup_teardown(test_headings, setup, teardown),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
