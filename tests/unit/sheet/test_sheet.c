#include <fcntl.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zip.h>

#include "base/error.h"
#include "sheet/private.h"
#include "sheet/sheet.h"
#include "sheet/xlsx.h"

/* The rows of a file as "1:a|b;3:c|", and what was said at its end. */
struct read {
	struct buf   rows;
	struct error err;
};

static char path[64];

static int make_path(void **state)
{
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/sheet-XXXXXX");
	fd = mkstemp(path);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static int remove_path(void **state)
{
	(void)state;
	return unlink(path);
}

static void read_path(struct read *read)
{
	struct sheet_row row;
	struct sheet *sheet;

	error_clear(&read->err);
	buf_reset(&read->rows);
	sheet = sheet_open(path, &read->err);
	while (sheet && sheet_next(sheet, &row, &read->err)) {
		buf_printf(&read->rows, "%zu:", row.number);
		for (size_t i = 0; i < row.ncells; i++)
			buf_printf(&read->rows, "%s%s", i ? "|" : "", row.cells[i]);
		buf_append_char(&read->rows, ';');
	}
	sheet_close(sheet);
	buf_append_char(&read->rows, '\0');
}

static void write_path(const char *text, size_t len)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	fclose(file);
}

/* ---- CSV ---- */

static void test_csv(void **state)
{
	static const struct {
		const char *text, *rows;         /* rows NULL: refused */
	} table[] = {
		{ "a,b\n1,2\n", "1:a|b;2:1|2;" },
		{ "a;b\r\n1;2\r\n", "1:a|b;2:1|2;" },
		{ "a\tb\n1\t2", "1:a|b;2:1|2;" },
		{ "\xef\xbb\xbf" "a,b\n", "1:a|b;" },
		{ "a,b\n\n\n1,2\n", "1:a|b;4:1|2;" },            /* blank lines are rows, as in the spreadsheet */
		{ "a,b\r\n\r\n1,2\r\n", "1:a|b;3:1|2;" },
		{ "a,b\n,\n1,2\n", "1:a|b;3:1|2;" },
		{ "\"x, \"\"y\"\"\nz\",b\n", "1:x, \"y\"\nz|b;" },
		{ "a,b,c\n1\n1,2,3,4\n", "1:a|b|c;2:1;3:1|2|3|4;" },     /* ragged rows are the caller's to judge */
		{ "tên;năm\nLò Thị Mây;1990\n", "1:tên|năm;2:Lò Thị Mây|1990;" },
		{ "", NULL },
		{ "a\nb\xff\n", NULL },
		{ "\xff\xfe" "a\0b\0", NULL },
		{ "a\n\"b\n", NULL },
		{ "a\nb\"c\n", NULL },
	};
	struct read got = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		write_path(table[i].text, strlen(table[i].text));
		read_path(&got);
		if (table[i].rows) {
			assert_int_equal(got.err.code, ERR_NONE);
			assert_string_equal(got.rows.data, table[i].rows);
		} else {
			assert_int_equal(got.err.code, ERR_MALFORMED);
		}
	}
	buf_release(&got.rows);
}

static void test_csv_delimiter(void **state)
{
	static const struct {
		const char *text, *rows;
	} table[] = {
		{ "a;b\nc;d", "1:a|b;2:c|d;" },
		{ "List, of a place, 2023\na;b;c\n1;x, y;2\n3;z;4\n", "1:List, of a place, 2023;2:a|b|c;3:1|x, y|2;4:3|z|4;" },
		{ "a,b\n1;2,3\n4,5\n", "1:a|b;2:1;2|3;3:4|5;" },
		{ "a;b\n1,2,3,4,5;6\n1,2;3\n", "1:a|b;2:1,2,3,4,5|6;3:1,2|3;" },
		{ "\"x;y;z\nx;y;z\",b\nc,d\n", "1:x;y;z\nx;y;z|b;2:c|d;" },
		{ "a\tb\n\n\nc, d\te\n", "1:a|b;4:c, d|e;" },
		{ "a\nb\n", "1:a;2:b;" },
		{ "a;b,c", "1:a;b|c;" },
	};
	struct read got = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		write_path(table[i].text, strlen(table[i].text));
		read_path(&got);
		assert_string_equal(got.rows.data, table[i].rows);
	}
	buf_release(&got.rows);
}

