#include "wire/sms_wire.h"

#include "wire/support.h"

static struct sms_inbound inbound;

static bool read_text(const char *text)
{
	error_clear(&err);
	return sms_inbound_read(text, strlen(text), &arena, &inbound, &err);
}

static void test_a_whole_message(void **state)
{
	(void)state;
	assert_fine(read_text("{\"id\": \"m1\", \"from\": \"0900000001\", \"to\": \"8088\","
			      " \"received_at\": \"2025-01-02T07:30:00+07:00\", \"text\": \"LICH\\nthan uy\\u00ean\"}"));
	assert_string_equal(inbound.id, "m1");
	assert_string_equal(inbound.from, "0900000001");
	assert_string_equal(inbound.text, "LICH\nthan uyên");
}

static void test_no_text_is_an_empty_one(void **state)
{
	(void)state;
	assert_fine(read_text("{\"id\": \"m1\", \"from\": \"0900000001\"}"));
	assert_string_equal(inbound.text, "");
	assert_fine(read_text("{\"id\": \"m1\", \"from\": \"0900000001\", \"text\": null}"));
	assert_string_equal(inbound.text, "");
}

static void test_faults(void **state)
{
	(void)state;
	assert_false(read_text("{\"from\": 900000001, \"received_at\": \"yesterday\", \"color\": 1}"));
	assert_fault("/id", "required");
	assert_fault("/from", "wrong_type");
	assert_fault("/received_at", "invalid_time");
	assert_fault("/color", "unknown_field");
	assert_int_equal(err.nfields, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_whole_message),
		TEST(test_no_text_is_an_empty_one),
		TEST(test_faults),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
