#ifndef WIRE_ROUND_WIRE_H
#define WIRE_ROUND_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "domain/round.h"
#include "domain/report.h"

struct arena;
struct error;
struct json_out;
struct unit_map;

/*
 * A round as the API shows it. starts_at/ends_at are the day's bounds while
 * the hours are not known (time_status says so), null where there is no day.
 */
void round_write(struct json_out *out, const char *key, const struct round *round);
void report_write(struct json_out *out, const char *key, const struct report *report);
/* The figures alone, into the object that is open. */
void figures_write(struct json_out *out, const struct report *report);
/* The same of a round's result, with what it was added up from; NULL: none. */
void result_write(struct json_out *out, const char *key, const struct report *result);

/*
 * Body of POST /plans/{id}/rounds: a draft. Units are ids or names (resolved
 * as of the round's date; a name that means several is refused with the ids),
 * campaigns are slugs or ids, venue is an id, team as given: looking them up is
 * the caller's, and so is round_check(). A unit that is not valid on the round's
 * date gives those that took its place then: unit_seats().
 */
bool round_read(const char *body, size_t len, const struct unit_map *units, struct arena *arena,
		struct round *round, struct error *err);
/*
 * Body of PATCH (verb ROUND_EDIT) or of a verb; an empty body is {}. `now`: the
 * round as it is. A new date beyond the end of a host unit also sets the units
 * that follow it.
 */
bool round_step_read(const char *body, size_t len, enum round_verb verb, const struct round *now,
		     const struct unit_map *units, struct arena *arena, struct round_step *step,
		     struct error *err);
/* Body of POST /rounds/{id}/reports. */
bool report_read(const char *body, size_t len, struct arena *arena, struct report *report,
		 struct error *err);

#endif
