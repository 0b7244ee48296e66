#ifndef API_LIMITS_H
#define API_LIMITS_H

#include <stdint.h>

/*
 * Token buckets: each key (an address or a token id) may do `per_minute` things
 * a minute, and as many at once after a quiet minute. A fixed table; where it
 * is full the key longest quiet is forgotten, which only ever forgives.
 */
struct limit_bucket;

struct limits {
	struct limit_bucket *buckets;
};

void limits_init(struct limits *limits);
void limits_release(struct limits *limits);
/* 0: go on (and it is counted); else how many seconds to wait. per_minute 0: no limit. */
int limits_take(struct limits *limits, const char *key, int per_minute, int64_t now_us);
/* What was taken should not have been counted. */
void limits_give_back(struct limits *limits, const char *key, int per_minute, int64_t now_us);

#endif
