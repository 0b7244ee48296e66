/* Slots of a round: how they follow from hours, beds and places, and what happens to those that hold people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/memory.h"
#include "domain/round.h"
#include "domain/slot.h"

static struct round round_of(int start, int end, int capacity)
{
	struct round round;

	round_init(&round);
	round.from = round.to = date_make(2025, 4, 15);
	round.start_minute = start;
	round.end_minute = end;
	round.capacity = capacity;
	return round;
}

static const char *layout_text(const struct slot_layout *layout, struct arena *arena)
{
	const char *text = "";

	for (size_t i = 0; i < layout->nslots; i++) {
		const struct slot *slot = &layout->slots[i];
		char from[6], to[6];

		text = arena_printf(arena, "%s%s%s-%s %d/%d%s", text, i ? ", " : "", minute_format(slot->start_minute, from),
				    minute_format(slot->end_minute, to), slot->capacity, slot->walk_in,
				    slot->stands ? "" : " gone");
	}
	return text;
}

enum { NONE = -1, H = 60 };

static const struct {
	const char *name;
	int start, end, capacity;
	struct slot_rules rules;
	const char *want;
} cuts[] = {
	{ "hours, no beds", 7 * H, 9 * H, 40, { 0, 15, 30, 0 }, "07:00-07:30 10/0, 07:30-08:00 10/0, 08:00-08:30 10/0, 08:30-09:00 10/0" },
	{ "a remainder is dealt out", 7 * H, 8 * H, 7, { 0, 15, 30, 0 }, "07:00-07:30 3/0, 07:30-08:00 4/0" },
	{ "half a slot stands by itself", 7 * H, 8 * H + 15, 10, { 0, 15, 30, 0 }, "07:00-07:30 4/0, 07:30-08:00 4/0, 08:00-08:15 2/0" },
	{ "less than half goes to the last", 7 * H, 8 * H + 14, 10, { 0, 15, 30, 0 }, "07:00-07:30 4/0, 07:30-08:14 6/0" },
	{ "shorter than a slot", 7 * H, 7 * H + 10, 5, { 0, 15, 30, 0 }, "07:00-07:10 5/0" },
	{ "the beds are less than the places", 7 * H, 8 * H, 100, { 4, 15, 30, 0 }, "07:00-07:30 8/0, 07:30-08:00 8/0" },
	{ "the beds are as many as the places", 7 * H, 8 * H, 16, { 4, 15, 30, 0 }, "07:00-07:30 8/0, 07:30-08:00 8/0" },
	{ "the beds are more than the places", 7 * H, 8 * H, 15, { 4, 15, 30, 0 }, "07:00-07:30 7/0, 07:30-08:00 8/0" },
	{ "a donor longer than a slot", 7 * H, 8 * H, 100, { 2, 45, 30, 0 }, "07:00-07:30 1/0, 07:30-08:00 1/0" },
	{ "what the short slot's beds cannot take goes to others", 7 * H, 7 * H + 50, 4, { 1, 12, 30, 0 },
	  "07:00-07:30 2/0, 07:30-07:50 1/0" },
	{ "no capacity, but beds", 7 * H, 8 * H, NONE, { 3, 10, 60, 0 }, "07:00-08:00 18/0" },
	{ "neither", 7 * H, 8 * H, NONE, { 0, 10, 60, 0 }, "07:00-08:00 0/0" },
	{ "hours not known", NONE, NONE, 80, { 0, 15, 30, 0 }, "00:00-24:00 80/0" },
	{ "end not known", 13 * H, NONE, 80, { 0, 15, 30, 0 }, "13:00-24:00 80/0" },
	{ "till midnight", 23 * H, 24 * H, 4, { 0, 15, 30, 0 }, "23:00-23:30 2/0, 23:30-24:00 2/0" },
	{ "a fifth for walk-ins", 7 * H, 9 * H, 40, { 0, 15, 30, 20 }, "07:00-07:30 10/2, 07:30-08:00 10/2, 08:00-08:30 10/2, 08:30-09:00 10/2" },
	{ "the share of all is whole", 7 * H, 8 * H, 9, { 0, 15, 30, 20 }, "07:00-07:30 4/0, 07:30-08:00 5/1" },
	{ "all for walk-ins", 7 * H, 8 * H, 9, { 0, 15, 30, 100 }, "07:00-07:30 4/4, 07:30-08:00 5/5" },
	{ "fewer places than slots", 7 * H, 9 * H, 2, { 0, 15, 30, 0 }, "07:00-07:30 0/0, 07:30-08:00 1/0, 08:00-08:30 0/0, 08:30-09:00 1/0" },
};

static void test_cuts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		struct round round = round_of(cuts[i].start, cuts[i].end, cuts[i].capacity);
		struct slot_layout layout;
		struct arena arena;

		arena_init(&arena);
		slot_lay(&round, &cuts[i].rules, NULL, 0, &arena, &layout);
		if (strcmp(layout_text(&layout, &arena), cuts[i].want) != 0)
			fail_msg("%s: %s", cuts[i].name, layout_text(&layout, &arena));
		arena_release(&arena);
	}
}

/* A slot that is there: start, end, booked, walked. */
#define THERE(start, end, booked, walked) { "x", start, end, 99, 9, booked, walked, 0, 0, true }

