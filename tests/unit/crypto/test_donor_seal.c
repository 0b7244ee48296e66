/* What is personal of a donor: opened in its place alone, under every key that is at hand, and never when touched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/memory.h"
#include "crypto/donor_seal.h"
#include "crypto/keyring.h"

static const char donor[] = "019a0000-0000-7000-8000-00000000abcd";
static const char other[] = "019a0000-0000-7000-8000-00000000abce";
static const char name[] = "Lò Thị Thử";

static char dir[40];
static struct keyring *keyring;
static struct donor_key *key;
static struct arena arena;
static struct buf sealed;
static unsigned char wrapped[DONOR_KEY_WRAPPED_BYTES];
static int wrap_id;

static struct keyring *open_keyring(void)
{
	struct error err = { 0 };
	struct keyring *opened = keyring_open(dir, &err);

	if (!opened)
		fail_msg("%s", err.detail[LANGUAGE_EN]);
	return opened;
}

/* A donor's key in a keyring of its own, and the name sealed with it. */
static int begin(void **state)
{
	struct error err = { 0 };

	(void)state;
	unsetenv("CREDENTIALS_DIRECTORY");
	strcpy(dir, "/tmp/giothong-seal-XXXXXX");
	if (!mkdtemp(dir) || rmdir(dir) != 0 || !keyring_create(dir, &err))
		return -1;
	keyring = open_keyring();
	key = donor_key_new();
	arena_init(&arena);
	wrap_id = donor_key_make(key, keyring, donor, wrapped);
	donor_seal(key, "donor", "name", donor, name, strlen(name), &sealed);
	return 0;
}

static int end(void **state)
{
	char command[64];

	(void)state;
	buf_release(&sealed);
	arena_release(&arena);
	donor_key_free(key);
	keyring_free(keyring);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static char *open_name(const struct donor_key *with)
{
	size_t len = 0;
	char *text = donor_open(with, "donor", "name", donor, sealed.data, sealed.len, &arena, &len);

	if (text)
		assert_int_equal(len, strlen(text));
	return text;
}

static void expect_open(const struct donor_key *with)
{
	char *text = open_name(with);

	assert_non_null(text);
	assert_string_equal(text, name);
}

static void test_there_and_back(void **state)
{
	struct donor_key *again = donor_key_new();

	(void)state;
	assert_int_equal(wrap_id, keyring_active(keyring, KEY_WRAP));
	assert_int_equal(sealed.len, strlen(name) + DONOR_SEAL_OVERHEAD);
	assert_int_equal(sealed.data[sealed.len], '\0');
	expect_open(key);
	assert_null(open_name(again));                   /* holds no key yet */
	assert_true(donor_key_open(again, keyring, wrap_id, donor, wrapped));
	expect_open(again);
	donor_key_free(again);
	donor_key_free(NULL);
}

/* Bytes of any kind and number; what is in the buffer already stays. */
static void test_all_lengths(void **state)
{
	unsigned char bytes[300];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		struct buf out = { 0 };
		size_t back = 999;

		buf_append_text(&out, "before");
		donor_seal(key, "donor", "address", donor, len ? bytes : NULL, len, &out);
		assert_int_equal(out.len, strlen("before") + len + DONOR_SEAL_OVERHEAD);
		assert_memory_equal(out.data, "before", strlen("before"));
		char *text = donor_open(key, "donor", "address", donor, out.data + strlen("before"),
					out.len - strlen("before"), &arena, &back);

		assert_non_null(text);
		assert_int_equal(back, len);
		assert_memory_equal(text, bytes, len);
		assert_int_equal(text[len], '\0');
		buf_release(&out);
	}
}

static void test_nothing_twice(void **state)
{
	unsigned char again[DONOR_KEY_WRAPPED_BYTES];
	struct buf out = { 0 };

	(void)state;
	donor_seal(key, "donor", "name", donor, name, strlen(name), &out);
	assert_int_equal(out.len, sealed.len);
	assert_memory_not_equal(out.data, sealed.data, sealed.len);
	buf_release(&out);
	assert_int_equal(donor_key_wrap(key, keyring, donor, again), wrap_id);
	assert_memory_not_equal(again, wrapped, sizeof(wrapped));
	donor_key_make(key, keyring, donor, again);
	assert_null(open_name(key));                     /* another random key */
}

static void test_hides_what_it_holds(void **state)
{
	enum { PIECE = 8 };              /* random bytes that are one of these: once in 10^17 runs */

	(void)state;
	for (size_t i = 0; i + PIECE <= strlen(name); i++)
		assert_null(memmem(sealed.data, sealed.len, name + i, PIECE));
	assert_null(memmem(wrapped, sizeof(wrapped), donor, 8));
}

/* ---- touched ---- */

static void test_each_bit_of_a_field(void **state)
{
	(void)state;
	for (size_t bit = 0; bit < 8 * sealed.len; bit++) {
		sealed.data[bit / 8] ^= (char)(1 << bit % 8);
		if (open_name(key))
			fail_msg("bit %zu is not missed", bit);
		sealed.data[bit / 8] ^= (char)(1 << bit % 8);
	}
	expect_open(key);
}

