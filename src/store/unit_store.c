#include <stdlib.h>

#include "base/buf.h"
#include "store/catalog_store.h"
#include "store/failure.h"
#include "store/row.h"

/* Units and the calendar: what reference files filled and all threads keep in memory. */

static const struct db_statement units_all = {
	"SELECT id, gso_code, level, type, name, full_name, aliases, parent_id, district_id, valid_from,"
	" valid_to,"
	" ARRAY(SELECT predecessor_id FROM unit_succession WHERE successor_id = unit.id ORDER BY 1),"
	" ARRAY(SELECT successor_id FROM unit_succession WHERE predecessor_id = unit.id ORDER BY 1)"
	" FROM unit ORDER BY id"
};

/* NULL-ended, as struct unit wants it. */
static const char *const *unit_texts(struct arena *arena, const struct db_result *result, int row, int column)
{
	size_t count;
	const char **texts = row_texts(arena, result, row, column, &count);
	const char **ended = arena_alloc(arena, (count + 1) * sizeof(*ended));

	for (size_t i = 0; i < count; i++)
		ended[i] = texts[i];
	return ended;
}

static void unit_add(struct unit_map *map, struct arena *arena, const struct db_result *result, int row)
{
	struct unit unit = {
		.id = db_text(result, row, 0),
		.gso_code = db_text(result, row, 1),
		.type = db_text(result, row, 3),
		.name = db_text(result, row, 4),
		.full_name = db_text(result, row, 5),
		.aliases = unit_texts(arena, result, row, 6),
		.parent = db_text(result, row, 7),
		.district = db_text(result, row, 8),
		.valid_from = row_date(result, row, 9),
		.valid_to = row_date(result, row, 10),
		.predecessors = unit_texts(arena, result, row, 11),
		.successors = unit_texts(arena, result, row, 12),
	};

	(void)unit_level_parse(db_text(result, row, 2), &unit.level);
	unit_map_add(map, &unit);
}

static void unit_load_on_done(struct db_query *query, const struct db_result *result)
{
	struct unit_load *load = container_of(query, struct unit_load, query);
	struct arena arena;

	load->map = NULL;
	if (result_ok(result, &load->error)) {
		arena_init(&arena);
		load->map = unit_map_new();
		for (int row = 0; row < db_rows(result); row++)
			unit_add(load->map, &arena, result, row);
		arena_release(&arena);
		if (!unit_map_finish(load->map, &load->error)) {
			unit_map_free(load->map);
			load->map = NULL;
		}
	}
	load->done(load);
}

void unit_load_send(struct store *store, struct unit_load *load)
{
	query_begin(&load->query, &units_all, DB_READ, unit_load_on_done);
	load->query.urgent = true;       /* until it is here hardly anything is served */
	db_send(store->db, &load->query);
}

/* Two reads, sent together; the second to end calls done(). */

static const struct db_statement holidays_between = {
	"SELECT h.from_day, h.to_day, h.name, c.holidays_known_to, h.evidence IS NOT DISTINCT FROM 'I'"
	" FROM (SELECT max(holidays_known_to) AS holidays_known_to FROM calendar) AS c"
	" LEFT JOIN holiday AS h ON h.from_day <= $2::date AND h.to_day >= $1::date"
	" ORDER BY h.from_day, h.name"
};

/* MM-DD in a year; 02-29 is the month's last day in an ordinary year. */
#define DAY_OF_YEAR(text, year) \
	"LEAST(make_date(" year ", left(" text ", 2)::integer, 1) + right(" text ", 2)::integer - 1," \
	" (make_date(" year ", left(" text ", 2)::integer, 1) + interval '1 month - 1 day')::date)"

/*
 * A campaign's usual dates count in each year in which no known season meets
 * them. A window over New Year ("12-01" to "03-31") belongs to the year in
 * which it begins. A campaign with nothing but a day is a window of one day.
 */
