#include "wire/certificate_wire.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"
#include "domain/person_name.h"
#include "wire/fields.h"
#include "wire/wire.h"

enum {
	SERIAL_MAX = 40, SERIAL_DIGITS_MAX = 12, TEXT_MAX = 1000, CODE_MAX = 40, ML_MAX = 1000, PUBLISHED_MAX = 100000,
	GENERATION_MAX = 1000000
};

static bool fault_issuer(struct error *err)
{
	return error_add_field(err, "/issuer", "invalid_value", "Write the code of an issuing body: two to four letters A to Z.",
			       "Ghi mã nơi cấp: hai đến bốn chữ cái A đến Z.");
}

bool issuing_body_read(const char *body, size_t len, struct date today, struct arena *arena, struct issuing_body_body *out,
		       struct error *err)
{
	json_t *object = wire_parse_object(body, len, err);
	struct wire_reader reader;

	if (!object)
		return false;
	*out = (struct issuing_body_body){ .valid_from = today };
	wire_reader_init(&reader, object, "", arena, err);
	if (wire_text(&reader, "code", WIRE_REQUIRED, WIRE_KEY_MAX, &out->code) && !issuer_code_valid(out->code))
		error_add_field(err, "/code", "invalid_value", "Two to four letters A to Z.", "Hai đến bốn chữ cái A đến Z.");
	wire_text(&reader, "name", WIRE_REQUIRED, WIRE_ORGANISER_MAX, &out->name);
	wire_text(&reader, "place", WIRE_REQUIRED, WIRE_NAME_MAX, &out->place);
	wire_text(&reader, "signer", WIRE_REQUIRED, WIRE_NAME_MAX, &out->signer);
	wire_date(&reader, "valid_from", WIRE_OPTIONAL, &out->valid_from);
	bool fine = wire_reader_finish(&reader);

	json_decref(object);
	return fine;
}

/* No body is an empty one. */
static json_t *parse_optional(const char *body, size_t len, struct error *err)
{
	return len == 0 ? wire_parse_object("{}", 2, err) : wire_parse_object(body, len, err);
}

bool certificate_issue_read(const char *body, size_t len, struct arena *arena, const char **issuer, struct error *err)
{
	json_t *object = parse_optional(body, len, err);
	struct wire_reader reader;

	*issuer = NULL;
	if (!object)
		return false;
	wire_reader_init(&reader, object, "", arena, err);
	if (wire_text(&reader, "issuer", WIRE_OPTIONAL, WIRE_KEY_MAX, issuer) && !issuer_code_valid(*issuer))
		fault_issuer(err);
	bool fine = wire_reader_finish(&reader);

	json_decref(object);
	return fine;
}

static void read_print_of_round(struct wire_reader *reader, struct certificate_print_body *out, struct error *err)
{
	wire_bool(reader, "again", WIRE_OPTIONAL, &out->again);
	if (wire_word(reader, "as", WIRE_OPTIONAL, &out->as) && !streq(out->as, "pdf") && !streq(out->as, "zip"))
		wire_fault_choice(err, "/as", "pdf, zip");
	if (out->paper_serial && (paper_serial_digits(out->paper_serial) < 1 ||
				  paper_serial_digits(out->paper_serial) > SERIAL_DIGITS_MAX))
		error_add_field(err, "/paper_serial", "invalid_value",
				"That of the first form: 1 to 12 digits at its end, from which the others count on.",
				"Số của tờ phôi đầu tiên: tận cùng là 1 đến 12 chữ số để các tờ sau đếm tiếp.");
}

bool certificate_print_read(const char *body, size_t len, bool round, struct arena *arena, struct certificate_print_body *out,
			    struct error *err)
{
	json_t *object = parse_optional(body, len, err);
	struct wire_reader reader;

	*out = (struct certificate_print_body){ .form = "whole", .as = "pdf" };
	if (!object)
		return false;
	wire_reader_init(&reader, object, "", arena, err);
	if (wire_word(&reader, "form", WIRE_OPTIONAL, &out->form) && !streq(out->form, "whole") && !streq(out->form, "preprinted"))
		wire_fault_choice(err, "/form", "whole, preprinted");
	wire_text(&reader, "paper_serial", WIRE_OPTIONAL, SERIAL_MAX, &out->paper_serial);
	if (round)
		read_print_of_round(&reader, out, err);
	bool fine = wire_reader_finish(&reader);

	json_decref(object);
	return fine;
}

bool certificate_void_read(const char *body, size_t len, struct arena *arena, const char **reason, struct error *err)
{
	json_t *object = wire_parse_object(body, len, err);
	struct wire_reader reader;

	if (!object)
		return false;
	wire_reader_init(&reader, object, "", arena, err);
	if (wire_word(&reader, "reason", WIRE_REQUIRED, reason) && !certificate_void_reason_valid(*reason))
		wire_fault_choice(err, "/reason", CERTIFICATE_VOID_WORDS);
	bool fine = wire_reader_finish(&reader);

	json_decref(object);
	return fine;
}

bool redemption_read(const char *body, size_t len, struct arena *arena, struct redemption_body *out, struct error *err)
{
	json_t *object = wire_parse_object(body, len, err);
	const char *source = NULL;
	struct wire_reader reader;
	int64_t ml = 0;

	if (!object)
		return false;
	*out = (struct redemption_body){ .source = CLAIM_ONLINE };
	wire_reader_init(&reader, object, "", arena, err);
	wire_int(&reader, "ml", WIRE_REQUIRED, 1, ML_MAX, &ml);
	wire_date(&reader, "used_on", WIRE_OPTIONAL, &out->used_on);
	if (wire_word(&reader, "source", WIRE_OPTIONAL, &source) && !claim_source_parse(source, &out->source))
		wire_fault_choice(err, "/source", "online, offline, paper");
	wire_text(&reader, "facility", WIRE_OPTIONAL, WIRE_NAME_MAX, &out->facility);
	if (wire_text(&reader, "id", WIRE_OPTIONAL, WIRE_KEY_MAX, &out->id) && !uuid_valid(out->id))
		error_add_field(err, "/id", "invalid_value", "Write a UUID, or leave it out.", "Ghi một UUID, hoặc bỏ trống.");
	bool fine = wire_reader_finish(&reader);

	json_decref(object);
	out->ml = (int)ml;
	return fine;
}

