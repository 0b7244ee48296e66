#include "store/hand_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "crypto/donor_seal.h"
#include "store/row.h"

static uint64_t random_bits(void)
{
	uint64_t bits;

	if (getentropy(&bits, sizeof(bits)) != 0)
		abort();
	return bits;
}

/* Whether somebody bears that number of the item's; of a local paper: whether this person does. */
static bool is_borne(struct hand_in *work, size_t index, size_t n, const struct identifier *identifier, const struct known *root)
{
	bool unique = identifier_is_unique(identifier->kind);

	for (size_t i = 0; i < work->nhits; i++)
		if (work->hits[i].index == index && work->hits[i].identifier == n)
			return true;
	for (struct known *known = work->known; known; known = known->next)
		if ((unique || known_root(known) == root) && donor_bears(&known->record.donor, identifier))
			return true;
	return false;
}

/* Numbers that nobody bears. False: there is no room for all of them. */
static bool add_numbers(struct hand_in *work, struct known *root, struct fresh *fresh)
{
	const struct donor *told = fresh->item->person;
	struct donor *donor = &root->record.donor;
	struct donor_identifier *all = arena_alloc(work->arena, (donor->nidentifiers + told->nidentifiers + 1) * sizeof(*all));

	for (size_t i = 0; i < donor->nidentifiers; i++)
		all[i] = donor->identifiers[i];
	donor->identifiers = all;
	for (size_t i = 0; i < told->nidentifiers; i++) {
		const struct identifier *identifier = &told->identifiers[i].identifier;

		if (is_borne(work, fresh->index, i, identifier, root))
			continue;
		if (donor->nidentifiers >= DONOR_IDENTIFIERS_MAX)
			return false;
		all[donor->nidentifiers] = told->identifiers[i];
		uuid7_make(all[donor->nidentifiers++].id, clock_wall_us(work->store->clock));
		root->told_more = true;
		fresh->looks |= !identifier_is_unique(identifier->kind) && donor->name && known_by_phones(work, root);
	}
	return true;
}

/* What was not known of the person yet. True: there are more signs now by which others may be alike. */
static bool fill(struct known *root, const struct donor *told)
{
	struct donor *donor = &root->record.donor, was = *donor;
	bool signs;

	if (!donor->name)
		donor->name = told->name;
	if (date_is_none(donor->birth_date))
		donor->birth_date = told->birth_date;
	if (donor->birth_year == 0)
		donor->birth_year = told->birth_year;
	if (donor->sex == DONOR_SEX_UNKNOWN)
		donor->sex = told->sex;
	if (!donor->phone)
		donor->phone = told->phone;
	if (!donor->address)
		donor->address = told->address;
	if (donor->blood_evidence == BLOOD_EVIDENCE_NONE) {
		donor->abo = told->abo;
		donor->rhd = told->rhd;
		donor->blood_evidence = told->blood_evidence;
	}
	if (!donor->unit_id) {
		donor->unit_id = told->unit_id;
		donor->unit_on = told->unit_on;
	}
	signs = donor->name != was.name || donor->phone != was.phone || donor->unit_id != was.unit_id || donor->sex != was.sex ||
		donor->birth_year != was.birth_year || date_compare(donor->birth_date, was.birth_date) != 0;
	root->told_more |= signs || donor->address != was.address || donor->blood_evidence != was.blood_evidence;
	return signs;
}

/* A record of its own: what was told of the person, or nothing but perhaps a number. */
static struct known *make_donor(struct hand_in *work, const char *id, struct fresh *fresh)
{
	const struct item *item = fresh->item;
	struct known *known = known_add(work);
	struct donor *donor = &known->record.donor;
	bool revoked = hand_in_whose(work, fresh->index)->device_revoked;
	unsigned char wrapped[DONOR_KEY_WRAPPED_BYTES];

