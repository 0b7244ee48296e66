#include "domain/eligibility_time.h"

enum { DAYS_MAX = 2000000, YEAR_MAX = 9000 };

static struct date add_days(struct date from, int days)
{
	if (date_is_none(from) || from.year > YEAR_MAX || days > DAYS_MAX)
		return (struct date){ 0 };
	return date_add_days(from, days);
}

/* Civil Code: the same day number; where the month has none, its last day, or by the other reading the next day. */
static struct date add_months(const struct eligibility_rules *rules, struct date from, int months)
{
	struct date day;

	if (date_is_none(from) || from.year > YEAR_MAX || months > 12 * 400)
		return (struct date){ 0 };
	day = date_add_months(from, months);
	if (day.day < from.day && rules->parameters[PARAMETER_MONTH_COUNTING].value == MONTH_NEXT_FIRST)
		return date_add_days(day, 1);
	return day;
}

static struct date add_span(const struct eligibility_rules *rules, struct date from, struct span span)
{
	switch (span.unit) {
	case SPAN_HOUR:
		return add_days(from, (span.value + 23) / 24);
	case SPAN_DAY:
		return add_days(from, span.value);
	case SPAN_WEEK:
		return add_days(from, 7 * span.value);
	case SPAN_MONTH:
		return add_months(rules, from, span.value);
	case SPAN_YEAR:
		return add_months(rules, from, 12 * span.value);
	case SPAN_UNIT_COUNT:
		break;
	}
	return (struct date){ 0 };
}

struct date eligibility_after(const struct eligibility_rules *rules, struct date from, struct span wait,
			      enum eligibility_parameter offset)
{
	return add_days(add_span(rules, from, wait), rules->parameters[offset].value);
}

struct date eligibility_birthday(const struct eligibility_rules *rules, struct date birth, int years)
{
	int year = birth.year + years;
	bool missing = birth.month == 2 && birth.day == 29 && date_month_length(year, 2) == 28;

	if (!missing)
		return date_make(year, birth.month, birth.day);
	return rules->parameters[PARAMETER_LEAP_BIRTHDAY].value == LEAP_MARCH_1 ? date_make(year, 3, 1)
										: date_make(year, 2, 28);
}

struct date eligibility_last_day(const struct eligibility_rules *rules, struct date birth, int years)
{
	if (rules->parameters[PARAMETER_AGE_LAST_DAY].value == AGE_BIRTHDAY)
		return eligibility_birthday(rules, birth, years);
	return add_days(eligibility_birthday(rules, birth, years + 1), -1);
}

struct date eligibility_test_holds_to(const struct eligibility_rules *rules, struct date tested_on, struct span max_age)
{
	return add_span(rules, tested_on, max_age);
}

struct date eligibility_rule_ended(const struct rule *rule)
{
	return add_days(rule->valid_to, 1);
}

/* ---- when rules begin and end ---- */

struct look_for_changes {
	struct date         day;
	struct rule_changes found;
};

static void note_change(struct look_for_changes *look, struct date change)
{
	struct rule_changes *found = &look->found;

	if (date_is_none(change))
		return;
	if (date_compare(change, look->day) <= 0) {
		if (date_compare(change, found->last) > 0)
			found->last = change;
	} else if (date_is_none(found->next) || date_compare(change, found->next) < 0) {
		found->next = change;
	}
}

static void note_rule(void *context, const struct rule *rule)
{
	note_change(context, rule->valid_from);
	note_change(context, eligibility_rule_ended(rule));
}

struct rule_changes eligibility_rule_changes(const struct eligibility_rules *rules, struct date day)
{
	struct look_for_changes look = { .day = day };

	eligibility_rules_each(rules, note_rule, &look);
	return look.found;
}
