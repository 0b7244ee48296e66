#ifndef CONFIG_OPTIONS_H
#define CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* One setting. A row gives parsing, range, default, --help and the sample file. */
enum option_type { OPTION_TEXT, OPTION_INT, OPTION_BOOL };

struct option {
	const char      *name;           /* "section.name"; NULL ends the table */
	enum option_type type;
	size_t           offset;         /* of its member in struct config */
	long             min, max;       /* OPTION_INT */
	const char      *choices;        /* OPTION_TEXT: blank-separated, or NULL for any text */
	const char      *fallback;
	bool             hidden;         /* not in --help and the sample */
	const char      *help;           /* for the sample; may have several lines */
};

extern const struct option config_options[];

#endif
