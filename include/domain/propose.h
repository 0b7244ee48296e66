#ifndef DOMAIN_PROPOSE_H
#define DOMAIN_PROPOSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/date.h"

/*
 * Proposes dates and places for a plan's rounds. Deterministic: the same
 * request gives the same plan, on any day. What it gives is a proposal: it is
 * marked so and never shown as official.
 *
 * Held to: no public holiday, no day of a Tết break; at least `gap_days`
 * between two rounds at one place; at most one round a team a day; every
 * place served; rounds in order of date. Rounds already fixed by the plan stay as
 * they are: what they break is told in their reason, not refused. Rounds taken
 * already (of other plans, of the past) keep the gap at their place too.
 *
 * Within that, as near as can be: rounds spread evenly over the plan; a campaign's
 * main day used, or the nearest free day when it is a holiday; every campaign whose
 * window lies in the plan used once; weekends before Fridays before other weekdays
 * (two days at most for that). What could not be had is told in a reason, and so is
 * a fixed round within the gap whose place is not known: it may be this very place.
 *
 * The search is bounded, so a very tight request may be refused though a plan exists.
 */
struct arena;
struct error;

struct holiday {
	struct date from, to;            /* inclusive */
	const char *name;                /* "Tết Nguyên đán 2025" */
	bool        unsure;              /* kept free to be safe: perhaps people work */
};

struct campaign_window {
	const char *id, *name;
	struct date from, to;            /* inclusive */
	struct date main_day;            /* none: no single day */
	bool        sundays;             /* held on Sundays (Chủ nhật Đỏ) */
};

/* A former district, or a group of communes: one place for the interval between rounds. */
struct propose_place {
	const char *id;                  /* of the district (or a name of the group) */
	const char *name;
	int         rounds;              /* how many rounds it is to get, its fixed ones included; at least 1 */
};

struct propose_fixed {
	int         ordinal;
	struct date on;
	int         place;               /* index, or -1: not known */
};

/* A round that is no part of the plan: held already, or of another plan. */
struct propose_taken {
	struct date on;                  /* of a period: its first day */
	bool        period;              /* only its month or year is known: told, but keeps nothing off */
	int         place;               /* index, or -1: none of these */
	bool        team;                /* by a team of this plan, which has no other round that day */
};

struct propose_request {
	struct date from, to;
	int         rounds;              /* of the plan, the fixed ones included */
	int         teams;               /* at least 1 */
	int         gap_days;            /* 84: Circular 26 Art. 6(1) */
	/* their rounds together: all but the fixed ones with no place */
	const struct propose_place   *places;    size_t nplaces;
	const struct propose_fixed   *fixed;     size_t nfixed;
	/* up to gap_days after the plan; from before it all there are, or reasons call a round the first known */
	const struct propose_taken   *taken;     size_t ntaken;
	const struct holiday         *holidays;  size_t nholidays;
	const struct campaign_window *campaigns; size_t ncampaigns;
	struct date holidays_known_to;   /* the last day the holiday table covers */
};

struct proposed_round {
	int         ordinal;
	struct date on;
	int         place;               /* index; -1 for a fixed round with none */
	int         team;                /* 1.. */
	bool        fixed;
	const char *campaign_ids[4];     /* NULL-ended unless full */
	const char *reason[2];           /* English, Vietnamese: why this day and place */
};

/*
 * New array of request->rounds rows by ordinal (= by date), in `arena`.
 * NULL and ERR_NO_PROPOSAL with the constraint that cannot be met: which
 * place, how many days are free and how many are needed, holidays not known.
 */
struct proposed_round *plan_propose(const struct propose_request *request, struct arena *arena,
				    struct error *err);

#endif
