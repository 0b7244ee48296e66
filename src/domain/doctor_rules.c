#include "base/buf.h"
#include "base/memory.h"
#include "domain/doctor_checks.h"
#include "domain/eligibility_rules.h"

/*
 * The rules of who may give blood: numbers that nobody has yet seen in the law
 * itself, and questions that the law leaves open. Notes, since no machine can
 * put them right: a person looks into the circular and writes `seen`.
 */

struct listing {
	enum evidence evidence;
	struct buf    ids;
	size_t        count, all;
};

/* The diseases by their codes alone. */
static void list_rule(void *context, const struct rule *rule)
{
	struct listing *listing = context;

	if (rule->kind == RULE_PARAMETER)
		return;
	listing->all++;
	if (rule->evidence != listing->evidence)
		return;
	buf_printf(&listing->ids, "%s%s", listing->count > 0 ? ", " : "", rule->id);
	listing->count++;
}

static void judge_set(const struct doctor_facts *facts, struct finding *finding)
{
	const struct eligibility_rules *rules = facts->rules;
	struct listing seen = { .evidence = EVIDENCE_SEEN };

	if (!rules) {
		for (size_t i = 0; i < facts->rules_error.nfields; i++)
			finding_say(finding, HEALTH_FAILURE, "%s %s%.0s", "%s %.0s%s", facts->rules_error.fields[i].pointer,
				    facts->rules_error.fields[i].detail[LANGUAGE_EN],
				    facts->rules_error.fields[i].detail[LANGUAGE_VI]);
		finding_say(finding, HEALTH_FAILURE, "%s%.0s", "%.0s%s", facts->rules_error.detail[LANGUAGE_EN],
			    facts->rules_error.detail[LANGUAGE_VI]);
		finding_advise(finding, "mend the file, or name another set in eligibility.rules",
			       "hãy sửa tệp, hoặc chọn bộ khác trong eligibility.rules");
		return;
	}
	eligibility_rules_each(rules, list_rule, &seen);
	if (!date_is_none(rules->valid_to) && date_compare(facts->today, rules->valid_to) > 0)
		finding_say(finding, HEALTH_FAILURE, "the rule set %s is no longer valid: everybody is refused",
			    "bộ quy tắc %s đã hết hiệu lực: mọi người đều bị từ chối", rules->id);
	else if (date_compare(facts->today, rules->valid_from) < 0)
		finding_say(finding, HEALTH_FAILURE, "the rule set %s is not yet valid: everybody is refused",
			    "bộ quy tắc %s chưa có hiệu lực: mọi người đều bị từ chối", rules->id);
	if (finding->health == HEALTH_FAILURE) {
		finding_advise(finding, "name the one that is in force in eligibility.rules",
			       "hãy chọn bộ đang có hiệu lực trong eligibility.rules");
	} else {
		finding_say(finding, HEALTH_OK, "%s (%s): %zu of %zu rules were read in the law",
			    "%s (%s): %zu trong %zu quy tắc đã đọc trong văn bản", rules->id, rules->number, seen.count,
			    seen.all);
	}
	buf_release(&seen.ids);
}

static void judge_parameters(const struct doctor_facts *facts, struct finding *finding)
{
	const struct parameter_value *parameters = facts->rules ? facts->rules->parameters : NULL;

	for (int i = 0; parameters && i < PARAMETER_COUNT; i++) {
		const char *name = eligibility_parameter_name((enum eligibility_parameter)i);
		const char *choice = eligibility_parameter_choices((enum eligibility_parameter)i)[parameters[i].value];

		if (parameters[i].rule.evidence != EVIDENCE_SEEN)
			finding_say(finding, HEALTH_NOTE, "%s = %s", "%s = %s", name, choice);
	}
	if (finding->health == HEALTH_NOTE)
		finding_advise(finding, "the law leaves these open: let a doctor decide (giothong eligibility rules --open)",
			       "luật để ngỏ các điểm này: hãy để bác sĩ quyết định (giothong eligibility rules --open)");
	else if (parameters)
		finding_say(finding, HEALTH_OK, "every open question is settled", "mọi điểm để ngỏ đã có lời đáp");
	else
		finding_say(finding, HEALTH_SKIPPED, "there is no rule set to look at", "không có bộ quy tắc để xem");
}

static void judge_evidence(const struct doctor_facts *facts, struct finding *finding, enum evidence evidence,
			   const char *en, const char *vi)
{
	struct listing listing = { .evidence = evidence };

	if (!facts->rules) {
		finding_say(finding, HEALTH_SKIPPED, "there is no rule set to look at", "không có bộ quy tắc để xem");
		return;
	}
	eligibility_rules_each(facts->rules, list_rule, &listing);
	if (listing.count > 0) {
		finding_say(finding, HEALTH_NOTE, "%zu %s%.0s: %s", "%zu %.0s%s: %s", listing.count, en, vi,
			    listing.ids.data);
		finding_advise(finding, "check each number against %s (giothong eligibility rules --open)",
			       "hãy đối chiếu từng con số với %s (giothong eligibility rules --open)",
			       facts->rules->number);
	} else {
		finding_say(finding, HEALTH_OK, "none", "không có");
	}
	buf_release(&listing.ids);
}

static void judge_recalled(const struct doctor_facts *facts, struct finding *finding)
{
	judge_evidence(facts, finding, EVIDENCE_RECALLED, "rules were written down from memory", "quy tắc ghi theo trí nhớ");
}

static void judge_unofficial(const struct doctor_facts *facts, struct finding *finding)
{
	judge_evidence(facts, finding, EVIDENCE_SEEN_UNOFFICIAL, "rules were read only in somebody's words",
		       "quy tắc chỉ đọc qua lời người khác");
}

const struct doctor_check doctor_rule_checks[] = {
	{ "eligibility.rules", NEEDS_SETTINGS, judge_set },
	{ "eligibility.parameters", NEEDS_SETTINGS, judge_parameters },
	{ "eligibility.recalled", NEEDS_SETTINGS, judge_recalled },
	{ "eligibility.unofficial", NEEDS_SETTINGS, judge_unofficial },
	{ 0 }
};
