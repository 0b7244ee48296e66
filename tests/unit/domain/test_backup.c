#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/date.h"
#include "domain/backup.h"

static void test_names(void **state)
{
	char name[BACKUP_NAME_SIZE];
	int64_t made_us;

	(void)state;
	assert_true(time_parse("2027-03-02T02:00:01+07:00", &made_us));
	backup_name(made_us, name);
	assert_string_equal(name, "giothong-20270301T190001Z");
	assert_true(backup_name_is(name));
	assert_int_equal(backup_name_time(name), made_us);
	assert_int_equal(backup_name_time("giothong-20271301T190001Z"), INT64_MIN);
	static const char *const others[] = { "", "giothong-", "giothong-20270301T190001Z.partial",
					      "giothong-20270301T190001", "giothong-2027030xT190001Z",
					      "giothong_20270301T190001Z", "other-20270301T190001Z" };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(backup_name_is(others[i]));
}

static void test_the_oldest_go(void **state)
{
	const char *names[] = { "giothong-20270103T000000Z", "giothong-20270101T000000Z",
				"giothong-20270102T000000Z" };

	(void)state;
	const char *made = names[0];

	assert_int_equal(backup_expired(names, 3, made, 2), 1);
	assert_string_equal(names[0], "giothong-20270101T000000Z");
	assert_string_equal(names[2], "giothong-20270103T000000Z");
	assert_int_equal(backup_expired(names, 3, made, 3), 0);
	assert_int_equal(backup_expired(names, 3, made, 4), 0);
	assert_int_equal(backup_expired(names, 0, made, 1), 0);
}

/* A clock that was ahead for a while, or starts in 1970: what was just made stays. */
static void test_the_one_just_made_stays(void **state)
{
	const char *names[] = { "giothong-20990102T000000Z", "giothong-20270101T000000Z", "giothong-20990101T000000Z" };
	const char *made = names[1];

	(void)state;
	assert_int_equal(backup_expired(names, 3, made, 2), 1);
	assert_string_equal(names[0], "giothong-20990101T000000Z");
	assert_int_equal(backup_expired(names, 3, made, 1), 2);
	assert_string_equal(names[2], made);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_names), cmocka_unit_test(test_the_oldest_go),
					    cmocka_unit_test(test_the_one_just_made_stays) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
