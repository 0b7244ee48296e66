#include "base/buf.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"
#include "domain/appointment.h"
#include "domain/item.h"
#include "domain/pack.h"
#include "domain/round.h"
#include "domain/slot.h"
#include "domain/sync.h"
#include "fuzz/fuzz.h"
#include "wire/appointment_wire.h"

/*
 * A day in the field, by the first byte: places in rounds (b book, n name a seat, m move, k check in, g a group, r release,
 * s rules of slots: their bodies; c a code as it is said; l slots that are laid over what is there), the numbers of a phone
 * that arrived (q), packs (h what a phone holds, as bytes; p two packs), and contents of one moment (t).
 *
 * Oracle: what is refused is refused in both languages. A code that is taken is taken again as it is shown. Slots laid
 * twice are the same, hold whom they held, and have no more places than the round. Gaps are what a list of all numbers
 * lacks. Bytes that are taken as a pack are written as they were, and what a phone is told makes of its pack the new one.
 * Ties keep their order.
 */
static struct arena arena;

/* ---- bodies ---- */

static void check_request(const struct booking_request *request, const char *body)
{
	FUZZ_CHECK(!request->slot || uuid_valid(request->slot), "%s", body);
	FUZZ_CHECK((unsigned)request->component < COMPONENT_COUNT && (request->volume_ml == -1 || request->volume_ml >= 1), "%s", body);
}

static bool read_place(unsigned kind, const char *body, size_t len, struct error *err)
{
	char code[APPOINTMENT_CODE_SIZE], again[APPOINTMENT_CODE_SIZE];
	struct booking_request request = { 0 };
	struct slot_rules rules = { 0 };
	struct group_request group;
	bool fine;
	int seats;

	switch (kind) {
	case 'k':
		fine = check_in_read(body, len, &arena, code, err);
		FUZZ_CHECK(!fine || (appointment_code_parse(code, again) == APPOINTMENT_CODE_FINE && streq(code, again)), "%s", body);
		return fine;
	case 'g':
		fine = group_read(body, len, &arena, &group, err);
		FUZZ_CHECK(!fine || (*group.title && *group.contact && group.seats >= 1 && (!group.slot || uuid_valid(group.slot))), "%s", body);
		return fine;
	case 'r':
		fine = group_release_read(body, len, &arena, &seats, err);
		FUZZ_CHECK(!fine || seats >= 1, "%s", body);
		return fine;
	case 's':
		return slot_rules_read(body, len, &arena, &rules, err);
	case 'n':
		fine = seat_name_read(body, len, &arena, &request, err);
		break;
	case 'm':
		fine = booking_move_read(body, len, &arena, &request, err);
		break;
	default:
		fine = booking_read(body, len, &arena, &request, err);
		FUZZ_CHECK(!fine || *request.donor, "%s", body);
	}
	if (fine)
		check_request(&request, body);
	return fine;
}

static void fuzz_place(unsigned kind, const char *body, size_t len)
{
	struct error err;

	error_clear(&err);
	if (!read_place(kind, body, len, &err))
		fuzz_check_refusal(&err);
}

static void fuzz_code(const char *typed)
{
	char code[APPOINTMENT_CODE_SIZE], again[APPOINTMENT_CODE_SIZE];

	if (appointment_code_parse(typed, code) == APPOINTMENT_CODE_FINE)
		FUZZ_CHECK(appointment_code_parse(code, again) == APPOINTMENT_CODE_FINE && streq(code, again), "%s and %s", typed, code);
}

/* ---- slots ---- */

enum { MINUTES = 1440, THERE_MAX = 12 };

static void check_layout(const struct slot_layout *layout, const struct slot *there, size_t nthere, int places, int booked)
{
	int held = 0, capacity = 0;

	for (size_t i = 0; i < layout->nslots; i++) {
		const struct slot *slot = &layout->slots[i];

		FUZZ_CHECK(slot->start_minute < slot->end_minute && slot->end_minute <= MINUTES, "%d-%d", slot->start_minute, slot->end_minute);
		FUZZ_CHECK(slot->capacity >= slot->booked && slot->booked >= slot->walked && slot->walk_in >= 0, "%d %d", slot->capacity, slot->booked);
		FUZZ_CHECK(i == 0 || layout->slots[i - 1].start_minute < slot->start_minute, "slot %zu", i);
		FUZZ_CHECK(slot_left(slot) <= slot->capacity - slot->booked && slot_left_at_door(slot, true) >= slot_left_at_door(slot, false),
			   "%d", slot_left(slot));
		held += slot->booked;
		capacity += slot->capacity;
	}
	FUZZ_CHECK(held == booked && capacity == layout->capacity, "%d of %d", held, booked);
	FUZZ_CHECK(places < 0 || capacity <= (places > booked ? places : booked), "%d of %d, %d are in", capacity, places, booked);
	for (size_t i = 0; i < nthere; i++) {
		size_t k = 0;

		while (k < layout->nslots && !streq(layout->slots[k].id, there[i].id))
			k++;
		FUZZ_CHECK(k < layout->nslots && layout->slots[k].booked == there[i].booked, "slot at %d", there[i].start_minute);
	}
}

