#include "domain/deferral.h"

#include "base/memory.h"
#include "base/text.h"
#include "domain/eligibility_time.h"

static const char *const ends_texts[] = {
	[DEFERRAL_DATED] = "dated", [DEFERRAL_OPEN] = "open", [DEFERRAL_PERMANENT] = "permanent",
};
static const char *const lift_texts[] = {
	[LIFT_NONE] = "none", [LIFT_ASKED] = "asked", [LIFT_DONE] = "done", [LIFT_REFUSED] = "refused",
};

static bool find(const char *const *texts, size_t count, const char *text, size_t *found)
{
	for (size_t i = 0; i < count; i++) {
		if (streq(texts[i], text)) {
			*found = i;
			return true;
		}
	}
	return false;
}

const char *deferral_ends_text(enum deferral_ends ends)
{
	return ends_texts[ends];
}

bool deferral_ends_parse(const char *text, enum deferral_ends *out)
{
	size_t found;

	if (!find(ends_texts, ARRAY_SIZE(ends_texts), text, &found))
		return false;
	*out = (enum deferral_ends)found;
	return true;
}

const char *lift_state_text(enum lift_state state)
{
	return lift_texts[state];
}

bool lift_state_parse(const char *text, enum lift_state *out)
{
	size_t found;

	if (!find(lift_texts, ARRAY_SIZE(lift_texts), text, &found))
		return false;
	*out = (enum lift_state)found;
	return true;
}

const char *deferral_state_text(enum deferral_state state)
{
	static const char *const texts[] = {
		[DEFERRAL_IN_FORCE] = "in_force", [DEFERRAL_OVER] = "over", [DEFERRAL_LIFTED] = "lifted",
	};

	return texts[state];
}

/* ---- recording ---- */

/* 1925 for 2025 would end a wait before it began. */
static void check_day(struct date date, struct date born, const char *pointer, struct error *err)
{
	if (date_is_none(date))
		return;
	if (date.year < ELIGIBILITY_FIRST_YEAR || date.year > ELIGIBILITY_LAST_YEAR)
		error_add_field(err, pointer, "out_of_range", "A day of the years %d to %d.",
				"Một ngày trong các năm %d đến %d.", ELIGIBILITY_FIRST_YEAR, ELIGIBILITY_LAST_YEAR);
	else if (date_compare(date, born) < 0)
		error_add_field(err, pointer, "before_birth", "This is before the donor was born.",
				"Ngày này trước khi người hiến ra đời.");
}

static bool lasts_for_ever(const struct deferral *deferral, const struct eligibility_rules *rules)
{
	const struct condition_rule *condition = eligibility_condition(rules, deferral->code);

	return condition && condition->lasts == LASTS_FOR_EVER;
}

bool deferral_check(const struct deferral *deferral, const struct eligibility_rules *rules, const struct donor *donor,
		    struct date today, struct error *err)
{
	struct date from = deferral->from, until = deferral->until, born = donor->birth_date;

	if (date_is_none(born))
		born = date_make(donor->birth_year, 1, 1);       /* none where the year is not known either */
	if (!eligibility_deferral(rules, deferral->code) && !eligibility_condition(rules, deferral->code))
		error_add_field(err, "/code", "unknown_code",
				"The rules have no such code; see deferrals and conditions of the rule set.",
				"Bộ quy tắc không có mã này; xem deferrals và conditions của bộ quy tắc.");
	check_day(from, born, "/from", err);
	check_day(until, born, "/until", err);
	if (!date_is_none(from) && date_compare(from, today) > 0)
		error_add_field(err, "/from", "in_future", "This day is to come; leave it out for what is not over yet.",
				"Ngày này chưa đến; bỏ trống nếu việc chưa kết thúc.");
	if (!date_is_none(from) && !date_is_none(until) && date_compare(until, from) <= 0)
		error_add_field(err, "/until", "before_from", "It would end before it began.",
				"Kết thúc trước khi bắt đầu.");
	if (deferral->ends == DEFERRAL_PERMANENT && !date_is_none(until))
		error_add_field(err, "/until", "permanent", "What is permanent has no last day: send one of the two.",
				"Tạm hoãn vĩnh viễn thì không có ngày hết: chỉ gửi một trong hai.");
	else if (!date_is_none(until) && lasts_for_ever(deferral, rules))
		error_add_field(err, "/until", "permanent", "By the rules this lasts for ever; only two persons can lift it.",
				"Theo quy tắc, lý do này là vĩnh viễn; chỉ hai người mới gỡ được.");
	return err->code == ERR_NONE;
}

