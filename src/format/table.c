#include "format/table.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/memory.h"
#include "base/text.h"
#include "format/xml.h"

static const char *cell_of(const struct table *table, size_t row, size_t column)
{
	const char *text = table->cells[row * table->ncolumns + column];

	return text ? text : "";
}

/* ---- CSV ---- */

static void csv_cell(struct buf *out, const char *text)
{
	buf_append_char(out, '"');
	if (*text && strchr("=+-@\t\r", *text))
		buf_append_char(out, '\'');
	for (; *text; text++) {
		if (*text == '"')
			buf_append_char(out, '"');
		buf_append_char(out, *text);
	}
	buf_append_char(out, '"');
}

static void csv_line_end(struct buf *out, size_t column, size_t ncolumns)
{
	buf_printf(out, "%s", column + 1 < ncolumns ? "," : "\r\n");
}

void table_csv(struct buf *out, const struct table *table)
{
	buf_printf(out, "\xef\xbb\xbf");
	for (size_t c = 0; c < table->ncolumns; c++) {
		csv_cell(out, table->heads[c]);
		csv_line_end(out, c, table->ncolumns);
	}
	for (size_t r = 0; r < table->nrows; r++)
		for (size_t c = 0; c < table->ncolumns; c++) {
			csv_cell(out, cell_of(table, r, c));
			csv_line_end(out, c, table->ncolumns);
		}
}

/* ---- the parts of a workbook ---- */

#define XML_HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"
#define OFFICE "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
#define PACKAGE "http://schemas.openxmlformats.org/package/2006/"
#define SHEETML "application/vnd.openxmlformats-officedocument.spreadsheetml."

static const char types_part[] =
	XML_HEAD "<Types xmlns=\"" PACKAGE "content-types\">"
	"<Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>"
	"<Default Extension=\"xml\" ContentType=\"application/xml\"/>"
	"<Override PartName=\"/xl/workbook.xml\" ContentType=\"" SHEETML "sheet.main+xml\"/>"
	"<Override PartName=\"/xl/worksheets/sheet1.xml\" ContentType=\"" SHEETML "worksheet+xml\"/></Types>";
static const char roots_part[] =
	XML_HEAD "<Relationships xmlns=\"" PACKAGE "relationships\">"
	"<Relationship Id=\"rId1\" Type=\"" OFFICE "/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>";
static const char links_part[] =
	XML_HEAD "<Relationships xmlns=\"" PACKAGE "relationships\">"
	"<Relationship Id=\"rId1\" Type=\"" OFFICE "/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>";
#define MAIN_NAMESPACE "http://schemas.openxmlformats.org/spreadsheetml/2006/main"

static void write_book(struct buf *out, const struct table *table)
{
	buf_printf(out, XML_HEAD "<workbook xmlns=\"" MAIN_NAMESPACE "\" xmlns:r=\"" OFFICE "\"><sheets><sheet name=\"");
	xml_text(out, table->title);
	buf_printf(out, "\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>");
}

/* Up to nine digits that a number keeps as they are. */
static bool is_number(const char *text)
{
	size_t len = strlen(text);

	for (const char *p = text; *p; p++)
		if (!isdigit((unsigned char)*p))
			return false;
	return len > 0 && len <= 9 && (len == 1 || *text != '0');
}

static void sheet_cell(struct buf *out, size_t row, size_t column, const char *text)
{
	char at = (char)('A' + column);

	if (!*text)
		return;
	if (is_number(text)) {
		buf_printf(out, "<c r=\"%c%zu\"><v>%s</v></c>", at, row, text);
		return;
	}
	buf_printf(out, "<c r=\"%c%zu\" t=\"inlineStr\"><is><t xml:space=\"preserve\">", at, row);
	xml_text(out, text);
	buf_printf(out, "</t></is></c>");
}

/* In letters, as a sheet wants it: the widest cell, within reason. */
static size_t width_of(const struct table *table, size_t column)
{
	enum { NARROWEST = 5, WIDEST = 60, MARGIN = 2 };
	size_t widest = text_length(table->heads[column]);

	for (size_t r = 0; r < table->nrows; r++) {
		size_t length = text_length(cell_of(table, r, column));

		widest = length > widest ? length : widest;
	}
	return (widest < NARROWEST ? NARROWEST : widest > WIDEST ? WIDEST : widest) + MARGIN;
}

static void write_widths(struct buf *out, const struct table *table)
{
	if (table->ncolumns == 0)
		return;
	buf_printf(out, "<cols>");
	for (size_t c = 0; c < table->ncolumns; c++)
		buf_printf(out, "<col min=\"%zu\" max=\"%zu\" width=\"%zu\" customWidth=\"1\"/>", c + 1, c + 1, width_of(table, c));
	buf_printf(out, "</cols>");
}