static size_t slots_there(const uint8_t **data, size_t *size, struct slot there[THERE_MAX], int *booked)
{
	size_t count = fuzz_byte(data, size) % (THERE_MAX + 1);
	int at = 0;

	for (size_t i = 0; i < count; i++) {
		there[i] = (struct slot){ .stands = true };
		at += (int)(fuzz_byte(data, size) % 12) * 5;
		there[i].start_minute = at;
		at += 5 + (int)(fuzz_byte(data, size) % 12) * 5;
		there[i].end_minute = at;
		there[i].booked = (int)(fuzz_byte(data, size) % 40);
		there[i].walked = there[i].booked ? (int)(fuzz_byte(data, size) % (unsigned)(there[i].booked + 1)) : 0;
		there[i].capacity = there[i].booked + 3;
		snprintf(there[i].id, sizeof(there[i].id), "slot %zu", i);
		*booked += there[i].booked;
	}
	return count;
}

static void fuzz_slots(const uint8_t *data, size_t size)
{
	struct slot_rules rules = {
		.beds = (int)(fuzz_byte(&data, &size) % 20), .minutes_per_donor = SLOT_DONOR_MINUTES_MIN + (int)fuzz_byte(&data, &size) % 100,
		.slot_minutes = SLOT_MINUTES_MIN + (int)fuzz_byte(&data, &size), .walk_in_percent = (int)(fuzz_byte(&data, &size) % 101),
	};
	struct slot_layout first, second;
	struct slot there[THERE_MAX];
	struct round round;
	struct error err;
	int booked = 0;
	size_t nthere;

	round_init(&round);
	round.from = round.to = date_make(2025, 4, 15);
	round.start_minute = (int)(fuzz_byte(&data, &size) % 25) * 60 - 60;
	if (round.start_minute >= 0) {
		int end = round.start_minute + 5 * (int)fuzz_byte(&data, &size);

		round.end_minute = end > round.start_minute && end <= MINUTES ? end : -1;
	} else {
		round.start_minute = -1;
	}
	round.capacity = (int)(fuzz_byte(&data, &size) << 1) - 2;
	if (round.capacity < 0)
		round.capacity = -1;
	error_clear(&err);
	FUZZ_CHECK(slot_rules_check(&rules, &err) || rules.beds == 0, "%s", err.nfields ? err.fields[0].pointer : "");
	nthere = slots_there(&data, &size, there, &booked);
	slot_lay(&round, &rules, there, nthere, &arena, &first);
	check_layout(&first, there, nthere, round.capacity, booked);
	slot_lay(&round, &rules, first.slots, first.nslots, &arena, &second);
	FUZZ_CHECK(second.nslots == first.nslots && second.capacity == first.capacity && second.walk_in == first.walk_in,
		   "%zu and %zu", first.nslots, second.nslots);
	for (size_t i = 0; i < first.nslots; i++)
		FUZZ_CHECK(first.slots[i].capacity == second.slots[i].capacity && first.slots[i].walk_in == second.slots[i].walk_in &&
				   first.slots[i].start_minute == second.slots[i].start_minute && first.slots[i].stands == second.slots[i].stands,
			   "slot %zu", i);
}

/* ---- what arrived ---- */

enum { RUNS_MAX = 40, NUMBERS_MAX = 1200 };

static int compare_runs(const void *a, const void *b)
{
	const struct seq_run *one = a, *two = b;

	return one->from < two->from ? -1 : one->from > two->from;
}

