#include "app/say.h"

#include <stdio.h>
#include <stdlib.h>

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

static void say_field(const char *program, enum language language, const struct error_field *field)
{
	fprintf(stderr, "%s: %s%s%s\n", program, field->pointer, *field->pointer ? ": " : "",
		field->detail[language]);
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
