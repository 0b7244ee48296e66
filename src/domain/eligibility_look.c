#include "domain/eligibility_look.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "domain/eligibility_time.h"

/*
 * Each kind of rule has one function look_at_*() below, in the order in which
 * the circular has them. Each adds its reasons, and the facts that it lacked.
 */

/* ---- which rules concern this donor on this day ---- */

enum answer { ANSWER_NO, ANSWER_YES, ANSWER_UNKNOWN };

static enum answer gives_first_time(const struct look *look)
{
	if (look->facts->ndonations > 0)
		return ANSWER_NO;
	return look->facts->donations_known ? ANSWER_YES : ANSWER_UNKNOWN;
}

static bool rule_is_valid(const struct rule *rule, struct date day)
{
	return date_compare(day, rule->valid_from) >= 0 &&
	       (date_is_none(rule->valid_to) || date_compare(day, rule->valid_to) <= 0);
}

static bool rule_concerns_donor(const struct look *look, const struct rule *rule)
{
	enum answer first = gives_first_time(look);

	return rule_is_valid(rule, look->day) && (rule->sex == DONOR_SEX_UNKNOWN || rule->sex == look->sex) &&
	       !(rule->first_time == DONORS_FIRST_TIME && first == ANSWER_NO) &&
	       !(rule->first_time == DONORS_REPEAT && first == ANSWER_YES);
}

bool rule_applies(const struct look *look, const struct rule *rule)
{
	return component_in(rule->components, look->facts->component) && rule_concerns_donor(look, rule);
}

/* ---- what is found ---- */

/* As clients know them. */
static const char code_too_young[] = "too_young", code_too_old[] = "too_old", code_volume_too_large[] = "volume_too_large",
		  code_no_volume[] = "no_volume_at_this_weight", code_too_soon[] = "too_soon", code_too_often[] = "too_often",
		  code_too_much[] = "too_much", code_no_rules[] = "no_rules_for_this_day",
		  code_unknown_condition[] = "unknown_condition", code_deferral[] = "deferral";

const struct eligibility_general_reason *eligibility_general_reasons(void)
{
	static const struct eligibility_general_reason reasons[] = {
		{ code_no_rules, { "The rule set is not in force on this day.", "Bộ quy tắc không có hiệu lực vào ngày này." } },
		{ code_deferral, { "Deferred, for a reason that is not known here.", "Đang tạm hoãn hiến máu, không rõ lý do." } },
		{ code_unknown_condition, { "A condition that the rules do not know: ask a doctor.",
					    "Tình trạng mà bộ quy tắc không biết: hãy hỏi bác sĩ." } },
		{ 0 }
	};

	return reasons;
}

static void need(struct look *look, const struct rule *rule, enum eligibility_need what)
{
	look->needs |= 1u << what;
	/* The rule would be another one for the other sex. */
	if (rule && rule->sex != DONOR_SEX_UNKNOWN && look->facts->sex == DONOR_SEX_UNKNOWN)
		look->needs |= 1u << NEED_SEX;
}

/* A rule that ends refuses no longer. */
static struct date while_valid(const struct rule *rule, struct date until)
{
	struct date ended = eligibility_rule_ended(rule);

	return ends_later(until, ended) ? ended : until;
}

/* Where it is not known whether the rule is for this donor, that is to be known, and nothing is refused. */
static struct eligibility_reason *refuse_until(struct look *look, const struct rule *rule, enum reason_kind kind,
					       const char *code, struct date until)
{
	struct reasons *reasons = &look->reasons;
	struct eligibility_reason *more;

	if (rule && rule->first_time != DONORS_ALL && gives_first_time(look) == ANSWER_UNKNOWN) {
		need(look, rule, NEED_DONATIONS);
		return NULL;
	}
	if (reasons->count == reasons->cap) {
		reasons->cap = reasons->cap ? 2 * reasons->cap : 8;
		more = arena_alloc(look->arena, reasons->cap * sizeof(*more));
		if (reasons->count > 0)
			memcpy(more, reasons->list, reasons->count * sizeof(*more));
		reasons->list = more;
	}
	more = &reasons->list[reasons->count++];
	*more = (struct eligibility_reason){ .kind = kind, .code = code, .rule = rule, .until = until };
	return more;
}

