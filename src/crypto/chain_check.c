#include "crypto/chain_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/* A row whose hash is not its own, with what stood before it. */
struct chain_suspect {
	struct chain_row row;            /* texts are its own */
	char             entry_id[UUID_TEXT_SIZE];
	unsigned char    before[CHAIN_HASH_BYTES], hash[CHAIN_HASH_BYTES];
};

const char *chain_damage_slug(enum chain_damage_kind kind)
{
	static const char *const slugs[CHAIN_DAMAGE_KINDS] = {
		[CHAIN_CHANGED] = "changed",     [CHAIN_REMOVED] = "removed",
		[CHAIN_INSERTED] = "inserted",   [CHAIN_REORDERED] = "reordered",
		[CHAIN_TRUNCATED] = "truncated", [CHAIN_REWRITTEN] = "rewritten",
		[CHAIN_FORGED] = "forged_checkpoint", [CHAIN_UNKNOWN_KEY] = "unknown_key",
		[CHAIN_UNSEALED] = "unsealed",
	};

	return slugs[kind];
}

bool chain_restart_parse(const char *subject_id, struct chain_restart *out)
{
	const char *dash = subject_id ? strchr(subject_id, '-') : NULL;
	char first[24];
	long a, b;

	out->first = 1;
	out->last = 0;
	if (streq(subject_id, "none"))
		return true;
	if (!dash || (size_t)(dash - subject_id) >= sizeof(first))
		return false;
	snprintf(first, sizeof(first), "%.*s", (int)(dash - subject_id), subject_id);
	if (!text_to_int(first, 1, INT64_MAX - 1, &a) || !text_to_int(dash + 1, a, INT64_MAX - 1, &b))
		return false;
	out->first = a;
	out->last = b;
	return true;
}

/* ---- telling ---- */

static void tell(const struct chain_check *check, enum chain_damage_kind kind, int64_t position, int64_t other,
		 const char *entry_id)
{
	struct chain_damage damage = { .kind = kind, .position = position, .other = other };

	snprintf(damage.entry_id, sizeof(damage.entry_id), "%s", entry_id ? entry_id : "");
	check->on_damage(check->context, &damage);
}

/* ---- rows that do not fit ---- */

static void keep(struct chain_check *check, const struct chain_row *row, const char *entry_id,
		 const unsigned char hash[CHAIN_HASH_BYTES])
{
	struct chain_suspect *suspect;

	if (check->nsuspects == CHAIN_KEPT) {
		tell(check, CHAIN_CHANGED, row->position, 0, entry_id);
		return;
	}
	if (!check->suspects)
		check->suspects = xcalloc(CHAIN_KEPT, sizeof(*check->suspects));
	suspect = &check->suspects[check->nsuspects++];
	suspect->row.position = row->position;
	suspect->row.sealed_us = row->sealed_us ? xstrdup(row->sealed_us) : NULL;
	for (int i = 0; i < CHAIN_FIELDS; i++)
		suspect->row.entry[i] = row->entry[i] ? xstrdup(row->entry[i]) : NULL;
	snprintf(suspect->entry_id, sizeof(suspect->entry_id), "%s", entry_id ? entry_id : "");
	memcpy(suspect->before, check->last.hash, CHAIN_HASH_BYTES);
	memcpy(suspect->hash, hash, CHAIN_HASH_BYTES);
}

static bool fits(const struct chain_suspect *suspect, const unsigned char before[CHAIN_HASH_BYTES], int64_t position,
		 const struct chain_suspect *entry_of, const unsigned char hash[CHAIN_HASH_BYTES])
{
	struct chain_row row = entry_of->row;
	unsigned char out[CHAIN_HASH_BYTES];

	row.position = position;
	row.sealed_us = suspect->row.sealed_us;
	chain_hash(before, &row, out);
	return memcmp(out, hash, sizeof(out)) == 0;
}

/* Where a suspect belongs; 0: nowhere that we can see. */
static int64_t find_place(const struct chain_check *check, const struct chain_suspect *suspect)
{
	for (size_t i = 0; i < check->nsuspects; i++) {
		const struct chain_suspect *other = &check->suspects[i];

		if (other == suspect)
			continue;
		/* Only the entries changed places; or whole rows did. */
		if (fits(other, other->before, other->row.position, suspect, other->hash) ||
		    fits(suspect, other->before, other->row.position, suspect, suspect->hash))
			return other->row.position;
	}
	return 0;
}

/* Rows behind one that was put in or taken out moved by one. */
static bool moved_by(const struct chain_suspect *suspect, int64_t steps)
{
	return fits(suspect, suspect->before, suspect->row.position - steps, suspect, suspect->hash);
}

static void judge(const struct chain_check *check, const struct chain_suspect *suspect)
{
	int64_t position = suspect->row.position, place = find_place(check, suspect);

	if (place > 0)
		tell(check, CHAIN_REORDERED, position, place, suspect->entry_id);
	else if (moved_by(suspect, 1))
		tell(check, CHAIN_INSERTED, position - 1, 0, NULL);
	else if (moved_by(suspect, -1))
		tell(check, CHAIN_REMOVED, position - 1, 0, NULL);
	else
		tell(check, CHAIN_CHANGED, position, 0, suspect->entry_id);
}

