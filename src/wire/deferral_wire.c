#include "wire/deferral_wire.h"

#include "base/buf.h"
#include "base/json_out.h"
#include "base/memory.h"
#include "wire/fields.h"
#include "wire/wire.h"

/* ---- in ---- */

bool deferral_read(const char *body, size_t len, const struct eligibility_rules *rules, const struct donor *donor,
		   struct date today, struct arena *arena, struct deferral *deferral, struct error *err)
{
	json_t *object = wire_parse_object(body, len, err);
	struct wire_reader reader;
	bool permanent = false, fine;

	if (!object)
		return false;
	*deferral = (struct deferral){ .lifted_us = INT64_MIN, .lift = { .asked_us = INT64_MIN, .decided_us = INT64_MIN } };
	wire_reader_init(&reader, object, "", arena, err);
	wire_text(&reader, "code", WIRE_REQUIRED, DEFERRAL_CODE_MAX, &deferral->code);
	wire_date(&reader, "from", WIRE_OPTIONAL, &deferral->from);
	wire_date(&reader, "until", WIRE_OPTIONAL, &deferral->until);
	wire_bool(&reader, "permanent", WIRE_OPTIONAL, &permanent);
	wire_text(&reader, "note", WIRE_OPTIONAL, DEFERRAL_NOTE_MAX, &deferral->note);
	fine = wire_reader_finish(&reader);
	json_decref(object);
	deferral->ends = permanent ? DEFERRAL_PERMANENT : DEFERRAL_DATED;
	if (!fine || !deferral_check(deferral, rules, donor, today, err))
		return false;
	deferral_reckon(deferral, permanent, rules);
	return true;
}

bool deferral_lift_read(const char *body, size_t len, struct arena *arena, const char **reason, struct error *err)
{
	json_t *object = wire_parse_object(body, len, err);
	struct wire_reader reader;
	bool fine;

	if (!object)
		return false;
	wire_reader_init(&reader, object, "", arena, err);
	wire_text(&reader, "reason", WIRE_REQUIRED, DEFERRAL_REASON_MAX, reason);
	fine = wire_reader_finish(&reader);
	json_decref(object);
	return fine;
}

bool contact_read(const char *body, size_t len, struct arena *arena, bool *contact, struct error *err)
{
	json_t *object = wire_parse_object(body, len, err);
	struct wire_reader reader;
	bool fine;

	if (!object)
		return false;
	wire_reader_init(&reader, object, "", arena, err);
	wire_bool(&reader, "contact", WIRE_REQUIRED, contact);
	fine = wire_reader_finish(&reader);
	json_decref(object);
	return fine;
}

/* ---- out ---- */

static const char *text_of(const struct eligibility_rules *rules, const char *code, enum language language)
{
	const struct deferral_rule *deferral = eligibility_deferral(rules, code);
	const struct condition_rule *condition = eligibility_condition(rules, code);

	if (deferral)
		return deferral->text[language];
	return condition ? condition->text[language] : NULL;
}

static void lift_write(struct json_out *out, const struct deferral_lift *lift)
{
	if (lift->state == LIFT_NONE) {
		jout_null(out, "lift");
		return;
	}
	jout_object(out, "lift");
	jout_text(out, "id", lift->id);
	jout_text(out, "state", lift_state_text(lift->state));
	jout_text(out, "reason", lift->reason);
	jout_time(out, "asked_at", lift->asked_us);
	jout_time(out, "decided_at", lift->decided_us);
	jout_end(out);
}

void deferral_write(struct json_out *out, const char *key, const struct deferral *deferral,
		    const struct eligibility_rules *rules, struct date today, enum language language)
{
	jout_object(out, key);
	jout_text(out, "id", deferral->id);
	jout_text(out, "code", deferral->code);
	jout_text(out, "text", text_of(rules, deferral->code, language));
	jout_date(out, "from", deferral->from);
	jout_date(out, "until", deferral->until);
	jout_text(out, "note", deferral->note);
	jout_text(out, "ends", deferral_ends_text(deferral->ends));
	jout_date(out, "ends_on", deferral->ends_on);
	jout_text(out, "state", deferral_state_text(deferral_state_on(deferral, rules, today)));
	jout_time(out, "recorded_at", deferral->recorded_us);
	jout_time(out, "lifted_at", deferral->lifted_us);
	lift_write(out, &deferral->lift);
	jout_end(out);
}

void verdict_neutral_write(struct json_out *out, const char *key, const struct verdict *verdict,
			   bool contact_facility, enum language language)
{
	struct buf text = { 0 };

	eligibility_neutral_text(&text, verdict, contact_facility, language);
	jout_object(out, key);
	jout_text(out, "decision", eligibility_decision_text(verdict->decision));
	jout_text(out, "component", component_text(verdict->component));
	jout_date(out, "on", verdict->on);
	jout_date(out, "earliest_on", verdict->earliest_on);
	jout_text(out, "text", text.data ? text.data : "");
	jout_bool(out, "contact_facility", contact_facility);
	jout_text(out, "rule_set", verdict->rules->id);
	jout_bool(out, "advisory", true);
	jout_end(out);
	buf_release(&text);
}
