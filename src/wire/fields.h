#ifndef WIRE_FIELDS_H
#define WIRE_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "wire/wire.h"

/* What the files of this room share: cleaning a text, the words of common faults, optional members. */

/* Longest texts, in code points. */
enum {
	WIRE_TITLE_MAX = 200, WIRE_NAME_MAX = 120, WIRE_ORGANISER_MAX = 300, WIRE_NOTE_MAX = 2000,
	WIRE_REASON_MAX = 500, WIRE_DOCUMENT_MAX = 200, WIRE_KEY_MAX = 64, WIRE_URL_MAX = 1000
};

enum wire_text_state { WIRE_TEXT_FINE, WIRE_TEXT_BLANK, WIRE_TEXT_TOO_LONG, WIRE_TEXT_CONTROL };

/* Composed (NFC) and trimmed, in the arena; *out is set when fine. `text` is valid UTF-8 with a NUL at `len`. */
enum wire_text_state wire_clean_text(struct arena *arena, const char *text, size_t len, size_t max_length,
				     const char **out);

/* Common faults, for any pointer. All return false. */
bool wire_fault_text(struct error *err, const char *pointer, enum wire_text_state state, size_t max_length);
bool wire_fault_required(struct error *err, const char *pointer);
bool wire_fault_date(struct error *err, const char *pointer);
bool wire_fault_range(struct error *err, const char *pointer, int64_t min, int64_t max);
bool wire_fault_choice(struct error *err, const char *pointer, const char *choices);

/* A text that is to be one of some words: a blank one is read too (as ""), for none of them is blank. */
bool wire_word(struct wire_reader *reader, const char *name, enum wire_need need, const char **out);

/* An RFC 3339 time, as microseconds. */
bool wire_time(struct wire_reader *reader, const char *name, enum wire_need need, int64_t *out);

/*
 * A member that may be cleared: false when it is not in the body. Otherwise
 * *out is its value, or NULL (-1) when it is null or blank.
 */
bool wire_text_or_clear(struct wire_reader *reader, const char *name, size_t max_length, const char **out);
bool wire_int_or_clear(struct wire_reader *reader, const char *name, int min, int max, int *out);

#endif
