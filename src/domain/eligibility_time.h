#ifndef DOMAIN_ELIGIBILITY_TIME_H
#define DOMAIN_ELIGIBILITY_TIME_H

#include "base/date.h"
#include "domain/eligibility_rules.h"

/* How the rules count time, by the parameters of their file. No day is ever moved for a weekend or a holiday. */

/* The first day after a wait that began on `from`; none where the calendar ends. `offset`: which parameter. */
struct date eligibility_after(const struct eligibility_rules *rules, struct date from, struct span wait,
			      enum eligibility_parameter offset);
/* The birthday on which so many years are completed. */
struct date eligibility_birthday(const struct eligibility_rules *rules, struct date birth, int years);
/* The last day on which somebody may be said to be not older than so many years. */
struct date eligibility_last_day(const struct eligibility_rules *rules, struct date birth, int years);
/* The last day on which a test of that day is still young enough. */
struct date eligibility_test_holds_to(const struct eligibility_rules *rules, struct date tested_on, struct span max_age);
/* The first day on which a rule is valid no more; none where there is none. */
struct date eligibility_rule_ended(const struct rule *rule);
/*
 * The days on which a rule begins, or is the first without it: `last` up to `day`, `next` after it. None: there is
 * no such day.
 */
struct rule_changes {
	struct date last, next;
};
struct rule_changes eligibility_rule_changes(const struct eligibility_rules *rules, struct date day);

#endif
