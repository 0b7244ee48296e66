#ifndef WIRE_FAMILY_WIRE_H
#define WIRE_FAMILY_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/date.h"
#include "base/error.h"
#include "domain/consent.h"

/* Members of families in. */
struct arena;

struct family_wish {
	const char          *donor;      /* id or number */
	struct date          joined_on, left_on, consent_on;     /* consent_on none: has not agreed, or withdrew */
	enum consent_channel consent_channel;
	bool                 tells_left, tells_consent;
};

/* Who joins: donor, joined_on, and `consent` {"on", "channel"} where it was given. */
bool family_wish_read(const char *body, size_t len, struct date today, struct arena *arena, struct family_wish *wish,
		      struct error *err);
/* What changes: left_on, or null; consent, or null: withdrawn. */
bool family_change_read(const char *body, size_t len, struct arena *arena, struct family_wish *wish, struct error *err);
/* Days that are not to come, and leaving not before joining. */
bool family_wish_fits(const struct family_wish *wish, struct date joined_on, struct date today, struct error *err);

#endif
