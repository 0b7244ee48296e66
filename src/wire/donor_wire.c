#include "wire/donor_wire.h"

#include <stdio.h>

#include "base/error.h"
#include "base/json_out.h"
#include "base/memory.h"
#include "base/text.h"
#include "domain/person_name.h"
#include "domain/phone.h"
#include "domain/round.h"
#include "domain/unit.h"
#include "wire/donor_fields.h"
#include "wire/fields.h"
#include "wire/round_fields.h"
#include "wire/unit_names.h"
#include "wire/wire.h"

/* Longest texts as typed, before they are made one; the rules know the real limits. */
enum { NAME_TYPED_MAX = 400, NUMBER_TYPED_MAX = 80, ISSUER_TYPED_MAX = 300 };

/* ---- out ---- */

void donor_unit_write(struct json_out *out, const char *key, const char *unit_id, const struct unit_map *units)
{
	const struct unit *unit = unit_id && units ? unit_by_id(units, unit_id) : NULL;

	named_write(out, key, &(struct named){ unit_id, unit ? unit->full_name : NULL });
}

static void blood_write(struct json_out *out, const struct donor *donor)
{
	if (donor->blood_evidence == BLOOD_EVIDENCE_NONE) {
		jout_null(out, "blood_group");
		return;
	}
	jout_object(out, "blood_group");
	jout_text(out, "abo", blood_abo_text(donor->abo));
	jout_text(out, "rhd", blood_rhd_text(donor->rhd));
	jout_text(out, "evidence", blood_evidence_text(donor->blood_evidence));
	jout_end(out);
}

/* "none": nothing is in the way; "until": the date says; "open": no date ends it. */
static const char *wait_text(const struct donor_next *next)
{
	if (next->endless)
		return "open";
	return date_is_none(next->on) ? "none" : "until";
}

static void next_write(struct json_out *out, const struct donor_view *view)
{
	jout_object(out, "next_eligible");
	for (int i = 0; i < COMPONENT_COUNT; i++) {
		jout_object(out, component_text((enum component)i));
		jout_text(out, "wait", wait_text(&view->next[i]));
		jout_date(out, "on", view->next[i].on);
		jout_end(out);
	}
	jout_end(out);
}

static void identifiers_write(struct json_out *out, const struct donor *donor)
{
	jout_array(out, "identifiers");
	for (size_t i = 0; i < donor->nidentifiers; i++) {
		const struct identifier *identifier = &donor->identifiers[i].identifier;

		jout_object(out, NULL);
		jout_text(out, "kind", identifier_kind_text(identifier->kind));
		jout_text(out, "issuer", identifier->issuer);
		jout_text(out, "value", identifier->value);
		jout_end(out);
	}
	jout_end(out);
}

static void birth_year_write(struct json_out *out, const struct donor *donor)
{
	if (donor->birth_year)
		jout_int(out, "birth_year", donor->birth_year);
	else
		jout_null(out, "birth_year");
}

void donor_write(struct json_out *out, const char *key, const struct donor_view *view)
{
	const struct donor *donor = view->donor;

	jout_object(out, key);
	jout_text(out, "id", donor->id);
	jout_text(out, "donor_number", donor->number);
	jout_text(out, "name", donor->name);
	jout_date(out, "birth_date", donor->birth_date);
	birth_year_write(out, donor);
	jout_text(out, "sex", donor_sex_text(donor->sex));
	identifiers_write(out, donor);
	jout_text(out, "phone", donor->phone);
	donor_unit_write(out, "unit", donor->unit_id, view->units);
	jout_date(out, "unit_on", donor->unit_on);
	jout_text(out, "address", donor->address);
	blood_write(out, donor);
	jout_bool(out, "contact_facility", donor->contact_facility);
	jout_date(out, "last_donated_on", donor->last_donated_on);
	next_write(out, view);
	jout_bool(out, "erased", donor->erased);
	jout_array(out, "merged");
	for (size_t i = 0; i < view->nmerged; i++)
		jout_text(out, NULL, view->merged[i]);
	jout_end(out);
	if (view->arena)
		donor_warnings_write(out, "warnings", donor, view->language, view->arena);
	jout_time(out, "registered_at", donor->registered_us);
	jout_int(out, "version", donor->version);
	jout_end(out);
}

