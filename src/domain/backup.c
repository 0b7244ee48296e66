#include "domain/backup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char pattern[] = "giothong-00000000T000000Z";

void backup_name(int64_t made_us, char out[BACKUP_NAME_SIZE])
{
	time_t seconds = (time_t)(made_us / 1000000);
	struct tm utc;

	gmtime_r(&seconds, &utc);
	strftime(out, BACKUP_NAME_SIZE, "giothong-%Y%m%dT%H%M%SZ", &utc);
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

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

size_t backup_expired(const char **names, size_t count, size_t keep)
{
	if (count > 0)
		qsort(names, count, sizeof(names[0]), by_name);
	return count > keep ? count - keep : 0;
}
