#ifndef DOMAIN_CONSENT_H
#define DOMAIN_CONSENT_H

#include <stdbool.h>
#include <stdint.h>

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

#endif
