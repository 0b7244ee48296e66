#include <string.h>

#include "api/certificates.h"
#include "api/private.h"
#include "api/request.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "wire/certificate_wire.h"

/*
 * Genuine or not, and how much is left: for whoever holds a certificate in the hand. No answer has a name; who has name and birth
 * date on a card may ask whether they fit, by the text of the QR code or by the code for SMS, which nobody guesses, and by
 * the number, which anybody counts up, only who has a token.
 */

struct check_op {
	struct request             *r;
	struct certificate_question question;
	struct certificate_envelope envelope;
	struct sealed_text          sealed;
	struct certificate_keys     keys;
	struct revocations_load     revocations;
	struct certificate_number   number;
	struct certificate_load     load;
	struct certificate_match    match;
	char                        code[CERTIFICATE_CODE_SIZE];
};

enum holder { HOLDER_NOT_ASKED, HOLDER_MATCHES, HOLDER_DIFFERS };

static void reply_not_genuine(struct request *r, const char *reason)
{
	struct json_out out = { .buf = api_scratch(r->api) };

	jout_object(&out, NULL);
	jout_bool(&out, "genuine", false);
	jout_text(&out, "reason", reason);
	jout_time(&out, "as_of", clock_wall_us(r->api->worker->clock));
	jout_end(&out);
	request_reply_json(r, 200, out.buf, NULL);
}

/* `c` NULL: signed, but not in this registry (it was restored from a copy that is older than the paper). */
static void reply_genuine(struct request *r, const struct certificate_number *number, const struct certificate *c, int volume_ml,
			  enum holder holder)
{
	struct json_out out = { .buf = api_scratch(r->api) };
	char text[CERTIFICATE_NUMBER_SIZE];

	jout_object(&out, NULL);
	jout_bool(&out, "genuine", true);
	jout_null(&out, "reason");
	jout_text(&out, "number", certificate_number_format(number, text));
	jout_text(&out, "status", c ? certificate_status_text(certificate_status_of(&c->facts)) : NULL);
	jout_int(&out, "volume_ml", c ? c->facts.volume_ml : volume_ml);
	if (c)
		jout_int(&out, "balance_ml", certificate_balance(&c->facts));
	else
		jout_null(&out, "balance_ml");
	jout_date(&out, "issued_on", c ? c->facts.issued_on : (struct date){ 0 });
	if (holder == HOLDER_NOT_ASKED)
		jout_null(&out, "holder_matches");
	else
		jout_bool(&out, "holder_matches", holder == HOLDER_MATCHES);
	jout_time(&out, "as_of", clock_wall_us(r->api->worker->clock));
	jout_end(&out);
	request_reply_json(r, 200, out.buf, NULL);
}

/* ---- by the text of the QR code ---- */

static enum holder holder_of_text(const struct check_op *op)
{
	const struct certificate_question *question = &op->question;

	if (!question->name)
		return HOLDER_NOT_ASKED;
	return certificate_holder_is(&op->envelope, question->name, question->birth_date, op->r->arena) ? HOLDER_MATCHES
													: HOLDER_DIFFERS;
}

/*
 * What is signed and what is recorded are one certificate. A registry that was restored from a copy may have given a number
 * again that is on a paper: each has a salt of its own.
 */
static bool is_of_record(const struct certificate_envelope *envelope, const struct certificate *c)
{
	unsigned char id[CERTIFICATE_REVOCATION_BYTES];

	certificate_revocation_id(envelope->salt, id);
	return memcmp(id, c->revocation_id, sizeof(id)) == 0 && c->facts.volume_ml == envelope->volume_ml &&
	       date_compare(c->facts.donated_on, envelope->donated_on) == 0;
}

static void text_on_loaded(struct certificate_load *load)
{
	struct check_op *op = container_of(load, struct check_op, load);
	const struct certificate *c = &load->certificate;

	if (load->error.code != ERR_NONE && load->error.code != ERR_NOT_FOUND) {
		request_reply_error(op->r, &load->error);
		return;
	}
	if (load->error.code == ERR_NOT_FOUND)
		c = NULL;
	if (c && !is_of_record(&op->envelope, c))
		reply_not_genuine(op->r, "differs");
	else
		reply_genuine(op->r, &op->envelope.number, c, op->envelope.volume_ml, holder_of_text(op));
}

static bool signs_for(const struct certificate_key *key, const struct certificate_number *number)
{
	return key->use == KEY_FOR_CERTIFICATES && streq(key->issuer, number->issuer) && key->year == number->year;
}

static void text_on_keys(struct certificate_keys *keys)
{
	struct check_op *op = container_of(keys, struct check_op, keys);
	const char *reason = "unknown_key";

	if (keys->error.code != ERR_NONE) {
		request_reply_error(op->r, &keys->error);
		return;
	}
	/* Ids are short: all keys that have this one are tried. */
	for (size_t i = 0; i < keys->nitems; i++) {
		const struct certificate_key_row *row = &keys->items[i];

		if (!signs_for(&row->key, &op->envelope.number))
			continue;
		reason = "signature";
		if (!sealed_text_is_of(&op->sealed, row->key.public_key))
			continue;
		if (row->compromised_us != INT64_MIN) {
			reason = "compromised_key";
			break;
		}
		op->load = (struct certificate_load){ .number = &op->envelope.number, .arena = op->r->arena, .done = text_on_loaded };
		certificate_load_send(api_store(op->r->api), &op->load);
		return;
	}
	reply_not_genuine(op->r, reason);
}

