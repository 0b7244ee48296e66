#include "base/memory.h"
#include "base/text.h"
#include "domain/donor.h"
#include "domain/person_name.h"

static bool same_name(const char *one, const char *two, struct arena *arena)
{
	const char *words_one[PERSON_NAME_WORDS_MAX], *words_two[PERSON_NAME_WORDS_MAX];
	size_t count;

	if (!one || !two)
		return false;
	count = person_name_words(one, arena, words_one);
	if (person_name_words(two, arena, words_two) != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!streq(words_one[i], words_two[i]))
			return false;
	return true;
}

bool donor_is_same(const struct donor *one, const struct donor *two, struct arena *arena)
{
	bool dates = !date_is_none(one->birth_date) && !date_is_none(two->birth_date);

	if (dates ? date_compare(one->birth_date, two->birth_date) != 0 : one->birth_year != two->birth_year)
		return false;
	return same_name(one->name, two->name, arena);
}
