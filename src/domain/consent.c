#include "domain/consent.h"

#include "base/text.h"

static const char *const purposes[CONSENT_PURPOSE_COUNT] = {
	[CONSENT_INVITATION] = "invitation",
	[CONSENT_HONOURS_PUBLICATION] = "honours_publication",
	[CONSENT_CERTIFICATE_SMS] = "certificate_sms",
	[CONSENT_STATISTICS] = "statistics",
};

static const char *const channels[CONSENT_CHANNEL_COUNT] = {
	[CONSENT_PAPER] = "paper", [CONSENT_SMS] = "sms", [CONSENT_PHONE] = "phone",
	[CONSENT_APP] = "app",     [CONSENT_WEB] = "web", [CONSENT_EMAIL] = "email",
};

static bool find(const char *const *words, int count, const char *text, int *out)
{
	for (int i = 0; i < count; i++) {
		if (streq(words[i], text)) {
			*out = i;
			return true;
		}
	}
	return false;
}

const char *consent_purpose_text(enum consent_purpose purpose)
{
	return purposes[purpose];
}

bool consent_purpose_parse(const char *text, enum consent_purpose *out)
{
	int found;

	if (!find(purposes, CONSENT_PURPOSE_COUNT, text, &found))
		return false;
	*out = (enum consent_purpose)found;
	return true;
}

const char *consent_channel_text(enum consent_channel channel)
{
	return channels[channel];
}

bool consent_channel_parse(const char *text, enum consent_channel *out)
{
	int found;

	if (!find(channels, CONSENT_CHANNEL_COUNT, text, &found))
		return false;
	*out = (enum consent_channel)found;
	return true;
}