static struct eligibility_reason *refuse(struct look *look, const struct rule *rule, enum reason_kind kind,
					 const char *code, struct date until)
{
	return refuse_until(look, rule, kind, code, rule ? while_valid(rule, until) : until);
}

static void limit_volume(struct look *look, int ml)
{
	if (ml < 0)
		ml = 0;
	if (look->max_ml == NO_LIMIT || ml < look->max_ml)
		look->max_ml = ml;
}

static const struct date no_end = { 0 };

/* ---- age: Article 4(1) ---- */

bool known_birth(const struct eligibility_facts *facts, struct born *born)
{
	if (!date_is_none(facts->birth_date)) {
		born->earliest = born->latest = facts->birth_date;
		return true;
	}
	born->earliest = date_make(facts->birth_year, 1, 1);
	born->latest = date_make(facts->birth_year, 12, 31);
	return facts->birth_year > 0;
}

static void look_at_age(struct look *look, const struct age_rule *age)
{
	struct eligibility_reason *reason = NULL;
	struct born born;

	if (!known_birth(look->facts, &born)) {
		need(look, &age->rule, NEED_BIRTH_DATE);
		return;
	}
	if (age->from_years >= 0) {
		struct date first = eligibility_birthday(look->rules, born.earliest, age->from_years);

		if (date_compare(look->day, first) < 0) {
			reason = refuse(look, &age->rule, REASON_AGE, code_too_young, first);
			if (reason)
				reason->below = true;
		} else if (date_compare(look->day, eligibility_birthday(look->rules, born.latest, age->from_years)) < 0) {
			need(look, &age->rule, NEED_BIRTH_DATE);
		}
	}
	if (age->to_years >= 0) {
		if (date_compare(look->day, eligibility_last_day(look->rules, born.latest, age->to_years)) > 0)
			reason = refuse(look, &age->rule, REASON_AGE, code_too_old, no_end);
		else if (date_compare(look->day, eligibility_last_day(look->rules, born.earliest, age->to_years)) > 0)
			need(look, &age->rule, NEED_BIRTH_DATE);
	}
	if (reason)
		reason->detail = age;
}

/* ---- weight, pressure, pulse, blood: Article 4(2)(a), (b), (d), (đ) ---- */

static const struct {
	const char           *too_low, *too_high;
	enum eligibility_need need;
} measures[MEASURE_COUNT] = {
	[MEASURE_WEIGHT] = { "weight_too_low", "weight_too_high", NEED_WEIGHT },
	[MEASURE_SYSTOLIC] = { "systolic_too_low", "systolic_too_high", NEED_SYSTOLIC },
	[MEASURE_DIASTOLIC] = { "diastolic_too_low", "diastolic_too_high", NEED_DIASTOLIC },
	[MEASURE_PULSE] = { "pulse_too_low", "pulse_too_high", NEED_PULSE },
	[MEASURE_PULSE_REGULAR] = { "pulse_irregular", "pulse_irregular", NEED_PULSE_REGULAR },
	[MEASURE_HEMOGLOBIN] = { "hemoglobin_too_low", "hemoglobin_too_high", NEED_HEMOGLOBIN },
	[MEASURE_PLATELETS] = { "platelets_too_low", "platelets_too_high", NEED_PLATELETS },
	[MEASURE_PROTEIN] = { "protein_too_low", "protein_too_high", NEED_PROTEIN },
};

static size_t limit_codes(const struct limit_rule *limit, const char *codes[ELIGIBILITY_RULE_CODES_MAX])
{
	size_t count = 0;

	if (limit->range.has_low)
		codes[count++] = measures[limit->measure].too_low;
	if (limit->range.has_high && (count == 0 || !streq(codes[0], measures[limit->measure].too_high)))
		codes[count++] = measures[limit->measure].too_high;
	return count;
}

