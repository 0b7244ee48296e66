#include "domain/slot.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "domain/round.h"

enum { DAY_MINUTES = 24 * 60 };

static bool check_range(int value, int min, int max, const char *pointer, struct error *err)
{
	if (value >= min && value <= max)
		return true;
	return error_add_field(err, pointer, "out_of_range", "Give a number from %d to %d.", "Cho một số từ %d đến %d.", min,
			       max);
}

bool slot_rules_check(const struct slot_rules *rules, struct error *err)
{
	bool ok = check_range(rules->beds, 0, SLOT_BEDS_MAX, "/beds", err);

	ok = check_range(rules->minutes_per_donor, SLOT_DONOR_MINUTES_MIN, SLOT_DONOR_MINUTES_MAX, "/minutes_per_donor",
			 err) && ok;
	ok = check_range(rules->slot_minutes, SLOT_MINUTES_MIN, SLOT_MINUTES_MAX, "/slot_minutes", err) && ok;
	return check_range(rules->walk_in_percent, 0, 100, "/walk_in_percent", err) && ok;
}

/* ---- the hours ---- */

/*
 * The round's hours in pieces. What is left at the end is a slot of its own, unless it is shorter than half of one: then the last
 * slot is longer. Without hours: one slot, which is the day.
 */
static size_t cut_hours(const struct round *round, const struct slot_rules *rules, struct slot *out)
{
	int start = round->start_minute, end = round->end_minute, length = rules->slot_minutes;
	size_t count = 0;

	if (start < 0 || end < 0) {
		out[0] = (struct slot){ .start_minute = start < 0 ? 0 : start, .end_minute = DAY_MINUTES, .stands = true };
		return 1;
	}
	for (int at = start; at < end && count < SLOTS_MAX; at += length) {
		if (count > 0 && 2 * (end - at) < length)
			break;
		out[count++] = (struct slot){ .start_minute = at, .end_minute = at + length < end ? at + length : end,
					      .stands = true };
	}
	out[count - 1].end_minute = end;
	return count;
}

/* How many donors the beds can take in a slot; `unknown` where nobody said how many beds there are. */
static int bed_limit(const struct slot *slot, const struct slot_rules *rules, int unknown)
{
	if (rules->beds <= 0)
		return unknown;
	return rules->beds * (slot->end_minute - slot->start_minute) / rules->minutes_per_donor;
}

/* ---- the places ---- */

/* Deals `total` out by the length of the slots; what the beds of one cannot take goes to others. */
static void deal_places(struct slot *slots, size_t count, const struct slot_rules *rules, int total)
{
	int span = 0, passed = 0, dealt = 0, over = 0;

	for (size_t i = 0; i < count; i++)
		span += slots[i].end_minute - slots[i].start_minute;
	for (size_t i = 0; i < count; i++) {
		int limit = bed_limit(&slots[i], rules, total), share;

		passed += slots[i].end_minute - slots[i].start_minute;
		share = (int)((long long)total * passed / span) - dealt;
		dealt += share;
		slots[i].capacity = share < limit ? share : limit;
		over += share - slots[i].capacity;
	}
	for (size_t i = 0; i < count && over > 0; i++) {
		int room = bed_limit(&slots[i], rules, total) - slots[i].capacity;

		if (room > over)
			room = over;
		slots[i].capacity += room;
		over -= room;
	}
}

static struct slot *find_start(struct slot *slots, size_t count, int start)
{
	for (size_t i = 0; i < count; i++)
		if (slots[i].start_minute == start)
			return &slots[i];
	return NULL;
}

/*
 * Who is in a slot that got smaller stays, and the places for that come from slots with room, the fullest left alone the longest:
 * one by one from the slot with most room, the later of two. Whether there was anybody.
 */
static bool make_room(struct slot *slots, size_t count)
{
	int over = 0;
	bool bent;

	for (size_t i = 0; i < count; i++) {
		if (slots[i].capacity < slots[i].booked) {
			over += slots[i].booked - slots[i].capacity;
			slots[i].capacity = slots[i].booked;
		}
	}
	bent = over > 0;
	for (; over > 0; over--) {
		struct slot *widest = NULL;

		for (size_t i = 0; i < count; i++)
			if (slots[i].capacity > slots[i].booked &&
			    (!widest || slots[i].capacity - slots[i].booked >= widest->capacity - widest->booked))
				widest = &slots[i];
		if (!widest)
			break;
		widest->capacity--;
	}
	return bent;
}

