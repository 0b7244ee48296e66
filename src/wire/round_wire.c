#include "wire/round_wire.h"

#include <string.h>

#include "base/error.h"
#include "base/json_out.h"
#include "base/memory.h"
#include "base/text.h"
#include "wire/fields.h"
#include "wire/round_fields.h"
#include "wire/unit_names.h"

/* ---- out ---- */

static void write_plan(struct json_out *out, const struct round *round)
{
	if (!round->plan_id) {
		jout_null(out, "plan");
		return;
	}
	jout_object(out, "plan");
	jout_text(out, "id", round->plan_id);
	jout_text(out, "slug", round->plan_slug);
	jout_text(out, "number", round->plan_number);
	jout_bool(out, "demo", round->demo);
	jout_end(out);
}

/* With no hours known the day's own bounds stand in; the next midnight ends it. */
static void write_when(struct json_out *out, const struct round *round)
{
	bool day = round->precision == PRECISION_DAY && !date_is_none(round->from);
	int start = round->start_minute >= 0 ? round->start_minute : 0;

	jout_date(out, "date", day ? round->from : (struct date){ 0 });
	jout_object(out, "period");
	jout_date(out, "from", round->from);
	jout_date(out, "to", round->to);
	jout_end(out);
	jout_time(out, "starts_at", day ? date_instant(round->from, start) : INT64_MIN);
	if (!day)
		jout_null(out, "ends_at");
	else if (round->end_minute >= 0 && round->end_minute < 1440)
		jout_time(out, "ends_at", date_instant(round->from, round->end_minute));
	else
		jout_time(out, "ends_at", date_instant(date_add_days(round->from, 1), 0));
	jout_text(out, "date_precision", date_precision_text(round->precision));
}

static void write_venue(struct json_out *out, const struct round *round)
{
	if (!round->venue.id) {
		jout_null(out, "venue");
		return;
	}
	jout_object(out, "venue");
	jout_text(out, "id", round->venue.id);
	jout_text(out, "name", round->venue.name);
	jout_text(out, "address", round->venue_address);
	jout_end(out);
}

static void write_optional_int(struct json_out *out, const char *key, int value)
{
	if (value < 0)
		jout_null(out, key);
	else
		jout_int(out, key, value);
}

static void write_places(struct json_out *out, const struct round *round)
{
	jout_object(out, "places");
	write_optional_int(out, "capacity", round->capacity);
	jout_int(out, "booked", round->booked);
	write_optional_int(out, "left", round_left(round));
	jout_int(out, "walk_in", round_kept(round));
	jout_end(out);
}

void round_write(struct json_out *out, const char *key, const struct round *round)
{
	jout_object(out, key);
	jout_text(out, "id", round->id);
	jout_text(out, "code", round->code);
	write_optional_int(out, "ordinal", round->ordinal > 0 ? round->ordinal : -1);
	write_plan(out, round);
	jout_text(out, "title", round->title);
	write_when(out, round);
	jout_text(out, "date_status", fact_status_text(round->date_status));
	jout_text(out, "time_status", fact_status_text(round->time_status));
	jout_text(out, "place_status", fact_status_text(round->place_status));
	jout_text(out, "status", round_status_text(round->status));
	jout_text(out, "status_reason", round->status_reason);
	jout_text(out, "document", round->document);
	named_list_write(out, "units", round->units, round->nunits);
	write_venue(out, round);
	named_write(out, "team", &round->team);
	jout_text(out, "organiser", round->organiser);
	named_list_write(out, "campaigns", round->campaigns, round->ncampaigns);
	write_optional_int(out, "target_units", round->target_units);
	write_places(out, round);
	result_write(out, "result", round->result);
	jout_date(out, "moved_from", round->moved_from);
	jout_text(out, "note", round->note);
	jout_bool(out, "demo", round->demo);
	jout_int(out, "version", round->version);
	jout_end(out);
}

/* ---- a new round ---- */

enum {
	ALL_FIELDS = ROUND_TITLE | ROUND_DATE | ROUND_TIME | ROUND_UNITS | ROUND_VENUE | ROUND_TEAM |
		     ROUND_ORGANISER | ROUND_CAMPAIGNS | ROUND_TARGET | ROUND_CAPACITY | ROUND_NOTE
};

static void read_new(struct wire_reader *reader, const struct unit_map *units, struct round *round)
{
	unsigned set = round_fields_read(reader, units, ALL_FIELDS, ROUND_FIELDS_PERIODS, round);
	int64_t ordinal;

	if (wire_int(reader, "ordinal", WIRE_OPTIONAL, 1, 366, &ordinal))
		round->ordinal = (int)ordinal;
	if (!(set & ROUND_TITLE))
		wire_fault_required(reader->err, wire_pointer(reader, "title"));
	if (!(set & ROUND_DATE))
		wire_fault_required(reader->err, wire_pointer(reader, "date"));
	if (!(set & ROUND_UNITS))
		wire_fault_required(reader->err, wire_pointer(reader, "units"));
}

/* What a person hands in is a proposal until somebody confirms it. */
static void propose_facts(struct round *round)
{
	round->status = ROUND_DRAFT;
	round->date_status = FACT_PROPOSED;
	round->time_status = round->start_minute >= 0 ? FACT_PROPOSED : FACT_UNKNOWN;
	round->place_status = round->nunits > 0 || round->venue.id ? FACT_PROPOSED : FACT_UNKNOWN;
}