static const struct db_statement campaigns_between = {
	"WITH usual AS ("
	" SELECT c.id, y.year, " DAY_OF_YEAR("coalesce(c.usual_from, c.main_day)", "y.year") " AS from_day,"
	"  " DAY_OF_YEAR("coalesce(c.usual_to, c.main_day)", "y.year +"
			 " (coalesce(c.usual_to, c.main_day) < coalesce(c.usual_from, c.main_day))::integer")
	"  AS to_day, c.main_day"
	"  FROM campaign AS c, generate_series(extract(year FROM $1::date)::integer - 1,"
	"   extract(year FROM $2::date)::integer) AS y (year)"
	"  WHERE coalesce(c.usual_from, c.main_day) IS NOT NULL),"
	" spans AS ("
	" SELECT campaign_id AS id, from_day, to_day, main_day FROM campaign_window"
	" UNION ALL"
	" SELECT u.id, u.from_day, u.to_day, CASE"
	"   WHEN u.main_day IS NULL THEN NULL"
	"   WHEN " DAY_OF_YEAR("u.main_day", "u.year") " BETWEEN u.from_day AND u.to_day"
	"   THEN " DAY_OF_YEAR("u.main_day", "u.year")
	"   WHEN " DAY_OF_YEAR("u.main_day", "u.year + 1") " BETWEEN u.from_day AND u.to_day"
	"   THEN " DAY_OF_YEAR("u.main_day", "u.year + 1") " END"
	"  FROM usual AS u WHERE NOT EXISTS (SELECT FROM campaign_window AS w"
	"   WHERE w.campaign_id = u.id AND w.from_day <= u.to_day AND w.to_day >= u.from_day))"
	" SELECT c.id, c.name, s.from_day, s.to_day, s.main_day, c.sundays"
	" FROM spans AS s JOIN campaign AS c ON c.id = s.id"
	" WHERE s.from_day <= $2::date AND s.to_day >= $1::date ORDER BY s.from_day, c.slug"
};

static void calendar_join(struct calendar_load *load)
{
	if (--load->waiting == 0)
		load->done(load);
}

/* The first of two failures stays. */
static bool calendar_ok(struct calendar_load *load, const struct db_result *result)
{
	struct error error;

	if (result_ok(result, &error))
		return true;
	if (load->error.code == ERR_NONE)
		load->error = error;
	return false;
}

static void holidays_on_done(struct db_query *query, const struct db_result *result)
{
	struct calendar_load *load = container_of(query, struct calendar_load, query);

	if (calendar_ok(load, result)) {
		size_t rows = (size_t)db_rows(result);

		load->holidays_known_to = row_date(result, 0, 3);
		load->nholidays = db_is_null(result, 0, 0) ? 0 : rows;
		load->holidays = arena_alloc(load->arena, (rows + 1) * sizeof(*load->holidays));
		for (size_t i = 0; i < load->nholidays; i++)
			load->holidays[i] = (struct holiday){
				.from = row_date(result, (int)i, 0),
				.to = row_date(result, (int)i, 1),
				.name = row_text(load->arena, result, (int)i, 2),
				.unsure = db_bool(result, (int)i, 4),
			};
	}
	calendar_join(load);
}

static void campaigns_on_done(struct db_query *query, const struct db_result *result)
{
	struct calendar_load *load = container_of(query, struct calendar_load, campaign_query);

	if (calendar_ok(load, result)) {
		load->ncampaigns = (size_t)db_rows(result);
		load->campaigns = arena_alloc(load->arena, (load->ncampaigns + 1) * sizeof(*load->campaigns));
		for (size_t i = 0; i < load->ncampaigns; i++)
			load->campaigns[i] = (struct campaign_window){
				.id = row_text(load->arena, result, (int)i, 0),
				.name = row_text(load->arena, result, (int)i, 1),
				.from = row_date(result, (int)i, 2),
				.to = row_date(result, (int)i, 3),
				.main_day = row_date(result, (int)i, 4),
				.sundays = db_bool(result, (int)i, 5),
			};
	}
	calendar_join(load);
}

void calendar_load_send(struct store *store, struct calendar_load *load)
{
	const char *from = date_format(load->from, load->texts[0]);
	const char *to = date_format(load->to, load->texts[1]);

	error_clear(&load->error);
	load->waiting = 2;
	query_begin(&load->query, &holidays_between, DB_READ, holidays_on_done);
	query_text(&load->query, from);
	query_text(&load->query, to);
	query_begin(&load->campaign_query, &campaigns_between, DB_READ, campaigns_on_done);
	query_text(&load->campaign_query, from);
	query_text(&load->campaign_query, to);
	db_send(store->db, &load->query);
	db_send(store->db, &load->campaign_query);
}