/* A share of all places, dealt out as they are; never of a place that somebody has booked. Whether that was in the way. */
static bool keep_for_walk_ins(struct slot *slots, size_t count, int percent)
{
	long long places = 0, kept = 0;
	bool bent = false;

	for (size_t i = 0; i < count; i++) {
		int share, free = slots[i].capacity - (slots[i].booked - slots[i].walked);

		places += slots[i].capacity;
		share = (int)(places * percent / 100 - kept);
		slots[i].walk_in = share < free ? share : free;
		kept += slots[i].walk_in;
		bent = bent || share > free;
	}
	return bent;
}

static int compare_start(const void *a, const void *b)
{
	const struct slot *one = a, *two = b;

	return one->start_minute - two->start_minute;
}

static int places_of(const struct round *round, const struct slot *slots, size_t count, const struct slot_rules *rules)
{
	int beds = 0;

	if (rules->beds <= 0)
		return round->capacity < 0 ? 0 : round->capacity;
	for (size_t i = 0; i < count; i++)
		beds += bed_limit(&slots[i], rules, 0);
	return round->capacity < 0 || beds < round->capacity ? beds : round->capacity;
}

void slot_lay(const struct round *round, const struct slot_rules *rules, const struct slot *now, size_t nnow,
	      struct arena *arena, struct slot_layout *layout)
{
	struct slot *slots = arena_alloc(arena, (SLOTS_MAX + nnow) * sizeof(*slots));
	size_t count = cut_hours(round, rules, slots), nslots = count;
	int total = places_of(round, slots, count, rules), kept = 0;
	bool bent;

	deal_places(slots, count, rules, total);
	keep_for_walk_ins(slots, count, rules->walk_in_percent);
	for (size_t i = 0; i < count; i++)
		slots[i].room = slots[i].capacity - slots[i].walk_in;
	for (size_t i = 0; i < nnow; i++) {
		struct slot *same = find_start(slots, count, now[i].start_minute);

		if (same) {
			memcpy(same->id, now[i].id, sizeof(same->id));
			same->booked = now[i].booked;
			same->walked = now[i].walked;
			continue;
		}
		slots[nslots] = now[i];
		slots[nslots].capacity = now[i].booked;
		slots[nslots].walk_in = now[i].walked;
		slots[nslots].fair = slots[nslots].room = 0;
		slots[nslots++].stands = false;
		kept += now[i].booked;
	}
	deal_places(slots, count, rules, total > kept ? total - kept : 0);
	for (size_t i = 0; i < count; i++)
		slots[i].fair = slots[i].capacity;
	bent = make_room(slots, count);
	bent = keep_for_walk_ins(slots, count, rules->walk_in_percent) || bent;
	qsort(slots, nslots, sizeof(*slots), compare_start);
	*layout = (struct slot_layout){ .slots = slots, .nslots = nslots, .bent = bent || kept > 0 };
	for (size_t i = 0; i < nslots; i++) {
		layout->capacity += slots[i].capacity;
		layout->walk_in += slots[i].walk_in;
	}
}

/* ---- what is left ---- */

static int at_least_none(int count)
{
	return count > 0 ? count : 0;
}

int slot_left(const struct slot *slot)
{
	int free = slot->capacity - slot->booked;
	int bookable = slot->capacity - slot->walk_in - (slot->booked - slot->walked);

	return slot->stands ? at_least_none(free < bookable ? free : bookable) : 0;
}

int slot_left_at_door(const struct slot *slot, bool begun)
{
	int free = slot->capacity - slot->booked, kept = slot->walk_in - slot->walked;

	if (!slot->stands)
		return 0;
	return at_least_none(begun || free < kept ? free : kept);
}

bool slot_has_begun(const struct slot *slot, struct date day, struct date today, int minute)
{
	int order = date_compare(today, day);

	return order > 0 || (order == 0 && minute >= slot->start_minute);
}

bool slot_is_over(const struct slot *slot, struct date day, struct date today, int minute)
{
	int order = date_compare(today, day);

	return order > 0 || (order == 0 && minute >= slot->end_minute);
}
