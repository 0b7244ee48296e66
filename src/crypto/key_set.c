#include "crypto/key_set.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

const struct key_record *key_record_find(const struct key_record *keys, size_t count, enum key_kind kind, int id)
{
	for (size_t i = 0; i < count; i++)
		if (keys[i].kind == kind && keys[i].id == id)
			return &keys[i];
	return NULL;
}

bool key_record_same(const struct key_record *a, const struct key_record *b)
{
	return sodium_memcmp(a->fingerprint, b->fingerprint, KEY_FINGERPRINT_BYTES) == 0;
}

/* ---- the state of each key ---- */

static bool kind_is_known(const struct key_record *records, size_t count, enum key_kind kind)
{
	for (size_t i = 0; i < count; i++)
		if (records[i].kind == kind)
			return true;
	return false;
}

/* A key that the database has not heard of was never used where others were: it waits. */
static enum key_state known_state(const struct key_record *key, const struct key_record *records, size_t count)
{
	const struct key_record *record = key_record_find(records, count, key->kind, key->id);

	return record ? record->state : KEY_STAGED;
}

/* Ids grow, so of two active keys the later one in the list is the newer. */
static void keep_newest_active(struct key_view *view, enum key_kind kind)
{
	bool seen = false;

	for (size_t i = view->nkeys; i-- > 0;) {
		struct key_record *key = &view->keys[i];

		if (key->kind != kind || key->state != KEY_ACTIVE)
			continue;
		if (seen)
			key->state = KEY_DUAL;
		seen = true;
	}
}

static void settle_states(struct key_view *view, const struct key_record *records, size_t nrecords)
{
	for (int kind = 0; kind < KEY_KIND_COUNT; kind++) {
		if (!kind_is_known(records, nrecords, (enum key_kind)kind)) {
			keep_newest_active(view, (enum key_kind)kind);
			continue;
		}
		for (size_t i = 0; i < view->nkeys; i++)
			if (view->keys[i].kind == (enum key_kind)kind)
				view->keys[i].state = known_state(&view->keys[i], records, nrecords);
	}
}

/* ---- how they are used ---- */

static void add_lookups(struct key_view *view, enum key_kind kind)
{
	size_t count = 0;
	int *ids = view->lookup[kind].ids;

	for (size_t i = 0; i < view->nkeys; i++)
		if (view->keys[i].kind == kind &&
		    (view->keys[i].state == KEY_DUAL || view->keys[i].state == KEY_ACTIVE))
			ids[count++] = view->keys[i].id;
	view->lookup[kind].nwritten = count;
	for (size_t i = 0; i < view->nkeys; i++)
		if (view->keys[i].kind == kind && view->keys[i].state == KEY_RETIRED)
			ids[count++] = view->keys[i].id;
	view->lookup[kind].nprobed = count;
}

static void use_keys(struct key_view *view, enum key_kind kind)
{
	for (size_t i = 0; i < view->nkeys; i++)
		if (view->keys[i].kind == kind && view->keys[i].state == KEY_ACTIVE)
			view->active[kind] = view->keys[i].id;
	add_lookups(view, kind);
}

static void use_as_before(struct key_view *view, enum key_kind kind, const struct key_view *before)
{
	view->active[kind] = before->active[kind];
	view->lookup[kind] = before->lookup[kind];
}

static void find_missing(struct key_view *view, const struct key_record *records, size_t nrecords,
			 bool lacks[KEY_KIND_COUNT])
{
	view->complete = true;
	for (size_t i = 0; i < nrecords; i++) {
		if (key_record_find(view->keys, view->nkeys, records[i].kind, records[i].id))
			continue;
		if (records[i].state == KEY_STAGED)
			continue;
		if (records[i].state == KEY_RETIRED) {
			view->nlost++;
			continue;
		}
		if (view->complete)
			view->missing = records[i];
		view->complete = false;
		lacks[records[i].kind] = true;
	}
}

/* Two hosts that began a rotation at the same moment made two keys of one id; one of them is in the database. */
static bool is_another_staged(const struct key_record *key, const struct key_record *records, size_t nrecords)
{
	const struct key_record *record = key_record_find(records, nrecords, key->kind, key->id);

	return record && record->state == KEY_STAGED && !key_record_same(record, key);
}

static void take_keys(struct key_set *set, const struct key_folder *folder, const struct key_record *records,
		      size_t nrecords)
{
	set->secrets = sodium_allocarray(folder->count ? folder->count : 1, KEY_BYTES);
	if (!set->secrets)
		abort();
	for (size_t i = 0; i < folder->count; i++) {
		if (is_another_staged(&folder->keys[i], records, nrecords))
			continue;
		set->view.keys[set->view.nkeys] = folder->keys[i];
		memcpy(set->secrets[set->view.nkeys], folder->secrets[i], KEY_BYTES);
		set->view.nkeys++;
	}
	sodium_mprotect_readonly(set->secrets);
}

struct key_set *key_set_new(const struct key_folder *folder, const struct key_record *records, size_t nrecords,
			    const struct key_record *wrong, const struct key_view *before)
{
	struct key_set *set = xcalloc(1, sizeof(*set));
	struct key_view *view = &set->view;
	bool lacks[KEY_KIND_COUNT] = { false };

	take_keys(set, folder, records, nrecords);
	settle_states(view, records, nrecords);
	find_missing(view, records, nrecords, lacks);
	if (wrong) {
		view->complete = false;
		view->wrong = true;
		view->missing = *wrong;
	}
	for (int kind = 0; kind < KEY_KIND_COUNT; kind++) {
		if (lacks[kind] && before)
			use_as_before(view, (enum key_kind)kind, before);
		else
			use_keys(view, (enum key_kind)kind);
	}
	return set;
}

void key_set_free(struct key_set *set)
{
	if (!set)
		return;
	sodium_free(set->secrets);       /* wipes */
	free(set);
}

/* Both were made zeroed, so bytes that no member owns are equal. */
bool key_set_equal(const struct key_set *a, const struct key_set *b)
{
	return memcmp(&a->view, &b->view, sizeof(a->view)) == 0;
}

const unsigned char *key_set_find(const struct key_set *set, enum key_kind kind, int id)
{
	const struct key_record *key = key_record_find(set->view.keys, set->view.nkeys, kind, id);

	return key ? set->secrets[key - set->view.keys] : NULL;
}
