#ifndef WIRE_DEFERRAL_WIRE_H
#define WIRE_DEFERRAL_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "domain/deferral.h"

/* Deferrals in and out, and what is told of a donor's eligibility. */
struct arena;
struct json_out;

/* Body of POST /donors/{id}/deferrals: checked (deferral_check()) and reckoned by the rules. */
bool deferral_read(const char *body, size_t len, const struct eligibility_rules *rules, const struct donor *donor,
		   struct date today, struct arena *arena, struct deferral *deferral, struct error *err);
/* Body of a lift: {"reason"}. That of the second person is wire_read_nothing(). */
bool deferral_lift_read(const char *body, size_t len, struct arena *arena, const char **reason, struct error *err);
/* Body of PUT /donors/{id}/contact-facility: {"contact"}. */
bool contact_read(const char *body, size_t len, struct arena *arena, bool *contact, struct error *err);

/* As it stands on that day. */
void deferral_write(struct json_out *out, const char *key, const struct deferral *deferral,
		    const struct eligibility_rules *rules, struct date today, enum language language);

/* To those who are told no reason: decision, earliest day, a neutral text. */
void verdict_neutral_write(struct json_out *out, const char *key, const struct verdict *verdict,
			   bool contact_facility, enum language language);

#endif
