#ifndef STORE_CERTIFICATE_STORE_H
#define STORE_CERTIFICATE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "crypto/certificate_seal.h"
#include "db/db.h"
#include "domain/certificate.h"
#include "store/donor_store.h"
#include "store/store.h"

/*
 * Certificates of donations. What is printed of a person is sealed with the donor's own key: erasure closes it. What may
 * be redeemed the database decides (migrations/0019_certificates.sql). store->donor_key must be there.
 */

/* ---- who issues ---- */

struct issuing_body {
	char        code[ISSUER_CODE_SIZE];
	struct date valid_from;
	const char *name, *place, *signer;
};
/* A body, or its name from another day on. Audit "issuing_body.enter", subject code. ERR_ALREADY_EXISTS: that day has one. */
struct issuing_body_enter {
	struct issuing_body body;
	struct idempotency  idempotency;
	struct actor        actor;
	struct arena       *arena;
	struct error        error;
	void              (*done)(struct issuing_body_enter *enter);
	struct db_query     query;       /* private from here on */
	struct store       *store;
};
void issuing_body_enter_send(struct store *store, struct issuing_body_enter *enter);

/* All of them, by code and day. */
struct issuing_body_list {
	struct arena        *arena;
	struct issuing_body *items;      /* out */
	size_t               nitems;
	struct error         error;
	void               (*done)(struct issuing_body_list *list);
	struct db_query      query;      /* private from here on */
};
void issuing_body_list_send(struct store *store, struct issuing_body_list *list);

/* ---- issuing ---- */

/* A donation that is to have a certificate, with all that goes onto the paper. */
struct certificate_candidate {
	char                        donation_id[UUID_TEXT_SIZE];
	struct certificate_donation donation;
	struct donor_record         record;      /* the record that stands, opened; with its own key */
	enum component              component;
	struct date                 donated_on;
	const char                 *venue, *venue_unit;  /* NULL: not known */
	const char                 *sealed_hex;  /* private: as candidate_seal() made it */
	char                        id[UUID_TEXT_SIZE], code[CERTIFICATE_CODE_SIZE];
	unsigned char               revocation_id[CERTIFICATE_REVOCATION_BYTES];
};
/* What all candidates of one load have in common. */
struct certificate_issuer {
	struct issuing_body    body;     /* as on the day of issue; code "": none, or several and none was named */
	struct certificate_key key;      /* in use, or (generation above what there is) to be made */
	struct date            issued_on;
};

/*
 * Of one donation, or the next of a round that have none and may have one (at most `limit`, in order of donation, behind `after`).
 * What is not free for it has a reason in `donation`; of one donation alone that is told, too. Of a round those are left out
 * whose record does not open here, or has no name. ERR_NOT_FOUND.
 * Each candidate is sealed here already (the donors' keys are open one after the other): for that, words of units come
 * from `units`; NULL: none are written.
 */
struct unit_map;
struct certificate_prepare {
	const char                   *donation_id;       /* or */
	const char                   *round_id;
	int                           limit;
	const char                   *after;             /* of a round: a donation; NULL */
	const char                   *issuer;            /* NULL: the one that there is */
	struct date                   today;
	const struct unit_map        *units;
	struct arena                 *arena;
	struct certificate_issuer     issuing;           /* out */
	struct certificate_candidate *candidates;
	size_t                        ncandidates;
	const char                  **left_out;          /* of a round: donations */
	size_t                        nleft_out;
	char                          last[UUID_TEXT_SIZE];      /* donation that was looked at last; "": there was none */
	const char                   *round, *team;      /* of one donation: its round; NULL */
	const char                  **round_units;
	size_t                        nround_units;
	struct date                   round_on;
	enum round_status             round_status;      /* ROUND_DRAFT where there is none */
	struct certificate_number     existing;          /* of one donation: what it has already; ordinal 0: nothing */
	struct error                  error;
	void                        (*done)(struct certificate_prepare *prepare);
	struct db_query               query;             /* private from here on */
	struct store                 *store;
};
void certificate_prepare_send(struct store *store, struct certificate_prepare *prepare);

