#ifndef WIRE_WIRE_H
#define WIRE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/date.h"

/*
 * JSON to domain structs and back. Reading: every fault is reported with its
 * JSON pointer, all of them at once where possible; unknown fields are refused
 * by name. Strings come out composed (NFC), without control characters, in the
 * given arena. Writing goes straight into a json_out.
 */
struct error;
struct arena;

/* Once in a program, before its threads and before anything is parsed. */
void wire_start(void);

/*
 * One JSON object from a request body: valid UTF-8, no NUL, no duplicate
 * names, not deeper than 16. New reference, or NULL and ERR_MALFORMED (with
 * line and column), or ERR_UNAVAILABLE when there is no memory for it.
 */
json_t *wire_parse_object(const char *body, size_t len, struct error *err);

/* Reads the members of one object. Between init and finish nothing else touches `reader`. */
struct wire_reader {
	json_t       *object;            /* borrowed */
	const char   *pointer;           /* of the object: "" or "/rounds/3" */
	struct arena *arena;
	struct error *err;
	const char   *seen[40];
	size_t        nseen;
};
enum wire_need { WIRE_OPTIONAL, WIRE_REQUIRED };

void wire_reader_init(struct wire_reader *reader, json_t *object, const char *pointer,
		      struct arena *arena, struct error *err);
/* Refuses members that nobody asked for. False when *err holds any fault. */
bool wire_reader_finish(struct wire_reader *reader);
/* A body where coming is all that is said (a second person approves, a phone is revoked): none, or {}. */
bool wire_read_nothing(const char *body, size_t len, struct arena *arena, struct error *err);

/* Is the member there (even as null)? Marks it as seen. */
bool wire_has(struct wire_reader *reader, const char *name);
/* Each returns whether a value was read into *out; null counts as absent. Lengths are in code points. */
bool wire_text(struct wire_reader *reader, const char *name, enum wire_need need, size_t max_length,
	       const char **out);
/* A text as a stranger typed it on a phone: line breaks and controls too. Not cleaned. */
bool wire_typed(struct wire_reader *reader, const char *name, enum wire_need need, size_t max_length,
		const char **out);
bool wire_int(struct wire_reader *reader, const char *name, enum wire_need need, int64_t min,
	      int64_t max, int64_t *out);
/* A number with at most three decimals, as whole thousandths; min and max are whole units. */
bool wire_thousandths(struct wire_reader *reader, const char *name, enum wire_need need, int min, int max,
		      int32_t *out);
bool wire_bool(struct wire_reader *reader, const char *name, enum wire_need need, bool *out);
bool wire_date(struct wire_reader *reader, const char *name, enum wire_need need, struct date *out);
/* An array of texts; *out is in the arena. */
bool wire_texts(struct wire_reader *reader, const char *name, enum wire_need need, size_t max_count,
		size_t max_length, const char ***out, size_t *count);
/* A member that is an object or an array, borrowed. */
json_t *wire_object(struct wire_reader *reader, const char *name, enum wire_need need);
json_t *wire_array(struct wire_reader *reader, const char *name, enum wire_need need, size_t max_count);
/* "/rounds/3/date" for faults found later. In the arena. */
const char *wire_pointer(struct wire_reader *reader, const char *name);

#endif
