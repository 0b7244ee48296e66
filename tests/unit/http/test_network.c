#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/memory.h"
#include "http/http.h"

static void test_networks(void **state)
{
	static const struct { const char *address, *want; } cases[] = {
		{ "192.0.2.17", "192.0.2.17" },
		{ "unix", "unix" },
		{ "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::" },
		{ "2001:db8:1:2:ffff::1", "2001:db8:1:2::" },
		{ "2001:db8:1:3::1", "2001:db8:1:3::" },
		{ "::1", "::" },
		{ "", "" },
	};
	char out[HTTP_NETWORK_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		http_network_of(cases[i].address, out);
		assert_string_equal(out, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_networks) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
