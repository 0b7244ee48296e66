#include "api/certificates.h"
#include "api/person.h"
#include "api/places.h"
#include "api/private.h"
#include "api/request.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "domain/round.h"
#include "store/access_store.h"
#include "store/appointment_store.h"
#include "store/donor_store.h"
#include "store/family_store.h"
#include "store/gift_store.h"
#include "store/held_store.h"
#include "store/honour_store.h"
#include "store/rights_store.h"
#include "wire/deferral_wire.h"
#include "wire/donor_wire.h"
#include "wire/gift_wire.h"
#include "wire/honour_wire.h"
#include "wire/item_wire.h"
#include "wire/rights_wire.h"

/*
 * GET /donors/{id}/export: everything that is kept of one person, under whatever record. Nobody but the reader
 * keeps the answer. Each part is asked for in turn, so what is written meanwhile may be in it or not; the first
 * question is the audited one, and says whether the reader may see the person at all.
 */

enum { LOOKS_MAX = 10000, HONOURS_MAX = 500 };   /* audit entries, appointments, items; of honours nobody has as many */

struct export_op {
	struct request           *r;
	struct donor_load         load;
	struct person_load        person;
	struct donation_list      donations;
	struct held_person        captured;
	struct consent_list       consents;
	struct donor_request_load requests;
	struct appointment_list   appointments;
	struct certificate_list   certificates;
	struct gift_list          gifts;
	struct honour_list        honours;
	struct family_memberships families;
	struct audit_list         looks;
};

/* Whether the part is there; else its fault is the answer. */
static bool goes_on(struct export_op *op, const struct error *err)
{
	if (err->code == ERR_NONE)
		return true;
	request_reply_error(op->r, err);
	return false;
}

/* ---- writing ---- */

static void records_write(struct export_op *op, struct json_out *out)
{
	jout_array(out, "records");
	for (size_t i = 0; i < op->person.nrecords; i++) {
		const struct donor_record *record = op->person.records[i];
		struct donor_view view = { .donor = &record->donor, .next = record->next, .merged = record->merged,
					   .nmerged = record->nmerged, .units = api_units(op->r->api) };

		donor_write(out, NULL, &view);
	}
	jout_end(out);
}

static void consents_write(struct export_op *op, struct json_out *out)
{
	const struct consent_list *list = &op->consents;

	jout_object(out, "consents");
	consent_holdings_write(out, "holds", list->facts, list->nfacts);
	jout_array(out, "history");
	for (size_t i = 0; i < list->nfacts; i++)
		consent_fact_write(out, NULL, &list->facts[i]);
	jout_end(out);
	jout_end(out);
}

static void deferrals_write(struct export_op *op, struct json_out *out)
{
	const struct donor_facts *facts = &op->person.facts.facts;

	jout_array(out, "deferrals");
	for (size_t i = 0; i < facts->ndeferrals; i++)
		deferral_write(out, NULL, &facts->deferrals[i], op->r->api->daemon->rules, op->r->today,
			       http_language(op->r->x));
	jout_end(out);
}

static void donations_write(struct export_op *op, struct json_out *out)
{
	jout_array(out, "donations");
	for (size_t i = 0; i < op->donations.nrows; i++) {
		const struct donation_row *row = &op->donations.rows[i];

		jout_object(out, NULL);
		jout_text(out, "id", row->id);
		jout_date(out, "donated_on", row->donated_on);
		jout_text(out, "component", component_text(row->component));
		if (row->volume_ml >= 0)
			jout_int(out, "volume_ml", row->volume_ml);
		else
			jout_null(out, "volume_ml");
		jout_text(out, "evidence", row->evidence);
		jout_text(out, "source", row->source);
		jout_text(out, "corrects", *row->corrects ? row->corrects : NULL);
		jout_time(out, "recorded_at", row->recorded_us);
		jout_text(out, "round", row->round_id);
		jout_text(out, "bag_code", row->bag_code);
		jout_text(out, "outcome", row->outcome);
		jout_bool(out, "counts", row->counts);
		jout_end(out);
	}
	jout_end(out);
}

