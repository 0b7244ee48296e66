#ifndef DOMAIN_APPOINTMENT_H
#define DOMAIN_APPOINTMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/date.h"
#include "base/uuid.h"
#include "domain/component.h"
#include "domain/eligibility.h"
#include "domain/slot.h"

/*
 * A place in a round that somebody has, or waits for:
 *
 *	waiting -> booked -> checked_in
 *	              |  `-> no_show -> checked_in     came late, and there is a place yet
 *	              `----> released                  a seat of a group that nobody was named for
 *	any of waiting and booked -> cancelled
 *
 * A place is taken while it is booked or checked in. Pure.
 */
struct error;
struct round;

enum appointment_state {
	APPOINTMENT_WAITING, APPOINTMENT_BOOKED, APPOINTMENT_CHECKED_IN, APPOINTMENT_CANCELLED, APPOINTMENT_NO_SHOW,
	APPOINTMENT_RELEASED, APPOINTMENT_STATE_COUNT
};
const char *appointment_state_text(enum appointment_state state);
bool appointment_state_parse(const char *text, enum appointment_state *out);

/* How it came to be. */
enum appointment_kind { APPOINTMENT_BOOKING, APPOINTMENT_WALK_IN, APPOINTMENT_SEAT, APPOINTMENT_KIND_COUNT };
const char *appointment_kind_text(enum appointment_kind kind);
bool appointment_kind_parse(const char *text, enum appointment_kind *out);

enum appointment_verb {
	APPOINTMENT_MOVE,                /* another slot, of this round or another */
	APPOINTMENT_CANCEL,
	APPOINTMENT_CHECK_IN,            /* the person is at the door */
	APPOINTMENT_MISS,                /* "no_show": the hour has come and the person has not */
	APPOINTMENT_NAME,                /* who sits on a seat of a group */
	APPOINTMENT_VERB_COUNT
};
const char *appointment_verb_text(enum appointment_verb verb);
bool appointment_verb_parse(const char *text, enum appointment_verb *out);

/* ---- the code that is said at the door ---- */

/*
 * "K7M-4X": four random characters and a check character of the alphabet of donor_number.h, unique in a round. It opens nothing:
 * who hears it learns nothing, who guesses one is asked for a paper at the desk like everybody.
 */
enum { APPOINTMENT_CODE_CHARACTERS = 5, APPOINTMENT_CODE_SIZE = 7 };
/* There are 29^4 (707,281): in a round of 1,000 one new code in 700 is somebody's already. Who stores it draws again. */
void appointment_code_make(uint64_t random, char out[APPOINTMENT_CODE_SIZE]);
enum appointment_code_fault { APPOINTMENT_CODE_FINE, APPOINTMENT_CODE_MALFORMED, APPOINTMENT_CODE_MISTYPED };
enum appointment_code_fault appointment_code_parse(const char *typed, char out[APPOINTMENT_CODE_SIZE]);

/* ---- one ---- */

struct appointment {
	char                   id[UUID_TEXT_SIZE];
	char                   round_id[UUID_TEXT_SIZE];
	char                   code[APPOINTMENT_CODE_SIZE];
	enum appointment_state state;
	enum appointment_kind  kind;
	struct slot            slot;     /* id "": none (waiting) */
	char                   wish[UUID_TEXT_SIZE];     /* the slot that is waited for; "": any */
	char                   group_id[UUID_TEXT_SIZE]; /* "": of no group */
	int                    position; /* in the wait-list, from 1; 0: does not wait */
	/* who; id "": a seat that nobody was named for */
	char                   donor_id[UUID_TEXT_SIZE];
	const char            *donor_number, *donor_name;        /* NULL: not told */
	bool                   unread;           /* of a list: the record does not open here, so the name is not known */
	bool                   contact_facility; /* ask the blood facility before inviting */
	int                    birth_year;
	/* what is known of whether they may give on the day, when the place was given */
	enum component         component;
	bool                   judged;   /* decision and rule_set are there */
	enum eligibility_decision decision;
	const char            *rule_set;
	struct date            told_day; /* the round's day when the place was given */
	const char            *reason;   /* why it is over, "asked", "merged", ...; NULL */
	int64_t                created_us, ended_us;     /* INT64_MIN: not yet */
	int64_t                version;
};

/*
 * What a person must look at: the round is not where or when the donor was told. "" where there is
 * nothing, or it is over: "round_postponed", "round_cancelled", "round_moved" (another day), "slot_gone" (its hours have changed),
 * "contact_facility" (the blood facility is asked before this person is told to come).
 */
const char *appointment_attention(const struct appointment *appointment, const struct round *round);

/* ---- what is possible now ---- */

struct appointment_now {
	struct date today;
	int         minute;              /* of the civil day */
};

/*
 * Places are given in rounds that are open, and in one that runs for what is left of its day. False and
 * ERR_ILLEGAL_STEP, which says why not and what to do.
 */
bool round_takes_bookings(const struct round *round, struct appointment_now now, struct error *err);
/* At the door: on the round's day, while it is open or runs. */
bool round_takes_walk_ins(const struct round *round, struct appointment_now now, struct error *err);

/* Slots are laid anew, seats of a group are named, or go back: until the round is closed or cancelled. */
bool round_takes_seats_back(const struct round *round, struct error *err);

/*
 * False and ERR_ILLEGAL_STEP. Of a move only whether it may leave: where it goes, round_takes_bookings() says.
 *
 *	move      waiting, booked
 *	cancel    waiting, booked, until the round is closed
 *	check_in  booked, no_show; somebody was named; on the round's day or after it, when it is held
 *	no_show   booked; its slot has begun
 *	name      booked, and nobody was named; until the round is closed or cancelled
 */
bool appointment_verb_allowed(enum appointment_verb verb, const struct appointment *appointment, const struct round *round,
			      struct appointment_now now, struct error *err);

#endif