/*
 * Certificates for what was prepared, in one statement: numbers, key, rows. Audit "certificate.issue" each, subject the number
 * without its check character ("LC26-000123"). Those that are not free any more are left out; ERR_ALREADY_EXISTS
 * when of one alone. `batch_id`: adds to that batch's count.
 */
struct certificate_issue {
	const struct certificate_prepare *of;
	const char        *batch_id;     /* NULL */
	struct idempotency idempotency;
	struct actor       actor;
	struct arena      *arena;
	int                issued;       /* out */
	struct error       error;
	void             (*done)(struct certificate_issue *issue);
	struct db_query    query;        /* private from here on */
	struct store      *store;
};
void certificate_issue_send(struct store *store, struct certificate_issue *issue);

/* ---- reading: nothing personal ---- */

struct redemption {
	char                 id[UUID_TEXT_SIZE], of[UUID_TEXT_SIZE];     /* of "": answers nothing */
	enum redemption_kind kind;
	enum claim_source    source;
	int                  ml;
	const char          *facility;
	struct date          used_on;
	int64_t              entered_us;
	const char          *entered_by_kind, *entered_by;
	const char          *entered_by_name;    /* of a token, which outlives it; NULL */
	bool                 answered;   /* taken back, or settled, by what was not taken back itself */
};

struct certificate {
	char                      id[UUID_TEXT_SIZE], donation_id[UUID_TEXT_SIZE];
	struct certificate_number number;
	struct certificate_facts  facts;
	enum component            component;
	char                      code[CERTIFICATE_CODE_SIZE];
	unsigned char             revocation_id[CERTIFICATE_REVOCATION_BYTES];   /* of its salt: tells whether a text is of this one */
	bool                      counts;                /* its donation still does */
	bool                      names_donor;           /* the record that it names is still of whom the donation is */
	int                       prints;
	const char               *paper_serial;          /* of the last print that had one; NULL */
	const char               *void_reason;
	int64_t                   voided_us;
	const char               *round, *team;          /* NULL */
	const char              **round_units;
	size_t                    nround_units;
	struct date               round_on;
	struct redemption        *ledger;                /* in order of entry */
	size_t                    nledger;
	char                      donor_id[UUID_TEXT_SIZE];      /* with whose key it is sealed */
	const char               *sealed_hex;            /* what is printed, closed */
};

/* A number as the audit names it: without the check character. */
const char *certificate_subject(const struct certificate_number *number, struct arena *arena);

/* By number, id or code: the first that is given. ERR_NOT_FOUND. */
struct certificate_load {
	const struct certificate_number *number;
	const char         *id, *code;
	struct arena       *arena;
	struct certificate  certificate; /* out */
	struct error        error;
	void              (*done)(struct certificate_load *load);
	struct db_query     query;       /* private from here on */
};
void certificate_load_send(struct store *store, struct certificate_load *load);

/* All of one person, on whatever record, with what is printed on them; the reading was audited before. */
struct certificate_of_person {
	struct certificate         certificate;
	struct certificate_content printed;              /* but number, code and days, which stand in `certificate` */
	bool                       unread;               /* what is printed is damaged */
};
struct certificate_list {
	const char                   *donor_id;          /* of the record that stands */
	struct arena                 *arena;
	struct certificate_of_person *items;             /* out, by day of donation */
	size_t                        nitems;
	struct error                  error;
	void                        (*done)(struct certificate_list *list);
	struct db_query               query;             /* private from here on */
	struct store                 *store;
};
void certificate_list_send(struct store *store, struct certificate_list *list);

/* ---- printing ---- */

/* What goes onto one page, opened. */
struct certificate_page {
	char                        id[UUID_TEXT_SIZE];
	struct certificate_content  content;
	struct certificate_key      key; /* to sign with: that of the issue, or, where that is compromised, the one in use */
	struct certificate_envelope envelope;
	int                         print;               /* 1: the original; 0: nothing was printed, it is shown */
};

