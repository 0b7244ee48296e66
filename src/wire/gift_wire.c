#include "wire/gift_wire.h"

#include "base/json_out.h"
#include "base/uuid.h"
#include "wire/fields.h"
#include "wire/wire.h"

bool gift_read(const char *body, size_t len, struct date today, struct arena *arena, struct gift *gift, const char **donor,
	       struct error *err)
{
	json_t *object = wire_parse_object(body, len, err);
	struct wire_reader reader;
	const char *kind;
	bool fine;

	if (!object)
		return false;
	*gift = (struct gift){ .handed_on = today };
	*donor = NULL;
	wire_reader_init(&reader, object, "", arena, err);
	wire_text(&reader, "donor", WIRE_REQUIRED, WIRE_KEY_MAX, donor);
	if (wire_word(&reader, "kind", WIRE_REQUIRED, &kind) && !gift_kind_parse(kind, &gift->kind))
		wire_fault_choice(err, "/kind", GIFT_KIND_WORDS);
	wire_int(&reader, "value_vnd", WIRE_REQUIRED, 0, GIFT_VND_MAX, &gift->vnd);
	wire_date(&reader, "handed_on", WIRE_OPTIONAL, &gift->handed_on);
	if (wire_text(&reader, "corrects", WIRE_OPTIONAL, WIRE_KEY_MAX, &gift->corrects) && !uuid_valid(gift->corrects))
		error_add_field(err, "/corrects", "invalid_value", "Send the id of the gift that this one corrects.",
				"Hãy gửi mã của khoản chi được đính chính.");
	fine = wire_reader_finish(&reader);
	json_decref(object);
	return fine;
}

void gift_write(struct json_out *out, const char *key, const struct gift *gift)
{
	jout_object(out, key);
	jout_text(out, "id", gift->id);
	jout_text(out, "donor", gift->donor_id);
	jout_text(out, "donor_number", gift->donor_number);
	jout_text(out, "kind", gift_kind_text(gift->kind));
	jout_int(out, "value_vnd", gift->vnd);
	jout_date(out, "handed_on", gift->handed_on);
	jout_text(out, "corrects", gift->corrects);
	jout_bool(out, "of_item", gift->of_item);
	jout_bool(out, "held", gift->held);
	jout_time(out, "recorded_at", gift->recorded_us);
	jout_end(out);
}

void gift_donation_write(struct json_out *out, const char *key, const struct tariff *tariff,
			 const struct gift_donation *donation, const char *donor_number)
{
	struct entitlement owed = tariff_entitlement(tariff, donation);

	jout_object(out, key);
	jout_text(out, "id", donation->id);
	jout_text(out, "donor", donation->person);
	jout_text(out, "donor_number", donor_number);
	jout_text(out, "component", component_text(donation->component));
	if (donation->volume_ml >= 0)
		jout_int(out, "volume_ml", donation->volume_ml);
	else
		jout_null(out, "volume_ml");
	jout_date(out, "donated_on", donation->on);
	jout_bool(out, "stopped", donation->stopped);
	jout_bool(out, "waits", donation->waits);
	jout_text(out, "entitlement", entitlement_state_text(owed.state));
	jout_int(out, "owed_vnd", donation->waits ? 0 : owed.vnd);
	jout_text(out, "rule", owed.rule ? owed.rule->rule.id : NULL);
	jout_text(out, "law", owed.rule ? owed.rule->rule.law->number : NULL);
	jout_text(out, "article", owed.rule ? owed.rule->rule.article : NULL);
	jout_end(out);
}

void gift_exception_write(struct json_out *out, const char *key, const struct gift_exception *exception,
			  const char *donor_number)
{
	jout_object(out, key);
	jout_text(out, "code", gift_exception_text(exception->kind));
	jout_text(out, "donor", exception->person);
	jout_text(out, "donor_number", donor_number);
	jout_int(out, "owed_vnd", exception->owed_vnd);
	jout_int(out, "handed_vnd", exception->handed_vnd);
	jout_int(out, "donations", exception->donations);
	jout_int(out, "gifts", exception->gifts);
	jout_end(out);
}