size_t eligibility_rule_codes(const struct rule *rule, const char *codes[ELIGIBILITY_RULE_CODES_MAX])
{
	const struct age_rule *age = container_of(rule, struct age_rule, rule);
	size_t count = 0;

	switch (rule->kind) {
	case RULE_AGE:
		if (age->from_years >= 0)
			codes[count++] = code_too_young;
		if (age->to_years >= 0)
			codes[count++] = code_too_old;
		return count;
	case RULE_LIMIT:
		return limit_codes(container_of(rule, struct limit_rule, rule), codes);
	case RULE_BAND:
		codes[0] = code_volume_too_large;
		codes[1] = code_no_volume;
		return 2;
	case RULE_CONDITION:
		codes[0] = container_of(rule, struct condition_rule, rule)->code;
		return 1;
	case RULE_DEFERRAL:
		codes[0] = container_of(rule, struct deferral_rule, rule)->code;
		return 1;
	case RULE_WAIT:
		codes[0] = code_too_soon;
		return 1;
	case RULE_COUNT:
		codes[0] = code_too_often;
		return 1;
	case RULE_TOTAL:
		codes[0] = code_too_much;
		return 1;
	case RULE_PARAMETER:
	case RULE_OCCUPATION:
	case RULE_FINAL_WORD:
	case RULE_KIND_COUNT:
		break;
	}
	return 0;
}

/* Only the protein test comes with its day. */
static bool test_is_too_old(struct look *look, const struct limit_rule *limit)
{
	struct date tested_on = look->facts->protein_on;

	if (limit->max_age.value == 0 || limit->measure != MEASURE_PROTEIN)
		return false;
	if (date_is_none(tested_on)) {
		need(look, &limit->rule, NEED_PROTEIN_ON);
		return false;
	}
	return date_compare(look->day, eligibility_test_holds_to(look->rules, tested_on, limit->max_age)) > 0;
}

/* The greatest whole volume for which a rule for larger ones ("over 350 ml") says nothing. */
static int volume_below(const struct range *volume)
{
	return (volume->low - (volume->low_open ? 0 : 1)) / MEASURE_ONE;
}

static void look_at_limit(struct look *look, const struct limit_rule *limit)
{
	int32_t value = look->facts->measures[limit->measure];
	int volume_ml = look->facts->volume_ml;
	bool of_volume = limit->volume.has_low || limit->volume.has_high;
	bool other_volume = of_volume && volume_ml >= 0 && !range_holds(&limit->volume, volume_ml * MEASURE_ONE);
	struct eligibility_reason *reason;
	bool below;

	if (value == MEASURE_UNKNOWN) {
		if (!other_volume)
			need(look, &limit->rule, measures[limit->measure].need);
		return;
	}
	if (test_is_too_old(look, limit)) {
		need(look, &limit->rule, NEED_PROTEIN);
		need(look, &limit->rule, NEED_PROTEIN_ON);
		return;
	}
	if (range_holds(&limit->range, value))
		return;
	if (of_volume && limit->volume.has_low)
		limit_volume(look, volume_below(&limit->volume));
	/* A smaller volume may be given: that is no refusal of the donor. */
	if (of_volume && (volume_ml < 0 || other_volume))
		return;
	if (limit->measure == MEASURE_WEIGHT)
		limit_volume(look, 0);
	below = limit->range.has_low && value <= limit->range.low;
	reason = refuse(look, &limit->rule, REASON_MEASURE,
			below ? measures[limit->measure].too_low : measures[limit->measure].too_high, no_end);
	if (reason) {
		reason->detail = limit;
		reason->below = below;
	}
}

/* ---- volume by weight: Article 4(2)(a), (b) ---- */

/* What a band allows at a weight (in grams): whole millilitres, rounded down. */
static int band_ml(const struct band_rule *band, int32_t weight)
{
	int64_t by_weight = (int64_t)weight * band->max_ml_per_kg / MEASURE_ONE;

	if (band->max_ml_per_kg < 0)
		return band->max_ml;
	if (band->max_ml < 0 || by_weight < band->max_ml)
		return (int)by_weight;
	return band->max_ml;
}