static void test_csv_nul(void **state)
{
	struct read got = { 0 };

	(void)state;
	write_path("a\nx\0y\n", 6);
	read_path(&got);
	assert_int_equal(got.err.code, ERR_MALFORMED);
	assert_non_null(strstr(got.err.detail[LANGUAGE_EN], "Row 2"));
	buf_release(&got.rows);
}

/* Whatever the place at which the file is cut into pieces: rows, quotes, CRLF and letters across it. */
static void test_csv_pieces(void **state)
{
	struct buf text = { 0 }, wanted = { 0 };
	struct read got = { 0 };

	(void)state;
	for (int shift = 0; shift < 40; shift++) {
		buf_reset(&text);
		buf_reset(&wanted);
		buf_printf(&text, "%.*s\r\n", shift + 1, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
		buf_printf(&wanted, "1:%.*s;", shift + 1, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
		for (int i = 2; text.len < 3 * PIECE_BYTES; i++) {
			buf_printf(&text, "\"Đèo, Văn \"\"%d\"\"\r\nhai\",%d\r\n", i, i * 7);
			buf_printf(&wanted, "%d:Đèo, Văn \"%d\"\nhai|%d;", i, i, i * 7);
		}
		write_path(text.data, text.len);
		read_path(&got);
		assert_int_equal(got.err.code, ERR_NONE);
		assert_string_equal(got.rows.data, wanted.data);
	}
	buf_release(&text);
	buf_release(&wanted);
	buf_release(&got.rows);
}

static void test_a_quote_that_is_never_closed(void **state)
{
	struct buf text = { 0 };
	struct read got = { 0 };

	(void)state;
	buf_append_text(&text, "a\n\"");
	while (text.len < 10 * PIECE_BYTES)
		buf_append_text(&text, "nobody ends this\n");
	write_path(text.data, text.len);
	read_path(&got);
	assert_int_equal(got.err.code, ERR_MALFORMED);
	assert_string_equal(got.rows.data, "1:a;");
	buf_release(&text);
	buf_release(&got.rows);
}

/* Who reads row by row may do other things between: the fault comes after the rows before it, and every time anew. */
static void test_a_fault_is_told_when_its_turn_comes(void **state)
{
	struct error err;
	struct sheet_row row;
	struct sheet *sheet;

	(void)state;
	write_path("a,b\nc,d\ne\"f,g\n", 14);
	error_clear(&err);
	sheet = sheet_open(path, &err);
	assert_non_null(sheet);
	for (int i = 0; i < 2; i++) {
		assert_true(sheet_next(sheet, &row, &err));
		assert_int_equal(err.code, ERR_NONE);
		assert_false(row.unended);
	}
	for (int i = 0; i < 2; i++) {
		error_clear(&err);
		assert_false(sheet_next(sheet, &row, &err));
		assert_int_equal(err.code, ERR_MALFORMED);
	}
	sheet_close(sheet);
}

static void test_a_last_row_without_end(void **state)
{
	static const char *const texts[] = { "a,b\nc,d", "a,b\nc,d\n", "a,b\nc" };
	struct sheet_row row;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct sheet *sheet;

		write_path(texts[i], strlen(texts[i]));
		error_clear(&err);
		sheet = sheet_open(path, &err);
		assert_non_null(sheet);
		assert_true(sheet_next(sheet, &row, &err) && !row.unended);
		assert_true(sheet_next(sheet, &row, &err));
		assert_int_equal(row.unended, i != 1);
		assert_false(sheet_next(sheet, &row, &err));
		assert_int_equal(err.code, ERR_NONE);
		sheet_close(sheet);
	}
}

/* ---- XLSX ---- */

#define MAIN "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
#define RELS "http://schemas.openxmlformats.org/officeDocument/2006/relationships"

static const char workbook[] = "<workbook xmlns='" MAIN "' xmlns:r='" RELS "'><workbookPr/><sheets>"
			       "<sheet name='Danh sách' sheetId='9' r:id='rId7'/><sheet name='2' sheetId='1' r:id='rId1'/>"
			       "</sheets></workbook>";
static const char relations[] = "<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'>"
				"<Relationship Id='rId1' Target='worksheets/sheet2.xml'/>"
				"<Relationship Id='rId7' Target='/xl/worksheets/sheet1.xml'/></Relationships>";
static const char styles[] = "<styleSheet xmlns='" MAIN "'><numFmts><numFmt numFmtId='164' formatCode='dd/mm/yyyy;@'/>"
			     "<numFmt numFmtId='165' formatCode='0.00 \"day\"'/></numFmts>"
			     "<cellStyleXfs><xf numFmtId='14'/></cellStyleXfs>"
			     "<cellXfs><xf numFmtId='0'/><xf numFmtId='14'/><xf numFmtId='164'/><xf numFmtId='165'/></cellXfs></styleSheet>";
static const char shared[] = "<sst xmlns='" MAIN "'><si><t>Họ tên</t></si><si><r><t>Lò </t></r><r><t>Thị Mây</t></r>"
			     "<rPh sb='0' eb='1'><t>x</t></rPh></si></sst>";

static void add_part(zip_t *zip, const char *name, const char *text)
{
	zip_source_t *source = zip_source_buffer(zip, text, strlen(text), 0);

	assert_true(zip_file_add(zip, name, source, ZIP_FL_OVERWRITE) >= 0);
}

static void write_book(const char *book, const char *rows)
{
	zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, NULL);

	assert_non_null(zip);
	add_part(zip, "xl/workbook.xml", book);
	add_part(zip, "xl/_rels/workbook.xml.rels", relations);
	add_part(zip, "xl/styles.xml", styles);
	add_part(zip, "xl/sharedStrings.xml", shared);
	if (rows)
		add_part(zip, "xl/worksheets/sheet1.xml", rows);
	assert_int_equal(zip_close(zip), 0);
}