/*
 * Opens certificates for paper: one by id, or all of a round (in order of number). With `print` each gets a print of its
 * own (audit "certificate.print"; a round is printed always), else it is only looked at (audit "certificate.show").
 * `only_new`: of a round, those that were never printed. A repeated print opens what the first one did. Of a round the erased and
 * those that do not open here are left out, before anything is written: they have no print, and come with a later one.
 * ERR_NOT_FOUND (of a round: nothing is left to print), ERR_ERASED, ERR_CERTIFICATE_VOID, ERR_UNAVAILABLE: a key is not at hand.
 */
struct certificate_open_pages {
	const char              *id, *round_id;
	const char              *subject;                /* of one: its number, for the audit (certificate_subject()) */
	bool                     print, only_new;
	const char              *form;   /* "whole", "preprinted" */
	const char              *paper_serial;           /* of a round, of its first page: ends in 1 to 12 digits; NULL */
	struct idempotency       idempotency;            /* of a print */
	struct actor             actor;
	struct arena            *arena;
	struct certificate_page *pages;  /* out */
	size_t                   npages;
	const char              *left_out;               /* of a round: numbers that do not open, "LC26-000123-B, ..."; NULL: none */
	struct error             error;
	void                   (*done)(struct certificate_open_pages *open);
	struct db_query          query;  /* private from here on */
	struct store            *store;
	char                     print_id[UUID_TEXT_SIZE];
};
void certificate_open_pages_send(struct store *store, struct certificate_open_pages *open);

/* ---- void, and the ledger ---- */

/*
 * Audit "certificate.void". Voided before: its first reason stands (audit "certificate.replay"). ERR_CERTIFICATE_REDEEMED:
 * something was redeemed with it, or a claim waits.
 */
struct certificate_void {
	const struct certificate *of;
	const char        *reason;
	struct actor       actor;
	struct arena      *arena;
	struct error       error;
	void             (*done)(struct certificate_void *v);
	struct db_query    query;        /* private from here on */
};
void certificate_void_send(struct store *store, struct certificate_void *v);

/*
 * A row of the ledger. Audit "redemption.enter", or "redemption.reverse", "redemption.settle" of what it answers. `id` of a
 * claim may be the hospital's own: sent again, by whatever token, it is the same row (`repeated`; audit
 * "redemption.replay"), and another content under it is ERR_IDEMPOTENCY_MISMATCH. ERR_OVERDRAWN, ERR_CERTIFICATE_VOID, ERR_REDEMPTION_SETTLED.
 */
struct redemption_enter {
	const struct certificate *of;
	struct redemption  redemption;   /* in: kind, source, ml, facility, used_on, of; id or ""; out: id */
	struct idempotency idempotency;
	struct actor       actor;
	struct arena      *arena;
	bool               facility_unsaid, day_unsaid;  /* by the caller, who filled them in: another value is no other claim */
	bool               repeated;     /* out */
	struct error       error;
	void             (*done)(struct redemption_enter *enter);
	struct db_query    query;        /* private from here on */
	struct store      *store;
};
void redemption_enter_send(struct store *store, struct redemption_enter *enter);

/* Late claims that wait for a person, oldest first. */
struct open_claim {
	struct certificate_number number;
	struct redemption         redemption;
};
struct claim_list {
	char               after[UUID_TEXT_SIZE];
	int                limit;
	struct arena      *arena;
	struct open_claim *items;        /* out */
	size_t             nitems;
	bool               more;
	struct error       error;
	void             (*done)(struct claim_list *list);
	struct db_query    query;        /* private from here on */
	char               limit_text[16];
};
void claim_list_send(struct store *store, struct claim_list *list);

/* Whether a certificate, by id, is of that person. Audit "certificate.match", of the certificate. ERR_ERASED. */
struct certificate_match {
	const struct certificate *of;
	const char     *name;
	struct date     birth_date;
	struct actor    actor;
	struct arena   *arena;
	bool            matches;         /* out */
	struct error    error;
	void          (*done)(struct certificate_match *match);
	struct db_query query;           /* private from here on */
	struct store   *store;
};
void certificate_match_send(struct store *store, struct certificate_match *match);

