#include "wire/appointment_wire.h"

#include "base/json_out.h"
#include "base/memory.h"
#include "base/text.h"
#include "domain/round.h"
#include "wire/fields.h"
#include "wire/wire.h"

/* ---- in ---- */

enum { SEATS_MAX = 200, RELEASE_HOURS_MAX = 720, VOLUME_MAX = 5000, UUID_LENGTH = 36, CODE_MAX = 32 };

struct body {
	json_t            *object;
	struct wire_reader reader;
};

static bool body_begin(struct body *body, const char *text, size_t len, struct arena *arena, struct error *err)
{
	body->object = wire_parse_object(text, len, err);
	if (!body->object)
		return false;
	wire_reader_init(&body->reader, body->object, "", arena, err);
	return true;
}

static bool body_end(struct body *body)
{
	bool fine = wire_reader_finish(&body->reader);

	json_decref(body->object);
	return fine;
}

static void read_uuid(struct wire_reader *reader, const char *name, const char **out)
{
	if (wire_text(reader, name, WIRE_OPTIONAL, UUID_LENGTH, out) && !uuid_valid(*out)) {
		error_add_field(reader->err, wire_pointer(reader, name), "invalid_value", "Write an id, as the list gives it.",
				"Hãy ghi id như trong danh sách.");
		*out = NULL;
	}
}

static void read_component(struct wire_reader *reader, struct booking_request *request)
{
	const char *component = NULL;
	int64_t volume;

	if (wire_word(reader, "component", WIRE_OPTIONAL, &component) && !component_parse(component, &request->component))
		wire_fault_choice(reader->err, wire_pointer(reader, "component"), COMPONENT_WORDS);
	if (wire_int(reader, "volume_ml", WIRE_OPTIONAL, 1, VOLUME_MAX, &volume))
		request->volume_ml = (int)volume;
}

static struct booking_request request_of_nothing(void)
{
	return (struct booking_request){ .component = COMPONENT_WHOLE_BLOOD, .volume_ml = -1 };
}

bool booking_read(const char *text, size_t len, struct arena *arena, struct booking_request *request, struct error *err)
{
	struct body body;

	*request = request_of_nothing();
	if (!body_begin(&body, text, len, arena, err))
		return false;
	wire_text(&body.reader, "donor", WIRE_REQUIRED, WIRE_KEY_MAX, &request->donor);
	read_uuid(&body.reader, "slot", &request->slot);
	wire_bool(&body.reader, "wait", WIRE_OPTIONAL, &request->wait);
	read_component(&body.reader, request);
	return body_end(&body);
}

bool seat_name_read(const char *text, size_t len, struct arena *arena, struct booking_request *request, struct error *err)
{
	struct body body;

	*request = request_of_nothing();
	if (!body_begin(&body, text, len, arena, err))
		return false;
	wire_text(&body.reader, "donor", WIRE_REQUIRED, WIRE_KEY_MAX, &request->donor);
	read_component(&body.reader, request);
	return body_end(&body);
}

bool booking_move_read(const char *text, size_t len, struct arena *arena, struct booking_request *request, struct error *err)
{
	struct body body;

	*request = request_of_nothing();
	if (!body_begin(&body, text, len, arena, err))
		return false;
	wire_text(&body.reader, "round", WIRE_OPTIONAL, WIRE_KEY_MAX, &request->round);
	read_uuid(&body.reader, "slot", &request->slot);
	return body_end(&body);
}

bool check_in_read(const char *text, size_t len, struct arena *arena, char code[APPOINTMENT_CODE_SIZE], struct error *err)
{
	const char *typed = NULL;
	struct body body;

	code[0] = '\0';
	if (!body_begin(&body, text, len, arena, err))
		return false;
	if (wire_text(&body.reader, "code", WIRE_REQUIRED, CODE_MAX, &typed)) {
		switch (appointment_code_parse(typed, code)) {
		case APPOINTMENT_CODE_FINE:
			break;
		case APPOINTMENT_CODE_MISTYPED:
			error_add_field(err, "/code", "mistyped", "One character of the code is wrong: ask for it again.",
					"Có một ký tự của mã bị sai: hãy hỏi lại.");
			break;
		default:
			error_add_field(err, "/code", "invalid_value", "A code has five characters, like K7M-4X.",
					"Mã có năm ký tự, như K7M-4X.");
		}
	}
	return body_end(&body);
}

