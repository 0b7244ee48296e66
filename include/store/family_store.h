#ifndef STORE_FAMILY_STORE_H
#define STORE_FAMILY_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/memory.h"
#include "db/db.h"
#include "domain/consent.h"
#include "domain/honour.h"
#include "store/store.h"

/*
 * Families that are counted together. Nobody is counted who did not agree, and that is never assumed: a member
 * without a day of consent is in the family, and counts for nothing. Nobody is in two families on one day, on whatever
 * record; if records that were merged make it so, the membership that began first counts until it ends. Who began a family
 * stands for it, and when they have left or are erased, who joined first.
 */
struct family_member {
	char        id[UUID_TEXT_SIZE], donor_id[UUID_TEXT_SIZE];        /* the record that stands */
	char        record_id[UUID_TEXT_SIZE];   /* on which record it was entered */
	const char *donor_number;
	struct date joined_on, left_on;  /* left_on none: still a member */
	struct date consent_on;          /* none: has not agreed */
	enum consent_channel consent_channel;
};
struct family {
	char                  id[UUID_TEXT_SIZE], head_id[UUID_TEXT_SIZE];
	char                  founder_id[UUID_TEXT_SIZE];        /* on which record it was begun */
	const char           *head_number, *unit_id;     /* where who stands for it lives */
	struct date           unit_on;
	struct family_member *members;   /* by the day of joining */
	size_t                nmembers;
	int64_t               created_us, version;
};

/* ERR_NOT_FOUND also when who stands for it lives outside `units`. */
struct family_load {
	const char        *id;
	const char *const *units;
	size_t             nunits;
	struct arena      *arena;
	struct family      family;       /* out */
	struct error       error;
	void             (*done)(struct family_load *load);
	struct db_query    query;        /* private from here on */
};
void family_load_send(struct store *store, struct family_load *load);

/* Of which families somebody is or was a member, on whatever record; of the other members nothing. */
struct family_membership {
	char                family_id[UUID_TEXT_SIZE];
	bool                head;        /* stands for it */
	struct family_member member;
};
struct family_memberships {
	const char               *donor_id;      /* of the record that stands */
	struct arena             *arena;
	struct family_membership *items;         /* out, by the day of joining */
	size_t                    nitems;
	struct error              error;
	void                    (*done)(struct family_memberships *memberships);
	struct db_query           query;         /* private from here on */
};
void family_memberships_send(struct store *store, struct family_memberships *memberships);

/*
 * A new member: of a new family, for which they stand, or of one that was just read. Audit "family.create" or
 * "family.join", of the family and of the member. ERR_ALREADY_EXISTS: they are a member of one, or were on days since then;
 * ERR_ERASED.
 */
struct family_join {
	const struct family *family;     /* NULL: a new one */
	struct family_member member;     /* in: donor_id as just loaded, days, consent; out: id */
	char               family_id[UUID_TEXT_SIZE];    /* out */
	struct idempotency idempotency;  /* its resource is the family */
	struct actor       actor;
	struct arena      *arena;
	struct error       error;
	void             (*done)(struct family_join *join);
	struct db_query    query;        /* private from here on */
	struct store      *store;
};
void family_join_send(struct store *store, struct family_join *join);

/*
 * What is known of a member changes: they left, agreed, or withdrew. ERR_STALE; ERR_ALREADY_EXISTS when they would stay
 * longer, and are a member of another one then. Audit "family.change", of the family and of the member.
 */
struct family_change {
	const struct family *family;     /* as read */
	const struct family_member *before;
	struct family_member member;     /* as it is to be */
	struct actor       actor;
	struct arena      *arena;
	struct error       error;
	void             (*done)(struct family_change *change);
	struct db_query    query;        /* private from here on */
};
void family_change_send(struct store *store, struct family_change *change);

#endif