void donor_item_write(struct json_out *out, const char *key, const struct donor_view *view,
		      enum component component)
{
	const struct donor *donor = view->donor;

	jout_object(out, key);
	jout_text(out, "id", donor->id);
	jout_text(out, "donor_number", donor->number);
	birth_year_write(out, donor);
	jout_text(out, "sex", donor_sex_text(donor->sex));
	blood_write(out, donor);
	donor_unit_write(out, "unit", donor->unit_id, view->units);
	jout_bool(out, "contact_facility", donor->contact_facility);
	jout_date(out, "last_donated_on", donor->last_donated_on);
	jout_text(out, "wait", wait_text(&view->next[component]));
	jout_date(out, "next_eligible_on", view->next[component].on);
	jout_time(out, "registered_at", donor->registered_us);
	jout_end(out);
}

void donor_found_write(struct json_out *out, const char *key, const struct donor_found *found,
		       enum component component)
{
	jout_object(out, key);
	jout_text(out, "id", found->id);
	jout_text(out, "donor_number", found->number);
	jout_text(out, "wait", wait_text(&found->next[component]));
	jout_date(out, "next_eligible_on", found->next[component].on);
	jout_bool(out, "contact_facility", found->contact_facility);
	jout_end(out);
}

void donor_match_write(struct json_out *out, const char *key, const char *id, const char *number, int score)
{
	jout_object(out, key);
	jout_text(out, "id", id);
	jout_text(out, "donor_number", number);
	jout_int(out, "score", score);
	jout_end(out);
}

void donor_warnings_write(struct json_out *out, const char *key, const struct donor *donor, enum language language,
			  struct arena *arena)
{
	struct donor_warning warnings[DONOR_WARNINGS_MAX];
	size_t count = donor_warnings(donor, arena, warnings);

	jout_array(out, key);
	for (size_t i = 0; i < count; i++) {
		jout_object(out, NULL);
		jout_text(out, "pointer", warnings[i].pointer);
		jout_text(out, "code", warnings[i].code);
		jout_text(out, "text", warnings[i].text[language]);
		jout_end(out);
	}
	jout_end(out);
}

/* ---- in ---- */

struct body {
	struct wire_reader     reader;
	bool                   patch;
	const struct unit_map *units;
	struct date            today;
};

static void name_read(struct body *body, struct donor *donor)
{
	struct wire_reader *reader = &body->reader;
	const char *name;

	if (body->patch && !wire_has(reader, "name"))
		return;
	if (wire_text(reader, "name", WIRE_REQUIRED, NAME_TYPED_MAX, &name) &&
	    person_name_clean(&name, wire_pointer(reader, "name"), reader->arena, reader->err))
		donor->name = name;
}

static void birth_read(struct body *body, struct donor *donor)
{
	struct wire_reader *reader = &body->reader;
	bool dated = wire_has(reader, "birth_date"), yeared = wire_has(reader, "birth_year");
	struct date date = { 0 };
	int64_t year = 0;

	if (dated) {
		wire_date(reader, "birth_date", WIRE_OPTIONAL, &date);
		donor->birth_date = date;
	}
	if (yeared) {
		wire_int(reader, "birth_year", WIRE_OPTIONAL, 1, 9999, &year);
		donor->birth_year = (int)year;
	}
	/* A year that is given too must be that one: donor_check() says so. */
	if (!date_is_none(donor->birth_date) && !year)
		donor->birth_year = donor->birth_date.year;
}

static void sex_read(struct body *body, struct donor *donor)
{
	struct wire_reader *reader = &body->reader;
	const char *text;

	if (!wire_has(reader, "sex"))
		return;
	donor->sex = DONOR_SEX_UNKNOWN;
	if (wire_word(reader, "sex", WIRE_OPTIONAL, &text) && !donor_sex_parse(text, &donor->sex))
		wire_fault_choice(reader->err, wire_pointer(reader, "sex"), "female, male");
}

static void phone_read(struct body *body, struct donor *donor)
{
	struct wire_reader *reader = &body->reader;
	const char *typed = NULL;
	char phone[PHONE_TEXT_SIZE];

	if (!wire_text_or_clear(reader, "phone", NUMBER_TYPED_MAX, &typed))
		return;
	donor->phone = NULL;
	if (!typed)
		return;
	if (phone_normalise(typed, phone))
		donor->phone = arena_strdup(reader->arena, phone);
	else
		error_add_field(reader->err, wire_pointer(reader, "phone"), "invalid_phone",
				"Write a phone number as it is dialled, such as 0912 345 678; foreign ones with +.",
				"Hãy ghi số điện thoại như khi gọi, ví dụ 0912 345 678; số nước ngoài bắt đầu bằng +.");
}

