#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "base/text.h"
#include "sheet/private.h"
#include "sheet/xlsx.h"

/* What the handlers of the small parts work on; expat hands them the part, which lies first. */
struct reading {
	struct xlsx_part  part;
	struct xlsx_book *book;
	char              sheet_relation[128];   /* of the first sheet, and then its target */
	char              sheet_target[400];
	/* styles */
	bool              in_cell_formats;
	struct { int id; bool is_date; } *custom;
	size_t            ncustom;
	/* shared strings */
	bool              in_text, in_phonetic;
};

static bool read_part(struct reading *reading, struct sheet *sheet, zip_t *zip, const char *name,
		      XML_StartElementHandler on_start, XML_EndElementHandler on_end, XML_CharacterDataHandler on_text,
		      bool needed)
{
	bool missing;

	if (!xlsx_part_open(&reading->part, sheet, zip, name, &missing)) {
		xlsx_part_close(&reading->part);
		if (missing && needed)
			return sheet_fail(sheet, "This zip file is no .xlsx workbook.", "Tệp zip này không phải bảng tính .xlsx.");
		return missing;
	}
	XML_SetElementHandler(reading->part.parser, on_start, on_end);
	XML_SetCharacterDataHandler(reading->part.parser, on_text);
	while (xlsx_part_feed(&reading->part))
		;
	xlsx_part_close(&reading->part);
	return !sheet->failed;
}

/* ---- which sheet ---- */

static void on_workbook(void *owner, const XML_Char *name, const XML_Char **attributes)
{
	struct reading *reading = owner;
	const char *value;

	name = xlsx_local(name);
	if (streq(name, "workbookPr") && (value = xlsx_attribute(attributes, "date1904")))
		reading->book->dates_from_1904 = streq(value, "1") || streq(value, "true");
	if (streq(name, "sheet") && !*reading->sheet_relation) {
		/* "id" is the relation's, "sheetId" another thing. */
		value = xlsx_attribute(attributes, "id");
		if (value)
			snprintf(reading->sheet_relation, sizeof(reading->sheet_relation), "%s", value);
	}
}

static void on_relation(void *owner, const XML_Char *name, const XML_Char **attributes)
{
	struct reading *reading = owner;
	const char *id = xlsx_attribute(attributes, "Id"), *target = xlsx_attribute(attributes, "Target");

	if (streq(xlsx_local(name), "Relationship") && id && target && streq(id, reading->sheet_relation))
		snprintf(reading->sheet_target, sizeof(reading->sheet_target), "%s", target);
}

/* ---- which numbers are days ---- */

/* Numbers of the standard's own formats that show a day (ECMA-376 part 1, 18.8.30). */
static bool is_builtin_date(int id)
{
	return (id >= 14 && id <= 17) || id == 22 || (id >= 27 && id <= 31) || id == 36 || (id >= 50 && id <= 54) ||
	       id == 57 || id == 58;
}

/* "dd/mm/yyyy" shows a day; "0.00", "h:mm" and text in quotes or brackets do not. */
static bool shows_a_day(const char *format)
{
	for (const char *p = format; *p; p++) {
		if (*p == '"' || *p == '[') {
			const char *end = strchr(p + 1, *p == '"' ? '"' : ']');

			if (!end)
				return false;
			p = end;
		} else if (*p == '\\' || *p == '_' || *p == '*') {
			if (!*++p)
				return false;
		} else if (strchr("dDyY", *p)) {
			return true;
		}
	}
	return false;
}

static void add_format(struct reading *reading, const XML_Char **attributes)
{
	const char *id = xlsx_attribute(attributes, "numFmtId"), *code = xlsx_attribute(attributes, "formatCode");
	long number;

	if (!id || !code || !text_to_int(id, 0, 100000000, &number) || reading->ncustom == XLSX_STYLES_MAX)
		return;
	reading->custom = xrealloc(reading->custom, (reading->ncustom + 1) * sizeof(*reading->custom));
	reading->custom[reading->ncustom].id = (int)number;
	reading->custom[reading->ncustom++].is_date = shows_a_day(code);
}

static bool is_date_format(const struct reading *reading, int id)
{
	for (size_t i = 0; i < reading->ncustom; i++)
		if (reading->custom[i].id == id)
			return reading->custom[i].is_date;
	return is_builtin_date(id);
}

static void on_style(void *owner, const XML_Char *name, const XML_Char **attributes)
{
	struct reading *reading = owner;
	struct xlsx_book *book = reading->book;
	const char *id;
	long number;

	name = xlsx_local(name);
	if (streq(name, "numFmt"))
		add_format(reading, attributes);
	else if (streq(name, "cellXfs"))
		reading->in_cell_formats = true;
	else if (streq(name, "xf") && reading->in_cell_formats && book->nstyles < XLSX_STYLES_MAX) {
		id = xlsx_attribute(attributes, "numFmtId");
		book->is_date = xrealloc(book->is_date, (book->nstyles + 1) * sizeof(*book->is_date));
		book->is_date[book->nstyles++] = id && text_to_int(id, 0, 100000000, &number) &&
						 is_date_format(reading, (int)number);
	}
}

