#ifndef API_PERSON_H
#define API_PERSON_H

#include "base/error.h"
#include "store/deferral_store.h"
#include "store/donor_store.h"

/* All records of one person, and what is known of them: for who exports or erases. */
struct person_record;
struct request;

struct person_load {
	struct request            *r;
	const struct donor_record *record;       /* loaded before, by the reader's leave and with its audit row */
	const struct donor_record **records;     /* out: that one, then those that are merged into it */
	size_t                     nrecords;
	struct facts_load          facts;        /* out: facts.facts */
	struct error               error;
	void                     (*done)(struct person_load *load);
	struct person_record      *parts;        /* private from here on */
};
/* Record by record, then the facts; the statements read what is committed when each of them begins. */
void person_load_start(struct person_load *load);

#endif
