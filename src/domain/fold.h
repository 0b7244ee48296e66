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

/* Folded text without its blanks, in place: "than uyen" and "thanuyen" are one. Returns the length. */
size_t fold_squash(char *folded);

#endif
