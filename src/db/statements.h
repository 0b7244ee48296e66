#ifndef DB_STATEMENTS_H
#define DB_STATEMENTS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Which statements one connection has prepared. A statement is known by its
 * address; its name on the server is a number that is never used twice on a
 * connection, so that preparing again cannot collide.
 */
struct db_statement;

struct prepared {
	const struct db_statement *statement;    /* NULL: the slot is free */
	unsigned                   number;       /* 0: to be prepared (again) */
	int                        nparams;      /* the highest $n of its SQL */
	bool                       proven;       /* the server has said that it prepared it */
};

struct statements {
	struct prepared *slots;
	size_t           size, used;             /* size is a power of two */
	unsigned         last_number;
};

void statements_release(struct statements *statements);  /* and empty again */
/* The statement's row, new with number 0 when it was not known. Valid until the next call. */
struct prepared *statements_find(struct statements *statements, const struct db_statement *statement);
/* Gives it a fresh number. */
void statements_number(struct statements *statements, struct prepared *prepared);
/* The server does not have it (any more). */
void statements_forget(struct statements *statements, const struct db_statement *statement);

/* The highest n of $n outside quotes and comments. */
int sql_count_params(const char *sql);

#endif
