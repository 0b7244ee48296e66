#include "api/limits.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { LIMIT_SETS = 2048, LIMIT_WAYS = 4 };

struct limit_bucket {
	uint64_t key;                    /* hash of the key; 0: empty */
	int64_t  at_us;                  /* when `level` was right */
	double   level;                  /* what is left */
};

void limits_init(struct limits *limits)
{
	limits->buckets = xcalloc(LIMIT_SETS * LIMIT_WAYS, sizeof(struct limit_bucket));
}

void limits_release(struct limits *limits)
{
	free(limits->buckets);
}

static uint64_t hash_of(const char *key)
{
	uint64_t hash = 14695981039346656037u;

	for (; *key; key++)
		hash = (hash ^ (unsigned char)*key) * 1099511628211u;
	hash ^= hash >> 29;
	return hash ? hash : 1;
}

static struct limit_bucket *bucket_of(struct limits *limits, uint64_t key, int per_minute, int64_t now_us)
{
	struct limit_bucket *set = &limits->buckets[(key % LIMIT_SETS) * LIMIT_WAYS];
	struct limit_bucket *oldest = set;

	for (int i = 0; i < LIMIT_WAYS; i++) {
		if (set[i].key == key)
			return &set[i];
		if (set[i].at_us < oldest->at_us)
			oldest = &set[i];
	}
	*oldest = (struct limit_bucket){ .key = key, .at_us = now_us, .level = per_minute };
	return oldest;
}

static void bucket_add(struct limit_bucket *bucket, double more, int per_minute)
{
	bucket->level += more;
	if (bucket->level > per_minute)
		bucket->level = per_minute;
}

void limits_give_back(struct limits *limits, const char *key, int per_minute, int64_t now_us)
{
	if (per_minute > 0)
		bucket_add(bucket_of(limits, hash_of(key), per_minute, now_us), 1, per_minute);
}

int limits_take(struct limits *limits, const char *key, int per_minute, int64_t now_us)
{
	if (per_minute <= 0)
		return 0;
	struct limit_bucket *bucket = bucket_of(limits, hash_of(key), per_minute, now_us);
	double per_us = per_minute / 60e6;

	bucket_add(bucket, (double)(now_us - bucket->at_us) * per_us, per_minute);
	bucket->at_us = now_us;
	if (bucket->level >= 1) {
		bucket->level -= 1;
		return 0;
	}
	return (int)((1 - bucket->level) / per_us / 1e6) + 1;
}
