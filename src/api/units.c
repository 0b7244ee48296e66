#include "api/params.h"
#include "api/places.h"
#include "api/private.h"
#include "api/request.h"
#include "base/text.h"
#include "domain/unit.h"
#include "wire/catalog_wire.h"

/* The register of places, out of memory. */

enum { MAX_FOUND = 200 };

static bool level_word(const char *text, int *value)
{
	enum unit_level level;
	bool known = unit_level_parse(text, &level);

	*value = known ? (int)level : 0;
	return known;
}

static void reply_no_unit(struct request *r)
{
	struct error err;

	error_clear(&err);
	error_set(&err, ERR_NOT_FOUND, "There is no such unit. GET /api/v1/units?q=NAME finds its id.",
		  "Không có đơn vị này. Tìm id bằng /api/v1/units?q=TÊN.");
	request_reply_error(r, &err);
}

static void write_units(struct request *r, const struct unit *const *units, size_t count, const char *next)
{
	struct json_out out;

	request_list_begin(r, &out);
	for (size_t i = 0; i < count; i++)
		unit_write(&out, NULL, units[i]);
	request_list_reply(r, &out, next);
}

/* ---- GET /units ---- */

struct unit_query {
	const char *typed;               /* q */
	struct date on;
	unsigned    levels;
	const char *after;               /* id of the last of the page before */
	int         limit;
};

static bool read_query(struct request *r, struct unit_query *query, struct error *err)
{
	struct params params;

	if (!params_init(&params, r, err))
		return false;
	query->typed = params_text(&params, "q");
	query->on = params_date(&params, "on");
	query->levels = params_words(&params, "level", "province, district, commune", level_word);
	query->after = params_text(&params, "cursor");
	query->limit = params_limit(&params);
	if (query->after && !unit_by_id(api_units(r->api), query->after))
		params_fault(&params, "cursor", "invalid_value", "Use next_cursor of the page before, unchanged.",
			     "Dùng nguyên next_cursor của trang trước.");
	return params_finish(&params);
}

static bool wanted(const struct unit_query *query, const struct unit *unit)
{
	return (date_is_none(query->on) || unit_valid_on(unit, query->on)) &&
	       (query->levels == 0 || query->levels & (1u << unit->level));
}

/* Found by name: best first, all on one page. */
static void list_found(struct request *r, const struct unit_query *query)
{
	const struct unit *found[MAX_FOUND], *kept[MAX_FOUND];
	size_t count = unit_match(api_units(r->api), query->typed, query->on, found, MAX_FOUND);
	size_t nkept = 0;

	for (size_t i = 0; i < count && i < MAX_FOUND; i++)
		if (wanted(query, found[i]))
			kept[nkept++] = found[i];
	write_units(r, kept, nkept, NULL);
}

static void list_all(struct request *r, const struct unit_query *query)
{
	const struct unit_map *map = api_units(r->api);
	const struct unit **page = arena_alloc(r->arena, (size_t)query->limit * sizeof(*page));
	size_t count = 0, i = 0;

	if (query->after) {
		while (i < unit_count(map) && !streq(unit_at(map, i)->id, query->after))
			i++;
		i++;
	}
	for (; i < unit_count(map); i++) {
		const struct unit *unit = unit_at(map, i);

		if (!wanted(query, unit))
			continue;
		if (count == (size_t)query->limit)
			break;
		page[count++] = unit;
	}
	write_units(r, page, count, i < unit_count(map) ? page[count - 1]->id : NULL);
}

static void list_with_units(struct request *r)
{
	struct unit_query query;
	struct error err;

	if (!read_query(r, &query, &err))
		request_reply_error(r, &err);
	else if (query.typed)
		list_found(r, &query);
	else
		list_all(r, &query);
}

static void list_start(struct request *r)
{
	request_with_units(r, list_with_units);
}

/* ---- one unit ---- */

static void get_with_units(struct request *r)
{
	const struct unit *unit = unit_by_id(api_units(r->api), request_param(r, "id"));
	struct buf *buf = api_scratch(r->api);
	struct json_out out = { .buf = buf };

	if (!unit) {
		reply_no_unit(r);
		return;
	}
	unit_write(&out, NULL, unit);
	request_reply_json(r, 200, buf, NULL);
}

static void get_start(struct request *r)
{
	request_with_units(r, get_with_units);
}

static void as_of_with_units(struct request *r)
{
	const struct unit *unit = unit_by_id(api_units(r->api), request_param(r, "id"));
	const struct unit *found[MAX_FOUND];
	struct params params;
	struct error err;
	struct date on;

	if (!unit) {
		reply_no_unit(r);
		return;
	}
	if (!params_init(&params, r, &err)) {
		request_reply_error(r, &err);
		return;
	}
	on = params_date(&params, "on");
	if (!params_finish(&params)) {
		request_reply_error(r, &err);
		return;
	}
	if (date_is_none(on))
		on = r->today;
	size_t count = unit_as_of(api_units(r->api), unit, on, found, MAX_FOUND);

	write_units(r, found, count < MAX_FOUND ? count : MAX_FOUND, NULL);
}

static void as_of_start(struct request *r)
{
	request_with_units(r, as_of_with_units);
}

const struct route unit_routes[] = {
	{ HTTP_GET_, "/api/v1/units", AREA_ROUNDS, ACCESS_READ, list_start, ROUTE_CACHED, 0 },
	{ HTTP_GET_, "/api/v1/units/{id}", AREA_ROUNDS, ACCESS_READ, get_start, ROUTE_CACHED, 0 },
	{ HTTP_GET_, "/api/v1/units/{id}/as_of", AREA_ROUNDS, ACCESS_READ, as_of_start, ROUTE_CACHED, 0 },
	{ 0 }
};
