#include "domain/eligibility_rules.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/text.h"
#include "domain/eligibility_time.h"

/* ---- words ---- */

static const char *const measure_texts[MEASURE_COUNT] = {
	[MEASURE_WEIGHT] = "weight_kg", [MEASURE_SYSTOLIC] = "systolic_mmhg", [MEASURE_DIASTOLIC] = "diastolic_mmhg",
	[MEASURE_PULSE] = "pulse_bpm", [MEASURE_PULSE_REGULAR] = "pulse_regular",
	[MEASURE_HEMOGLOBIN] = "hemoglobin_g_l", [MEASURE_PLATELETS] = "platelets_10e9_l",
	[MEASURE_PROTEIN] = "protein_g_l",
};

static const char *const evidence_texts[EVIDENCE_COUNT] = {
	[EVIDENCE_SEEN] = "seen", [EVIDENCE_SEEN_UNOFFICIAL] = "seen_unofficial", [EVIDENCE_RECALLED] = "recalled",
};

static const char *const span_texts[SPAN_UNIT_COUNT] = {
	[SPAN_HOUR] = "hour", [SPAN_DAY] = "day", [SPAN_WEEK] = "week", [SPAN_MONTH] = "month", [SPAN_YEAR] = "year",
};

static const char *const counted_texts[COUNTED_FROM_COUNT] = {
	[COUNTED_EVENT] = "event", [COUNTED_CURE] = "cure", [COUNTED_RECOVERY] = "full_recovery",
	[COUNTED_END_OF_COURSE] = "end_of_course",
};

static const char *const kind_texts[RULE_KIND_COUNT] = {
	[RULE_PARAMETER] = "parameter", [RULE_AGE] = "age", [RULE_LIMIT] = "limit", [RULE_BAND] = "band",
	[RULE_CONDITION] = "condition", [RULE_DEFERRAL] = "deferral", [RULE_WAIT] = "wait", [RULE_COUNT] = "count",
	[RULE_TOTAL] = "total", [RULE_OCCUPATION] = "occupation", [RULE_FINAL_WORD] = "final_word",
};

static const char *const lasts_texts[CONDITION_LASTS_COUNT] = {
	[LASTS_WHILE_PRESENT] = "while_present", [LASTS_FOR_EVER] = "for_ever", [LASTS_TODAY] = "today",
};

static const char *word(const char *const *words, size_t count, unsigned index)
{
	return index < count ? words[index] : "unknown";
}

static bool find_word(const char *const *words, size_t count, const char *text, unsigned *out)
{
	for (unsigned i = 0; i < count; i++) {
		if (streq(words[i], text)) {
			*out = i;
			return true;
		}
	}
	return false;
}

const char *rule_kind_text(enum rule_kind kind)
{
	return word(kind_texts, ARRAY_SIZE(kind_texts), (unsigned)kind);
}

#define WORDS(name, type, words)							\
	const char *name##_text(type value)						\
	{										\
		return word(words, ARRAY_SIZE(words), (unsigned)value);			\
	}										\
	bool name##_parse(const char *text, type *out)					\
	{										\
		unsigned index;								\
											\
		if (!find_word(words, ARRAY_SIZE(words), text, &index))			\
			return false;							\
		*out = (type)index;							\
		return true;								\
	}

WORDS(eligibility_measure, enum eligibility_measure, measure_texts)
WORDS(evidence, enum evidence, evidence_texts)
WORDS(span_unit, enum span_unit, span_texts)
WORDS(counted_from, enum counted_from, counted_texts)
WORDS(condition_lasts, enum condition_lasts, lasts_texts)

static const char *const offset_choices[] = { "0", "1", NULL };
static const char *const month_choices[] = { "last_day", "first_of_next", NULL };
static const char *const age_choices[] = { "eve_of_next_birthday", "birthday", NULL };
static const char *const leap_choices[] = { "february_28", "march_1", NULL };
static const char *const mixed_choices[] = { "last_and_same_kind", "last_only", "each_kind", NULL };

