#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "api/limits.h"

enum { SECOND = 1000000 };

static void test_burst_then_refusal_then_refill(void **state)
{
	struct limits limits;
	int64_t now = 5 * SECOND;

	(void)state;
	limits_init(&limits);
	for (int i = 0; i < 60; i++)
		assert_int_equal(limits_take(&limits, "192.0.2.1", 60, now), 0);
	assert_int_equal(limits_take(&limits, "192.0.2.1", 60, now), 1 + 1);
	/* Another key is not concerned. */
	assert_int_equal(limits_take(&limits, "192.0.2.2", 60, now), 0);
	/* One a second comes back. */
	assert_int_not_equal(limits_take(&limits, "192.0.2.1", 60, now + SECOND * 9 / 10), 0);
	assert_int_equal(limits_take(&limits, "192.0.2.1", 60, now + SECOND + 1), 0);
	assert_int_not_equal(limits_take(&limits, "192.0.2.1", 60, now + SECOND + 2), 0);
	limits_release(&limits);
}

static void test_what_is_given_back_is_there_again(void **state)
{
	struct limits limits;

	(void)state;
	limits_init(&limits);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(limits_take(&limits, "k", 5, 7 * SECOND), 0);
		limits_give_back(&limits, "k", 5, 7 * SECOND);
	}
	/* Never more than there was. */
	limits_give_back(&limits, "k", 5, 7 * SECOND);
	for (int i = 0; i < 5; i++)
		assert_int_equal(limits_take(&limits, "k", 5, 7 * SECOND), 0);
	assert_int_not_equal(limits_take(&limits, "k", 5, 7 * SECOND), 0);
	limits_give_back(&limits, "k", 0, 7 * SECOND);
	limits_release(&limits);
}

static void test_zero_is_no_limit(void **state)
{
	struct limits limits;

	(void)state;
	limits_init(&limits);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(limits_take(&limits, "k", 0, 1), 0);
	limits_release(&limits);
}

static void test_many_keys_never_grow_it(void **state)
{
	struct limits limits;
	char key[32];

	(void)state;
	limits_init(&limits);
	for (int i = 0; i < 100000; i++) {
		snprintf(key, sizeof(key), "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
		assert_int_equal(limits_take(&limits, key, 5, 1000 + i), 0);
	}
	limits_release(&limits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_burst_then_refusal_then_refill),
		cmocka_unit_test(test_what_is_given_back_is_there_again),
		cmocka_unit_test(test_zero_is_no_limit),
		cmocka_unit_test(test_many_keys_never_grow_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
