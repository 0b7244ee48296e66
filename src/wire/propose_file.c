#include "wire/plan_wire.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "domain/unit.h"
#include "wire/fields.h"
#include "wire/plan_head.h"
#include "wire/unit_names.h"

/* A plan file that says what is fixed, and asks for dates and places of the rest. */

enum { MAX_PLACES = 128, MAX_ROUNDS = 366, DEFAULT_GAP_DAYS = 84 };

struct places {
	struct propose_place *list;
	const char          **units;
	size_t                count;
};

static void places_alloc(struct places *places, struct arena *arena, size_t count)
{
	places->list = arena_alloc(arena, (count + 1) * sizeof(*places->list));
	places->units = arena_alloc(arena, (count + 1) * sizeof(*places->units));
	places->count = 0;
}

static void place_add(struct places *places, const struct unit *unit, const char *name, int rounds)
{
	places->units[places->count] = unit->id;
	places->list[places->count++] = (struct propose_place){
		.id = unit->id, .name = name ? name : unit->full_name, .rounds = rounds
	};
}

/* One entry {unit, name, rounds}. */
static void read_place(struct wire_reader *reader, const struct unit_map *units, struct date on,
		       struct places *places)
{
	struct unit_names names = { .units = units, .from = on, .to = on, .arena = reader->arena,
				    .err = reader->err };
	const struct unit *unit = NULL;
	const char *typed, *name = NULL;
	int64_t rounds = 1;

	if (wire_text(reader, "unit", WIRE_REQUIRED, WIRE_NAME_MAX, &typed))
		unit = unit_name_find(&names, typed, wire_pointer(reader, "unit"));
	wire_text(reader, "name", WIRE_OPTIONAL, WIRE_NAME_MAX, &name);
	wire_int(reader, "rounds", WIRE_REQUIRED, 1, MAX_ROUNDS, &rounds);
	wire_reader_finish(reader);
	if (unit)
		place_add(places, unit, name, (int)rounds);
}

static void read_places(struct wire_reader *reader, json_t *array, const struct unit_map *units,
			struct date on, struct places *places)
{
	const char *base = wire_pointer(reader, "places");

	places_alloc(places, reader->arena, json_array_size(array));
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *pointer = arena_printf(reader->arena, "%s/%zu", base, i);
		json_t *object = json_array_get(array, i);
		struct wire_reader inner;

		if (!json_is_object(object)) {
			error_add_field(reader->err, pointer, "wrong_type", "An object is expected.",
					"Cần một đối tượng.");
			continue;
		}
		wire_reader_init(&inner, object, pointer, reader->arena, reader->err);
		read_place(&inner, units, on, places);
	}
}

static bool is_default_place(const struct unit *unit, struct date on, bool any_date)
{
	return unit->level == UNIT_DISTRICT && (any_date || unit_valid_on(unit, on));
}

/* The districts of the plan's first day, or the former ones: people still come to the same towns. */
static void default_places(struct arena *arena, const struct unit_map *units, struct date on,
			   struct places *places)
{
	places_alloc(places, arena, unit_count(units));
	for (int any_date = 0; any_date <= 1 && places->count == 0; any_date++)
		for (size_t i = 0; i < unit_count(units); i++)
			if (is_default_place(unit_at(units, i), on, any_date))
				place_add(places, unit_at(units, i), NULL, 1);
}

/* Evenly; what is left over goes to the first ones, one each. */
static void share_rounds(struct places *places, int rounds)
{
	int count = (int)places->count;

	for (int i = 0; i < count; i++) {
		int share = rounds / count + (i < rounds % count);

		places->list[i].rounds = share > 0 ? share : 1;
	}
}

/* The place itself, or what is seated or lies in it on that day. */
static bool belongs_to(const struct unit_map *units, const char *place, const char *host, struct date on)
{
	const struct unit *seats[MAX_PLACES], *unit = unit_by_id(units, place);
	size_t count = unit_seats(units, unit, on, seats, MAX_PLACES);

	for (size_t i = 0; i < count && i < MAX_PLACES; i++)
		if (streq(seats[i]->id, host))
			return true;
	return unit_covers(units, unit, unit_by_id(units, host), on);
}

