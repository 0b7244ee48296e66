/* Results by the former districts and by the communes of today, over the real units of the province. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/text.h"
#include "domain/result.h"
#include "domain/round.h"
#include "lai_chau_units.h"

#define OLD { 2025, 6, 30 }
#define NEW { 2025, 7, 1 }

static struct unit_map *map;

static int load(void **state)
{
	(void)state;
	map = test_units();
	return 0;
}

static int unload(void **state)
{
	(void)state;
	unit_map_free(map);
	return 0;
}

static const struct unit *named(const char *name, struct date on)
{
	const struct unit *found[8];

	assert_true(unit_match(map, name, on, found, 8) > 0);
	return found[0];
}

/* A round at a place of its own day. */
static void add(struct result_table *table, const char *place, struct date on, int64_t units)
{
	struct named host = { .id = named(place, on)->id };
	struct report result = { .registered = { -1, FIGURE_EXACT }, .present = { -1, FIGURE_EXACT }, .accepted = { -1, FIGURE_EXACT },
				 .units = { units, FIGURE_EXACT }, .ml = { -1, FIGURE_EXACT } };
	struct round round = { .units = &host, .nunits = 1, .result = units < 0 ? NULL : &result };

	result_table_add(table, &round);
}

static const struct result_row *row(const struct result_table *table, const char *name)
{
	for (size_t i = 0; i < table->nrows; i++)
		if (table->rows[i].nunits == 1 && streq(table->rows[i].units[0]->full_name, name))
			return &table->rows[i];
	return NULL;
}

static void test_by_former_district(void **state)
{
	struct result_table table;
	struct arena arena;

	(void)state;
	arena_init(&arena);
	assert_int_equal(result_level(map, (struct date)OLD), UNIT_DISTRICT);
	result_table_init(&table, map, (struct date)OLD, UNIT_DISTRICT, &arena);
	add(&table, "Huyện Than Uyên", (struct date)OLD, 100);
	add(&table, "Xã Mường Than", (struct date)NEW, 20);          /* of today, seated there */
	add(&table, "Xã Than Uyên", (struct date)NEW, 3);
	add(&table, "Huyện Sìn Hồ", (struct date)OLD, 50);
	add(&table, "Huyện Sìn Hồ", (struct date)OLD, -1);
	result_table_finish(&table);
	assert_int_equal(table.nrows, 2);
	assert_int_equal(row(&table, "Huyện Than Uyên")->sum.units.value, 123);
	assert_int_equal(row(&table, "Huyện Than Uyên")->rounds, 3);
	assert_int_equal(row(&table, "Huyện Sìn Hồ")->sum.units.value, 50);
	assert_int_equal(row(&table, "Huyện Sìn Hồ")->rounds, 2);
	assert_int_equal(row(&table, "Huyện Sìn Hồ")->with_result, 1);
	assert_int_equal(table.total.sum.units.value, 173);
	assert_int_equal(table.total.sum.ml.value, -1);
	arena_release(&arena);
}

static void test_by_commune_of_today(void **state)
{
	struct result_table table;
	struct arena arena;
	int64_t sum = 0;

	(void)state;
	arena_init(&arena);
	assert_int_equal(result_level(map, (struct date)NEW), UNIT_COMMUNE);
	result_table_init(&table, map, (struct date)NEW, UNIT_COMMUNE, &arena);
	add(&table, "Xã Mường Than", (struct date)NEW, 20);
	add(&table, "Xã Mường Than", (struct date)NEW, 7);
	add(&table, "Huyện Than Uyên", (struct date)OLD, 100);       /* a whole district: all communes that are seated there */
	add(&table, "Huyện Than Uyên", (struct date)OLD, 11);
	result_table_finish(&table);
	assert_int_equal(table.nrows, 2);
	assert_int_equal(row(&table, "Xã Mường Than")->sum.units.value, 27);
	for (size_t i = 0; i < table.nrows; i++) {
		sum += table.rows[i].sum.units.value;
		for (size_t k = 0; k < table.rows[i].nunits; k++) {
			assert_int_equal(table.rows[i].units[k]->level, UNIT_COMMUNE);
			assert_true(unit_valid_on(table.rows[i].units[k], (struct date)NEW));
		}
	}
	assert_int_equal(sum, 138);
	assert_int_equal(table.total.sum.units.value, 138);
	arena_release(&arena);
}

/* Every commune of today belongs to one former district, and so does every commune of then. */
static void test_every_commune_has_its_district(void **state)
{
	(void)state;
	for (size_t i = 0; i < unit_count(map); i++) {
		const struct unit *unit = unit_at(map, i);
		struct named host = { .id = unit->id };
		struct round round = { .units = &host, .nunits = 1 };
		struct result_table table;
		struct arena arena;

		if (unit->level != UNIT_COMMUNE)
			continue;
		arena_init(&arena);
		result_table_init(&table, map, (struct date)OLD, UNIT_DISTRICT, &arena);
		result_table_add(&table, &round);
		assert_int_equal(table.nrows, 1);
		if (table.rows[0].nunits != 1)
			fail_msg("%s lies in %zu districts", unit->id, table.rows[0].nunits);
		arena_release(&arena);
	}
}

static void test_figures(void **state)
{
	static const struct report given[] = {
		{ .registered = { 10, FIGURE_EXACT }, .present = { -1, FIGURE_EXACT }, .accepted = { -1, FIGURE_EXACT },
		  .units = { 5, FIGURE_ABOUT }, .ml = { 7, FIGURE_EXACT } },
		{ .registered = { 4, FIGURE_EXACT }, .present = { 3, FIGURE_EXACT }, .accepted = { -1, FIGURE_EXACT },
		  .units = { 6, FIGURE_AT_LEAST }, .ml = { -1, FIGURE_EXACT } },
	};
	struct result_table table;
	struct arena arena;

	(void)state;
	arena_init(&arena);
	result_table_init(&table, map, (struct date)OLD, UNIT_DISTRICT, &arena);
	for (size_t i = 0; i < ARRAY_SIZE(given); i++)
		result_table_add(&table, &(struct round){ .result = &given[i] });
	assert_int_equal(table.nrows, 1);
	assert_int_equal(table.rows[0].nunits, 0);
	assert_int_equal(table.total.sum.registered.value, 14);
	assert_int_equal(table.total.sum.registered.qualifier, FIGURE_EXACT);
	assert_int_equal(table.total.sum.present.value, 3);
	assert_int_equal(table.total.sum.present.qualifier, FIGURE_AT_LEAST);
	assert_int_equal(table.total.sum.accepted.value, -1);
	assert_int_equal(table.total.sum.units.value, 11);
	assert_int_equal(table.total.sum.units.qualifier, FIGURE_ABOUT);
	assert_int_equal(table.total.sum.ml.value, 7);
	assert_int_equal(table.total.sum.ml.qualifier, FIGURE_AT_LEAST);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_former_district), cmocka_unit_test(test_by_commune_of_today),
		cmocka_unit_test(test_every_commune_has_its_district), cmocka_unit_test(test_figures),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
