/* What a phone takes along, and what it is told of what changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/memory.h"
#include "domain/pack.h"
#include "domain/round.h"

/* ---- what is hashed ---- */

static void test_number_text(void **state)
{
	const struct identifier cccd = { IDENTIFIER_CCCD, NULL, "012092000001" };
	const struct identifier card = { IDENTIFIER_WORK_CARD, "Công ty Chè", "A17" };
	struct arena arena;
	size_t len;

	(void)state;
	arena_init(&arena);
	assert_string_equal(pack_number_text(&cccd, &arena, &len), "cccd\x1f" "012092000001");
	assert_int_equal(len, 17);
	assert_string_equal(pack_number_text(&card, &arena, &len), "work_card\x1f" "A17");
	arena_release(&arena);
}

static void test_name_text(void **state)
{
	const struct date day = { 1992, 4, 19 }, none = { 0 };
	static const char *const spellings[] = { "Lò Thị Đào", "LÒ THỊ ĐÀO", "lo thi dao", "Đào Lò Thị", "Lo\xcc\x80 Thi\xcc\xa3 \xc4\x90\x61\xcc\x80o" };
	struct arena arena;
	size_t len;

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < ARRAY_SIZE(spellings); i++) {
		assert_string_equal(pack_name_text(spellings[i], day, &arena, &len), "dao lo thi\x1f" "1992-04-19");
		assert_int_equal(len, 21);
	}
	assert_null(pack_name_text("Lò Thị Đào", none, &arena, &len));
	assert_null(pack_name_text(NULL, day, &arena, &len));
	arena_release(&arena);
}

/* 5,000 entries: one walk-in of about 800 who may give is taken for one who may not. */
static void test_false_alarms(void **state)
{
	(void)state;
	assert_in_range((unsigned)(1 / pack_false_alarm(5000, 0)), 838, 839);
	assert_in_range((unsigned)(1 / pack_false_alarm(0, 5000)), 838, 839);
	assert_in_range((unsigned)(1 / pack_false_alarm(2500, 2500)), 800, 880);
	assert_in_range((unsigned)(1 / pack_false_alarm(5000, 5000)), 400, 440);
	assert_true(pack_false_alarm(0, 0) < 1e-12);
}

/* ---- sets ---- */

enum { CODES = 12, VALUES = 40, IDS = 10, TURNS = 300 };

static void make_id(char out[UUID_TEXT_SIZE], unsigned n)
{
	snprintf(out, UUID_TEXT_SIZE, "0190a7b3-0000-7000-8000-%012x", n);
}

/* A set of a small world, out of order and with things twice. The mark goes by what is told, as a digest does. */
static void random_contents(struct pack_contents *contents, struct arena *arena)
{
	*contents = (struct pack_contents){
		.rule_set = "rules 1",
		.expected = arena_alloc(arena, CODES * sizeof(struct pack_expected)),
		.merges = arena_alloc(arena, IDS * sizeof(struct pack_merge)),
		.numbers = arena_alloc(arena, VALUES * sizeof(uint32_t)),
		.names = arena_alloc(arena, VALUES * sizeof(uint32_t)),
	};
	for (unsigned i = CODES; i-- > 0;) {
		struct pack_expected *expected = &contents->expected[contents->nexpected];

		if (rand() % 3 == 0)
			continue;
		memcpy(expected->code, "KAA-4X", sizeof(expected->code));
		expected->code[1] = (char)('A' + i);
		make_id(expected->donor_id, i);
		expected->birth_year = 1980 + rand() % 2;
		expected->start_minute = expected->end_minute = -1;
		expected->checked_in = rand() % 2;
		expected->mark = (uint64_t)(expected->birth_year * 2 + expected->checked_in);
		contents->nexpected++;
	}
	for (unsigned i = IDS; i-- > 0;) {
		if (rand() % 2)
			continue;
		make_id(contents->merges[contents->nmerges].donor_id, i);
		make_id(contents->merges[contents->nmerges++].into_id, 100 + (unsigned)rand() % 2);
	}
	contents->nnumbers = (size_t)rand() % VALUES;
	contents->nnames = (size_t)rand() % VALUES;
	for (size_t i = 0; i < contents->nnumbers; i++)
		contents->numbers[i] = (uint32_t)rand() % 64;
	for (size_t i = 0; i < contents->nnames; i++)
		contents->names[i] = PACK_HASHES - 1 - (uint32_t)rand() % 64;
	pack_order(contents);
}

static void assert_ordered(const struct pack_contents *contents)
{
	for (size_t i = 1; i < contents->nexpected; i++)
		assert_true(strcmp(contents->expected[i - 1].code, contents->expected[i].code) < 0);
	for (size_t i = 1; i < contents->nmerges; i++)
		assert_true(strcmp(contents->merges[i - 1].donor_id, contents->merges[i].donor_id) < 0);
	for (size_t i = 1; i < contents->nnumbers; i++)
		assert_true(contents->numbers[i - 1] < contents->numbers[i]);
	for (size_t i = 1; i < contents->nnames; i++)
		assert_true(contents->names[i - 1] < contents->names[i]);
}

