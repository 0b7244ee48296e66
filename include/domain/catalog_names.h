#ifndef DOMAIN_CATALOG_NAMES_H
#define DOMAIN_CATALOG_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "domain/catalog.h"
#include "domain/round.h"

/*
 * What people write into files, turned into ids: slugs of campaigns, codes of
 * teams, names of venues (with or without marks). Ids stay as they are. Pure.
 */
struct error;
struct unit_map;

/* All that may be named; borrowed. */
struct catalog {
	const struct catalog_item *items[CATALOG_KIND_COUNT];
	size_t                     nitems[CATALOG_KIND_COUNT];
	const struct unit_map     *units;
};

/* In place. Faults go to *err at `pointer` ("/campaigns"). */
bool catalog_find_campaigns(const struct catalog *catalog, struct named *list, size_t count,
			    const char *pointer, struct error *err);
/*
 * Campaigns, team and venue of one round; the name of a venue that stands in
 * several places is looked for in the round's units. Faults go to *err at
 * "<prefix>/team" and so on, and name the round.
 */
bool catalog_find_names(const struct catalog *catalog, struct round *round, const char *prefix,
			struct error *err);

/*
 * A round is held in its units, so its venue lies in one of them (or the unit of one followed the
 * other's); any venue fits a round without units. False: ERR_INVALID_FIELD "/venue" "outside_units".
 */
bool round_venue_fits(const struct unit_map *units, const struct round *round, const char *venue_unit,
		      struct error *err);

#endif