bool group_read(const char *text, size_t len, struct arena *arena, struct group_request *request, struct error *err)
{
	int64_t seats = 0, hours = -1;
	struct body body;

	*request = (struct group_request){ .release_hours = -1 };
	if (!body_begin(&body, text, len, arena, err))
		return false;
	wire_text(&body.reader, "title", WIRE_REQUIRED, WIRE_NAME_MAX, &request->title);
	wire_text(&body.reader, "contact", WIRE_REQUIRED, WIRE_KEY_MAX, &request->contact);
	wire_int(&body.reader, "seats", WIRE_REQUIRED, 1, SEATS_MAX, &seats);
	read_uuid(&body.reader, "slot", &request->slot);
	wire_int(&body.reader, "release_hours", WIRE_OPTIONAL, 0, RELEASE_HOURS_MAX, &hours);
	request->seats = (int)seats;
	request->release_hours = (int)hours;
	return body_end(&body);
}

bool group_release_read(const char *text, size_t len, struct arena *arena, int *seats, struct error *err)
{
	int64_t count = 0;
	struct body body;

	if (!body_begin(&body, text, len, arena, err))
		return false;
	wire_int(&body.reader, "seats", WIRE_REQUIRED, 1, SEATS_MAX, &count);
	*seats = (int)count;
	return body_end(&body);
}

static int read_rule(struct wire_reader *reader, const char *name, int min, int max)
{
	int64_t value = -1;

	wire_int(reader, name, WIRE_OPTIONAL, min, max, &value);
	return (int)value;
}

bool slot_rules_read(const char *text, size_t len, struct arena *arena, struct slot_rules *own, struct error *err)
{
	struct body body;

	if (!body_begin(&body, text, len, arena, err))
		return false;
	own->beds = read_rule(&body.reader, "beds", 1, SLOT_BEDS_MAX);
	own->minutes_per_donor = read_rule(&body.reader, "minutes_per_donor", SLOT_DONOR_MINUTES_MIN, SLOT_DONOR_MINUTES_MAX);
	own->slot_minutes = read_rule(&body.reader, "slot_minutes", SLOT_MINUTES_MIN, SLOT_MINUTES_MAX);
	own->walk_in_percent = read_rule(&body.reader, "walk_in_percent", 0, 100);
	return body_end(&body);
}

/* ---- out ---- */

static void write_minute(struct json_out *out, const char *key, int minute)
{
	char text[6];

	jout_text(out, key, minute_format(minute, text));
}

static void write_hours(struct json_out *out, const struct slot *slot)
{
	write_minute(out, "start", slot->start_minute);
	write_minute(out, "end", slot->end_minute);
}

static void slot_write(struct json_out *out, const struct slot *slot, const struct round *round, struct appointment_now now,
		       bool staff)
{
	bool begun = slot_has_begun(slot, round->from, now.today, now.minute);
	bool over = slot_is_over(slot, round->from, now.today, now.minute);

	jout_object(out, NULL);
	jout_text(out, "id", *slot->id ? slot->id : NULL);
	write_hours(out, slot);
	jout_int(out, "capacity", slot->capacity);
	jout_int(out, "booked", slot->booked);
	jout_int(out, "left", begun ? 0 : slot_left(slot));
	jout_int(out, "walk_in", over ? 0 : slot_left_at_door(slot, begun));
	if (staff)
		jout_bool(out, "stands", slot->stands);
	jout_end(out);
}

