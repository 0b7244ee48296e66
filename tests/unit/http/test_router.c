#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/text.h"
#include "http/router.h"

enum { ROOT, LIST, CREATE, IMPORT, ONE, CHANGE, REPORTS, VERB, DEEP, PDF, FEED, PAPER, PAPER_PDF, PAPER_A_PDF, PAPER_PRINTS };

static struct http_router *new_router(void)
{
	struct http_router *router = http_router_new();

	http_router_add(router, HTTP_GET_, "/", ROOT);
	http_router_add(router, HTTP_GET_, "/rounds", LIST);
	http_router_add(router, HTTP_POST_, "/rounds", CREATE);
	http_router_add(router, HTTP_POST_, "/rounds/import", IMPORT);
	http_router_add(router, HTTP_GET_, "/rounds/{id}", ONE);
	http_router_add(router, HTTP_PATCH_, "/rounds/{round}", CHANGE);
	http_router_add(router, HTTP_GET_, "/rounds/{id}/reports", REPORTS);
	http_router_add(router, HTTP_POST_, "/rounds/{id}/{verb}", VERB);
	http_router_add(router, HTTP_GET_, "/a/{b}/c/{d}", DEEP);
	http_router_add(router, HTTP_GET_, "/a.pdf", PDF);
	http_router_add(router, HTTP_GET_, "/calendar/{unit}.ics", FEED);
	http_router_add(router, HTTP_GET_, "/paper/{n}", PAPER);
	http_router_add(router, HTTP_GET_, "/paper/{n}.pdf", PAPER_PDF);
	http_router_add(router, HTTP_GET_, "/paper/{n}.a.pdf", PAPER_A_PDF);
	http_router_add(router, HTTP_POST_, "/paper/{n}/prints", PAPER_PRINTS);
	return router;
}

static const struct {
	enum http_method method;
	const char      *path;
	int              route;
	const char      *allow;
	const char      *name, *value;
} cases[] = {
	{ HTTP_GET_, "/", ROOT, "GET, HEAD, OPTIONS", NULL, NULL },
	{ HTTP_GET_, "/paper/7", PAPER, "GET, HEAD, OPTIONS", "n", "7" },
	{ HTTP_GET_, "/paper/7.pdf", PAPER_PDF, "GET, HEAD, OPTIONS", "n", "7" },
	{ HTTP_GET_, "/paper/7.a.pdf", PAPER_A_PDF, "GET, HEAD, OPTIONS", "n", "7" },
	{ HTTP_GET_, "/paper/7.b.pdf", PAPER_PDF, "GET, HEAD, OPTIONS", "n", "7.b" },
	{ HTTP_GET_, "/paper/.pdf", PAPER, "GET, HEAD, OPTIONS", "n", ".pdf" },
	{ HTTP_POST_, "/paper/7.pdf/prints", PAPER_PRINTS, "POST, OPTIONS", "n", "7.pdf" },
	{ HTTP_GET_, "/rounds", LIST, "GET, HEAD, POST, OPTIONS", NULL, NULL },
	{ HTTP_POST_, "/rounds", CREATE, "GET, HEAD, POST, OPTIONS", NULL, NULL },
	{ HTTP_HEAD_, "/rounds", LIST, "GET, HEAD, POST, OPTIONS", NULL, NULL },
	{ HTTP_DELETE_, "/rounds", -1, "GET, HEAD, POST, OPTIONS", NULL, NULL },
	{ HTTP_POST_, "/rounds/import", IMPORT, "POST, OPTIONS", NULL, NULL },
	{ HTTP_GET_, "/rounds/import", -1, "POST, OPTIONS", NULL, NULL },
	{ HTTP_GET_, "/rounds/42", ONE, "GET, HEAD, PATCH, OPTIONS", "id", "42" },
	{ HTTP_PATCH_, "/rounds/42", CHANGE, "GET, HEAD, PATCH, OPTIONS", "round", "42" },
	{ HTTP_PATCH_, "/rounds/42", CHANGE, "GET, HEAD, PATCH, OPTIONS", "id", NULL },
	{ HTTP_GET_, "/rounds/42/reports", REPORTS, "GET, HEAD, OPTIONS", "id", "42" },
	{ HTTP_POST_, "/rounds/42/open", VERB, "POST, OPTIONS", "verb", "open" },
	/* the literal leads nowhere, so {id} takes it */
	{ HTTP_GET_, "/rounds/import/reports", REPORTS, "GET, HEAD, OPTIONS", "id", "import" },
	{ HTTP_GET_, "/a/1/c/2", DEEP, "GET, HEAD, OPTIONS", "d", "2" },
	{ HTTP_GET_, "/a.pdf", PDF, "GET, HEAD, OPTIONS", NULL, NULL },
	{ HTTP_GET_, "/calendar/than uyen.ics", FEED, "GET, HEAD, OPTIONS", "unit", "than uyen" },
	{ HTTP_GET_, "/calendar/a.ics.ics", FEED, "GET, HEAD, OPTIONS", "unit", "a.ics" },
	{ HTTP_GET_, "/calendar/.ics", -1, "", NULL, NULL },
	{ HTTP_GET_, "/calendar/ics", -1, "", NULL, NULL },
	{ HTTP_GET_, "/calendar/a.icsx", -1, "", NULL, NULL },
	{ HTTP_GET_, "/calendar/a.ics/", -1, "", NULL, NULL },
	{ HTTP_GET_, "/rounds/", -1, "", NULL, NULL },
	{ HTTP_GET_, "/rounds/42/", -1, "", NULL, NULL },
	{ HTTP_GET_, "/rounds/42/reports/1", -1, "", NULL, NULL },
	{ HTTP_GET_, "/round", -1, "", NULL, NULL },
	{ HTTP_GET_, "/roundss", -1, "", NULL, NULL },
	{ HTTP_GET_, "/a/1/c", -1, "", NULL, NULL },
	{ HTTP_GET_, "rounds", -1, "", NULL, NULL },
	{ HTTP_GET_, "", -1, "", NULL, NULL },
};

static void test_matches(void **state)
{
	struct http_router *router = new_router();
	struct http_match match;
	char allow[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		http_router_match(router, cases[i].method, cases[i].path, &match);
		http_allow_text(match.allowed, allow);
		if (match.route != cases[i].route || !streq(allow, cases[i].allow))
			fail_msg("%s: route %d, allow \"%s\"", cases[i].path, match.route, allow);
		if (cases[i].name && !streq(http_match_param(&match, cases[i].name), cases[i].value))
			fail_msg("%s: %s is not %s", cases[i].path, cases[i].name, cases[i].value);
	}
	http_router_free(router);
}

static void test_long_segment(void **state)
{
	struct http_router *router = new_router();
	struct http_match match;
	char path[256] = "/rounds/";

	(void)state;
	memset(path + 8, 'x', 127);
	http_router_match(router, HTTP_GET_, path, &match);
	assert_int_equal(match.route, ONE);
	path[8 + 127] = 'x';
	http_router_match(router, HTTP_GET_, path, &match);
	assert_int_equal(match.route, -1);
	assert_int_equal(match.allowed, 0);
	http_router_free(router);
}

static void test_every_method_fits_the_allow_text(void **state)
{
	char allow[64];

	(void)state;
	http_allow_text((1u << HTTP_METHOD_COUNT) - 1, allow);
	assert_string_equal(allow, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
	http_allow_text(0, allow);
	assert_string_equal(allow, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_long_segment),
		cmocka_unit_test(test_every_method_fits_the_allow_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
