#ifndef DOMAIN_ROUND_H
#define DOMAIN_ROUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/date.h"
#include "base/uuid.h"

/*
 * A donation round (đợt hiến máu) and its life:
 *
 *	draft -> announced -> open -> running -> closed
 *
 * beside which stand postponed, moved (announced again, at another date or
 * place) and cancelled. Only the steps of round_change() are legal. Pure.
 */
struct error;
struct arena;
struct report;

enum fact_status { FACT_UNKNOWN, FACT_PROPOSED, FACT_REPORTED, FACT_OFFICIAL, FACT_STATUS_COUNT };
enum date_precision { PRECISION_DAY, PRECISION_MONTH, PRECISION_YEAR, DATE_PRECISION_COUNT };
enum round_status {
	ROUND_DRAFT, ROUND_ANNOUNCED, ROUND_OPEN, ROUND_RUNNING, ROUND_CLOSED,
	ROUND_POSTPONED, ROUND_MOVED, ROUND_CANCELLED, ROUND_STATUS_COUNT
};
enum round_verb {
	ROUND_EDIT,              /* PATCH: what is not official yet */
	ROUND_CONFIRM,           /* a fact becomes official; names the document */
	ROUND_ANNOUNCE, ROUND_OPEN_BOOKING, ROUND_START, ROUND_CLOSE, ROUND_REOPEN,
	ROUND_POSTPONE, ROUND_MOVE, ROUND_CANCEL,
	ROUND_VERB_COUNT
};

/* An id with what a reader wants to see of it. */
struct named {
	const char *id;
	const char *name;
};

struct round {
	char                id[UUID_TEXT_SIZE];
	const char         *code;            /* "LC25-07" */
	int                 ordinal;         /* in its plan; 0: none */
	const char         *plan_id, *plan_slug, *plan_number;       /* NULL: a round of no plan */
	bool                demo;            /* of a demo plan */
	const char         *title;
	/* the period: one civil day, or the month or year that is all that is known */
	struct date         from, to;
	enum date_precision precision;
	int                 start_minute, end_minute;        /* of the civil day; -1: not known */
	enum fact_status    date_status, time_status, place_status;
	enum round_status   status;
	const char         *status_reason;   /* for the public; NULL */
	const char         *document;        /* that made facts official; NULL */
	struct named       *units;           /* host units, valid on the round's date */
	size_t              nunits;
	struct named        venue;           /* id NULL: none */
	const char         *venue_address;
	struct named        team;            /* id NULL: none */
	const char         *organiser;       /* as the plan or the press names it; NULL */
	struct named       *campaigns;
	size_t              ncampaigns;
	int                 target_units;    /* -1: none given */
	int                 capacity;        /* places; -1: not set */
	int                 booked;          /* of them taken, by whomever */
	int                 laid;            /* places of its slots together (domain/slot.h); 0: none laid yet */
	int                 walk_in, walked; /* of those kept for people without a booking; of the booked, theirs */
	struct date         moved_from;      /* the last official date before it was moved; none */
	bool                never_public;    /* cancelled as a draft: stays out of public lists */
	const struct report *result;         /* the best report; NULL */
	const char         *note;            /* how the date was chosen, what is doubtful; NULL. Goes when the date
						is confirmed or moved */
	int64_t             version;         /* 1, 2, ... */
};

void round_init(struct round *round);    /* everything unknown or none */

const char *fact_status_text(enum fact_status status);
bool fact_status_parse(const char *text, enum fact_status *out);
/* Official or reported: what may be told as it is. A proposed day, hour or place is no promise (design 6.10). */
bool fact_is_known(enum fact_status status);
const char *date_precision_text(enum date_precision precision);
bool date_precision_parse(const char *text, enum date_precision *out);
const char *round_status_text(enum round_status status);
bool round_status_parse(const char *text, enum round_status *out);
const char *round_verb_text(enum round_verb verb);       /* "confirm", "open", ...; "edit" */
bool round_verb_parse(const char *text, enum round_verb *out);

/* "07:30" to minutes and back (out has room for 6). "24:00" is 1440 and may end a round. */
bool minute_parse(const char *text, int *minute);
char *minute_format(int minute, char out[6]);

enum round_field {
	ROUND_TITLE = 1 << 0, ROUND_DATE = 1 << 1, ROUND_TIME = 1 << 2, ROUND_UNITS = 1 << 3,
	ROUND_VENUE = 1 << 4, ROUND_TEAM = 1 << 5, ROUND_ORGANISER = 1 << 6, ROUND_CAMPAIGNS = 1 << 7,
	ROUND_TARGET = 1 << 8, ROUND_CAPACITY = 1 << 9, ROUND_NOTE = 1 << 10
};

/* One step of a round's life, as asked for. */
struct round_step {
	enum round_verb verb;
	const char     *reason;          /* required by postpone, move, cancel, reopen */
	const char     *document;        /* required by confirm */
	bool            confirm_date, confirm_time, confirm_place;
	unsigned        set;             /* enum round_field bits: which of `values` count (edit, move, confirm) */
	bool            carried;         /* units and venue are those of before as the new date has them: the
					    place is as sure as it was */
	struct round    values;
};

/*
 * Decides one step: *next is the round after it (version + 1; shares memory
 * with now and step), or false and *err:
 *	ERR_ILLEGAL_STEP  the round's status, or the day, does not allow it
 *	ERR_INVALID_FIELD a value or a reason is missing or impossible
 * Fields are named as in JSON: /reason, /document, /date, /start, /end, /units,
 * /venue, /capacity, ...
 *
 * announce  draft -> announced; needs a date of day precision and a host unit or a place still "unknown"
 * open      announced, moved -> open; needs a capacity, a date that is official, and a day not past
 * start     open, announced, moved -> running; on the round's day only (`today`). A proposed date
 *           becomes "reported": the round takes place
 * close     running -> closed; also open, announced, moved once the day is past and its date is no
 *           mere proposal (it was held, and nobody pressed start)
 * reopen    closed -> running; postponed, cancelled -> announced; cancelled as a draft -> draft
 * postpone  announced, open, moved -> postponed
 * move      announced, open, postponed, moved -> moved: new date (a day, from today on), hours or place
 *           (and with them perhaps another team),
 *           proposed unless `document` names what makes it official. moved_from keeps the old date where
 *           that was official (a proposed day was never told). Hours not given with a new date carry over
 *           as proposed; a venue not given with new units is dropped
 * cancel    draft, announced, open, moved, postponed, running -> cancelled
 * confirm   announced, open, moved, running, closed and draft: sets the named facts official. One that
 *           is not official yet may be given as it really is (also a day that is past): what was
 *           proposed was never told as a promise
 * edit      not cancelled or closed: title, organiser, campaigns, target, capacity (never below booked),
 *           team, note at any time; date only of a draft; time, venue and units while they are not
 *           official. A date, time or place set so is "proposed", or "reported" where values say so
 */
bool round_change(const struct round *now, const struct round_step *step, struct date today,
		  struct round *next, struct error *err);

/*
 * Facts of one round that cannot be together: end before start, times without a
 * day, a status with nothing it speaks of, empty title, ... Faults go to *err.
 */
bool round_check(const struct round *round, struct error *err);

/* How many places may still be booked, and how many are still kept for those who come without a booking. -1: no capacity. */
int round_left(const struct round *round);
int round_kept(const struct round *round);

/* Whether a reader without a staff role may see it. */
bool round_is_public(const struct round *round);

#endif
