#include "wire/eligibility_wire.h"

#include "base/buf.h"
#include "base/json_out.h"
#include "base/memory.h"
#include "base/text.h"
#include "wire/fields.h"
#include "wire/screening.h"
#include "wire/wire.h"

enum { DONATIONS_MAX = 500, DEFERRALS_MAX = 100, CONDITIONS_MAX = 100, VOLUME_MAX = 5000, CODE_MAX = 60 };

/* ---- facts in ---- */

struct body {
	const struct eligibility_rules *rules;
	struct eligibility_facts       *facts;
	struct arena                   *arena;
	struct error                   *err;
};

static bool read_day(struct wire_reader *reader, const char *name, enum wire_need need, struct date *out)
{
	struct date day;

	if (!wire_date(reader, name, need, &day))
		return false;
	if (day.year < ELIGIBILITY_FIRST_YEAR || day.year > ELIGIBILITY_LAST_YEAR)
		return error_add_field(reader->err, wire_pointer(reader, name), "out_of_range",
				       "A day of the years %d to %d.", "Một ngày trong các năm %d đến %d.", ELIGIBILITY_FIRST_YEAR,
				       ELIGIBILITY_LAST_YEAR);
	*out = day;
	return true;
}

/* What lies after the day that is asked about, or before the donor's birth, is a slip. */
static void read_past_day(struct body *body, struct wire_reader *reader, const char *name, enum wire_need need,
			  struct date *out)
{
	const struct eligibility_facts *facts = body->facts;
	char on[DATE_TEXT_SIZE];

	if (!read_day(reader, name, need, out))
		return;
	if (!date_is_none(facts->on) && date_compare(*out, facts->on) > 0)
		error_add_field(reader->err, wire_pointer(reader, name), "after_on",
				"This is after the day that is asked about, %s.", "Ngày này sau ngày được hỏi, %s.",
				date_format(facts->on, on));
	else if (date_compare(*out, facts->birth_date) < 0)      /* which is the first of them that is read */
		error_add_field(reader->err, wire_pointer(reader, name), "before_birth", "This is before the donor was born.",
				"Ngày này trước khi người hiến ra đời.");
}

static void read_component(struct wire_reader *reader, enum component *out)
{
	const char *text;

	if (wire_word(reader, "component", WIRE_REQUIRED, &text) && !component_parse(text, out))
		wire_fault_choice(reader->err, wire_pointer(reader, "component"), COMPONENT_WORDS);
}

static void read_volume(struct wire_reader *reader, int *out)
{
	int64_t ml;

	if (wire_int(reader, "volume_ml", WIRE_OPTIONAL, 1, VOLUME_MAX, &ml))
		*out = (int)ml;
}

/* An entry of an array as a reader; false: it is no object. */
static bool enter(struct body *body, const char *name, json_t *array, size_t index, struct wire_reader *reader)
{
	const char *pointer = arena_printf(body->arena, "/%s/%zu", name, index);
	json_t *object = json_array_get(array, index);

	if (!json_is_object(object))
		return error_add_field(body->err, pointer, "wrong_type", "An object is expected.", "Cần một đối tượng.");
	wire_reader_init(reader, object, pointer, body->arena, body->err);
	return true;
}

static void read_donations(struct body *body, struct wire_reader *outer)
{
	json_t *array = wire_array(outer, "donations", WIRE_OPTIONAL, DONATIONS_MAX);
	size_t count = json_array_size(array);
	struct eligibility_donation *donations = arena_alloc(body->arena, (count + 1) * sizeof(*donations));
	struct wire_reader reader;

	for (size_t i = 0; i < count; i++) {
		donations[i].volume_ml = -1;
		if (!enter(body, "donations", array, i, &reader))
			continue;
		read_past_day(body, &reader, "on", WIRE_REQUIRED, &donations[i].on);
		read_component(&reader, &donations[i].component);
		read_volume(&reader, &donations[i].volume_ml);
		wire_reader_finish(&reader);
	}
	body->facts->donations = donations;
	body->facts->ndonations = count;
	body->facts->donations_known = array != NULL;
}

