#ifndef DOMAIN_SYNC_H
#define DOMAIN_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a phone is told of what arrived: which of its numbers are missing, and how wrong its clock is. Pure. */

/* Numbers in a row, both inclusive. */
struct seq_run {
	int64_t from, to;
};

/*
 * What lies between the runs that are there, and before the first, from 1 on. The runs are in order of `from`; they
 * may touch, overlap or be one inside another. What is behind the last nobody can know here. Writes at most `max` gaps
 * and returns how many there are.
 */
size_t sync_missing(const struct seq_run *there, size_t count, struct seq_run *missing, size_t max);
/* So many gaps are told, the lowest; how many numbers are missing is told of all. */
enum { SYNC_MISSING_TOLD = 200 };
/* How many numbers the gaps hold. */
int64_t sync_count(const struct seq_run *runs, size_t count);

/*
 * A clock is suspect from five minutes on: nothing is refused for it. The skew is what the phone's clock is ahead, in
 * seconds, measured in the one moment in which both are seen.
 */
enum { SYNC_SKEW_SUSPECT_SECONDS = 300 };
int64_t sync_skew_seconds(int64_t device_us, int64_t server_us);
bool sync_skew_suspect(int64_t skew_seconds);

#endif