static void check_text(struct check_op *op)
{
	struct request *r = op->r;

	if (!certificate_open(op->question.text, r->arena, &op->envelope, &op->sealed)) {
		reply_not_genuine(r, "malformed");
		return;
	}
	op->keys = (struct certificate_keys){ .kid = op->sealed.kid, .arena = r->arena, .done = text_on_keys };
	certificate_keys_send(api_store(r->api), &op->keys);
}

/* ---- by code or number ---- */

static void match_on_done(struct certificate_match *match)
{
	struct check_op *op = container_of(match, struct check_op, match);
	const struct certificate *c = &op->load.certificate;

	/* Of an erased donor nobody can tell any more. */
	if (match->error.code == ERR_ERASED)
		reply_genuine(op->r, &c->number, c, 0, HOLDER_NOT_ASKED);
	else if (match->error.code != ERR_NONE)
		request_reply_error(op->r, &match->error);
	else
		reply_genuine(op->r, &c->number, c, 0, match->matches ? HOLDER_MATCHES : HOLDER_DIFFERS);
}

static void record_on_loaded(struct certificate_load *load)
{
	struct check_op *op = container_of(load, struct check_op, load);
	const struct certificate *c = &load->certificate;
	struct request *r = op->r;

	if (load->error.code == ERR_NOT_FOUND) {
		reply_not_genuine(r, "unknown");
		return;
	}
	if (load->error.code != ERR_NONE) {
		request_reply_error(r, &load->error);
		return;
	}
	if (!op->question.name || (op->question.number && (r->principal.role == ROLE_PUBLIC || r->principal.device))) {
		reply_genuine(r, &c->number, c, 0, HOLDER_NOT_ASKED);
		return;
	}
	op->match = (struct certificate_match){ .of = c, .name = op->question.name, .birth_date = op->question.birth_date,
						.actor = request_reader(r), .arena = r->arena, .done = match_on_done };
	certificate_match_send(api_store(r->api), &op->match);
}

static void reply_slip(struct request *r, enum certificate_fault fault)
{
	reply_not_genuine(r, fault == CERTIFICATE_MISTYPED ? "mistyped" : "malformed");
}

static void check_record(struct check_op *op)
{
	struct request *r = op->r;
	enum certificate_fault fault;

	op->load = (struct certificate_load){ .arena = r->arena, .done = record_on_loaded };
	if (op->question.code) {
		fault = certificate_code_parse(op->question.code, op->code);
		op->load.code = op->code;
	} else {
		fault = certificate_number_parse(op->question.number, &op->number);
		op->load.number = &op->number;
	}
	if (fault == CERTIFICATE_FINE)
		certificate_load_send(api_store(r->api), &op->load);
	else
		reply_slip(r, fault);
}

static void check_start(struct request *r)
{
	struct check_op *op = http_alloc(r->x, sizeof(*op));
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	op->r = r;
	error_clear(&err);
	if (!certificate_question_read(body, len, r->arena, &op->question, &err))
		request_reply_error(r, &err);
	else if (op->question.text)
		check_text(op);
	else
		check_record(op);
}

/* ---- GET /certificates/keys ---- */

static const char *hex_of(struct arena *arena, const unsigned char *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char *text = arena_alloc(arena, 2 * len + 1);

	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	return text;
}

static const char *state_of(const struct certificate_key_row *row)
{
	if (row->compromised_us != INT64_MIN)
		return "compromised";
	return row->current ? "current" : "past";
}

static void key_write(struct json_out *out, const struct certificate_key *key, const char *state, struct arena *arena)
{
	jout_object(out, NULL);
	jout_text(out, "use", certificate_key_use_text(key->use));
	jout_text(out, "issuer", *key->issuer ? key->issuer : NULL);
	jout_int(out, "year", key->year);
	jout_int(out, "generation", key->generation);
	jout_text(out, "kid", hex_of(arena, key->kid, sizeof(key->kid)));
	jout_text(out, "algorithm", "EdDSA");
	jout_text(out, "public_key", hex_of(arena, key->public_key, sizeof(key->public_key)));
	jout_text(out, "state", state);
	jout_end(out);
}

static void keys_on_listed(struct certificate_keys *keys);

static void keys_on_made(struct revocations_load *load)
{
	struct check_op *op = container_of(load, struct check_op, revocations);

	certificate_keys_send(api_store(op->r->api), &op->keys);         /* without it, where none could be made */
}

/* Who fetches the keys first and the list of revocations then must find the key of that list. */
static bool has_key_of_list(const struct certificate_keys *keys, int year)
{
	for (size_t i = 0; i < keys->nitems; i++)
		if (keys->items[i].current && !*keys->items[i].key.issuer && keys->items[i].key.year == year)
			return true;
	return false;
}

