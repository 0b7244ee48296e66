#ifndef DOMAIN_DONATION_H
#define DOMAIN_DONATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/date.h"
#include "base/uuid.h"
#include "domain/component.h"

/* One giving of blood. Pure. */

/* As told, or on a paper of somebody else; or from a round of our own. */
enum donation_evidence { DONATION_DECLARED, DONATION_CONFIRMED };
const char *donation_evidence_text(enum donation_evidence evidence);
bool donation_evidence_parse(const char *text, enum donation_evidence *out);

/* How it ended. Of one that was stopped some blood may have come, or none (0 ml). */
enum donation_outcome { DONATION_COMPLETED, DONATION_STOPPED };
const char *donation_outcome_text(enum donation_outcome outcome);
bool donation_outcome_parse(const char *text, enum donation_outcome *out);

enum { DONATION_VOLUME_MAX = 1000 };     /* ml */

struct donation {
	char           id[UUID_TEXT_SIZE];
	const char    *donor_id;
	enum component component;
	struct date    on;
	int            volume_ml;        /* 0: not told */
	enum donation_evidence evidence;
	const char    *source;           /* the list, the paper, the round */
	/* Of our own rounds; NULL otherwise. */
	const char    *corrects;         /* id of the row that it stands for */
	const char    *round_id, *bag_code;
	enum donation_outcome outcome;
	const char    *item_id;          /* what a phone captured ... */
	const char    *content_hash;     /* ... "\\x" and hexadecimal */
	int64_t        captured_us;
};

#endif
