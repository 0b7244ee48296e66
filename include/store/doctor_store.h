#ifndef STORE_DOCTOR_STORE_H
#define STORE_DOCTOR_STORE_H

#include "db/db.h"
#include "domain/doctor.h"
#include "store/store.h"

/*
 * Looks at the database as the daemon's role sees it, one part after the
 * other: a part that the server refuses stays unknown, and the next one is
 * looked at all the same. Reads only; needs no key.
 */
struct doctor_load {
	struct arena           *arena;
	struct date             today;
	struct doctor_database *database;        /* filled, but for `schema` */
	struct error            error;           /* never set: what is missing is in `database` */
	void                  (*done)(struct doctor_load *load);
	struct db_query         query;           /* private from here on */
	struct store           *store;
	size_t                  part;
	int64_t                 sent_us;
};
void doctor_load_send(struct store *store, struct doctor_load *load);

#endif