static void appointments_write(struct export_op *op, struct json_out *out)
{
	char start[6];

	jout_array(out, "appointments");
	for (size_t i = 0; i < op->appointments.nitems; i++) {
		const struct appointment *one = &op->appointments.items[i];

		jout_object(out, NULL);
		jout_text(out, "id", one->id);
		jout_text(out, "round", one->round_id);
		jout_text(out, "code", one->code);
		jout_text(out, "state", appointment_state_text(one->state));
		jout_text(out, "kind", appointment_kind_text(one->kind));
		jout_date(out, "told_date", one->told_day);
		jout_text(out, "start", *one->slot.id ? minute_format(one->slot.start_minute, start) : NULL);
		jout_text(out, "component", component_text(one->component));
		jout_text(out, "decision", one->judged ? eligibility_decision_text(one->decision) : NULL);
		jout_text(out, "reason", one->reason);
		jout_time(out, "created_at", one->created_us);
		jout_time(out, "ended_at", one->ended_us);
		jout_end(out);
	}
	jout_end(out);
}

static void requests_write(struct export_op *op, struct json_out *out)
{
	jout_array(out, "requests");
	for (size_t i = 0; i < op->requests.nrequests; i++)
		donor_request_write(out, NULL, &op->requests.requests[i], op->r->today, true);
	jout_end(out);
}

/* What is printed on the paper, and what was redeemed of it. */
static void certificates_write(struct export_op *op, struct json_out *out)
{
	jout_array(out, "certificates");
	for (size_t i = 0; i < op->certificates.nitems; i++) {
		const struct certificate_of_person *item = &op->certificates.items[i];
		const struct certificate_content *printed = &item->printed;

		jout_object(out, NULL);
		certificate_write(out, "certificate", &item->certificate);
		jout_text(out, "code", item->certificate.code);
		if (item->unread) {
			jout_null(out, "printed");
			jout_end(out);
			continue;
		}
		jout_object(out, "printed");
		jout_text(out, "name", printed->name);
		jout_date(out, "birth_date", printed->birth_date);
		if (printed->birth_year > 0)
			jout_int(out, "birth_year", printed->birth_year);
		else
			jout_null(out, "birth_year");
		jout_text(out, "address", printed->address);
		jout_text(out, "place", printed->place);
		jout_text(out, "issuer", printed->issuer);
		jout_end(out);
		jout_end(out);
	}
	jout_end(out);
}

static void gifts_write(struct export_op *op, struct json_out *out)
{
	jout_array(out, "gifts");
	for (size_t i = 0; i < op->gifts.nitems; i++)
		gift_write(out, NULL, &op->gifts.items[i]);
	jout_end(out);
}

/* Measures before a donation, reactions after it, notes: as phones told them, without whom they take the person for. */
static void captured_write(struct export_op *op, struct json_out *out)
{
	jout_array(out, "captured");
	for (size_t i = 0; i < op->captured.nitems; i++) {
		const struct held_item *item = &op->captured.items[i];

		jout_object(out, NULL);
		jout_text(out, "id", item->id);
		jout_text(out, "kind", item->kind);
		jout_text(out, "round", item->round_id);
		jout_time(out, "captured_at", item->captured_us);
		jout_time(out, "received_at", item->received_us);
		jout_text(out, "corrects", item->corrects);
		jout_text(out, "state", item->state);
		if (item->content)
			jout_raw(out, "told", item_told(item->content, op->r->arena));
		else
			jout_null(out, "told");
		jout_end(out);
	}
	jout_end(out);
	jout_bool(out, "captured_more", op->captured.more);
}

