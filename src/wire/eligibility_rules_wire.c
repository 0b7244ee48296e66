#include "wire/eligibility_wire.h"

#include <string.h>

#include "base/buf.h"
#include "base/json_out.h"
#include "base/memory.h"

/*
 * The rule set for clients: every code that they may send or get, with its words in both languages, so that a form can be
 * made of it. Nobody's facts are in it.
 */

/* ---- words ---- */

static void write_both(struct json_out *out, const char *key, const char *const text[LANGUAGE_COUNT])
{
	if (!text[LANGUAGE_EN] && !text[LANGUAGE_VI]) {
		jout_null(out, key);
		return;
	}
	jout_object(out, key);
	jout_text(out, "en", text[LANGUAGE_EN]);
	jout_text(out, "vi", text[LANGUAGE_VI]);
	jout_end(out);
}

/* A word of the API and what it is called. */
static void write_named(struct json_out *out, const char *code, const char *en, const char *vi)
{
	const char *const text[LANGUAGE_COUNT] = { [LANGUAGE_EN] = en, [LANGUAGE_VI] = vi };

	jout_object(out, NULL);
	jout_text(out, "code", code);
	write_both(out, "text", text);
	jout_end(out);
}

static void write_span(struct json_out *out, const char *key, struct span span)
{
	jout_object(out, key);
	jout_int(out, "value", span.value);
	jout_text(out, "unit", span_unit_text(span.unit));
	jout_end(out);
}

/* "s5, s11" as two. */
static void write_sources(struct json_out *out, const char *sources)
{
	char id[64];
	size_t len;

	jout_array(out, "sources");
	for (const char *p = sources; *p; p += len) {
		p += strspn(p, ", ");
		len = strcspn(p, ", ");
		if (len == 0 || len >= sizeof(id))
			continue;
		memcpy(id, p, len);
		id[len] = '\0';
		jout_text(out, NULL, id);
	}
	jout_end(out);
}

/* ---- what all rules have ---- */

static void write_whom(struct json_out *out, const struct rule *rule)
{
	static const char *const first_times[] = {
		[DONORS_ALL] = NULL, [DONORS_FIRST_TIME] = "first", [DONORS_REPEAT] = "repeat",
	};

	jout_array(out, "components");
	for (int i = 0; i < COMPONENT_COUNT; i++)
		if (component_in(rule->components, (enum component)i))
			jout_text(out, NULL, component_text((enum component)i));
	jout_end(out);
	jout_text(out, "sex", donor_sex_text(rule->sex));
	jout_text(out, "donors", first_times[rule->first_time]);
}

static void write_evidence(struct json_out *out, const struct rule *rule)
{
	jout_text(out, "rule", rule->id);
	jout_text(out, "article", rule->article);
	jout_text(out, "evidence", evidence_text(rule->evidence));
	write_sources(out, rule->sources);
}

static void write_rule(struct json_out *out, const struct rule *rule)
{
	write_evidence(out, rule);
	write_whom(out, rule);
	jout_date(out, "valid_from", rule->valid_from);
	jout_date(out, "valid_to", rule->valid_to);
	jout_bool(out, "doctor_may_allow", rule->doctor_may_allow);
	write_both(out, "note", rule->note);
}

/* ---- the lists ---- */

static void write_parameters(struct json_out *out, const struct eligibility_rules *rules)
{
	jout_array(out, "parameters");
	for (int i = 0; i < PARAMETER_COUNT; i++) {
		const struct parameter_value *parameter = &rules->parameters[i];
		const char *const *choices = eligibility_parameter_choices((enum eligibility_parameter)i);

		jout_object(out, NULL);
		jout_text(out, "name", eligibility_parameter_name((enum eligibility_parameter)i));
		jout_text(out, "value", choices[parameter->value]);
		jout_array(out, "choices");
		for (; *choices; choices++)
			jout_text(out, NULL, *choices);
		jout_end(out);
		jout_text(out, "article", parameter->rule.article);
		jout_text(out, "evidence", evidence_text(parameter->rule.evidence));
		write_both(out, "question", parameter->question);
		jout_end(out);
	}
	jout_end(out);
}

static void write_deferrals(struct json_out *out, const struct eligibility_rules *rules)
{
	jout_array(out, "deferrals");
	for (size_t i = 0; i < rules->ndeferrals; i++) {
		const struct deferral_rule *deferral = &rules->deferrals[i];

		jout_object(out, NULL);
		jout_text(out, "code", deferral->code);
		write_both(out, "text", deferral->text);
		write_span(out, "wait", deferral->wait);
		jout_text(out, "counted_from", counted_from_text(deferral->counted_from));
		write_rule(out, &deferral->rule);
		jout_end(out);
	}
	jout_end(out);
}

static void write_conditions(struct json_out *out, const struct eligibility_rules *rules)
{
	jout_array(out, "conditions");
	for (size_t i = 0; i < rules->nconditions; i++) {
		const struct condition_rule *condition = &rules->conditions[i];

		jout_object(out, NULL);
		jout_text(out, "code", condition->code);
		write_both(out, "text", condition->text);
		jout_text(out, "lasts", condition_lasts_text(condition->lasts));
		write_rule(out, &condition->rule);
		jout_end(out);
	}
	jout_end(out);
}

static void write_occupations(struct json_out *out, const struct eligibility_rules *rules)
{
	jout_array(out, "occupations");
	for (size_t i = 0; i < rules->noccupations; i++) {
		const struct occupation_rule *occupation = &rules->occupations[i];

		jout_object(out, NULL);
		jout_text(out, "code", occupation->code);
		write_both(out, "text", occupation->text);
		write_span(out, "wait", occupation->wait);
		write_rule(out, &occupation->rule);
		jout_end(out);
	}
	jout_end(out);
}

