#ifndef CLI_DONORS_SEEN_H
#define CLI_DONORS_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"
#include "domain/component.h"
#include "domain/donor.h"

/*
 * People of a list who are not in the registry yet, so that a row can be held against those before it. Kept are
 * hashes, dates and places, about 100 bytes a person: a stretch of the list, or in a dry run all of it.
 */
struct seen;

struct seen *seen_new(void);
void seen_free(struct seen *seen);                       /* NULL is fine */
void seen_forget(struct seen *seen);
/* The donor of this row, who will be registered. `donor->unit_id` is borrowed. */
void seen_add(struct seen *seen, int64_t row, const struct donor *donor, struct arena *arena);

enum seen_as {
	SEEN_NOBODY,
	SEEN_SAME,                       /* one of the numbers, the name and the birth */
	SEEN_OTHER,                      /* one of the numbers, another name or birth */
	SEEN_LIKE                        /* the whole name and birth year, and enough else: `score` */
};
struct seen_answer {
	enum seen_as as;
	int64_t      row;                /* of whom */
	int          score;
};
/* Notes that the person of that row gave. False: none, or noted before. */
bool seen_gave(struct seen *seen, int64_t row, struct date on, enum component component);

/* Whether a row before this one tells of the same person. Of several who look the same, the likeliest. */
struct seen_answer seen_find(const struct seen *seen, int64_t row, const struct donor *donor,
			     const struct unit_map *units, struct arena *arena);

#endif
