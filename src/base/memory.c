#include "base/memory.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"

static void out_of_memory(void)
{
	static const char line[] = "out_of_memory\n";

	fwrite(line, 1, sizeof(line) - 1, stderr);
	abort();
}

void *xmalloc(size_t size)
{
	void *p = FAULT(FAULT_XMALLOC) ? NULL : malloc(size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *xcalloc(size_t count, size_t size)
{
	void *p = FAULT(FAULT_XMALLOC) ? NULL : calloc(count ? count : 1, size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *xrealloc(void *old, size_t size)
{
	void *p = FAULT(FAULT_XMALLOC) ? NULL : realloc(old, size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

char *xstrdup(const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(xmalloc(size), text, size);
}

char *xasprintf(const char *fmt, ...)
{
	va_list args;
	char *text = NULL;

	va_start(args, fmt);
	if (FAULT(FAULT_XMALLOC) || vasprintf(&text, fmt, args) < 0)
		out_of_memory();
	va_end(args);
	return text;
}

struct arena_block {
	struct arena_block *next;
	size_t              used, size;
	alignas(max_align_t) char bytes[];
};

enum { ARENA_FIRST = 1024, ARENA_LARGEST = 64 * 1024 };

void arena_init(struct arena *arena)
{
	arena->blocks = NULL;
}

void arena_release(struct arena *arena)
{
	struct arena_block *block = arena->blocks;

	while (block) {
		struct arena_block *next = block->next;

		explicit_bzero(block->bytes, block->used);
		free(block);
		block = next;
	}
	arena->blocks = NULL;
}

/* Blocks double up to a limit; an allocation larger than a block gets its own, behind the first. */
static struct arena_block *arena_grow(struct arena *arena, size_t size)
{
	struct arena_block *first = arena->blocks;
	size_t block_size = first ? first->size * 2 : ARENA_FIRST;
	struct arena_block *block;

	if (block_size > ARENA_LARGEST)
		block_size = ARENA_LARGEST;
	bool own = size > block_size;
	if (own)
		block_size = size;
	block = xcalloc(1, sizeof(*block) + block_size);
	block->size = block_size;
	if (own && first) {
		block->next = first->next;
		first->next = block;
	} else {
		block->next = first;
		arena->blocks = block;
	}
	return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct arena_block *block = arena->blocks;

	if (size > SIZE_MAX / 2)
		out_of_memory();
	size = (size + align - 1) & ~(align - 1);
	if (!block || block->size - block->used < size)
		block = arena_grow(arena, size);
	void *p = block->bytes + block->used;

	block->used += size;
	return p;
}

char *arena_strndup(struct arena *arena, const char *text, size_t len)
{
	char *copy;

	if (!text)
		return NULL;
	copy = arena_alloc(arena, len + 1);
	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return text ? arena_strndup(arena, text, strlen(text)) : NULL;
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list args, again;
	char small[256], *text;          /* what is short is written once */
	int len;

	va_start(args, fmt);
	va_copy(again, args);
	len = vsnprintf(small, sizeof(small), fmt, args);
	va_end(args);
	if (len < 0)
		small[len = 0] = '\0';
	text = arena_alloc(arena, (size_t)len + 1);
	if ((size_t)len < sizeof(small))
		memcpy(text, small, (size_t)len + 1);
	else
		vsnprintf(text, (size_t)len + 1, fmt, again);
	va_end(again);
	return text;
}
