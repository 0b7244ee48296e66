#ifndef WIRE_RIGHTS_WIRE_H
#define WIRE_RIGHTS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domain/consent.h"

struct arena;
struct error;
struct json_out;

/* Body of POST /donors/{id}/consents; an unsaid `at` is now. Faults never repeat what was sent. */
bool consent_fact_read(const char *body, size_t len, int64_t now_us, struct arena *arena, struct consent_fact *fact,
		       struct error *err);
void consent_fact_write(struct json_out *out, const char *key, const struct consent_fact *fact);
/* What holds, one object for each purpose and channel that was ever asked about; no proof. */
void consent_holdings_write(struct json_out *out, const char *key, const struct consent_fact *facts, size_t count);

#endif