bool round_read(const char *body, size_t len, const struct unit_map *units, struct arena *arena,
		struct round *round, struct error *err)
{
	struct wire_reader reader;
	json_t *object = wire_parse_object(body, len, err);
	bool fine;

	if (!object)
		return false;
	round_init(round);
	wire_reader_init(&reader, object, "", arena, err);
	read_new(&reader, units, round);
	propose_facts(round);
	fine = wire_reader_finish(&reader);
	json_decref(object);
	return fine;
}

/* ---- a step ---- */

/* Whether each verb takes a reason or a document, and which fields; what is not here is refused by name. */
static const struct verb_body {
	unsigned fields;
	bool     reason, document, facts;
} bodies[ROUND_VERB_COUNT] = {
	[ROUND_EDIT]     = { .fields = ALL_FIELDS },
	[ROUND_CONFIRM]  = { .fields = ROUND_DATE | ROUND_TIME | ROUND_UNITS | ROUND_VENUE, .document = true,
			     .facts = true },
	[ROUND_REOPEN]   = { .reason = true },
	[ROUND_POSTPONE] = { .reason = true },
	[ROUND_MOVE]     = { .fields = ROUND_DATE | ROUND_TIME | ROUND_UNITS | ROUND_VENUE | ROUND_TEAM,
			     .reason = true, .document = true },
	[ROUND_CANCEL]   = { .reason = true },
};

/* A value whose fact is not named would change without becoming official, behind everybody's back. */
static void refuse_unnamed(struct wire_reader *reader, const struct round_step *step)
{
	bool fine = (step->confirm_date || !(step->set & ROUND_DATE)) &&
		    (step->confirm_time || !(step->set & ROUND_TIME)) &&
		    (step->confirm_place || !(step->set & (ROUND_UNITS | ROUND_VENUE)));

	if (!fine)
		error_add_field(reader->err, wire_pointer(reader, "facts"), "incomplete",
				"Name every fact whose value is given here, or leave facts out.",
				"Hãy nêu mọi điều có giá trị ở đây, hoặc bỏ facts.");
}

static void read_facts(struct wire_reader *reader, struct round_step *step)
{
	const char **facts;
	size_t count;

	if (!wire_texts(reader, "facts", WIRE_OPTIONAL, 3, WIRE_KEY_MAX, &facts, &count)) {
		/* What is given is meant; nothing given means the date. */
		step->confirm_date = step->set & ROUND_DATE || !step->set;
		step->confirm_time = step->set & ROUND_TIME;
		step->confirm_place = step->set & (ROUND_UNITS | ROUND_VENUE);
		return;
	}
	if (count == 0)
		wire_fault_choice(reader->err, wire_pointer(reader, "facts"), "date, time, place");
	for (size_t i = 0; i < count; i++) {
		if (streq(facts[i], "date"))
			step->confirm_date = true;
		else if (streq(facts[i], "time"))
			step->confirm_time = true;
		else if (streq(facts[i], "place"))
			step->confirm_place = true;
		else
			wire_fault_choice(reader->err,
					  arena_printf(reader->arena, "%s/facts/%zu", reader->pointer, i),
					  "date, time, place");
	}
	refuse_unnamed(reader, step);
}

/* Another date may be beyond the end of a host unit: then those that took its place are host. */
static void carry_units(struct wire_reader *reader, const struct unit_map *units, const struct round *now,
			struct round_step *step)
{
	if (!(step->set & ROUND_DATE) || (step->set & ROUND_UNITS) || date_is_none(step->values.from))
		return;
	if (unit_names_carry(units, now->units, now->nunits, step->values.from, reader->arena,
			     &step->values.units, &step->values.nunits)) {
		step->carried = !(step->set & ROUND_VENUE);  /* a venue in the body is a new place */
		step->set |= ROUND_UNITS | ROUND_VENUE;      /* else the venue stays: values has it */
	}
}

static void read_step(struct wire_reader *reader, const struct unit_map *units, const struct round *now,
		      struct round_step *step)
{
	const struct verb_body *body = &bodies[step->verb];

	step->set = round_fields_read(reader, units, body->fields, 0, &step->values);
	if (body->reason)
		wire_text(reader, "reason", WIRE_REQUIRED, WIRE_REASON_MAX, &step->reason);
	if (body->document)
		wire_text(reader, "document", step->verb == ROUND_CONFIRM ? WIRE_REQUIRED : WIRE_OPTIONAL,
			  WIRE_DOCUMENT_MAX, &step->document);
	if (body->facts)
		read_facts(reader, step);
	carry_units(reader, units, now, step);
}

static bool is_empty(const char *body, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr(" \t\r\n", body[i]) || !body[i])
			return false;
	return true;
}

bool round_step_read(const char *body, size_t len, enum round_verb verb, const struct round *now,
		     const struct unit_map *units, struct arena *arena, struct round_step *step,
		     struct error *err)
{
	struct wire_reader reader;
	json_t *object = is_empty(body, len) ? json_object() : wire_parse_object(body, len, err);
	bool fine;

	if (!object)
		return false;
	*step = (struct round_step){ .verb = verb, .values = *now };
	wire_reader_init(&reader, object, "", arena, err);
	read_step(&reader, units, now, step);
	fine = wire_reader_finish(&reader);
	json_decref(object);
	return fine;
}
