#include "wire/round_fields.h"

#include "base/error.h"
#include "base/json_out.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"
#include "wire/fields.h"
#include "wire/unit_names.h"

const char *round_default_title(struct arena *arena, int ordinal)
{
	return arena_printf(arena, "Đợt hiến máu số %d", ordinal);
}

void named_write(struct json_out *out, const char *key, const struct named *named)
{
	if (!named->id) {
		jout_null(out, key);
		return;
	}
	jout_object(out, key);
	jout_text(out, "id", named->id);
	jout_text(out, "name", named->name);
	jout_end(out);
}

void named_list_write(struct json_out *out, const char *key, const struct named *list, size_t count)
{
	jout_array(out, key);
	for (size_t i = 0; i < count; i++)
		named_write(out, NULL, &list[i]);
	jout_end(out);
}

/* ---- the date ---- */

static bool whole_month(struct date from, struct date to)
{
	return from.year == to.year && from.month == to.month && from.day == 1 &&
	       to.day == date_month_length(to.year, to.month);
}

static bool whole_year(struct date from, struct date to)
{
	return from.year == to.year && from.month == 1 && from.day == 1 && to.month == 12 && to.day == 31;
}

static void period_bounds(struct wire_reader *reader, json_t *object, struct round *round)
{
	struct wire_reader period;
	struct date from = { 0 }, to = { 0 };
	bool fine;

	wire_reader_init(&period, object, wire_pointer(reader, "period"), reader->arena, reader->err);
	fine = wire_date(&period, "from", WIRE_REQUIRED, &from);
	fine &= wire_date(&period, "to", WIRE_REQUIRED, &to);
	wire_reader_finish(&period);
	if (!fine)
		return;
	if (round->precision == PRECISION_YEAR ? !whole_year(from, to) : !whole_month(from, to)) {
		error_add_field(reader->err, period.pointer, "invalid_value",
				"The period is one whole month or one whole year, as date_precision says.",
				"Khoảng thời gian phải là trọn một tháng hoặc một năm.");
		return;
	}
	round->from = from;
	round->to = to;
}

static void read_period(struct wire_reader *reader, struct round *round)
{
	json_t *object = wire_object(reader, "period", WIRE_REQUIRED);
	enum date_precision precision = PRECISION_MONTH;
	const char *text;

	if (wire_word(reader, "date_precision", WIRE_REQUIRED, &text) &&
	    (!date_precision_parse(text, &precision) || precision == PRECISION_DAY))
		wire_fault_choice(reader->err, wire_pointer(reader, "date_precision"), "month, year");
	round->precision = precision == PRECISION_DAY ? PRECISION_MONTH : precision;
	if (object)
		period_bounds(reader, object, round);
}

static void read_day(struct wire_reader *reader, struct round *round)
{
	struct date day;

	if (wire_date(reader, "date", WIRE_REQUIRED, &day)) {
		round->from = round->to = day;
		round->precision = PRECISION_DAY;
	}
}

static bool read_date(struct wire_reader *reader, bool periods, struct round *round)
{
	bool day = wire_has(reader, "date");
	bool bounds = periods && wire_has(reader, "period");
	bool precision = periods && wire_has(reader, "date_precision");
	bool period = bounds || precision;

	if (day && period) {
		error_add_field(reader->err, wire_pointer(reader, bounds ? "period" : "date_precision"), "invalid_value",
				"Send either date, or period with date_precision.",
				"Chỉ gửi date, hoặc period cùng date_precision.");
	} else if (period) {
		read_period(reader, round);
	} else if (day) {
		read_day(reader, round);
	}
	return day || period;
}

/* ---- the hours ---- */

static bool read_minute(struct wire_reader *reader, const char *name, int last, int *minute)
{
	const char *text = NULL;
	int found;

	if (!wire_text_or_clear(reader, name, WIRE_KEY_MAX, &text))
		return false;
	*minute = -1;
	if (!text)
		return true;
	if (minute_parse(text, &found) && found <= last)
		*minute = found;
	else
		error_add_field(reader->err, wire_pointer(reader, name), "invalid_time",
				"Write the hour as HH:MM, such as 07:30.", "Hãy ghi giờ dạng HH:MM, ví dụ 07:30.");
	return true;
}

/* ---- the place ---- */