/* By the rules: none where no day ends it. */
static struct date end_by_rules(const struct deferral *deferral, const struct eligibility_rules *rules)
{
	const struct deferral_rule *rule = eligibility_deferral(rules, deferral->code);
	const struct condition_rule *condition = eligibility_condition(rules, deferral->code);

	if (date_is_none(deferral->from))
		return deferral->from;
	if (rule)
		return eligibility_after(rules, deferral->from, rule->wait, PARAMETER_DEFERRAL_FIRST_DAY);
	/* A sign of the day is over the day after. */
	if (condition && condition->lasts == LASTS_TODAY)
		return date_add_days(deferral->from, 1);
	return (struct date){ 0 };
}

void deferral_reckon(struct deferral *deferral, bool permanent, const struct eligibility_rules *rules)
{
	deferral->ends = DEFERRAL_DATED;
	deferral->ends_on = deferral->until;
	if (!date_is_none(deferral->until))
		return;
	if (permanent || lasts_for_ever(deferral, rules)) {
		deferral->ends = DEFERRAL_PERMANENT;
		return;
	}
	deferral->ends_on = end_by_rules(deferral, rules);
	if (date_is_none(deferral->ends_on))
		deferral->ends = DEFERRAL_OPEN;
}

/* ---- what holds ---- */

/* What the engine is to count with; false: it is a matter of its own, see add_condition(). */
static struct eligibility_deferral fact_of(const struct deferral *deferral, const struct eligibility_rules *rules)
{
	struct eligibility_deferral fact = { .code = deferral->code, .from = deferral->from, .until = deferral->until };

	fact.permanent = deferral->ends == DEFERRAL_PERMANENT;
	/* Of a code that is not told, or that these rules do not have, what was reckoned when it was recorded. */
	if (date_is_none(fact.until) && deferral->ends == DEFERRAL_DATED && !eligibility_deferral(rules, fact.code))
		fact.until = deferral->ends_on;
	return fact;
}

enum deferral_state deferral_state_on(const struct deferral *deferral, const struct eligibility_rules *rules,
				      struct date on)
{
	struct eligibility_deferral fact = fact_of(deferral, rules);
	const struct deferral_rule *rule = eligibility_deferral(rules, fact.code);
	struct date end = fact.until;

	if (deferral->lifted_us != INT64_MIN && date_compare(date_of_instant(deferral->lifted_us), on) <= 0)
		return DEFERRAL_LIFTED;
	if (fact.permanent)
		return DEFERRAL_IN_FORCE;
	if (date_is_none(end) && rule && !date_is_none(fact.from))
		end = eligibility_after(rules, fact.from, rule->wait, PARAMETER_DEFERRAL_FIRST_DAY);
	return date_is_none(end) || date_compare(on, end) < 0 ? DEFERRAL_IN_FORCE : DEFERRAL_OVER;
}

/* ---- facts for the engine ---- */

struct gathering {
	const struct donor_facts       *facts;
	const struct eligibility_rules *rules;
	struct eligibility_facts       *out;
	struct eligibility_deferral    *deferrals;
	const char                    **conditions;
};

static bool was_known(int64_t at_us, struct date on, struct date today)
{
	return at_us != INT64_MIN &&
	       (date_compare(on, today) >= 0 || date_compare(date_of_instant(at_us), on) <= 0);
}

/*
 * A condition that is still there is one to the engine, which says so. One with an end is a deferral, for conditions
 * have none; and so is one for good, which holds whatever becomes of its rule.
 */
static void gather(struct gathering *g, const struct deferral *deferral)
{
	struct eligibility_deferral fact = fact_of(deferral, g->rules);

	if (eligibility_condition(g->rules, fact.code) && date_is_none(fact.until) && !fact.permanent)
		g->conditions[g->out->nconditions++] = fact.code;
	else
		g->deferrals[g->out->ndeferrals++] = fact;
}