	known->is_new = known->by_item = true;
	known->by = fresh->index;
	snprintf(donor->id, sizeof(donor->id), "%s", id);
	/* Nobody knows who has a revoked phone: what it tells is nobody's name and number yet. */
	if (item->named && !revoked)
		fresh->looks = fill(known, item->person);
	if (item->person && !revoked)
		(void)add_numbers(work, known, fresh);           /* no item tells more than there is room for */
	fresh->registers = true;
	donor_number_make(random_bits(), donor->number);
	known->record.wrap_key_id = donor_key_make(work->store->donor_key, work->store->keyring, donor->id, wrapped);
	known->record.wrapped_hex = bytes_text(work->arena, wrapped, sizeof(wrapped));
	return known;
}

/* `from` and `into` stand for two people, that are one. */
static void merge(struct known *from, struct known *into)
{
	snprintf(from->record.donor.merged_with, sizeof(from->record.donor.merged_with), "%s", into->record.donor.id);
	from->into = into;
	from->gone = into->took = true;
}

/* Somebody whom the item may be about, by the id or by a number that it tells. */
enum likeness { NAMELESS, OTHER, SAME };         /* the higher, the rather; where the item tells no name, whoever has one is OTHER */
struct candidate {
	struct known *of;
	enum likeness how;
	bool          by_number, by_phones;
};
enum { CANDIDATES_MAX = DONOR_IDENTIFIERS_MAX + 1 };

struct candidates {
	struct candidate list[CANDIDATES_MAX];
	size_t           count;
};

static void add_candidate(struct hand_in *work, struct candidates *to, struct known *of, bool by_number, const struct item *item)
{
	const struct donor *person;
	enum likeness how = NAMELESS;

	if (!of || known_is_erased(of))
		return;
	for (size_t i = 0; i < to->count; i++) {
		if (known_root(to->list[i].of) == known_root(of)) {
			to->list[i].by_number |= by_number;
			return;
		}
	}
	person = known_person(work, of);
	if (person)
		how = item->named && donor_is_same(item->person, person, work->arena) ? SAME : OTHER;
	if (to->count < CANDIDATES_MAX)
		to->list[to->count++] = (struct candidate){ of, how, by_number, known_by_phones(work, of) };
}

static void find_candidates(struct hand_in *work, size_t index, struct candidates *to)
{
	const struct item *item = hand_in_item(work, index);

	to->count = 0;
	if (item->donor_id)
		add_candidate(work, to, known_as_told(work, item->donor_id), false, item);
	for (size_t i = 0; i < work->nhits; i++)
		if (work->hits[i].index == index)
			add_candidate(work, to, work->hits[i].of, true, item);
	for (struct known *known = work->known; known; known = known->next)
		for (size_t n = 0; (known->is_new || known->told_more) && n < item->person->nidentifiers; n++)
			if (identifier_is_unique(item->person->identifiers[n].identifier.kind) &&
			    donor_bears(&known->record.donor, &item->person->identifiers[n].identifier))
				add_candidate(work, to, known, true, item);
}

/* Whose name fits; then who is known at a desk; then by a number; then the lowest id. */
static bool is_rather(const struct candidate *one, const struct candidate *two)
{
	if (one->how != two->how)
		return one->how > two->how;
	if (one->by_phones != two->by_phones)
		return two->by_phones;
	if (one->by_number != two->by_number)
		return one->by_number;
	return strcmp(known_root(one->of)->record.donor.id, known_root(two->of)->record.donor.id) < 0;
}

/*
 * One item leads to several records. Who has no name is the one whom the item is about; and so is who has the same name
 * and birth date, unless a desk registered both, or what was merged into them. Anything else a person must decide. Where
 * the item's own name is in doubt, its numbers may be somebody else's and join nobody.
 */
