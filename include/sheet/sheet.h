#ifndef SHEET_SHEET_H
#define SHEET_SHEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A table that somebody kept in a spreadsheet, row by row: CSV, or the first
 * sheet of an .xlsx file (ECMA-376). What it is is told from its first bytes.
 * Any number of rows; memory holds a stretch of them, and of .xlsx the texts
 * that the file shares between cells.
 *
 * CSV: UTF-8 (a mark is fine), cells parted by ',', ';' or TAB, whichever stands
 * equally often in most of the first lines; strict quoting. XLSX: dates become YYYY-MM-DD,
 * numbers what was typed ("12205000001", not 1.2205E+10), formulas their last
 * value. Formats are not applied: a number that lost its first zero has lost it.
 *
 * One thread. Errors say in which row; they never repeat a cell.
 */
struct error;
struct sheet;

enum { SHEET_COLUMNS_MAX = 256, SHEET_CELL_MAX = 131072, SHEET_ROWS_MAX = 2000000 };

/* New sheet, or NULL: ERR_SYSTEM (cannot be read), ERR_MALFORMED (no table; encrypted; .xls; not UTF-8). */
struct sheet *sheet_open(const char *path, struct error *err);
void sheet_close(struct sheet *sheet);                   /* NULL is fine */

struct sheet_row {
	size_t             number;       /* as the spreadsheet counts, from 1 */
	const char *const *cells;        /* valid UTF-8, "" where empty; columns beyond SHEET_COLUMNS_MAX are left out */
	size_t             ncells;
	bool               unended;      /* of CSV: no line end behind it. The last row of a whole file, or of one that was cut */
};
/*
 * The next row that has anything in it; borrowed until the next call. False at
 * the end, or with ERR_MALFORMED, when the rows before the fault have been told;
 * then every further call does the same.
 */
bool sheet_next(struct sheet *sheet, struct sheet_row *row, struct error *err);

/* How far, of how much (bytes; of .xlsx those of the unpacked sheet). For telling progress. */
void sheet_progress(const struct sheet *sheet, uint64_t *done, uint64_t *total);

#endif
