#include "domain/result.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "domain/round.h"

enum { PLACES_MAX = 200 };

enum unit_level result_level(const struct unit_map *map, struct date on)
{
	for (size_t i = 0; i < unit_count(map); i++)
		if (unit_at(map, i)->level == UNIT_DISTRICT && unit_valid_on(unit_at(map, i), on))
			return UNIT_DISTRICT;
	return UNIT_COMMUNE;
}

static void no_figures(struct report *sum)
{
	sum->registered.value = sum->present.value = sum->accepted.value = sum->units.value = sum->ml.value = -1;
}

void result_table_init(struct result_table *table, const struct unit_map *map, struct date on, enum unit_level level, struct arena *arena)
{
	*table = (struct result_table){ .map = map, .on = on, .level = level, .arena = arena };
	no_figures(&table->total.sum);
}

/* ---- where a round was, on the map of that date ---- */

static void add_place(const struct unit **places, size_t *count, const struct unit *unit)
{
	size_t at = 0;

	while (at < *count && strcmp(places[at]->id, unit->id) < 0)
		at++;
	if ((at < *count && streq(places[at]->id, unit->id)) || *count == PLACES_MAX)
		return;
	memmove(&places[at + 1], &places[at], (*count - at) * sizeof(*places));
	places[at] = unit;
	++*count;
}

static void places_of(const struct result_table *table, const struct unit *host, const struct unit **places, size_t *count)
{
	const struct unit *found[PLACES_MAX];
	size_t nfound;

	if (table->level == UNIT_DISTRICT) {
		for (size_t i = 0; i < unit_count(table->map); i++) {
			const struct unit *unit = unit_at(table->map, i);

			if (unit->level == UNIT_DISTRICT && unit_valid_on(unit, table->on) && unit_serves(table->map, unit, host))
				add_place(places, count, unit);
		}
		return;
	}
	nfound = unit_seats(table->map, host, table->on, found, PLACES_MAX);
	for (size_t i = 0; i < nfound && i < PLACES_MAX; i++)
		add_place(places, count, found[i]);
}

static struct result_row *row_of(struct result_table *table, const struct unit *const *places, size_t count)
{
	struct result_row *row;

	for (size_t i = 0; i < table->nrows; i++) {
		row = &table->rows[i];
		if (row->nunits == count && (count == 0 || memcmp(row->units, places, count * sizeof(*places)) == 0))
			return row;
	}
	if (table->nrows == table->max) {
		size_t max = table->max ? 2 * table->max : 32;
		struct result_row *more = arena_alloc(table->arena, max * sizeof(*more));

		if (table->nrows)
			memcpy(more, table->rows, table->nrows * sizeof(*more));
		table->rows = more;
		table->max = max;
	}
	row = &table->rows[table->nrows++];
	*row = (struct result_row){ .nunits = count };
	row->units = arena_alloc(table->arena, (count + 1) * sizeof(*row->units));
	if (count)
		memcpy(row->units, places, count * sizeof(*places));
	no_figures(&row->sum);
	return row;
}

/* ---- sums ---- */

/* `before`: how many rounds with a result were added already. */
static void add_figure(struct figure *sum, const struct figure *figure, int before)
{
	bool whole = before == 0 || sum->value >= 0;

	if (figure->value < 0) {
		if (sum->value >= 0 && sum->qualifier == FIGURE_EXACT)
			sum->qualifier = FIGURE_AT_LEAST;
		return;
	}
	if (sum->value < 0)
		*sum = (struct figure){ .value = 0, .qualifier = whole ? FIGURE_EXACT : FIGURE_AT_LEAST };
	sum->value += figure->value;
	if (figure->qualifier > sum->qualifier)
		sum->qualifier = figure->qualifier;
}

static void add_round(struct result_row *row, const struct report *result)
{
	row->rounds++;
	if (!result)
		return;
	add_figure(&row->sum.registered, &result->registered, row->with_result);
	add_figure(&row->sum.present, &result->present, row->with_result);
	add_figure(&row->sum.accepted, &result->accepted, row->with_result);
	add_figure(&row->sum.units, &result->units, row->with_result);
	add_figure(&row->sum.ml, &result->ml, row->with_result);
	row->with_result++;
}

void result_table_add(struct result_table *table, const struct round *round)
{
	const struct unit *places[PLACES_MAX + 1];
	size_t count = 0;

	for (size_t i = 0; i < round->nunits; i++) {
		const struct unit *host = unit_by_id(table->map, round->units[i].id);

		if (host)
			places_of(table, host, places, &count);
	}
	add_round(row_of(table, places, count), round->result);
	add_round(&table->total, round->result);
}

static int compare_rows(const void *a, const void *b)
{
	const struct result_row *one = a, *two = b;

	for (size_t i = 0; i < one->nunits && i < two->nunits; i++) {
		int order = strcmp(one->units[i]->id, two->units[i]->id);

		if (order)
			return order;
	}
	return (one->nunits > two->nunits) - (one->nunits < two->nunits);
}

void result_table_finish(struct result_table *table)
{
	if (table->nrows > 1)
		qsort(table->rows, table->nrows, sizeof(*table->rows), compare_rows);
}
