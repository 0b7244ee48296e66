#ifndef JOBS_PEOPLE_H
#define JOBS_PEOPLE_H

#include <stdbool.h>

/*
 * What sessions need of a daemon: the service's time goes on (every few
 * seconds, by the monotonic clock), sessions that are over and tries at names
 * that nobody has are deleted, and secrets of the second factor are sealed
 * again when another wrap key has become the active one.
 */
struct gauges;
struct people;
struct worker;

/* `gauges` hear that the time was told. */
struct people *people_new(struct worker *worker, struct gauges *gauges);
void people_free(struct people *people);         /* when the database owes nothing any more; NULL is fine */
/* Every second. */
void people_tick(struct people *people);
/* The service's time was told once. Begins to tell it; ask until it is so. */
bool people_ready(struct people *people);

#endif
