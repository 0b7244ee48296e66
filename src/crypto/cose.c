#include "crypto/cose.h"

#include <cbor.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/memory.h"

/* The tag 18 is one byte. It is looked at here: libcbor 0.8 takes those of 5 to 20 for an error. */
static const char sign1_tag[] = "\xd2";

enum { HEAD_MAX = 9, LABEL_ALGORITHM = 1, LABEL_KID = 4, EDDSA = -8 };

_Static_assert(COSE_SIGNATURE_BYTES == crypto_sign_BYTES && COSE_SEED_BYTES == crypto_sign_SEEDBYTES, "Ed25519");

/* ---- writing ---- */

typedef size_t head_encoder(size_t, unsigned char *, size_t);

static void put_head(struct buf *out, head_encoder *encode, size_t value)
{
	size_t len = encode(value, (unsigned char *)buf_reserve(out, HEAD_MAX), HEAD_MAX);

	if (len == 0)
		abort();                 /* nine bytes hold any head */
	out->len += len;
	out->data[out->len] = '\0';
}

void cbor_put_uint(struct buf *out, uint64_t value)
{
	put_head(out, cbor_encode_uint, value);
}

void cbor_put_bytes(struct buf *out, const void *bytes, size_t len)
{
	put_head(out, cbor_encode_bytestring_start, len);
	if (len > 0)
		buf_append(out, bytes, len);
}

void cbor_put_text(struct buf *out, const char *text)
{
	put_head(out, cbor_encode_string_start, strlen(text));
	buf_append_text(out, text);
}

void cbor_put_map(struct buf *out, size_t pairs)
{
	put_head(out, cbor_encode_map_start, pairs);
}

/* ---- reading: libcbor tells of one item at a time ---- */

static void took(void *item, enum cbor_kind kind, uint64_t value, const unsigned char *bytes)
{
	*(struct cbor_item *)item = (struct cbor_item){ kind, value, bytes };
}

static void on_uint8(void *item, uint8_t value) { took(item, CBOR_UINT, value, NULL); }
static void on_uint16(void *item, uint16_t value) { took(item, CBOR_UINT, value, NULL); }
static void on_uint32(void *item, uint32_t value) { took(item, CBOR_UINT, value, NULL); }
static void on_uint64(void *item, uint64_t value) { took(item, CBOR_UINT, value, NULL); }
static void on_negint8(void *item, uint8_t value) { took(item, CBOR_NEGATIVE, value, NULL); }
static void on_array(void *item, size_t count) { took(item, CBOR_ARRAY, count, NULL); }
static void on_map(void *item, size_t count) { took(item, CBOR_MAP, count, NULL); }

static void on_bytes(void *item, cbor_data bytes, size_t len)
{
	took(item, CBOR_BYTES, len, bytes);
}

static void on_text(void *item, cbor_data bytes, size_t len)
{
	took(item, CBOR_TEXT, len, bytes);
}

static struct cbor_callbacks callbacks_of_ours(void)
{
	struct cbor_callbacks callbacks = cbor_empty_callbacks;

	callbacks.uint8 = on_uint8;
	callbacks.uint16 = on_uint16;
	callbacks.uint32 = on_uint32;
	callbacks.uint64 = on_uint64;
	callbacks.negint8 = on_negint8;
	callbacks.byte_string = on_bytes;
	callbacks.string = on_text;
	callbacks.array_start = on_array;
	callbacks.map_start = on_map;
	return callbacks;
}

void cbor_reader_init(struct cbor_reader *reader, const void *bytes, size_t len)
{
	*reader = (struct cbor_reader){ .at = bytes, .left = len };
}

struct cbor_item cbor_next(struct cbor_reader *reader, enum cbor_kind kind)
{
	const struct cbor_callbacks callbacks = callbacks_of_ours();
	struct cbor_item item = { CBOR_NOTHING, 0, NULL };
	struct cbor_decoder_result result = { 0 };

	if (!reader->failed && reader->left > 0)
		result = cbor_stream_decode(reader->at, reader->left, &callbacks, &item);
	if (result.status != CBOR_DECODER_FINISHED || result.read == 0 || result.read > reader->left || item.kind != kind) {
		reader->failed = true;
		return (struct cbor_item){ CBOR_NOTHING, 0, NULL };
	}
	reader->at += result.read;
	reader->left -= result.read;
	return item;
}

void cbor_expect_key(struct cbor_reader *reader, uint64_t key)
{
	if (cbor_next(reader, CBOR_UINT).value != key)
		reader->failed = true;
}

bool cbor_reader_ended(const struct cbor_reader *reader)
{
	return !reader->failed && reader->left == 0;
}

/* ---- COSE_Sign1 ---- */

