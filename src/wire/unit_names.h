#ifndef WIRE_UNIT_NAMES_H
#define WIRE_UNIT_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/date.h"
#include "domain/round.h"

/* From what a person or a file calls a place to the units that hold it on a date. */
struct unit;

struct unit_names {
	const struct unit_map *units;
	struct date            from, to;         /* the round's period; none: not known, names are only checked */
	const char            *pointer;          /* of the array: "/units", or "line 4, column units" */
	bool                   indexed;          /* faults point at "/units/2" */
	struct arena          *arena;
	struct error          *err;
};

/*
 * Ids and names to host units valid on the period's first day (else its last),
 * each once, with full names. A unit of another time gives those that took its
 * place then, as unit_seats() has them. Faults: unknown_unit (with the nearest names),
 * ambiguous_unit (with the ids).
 */
bool unit_names_resolve(const struct unit_names *names, const char *const *typed, size_t count,
			struct named **out, size_t *nout);

/* Exactly one unit, of that date if there is one, else of any. NULL and a fault. */
const struct unit *unit_name_find(const struct unit_names *names, const char *typed, const char *pointer);

/* Host units as of another date; false when all are valid then already. */
bool unit_names_carry(const struct unit_map *units, const struct named *now, size_t count, struct date on,
		      struct arena *arena, struct named **out, size_t *nout);

/* "Xã Mường Kim, Xã Than Uyên, ...": whole names, as many as there is room for. */
void unit_names_text(const struct named *list, size_t count, char *out, size_t size);

#endif
