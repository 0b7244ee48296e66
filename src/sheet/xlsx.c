#include "sheet/xlsx.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "sheet/private.h"

enum cell_type { CELL_NUMBER, CELL_SHARED, CELL_TEXT };

struct xlsx_source {
	struct xlsx_part part;                   /* first: expat hands it to the handlers */
	zip_t           *zip;
	struct xlsx_book book;
	/* the cell at hand */
	size_t           row, column;
	enum cell_type   type;
	bool             is_date, in_value, in_phonetic;
	struct buf       value;
};

static struct xlsx_source *source_of(void *owner)
{
	return container_of((struct xlsx_part *)owner, struct xlsx_source, part);
}

/* "AB12" is column 27 (from 0); without one it stands after the last. */
static size_t column_of(const char *reference, size_t next)
{
	size_t column = 0, letters = 0;

	if (!reference)
		return next;
	for (; reference[letters] >= 'A' && reference[letters] <= 'Z' && letters < 4; letters++)
		column = column * 26 + (size_t)(reference[letters] - 'A' + 1);
	return letters ? column - 1 : next;
}

static void begin_row(struct xlsx_source *source, const XML_Char **attributes)
{
	const char *number = xlsx_attribute(attributes, "r");
	long row;

	if (!number)
		source->row++;
	else if (text_to_int(number, (long)source->row + 1, 100000000, &row))
		source->row = (size_t)row;
	else
		xlsx_part_stop(&source->part, "The rows of the .xlsx file are not in order; save it again.",
			       "Các dòng của tệp .xlsx không theo thứ tự; hãy lưu lại.");
	source->column = (size_t)-1;
}

static void begin_cell(struct xlsx_source *source, const XML_Char **attributes)
{
	const char *type = xlsx_attribute(attributes, "t"), *style = xlsx_attribute(attributes, "s");
	long number;

	source->column = column_of(xlsx_attribute(attributes, "r"), source->column + 1);
	source->type = !type || streq(type, "n") ? CELL_NUMBER : streq(type, "s") ? CELL_SHARED : CELL_TEXT;
	source->is_date = style && text_to_int(style, 0, (long)source->book.nstyles - 1, &number) &&
			  source->book.is_date[number];
	buf_reset(&source->value);
}

static void on_start(void *owner, const XML_Char *name, const XML_Char **attributes)
{
	struct xlsx_source *source = source_of(owner);

	name = xlsx_local(name);
	if (streq(name, "row"))
		begin_row(source, attributes);
	else if (streq(name, "c"))
		begin_cell(source, attributes);
	else if (streq(name, "v") || streq(name, "t"))
		source->in_value = !source->in_phonetic;
	else if (streq(name, "rPh"))
		source->in_phonetic = true;
}

static void on_text(void *owner, const XML_Char *text, int len)
{
	struct xlsx_source *source = source_of(owner);

	if (source->in_value && source->value.len <= SHEET_CELL_MAX)
		buf_append(&source->value, text, (size_t)len);
}

static bool put(struct xlsx_source *source, const char *text)
{
	return sheet_put_cell(source->part.sheet, source->row, source->column, text, strlen(text));
}

static bool end_cell(struct xlsx_source *source)
{
	const struct xlsx_book *book = &source->book;
	const char *raw = source->value.len ? source->value.data : "";
	char number[XLSX_NUMBER_SIZE];
	long shared;

	if (!*raw)
		return put(source, "");
	if (source->type == CELL_SHARED) {
		if (!text_to_int(raw, 0, (long)book->nshared - 1, &shared))
			return sheet_fail_row(source->part.sheet, source->row, "a cell names a text that is not there.",
					      "có ô trỏ tới chữ không tồn tại.");
		return put(source, book->shared.data + book->offsets[shared]);
	}
	if (source->type == CELL_NUMBER && xlsx_number_text(raw, source->is_date, book->dates_from_1904, number))
		return put(source, number);
	return sheet_put_cell(source->part.sheet, source->row, source->column, raw, source->value.len);
}

static void on_end(void *owner, const XML_Char *name)
{
	struct xlsx_source *source = source_of(owner);
	bool fine = true;

	name = xlsx_local(name);
	if (streq(name, "v") || streq(name, "t"))
		source->in_value = false;
	else if (streq(name, "rPh"))
		source->in_phonetic = false;
	else if (streq(name, "c"))
		fine = end_cell(source);
	else if (streq(name, "row"))
		fine = sheet_end_row(source->part.sheet, source->row);
	if (!fine) {
		source->part.stopped = true;
		XML_StopParser(source->part.parser, XML_FALSE);
	}
}

static bool xlsx_feed(struct sheet *sheet)
{
	struct xlsx_source *source = sheet->source;
	bool more = xlsx_part_feed(&source->part);

	sheet->done = source->part.done;
	return more;
}

static void xlsx_close(struct sheet *sheet)
{
	struct xlsx_source *source = sheet->source;

	xlsx_part_close(&source->part);
	xlsx_book_release(&source->book);
	buf_release(&source->value);
	if (source->zip)
		zip_discard(source->zip);
	free(source);
}

static bool open_rows(struct xlsx_source *source, struct sheet *sheet)
{
	bool missing;

	if (!xlsx_part_open(&source->part, sheet, source->zip, source->book.path, &missing))
		return missing ? sheet_fail(sheet, "The workbook's first sheet is missing; save it again.",
					    "Thiếu trang đầu của bảng tính; hãy lưu lại.")
			       : false;
	XML_SetElementHandler(source->part.parser, on_start, on_end);
	XML_SetCharacterDataHandler(source->part.parser, on_text);
	sheet->total = source->part.total;
	return true;
}

bool xlsx_open(struct sheet *sheet, const char *path)
{
	static const struct sheet_kind kind = { xlsx_feed, xlsx_close };
	struct xlsx_source *source = xcalloc(1, sizeof(*source));
	int problem = 0;

	sheet->source = source;
	sheet->kind = &kind;
	source->zip = zip_open(path, ZIP_RDONLY, &problem);
	if (!source->zip)
		return sheet_fail(sheet, "The .xlsx file is damaged; save it again.", "Tệp .xlsx bị hỏng; hãy lưu lại.");
	return xlsx_book_read(&source->book, sheet, source->zip) && open_rows(source, sheet);
}
