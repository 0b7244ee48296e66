#include "app/say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

enum language say_language(void)
{
	static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };

	/* As in setlocale(3): the first one that is set decides. */
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return text_starts_with(value, "vi") ? LANGUAGE_VI : LANGUAGE_EN;
	}
	return LANGUAGE_EN;
}

/* "line 3, column units" of a table; other pointers are names, the same in each language. */
static void say_place(const char *pointer)
{
	static const struct { const char *en, *vi; } words[] = {
		{ "line ", "dòng " }, { ", column ", ", cột " }, { ", cell ", ", ô " },
	};

	if (text_starts_with(pointer, words[0].en))
		for (size_t i = 0; i < ARRAY_SIZE(words); i++)
			if (text_starts_with(pointer, words[i].en)) {
				pointer += strlen(words[i].en);
				int digits = (int)strspn(pointer, i == 0 ? "0123456789" : "");

				fprintf(stderr, "%s%.*s", words[i].vi, digits, pointer);
				pointer += digits;
			}
	fputs(pointer, stderr);
}

static void say_field(const char *program, enum language language, const struct error_field *field)
{
	fprintf(stderr, "%s: ", program);
	if (language == LANGUAGE_VI)
		say_place(field->pointer);
	else
		fputs(field->pointer, stderr);
	fprintf(stderr, "%s%s\n", *field->pointer ? ": " : "", field->detail[language]);
}

void say_error(const char *program, enum language language, const struct error *err)
{
	const char *detail = err->detail[language];

	/* That fields are not valid is said by the fields; a single fault often repeats itself there. */
	bool fields_say_it = err->nfields > 0 && (err->code == ERR_INVALID_FIELD ||
						  streq(detail, err->fields[0].detail[language]));

	if (*detail && !fields_say_it)
		fprintf(stderr, "%s: %s\n", program, detail);
	else if (err->nfields == 0)
		fprintf(stderr, "%s: %s\n", program, error_slug(err->code));
	for (size_t i = 0; i < err->nfields; i++)
		say_field(program, language, &err->fields[i]);
}
