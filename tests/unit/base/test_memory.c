#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Pieces of all sizes: zeroed, aligned, apart from each other, all there at the end. */
static void an_arena_gives_zeroed_memory_of_any_size(void **state)
{
	enum { PIECES = 500 };
	struct arena arena;
	unsigned char *pieces[PIECES];
	size_t sizes[PIECES];

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < PIECES; i++) {
		sizes[i] = i % 50 == 49 ? 100000 + i : i * 7 % 900;
		pieces[i] = arena_alloc(&arena, sizes[i]);
		assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
		for (size_t j = 0; j < sizes[i]; j++)
			assert_int_equal(pieces[i][j], 0);
		memset(pieces[i], (int)(i % 255) + 1, sizes[i]);
	}
	for (size_t i = 0; i < PIECES; i++)
		for (size_t j = 0; j < sizes[i]; j++)
			assert_int_equal(pieces[i][j], i % 255 + 1);
	arena_release(&arena);
	assert_null(arena.blocks);
	assert_non_null(arena_alloc(&arena, 1));
	arena_release(&arena);
	arena_release(&arena);
}

static void texts_are_copied(void **state)
{
	struct arena arena;
	char text[] = "Than Uyên";

	(void)state;
	arena_init(&arena);
	char *copy = arena_strdup(&arena, text);

	text[0] = 'x';
	assert_string_equal(copy, "Than Uyên");
	assert_null(arena_strdup(&arena, NULL));
	assert_null(arena_strndup(&arena, NULL, 3));
	assert_string_equal(arena_strndup(&arena, "abcdef", 3), "abc");
	assert_string_equal(arena_printf(&arena, "%s-%02d", "LC25", 7), "LC25-07");
	arena_release(&arena);
}

struct outer {
	int before;
	short member;
};

static void the_container_is_found(void **state)
{
	struct outer outer = { 1, 2 };
	short *member = &outer.member;
	char *text = xasprintf("%d", 12);

	(void)state;
	assert_ptr_equal(container_of(member, struct outer, member), &outer);
	assert_string_equal(text, "12");
	free(text);
	free(xmalloc(0));
	free(xcalloc(0, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_arena_gives_zeroed_memory_of_any_size),
		cmocka_unit_test(texts_are_copied),
		cmocka_unit_test(the_container_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
