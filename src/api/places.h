#ifndef API_PLACES_H
#define API_PLACES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A place in a query, as people type it: every unit that it may mean and all
 * units that share territory with those, as ids for a filter of the store.
 */
struct error;
struct params;
struct request;
struct unit;

/* Waits for the newest unit map that is known of; answers 503 itself when there is none at all. */
void request_with_units(struct request *r, void (*next)(struct request *r));

/*
 * Parameter `name` (ids or names, comma list): at least one id, which lives as
 * long as the request. False: absent, or a fault in params->err.
 */
bool params_places(struct params *params, const char *name, const char *const **ids, size_t *count);

/*
 * The same for one place in a path; *first: the unit that is meant first. False: none is so named, and
 * *err (ERR_NOT_FOUND) tells the nearest.
 */
bool places_find(struct request *r, const char *typed, const char *const **ids, size_t *count,
		 const struct unit **first, struct error *err);

#endif
