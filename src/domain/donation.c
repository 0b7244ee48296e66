#include "domain/donation.h"

#include "base/text.h"

const char *donation_evidence_text(enum donation_evidence evidence)
{
	return evidence == DONATION_CONFIRMED ? "confirmed" : "declared";
}

const char *donation_outcome_text(enum donation_outcome outcome)
{
	return outcome == DONATION_STOPPED ? "stopped" : "completed";
}

bool donation_outcome_parse(const char *text, enum donation_outcome *out)
{
	*out = streq(text, "stopped") ? DONATION_STOPPED : DONATION_COMPLETED;
	return streq(text, donation_outcome_text(*out));
}

bool donation_evidence_parse(const char *text, enum donation_evidence *out)
{
	*out = streq(text, "confirmed") ? DONATION_CONFIRMED : DONATION_DECLARED;
	return streq(text, donation_evidence_text(*out));
}