static void refuse_volume(struct look *look, const struct band_rule *band, const char *code, int ml)
{
	struct eligibility_reason *reason = refuse(look, &band->rule, REASON_VOLUME, code, no_end);

	if (reason) {
		reason->detail = band;
		reason->limit_ml = ml;
		reason->any_weight = look->facts->measures[MEASURE_WEIGHT] == MEASURE_UNKNOWN;
	}
}

/* Without the weight only a volume is refused that no weight allows. */
static void look_at_volume_alone(struct look *look, const struct band_rule *widest)
{
	need(look, &widest->rule, NEED_WEIGHT);
	if (widest->max_ml >= 0 && look->facts->volume_ml > widest->max_ml)
		refuse_volume(look, widest, code_volume_too_large, widest->max_ml);
}

static bool refused_for_weight(const struct look *look)
{
	for (size_t i = 0; i < look->reasons.count; i++) {
		const struct eligibility_reason *reason = &look->reasons.list[i];

		if (reason->kind == REASON_MEASURE &&
		    ((const struct limit_rule *)reason->detail)->measure == MEASURE_WEIGHT)
			return true;
	}
	return false;
}

static void look_at_bands(struct look *look)
{
	int32_t weight = look->facts->measures[MEASURE_WEIGHT];
	const struct band_rule *found = NULL, *widest = NULL;

	for (size_t i = 0; i < look->rules->nbands; i++) {
		const struct band_rule *band = &look->rules->bands[i];

		if (!rule_applies(look, &band->rule))
			continue;
		if (!widest || band->max_ml < 0 || (widest->max_ml >= 0 && band->max_ml > widest->max_ml))
			widest = band;
		if (weight != MEASURE_UNKNOWN && range_holds(&band->weight, weight))
			found = band;
	}
	if (!widest)
		return;
	if (weight == MEASURE_UNKNOWN) {
		look_at_volume_alone(look, widest);
		return;
	}
	limit_volume(look, found ? band_ml(found, weight) : 0);
	if (!found && !refused_for_weight(look))
		refuse_volume(look, widest, code_no_volume, 0);
	if (found && look->facts->volume_ml > band_ml(found, weight))
		refuse_volume(look, found, code_volume_too_large, band_ml(found, weight));
}

/* ---- diseases, states and signs: Article 4(2)(c), (d) ---- */

static bool has_condition(const struct eligibility_facts *facts, const char *code)
{
	for (size_t i = 0; i < facts->nconditions; i++)
		if (streq(facts->conditions[i], code))
			return true;
	return false;
}

static void look_at_conditions(struct look *look)
{
	const struct eligibility_rules *rules = look->rules;
	const struct eligibility_facts *facts = look->facts;
	bool concerned = false, unknown = false;

	for (size_t i = 0; i < rules->nconditions; i++) {
		const struct condition_rule *condition = &rules->conditions[i];
		struct eligibility_reason *reason;

		if (!component_in(condition->rule.components, facts->component) ||
		    !rule_is_valid(&condition->rule, look->day))
			continue;
		concerned = true;
		if (!has_condition(facts, condition->code))
			continue;
		reason = refuse(look, &condition->rule, REASON_CONDITION, condition->code, no_end);
		if (reason)
			reason->detail = condition;
	}
	for (size_t i = 0; i < facts->nconditions; i++)
		unknown |= !eligibility_condition(rules, facts->conditions[i]);
	if (unknown)
		refuse(look, NULL, REASON_CONDITION, code_unknown_condition, no_end);
	if (concerned && !facts->conditions_known)
		need(look, NULL, NEED_CONDITIONS);
}

/* ---- deferrals: Article 5 ---- */

static bool has_given_end(const struct eligibility_deferral *deferral)
{
	return !date_is_none(deferral->until) || !date_is_none(deferral->lifted_on);
}

/* What a doctor decided holds, whatever became of the rule. */
static bool is_decided(const struct eligibility_deferral *deferral)
{
	return deferral->permanent || !date_is_none(deferral->until);
}

