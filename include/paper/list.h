#ifndef PAPER_LIST_H
#define PAPER_LIST_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A list on paper: PDF, A4 landscape, the heads again on each page, pages counted. Letters as on certificates. A long text
 * takes more lines in its cell, up to LIST_LINES_MAX. Some milliseconds a page: in the CPU pool.
 */
struct buf;
struct error;

enum { LIST_COLUMNS_MAX = 16, LIST_LINES_MAX = 6 };

struct paper_list {
	const char        *title, *note; /* note: a line below the title; NULL */
	const char        *page_word;    /* "Trang": stands before "2/5" */
	const char *const *heads;
	const int         *shares;       /* of the width, for each column */
	size_t             ncolumns;     /* 1 to LIST_COLUMNS_MAX */
	const char *const *cells;        /* row by row; NULL: empty */
	size_t             nrows;
};

/* Appends the whole PDF. False and ERR_INTERNAL: fonts are missing, or memory ran out. */
bool paper_list_draw(const struct paper_list *list, struct buf *out, struct error *err) __attribute__((warn_unused_result));

#endif
