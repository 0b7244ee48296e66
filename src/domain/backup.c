#include "domain/backup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/date.h"

static const char pattern[] = "giothong-00000000T000000Z";

/* Times are written in +07:00: seven hours earlier the same digits are those of UTC. */
void backup_name(int64_t made_us, char out[BACKUP_NAME_SIZE])
{
	char text[TIME_TEXT_SIZE];

	time_format(made_us - INT64_C(7) * 3600 * 1000000, text);        /* 2027-03-01T19:00:01+07:00 */
	snprintf(out, BACKUP_NAME_SIZE, "giothong-%.4s%.2s%.2sT%.2s%.2s%.2sZ", text, text + 5, text + 8, text + 11,
		 text + 14, text + 17);
}

bool backup_name_is(const char *name)
{
	if (strlen(name) != sizeof(pattern) - 1)
		return false;
	for (size_t i = 0; i < sizeof(pattern) - 1; i++)
		if (pattern[i] == '0' ? name[i] < '0' || name[i] > '9' : name[i] != pattern[i])
			return false;
	return true;
}

int64_t backup_name_time(const char *name)
{
	char text[TIME_TEXT_SIZE];
	int64_t made_us = INT64_MIN;

	snprintf(text, sizeof(text), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", name + 9, name + 13, name + 15, name + 18,
		 name + 20, name + 22);
	return time_parse(text, &made_us) ? made_us : INT64_MIN;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A clock that was wrong gives names that come too early or too late: what was just made is the newest all the same. */
size_t backup_expired(const char **names, size_t count, const char *made, size_t keep)
{
	size_t others = count;

	for (size_t i = 0; i < others; i++)
		if (strcmp(names[i], made) == 0) {
			const char *last = names[--others];

			names[others] = names[i];
			names[i] = last;
		}
	if (others > 0)
		qsort(names, others, sizeof(names[0]), by_name);
	return count > keep ? count - keep : 0;
}
