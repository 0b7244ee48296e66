#include "store/hand_in.h"

#include <string.h>

#include "base/text.h"
#include "domain/person_name.h"

enum { FINDINGS_MAX = 8, ALIKE_HERE_MAX = 10 };

/* Who is alike somebody of whom more is known than before. */
struct finding {
	struct hand_in         *work;
	size_t                  index;   /* of the new item that tells it */
	struct donor_match_find find;
};

/* The same, to be compared with others of the batch. */
struct told_more {
	struct known       *root;
	const char         *words[PERSON_NAME_WORDS_MAX];
	size_t              count;
};

static bool same_paper(const struct donor *one, const struct donor *two)
{
	for (size_t i = 0; i < one->nidentifiers; i++)
		if (!identifier_is_unique(one->identifiers[i].identifier.kind) && donor_bears(two, &one->identifiers[i].identifier))
			return true;
	return false;
}

/* Two of the batch: what the database cannot tell yet. */
static bool is_alike(struct hand_in *work, const struct told_more *one, const struct told_more *two)
{
	const struct donor *a = &one->root->record.donor, *b = &two->root->record.donor;
	struct donor_likeness likeness = { .words_one = (unsigned)one->count, .words_two = (unsigned)two->count };

	if (one->root == two->root || a->birth_year != b->birth_year || hand_in_are_distinct(work, one->root, two->root))
		return false;
	for (size_t i = 0, k = 0; i < one->count && k < two->count;) {   /* both are sorted */
		int order = strcmp(one->words[i], two->words[k]);

		likeness.same_words += order == 0;
		i += order <= 0;
		k += order >= 0;
	}
	likeness.same_phone = a->phone && streq(a->phone, b->phone);
	likeness.same_paper = same_paper(a, b);
	donor_compare(a, b, work->op->units, &likeness);
	return donor_likeness_score(&likeness) >= DONOR_LIKELY;
}

/* The nearest before it: where hundreds have one name, each has somebody to be looked at with, and nobody has hundreds. */
static void find_alike_here(struct hand_in *work)
{
	struct told_more *all = arena_alloc(work->arena, (work->nfresh + 1) * sizeof(*all));
	size_t count = 0;

	for (size_t i = 0; i < work->nfresh; i++) {
		struct told_more *one = &all[count];
		size_t alike = 0;

		if (!work->fresh[i].looks)
			continue;
		one->root = known_root(work->fresh[i].of);
		one->count = person_name_words(one->root->record.donor.name, work->arena, one->words);
		for (size_t k = count; k > 0 && alike < ALIKE_HERE_MAX; k--) {
			if (!is_alike(work, one, &all[k - 1]))
				continue;
			hand_in_doubt(work, i + 1, all[k - 1].root->record.donor.id, "alike");
			alike++;
		}
		count++;
	}
}

/* What the items themselves are in doubt about. Whom else such a doubt concerns is told in the database: item_doubts(). */
static void mark_doubted(struct hand_in *work)
{
	for (size_t i = 0; i < work->ndoubts; i++) {
		struct fresh *of = &work->fresh[work->doubts[i].n - 1];
		struct known *about = known_by_id(work, work->doubts[i].donor_id);

		of->doubted |= !about || about == of->of || known_root(about) != known_root(of->of);
	}
}

static void found_all(struct hand_in *work)
{
	if (work->find_error.code != ERR_NONE) {
		hand_in_finish(work, &work->find_error);
		return;
	}
	mark_doubted(work);
	hand_in_write(work);
}

static void find_next(struct hand_in *work);

static void find_on_done(struct donor_match_find *find)
{
	struct finding *finding = container_of(find, struct finding, find);
	struct hand_in *work = finding->work;
	struct known *root = known_root(work->fresh[finding->index].of);

	if (find->error.code != ERR_NONE)
		work->find_error = find->error;
	for (size_t i = 0; i < find->nmatches; i++) {
		struct known *match = known_by_id(work, find->matches[i].id);

		if (!match || known_root(match) != root)
			hand_in_doubt(work, finding->index + 1, find->matches[i].id, "alike");
	}
	work->finding--;
	find_next(work);
}

/* A few at a time: the database is others', too. */
static void find_next(struct hand_in *work)
{
	while (work->finding < FINDINGS_MAX && work->next_finding < work->nfresh && work->find_error.code == ERR_NONE) {
		size_t index = work->next_finding++;
		struct finding *finding;

		if (!work->fresh[index].looks)
			continue;
		finding = arena_alloc(work->arena, sizeof(*finding));
		*finding = (struct finding){ .work = work, .index = index };
		finding->find = (struct donor_match_find){ .donor = &known_root(work->fresh[index].of)->record.donor,
							   .units = work->op->units, .least = DONOR_LIKELY, .urgent = true,
							   .arena = work->arena, .done = find_on_done };
		work->finding++;
		donor_match_find_send(work->store, &finding->find);      /* done() never runs inside the send */
	}
	if (work->finding == 0)
		found_all(work);
}

void hand_in_find_alike(struct hand_in *work)
{
	find_alike_here(work);
	work->finding = work->next_finding = 0;
	find_next(work);
}
