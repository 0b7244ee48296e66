#include "cli/donors_seen.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "domain/person_name.h"

struct seen_person {
	int64_t        row;
	uint64_t       name, phone;      /* hashes; 0: none */
	struct date    birth_date;
	int            birth_year;
	enum donor_sex sex;
	const char    *unit_id;
};

/* Open addressing; one key may stand there several times. */
struct slot {
	uint64_t key;
	size_t   person;                 /* index + 1; 0: free */
};

struct seen {
	struct seen_person *people;
	size_t              npeople, people_cap;
	struct slot        *slots;
	size_t              nslots, used;        /* nslots: a power of two */
};

enum { SLOTS_FIRST = 4096 };

struct seen *seen_new(void)
{
	struct seen *seen = xcalloc(1, sizeof(*seen));

	seen->nslots = SLOTS_FIRST;
	seen->slots = xcalloc(seen->nslots, sizeof(*seen->slots));
	return seen;
}

void seen_free(struct seen *seen)
{
	if (!seen)
		return;
	free(seen->people);
	free(seen->slots);
	free(seen);
}

void seen_forget(struct seen *seen)
{
	if (seen->used)
		memset(seen->slots, 0, seen->nslots * sizeof(*seen->slots));
	seen->npeople = seen->used = 0;
}

/* ---- keys ---- */

/* FNV-1a with a last stir, since the low bits choose the slot. 64 bits: of a million rows two meet once in 10^7 lists. */
static uint64_t hash(uint64_t start, const char *text, size_t len)
{
	uint64_t value = start ^ 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i++)
		value = (value ^ (unsigned char)text[i]) * 0x100000001b3u;
	value = (value ^ value >> 32) * 0x9e3779b97f4a7c15u;
	return value ^ value >> 29;
}

static uint64_t name_hash(const struct donor *donor, struct arena *arena)
{
	const char *words[PERSON_NAME_WORDS_MAX];
	size_t count = donor->name ? person_name_words(donor->name, arena, words) : 0;
	uint64_t value = 0;

	for (size_t i = 0; i < count; i++)
		value = hash(value, words[i], strlen(words[i]));
	return value;
}

static uint64_t person_key(uint64_t name, int birth_year)
{
	return hash(name, (const char *)&birth_year, sizeof(birth_year));
}

static uint64_t number_key(const struct identifier *identifier, struct arena *arena)
{
	size_t len;
	const char *text = identifier_digest_text(identifier, arena, &len);

	return hash(0, text, len);
}

static size_t slot_of(const struct seen *seen, uint64_t key)
{
	return (size_t)key & (seen->nslots - 1);
}

static size_t next_slot(const struct seen *seen, size_t slot)
{
	return (slot + 1) & (seen->nslots - 1);
}

/* ---- adding ---- */

static void put(struct seen *seen, uint64_t key, size_t person)
{
	size_t slot = slot_of(seen, key);

	while (seen->slots[slot].person)
		slot = next_slot(seen, slot);
	seen->slots[slot] = (struct slot){ key, person };
	seen->used++;
}

static void make_room(struct seen *seen)
{
	struct slot *old = seen->slots;
	size_t count = seen->nslots;

	if (4 * (seen->used + 1) <= 3 * seen->nslots)
		return;
	seen->nslots *= 2;
	seen->slots = xcalloc(seen->nslots, sizeof(*seen->slots));
	seen->used = 0;
	for (size_t i = 0; i < count; i++)
		if (old[i].person)
			put(seen, old[i].key, old[i].person);
	free(old);
}

/* For the last person. A key of seen_gave() is asked for by no one else, so whose it is does not matter. */
static void add_key(struct seen *seen, uint64_t key)
{
	make_room(seen);
	put(seen, key, seen->npeople);
}

static struct seen_person person_of(int64_t row, const struct donor *donor, struct arena *arena)
{
	return (struct seen_person){
		.row = row, .name = name_hash(donor, arena), .phone = donor->phone ? hash(0, donor->phone, strlen(donor->phone)) : 0,
		.birth_date = donor->birth_date, .birth_year = donor->birth_year, .sex = donor->sex, .unit_id = donor->unit_id,
	};
}

