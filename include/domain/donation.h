#ifndef DOMAIN_DONATION_H
#define DOMAIN_DONATION_H

#include <stdbool.h>

#include "base/date.h"
#include "base/uuid.h"
#include "domain/component.h"

/* One giving of blood. Pure. */

/* As told, or on a paper of somebody else; or from a round of our own. */
enum donation_evidence { DONATION_DECLARED, DONATION_CONFIRMED };
const char *donation_evidence_text(enum donation_evidence evidence);
bool donation_evidence_parse(const char *text, enum donation_evidence *out);

enum { DONATION_VOLUME_MAX = 1000 };     /* ml */

struct donation {
	char           id[UUID_TEXT_SIZE];
	const char    *donor_id;
	enum component component;
	struct date    on;
	int            volume_ml;        /* 0: not told */
	enum donation_evidence evidence;
	const char    *source;           /* the list, the paper, the round */
};

#endif
