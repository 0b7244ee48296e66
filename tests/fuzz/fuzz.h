#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

/*
 * What the fuzz targets share. An input that is not valid is fine as long as it
 * is refused in order; whatever breaks a promise of a header ends the program.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition, ...)                                               \
	do {                                                                     \
		if (!(condition)) {                                              \
			fprintf(stderr, "%s:%d: broken promise: %s: ", __FILE__, \
				__LINE__, #condition);                           \
			fprintf(stderr, __VA_ARGS__);                            \
			fputc('\n', stderr);                                     \
			abort();                                                 \
		}                                                                \
	} while (0)

/* The first byte of what is left; 0 when nothing is. */
static inline unsigned fuzz_byte(const uint8_t **data, size_t *size)
{
	if (*size == 0)
		return 0;
	--*size;
	return *(*data)++;
}

/* The rest as a C string of its own size, so that a step beyond its end is seen; free() it. */
static inline char *fuzz_rest(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		abort();
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

/* A refusal that may become a problem document: a code, texts in both languages, all of it UTF-8. */
static inline void fuzz_check_refusal(const struct error *err)
{
	FUZZ_CHECK(err->code != ERR_NONE && err->code < ERR_COUNT, "code %d", (int)err->code);
	for (int language = 0; language < LANGUAGE_COUNT; language++) {
		const char *detail = err->detail[language];

		FUZZ_CHECK(*detail && text_valid_utf8(detail, strlen(detail)), "%s", detail);
	}
	FUZZ_CHECK(err->nfields <= ERROR_MAX_FIELDS, "%zu", err->nfields);
	for (size_t i = 0; i < err->nfields; i++) {
		const struct error_field *field = &err->fields[i];

		FUZZ_CHECK(field->code && *field->code, "%s", field->pointer);
		FUZZ_CHECK(text_valid_utf8(field->pointer, strlen(field->pointer)), "%s", field->pointer);
		for (int language = 0; language < LANGUAGE_COUNT; language++) {
			const char *detail = field->detail[language];

			FUZZ_CHECK(*detail && text_valid_utf8(detail, strlen(detail)), "%s: %s", field->code, detail);
		}
	}
}

#endif