/* ---- keys and revocations ---- */

struct certificate_key_row {
	struct certificate_key key;
	bool                   current;
	int64_t                made_us, compromised_us;  /* INT64_MIN: it is not */
};
/* All public keys, or (`kid`) those of one id. */
struct certificate_keys {
	const unsigned char        *kid;
	struct arena               *arena;
	struct certificate_key_row *items;       /* out; by issuer, year, generation */
	size_t                      nitems;
	struct error                error;
	void                      (*done)(struct certificate_keys *keys);
	struct db_query             query;       /* private from here on */
};
void certificate_keys_send(struct store *store, struct certificate_keys *keys);

/*
 * A body's key of a year that follows the generation `after` (revocations: issuer ""); `compromised`: that one and what was before
 * it are told to be. Where a later one is there, none is made: asked again it is the same. Audit "certificate_key.rotate",
 * or "certificate_key.replace". ERR_NOT_FOUND: there is none yet. ERR_INVALID_FIELD: no such generation. ERR_STALE: somebody
 * else did in this moment.
 */
struct certificate_key_rotate {
	struct certificate_key key;      /* in: issuer, year; out: the one in use from now on */
	int                    after;
	bool                   compromised;
	struct actor           actor;
	struct arena          *arena;
	struct error           error;
	void                 (*done)(struct certificate_key_rotate *rotate);
	struct db_query        query;    /* private from here on */
	struct store          *store;
};
void certificate_key_rotate_send(struct store *store, struct certificate_key_rotate *rotate);

/*
 * The list as of now, and a key to sign it with, which is made (audit "certificate_key.make") where there is none for this year;
 * while nothing can be written it is one of before.
 */
struct revocations_load {
	struct date            today;
	struct arena          *arena;
	struct revocation_list list;     /* out */
	struct certificate_key key;
	struct error           error;
	void                 (*done)(struct revocations_load *load);
	struct db_query        query;    /* private from here on */
	struct store          *store;
	struct certificate_key past;
	bool                   tried;
};
void revocations_load_send(struct store *store, struct revocations_load *load);

/* ---- a whole round ---- */

struct certificate_batch {
	char        id[UUID_TEXT_SIZE], round_id[UUID_TEXT_SIZE];
	char        issuer[ISSUER_CODE_SIZE];
	const char *state, *problem;     /* "running", "done", "failed" */
	int         total, issued;
	const char **left_out;           /* donations, when it has ended */
	size_t      nleft_out;
	int64_t     asked_us, ended_us;
	const char *asked_by_kind, *asked_by;
};
/* Audit "certificate_batch.ask". The jobs of some daemon do it. */
struct certificate_batch_ask {
	const char              *round_id, *issuer;
	struct idempotency       idempotency;
	struct actor             actor;
	struct arena            *arena;
	char                     id[UUID_TEXT_SIZE];     /* out */
	struct error             error;
	void                   (*done)(struct certificate_batch_ask *ask);
	struct db_query          query;  /* private from here on */
	struct store            *store;
};
void certificate_batch_ask_send(struct store *store, struct certificate_batch_ask *ask);

/* By id; or (id NULL) the oldest that is running. ERR_NOT_FOUND. */
struct certificate_batch_load {
	const char              *id;
	struct arena            *arena;
	struct certificate_batch batch;  /* out */
	struct error             error;
	void                   (*done)(struct certificate_batch_load *load);
	struct db_query          query;  /* private from here on */
};
void certificate_batch_load_send(struct store *store, struct certificate_batch_load *load);

/* Nothing is left to do but what was left out ("{id,id}"), or `problem` (an error's slug) stops it. Ended before: nothing. */
struct certificate_batch_end {
	const char     *id, *problem, *left_out;
	struct arena   *arena;
	struct error    error;
	void          (*done)(struct certificate_batch_end *end);
	struct db_query query;           /* private from here on */
};
void certificate_batch_end_send(struct store *store, struct certificate_batch_end *end);

#endif
