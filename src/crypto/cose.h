#ifndef CRYPTO_COSE_H
#define CRYPTO_COSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Of CBOR (RFC 8949) and COSE (RFC 9052) what this room needs, in the deterministic encoding: items one after the other,
 * nothing allocated by what a stranger claims to send.
 */
struct arena;
struct buf;

/* ---- writing ---- */

void cbor_put_uint(struct buf *out, uint64_t value);
void cbor_put_bytes(struct buf *out, const void *bytes, size_t len);
void cbor_put_text(struct buf *out, const char *text);
void cbor_put_map(struct buf *out, size_t pairs);

/* ---- reading ---- */

enum cbor_kind { CBOR_NOTHING, CBOR_UINT, CBOR_NEGATIVE, CBOR_BYTES, CBOR_TEXT, CBOR_ARRAY, CBOR_MAP };

struct cbor_reader {
	const unsigned char *at;
	size_t               left;
	bool                 failed;
};
struct cbor_item {
	enum cbor_kind       kind;
	uint64_t             value;              /* or how many bytes or elements follow; -1 - n of a negative one */
	const unsigned char *bytes;              /* of bytes and text */
};

void cbor_reader_init(struct cbor_reader *reader, const void *bytes, size_t len);
/* The next item, of that kind; else the reader has failed and the item is nothing. */
struct cbor_item cbor_next(struct cbor_reader *reader, enum cbor_kind kind);
/* A pair's key that must be this number. */
void cbor_expect_key(struct cbor_reader *reader, uint64_t key);
bool cbor_reader_ended(const struct cbor_reader *reader);

/* ---- COSE_Sign1 with EdDSA ---- */

enum { COSE_KID_BYTES = 8, COSE_SIGNATURE_BYTES = 64, COSE_SEED_BYTES = 32 };

void cose_sign1(const unsigned char seed[COSE_SEED_BYTES], const unsigned char kid[COSE_KID_BYTES], const void *payload,
		size_t payload_len, struct buf *out);

struct cose_parts {
	unsigned char        kid[COSE_KID_BYTES];
	const unsigned char *payload, *signature;
	size_t               payload_len;
	const unsigned char *signed_bytes;       /* in the arena */
	size_t               signed_len;
};
/* False: not a tagged COSE_Sign1 of that form, or encoded otherwise than cose_sign1() does, or bytes behind it. */
bool cose_parse(const unsigned char *bytes, size_t len, struct arena *arena, struct cose_parts *parts)
	__attribute__((warn_unused_result));

#endif
