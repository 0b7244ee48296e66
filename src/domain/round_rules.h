#ifndef DOMAIN_ROUND_RULES_H
#define DOMAIN_ROUND_RULES_H

#include <stdbool.h>

/* Shared by the rules of rounds and of plans. */
struct error;
struct round;

/* round_check() with pointers below `prefix`: "/rounds/3" gives "/rounds/3/date". */
bool round_check_at(const struct round *round, const char *prefix, struct error *err);

#endif
