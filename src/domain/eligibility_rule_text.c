#include "domain/eligibility_rules.h"

#include "base/buf.h"
#include "base/memory.h"
#include "domain/eligibility_words.h"

/* Rules as sentences: what a doctor holds against the circular. Each number of a rule is in its sentence. */

static const char *in(enum language language, const char *en, const char *vi)
{
	return language == LANGUAGE_VI ? vi : en;
}

/* "whole blood, platelets or plasma"; "any component". */
static void components(struct buf *out, unsigned set, enum language language)
{
	bool first = true;

	if (set == COMPONENTS_ALL) {
		buf_append_text(out, in(language, "any component", "mọi thành phần"));
		return;
	}
	for (int i = 0; i < COMPONENT_COUNT; i++) {
		if (!component_in(set, (enum component)i))
			continue;
		buf_printf(out, "%s%s", first ? "" : set >> (i + 1) ? ", " : in(language, " or ", " hoặc "),
			   component_name((enum component)i, language));
		first = false;
	}
}

/* "Women, first donation, whole blood: "; nothing where the rule is for everybody. */
static void whom(struct buf *out, const struct rule *rule, bool name_components, enum language language)
{
	size_t before = out->len;

	if (rule->sex != DONOR_SEX_UNKNOWN)
		buf_append_text(out, rule->sex == DONOR_FEMALE ? in(language, "women", "nữ") : in(language, "men", "nam"));
	if (rule->first_time != DONORS_ALL)
		buf_printf(out, "%s%s", out->len > before ? ", " : "",
			   rule->first_time == DONORS_FIRST_TIME ? in(language, "first donation", "hiến lần đầu")
								 : in(language, "not the first donation", "đã từng hiến"));
	if (name_components && rule->components != COMPONENTS_ALL) {
		if (out->len > before)
			buf_append_text(out, ", ");
		components(out, rule->components, language);
	}
	if (out->len > before)
		buf_append_text(out, ": ");
}

static void parameter_text(struct buf *out, const struct rule *rule, enum language language)
{
	const struct parameter_value *parameter = container_of(rule, struct parameter_value, rule);

	for (int i = 0; i < PARAMETER_COUNT; i++)
		if (rule->id == eligibility_parameter_name((enum eligibility_parameter)i))
			buf_printf(out, "%s: ",
				   eligibility_parameter_choices((enum eligibility_parameter)i)[parameter->value]);
	buf_append_text(out, parameter->question[language]);
}

static void age_text(struct buf *out, const struct rule *rule, enum language language)
{
	const struct age_rule *age = container_of(rule, struct age_rule, rule);

	whom(out, rule, true, language);
	if (age->from_years >= 0)
		buf_printf(out, in(language, "at least %d years old", "từ đủ %d tuổi"), age->from_years);
	if (age->to_years >= 0)
		buf_printf(out, in(language, "%sat most %d years old", "%skhông quá %d tuổi"), age->from_years >= 0 ? ", " : "",
			   age->to_years);
	buf_append_char(out, '.');
}

static void limit_text(struct buf *out, const struct rule *rule, enum language language)
{
	const struct limit_rule *limit = container_of(rule, struct limit_rule, rule);

	whom(out, rule, true, language);
	words_limit(out, limit, language);
	if (limit->max_age.value > 0) {
		buf_append_text(out, in(language, " Tested within ", " Xét nghiệm trong vòng "));
		words_span(out, limit->max_age, language);
		buf_append_char(out, '.');
	}
}

static void band_text(struct buf *out, const struct rule *rule, enum language language)
{
	const struct band_rule *band = container_of(rule, struct band_rule, rule);

	whom(out, rule, true, language);
	words_range(out, &band->weight, "kg", language);
	buf_append_text(out, ": ");
	if (band->max_ml_per_kg >= 0)
		buf_printf(out, in(language, "at most %d ml per kg", "không quá %d ml/kg"), band->max_ml_per_kg);
	if (band->max_ml_per_kg >= 0 && band->max_ml >= 0)
		buf_append_text(out, in(language, " and ", " và "));
	if (band->max_ml >= 0)
		buf_printf(out, in(language, "at most %d ml", "không quá %d ml"), band->max_ml);
	buf_append_char(out, '.');
}

const char *condition_lasts_name(enum condition_lasts lasts, enum language language)
{
	static const char *const names[CONDITION_LASTS_COUNT][LANGUAGE_COUNT] = {
		[LASTS_WHILE_PRESENT] = { "no donation while it lasts", "không hiến khi còn tình trạng này" },
		[LASTS_FOR_EVER] = { "no donation, for good", "không hiến, vĩnh viễn" },
		[LASTS_TODAY] = { "no donation on that day", "không hiến trong ngày đó" },
	};

	return names[lasts][language];
}

static void condition_text(struct buf *out, const struct rule *rule, enum language language)
{
	const struct condition_rule *condition = container_of(rule, struct condition_rule, rule);

	whom(out, rule, true, language);
	buf_printf(out, "%s: %s.", condition->text[language], condition_lasts_name(condition->lasts, language));
}

