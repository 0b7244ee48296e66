#include "store/image.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "base/buf.h"
#include "base/json_out.h"
#include "base/memory.h"
#include "domain/catalog.h"
#include "domain/consent.h"
#include "domain/donor_request.h"
#include "domain/donation.h"
#include "domain/donor.h"
#include "domain/honour.h"
#include "domain/plan.h"
#include "domain/report.h"
#include "domain/round.h"
#include "domain/tariff.h"
#include "domain/user.h"
#include "store/access_store.h"
#include "store/certificate_store.h"
#include "store/family_store.h"

/* Ids that came from outside may be in upper case; the database gives them back in lower. */
static void image_id(struct json_out *out, const char *key, const char *id)
{
	char lower[UUID_TEXT_SIZE];
	size_t i;

	if (!id || !uuid_valid(id)) {
		jout_text(out, key, id);
		return;
	}
	for (i = 0; id[i]; i++)
		lower[i] = (char)tolower((unsigned char)id[i]);
	lower[i] = '\0';
	jout_text(out, key, lower);
}

static void image_texts(struct json_out *out, const char *key, const char *const *texts, size_t count)
{
	jout_array(out, key);
	for (size_t i = 0; i < count; i++)
		jout_text(out, NULL, texts[i]);
	jout_end(out);
}

static void image_named(struct json_out *out, const char *key, const struct named *named, size_t count)
{
	jout_array(out, key);
	for (size_t i = 0; i < count; i++)
		image_id(out, NULL, named[i].id);
	jout_end(out);
}

