#ifndef DOMAIN_RESULT_H
#define DOMAIN_RESULT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/date.h"
#include "base/memory.h"
#include "domain/report.h"
#include "domain/unit.h"

/*
 * Results of rounds, by the places of the map of a date: the former districts, or the communes of today, whichever map the
 * rounds were planned on. Each round is counted once: one that belongs to several places of that map (several hosts, or a
 * former district on the map of today) stands under all of them together. Pure.
 */
struct round;

struct result_row {
	const struct unit **units;       /* in order of id; none: the round's place is not known */
	size_t              nunits;
	int                 rounds;
	int                 with_result;
	struct report       sum;         /* figures alone */
};

struct result_table {
	const struct unit_map *map;
	struct date            on;
	enum unit_level        level;    /* UNIT_DISTRICT or UNIT_COMMUNE */
	struct arena          *arena;
	struct result_row     *rows;     /* in the order of result_table_finish() */
	size_t                 nrows, max;
	struct result_row      total;
};

/* The level on which places are told on that date: districts while there are any. */
enum unit_level result_level(const struct unit_map *map, struct date on);
void result_table_init(struct result_table *table, const struct unit_map *map, struct date on, enum unit_level level, struct arena *arena);
/*
 * Adds a round. A figure that not every round with a result gives is "at least"; one that is about somewhere is about.
 */
void result_table_add(struct result_table *table, const struct round *round);
/* Puts the rows in order: by the ids of their units. */
void result_table_finish(struct result_table *table);

#endif
