#ifndef WIRE_ELIGIBILITY_WIRE_H
#define WIRE_ELIGIBILITY_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/embedded.h"
#include "base/error.h"
#include "domain/eligibility.h"

/* Rule sets in, facts in, verdicts out. */
struct arena;
struct json_out;

/*
 * A rule set from its file (config/eligibility/README.md tells the format).
 * Every fault has the JSON pointer of the culprit and says what is expected:
 * unknown members, wrong types, words that are none, and what contradicts
 * itself (eligibility_rules_check()).
 */
bool eligibility_rules_read(const char *text, size_t len, struct arena *arena, struct eligibility_rules *rules,
			    struct error *err);

/* The sets that are part of the program: vn-26-2013-tt-byt.json, ... Ended by a row without a name. */
const struct embedded_file *eligibility_rules_embedded(void);

/* The set as GET /api/v1/eligibility/rules has it: all codes that a client may send or get, in both languages. */
void eligibility_rules_write(struct json_out *out, const char *key, const struct eligibility_rules *rules);

/*
 * Body of POST /api/v1/eligibility/check. Codes that the rules do not know are
 * refused, and what lies after the day that is asked about.
 */
bool eligibility_facts_read(const char *text, size_t len, const struct eligibility_rules *rules, struct arena *arena,
			    struct eligibility_facts *facts, struct error *err);

void verdict_write(struct json_out *out, const char *key, const struct verdict *verdict, enum language language);

#endif
