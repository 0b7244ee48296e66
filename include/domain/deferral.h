#ifndef DOMAIN_DEFERRAL_H
#define DOMAIN_DEFERRAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/date.h"
#include "base/error.h"
#include "base/uuid.h"
#include "domain/component.h"
#include "domain/donor.h"
#include "domain/eligibility.h"

/*
 * Why a donor has to wait, as the registry keeps it, and what the registry
 * knows of a donor as facts for the engine (domain/eligibility.h). Pure.
 */
struct arena;

/*
 * How it ends: on a day; not over yet (until somebody lifts it); never (until two persons lift it). Told in
 * plain, reckoned when it was recorded: what it is by the rules of another day is reckoned from its code.
 */
enum deferral_ends { DEFERRAL_DATED, DEFERRAL_OPEN, DEFERRAL_PERMANENT };
const char *deferral_ends_text(enum deferral_ends ends);
bool deferral_ends_parse(const char *text, enum deferral_ends *out);

/* LIFT_NONE: nobody said that it is over. ASKED: of a permanent one; it holds until another person approves. */
enum lift_state { LIFT_NONE, LIFT_ASKED, LIFT_DONE, LIFT_REFUSED };
const char *lift_state_text(enum lift_state state);
bool lift_state_parse(const char *text, enum lift_state *out);

struct deferral_lift {
	char            id[UUID_TEXT_SIZE];
	enum lift_state state;
	const char     *reason;          /* sealed; NULL: cannot be told (erased) */
	int64_t         asked_us, decided_us;    /* INT64_MIN: not yet */
	const char     *asked_by;        /* of the audit: who asked */
	const char     *asked_by_kind;
};

enum { DEFERRAL_NOTE_MAX = 500, DEFERRAL_REASON_MAX = 500, DEFERRAL_CODE_MAX = 60 };

struct deferral {
	char            id[UUID_TEXT_SIZE];
	const char     *donor_id;        /* the record that it stands on: that of the person, or one merged into it */
	/* sealed; NULL, none where it cannot be told (erased) */
	const char     *code;            /* of a deferral or a condition of the rules */
	struct date     from;            /* what the wait counts from; none: not over yet */
	struct date     until;           /* decided by a doctor: the first day on which it no longer holds; none */
	const char     *note;
	/* in plain */
	enum deferral_ends ends;
	struct date     ends_on;         /* of DEFERRAL_DATED */
	int64_t         recorded_us;
	int64_t         lifted_us;       /* INT64_MIN: not lifted */
	struct deferral_lift lift;       /* the last one that was asked for */
};

/*
 * Faults with pointers, all of them: a code that the rules do not have, a day to come or before the donor was born
 * (as far as that is known), an end before the beginning, an end of what is permanent or by the rules lasts for ever.
 * Then deferral_reckon() fills ends and ends_on.
 */
bool deferral_check(const struct deferral *deferral, const struct eligibility_rules *rules, const struct donor *donor,
		    struct date today, struct error *err);
/* `permanent` as it was asked for; what the rules call lasting for ever is permanent whoever records it. */
void deferral_reckon(struct deferral *deferral, bool permanent, const struct eligibility_rules *rules);

/* "in_force", "over", "lifted", on a day. */
enum deferral_state { DEFERRAL_IN_FORCE, DEFERRAL_OVER, DEFERRAL_LIFTED };
const char *deferral_state_text(enum deferral_state state);
enum deferral_state deferral_state_on(const struct deferral *deferral, const struct eligibility_rules *rules,
				      struct date on);

/* ---- what the registry knows of one person ---- */

struct donor_facts {
	const struct donor *donor;       /* birth and sex count */
	const struct deferral *deferrals;        /* of the record and of all that are one with it */
	size_t              ndeferrals;
	const struct eligibility_donation *donations;
	size_t              ndonations;
};

/*
 * As of `on`. Of a day that is past only what was recorded on it or before counts as known of
 * deferrals, and a lift likewise; donations count by the day on which they were given.
 */
void donor_facts_as_of(const struct donor_facts *facts, const struct eligibility_rules *rules, struct date on,
		       struct date today, enum component component, struct arena *arena,
		       struct eligibility_facts *out);

/* What lists show and filter by. Depends on the set of facts, the rules and the day alone. */
struct donor_days {
	struct donor_next next[COMPONENT_COUNT];
	struct date       last_donated_on;
	struct date       change_on;     /* the next day on which age, or a rule that begins or ends, changes this; none */
};
void donor_days_of(const struct donor_facts *facts, const struct eligibility_rules *rules, struct date today,
		   struct arena *arena, struct donor_days *days);
/*
 * How long what was recorded of the person keeps them from giving anything, whatever their age: deferrals and
 * the waits since donations. None: nothing runs.
 */
struct donor_next donor_wait_left(const struct donor_facts *facts, const struct eligibility_rules *rules, struct date today,
				  struct arena *arena);
bool donor_next_same(const struct donor_next *one, const struct donor_next *two);

#endif