static bool fault_code(struct error *err, const char *pointer, const char *list)
{
	return error_add_field(err, pointer, "unknown_code", "The rules have no such code; see %s of GET /api/v1/eligibility/rules.",
			       "Bộ quy tắc không có mã này; xem %s của GET /api/v1/eligibility/rules.", list);
}

static void read_deferrals(struct body *body, struct wire_reader *outer)
{
	json_t *array = wire_array(outer, "deferrals", WIRE_OPTIONAL, DEFERRALS_MAX);
	size_t count = json_array_size(array);
	struct eligibility_deferral *deferrals = arena_alloc(body->arena, (count + 1) * sizeof(*deferrals));
	struct wire_reader reader;

	for (size_t i = 0; i < count; i++) {
		if (!enter(body, "deferrals", array, i, &reader))
			continue;
		if (wire_text(&reader, "code", WIRE_REQUIRED, CODE_MAX, &deferrals[i].code) &&
		    !eligibility_deferral(body->rules, deferrals[i].code))
			fault_code(body->err, wire_pointer(&reader, "code"), "deferrals");
		read_past_day(body, &reader, "from", WIRE_OPTIONAL, &deferrals[i].from);
		wire_reader_finish(&reader);
	}
	body->facts->deferrals = deferrals;
	body->facts->ndeferrals = count;
	body->facts->deferrals_known = array != NULL;
}

static void read_conditions(struct body *body, struct wire_reader *reader)
{
	struct eligibility_facts *facts = body->facts;
	const char **codes;
	size_t count;

	if (!wire_texts(reader, "conditions", WIRE_OPTIONAL, CONDITIONS_MAX, CODE_MAX, &codes, &count))
		return;
	for (size_t i = 0; i < count; i++)
		if (!eligibility_condition(body->rules, codes[i]))
			fault_code(body->err, arena_printf(body->arena, "/conditions/%zu", i), "conditions");
	facts->conditions = codes;
	facts->nconditions = count;
	facts->conditions_known = true;
}

static void read_occupation(struct body *body, struct wire_reader *reader)
{
	if (wire_text(reader, "occupation", WIRE_OPTIONAL, CODE_MAX, &body->facts->occupation) &&
	    !eligibility_occupation(body->rules, body->facts->occupation))
		fault_code(body->err, "/occupation", "occupations");
}

void screening_read(struct wire_reader *outer, struct eligibility_facts *facts)
{
	static const struct {
		enum eligibility_measure measure;
		int                      max;
	} measures[] = {
		{ MEASURE_SYSTOLIC, 400 }, { MEASURE_DIASTOLIC, 300 }, { MEASURE_PULSE, 400 }, { MEASURE_HEMOGLOBIN, 400 },
		{ MEASURE_PLATELETS, 5000 }, { MEASURE_PROTEIN, 300 },
	};
	json_t *object = wire_object(outer, "screening", WIRE_OPTIONAL);
	struct body body = { .facts = facts, .arena = outer->arena, .err = outer->err };
	int32_t *values = facts->measures;
	struct wire_reader reader;
	bool regular;

	if (!object)
		return;
	wire_reader_init(&reader, object, wire_pointer(outer, "screening"), outer->arena, outer->err);
	for (size_t i = 0; i < ARRAY_SIZE(measures); i++)
		wire_thousandths(&reader, eligibility_measure_text(measures[i].measure), WIRE_OPTIONAL, 0,
				 measures[i].max, &values[measures[i].measure]);
	if (wire_bool(&reader, eligibility_measure_text(MEASURE_PULSE_REGULAR), WIRE_OPTIONAL, &regular))
		values[MEASURE_PULSE_REGULAR] = regular ? MEASURE_ONE : 0;
	read_past_day(&body, &reader, "protein_on", WIRE_OPTIONAL, &facts->protein_on);
	wire_reader_finish(&reader);
}

static void read_sex(struct wire_reader *reader, enum donor_sex *out)
{
	const char *text;

	if (wire_word(reader, "sex", WIRE_OPTIONAL, &text) && !donor_sex_parse(text, out))
		wire_fault_choice(reader->err, wire_pointer(reader, "sex"), "female, male");
}