#define ROWS(text) "<worksheet xmlns='" MAIN "'><sheetData>" text "</sheetData></worksheet>"

static void test_xlsx(void **state)
{
	static const struct {
		const char *rows, *wanted;       /* NULL: refused */
	} table[] = {
		{ ROWS("<row r='1'><c r='A1' t='s'><v>0</v></c><c r='C1' t='s'><v>1</v></c></row>"), "1:Họ tên||Lò Thị Mây;" },
		{ ROWS("<row r='2'><c r='A2' t='inlineStr'><is><t>a &amp; b</t></is></c></row>"
		       "<row r='5'><c r='B5' t='str'><f>1+1</f><v>x</v></c></row>"), "2:a & b;5:|x;" },
		{ ROWS("<row><c><v>1</v></c><c><v>2.5</v></c></row><row><c><v>3</v></c></row>"), "1:1|2.5;2:3;" },
		/* Numbers as they were typed, days as days. */
		{ ROWS("<row r='1'><c r='A1'><v>1.2205000001E+10</v></c><c r='B1' s='1'><v>45000</v></c>"
		       "<c r='C1' s='2'><v>45000.75</v></c><c r='D1' s='3'><v>45000</v></c><c r='E1' s='0'><v>45000</v></c></row>"),
		  "1:12205000001|2023-03-15|2023-03-15|45000|45000;" },
		{ ROWS("<row r='1'><c r='A1' s='1'><v>1</v></c><c r='B1' s='1'><v>59</v></c><c r='C1' s='1'><v>61</v></c></row>"),
		  "1:1900-01-01|1900-02-28|1900-03-01;" },
		{ ROWS("<row r='1'><c r='A1'/></row><row r='2'><c r='A2'><v>1</v></c></row>"), "2:1;" },
		{ ROWS(""), "" },
		{ ROWS("<row r='1'><c r='A1' t='s'><v>2</v></c></row>"), NULL },
		{ ROWS("<row r='1'><c r='A1' t='s'><v>-1</v></c></row>"), NULL },
		{ ROWS("<row r='2'><c r='A2'><v>1</v></c></row><row r='1'><c r='A1'><v>1</v></c></row>"), NULL },
		{ ROWS("<row r='1'><c r='B1'><v>1</v></c><c r='A1'><v>1</v></c></row>"), NULL },
		{ "<!DOCTYPE x [<!ENTITY a 'b'>]>" ROWS("<row r='1'><c r='A1'><v>&a;</v></c></row>"), NULL },
		{ ROWS("<row r='1'><c r='A1'>"), NULL },
		{ NULL, NULL },
	};
	struct read got = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		write_book(workbook, table[i].rows);
		read_path(&got);
		if (table[i].wanted) {
			assert_int_equal(got.err.code, ERR_NONE);
			assert_string_equal(got.rows.data, table[i].wanted);
		} else {
			assert_int_equal(got.err.code, ERR_MALFORMED);
		}
	}
	write_book("<workbook xmlns='" MAIN "' xmlns:r='" RELS "'><workbookPr date1904='1'/><sheets>"
		   "<sheet name='x' sheetId='9' r:id='rId7'/></sheets></workbook>",
		   ROWS("<row r='1'><c r='A1' s='1'><v>43538</v></c></row>"));
	read_path(&got);
	assert_string_equal(got.rows.data, "1:2023-03-15;");
	buf_release(&got.rows);
}