const char *counted_from_name(enum counted_from from, enum language language)
{
	static const char *const names[COUNTED_FROM_COUNT][LANGUAGE_COUNT] = {
		[COUNTED_EVENT] = { "the event", "sự kiện" },
		[COUNTED_CURE] = { "the cure", "khi khỏi bệnh" },
		[COUNTED_RECOVERY] = { "full recovery", "khi hồi phục hoàn toàn" },
		[COUNTED_END_OF_COURSE] = { "the end of the course", "khi kết thúc đợt" },
	};

	return names[from][language];
}

static void deferral_text(struct buf *out, const struct rule *rule, enum language language)
{
	const struct deferral_rule *deferral = container_of(rule, struct deferral_rule, rule);

	whom(out, rule, true, language);
	buf_printf(out, "%s: ", deferral->text[language]);
	words_span(out, deferral->wait, language);
	buf_printf(out, in(language, " from %s.", " kể từ %s."), counted_from_name(deferral->counted_from, language));
}

/* Which earlier donation it goes by. */
static void counting(struct buf *out, enum counts_from counts_from, enum language language)
{
	buf_append_text(out, counts_from == FROM_LAST_DONATION
				     ? in(language, " (if given last)", " (nếu là lần hiến gần nhất)")
				     : in(language, " (the last of them, whatever was given since)",
					  " (lần gần nhất trong số đó, dù sau đó đã hiến gì)"));
}

static void wait_text(struct buf *out, const struct rule *rule, enum language language)
{
	const struct wait_rule *wait = container_of(rule, struct wait_rule, rule);

	whom(out, rule, false, language);
	buf_append_text(out, in(language, "After ", "Sau khi hiến "));
	components(out, wait->after, language);
	if (wait->after_volume.has_low || wait->after_volume.has_high) {
		buf_append_text(out, ", ");
		words_range(out, &wait->after_volume, "ml", language);
	}
	counting(out, wait->counts_from, language);
	buf_append_text(out, in(language, ": wait ", ": chờ "));
	words_span(out, wait->wait, language);
	buf_append_text(out, in(language, " before ", " rồi mới hiến "));
	components(out, rule->components, language);
	buf_append_char(out, '.');
}

static void count_text(struct buf *out, const struct rule *rule, enum language language)
{
	const struct count_rule *count = container_of(rule, struct count_rule, rule);

	whom(out, rule, false, language);
	buf_printf(out, in(language, "At most %d times ", "Không quá %d lần "), count->at_most);
	components(out, count->of, language);
	if (count->counts_from == FROM_LAST_DONATION)
		counting(out, count->counts_from, language);
	buf_append_text(out, in(language, " in ", " trong "));
	words_span(out, count->window, language);
	buf_append_text(out, in(language, ", with the new donation of ", ", tính cả lần hiến mới "));
	components(out, rule->components, language);
	buf_append_char(out, '.');
}

static void total_text(struct buf *out, const struct rule *rule, enum language language)
{
	const struct total_rule *total = container_of(rule, struct total_rule, rule);

	whom(out, rule, false, language);
	buf_printf(out, in(language, "At most %d ml of ", "Không quá %d ml "), total->at_most_ml);
	components(out, total->of, language);
	buf_append_text(out, in(language, " in ", " trong "));
	words_span(out, total->window, language);
	buf_append_text(out, in(language, ", with the new donation of ", ", tính cả lần hiến mới "));
	components(out, rule->components, language);
	buf_append_char(out, '.');
}

static void occupation_text(struct buf *out, const struct rule *rule, enum language language)
{
	const struct occupation_rule *occupation = container_of(rule, struct occupation_rule, rule);

	whom(out, rule, true, language);
	buf_printf(out, "%s: ", occupation->text[language]);
	words_span(out, occupation->wait, language);
	buf_append_text(out, in(language, " from the donation to going back to work.", " từ lúc hiến đến khi làm việc trở lại."));
}

static void final_word_text(struct buf *out, const struct rule *rule, enum language language)
{
	buf_append_text(out, rule->note[language]);
}

void eligibility_rule_text(struct buf *out, const struct rule *rule, enum language language)
{
	static void (*const texts[RULE_KIND_COUNT])(struct buf *, const struct rule *, enum language) = {
		[RULE_PARAMETER] = parameter_text, [RULE_AGE] = age_text,             [RULE_LIMIT] = limit_text,
		[RULE_BAND] = band_text,           [RULE_CONDITION] = condition_text, [RULE_DEFERRAL] = deferral_text,
		[RULE_WAIT] = wait_text,           [RULE_COUNT] = count_text,         [RULE_TOTAL] = total_text,
		[RULE_OCCUPATION] = occupation_text, [RULE_FINAL_WORD] = final_word_text,
	};

	texts[rule->kind](out, rule, language);
	if (rule->doctor_may_allow)
		buf_append_text(out, in(language, " A doctor may decide otherwise.", " Bác sĩ có thể quyết định khác."));
	if (rule->kind != RULE_FINAL_WORD && rule->note[language])
		buf_printf(out, " %s", rule->note[language]);
}