void slots_write(struct json_out *out, const char *key, const struct round *round, const struct slot_rules *rules,
		 const struct slot *slots, size_t count, struct appointment_now now, bool staff)
{
	bool given = round->status == ROUND_OPEN || round->status == ROUND_RUNNING;

	jout_object(out, key);
	jout_text(out, "round", round->id);
	jout_text(out, "status", round_status_text(round->status));
	jout_text(out, "time_status", fact_status_text(round->time_status));
	jout_bool(out, "open", given && date_compare(round->from, now.today) >= 0);
	if (rules->beds > 0)
		jout_int(out, "beds", rules->beds);
	else
		jout_null(out, "beds");
	jout_int(out, "minutes_per_donor", rules->minutes_per_donor);
	jout_int(out, "slot_minutes", rules->slot_minutes);
	jout_int(out, "walk_in_percent", rules->walk_in_percent);
	jout_array(out, "items");
	/* One that does not stand any more is shown to those who may help the people in it. */
	for (size_t i = 0; i < count; i++)
		if (slots[i].stands || (staff && slots[i].booked > 0))
			slot_write(out, &slots[i], round, now, staff);
	jout_end(out);
	jout_end(out);
}

static void write_round(struct json_out *out, const struct round *round)
{
	jout_object(out, "round");
	jout_text(out, "id", round->id);
	jout_text(out, "code", round->code);
	jout_text(out, "status", round_status_text(round->status));
	jout_text(out, "status_reason", round->status_reason);
	jout_date(out, "date", round->from);
	jout_end(out);
}

static void write_slot(struct json_out *out, const struct slot *slot)
{
	if (!*slot->id) {
		jout_null(out, "slot");
		return;
	}
	jout_object(out, "slot");
	jout_text(out, "id", slot->id);
	write_hours(out, slot);
	jout_end(out);
}

static void write_donor(struct json_out *out, const struct appointment *appointment)
{
	if (!*appointment->donor_id) {
		jout_null(out, "donor");
		return;
	}
	jout_object(out, "donor");
	jout_text(out, "id", appointment->donor_id);
	jout_text(out, "donor_number", appointment->donor_number);
	if (appointment->donor_name || appointment->unread) {
		jout_text(out, "name", appointment->donor_name);
		if (appointment->birth_year > 0)
			jout_int(out, "birth_year", appointment->birth_year);
		else
			jout_null(out, "birth_year");
	}
	jout_end(out);
}

static void write_verdict(struct json_out *out, const struct appointment *appointment)
{
	if (!appointment->judged) {
		jout_null(out, "verdict");
		return;
	}
	jout_object(out, "verdict");
	jout_text(out, "decision", eligibility_decision_text(appointment->decision));
	jout_text(out, "rule_set", appointment->rule_set);
	jout_end(out);
}

static const char *none_if_empty(const char *text)
{
	return *text ? text : NULL;
}

void appointment_write(struct json_out *out, const char *key, const struct appointment *appointment,
		       const struct round *round)
{
	jout_object(out, key);
	jout_text(out, "id", appointment->id);
	jout_text(out, "code", appointment->code);
	jout_text(out, "state", appointment_state_text(appointment->state));
	jout_text(out, "kind", appointment_kind_text(appointment->kind));
	write_round(out, round);
	write_slot(out, &appointment->slot);
	jout_text(out, "attention", none_if_empty(appointment_attention(appointment, round)));
	jout_text(out, "waits_for", none_if_empty(appointment->wish));
	if (appointment->position > 0)
		jout_int(out, "position", appointment->position);
	else
		jout_null(out, "position");
	write_donor(out, appointment);
	jout_text(out, "group", none_if_empty(appointment->group_id));
	jout_text(out, "component", component_text(appointment->component));
	write_verdict(out, appointment);
	jout_date(out, "told_date", appointment->told_day);
	jout_text(out, "reason", appointment->reason);
	jout_time(out, "created_at", appointment->created_us);
	jout_time(out, "ended_at", appointment->ended_us);
	jout_int(out, "version", appointment->version);
	jout_end(out);
}