/* The reasons of rules that have no code of their own; the others give the code of their disease or state. */
static void write_reasons_of(void *context, const struct rule *rule)
{
	struct json_out *out = context;
	const char *codes[ELIGIBILITY_RULE_CODES_MAX];
	struct buf en = { 0 }, vi = { 0 };
	size_t count = eligibility_rule_codes(rule, codes);

	if (rule->kind == RULE_CONDITION || rule->kind == RULE_DEFERRAL)
		return;
	eligibility_rule_text(&en, rule, LANGUAGE_EN);
	eligibility_rule_text(&vi, rule, LANGUAGE_VI);
	for (size_t i = 0; i < count; i++) {
		const char *const text[LANGUAGE_COUNT] = { [LANGUAGE_EN] = en.data, [LANGUAGE_VI] = vi.data };

		jout_object(out, NULL);
		jout_text(out, "code", codes[i]);
		write_both(out, "text", text);
		jout_text(out, "kind", rule_kind_text(rule->kind));
		write_rule(out, rule);
		jout_end(out);
	}
	buf_release(&en);
	buf_release(&vi);
}

static void write_reasons(struct json_out *out, const struct eligibility_rules *rules)
{
	jout_array(out, "reasons");
	eligibility_rules_each(rules, write_reasons_of, out);
	jout_end(out);
	jout_array(out, "general_reasons");
	for (const struct eligibility_general_reason *reason = eligibility_general_reasons(); reason->code; reason++)
		write_named(out, reason->code, reason->text[LANGUAGE_EN], reason->text[LANGUAGE_VI]);
	jout_end(out);
}

/* ---- words that are the same in every set ---- */

static void write_measures(struct json_out *out)
{
	jout_array(out, "measures");
	for (int i = 0; i < MEASURE_COUNT; i++) {
		enum eligibility_measure measure = (enum eligibility_measure)i;
		const char *const text[LANGUAGE_COUNT] = { eligibility_measure_name(measure, LANGUAGE_EN),
							   eligibility_measure_name(measure, LANGUAGE_VI) };
		const char *const unit[LANGUAGE_COUNT] = { eligibility_measure_unit(measure, LANGUAGE_EN),
							   eligibility_measure_unit(measure, LANGUAGE_VI) };

		jout_object(out, NULL);
		jout_text(out, "code", eligibility_measure_text(measure));
		write_both(out, "text", text);
		write_both(out, "unit", unit);
		jout_end(out);
	}
	jout_end(out);
}

static void write_words(struct json_out *out)
{
	jout_array(out, "components");
	for (int i = 0; i < COMPONENT_COUNT; i++)
		write_named(out, component_text((enum component)i), component_name((enum component)i, LANGUAGE_EN),
			    component_name((enum component)i, LANGUAGE_VI));
	jout_end(out);
	write_measures(out);
	jout_array(out, "needs");
	for (int i = 0; i < NEED_COUNT; i++)
		write_named(out, eligibility_need_name((enum eligibility_need)i),
			    eligibility_need_text((enum eligibility_need)i, LANGUAGE_EN),
			    eligibility_need_text((enum eligibility_need)i, LANGUAGE_VI));
	jout_end(out);
	jout_array(out, "counted_from");
	for (int i = 0; i < COUNTED_FROM_COUNT; i++)
		write_named(out, counted_from_text((enum counted_from)i), counted_from_name((enum counted_from)i, LANGUAGE_EN),
			    counted_from_name((enum counted_from)i, LANGUAGE_VI));
	jout_end(out);
	jout_array(out, "lasts");
	for (int i = 0; i < CONDITION_LASTS_COUNT; i++)
		write_named(out, condition_lasts_text((enum condition_lasts)i),
			    condition_lasts_name((enum condition_lasts)i, LANGUAGE_EN),
			    condition_lasts_name((enum condition_lasts)i, LANGUAGE_VI));
	jout_end(out);
}

/* ---- the set ---- */

static void write_head(struct json_out *out, const struct eligibility_rules *rules)
{
	jout_text(out, "id", rules->id);
	jout_text(out, "number", rules->number);
	write_both(out, "title", rules->title);
	jout_text(out, "use", rules->use == USE_PRACTICE ? "practice" : "illustration");
	jout_date(out, "valid_from", rules->valid_from);
	jout_date(out, "valid_to", rules->valid_to);
	write_both(out, "note", rules->note);
	jout_object(out, "final_word");
	write_evidence(out, &rules->final_word);
	write_both(out, "text", rules->final_word.note);
	jout_end(out);
	jout_array(out, "sources");
	for (size_t i = 0; i < rules->nsources; i++) {
		jout_object(out, NULL);
		jout_text(out, "id", rules->sources[i].id);
		jout_text(out, "url", rules->sources[i].url);
		write_both(out, "what", rules->sources[i].what);
		jout_end(out);
	}
	jout_end(out);
}

void eligibility_rules_write(struct json_out *out, const char *key, const struct eligibility_rules *rules)
{
	jout_object(out, key);
	write_head(out, rules);
	write_parameters(out, rules);
	write_deferrals(out, rules);
	write_conditions(out, rules);
	write_occupations(out, rules);
	write_reasons(out, rules);
	write_words(out);
	jout_bool(out, "advisory", true);
	jout_end(out);
}
