#include "base/base45.h"
#include "base/buf.h"
#include "base/memory.h"
#include "crypto/certificate_seal.h"
#include "domain/certificate.h"
#include "fuzz/fuzz.h"
#include "paper/paper.h"

/*
 * What a stranger hands in to be checked, by its first byte: t (the text of a certificate's code), b (the bytes in it, which
 * are made a text), r (a list of revocations), n (a typed number), c (a typed code for SMS), f (a form of the paper).
 *
 * Oracle: what is taken is well formed and has this one text alone: written again it is the same, byte by byte. A
 * number or a code that is taken is taken again as it is shown. Nothing that nobody signed verifies.
 */

static struct arena arena;
/* Nobody has its private key: y = 2. */
static const unsigned char nobodys_key[CERTIFICATE_KEY_BYTES] = { 2 };

static void check_sealed(const char *text, const char *prefix, const struct sealed_text *sealed)
{
	const char *body = strstr(text, prefix) + strlen(prefix);
	size_t body_len = strlen(body), len;
	unsigned char *bytes = arena_alloc(&arena, body_len + 1);
	struct buf again = { 0 };

	while (body_len > 0 && strchr("\t\r\n", body[body_len - 1]))
		body_len--;
	FUZZ_CHECK(base45_decode(body, body_len, bytes, body_len, &len), "%s", text);
	base45_encode(bytes, len, &again);
	FUZZ_CHECK(again.len == body_len && memcmp(again.data, body, body_len) == 0, "%s", text);
	FUZZ_CHECK(sealed->signed_len > 40 && len > 64, "%zu", sealed->signed_len);
	FUZZ_CHECK(memcmp(sealed->signature, bytes + len - 64, 64) == 0, "%s", text);
	FUZZ_CHECK(!sealed_text_is_of(sealed, nobodys_key), "%s", text);
	buf_release(&again);
}

static void text_of(const char *text)
{
	struct certificate_envelope envelope;
	char number[CERTIFICATE_NUMBER_SIZE];
	struct certificate_number again;
	struct sealed_text sealed;

	if (!certificate_open(text, &arena, &envelope, &sealed))
		return;
	check_sealed(text, "GH1:", &sealed);
	FUZZ_CHECK(envelope.volume_ml >= 1 && envelope.volume_ml <= 9999, "%d", envelope.volume_ml);
	FUZZ_CHECK(!date_is_none(envelope.donated_on), "no day");
	certificate_number_format(&envelope.number, number);
	FUZZ_CHECK(certificate_number_parse(number, &again) == CERTIFICATE_FINE, "%s", number);
}

static void bytes_of(const uint8_t *data, size_t size)
{
	struct buf text = { 0 };

	buf_append_text(&text, "GH1:");
	base45_encode(data, size, &text);
	text_of(text.data);
	buf_release(&text);
}

static void list_of(const char *text)
{
	struct revocation_list list;
	struct sealed_text sealed;

	if (!revocations_open(text, &arena, &list, &sealed))
		return;
	check_sealed(text, "GHR1:", &sealed);
	for (size_t i = 0; i < list.count; i++)
		FUZZ_CHECK(revocations_have(&list, list.entries + i * CERTIFICATE_REVOCATION_BYTES), "entry %zu", i);
}

static void number_of(const char *typed)
{
	char text[CERTIFICATE_NUMBER_SIZE], twice[CERTIFICATE_NUMBER_SIZE];
	struct certificate_number number, again;

	if (certificate_number_parse(typed, &number) != CERTIFICATE_FINE) {
		FUZZ_CHECK(number.ordinal == 0, "%s", typed);
		return;
	}
	FUZZ_CHECK(issuer_code_valid(number.issuer) && number.year >= CERTIFICATE_YEAR_MIN &&
		   number.year <= CERTIFICATE_YEAR_MAX && number.ordinal >= 1 && number.ordinal <= CERTIFICATE_ORDINAL_MAX, "%s", typed);
	certificate_number_format(&number, text);
	FUZZ_CHECK(certificate_number_parse(text, &again) == CERTIFICATE_FINE, "%s", text);
	FUZZ_CHECK(streq(certificate_number_format(&again, twice), text), "%s and %s", text, twice);
}

static void code_of(const char *typed)
{
	char code[CERTIFICATE_CODE_SIZE], again[CERTIFICATE_CODE_SIZE];
	enum certificate_fault fault = certificate_code_parse(typed, code);

	FUZZ_CHECK((fault == CERTIFICATE_FINE) == (strlen(code) == CERTIFICATE_CODE_SIZE - 1), "%s", code);
	if (fault == CERTIFICATE_FINE)
		FUZZ_CHECK(certificate_code_parse(code, again) == CERTIFICATE_FINE && streq(code, again), "%s", code);
}

static void form_of(const char *text)
{
	struct error err;
	struct form form;

	error_clear(&err);
	if (!form_parse(text, &form, &err)) {
		fuzz_check_refusal(&err);
		return;
	}
	FUZZ_CHECK(form.count <= FORM_PARTS_MAX, "%zu", form.count);
	for (size_t i = 0; i < form.count; i++) {
		const struct form_part *part = &form.parts[i];

		FUZZ_CHECK(part->x >= 0 && part->y >= 0 && part->width > 0 && part->x + part->width <= 210 && part->y <= 148,
			   "%f %f %f", part->x, part->y, part->width);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned what = fuzz_byte(&data, &size);
	char *rest = fuzz_rest(data, size);

	arena_init(&arena);
	switch (what) {
	case 't':
		text_of(rest);
		break;
	case 'b':
		bytes_of(data, size);
		break;
	case 'r':
		list_of(rest);
		break;
	case 'n':
		number_of(rest);
		break;
	case 'c':
		code_of(rest);
		break;
	case 'f':
		form_of(rest);
		break;
	default:
		break;
	}
	arena_release(&arena);
	free(rest);
	return 0;
}
