#include "base/uuid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/memory.h"

static void ids_carry_their_instant(void **state)
{
	char one[UUID_TEXT_SIZE], two[UUID_TEXT_SIZE];

	(void)state;
	uuid7_make(one, INT64_C(1645557742000) * 1000); /* the example of RFC 9562 */
	assert_memory_equal(one, "017f22e2-79b0-7", 15);
	assert_true(strchr("89ab", one[19]) != NULL);
	assert_true(uuid_valid(one));
	uuid7_make(two, INT64_C(1645557742000) * 1000);
	assert_string_not_equal(one, two);
	uuid7_make(two, INT64_C(1645557742001) * 1000);
	assert_true(strcmp(one, two) < 0);
}

static void only_the_canonical_form_is_valid(void **state)
{
	static const struct {
		const char *text;
		bool valid;
	} cases[] = {
		{ "01890a5d-ac96-774b-bcce-b302099a8057", true },
		{ "01890A5D-AC96-774B-BCCE-B302099A8057", true },
		{ "01890a5d-ac96-774b-bcce-b302099a805", false },
		{ "01890a5d-ac96-774b-bcce-b302099a80577", false },
		{ "01890a5dac96-774b-bcce-b302099a80577-", false },
		{ "{1890a5d-ac96-774b-bcce-b302099a8057", false },
		{ "g1890a5d-ac96-774b-bcce-b302099a8057", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(uuid_valid(cases[i].text), cases[i].valid);
}

static void bytes_of_an_id(void **state)
{
	static const unsigned char wanted[UUID_BYTES] = { 0x01, 0x89, 0x0a, 0x5d, 0xac, 0x96, 0x77, 0x4b,
							  0xbc, 0xce, 0xb3, 0x02, 0x09, 0x9a, 0x80, 0x57 };
	unsigned char bytes[UUID_BYTES];

	(void)state;
	assert_true(uuid_bytes("01890a5d-ac96-774b-bcce-b302099a8057", bytes));
	assert_memory_equal(bytes, wanted, sizeof(bytes));
	assert_true(uuid_bytes("01890A5D-AC96-774B-BCCE-B302099A8057", bytes));
	assert_memory_equal(bytes, wanted, sizeof(bytes));
	assert_false(uuid_bytes("01890a5d-ac96-774b-bcce-b302099a805g", bytes));
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The randomness of many is asked for at once: none may get what another got. */
static void thousands_differ(void **state)
{
	static char ids[5000][UUID_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		uuid7_make(ids[i], INT64_C(1645557742000) * 1000);
	qsort(ids, ARRAY_SIZE(ids), sizeof(ids[0]), by_text);
	for (size_t i = 1; i < ARRAY_SIZE(ids); i++)
		assert_string_not_equal(ids[i - 1], ids[i]);
}

/* What one statement writes is read in the order of its ids. */
static void ids_of_one_instant_sort_as_made(void **state)
{
	static char ids[2048][UUID_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		uuid7_make(ids[i], INT64_C(1645557743000) * 1000);
	for (size_t i = 1; i < ARRAY_SIZE(ids); i++)
		assert_true(strcmp(ids[i - 1], ids[i]) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_carry_their_instant),
		cmocka_unit_test(only_the_canonical_form_is_valid),
		cmocka_unit_test(bytes_of_an_id),
		cmocka_unit_test(thousands_differ),
		cmocka_unit_test(ids_of_one_instant_sort_as_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
