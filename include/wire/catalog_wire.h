#ifndef WIRE_CATALOG_WIRE_H
#define WIRE_CATALOG_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/date.h"
#include "domain/catalog.h"

/* Units, and what rounds name: campaigns, venues, teams. */
struct arena;
struct error;
struct json_out;
struct unit;
struct unit_map;

void unit_write(struct json_out *out, const char *key, const struct unit *unit);

void catalog_item_write(struct json_out *out, const char *key, const struct catalog_item *item);

/*
 * Body of POST (`patch` false; item->kind is given) or PATCH (*item is the
 * thing as it is; only members in the body change). A venue's unit is an id or
 * a name valid on `today`.
 */
bool catalog_item_read(const char *text, size_t len, bool patch, const struct unit_map *units,
		       struct date today, struct arena *arena, struct catalog_item *item,
		       struct error *err);

#endif
