#ifndef DOMAIN_ELIGIBILITY_H
#define DOMAIN_ELIGIBILITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/date.h"
#include "base/error.h"
#include "domain/component.h"
#include "domain/donor.h"
#include "domain/eligibility_rules.h"

/*
 * May this person give this component on this day? Facts and rules in, verdict
 * out: pure, without a clock. The verdict is a pre-check for invitations and
 * reminders; who examines the donor decides (Article 4(3)).
 *
 *	eligibility_facts_init(&facts);
 *	facts.on = ...; facts.component = ...; whatever else is known
 *	eligibility_check(rules, &facts, &arena, &verdict);
 *
 * Three promises. Every reason is told, not the first. The order of the facts
 * does not matter, nor does a fact that stands twice. What is not known is never
 * assumed: a fact that would matter is named in `needs`.
 */
struct arena;
struct buf;

/* Of the days that are named as facts: before and after them is a slip. */
enum { ELIGIBILITY_FIRST_YEAR = 1850, ELIGIBILITY_LAST_YEAR = 2199 };

struct eligibility_donation {
	struct date    on;
	enum component component;
	int            volume_ml;        /* -1: not known */
};

/*
 * Why somebody has to wait. Its end is, in this order: `permanent`; `until` where
 * a doctor or the registry gave one (the first day on which it no longer holds);
 * the wait of the rule of `code`, from `from`; none, where it is not over yet.
 */
struct eligibility_deferral {
	const char *code;                /* of a deferral or a condition of the rules; NULL: not told (it is sealed) */
	struct date from;                /* what the wait counts from: event, cure, ...; none: not over yet */
	struct date until;               /* none: not given */
	struct date lifted_on;           /* from that day on it does not hold; none: not lifted */
	bool        permanent;
};

/*
 * As of `on`: donations after that day have not happened and are left out.
 * Deferrals that were not known on that day the caller leaves out.
 */
struct eligibility_facts {
	struct date    on;
	enum component component;
	int            volume_ml;        /* that is to be given; -1: not said */
	struct date    birth_date;       /* none: not known; then birth_year may be */
	int            birth_year;       /* 0: not known */
	enum donor_sex sex;
	const struct eligibility_donation *donations;
	size_t         ndonations;
	bool           donations_known;  /* the list is whole, though it may be empty */
	const struct eligibility_deferral *deferrals;
	size_t         ndeferrals;
	bool           deferrals_known;
	const char *const *conditions;   /* codes: diseases and states, signs of the day */
	size_t         nconditions;
	bool           conditions_known;
	const char    *occupation;       /* code or NULL */
	int32_t        measures[MEASURE_COUNT];  /* thousandths; MEASURE_UNKNOWN */
	struct date    protein_on;       /* day of the protein test; none: not known */
};

/* Nothing is known. */
void eligibility_facts_init(struct eligibility_facts *facts);

enum eligibility_decision { DECISION_REFUSED, DECISION_INCOMPLETE, DECISION_NO_KNOWN_REFUSAL };
const char *eligibility_decision_text(enum eligibility_decision decision);

enum reason_kind {
	REASON_NO_RULES,                 /* the rule set is not valid on that day */
	REASON_AGE, REASON_MEASURE, REASON_VOLUME, REASON_WAIT, REASON_COUNT, REASON_TOTAL,
	REASON_DEFERRAL, REASON_CONDITION
};

struct eligibility_reason {
	enum reason_kind   kind;
	const char        *code;         /* stable: "too_soon", "hemoglobin_too_low", "malaria" */
	const struct rule *rule;         /* NULL: of a deferral or condition that the rules do not know */
	struct date        until;        /* first day on which it no longer refuses; none: no date ends it */
	/* for its text */
	const void        *detail;       /* the age_rule, limit_rule, ... of `rule` */
	enum component     last;         /* REASON_WAIT: after which donation */
	struct date        last_on;
	int                limit_ml;     /* REASON_VOLUME, REASON_TOTAL: what may be given */
	bool               any_weight;   /* REASON_VOLUME: ... by the heaviest: the weight is not known */
	bool               below;        /* REASON_AGE, REASON_MEASURE: too low, else too high */
	bool               permanent;    /* REASON_DEFERRAL */
	bool               decided;      /* ... whose end was not counted by the rule, but given */
};

