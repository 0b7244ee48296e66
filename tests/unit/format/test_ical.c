#include "format/ical.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/memory.h"
#include "base/text.h"

/* ---- escaping ---- */

static const struct {
	const char *text, *line;
} texts[] = {
	{ "", "X:\r\n" },
	{ "plain", "X:plain\r\n" },
	{ "a,b;c\\d:e\"f", "X:a\\,b\\;c\\\\d:e\"f\r\n" },
	{ "one\ntwo", "X:one\\ntwo\r\n" },
	{ "one\r\ntwo\rthree", "X:one\\ntwo\\nthree\r\n" },
	{ "\r\n\r\n", "X:\\n\\n\r\n" },
	{ "v\vf\fn\xc2\x85l\xe2\x80\xa8p\xe2\x80\xa9", "X:v\\nf\\nn\\nl\\np\\n\r\n" },
	{ "tab\there", "X:tab\there\r\n" },
	{ "a\x01"
	  "b\x7f"
	  "c\xc2\x9f"
	  "d",
	  "X:a b c d\r\n" },
	{ "Mường Tè", "X:Mường Tè\r\n" },
	{ "\xff", "X:\xef\xbf\xbd\r\n" },
	{ "a\xe1\xba", "X:a\xef\xbf\xbd\xef\xbf\xbd\r\n" },
	{ "END:VEVENT\r\nEND:VCALENDAR", "X:END:VEVENT\\nEND:VCALENDAR\r\n" },
};

static void test_texts(void **state)
{
	struct buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		buf_reset(&out);
		ical_text(&out, "X", texts[i].text);
		assert_string_equal(out.data, texts[i].line);
	}
	buf_release(&out);
}

/* ---- folding ---- */

/* Every line at most 75 octets and whole characters; unfolded it is `want`. */
static void check_folded(const char *folded, const char *want)
{
	struct buf plain = { 0 };

	for (const char *line = folded; *line;) {
		const char *end = strstr(line, "\r\n");

		assert_non_null(end);
		assert_true(end - line <= 75);
		if (!text_valid_utf8(line, (size_t)(end - line)))
			fail_msg("a character is torn: %.*s", (int)(end - line), line);
		buf_append(&plain, line, (size_t)(end - line));
		line = end + 2;
		if (*line) {
			assert_int_equal(*line, ' ');
			line++;
		}
	}
	assert_string_equal(plain.data, want);
	buf_release(&plain);
}

static void test_folds_at_75_octets(void **state)
{
	static const char *const units[] = { "a", "đ", "ề", "\xf0\x9f\xa9\xb8", "a\xcc\xa3", ",", "\\" };
	static const char *const escaped[] = { "a", "đ", "ề", "\xf0\x9f\xa9\xb8", "a\xcc\xa3", "\\,", "\\\\" };

	(void)state;
	for (size_t u = 0; u < ARRAY_SIZE(units); u++) {
		/* every offset of the fold within a character, by a head of one to nine octets more */
		for (int head = 0; head < 9; head++) {
			struct buf text = { 0 }, want = { 0 }, out = { 0 };

			buf_append_text(&want, "SUMMARY:");
			for (int i = 0; i < head; i++) {
				buf_append_char(&text, 'x');
				buf_append_char(&want, 'x');
			}
			for (int i = 0; i < 150; i++) {
				buf_append_text(&text, units[u]);
				buf_append_text(&want, escaped[u]);
			}
			ical_text(&out, "SUMMARY", text.data);
			check_folded(out.data, want.data);
			buf_release(&text);
			buf_release(&want);
			buf_release(&out);
		}
	}
}

static void test_75_fit_and_76_do_not(void **state)
{
	char text[80];
	struct buf out = { 0 };

	(void)state;
	memset(text, 'a', sizeof(text));
	text[73] = '\0';
	ical_text(&out, "X", text);
	assert_int_equal(out.len, 75 + 2);
	buf_reset(&out);
	text[73] = 'a';
	text[74] = '\0';
	ical_text(&out, "X", text);
	assert_int_equal(out.len, 75 + 3 + 1 + 2);
	assert_memory_equal(out.data + 75, "\r\n a\r\n", 6);
	buf_release(&out);
}

/* An escape stays whole: "\" at the end of one line and "," on the next would still be right, but few test it. */
static void test_escapes_are_not_torn(void **state)
{
	char text[80];
	struct buf out = { 0 };

	(void)state;
	memset(text, 'a', sizeof(text));
	text[72] = ',';
	text[73] = '\0';
	ical_text(&out, "X", text);
	assert_memory_equal(out.data + 74, "\r\n \\,\r\n", 7);
	buf_release(&out);
}

static void test_parts_share_a_line(void **state)
{
	struct ical_line line;
	struct buf out = { 0 };

	(void)state;
	ical_begin(&line, &out, "CATEGORIES");
	ical_add_text(&line, "a,b");
	ical_add(&line, ",");
	ical_add_text(&line, "c");
	ical_end(&line);
	assert_string_equal(out.data, "CATEGORIES:a\\,b,c\r\n");
	buf_release(&out);
}

/* ---- dates and times ---- */

static void test_dates_and_times(void **state)
{
	struct buf out = { 0 };

	(void)state;
	ical_date(&out, "DTSTART", date_make(2027, 3, 1));
	assert_string_equal(out.data, "DTSTART;VALUE=DATE:20270301\r\n");
	buf_reset(&out);
	ical_time(&out, "DTSTART", date_instant(date_make(2027, 1, 1), 450));
	assert_string_equal(out.data, "DTSTART:20270101T003000Z\r\n");
	buf_reset(&out);
	ical_time(&out, "DTSTART", date_instant(date_make(2027, 1, 1), 419));
	assert_string_equal(out.data, "DTSTART:20261231T235900Z\r\n");
	buf_reset(&out);
	ical_time(&out, "DTSTAMP", 0);
	assert_string_equal(out.data, "DTSTAMP:19700101T000000Z\r\n");
	buf_reset(&out);
	ical_time(&out, "DTSTAMP", 1741597199999999);
	assert_string_equal(out.data, "DTSTAMP:20250310T085959Z\r\n");
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_folds_at_75_octets),
		cmocka_unit_test(test_75_fit_and_76_do_not),
		cmocka_unit_test(test_escapes_are_not_torn),
		cmocka_unit_test(test_parts_share_a_line),
		cmocka_unit_test(test_dates_and_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