static bool is_in(const uint32_t *values, size_t count, uint32_t value)
{
	for (size_t i = 0; i < count; i++)
		if (values[i] == value)
			return true;
	return false;
}

/* As a phone does it, by a way of its own: out goes what is gone, in comes what is new. */
static size_t apply_values(uint32_t *values, size_t count, const struct pack_values *added, const struct pack_values *gone)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (!is_in(gone->values, gone->count, values[i]))
			values[kept++] = values[i];
	for (size_t i = 0; i < added->count; i++)
		values[kept++] = added->values[i];
	return kept;
}

static void apply(struct pack_contents *held, const struct pack_change *change)
{
	held->nnumbers = apply_values(held->numbers, held->nnumbers, &change->numbers, &change->numbers_gone);
	held->nnames = apply_values(held->names, held->nnames, &change->names, &change->names_gone);
	for (size_t i = 0; i < change->ncodes + change->nexpected; i++) {
		const char *code = i < change->ncodes ? change->codes[i] : change->expected[i - change->ncodes]->code;
		size_t kept = 0;

		for (size_t k = 0; k < held->nexpected; k++)
			if (strcmp(held->expected[k].code, code) != 0)
				held->expected[kept++] = held->expected[k];
		held->nexpected = kept;
	}
	for (size_t i = 0; i < change->nexpected; i++)
		held->expected[held->nexpected++] = *change->expected[i];
	for (size_t i = 0; i < change->nunmerged + change->nmerges; i++) {
		const char *id = i < change->nunmerged ? change->unmerged[i] : change->merges[i - change->nunmerged]->donor_id;
		size_t kept = 0;

		for (size_t k = 0; k < held->nmerges; k++)
			if (strcmp(held->merges[k].donor_id, id) != 0)
				held->merges[kept++] = held->merges[k];
		held->nmerges = kept;
	}
	for (size_t i = 0; i < change->nmerges; i++)
		held->merges[held->nmerges++] = *change->merges[i];
	pack_order(held);
}

/* What a phone holds after all that it was told is what it would be told at once. */
static void test_increments_add_up(void **state)
{
	struct pack_contents held, kept, now;
	struct pack_change change;
	struct buf one = { 0 }, two = { 0 };
	struct arena arena;

	(void)state;
	srand(7);
	arena_init(&arena);
	random_contents(&held, &arena);
	for (int i = 0; i < TURNS; i++) {
		random_contents(&now, &arena);
		assert_ordered(&now);
		/* by what is kept here of the phone, which is less than what the phone has */
		buf_reset(&one);
		pack_held_write(&held, &one);
		assert_true(pack_held_read(one.data, one.len, &arena, &kept));
		pack_compare(&kept, &now, &arena, &change);
		apply(&held, &change);
		buf_reset(&one);
		buf_reset(&two);
		pack_state_text(&held, &one);
		pack_state_text(&now, &two);
		assert_string_equal(one.data, two.data);
		pack_compare(&held, &now, &arena, &change);
		assert_false(pack_changed(&change));
	}
	buf_release(&one);
	buf_release(&two);
	arena_release(&arena);
}

/* From nothing, everything is new. */
static void test_a_whole_pack(void **state)
{
	const struct pack_contents nothing = { 0 };
	struct pack_contents now;
	struct pack_change change;
	struct arena arena;

	(void)state;
	srand(11);
	arena_init(&arena);
	random_contents(&now, &arena);
	pack_compare(&nothing, &now, &arena, &change);
	assert_int_equal(change.nexpected, now.nexpected);
	assert_int_equal(change.nmerges, now.nmerges);
	assert_int_equal(change.numbers.count, now.nnumbers);
	assert_int_equal(change.names.count, now.nnames);
	assert_int_equal(change.ncodes + change.nunmerged + change.numbers_gone.count + change.names_gone.count, 0);
	pack_compare(&nothing, &nothing, &arena, &change);
	assert_false(pack_changed(&change));
	arena_release(&arena);
}