bool certificate_question_read(const char *body, size_t len, struct arena *arena, struct certificate_question *out,
			       struct error *err)
{
	json_t *object = wire_parse_object(body, len, err);
	struct wire_reader reader;

	if (!object)
		return false;
	*out = (struct certificate_question){ 0 };
	wire_reader_init(&reader, object, "", arena, err);
	/* Not cleaned: blanks are letters of its alphabet. */
	wire_typed(&reader, "text", WIRE_OPTIONAL, TEXT_MAX, &out->text);
	wire_text(&reader, "code", WIRE_OPTIONAL, CODE_MAX, &out->code);
	wire_text(&reader, "number", WIRE_OPTIONAL, CODE_MAX, &out->number);
	wire_text(&reader, "name", WIRE_OPTIONAL, PERSON_NAME_MAX, &out->name);
	wire_date(&reader, "birth_date", WIRE_OPTIONAL, &out->birth_date);
	if (err->code == ERR_NONE && !!out->text + !!out->code + !!out->number != 1)
		error_add_field(err, "/text", "one_of", "Write one of text, code and number.", "Ghi một trong text, code, number.");
	if (err->code == ERR_NONE && !out->name != date_is_none(out->birth_date))
		error_add_field(err, out->name ? "/birth_date" : "/name", "required", "Write name and birth_date, or neither.",
				"Ghi cả name và birth_date, hoặc bỏ cả hai.");
	bool fine = wire_reader_finish(&reader);

	json_decref(object);
	return fine;
}

bool certificate_key_read(const char *body, size_t len, struct arena *arena, struct certificate_key_body *out,
			  struct error *err)
{
	json_t *object = wire_parse_object(body, len, err);
	struct wire_reader reader;
	int64_t year = 0, generation = 0;

	if (!object)
		return false;
	*out = (struct certificate_key_body){ .issuer = NULL };
	wire_reader_init(&reader, object, "", arena, err);
	if (wire_word(&reader, "issuer", WIRE_REQUIRED, &out->issuer) && *out->issuer && !issuer_code_valid(out->issuer))
		fault_issuer(err);
	wire_int(&reader, "year", WIRE_REQUIRED, CERTIFICATE_YEAR_MIN, CERTIFICATE_YEAR_MAX, &year);
	wire_int(&reader, "generation", WIRE_REQUIRED, 1, GENERATION_MAX, &generation);
	wire_bool(&reader, "compromised", WIRE_OPTIONAL, &out->compromised);
	bool fine = wire_reader_finish(&reader);

	json_decref(object);
	out->year = (int)year;
	out->generation = (int)generation;
	return fine;
}

/* ---- files ---- */

static bool fail_file(struct error *err)
{
	return error_set(err, ERR_MALFORMED, "This is not what GET /api/v1/certificates/keys or /revocations answers.",
			 "Đây không phải nội dung của GET /api/v1/certificates/keys hoặc /revocations.");
}

static int digit_of(char c)
{
	const char *digits = "0123456789abcdef", *place = c ? strchr(digits, c) : NULL;

	return place ? (int)(place - digits) : -1;
}

static bool read_hex(const char *text, unsigned char *out, size_t len)
{
	if (!text || strlen(text) != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++) {
		int high = digit_of(text[2 * i]), low = digit_of(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (unsigned char)(high * 16 + low);
	}
	return true;
}

static bool read_published(json_t *item, struct published_key *key, struct arena *arena)
{
	key->use = arena_strdup(arena, json_string_value(json_object_get(item, "use")));
	key->issuer = arena_strdup(arena, json_string_value(json_object_get(item, "issuer")));
	key->year = (int)json_integer_value(json_object_get(item, "year"));
	key->generation = (int)json_integer_value(json_object_get(item, "generation"));
	key->compromised = streq(json_string_value(json_object_get(item, "state")), "compromised");
	return key->use && read_hex(json_string_value(json_object_get(item, "public_key")), key->public_key, sizeof(key->public_key));
}

bool published_keys_read(const char *body, size_t len, struct arena *arena, struct published_key **keys, size_t *count,
			 struct error *err)
{
	json_t *object = wire_parse_object(body, len, err), *items;
	bool fine = true;

	*count = 0;
	if (!object)
		return false;
	items = json_object_get(object, "items");
	fine = json_is_array(items) && json_array_size(items) <= PUBLISHED_MAX;
	*keys = arena_alloc(arena, ((fine ? json_array_size(items) : 0) + 1) * sizeof(**keys));
	for (size_t i = 0; fine && i < json_array_size(items); i++, ++*count)
		fine = read_published(json_array_get(items, i), &(*keys)[i], arena);
	json_decref(object);
	return fine || fail_file(err);
}

bool published_revocations_read(const char *body, size_t len, struct arena *arena, const char **signed_text,
				struct error *err)
{
	json_t *object = wire_parse_object(body, len, err);

	if (!object)
		return false;
	*signed_text = arena_strdup(arena, json_string_value(json_object_get(object, "signed")));
	json_decref(object);
	return *signed_text || fail_file(err);
}