/* The end of one deferral. `rule` NULL: none counts it. */
static struct date deferral_end(const struct look *look, const struct eligibility_deferral *deferral,
				const struct deferral_rule *rule)
{
	struct date end = no_end;

	if (!deferral->permanent)
		end = deferral->until;
	if (!is_decided(deferral) && rule) {
		if (!date_is_none(deferral->from))
			end = eligibility_after(look->rules, deferral->from, rule->wait, PARAMETER_DEFERRAL_FIRST_DAY);
		end = while_valid(&rule->rule, end);
	}
	if (!date_is_none(deferral->lifted_on) && ends_later(end, deferral->lifted_on))
		end = deferral->lifted_on;
	return end;
}

/* Of two that end alike, what is for good is told, then what can be told with its wait. */
static bool tells_more(const struct eligibility_deferral *deferral, const struct eligibility_deferral *other)
{
	if (deferral->permanent != other->permanent)
		return deferral->permanent;
	return !has_given_end(deferral) && has_given_end(other);
}

/* `code` NULL: all that the set does not know. */
static bool is_of_code(const struct look *look, const struct eligibility_deferral *deferral, const char *code)
{
	if (code)
		return streq(deferral->code, code);
	return !eligibility_deferral(look->rules, deferral->code) && !eligibility_condition(look->rules, deferral->code);
}

/*
 * Of all deferrals of one code, the one that holds longest: one reason. `rule`: of the code, whose wait counts where
 * it is a `counted` one, and not a disease or sign with an end that somebody gave.
 */
static void look_at_deferrals_of(struct look *look, const char *code, const struct rule *rule,
				 const struct deferral_rule *counted)
{
	const struct eligibility_facts *facts = look->facts;
	const struct eligibility_deferral *worst = NULL;
	struct eligibility_reason *reason;
	struct date worst_end = no_end;

	for (size_t i = 0; i < facts->ndeferrals; i++) {
		const struct eligibility_deferral *deferral = &facts->deferrals[i];
		struct date end;

		if (!is_of_code(look, deferral, code))
			continue;
		if (rule && !is_decided(deferral) &&
		    (!rule_is_valid(rule, look->day) || !component_in(rule->components, facts->component)))
			continue;
		end = deferral_end(look, deferral, counted);
		if (!date_is_none(end) && date_compare(look->day, end) >= 0)
			continue;
		if (!worst || ends_later(end, worst_end) ||
		    (date_compare(end, worst_end) == 0 && tells_more(deferral, worst))) {
			worst = deferral;
			worst_end = end;
		}
	}
	if (!worst)
		return;
	reason = refuse_until(look, rule, REASON_DEFERRAL, code ? code : code_deferral, worst_end);
	if (reason) {
		reason->detail = counted;
		reason->permanent = worst->permanent;
		reason->decided = has_given_end(worst);
	}
}

static void look_at_deferrals(struct look *look)
{
	const struct eligibility_rules *rules = look->rules;

	for (size_t i = 0; i < rules->ndeferrals; i++)
		look_at_deferrals_of(look, rules->deferrals[i].code, &rules->deferrals[i].rule, &rules->deferrals[i]);
	for (size_t i = 0; i < rules->nconditions; i++)
		look_at_deferrals_of(look, rules->conditions[i].code, &rules->conditions[i].rule, NULL);
	look_at_deferrals_of(look, NULL, NULL, NULL);
	if (rules->ndeferrals > 0 && !look->facts->deferrals_known)
		need(look, NULL, NEED_DEFERRALS);
}

/* ---- intervals: Article 6 ---- */

static bool is_last(const struct eligibility_facts *facts, const struct eligibility_donation *donation)
{
	return date_compare(donation->on, facts->donations[facts->ndonations - 1].on) == 0;
}

/* Whether an interval rule is for what is to be given, by the reading that the set has chosen. */
static bool interval_applies(struct look *look, const struct rule *rule, enum counts_from counts_from)
{
	int reading = look->rules->parameters[PARAMETER_MIXED_DONATIONS].value;

	if (counts_from == FROM_LAST_OF_THESE && reading == MIXED_LAST_ONLY)
		return false;
	if (counts_from == FROM_LAST_OF_THESE && reading == MIXED_EACH)
		return rule_concerns_donor(look, rule);
	return rule_applies(look, rule);
}

