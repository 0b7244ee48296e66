/* Without memory a body is put off (ERR_UNAVAILABLE, 503): never refused as wrong, never read wrongly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/memory.h"
#include "wire/csv_rows.h"
#include "wire/wire.h"

static void check_put_off(const struct error *err)
{
	assert_int_equal(err->code, ERR_UNAVAILABLE);
	assert_int_equal(err->nfields, 0);
	assert_true(*err->detail[LANGUAGE_EN] && *err->detail[LANGUAGE_VI]);
}

static void test_json(void **state)
{
	static const char body[] = "{\"name\": \"Nhà văn hoá huyện Than Uyên\", \"capacity\": 120}";
	struct error err = { 0 };
	json_t *object;

	(void)state;
	fault_at(1, UINT64_C(1) << FAULT_JSON);
	assert_null(wire_parse_object(body, strlen(body), &err));
	assert_int_equal(fault_count(), 1);
	check_put_off(&err);
	error_clear(&err);
	object = wire_parse_object(body, strlen(body), &err);
	fault_at(0, 0);
	assert_non_null(object);
	assert_int_equal(err.code, ERR_NONE);
	assert_string_equal(json_string_value(json_object_get(object, "name")), "Nhà văn hoá huyện Than Uyên");
	json_decref(object);
}

/* What is wrong with the body itself is said before memory is asked for. */
static void test_wrong_json(void **state)
{
	struct error err = { 0 };

	(void)state;
	fault_at(1, UINT64_C(1) << FAULT_JSON);
	assert_null(wire_parse_object("\xff", 1, &err));
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_int_equal(fault_count(), 0);
	fault_at(0, 0);
}

static bool read_table(struct error *err, struct arena *arena, size_t *count)
{
	static const char *const columns[] = { "code", "name", NULL };
	static char text[2000];
	struct csv_rows table = { .columns = columns, .arena = arena, .err = err };
	size_t len;
	bool fine;

	len = (size_t)snprintf(text, sizeof(text), "code,name\nA,Tan Uyen\nB,%0*d\n", 1500, 7);
	fine = csv_rows_read(&table, text, len);
	*count = table.count;
	return fine;
}

/* The parser makes do with less where it can, so one failure need not stop it; without any memory it stops. */
static void test_csv(void **state)
{
	struct arena arena;
	size_t count;
	int put_off = 0;

	(void)state;
	arena_init(&arena);
	for (uint64_t rate = 1; rate < 40; rate++) {
		struct error err = { 0 };

		fault_at_random(rate, rate * 16, UINT64_C(1) << FAULT_CSV);
		if (read_table(&err, &arena, &count)) {
			assert_int_equal(count, 2);
		} else {
			check_put_off(&err);
			put_off++;
		}
	}
	fault_at(0, 0);
	assert_in_range(put_off, 1, 38);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_wrong_json),
		cmocka_unit_test(test_csv),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