static const struct {
	const char *name;
	int start, end, capacity;
	struct slot_rules rules;
	struct slot now[4];
	size_t nnow;
	const char *want;
} changes[] = {
	{ "nothing changes", 7 * H, 8 * H, 8, { 0, 15, 30, 0 }, { THERE(7 * H, 7 * H + 30, 4, 0), THERE(7 * H + 30, 8 * H, 0, 0) }, 2,
	  "07:00-07:30 4/0, 07:30-08:00 4/0" },
	{ "fewer beds than booked: nobody goes, others get fewer", 7 * H, 8 * H, 8, { 1, 15, 30, 0 },
	  { THERE(7 * H, 7 * H + 30, 3, 0), THERE(7 * H + 30, 8 * H, 0, 0) }, 2, "07:00-07:30 3/0, 07:30-08:00 1/0" },
	{ "as many as booked", 7 * H, 8 * H, 8, { 1, 15, 30, 0 }, { THERE(7 * H, 7 * H + 30, 2, 0) }, 1,
	  "07:00-07:30 2/0, 07:30-08:00 2/0" },
	{ "all are fuller than the beds", 7 * H, 8 * H, 8, { 1, 15, 30, 50 },
	  { THERE(7 * H, 7 * H + 30, 3, 0), THERE(7 * H + 30, 8 * H, 4, 0) }, 2, "07:00-07:30 3/0, 07:30-08:00 4/0" },
	{ "hours that went: they stay with their people, who count", 8 * H, 9 * H, 10, { 0, 15, 30, 0 },
	  { THERE(7 * H, 7 * H + 30, 4, 0), THERE(7 * H + 30, 8 * H, 0, 0) }, 2,
	  "07:00-07:30 4/0 gone, 07:30-08:00 0/0 gone, 08:00-08:30 3/0, 08:30-09:00 3/0" },
	{ "the day gets its hours", 7 * H, 8 * H, 10, { 0, 15, 30, 0 }, { THERE(0, 24 * H, 3, 0) }, 1,
	  "00:00-24:00 3/0 gone, 07:00-07:30 3/0, 07:30-08:00 4/0" },
	{ "more people than new places", 8 * H, 9 * H, 4, { 0, 15, 30, 0 }, { THERE(7 * H, 7 * H + 30, 4, 0) }, 1,
	  "07:00-07:30 4/0 gone, 08:00-08:30 0/0, 08:30-09:00 0/0" },
	{ "an hour that came back", 7 * H, 8 * H, 8, { 0, 15, 30, 0 }, { { "x", 7 * H, 7 * H + 30, 2, 0, 2, 0, 0, 0, false } }, 1,
	  "07:00-07:30 4/0, 07:30-08:00 4/0" },
	{ "the share is never of booked places, and made up later", 7 * H, 8 * H, 8, { 0, 15, 30, 50 },
	  { THERE(7 * H, 7 * H + 30, 4, 0) }, 1, "07:00-07:30 4/0, 07:30-08:00 4/4" },
	{ "walk-ins are of the share", 7 * H, 8 * H, 8, { 0, 15, 30, 50 }, { THERE(7 * H, 7 * H + 30, 4, 2) }, 1,
	  "07:00-07:30 4/2, 07:30-08:00 4/2" },
};