/* Two rules may ask for one and the same wait, since the last of all and of its kind: said once. */
static bool wait_is_said(const struct look *look, const struct eligibility_donation *after, struct date until)
{
	for (size_t i = 0; i < look->reasons.count; i++) {
		const struct eligibility_reason *reason = &look->reasons.list[i];

		if (reason->kind == REASON_WAIT && reason->last == after->component &&
		    date_compare(reason->last_on, after->on) == 0 && date_compare(reason->until, until) == 0)
			return true;
	}
	return false;
}

static bool count_is_said(const struct look *look, const struct count_rule *count, struct date until)
{
	for (size_t i = 0; i < look->reasons.count; i++) {
		const struct eligibility_reason *reason = &look->reasons.list[i];
		const struct count_rule *said = reason->detail;

		if (reason->kind == REASON_COUNT && said->of == count->of && said->at_most == count->at_most &&
		    said->window.value == count->window.value && said->window.unit == count->window.unit &&
		    date_compare(reason->until, until) == 0)
			return true;
	}
	return false;
}

static void lacks_donations(struct look *look, const struct rule *rule)
{
	if (!look->facts->donations_known)
		need(look, rule, NEED_DONATIONS);
}

static void look_at_wait(struct look *look, const struct wait_rule *wait)
{
	const struct eligibility_facts *facts = look->facts;
	const struct eligibility_donation *latest = NULL;
	struct eligibility_reason *reason;
	struct date until;

	lacks_donations(look, &wait->rule);
	for (size_t i = 0; i < facts->ndonations; i++) {
		const struct eligibility_donation *donation = &facts->donations[i];
		bool of_volume = wait->after_volume.has_low || wait->after_volume.has_high;

		if (!component_in(wait->after, donation->component) ||
		    (wait->counts_from == FROM_LAST_DONATION && !is_last(facts, donation)))
			continue;
		until = eligibility_after(look->rules, donation->on, wait->wait, PARAMETER_INTERVAL_FIRST_DAY);
		if (!date_is_none(until) && date_compare(look->day, until) >= 0)
			continue;
		if (of_volume && donation->volume_ml < 0)
			need(look, &wait->rule, NEED_DONATION_VOLUMES);
		else if (!of_volume || range_holds(&wait->after_volume, donation->volume_ml * MEASURE_ONE))
			latest = donation;
	}
	if (!latest)
		return;
	until = while_valid(&wait->rule, eligibility_after(look->rules, latest->on, wait->wait,
							   PARAMETER_INTERVAL_FIRST_DAY));
	if (wait_is_said(look, latest, until))
		return;
	reason = refuse(look, &wait->rule, REASON_WAIT, code_too_soon, until);
	if (reason) {
		reason->detail = wait;
		reason->last = latest->component;
		reason->last_on = latest->on;
	}
}

/* A donation is inside a window until the day on which a wait as long as the window would end. */
static bool still_inside(const struct look *look, const struct eligibility_donation *donation, struct span window,
			 struct date *until)
{
	*until = eligibility_after(look->rules, donation->on, window, PARAMETER_INTERVAL_FIRST_DAY);
	return date_is_none(*until) || date_compare(look->day, *until) < 0;
}

static bool last_is_of(const struct eligibility_facts *facts, unsigned of)
{
	for (size_t i = 0; i < facts->ndonations; i++)
		if (component_in(of, facts->donations[i].component) && is_last(facts, &facts->donations[i]))
			return true;
	return false;
}

/*
 * Donations are sorted, so those inside the window end in their order: the new
 * one is free when all but at_most - 1 of them have left it.
 */
