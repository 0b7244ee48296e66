#ifndef STORE_COUNT_SHEET_STORE_H
#define STORE_COUNT_SHEET_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "base/uuid.h"
#include "db/db.h"
#include "domain/sync.h"
#include "store/store.h"

/*
 * What is there of each install, so that a team leader can hold it against what the phones say (design 7). Nothing personal.
 * Asked by round (all that handed in something of it) or by install; what the staff wrote is none of a phone's.
 */
struct count_row {
	char            install[UUID_TEXT_SIZE];
	const char     *device_id, *device_name;         /* that handed in last; NULL: not from an enrolled phone */
	int64_t         last_us;
	int64_t         items;           /* different numbers */
	int64_t         of_round;        /* different items of the round that was asked for */
	int64_t         waiting;         /* of these: a person must look */
	struct seq_run *runs;
	size_t          nruns;
};

enum { COUNT_ROWS_MAX = 200 };
struct count_sheet {
	const char        *round_id;     /* NULL: any */
	const char        *install;      /* NULL: any */
	const char        *team_id;      /* NULL; else of rounds or phones of this team */
	const char *const *units;        /* NULL: everywhere; else of rounds with one of them */
	size_t             nunits;
	struct arena      *arena;
	struct count_row  *rows;         /* out, at most COUNT_ROWS_MAX */
	size_t             nrows;
	struct error       error;
	void             (*done)(struct count_sheet *sheet);
	struct db_query    query;        /* private from here on */
};
void count_sheet_send(struct store *store, struct count_sheet *sheet);

#endif