bool eligibility_facts_read(const char *text, size_t len, const struct eligibility_rules *rules, struct arena *arena,
			    struct eligibility_facts *facts, struct error *err)
{
	struct body body = { .rules = rules, .facts = facts, .arena = arena, .err = err };
	json_t *object = wire_parse_object(text, len, err);
	struct wire_reader reader;

	if (!object)
		return false;
	eligibility_facts_init(facts);
	wire_reader_init(&reader, object, "", arena, err);
	read_day(&reader, "on", WIRE_REQUIRED, &facts->on);
	read_component(&reader, &facts->component);
	read_volume(&reader, &facts->volume_ml);
	read_past_day(&body, &reader, "birth_date", WIRE_OPTIONAL, &facts->birth_date);
	read_sex(&reader, &facts->sex);
	wire_thousandths(&reader, "weight_kg", WIRE_OPTIONAL, 0, 500, &facts->measures[MEASURE_WEIGHT]);
	read_donations(&body, &reader);
	read_deferrals(&body, &reader);
	read_conditions(&body, &reader);
	read_occupation(&body, &reader);
	screening_read(&reader, facts);
	wire_reader_finish(&reader);
	json_decref(object);
	return err->code == ERR_NONE;
}

/* ---- verdicts out ---- */

static void write_reason(struct json_out *out, struct buf *text, const struct eligibility_reason *reason,
			 enum language language)
{
	buf_reset(text);
	eligibility_reason_text(text, reason, language);
	jout_object(out, NULL);
	jout_text(out, "code", reason->code);
	jout_text(out, "rule", reason->rule ? reason->rule->id : NULL);
	jout_text(out, "article", reason->rule ? reason->rule->article : NULL);
	jout_date(out, "until", reason->until);
	jout_text(out, "text", text->data);
	jout_end(out);
}

static void write_needs(struct json_out *out, const struct verdict *verdict, enum language language)
{
	jout_array(out, "needs");
	for (size_t i = 0; i < verdict->nneeds; i++)
		jout_text(out, NULL, eligibility_need_name(verdict->needs[i]));
	jout_end(out);
	jout_array(out, "needs_texts");
	for (size_t i = 0; i < verdict->nneeds; i++)
		jout_text(out, NULL, eligibility_need_text(verdict->needs[i], language));
	jout_end(out);
}

static void write_notes(struct json_out *out, struct buf *text, const struct verdict *verdict, enum language language)
{
	jout_array(out, "notes");
	if (verdict->occupation) {
		buf_reset(text);
		eligibility_occupation_text(text, verdict->occupation, language);
		jout_object(out, NULL);
		jout_text(out, "code", verdict->occupation->code);
		jout_text(out, "rule", verdict->occupation->rule.id);
		jout_text(out, "article", verdict->occupation->rule.article);
		jout_text(out, "text", text->data);
		jout_end(out);
	}
	jout_end(out);
}

void verdict_write(struct json_out *out, const char *key, const struct verdict *verdict, enum language language)
{
	struct buf text = { 0 };

	jout_object(out, key);
	jout_bool(out, "eligible", verdict->eligible);
	jout_text(out, "decision", eligibility_decision_text(verdict->decision));
	jout_text(out, "component", component_text(verdict->component));
	jout_date(out, "on", verdict->on);
	jout_date(out, "earliest_on", verdict->earliest_on);
	if (verdict->max_volume_ml >= 0)
		jout_int(out, "max_volume_ml", verdict->max_volume_ml);
	else
		jout_null(out, "max_volume_ml");
	jout_array(out, "reasons");
	for (size_t i = 0; i < verdict->nreasons; i++)
		write_reason(out, &text, &verdict->reasons[i], language);
	jout_end(out);
	write_needs(out, verdict, language);
	write_notes(out, &text, verdict, language);
	jout_text(out, "rule_set", verdict->rules->id);
	jout_bool(out, "advisory", true);
	jout_end(out);
	buf_release(&text);
}
