#ifndef DOMAIN_CONSENT_H
#define DOMAIN_CONSENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/uuid.h"

/* What a donor agreed to, for each purpose and way of telling it (facts 9). Pure. */
enum consent_purpose {
	CONSENT_INVITATION, CONSENT_HONOURS_PUBLICATION, CONSENT_CERTIFICATE_SMS, CONSENT_STATISTICS, CONSENT_PURPOSE_COUNT
};
enum consent_channel {
	CONSENT_PAPER, CONSENT_SMS, CONSENT_PHONE, CONSENT_APP, CONSENT_WEB, CONSENT_EMAIL, CONSENT_CHANNEL_COUNT
};
#define CONSENT_PURPOSE_WORDS "invitation, honours_publication, certificate_sms, statistics"
#define CONSENT_CHANNEL_WORDS "paper, sms, phone, app, web, email"

const char *consent_purpose_text(enum consent_purpose purpose);
bool consent_purpose_parse(const char *text, enum consent_purpose *out);
const char *consent_channel_text(enum consent_channel channel);
bool consent_channel_parse(const char *text, enum consent_channel *out);

enum { CONSENT_PROOF_MAX = 300, CONSENTS_MAX = 24 };

struct consent {
	enum consent_purpose purpose;
	enum consent_channel channel;
	int64_t              given_us;
	const char          *proof;      /* what shows it: a form's number, a message; sealed. NULL: none */
};

/* One fact of a donor's history: agreed, or withdrawn. */
struct consent_fact {
	char           id[UUID_TEXT_SIZE];
	struct consent consent;          /* given_us: of a withdrawal, when it was withdrawn */
	bool           given;
	int64_t        recorded_us;
};
/*
 * What holds for a purpose and channel, whatever the order of the facts: the latest one. Of one instant a
 * withdrawal stands before a consent, since silence and doubt are no consent; then the greatest id. NULL: never asked.
 */
const struct consent_fact *consent_holding(const struct consent_fact *facts, size_t count,
					   enum consent_purpose purpose, enum consent_channel channel);
/*
 * The instant to write for one that was told: a clock may be CONSENT_SKEW_S ahead, and is then not believed, so that
 * a withdrawal never waits behind a consent of a time to come. False: later than that.
 */
enum { CONSENT_SKEW_S = 300 };
bool consent_instant(int64_t now_us, int64_t *told_us);

#endif
