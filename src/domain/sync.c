#include "domain/sync.h"

size_t sync_missing(const struct seq_run *there, size_t count, struct seq_run *missing, size_t max)
{
	int64_t next = 1;                /* the lowest number that is not seen yet */
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		if (there[i].from > next) {
			if (found < max)
				missing[found] = (struct seq_run){ next, there[i].from - 1 };
			found++;
		}
		if (there[i].to >= next)
			next = there[i].to + 1;
	}
	return found;
}

int64_t sync_count(const struct seq_run *runs, size_t count)
{
	int64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += runs[i].to - runs[i].from + 1;
	return sum;
}

int64_t sync_skew_seconds(int64_t device_us, int64_t server_us)
{
	return (device_us - server_us) / 1000000;
}

bool sync_skew_suspect(int64_t skew_seconds)
{
	return skew_seconds >= SYNC_SKEW_SUSPECT_SECONDS || skew_seconds <= -SYNC_SKEW_SUSPECT_SECONDS;
}
