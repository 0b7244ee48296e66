#include "domain/person_name.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "domain/fold.h"

enum {
	TYPED_MAX_BYTES = 12 * PERSON_NAME_MAX,          /* the longest letter, decomposed, has 12 bytes */
	FOLDED_SIZE = 2048
};

static size_t count_words(const char *folded)
{
	size_t count = *folded != '\0';

	for (; *folded; folded++)
		count += *folded == ' ';
	return count;
}

/* Apostrophes, and the dot between the parts of a name, as other keyboards and scripts have them. */
static bool is_sign_of_names(int32_t point)
{
	static const int32_t others[] = { 0x2018, 0x2019, 0x201b, 0x2032, 0xb4, 0xb7, 0x30fb };
	char plain = fold_ascii(point);

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (point == others[i])
			return true;
	return plain == '-' || plain == '.' || plain == '\'' || plain == '`';
}

/* Letters of any script with their marks, blanks, and the few signs above. */
static bool is_of_names(const char *name)
{
	while (*name) {
		int32_t point = text_next(&name);
		enum text_class class = text_class(point);

		if (class != TEXT_LETTER && class != TEXT_MARK && class != TEXT_BLANK && !is_sign_of_names(point))
			return false;
	}
	return true;
}

static bool refuse_long(const char *pointer, struct error *err)
{
	return error_add_field(err, pointer, "too_long", "Shorten it to %d characters and %d words.",
			       "Hãy rút gọn còn %d ký tự và %d từ.", PERSON_NAME_MAX, PERSON_NAME_WORDS_MAX);
}

bool person_name_clean(const char **name, const char *pointer, struct arena *arena, struct error *err)
{
	char folded[FOLDED_SIZE];

	if (strlen(*name) > TYPED_MAX_BYTES)
		return refuse_long(pointer, err);
	const char *tidy = fold_tidy(*name, arena);

	if (!tidy || !is_of_names(tidy))
		return error_add_field(err, pointer, "invalid_character",
				       "A name has letters, blanks, apostrophes, hyphens and dots only.",
				       "Họ tên chỉ gồm chữ cái, dấu cách, dấu nháy, gạch nối và dấu chấm.");
	if (text_length(tidy) > PERSON_NAME_MAX || !fold_words(tidy, folded, sizeof(folded)) ||
	    count_words(folded) > PERSON_NAME_WORDS_MAX)
		return refuse_long(pointer, err);
	if (!*folded)
		return error_add_field(err, pointer, "required", "Give the name as on the paper.",
				       "Hãy ghi họ tên như trên giấy tờ.");
	*name = tidy;
	return true;
}

static int compare_words(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static size_t drop_twins(const char **words, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (kept == 0 || !streq(words[i], words[kept - 1]))
			words[kept++] = words[i];
	return kept;
}

size_t person_name_words(const char *name, struct arena *arena, const char *words[PERSON_NAME_WORDS_MAX])
{
	char folded[FOLDED_SIZE];
	size_t count = 0;

	if (!fold_words(name, folded, sizeof(folded)))
		return 0;
	for (char *rest = arena_strdup(arena, folded), *word;
	     count < PERSON_NAME_WORDS_MAX && (word = strsep(&rest, " ")) != NULL;)
		if (*word)
			words[count++] = word;
	qsort(words, count, sizeof(words[0]), compare_words);
	return drop_twins(words, count);
}

const char *person_name_digest_text(int birth_year, const char *word, struct arena *arena, size_t *len)
{
	const char *text = arena_printf(arena, "%d\x1f%s", birth_year, word);

	*len = strlen(text);
	return text;
}
