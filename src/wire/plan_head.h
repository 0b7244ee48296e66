#ifndef WIRE_PLAN_HEAD_H
#define WIRE_PLAN_HEAD_H

#include "domain/plan.h"
#include "wire/wire.h"

/* What bodies and plan files share. */
struct unit_map;

/* Everything of a plan but its rounds; the slug follows from the number. */
void plan_head_read(struct wire_reader *reader, struct plan *plan);
/* The member "rounds" of a plan file. */
void plan_rounds_read(struct wire_reader *reader, const struct unit_map *units, enum wire_need need,
		      struct plan *plan);
/* Like wire_parse_object(), for a file: a UTF-8 mark at its beginning is fine. */
json_t *plan_file_parse(const char *text, size_t len, struct error *err);

#endif
