#ifndef STORE_HONOUR_STORE_H
#define STORE_HONOUR_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/memory.h"
#include "db/db.h"
#include "domain/honour.h"
#include "store/store.h"

/*
 * Honours: who may be a candidate, the work on each, and the list for the ceremony. What merged records have is what the
 * person has; only donations that are neither held nor open are told. Candidates and honours show nothing sealed; the
 * list for the ceremony opens names, and says so in the audit.
 */

/* A person or a family, with the donations up to `as_of` and the honours that there are. */
struct honour_subject {
	char                    id[UUID_TEXT_SIZE];      /* of the record that stands, or of the family */
	int64_t                 version;
	const char             *donor_id, *donor_number, *unit_id;       /* of a family: of who stands for it */
	struct date             unit_on;
	struct honour_donation *donations;               /* in the order of (on, id) */
	size_t                  ndonations;
	struct honour_had      *had;
	size_t                  nhad;
};
struct honour_find {
	bool               families;     /* else persons */
	const char        *only;         /* id of one; NULL: all. A merged record is not found: ask for the one that stands */
	struct date        as_of;
	int                least;        /* donations, whether they count or not */
	const char *const *units;        /* where the reader may look; NULL: everywhere */
	size_t             nunits;
	char               after[UUID_TEXT_SIZE];
	int                limit;
	struct arena      *arena;
	struct honour_subject *subjects; /* out, by id */
	size_t             nsubjects;
	bool               more;
	struct error       error;
	void             (*done)(struct honour_find *find);
	struct db_query    query;        /* private from here on */
	char               limit_text[16], least_text[16];
};
void honour_find_send(struct store *store, struct honour_find *find);

/*
 * A new candidate, of a subject as it was just read: ERR_STALE when the record was merged or changed since,
 * ERR_ALREADY_EXISTS when the honour, or one that it replaces, is there or in work. Audit "honour.nominate".
 */
struct honour_nominate {
	struct honour      honour;       /* in: whose, ladder, step, bar, as_of, reached_on, donations, rules; out: the rest */
	int64_t            subject_version;
	const struct honour_step *step;
	struct idempotency idempotency;
	struct actor       actor;
	struct arena      *arena;
	struct error       error;
	void             (*done)(struct honour_nominate *nominate);
	struct db_query    query;        /* private from here on */
	struct store      *store;
};
void honour_nominate_send(struct store *store, struct honour_nominate *nominate);

/* One, with its events. ERR_NOT_FOUND also when it is of somebody outside `units`. */
struct honour_load {
	const char        *id;
	const struct honour_rules *rules;        /* which step replaces which */
	const char *const *units;
	size_t             nunits;
	struct arena      *arena;
	struct honour      honour;       /* out */
	struct error       error;
	void             (*done)(struct honour_load *load);
	struct db_query    query;        /* private from here on */
};
void honour_load_send(struct store *store, struct honour_load *load);

struct honour_list {
	unsigned           states;       /* bits 1 << enum honour_state; 0: all */
	const struct honour_rules *rules;        /* which step replaces which */
	const char        *ladder, *step;        /* NULL: any */
	bool               twins;        /* only those that have some */
	const char        *donor_id;     /* of this person alone, on whatever record; NULL: of all */
	const char *const *units;
	size_t             nunits;
	char               after[UUID_TEXT_SIZE];
	int                limit;
	struct arena      *arena;
	struct honour     *honours;      /* out, by id; without events and donations */
	size_t             nhonours;
	bool               more;
	struct error       error;
	void             (*done)(struct honour_list *list);
	struct db_query    query;        /* private from here on */
	char               limit_text[16];
};
void honour_list_send(struct store *store, struct honour_list *list);

/*
 * One step of the work over the version that was read: ERR_STALE otherwise. With `step`, ERR_ALREADY_EXISTS when the person
 * has it, or one that it replaces, on another record, too. Audit "honour.<verb>".
 */
struct honour_step_do {
	const struct honour *before;
	struct honour      next;         /* in: state, reason, document, days, given_by; out: version */
	enum honour_verb   verb;
	const struct honour_step *step;  /* NULL: it goes backward */
	struct actor       actor;
	struct arena      *arena;
	struct error       error;
	void             (*done)(struct honour_step_do *step);
	struct db_query    query;        /* private from here on */
	struct store      *store;
};
void honour_step_send(struct store *store, struct honour_step_do *step);

/*
 * The list for the ceremony: names, opened. `published`: only of those who agreed to it (honours_publication; a
 * withdrawal on any channel counts). Audit "honour.ceremony" for each name. At most HONOUR_NAMES_MAX; nobody who was erased. Whose
 * record does not open here is left out; ERR_UNAVAILABLE when that is everybody.
 */
enum { HONOUR_NAMES_MAX = 1000 };
struct honour_name {
	struct honour honour;
	const char   *name;              /* NULL: the record has none */
	int           birth_year;        /* 0: not known */
	const char   *unit_name;         /* NULL */
	bool          agreed;
};
struct honour_names {
	enum honour_state  state;
	const char        *ladder;       /* NULL: any */
	bool               published;
	const char *const *units;
	size_t             nunits;
	struct actor       actor;
	struct arena      *arena;
	struct honour_name *names;       /* out: by ladder, bar from the highest, then id */
	size_t             nnames;
	bool               more;         /* there were more */
	const char        *left_out;     /* donors' numbers, with commas between; NULL: nobody */
	struct error       error;
	void             (*done)(struct honour_names *names);
	struct db_query    query;        /* private from here on */
	struct store      *store;
};
void honour_names_send(struct store *store, struct honour_names *names);

#endif
