#ifndef DOMAIN_ELIGIBILITY_LOOK_H
#define DOMAIN_ELIGIBILITY_LOOK_H

#include "domain/eligibility.h"

/* One look: all rules against all facts, for one day and one sex. What is made of looks stands in eligibility.c. */
enum { NO_LIMIT = -1 };

struct reasons {
	struct eligibility_reason *list;
	size_t                     count, cap;
};

struct look {
	const struct eligibility_rules *rules;
	const struct eligibility_facts *facts;           /* donations are sorted, and each stands once */
	struct date     day;
	enum donor_sex  sex;
	struct arena   *arena;
	/* what is found */
	struct reasons  reasons;
	unsigned        needs;           /* bit per eligibility_need */
	int             max_ml;          /* NO_LIMIT: no rule has said */
};

/* Finds every reason, every need and the greatest volume for look->sex, which is known. */
void look_for_sex(struct look *look);

/* ---- of use in both files ---- */

/* Whether `a` is after `b`; none is for ever. */
static inline bool ends_later(struct date a, struct date b)
{
	return date_is_none(b) ? false : date_is_none(a) || date_compare(a, b) > 0;
}

struct born {
	struct date earliest, latest;    /* the same where the day is known */
};
bool known_birth(const struct eligibility_facts *facts, struct born *born);
bool rule_applies(const struct look *look, const struct rule *rule);

#endif
