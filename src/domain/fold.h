#ifndef DOMAIN_FOLD_H
#define DOMAIN_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What text_fold() does, without allocating, for what Vietnamese people type. */

/*
 * The ASCII letters of a Vietnamese (or any Latin-1) letter, with their case;
 * "" for a combining mark; NULL for anything else. ASCII gives itself.
 */
const char *fold_letter(int32_t point, char plain[3]);

/*
 * Folded text of any bytes: lower case ASCII letters and digits, one blank for
 * each run of anything else. Cut at size - 1. Returns the length.
 */
size_t fold_typed(const char *text, char *out, size_t size);

/*
 * A character of a number as it is typed: full-width forms as ASCII, '-' for every dash, ' ' for every blank and
 * for what is hidden; 0 for all else that is not a visible ASCII character.
 */
char fold_ascii(int32_t point);

/*
 * text_fold(), and what it leaves: eth as d (see fold_letter), signs of any script as blanks. Only letters and
 * digits remain, of any script, in words with one blank between. False: not UTF-8, or out is too small.
 */
bool fold_words(const char *text, char *out, size_t size);

/*
 * As written, but tidy: composed (NFC), blanks single and none at the ends, nothing hidden. In the arena.
 * NULL: not UTF-8, or a control character in it.
 */
struct arena;
const char *fold_tidy(const char *text, struct arena *arena);

/* Folded text without its blanks, in place: "than uyen" and "thanuyen" are one. Returns the length. */
size_t fold_squash(char *folded);

#endif