static void write_sheet(struct buf *out, const struct table *table)
{
	buf_printf(out, XML_HEAD "<worksheet xmlns=\"" MAIN_NAMESPACE "\"><sheetViews><sheetView workbookViewId=\"0\">"
		   "<pane ySplit=\"1\" topLeftCell=\"A2\" activePane=\"bottomLeft\" state=\"frozen\"/></sheetView></sheetViews>");
	write_widths(out, table);
	buf_printf(out, "<sheetData><row r=\"1\">");
	for (size_t c = 0; c < table->ncolumns; c++)
		sheet_cell(out, 1, c, table->heads[c]);
	buf_printf(out, "</row>");
	for (size_t r = 0; r < table->nrows; r++) {
		buf_printf(out, "<row r=\"%zu\">", r + 2);
		for (size_t c = 0; c < table->ncolumns; c++)
			sheet_cell(out, r + 2, c, cell_of(table, r, c));
		buf_printf(out, "</row>");
	}
	buf_printf(out, "</sheetData></worksheet>");
}

/* ---- the archive: stored parts, no compression, no clock ---- */

struct part {
	const char *name;
	const char *bytes;
	size_t      len;
	uint32_t    crc, at;
};

static uint32_t crc32_of(const char *bytes, size_t len)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= (unsigned char)bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0);
	}
	return ~crc;
}

static void put(struct buf *out, uint32_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		buf_append_char(out, (char)(value >> 8 * i & 0xff));
}

/* What the head of a part and its row of the directory have in common: from "version needed" to the name's length. */
static void put_part(struct buf *out, const struct part *part)
{
	enum { VERSION = 20, NAMES_ARE_UTF8 = 1 << 11, STORED = 0, DAY_1980 = 1 << 5 | 1 };

	put(out, VERSION, 2);
	put(out, NAMES_ARE_UTF8, 2);
	put(out, STORED, 2);
	put(out, 0, 2);
	put(out, DAY_1980, 2);
	put(out, part->crc, 4);
	put(out, (uint32_t)part->len, 4);
	put(out, (uint32_t)part->len, 4);
	put(out, (uint32_t)strlen(part->name), 2);
	put(out, 0, 2);
}

static void zip_parts(struct buf *out, struct part *parts, size_t count)
{
	size_t start = out->len, directory;

	for (size_t i = 0; i < count; i++) {
		parts[i].at = (uint32_t)(out->len - start);
		parts[i].crc = crc32_of(parts[i].bytes, parts[i].len);
		put(out, 0x04034b50, 4);
		put_part(out, &parts[i]);
		buf_append(out, parts[i].name, strlen(parts[i].name));
		buf_append(out, parts[i].bytes, parts[i].len);
	}
	directory = out->len - start;
	for (size_t i = 0; i < count; i++) {
		put(out, 0x02014b50, 4);
		put(out, 20, 2);
		put_part(out, &parts[i]);
		put(out, 0, 2);          /* comment, disk, attributes */
		put(out, 0, 2);
		put(out, 0, 2);
		put(out, 0, 4);
		put(out, parts[i].at, 4);
		buf_append(out, parts[i].name, strlen(parts[i].name));
	}
	put(out, 0x06054b50, 4);
	put(out, 0, 4);
	put(out, (uint32_t)count, 2);
	put(out, (uint32_t)count, 2);
	put(out, (uint32_t)(out->len - start - directory - 12), 4);
	put(out, (uint32_t)directory, 4);
	put(out, 0, 2);
}

void table_xlsx(struct buf *out, const struct table *table)
{
	struct buf book = { 0 }, sheet = { 0 };

	write_book(&book, table);
	write_sheet(&sheet, table);
	struct part parts[] = {
		{ .name = "[Content_Types].xml", .bytes = types_part, .len = sizeof(types_part) - 1 },
		{ .name = "_rels/.rels", .bytes = roots_part, .len = sizeof(roots_part) - 1 },
		{ .name = "xl/workbook.xml", .bytes = book.data, .len = book.len },
		{ .name = "xl/_rels/workbook.xml.rels", .bytes = links_part, .len = sizeof(links_part) - 1 },
		{ .name = "xl/worksheets/sheet1.xml", .bytes = sheet.data, .len = sheet.len },
	};
	zip_parts(out, parts, ARRAY_SIZE(parts));
	buf_release(&book);
	buf_release(&sheet);
}
