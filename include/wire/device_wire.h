#ifndef WIRE_DEVICE_WIRE_H
#define WIRE_DEVICE_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Bodies about phones. */
struct arena;

/* Of POST /devices: {"name", "team"}. */
bool device_read_body(const char *body, size_t len, struct arena *arena, const char **name, const char **team, struct error *err);
/* Of POST /devices/enrol: {"code", "install"}; the install in lower case. */
bool device_read_enrolment(const char *body, size_t len, struct arena *arena, const char **code, const char **install,
			   struct error *err);

#endif