static const struct {
	const char        *name;
	const char *const *choices;
} parameters[PARAMETER_COUNT] = {
	[PARAMETER_INTERVAL_FIRST_DAY] = { "interval_first_day_offset", offset_choices },
	[PARAMETER_DEFERRAL_FIRST_DAY] = { "deferral_first_day_offset", offset_choices },
	[PARAMETER_MONTH_COUNTING] = { "month_counting", month_choices },
	[PARAMETER_AGE_LAST_DAY] = { "age_last_day", age_choices },
	[PARAMETER_LEAP_BIRTHDAY] = { "leap_day_birthday", leap_choices },
	[PARAMETER_MIXED_DONATIONS] = { "mixed_donations", mixed_choices },
};

const char *eligibility_parameter_name(enum eligibility_parameter parameter)
{
	return (unsigned)parameter < PARAMETER_COUNT ? parameters[parameter].name : "unknown";
}

const char *const *eligibility_parameter_choices(enum eligibility_parameter parameter)
{
	return parameters[(unsigned)parameter < PARAMETER_COUNT ? parameter : 0].choices;
}

/* ---- ranges ---- */

bool range_holds(const struct range *range, int32_t value)
{
	if (range->has_low && (range->low_open ? value <= range->low : value < range->low))
		return false;
	return !range->has_high || !(range->high_open ? value >= range->high : value > range->high);
}

/* `low` ends before `high` begins. */
static bool is_below(const struct range *low, const struct range *high)
{
	if (!low->has_high || !high->has_low)
		return false;
	return low->high < high->low || (low->high == high->low && (low->high_open || high->low_open));
}

bool ranges_are_apart(const struct range *a, const struct range *b)
{
	return is_below(a, b) || is_below(b, a);
}

/* ---- finding ---- */

const struct deferral_rule *eligibility_deferral(const struct eligibility_rules *rules, const char *code)
{
	for (size_t i = 0; code && i < rules->ndeferrals; i++)
		if (streq(rules->deferrals[i].code, code))
			return &rules->deferrals[i];
	return NULL;
}

const struct condition_rule *eligibility_condition(const struct eligibility_rules *rules, const char *code)
{
	for (size_t i = 0; code && i < rules->nconditions; i++)
		if (streq(rules->conditions[i].code, code))
			return &rules->conditions[i];
	return NULL;
}

const struct occupation_rule *eligibility_occupation(const struct eligibility_rules *rules, const char *code)
{
	for (size_t i = 0; code && i < rules->noccupations; i++)
		if (streq(rules->occupations[i].code, code))
			return &rules->occupations[i];
	return NULL;
}

