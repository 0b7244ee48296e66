#ifndef FORMAT_TABLE_H
#define FORMAT_TABLE_H

#include <stddef.h>

/*
 * A list for a spreadsheet: rows of texts in, bytes out, in memory alone (it holds names). Pure.
 *
 * CSV is UTF-8 with a mark and CRLF, so that a spreadsheet opens it by a double click. A cell that a spreadsheet would
 * take for a formula gets a ' in front. XLSX (ISO/IEC 29500) has one sheet, its heading frozen, texts as texts.
 */
struct buf;

enum { TABLE_COLUMNS_MAX = 26 };
struct table {
	const char        *title;        /* name of the sheet: at most 31 characters, none of []:*?/\ */
	const char *const *heads;
	size_t             ncolumns;
	const char *const *cells;        /* row by row; NULL: empty. What is all digits, up to 9, is a number in XLSX */
	size_t             nrows;
};

void table_csv(struct buf *out, const struct table *table);
#define TABLE_CSV_TYPE "text/csv; charset=utf-8"
void table_xlsx(struct buf *out, const struct table *table);
#define TABLE_XLSX_TYPE "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

#endif
