#include "store/hand_in.h"

#include "base/text.h"
#include "domain/person_name.h"

enum { FINDINGS_MAX = 8 };

/* Who is alike somebody new. */
struct finding {
	struct hand_in         *work;
	size_t                  index;   /* of the new item */
	struct donor_match_find find;
};

/* Whoever has a name since this batch, and of which item. */
struct newly_named {
	size_t              index;       /* of the new item */
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
static void compare_here(struct hand_in *work, const struct newly_named *one, const struct newly_named *two)
{
	const struct donor *a = &one->root->record.donor, *b = &two->root->record.donor;
	struct donor_likeness likeness = { .words_one = (unsigned)one->count, .words_two = (unsigned)two->count };

	if (one->root == two->root || a->birth_year != b->birth_year || hand_in_are_distinct(work, one->root, two->root))
		return;
	for (size_t i = 0; i < one->count; i++)
		for (size_t k = 0; k < two->count; k++)
			likeness.same_words += streq(one->words[i], two->words[k]);
	likeness.same_phone = a->phone && streq(a->phone, b->phone);
	likeness.same_paper = same_paper(a, b);
	donor_compare(a, b, work->op->units, &likeness);
	if (donor_likeness_score(&likeness) >= DONOR_LIKELY)
		hand_in_doubt(work, one->index + 1, b->id, "alike");
}

static void find_alike_here(struct hand_in *work)
{
	struct newly_named *named = arena_alloc(work->arena, (work->nfresh + 1) * sizeof(*named));
	size_t count = 0;

	for (size_t i = 0; i < work->nfresh; i++) {
		struct newly_named *one = &named[count];

		if (!work->fresh[i].names)
			continue;
		one->index = i;
		one->root = known_root(work->fresh[i].of);
		one->count = person_name_words(one->root->record.donor.name, work->arena, one->words);
		for (size_t k = 0; k < count; k++)
			compare_here(work, one, &named[k]);
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

		if (!work->fresh[index].names)
			continue;
		finding = arena_alloc(work->arena, sizeof(*finding));
		*finding = (struct finding){ .work = work, .index = index };
		finding->find = (struct donor_match_find){ .donor = &known_root(work->fresh[index].of)->record.donor,
							   .units = work->op->units, .least = DONOR_LIKELY, .arena = work->arena,
							   .done = find_on_done };
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
