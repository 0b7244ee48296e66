#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Text as people type it. Vietnamese comes composed (NFC), decomposed (NFD) or
 * without marks, in any case, with đ or d; folding makes all of them one.
 * (utf8proc does the Unicode part.)
 */

/* Valid UTF-8 without NUL, at most `len` bytes. */
bool text_valid_utf8(const char *text, size_t len);
/* The code point at *p (moving it on), or -1 for a byte that is not UTF-8 (one byte on). *p is not at the NUL. */
int32_t text_next(const char **p);

/*
 * Folded form into out: lower case, no marks, đ as d, each run of blanks and
 * punctuation one blank, none at the ends. False when `text` is not UTF-8 or
 * out (size bytes) is too small; out is then "".
 */
bool text_fold(const char *text, char *out, size_t size);
/* The same without folding case or touching punctuation: for SMS ("Mường Tè" -> "Muong Te"). */
bool text_strip_marks(const char *text, char *out, size_t size);
/* Canonical composed form (NFC). */
bool text_compose(const char *text, char *out, size_t size);

/* Damerau-Levenshtein distance of two folded texts; more than `limit` gives limit + 1. */
unsigned text_distance(const char *a, const char *b, unsigned limit);

/*
 * What kind of character a code point is: a mark combines with the letter before it, a sign is punctuation or a
 * symbol, what is hidden has no shape of its own (zero width, direction of writing); control characters, private
 * and unassigned code points and -1 are controls, but tabs and ends of lines are blanks.
 */
enum text_class { TEXT_LETTER, TEXT_MARK, TEXT_DIGIT, TEXT_BLANK, TEXT_SIGN, TEXT_HIDDEN, TEXT_CONTROL };
enum text_class text_class(int32_t point);

/* Length in code points of valid UTF-8. */
size_t text_length(const char *text);
bool text_is_blank(const char *text);

/* Strictly all of `text` as a decimal integer in [min, max]. */
bool text_to_int(const char *text, long min, long max, long *out);

bool streq(const char *a, const char *b);                        /* NULL equals only NULL */
bool text_starts_with(const char *text, const char *prefix);

#endif