static void test_changes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		struct round round = round_of(changes[i].start, changes[i].end, changes[i].capacity);
		struct slot_layout layout, again;
		struct arena arena;

		arena_init(&arena);
		slot_lay(&round, &changes[i].rules, changes[i].now, changes[i].nnow, &arena, &layout);
		if (strcmp(layout_text(&layout, &arena), changes[i].want) != 0)
			fail_msg("%s: %s", changes[i].name, layout_text(&layout, &arena));
		slot_lay(&round, &changes[i].rules, layout.slots, layout.nslots, &arena, &again);
		assert_string_equal(layout_text(&again, &arena), changes[i].want);
		arena_release(&arena);
	}
}

/* Whatever was there and whatever is asked for: nobody is dropped, nothing is overbooked, no more than the round has. */
static void test_any_change(void **state)
{
	uint64_t seed = 88172645463325252ull;
	int unbent = 0;

	(void)state;
	for (int turn = 0; turn < 3000; turn++) {
		struct slot now[6];
		size_t nnow = (size_t)(seed % 6);
		int booked = 0, found = 0, length = 30 * (1 + (int)(seed / 7 % 3));
		struct slot_layout layout;
		struct slot_rules rules;
		struct round round;
		struct arena arena;

		for (size_t i = 0; i < nnow; i++) {
			seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
			now[i] = (struct slot){ .id = "x", .start_minute = 6 * H + (int)i * length, .booked = (int)(seed % 9), .stands = true };
			now[i].end_minute = now[i].start_minute + length;
			now[i].walked = now[i].booked ? (int)(seed / 16 % (uint64_t)(now[i].booked + 1)) : 0;
			booked += now[i].booked;
		}
		seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
		rules = (struct slot_rules){ (int)(seed % 5), 5 + (int)(seed / 5 % 40), 30 * (1 + (int)(seed / 256 % 3)), (int)(seed / 1024 % 101) };
		round = round_of(6 * H + 30 * (int)(seed / 131072 % 6), 12 * H, booked + (int)(seed / 4194304 % 30));
		arena_init(&arena);
		slot_lay(&round, &rules, now, nnow, &arena, &layout);
		for (size_t i = 0; i < layout.nslots; i++) {
			const struct slot *slot = &layout.slots[i];

			found += slot->booked;
			assert_true(slot->booked <= slot->capacity);
			assert_true(slot->booked - slot->walked <= slot->capacity - slot->walk_in);
			assert_true(slot->walk_in >= 0 && (i == 0 || layout.slots[i - 1].start_minute < slot->start_minute));
		}
		assert_int_equal(found, booked);
		assert_true(layout.capacity <= round.capacity);
		/* What is above the fair share is there for people alone; and laid without people it is the same, unless told. */
		for (size_t i = 0; i < layout.nslots; i++) {
			assert_true(layout.slots[i].capacity <= layout.slots[i].fair || layout.slots[i].capacity == layout.slots[i].booked);
			layout.slots[i].booked = layout.slots[i].walked = 0;
		}
		if (!layout.bent) {
			struct slot_layout alone;

			for (size_t i = 0; i < layout.nslots; i++)
				assert_int_equal(layout.slots[i].room, layout.slots[i].capacity - layout.slots[i].walk_in);
			slot_lay(&round, &rules, layout.slots, layout.nslots, &arena, &alone);
			assert_string_equal(layout_text(&alone, &arena), layout_text(&layout, &arena));
			unbent++;
		}
		arena_release(&arena);
	}
	assert_true(unbent > 100);
}

