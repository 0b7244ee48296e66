#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#include "base/date.h"

/*
 * Where "now" comes from. Rules never ask it: they are given a date. Only
 * app/ makes one; builds with test seams may start it at another time, from
 * which it runs on. Read-only after start, so threads may share it.
 */
struct clock {
	int64_t wall_offset_us;    /* 0 in production */
};

int64_t clock_wall_us(const struct clock *clock);      /* microseconds since 1970 UTC */
struct date clock_today(const struct clock *clock);    /* civil date in +07 */
/* Monotonic, for deadlines; never jumps. */
int64_t clock_mono_us(void);

#endif
