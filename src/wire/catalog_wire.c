#include "wire/catalog_wire.h"

#include <ctype.h>
#include <string.h>

#include "base/error.h"
#include "base/json_out.h"
#include "base/memory.h"
#include "base/text.h"
#include "domain/round.h"
#include "domain/unit.h"
#include "wire/fields.h"
#include "wire/round_fields.h"
#include "wire/unit_names.h"
#include "wire/wire.h"

/* ---- units ---- */

static void texts_write(struct json_out *out, const char *key, const char *const *texts)
{
	jout_array(out, key);
	for (; texts && *texts; texts++)
		jout_text(out, NULL, *texts);
	jout_end(out);
}

void unit_write(struct json_out *out, const char *key, const struct unit *unit)
{
	jout_object(out, key);
	jout_text(out, "id", unit->id);
	jout_text(out, "gso_code", unit->gso_code);
	jout_text(out, "level", unit_level_text(unit->level));
	jout_text(out, "type", unit->type);
	jout_text(out, "name", unit->name);
	jout_text(out, "full_name", unit->full_name);
	texts_write(out, "aliases", unit->aliases);
	jout_text(out, "parent", unit->parent);
	jout_text(out, "district", unit->district);
	jout_date(out, "valid_from", unit->valid_from);
	jout_date(out, "valid_to", unit->valid_to);
	texts_write(out, "predecessors", unit->predecessors);
	texts_write(out, "successors", unit->successors);
	jout_end(out);
}

/* ---- campaigns, venues, teams: out ---- */

static void count_write(struct json_out *out, const char *key, int count)
{
	if (count < 0)
		jout_null(out, key);
	else
		jout_int(out, key, count);
}

static void campaign_write(struct json_out *out, const struct campaign *campaign)
{
	jout_text(out, "id", campaign->id);
	jout_text(out, "slug", campaign->slug);
	jout_text(out, "name", campaign->name);
	jout_text(out, "usual_from", campaign->usual_from);
	jout_text(out, "usual_to", campaign->usual_to);
	jout_text(out, "main_day", campaign->main_day);
	jout_bool(out, "sundays", campaign->sundays);
	jout_text(out, "source", campaign->source);
	jout_array(out, "seasons");
	for (size_t i = 0; i < campaign->nseasons; i++) {
		jout_object(out, NULL);
		jout_text(out, "season", campaign->seasons[i].season);
		jout_date(out, "from", campaign->seasons[i].from);
		jout_date(out, "to", campaign->seasons[i].to);
		jout_date(out, "main_day", campaign->seasons[i].main_day);
		jout_end(out);
	}
	jout_end(out);
	jout_int(out, "version", campaign->version);
}

static void venue_write(struct json_out *out, const struct venue *venue)
{
	const struct named unit = { venue->unit_id, venue->unit_name };

	jout_text(out, "id", venue->id);
	jout_text(out, "name", venue->name);
	named_write(out, "unit", &unit);
	jout_text(out, "address", venue->address);
	count_write(out, "capacity", venue->capacity);
	jout_bool(out, "active", venue->active);
	jout_int(out, "version", venue->version);
}

static void team_write(struct json_out *out, const struct team *team)
{
	jout_text(out, "id", team->id);
	jout_text(out, "code", team->code);
	jout_text(out, "name", team->name);
	jout_text(out, "organisation", team->organisation);
	count_write(out, "beds", team->beds);
	jout_bool(out, "active", team->active);
	jout_int(out, "version", team->version);
}

void catalog_item_write(struct json_out *out, const char *key, const struct catalog_item *item)
{
	jout_object(out, key);
	if (item->kind == CATALOG_CAMPAIGN)
		campaign_write(out, &item->campaign);
	else if (item->kind == CATALOG_VENUE)
		venue_write(out, &item->venue);
	else
		team_write(out, &item->team);
	jout_end(out);
}

/* ---- in ---- */

struct body {
	struct wire_reader     reader;
	bool                   patch;
	const struct unit_map *units;
	struct date            today;
};

/* A text that the thing cannot be without: needed by POST, and never cleared by PATCH. */
static bool read_needed(struct body *body, const char *name, size_t max_length, const char **out)
{
	if (body->patch && !wire_has(&body->reader, name))
		return false;
	return wire_text(&body->reader, name, WIRE_REQUIRED, max_length, out);
}

/* Lower-case letters, digits and single inner '-'. */
static bool slug_valid(const char *text)
{
	char before = '-';

	for (; *text; before = *text++) {
		if (*text == '-' ? before == '-' : !islower((unsigned char)*text) && !isdigit((unsigned char)*text))
			return false;
	}
	return before != '-';
}

static bool month_day_valid(const char *text)
{
	struct date day;
	char whole[DATE_TEXT_SIZE] = "2000-";          /* a leap year */

	if (strlen(text) != 5)
		return false;
	memcpy(whole + 5, text, 6);
	return date_parse(whole, &day);
}