static void test_what_is_bent(void **state)
{
	static const struct { struct slot now; bool want; } cases[] = {
		{ THERE(7 * H, 7 * H + 30, 2, 0), false },
		{ THERE(7 * H, 7 * H + 30, 3, 0), true },          /* its share for walk-ins is booked */
		{ THERE(7 * H, 7 * H + 30, 3, 1), false },
		{ THERE(7 * H, 7 * H + 30, 5, 5), true },          /* more than its share of all places */
		{ THERE(6 * H, 6 * H + 30, 1, 0), true },          /* an hour that went */
		{ THERE(6 * H, 6 * H + 30, 0, 0), false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct round round = round_of(7 * H, 8 * H, 8);
		struct slot_rules rules = { 0, 15, 30, 50 };
		struct slot_layout layout;
		struct arena arena;

		arena_init(&arena);
		slot_lay(&round, &rules, &cases[i].now, 1, &arena, &layout);
		if (layout.bent != cases[i].want)
			fail_msg("case %zu", i);
		arena_release(&arena);
	}
}

/* What a slot takes when all are where they should be does not depend on who is where now. */
static void test_room(void **state)
{
	static const struct slot now[] = { THERE(6 * H, 6 * H + 30, 4, 0), THERE(7 * H, 7 * H + 30, 1, 0), THERE(7 * H + 30, 8 * H, 3, 3) };
	struct round round = round_of(7 * H, 8 * H, 8);
	struct slot_rules rules = { 0, 15, 30, 25 };

	(void)state;
	for (size_t nnow = 0; nnow <= ARRAY_SIZE(now); nnow++) {
		struct slot_layout layout;
		struct arena arena;

		arena_init(&arena);
		slot_lay(&round, &rules, now, nnow, &arena, &layout);
		for (size_t i = 0; i < layout.nslots; i++)
			assert_int_equal(layout.slots[i].room, layout.slots[i].stands ? 3 : 0);
		arena_release(&arena);
	}
}

static void test_left(void **state)
{
	struct slot slot = { .start_minute = 480, .end_minute = 510, .capacity = 10, .walk_in = 2, .stands = true };

	(void)state;
	assert_int_equal(slot_left(&slot), 8);
	slot.booked = 8;
	assert_int_equal(slot_left(&slot), 0);
	assert_int_equal(slot_left_at_door(&slot, false), 2);
	slot.booked = 7;                                 /* one did not come */
	assert_int_equal(slot_left(&slot), 1);
	assert_int_equal(slot_left_at_door(&slot, false), 2);
	assert_int_equal(slot_left_at_door(&slot, true), 3);
	slot.booked = 10, slot.walked = 3;
	assert_int_equal(slot_left_at_door(&slot, true), 0);
	assert_int_equal(slot_left(&slot), 0);
	slot.booked = 5, slot.walked = 0, slot.stands = false;
	assert_int_equal(slot_left(&slot) + slot_left_at_door(&slot, true), 0);
}

static void test_begun_and_over(void **state)
{
	struct slot slot = { .start_minute = 480, .end_minute = 510 };
	struct date day = date_make(2025, 4, 15), eve = date_make(2025, 4, 14), next = date_make(2025, 4, 16);

	(void)state;
	assert_false(slot_has_begun(&slot, day, eve, 1439));
	assert_false(slot_has_begun(&slot, day, day, 479));
	assert_true(slot_has_begun(&slot, day, day, 480));
	assert_false(slot_is_over(&slot, day, day, 509));
	assert_true(slot_is_over(&slot, day, day, 510));
	assert_true(slot_has_begun(&slot, day, next, 0) && slot_is_over(&slot, day, next, 0));
}

static void test_rules(void **state)
{
	static const struct {
		struct slot_rules rules;
		const char *pointer;
	} cases[] = {
		{ { 0, 5, 5, 0 }, NULL }, { { 1000, 240, 480, 100 }, NULL },
		{ { -1, 15, 30, 0 }, "/beds" }, { { 1001, 15, 30, 0 }, "/beds" },
		{ { 0, 4, 30, 0 }, "/minutes_per_donor" }, { { 0, 241, 30, 0 }, "/minutes_per_donor" },
		{ { 0, 15, 4, 0 }, "/slot_minutes" }, { { 0, 15, 481, 0 }, "/slot_minutes" },
		{ { 0, 15, 30, -1 }, "/walk_in_percent" }, { { 0, 15, 30, 101 }, "/walk_in_percent" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err;

		error_clear(&err);
		assert_int_equal(slot_rules_check(&cases[i].rules, &err), cases[i].pointer == NULL);
		if (cases[i].pointer)
			assert_string_equal(err.fields[0].pointer, cases[i].pointer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cuts), cmocka_unit_test(test_changes), cmocka_unit_test(test_any_change), cmocka_unit_test(test_what_is_bent),
		cmocka_unit_test(test_room), cmocka_unit_test(test_left), cmocka_unit_test(test_begun_and_over), cmocka_unit_test(test_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
