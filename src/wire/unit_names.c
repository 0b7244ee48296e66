#include "wire/unit_names.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "domain/unit.h"

enum { MAX_CANDIDATES = 32, MAX_SUCCESSORS = 160, MAX_NAMED_IN_FAULT = 4 };

struct candidates {
	const struct unit *found[MAX_CANDIDATES];
	size_t             count;
};

static size_t at_most(size_t count, size_t max)
{
	return count < max ? count : max;
}

/* Every unit that ever bore the name, or the one with that id. */
static void look_up(const struct unit_names *names, const char *typed, struct candidates *all)
{
	const struct unit *exact = unit_by_id(names->units, typed);

	all->count = 0;
	if (exact) {
		all->found[all->count++] = exact;
		return;
	}
	all->count = unit_match(names->units, typed, names->from, all->found, MAX_CANDIDATES);
	all->count = at_most(all->count, MAX_CANDIDATES);
}

static void keep_valid(const struct candidates *all, struct date on, struct candidates *valid)
{
	valid->count = 0;
	for (size_t i = 0; i < all->count; i++)
		if (!date_is_none(on) && unit_valid_on(all->found[i], on))
			valid->found[valid->count++] = all->found[i];
}

static void list_texts(const struct unit *const *units, size_t count, bool ids, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < at_most(count, MAX_NAMED_IN_FAULT) && len < size; i++)
		len += (size_t)snprintf(out + len, size - len, "%s%s", i ? ", " : "",
					ids ? units[i]->id : units[i]->full_name);
}

static bool fault_unknown(const struct unit_names *names, const char *typed, const char *pointer)
{
	const struct unit *near[MAX_NAMED_IN_FAULT];
	char text[120];
	size_t count = unit_nearest(names->units, typed, names->from, near, MAX_NAMED_IN_FAULT);

	list_texts(near, at_most(count, 3), false, text, sizeof(text));
	if (!*text)
		return error_add_field(names->err, pointer, "unknown_unit",
				       "No unit is or was named so; see /api/v1/units.",
				       "Không có đơn vị nào tên như vậy; xem /api/v1/units.");
	return error_add_field(names->err, pointer, "unknown_unit", "No such unit. Nearest: %s.",
			       "Không có đơn vị này. Gần nhất: %s.", text);
}

static bool fault_ambiguous(const struct unit_names *names, const struct candidates *several,
			    const char *pointer)
{
	char text[100];

	list_texts(several->found, several->count, true, text, sizeof(text));
	return error_add_field(names->err, pointer, "ambiguous_unit", "Several units; send one of the ids %s.",
			       "Có nhiều đơn vị; hãy gửi một trong các mã %s.", text);
}

/* One unit for a name: the only valid one, else the only one ever. */
static const struct unit *pick(const struct unit_names *names, const char *typed, const char *pointer)
{
	struct candidates all, valid;

	look_up(names, typed, &all);
	if (all.count == 0) {
		fault_unknown(names, typed, pointer);
		return NULL;
	}
	keep_valid(&all, names->from, &valid);
	if (valid.count == 0)
		keep_valid(&all, names->to, &valid);
	if (valid.count == 0)
		valid = all;
	if (valid.count == 1)
		return valid.found[0];
	if (!date_is_none(names->from))
		fault_ambiguous(names, &valid, pointer);
	return NULL;
}

const struct unit *unit_name_find(const struct unit_names *names, const char *typed, const char *pointer)
{
	struct candidates all;
	const struct unit *unit = pick(names, typed, pointer);

	if (!unit && date_is_none(names->from)) {
		look_up(names, typed, &all);
		if (all.count > 1)
			fault_ambiguous(names, &all, pointer);
	}
	return unit;
}

static void add_once(struct named *list, size_t *count, const struct unit *unit)
{
	for (size_t i = 0; i < *count; i++)
		if (streq(list[i].id, unit->id))
			return;
	if (*count < MAX_SUCCESSORS)
		list[(*count)++] = (struct named){ unit->id, unit->full_name };
}

/* The unit itself where it is valid at some time of the period, else who took its place. */
static size_t add_as_of(const struct unit_map *units, const struct unit *unit, struct date from,
			struct date to, struct named *list, size_t *count)
{
	const struct unit *then[MAX_SUCCESSORS];
	size_t found;

	if (unit_valid_on(unit, from) || unit_valid_on(unit, to)) {
		add_once(list, count, unit);
		return 1;
	}
	found = at_most(unit_seats(units, unit, from, then, MAX_SUCCESSORS), MAX_SUCCESSORS);
	for (size_t i = 0; i < found; i++)
		add_once(list, count, then[i]);
	return found;
}

bool unit_names_resolve(const struct unit_names *names, const char *const *typed, size_t count,
			struct named **out, size_t *nout)
{
	struct named *list = arena_alloc(names->arena, MAX_SUCCESSORS * sizeof(*list));
	size_t used = 0;
	bool fine = true;

	for (size_t i = 0; i < count; i++) {
		const char *pointer = names->indexed ? arena_printf(names->arena, "%s/%zu", names->pointer, i)
						     : names->pointer;
		const struct unit *unit = pick(names, typed[i], pointer);

		if (!unit)
			fine = false;
		else if (!date_is_none(names->from) &&
			 add_as_of(names->units, unit, names->from, names->to, list, &used) == 0)
			fine = fault_unknown(names, typed[i], pointer);
	}
	*out = list;
	*nout = used;
	return fine;
}

void unit_names_text(const struct named *list, size_t count, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		int needed = snprintf(out + len, size - len, "%s%s", i ? ", " : "", list[i].name);

		if (needed < 0 || (size_t)needed + sizeof(", ...") > size - len) {
			snprintf(out + len, size - len, "%s", i ? ", ..." : "...");
			return;
		}
		len += (size_t)needed;
	}
}

bool unit_names_carry(const struct unit_map *units, const struct named *now, size_t count, struct date on,
		      struct arena *arena, struct named **out, size_t *nout)
{
	struct named *list = arena_alloc(arena, MAX_SUCCESSORS * sizeof(*list));
	bool changed = false;
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		const struct unit *unit = unit_by_id(units, now[i].id);

		if (!unit)             /* not of this map: the store will say so */
			return false;
		changed |= !unit_valid_on(unit, on);
		add_as_of(units, unit, on, on, list, &used);
	}
	if (!changed || used == 0)
		return false;
	*out = list;
	*nout = used;
	return true;
}