static void honours_write(struct export_op *op, struct json_out *out)
{
	jout_array(out, "honours");
	for (size_t i = 0; i < op->honours.nhonours; i++)
		honour_write(out, NULL, &op->honours.honours[i], op->r->api->daemon->honours, http_language(op->r->x));
	jout_end(out);
}

/* The person's own part: who the others are is theirs. */
static void families_write(struct export_op *op, struct json_out *out)
{
	jout_array(out, "families");
	for (size_t i = 0; i < op->families.nitems; i++) {
		const struct family_membership *item = &op->families.items[i];
		const struct family_member *member = &item->member;
		bool agreed = !date_is_none(member->consent_on);

		jout_object(out, NULL);
		jout_text(out, "family", item->family_id);
		jout_bool(out, "stands_for_it", item->head);
		jout_date(out, "joined_on", member->joined_on);
		jout_date(out, "left_on", member->left_on);
		jout_date(out, "consent_on", member->consent_on);
		jout_text(out, "consent_channel", agreed ? consent_channel_text(member->consent_channel) : NULL);
		jout_end(out);
	}
	jout_end(out);
}

/* When, what, and in which role; no names of those who looked. */
static void looks_write(struct export_op *op, struct json_out *out)
{
	jout_array(out, "looked_at");
	for (size_t i = 0; i < op->looks.nrows; i++) {
		const struct audit_row *row = &op->looks.rows[i];

		jout_object(out, NULL);
		jout_time(out, "at", row->at_us);
		jout_text(out, "action", row->action);
		jout_text(out, "by", row->actor_kind);
		jout_text(out, "role", row->actor_role);
		jout_end(out);
	}
	jout_end(out);
	jout_bool(out, "looked_at_more", op->looks.more);
}

static void reply_export(struct export_op *op)
{
	struct request *r = op->r;
	struct json_out out = { .buf = api_scratch(r->api) };
	const char *number = op->load.record.donor.number;

	jout_object(&out, NULL);
	jout_time(&out, "exported_at", clock_wall_us(api_store(r->api)->clock));
	jout_text(&out, "donor", op->load.record.donor.id);
	jout_text(&out, "donor_number", number);
	records_write(op, &out);
	consents_write(op, &out);
	deferrals_write(op, &out);
	donations_write(op, &out);
	captured_write(op, &out);
	appointments_write(op, &out);
	certificates_write(op, &out);
	gifts_write(op, &out);
	honours_write(op, &out);
	families_write(op, &out);
	requests_write(op, &out);
	looks_write(op, &out);
	jout_end(&out);
	http_add_header(r->x, "Content-Disposition",
			arena_printf(r->arena, "attachment; filename=\"donor-%s.json\"", number));
	request_reply_json(r, 200, out.buf, NULL);
}

/* ---- asking ---- */

static void on_looks(struct audit_list *list)
{
	struct export_op *op = container_of(list, struct export_op, looks);

	if (goes_on(op, &list->error))
		reply_export(op);
}

static void on_appointments(struct appointment_list *list)
{
	struct export_op *op = container_of(list, struct export_op, appointments);

	if (!goes_on(op, &list->error))
		return;
	op->looks = (struct audit_list){ .donor = op->load.record.donor.id, .limit = LOOKS_MAX,
					 .arena = op->r->arena, .done = on_looks };
	audit_list_send(api_store(op->r->api), &op->looks);
}

static void on_families(struct family_memberships *families)
{
	struct export_op *op = container_of(families, struct export_op, families);

	if (!goes_on(op, &families->error))
		return;
	op->appointments = (struct appointment_list){ .donor_id = op->load.record.donor.id, .limit = LOOKS_MAX,
						      .arena = op->r->arena, .done = on_appointments };
	appointment_list_send(api_store(op->r->api), &op->appointments);
}

static void on_honours(struct honour_list *list)
{
	struct export_op *op = container_of(list, struct export_op, honours);

	if (!goes_on(op, &list->error))
		return;
	op->families = (struct family_memberships){ .donor_id = op->load.record.donor.id, .arena = op->r->arena,
						    .done = on_families };
	family_memberships_send(api_store(op->r->api), &op->families);
}