static void fuzz_missing(const uint8_t *data, size_t size)
{
	bool seen[NUMBERS_MAX + 2] = { false };
	struct seq_run runs[RUNS_MAX], gaps[RUNS_MAX], few[2];
	size_t count = 0, found;
	int64_t last = 0, lacking = 0;

	while (size >= 2 && count < RUNS_MAX) {
		int64_t from = 1 + 4 * (int64_t)fuzz_byte(&data, &size);
		unsigned more = fuzz_byte(&data, &size) % 150;

		runs[count++] = (struct seq_run){ from, from + more };
		for (int64_t n = from; n <= from + more; n++)
			seen[n] = true;
		last = from + more > last ? from + more : last;
	}
	qsort(runs, count, sizeof(*runs), compare_runs);
	found = sync_missing(runs, count, gaps, RUNS_MAX);
	FUZZ_CHECK(found <= count && sync_missing(runs, count, few, 2) == found, "%zu of %zu", found, count);
	for (int64_t n = 1; n <= last; n++)
		lacking += !seen[n];
	FUZZ_CHECK(sync_count(gaps, found) == lacking, "%lld", (long long)lacking);
	for (size_t i = 0; i < found; i++) {
		FUZZ_CHECK(gaps[i].from <= gaps[i].to && gaps[i].to < last && (i == 0 || gaps[i - 1].to + 1 < gaps[i].from), "gap %zu", i);
		for (int64_t n = gaps[i].from; n <= gaps[i].to; n++)
			FUZZ_CHECK(!seen[n], "%lld", (long long)n);
	}
}

/* ---- packs ---- */

static void fuzz_held(const uint8_t *data, size_t size)
{
	struct pack_contents contents;
	struct buf again = { 0 };

	if (!pack_held_read(data, size, &arena, &contents))
		return;
	pack_held_write(&contents, &again);
	FUZZ_CHECK(again.len == size && memcmp(again.data, data, size) == 0, "%zu and %zu bytes", size, again.len);
	buf_release(&again);
}

enum { PACK_MAX = 24 };

static void id_of(unsigned n, char out[UUID_TEXT_SIZE])
{
	snprintf(out, UUID_TEXT_SIZE, "00000000-0000-7000-8000-0000000000%02x", n & 0xff);
}

/* Three bytes make one thing of four kinds. */
static void draw_pack(const uint8_t **data, size_t *size, struct pack_contents *pack)
{
	size_t left = fuzz_byte(data, size) % PACK_MAX;

	*pack = (struct pack_contents){
		.rule_set = "x", .expected = arena_alloc(&arena, (PACK_MAX + 1) * sizeof(*pack->expected)),
		.merges = arena_alloc(&arena, (PACK_MAX + 1) * sizeof(*pack->merges)),
		.numbers = arena_alloc(&arena, (PACK_MAX + 1) * sizeof(*pack->numbers)),
		.names = arena_alloc(&arena, (PACK_MAX + 1) * sizeof(*pack->names)),
	};
	for (; left > 0; left--) {
		unsigned kind = fuzz_byte(data, size), one = fuzz_byte(data, size), two = fuzz_byte(data, size);

		if (kind % 4 == 0) {
			pack->numbers[pack->nnumbers++] = (one << 8 | two) << 6;
		} else if (kind % 4 == 1) {
			pack->names[pack->nnames++] = (one << 8 | two) << 6;
		} else if (kind % 4 == 2) {
			struct pack_expected *expected = &pack->expected[pack->nexpected++];

			appointment_code_make(one, expected->code);
			expected->mark = two;
		} else {
			id_of(one, pack->merges[pack->nmerges].donor_id);
			id_of(two, pack->merges[pack->nmerges++].into_id);
		}
	}
	pack_order(pack);
}

/* What the phone keeps: the set it has, less what is gone, with what is new. */
static size_t change_values(const uint32_t *has, size_t nhas, const struct pack_values *added, const struct pack_values *gone, uint32_t *out)
{
	size_t count = 0;

	for (size_t i = 0; i < nhas; i++) {
		size_t k = 0;

		while (k < gone->count && gone->values[k] != has[i])
			k++;
		if (k == gone->count)
			out[count++] = has[i];
	}
	for (size_t i = 0; i < added->count; i++)
		out[count++] = added->values[i];
	return count;
}

