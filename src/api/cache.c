#include "api/cache.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "http/http.h"

enum {
	CACHE_SLOTS = 1024,              /* a power of two */
	CACHE_MAX_ENTRIES = 512,
	CACHE_MAX_BYTES = 16 * 1024 * 1024,
	CACHE_MAX_TARGET = 256
};

struct cache_entry {
	struct cache_entry *next;
	struct http_ready  *ready;
	char                target[];
};

void cache_init(struct cache *cache)
{
	*cache = (struct cache){ .slots = xcalloc(CACHE_SLOTS, sizeof(struct cache_entry *)) };
}

void cache_clear(struct cache *cache)
{
	if (cache->count == 0)
		return;
	for (size_t i = 0; i < CACHE_SLOTS; i++) {
		struct cache_entry *entry = cache->slots[i];

		while (entry) {
			struct cache_entry *next = entry->next;

			http_ready_unref(entry->ready);
			free(entry);
			entry = next;
		}
		cache->slots[i] = NULL;
	}
	cache->count = cache->bytes = 0;
}

void cache_release(struct cache *cache)
{
	cache_clear(cache);
	free(cache->slots);
}

/* FNV-1a. Colliding on purpose only costs time in one bounded chain. */
static struct cache_entry **slot_of(struct cache *cache, const char *target)
{
	uint64_t hash = 14695981039346656037u;

	for (; *target; target++)
		hash = (hash ^ (unsigned char)*target) * 1099511628211u;
	return &cache->slots[(hash ^ hash >> 32) & (CACHE_SLOTS - 1)];
}

struct http_ready *cache_find(struct cache *cache, const char *target, struct date today)
{
	if (date_compare(cache->day, today) != 0) {
		cache_clear(cache);
		cache->day = today;
		return NULL;
	}
	for (struct cache_entry *entry = *slot_of(cache, target); entry; entry = entry->next)
		if (streq(entry->target, target))
			return entry->ready;
	return NULL;
}

void cache_put(struct cache *cache, const char *target, struct date today, struct http_ready *ready)
{
	size_t len = strlen(target);

	if (len > CACHE_MAX_TARGET || cache_find(cache, target, today)) {
		http_ready_unref(ready);
		return;
	}
	if (cache->count == CACHE_MAX_ENTRIES ||
	    cache->bytes + http_ready_size(ready) > CACHE_MAX_BYTES)
		cache_clear(cache);
	struct cache_entry **slot = slot_of(cache, target);
	struct cache_entry *entry = xmalloc(sizeof(*entry) + len + 1);

	memcpy(entry->target, target, len + 1);
	entry->ready = ready;
	entry->next = *slot;
	*slot = entry;
	cache->count++;
	cache->bytes += http_ready_size(ready);
}
