#ifndef WIRE_CSV_ROWS_H
#define WIRE_CSV_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/date.h"

/*
 * A CSV file as rows of known columns, in any order. Cells are parted by ',',
 * ';' or TAB: whichever parts the heading (a spreadsheet of Vietnamese settings
 * writes ';'). Strict quoting; a UTF-8 mark, blank lines and CRLF are fine.
 * Cells come out composed and trimmed; a line break inside a cell becomes a
 * blank.
 */
struct arena;
struct error;

enum { CSV_MAX_BYTES = 1 << 20, CSV_MAX_ROWS = 5000, CSV_MAX_COLUMNS = 32 };

struct csv_row {
	size_t       line;               /* where it begins, counted from 1 */
	const char **cells;              /* by the caller's columns; "" where empty */
};

struct csv_rows {
	const char *const *columns;      /* NULL-ended; each must be in the heading once, and no other */
	struct arena      *arena;
	struct error      *err;
	struct csv_row    *rows;         /* out */
	size_t             count;
};

bool csv_rows_read(struct csv_rows *table, const char *text, size_t len);

/* The cell of a column, NULL where it is empty. The column is one of the table's. */
const char *csv_cell(const struct csv_rows *table, const struct csv_row *row, const char *column);
/* "line 4, column date", in the arena. */
const char *csv_pointer(const struct csv_rows *table, const struct csv_row *row, const char *column);

/* Each returns whether the cell holds a value; a bad one is a fault. */
bool csv_text(const struct csv_rows *table, const struct csv_row *row, const char *column, size_t max_length,
	      const char **out);
bool csv_int(const struct csv_rows *table, const struct csv_row *row, const char *column, long min, long max,
	     int *out);
/* YYYY-MM-DD or D/M/YYYY. */
bool csv_date(const struct csv_rows *table, const struct csv_row *row, const char *column, struct date *out);
/* 7:30, 07:30 or 7h30, at most `last` minutes of the day. */
bool csv_minute(const struct csv_rows *table, const struct csv_row *row, const char *column, int last,
		int *out);
/* Texts between ';', blank ones left out. */
size_t csv_list(const struct csv_rows *table, const struct csv_row *row, const char *column,
		const char ***out);

#endif