/* The place that a fixed round's host unit belongs to, or -1. */
static int place_of(const struct round *round, const struct unit_map *units, const struct places *places)
{
	for (size_t u = 0; u < round->nunits; u++)
		for (size_t i = 0; i < places->count; i++)
			if (belongs_to(units, places->units[i], round->units[u].id, round->from))
				return (int)i;
	return -1;
}

static size_t collect_fixed(const struct plan *plan, const struct unit_map *units,
			    const struct places *places, struct propose_fixed *fixed)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->nrounds; i++)
		if (!date_is_none(plan->rounds[i].from))
			fixed[count++] = (struct propose_fixed){
				.ordinal = plan->rounds[i].ordinal,
				.on = plan->rounds[i].from,
				.place = place_of(&plan->rounds[i], units, places),
			};
	return count;
}

/* A month is not fixed enough to keep other rounds off, and too much to be overwritten by a proposed day. */
static void refuse_periods(struct wire_reader *reader, const struct plan *plan)
{
	for (size_t i = 0; i < plan->nrounds; i++)
		if (plan->rounds[i].precision != PRECISION_DAY)
			error_add_field(reader->err, arena_printf(reader->arena, "/rounds/%zu/date", i), "needs_day",
					"Give the day of a fixed round, or leave the round out.",
					"Hãy cho ngày của đợt đã ấn định, hoặc bỏ đợt này.");
}

static void read_minute(struct wire_reader *reader, const char *name, int last, int *minute)
{
	const char *text;
	int found;

	*minute = -1;
	if (!wire_text(reader, name, WIRE_OPTIONAL, WIRE_KEY_MAX, &text))
		return;
	if (minute_parse(text, &found) && found <= last)
		*minute = found;
	else
		error_add_field(reader->err, wire_pointer(reader, name), "invalid_time",
				"Write the hour as HH:MM, such as 07:30.", "Hãy ghi giờ dạng HH:MM, ví dụ 07:30.");
}

static void read_round_defaults(struct wire_reader *reader, struct propose_file *file)
{
	file->target_units = file->capacity = -1;
	read_minute(reader, "start", 1439, &file->start_minute);
	read_minute(reader, "end", 1440, &file->end_minute);
	wire_int_or_clear(reader, "target_units", 0, 100000, &file->target_units);
	wire_int_or_clear(reader, "capacity", 1, 100000, &file->capacity);
	file->status = "draft";
	if (wire_word(reader, "status", WIRE_OPTIONAL, &file->status) &&
	    !streq(file->status, "draft") && !streq(file->status, "announced"))
		wire_fault_choice(reader->err, wire_pointer(reader, "status"), "draft, announced");
}

static void read_request(struct wire_reader *reader, const struct unit_map *units, struct propose_file *file)
{
	struct propose_request *request = &file->request;
	struct propose_fixed *fixed =
		arena_alloc(reader->arena, (file->plan.nrounds + 1) * sizeof(*fixed));
	int64_t rounds = 0, teams = 1, gap = DEFAULT_GAP_DAYS;
	struct places places;
	int placeless = 0;
	json_t *array;

	wire_int(reader, "rounds", WIRE_REQUIRED, 1, MAX_ROUNDS, &rounds);
	wire_int(reader, "teams", WIRE_OPTIONAL, 1, 100, &teams);
	wire_int(reader, "gap_days", WIRE_OPTIONAL, 1, 366, &gap);
	array = wire_array(reader, "places", WIRE_OPTIONAL, MAX_PLACES);
	if (array)
		read_places(reader, array, units, file->plan.from, &places);
	else
		default_places(reader->arena, units, file->plan.from, &places);
	request->nfixed = collect_fixed(&file->plan, units, &places, fixed);
	for (size_t i = 0; i < request->nfixed; i++)
		placeless += fixed[i].place < 0;
	if (!array)
		share_rounds(&places, (int)rounds - placeless);
	request->fixed = fixed;
	request->places = places.list;
	request->nplaces = places.count;
	file->place_units = places.units;
	request->rounds = (int)rounds;
	request->teams = (int)teams;
	request->gap_days = (int)gap;
	request->from = file->plan.from;
	request->to = file->plan.to;
	read_round_defaults(reader, file);
	wire_reader_finish(reader);
}

