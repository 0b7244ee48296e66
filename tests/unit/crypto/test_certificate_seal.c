/* Envelopes of certificates and the list of revocations: sealed, opened, verified; no flipped bit passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base45.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/memory.h"
#include "crypto/certificate_seal.h"
#include "crypto/cose.h"
#include "crypto/keyring.h"

enum { FLIPS = 10000, MESSAGE_MAX = 400 };

static char dir[64];
static struct keyring *keyring;
static struct arena arena;
static struct certificate_key key;
static struct certificate_envelope envelope;
static const struct date born = { 1990, 2, 3 };

static int up(void **state)
{
	struct error err = { 0 };

	(void)state;
	strcpy(dir, "/tmp/giothong-seal-XXXXXX");
	if (!mkdtemp(dir) || !crypto_start(&err) || !keyring_create(dir, &err))
		return -1;
	keyring = keyring_open(dir, &err);
	arena_init(&arena);
	key = (struct certificate_key){ .issuer = "LC", .year = 2026, .generation = 1, .sign_key_id = 1 };
	envelope = (struct certificate_envelope){ .number = { "LC", 2026, 123 }, .volume_ml = 350,
						  .donated_on = { 2026, 3, 12 } };
	memset(envelope.salt, 7, sizeof(envelope.salt));
	certificate_holder_digest(envelope.salt, certificate_holder_text("Lò Thị Mây", born, 1990, &arena), envelope.holder);
	return keyring && certificate_key_derive(keyring, &key) ? 0 : -1;
}

static int down(void **state)
{
	char command[96];

	(void)state;
	arena_release(&arena);
	keyring_free(keyring);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static const char *sealed_text(void)
{
	struct buf out = { 0 };

	assert_true(certificate_seal(keyring, &key, &envelope, &out));
	const char *text = arena_strdup(&arena, out.data);

	buf_release(&out);
	return text;
}

static bool verifies(const char *text)
{
	struct certificate_envelope opened;
	struct sealed_text sealed;

	return certificate_open(text, &arena, &opened, &sealed) && memcmp(sealed.kid, key.kid, sizeof(key.kid)) == 0 &&
	       sealed_text_is_of(&sealed, key.public_key);
}

static void test_round_trip(void **state)
{
	struct certificate_envelope opened;
	struct sealed_text sealed;
	const char *text = sealed_text();

	(void)state;
	assert_true(strlen(text) <= CERTIFICATE_TEXT_MAX);
	assert_int_equal(strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"), strlen(text));
	assert_string_equal(text, sealed_text());        /* a reprint is the same */
	assert_true(certificate_open(text, &arena, &opened, &sealed));
	assert_true(sealed_text_is_of(&sealed, key.public_key));
	assert_string_equal(opened.number.issuer, "LC");
	assert_int_equal(opened.number.year, 2026);
	assert_int_equal(opened.number.ordinal, 123);
	assert_int_equal(opened.volume_ml, 350);
	assert_int_equal(date_compare(opened.donated_on, envelope.donated_on), 0);
	assert_memory_equal(opened.salt, envelope.salt, sizeof(opened.salt));
	assert_true(certificate_holder_is(&opened, "LO THI MAY", born, &arena));
	assert_false(certificate_holder_is(&opened, "Lò Thị Mai", born, &arena));
	assert_false(certificate_holder_is(&opened, "Lò Thị Mây", (struct date){ 1990, 2, 4 }, &arena));
	assert_false(certificate_holder_is(&opened, "", born, &arena));
	assert_true(verifies(arena_printf(&arena, " \n%s\r\n", text)));
}

static void test_year_alone(void **state)
{
	struct certificate_envelope other = envelope;

	(void)state;
	certificate_holder_digest(other.salt, certificate_holder_text("Lò Thị Mây", (struct date){ 0 }, 1990, &arena),
				  other.holder);
	assert_true(certificate_holder_is(&other, "Lò Thị Mây", born, &arena));
	assert_false(certificate_holder_is(&other, "Lò Thị Mây", (struct date){ 1991, 2, 3 }, &arena));
}

