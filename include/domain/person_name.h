#ifndef DOMAIN_PERSON_NAME_H
#define DOMAIN_PERSON_NAME_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Names of persons. Found again composed or decomposed, with marks or without,
 * đ or d, in any order of words. Pure.
 */
struct arena;
struct error;

enum { PERSON_NAME_MAX = 120, PERSON_NAME_WORDS_MAX = 12 };      /* code points */

/*
 * Composed, blanks made single, nothing hidden in it. False and a fault at `pointer`: no letter in it, too long, too
 * many words, or anything but letters of any script with their marks, blanks, apostrophes, hyphens and dots.
 */
bool person_name_clean(const char **name, const char *pointer, struct arena *arena, struct error *err);

/*
 * The different folded words of a clean name, sorted ("Lò Thị Mây" -> "lo", "may", "thi"), in the arena. Returns how
 * many; at most PERSON_NAME_WORDS_MAX, 0 for what is no name. Hyphens and apostrophes part words.
 */
size_t person_name_words(const char *name, struct arena *arena, const char *words[PERSON_NAME_WORDS_MAX]);

/*
 * What the digest of a word is made of: birth year 0x1f word. A word alone
 * would tell names by how often it is there (design 6.5).
 */
const char *person_name_digest_text(int birth_year, const char *word, struct arena *arena, size_t *len);

#endif