/* Facts that are missing and would matter, by their names in the API. */
enum eligibility_need {
	NEED_BIRTH_DATE, NEED_SEX, NEED_WEIGHT, NEED_DONATIONS, NEED_DONATION_VOLUMES, NEED_DEFERRALS, NEED_CONDITIONS,
	NEED_SYSTOLIC, NEED_DIASTOLIC, NEED_PULSE, NEED_PULSE_REGULAR, NEED_HEMOGLOBIN, NEED_PLATELETS, NEED_PROTEIN,
	NEED_PROTEIN_ON, NEED_COUNT
};
const char *eligibility_need_name(enum eligibility_need need);           /* "hemoglobin_g_l" */
const char *eligibility_need_text(enum eligibility_need need, enum language language);

/*
 * The codes of the reasons that a rule may give; how many. 0: it refuses nothing by itself (a parameter, an occupation, the
 * final word).
 */
enum { ELIGIBILITY_RULE_CODES_MAX = 2 };
size_t eligibility_rule_codes(const struct rule *rule, const char *codes[ELIGIBILITY_RULE_CODES_MAX]);
/* Reasons that no rule of the set gives. Ended by a row without a code. */
struct eligibility_general_reason {
	const char *code, *text[LANGUAGE_COUNT];
};
const struct eligibility_general_reason *eligibility_general_reasons(void);

struct verdict {
	enum eligibility_decision  decision;
	bool                       eligible;     /* no known fact refuses */
	enum component             component;
	struct date                on;
	/*
	 * The first day, from `on`, on which nothing known refuses; none where a reason has no end,
	 * or where the wait ends after the last day of the age.
	 */
	struct date                earliest_on;
	int                        max_volume_ml;        /* -1: not known, or no rule limits it */
	struct eligibility_reason *reasons;      /* of the arena, in the order of the rule set */
	size_t                     nreasons;
	enum eligibility_need      needs[NEED_COUNT];
	size_t                     nneeds;
	const struct occupation_rule *occupation;        /* a wait before work to be told of; NULL: none */
	const struct eligibility_rules *rules;
};

/* Borrows rules and facts: both live as long as the verdict. */
void eligibility_check(const struct eligibility_rules *rules, const struct eligibility_facts *facts,
		       struct arena *arena, struct verdict *verdict);

/*
 * For the registry's stored day: of `facts` only birth, sex, donations, deferrals
 * and conditions count, and no day is asked about: all donations have happened. The
 * rules are those that are valid on `facts->on` or begin later; none: all.
 */
struct eligibility_next {
	bool        never;               /* no date ends it: permanent, not over yet, or the age will have passed */
	struct date on;                  /* the first day, which may be long ago; none: nothing is in the way */
	struct date last_on;             /* the last day by age; none: not known, or no limit */
};
void eligibility_next(const struct eligibility_rules *rules, const struct eligibility_facts *facts,
		      enum component component, struct arena *arena, struct eligibility_next *next);

/* ---- texts ---- */

/* One sentence to the end of `out`. It may name a disease: for the person who gave the facts, and for staff. */
void eligibility_reason_text(struct buf *out, const struct eligibility_reason *reason, enum language language);
void eligibility_occupation_text(struct buf *out, const struct occupation_rule *rule, enum language language);
/*
 * For anybody's eyes (an SMS, a list): names age and intervals with their day; where anything of the donor's
 * health is among the reasons, or the facility wants to be asked (`contact`), only "please contact the blood facility".
 */
void eligibility_neutral_text(struct buf *out, const struct verdict *verdict, bool contact, enum language language);
/* Age and intervals are not of health; everything else is. */
bool eligibility_reason_is_of_health(const struct eligibility_reason *reason);

#endif
