#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/text.h"

static void both_languages_from_the_same_arguments(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_false(error_set(&err, ERR_STALE, "Version %d of %s.", "Phiên bản %d của %s.", 7, "LC25-07"));
	assert_int_equal(err.code, ERR_STALE);
	assert_string_equal(err.detail[LANGUAGE_EN], "Version 7 of LC25-07.");
	assert_string_equal(err.detail[LANGUAGE_VI], "Phiên bản 7 của LC25-07.");
	error_clear(&err);
	assert_int_equal(err.code, ERR_NONE);
	assert_string_equal(err.detail[LANGUAGE_EN], "");
}

static void fields_gather_up_to_a_limit(void **state)
{
	struct error err = { 0 };
	char pointer[32];

	(void)state;
	for (int i = 0; i < ERROR_MAX_FIELDS + 3; i++) {
		snprintf(pointer, sizeof(pointer), "/rounds/%d", i);
		assert_false(error_add_field(&err, pointer, "required", "Give %d.", "Cho %d.", i));
	}
	assert_int_equal(err.code, ERR_INVALID_FIELD);
	assert_int_equal(err.nfields, ERROR_MAX_FIELDS);
	assert_string_equal(err.fields[15].pointer, "/rounds/15");
	assert_string_equal(err.fields[1].detail[LANGUAGE_VI], "Cho 1.");
	error_clear(&err);
	error_set(&err, ERR_IMPORT_REFUSED, "No.", "Không.");
	error_add_field(&err, "/x", "announced", "a", "b");
	assert_int_equal(err.code, ERR_IMPORT_REFUSED);
}

/* Long texts of several bytes a letter are cut between letters, at every offset. */
static void a_cut_leaves_whole_characters(void **state)
{
	char text[800], pointer[200];

	(void)state;
	for (size_t shift = 0; shift < 4; shift++) {
		struct error err = { 0 };

		memset(text, 'a', sizeof(text));
		for (size_t i = shift; i + 3 < sizeof(text) - 1; i += 3)
			memcpy(text + i, "ế", 3);
		text[sizeof(text) - 3] = '\0';
		memcpy(pointer, text, sizeof(pointer));
		pointer[shift + 150] = '\0';
		error_set(&err, ERR_MALFORMED, "%s", "%s", text);
		error_add_field(&err, pointer, "x", "%s", "%s", text);
		assert_true(text_valid_utf8(err.detail[0], strlen(err.detail[0])));
		assert_true(text_valid_utf8(err.detail[1], strlen(err.detail[1])));
		assert_true(text_valid_utf8(err.fields[0].pointer, strlen(err.fields[0].pointer)));
		assert_true(text_valid_utf8(err.fields[0].detail[1], strlen(err.fields[0].detail[1])));
		assert_true(strlen(err.detail[0]) > sizeof(err.detail[0]) - 5);
	}
}

static void every_code_has_its_own_slug(void **state)
{
	(void)state;
	for (int i = 0; i < ERR_COUNT; i++) {
		const char *slug = error_slug((enum error_code)i);

		assert_non_null(slug);
		assert_true(strlen(slug) > 2 && strspn(slug, "abcdefghijklmnopqrstuvwxyz-") == strlen(slug));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(slug, error_slug((enum error_code)j));
	}
	assert_string_equal(error_slug((enum error_code)999), "internal");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_languages_from_the_same_arguments),
		cmocka_unit_test(fields_gather_up_to_a_limit),
		cmocka_unit_test(a_cut_leaves_whole_characters),
		cmocka_unit_test(every_code_has_its_own_slug),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