static bool read_units(struct wire_reader *reader, const struct unit_map *units, struct round *round)
{
	struct unit_names names = { .units = units, .from = round->from, .to = round->to, .indexed = true,
				    .arena = reader->arena, .err = reader->err };
	const char **typed;
	size_t count;

	if (!wire_has(reader, "units"))
		return false;
	names.pointer = wire_pointer(reader, "units");
	if (wire_texts(reader, "units", WIRE_REQUIRED, ROUND_MAX_UNITS, WIRE_NAME_MAX, &typed, &count))
		unit_names_resolve(&names, typed, count, &round->units, &round->nunits);
	return true;
}

static bool read_venue(struct wire_reader *reader, bool names, struct round *round)
{
	const char *id;

	if (!wire_text_or_clear(reader, "venue", names ? WIRE_TITLE_MAX : WIRE_KEY_MAX, &id))
		return false;
	if (id && !names && !uuid_valid(id))
		error_add_field(reader->err, wire_pointer(reader, "venue"), "invalid_value",
				"Send the id of a venue; see /api/v1/venues.",
				"Hãy gửi mã của địa điểm; xem /api/v1/venues.");
	round->venue = (struct named){ .id = id };
	round->venue_address = NULL;
	return true;
}

static bool read_team(struct wire_reader *reader, struct round *round)
{
	const char *id;

	if (!wire_text_or_clear(reader, "team", WIRE_KEY_MAX, &id))
		return false;
	round->team = (struct named){ .id = id };
	return true;
}

bool campaigns_read(struct wire_reader *reader, struct named **list, size_t *count)
{
	const char **texts = NULL;
	size_t ntexts = 0;

	if (!wire_has(reader, "campaigns"))
		return false;
	wire_texts(reader, "campaigns", WIRE_OPTIONAL, ROUND_MAX_CAMPAIGNS, WIRE_KEY_MAX, &texts, &ntexts);
	*list = arena_alloc(reader->arena, (ntexts + 1) * sizeof(**list));
	*count = ntexts;
	for (size_t i = 0; i < ntexts; i++)
		(*list)[i].id = texts[i];
	return true;
}

static bool read_title(struct wire_reader *reader, struct round *round)
{
	if (!wire_has(reader, "title"))
		return false;
	wire_text(reader, "title", WIRE_REQUIRED, WIRE_TITLE_MAX, &round->title);
	return true;
}

unsigned round_fields_read(struct wire_reader *reader, const struct unit_map *units, unsigned wanted,
			   unsigned flags, struct round *round)
{
	unsigned set = 0;

	if ((wanted & ROUND_TITLE) && read_title(reader, round))
		set |= ROUND_TITLE;
	if ((wanted & ROUND_DATE) && read_date(reader, flags & ROUND_FIELDS_PERIODS, round))
		set |= ROUND_DATE;
	if ((wanted & ROUND_TIME) && read_minute(reader, "start", 1439, &round->start_minute))
		set |= ROUND_TIME;
	if ((wanted & ROUND_TIME) && read_minute(reader, "end", 1440, &round->end_minute))
		set |= ROUND_TIME;
	if ((wanted & ROUND_UNITS) && read_units(reader, units, round))
		set |= ROUND_UNITS;
	if ((wanted & ROUND_VENUE) && read_venue(reader, flags & ROUND_FIELDS_FILE, round))
		set |= ROUND_VENUE;
	if ((wanted & ROUND_TEAM) && read_team(reader, round))
		set |= ROUND_TEAM;
	if ((wanted & ROUND_ORGANISER) &&
	    wire_text_or_clear(reader, "organiser", WIRE_ORGANISER_MAX, &round->organiser))
		set |= ROUND_ORGANISER;
	if ((wanted & ROUND_CAMPAIGNS) && campaigns_read(reader, &round->campaigns, &round->ncampaigns))
		set |= ROUND_CAMPAIGNS;
	if ((wanted & ROUND_TARGET) &&
	    wire_int_or_clear(reader, "target_units", 0, 100000, &round->target_units))
		set |= ROUND_TARGET;
	if ((wanted & ROUND_CAPACITY) &&
	    wire_int_or_clear(reader, "capacity", 1, 100000, &round->capacity))
		set |= ROUND_CAPACITY;
	if ((wanted & ROUND_NOTE) && wire_text_or_clear(reader, "note", WIRE_NOTE_MAX, &round->note))
		set |= ROUND_NOTE;
	return set;
}
