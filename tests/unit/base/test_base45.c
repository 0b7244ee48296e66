/* Base45: the examples of RFC 9285, and that each text that is taken is the only one of its bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base45.h"
#include "base/buf.h"
#include "base/memory.h"

static void test_examples(void **state)
{
	static const struct { const char *plain, *text; } rows[] = {
		{ "AB", "BB8" }, { "Hello!!", "%69 VD92EX0" }, { "base-45", "UJCLQE7W581" }, { "ietf!", "QED8WEX0" }, { "", "" },
		{ "\xff\xff", "FGW" },
	};
	struct buf out = { 0 };
	unsigned char bytes[16];
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		buf_reset(&out);
		base45_encode(rows[i].plain, strlen(rows[i].plain), &out);
		assert_int_equal(out.len, strlen(rows[i].text));
		assert_int_equal(out.len, base45_length(strlen(rows[i].plain)));
		if (out.len > 0)
			assert_string_equal(out.data, rows[i].text);
		assert_true(base45_decode(rows[i].text, strlen(rows[i].text), bytes, sizeof(bytes), &len));
		assert_int_equal(len, strlen(rows[i].plain));
		assert_memory_equal(bytes, rows[i].plain, len);
	}
	buf_release(&out);
}

static void test_refused(void **state)
{
	static const char *const rows[] = { "A", "BB8A", "GGW", "::::::", "V5", "::", "bb8", "B_8", "BB\n", "BB8 ", "\xc3\x84" };
	unsigned char bytes[16];
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_false(base45_decode(rows[i], strlen(rows[i]), bytes, sizeof(bytes), &len));
	assert_true(base45_decode("U5", 2, bytes, sizeof(bytes), &len));         /* 255 */
	assert_false(base45_decode("BB8", 3, bytes, 1, &len));
	assert_false(base45_decode("B\0" "8", 3, bytes, sizeof(bytes), &len));
}

/* Whatever is decoded is encoded to the same text, for all groups that there are. */
static void test_one_text_each(void **state)
{
	static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
	unsigned char bytes[2];
	struct buf out = { 0 };
	size_t taken = 0, len;

	(void)state;
	for (int n = 0; n < 45 * 45 * 45; n++) {
		const char text[3] = { alphabet[n % 45], alphabet[n / 45 % 45], alphabet[n / 2025] };

		if (!base45_decode(text, 3, bytes, 2, &len))
			continue;
		buf_reset(&out);
		base45_encode(bytes, 2, &out);
		assert_memory_equal(out.data, text, 3);
		taken++;
	}
	assert_int_equal(taken, 65536);
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples), cmocka_unit_test(test_refused), cmocka_unit_test(test_one_text_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
