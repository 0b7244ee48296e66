#include "wire/wire.h"

#include "wire/support.h"
#include "wire/fields.h"

/* ---- bodies that are no object ---- */

static void refuse_whole(const char *body, size_t len, const char *words)
{
	error_clear(&err);
	assert_null(wire_parse_object(body, len, &err));
	assert_int_equal(err.code, ERR_MALFORMED);
	if (!strstr(err.detail[LANGUAGE_EN], words))
		fail_msg("\"%s\" does not say \"%s\"", err.detail[LANGUAGE_EN], words);
	assert_true(strlen(err.detail[LANGUAGE_VI]) > 0);
}

static void test_malformed(void **state)
{
	(void)state;
	refuse_whole("", 0, "empty");
	refuse_whole("{}\0", 3, "NUL");
	refuse_whole("{\"a\":\"\xff\"}", 9, "UTF-8");
	refuse_whole("{\"a\":\"\xc0\x80\"}", 10, "UTF-8");
	refuse_whole("{\"a\":1,\n \"a\":2}", 15, "Line 2");
	refuse_whole("{\"a\":1,\"a\":2}", 13, "twice");
	refuse_whole("{\"a\":", 5, "too early");
	refuse_whole("{\"a\":1} x", 9, "not JSON");
	refuse_whole("{'a':1}", 7, "not JSON");
	refuse_whole("[1]", 3, "not an array");
	refuse_whole("{\"a\":\"\\u0000\"}", 14, "NUL");
	refuse_whole("{\"a\":1e999}", 11, "too large");
	refuse_whole("{\"a\":99999999999999999999}", 26, "too large");
}

/* The parser would quote the body in its own message. */
static void test_message_quotes_nothing(void **state)
{
	const char *body = "{\"name\": \"Nguyễn Văn Thử\" oops}";

	(void)state;
	assert_null(wire_parse_object(body, strlen(body), &err));
	assert_null(strstr(err.detail[LANGUAGE_EN], "Thử"));
	assert_null(strstr(err.detail[LANGUAGE_VI], "Thử"));
}

static void test_depth(void **state)
{
	char body[64];
	json_t *object;

	(void)state;
	snprintf(body, sizeof(body), "{\"a\":%.15s1%.15s}", "[[[[[[[[[[[[[[[", "]]]]]]]]]]]]]]]");
	object = wire_parse_object(body, strlen(body), &err);
	assert_non_null(object);
	json_decref(object);
	snprintf(body, sizeof(body), "{\"a\":%.16s1%.16s}", "[[[[[[[[[[[[[[[[", "]]]]]]]]]]]]]]]]");
	refuse_whole(body, strlen(body), "nested");
	error_clear(&err);
	object = wire_parse_object("{\"a\":\"[[[[[[[[[[[[[[[[[[\\\"[[[\"}", 31, &err);
	assert_non_null(object);
	json_decref(object);
}

/* ---- members ---- */

static json_t *object;

static struct wire_reader reader_of(const char *body)
{
	struct wire_reader reader;

	error_clear(&err);
	object = wire_parse_object(body, strlen(body), &err);
	assert_non_null(object);
	wire_reader_init(&reader, object, "", &arena, &err);
	return reader;
}

static void test_texts_are_composed_and_trimmed(void **state)
{
	/* "Tiến" decomposed, between a no-break space and a tab that JSON escapes */
	struct wire_reader reader = reader_of("{\"a\":\" \\u00a0Tie\\u0302\\u0301n \\u3000\"}");
	const char *text;

	(void)state;
	assert_true(wire_text(&reader, "a", WIRE_REQUIRED, 4, &text));
	assert_string_equal(text, "Tiến");
	assert_true(wire_reader_finish(&reader));
	json_decref(object);
}

static void test_text_faults(void **state)
{
	struct wire_reader reader = reader_of("{\"blank\":\"  \",\"long\":\"abcde\",\"control\":\"a\\nb\",\"type\":5,"
					      "\"turn\":\"a\\u202eb\",\"null\":null}");
	const char *text;

	(void)state;
	assert_false(wire_text(&reader, "blank", WIRE_REQUIRED, 4, &text));
	assert_false(wire_text(&reader, "long", WIRE_OPTIONAL, 4, &text));
	assert_false(wire_text(&reader, "control", WIRE_OPTIONAL, 4, &text));
	assert_false(wire_text(&reader, "turn", WIRE_OPTIONAL, 4, &text));
	assert_false(wire_text(&reader, "type", WIRE_OPTIONAL, 4, &text));
	assert_false(wire_text(&reader, "null", WIRE_REQUIRED, 4, &text));
	assert_false(wire_text(&reader, "absent", WIRE_REQUIRED, 4, &text));
	assert_false(wire_reader_finish(&reader));
	assert_int_equal(err.code, ERR_INVALID_FIELD);
	assert_fault("/blank", "required");
	assert_fault("/long", "too_long");
	assert_fault("/control", "control_character");
	assert_fault("/turn", "control_character");
	assert_fault("/type", "wrong_type");
	assert_fault("/null", "required");
	assert_fault("/absent", "required");
	assert_int_equal(err.nfields, 7);
	json_decref(object);
}

static void test_typed_text_is_kept(void **state)
{
	struct wire_reader reader = reader_of("{\"lines\":\"a\\n\\u0001b\",\"full\":\"Tiến\",\"long\":\"Tiến.\",\"type\":5}");
	const char *text;

	(void)state;
	assert_true(wire_typed(&reader, "lines", WIRE_OPTIONAL, 4, &text));
	assert_string_equal(text, "a\n\001b");
	assert_true(wire_typed(&reader, "full", WIRE_OPTIONAL, 4, &text));
	assert_false(wire_typed(&reader, "long", WIRE_OPTIONAL, 4, &text));
	assert_false(wire_typed(&reader, "type", WIRE_OPTIONAL, 4, &text));
	assert_false(wire_reader_finish(&reader));
	assert_fault("/long", "too_long");
	assert_fault("/type", "wrong_type");
	json_decref(object);
}