static void apply(const struct pack_contents *before, const struct pack_change *change, struct pack_contents *out)
{
	*out = (struct pack_contents){
		.rule_set = before->rule_set, .expected = arena_alloc(&arena, (2 * PACK_MAX + 1) * sizeof(*out->expected)),
		.merges = arena_alloc(&arena, (2 * PACK_MAX + 1) * sizeof(*out->merges)),
		.numbers = arena_alloc(&arena, (2 * PACK_MAX + 1) * sizeof(*out->numbers)),
		.names = arena_alloc(&arena, (2 * PACK_MAX + 1) * sizeof(*out->names)),
	};
	for (size_t i = 0; i < change->nexpected; i++)
		out->expected[out->nexpected++] = *change->expected[i];
	for (size_t i = 0; i < before->nexpected; i++) {
		bool stays = true;

		for (size_t k = 0; k < change->nexpected; k++)
			stays = stays && strcmp(change->expected[k]->code, before->expected[i].code) != 0;
		for (size_t k = 0; k < change->ncodes; k++)
			stays = stays && strcmp(change->codes[k], before->expected[i].code) != 0;
		if (stays)
			out->expected[out->nexpected++] = before->expected[i];
	}
	for (size_t i = 0; i < change->nmerges; i++)
		out->merges[out->nmerges++] = *change->merges[i];
	for (size_t i = 0; i < before->nmerges; i++) {
		bool stays = true;

		for (size_t k = 0; k < change->nmerges; k++)
			stays = stays && strcmp(change->merges[k]->donor_id, before->merges[i].donor_id) != 0;
		for (size_t k = 0; k < change->nunmerged; k++)
			stays = stays && strcmp(change->unmerged[k], before->merges[i].donor_id) != 0;
		if (stays)
			out->merges[out->nmerges++] = before->merges[i];
	}
	out->nnumbers = change_values(before->numbers, before->nnumbers, &change->numbers, &change->numbers_gone, out->numbers);
	out->nnames = change_values(before->names, before->nnames, &change->names, &change->names_gone, out->names);
	pack_order(out);
}

static void fuzz_packs(const uint8_t *data, size_t size)
{
	struct pack_contents before, after, kept, told;
	struct buf bytes = { 0 }, want = { 0 }, have = { 0 };
	struct pack_change change;

	draw_pack(&data, &size, &before);
	draw_pack(&data, &size, &after);
	pack_held_write(&before, &bytes);
	FUZZ_CHECK(pack_held_read(bytes.data, bytes.len, &arena, &kept), "%zu bytes", bytes.len);
	kept.rule_set = before.rule_set;
	pack_compare(&kept, &after, &arena, &change);
	apply(&kept, &change, &told);
	pack_held_write(&told, &have);
	pack_held_write(&after, &want);
	FUZZ_CHECK(have.len == want.len && memcmp(have.data, want.data, want.len) == 0, "%zu and %zu bytes", have.len, want.len);
	FUZZ_CHECK(pack_changed(&change) == (bytes.len != want.len || memcmp(bytes.data, want.data, want.len) != 0), "changed");
	buf_release(&bytes);
	buf_release(&want);
	buf_release(&have);
}

/* ---- contents of one moment ---- */

enum { TIES_MAX = 64 };

static void fuzz_ties(const uint8_t *data, size_t size)
{
	const char *ties[TIES_MAX];
	size_t count = 0;

	while (size > 0 && count < TIES_MAX) {
		size_t at = fuzz_byte(&data, &size) % (count + 1);
		const char *tie = item_tie_between(at > 0 ? ties[at - 1] : NULL, at < count ? ties[at] : NULL, &arena);

		FUZZ_CHECK(count > 0 || streq(tie, ITEM_TIE_FIRST), "%s", tie);
		FUZZ_CHECK(at == 0 || strcmp(ties[at - 1], tie) < 0, "%s and %s", ties[at - 1], tie);
		FUZZ_CHECK(at == count || strcmp(tie, ties[at]) < 0, "%s and %s", tie, ties[at]);
		memmove(&ties[at + 1], &ties[at], (count - at) * sizeof(*ties));
		ties[at] = tie;
		count++;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned kind = fuzz_byte(&data, &size);
	char *text = fuzz_rest(data, size);

	arena_init(&arena);
	if (kind && strchr("bnmkgrs", (int)kind))
		fuzz_place(kind, text, size);
	else if (kind == 'c')
		fuzz_code(text);
	else if (kind == 'l')
		fuzz_slots(data, size);
	else if (kind == 'q')
		fuzz_missing(data, size);
	else if (kind == 'h')
		fuzz_held(data, size);
	else if (kind == 'p')
		fuzz_packs(data, size);
	else if (kind == 't')
		fuzz_ties(data, size);
	arena_release(&arena);
	free(text);
	return 0;
}
