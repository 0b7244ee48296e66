/* Lists for spreadsheets: what a spreadsheet would run is text, and the archive says of itself what is in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "format/table.h"

static const char *const heads[] = { "Họ tên", "Số" };
static const char *const cells[] = { "Lò \"A\"", "5", "=SUM(A1)", "007", NULL, "-1" };
static const struct table table = { .title = "Danh sách", .heads = heads, .ncolumns = 2, .cells = cells, .nrows = 3 };

static void as_csv(void **state)
{
	struct buf out = { 0 };

	(void)state;
	table_csv(&out, &table);
	assert_string_equal(out.data, "\xef\xbb\xbf\"Họ tên\",\"Số\"\r\n\"Lò \"\"A\"\"\",\"5\"\r\n\"'=SUM(A1)\",\"007\"\r\n\"\",\"'-1\"\r\n");
	buf_release(&out);
}

static bool holds(const struct buf *out, const char *text)
{
	return memmem(out->data, out->len, text, strlen(text)) != NULL;
}

static void as_xlsx(void **state)
{
	static const unsigned char end[] = { 'P', 'K', 5, 6, 0, 0, 0, 0, 5, 0, 5, 0 };
	struct buf out = { 0 };

	(void)state;
	table_xlsx(&out, &table);
	assert_memory_equal(out.data, "PK\3\4", 4);
	assert_true(out.len > 22);
	assert_memory_equal(out.data + out.len - 22, end, sizeof(end));
	assert_true(holds(&out, "<c r=\"B2\"><v>5</v></c>"));
	assert_true(holds(&out, "<c r=\"B3\" t=\"inlineStr\"><is><t xml:space=\"preserve\">007</t></is></c>"));
	assert_true(holds(&out, "<cols><col min=\"1\" max=\"1\" width=\"10\" customWidth=\"1\"/>"
				"<col min=\"2\" max=\"2\" width=\"7\" customWidth=\"1\"/></cols><sheetData>"));
	assert_true(holds(&out, ">=SUM(A1)<"));
	assert_true(holds(&out, ">Lò &quot;A&quot;<"));
	assert_false(holds(&out, "r=\"A4\""));
	assert_true(holds(&out, "name=\"Danh sách\""));
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(as_csv), cmocka_unit_test(as_xlsx) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