static void test_optional_blank_is_absent(void **state)
{
	struct wire_reader reader = reader_of("{\"a\":\" \"}");
	const char *text = "kept";

	(void)state;
	assert_false(wire_text(&reader, "a", WIRE_OPTIONAL, 4, &text));
	assert_string_equal(text, "kept");
	assert_true(wire_text_or_clear(&reader, "a", 4, &text));
	assert_null(text);
	assert_false(wire_text_or_clear(&reader, "b", 4, &text));
	assert_true(wire_reader_finish(&reader));
	json_decref(object);
}

static void test_numbers(void **state)
{
	struct wire_reader reader = reader_of("{\"a\":7,\"b\":7.0,\"c\":7.5,\"d\":\"7\",\"e\":101,\"f\":true,\"g\":1e300}");
	int64_t number;
	bool truth;

	(void)state;
	assert_true(wire_int(&reader, "a", WIRE_REQUIRED, 0, 100, &number));
	assert_int_equal(number, 7);
	assert_true(wire_int(&reader, "b", WIRE_REQUIRED, 0, 100, &number));
	assert_false(wire_int(&reader, "c", WIRE_REQUIRED, 0, 100, &number));
	assert_false(wire_int(&reader, "d", WIRE_REQUIRED, 0, 100, &number));
	assert_false(wire_int(&reader, "e", WIRE_REQUIRED, 0, 100, &number));
	assert_false(wire_int(&reader, "g", WIRE_REQUIRED, 0, 100, &number));
	assert_true(wire_bool(&reader, "f", WIRE_REQUIRED, &truth));
	assert_true(truth);
	assert_false(wire_bool(&reader, "a", WIRE_REQUIRED, &truth));
	wire_reader_finish(&reader);
	assert_fault("/c", "wrong_type");
	assert_fault("/d", "wrong_type");
	assert_fault("/e", "out_of_range");
	assert_fault("/g", "wrong_type");
	assert_fault("/a", "wrong_type");
	json_decref(object);
}

static void test_dates_and_arrays(void **state)
{
	struct wire_reader reader = reader_of("{\"a\":\"2024-02-29\",\"b\":\"2025-02-29\",\"c\":20240229,"
					      "\"d\":[\"x\",\" \",3],\"e\":{},\"f\":[1,2,3],\"g\":[\" y \"]}");
	struct date date;
	const char **texts;
	size_t count;

	(void)state;
	assert_true(wire_date(&reader, "a", WIRE_REQUIRED, &date));
	assert_false(wire_date(&reader, "b", WIRE_REQUIRED, &date));
	assert_false(wire_date(&reader, "c", WIRE_REQUIRED, &date));
	assert_false(wire_texts(&reader, "d", WIRE_REQUIRED, 5, 5, &texts, &count));
	assert_null(wire_array(&reader, "e", WIRE_REQUIRED, 5));
	assert_null(wire_array(&reader, "f", WIRE_REQUIRED, 2));
	assert_null(wire_object(&reader, "f", WIRE_REQUIRED));
	assert_true(wire_texts(&reader, "g", WIRE_REQUIRED, 5, 5, &texts, &count));
	assert_int_equal(count, 1);
	assert_string_equal(texts[0], "y");
	wire_reader_finish(&reader);
	assert_fault("/b", "invalid_date");
	assert_fault("/c", "wrong_type");
	assert_fault("/d/1", "required");
	assert_fault("/d/2", "wrong_type");
	assert_fault("/e", "wrong_type");
	assert_fault("/f", "too_many");
	json_decref(object);
}

static void test_unknown_fields_are_named(void **state)
{
	struct wire_reader reader = reader_of("{\"a\":1,\"b/c~d\":2,\"\":3}");

	(void)state;
	assert_true(wire_has(&reader, "a"));
	assert_false(wire_reader_finish(&reader));
	assert_fault("/b~1c~0d", "unknown_field");
	assert_fault("/", "unknown_field");
	assert_int_equal(err.nfields, 2);
	json_decref(object);
}

/* Many faults, long names: only so many are kept, and pointers are cut between characters. */
static void test_many_long_names(void **state)
{
	struct buf body = { 0 };
	struct wire_reader reader;

	(void)state;
	buf_append_char(&body, '{');
	for (int i = 0; i < 40; i++)
		buf_printf(&body, "%s\"%02dđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđđ\":1",
			   i ? "," : "", i);
	buf_append_char(&body, '}');
	reader = reader_of(body.data);
	assert_false(wire_reader_finish(&reader));
	assert_int_equal(err.nfields, ERROR_MAX_FIELDS);
	for (size_t i = 0; i < err.nfields; i++)
		assert_true(text_valid_utf8(err.fields[i].pointer, strlen(err.fields[i].pointer)));
	json_decref(object);
	buf_release(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_malformed),
		TEST(test_message_quotes_nothing),
		TEST(test_depth),
		TEST(test_texts_are_composed_and_trimmed),
		TEST(test_text_faults),
		TEST(test_typed_text_is_kept),
		TEST(test_optional_blank_is_absent),
		TEST(test_numbers),
		TEST(test_dates_and_arrays),
		TEST(test_unknown_fields_are_named),
		TEST(test_many_long_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
