#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "api/cache.h"
#include "base/memory.h"
#include "http/http.h"

/* Of src/api/cache.c. */
enum { MAX_ENTRIES = 512, MAX_BYTES = 16 * 1024 * 1024, MAX_TARGET = 256 };

static const struct date today = { 2025, 3, 10 }, tomorrow = { 2025, 3, 11 };
static struct cache cache;

static int up(void **state)
{
	(void)state;
	cache_init(&cache);
	return 0;
}

static int down(void **state)
{
	(void)state;
	cache_release(&cache);
	return 0;
}

static struct http_ready *ready(const char *body)
{
	return http_ready_new("application/json", "\"1\"", "no-cache", body, strlen(body));
}

static void test_found_by_its_whole_target(void **state)
{
	struct http_ready *first = ready("1"), *second = ready("2");

	(void)state;
	assert_null(cache_find(&cache, "/a?x=1", today));
	cache_put(&cache, "/a?x=1", today, first);
	cache_put(&cache, "/a?x=2", today, second);
	assert_ptr_equal(cache_find(&cache, "/a?x=1", today), first);
	assert_ptr_equal(cache_find(&cache, "/a?x=2", today), second);
	assert_null(cache_find(&cache, "/a", today));
	assert_null(cache_find(&cache, "/a?x=11", today));
	assert_int_equal(cache.bytes, http_ready_size(first) + http_ready_size(second));
	cache_clear(&cache);
	assert_null(cache_find(&cache, "/a?x=1", today));
	assert_int_equal(cache.bytes, 0);
}

/* Two requests may have been reading at once. */
static void test_the_first_one_stays(void **state)
{
	struct http_ready *first = ready("1");

	(void)state;
	cache_put(&cache, "/a", today, first);
	cache_put(&cache, "/a", today, ready("2"));
	assert_ptr_equal(cache_find(&cache, "/a", today), first);
	assert_int_equal(cache.count, 1);
}

static void test_nothing_outlives_midnight(void **state)
{
	(void)state;
	cache_put(&cache, "/a", today, ready("1"));
	cache_put(&cache, "/b", today, ready("1"));
	assert_null(cache_find(&cache, "/b", tomorrow));
	assert_int_equal(cache.count, 0);
	/* An answer that was begun before midnight comes late. */
	cache_put(&cache, "/c", tomorrow, ready("1"));
	cache_put(&cache, "/d", today, ready("1"));
	assert_null(cache_find(&cache, "/d", tomorrow));
	assert_null(cache_find(&cache, "/d", today));
}

static void test_long_targets_are_not_kept(void **state)
{
	char target[MAX_TARGET + 2];

	(void)state;
	memset(target, 'a', sizeof(target));
	target[MAX_TARGET + 1] = '\0';
	cache_put(&cache, target, today, ready("1"));
	assert_null(cache_find(&cache, target, today));
	target[MAX_TARGET] = '\0';
	cache_put(&cache, target, today, ready("1"));
	assert_non_null(cache_find(&cache, target, today));
}

static void test_bounded_in_number(void **state)
{
	char target[16];

	(void)state;
	for (int i = 0; i < MAX_ENTRIES; i++) {
		snprintf(target, sizeof(target), "/%d", i);
		cache_put(&cache, target, today, ready("1"));
	}
	assert_int_equal(cache.count, MAX_ENTRIES);
	assert_non_null(cache_find(&cache, "/0", today));
	cache_put(&cache, "/more", today, ready("1"));
	assert_int_equal(cache.count, 1);
	assert_non_null(cache_find(&cache, "/more", today));
}

static void test_bounded_in_bytes(void **state)
{
	static char body[1024 * 1024];
	char target[16];

	(void)state;
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (char)('a' + (i * 2654435761u >> 16) % 26);
	for (int i = 0; i < 40; i++) {
		snprintf(target, sizeof(target), "/%d", i);
		cache_put(&cache, target, today,
			  http_ready_new("application/json", NULL, "no-cache", body, sizeof(body)));
		assert_true(cache.bytes <= MAX_BYTES);
		assert_non_null(cache_find(&cache, target, today));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_found_by_its_whole_target, up, down),
		cmocka_unit_test_setup_teardown(test_the_first_one_stays, up, down),
		cmocka_unit_test_setup_teardown(test_nothing_outlives_midnight, up, down),
		cmocka_unit_test_setup_teardown(test_long_targets_are_not_kept, up, down),
		cmocka_unit_test_setup_teardown(test_bounded_in_number, up, down),
		cmocka_unit_test_setup_teardown(test_bounded_in_bytes, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
