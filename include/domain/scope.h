#ifndef DOMAIN_SCOPE_H
#define DOMAIN_SCOPE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/date.h"

/*
 * Whether a principal whose scope is a set of units may write a record kept at
 * `unit` on a date. An empty scope is the whole province.
 *
 * By commune-level ancestry on the record's date; a commune that has ended
 * since is taken for the communes that followed it. A scope on a unit that is
 * no longer in force writes nothing, until it is given anew; records kept at
 * an ended district are then the province's alone. Pure.
 */
struct unit_map;

bool scope_allows(const struct unit_map *map, const char *const *scope, size_t nscope, const char *unit,
		  struct date on, struct date today);

#endif
