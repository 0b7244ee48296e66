#ifndef SHEET_PRIVATE_H
#define SHEET_PRIVATE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/memory.h"
#include "sheet/sheet.h"

/*
 * Both kinds of file are fed piece by piece to a parser that calls back, and a
 * piece may end many rows. So rows wait in a queue, which is emptied before
 * the next piece is fed.
 */
enum { PIECE_BYTES = 1 << 16 };

struct queued_row {
	size_t number, first_cell, ncells;
	bool   unended;
};

struct sheet {
	const struct sheet_kind *kind;
	void              *source;               /* the kind's own */
	struct error      *err;                  /* of sheet_open(); then `fault`, which is told when the rows before it are */
	struct error       fault;
	bool               ended, failed;
	uint64_t           done, total;
	/* the queue */
	struct buf         bytes;                /* texts, each NUL-ended */
	size_t            *cells;                /* where each begins in bytes */
	size_t             ncells, cells_cap;
	struct queued_row *rows;
	size_t             nrows, rows_cap, next_row;
	const char       **view;                 /* what sheet_next() shows */
	size_t             view_cap;
	size_t             row_cells;            /* of the row being built */
	bool               row_filled;           /* it has a cell with something in it */
	bool               row_unended;
};

struct sheet_kind {
	/* Feeds one piece; false at the end of the file or after a fault (sheet->failed). */
	bool (*feed)(struct sheet *sheet);
	void (*close)(struct sheet *sheet);
};

/* False and sheet->err set; sheet->failed from now on. */
bool csv_open(struct sheet *sheet, int fd);
bool xlsx_open(struct sheet *sheet, const char *path);

/* A cell of the row being built; columns are counted from 0, what lies between is empty. False: a fault, told. */
bool sheet_put_cell(struct sheet *sheet, size_t row_number, size_t column, const char *text, size_t len);
/* The row is whole. */
bool sheet_end_row(struct sheet *sheet, size_t row_number);
/* ERR_MALFORMED once, both texts. Returns false. */
bool sheet_fail(struct sheet *sheet, const char *en, const char *vi);
bool sheet_fail_row(struct sheet *sheet, size_t row_number, const char *en, const char *vi);

#endif
