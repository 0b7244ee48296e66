#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/memory.h"
#include "crypto/audit_chain.h"
#include "crypto/chain_check.h"
#include "crypto/keyring.h"

enum { ROWS = 80, CHANGES = 1500 };

static char dir[64];
static struct keyring *keyring;
static struct arena arena;

static int up(void **state)
{
	struct error err = { 0 };

	(void)state;
	strcpy(dir, "/tmp/giothong-chain-XXXXXX");
	if (!mkdtemp(dir) || !crypto_start(&err) || !keyring_create(dir, &err))
		return -1;
	keyring = keyring_open(dir, &err);
	arena_init(&arena);
	return keyring ? 0 : -1;
}

static int down(void **state)
{
	char command[96];

	(void)state;
	keyring_free(keyring);
	arena_release(&arena);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

/* ---- the hash ---- */

static struct chain_row sample(void)
{
	return (struct chain_row){
		.position = 1,
		.sealed_us = "1767225600123456",
		.entry = { "0198f1a2-0000-7000-8000-000000000031", "1767225600000001", "741", "token", NULL, "staff",
			   "round.move", "round", "Mường Tè", "", "1", NULL,
			   "abababababababababababababababababababababababababababababababab" },
	};
}

static void hash_of(const struct chain_row *row, char hex[CHAIN_HASH_HEX_SIZE])
{
	unsigned char before[CHAIN_HASH_BYTES] = { 0 }, hash[CHAIN_HASH_BYTES];

	chain_hash(before, row, hash);
	chain_hash_hex(hash, hex);
}

/* Computed by hashlib from the description alone. */
static void the_hash_is_the_described_one(void **state)
{
	struct chain_row row = sample();
	char hex[CHAIN_HASH_HEX_SIZE];

	(void)state;
	hash_of(&row, hex);
	assert_string_equal(hex, "5185432de03b3a98a6e13fd5a3d95530f357332897f3dee5003fba10419039a3");
}

static void expect_other(const struct chain_row *changed)
{
	struct chain_row row = sample();
	char one[CHAIN_HASH_HEX_SIZE], two[CHAIN_HASH_HEX_SIZE];

	hash_of(&row, one);
	hash_of(changed, two);
	assert_string_not_equal(one, two);
}

static void every_column_counts(void **state)
{
	struct chain_row row = sample();

	(void)state;
	row.position = 2;
	expect_other(&row);
	row = sample();
	row.sealed_us = "1767225600123457";
	expect_other(&row);
	for (int i = 0; i < CHAIN_FIELDS; i++) {
		row = sample();
		row.entry[i] = "x";
		expect_other(&row);
		row = sample();
		row.entry[i] = row.entry[i] ? NULL : "";
		expect_other(&row);
	}
}

/* The same letters on the other side of a border, or a text that looks like two. */
static void borders_count(void **state)
{
	struct chain_row row = sample();

	(void)state;
	row.entry[CHAIN_ACTION] = "round.mov";
	row.entry[CHAIN_SUBJECT_KIND] = "eround";
	expect_other(&row);
	row = sample();
	row.entry[CHAIN_ACTION] = "round.move,5:round";
	row.entry[CHAIN_SUBJECT_KIND] = "";
	expect_other(&row);
}

static void hexadecimal_is_read_strictly(void **state)
{
	unsigned char hash[CHAIN_HASH_BYTES];
	char hex[CHAIN_HASH_HEX_SIZE + 2];

	(void)state;
	memset(hex, 'a', sizeof(hex));
	hex[64] = '\0';
	assert_true(chain_hash_parse(hex, hash));
	hex[63] = '\0';
	assert_false(chain_hash_parse(hex, hash));
	assert_false(chain_hash_parse(NULL, hash));
	assert_false(chain_hash_parse("", hash));
	memcpy(hex, "\\x", 2);
	memset(hex + 2, 'b', 64);
	hex[66] = '\0';
	assert_true(chain_hash_parse(hex, hash));
	hex[5] = 'g';
	assert_false(chain_hash_parse(hex, hash));
}

/* ---- checkpoints ---- */

static struct chain_checkpoint signed_sample(void)
{
	struct chain_checkpoint checkpoint = { .position = 17, .at_us = 1767225600123456, .key_id = 1 };

	memset(checkpoint.hash, 0x5a, sizeof(checkpoint.hash));
	assert_true(chain_checkpoint_sign(keyring, &checkpoint));
	return checkpoint;
}

static void a_checkpoint_binds_all_it_says(void **state)
{
	struct chain_checkpoint checkpoint = signed_sample(), other;
	unsigned char public_key[SIGN_PUBLIC_BYTES];

	(void)state;
	assert_true(sign_public_key(keyring, 1, public_key));
	assert_true(chain_checkpoint_verify(&checkpoint, public_key));
	other = checkpoint;
	other.position++;
	assert_false(chain_checkpoint_verify(&other, public_key));
	other = checkpoint;
	other.at_us++;
	assert_false(chain_checkpoint_verify(&other, public_key));
	other = checkpoint;
	other.key_id++;
	assert_false(chain_checkpoint_verify(&other, public_key));
	other = checkpoint;
	other.hash[31] ^= 1;
	assert_false(chain_checkpoint_verify(&other, public_key));
	other.key_id = 99;
	assert_false(chain_checkpoint_sign(keyring, &other));
}

static int scan(const char *text, struct chain_checkpoint *last)
{
	struct chain_scan scan = { 0 };
	int count = 0;

	for (const char *p = text;; p++) {
		if (chain_scan_byte(&scan, *p ? *p : '\n')) {
			*last = scan.found;
			count++;
		}
		if (!*p)
			return count;
	}
}

static void expect_found(const char *text, int count)
{
	struct chain_checkpoint checkpoint = signed_sample(), found = { 0 };

	assert_int_equal(scan(text, &found), count);
	if (count == 0)
		return;
	assert_int_equal(found.position, checkpoint.position);
	assert_int_equal(found.at_us, checkpoint.at_us);
	assert_int_equal(found.key_id, checkpoint.key_id);
	assert_memory_equal(found.hash, checkpoint.hash, sizeof(found.hash));
	assert_memory_equal(found.signature, checkpoint.signature, sizeof(found.signature));
}

static void checkpoints_are_found_in_any_text(void **state)
{
	struct chain_checkpoint checkpoint = signed_sample();
	char hash[CHAIN_HASH_HEX_SIZE], signature[SIGNATURE_HEX_SIZE];
	char line[512], text[2048];

	(void)state;
	chain_hash_hex(checkpoint.hash, hash);
	chain_signature_hex(&checkpoint, signature);
	snprintf(line, sizeof(line), "audit_checkpoint level=info position=17 hash=%s at_us=1767225600123456 key_id=1"
		 " signature=%s", hash, signature);
	expect_found(line, 1);
	snprintf(text, sizeof(text), "Nov 21 08:32:11 lai-chau giothongd[71]: %s\nNov 21 ready level=info position=3\n%s\n",
		 line, line);
	expect_found(text, 2);
	snprintf(text, sizeof(text), "{\"PRIORITY\":\"6\",\"MESSAGE\":\"%s\",\"_PID\":\"7\"}", line);
	expect_found(text, 1);
	snprintf(text, sizeof(text), "{\"position\": 4, \"last\": {\n  \"position\": 17,\n  \"hash\": \"%s\",\n  \"at_us\":"
		 " 1767225600123456,\n  \"key_id\": 1,\n  \"signature\": \"%s\"\n}}", hash, signature);
	expect_found(text, 1);
	/* cut short, too long, out of order, not a number */
	snprintf(text, sizeof(text), "%.*s", (int)strlen(line) - 1, line);
	expect_found(text, 0);
	snprintf(text, sizeof(text), "%s0", line);
	expect_found(text, 0);
	snprintf(text, sizeof(text), "hash=%s position=17 at_us=1 key_id=1 signature=%s", hash, signature);
	expect_found(text, 0);
	snprintf(text, sizeof(text), "position=1x hash=%s at_us=1 key_id=1 signature=%s", hash, signature);
	expect_found(text, 0);
	snprintf(text, sizeof(text), "position=position=17 hash=%s at_us=1767225600123456 key_id=1 signature=%s", hash,
		 signature);
	expect_found(text, 1);
	expect_found("", 0);
}

/* ---- a chain in memory ---- */

struct stored {
	struct chain_row row;
	char             hash[CHAIN_HASH_HEX_SIZE];
	const char      *entry_id;
};

static struct stored chain[ROWS + 1];
static size_t length;
static struct chain_mark marks[2];
static size_t nmarks;
static struct chain_restart restarts[1];
static size_t nrestarts;

static struct chain_damage damages[ROWS * 3];
static size_t ndamages;

static void note(void *context, const struct chain_damage *damage)
{
	(void)context;
	if (ndamages < ARRAY_SIZE(damages))
		damages[ndamages] = *damage;
	ndamages++;
}

static void seal_from(size_t at)
{
	unsigned char before[CHAIN_HASH_BYTES] = { 0 }, hash[CHAIN_HASH_BYTES];

	if (at > 0)
		assert_true(chain_hash_parse(chain[at - 1].hash, before));
	for (size_t i = at; i < length; i++) {
		chain_hash(before, &chain[i].row, hash);
		chain_hash_hex(hash, chain[i].hash);
		memcpy(before, hash, sizeof(hash));
	}
}

static void make_chain(void)
{
	length = ROWS;
	nmarks = nrestarts = 0;
	for (size_t i = 0; i < length; i++) {
		struct chain_row *row = &chain[i].row;

		*row = sample();
		row->position = (int64_t)i + 1;
		row->entry[CHAIN_ID] = arena_printf(&arena, "0198f1a2-0000-7000-8000-%012zu", i);
		row->entry[CHAIN_XID] = arena_printf(&arena, "%zu", 700 + i / 3);
		chain[i].entry_id = row->entry[CHAIN_ID];
	}
	seal_from(0);
}

static void check_chain(void)
{
	struct chain_check check;

	ndamages = 0;
	chain_check_init(&check, note, NULL);
	chain_check_restarts(&check, restarts, nrestarts);
	chain_check_marks(&check, marks, nmarks);
	for (size_t i = 0; i < length; i++)
		chain_check_row(&check, &chain[i].row, chain[i].entry_id, chain[i].hash);
	assert_int_equal(check.rows, length);
	chain_check_end(&check);
	chain_check_release(&check);
}

static void expect_one(enum chain_damage_kind kind, int64_t position, int64_t other)
{
	check_chain();
	assert_int_equal(ndamages, 1);
	assert_string_equal(chain_damage_slug(damages[0].kind), chain_damage_slug(kind));
	assert_int_equal(damages[0].position, position);
	assert_int_equal(damages[0].other, other);
}

static void mark_end(void)
{
	marks[0].position = chain[length - 1].row.position;
	assert_true(chain_hash_parse(chain[length - 1].hash, marks[0].hash));
	nmarks = 1;
}

static void remove_row(size_t at)
{
	memmove(&chain[at], &chain[at + 1], (length - at - 1) * sizeof(chain[0]));
	length--;
}

static void what_was_done_is_named(void **state)
{
	static const char *const nobody[CHAIN_FIELDS];
	struct stored kept;

	(void)state;
	make_chain();
	check_chain();
	assert_int_equal(ndamages, 0);

	chain[40].row.entry[CHAIN_ACTION] = "round.edit";
	expect_one(CHAIN_CHANGED, 41, 0);
	assert_string_equal(damages[0].entry_id, chain[40].entry_id);

	make_chain();                    /* the stored hash alone: its row, not the next one */
	chain[40].hash[0] ^= 1;
	expect_one(CHAIN_CHANGED, 41, 0);

	make_chain();                    /* the row of the seal */
	remove_row(40);
	expect_one(CHAIN_REMOVED, 41, 41);

	make_chain();                    /* the entry */
	memcpy(chain[40].row.entry, nobody, sizeof(nobody));
	expect_one(CHAIN_REMOVED, 41, 0);

	make_chain();                    /* the entries of two seals, exchanged */
	kept = chain[40];
	memcpy(chain[40].row.entry, chain[70].row.entry, sizeof(kept.row.entry));
	memcpy(chain[70].row.entry, kept.row.entry, sizeof(kept.row.entry));
	check_chain();
	assert_int_equal(ndamages, 2);
	assert_int_equal(damages[0].kind, CHAIN_REORDERED);
	assert_int_equal(damages[0].position, 41);
	assert_int_equal(damages[0].other, 71);

	make_chain();                    /* one taken out and the rest moved up */
	remove_row(40);
	for (size_t i = 40; i < length; i++)
		chain[i].row.position--;
	check_chain();
	assert_true(ndamages > 1);
	assert_int_equal(damages[1].kind, CHAIN_REMOVED);

	make_chain();                    /* the end, with what was signed before */
	mark_end();
	length -= 3;
	expect_one(CHAIN_TRUNCATED, ROWS, 0);

	make_chain();                    /* all hashes computed anew */
	mark_end();
	chain[40].row.entry[CHAIN_ACTION] = "round.edit";
	seal_from(40);
	expect_one(CHAIN_REWRITTEN, ROWS, 0);
	nmarks = 0;
	check_chain();
	assert_int_equal(ndamages, 0);   /* that is why checkpoints go elsewhere */
}

static void holes_need_their_restart(void **state)
{
	(void)state;
	make_chain();
	for (size_t i = 50; i < length; i++)
		chain[i].row.position += 1000;
	seal_from(50);
	expect_one(CHAIN_REMOVED, 51, 1050);
	nrestarts = 1;
	restarts[0] = (struct chain_restart){ .at = 1060, .first = 51, .last = 1050 };
	mark_end();
	marks[1] = (struct chain_mark){ .position = 70 };        /* signed, then lost with the disk */
	nmarks = 2;
	check_chain();
	assert_int_equal(ndamages, 0);
	restarts[0].last = 1049;
	nmarks = 0;
	expect_one(CHAIN_REMOVED, 51, 1050);
	restarts[0] = (struct chain_restart){ .at = 50, .first = 51, .last = 1050 };     /* told before it was so */
	expect_one(CHAIN_REMOVED, 51, 1050);
}

/* Whoever can write an entry could name positions to come, and cut them off later. */
static void a_restart_told_ahead_hides_nothing(void **state)
{
	(void)state;
	make_chain();
	mark_end();
	restarts[0] = (struct chain_restart){ .at = 50, .first = 51, .last = 1000000 };
	nrestarts = 1;
	check_chain();
	assert_int_equal(ndamages, 0);
	length = 60;
	expect_one(CHAIN_TRUNCATED, ROWS, 0);
}

static void restarts_are_read(void **state)
{
	struct chain_restart restart;

	(void)state;
	assert_true(chain_restart_parse("101-150", &restart));
	assert_int_equal(restart.first, 101);
	assert_int_equal(restart.last, 150);
	assert_true(chain_restart_parse("none", &restart));
	assert_true(restart.first > restart.last);
	assert_false(chain_restart_parse("150-101", &restart));
	assert_false(chain_restart_parse("0-5", &restart));
	assert_false(chain_restart_parse("101", &restart));
	assert_false(chain_restart_parse("101-150x", &restart));
	assert_false(chain_restart_parse("101-99999999999999999999", &restart));
	assert_false(chain_restart_parse("", &restart));
	assert_false(chain_restart_parse(NULL, &restart));
}

/* ---- thousands of single changes ---- */

static size_t below(size_t n)
{
	return (size_t)random() % n;
}

static void change_text(const char **text)
{
	if (!*text) {
		*text = below(2) ? "" : "0";
		return;
	}
	char *copy = arena_printf(&arena, "%s ", *text);
	size_t len = strlen(*text);

	switch (below(4)) {
	case 0:
		*text = NULL;
		return;
	case 1:                          /* longer by one */
		copy[len] = 'x';
		break;
	case 2:                          /* shorter by one */
		copy[len > 0 ? len - 1 : 0] = len > 0 ? '\0' : 'y';
		break;
	default:                         /* another letter */
		copy[len] = len > 0 ? '\0' : 'z';
		if (len > 0) {
			size_t at = below(len);

			copy[at] = copy[at] == '7' ? '8' : '7';
		}
	}
	*text = copy;
}

static void exchange(size_t a, size_t b)
{
	struct stored kept = chain[a];

	chain[a] = chain[b];
	chain[b] = kept;
	kept.row.position = chain[a].row.position;
	chain[a].row.position = chain[b].row.position;
	chain[b].row.position = kept.row.position;
}

/* One change that somebody with the rights of a superuser could make. */
static void damage_chain(int *what)
{
	size_t at = below(length), other = (at + 1 + below(length - 1)) % length;

	*what = (int)below(10);
	switch (*what) {
	case 0: case 1: case 2:
		change_text(&chain[at].row.entry[1 + below(CHAIN_FIELDS - 1)]);
		break;
	case 3:
		change_text(&chain[at].row.sealed_us);
		break;
	case 4:
		at = 2 * below(CHAIN_HASH_BYTES);
		chain[other].hash[at] = chain[other].hash[at] == '0' ? 'f' : '0';
		break;
	case 5:
		mark_end();
		remove_row(at);
		break;
	case 6:
		for (size_t i = length++; i > at; i--) {
			chain[i] = chain[i - 1];
			chain[i].row.position++;
		}
		change_text(&chain[at].row.entry[CHAIN_AT]);
		break;
	case 7:
		exchange(at, other);
		break;
	case 8:
		chain[at].row.position += (int64_t)length + 1 + (int64_t)below(5);
		other = at;
		while (other + 1 < length) {             /* the index gives them in order */
			struct stored kept = chain[other];

			chain[other] = chain[other + 1];
			chain[++other] = kept;
		}
		break;
	default:
		mark_end();
		change_text(&chain[at].row.entry[CHAIN_SUBJECT_ID]);
		seal_from(at);
	}
}

static void every_single_change_is_found(void **state)
{
	const char *given = getenv("GIOTHONG_SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);

	(void)state;
	print_message("GIOTHONG_SEED=%u\n", seed);
	srandom(seed);
	for (int i = 0; i < CHANGES; i++) {
		int what;

		make_chain();
		damage_chain(&what);
		check_chain();
		if (ndamages == 0)
			fail_msg("change %d of kind %d was not found (GIOTHONG_SEED=%u)", i, what, seed);
		if (i % 100 == 0) {
			make_chain();
			mark_end();
			check_chain();
			assert_int_equal(ndamages, 0);
			arena_release(&arena);
			arena_init(&arena);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hash_is_the_described_one),
		cmocka_unit_test(every_column_counts),
		cmocka_unit_test(borders_count),
		cmocka_unit_test(hexadecimal_is_read_strictly),
		cmocka_unit_test(a_checkpoint_binds_all_it_says),
		cmocka_unit_test(checkpoints_are_found_in_any_text),
		cmocka_unit_test(what_was_done_is_named),
		cmocka_unit_test(holes_need_their_restart),
		cmocka_unit_test(a_restart_told_ahead_hides_nothing),
		cmocka_unit_test(restarts_are_read),
		cmocka_unit_test(every_single_change_is_found),
	};

	return cmocka_run_group_tests(tests, up, down);
}
