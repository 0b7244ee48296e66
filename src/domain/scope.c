#include "domain/scope.h"

#include "domain/unit.h"

enum { MAX_HEIRS = 64 };

static bool covers_heirs(const struct unit_map *map, const struct unit *scope, const struct unit *unit,
			 struct date today)
{
	const struct unit *heirs[MAX_HEIRS];
	size_t count = unit_as_of(map, unit, today, heirs, MAX_HEIRS);

	if (count == 0 || count > MAX_HEIRS)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!unit_covers(map, scope, heirs[i], today))
			return false;
	return true;
}

static bool one_allows(const struct unit_map *map, const struct unit *scope, const struct unit *unit,
		       struct date on, struct date today)
{
	if (!unit_valid_on(scope, today))
		return false;
	if (unit_covers(map, scope, unit, on))
		return true;
	return unit->level == UNIT_COMMUNE && !unit_valid_on(unit, today) &&
	       covers_heirs(map, scope, unit, today);
}

bool scope_allows(const struct unit_map *map, const char *const *scope, size_t nscope, const char *unit_id,
		  struct date on, struct date today)
{
	const struct unit *unit = unit_by_id(map, unit_id);

	if (nscope == 0)
		return true;
	if (!unit)
		return false;
	for (size_t i = 0; i < nscope; i++) {
		const struct unit *one = unit_by_id(map, scope[i]);

		if (one && one_allows(map, one, unit, on, today))
			return true;
	}
	return false;
}
