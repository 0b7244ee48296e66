#include "wire/honour_wire.h"

#include "base/json_out.h"
#include "base/memory.h"
#include "base/uuid.h"
#include "wire/fields.h"
#include "wire/rule_file.h"
#include "wire/wire.h"

/* ---- in ---- */

bool honour_wish_read(const char *body, size_t len, struct date today, struct arena *arena, struct honour_wish *wish,
		      struct error *err)
{
	json_t *object = wire_parse_object(body, len, err);
	struct wire_reader reader;
	bool fine;

	if (!object)
		return false;
	*wish = (struct honour_wish){ .as_of = today };
	wire_reader_init(&reader, object, "", arena, err);
	wire_text(&reader, "donor", WIRE_OPTIONAL, WIRE_KEY_MAX, &wish->donor);
	wire_text(&reader, "family", WIRE_OPTIONAL, WIRE_KEY_MAX, &wish->family);
	wire_text(&reader, "step", WIRE_REQUIRED, RULE_CODE_MAX, &wish->step);
	wire_date(&reader, "as_of", WIRE_OPTIONAL, &wish->as_of);
	fine = wire_reader_finish(&reader);
	json_decref(object);
	if (fine && !wish->donor == !wish->family)
		return error_add_field(err, "/donor", "required", "Name a donor or a family, one of them.",
				       "Ghi một người (donor) hoặc một gia đình (family).");
	if (fine && date_compare(wish->as_of, today) > 0)
		return error_add_field(err, "/as_of", "in_the_future", "This day is still to come.", "Ngày này chưa tới.");
	return fine;
}

bool honour_say_read(const char *body, size_t len, enum honour_verb verb, struct date today, struct arena *arena,
		     struct honour_say *say, struct error *err)
{
	json_t *object = wire_parse_object(body, len, err);
	struct wire_reader reader;
	bool fine;

	if (!object)
		return false;
	*say = (struct honour_say){ 0 };
	if (verb == HONOUR_APPROVE || verb == HONOUR_HAND_OVER)
		say->on = today;
	wire_reader_init(&reader, object, "", arena, err);
	if (wire_word(&reader, "reason", WIRE_OPTIONAL, &say->reason) && !honour_reason_valid(say->reason))
		wire_fault_choice(err, "/reason", HONOUR_REASON_WORDS);
	wire_text(&reader, "document", WIRE_OPTIONAL, WIRE_DOCUMENT_MAX, &say->document);
	if (wire_word(&reader, "given_by", WIRE_OPTIONAL, &say->given_by) && !honour_given_by_valid(say->given_by))
		wire_fault_choice(err, "/given_by", HONOUR_GIVEN_BY_WORDS);
	wire_date(&reader, "on", WIRE_OPTIONAL, &say->on);
	fine = wire_reader_finish(&reader);
	json_decref(object);
	return fine;
}

/* ---- out ---- */

static void events_write(struct json_out *out, const struct honour *honour)
{
	jout_array(out, "events");
	for (size_t i = 0; i < honour->nevents; i++) {
		jout_object(out, NULL);
		jout_text(out, "verb", honour->events[i].verb);
		jout_text(out, "state", honour->events[i].state);
		jout_text(out, "reason", honour->events[i].reason);
		jout_time(out, "at", honour->events[i].at_us);
		jout_end(out);
	}
	jout_end(out);
	jout_array(out, "donations");
	for (int i = 0; honour->donations && i < honour->bar; i++)
		jout_text(out, NULL, honour->donations[i]);
	jout_end(out);
}

void honour_write(struct json_out *out, const char *key, const struct honour *honour, const struct honour_rules *rules,
		  enum language language)
{
	const struct honour_step *step = honour_step(rules, honour->step);

	jout_object(out, key);
	jout_text(out, "id", honour->id);
	jout_text(out, "donor", honour->donor_id);
	jout_text(out, "family", honour->family_id);
	jout_text(out, "donor_number", honour->donor_number);
	jout_text(out, "ladder", honour_ladder_text(honour->ladder));
	jout_text(out, "step", honour->step);
	jout_text(out, "award", step ? step->award[language] : NULL);
	jout_int(out, "at", honour->bar);
	jout_date(out, "as_of", honour->as_of);
	jout_date(out, "reached_on", honour->reached_on);
	jout_text(out, "rules", honour->rules);
	jout_text(out, "state", honour_state_text(honour->state));
	jout_text(out, "reason", honour->reason);
	jout_text(out, "document", honour->document);
	jout_date(out, "approved_on", honour->approved_on);
	jout_date(out, "handed_on", honour->handed_on);
	jout_text(out, "given_by", honour->given_by);
	jout_text(out, "attention", honour->ntwins > 0 ? "twice" : NULL);
	jout_array(out, "also");
	for (size_t i = 0; i < honour->ntwins; i++)
		jout_text(out, NULL, honour->twins[i]);
	jout_end(out);
	if (honour->events)
		events_write(out, honour);
	jout_time(out, "created_at", honour->created_us);
	jout_int(out, "version", honour->version);
	jout_end(out);
}

static void questions_write(struct json_out *out, const struct honour_rules *rules, enum language language)
{
	jout_array(out, "parameters");
	for (size_t i = 0; honour_questions[i].name; i++) {
		const struct question_answer *answer = &rules->answers[i];

		jout_object(out, NULL);
		jout_text(out, "name", honour_questions[i].name);
		jout_text(out, "value", honour_questions[i].choices[answer->value]);
		jout_text(out, "article", answer->article);
		jout_text(out, "evidence", evidence_text(answer->evidence));
		jout_text(out, "question", answer->question[language]);
		jout_end(out);
	}
	jout_end(out);
}

static void step_write(struct json_out *out, const struct honour_step *step, enum language language)
{
	jout_object(out, NULL);
	jout_text(out, "step", step->rule.id);
	jout_text(out, "ladder", honour_ladder_text(step->ladder));
	jout_int(out, "at", step->at);
	if (step->at_mountain > 0)
		jout_int(out, "at_mountain", step->at_mountain);
	else
		jout_null(out, "at_mountain");
	jout_text(out, "award", step->award[language]);
	jout_text(out, "given_by", honour_giver_text(step->given_by));
	jout_text(out, "law", step->rule.law->number);
	jout_text(out, "article", step->rule.article);
	jout_text(out, "evidence", evidence_text(step->rule.evidence));
	jout_date(out, "valid_from", step->rule.from);
	jout_date(out, "valid_to", step->rule.to);
	jout_end(out);
}

void honour_rules_write(struct json_out *out, const char *key, const struct honour_rules *rules, enum language language)
{
	jout_object(out, key);
	jout_text(out, "id", rules->id);
	jout_text(out, "title", rules->title[language]);
	questions_write(out, rules, language);
	jout_array(out, "steps");
	for (size_t i = 0; i < rules->nsteps; i++)
		step_write(out, &rules->steps[i], language);
	jout_end(out);
	jout_end(out);
}
