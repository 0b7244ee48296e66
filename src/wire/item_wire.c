#include "wire/item_wire.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"
#include "domain/eligibility.h"
#include "wire/donor_fields.h"
#include "wire/fields.h"
#include "wire/screening.h"
#include "wire/wire.h"

enum { HASH_DIGITS = 64, LABEL_MAX = 100, ID_TYPED_MAX = 64, CODE_MAX = 60, BAG_TYPED_MAX = 100 };

/* One item on its way: what must be readable goes to `hard`, the rest to `soft`. */
struct reading {
	const struct item_reading *with;
	struct arena              *arena;
	struct error              *hard, *soft;
	struct item               *item;
};

/* ---- parts ---- */

static bool read_uuid(struct wire_reader *reader, const char *name, enum wire_need need, const char **out)
{
	const char *typed;
	char *id;

	if (!wire_text(reader, name, need, ID_TYPED_MAX, &typed))
		return false;
	if (!uuid_valid(typed))
		return error_add_field(reader->err, wire_pointer(reader, name), "invalid_id",
				       "An id such as 0198f1a2-0000-7000-8000-0000000000d1 is expected.",
				       "Cần một mã dạng 0198f1a2-0000-7000-8000-0000000000d1.");
	id = arena_strdup(reader->arena, typed);
	for (char *p = id; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	*out = id;
	return true;
}

static void read_id(struct wire_reader *reader, const char *name, char out[UUID_TEXT_SIZE])
{
	const char *id;

	if (read_uuid(reader, name, WIRE_REQUIRED, &id))
		snprintf(out, UUID_TEXT_SIZE, "%s", id);
}

static int append(const char *bytes, size_t len, void *context)
{
	buf_append(context, bytes, len);
	return 0;
}

static const char *canonical(json_t *object, struct arena *arena)
{
	struct buf buf = { 0 };
	const char *text;

	json_dump_callback(object, append, &buf, JSON_SORT_KEYS | JSON_COMPACT);
	text = arena_strndup(arena, buf.data, buf.len);
	buf_release(&buf);
	return text;
}

/* ---- the donor ---- */

static void identifier_of(struct reading *reading, json_t *object, const char *pointer)
{
	struct donor *person = arena_alloc(reading->arena, sizeof(*person));
	struct wire_reader reader;

	person->identifiers = arena_alloc(reading->arena, sizeof(*person->identifiers));
	wire_reader_init(&reader, object, pointer, reading->arena, reading->soft);
	person->nidentifiers = identifier_members_read(&reader, &person->identifiers[0].identifier);
	wire_reader_finish(&reader);
	reading->item->person = person;
}

static void drop_twins(struct donor *person)
{
	size_t kept = 0;

	for (size_t i = 0; i < person->nidentifiers; i++) {
		size_t k = 0;

		while (k < kept && !identifier_same(&person->identifiers[k].identifier, &person->identifiers[i].identifier))
			k++;
		if (k == kept)
			person->identifiers[kept++] = person->identifiers[i];
	}
	person->nidentifiers = kept;
}

/*
 * Whoever has a name and a year can be registered, whatever else was not readable: what contradicts itself is left out of
 * the record; the item keeps it.
 */
static bool readable_person(struct donor *person, struct date today)
{
	struct error doubts;

	error_clear(&doubts);
	if (donor_check(person, today, &doubts))
		return true;
	drop_twins(person);
	person->abo = ABO_UNKNOWN;
	person->rhd = RHD_UNKNOWN;
	person->blood_evidence = BLOOD_EVIDENCE_NONE;
	if (!date_is_none(person->birth_date))
		person->birth_year = person->birth_date.year;
	if (person->address && text_length(person->address) > DONOR_ADDRESS_MAX)
		person->address = NULL;
	return false;
}

static void provisional_of(struct reading *reading, json_t *object, const char *pointer)
{
	struct donor *person = arena_alloc(reading->arena, sizeof(*person));
	struct wire_reader reader;
	struct error doubts;

	wire_reader_init(&reader, object, pointer, reading->arena, reading->soft);
	read_uuid(&reader, "id", WIRE_OPTIONAL, &reading->item->donor_id);
	donor_members_read(&reader, reading->with->units, reading->with->today, person);
	wire_reader_finish(&reader);
	error_clear(&doubts);
	if (!readable_person(person, reading->with->today))
		reading->item->unreadable = true;
	reading->item->named = donor_check(person, reading->with->today, &doubts);
	reading->item->person = person;
}

static void read_donor(struct reading *reading, struct wire_reader *data)
{
	static const char *const ways[] = { "id", "identifier", "provisional" };
	json_t *object = wire_object(data, "donor", WIRE_REQUIRED), *inner;
	const char *pointer = wire_pointer(data, "donor");
	struct item *item = reading->item;
	struct wire_reader reader;
	int told = 0;

	if (!object)
		return;
	wire_reader_init(&reader, object, pointer, reading->arena, reading->hard);
	for (int i = 0; i < (int)ARRAY_SIZE(ways); i++) {
		if (!wire_has(&reader, ways[i]) || json_is_null(json_object_get(object, ways[i])))
			continue;
		item->by = (enum item_donor)i;
		told++;
	}
	if (told != 1) {
		error_add_field(reading->hard, pointer, "required", "Tell the donor by exactly one of: id, identifier, provisional.",
				"Hãy cho biết người hiến bằng đúng một trong: id, identifier, provisional.");
		return;
	}
	if (item->by == ITEM_DONOR_ID) {
		read_uuid(&reader, "id", WIRE_REQUIRED, &item->donor_id);
	} else {
		inner = wire_object(&reader, ways[item->by], WIRE_REQUIRED);
		pointer = wire_pointer(&reader, ways[item->by]);
		if (inner && item->by == ITEM_DONOR_IDENTIFIER)
			identifier_of(reading, inner, pointer);
		else if (inner)
			provisional_of(reading, inner, pointer);
	}
	reader.err = reading->soft;
	wire_reader_finish(&reader);
}

/* ---- what the kinds tell ---- */

static void read_bag(struct reading *reading, struct wire_reader *data)
{
	const char *typed;

	if (wire_text(data, "bag_code", WIRE_OPTIONAL, BAG_TYPED_MAX, &typed) && !bag_code_parse(typed, &reading->item->bag))
		error_add_field(reading->soft, wire_pointer(data, "bag_code"), "invalid_value",
				"At most 40 letters without marks, digits and signs, as on the bag.",
				"Tối đa 40 chữ không dấu, chữ số và ký hiệu, như ghi trên túi.");
}

static void read_day(struct reading *reading, struct wire_reader *data, const char *name)
{
	struct date day;

	if (wire_date(data, name, WIRE_OPTIONAL, &day))
		reading->item->told_on = day;
}

static void read_measures(struct wire_reader *data)
{
	struct eligibility_facts facts;

	eligibility_facts_init(&facts);
	wire_thousandths(data, "weight_kg", WIRE_OPTIONAL, 0, 500, &facts.measures[MEASURE_WEIGHT]);
	screening_read(data, &facts);
}

static void read_outcome(struct reading *reading, struct wire_reader *data)
{
	struct item *item = reading->item;
	const char *text;
	int64_t volume = 0;

	if (wire_word(data, "outcome", WIRE_REQUIRED, &text) && !item_outcome_parse(text, &item->outcome))
		wire_fault_choice(data->err, wire_pointer(data, "outcome"), "completed, stopped, deferred");
	if (item->outcome == ITEM_DEFERRED)
		data->err = reading->soft;       /* nothing was given: what these say does not matter */
	if (wire_word(data, "component", item->outcome == ITEM_DEFERRED ? WIRE_OPTIONAL : WIRE_REQUIRED, &text) &&
	    !component_parse(text, &item->component))
		wire_fault_choice(data->err, wire_pointer(data, "component"), COMPONENT_WORDS);
	wire_int(data, "volume_ml", item->outcome == ITEM_COMPLETED ? WIRE_REQUIRED : WIRE_OPTIONAL, 0, DONATION_VOLUME_MAX, &volume);
	item->volume_ml = (int)volume;
}

static void read_donation(struct reading *reading, struct wire_reader *data)
{
	data->err = reading->hard;
	read_outcome(reading, data);
	data->err = reading->soft;
	read_bag(reading, data);
	read_day(reading, data, "donated_on");
	read_measures(data);
	(void)wire_has(data, "reaction");        /* as the form has it: a text, or an object */
}

static void read_screened(struct reading *reading, struct wire_reader *data)
{
	const char *text;

	data->err = reading->hard;
	if (wire_word(data, "outcome", WIRE_REQUIRED, &text)) {
		reading->item->accepted = streq(text, "accepted");
		if (!reading->item->accepted && !streq(text, "deferred"))
			wire_fault_choice(data->err, wire_pointer(data, "outcome"), "accepted, deferred");
	}
	data->err = reading->soft;
	read_day(reading, data, "screened_on");
	read_measures(data);
	wire_text(data, "note", WIRE_OPTIONAL, ITEM_NOTE_MAX, &text);
}

/*
 * A day to come is the phone's clock: then the wait is not over yet, which is the longer one. What cannot be reckoned (a code
 * of newer rules, days that contradict each other) is a wait without an end, until a person drops it.
 */
static void read_deferral(struct reading *reading, struct wire_reader *data)
{
	struct deferral *deferral = arena_alloc(reading->arena, sizeof(*deferral));
	struct donor unknown = { 0 };
	struct error doubts;
	bool permanent = false;

	*deferral = (struct deferral){ .lifted_us = INT64_MIN, .lift = { .asked_us = INT64_MIN, .decided_us = INT64_MIN } };
	wire_text(data, "code", WIRE_REQUIRED, DEFERRAL_CODE_MAX, &deferral->code);
	wire_date(data, "from", WIRE_OPTIONAL, &deferral->from);
	wire_date(data, "until", WIRE_OPTIONAL, &deferral->until);
	wire_bool(data, "permanent", WIRE_OPTIONAL, &permanent);
	wire_text(data, "note", WIRE_OPTIONAL, DEFERRAL_NOTE_MAX, &deferral->note);
	if (date_compare(deferral->from, reading->with->today) > 0) {
		deferral->from = (struct date){ 0 };
		error_add_field(reading->soft, wire_pointer(data, "from"), "in_future", "This day is still to come.", "Ngày này chưa đến.");
	}
	deferral->ends = permanent ? DEFERRAL_PERMANENT : DEFERRAL_DATED;
	error_clear(&doubts);
	if (deferral->code && deferral_check(deferral, reading->with->rules, &unknown, reading->with->today, &doubts)) {
		deferral_reckon(deferral, permanent, reading->with->rules);
	} else {
		*deferral = (struct deferral){ .code = deferral->code ? deferral->code : "unreadable", .note = deferral->note,
					       .ends = DEFERRAL_OPEN, .lifted_us = INT64_MIN, .lift = deferral->lift };
		error_add_field(reading->soft, wire_pointer(data, "code"), "invalid_value",
				"Code and days are not those of a wait that the rules know: it holds until a person decides.",
				"Mã và ngày không khớp một lý do hoãn nào trong quy tắc: còn hiệu lực đến khi có người quyết định.");
	}
	reading->item->deferral = deferral;
}

static void read_words(struct wire_reader *data, const char *const *names, size_t count)
{
	const char *text;

	for (size_t i = 0; i < count; i++)
		wire_text(data, names[i], WIRE_OPTIONAL, ITEM_NOTE_MAX, &text);
}

/* What it is worth goes into the book of the round; what was handed over beside that is told in words. */
static void read_gift(struct reading *reading, struct wire_reader *data)
{
	static const char *const words[] = { "gift", "note" };
	struct item *item = reading->item;
	const char *text;
	int64_t quantity;

	if (wire_word(data, "kind", WIRE_OPTIONAL, &text) && !gift_kind_parse(text, &item->gift))
		wire_fault_choice(data->err, wire_pointer(data, "kind"), GIFT_KIND_WORDS);
	wire_int(data, "value_vnd", WIRE_OPTIONAL, 1, GIFT_VND_MAX, &item->gift_vnd);
	read_words(data, words, ARRAY_SIZE(words));
	wire_int(data, "quantity", WIRE_OPTIONAL, 0, 1000, &quantity);
}

static void read_rest(struct reading *reading, struct wire_reader *data)
{
	static const char *const check_in[] = { "code", "note" }, *const reaction[] = { "severity", "text" },
				 *const note[] = { "text" };
	const char *donation;

	switch (reading->item->kind) {
	case ITEM_DONATION:
		read_donation(reading, data);
		break;
	case ITEM_SCREENING:
		read_screened(reading, data);
		break;
	case ITEM_DEFERRAL:
		read_deferral(reading, data);
		break;
	case ITEM_CHECK_IN:
		read_words(data, check_in, ARRAY_SIZE(check_in));
		break;
	case ITEM_REACTION:
		read_uuid(data, "donation", WIRE_OPTIONAL, &donation);
		read_words(data, reaction, ARRAY_SIZE(reaction));
		break;
	case ITEM_GIFT:
		read_gift(reading, data);
		break;
	case ITEM_NOTE:
	case ITEM_KIND_COUNT:
		read_words(data, note, ARRAY_SIZE(note));
	}
}

/* ---- one item ---- */

static void read_data(struct reading *reading, struct wire_reader *outer)
{
	json_t *object = wire_object(outer, "data", WIRE_REQUIRED);
	struct wire_reader data;

	if (!object || reading->hard->code != ERR_NONE)
		return;
	wire_reader_init(&data, object, wire_pointer(outer, "data"), reading->arena, reading->hard);
	read_donor(reading, &data);
	data.err = reading->soft;
	read_uuid(&data, "round", WIRE_OPTIONAL, &reading->item->round_id);
	read_rest(reading, &data);
	data.err = reading->soft;
	wire_reader_finish(&data);
}

static void read_head(struct reading *reading, struct wire_reader *reader)
{
	struct item *item = reading->item;
	const char *text;

	read_id(reader, "id", item->id);
	read_id(reader, "install", item->install);
	wire_int(reader, "seq", WIRE_REQUIRED, 1, ITEM_SEQ_MAX, &item->seq);
	if (wire_word(reader, "kind", WIRE_REQUIRED, &text) && !item_kind_parse(text, &item->kind))
		wire_fault_choice(reader->err, wire_pointer(reader, "kind"), ITEM_KIND_WORDS);
	if (wire_time(reader, "captured_at", WIRE_REQUIRED, &item->captured_us))
		item->told_on = date_of_instant(item->captured_us);
	read_uuid(reader, "corrects", WIRE_OPTIONAL, &item->corrects);
}

static void read_item(struct reading *reading, json_t *object, const char *pointer)
{
	struct wire_reader reader;

	wire_reader_init(&reader, object, pointer, reading->arena, reading->hard);
	read_head(reading, &reader);
	read_data(reading, &reader);
	reader.err = reading->soft;
	wire_reader_finish(&reader);
	if (reading->soft->code != ERR_NONE)
		reading->item->unreadable = true;
	if (reading->hard->code == ERR_NONE && item_check(reading->item, pointer, reading->arena, reading->hard))
		reading->item->content = canonical(object, reading->arena);
}

static void read_entry(struct reading *reading, json_t *element, size_t index, bool bad, struct item_entry *entry)
{
	const char *pointer = arena_printf(reading->arena, "/items/%zu", index);

	reading->item = &entry->item;
	error_clear(reading->hard);
	error_clear(reading->soft);
	if (bad)
		error_add_field(reading->hard, pointer, "malformed", "This item is not valid JSON; the others were read.",
				"Mục này không phải JSON hợp lệ; các mục khác vẫn được đọc.");
	else if (json_is_object(element))
		read_item(reading, element, pointer);
	else
		error_add_field(reading->hard, pointer, "wrong_type", "An object is expected.", "Cần một đối tượng.");
	if (reading->hard->code != ERR_NONE) {
		entry->fault = arena_alloc(reading->arena, sizeof(*entry->fault));
		*entry->fault = *reading->hard;
	}
}

/* ---- a batch with an item that is no JSON ---- */

/* Behind the text that begins here; NULL: it does not end. */
static const char *skip_text(const char *p, const char *end)
{
	for (p++; p < end; p++) {
		if (*p == '\\')
			p++;
		else if (*p == '"')
			return p + 1;
	}
	return NULL;
}

static const char *skip_blank(const char *p, const char *end)
{
	while (p < end && strchr(" \t\r\n", *p))
		p++;
	return p;
}

/* Behind the bracket of the member "items"; NULL: it is not there. */
static const char *find_items(const char *p, const char *end)
{
	static const char name[] = "\"items\"";
	int depth = 0;

	while (p && p < end) {
		const char *begin = p;

		if (*p != '"') {
			depth += *p == '{' || *p == '[' ? 1 : *p == '}' || *p == ']' ? -1 : 0;
			p++;
			continue;
		}
		p = skip_text(p, end);
		if (depth != 1 || !p || (size_t)(p - begin) != sizeof(name) - 1 || memcmp(begin, name, sizeof(name) - 1) != 0)
			continue;
		p = skip_blank(p, end);
		if (p < end && *p == ':' && (p = skip_blank(p + 1, end)) < end && *p == '[')
			return p + 1;
	}
	return NULL;
}

/* Behind the element that begins here: its comma, or the bracket of the array. NULL: it does not end. */
static const char *skip_element(const char *p, const char *end)
{
	int depth = 0;

	while (p && p < end) {
		if (*p == '"') {
			p = skip_text(p, end);
			continue;
		}
		if (depth == 0 && (*p == ',' || *p == ']'))
			return p;
		depth += *p == '{' || *p == '[' ? 1 : *p == '}' || *p == ']' ? -1 : 0;
		p++;
	}
	return NULL;
}

static bool is_json(const char *element, size_t len, struct arena *arena)
{
	char *text = arena_printf(arena, "{\"items\":[%.*s]}", (int)len, element);
	struct error err;
	json_t *object;

	error_clear(&err);
	object = wire_parse_object(text, strlen(text), &err);
	json_decref(object);
	return object != NULL && strlen(text) == len + sizeof("{\"items\":[]}") - 1;
}

/*
 * A text cut within a character, a number out of all range, a member twice: what one item holds must not block the others, as
 * long as its brackets and quotes have their pairs. The body with `null` in the place of each element that cannot be parsed, or NULL: it is not that. `bad` is told which.
 */
static json_t *parse_without_bad(const char *body, size_t len, struct arena *arena, bool bad[ITEM_BATCH_MAX])
{
	const char *end = body + len, *p = find_items(body, end), *kept = body;
	struct buf whole = { 0 };
	json_t *object = NULL;
	struct error err;
	size_t count = 0;

	while (p && count < ITEM_BATCH_MAX) {
		const char *begin = skip_blank(p, end);

		p = skip_element(begin, end);
		if (!p)
			break;
		bad[count] = !is_json(begin, (size_t)(p - begin), arena);
		if (bad[count++]) {
			buf_append(&whole, kept, (size_t)(begin - kept));
			buf_append_text(&whole, "null");
			kept = p;
		}
		if (*p++ == ']')
			break;
	}
	if (p && kept != body) {
		buf_append(&whole, kept, (size_t)(end - kept));
		error_clear(&err);
		object = wire_parse_object(whole.data, whole.len, &err);
	}
	buf_release(&whole);
	return object;
}

bool item_batch_read(const char *body, size_t len, const struct item_reading *with, struct arena *arena,
		     struct item_batch *batch, struct error *err)
{
	json_t *object = wire_parse_object(body, len, err), *items;
	bool bad[ITEM_BATCH_MAX] = { false };
	struct error hard, soft;
	struct reading reading = { .with = with, .arena = arena, .hard = &hard, .soft = &soft };
	struct wire_reader reader;

	if (!object && err->code == ERR_MALFORMED) {
		object = parse_without_bad(body, len, arena, bad);
		if (object)
			error_clear(err);
	}
	if (!object)
		return false;
	wire_reader_init(&reader, object, "", arena, err);
	wire_text(&reader, "batch_id", WIRE_OPTIONAL, LABEL_MAX, &batch->label);
	wire_time(&reader, "device_now", WIRE_REQUIRED, &batch->device_us);
	items = wire_array(&reader, "items", WIRE_REQUIRED, ITEM_BATCH_MAX);
	if (wire_reader_finish(&reader)) {
		batch->count = json_array_size(items);
		batch->entries = arena_alloc(arena, (batch->count + 1) * sizeof(*batch->entries));
		for (size_t i = 0; i < batch->count; i++)
			read_entry(&reading, json_array_get(items, i), i, bad[i], &batch->entries[i]);
	}
	json_decref(object);
	return err->code == ERR_NONE;
}

const struct item *item_content_read(const char *content, const struct item_reading *with, struct arena *arena, struct error *doubts)
{
	struct error hard, soft;
	struct item *item = arena_alloc(arena, sizeof(*item));
	struct reading reading = { .with = with, .arena = arena, .hard = &hard, .soft = doubts ? doubts : &soft, .item = item };
	json_t *object;

	error_clear(&hard);
	error_clear(reading.soft);
	object = wire_parse_object(content, strlen(content), &hard);
	if (!object)
		return NULL;
	read_item(&reading, object, "");
	json_decref(object);
	return hard.code == ERR_NONE ? item : NULL;
}

static bool read_hash(struct wire_reader *reader, const char **content_hash)
{
	if (wire_text(reader, "content_hash", WIRE_REQUIRED, WIRE_KEY_MAX, content_hash) &&
	    (strlen(*content_hash) != HASH_DIGITS || strspn(*content_hash, "0123456789abcdef") != HASH_DIGITS))
		return error_add_field(reader->err, "/content_hash", "invalid_value", "The 64 hexadecimal digits that the item has are expected.",
				       "Cần 64 ký tự (0-9, a-f), đúng như content_hash của mục.");
	return reader->err->code == ERR_NONE;
}

const char *item_told(const char *content, struct arena *arena)
{
	struct error err;
	json_t *object = wire_parse_object(content, strlen(content), &err), *data;
	const char *text;

	if (!object)
		return "{}";
	data = json_object_get(object, "data");
	json_object_del(data, "donor");
	text = canonical(data, arena);
	json_decref(object);
	return text;
}

bool item_correction_read(const char *body, size_t len, struct arena *arena, struct item_correction *correction, struct error *err)
{
	json_t *object = wire_parse_object(body, len, err), *data;
	struct wire_reader reader;
	bool fine;

	if (!object)
		return false;
	wire_reader_init(&reader, object, "", arena, err);
	read_hash(&reader, &correction->content_hash);
	data = wire_object(&reader, "data", WIRE_REQUIRED);
	if (data)
		correction->data = canonical(data, arena);
	fine = wire_reader_finish(&reader);
	json_decref(object);
	return fine;
}

bool item_attachment_read(const char *body, size_t len, struct arena *arena, struct item_correction *correction, struct error *err)
{
	json_t *object = wire_parse_object(body, len, err);
	struct wire_reader reader;
	bool fine;

	if (!object)
		return false;
	wire_reader_init(&reader, object, "", arena, err);
	read_hash(&reader, &correction->content_hash);
	read_uuid(&reader, "donor", WIRE_REQUIRED, &correction->donor_id);
	fine = wire_reader_finish(&reader);
	json_decref(object);
	return fine;
}

/* The new item: what the old one says, but for its data, or for whom they are about. */
static json_t *corrected(const struct item_correction *correction, json_t *old, json_t *data)
{
	json_t *made = json_pack("{s:s, s:s, s:i, s:O, s:O, s:O}", "id", correction->id, "install", correction->id, "seq", 1,
				 "kind", json_object_get(old, "kind"), "captured_at", json_object_get(old, "captured_at"),
				 "corrects", json_object_get(old, "id"));

	if (data) {
		json_object_set(made, "data", data);
	} else {
		json_t *same = json_deep_copy(json_object_get(old, "data"));

		json_object_set_new(same, "donor", json_pack("{s:s}", "id", correction->donor_id));
		json_object_set_new(made, "data", same);
	}
	return made;
}

const struct item *item_correct(const struct item_correction *correction, const char *content, const struct item_reading *with,
				struct arena *arena, struct error *err)
{
	struct item *item = arena_alloc(arena, sizeof(*item));
	struct error soft;
	struct reading reading = { .with = with, .arena = arena, .hard = err, .soft = &soft, .item = item };
	json_t *old = wire_parse_object(content, strlen(content), err), *made, *data = NULL;

	if (!old)
		return NULL;
	error_clear(&soft);
	if (correction->data)
		data = wire_parse_object(correction->data, strlen(correction->data), err);
	made = corrected(correction, old, data);
	read_item(&reading, made, "");
	/* What a person types anew can be typed rightly. */
	if (correction->data && err->code == ERR_NONE && soft.code != ERR_NONE)
		*err = soft;
	json_decref(made);
	json_decref(data);
	json_decref(old);
	return err->code == ERR_NONE ? item : NULL;
}

bool item_same_donor(const char *content, const char *data)
{
	struct error err;
	json_t *old = wire_parse_object(content, strlen(content), &err), *new = wire_parse_object(data, strlen(data), &err);
	bool same = json_equal(json_object_get(json_object_get(old, "data"), "donor"), json_object_get(new, "donor"));

	json_decref(old);
	json_decref(new);
	return same;
}

bool item_choice_read(const char *body, size_t len, struct arena *arena, const char **content_hash, struct error *err)
{
	json_t *object = wire_parse_object(body, len, err);
	struct wire_reader reader;
	bool fine;

	if (!object)
		return false;
	wire_reader_init(&reader, object, "", arena, err);
	read_hash(&reader, content_hash);
	fine = wire_reader_finish(&reader);
	json_decref(object);
	return fine;
}

bool item_decision_read(const char *body, size_t len, struct arena *arena, const char **content_hash, bool *keep,
			struct error *err)
{
	json_t *object = wire_parse_object(body, len, err);
	struct wire_reader reader;
	bool fine;

	if (!object)
		return false;
	wire_reader_init(&reader, object, "", arena, err);
	read_hash(&reader, content_hash);
	wire_bool(&reader, "keep", WIRE_REQUIRED, keep);
	fine = wire_reader_finish(&reader);
	json_decref(object);
	return fine;
}
