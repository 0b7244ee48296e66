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

/* ---- requests ---- */

bool donor_request_read(const char *body, size_t len, int64_t now_us, struct arena *arena,
			struct donor_request *request, struct error *err)
{
	struct wire_reader reader;
	json_t *object = wire_parse_object(body, len, err);
	const char *text;
	bool fine;

	if (!object)
		return false;
	*request = (struct donor_request){ .received_us = now_us, .answered_us = INT64_MIN, .closed_us = INT64_MIN };
	wire_reader_init(&reader, object, "", arena, err);
	if (wire_word(&reader, "kind", WIRE_REQUIRED, &text) && !request_kind_parse(text, &request->kind))
		wire_fault_choice(err, "/kind", REQUEST_KIND_WORDS);
	/* A clock that is a little ahead is not believed, as with consents. */
	if (wire_time(&reader, "received_at", WIRE_OPTIONAL, &request->received_us) &&
	    !consent_instant(now_us, &request->received_us))
		error_add_field(err, "/received_at", "out_of_range", "Nothing was received in the future.",
				"Không thể nhận yêu cầu ở tương lai.");
	wire_bool(&reader, "third_party", WIRE_OPTIONAL, &request->third_party);
	wire_text(&reader, "note", WIRE_OPTIONAL, REQUEST_NOTE_MAX, &request->note);
	fine = wire_reader_finish(&reader);
	json_decref(object);
	return fine;
}

bool donor_request_until_read(const char *body, size_t len, struct arena *arena, struct date *until, struct error *err)
{
	struct wire_reader reader;
	json_t *object = wire_parse_object(body, len, err);
	bool fine;

	if (!object)
		return false;
	wire_reader_init(&reader, object, "", arena, err);
	wire_date(&reader, "until", WIRE_REQUIRED, until);
	fine = wire_reader_finish(&reader);
	json_decref(object);
	return fine;
}

bool donor_request_ground_read(const char *body, size_t len, struct arena *arena, enum request_ground *ground,
			       struct error *err)
{
	struct wire_reader reader;
	json_t *object = wire_parse_object(body, len, err);
	const char *text;
	bool fine;

	if (!object)
		return false;
	wire_reader_init(&reader, object, "", arena, err);
	if (wire_word(&reader, "ground", WIRE_REQUIRED, &text) && !request_ground_parse(text, ground))
		wire_fault_choice(err, "/ground", REQUEST_GROUND_WORDS);
	fine = wire_reader_finish(&reader);
	json_decref(object);
	return fine;
}

static void end_members(struct wire_reader *reader, enum request_outcome *outcome, enum request_ground *ground)
{
	bool known = false, refused, grounded;
	const char *text;

	if (wire_word(reader, "outcome", WIRE_REQUIRED, &text)) {
		known = request_outcome_parse(text, outcome);
		if (!known)
			wire_fault_choice(reader->err, "/outcome", REQUEST_OUTCOME_WORDS);
	}
	grounded = wire_word(reader, "ground", WIRE_OPTIONAL, &text);
	if (grounded && !request_ground_parse(text, ground))
		wire_fault_choice(reader->err, "/ground", REQUEST_GROUND_WORDS);
	refused = known && *outcome == REQUEST_REFUSED;
	if (refused && !grounded)
		wire_fault_required(reader->err, "/ground");
	if (known && !refused && grounded)
		error_add_field(reader->err, "/ground", "not_possible", "Only a refusal has a ground.",
				"Chỉ khi từ chối mới nêu căn cứ.");
}

bool donor_request_end_read(const char *body, size_t len, struct arena *arena, enum request_outcome *outcome,
			    enum request_ground *ground, struct error *err)
{
	struct wire_reader reader;
	json_t *object = wire_parse_object(body, len, err);
	bool fine;

	if (!object)
		return false;
	*outcome = REQUEST_DONE;
	*ground = REQUEST_ARTICLE_19;
	wire_reader_init(&reader, object, "", arena, err);
	end_members(&reader, outcome, ground);
	fine = wire_reader_finish(&reader);
	json_decref(object);
	return fine;
}

void donor_request_write(struct json_out *out, const char *key, const struct donor_request *request, struct date today,
			 bool whole)
{
	bool closed = request_state(request) == REQUEST_CLOSED;

	jout_object(out, key);
	jout_text(out, "id", request->id);
	jout_text(out, "donor", request->donor_id);
	jout_text(out, "donor_number", request->donor_number);
	jout_text(out, "kind", request_kind_text(request->kind));
	jout_bool(out, "third_party", request->third_party);
	jout_text(out, "state", request_state_text(request_state(request)));
	jout_bool(out, "late", request_is_late(request, today));
	jout_time(out, "received_at", request->received_us);
	jout_date(out, "answer_by", request->answer_by);
	jout_date(out, "carry_out_by", request->carry_out_by);
	jout_date(out, "extended_from", request->extended_from);
	jout_time(out, "answered_at", request->answered_us);
	jout_time(out, "closed_at", request->closed_us);
	jout_text(out, "outcome", closed ? request_outcome_text(request->outcome) : NULL);
	jout_text(out, "ground",
		  closed && request->outcome == REQUEST_REFUSED ? request_ground_text(request->ground) : NULL);
	if (whole)
		jout_text(out, "note", request->note);
	jout_int(out, "version", request->version);
	jout_end(out);
}