static void test_each_exchange_of_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sealed.len; i++) {
		for (size_t j = 0; j < i; j++) {
			char one = sealed.data[i], two = sealed.data[j];

			sealed.data[i] = two;
			sealed.data[j] = one;
			if (one != two && open_name(key))
				fail_msg("bytes %zu and %zu are exchanged", i, j);
			sealed.data[i] = one;
			sealed.data[j] = two;
		}
	}
	expect_open(key);
}

static void test_each_length_of_a_field(void **state)
{
	size_t whole = sealed.len;

	(void)state;
	for (sealed.len = 0; sealed.len < whole; sealed.len++)
		assert_null(open_name(key));
	expect_open(key);
	buf_append_char(&sealed, '\0');
	assert_null(open_name(key));
	sealed.len = whole;
	size_t len;

	assert_null(donor_open(key, "donor", "name", donor, sealed.data + 1, whole - 1, &arena, &len));
}

static void test_each_bit_of_a_wrapped_key(void **state)
{
	struct donor_key *again = donor_key_new();

	(void)state;
	for (size_t bit = 0; bit < 8 * sizeof(wrapped); bit++) {
		assert_true(donor_key_open(again, keyring, wrap_id, donor, wrapped));
		wrapped[bit / 8] ^= (unsigned char)(1 << bit % 8);
		if (donor_key_open(again, keyring, wrap_id, donor, wrapped))
			fail_msg("bit %zu is not missed", bit);
		assert_null(open_name(again));           /* the key before it is gone too */
		wrapped[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	donor_key_free(again);
}

/* ---- moved ---- */

static void test_another_place(void **state)
{
	static const struct {
		const char *table, *field, *donor;
	} places[] = {
		{ "donor", "name", other },          { "donor", "phone", donor },     { "donor", "nam", donor },
		{ "donor", "name ", donor },         { "donor", "", donor },          { "deferral", "name", donor },
		{ "", "name", donor },               { "donor", "name", "" },         { "donor_identifier", "name", donor },
		{ "donor", "name 1", donor },        { "name", "donor", donor },
	};
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (donor_open(key, places[i].table, places[i].field, places[i].donor, sealed.data, sealed.len, &arena, &len))
			fail_msg("opened as %s of %s, %s", places[i].field, places[i].table, places[i].donor);
	expect_open(key);
	/* PostgreSQL writes ids in lower case, people may not. */
	assert_non_null(donor_open(key, "donor", "name", "019A0000-0000-7000-8000-00000000ABCD", sealed.data, sealed.len,
				   &arena, &len));
}

/* Of two rows of one donor. */
static void test_another_row(void **state)
{
	static const char one[] = "code 019a0000-0000-7000-8000-000000000001";
	static const char two[] = "code 019a0000-0000-7000-8000-000000000002";
	struct buf out = { 0 };
	size_t len;

	(void)state;
	donor_seal(key, "deferral", one, donor, "thu", 3, &out);
	assert_non_null(donor_open(key, "deferral", one, donor, out.data, out.len, &arena, &len));
	assert_null(donor_open(key, "deferral", two, donor, out.data, out.len, &arena, &len));
	buf_release(&out);
}

static void test_another_donor(void **state)
{
	unsigned char of_other[DONOR_KEY_WRAPPED_BYTES];
	struct donor_key *second = donor_key_new();

	(void)state;
	assert_false(donor_key_open(second, keyring, wrap_id, other, wrapped));
	assert_null(open_name(second));
	donor_key_make(second, keyring, other, of_other);
	assert_null(open_name(second));
	assert_false(donor_key_open(second, keyring, wrap_id, donor, of_other));
	assert_true(donor_key_open(second, keyring, wrap_id, other, of_other));
	assert_null(open_name(second));
	donor_key_free(second);
}

/* A field is not a wrapped key, though a donor's own key may be tried on it. */
static void test_a_field_is_no_key(void **state)
{
	struct buf out = { 0 };
	unsigned char zeros[KEY_BYTES] = { 0 };
	struct donor_key *again = donor_key_new();

	(void)state;
	donor_seal(key, "donor", "wrapped_key 1", donor, zeros, sizeof(zeros), &out);
	assert_int_equal(out.len, DONOR_KEY_WRAPPED_BYTES);
	assert_false(donor_key_open(again, keyring, wrap_id, donor, (const unsigned char *)out.data));
	buf_release(&out);
	donor_key_free(again);
}

/* ---- the keyring changes ---- */

static void agree(int active, enum key_state one, enum key_state two)
{
	const struct key_view *view = keyring_view(keyring);
	struct key_record records[KEYS_MAX];
	size_t count = view->nkeys;
	struct error err = { 0 };

	memcpy(records, view->keys, count * sizeof(records[0]));
	for (size_t i = 0; i < count; i++)
		if (records[i].kind == KEY_WRAP)
			records[i].state = records[i].id == 1 ? one : two;
	if (!keyring_agree(keyring, records, count, &err))
		fail_msg("%s", err.detail[LANGUAGE_EN]);
	assert_int_equal(keyring_active(keyring, KEY_WRAP), active);
}

/* Each stage of a rotation: whatever was wrapped before it opens, and what is wrapped in it is under the active key. */
static void test_rotation(void **state)
{
	static const struct {
		enum key_state one, two;
		int            active;
	} stages[] = {
		{ KEY_ACTIVE, KEY_STAGED, 1 }, { KEY_ACTIVE, KEY_DUAL, 1 }, { KEY_DUAL, KEY_ACTIVE, 2 },
		{ KEY_RETIRED, KEY_ACTIVE, 2 },
	};
	unsigned char at[ARRAY_SIZE(stages)][DONOR_KEY_WRAPPED_BYTES];
	struct donor_key *again = donor_key_new();
	struct error err = { 0 };

	(void)state;
	assert_int_equal(wrap_id, 1);
	assert_true(keyring_stage(dir, KEY_WRAP, 2, &err));
	assert_true(keyring_reload(keyring, &err));
	for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
		agree(stages[i].active, stages[i].one, stages[i].two);
		assert_true(donor_key_open(again, keyring, 1, donor, wrapped));
		assert_int_equal(donor_key_wrap(again, keyring, donor, at[i]), stages[i].active);
		for (size_t j = 0; j <= i; j++) {
			assert_true(donor_key_open(again, keyring, stages[j].active, donor, at[j]));
			expect_open(again);
			/* The right bytes under the wrong id. */
			assert_false(donor_key_open(again, keyring, 3 - stages[j].active, donor, at[j]));
		}
	}
	assert_true(donor_key_open(again, keyring, 1, donor, at[0]));
	assert_false(donor_key_open(again, keyring, 3, donor, at[0]));
	assert_null(open_name(again));                   /* the key before it is gone */
	assert_false(donor_key_open(again, keyring, 0, donor, at[0]));
	donor_key_free(again);
}

/* The same key in another keyring's wrap key 1 is not opened by this one. */
static void test_another_keyring(void **state)
{
	struct donor_key *again = donor_key_new();
	struct error err = { 0 };
	char mine[sizeof(dir)], command[64];
	struct keyring *theirs;

	(void)state;
	strcpy(mine, dir);
	strcpy(dir, "/tmp/giothong-seal-XXXXXX");
	assert_true(mkdtemp(dir) && rmdir(dir) == 0 && keyring_create(dir, &err));
	theirs = open_keyring();
	assert_false(donor_key_open(again, theirs, wrap_id, donor, wrapped));
	keyring_free(theirs);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	strcpy(dir, mine);
	assert_int_equal(system(command), 0);
	assert_true(donor_key_open(again, keyring, wrap_id, donor, wrapped));
	donor_key_free(again);
}

/* ---- what lies in databases already ---- */

static void from_hex(const char *hex, unsigned char *out, size_t size)
{
	size_t len = 0;

	assert_int_equal(sodium_hex2bin(out, size, hex, strlen(hex), NULL, &len, NULL), 0);
	assert_int_equal(len, size);
}

/* Sealed once with libsodium alone, as the header describes it; these must open for ever. */
static void test_known_bytes(void **state)
{
	static const char wrap_key[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
	static const char wrapped_hex[] =
		"c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf1d0d4ee32a1b160d34c618d930b24d106ca1b390dfe250ca5f930870"
		"633f1cbb6b76355642ea0b6d75aaab3a2828c3e9";
	static const char field_hex[] =
		"000102030405060708090a0b0c0d0e0f101112131415161795177349fc0ff03f96f4e9e1d303afdf1308674e307ea345b6beb2a2"
		"8785cf";
	unsigned char known[DONOR_KEY_WRAPPED_BYTES], field[55];
	char path[80];
	size_t len;

	(void)state;
	snprintf(path, sizeof(path), "%s/wrap-7.active.key", dir);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fchmod(fileno(file), 0600), 0);
	assert_true(fprintf(file, "%s\n", wrap_key) > 0 && fclose(file) == 0);
	keyring_free(keyring);
	keyring = open_keyring();
	from_hex(wrapped_hex, known, sizeof(known));
	from_hex(field_hex, field, sizeof(field));
	assert_true(donor_key_open(key, keyring, 7, donor, known));
	char *text = donor_open(key, "donor", "name", donor, field, sizeof(field), &arena, &len);

	assert_non_null(text);
	assert_string_equal(text, name);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(test_there_and_back),
		IN_PLACE(test_all_lengths),
		IN_PLACE(test_nothing_twice),
		IN_PLACE(test_hides_what_it_holds),
		IN_PLACE(test_each_bit_of_a_field),
		IN_PLACE(test_each_exchange_of_bytes),
		IN_PLACE(test_each_length_of_a_field),
		IN_PLACE(test_each_bit_of_a_wrapped_key),
		IN_PLACE(test_another_place),
		IN_PLACE(test_another_row),
		IN_PLACE(test_another_donor),
		IN_PLACE(test_a_field_is_no_key),
		IN_PLACE(test_rotation),
		IN_PLACE(test_another_keyring),
		IN_PLACE(test_known_bytes),
	};
	struct error err = { 0 };

	if (!crypto_start(&err))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