static int compare_ids(const void *a, const void *b)
{
	return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

/* Of what the database keeps without an order. */
static void image_named_set(struct json_out *out, const char *key, const struct named *named, size_t count)
{
	const char **ids = xcalloc(count + 1, sizeof(*ids));

	for (size_t i = 0; i < count; i++)
		ids[i] = named[i].id ? named[i].id : "";
	qsort(ids, count, sizeof(*ids), compare_ids);
	jout_array(out, key);
	for (size_t i = 0; i < count; i++)
		image_id(out, NULL, ids[i]);
	jout_end(out);
	free(ids);
}

void image_token(struct buf *buf, const struct access_token *token)
{
	struct json_out out = { .buf = buf };

	jout_object(&out, NULL);
	image_id(&out, "id", token->id);
	jout_text(&out, "name", token->name);
	jout_text(&out, "role", role_text(token->role));
	image_texts(&out, "units", token->unit_ids, token->nunit_ids);
	image_id(&out, "team", token->team_id);
	jout_time(&out, "expires_at", token->expires_us);
	jout_bool(&out, "revoked", token->revoked_us != INT64_MIN);
	jout_text(&out, "hash", token->hash);
	if (token->device_id)
		image_id(&out, "device", token->device_id);
	jout_end(&out);
}

void image_user(struct buf *buf, const struct user *user)
{
	struct json_out out = { .buf = buf };

	jout_object(&out, NULL);
	image_id(&out, "id", user->id);
	jout_text(&out, "login", user->login);
	jout_text(&out, "name", user->name);
	jout_text(&out, "role", role_text(user->role));
	image_texts(&out, "units", user->unit_ids, user->nunit_ids);
	image_id(&out, "team", user->team_id);
	jout_bool(&out, "active", user->active);
	jout_text(&out, "password", user->password_hash);
	jout_bool(&out, "password_long", user->password_long);
	jout_bool(&out, "must_change", user->must_change);
	jout_text(&out, "totp", user->totp_sealed);
	jout_int(&out, "totp_key", user->totp_sealed ? user->totp_key_id : 0);
	jout_text(&out, "totp_next", user->totp_next_sealed);
	jout_int(&out, "totp_next_key", user->totp_next_sealed ? user->totp_next_key_id : 0);
	image_texts(&out, "recovery", user->recovery, user->nrecovery);
	jout_int(&out, "version", user->version);
	jout_end(&out);
}

void image_key(struct buf *buf, const struct key_record *key)
{
	struct json_out out = { .buf = buf };
	char fingerprint[KEY_FINGERPRINT_HEX_SIZE];

	key_fingerprint_hex(key, fingerprint);
	jout_object(&out, NULL);
	jout_text(&out, "kind", key_kind_text(key->kind));
	jout_int(&out, "id", key->id);
	jout_text(&out, "state", key_state_text(key->state));
	jout_text(&out, "fingerprint", fingerprint);
	jout_end(&out);
}

static void image_campaign(struct json_out *out, const struct campaign *campaign)
{
	image_id(out, "id", campaign->id);
	jout_text(out, "slug", campaign->slug);
	jout_text(out, "name", campaign->name);
	jout_text(out, "usual_from", campaign->usual_from);
	jout_text(out, "usual_to", campaign->usual_to);
	jout_text(out, "main_day", campaign->main_day);
	jout_bool(out, "sundays", campaign->sundays);
	jout_text(out, "source", campaign->source);
	jout_int(out, "version", campaign->version);
}

static void image_venue(struct json_out *out, const struct venue *venue)
{
	image_id(out, "id", venue->id);
	jout_text(out, "name", venue->name);
	jout_text(out, "unit", venue->unit_id);
	jout_text(out, "address", venue->address);
	jout_int(out, "capacity", venue->capacity);
	jout_bool(out, "active", venue->active);
	jout_int(out, "version", venue->version);
}

static void image_team(struct json_out *out, const struct team *team)
{
	image_id(out, "id", team->id);
	jout_text(out, "code", team->code);
	jout_text(out, "name", team->name);
	jout_text(out, "organisation", team->organisation);
	jout_int(out, "beds", team->beds);
	jout_bool(out, "active", team->active);
	jout_int(out, "version", team->version);
}

void image_catalog_item(struct buf *buf, const struct catalog_item *item)
{
	struct json_out out = { .buf = buf };

	jout_object(&out, NULL);
	if (item->kind == CATALOG_CAMPAIGN)
		image_campaign(&out, &item->campaign);
	else if (item->kind == CATALOG_VENUE)
		image_venue(&out, &item->venue);
	else
		image_team(&out, &item->team);
	jout_end(&out);
}

void image_plan(struct buf *buf, const struct plan *plan)
{
	struct json_out out = { .buf = buf };

	jout_object(&out, NULL);
	image_id(&out, "id", plan->id);
	jout_text(&out, "number", plan->number);
	jout_text(&out, "slug", plan->slug);
	jout_text(&out, "code_prefix", plan->code_prefix);
	jout_text(&out, "title", plan->title);
	jout_date(&out, "issued_on", plan->issued_on);
	jout_text(&out, "issuer", plan->issuer);
	image_texts(&out, "legal_basis", plan->legal_basis, plan->nlegal_basis);
	jout_date(&out, "from", plan->from);
	jout_date(&out, "to", plan->to);
	jout_bool(&out, "demo", plan->demo);
	image_named_set(&out, "campaigns", plan->campaigns, plan->ncampaigns);
	jout_int(&out, "version", plan->version);
	jout_end(&out);
}

static void image_round_facts(struct json_out *out, const struct round *round)
{
	jout_date(out, "from", round->from);
	jout_date(out, "to", round->to);
	jout_text(out, "precision", date_precision_text(round->precision));
	jout_int(out, "start_minute", round->start_minute);
	jout_int(out, "end_minute", round->end_minute);
	jout_text(out, "date_status", fact_status_text(round->date_status));
	jout_text(out, "time_status", fact_status_text(round->time_status));
	jout_text(out, "place_status", fact_status_text(round->place_status));
	jout_text(out, "status", round_status_text(round->status));
	jout_text(out, "status_reason", round->status_reason);
	jout_text(out, "document", round->document);
}

void image_round(struct buf *buf, const struct round *round)
{
	struct json_out out = { .buf = buf };

	jout_object(&out, NULL);
	image_id(&out, "id", round->id);
	jout_text(&out, "code", round->code);
	image_id(&out, "plan", round->plan_id);
	jout_int(&out, "ordinal", round->ordinal);
	jout_text(&out, "title", round->title);
	image_round_facts(&out, round);
	image_named(&out, "units", round->units, round->nunits);
	image_id(&out, "venue", round->venue.id);
	image_id(&out, "team", round->team.id);
	jout_text(&out, "organiser", round->organiser);
	image_named(&out, "campaigns", round->campaigns, round->ncampaigns);
	jout_int(&out, "target_units", round->target_units);
	jout_int(&out, "capacity", round->capacity);
	jout_date(&out, "moved_from", round->moved_from);
	jout_bool(&out, "never_public", round->never_public);
	jout_text(&out, "note", round->note);
	jout_int(&out, "version", round->version);
	jout_end(&out);
}

static int compare_identifiers(const void *a, const void *b)
{
	const struct donor_identifier *const *one = a, *const *two = b;

	return strcasecmp((*one)->id, (*two)->id);
}

static void image_identifiers(struct json_out *out, const struct donor *donor)
{
	const struct donor_identifier **sorted = xcalloc(donor->nidentifiers + 1, sizeof(*sorted));

	for (size_t i = 0; i < donor->nidentifiers; i++)
		sorted[i] = &donor->identifiers[i];
	qsort(sorted, donor->nidentifiers, sizeof(*sorted), compare_identifiers);
	jout_array(out, "identifiers");
	for (size_t i = 0; i < donor->nidentifiers; i++) {
		jout_object(out, NULL);
		image_id(out, "id", sorted[i]->id);
		jout_text(out, "kind", identifier_kind_text(sorted[i]->identifier.kind));
		jout_text(out, "issuer", sorted[i]->identifier.issuer);
		jout_text(out, "value", sorted[i]->identifier.value);
		jout_end(out);
	}
	jout_end(out);
	free(sorted);
}

void image_donor(struct buf *buf, const struct donor *donor)
{
	struct json_out out = { .buf = buf };

	jout_object(&out, NULL);
	image_id(&out, "id", donor->id);
	jout_text(&out, "number", donor->number);
	jout_text(&out, "name", donor->name);
	jout_date(&out, "birth_date", donor->birth_date);
	jout_int(&out, "birth_year", donor->birth_year);
	jout_text(&out, "sex", donor_sex_text(donor->sex));
	jout_text(&out, "phone", donor->phone);
	jout_text(&out, "address", donor->address);
	image_identifiers(&out, donor);
	jout_text(&out, "abo", blood_abo_text(donor->abo));
	jout_text(&out, "rhd", blood_rhd_text(donor->rhd));
	jout_text(&out, "blood_evidence", blood_evidence_text(donor->blood_evidence));
	jout_text(&out, "unit", donor->unit_id);
	jout_date(&out, "unit_on", donor->unit_on);
	jout_text(&out, "merged_with", donor->merged_with[0] ? donor->merged_with : NULL);
	jout_int(&out, "version", donor->version);
	jout_end(&out);
}

void image_gift(struct buf *buf, const struct gift *gift)
{
	struct json_out out = { .buf = buf };

	jout_object(&out, NULL);
	image_id(&out, "id", gift->id);
	image_id(&out, "round", gift->round_id);
	image_id(&out, "donor", gift->donor_id);
	jout_text(&out, "kind", gift_kind_text(gift->kind));
	jout_int(&out, "value_vnd", gift->vnd);
	jout_date(&out, "handed_on", gift->handed_on);
	image_id(&out, "corrects", gift->corrects);
	jout_end(&out);
}

void image_certificate(struct buf *buf, const struct certificate_image *certificate)
{
	struct json_out out = { .buf = buf };

	jout_object(&out, NULL);
	image_id(&out, "id", certificate->id);
	image_id(&out, "donation", certificate->donation_id);
	image_id(&out, "donor", certificate->donor_id);
	jout_int(&out, "volume_ml", certificate->volume_ml);
	jout_text(&out, "component", component_text(certificate->component));
	jout_date(&out, "donated_on", certificate->donated_on);
	jout_date(&out, "issued_on", certificate->issued_on);
	jout_text(&out, "code", certificate->code);
	jout_text(&out, "sealed", certificate->sealed);
	if (certificate->void_reason)
		jout_text(&out, "void_reason", certificate->void_reason);
	jout_end(&out);
}

void image_redemption(struct buf *buf, const struct redemption *entry, const char *certificate_id)
{
	struct json_out out = { .buf = buf };

	jout_object(&out, NULL);
	image_id(&out, "id", entry->id);
	image_id(&out, "certificate", certificate_id);
	image_id(&out, "of", *entry->of ? entry->of : NULL);
	jout_text(&out, "kind", redemption_kind_text(entry->kind));
	jout_int(&out, "ml", entry->ml);
	jout_text(&out, "source", claim_source_text(entry->source));
	jout_text(&out, "facility", entry->facility);
	jout_date(&out, "used_on", entry->used_on);
	jout_end(&out);
}

void image_honour(struct buf *buf, const struct honour *honour)
{
	struct json_out out = { .buf = buf };

	jout_object(&out, NULL);
	image_id(&out, "id", honour->id);
	image_id(&out, "donor", honour->record_id);
	image_id(&out, "family", honour->family_id);
	jout_text(&out, "ladder", honour_ladder_text(honour->ladder));
	jout_text(&out, "step", honour->step);
	jout_int(&out, "bar", honour->bar);
	jout_date(&out, "as_of", honour->as_of);
	jout_date(&out, "reached_on", honour->reached_on);
	jout_text(&out, "rules", honour->rules);
	jout_text(&out, "state", honour_state_text(honour->state));
	jout_text(&out, "reason", honour->reason);
	jout_text(&out, "document", honour->document);
	jout_date(&out, "approved_on", honour->approved_on);
	jout_date(&out, "handed_on", honour->handed_on);
	jout_text(&out, "given_by", honour->given_by);
	image_texts(&out, "donations", honour->donations, (size_t)honour->bar);        /* as many as the bar */
	jout_int(&out, "version", honour->version);
	jout_end(&out);
}

void image_family(struct buf *buf, const struct family *family)
{
	struct json_out out = { .buf = buf };

	jout_object(&out, NULL);
	image_id(&out, "id", family->id);
	image_id(&out, "founder", family->founder_id);
	jout_int(&out, "version", family->version);
	jout_end(&out);
}

void image_family_member(struct buf *buf, const char *family_id, const struct family_member *member)
{
	struct json_out out = { .buf = buf };

	jout_object(&out, NULL);
	image_id(&out, "id", member->id);
	image_id(&out, "family", family_id);
	image_id(&out, "donor", member->record_id);
	jout_date(&out, "joined_on", member->joined_on);
	jout_date(&out, "left_on", member->left_on);
	jout_date(&out, "consent_on", member->consent_on);
	jout_text(&out, "consent_channel",
		  date_is_none(member->consent_on) ? NULL : consent_channel_text(member->consent_channel));
	jout_end(&out);
}

void image_consent(struct buf *buf, const char *id, const char *donor_id, const struct consent *consent, bool given)
{
	struct json_out out = { .buf = buf };

	jout_object(&out, NULL);
	image_id(&out, "id", id);
	image_id(&out, "donor", donor_id);
	jout_text(&out, "purpose", consent_purpose_text(consent->purpose));
	jout_text(&out, "channel", consent_channel_text(consent->channel));
	jout_bool(&out, "given", given);
	jout_time(&out, "at", consent->given_us);
	jout_text(&out, "proof", consent->proof);
	jout_end(&out);
}

void image_deferral(struct buf *buf, const char *id, const char *donor_id, const char *ends, struct date until,
		    const char *sealed, const char *lifts)
{
	struct json_out out = { .buf = buf };

	jout_object(&out, NULL);
	image_id(&out, "id", id);
	image_id(&out, "donor", donor_id);
	jout_text(&out, "ends", ends);
	jout_date(&out, "until", until);
	jout_text(&out, "sealed", sealed);
	image_id(&out, "lifts", lifts);
	jout_end(&out);
}

void image_deferral_lift(struct buf *buf, const char *id, const char *deferral_id, const char *state,
			 const char *asked_by_kind, const char *asked_by, const char *decided_by_kind,
			 const char *decided_by)
{
	struct json_out out = { .buf = buf };

	jout_object(&out, NULL);
	image_id(&out, "id", id);
	image_id(&out, "deferral", deferral_id);
	jout_text(&out, "state", state);
	jout_text(&out, "asked_by_kind", asked_by_kind);
	jout_text(&out, "asked_by", asked_by);
	jout_text(&out, "decided_by_kind", decided_by_kind);
	jout_text(&out, "decided_by", decided_by);
	jout_end(&out);
}

void image_donation(struct buf *buf, const struct donation *donation)
{
	struct json_out out = { .buf = buf };

	jout_object(&out, NULL);
	image_id(&out, "id", donation->id);
	image_id(&out, "donor", donation->donor_id);
	jout_text(&out, "component", component_text(donation->component));
	jout_date(&out, "on", donation->on);
	jout_int(&out, "volume_ml", donation->volume_ml);
	jout_text(&out, "evidence", donation_evidence_text(donation->evidence));
	jout_text(&out, "source", donation->source);
	if (donation->item_id) {         /* others have the image that they always had */
		image_id(&out, "corrects", donation->corrects);
		image_id(&out, "round", donation->round_id);
		jout_text(&out, "bag_code", donation->bag_code);
		jout_text(&out, "outcome", donation_outcome_text(donation->outcome));
		image_id(&out, "item", donation->item_id);
		jout_text(&out, "content_hash", donation->content_hash);
		jout_int(&out, "captured_us", donation->captured_us);
	}
	jout_end(&out);
}

void image_device(struct buf *buf, const char *id, const char *name, const char *team_id, bool revoked)
{
	struct json_out out = { .buf = buf };

	jout_object(&out, NULL);
	image_id(&out, "id", id);
	jout_text(&out, "name", name);
	image_id(&out, "team", team_id);
	jout_bool(&out, "revoked", revoked);
	jout_end(&out);
}

void image_item(struct buf *buf, const struct item_image *item)
{
	struct json_out out = { .buf = buf };

	jout_object(&out, NULL);
	image_id(&out, "id", item->id);
	jout_text(&out, "content_hash", item->content_hash);
	jout_text(&out, "kind", item->kind);
	image_id(&out, "install", item->install);
	jout_int(&out, "seq", item->seq);
	jout_int(&out, "captured_us", item->captured_us);
	image_id(&out, "corrects", item->corrects);
	image_id(&out, "round", item->round_id);
	image_id(&out, "donor", item->donor_id);
	jout_bool(&out, "registers", item->registers);
	image_id(&out, "provisional", item->provisional_id);
	image_id(&out, "device", item->device_id);
	jout_text(&out, "held", item->held);
	jout_text(&out, "accepts", item->accepts);
	jout_text(&out, "tie", item->tie);
	jout_bool(&out, "staff", item->staff);
	jout_text(&out, "sealed", item->sealed);
	jout_end(&out);
}

void image_donor_request(struct buf *buf, const struct donor_request *request)
{
	struct json_out out = { .buf = buf };
	bool closed = request->closed_us != INT64_MIN;

	jout_object(&out, NULL);
	image_id(&out, "id", request->id);
	image_id(&out, "donor", request->donor_id);
	jout_text(&out, "kind", request_kind_text(request->kind));
	if (request->third_party)        /* what is not so has the image that it always had */
		jout_bool(&out, "third_party", true);
	jout_time(&out, "received_at", request->received_us);
	jout_date(&out, "answer_by", request->answer_by);
	jout_date(&out, "carry_out_by", request->carry_out_by);
	jout_date(&out, "extended_from", request->extended_from);
	jout_time(&out, "answered_at", request->answered_us);
	jout_time(&out, "closed_at", request->closed_us);
	jout_text(&out, "outcome", closed ? request_outcome_text(request->outcome) : NULL);
	jout_text(&out, "ground",
		  closed && request->outcome == REQUEST_REFUSED ? request_ground_text(request->ground) : NULL);
	jout_text(&out, "note", request->note);
	jout_int(&out, "version", request->version);
	jout_end(&out);
}

static void image_figure(struct json_out *out, const char *key, const struct figure *figure)
{
	if (figure->value < 0) {
		jout_null(out, key);
		return;
	}
	jout_array(out, key);
	jout_int(out, NULL, figure->value);
	jout_text(out, NULL, figure_qualifier_text(figure->qualifier));
	jout_end(out);
}

void image_report(struct buf *buf, const char *round_id, const struct report *report)
{
	struct json_out out = { .buf = buf };

	jout_object(&out, NULL);
	image_id(&out, "id", report->id);
	image_id(&out, "round", round_id);
	jout_text(&out, "source", report_source_text(report->source));
	jout_text(&out, "source_url", report->source_url);
	jout_date(&out, "reported_on", report->reported_on);
	image_figure(&out, "registered", &report->registered);
	image_figure(&out, "present", &report->present);
	image_figure(&out, "accepted", &report->accepted);
	image_figure(&out, "units", &report->units);
	image_figure(&out, "ml", &report->ml);
	image_id(&out, "corrects", report->corrects);
	jout_text(&out, "note", report->note);
	jout_end(&out);
}