static void test_flips(void **state)
{
	unsigned char message[MESSAGE_MAX];
	const char *text = sealed_text();
	uint64_t seed = 88172645463325252u;
	struct buf flipped = { 0 };
	size_t len;

	(void)state;
	assert_true(base45_decode(text + 4, strlen(text + 4), message, sizeof(message), &len));
	for (size_t n = 0; n < FLIPS; n++) {
		/* Each bit once, then two at a time. */
		size_t one = n % (8 * len), two;

		seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
		two = n < 8 * len ? one : seed % (8 * len);
		message[one / 8] ^= (unsigned char)(1 << one % 8);
		if (two != one)
			message[two / 8] ^= (unsigned char)(1 << two % 8);
		buf_reset(&flipped);
		buf_append_text(&flipped, "GH1:");
		base45_encode(message, len, &flipped);
		assert_false(verifies(flipped.data));
		message[one / 8] ^= (unsigned char)(1 << one % 8);
		if (two != one)
			message[two / 8] ^= (unsigned char)(1 << two % 8);
		if (n % 1000 == 0) {
			arena_release(&arena);
			text = sealed_text();
		}
	}
	buf_release(&flipped);
	assert_true(verifies(text));
}

/* Other bytes that mean the same, and bytes before, behind and between. */
static bool opens(const unsigned char *message, size_t len)
{
	struct certificate_envelope opened;
	struct sealed_text sealed;
	struct buf text = { 0 };

	buf_append_text(&text, "GH1:");
	base45_encode(message, len, &text);
	bool fine = certificate_open(text.data, &arena, &opened, &sealed);

	buf_release(&text);
	return fine;
}

static bool opens_with(const unsigned char *message, size_t len, size_t at, size_t drop, const void *put, size_t put_len)
{
	unsigned char other[MESSAGE_MAX];

	memcpy(other, message, at);
	memcpy(other + at, put, put_len);
	memcpy(other + at + put_len, message + at + drop, len - at - drop);
	return opens(other, len - drop + put_len);
}

static void test_one_form(void **state)
{
	unsigned char message[MESSAGE_MAX];
	const char *text = sealed_text();
	size_t len;

	(void)state;
	assert_true(base45_decode(text + 4, strlen(text + 4), message, sizeof(message), &len));
	assert_true(opens(message, len));
	assert_true(opens_with(message, len, 0, 1, "\xd2", 1));
	assert_false(opens_with(message, len, 0, 1, "", 0));             /* no tag */
	assert_false(opens_with(message, len, 0, 1, "\xd8\x12", 2));     /* the tag in two bytes */
	assert_false(opens_with(message, len, 1, 1, "\x98\x04", 2));     /* the array's length likewise */
	assert_false(opens_with(message, len, 1, 1, "\x9f", 1));         /* and of unknown length */
	assert_false(opens_with(message, len, 2, 1, "\x58\x0d", 2));
	assert_false(opens_with(message, len, 16, 1, "\xa1\x01\x27", 3));        /* something unprotected */
	assert_false(opens_with(message, len, len, 0, "\0", 1));         /* bytes behind */
	assert_false(opens_with(message, len, len, 0, "\xd2", 1));
	for (size_t cut = 0; cut < len; cut++)
		assert_false(opens(message, cut));
	assert_int_equal(message[16], 0xa0);
	/* Lengths that nobody has: nothing is allocated for them. */
	assert_false(opens((const unsigned char *)"\xd2\x9b\x7f\xff\xff\xff\xff\xff\xff\xff", 10));
	assert_false(opens((const unsigned char *)"\xd2\x84\x5b\x7f\xff\xff\xff\xff\xff\xff\xff", 11));
}

