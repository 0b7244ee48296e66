#include "domain/consent.h"

#include <string.h>

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

static bool stands_before(const struct consent_fact *one, const struct consent_fact *other)
{
	if (one->consent.given_us != other->consent.given_us)
		return one->consent.given_us > other->consent.given_us;
	if (one->given != other->given)
		return !one->given;
	return strcmp(one->id, other->id) > 0;
}

const struct consent_fact *consent_holding(const struct consent_fact *facts, size_t count,
					   enum consent_purpose purpose, enum consent_channel channel)
{
	const struct consent_fact *holding = NULL;

	for (size_t i = 0; i < count; i++)
		if (facts[i].consent.purpose == purpose && facts[i].consent.channel == channel &&
		    (!holding || stands_before(&facts[i], holding)))
			holding = &facts[i];
	return holding;
}

bool consent_instant(int64_t now_us, int64_t *told_us)
{
	if (*told_us > now_us + CONSENT_SKEW_S * INT64_C(1000000))
		return false;
	if (*told_us > now_us)
		*told_us = now_us;
	return true;
}
