#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

/* Small allocations abort the process when they fail; sizes chosen by a client are bounded first. */
void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *old, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *text) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2), malloc, returns_nonnull));

#define container_of(ptr, type, member) \
	((type *)(void *)((char *)(1 ? (ptr) : &((type *)0)->member) - offsetof(type, member)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/*
 * Memory that lives and dies together: what one request, or one loaded list,
 * needs. Everything is freed by arena_release(), nothing before.
 */
struct arena_block;
struct arena {
	struct arena_block *blocks;
};

void arena_init(struct arena *arena);
void arena_release(struct arena *arena);      /* wiped and freed, and it is empty again */
/* Zeroed, aligned for any type, never NULL. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((returns_nonnull));
/* NULL gives NULL. */
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t len);
char *arena_printf(struct arena *arena, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), returns_nonnull));

#endif
