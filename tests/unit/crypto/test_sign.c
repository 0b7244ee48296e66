#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "crypto/keyring.h"
#include "crypto/sign.h"

/* Seed, public key and signature of the empty text: RFC 8032, section 7.1, test 1. */
#define RFC_SEED   "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
#define RFC_PUBLIC "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
#define RFC_SIGNATURE \
	"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b" \
	"d25bf5f0595bbe24655141438e7a100b"

static char dir[64];
static struct keyring *keyring;

static void write_key(const char *name, const char *hex)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, hex, strlen(hex)), strlen(hex));
	close(fd);
}

static int up(void **state)
{
	struct error err = { 0 };

	(void)state;
	strcpy(dir, "/tmp/giothong-sign-XXXXXX");
	if (!mkdtemp(dir) || !crypto_start(&err) || !keyring_create(dir, &err))
		return -1;
	write_key("sign-1.active.key", RFC_SEED);
	write_key("sign-12.retired.key", "00000000000000000000000000000000000000000000000000000000000000aa");
	write_key("sign-7.staged.key", "00000000000000000000000000000000000000000000000000000000000000bb");
	keyring = keyring_open(dir, &err);
	return keyring ? 0 : -1;
}

static int down(void **state)
{
	char command[96];

	(void)state;
	keyring_free(keyring);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static void hex_of(const unsigned char *bytes, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++)
		sprintf(out + 2 * i, "%02x", bytes[i]);
}

static void signs_as_the_standard_says(void **state)
{
	unsigned char public_key[SIGN_PUBLIC_BYTES], signature[SIGNATURE_BYTES];
	char hex[2 * SIGNATURE_BYTES + 1];

	(void)state;
	assert_true(sign_public_key(keyring, 1, public_key));
	hex_of(public_key, sizeof(public_key), hex);
	assert_string_equal(hex, RFC_PUBLIC);
	assert_true(sign_text(keyring, 1, "", 0, signature));
	hex_of(signature, sizeof(signature), hex);
	assert_string_equal(hex, RFC_SIGNATURE);
	assert_true(sign_verify(public_key, "", 0, signature));
}

static void any_other_bit_is_refused(void **state)
{
	static const char text[] = "giothong audit checkpoint";
	unsigned char public_key[SIGN_PUBLIC_BYTES], other[SIGN_PUBLIC_BYTES], signature[SIGNATURE_BYTES];

	(void)state;
	assert_true(sign_public_key(keyring, 1, public_key) && sign_public_key(keyring, 12, other));
	assert_true(sign_text(keyring, 1, text, strlen(text), signature));
	assert_true(sign_verify(public_key, text, strlen(text), signature));
	assert_false(sign_verify(public_key, text, strlen(text) - 1, signature));
	assert_false(sign_verify(other, text, strlen(text), signature));
	for (size_t bit = 0; bit < 8 * SIGNATURE_BYTES; bit++) {
		signature[bit / 8] ^= (unsigned char)(1u << bit % 8);
		assert_false(sign_verify(public_key, text, strlen(text), signature));
		signature[bit / 8] ^= (unsigned char)(1u << bit % 8);
	}
}

static void keys_of_every_state_and_no_other(void **state)
{
	unsigned char public_key[SIGN_PUBLIC_BYTES], signature[SIGNATURE_BYTES];
	int ids[SIGN_KEYS_MAX];

	(void)state;
	assert_int_equal(sign_key_ids(keyring, ids), 3);
	assert_int_equal(ids[0], 1);
	assert_int_equal(ids[1], 7);
	assert_int_equal(ids[2], 12);
	assert_false(sign_public_key(keyring, 2, public_key));
	assert_false(sign_text(keyring, 2, "", 0, signature));
}

static void public_keys_are_read_strictly(void **state)
{
	unsigned char public_key[SIGN_PUBLIC_BYTES], again[SIGN_PUBLIC_BYTES];

	(void)state;
	assert_true(sign_public_key(keyring, 1, public_key));
	assert_true(sign_public_parse(RFC_PUBLIC, again));
	assert_memory_equal(public_key, again, sizeof(again));
	assert_false(sign_public_parse("", again));
	assert_false(sign_public_parse(RFC_PUBLIC "00", again));
	assert_false(sign_public_parse("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511", again));
	assert_false(sign_public_parse("zz5a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", again));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_as_the_standard_says),
		cmocka_unit_test(any_other_bit_is_refused),
		cmocka_unit_test(keys_of_every_state_and_no_other),
		cmocka_unit_test(public_keys_are_read_strictly),
	};

	return cmocka_run_group_tests(tests, up, down);
}