/* The unit that holds the place today; of one that ended, the one that took its place. */
static void unit_read(struct body *body, struct donor *donor)
{
	struct wire_reader *reader = &body->reader;
	struct unit_names names = { .units = body->units, .from = body->today, .to = body->today,
				    .arena = reader->arena, .err = reader->err };
	struct named *found;
	const char *typed = NULL;
	char choice[80];
	size_t count;

	if (!wire_text_or_clear(reader, "unit", WIRE_NAME_MAX, &typed))
		return;
	names.pointer = wire_pointer(reader, "unit");
	if (!typed) {
		donor->unit_id = NULL;
		donor->unit_on = (struct date){ 0 };
		return;
	}
	if (!unit_names_resolve(&names, &typed, 1, &found, &count))
		return;
	if (count != 1) {
		unit_names_text(found, count, choice, sizeof(choice));
		error_add_field(reader->err, names.pointer, "ambiguous_unit",
				"Today these are %zu units; send the one where the donor lives: %s.",
				"Nay là %zu đơn vị; hãy gửi nơi người hiến máu cư trú: %s.", count, choice);
		return;
	}
	if (!streq(donor->unit_id, found[0].id))
		donor->unit_on = body->today;
	donor->unit_id = found[0].id;
}

static void blood_members(struct wire_reader *reader, struct donor *donor)
{
	const char *text;

	if (wire_word(reader, "abo", WIRE_OPTIONAL, &text) && !blood_abo_parse(text, &donor->abo))
		wire_fault_choice(reader->err, wire_pointer(reader, "abo"), "O, A, B, AB");
	if (wire_word(reader, "rhd", WIRE_OPTIONAL, &text) && !blood_rhd_parse(text, &donor->rhd))
		wire_fault_choice(reader->err, wire_pointer(reader, "rhd"), "positive, negative");
	if (wire_word(reader, "evidence", WIRE_OPTIONAL, &text) && !blood_evidence_parse(text, &donor->blood_evidence))
		wire_fault_choice(reader->err, wire_pointer(reader, "evidence"), "declared, card, laboratory");
	wire_reader_finish(reader);
}

static void blood_read(struct body *body, struct donor *donor)
{
	struct wire_reader *reader = &body->reader;
	struct wire_reader inner;
	json_t *object;

	if (!wire_has(reader, "blood_group"))
		return;
	donor->abo = ABO_UNKNOWN;
	donor->rhd = RHD_UNKNOWN;
	donor->blood_evidence = BLOOD_EVIDENCE_NONE;
	object = wire_object(reader, "blood_group", WIRE_OPTIONAL);
	if (!object)
		return;
	wire_reader_init(&inner, object, wire_pointer(reader, "blood_group"), reader->arena, reader->err);
	blood_members(&inner, donor);
}

/* kind, issuer, value; the other members of the object are the caller's. */
bool identifier_members_read(struct wire_reader *reader, struct identifier *identifier)
{
	const char *kind;
	bool known = false, valued;

	*identifier = (struct identifier){ 0 };
	if (wire_word(reader, "kind", WIRE_REQUIRED, &kind)) {
		known = identifier_kind_parse(kind, &identifier->kind);
		if (!known)
			wire_fault_choice(reader->err, wire_pointer(reader, "kind"),
					  "cccd, cmnd, passport, military, police, driving_licence, work_card,"
					  " student_card, donor_card, local_paper");
	}
	wire_text(reader, "issuer", WIRE_OPTIONAL, ISSUER_TYPED_MAX, &identifier->issuer);
	valued = wire_text(reader, "value", WIRE_REQUIRED, NUMBER_TYPED_MAX, &identifier->value);
	return known && valued && identifier_normalise(identifier, reader->pointer, reader->arena, reader->err);
}

static json_t *element_object(struct wire_reader *reader, json_t *array, size_t i, const char *pointer)
{
	json_t *object = json_array_get(array, i);

	if (json_is_object(object))
		return object;
	error_add_field(reader->err, pointer, "wrong_type", "An object is expected.", "Cần một đối tượng.");
	return NULL;
}