static void join_others(struct hand_in *work, struct candidates *found, const struct candidate *best, bool in_doubt)
{
	const struct item *item = work->fresh[work->nfresh].item;
	struct known *root = known_root(best->of);

	for (size_t i = 0; i < found->count; i++) {
		struct candidate *other = &found->list[i];
		struct known *from = known_root(other->of);
		bool mine = other->how == NAMELESS ? !in_doubt || !other->by_number : other->how == SAME && other->by_phones;

		if (from == root)
			continue;
		from->used = true;
		if (mine && !hand_in_whose(work, work->fresh[work->nfresh].index)->device_revoked && !hand_in_are_distinct(work, from, root)) {
			merge(from, root);
			work->fresh[work->nfresh].joins = true;
		} else if (other->how != NAMELESS) {
			hand_in_doubt(work, work->nfresh + 1, from->record.donor.id,
				  item->named && other->how == OTHER ? "differs" : "alike");
		}
	}
}

/* Of a new record: as it was told; else the item's; else (another content of this item has it) any. */
static const char *id_for(struct hand_in *work, const struct item *item)
{
	char *id = arena_alloc(work->arena, UUID_TEXT_SIZE);

	if (item->donor_id && !known_by_id(work, item->donor_id))
		return item->donor_id;
	if (!known_by_id(work, item->id))
		return item->id;
	uuid7_make(id, clock_wall_us(work->store->clock));
	return id;
}

/* By an id alone: a record, or one that will be named by whoever tells more of it. */
static struct known *find_by_id(struct hand_in *work, struct fresh *fresh)
{
	struct known *of = known_as_told(work, fresh->item->donor_id);

	return of && !known_is_erased(of) ? of : make_donor(work, id_for(work, fresh->item), fresh);
}

/* See the head of include/store/item_store.h. */
struct known *hand_in_find_donor(struct hand_in *work, struct fresh *fresh, unsigned *reasons)
{
	const struct item *item = fresh->item;
	struct candidates found;
	struct candidate *best;
	struct known *root;
	bool in_doubt, told_more;

	if (item->donor_id && known_was_erased(work, item->donor_id))
		*reasons |= ITEM_DONOR_ERASED;
	if (item->by == ITEM_DONOR_ID)
		return find_by_id(work, fresh);
	find_candidates(work, fresh->index, &found);
	if (found.count == 0)
		return make_donor(work, id_for(work, item), fresh);
	best = &found.list[0];
	for (size_t i = 1; i < found.count; i++)
		if (is_rather(&found.list[i], best))
			best = &found.list[i];
	root = known_root(best->of);
	in_doubt = item->named && best->how == OTHER;
	if (in_doubt)
		hand_in_doubt(work, work->nfresh + 1, best->of->record.donor.id, "differs");
	join_others(work, &found, best, in_doubt);
	if (in_doubt || hand_in_whose(work, fresh->index)->device_revoked)
		return best->of;
	told_more = root->told_more;
	root->told_more = false;
	if (item->named && (best->how == NAMELESS || best->by_phones))
		fresh->looks = fill(root, item->person);
	if ((item->named || best->how == NAMELESS) && !add_numbers(work, root, fresh))
		*reasons |= ITEM_UNREADABLE;
	fresh->tells_more = root->told_more;
	root->told_more |= told_more;
	return best->of;
}

/*
 * By which id, other than that of a record from a desk, the item names its donor: others may do so, too. A revoked phone
 * says of no id whose it is; it may be the first to make a record of it.
 */
void hand_in_tell_id(struct hand_in *work, struct fresh *fresh)
{
	const char *id = fresh->item->donor_id;
	const struct donor *of = &fresh->of->record.donor;
	struct known *record;

	fresh->provisional = "";
	if (!id || (fresh->item->by == ITEM_DONOR_ID && !fresh->of->by_item && streq(id, of->id)) ||
	    (hand_in_whose(work, fresh->index)->device_revoked && (!fresh->registers || !streq(id, of->id))))
		return;
	fresh->provisional = id;
	record = known_by_id(work, id);
	fresh->claims = (!record || record->is_new) && !told_is(work, id);
	record = known_as_told(work, id);
	if (fresh->claims || !record || known_is_erased(record))
		told_add(work, id, fresh->of);
}