bool propose_file_read(const char *text, size_t len, const struct unit_map *units, struct arena *arena,
		       struct propose_file *file, struct error *err)
{
	struct wire_reader reader, inner;
	json_t *object = plan_file_parse(text, len, err), *propose;
	bool fine;

	if (!object)
		return false;
	*file = (struct propose_file){ 0 };
	wire_reader_init(&reader, object, "", arena, err);
	plan_head_read(&reader, &file->plan);
	plan_rounds_read(&reader, units, WIRE_OPTIONAL, &file->plan);
	refuse_periods(&reader, &file->plan);
	propose = wire_object(&reader, "propose", WIRE_REQUIRED);
	if (propose) {
		wire_reader_init(&inner, propose, "/propose", arena, err);
		read_request(&inner, units, file);
	}
	fine = wire_reader_finish(&reader);
	json_decref(object);
	return fine;
}

/* ---- rounds that are there already ---- */

static bool counts(const struct plan *plan, const struct round *round)
{
	if (round->status == ROUND_CANCELLED || round->status == ROUND_POSTPONED || (round->demo && !plan->demo))
		return false;
	return !(round->plan_number && streq(round->plan_number, plan->number)) &&
	       !(round->plan_slug && plan->slug && streq(round->plan_slug, plan->slug));
}

static bool is_hosted_at(const struct unit_map *units, const char *place, const struct round *round)
{
	for (size_t u = 0; u < round->nunits; u++)
		if (belongs_to(units, place, round->units[u].id, round->from))
			return true;
	return false;
}

/* A round in two places counts at both; the team's day is one all the same. */
static size_t take_round(const struct propose_file *file, const struct unit_map *units,
			 const struct round *round, bool team, struct propose_taken *out)
{
	struct propose_taken taken = { .on = round->from, .period = round->precision != PRECISION_DAY };
	size_t count = 0;

	for (size_t i = 0; i < file->request.nplaces; i++) {
		if (!is_hosted_at(units, file->place_units[i], round))
			continue;
		out[count] = taken;
		out[count].place = (int)i;
		out[count].team = team && count == 0;
		count++;
	}
	if (team && count == 0) {
		out[count] = taken;
		out[count].place = -1;
		out[count++].team = true;
	}
	return count;
}

void propose_file_take(struct propose_file *file, const struct unit_map *units, const struct round *rounds,
		       size_t count, const char *team, struct arena *arena)
{
	size_t max = file->request.nplaces + 1, cap = 64, ntaken = 0;
	struct propose_taken *taken = arena_alloc(arena, (cap + max) * sizeof(*taken));

	for (size_t i = 0; i < count; i++) {
		const struct round *round = &rounds[i];
		bool own = team && round->team.id && streq(round->team.id, team);

		if (!counts(&file->plan, round))
			continue;
		if (ntaken > cap) {
			struct propose_taken *more = arena_alloc(arena, (cap * 2 + max) * sizeof(*taken));

			memcpy(more, taken, ntaken * sizeof(*taken));
			taken = more;
			cap *= 2;
		}
		ntaken += take_round(file, units, round, own, taken + ntaken);
	}
	file->request.taken = taken;
	file->request.ntaken = ntaken;
}

const char *propose_file_team(const struct propose_file *file)
{
	const char *team = NULL;

	for (size_t i = 0; i < file->plan.nrounds; i++) {
		const char *named = file->plan.rounds[i].team.id;

		if (named && team && !streq(named, team))
			return NULL;
		team = named ? named : team;
	}
	return file->request.teams == 1 ? team : NULL;
}
