#ifndef DOMAIN_DONOR_REQUEST_H
#define DOMAIN_DONOR_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/date.h"
#include "base/uuid.h"
#include "domain/donor_number.h"

/*
 * What a person asks of those who keep their data, and by when the law wants it
 * done (facts 9: Decree 356/2025/NĐ-CP, Art. 5). Pure.
 *
 *	                                  answer            carry out    (through a third party)    one extension, at most
 *	access, correction                2 working days    10 days      (15)                       10 days    Art. 5(3)
 *	withdrawal, restriction, objection                  15           (20)                       15         Art. 5(2)
 *	erasure                                             20           (30)                       20         Art. 5(4)
 *
 * The day of receipt is not counted; what is done on the last day is in time. Whether the longer terms mean
 * working or calendar days is open: REQUEST_TERM_DAYS takes the stricter.
 */
struct error;
struct holiday;

enum request_kind {
	REQUEST_ACCESS, REQUEST_CORRECTION, REQUEST_WITHDRAWAL, REQUEST_RESTRICTION, REQUEST_OBJECTION, REQUEST_ERASURE,
	REQUEST_KIND_COUNT
};
#define REQUEST_KIND_WORDS "access, correction, withdrawal, restriction, objection, erasure"
/* open: nobody has answered; answered: it is to be carried out; closed: it was, or not. */
enum request_state { REQUEST_OPEN, REQUEST_ANSWERED, REQUEST_CLOSED, REQUEST_STATE_COUNT };
#define REQUEST_STATE_WORDS "open, answered, closed"
enum request_outcome { REQUEST_DONE, REQUEST_REFUSED, REQUEST_DROPPED, REQUEST_OUTCOME_COUNT };
#define REQUEST_OUTCOME_WORDS "done, refused, dropped"
/* Why it was refused: Law 91/2025/QH15 Art. 19; nobody showed who they are; nothing of the kind is kept. */
enum request_ground { REQUEST_ARTICLE_19, REQUEST_IDENTITY_UNPROVEN, REQUEST_NOT_HELD, REQUEST_GROUND_COUNT };
#define REQUEST_GROUND_WORDS "article_19, identity_unproven, not_held"

const char *request_kind_text(enum request_kind kind);
bool request_kind_parse(const char *text, enum request_kind *out);
const char *request_state_text(enum request_state state);
bool request_state_parse(const char *text, enum request_state *out);
const char *request_outcome_text(enum request_outcome outcome);
bool request_outcome_parse(const char *text, enum request_outcome *out);
const char *request_ground_text(enum request_ground ground);
bool request_ground_parse(const char *text, enum request_ground *out);

enum {
	REQUEST_ANSWER_WORKING_DAYS = 2,         /* Decree 356/2025 Art. 5 */
	REQUEST_NOTE_MAX = 1000
};
/* Of carrying it out. */
int request_term_days(enum request_kind kind, bool third_party);

struct donor_request {
	char                 id[UUID_TEXT_SIZE];
	char                 donor_id[UUID_TEXT_SIZE];
	char                 donor_number[DONOR_NUMBER_SIZE];
	enum request_kind    kind;
	bool                 third_party;        /* somebody else must carry it out */
	int64_t              received_us;
	struct date          answer_by, carry_out_by;
	struct date          extended_from;      /* what carry_out_by was before; none: not extended */
	int64_t              answered_us, closed_us;     /* INT64_MIN: not yet */
	enum request_outcome outcome;            /* of a closed one */
	enum request_ground  ground;             /* of a refused one */
	const char          *note;               /* what was asked, sealed; NULL */
	int64_t              version;
};

/* Both deadlines from received_us. Days that are perhaps holidays, or of which nothing is known, count as working days: the stricter. */
void request_set_deadlines(struct donor_request *request, const struct holiday *holidays, size_t nholidays);
enum request_state request_state(const struct donor_request *request);
/* A deadline has passed and what it is for is not done. */
bool request_is_late(const struct donor_request *request, struct date today);

/* The steps. False and ERR_ILLEGAL_STEP, or a fault of the field. */
bool request_answer(struct donor_request *request, int64_t now_us, struct error *err);
/* Once, before the day has passed, by at most as many days again as it has without a third party. */
bool request_extend(struct donor_request *request, struct date until, struct date today, struct error *err);
/* Answers too, where nobody has. */
bool request_close(struct donor_request *request, enum request_outcome outcome, enum request_ground ground,
		   int64_t now_us, struct error *err);

#endif
