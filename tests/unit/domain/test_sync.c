/* What a phone is told of what arrived. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "domain/sync.h"

enum { MAX = 8 };

static const struct {
	struct seq_run there[MAX];
	size_t         nthere;
	struct seq_run missing[MAX];
	size_t         nmissing;
	int64_t        count;
} cases[] = {
	{ { { 0 } }, 0, { { 0 } }, 0, 0 },
	{ { { 1, 1 } }, 1, { { 0 } }, 0, 0 },
	{ { { 2, 2 } }, 1, { { 1, 1 } }, 1, 1 },
	{ { { 1, 30 }, { 32, 87 }, { 89, 149 } }, 3, { { 31, 31 }, { 88, 88 } }, 2, 2 },
	{ { { 5, 5 }, { 6, 9 } }, 2, { { 1, 4 } }, 1, 4 },                 /* touching */
	{ { { 1, 9 }, { 3, 4 }, { 8, 12 }, { 14, 14 } }, 4, { { 13, 13 } }, 1, 1 },    /* inside, overlapping */
	{ { { 3, 3 }, { 3, 3 }, { 7, 7 } }, 3, { { 1, 2 }, { 4, 6 } }, 2, 5 },         /* twice */
	{ { { 1000000000, 1000000000 } }, 1, { { 1, 999999999 } }, 1, 999999999 },
};

static void test_missing(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct seq_run missing[MAX];
		size_t count = sync_missing(cases[i].there, cases[i].nthere, missing, MAX);

		assert_int_equal(count, cases[i].nmissing);
		for (size_t k = 0; k < count; k++) {
			assert_int_equal(missing[k].from, cases[i].missing[k].from);
			assert_int_equal(missing[k].to, cases[i].missing[k].to);
		}
		assert_int_equal(sync_count(missing, count), cases[i].count);
	}
}

static void test_more_than_there_is_room_for(void **state)
{
	const struct seq_run there[] = { { 2, 2 }, { 4, 4 }, { 6, 6 } };
	struct seq_run missing[2] = { { -1, -1 }, { -1, -1 } };

	(void)state;
	assert_int_equal(sync_missing(there, 3, missing, 1), 3);
	assert_int_equal(missing[0].to, 1);
	assert_int_equal(missing[1].from, -1);
	assert_int_equal(sync_missing(there, 3, NULL, 0), 3);
}

static void test_skew(void **state)
{
	static const struct { int64_t ahead_us, seconds; int suspect; } skews[] = {
		{ 0, 0, 0 }, { 999999, 0, 0 }, { -999999, 0, 0 }, { 299999999, 299, 0 }, { 300000000, 300, 1 },
		{ -299999999, -299, 0 }, { -300000000, -300, 1 }, { 86400000000, 86400, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(skews); i++) {
		int64_t skew = sync_skew_seconds(1750000000000000 + skews[i].ahead_us, 1750000000000000);

		assert_int_equal(skew, skews[i].seconds);
		assert_int_equal(sync_skew_suspect(skew), skews[i].suspect);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_missing), cmocka_unit_test(test_more_than_there_is_room_for), cmocka_unit_test(test_skew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
