#ifndef WIRE_ROUND_FIELDS_H
#define WIRE_ROUND_FIELDS_H

#include "domain/round.h"
#include "wire/wire.h"

/* The members of a round that bodies and plan files share. */
struct json_out;
struct unit_map;

enum { ROUND_MAX_UNITS = 32, ROUND_MAX_CAMPAIGNS = 8 };

/*
 * Reads those of the `wanted` members (enum round_field bits) that are in the
 * object, over what is in *round; null clears what may be empty. Units are
 * resolved as of the round's date: the one read here, else the one in *round.
 * Returns the bits of the members that were there.
 */
enum round_fields_flag {
	ROUND_FIELDS_PERIODS = 1 << 0,   /* a month or a year will do: "period" with "date_precision" */
	ROUND_FIELDS_FILE = 1 << 1       /* a venue may be given by its name, for the importer to look up */
};
unsigned round_fields_read(struct wire_reader *reader, const struct unit_map *units, unsigned wanted,
			   unsigned flags, struct round *round);

/* "Đợt hiến máu số 7", in the arena. */
const char *round_default_title(struct arena *arena, int ordinal);

/* An array of {id, name}. */
void named_list_write(struct json_out *out, const char *key, const struct named *list, size_t count);
/* {id, name}, or null where there is no id. */
void named_write(struct json_out *out, const char *key, const struct named *named);
/* Texts as ids of campaigns: slugs or ids, for the store to look up. */
bool campaigns_read(struct wire_reader *reader, struct named **list, size_t *count);

#endif