static void identifiers_read(struct body *body, struct donor *donor)
{
	struct wire_reader *reader = &body->reader;
	struct donor_identifier *list;
	json_t *array;
	size_t count, used = 0;

	if (!wire_has(reader, "identifiers"))
		return;
	array = wire_array(reader, "identifiers", WIRE_OPTIONAL, DONOR_IDENTIFIERS_MAX);
	count = json_array_size(array);
	list = arena_alloc(reader->arena, (count + 1) * sizeof(*list));
	donor->identifiers = list;
	for (size_t i = 0; i < count; i++) {
		const char *pointer = arena_printf(reader->arena, "%s/%zu", wire_pointer(reader, "identifiers"), i);
		json_t *object = element_object(reader, array, i, pointer);
		struct wire_reader inner;

		if (!object)
			continue;
		wire_reader_init(&inner, object, pointer, reader->arena, reader->err);
		if (identifier_members_read(&inner, &list[used].identifier))
			used++;
		wire_reader_finish(&inner);
	}
	donor->nidentifiers = used;
}

static void consent_members(struct wire_reader *reader, struct consent *consent, struct date today)
{
	const char *text;

	if (wire_word(reader, "purpose", WIRE_REQUIRED, &text) && !consent_purpose_parse(text, &consent->purpose))
		wire_fault_choice(reader->err, wire_pointer(reader, "purpose"), CONSENT_PURPOSE_WORDS);
	if (wire_word(reader, "channel", WIRE_REQUIRED, &text) && !consent_channel_parse(text, &consent->channel))
		wire_fault_choice(reader->err, wire_pointer(reader, "channel"), CONSENT_CHANNEL_WORDS);
	if (wire_time(reader, "given_at", WIRE_REQUIRED, &consent->given_us) &&
	    date_compare(date_of_instant(consent->given_us), today) > 0)
		error_add_field(reader->err, wire_pointer(reader, "given_at"), "out_of_range",
				"Nobody has agreed in the future.", "Không thể đồng ý ở tương lai.");
	wire_text(reader, "proof", WIRE_OPTIONAL, CONSENT_PROOF_MAX, &consent->proof);
	wire_reader_finish(reader);
}

static void consents_read(struct body *body, struct donor_consents *consents)
{
	struct wire_reader *reader = &body->reader;
	json_t *array = wire_array(reader, "consents", WIRE_OPTIONAL, CONSENTS_MAX);
	size_t count = json_array_size(array);
	struct consent *list = arena_alloc(reader->arena, (count + 1) * sizeof(*list));

	for (size_t i = 0; i < count; i++) {
		const char *pointer = arena_printf(reader->arena, "%s/%zu", wire_pointer(reader, "consents"), i);
		json_t *object = element_object(reader, array, i, pointer);
		struct wire_reader inner;

		if (!object)
			continue;
		wire_reader_init(&inner, object, pointer, reader->arena, reader->err);
		consent_members(&inner, &list[i], body->today);
	}
	*consents = (struct donor_consents){ list, count };
}

static void members_read(struct body *body, struct donor *donor)
{
	name_read(body, donor);
	birth_read(body, donor);
	sex_read(body, donor);
	identifiers_read(body, donor);
	phone_read(body, donor);
	unit_read(body, donor);
	wire_text_or_clear(&body->reader, "address", DONOR_ADDRESS_MAX, &donor->address);
	blood_read(body, donor);
}

void donor_members_read(struct wire_reader *reader, const struct unit_map *units, struct date today, struct donor *donor)
{
	struct body body = { .reader = *reader, .units = units, .today = today };

	members_read(&body, donor);
	*reader = body.reader;
}

bool donor_read(const char *text, size_t len, bool patch, const struct unit_map *units, struct date today,
		struct arena *arena, struct donor *donor, struct donor_consents *consents, struct error *err)
{
	struct body body = { .patch = patch, .units = units, .today = today };
	json_t *object = wire_parse_object(text, len, err);
	bool fine;

	if (!object)
		return false;
	wire_reader_init(&body.reader, object, "", arena, err);
	members_read(&body, donor);
	if (!patch)
		consents_read(&body, consents);
	fine = wire_reader_finish(&body.reader);
	json_decref(object);
	return fine;
}

