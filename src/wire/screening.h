#ifndef WIRE_SCREENING_H
#define WIRE_SCREENING_H

#include "domain/eligibility.h"
#include "wire/wire.h"

/* The member "screening" of a body: what was measured, into the facts. */
void screening_read(struct wire_reader *outer, struct eligibility_facts *facts);

#endif