static void read_month_day(struct body *body, const char *name, const char **out)
{
	if (wire_text_or_clear(&body->reader, name, WIRE_KEY_MAX, out) && *out && !month_day_valid(*out))
		error_add_field(body->reader.err, wire_pointer(&body->reader, name), "invalid_date",
				"Write a day of the year as MM-DD, such as 06-14.",
				"Hãy ghi ngày trong năm dạng MM-DD, ví dụ 06-14.");
}

static void campaign_read(struct body *body, struct campaign *campaign)
{
	struct wire_reader *reader = &body->reader;

	if (read_needed(body, "slug", WIRE_KEY_MAX, &campaign->slug) && !slug_valid(campaign->slug))
		error_add_field(reader->err, wire_pointer(reader, "slug"), "invalid_value",
				"Lower-case letters a-z, digits and single hyphens.",
				"Chỉ chữ thường a-z, chữ số và gạch nối đơn.");
	read_needed(body, "name", WIRE_TITLE_MAX, &campaign->name);
	read_month_day(body, "usual_from", &campaign->usual_from);
	read_month_day(body, "usual_to", &campaign->usual_to);
	read_month_day(body, "main_day", &campaign->main_day);
	wire_bool(reader, "sundays", WIRE_OPTIONAL, &campaign->sundays);
	wire_text_or_clear(reader, "source", WIRE_URL_MAX, &campaign->source);
	if (reader->err->code == ERR_NONE && !campaign->usual_from != !campaign->usual_to)
		wire_fault_required(reader->err,
				    wire_pointer(reader, campaign->usual_from ? "usual_to" : "usual_from"));
}

static void venue_unit_read(struct body *body, struct venue *venue)
{
	struct unit_names names = { .units = body->units, .from = body->today, .to = body->today,
				    .arena = body->reader.arena, .err = body->reader.err };
	const struct unit *unit;
	const char *typed, *pointer;

	if (!read_needed(body, "unit", WIRE_NAME_MAX, &typed))
		return;
	pointer = wire_pointer(&body->reader, "unit");
	unit = unit_name_find(&names, typed, pointer);
	if (!unit)
		return;
	if (!unit_valid_on(unit, body->today)) {
		error_add_field(names.err, pointer, "unknown_unit",
				"This unit is not in force today; name the one that is.",
				"Đơn vị này hiện không còn hiệu lực; hãy chọn đơn vị hiện hành.");
		return;
	}
	venue->unit_id = unit->id;
	venue->unit_name = unit->full_name;
}

static void venue_read(struct body *body, struct venue *venue)
{
	if (!body->patch) {
		venue->capacity = -1;
		venue->active = true;
	}
	read_needed(body, "name", WIRE_TITLE_MAX, &venue->name);
	venue_unit_read(body, venue);
	wire_text_or_clear(&body->reader, "address", WIRE_ORGANISER_MAX, &venue->address);
	wire_int_or_clear(&body->reader, "capacity", 1, 100000, &venue->capacity);
	wire_bool(&body->reader, "active", WIRE_OPTIONAL, &venue->active);
}

static bool code_valid(const char *text)
{
	for (const char *p = text; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '-')
			return false;
	return strlen(text) <= 16;
}

static void team_read(struct body *body, struct team *team)
{
	struct wire_reader *reader = &body->reader;

	if (!body->patch) {
		team->beds = -1;
		team->active = true;
	}
	if (read_needed(body, "code", WIRE_KEY_MAX, &team->code) && !code_valid(team->code))
		error_add_field(reader->err, wire_pointer(reader, "code"), "invalid_value",
				"Up to 16 letters A-Z, digits and hyphens.", "Tối đa 16 chữ A-Z, chữ số, gạch nối.");
	read_needed(body, "name", WIRE_TITLE_MAX, &team->name);
	wire_text_or_clear(reader, "organisation", WIRE_TITLE_MAX, &team->organisation);
	wire_int_or_clear(reader, "beds", 1, 1000, &team->beds);
	wire_bool(reader, "active", WIRE_OPTIONAL, &team->active);
}

bool catalog_item_read(const char *text, size_t len, bool patch, const struct unit_map *units,
		       struct date today, struct arena *arena, struct catalog_item *item, struct error *err)
{
	struct body body = { .patch = patch, .units = units, .today = today };
	json_t *object = wire_parse_object(text, len, err);
	bool fine;

	if (!object)
		return false;
	wire_reader_init(&body.reader, object, "", arena, err);
	if (item->kind == CATALOG_CAMPAIGN)
		campaign_read(&body, &item->campaign);
	else if (item->kind == CATALOG_VENUE)
		venue_read(&body, &item->venue);
	else
		team_read(&body, &item->team);
	fine = wire_reader_finish(&body.reader);
	json_decref(object);
	return fine;
}
