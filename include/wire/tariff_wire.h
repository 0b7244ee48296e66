#ifndef WIRE_TARIFF_WIRE_H
#define WIRE_TARIFF_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/embedded.h"
#include "base/error.h"
#include "domain/tariff.h"

struct arena;

/* A tariff from its file (config/tariffs/README.md tells the format). Every fault has the JSON pointer of the culprit. */
bool tariff_read(const char *text, size_t len, struct arena *arena, struct tariff *tariff, struct error *err);

/* The tariffs that are part of the program. Ended by a row without a name. */
const struct embedded_file *tariffs_embedded(void);

#endif
