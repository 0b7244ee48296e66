#include "wire/rights_wire.h"

#include "base/error.h"
#include "base/json_out.h"
#include "base/memory.h"
#include "wire/fields.h"
#include "wire/wire.h"

/* ---- consents ---- */

static void consent_words(struct wire_reader *reader, struct consent *consent)
{
	const char *text;

	if (wire_word(reader, "purpose", WIRE_REQUIRED, &text) && !consent_purpose_parse(text, &consent->purpose))
		wire_fault_choice(reader->err, wire_pointer(reader, "purpose"), CONSENT_PURPOSE_WORDS);
	if (wire_word(reader, "channel", WIRE_REQUIRED, &text) && !consent_channel_parse(text, &consent->channel))
		wire_fault_choice(reader->err, wire_pointer(reader, "channel"), CONSENT_CHANNEL_WORDS);
}

bool consent_fact_read(const char *body, size_t len, int64_t now_us, struct arena *arena, struct consent_fact *fact,
		       struct error *err)
{
	struct wire_reader reader;
	json_t *object = wire_parse_object(body, len, err);
	bool fine;

	if (!object)
		return false;
	*fact = (struct consent_fact){ .consent.given_us = now_us };
	wire_reader_init(&reader, object, "", arena, err);
	consent_words(&reader, &fact->consent);
	/* Silence is no consent: it is always said. */
	wire_bool(&reader, "given", WIRE_REQUIRED, &fact->given);
	if (wire_time(&reader, "at", WIRE_OPTIONAL, &fact->consent.given_us) &&
	    !consent_instant(now_us, &fact->consent.given_us))
		error_add_field(err, "/at", "out_of_range", "Nobody has said so in the future.",
				"Chưa ai có thể nói điều này ở tương lai.");
	wire_text(&reader, "proof", WIRE_OPTIONAL, CONSENT_PROOF_MAX, &fact->consent.proof);
	fine = wire_reader_finish(&reader);
	json_decref(object);
	return fine;
}

static void words_write(struct json_out *out, const struct consent_fact *fact)
{
	jout_text(out, "purpose", consent_purpose_text(fact->consent.purpose));
	jout_text(out, "channel", consent_channel_text(fact->consent.channel));
	jout_bool(out, "given", fact->given);
	jout_time(out, "at", fact->consent.given_us);
}

void consent_fact_write(struct json_out *out, const char *key, const struct consent_fact *fact)
{
	jout_object(out, key);
	jout_text(out, "id", fact->id);
	words_write(out, fact);
	jout_text(out, "proof", fact->consent.proof);
	jout_time(out, "recorded_at", fact->recorded_us);
	jout_end(out);
}

void consent_holdings_write(struct json_out *out, const char *key, const struct consent_fact *facts, size_t count)
{
	jout_array(out, key);
	for (int purpose = 0; purpose < CONSENT_PURPOSE_COUNT; purpose++) {
		for (int channel = 0; channel < CONSENT_CHANNEL_COUNT; channel++) {
			const struct consent_fact *fact = consent_holding(
				facts, count, (enum consent_purpose)purpose, (enum consent_channel)channel);

			if (!fact)
				continue;
			jout_object(out, NULL);
			words_write(out, fact);
			jout_end(out);
		}
	}
	jout_end(out);
}
