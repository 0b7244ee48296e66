#include <sys/mman.h>
#include <unistd.h>

#include <zip.h>

#include "base/date.h"
#include "base/memory.h"
#include "fuzz/fuzz.h"
#include "sheet/sheet.h"
#include "sheet/xlsx.h"

/*
 * Lists that somebody kept in a spreadsheet. The first letter says which:
 *
 *	c  a CSV file
 *	r  the rows' part of an .xlsx file, w the workbook's, s the styles', t the shared texts'; the other parts are good
 *	z  any file
 *	n  a number of a cell. Oracle: written again it is the same; a day is one
 *
 * Oracle: rows have rising numbers, at least one cell that is not empty, and cells that are UTF-8; a fault has both texts.
 */
#define MAIN "http://schemas.openxmlformats.org/spreadsheetml/2006/main"

static const char *const parts[][2] = {
	{ "xl/workbook.xml", "<workbook xmlns='" MAIN "' xmlns:r='r'><sheets><sheet r:id='a'/></sheets></workbook>" },
	{ "xl/_rels/workbook.xml.rels", "<Relationships><Relationship Id='a' Target='worksheets/sheet1.xml'/></Relationships>" },
	{ "xl/styles.xml", "<styleSheet><cellXfs><xf numFmtId='0'/><xf numFmtId='14'/></cellXfs></styleSheet>" },
	{ "xl/sharedStrings.xml", "<sst><si><t>Lò Thị Mây</t></si><si><r><t>a</t></r><r><t>b</t></r></si></sst>" },
	{ "xl/worksheets/sheet1.xml", "<worksheet><sheetData><row r='1'><c r='A1' t='s'><v>1</v></c></row></sheetData></worksheet>" },
};

static int fd = -1;
static char path[64];

static void rewrite(const void *bytes, size_t size)
{
	if (fd < 0) {
		fd = memfd_create("sheet", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	if (ftruncate(fd, 0) < 0 || pwrite(fd, bytes, size, 0) != (ssize_t)size)
		abort();
}

static void check_row(const struct sheet_row *row, size_t before)
{
	bool filled = false;

	FUZZ_CHECK(row->number > before && row->number <= SHEET_ROWS_MAX, "row %zu after %zu", row->number, before);
	FUZZ_CHECK(row->ncells > 0 && row->ncells <= SHEET_COLUMNS_MAX, "%zu cells", row->ncells);
	for (size_t i = 0; i < row->ncells; i++) {
		size_t len = strlen(row->cells[i]);

		FUZZ_CHECK(len <= SHEET_CELL_MAX && text_valid_utf8(row->cells[i], len), "cell %zu", i);
		filled |= len > 0;
	}
	FUZZ_CHECK(filled, "row %zu is empty", row->number);
}

static void read_all(void)
{
	struct sheet_row row;
	struct sheet *sheet;
	struct error err;
	size_t before = 0;

	error_clear(&err);
	sheet = sheet_open(path, &err);
	if (!sheet) {
		fuzz_check_refusal(&err);
		return;
	}
	for (; sheet_next(sheet, &row, &err); before = row.number)
		check_row(&row, before);
	if (err.code != ERR_NONE)
		fuzz_check_refusal(&err);
	FUZZ_CHECK(!sheet_next(sheet, &row, &err), "a row after the end");
	sheet_close(sheet);
}

/* A zip in memory: the given part, and good ones for the rest. */
static void rewrite_book(const char *name, const char *text, size_t size)
{
	zip_source_t *whole = zip_source_buffer_create(NULL, 0, 0, NULL);
	zip_t *zip = zip_open_from_source(whole, ZIP_TRUNCATE, NULL);
	zip_stat_t about;
	char *bytes;

	zip_source_keep(whole);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		bool given = streq(parts[i][0], name);
		zip_source_t *part = zip_source_buffer(zip, given ? text : parts[i][1], given ? size : strlen(parts[i][1]), 0);
		zip_int64_t at = zip_file_add(zip, parts[i][0], part, 0);

		if (at < 0 || zip_set_file_compression(zip, (zip_uint64_t)at, ZIP_CM_STORE, 0) < 0)
			abort();
	}
	if (zip_close(zip) < 0 || zip_source_stat(whole, &about) < 0 || zip_source_open(whole) < 0)
		abort();
	bytes = xmalloc(about.size);
	if (zip_source_read(whole, bytes, about.size) != (zip_int64_t)about.size)
		abort();
	rewrite(bytes, about.size);
	free(bytes);
	zip_source_close(whole);
	zip_source_free(whole);
}

static void fuzz_number(const char *raw, size_t size)
{
	char once[XLSX_NUMBER_SIZE], twice[XLSX_NUMBER_SIZE];
	struct date date;

	if (xlsx_number_text(raw, false, false, once))
		FUZZ_CHECK(xlsx_number_text(once, false, false, twice) && streq(once, twice), "%s, %s", once, twice);
	if (xlsx_number_text(raw, true, size % 2, once) && strlen(once) == DATE_TEXT_SIZE - 1 && once[4] == '-' && once[7] == '-')
		FUZZ_CHECK(date_parse(once, &date), "%s", once);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned kind = fuzz_byte(&data, &size);
	char *text = fuzz_rest(data, size);
	const char *name = kind == 'r' ? parts[4][0] : kind == 'w' ? parts[0][0] : kind == 's' ? parts[2][0] :
			   kind == 't' ? parts[3][0] : NULL;

	if (kind == 'n') {
		fuzz_number(text, size);
	} else if (name || kind == 'c' || kind == 'z') {
		if (name)
			rewrite_book(name, text, size);
		else
			rewrite(text, size);
		read_all();
	}
	free(text);
	return 0;
}