void eligibility_rules_each(const struct eligibility_rules *rules,
			    void (*each)(void *context, const struct rule *rule), void *context)
{
#define EACH(list) \
	for (size_t i = 0; i < rules->n##list; i++) \
		each(context, &rules->list[i].rule)

	for (size_t i = 0; i < PARAMETER_COUNT; i++)
		each(context, &rules->parameters[i].rule);
	EACH(ages);
	EACH(limits);
	EACH(bands);
	EACH(conditions);
	EACH(deferrals);
	EACH(waits);
	EACH(counts);
	EACH(totals);
	EACH(occupations);
	each(context, &rules->final_word);
#undef EACH
}

/* ---- rules that contradict each other ---- */

struct rule_list {
	const struct rule *list[ELIGIBILITY_RULES_MAX * 9 + PARAMETER_COUNT + 1];
	size_t             count;
};

static void collect(void *context, const struct rule *rule)
{
	struct rule_list *all = context;

	if (all->count < ARRAY_SIZE(all->list))
		all->list[all->count++] = rule;
}

static bool rule_fault(struct error *err, const struct rule *rule, const char *member, const char *code, const char *en,
		       const char *vi)
{
	char pointer[96];

	snprintf(pointer, sizeof(pointer), "%s%s", rule->pointer, member);
	return error_add_field(err, pointer, code, "%s%.0s", "%.0s%s", en, vi);
}

static void check_ids(const struct rule_list *all, struct error *err)
{
	for (size_t i = 0; i < all->count; i++)
		for (size_t j = 0; j < i; j++)
			if (streq(all->list[i]->id, all->list[j]->id)) {
				/* The last word has its name from us. */
				bool ours = all->list[i]->kind == RULE_FINAL_WORD;

				rule_fault(err, all->list[ours ? j : i], "", "duplicate",
					   "Another rule has this name; each rule needs a name of its own.",
					   "Đã có quy tắc khác mang tên này; mỗi quy tắc cần một tên riêng.");
				break;
			}
}

static void check_validity(const struct rule_list *all, const struct eligibility_rules *rules, struct error *err)
{
	if (!date_is_none(rules->valid_to) && date_compare(rules->valid_to, rules->valid_from) < 0) {
		error_add_field(err, "/valid_to", "out_of_range", "The rule set ends before it begins.",
				"Bộ quy tắc hết hiệu lực trước khi có hiệu lực.");
		return;
	}
	for (size_t i = 0; i < all->count; i++) {
		const struct rule *rule = all->list[i];

		if (!date_is_none(rule->valid_to) && date_compare(rule->valid_to, rule->valid_from) < 0)
			rule_fault(err, rule, "/valid_to", "out_of_range", "The rule ends before it begins.",
				   "Quy tắc hết hiệu lực trước khi có hiệu lực.");
		else if (date_compare(rule->valid_from, rules->valid_from) < 0)
			rule_fault(err, rule, "/valid_from", "out_of_range", "The rule begins before its rule set.",
				   "Quy tắc có hiệu lực trước cả bộ quy tắc.");
		else if (!date_is_none(rules->valid_to) && date_compare(rule->valid_to, rules->valid_to) > 0)
			rule_fault(err, rule, "/valid_to", "out_of_range", "The rule ends after its rule set.",
				   "Quy tắc hết hiệu lực sau cả bộ quy tắc.");
	}
}

static bool range_is_empty(const struct range *range)
{
	if (!range->has_low || !range->has_high)
		return false;
	return range->high < range->low || (range->high == range->low && (range->low_open || range->high_open));
}

static void check_range(const struct range *range, const struct rule *rule, const char *member, struct error *err)
{
	if (range_is_empty(range))
		rule_fault(err, rule, member, "out_of_range", "The lower limit is above the upper one: nothing is allowed.",
			   "Giới hạn dưới cao hơn giới hạn trên: không giá trị nào hợp lệ.");
}

/* Both may be asked of one and the same donor, if not on one day. */
static bool share_donors(const struct rule *a, const struct rule *b)
{
	if (!(a->components & b->components))
		return false;
	if (a->sex != DONOR_SEX_UNKNOWN && b->sex != DONOR_SEX_UNKNOWN && a->sex != b->sex)
		return false;
	return a->first_time == DONORS_ALL || b->first_time == DONORS_ALL || a->first_time == b->first_time;
}

/* ... and on one day. */
static bool concern_the_same(const struct rule *a, const struct rule *b)
{
	if (!share_donors(a, b))
		return false;
	return (date_is_none(a->valid_to) || date_compare(b->valid_from, a->valid_to) <= 0) &&
	       (date_is_none(b->valid_to) || date_compare(a->valid_from, b->valid_to) <= 0);
}

static struct range years_of(const struct age_rule *age)
{
	return (struct range){ .low = age->from_years, .has_low = age->from_years >= 0,
			       .high = age->to_years, .has_high = age->to_years >= 0 };
}

static void check_ages(const struct eligibility_rules *rules, struct error *err)
{
	for (size_t i = 0; i < rules->nages; i++) {
		const struct age_rule *age = &rules->ages[i];
		struct range years = years_of(age);

		if (range_is_empty(&years)) {
			rule_fault(err, &age->rule, "/to_years", "out_of_range", "The last age is below the first.",
				   "Tuổi tối đa thấp hơn tuổi tối thiểu.");
			continue;
		}
		for (size_t j = 0; j < i; j++) {
			struct range others = years_of(&rules->ages[j]);

			if (concern_the_same(&age->rule, &rules->ages[j].rule) && ranges_are_apart(&years, &others)) {
				rule_fault(err, &age->rule, "", "contradiction", "Another rule leaves no age that both allow.",
					   "Một quy tắc khác khiến không tuổi nào thỏa cả hai.");
				break;
			}
		}
	}
}

static void check_limits(const struct eligibility_rules *rules, struct error *err)
{
	for (size_t i = 0; i < rules->nlimits; i++) {
		const struct limit_rule *limit = &rules->limits[i];

		check_range(&limit->range, &limit->rule, "", err);
		check_range(&limit->volume, &limit->rule, "/when_volume_ml", err);
		/* Two limits of one thing, without any condition, must leave something between them. */
		for (size_t j = 0; j < i; j++) {
			const struct limit_rule *other = &rules->limits[j];

			if (limit->measure == other->measure && concern_the_same(&limit->rule, &other->rule) &&
			    ranges_are_apart(&limit->range, &other->range)) {
				rule_fault(err, &limit->rule, "", "contradiction",
					   "Another limit of the same value leaves nothing that both allow.",
					   "Một giới hạn khác của cùng chỉ số khiến không giá trị nào thỏa cả hai.");
				break;
			}
		}
	}
}

static bool begins_where(const struct band_rule *band, const struct band_rule *before)
{
	return before->weight.has_high && band->weight.has_low && band->weight.low == before->weight.high &&
	       band->weight.low_open != before->weight.high_open;
}

/* Heavier than every other band of the same donors, or another one begins where it ends. */
static bool is_continued(const struct eligibility_rules *rules, const struct band_rule *band)
{
	bool heavier = false;

	if (!band->weight.has_high)
		return true;
	for (size_t i = 0; i < rules->nbands; i++) {
		const struct band_rule *other = &rules->bands[i];

		if (other == band || !concern_the_same(&band->rule, &other->rule))
			continue;
		if (begins_where(other, band))
			return true;
		heavier |= is_below(&band->weight, &other->weight);
	}
	return !heavier;
}

static void check_bands(const struct eligibility_rules *rules, struct error *err)
{
	for (size_t i = 0; i < rules->nbands; i++) {
		const struct band_rule *band = &rules->bands[i];

		check_range(&band->weight, &band->rule, "/weight_kg", err);
		for (size_t j = 0; j < i; j++)
			if (concern_the_same(&band->rule, &rules->bands[j].rule) &&
			    !ranges_are_apart(&band->weight, &rules->bands[j].weight)) {
				rule_fault(err, &band->rule, "/weight_kg", "overlap",
					   "The band overlaps an earlier one: a weight would have two volumes.",
					   "Khoảng cân nặng chồng lên khoảng trước: một cân nặng sẽ có hai thể tích.");
				break;
			}
		if (!is_continued(rules, band))
			rule_fault(err, &band->rule, "/weight_kg", "gap",
				   "Between this band and the next are weights without a volume.",
				   "Giữa khoảng này và khoảng kế tiếp có cân nặng không có thể tích.");
	}
}

static void check_waits(const struct eligibility_rules *rules, struct error *err)
{
	for (size_t i = 0; i < rules->nwaits; i++) {
		const struct wait_rule *wait = &rules->waits[i];

		check_range(&wait->after_volume, &wait->rule, "/after_volume_ml", err);
		for (size_t j = 0; j < i; j++) {
			const struct wait_rule *other = &rules->waits[j];

			if ((wait->after & other->after) && wait->counts_from == other->counts_from &&
			    concern_the_same(&wait->rule, &other->rule) &&
			    !ranges_are_apart(&wait->after_volume, &other->after_volume)) {
				rule_fault(err, &wait->rule, "", "duplicate",
					   "An earlier rule has a wait for the same pair of components.",
					   "Đã có quy tắc về thời gian chờ cho cùng cặp thành phần.");
				break;
			}
		}
	}
}

static void check_codes(const struct eligibility_rules *rules, struct error *err)
{
	for (size_t i = 0; i < rules->nconditions; i++)
		if (eligibility_deferral(rules, rules->conditions[i].code))
			rule_fault(err, &rules->conditions[i].rule, "/code", "duplicate",
				   "A deferral has this code; one code means one thing.",
				   "Đã có lý do trì hoãn mang mã này; một mã chỉ có một nghĩa.");
}

/* ---- rules that follow each other ---- */

static bool is_for_volumes(const struct limit_rule *limit)
{
	return limit->volume.has_low || limit->volume.has_high;
}

/* Whether the one may stand in the place of the other, when that has ended. */
static bool are_of_one_thing(const struct rule *a, const struct rule *b)
{
	if (a->kind != b->kind || !share_donors(a, b))
		return false;
	switch (a->kind) {
	case RULE_AGE:
		return true;
	case RULE_LIMIT: {
		const struct limit_rule *one = container_of(a, struct limit_rule, rule);
		const struct limit_rule *two = container_of(b, struct limit_rule, rule);

		return one->measure == two->measure && is_for_volumes(one) == is_for_volumes(two) &&
		       !ranges_are_apart(&one->volume, &two->volume);
	}
	case RULE_BAND:
		return !ranges_are_apart(&container_of(a, struct band_rule, rule)->weight,
					 &container_of(b, struct band_rule, rule)->weight);
	case RULE_WAIT: {
		const struct wait_rule *one = container_of(a, struct wait_rule, rule);
		const struct wait_rule *two = container_of(b, struct wait_rule, rule);

		return (one->after & two->after) && one->counts_from == two->counts_from &&
		       !ranges_are_apart(&one->after_volume, &two->after_volume);
	}
	case RULE_COUNT: {
		const struct count_rule *one = container_of(a, struct count_rule, rule);
		const struct count_rule *two = container_of(b, struct count_rule, rule);

		return (one->of & two->of) && one->counts_from == two->counts_from;
	}
	case RULE_TOTAL:
		return container_of(a, struct total_rule, rule)->of & container_of(b, struct total_rule, rule)->of;
	default:
		return false;            /* known by codes, of which each stands once */
	}
}

/* The rule that follows one that ended the day before `day`; NULL: none does, or one is valid on that day. */
static const struct rule *comes_too_late(const struct rule_list *all, const struct rule *ended, struct date day)
{
	const struct rule *next = NULL;

	for (size_t i = 0; i < all->count; i++) {
		const struct rule *rule = all->list[i];

		if (rule == ended || !are_of_one_thing(ended, rule) ||
		    (!date_is_none(rule->valid_to) && date_compare(rule->valid_to, day) < 0))
			continue;
		if (date_compare(rule->valid_from, day) <= 0)
			return NULL;
		if (!next || date_compare(rule->valid_from, next->valid_from) < 0)
			next = rule;
	}
	return next;
}

/* A rule may end for good; but days between it and the next one are a slip, on which nobody would wait. */
static void check_succession(const struct rule_list *all, struct error *err)
{
	for (size_t i = 0; i < all->count; i++) {
		struct date day = eligibility_rule_ended(all->list[i]);
		const struct rule *late = date_is_none(day) ? NULL : comes_too_late(all, all->list[i], day);

		if (late)
			rule_fault(err, late, "/valid_from", "gap",
				   "Between the rule before it and this one are days without a rule.",
				   "Giữa quy tắc trước và quy tắc này có những ngày không có quy tắc nào.");
	}
}

bool eligibility_rules_check(const struct eligibility_rules *rules, struct error *err)
{
	struct rule_list *all = xcalloc(1, sizeof(*all));

	eligibility_rules_each(rules, collect, all);
	check_ids(all, err);
	check_validity(all, rules, err);
	check_ages(rules, err);
	check_limits(rules, err);
	check_bands(rules, err);
	check_waits(rules, err);
	check_codes(rules, err);
	check_succession(all, err);
	free(all);
	return err->code == ERR_NONE;
}
