#ifndef STORE_RIGHTS_STORE_H
#define STORE_RIGHTS_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/memory.h"
#include "db/db.h"
#include "domain/component.h"
#include "domain/consent.h"
#include "domain/donor_number.h"
#include "domain/donor_request.h"
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

/* ---- requests ---- */

/* A new request of a donor that was loaded. Audit action "donor_request.receive". ERR_ERASED. */
struct donor_request_make {
	const struct donor_record *of;
	struct donor_request       request;      /* in: what was received, with its deadlines; out: id, version */
	struct idempotency         idempotency;
	struct actor               actor;
	struct arena              *arena;
	struct error               error;
	void                     (*done)(struct donor_request_make *make);
	struct db_query            query;        /* private from here on */
	struct store              *store;
};
void donor_request_make_send(struct store *store, struct donor_request_make *make);

/*
 * Requests of a donor and of the records that are one with it, opened, in the order of receipt; or one of them.
 * ERR_NOT_FOUND: that one, or no such donor within reach. Of an erased donor no note is left.
 */
struct donor_request_load {
	const char           *key;
	const char           *only;      /* id of the request, or NULL */
	const char *const    *units;     /* as in donor_load */
	size_t                nunits;
	const char           *action;    /* of the audit row of each: "donor_request.read"; NULL: none */
	struct actor          actor;
	struct arena         *arena;
	struct donor_request *requests;  /* out */
	size_t                nrequests;
	const char           *unit_id;   /* out: residence of the donor, for who may write */
	struct date           unit_on;
	struct error          error;
	void                (*done)(struct donor_request_load *load);
	struct db_query       query;     /* private from here on */
	struct store         *store;
};
void donor_request_load_send(struct store *store, struct donor_request_load *load);

/* The next state over the version that was read; `step` is the audit action. ERR_STALE. */
struct donor_request_save {
	const struct donor_request *before;
	struct donor_request        after;       /* in; out: version */
	const char                 *step;        /* "donor_request.answer" */
	struct actor                actor;
	struct arena               *arena;
	struct error                error;
	void                      (*done)(struct donor_request_save *save);
	struct db_query             query;       /* private from here on */
	struct store               *store;
};
void donor_request_save_send(struct store *store, struct donor_request_save *save);

/* All donors' requests, nothing opened: those that are late first, then by the day that comes next, closed ones last. */
struct donor_request_list {
	unsigned              states;    /* bits 1 << enum request_state; 0: any */
	bool                  late;      /* only late ones */
	struct date           today;
	const char *const    *units;     /* of the donors; NULL: all */
	size_t                nunits;
	char                  after[UUID_TEXT_SIZE];
	int                   limit;
	struct arena         *arena;
	struct donor_request *requests;  /* out */
	size_t                nrequests;
	bool                  more;
	struct error          error;
	void                (*done)(struct donor_request_list *list);
	struct db_query       query;     /* private from here on */
	struct store         *store;
	char                  limit_text[16];
};
void donor_request_list_send(struct store *store, struct donor_request_list *list);

/* ---- what was given ---- */

struct donation_row {
	char           id[UUID_TEXT_SIZE], donor_id[UUID_TEXT_SIZE];
	char           corrects[UUID_TEXT_SIZE];         /* "": none */
	enum component component;
	int            volume_ml;                        /* -1: not known */
	struct date    donated_on;
	const char    *evidence, *source;
	int64_t        recorded_us;
	const char    *round_id, *bag_code, *outcome;    /* of our own rounds; else NULL */
	bool           counts;                           /* it stands: not corrected, dropped, or somebody else's bag */
};
/* All rows, corrected ones too, of a donor (by id) and of the records that are one with it. */
struct donation_list {
	const char          *donor_id;
	struct arena        *arena;
	struct donation_row *rows;       /* out */
	size_t               nrows;
	struct error         error;
	void               (*done)(struct donation_list *list);
	struct db_query      query;      /* private from here on */
};
void donation_list_send(struct store *store, struct donation_list *list);

#endif
