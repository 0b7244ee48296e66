#ifndef WIRE_DONOR_WIRE_H
#define WIRE_DONOR_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/date.h"
#include "base/error.h"
#include "domain/component.h"
#include "domain/consent.h"
#include "domain/donor.h"

struct arena;
struct json_out;
struct unit_map;

/*
 * Body of POST /donors (`patch` false: *donor is zeroed, consents are read) or of
 * PATCH (*donor is the donor as it is; only members in the body change, null
 * clears, identifiers are given whole). Everything comes out normalised. A unit is
 * an id or a name, as of `today`; one that ended gives the one that took its place.
 * Faults never repeat what was sent. donor_check() is the caller's to call.
 */
struct donor_consents {
	const struct consent *list;
	size_t                count;
};
bool donor_read(const char *body, size_t len, bool patch, const struct unit_map *units, struct date today,
		struct arena *arena, struct donor *donor, struct donor_consents *consents, struct error *err);

/* What is shown of a donor: `next` has one for each component. */
struct donor_view {
	const struct donor      *donor;
	const struct donor_next *next;
	const char *const       *merged; /* ids of records that are one with this one */
	size_t                   nmerged;
	const struct unit_map   *units;  /* for the names of units; NULL: ids alone */
	struct arena            *arena;  /* for the warnings about its numbers, in `language`; NULL: without them */
	enum language            language;
};
/* To those who may read the record. */
void donor_write(struct json_out *out, const char *key, const struct donor_view *view);
/* For lists: nothing that is sealed. `component`: whose next date it shows. */
void donor_item_write(struct json_out *out, const char *key, const struct donor_view *view,
		      enum component component);
/* To those who only ask whether somebody is known, and from when on they may give. */
void donor_found_write(struct json_out *out, const char *key, const struct donor_found *found,
		       enum component component);
/* "unit": {"id", "name"}, or null. */
void donor_unit_write(struct json_out *out, const char *key, const char *unit_id, const struct unit_map *units);

/* Body of POST /donors/lookup: one of four questions. */
struct donor_question {
	bool              by_identifier;
	struct identifier identifier;
	const char       *number;        /* as stored; NULL */
	const char       *phone;         /* normalised; NULL */
	const char       *name;          /* NULL */
	int               birth_year;
	const char       *place;         /* unit as typed; NULL */
	enum component    component;     /* whole_blood when unsaid */
};
bool donor_question_read(const char *body, size_t len, struct arena *arena, struct donor_question *question,
			 struct error *err);

/* Somebody who may be the same person. */
void donor_match_write(struct json_out *out, const char *key, const char *id, const char *number, int score);
/* Body of the steps between two records: {"with"}, an id or a donor number. */
bool donor_with_read(const char *body, size_t len, struct arena *arena, const char **with, struct error *err);

/* An array of {pointer, code, text}. */
void donor_warnings_write(struct json_out *out, const char *key, const struct donor *donor, enum language language,
			  struct arena *arena);

#endif