static void on_style_end(void *owner, const XML_Char *name)
{
	struct reading *reading = owner;

	if (streq(xlsx_local(name), "cellXfs"))
		reading->in_cell_formats = false;
}

/* ---- texts that cells share ---- */

static void on_shared(void *owner, const XML_Char *name, const XML_Char **attributes)
{
	struct reading *reading = owner;
	struct xlsx_book *book = reading->book;

	(void)attributes;
	name = xlsx_local(name);
	if (streq(name, "si")) {
		if (book->nshared == book->shared_cap) {
			book->shared_cap = book->shared_cap ? book->shared_cap * 2 : 1024;
			book->offsets = xrealloc(book->offsets, book->shared_cap * sizeof(*book->offsets));
		}
		book->offsets[book->nshared++] = book->shared.len;
	} else if (streq(name, "rPh")) {
		reading->in_phonetic = true;
	} else if (streq(name, "t")) {
		reading->in_text = book->nshared && !reading->in_phonetic;
	}
}

static void on_shared_end(void *owner, const XML_Char *name)
{
	struct reading *reading = owner;

	name = xlsx_local(name);
	if (streq(name, "t"))
		reading->in_text = false;
	else if (streq(name, "rPh"))
		reading->in_phonetic = false;
	else if (streq(name, "si"))
		buf_append_char(&reading->book->shared, '\0');
}

static void on_shared_text(void *owner, const XML_Char *text, int len)
{
	struct reading *reading = owner;

	if (!reading->in_text)
		return;
	if (reading->book->shared.len + (size_t)len > XLSX_SHARED_BYTES_MAX)
		xlsx_part_stop(&reading->part, "The workbook holds too much text; split it or save it as CSV.",
			       "Bảng tính chứa quá nhiều chữ; hãy chia nhỏ hoặc lưu dạng CSV.");
	else
		buf_append(&reading->book->shared, text, (size_t)len);
}

/* ---- all ---- */

static bool find_sheet(struct reading *reading, struct sheet *sheet, zip_t *zip)
{
	if (!read_part(reading, sheet, zip, "xl/workbook.xml", on_workbook, NULL, NULL, true) ||
	    !read_part(reading, sheet, zip, "xl/_rels/workbook.xml.rels", on_relation, NULL, NULL, true))
		return false;
	if (!*reading->sheet_target)
		return sheet_fail(sheet, "The workbook has no sheet.", "Bảng tính không có trang nào.");
	/* A target is beside the workbook, or from the root of the zip. */
	snprintf(reading->book->path, sizeof(reading->book->path), "%s%s", *reading->sheet_target == '/' ? "" : "xl/",
		 reading->sheet_target + (*reading->sheet_target == '/'));
	return true;
}

bool xlsx_book_read(struct xlsx_book *book, struct sheet *sheet, zip_t *zip)
{
	struct reading reading = { .book = book };
	bool fine = find_sheet(&reading, sheet, zip) &&
		    read_part(&reading, sheet, zip, "xl/styles.xml", on_style, on_style_end, NULL, false) &&
		    read_part(&reading, sheet, zip, "xl/sharedStrings.xml", on_shared, on_shared_end, on_shared_text, false);

	free(reading.custom);
	return fine;
}

void xlsx_book_release(struct xlsx_book *book)
{
	buf_release(&book->shared);
	free(book->offsets);
	free(book->is_date);
}

/* ---- numbers ---- */

/* Day 60 of the calendar from 1900 is a 29 February that never was. */
static struct date day_of_serial(double serial, bool from_1904)
{
	int days = (int)serial;

	if (from_1904)
		return date_add_days(date_make(1904, 1, 1), days);
	return date_add_days(date_make(1899, 12, days < 60 ? 31 : 30), days);
}

bool xlsx_number_text(const char *raw, bool is_date, bool from_1904, char out[XLSX_NUMBER_SIZE])
{
	char *end;
	double value = strtod(raw, &end);

	if (end == raw || *end || !isfinite(value))
		return false;
	if (is_date && value >= 1 && value < 2957004)    /* to the year 9999 of either calendar */
		date_format(day_of_serial(value, from_1904), out);
	else if (value == floor(value) && fabs(value) < 1e15)
		snprintf(out, XLSX_NUMBER_SIZE, "%.0f", value);
	else
		snprintf(out, XLSX_NUMBER_SIZE, "%.15g", value);
	return true;
}