static void test_other_texts(void **state)
{
	static const char *const texts[] = { "", "GH1:", "GH1", "HC1:6BF", "gh1:", "GHR1:", "GH1:GH1:" };
	const char *text = sealed_text();
	char lower[CERTIFICATE_TEXT_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_false(verifies(texts[i]));
	snprintf(lower, sizeof(lower), "gh1:%s", text + 4);
	assert_false(verifies(lower));
	char *much = arena_alloc(&arena, 100000);

	memset(much, '0', 99999);
	memcpy(much, "GH1:", 4);
	assert_false(verifies(much));
}

static void test_keys_are_for_one_thing(void **state)
{
	struct certificate_key other[5];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(other); i++)
		other[i] = key;
	strcpy(other[0].issuer, "LCA");
	other[1].year = 2027;
	other[2].generation = 2;
	other[3].use = KEY_FOR_REVOCATIONS;
	for (size_t i = 0; i < 4; i++) {
		assert_true(certificate_key_derive(keyring, &other[i]));
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(other[i].public_key, other[k].public_key, CERTIFICATE_KEY_BYTES);
		assert_memory_not_equal(other[i].public_key, key.public_key, CERTIFICATE_KEY_BYTES);
	}
	other[4].sign_key_id = 99;
	assert_false(certificate_key_derive(keyring, &other[4]));
	struct buf out = { 0 };

	assert_false(certificate_seal(keyring, &other[4], &envelope, &out));
	assert_int_equal(out.len, 0);
}

/* ---- the list ---- */

static void test_revocations(void **state)
{
	struct certificate_key own = { .use = KEY_FOR_REVOCATIONS, .year = 2026, .generation = 1, .sign_key_id = 1 };
	unsigned char entries[3 * CERTIFICATE_REVOCATION_BYTES] = { 0 };
	struct revocation_list list = { 3, 1770000000, 3, entries }, opened;
	unsigned char id[CERTIFICATE_REVOCATION_BYTES];
	struct sealed_text sealed;
	struct buf out = { 0 };

	(void)state;
	assert_true(certificate_key_derive(keyring, &own));
	certificate_revocation_id(envelope.salt, id);
	entries[0] = 0;
	memcpy(entries + 8, id, sizeof(id));
	memset(entries + 16, 0xff, 8);
	assert_true(revocations_seal(keyring, &own, &list, &out));
	assert_true(revocations_open(out.data, &arena, &opened, &sealed));
	assert_true(sealed_text_is_of(&sealed, own.public_key));
	assert_false(sealed_text_is_of(&sealed, key.public_key));
	assert_int_equal(opened.counter, 3);
	assert_int_equal(opened.as_of, 1770000000);
	assert_int_equal(opened.count, 3);
	assert_true(revocations_have(&opened, id));
	id[7] ^= 1;
	assert_false(revocations_have(&opened, id));
	assert_false(verifies(out.data));                /* a list is no certificate */
	buf_reset(&out);
	memcpy(entries + 8, entries + 16, 8);            /* one twice: not ascending */
	assert_true(revocations_seal(keyring, &own, &list, &out));
	assert_false(revocations_open(out.data, &arena, &opened, &sealed));
	buf_reset(&out);
	list = (struct revocation_list){ 0, 1770000000, 0, NULL };
	assert_true(revocations_seal(keyring, &own, &list, &out));
	assert_true(revocations_open(out.data, &arena, &opened, &sealed));
	assert_int_equal(opened.count, 0);
	assert_false(revocations_have(&opened, id));
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),  cmocka_unit_test(test_year_alone),
		cmocka_unit_test(test_flips),       cmocka_unit_test(test_one_form),
		cmocka_unit_test(test_other_texts), cmocka_unit_test(test_keys_are_for_one_thing),
		cmocka_unit_test(test_revocations),
	};

	return cmocka_run_group_tests(tests, up, down);
}
