#ifndef API_CACHE_H
#define API_CACHE_H

#include <stddef.h>

#include "base/date.h"

/*
 * Ready answers to public requests, by target. All of one day and one
 * generation of the topics: emptied when either moves. Bounded in number and
 * bytes; when full it starts again from nothing, which costs one reading each.
 */
struct http_ready;
struct cache_entry;

struct cache {
	struct cache_entry **slots;
	size_t               count, bytes;
	struct date          day;
};

void cache_init(struct cache *cache);
void cache_release(struct cache *cache);
void cache_clear(struct cache *cache);
/* Borrowed; NULL when it is not there or the day turned. */
struct http_ready *cache_find(struct cache *cache, const char *target, struct date today);
/* Takes the reference over. */
void cache_put(struct cache *cache, const char *target, struct date today, struct http_ready *ready);

#endif
