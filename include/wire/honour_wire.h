#ifndef WIRE_HONOUR_WIRE_H
#define WIRE_HONOUR_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/embedded.h"
#include "base/error.h"
#include "domain/honour.h"

struct arena;

/* Ladders from their file (config/honours/README.md tells the format). Every fault has the JSON pointer of the culprit. */
bool honour_rules_read(const char *text, size_t len, struct arena *arena, struct honour_rules *rules, struct error *err);

/* Those that are part of the program. Ended by a row without a name. */
const struct embedded_file *honour_rules_embedded(void);

#endif
