#ifndef WIRE_DONOR_FIELDS_H
#define WIRE_DONOR_FIELDS_H

#include "domain/donor.h"
#include "wire/wire.h"

/* The members of a donor where one stands inside another body; what else the object has is the caller's. */
struct unit_map;

/* As of POST /donors, but for the consents. What cannot be read has a fault and is left out. */
void donor_members_read(struct wire_reader *reader, const struct unit_map *units, struct date today, struct donor *donor);
/* kind, issuer, value: normalised. */
bool identifier_members_read(struct wire_reader *reader, struct identifier *identifier);

#endif