void seen_add(struct seen *seen, int64_t row, const struct donor *donor, struct arena *arena)
{
	struct seen_person person = person_of(row, donor, arena);

	if (seen->npeople == seen->people_cap) {
		seen->people_cap = seen->people_cap ? 2 * seen->people_cap : 1024;
		seen->people = xrealloc(seen->people, seen->people_cap * sizeof(*seen->people));
	}
	seen->people[seen->npeople++] = person;
	add_key(seen, person_key(person.name, person.birth_year));
	for (size_t i = 0; i < donor->nidentifiers; i++)
		if (identifier_is_unique(donor->identifiers[i].identifier.kind))
			add_key(seen, number_key(&donor->identifiers[i].identifier, arena));
}

bool seen_gave(struct seen *seen, int64_t row, struct date on, enum component component)
{
	const int64_t given[] = { row, on.year * 10000 + on.month * 100 + on.day, component };
	uint64_t key = hash(~0u, (const char *)given, sizeof(given));

	if (date_is_none(on))
		return false;
	for (size_t slot = slot_of(seen, key); seen->slots[slot].person; slot = next_slot(seen, slot))
		if (seen->slots[slot].key == key)
			return false;
	add_key(seen, key);
	return true;
}

/* ---- finding ---- */

/* The next person with this key before `row`, or NULL; *slot is where to go on. */
static const struct seen_person *next_with(const struct seen *seen, uint64_t key, int64_t row, size_t *slot)
{
	for (; seen->slots[*slot].person; *slot = next_slot(seen, *slot)) {
		const struct seen_person *person = &seen->people[seen->slots[*slot].person - 1];

		if (seen->slots[*slot].key == key && person->row < row) {
			*slot = next_slot(seen, *slot);
			return person;
		}
	}
	return NULL;
}

/* As donor_is_same(). */
static bool is_same(const struct seen_person *one, const struct seen_person *two)
{
	bool dates = !date_is_none(one->birth_date) && !date_is_none(two->birth_date);

	return one->name == two->name &&
	       (dates ? date_compare(one->birth_date, two->birth_date) == 0 : one->birth_year == two->birth_year);
}

static int score_of(const struct seen_person *one, const struct seen_person *two, const struct unit_map *units)
{
	struct donor_likeness likeness = { .same_words = 1, .words_one = 1, .words_two = 1,
					   .same_phone = one->phone && one->phone == two->phone };
	struct donor a = { .birth_date = one->birth_date, .sex = one->sex, .unit_id = one->unit_id };
	struct donor b = { .birth_date = two->birth_date, .sex = two->sex, .unit_id = two->unit_id };

	donor_compare(&a, &b, units, &likeness);
	return donor_likeness_score(&likeness);
}

static void find_by_number(const struct seen *seen, const struct seen_person *person, uint64_t key,
			   struct seen_answer *answer)
{
	size_t slot = slot_of(seen, key);
	const struct seen_person *other = next_with(seen, key, person->row, &slot);

	/* A number that two people are said to have is a person's to sort out. */
	if (other && answer->as != SEEN_OTHER)
		*answer = (struct seen_answer){ is_same(other, person) ? SEEN_SAME : SEEN_OTHER, other->row, 0 };
}

struct seen_answer seen_find(const struct seen *seen, int64_t row, const struct donor *donor,
			     const struct unit_map *units, struct arena *arena)
{
	struct seen_person person = person_of(row, donor, arena);
	uint64_t key = person_key(person.name, person.birth_year);
	struct seen_answer answer = { 0 };
	const struct seen_person *other;
	size_t slot = slot_of(seen, key);

	for (size_t i = 0; i < donor->nidentifiers; i++)
		if (identifier_is_unique(donor->identifiers[i].identifier.kind))
			find_by_number(seen, &person, number_key(&donor->identifiers[i].identifier, arena), &answer);
	while (answer.as != SEEN_SAME && answer.as != SEEN_OTHER && (other = next_with(seen, key, row, &slot)) != NULL) {
		int score = score_of(other, &person, units);

		if (score >= DONOR_LIKELY && score > answer.score)
			answer = (struct seen_answer){ SEEN_LIKE, other->row, score };
	}
	return answer;
}