static void release_suspects(struct chain_check *check)
{
	for (size_t i = 0; i < check->nsuspects; i++) {
		struct chain_row *row = &check->suspects[i].row;

		free((char *)row->sealed_us);
		for (int f = 0; f < CHAIN_FIELDS; f++)
			free((char *)row->entry[f]);
	}
	free(check->suspects);
	check->suspects = NULL;
	check->nsuspects = 0;
}

/* ---- marks ---- */

/* By a restart that stands behind its hole: one that names positions to come would hide that they were cut off. */
static bool left_out(const struct chain_check *check, int64_t position)
{
	for (size_t i = 0; i < check->nrestarts; i++) {
		const struct chain_restart *restart = &check->restarts[i];

		if (position >= restart->first && position <= restart->last && restart->at > restart->last)
			return true;
	}
	return false;
}

/* Marks of positions that the chain does not have. */
static void pass_marks(struct chain_check *check, int64_t before, enum chain_damage_kind kind)
{
	while (check->next_mark < check->nmarks && check->marks[check->next_mark].position < before) {
		int64_t position = check->marks[check->next_mark++].position;

		if (left_out(check, position))
			check->marks_left_out++;
		else
			tell(check, kind, position, 0, NULL);
	}
}

static void compare_marks(struct chain_check *check, int64_t position, const char *entry_id,
			  const unsigned char hash[CHAIN_HASH_BYTES])
{
	pass_marks(check, position, CHAIN_REMOVED);
	for (; check->next_mark < check->nmarks && check->marks[check->next_mark].position == position;
	     check->next_mark++)
		if (memcmp(check->marks[check->next_mark].hash, hash, CHAIN_HASH_BYTES) != 0)
			tell(check, CHAIN_REWRITTEN, position, 0, entry_id);
}

/* ---- going along ---- */

static bool hole_is_explained(const struct chain_check *check, int64_t first, int64_t last)
{
	for (size_t i = 0; i < check->nrestarts; i++) {
		const struct chain_restart *restart = &check->restarts[i];

		if (restart->first == first && restart->last == last && restart->at > last)
			return true;
	}
	return false;
}

/* Whether what stands before this row is known. */
static bool step_to(struct chain_check *check, int64_t position, const char *entry_id)
{
	int64_t expected = check->last.position + 1;

	if (position < expected) {
		tell(check, CHAIN_INSERTED, position, 0, entry_id);
		return false;
	}
	if (position == expected || hole_is_explained(check, expected, position - 1))
		return true;
	tell(check, CHAIN_REMOVED, expected, position - 1, NULL);
	return false;
}

/*
 * The hash of the row before is taken as it is stored, so that one change is
 * one damage. Was only that hash changed, this row fits to the one that was
 * computed.
 */
static bool row_fits(const struct chain_check *check, const struct chain_row *row,
		     const unsigned char hash[CHAIN_HASH_BYTES], unsigned char computed[CHAIN_HASH_BYTES])
{
	unsigned char again[CHAIN_HASH_BYTES];

	chain_hash(check->last.hash, row, computed);
	if (memcmp(computed, hash, CHAIN_HASH_BYTES) == 0)
		return true;
	if (!check->last_differs)
		return false;
	chain_hash(check->computed, row, again);
	return memcmp(again, hash, CHAIN_HASH_BYTES) == 0;
}

void chain_check_row(struct chain_check *check, const struct chain_row *row, const char *entry_id, const char *hash)
{
	unsigned char stored[CHAIN_HASH_BYTES] = { 0 }, computed[CHAIN_HASH_BYTES] = { 0 };
	bool whole = chain_hash_parse(hash, stored), entry_is_there = row->entry[CHAIN_ID] != NULL;
	bool before_known = step_to(check, row->position, entry_id), fine;

	check->rows++;
	if (!entry_is_there) {
		tell(check, CHAIN_REMOVED, row->position, 0, entry_id);
		fine = true;
	} else {
		fine = row_fits(check, row, stored, computed) || !before_known;
	}
	if (!fine || !whole)
		keep(check, row, entry_id, stored);
	compare_marks(check, row->position, entry_id, stored);
	check->last.position = row->position;
	memcpy(check->last.hash, stored, sizeof(stored));
	memcpy(check->computed, computed, sizeof(computed));
	check->last_differs = !fine && entry_is_there;
}

void chain_check_end(struct chain_check *check)
{
	pass_marks(check, INT64_MAX, CHAIN_TRUNCATED);
	for (size_t i = 0; i < check->nsuspects; i++)
		judge(check, &check->suspects[i]);
	release_suspects(check);
}

/* ---- the interface ---- */

void chain_check_init(struct chain_check *check, void (*on_damage)(void *context, const struct chain_damage *damage),
		      void *context)
{
	*check = (struct chain_check){ .on_damage = on_damage, .context = context };
}

void chain_check_release(struct chain_check *check)
{
	release_suspects(check);
}

void chain_check_restarts(struct chain_check *check, const struct chain_restart *restarts, size_t count)
{
	check->restarts = restarts;
	check->nrestarts = count;
}

static int compare_positions(const void *a, const void *b)
{
	const struct chain_mark *x = a, *y = b;

	return (x->position > y->position) - (x->position < y->position);
}

void chain_check_marks(struct chain_check *check, struct chain_mark *marks, size_t count)
{
	if (count > 0)
		qsort(marks, count, sizeof(*marks), compare_positions);
	check->marks = marks;
	check->nmarks = count;
}