static void put_protected(struct buf *out, const unsigned char kid[COSE_KID_BYTES])
{
	struct buf head = { 0 };

	cbor_put_map(&head, 2);
	cbor_put_uint(&head, LABEL_ALGORITHM);
	put_head(&head, cbor_encode_negint, -1 - EDDSA);
	cbor_put_uint(&head, LABEL_KID);
	cbor_put_bytes(&head, kid, COSE_KID_BYTES);
	cbor_put_bytes(out, head.data, head.len);
	buf_release(&head);
}

/* Sig_structure of RFC 9052, 4.4. */
static void put_signed(struct buf *out, const unsigned char kid[COSE_KID_BYTES], const void *payload, size_t len)
{
	put_head(out, cbor_encode_array_start, 4);
	cbor_put_text(out, "Signature1");
	put_protected(out, kid);
	cbor_put_bytes(out, "", 0);
	cbor_put_bytes(out, payload, len);
}

static void put_message(struct buf *out, const unsigned char kid[COSE_KID_BYTES], const void *payload, size_t len,
			const unsigned char signature[COSE_SIGNATURE_BYTES])
{
	buf_append_text(out, sign1_tag);
	put_head(out, cbor_encode_array_start, 4);
	put_protected(out, kid);
	cbor_put_map(out, 0);
	cbor_put_bytes(out, payload, len);
	cbor_put_bytes(out, signature, COSE_SIGNATURE_BYTES);
}

void cose_sign1(const unsigned char seed[COSE_SEED_BYTES], const unsigned char kid[COSE_KID_BYTES], const void *payload,
		size_t payload_len, struct buf *out)
{
	unsigned char public_key[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
	unsigned char signature[COSE_SIGNATURE_BYTES];
	struct buf text = { 0 };

	put_signed(&text, kid, payload, payload_len);
	crypto_sign_seed_keypair(public_key, secret, seed);
	crypto_sign_detached(signature, NULL, (const unsigned char *)text.data, text.len, secret);
	sodium_memzero(secret, sizeof(secret));
	buf_release(&text);
	put_message(out, kid, payload, payload_len, signature);
}

static void read_protected(const struct cbor_item *head, unsigned char kid[COSE_KID_BYTES], struct cbor_reader *outer)
{
	struct cbor_reader reader;
	struct cbor_item id;

	cbor_reader_init(&reader, head->bytes, head->value);
	if (cbor_next(&reader, CBOR_MAP).value != 2)
		reader.failed = true;
	cbor_expect_key(&reader, LABEL_ALGORITHM);
	if (cbor_next(&reader, CBOR_NEGATIVE).value != -1 - EDDSA)
		reader.failed = true;
	cbor_expect_key(&reader, LABEL_KID);
	id = cbor_next(&reader, CBOR_BYTES);
	if (cbor_reader_ended(&reader) && id.value == COSE_KID_BYTES)
		memcpy(kid, id.bytes, COSE_KID_BYTES);
	else
		outer->failed = true;
}

/* What was read is written again: another encoding of the same would be a second text of one certificate. */
static bool is_same_again(const struct cose_parts *parts, const unsigned char *bytes, size_t len)
{
	struct buf again = { 0 };
	bool same;

	put_message(&again, parts->kid, parts->payload, parts->payload_len, parts->signature);
	same = again.len == len && memcmp(again.data, bytes, len) == 0;
	buf_release(&again);
	return same;
}

bool cose_parse(const unsigned char *bytes, size_t len, struct arena *arena, struct cose_parts *parts)
{
	struct cbor_reader reader;
	struct cbor_item head, payload, signature;
	struct buf text = { 0 };

	memset(parts, 0, sizeof(*parts));
	if (len == 0 || bytes[0] != (unsigned char)sign1_tag[0])
		return false;
	cbor_reader_init(&reader, bytes + 1, len - 1);
	if (cbor_next(&reader, CBOR_ARRAY).value != 4)
		return false;
	head = cbor_next(&reader, CBOR_BYTES);
	if (reader.failed || cbor_next(&reader, CBOR_MAP).value != 0)
		return false;
	payload = cbor_next(&reader, CBOR_BYTES);
	signature = cbor_next(&reader, CBOR_BYTES);
	if (!cbor_reader_ended(&reader) || signature.value != COSE_SIGNATURE_BYTES)
		return false;
	read_protected(&head, parts->kid, &reader);
	parts->payload = payload.bytes;
	parts->payload_len = payload.value;
	parts->signature = signature.bytes;
	if (reader.failed || !is_same_again(parts, bytes, len))
		return false;
	put_signed(&text, parts->kid, parts->payload, parts->payload_len);
	parts->signed_bytes = (const unsigned char *)arena_strndup(arena, text.data, text.len);
	parts->signed_len = text.len;
	buf_release(&text);
	return true;
}
