#include "domain/eligibility.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/text.h"
#include "domain/eligibility_look.h"
#include "domain/eligibility_time.h"

/*
 * What is made of looks (eligibility_look.c). Where the sex is not known there
 * are two of them, and only what both refuse is refused. The earliest day is
 * found by looking again on the day on which the last of the waits ends, until
 * nothing refuses.
 */
enum { LOOKS_MAX = 64 };

static const struct date no_end = { 0 };

void eligibility_facts_init(struct eligibility_facts *facts)
{
	*facts = (struct eligibility_facts){ .volume_ml = -1 };
	for (int i = 0; i < MEASURE_COUNT; i++)
		facts->measures[i] = MEASURE_UNKNOWN;
}

/* ---- sex not known ---- */

/* The same rule's reason, else the one of the same kind that holds longest. */
static const struct eligibility_reason *twin_of(const struct eligibility_reason *wanted, const struct reasons *reasons)
{
	const struct eligibility_reason *longest = NULL;

	for (size_t i = 0; i < reasons->count; i++) {
		const struct eligibility_reason *reason = &reasons->list[i];

		if (reason->kind != wanted->kind || !streq(reason->code, wanted->code))
			continue;
		if (reason->rule == wanted->rule)
			return reason;
		if (!longest || ends_later(reason->until, longest->until))
			longest = reason;
	}
	return longest;
}

/* Several rules of the one sex may have one twin of the other. */
static bool is_kept(const struct eligibility_reason *reason, const struct reasons *reasons, size_t kept)
{
	for (size_t i = 0; i < kept; i++)
		if (reasons->list[i].rule == reason->rule && streq(reasons->list[i].code, reason->code) &&
		    date_compare(reasons->list[i].until, reason->until) == 0)
			return true;
	return false;
}

/* Only what is refused whatever the sex, and no longer than for the sex that waits less. */
static void keep_common(struct look *both, const struct look *other)
{
	struct reasons *reasons = &both->reasons;
	bool differ = both->max_ml != other->max_ml || reasons->count != other->reasons.count;
	size_t kept = 0;

	for (size_t i = 0; i < reasons->count; i++) {
		struct eligibility_reason reason = reasons->list[i];
		const struct eligibility_reason *twin = twin_of(&reason, &other->reasons);

		differ |= !twin || date_compare(twin->until, reason.until) != 0;
		if (!twin)
			continue;
		if (ends_later(reason.until, twin->until))
			reason = *twin;
		if (!is_kept(&reason, reasons, kept))
			reasons->list[kept++] = reason;
	}
	reasons->count = kept;
	both->needs |= other->needs;
	if (differ)
		both->needs |= 1u << NEED_SEX;
	if (both->max_ml != NO_LIMIT && (other->max_ml == NO_LIMIT || other->max_ml > both->max_ml))
		both->max_ml = other->max_ml;
}

static struct look look_on(const struct eligibility_rules *rules, const struct eligibility_facts *facts,
			   struct date day, struct arena *arena)
{
	struct look look = { .rules = rules, .facts = facts, .day = day, .sex = facts->sex, .arena = arena };
	struct look other;

	if (facts->sex != DONOR_SEX_UNKNOWN) {
		look_for_sex(&look);
		return look;
	}
	other = look;
	look.sex = DONOR_FEMALE;
	other.sex = DONOR_MALE;
	look_for_sex(&look);
	look_for_sex(&other);
	keep_common(&look, &other);
	return look;
}

/* ---- the earliest day ---- */

/* The first day from which nothing refuses, beginning with what was found on a day; none: no date ends it. */
static struct date earliest(struct look look)
{
	for (int looks = 0; looks < LOOKS_MAX; looks++) {
		struct date last = look.day;

		if (look.reasons.count == 0)
			return look.day;
		for (size_t i = 0; i < look.reasons.count; i++) {
			struct date until = look.reasons.list[i].until;

			if (date_is_none(until))
				return no_end;
			if (date_compare(until, last) > 0)
				last = until;
		}
		if (date_compare(last, look.day) == 0)
			return no_end;
		look = look_on(look.rules, look.facts, last, look.arena);
	}
	return no_end;
}

/* ---- facts in one order, each once ---- */

static int compare_donations(const void *a, const void *b)
{
	const struct eligibility_donation *one = a, *two = b;
	int by_date = date_compare(one->on, two->on);

	if (by_date != 0)
		return by_date;
	if (one->component != two->component)
		return one->component < two->component ? -1 : 1;
	return (one->volume_ml < two->volume_ml) - (one->volume_ml > two->volume_ml);
}