static void look_at_count(struct look *look, const struct count_rule *count)
{
	const struct eligibility_facts *facts = look->facts;
	struct eligibility_reason *reason;
	int inside = 0, leave;
	struct date until, free_on = no_end;

	lacks_donations(look, &count->rule);
	if (count->counts_from == FROM_LAST_DONATION && !last_is_of(facts, count->of))
		return;
	for (size_t i = 0; i < facts->ndonations; i++)
		inside += component_in(count->of, facts->donations[i].component) &&
			  still_inside(look, &facts->donations[i], count->window, &until);
	leave = inside - count->at_most + 1;
	if (leave <= 0)
		return;
	for (size_t i = 0; i < facts->ndonations && leave > 0; i++)
		if (component_in(count->of, facts->donations[i].component) &&
		    still_inside(look, &facts->donations[i], count->window, &free_on))
			leave--;
	free_on = while_valid(&count->rule, free_on);
	if (count_is_said(look, count, free_on))
		return;
	reason = refuse(look, &count->rule, REASON_COUNT, code_too_often, free_on);
	if (reason)
		reason->detail = count;
}

/* What is left of a volume within a window; a volume that is not said is the smallest one. */
static void look_at_total(struct look *look, const struct total_rule *total)
{
	const struct eligibility_facts *facts = look->facts;
	int wanted = facts->volume_ml > 0 ? facts->volume_ml : 1, given = 0, left;
	struct eligibility_reason *reason;
	struct date until, free_on = no_end;

	lacks_donations(look, &total->rule);
	for (size_t i = 0; i < facts->ndonations; i++) {
		const struct eligibility_donation *donation = &facts->donations[i];

		if (!component_in(total->of, donation->component) || !still_inside(look, donation, total->window, &until))
			continue;
		if (donation->volume_ml < 0)
			need(look, &total->rule, NEED_DONATION_VOLUMES);
		else
			given += donation->volume_ml;
	}
	left = total->at_most_ml - given;
	limit_volume(look, left);
	if (wanted <= left)
		return;
	/* The day on which enough has left the window; none where it is too much at any time. */
	for (size_t i = 0; i < facts->ndonations && wanted > total->at_most_ml - given; i++)
		if (component_in(total->of, facts->donations[i].component) && facts->donations[i].volume_ml > 0 &&
		    still_inside(look, &facts->donations[i], total->window, &until)) {
			given -= facts->donations[i].volume_ml;
			free_on = until;
		}
	if (wanted > total->at_most_ml)
		free_on = no_end;
	reason = refuse(look, &total->rule, REASON_TOTAL, code_too_much, free_on);
	if (reason) {
		reason->detail = total;
		reason->limit_ml = left > 0 ? left : 0;
	}
}

static void look_at_intervals(struct look *look)
{
	const struct eligibility_rules *rules = look->rules;

	for (size_t i = 0; i < rules->nwaits; i++)
		if (interval_applies(look, &rules->waits[i].rule, rules->waits[i].counts_from))
			look_at_wait(look, &rules->waits[i]);
	for (size_t i = 0; i < rules->ncounts; i++)
		if (interval_applies(look, &rules->counts[i].rule, rules->counts[i].counts_from))
			look_at_count(look, &rules->counts[i]);
	for (size_t i = 0; i < rules->ntotals; i++)
		if (rule_applies(look, &rules->totals[i].rule))
			look_at_total(look, &rules->totals[i]);
}

/* ---- one look ---- */

static bool set_is_valid(const struct eligibility_rules *rules, struct date day)
{
	return date_compare(day, rules->valid_from) >= 0 &&
	       (date_is_none(rules->valid_to) || date_compare(day, rules->valid_to) <= 0);
}

void look_for_sex(struct look *look)
{
	const struct eligibility_rules *rules = look->rules;

	look->max_ml = NO_LIMIT;
	if (!set_is_valid(rules, look->day)) {
		refuse(look, NULL, REASON_NO_RULES, code_no_rules,
		       date_compare(look->day, rules->valid_from) < 0 ? rules->valid_from : no_end);
		return;
	}
	for (size_t i = 0; i < rules->nages; i++)
		if (rule_applies(look, &rules->ages[i].rule))
			look_at_age(look, &rules->ages[i]);
	for (size_t i = 0; i < rules->nlimits; i++)
		if (rule_applies(look, &rules->limits[i].rule))
			look_at_limit(look, &rules->limits[i]);
	look_at_bands(look);
	look_at_conditions(look);
	look_at_deferrals(look);
	look_at_intervals(look);
}
