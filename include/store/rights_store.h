#ifndef STORE_RIGHTS_STORE_H
#define STORE_RIGHTS_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/memory.h"
#include "db/db.h"
#include "domain/consent.h"
#include "domain/donor_number.h"
#include "store/store.h"

/* What donors agreed to, and what else the law gives them a right to. store->donor_key must be there. */

/*
 * All consents and withdrawals of a donor (by id or number) and of the records that are one with it, in the
 * order of their times. ERR_NOT_FOUND. Of an erased donor no proof is left.
 */
struct consent_list {
	const char          *key;
	const char *const   *units;      /* as in donor_load */
	size_t               nunits;
	const char          *action;     /* of the audit row: "donor.consents"; NULL: shown as part of something audited */
	struct actor         actor;
	struct arena        *arena;
	char                 donor_id[UUID_TEXT_SIZE];   /* out */
	char                 number[DONOR_NUMBER_SIZE];
	struct consent_fact *facts;
	size_t               nfacts;
	struct error         error;
	void               (*done)(struct consent_list *list);
	struct db_query      query;      /* private from here on */
	struct store        *store;
};
void consent_list_send(struct store *store, struct consent_list *list);

/*
 * One more fact of a donor that was loaded, sealed with its key. Audit action "consent.give" or
 * "consent.withdraw". ERR_ERASED.
 */
struct donor_record;
struct consent_record {
	const struct donor_record *of;
	struct consent_fact        fact; /* in: consent, given; out: id, recorded_us */
	struct idempotency         idempotency;
	struct actor               actor;
	struct arena              *arena;
	struct error               error;
	void                     (*done)(struct consent_record *record);
	struct db_query            query;        /* private from here on */
	struct store              *store;
};
void consent_record_send(struct store *store, struct consent_record *record);

#endif
