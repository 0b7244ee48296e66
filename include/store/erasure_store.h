#ifndef STORE_ERASURE_STORE_H
#define STORE_ERASURE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "crypto/erasure_journal.h"
#include "db/db.h"
#include "domain/donor_request.h"
#include "store/donor_store.h"
#include "store/store.h"

/*
 * Erasing a donor (design 6.6): one person asks, another one approves. Numbers, digests, the donor's key and what
 * it sealed of the person are gone in one statement, for all records that are one, and with them what stands in plain of
 * birth, sex, blood group and place; what was sealed elsewhere can be read by nobody. Donations stay, hang on an id, and
 * name nobody. store->donor_key must be there.
 */
enum erasure_state { ERASURE_ASKED, ERASURE_DONE, ERASURE_REFUSED };
const char *erasure_state_text(enum erasure_state state);

/* The last word on erasing a donor or what is one with it. ERR_NOT_FOUND: no such donor within reach, or nobody asked. */
struct erasure_load {
	const char          *key;        /* id or number */
	const char *const   *units;      /* as in donor_load */
	size_t               nunits;
	struct arena        *arena;
	char                 donor_id[UUID_TEXT_SIZE];   /* out */
	char                 number[DONOR_NUMBER_SIZE];
	enum erasure_state   state;
	int64_t              asked_us, decided_us;       /* INT64_MIN: not yet */
	const char          *asked_by_kind, *asked_by;
	const char          *ground;     /* of a refusal */
	int64_t              nfacts;     /* that there are of the person: see donor_erase */
	struct error         error;
	void               (*done)(struct erasure_load *load);
	struct db_query      query;      /* private from here on */
};
void erasure_load_send(struct store *store, struct erasure_load *load);
/* ERR_ILLEGAL_STEP: nobody has asked; ERR_SECOND_PERSON. */
bool erasure_may_approve(const struct erasure_load *load, const struct actor *actor, struct error *err);

/* Audit "erasure.ask", of the donor. Asked before and not decided: the same again. ERR_ERASED. */
struct erasure_ask {
	const char     *donor_id;
	struct actor    actor;
	struct arena   *arena;
	struct error    error;
	void          (*done)(struct erasure_ask *ask);
	struct db_query query;           /* private from here on */
};
void erasure_ask_send(struct store *store, struct erasure_ask *ask);

/* Audit "erasure.refuse". ERR_ILLEGAL_STEP: nobody has asked. */
struct erasure_refuse {
	const char         *donor_id;
	enum request_ground ground;
	struct actor        actor;
	struct arena       *arena;
	struct error        error;
	void              (*done)(struct erasure_refuse *refuse);
	struct db_query     query;       /* private from here on */
};
void erasure_refuse_send(struct store *store, struct erasure_refuse *refuse);

/* What waits for a second person, oldest first. Audit "erasure.list" for each donor told. */
struct erasure_waiting {
	char        id[UUID_TEXT_SIZE], donor_id[UUID_TEXT_SIZE];        /* the record that stands */
	const char *donor_number, *asked_by_kind, *asked_by;
	int64_t     asked_us;
	int         waiting_days;        /* of the calendar */
};
struct erasure_list {
	const char *const      *units;   /* as in donor_load */
	size_t                  nunits;
	char                    after[UUID_TEXT_SIZE];   /* `id` of the last of the page before; "": none */
	int                     limit;
	struct actor            actor;
	struct arena           *arena;
	struct erasure_waiting *items;   /* out */
	size_t                  nitems;
	bool                    more;
	struct error            error;
	void                  (*done)(struct erasure_list *list);
	struct db_query         query;   /* private from here on */
	char                    limit_text[16];
};
void erasure_list_send(struct store *store, struct erasure_list *list);

/*
 * The records of one person, all of them, each loaded and opened by donor_load (`exact`), and the wait that their facts
 * leave, of which there were `nfacts` (erasure_load) before they were read. Audit "donor.erase" of each, and
 * "donor.keep_wait" where a suppression row stays. As erasure_may_approve(); ERR_STALE: a record or fact came or
 * changed meanwhile, nothing was done. Facts that come later are refused (ERR_ERASED).
 */
struct donor_erase {
	const struct donor_record **records;
	size_t                      nrecords;
	struct donor_next           wait;        /* what still runs; none: no suppression row */
	int64_t                     nfacts;      /* below 0: nobody else writes */
	bool                        again;       /* it was approved before the backup: without asking */
	struct actor                actor;
	struct arena               *arena;
	struct error                error;
	void                      (*done)(struct donor_erase *erase);
	struct db_query             query;       /* private from here on */
};
void donor_erase_send(struct store *store, struct donor_erase *erase);

/* What the journal of erasures lacks, a line for the records of one person; and who it names and is here again. */
struct erasure_missing {
	const struct erasure_line *known;        /* the journal */
	size_t                     nknown;
	struct arena              *arena;
	struct erasure_line       *lines;        /* out */
	size_t                     nlines;
	int64_t                    back;         /* out: records that the journal names and that are not erased here */
	struct error               error;
	void                     (*done)(struct erasure_missing *missing);
	struct db_query            query;        /* private from here on */
};
void erasure_missing_send(struct store *store, struct erasure_missing *missing);

/*
 * Under an advisory lock (another daemon at it: nothing): what stands in plain of the erased goes, where it stayed because
 * an earlier version erased them; and their place, once nothing that they asked for is open (who closes a request is
 * found by it). Audit "donor.fade" of each.
 */
enum { ERASURE_FADE_BATCH = 100 };
struct erasure_fade {
	struct actor    actor;
	struct arena   *arena;
	int64_t         faded;           /* out */
	struct error    error;
	void          (*done)(struct erasure_fade *fade);
	struct db_query query;           /* private from here on */
};
void erasure_fade_send(struct store *store, struct erasure_fade *fade);

/* Under an advisory lock (another daemon at it: nothing): suppression rows whose day has come. */
struct suppression_purge {
	struct date     today;
	int64_t         deleted;         /* out */
	struct arena   *arena;
	struct error    error;
	void          (*done)(struct suppression_purge *purge);
	struct db_query query;           /* private from here on */
	char            today_text[DATE_TEXT_SIZE];
};
void suppression_purge_send(struct store *store, struct suppression_purge *purge);

#endif
