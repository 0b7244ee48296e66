#include "format/xml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/memory.h"

static const struct {
	const char *text, *xml;
} cases[] = {
	{ "", "" },
	{ "Mường Tè \xf0\x9f\xa9\xb8", "Mường Tè \xf0\x9f\xa9\xb8" },
	{ "<a href=\"x\">&'</a>", "&lt;a href=&quot;x&quot;&gt;&amp;&#39;&lt;/a&gt;" },
	{ "]]>", "]]&gt;" },
	{ "a\tb\nc\rd", "a\tb\nc&#13;d" },
	{ "a\x01"
	  "b\x1f"
	  "c\x7f",
	  "a\xef\xbf\xbd"
	  "b\xef\xbf\xbd"
	  "c\xef\xbf\xbd" },
	{ "\xef\xbf\xbe\xef\xbf\xbf", "\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xff\xc3", "\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
};

static void test_texts(void **state)
{
	struct buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		buf_reset(&out);
		buf_append_text(&out, "");
		xml_text(&out, cases[i].text);
		assert_string_equal(out.data, cases[i].xml);
	}
	buf_release(&out);
}

static void test_element(void **state)
{
	struct buf out = { 0 };

	(void)state;
	xml_element(&out, "title", "a<b");
	assert_string_equal(out.data, "<title>a&lt;b</title>\n");
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_element),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