static void on_gifts(struct gift_list *list)
{
	struct export_op *op = container_of(list, struct export_op, gifts);

	if (!goes_on(op, &list->error))
		return;
	op->honours = (struct honour_list){ .donor_id = op->load.record.donor.id, .rules = op->r->api->daemon->honours,
					    .limit = HONOURS_MAX, .arena = op->r->arena,
					    .done = on_honours };
	honour_list_send(api_store(op->r->api), &op->honours);
}

static void on_certificates(struct certificate_list *list)
{
	struct export_op *op = container_of(list, struct export_op, certificates);

	if (!goes_on(op, &list->error))
		return;
	op->gifts = (struct gift_list){ .donor_id = op->load.record.donor.id, .arena = op->r->arena, .done = on_gifts };
	gift_list_send(api_store(op->r->api), &op->gifts);
}

static void on_requests(struct donor_request_load *load)
{
	struct export_op *op = container_of(load, struct export_op, requests);

	if (!goes_on(op, &load->error))
		return;
	op->certificates = (struct certificate_list){ .donor_id = op->load.record.donor.id, .arena = op->r->arena,
						      .done = on_certificates };
	certificate_list_send(api_store(op->r->api), &op->certificates);
}

static void on_consents(struct consent_list *list)
{
	struct export_op *op = container_of(list, struct export_op, consents);

	if (!goes_on(op, &list->error))
		return;
	op->requests = (struct donor_request_load){ .key = op->load.record.donor.id, .arena = op->r->arena,
						    .done = on_requests };
	donor_request_load_send(api_store(op->r->api), &op->requests);
}

static void on_captured(struct held_person *captured)
{
	struct export_op *op = container_of(captured, struct export_op, captured);

	if (!goes_on(op, &captured->error))
		return;
	op->consents = (struct consent_list){ .key = op->load.record.donor.id, .arena = op->r->arena,
					      .done = on_consents };
	consent_list_send(api_store(op->r->api), &op->consents);
}

static void on_donations(struct donation_list *list)
{
	struct export_op *op = container_of(list, struct export_op, donations);

	if (!goes_on(op, &list->error))
		return;
	op->captured = (struct held_person){ .donor_id = op->load.record.donor.id, .limit = LOOKS_MAX, .arena = op->r->arena,
					     .done = on_captured };
	held_person_send(api_store(op->r->api), &op->captured);
}

static void on_person(struct person_load *load)
{
	struct export_op *op = container_of(load, struct export_op, person);

	if (!goes_on(op, &load->error))
		return;
	op->donations = (struct donation_list){ .donor_id = op->load.record.donor.id, .arena = op->r->arena,
						.done = on_donations };
	donation_list_send(api_store(op->r->api), &op->donations);
}

static void on_loaded(struct donor_load *load)
{
	struct export_op *op = container_of(load, struct export_op, load);

	if (!goes_on(op, &load->error))
		return;
	op->person = (struct person_load){ .r = op->r, .record = &load->record, .done = on_person };
	person_load_start(&op->person);
}

static void export_with_units(struct request *r)
{
	struct export_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	op->load.key = request_param(r, "id");
	request_readable_units(r, &op->load.units, &op->load.nunits);
	op->load.action = "donor.export";
	op->load.actor = r->actor;
	op->load.actor.request_id = http_request_id(r->x);
	op->load.arena = r->arena;
	op->load.done = on_loaded;
	donor_load_send(api_store(r->api), &op->load);
}

static void export_start(struct request *r)
{
	request_with_units(r, export_with_units);
}

const struct route donor_export_routes[] = {
	{ HTTP_GET_, "/api/v1/donors/{id}/export", AREA_DONORS, ACCESS_READ, export_start, ROUTE_PERSONAL, 0 },
	{ 0 }
};
