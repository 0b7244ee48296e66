#ifndef STORE_DEFERRAL_STORE_H
#define STORE_DEFERRAL_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/memory.h"
#include "db/db.h"
#include "domain/deferral.h"
#include "store/donor_store.h"
#include "store/store.h"

/*
 * Deferrals, and all that the registry knows of whether somebody may give.
 * Code, day and note are sealed with the donor's key, whose row a deferral was
 * recorded on; those of a merged record count for the one it is merged into.
 *
 * store->donor_key must be there.
 */

/* One person's facts. A merged record gives the one that it is merged into. Errors as of donor_load. */
struct facts_load {
	const char        *key;          /* id or donor number */
	const char *const *units;        /* where the reader may look, as in donor_load */
	size_t             nunits;
	const char        *action;       /* of the audit row: somebody reads; NULL: a machine that tells nobody */
	struct actor       actor;
	struct arena      *arena;
	struct donor_record record;      /* out: id, number, birth, sex, unit, version, contact_facility, erased, own key */
	const struct donor_record *records;      /* out: likewise, that one and all that are merged into it */
	size_t             nrecords;
	struct donor_facts facts;        /* out: its donor is that one */
	struct error       error;
	void             (*done)(struct facts_load *load);
	struct db_query    query;        /* private from here on */
	struct store      *store;
};
void facts_load_send(struct store *store, struct facts_load *load);

/* Among what was loaded: the deferral of that id, and the record that it stands on. NULL: no such deferral. */
const struct deferral *facts_deferral(const struct facts_load *load, const char *id,
				      const struct donor_record **record);

/*
 * A new deferral, checked and reckoned, on a loaded record. Audit "deferral.add". In the same statement the days
 * that lists show move later, never earlier: `floor` is what this deferral alone tells. The exact ones follow
 * (store/days_store.h).
 */
struct deferral_add {
	const struct donor_record *record;
	struct deferral    deferral;     /* in; out: id, recorded_us */
	struct donor_next  floor[COMPONENT_COUNT];
	struct idempotency idempotency;
	struct actor       actor;
	struct arena      *arena;
	struct error       error;
	void             (*done)(struct deferral_add *add);
	struct db_query    query;        /* private from here on */
	struct store      *store;
};
void deferral_add_send(struct store *store, struct deferral_add *add);

/*
 * Somebody says that a deferral is over. A dated or open one is lifted at once (audit "deferral.lift"); a permanent
 * one waits for another person ("deferral_lift.ask"). ERR_DEFERRAL_LIFTED: it was, or that is being asked.
 */
struct deferral_lift_ask {
	const struct donor_record *record;       /* that the deferral stands on */
	const struct deferral *deferral;
	const char        *reason;
	struct idempotency idempotency;
	struct deferral_lift lift;       /* out */
	struct actor       actor;
	struct arena      *arena;
	struct error       error;
	void             (*done)(struct deferral_lift_ask *ask);
	struct db_query    query;        /* private from here on */
	struct store      *store;
};
void deferral_lift_ask_send(struct store *store, struct deferral_lift_ask *ask);

/*
 * The second person. Audit "deferral_lift.approve" and "deferral.lift", or "deferral_lift.refuse".
 * ERR_DEFERRAL_LIFTED: somebody decided before; ERR_SECOND_PERSON: approved by who asked.
 */
struct deferral_lift_decide {
	const struct deferral *deferral; /* whose lift was asked for when it was loaded */
	bool               approve;
	struct idempotency idempotency;
	struct actor       actor;
	struct arena      *arena;
	struct error       error;
	void             (*done)(struct deferral_lift_decide *decide);
	struct db_query    query;        /* private from here on */
	struct store      *store;
};
void deferral_lift_decide_send(struct store *store, struct deferral_lift_decide *decide);

/* What waits for a second person, oldest first; nothing sealed. Audit "deferral_lift.list" for each donor told. */
struct lift_waiting {
	char               id[UUID_TEXT_SIZE], donor_id[UUID_TEXT_SIZE], deferral_id[UUID_TEXT_SIZE];
	const char        *donor_number, *asked_by_kind, *asked_by;
	int64_t            asked_us;
};
struct lift_list {
	const char *const *units;
	size_t             nunits;
	char               after[UUID_TEXT_SIZE];
	int                limit;
	struct actor       actor;
	struct arena      *arena;
	struct lift_waiting *items;      /* out */
	size_t             nitems;
	bool               more;
	struct error       error;
	void             (*done)(struct lift_list *list);
	struct db_query    query;        /* private from here on */
	struct store      *store;
	char               limit_text[16];
};
void lift_list_send(struct store *store, struct lift_list *list);

/*
 * "Ask the blood facility before inviting": a flag without a reason. Audit "donor.contact_facility_set" or
 * "donor.contact_facility_cleared", where it was otherwise before.
 */
struct contact_set {
	const char        *donor_id;
	bool               contact;
	struct actor       actor;
	struct arena      *arena;
	struct error       error;
	void             (*done)(struct contact_set *set);
	struct db_query    query;        /* private from here on */
	struct store      *store;
};
void contact_set_send(struct store *store, struct contact_set *set);

#endif