static void begin(struct gathering *g, const struct donor_facts *facts, const struct eligibility_rules *rules,
		  struct arena *arena, struct eligibility_facts *out)
{
	const struct donor *donor = facts->donor;

	eligibility_facts_init(out);
	*g = (struct gathering){ .facts = facts, .rules = rules, .out = out };
	g->deferrals = arena_alloc(arena, (facts->ndeferrals + 1) * sizeof(*g->deferrals));
	g->conditions = arena_alloc(arena, (facts->ndeferrals + 1) * sizeof(*g->conditions));
	out->deferrals = g->deferrals;
	out->conditions = g->conditions;
	out->deferrals_known = true;
	out->birth_date = donor->birth_date;
	out->birth_year = donor->birth_year;
	out->sex = donor->sex;
	out->donations = facts->donations;
	out->ndonations = facts->ndonations;
	out->donations_known = true;
}

void donor_facts_as_of(const struct donor_facts *facts, const struct eligibility_rules *rules, struct date on,
		       struct date today, enum component component, struct arena *arena,
		       struct eligibility_facts *out)
{
	struct gathering g;

	begin(&g, facts, rules, arena, out);
	out->on = on;
	out->component = component;
	for (size_t i = 0; i < facts->ndeferrals; i++) {
		const struct deferral *deferral = &facts->deferrals[i];

		if (was_known(deferral->recorded_us, on, today) && !was_known(deferral->lifted_us, on, today))
			gather(&g, deferral);
	}
}

/* ---- days for lists ---- */

bool donor_next_same(const struct donor_next *one, const struct donor_next *two)
{
	return one->endless == two->endless && (one->endless || date_compare(one->on, two->on) == 0);
}

static struct date earlier(struct date one, struct date two)
{
	if (date_is_none(one) || date_is_none(two))
		return date_is_none(one) ? two : one;
	return date_compare(one, two) <= 0 ? one : two;
}

void donor_days_of(const struct donor_facts *facts, const struct eligibility_rules *rules, struct date today,
		   struct arena *arena, struct donor_days *days)
{
	struct eligibility_facts known;
	struct gathering g;

	*days = (struct donor_days){ .change_on = eligibility_rule_changes(rules, today).next };
	begin(&g, facts, rules, arena, &known);
	known.on = today;
	for (size_t i = 0; i < facts->ndeferrals; i++)
		if (facts->deferrals[i].lifted_us == INT64_MIN)
			gather(&g, &facts->deferrals[i]);
	for (size_t i = 0; i < facts->ndonations; i++)
		if (date_compare(facts->donations[i].on, days->last_donated_on) > 0)
			days->last_donated_on = facts->donations[i].on;
	for (int c = 0; c < COMPONENT_COUNT; c++) {
		struct eligibility_next next;

		eligibility_next(rules, &known, (enum component)c, arena, &next);
		/* Somebody past the last day by age waits for nothing. */
		if (!date_is_none(next.last_on) && date_compare(next.last_on, today) < 0)
			next.never = true;
		days->next[c].endless = next.never;
		if (next.never)
			continue;
		days->next[c].on = next.on;
		if (!date_is_none(next.last_on))
			days->change_on = earlier(days->change_on, date_add_days(next.last_on, 1));
	}
}

struct donor_next donor_wait_left(const struct donor_facts *facts, const struct eligibility_rules *rules, struct date today,
				  struct arena *arena)
{
	struct donor_facts ageless = *facts;
	struct donor donor = *facts->donor;
	struct donor_next left = { 0 };
	struct donor_days days;

	donor.birth_date = (struct date){ 0 };
	donor.birth_year = 0;
	ageless.donor = &donor;
	donor_days_of(&ageless, rules, today, arena, &days);
	for (int i = 0; i < COMPONENT_COUNT; i++) {
		left.endless |= days.next[i].endless;
		if (date_compare(days.next[i].on, left.on) > 0)
			left.on = days.next[i].on;
	}
	if (left.endless || date_compare(left.on, today) <= 0)
		left.on = (struct date){ 0 };
	return left;
}
