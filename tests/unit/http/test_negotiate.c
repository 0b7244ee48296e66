#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "http/http.h"
#include "http/negotiate.h"

static void test_language(void **state)
{
	static const struct {
		const char   *field;
		enum language want;
	} rows[] = {
		{ NULL, LANGUAGE_EN }, { "", LANGUAGE_EN }, { "vi", LANGUAGE_VI }, { "VI", LANGUAGE_VI },
		{ "vi-VN", LANGUAGE_VI }, { "en", LANGUAGE_EN }, { "fr", LANGUAGE_EN }, { "fr, vi;q=0.1", LANGUAGE_VI },
		{ "vi-VN,vi;q=0.9,en-US;q=0.8,en;q=0.7", LANGUAGE_VI }, { "en,vi", LANGUAGE_EN }, { "vi,en", LANGUAGE_VI },
		{ "en;q=0.5,vi;q=0.6", LANGUAGE_VI }, { "en;q=0.6 , vi; q=0.5", LANGUAGE_EN }, { "vi;q=0", LANGUAGE_EN },
		{ "vi;q=0.000, en;q=0.001", LANGUAGE_EN }, { "*", LANGUAGE_EN }, { "en;q=0,*", LANGUAGE_VI },
		{ "vi;q=0.2,*;q=0.5", LANGUAGE_EN }, { "vie", LANGUAGE_EN }, { "vi;q=x", LANGUAGE_EN },
		{ "vi;q=1.0;x=y,en;q=0.9", LANGUAGE_VI }, { ",,vi", LANGUAGE_VI }, { "vi;", LANGUAGE_VI },
		{ ";q=1,vi", LANGUAGE_VI }, { "vi;level=1;q=0.1,en;q=0.2", LANGUAGE_EN }, { "vi;q=", LANGUAGE_EN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (http_choose_language(rows[i].field) != rows[i].want)
			fail_msg("\"%s\"", rows[i].field ? rows[i].field : "none");
}

static void test_gzip(void **state)
{
	static const struct {
		const char *field;
		bool        want;
	} rows[] = {
		{ NULL, false }, { "", false }, { "gzip", true }, { "GZIP", true }, { "x-gzip", true }, { "br", false },
		{ "br, gzip", true }, { "gzip;q=0", false }, { "gzip;q=0.0", false }, { "gzip; q=0.001", true },
		{ "*", true }, { "*;q=0", false }, { "gzip;q=0, *", false }, { "*;q=0, gzip", true }, { "gzipped", false },
		{ "identity", false }, { "deflate, gzip;q=1.0, *;q=0.5", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (http_takes_gzip(rows[i].field) != rows[i].want)
			fail_msg("\"%s\"", rows[i].field ? rows[i].field : "none");
}

static void test_tags(void **state)
{
	static const struct {
		const char *field, *etag;
		bool        want;
	} rows[] = {
		{ NULL, "\"a\"", false }, { "\"a\"", NULL, false }, { "\"a\"", "\"a\"", true }, { "W/\"a\"", "\"a\"", true },
		{ "\"a\"", "W/\"a\"", true }, { "\"b\", \"a\"", "\"a\"", true }, { "\"b\"", "\"a\"", false },
		{ "*", "\"a\"", true }, { "a", "\"a\"", false }, { "\"a", "\"a\"", false }, { "\"ab\"", "\"a\"", false },
		{ "\"a-gzip\"", "\"a\"", true }, { "\"x,y\",\"a\"", "\"a\"", true }, { "", "\"a\"", false },
		{ "\"a-gzi\"", "\"a\"", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (http_tag_listed(rows[i].field, rows[i].etag) != rows[i].want)
			fail_msg("row %zu", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_language),
		cmocka_unit_test(test_gzip),
		cmocka_unit_test(test_tags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