static void test_held_bytes(void **state)
{
	struct pack_contents now, read;
	struct buf buf = { 0 };
	struct arena arena;

	(void)state;
	srand(13);
	arena_init(&arena);
	random_contents(&now, &arena);
	pack_held_write(&now, &buf);
	assert_true(pack_held_read(buf.data, buf.len, &arena, &read));
	assert_int_equal(read.nexpected, now.nexpected);
	for (size_t i = 0; i < now.nexpected; i++) {
		assert_string_equal(read.expected[i].code, now.expected[i].code);
		assert_true(read.expected[i].mark == now.expected[i].mark);
	}
	assert_int_equal(read.nmerges, now.nmerges);
	for (size_t i = 0; i < now.nmerges; i++)
		assert_memory_equal(&read.merges[i], &now.merges[i], sizeof(now.merges[i]));
	assert_int_equal(read.nnumbers, now.nnumbers);
	assert_memory_equal(read.numbers, now.numbers, now.nnumbers * sizeof(uint32_t));
	assert_int_equal(read.nnames, now.nnames);
	assert_memory_equal(read.names, now.names, now.nnames * sizeof(uint32_t));
	/* cut or longer by a byte, it is none */
	for (size_t len = 0; len < buf.len; len++)
		assert_false(pack_held_read(buf.data, len, &arena, &read));
	buf_append_char(&buf, 'x');
	assert_false(pack_held_read(buf.data, buf.len, &arena, &read));
	/* counts that no memory has */
	buf_reset(&buf);
	for (int i = 0; i < 16; i++)
		buf_append_char(&buf, (char)0xff);
	assert_false(pack_held_read(buf.data, buf.len, &arena, &read));
	buf_release(&buf);
	arena_release(&arena);
}

/* Phones make this text too: it must not change. */
static void test_state_text(void **state)
{
	struct pack_expected expected[] = {
		{ .code = "K7M-4X", .donor_id = "0190a7b3-0000-7000-8000-000000000002", .name = "Lò Thị Đào", .birth_year = 1992,
		  .start_minute = 450, .end_minute = 480, .checked_in = true },
		{ .code = "A23-BC", .group = "Bản Hon", .start_minute = -1, .end_minute = -1 },
	};
	struct pack_merge merges[] = { { "0190a7b3-0000-7000-8000-000000000003", "0190a7b3-0000-7000-8000-000000000002" } };
	uint32_t numbers[] = { 70000, 5, 5 }, names[] = { 123 };
	struct pack_contents contents = { "rules 1", expected, 2, merges, 1, numbers, names, 3, 1 };
	struct buf buf = { 0 };

	(void)state;
	pack_order(&contents);
	pack_state_text(&contents, &buf);
	assert_string_equal(buf.data,
			    "r\trules 1\n"
			    "e\tA23-BC\t\t\t\t\tbooked\tBản Hon\t\n"
			    "e\tK7M-4X\t0190a7b3-0000-7000-8000-000000000002\t1992\t07:30\t08:00\tchecked_in\t\tLò Thị Đào\n"
			    "m\t0190a7b3-0000-7000-8000-000000000003\t0190a7b3-0000-7000-8000-000000000002\n"
			    "n\t123\n"
			    "p\t5\np\t70000\n");
	buf_release(&buf);
}

/* ---- until when ---- */

static void test_given_until_the_day_after(void **state)
{
	static const struct { enum round_status status; int days; bool given; } cases[] = {
		{ ROUND_ANNOUNCED, -30, true }, { ROUND_OPEN, -1, true },      { ROUND_RUNNING, 0, true },
		{ ROUND_CLOSED, 1, true },      { ROUND_CLOSED, 2, false },    { ROUND_MOVED, 0, true },
		{ ROUND_DRAFT, 0, true },       { ROUND_CANCELLED, 0, false }, { ROUND_POSTPONED, -5, false },
	};
	struct round round;

	(void)state;
	round_init(&round);
	round.from = round.to = date_make(2025, 3, 10);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err;

		error_clear(&err);
		round.status = cases[i].status;
		assert_int_equal(pack_is_given(&round, date_add_days(round.to, cases[i].days), &err), cases[i].given);
		assert_int_equal(err.code, cases[i].given ? ERR_NONE : ERR_ILLEGAL_STEP);
	}
}

static void test_expires(void **state)
{
	const int64_t end = date_instant(date_make(2025, 3, 12), 0), day_us = (int64_t)86400 * 1000000;
	struct round round;

	(void)state;
	round_init(&round);
	round.from = round.to = date_make(2025, 3, 10);
	assert_true(pack_expires_us(&round, end - day_us) == end);
	assert_true(pack_expires_us(&round, end - PACK_DAYS * day_us) == end);
	assert_true(pack_expires_us(&round, end - PACK_DAYS * day_us - 1) == end - 1);
	assert_true(pack_expires_us(&round, end - 100 * day_us) == end - (100 - PACK_DAYS) * day_us);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_number_text),       cmocka_unit_test(test_name_text),
		cmocka_unit_test(test_false_alarms),      cmocka_unit_test(test_increments_add_up),
		cmocka_unit_test(test_a_whole_pack),      cmocka_unit_test(test_held_bytes),
		cmocka_unit_test(test_state_text),        cmocka_unit_test(test_given_until_the_day_after),
		cmocka_unit_test(test_expires),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
