#include "domain/donation.h"

#include "base/text.h"

const char *donation_evidence_text(enum donation_evidence evidence)
{
	return evidence == DONATION_CONFIRMED ? "confirmed" : "declared";
}

bool donation_evidence_parse(const char *text, enum donation_evidence *out)
{
	*out = streq(text, "confirmed") ? DONATION_CONFIRMED : DONATION_DECLARED;
	return streq(text, donation_evidence_text(*out));
}