/* Up to `on`; of one day and component the largest, since nobody gives the same thing twice on a day. */
static void sort_donations(struct eligibility_facts *facts, struct date on, struct arena *arena)
{
	struct eligibility_donation *sorted;
	size_t count = 0, kept = 0;

	if (facts->ndonations == 0)
		return;
	sorted = arena_alloc(arena, facts->ndonations * sizeof(*sorted));
	for (size_t i = 0; i < facts->ndonations; i++)
		if (date_is_none(on) || date_compare(facts->donations[i].on, on) <= 0)
			sorted[count++] = facts->donations[i];
	qsort(sorted, count, sizeof(*sorted), compare_donations);
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || date_compare(sorted[kept - 1].on, sorted[i].on) != 0 ||
		    sorted[kept - 1].component != sorted[i].component)
			sorted[kept++] = sorted[i];
	facts->donations = sorted;
	facts->ndonations = kept;
}

/* ---- the verdict ---- */

static int max_volume(const struct look *look)
{
	/* Where the weight decides, nothing is known without it. */
	if (look->facts->measures[MEASURE_WEIGHT] == MEASURE_UNKNOWN && look->needs >> NEED_WEIGHT & 1)
		return NO_LIMIT;
	return look->max_ml;
}

static const struct occupation_rule *occupation_of(const struct look *look)
{
	const struct occupation_rule *rule = eligibility_occupation(look->rules, look->facts->occupation);

	return rule && rule_applies(look, &rule->rule) ? rule : NULL;
}

void eligibility_check(const struct eligibility_rules *rules, const struct eligibility_facts *facts,
		       struct arena *arena, struct verdict *verdict)
{
	struct eligibility_facts *sorted = arena_alloc(arena, sizeof(*sorted));
	struct look look;

	*sorted = *facts;
	sort_donations(sorted, facts->on, arena);
	look = look_on(rules, sorted, facts->on, arena);
	*verdict = (struct verdict){
		.eligible = look.reasons.count == 0,
		.component = facts->component,
		.on = facts->on,
		.max_volume_ml = max_volume(&look),
		.reasons = look.reasons.list,
		.nreasons = look.reasons.count,
		.occupation = occupation_of(&look),
		.rules = rules,
	};
	for (int i = 0; i < NEED_COUNT; i++)
		if (look.needs >> i & 1)
			verdict->needs[verdict->nneeds++] = (enum eligibility_need)i;
	verdict->decision = !verdict->eligible    ? DECISION_REFUSED
			    : verdict->nneeds > 0 ? DECISION_INCOMPLETE
						  : DECISION_NO_KNOWN_REFUSAL;
	verdict->earliest_on = earliest(look);
}

static struct date later_day(struct date a, struct date b)
{
	return date_compare(a, b) >= 0 ? a : b;
}

static struct date last_day_by_age(const struct look *look)
{
	struct date last = no_end;
	struct born born;

	if (!known_birth(look->facts, &born))
		return no_end;
	for (size_t i = 0; i < look->rules->nages; i++) {
		const struct age_rule *age = &look->rules->ages[i];
		struct date day;

		if (age->to_years < 0 || !rule_applies(look, &age->rule))
			continue;
		day = eligibility_last_day(look->rules, born.latest, age->to_years);
		if (date_is_none(last) || date_compare(day, last) < 0)
			last = day;
	}
	return last;
}

void eligibility_next(const struct eligibility_rules *rules, const struct eligibility_facts *facts,
		      enum component component, struct arena *arena, struct eligibility_next *next)
{
	struct eligibility_facts *kept = arena_alloc(arena, sizeof(*kept));
	struct date day = rules->valid_from;
	struct born born;
	struct look look;

	eligibility_facts_init(kept);
	kept->component = component;
	kept->birth_date = facts->birth_date;
	kept->birth_year = facts->birth_year;
	kept->sex = facts->sex;
	kept->donations = facts->donations;
	kept->ndonations = facts->ndonations;
	kept->donations_known = facts->donations_known;
	kept->deferrals = facts->deferrals;
	kept->ndeferrals = facts->ndeferrals;
	kept->conditions = facts->conditions;
	kept->nconditions = facts->nconditions;
	sort_donations(kept, no_end, arena);
	/* By the rules of the day; and from the day of the last donation on, the waits of all that is known are seen. */
	if (!date_is_none(facts->on))
		day = later_day(day, eligibility_rule_changes(rules, facts->on).last);
	if (kept->ndonations > 0)
		day = later_day(day, kept->donations[kept->ndonations - 1].on);
	if (known_birth(kept, &born))
		day = later_day(day, born.earliest);
	look = look_on(rules, kept, day, arena);
	*next = (struct eligibility_next){ .last_on = last_day_by_age(&look) };
	if (look.reasons.count == 0)
		return;
	next->on = earliest(look);
	next->never = date_is_none(next->on);
}
