#include "wire/round_wire.h"

#include "base/error.h"
#include "base/json_out.h"
#include "base/memory.h"
#include "base/text.h"
#include "wire/fields.h"
#include "wire/wire.h"

/* Reports of a round: each figure is {value, qualifier}, or null where the source gives none. */

enum { FIGURE_MAX = 100000000 };       /* the rules know better; this bounds what is read */

static void figure_write(struct json_out *out, const char *key, const struct figure *figure)
{
	if (figure->value < 0) {
		jout_null(out, key);
		return;
	}
	jout_object(out, key);
	jout_int(out, "value", figure->value);
	jout_text(out, "qualifier", figure_qualifier_text(figure->qualifier));
	jout_end(out);
}

void figures_write(struct json_out *out, const struct report *report)
{
	figure_write(out, "registered", &report->registered);
	figure_write(out, "present", &report->present);
	figure_write(out, "accepted", &report->accepted);
	figure_write(out, "units", &report->units);
	figure_write(out, "ml", &report->ml);
}

static void members_write(struct json_out *out, const struct report *report)
{
	jout_text(out, "id", report->id[0] ? report->id : NULL);
	jout_text(out, "source", report_source_text(report->source));
	jout_text(out, "source_url", report->source_url);
	jout_date(out, "reported_on", report->reported_on);
	figures_write(out, report);
	jout_text(out, "corrects", report->corrects);
	jout_text(out, "note", report->note);
	jout_time(out, "created_at", report->created_us);
}

void report_write(struct json_out *out, const char *key, const struct report *report)
{
	jout_object(out, key);
	members_write(out, report);
	jout_end(out);
}

void result_write(struct json_out *out, const char *key, const struct report *result)
{
	if (!result) {
		jout_null(out, key);
		return;
	}
	jout_object(out, key);
	members_write(out, result);
	jout_array(out, "parts");
	for (size_t i = 0; i < result->nparts; i++) {
		const struct report_part *part = &result->parts[i];

		jout_object(out, NULL);
		jout_text(out, "component", component_text(part->component));
		jout_int(out, "volume_ml", part->volume_ml);
		jout_text(out, "outcome", donation_outcome_text(part->outcome));
		jout_int(out, "donations", part->donations);
		jout_int(out, "ml", part->donations * part->volume_ml);
		jout_end(out);
	}
	jout_end(out);
	jout_end(out);
}

static void figure_members(struct wire_reader *reader, struct figure *figure)
{
	const char *text;

	wire_int(reader, "value", WIRE_REQUIRED, 0, FIGURE_MAX, &figure->value);
	if (wire_word(reader, "qualifier", WIRE_OPTIONAL, &text) &&
	    !figure_qualifier_parse(text, &figure->qualifier))
		wire_fault_choice(reader->err, wire_pointer(reader, "qualifier"), "exact, at_least, about");
	wire_reader_finish(reader);
}

static void figure_read(struct wire_reader *reader, const char *name, struct figure *figure)
{
	json_t *object = wire_object(reader, name, WIRE_OPTIONAL);
	struct wire_reader inner;

	*figure = (struct figure){ .value = -1, .qualifier = FIGURE_EXACT };
	if (!object)
		return;
	wire_reader_init(&inner, object, wire_pointer(reader, name), reader->arena, reader->err);
	figure_members(&inner, figure);
}

static void source_read(struct wire_reader *reader, struct report *report)
{
	const char *text, *url;

	if (wire_word(reader, "source", WIRE_REQUIRED, &text) &&
	    !report_source_parse(text, &report->source))
		wire_fault_choice(reader->err, wire_pointer(reader, "source"), "team, press, items");
	if (!wire_text(reader, "source_url", WIRE_OPTIONAL, WIRE_URL_MAX, &url))
		return;
	if (text_starts_with(url, "https://") || text_starts_with(url, "http://"))
		report->source_url = url;
	else
		error_add_field(reader->err, wire_pointer(reader, "source_url"), "invalid_value",
				"Send a web address that starts with https:// or http://.",
				"Hãy gửi địa chỉ bắt đầu bằng https:// hoặc http://.");
}

static void corrects_read(struct wire_reader *reader, struct report *report)
{
	if (wire_text(reader, "corrects", WIRE_OPTIONAL, WIRE_KEY_MAX, &report->corrects) &&
	    !uuid_valid(report->corrects))
		error_add_field(reader->err, wire_pointer(reader, "corrects"), "invalid_value",
				"Send the id of the report that this one corrects.",
				"Hãy gửi mã của báo cáo được sửa.");
}

bool report_read(const char *body, size_t len, struct arena *arena, struct report *report, struct error *err)
{
	struct wire_reader reader;
	json_t *object = wire_parse_object(body, len, err);
	bool fine;

	if (!object)
		return false;
	*report = (struct report){ 0 };
	wire_reader_init(&reader, object, "", arena, err);
	source_read(&reader, report);
	wire_date(&reader, "reported_on", WIRE_REQUIRED, &report->reported_on);
	figure_read(&reader, "registered", &report->registered);
	figure_read(&reader, "present", &report->present);
	figure_read(&reader, "accepted", &report->accepted);
	figure_read(&reader, "units", &report->units);
	figure_read(&reader, "ml", &report->ml);
	corrects_read(&reader, report);
	wire_text(&reader, "note", WIRE_OPTIONAL, WIRE_NOTE_MAX, &report->note);
	fine = wire_reader_finish(&reader);
	json_decref(object);
	return fine;
}
