#include "store/hand_in.h"

#include <string.h>

#include "base/text.h"

const struct item *hand_in_item(const struct hand_in *work, size_t index)
{
	return work->op->items[index];
}

const struct item_hand_in *hand_in_whose(const struct hand_in *work, size_t index)
{
	return work->op->whose ? work->op->whose[index] : work->op;
}

struct known *known_by_id(struct hand_in *work, const char *id)
{
	for (struct known *known = work->known; known; known = known->next)
		if (streq(known->record.donor.id, id))
			return known;
	return NULL;
}

struct known *known_as_told(struct hand_in *work, const char *id)
{
	struct known *found = known_by_id(work, id);

	for (struct told *told = work->told; told && (!found || known_is_erased(found)); told = told->next)
		if (streq(told->id, id) && (!found || !known_is_erased(told->of)))
			found = told->of;
	return found;
}

bool known_was_erased(struct hand_in *work, const char *id)
{
	struct known *record = known_by_id(work, id);
	bool erased = record && known_is_erased(record);

	for (struct told *told = work->told; told && !erased; told = told->next)
		erased = streq(told->id, id) && known_is_erased(told->of);
	return erased;
}

bool told_is(const struct hand_in *work, const char *id)
{
	const struct told *told = work->told;

	while (told && !streq(told->id, id))
		told = told->next;
	return told != NULL;
}

void told_add(struct hand_in *work, const char *id, struct known *of)
{
	struct told *told, **at = &work->told;

	while (*at)
		at = &(*at)->next;
	told = arena_alloc(work->arena, sizeof(*told));
	*told = (struct told){ .id = id, .of = of };
	*at = told;
}

struct known *known_add(struct hand_in *work)
{
	struct known *known = arena_alloc(work->arena, sizeof(*known));

	known->next = work->known;
	work->known = known;
	return known;
}

/* The record that stands for the person. */
struct known *known_root(struct known *known)
{
	while (known->into)
		known = known->into;
	return known;
}

bool known_is_erased(struct known *known)
{
	return known->record.donor.erased || known_root(known)->record.donor.erased;
}

bool known_by_phones(struct hand_in *work, struct known *known)
{
	const struct known *root = known_root(known);

	for (struct known *other = work->known; other; other = other->next)
		if (!other->by_item && known_root(other) == root)
			return false;
	return true;
}

/* What is known of the person: of the record that stands, or of another that has the name. NULL: nobody told yet who it is. */
const struct donor *known_person(struct hand_in *work, struct known *known)
{
	struct known *root = known_root(known);

	if (root->record.donor.name)
		return &root->record.donor;
	for (struct known *other = work->known; other; other = other->next)
		if (other->record.donor.name && known_root(other) == root)
			return &other->record.donor;
	return NULL;
}

bool donor_bears(const struct donor *donor, const struct identifier *identifier)
{
	for (size_t i = 0; i < donor->nidentifiers; i++)
		if (identifier_same(&donor->identifiers[i].identifier, identifier))
			return true;
	return false;
}

void hand_in_doubt(struct hand_in *work, size_t n, const char *donor_id, const char *reason)
{
	struct fresh *fresh = &work->fresh[n - 1];

	for (size_t at = fresh->last_doubt; at > 0; at = work->doubts[at - 1].before)
		if (streq(work->doubts[at - 1].donor_id, donor_id) && streq(work->doubts[at - 1].reason, reason))
			return;
	if (work->ndoubts == work->doubts_max) {
		size_t max = work->doubts_max ? 2 * work->doubts_max : 16;
		struct doubt *more = arena_alloc(work->arena, max * sizeof(*more));

		if (work->ndoubts)
			memcpy(more, work->doubts, work->ndoubts * sizeof(*more));
		work->doubts = more;
		work->doubts_max = max;
	}
	work->doubts[work->ndoubts++] = (struct doubt){ donor_id, reason, n, fresh->last_doubt };
	fresh->last_doubt = work->ndoubts;
}

bool hand_in_are_distinct(const struct hand_in *work, const struct known *one, const struct known *two)
{
	for (size_t i = 0; i < work->ndistincts; i++) {
		const struct known *a = known_root(work->distincts[i].one), *b = known_root(work->distincts[i].two);

		if ((a == one && b == two) || (a == two && b == one))
			return true;
	}
	return false;
}