static void test_xlsx_many_rows(void **state)
{
	struct buf rows = { 0 };
	struct sheet_row row;
	struct sheet *sheet;
	struct error err;
	uint64_t done, total;
	size_t count = 0;

	(void)state;
	buf_append_text(&rows, "<worksheet xmlns='" MAIN "'><sheetData>");
	for (int i = 1; i <= 20000; i++)
		buf_printf(&rows, "<row r='%d'><c r='A%d' t='s'><v>1</v></c><c r='B%d'><v>%d</v></c></row>", i, i, i, i);
	buf_append_text(&rows, "</sheetData></worksheet>");
	write_book(workbook, rows.data);
	error_clear(&err);
	sheet = sheet_open(path, &err);
	assert_non_null(sheet);
	while (sheet_next(sheet, &row, &err)) {
		assert_int_equal(row.number, ++count);
		assert_string_equal(row.cells[0], "Lò Thị Mây");
		assert_int_equal(atoi(row.cells[1]), count);
	}
	assert_int_equal(err.code, ERR_NONE);
	assert_int_equal(count, 20000);
	sheet_progress(sheet, &done, &total);
	assert_int_equal(done, total);
	assert_true(sheet->bytes.cap < (1 << 21));       /* not the whole file */
	sheet_close(sheet);
	buf_release(&rows);
}

/* A file cut anywhere, or with a byte changed, is refused or read; nothing else happens. */
static void test_xlsx_damaged(void **state)
{
	struct read got = { 0 };
	char bytes[8192];
	size_t len;
	FILE *file;

	(void)state;
	write_book(workbook, ROWS("<row r='1'><c r='A1' t='s'><v>0</v></c></row>"));
	file = fopen(path, "rb");
	len = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	assert_true(len > 500 && len < sizeof(bytes));
	for (size_t cut = 4; cut < len; cut += 13) {
		write_path(bytes, cut);
		read_path(&got);
		assert_int_not_equal(got.err.code, ERR_NONE);
	}
	for (size_t i = 4; i < len; i += 7) {
		bytes[i] ^= 0x55;
		write_path(bytes, len);
		read_path(&got);
		bytes[i] ^= 0x55;
	}
	buf_release(&got.rows);
}

static void test_not_a_table(void **state)
{
	struct read got = { 0 };

	(void)state;
	write_path("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8);
	read_path(&got);
	assert_int_equal(got.err.code, ERR_MALFORMED);
	assert_non_null(strstr(got.err.detail[LANGUAGE_EN], ".xls"));
	error_clear(&got.err);
	assert_null(sheet_open("/nonexistent.csv", &got.err));
	assert_int_equal(got.err.code, ERR_SYSTEM);
	error_clear(&got.err);
	assert_null(sheet_open("/tmp", &got.err));
	assert_int_equal(got.err.code, ERR_SYSTEM);
	buf_release(&got.rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_csv, make_path, remove_path),
		cmocka_unit_test_setup_teardown(test_csv_delimiter, make_path, remove_path),
		cmocka_unit_test_setup_teardown(test_csv_nul, make_path, remove_path),
		cmocka_unit_test_setup_teardown(test_csv_pieces, make_path, remove_path),
		cmocka_unit_test_setup_teardown(test_a_quote_that_is_never_closed, make_path, remove_path),
		cmocka_unit_test_setup_teardown(test_a_fault_is_told_when_its_turn_comes, make_path, remove_path),
		cmocka_unit_test_setup_teardown(test_a_last_row_without_end, make_path, remove_path),
		cmocka_unit_test_setup_teardown(test_xlsx, make_path, remove_path),
		cmocka_unit_test_setup_teardown(test_xlsx_many_rows, make_path, remove_path),
		cmocka_unit_test_setup_teardown(test_xlsx_damaged, make_path, remove_path),
		cmocka_unit_test_setup_teardown(test_not_a_table, make_path, remove_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