/* ---- a question ---- */

static void number_read(struct wire_reader *reader, struct donor_question *question)
{
	char *number = arena_alloc(reader->arena, DONOR_NUMBER_SIZE);
	const char *typed;

	if (!wire_text(reader, "donor_number", WIRE_REQUIRED, NUMBER_TYPED_MAX, &typed))
		return;
	switch (donor_number_parse(typed, number)) {
	case DONOR_NUMBER_FINE:
		question->number = number;
		break;
	case DONOR_NUMBER_MISTYPED:
		error_add_field(reader->err, wire_pointer(reader, "donor_number"), "mistyped",
				"A character is wrong or two are exchanged: compare it with the card.",
				"Có ký tự sai hoặc hai ký tự bị đảo chỗ: hãy so lại với thẻ.");
		break;
	case DONOR_NUMBER_MALFORMED:
		error_add_field(reader->err, wire_pointer(reader, "donor_number"), "invalid_value",
				"A donor number has eight characters, such as K7M4-XQD2.",
				"Mã người hiến máu có tám ký tự, ví dụ K7M4-XQD2.");
		break;
	}
}

static void asked_phone_read(struct wire_reader *reader, struct donor_question *question)
{
	struct body body = { .reader = *reader };
	struct donor donor = { 0 };

	phone_read(&body, &donor);
	*reader = body.reader;
	question->phone = donor.phone;
	if (!donor.phone && reader->err->code == ERR_NONE)
		wire_fault_required(reader->err, wire_pointer(reader, "phone"));
}

static void asked_name_read(struct wire_reader *reader, struct donor_question *question)
{
	int64_t year = 0;
	const char *name;

	if (wire_text(reader, "name", WIRE_REQUIRED, NAME_TYPED_MAX, &name) &&
	    person_name_clean(&name, wire_pointer(reader, "name"), reader->arena, reader->err))
		question->name = name;
	wire_int(reader, "birth_year", WIRE_REQUIRED, 1900, 2200, &year);
	question->birth_year = (int)year;
	wire_text(reader, "unit", WIRE_OPTIONAL, WIRE_NAME_MAX, &question->place);
}

static void question_members(struct wire_reader *reader, struct donor_question *question)
{
	bool identifier = wire_has(reader, "kind") || wire_has(reader, "value");
	bool number = wire_has(reader, "donor_number"), phone = wire_has(reader, "phone"), name = wire_has(reader, "name");
	const char *text;

	if (identifier + number + phone + name != 1) {
		error_add_field(reader->err, "", "required",
				"Ask by kind, issuer and value, by donor_number, by phone, or by name with birth_year.",
				"Hãy tra theo kind, issuer và value, theo donor_number, theo phone, hoặc theo name cùng"
				" birth_year.");
		return;
	}
	if (identifier)
		question->by_identifier = identifier_members_read(reader, &question->identifier);
	else if (number)
		number_read(reader, question);
	else if (phone)
		asked_phone_read(reader, question);
	else
		asked_name_read(reader, question);
	if (wire_word(reader, "component", WIRE_OPTIONAL, &text) && !component_parse(text, &question->component))
		wire_fault_choice(reader->err, wire_pointer(reader, "component"), COMPONENT_WORDS);
}

bool donor_question_read(const char *body, size_t len, struct arena *arena, struct donor_question *question,
			 struct error *err)
{
	struct wire_reader reader;
	json_t *object = wire_parse_object(body, len, err);
	bool fine;

	if (!object)
		return false;
	*question = (struct donor_question){ .component = COMPONENT_WHOLE_BLOOD };
	wire_reader_init(&reader, object, "", arena, err);
	question_members(&reader, question);
	fine = wire_reader_finish(&reader);
	json_decref(object);
	return fine;
}

/* ---- two records ---- */

bool donor_with_read(const char *body, size_t len, struct arena *arena, const char **with, struct error *err)
{
	struct wire_reader reader;
	json_t *object = wire_parse_object(body, len, err);
	bool fine;

	if (!object)
		return false;
	wire_reader_init(&reader, object, "", arena, err);
	wire_text(&reader, "with", WIRE_REQUIRED, WIRE_KEY_MAX, with);
	fine = wire_reader_finish(&reader);
	json_decref(object);
	return fine;
}
