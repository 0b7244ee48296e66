/* The hashes of round packs, as a phone makes them too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "crypto/keyring.h"
#include "crypto/pack_hash.h"
#include "domain/pack.h"

static const unsigned char key[PACK_KEY_BYTES] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

/* Made elsewhere (Python's hmac). */
static void test_known_answers(void **state)
{
	static const char number[] = "cccd\x1f" "012092000001", line[] = "e\tK7M-4X", rules[] = "r\trules 1\n";
	char hex[PACK_STATE_HEX_SIZE], kept[PACK_STATE_HEX_SIZE];

	(void)state;
	assert_int_equal(pack_hash(key, number, strlen(number)), 2550188);
	assert_true(pack_mark(key, line, strlen(line)) == UINT64_C(0x04808f4fb80c4b74));
	pack_state(rules, strlen(rules), hex);
	assert_string_equal(hex, "68708077b47e3dde6299f25d607fff3f14bf58f9f935c47b96d05d8d7c2a0af0");
	pack_state_kept(key, hex, kept);
	assert_string_equal(kept, "5e70e825d3712cc7b606b634c00e34844b885149b622900f043227f47f258e55");
}

/* All 22 bits are used, and no more: about as many different values as random ones have. */
static void test_spread(void **state)
{
	enum { COUNT = 20000 };
	static unsigned char seen[PACK_HASHES / 8];
	uint32_t ones = 0, all = PACK_HASHES - 1;
	int doubles = 0;

	(void)state;
	for (int i = 0; i < COUNT; i++) {
		char text[32];
		uint32_t value;

		snprintf(text, sizeof(text), "cccd\x1f%012d", i);
		value = pack_hash(key, text, strlen(text));
		assert_true(value < PACK_HASHES);
		ones |= value;
		all &= value;
		doubles += seen[value / 8] >> value % 8 & 1;
		seen[value / 8] |= (unsigned char)(1 << value % 8);
	}
	assert_int_equal(ones, PACK_HASHES - 1);
	assert_int_equal(all, 0);
	assert_in_range(doubles, 20, 90);                /* 47.7 are expected */
}

/* Of one pack the key is always the same, though it is kept nowhere; of another pack, or under another keyring, another one. */
static void test_keys(void **state)
{
	static const char one[] = "019a0000-0000-7000-8000-00000000abcd", two[] = "019a0000-0000-7000-8000-00000000abce";
	unsigned char keys[4][PACK_KEY_BYTES];
	char dirs[2][40] = { "/tmp/giothong-pack-XXXXXX", "/tmp/giothong-pack-XXXXXX" };

	(void)state;
	unsetenv("CREDENTIALS_DIRECTORY");
	for (int i = 0; i < 2; i++) {
		struct keyring *keyring;
		struct error err = { 0 };
		char command[80];

		assert_non_null(mkdtemp(dirs[i]));
		assert_int_equal(rmdir(dirs[i]), 0);
		assert_true(keyring_create(dirs[i], &err));
		keyring = keyring_open(dirs[i], &err);
		assert_non_null(keyring);
		pack_key_make(keyring, keyring_active(keyring, KEY_HASH), i == 0 ? one : two, keys[2 * i]);
		pack_key_make(keyring, keyring_active(keyring, KEY_HASH), one, keys[2 * i + 1]);
		keyring_free(keyring);
		snprintf(command, sizeof(command), "rm -r %s", dirs[i]);
		assert_int_equal(system(command), 0);
	}
	assert_memory_equal(keys[0], keys[1], PACK_KEY_BYTES);
	assert_memory_not_equal(keys[0], keys[3], PACK_KEY_BYTES);
	assert_memory_not_equal(keys[2], keys[3], PACK_KEY_BYTES);
}

static int begin(void **state)
{
	struct error err = { 0 };

	(void)state;
	return crypto_start(&err) ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_answers),
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