static void keys_on_listed(struct certificate_keys *keys)
{
	struct check_op *op = container_of(keys, struct check_op, keys);
	struct json_out out;

	if (keys->error.code != ERR_NONE) {
		request_reply_error(op->r, &keys->error);
		return;
	}
	if (!op->revocations.done && !has_key_of_list(keys, op->r->today.year)) {
		op->revocations = (struct revocations_load){ .today = op->r->today, .arena = op->r->arena, .done = keys_on_made };
		revocations_load_send(api_store(op->r->api), &op->revocations);
		return;
	}
	request_list_begin(op->r, &out);
	for (size_t i = 0; i < keys->nitems; i++)
		key_write(&out, &keys->items[i].key, state_of(&keys->items[i]), op->r->arena);
	request_list_reply(op->r, &out, NULL);           /* a verifier takes all or nothing */
}

static void keys_start(struct request *r)
{
	struct check_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	op->keys = (struct certificate_keys){ .arena = r->arena, .done = keys_on_listed };
	certificate_keys_send(api_store(r->api), &op->keys);
}

/* ---- POST /certificates/keys ---- */

struct rotate_op {
	struct request               *r;
	struct certificate_key_rotate rotate;
};

static void rotate_on_done(struct certificate_key_rotate *rotate)
{
	struct rotate_op *op = container_of(rotate, struct rotate_op, rotate);
	struct request *r = op->r;
	struct json_out out = { .buf = api_scratch(r->api) };

	if (rotate->error.code == ERR_NOT_FOUND)
		error_set(&rotate->error, ERR_NOT_FOUND,
			  "No certificate was issued under that code in that year, so there is no key to replace.",
			  "Chưa cấp giấy nào với mã đó trong năm đó, nên chưa có khóa để thay.");
	if (rotate->error.code != ERR_NONE) {
		request_reply_error(r, &rotate->error);
		return;
	}
	key_write(&out, &rotate->key, "current", r->arena);
	http_add_header(r->x, "Location", "/api/v1/certificates/keys");
	request_reply_json(r, 201, out.buf, NULL);
}

static void rotate_start(struct request *r)
{
	struct rotate_op *op = http_alloc(r->x, sizeof(*op));
	struct certificate_key_body said;
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	op->r = r;
	error_clear(&err);
	if (!certificate_key_read(body, len, r->arena, &said, &err)) {
		request_reply_error(r, &err);
		return;
	}
	op->rotate = (struct certificate_key_rotate){ .key = { .year = said.year }, .after = said.generation,
						      .compromised = said.compromised, .actor = r->actor, .arena = r->arena, .done = rotate_on_done };
	memcpy(op->rotate.key.issuer, said.issuer, strlen(said.issuer) + 1);
	certificate_key_rotate_send(api_store(r->api), &op->rotate);
}

/* ---- GET /certificates/revocations ---- */

struct list_op {
	struct request         *r;
	struct revocations_load load;
};

static void list_on_loaded(struct revocations_load *load)
{
	struct list_op *op = container_of(load, struct list_op, load);
	struct request *r = op->r;
	struct json_out out = { .buf = api_scratch(r->api) };
	struct buf text = { 0 };

	if (load->error.code == ERR_NONE && !revocations_seal(r->api->worker->keyring, &load->key, &load->list, &text))
		error_set(&load->error, ERR_UNAVAILABLE, "The key that signs the list is not at hand here.",
			  "Khóa ký danh sách không có ở đây.");
	if (load->error.code != ERR_NONE) {
		request_reply_error(r, &load->error);
		return;
	}
	jout_object(&out, NULL);
	jout_int(&out, "counter", load->list.counter);
	jout_time(&out, "as_of", load->list.as_of * 1000000);
	jout_int(&out, "count", (int64_t)load->list.count);
	jout_text(&out, "kid", hex_of(r->arena, load->key.kid, sizeof(load->key.kid)));
	jout_text(&out, "signed", text.data);
	jout_end(&out);
	buf_release(&text);
	request_reply_json(r, 200, out.buf, NULL);
}

static void list_start(struct request *r)
{
	struct list_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	op->load = (struct revocations_load){ .today = r->today, .arena = r->arena, .done = list_on_loaded };
	revocations_load_send(api_store(r->api), &op->load);
}

const struct route certificate_check_routes[] = {
	{ HTTP_POST_, "/api/v1/certificates/verify", AREA_CERTIFICATE_CHECK, ACCESS_READ, check_start, ROUTE_CHECKS, 0 },
	{ HTTP_GET_, "/api/v1/certificates/keys", AREA_CERTIFICATE_CHECK, ACCESS_READ, keys_start, 0, 0 },
	{ HTTP_POST_, "/api/v1/certificates/keys", AREA_TOKENS, ACCESS_WRITE, rotate_start, 0, 0 },
	{ HTTP_GET_, "/api/v1/certificates/revocations", AREA_CERTIFICATE_CHECK, ACCESS_READ, list_start, 0, 0 },
	{ 0 }
};
