#ifndef DOMAIN_UNIT_H
#define DOMAIN_UNIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/date.h"

/*
 * Admin units of the province, on a date. Codes and names are reused with
 * other territory after 1/7/2025 (Resolution 1670/NQ-UBTVQH15), so a unit is
 * an id that carries its date ("03618@2025-07-01"), never a code or a name.
 *
 * A unit map is built once from all units and then read-only, so threads may
 * share it. Everything returned is borrowed from the map.
 */
struct error;
struct unit_map;

enum unit_level { UNIT_PROVINCE, UNIT_DISTRICT, UNIT_COMMUNE };

struct unit {
	const char    *id;
	const char    *gso_code;
	enum unit_level level;
	const char    *type;             /* tinh, thanh_pho, huyen, xa, phuong, thi_tran */
	const char    *name;             /* "Than Uyên" */
	const char    *full_name;        /* "Huyện Than Uyên" */
	const char *const *aliases;      /* other spellings of the full name; NULL-ended */
	const char    *parent;           /* id, or NULL */
	const char    *district;         /* id of the (former) district of a commune, or NULL */
	struct date    valid_from;       /* none: before every date of ours */
	struct date    valid_to;         /* last day, inclusive; none: still in force */
	const char *const *predecessors; /* ids; NULL-ended */
	const char *const *successors;
};

const char *unit_level_text(enum unit_level level);
bool unit_level_parse(const char *text, enum unit_level *level);

struct unit_map *unit_map_new(void);
/* Copies everything. */
void unit_map_add(struct unit_map *map, const struct unit *unit);
/* Call once after the last add: resolves links, folds names. False: a link names no unit, an id stands twice. */
bool unit_map_finish(struct unit_map *map, struct error *err);
void unit_map_free(struct unit_map *map);               /* NULL is fine */

size_t unit_count(const struct unit_map *map);
const struct unit *unit_at(const struct unit_map *map, size_t index);   /* in order of id */
const struct unit *unit_by_id(const struct unit_map *map, const char *id);      /* NULL: none */

bool unit_valid_on(const struct unit *unit, struct date on);
/* Its last day was before `on`; one that is still to begin has not ended. */
bool unit_has_ended(const struct unit *unit, struct date on);

/*
 * The units that hold this unit's territory on a date: itself while it is
 * valid, else its successors (later) or predecessors (earlier), as far as
 * needed; a district that ended gives the communes that took its place.
 * In order of id, no doubles. Returns how many there are; at most `max` go to `out`.
 */
size_t unit_as_of(const struct unit_map *map, const struct unit *unit, struct date on,
		  const struct unit **out, size_t max);

/*
 * Of those, the ones that stand for `unit` alone: a commune made from parts of
 * several districts is seated in one of them, that of the old commune whose
 * code it took over. So the seats of two former districts never meet, and a
 * round at one is no round at the other.
 */
size_t unit_seats(const struct unit_map *map, const struct unit *unit, struct date on,
		  const struct unit **out, size_t max);

/*
 * Every unit ever so named: by id, GSO code, name, full name or alias, with
 * or without marks, in any case ("than uyen", "H. Than Uyên", "xã Mường Than"); what
 * holds the place may follow it ("xã Mường Than, huyện Than Uyên, tỉnh Lai Châu").
 * Of `on` (none: of any date). Those valid on that date come first, larger before smaller.
 */
size_t unit_match(const struct unit_map *map, const char *typed, struct date on,
		  const struct unit **out, size_t max);

/*
 * The names nearest to a misspelt one, best first, each name once (by its unit valid on
 * `on`, if any); nothing when all are too far. The beginning of a name is near. Returns
 * how many went to `out`: at most `max`, and at most 16.
 */
size_t unit_nearest(const struct unit_map *map, const char *typed, struct date on,
		    const struct unit **out, size_t max);

/*
 * Whether territory of `unit` and `place` meet: same, one within the other
 * (commune in district in province), or one followed the other. This is what
 * a search for a place means.
 */
bool unit_related(const struct unit_map *map, const struct unit *place, const struct unit *unit);

/*
 * Whether a round hosted by `unit` is one at `place`, as people mean it: as
 * unit_related(), but a commune that took over only a slice of an ended
 * district is not at that district (unit_seats()).
 */
bool unit_serves(const struct unit_map *map, const struct unit *place, const struct unit *unit);

/*
 * Whether a scope on `scope` covers `unit`, by commune-level ancestry on a
 * date: every commune of `unit` then lies in `scope`, which must itself be in
 * force then (a scope on an abolished unit covers nothing later).
 */
bool unit_covers(const struct unit_map *map, const struct unit *scope, const struct unit *unit,
		 struct date on);

#endif
