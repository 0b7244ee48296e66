#ifndef WIRE_HONOUR_WIRE_H
#define WIRE_HONOUR_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/embedded.h"
#include "base/error.h"
#include "domain/honour.h"

struct arena;
struct json_out;

/* Ladders from their file (config/honours/README.md tells the format). Every fault has the JSON pointer of the culprit. */
bool honour_rules_read(const char *text, size_t len, struct arena *arena, struct honour_rules *rules, struct error *err);

/* Those that are part of the program. Ended by a row without a name. */
const struct embedded_file *honour_rules_embedded(void);

/* Body of POST /honours: one of *donor (id or number) and *family, the step, the day (`today` where it is not told). */
struct honour_wish {
	const char *donor, *family, *step;
	struct date as_of;
};
bool honour_wish_read(const char *body, size_t len, struct date today, struct arena *arena, struct honour_wish *wish,
		      struct error *err);
/* Body of a step of the work. `today` where a step has a day and it is not told. */
bool honour_say_read(const char *body, size_t len, enum honour_verb verb, struct date today, struct arena *arena,
		     struct honour_say *say, struct error *err);

/* With events where there are any. */
void honour_write(struct json_out *out, const char *key, const struct honour *honour, const struct honour_rules *rules,
		  enum language language);
/* The ladders of a file: laws, open questions with their answers, steps. */
void honour_rules_write(struct json_out *out, const char *key, const struct honour_rules *rules, enum language language);

#endif
