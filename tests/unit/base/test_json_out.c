#include "base/json_out.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"

static void commas_and_brackets_fall_into_place(void **state)
{
	struct buf buf = { 0 };
	struct json_out out = { .buf = &buf };

	(void)state;
	jout_object(&out, NULL);
	jout_text(&out, "code", "LC25-07");
	jout_array(&out, "units");
	jout_object(&out, NULL);
	jout_end(&out);
	jout_array(&out, NULL);
	jout_end(&out);
	jout_int(&out, NULL, 1);
	jout_int(&out, NULL, 2);
	jout_end(&out);
	jout_null(&out, "venue");
	jout_bool(&out, "demo", false);
	jout_raw(&out, "raw", "[1]");
	jout_end(&out);
	assert_string_equal(buf.data,
			    "{\"code\":\"LC25-07\",\"units\":[{},[],1,2],\"venue\":null,\"demo\":false,"
			    "\"raw\":[1]}");
	buf_release(&buf);
}

static void texts_are_escaped(void **state)
{
	struct buf buf = { 0 };
	struct json_out out = { .buf = &buf };

	(void)state;
	jout_array(&out, NULL);
	jout_text(&out, NULL, "Mường \"Tè\" \\ \n\t\x01\x7f/");
	jout_text_len(&out, NULL, "a\0b", 3);
	jout_text(&out, NULL, "");
	jout_text(&out, NULL, NULL);
	jout_end(&out);
	assert_string_equal(buf.data,
			    "[\"Mường \\\"Tè\\\" \\\\ \\n\\u0009\\u0001\\u007f/\",\"a\\u0000b\",\"\",null]");
	buf_release(&buf);
}

static void numbers_and_times(void **state)
{
	struct buf buf = { 0 };
	struct json_out out = { .buf = &buf };

	(void)state;
	jout_array(&out, NULL);
	jout_int(&out, NULL, 0);
	jout_int(&out, NULL, INT64_MIN);
	jout_int(&out, NULL, INT64_MAX);
	jout_real(&out, NULL, 0.25);
	jout_real(&out, NULL, NAN);
	jout_real(&out, NULL, INFINITY);
	jout_date(&out, NULL, date_make(2025, 1, 2));
	jout_date(&out, NULL, (struct date){ 0 });
	jout_time(&out, NULL, date_instant(date_make(2025, 1, 2), 450));
	jout_time(&out, NULL, INT64_MIN);
	jout_end(&out);
	assert_string_equal(buf.data,
			    "[0,-9223372036854775808,9223372036854775807,0.25,null,null,\"2025-01-02\",null,"
			    "\"2025-01-02T07:30:00+07:00\",null]");
	buf_release(&buf);
}

static void buffers_grow(void **state)
{
	struct buf buf = { 0 };

	(void)state;
	for (int i = 0; i < 10000; i++)
		buf_append_char(&buf, 'x');
	buf_printf(&buf, "%d %s", 7, "y");
	assert_int_equal(buf.len, 10003);
	assert_string_equal(buf.data + 10000, "7 y");
	buf_reset(&buf);
	buf_append_text(&buf, "z");
	assert_string_equal(buf.data, "z");
	buf_append(&buf, NULL, 0);
	assert_int_equal(buf.len, 1);
	buf_release(&buf);
	assert_null(buf.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commas_and_brackets_fall_into_place),
		cmocka_unit_test(texts_are_escaped),
		cmocka_unit_test(numbers_and_times),
		cmocka_unit_test(buffers_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
