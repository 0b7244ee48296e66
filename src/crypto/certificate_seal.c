#include "crypto/certificate_seal.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/base45.h"
#include "base/buf.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/cose.h"
#include "crypto/keyring_secret.h"

static const char certificate_prefix[] = "GH1:", revocations_prefix[] = "GHR1:";
static const char holder_separator = '\x1f';

enum { NUMBER = 1, ISSUER, VOLUME, DONATED, SALT, HOLDER, CERTIFICATE_PAIRS = HOLDER };
enum { COUNTER = 1, AS_OF, ENTRIES, LIST_PAIRS = ENTRIES };
enum { VOLUME_MAX = 9999 };

_Static_assert((int)CERTIFICATE_KID_BYTES == (int)COSE_KID_BYTES && (int)KEY_BYTES == (int)COSE_SEED_BYTES, "one key");
_Static_assert(CERTIFICATE_REVOCATION_BYTES >= 4, "few of a million collide");

/* ---- keys ---- */

const char *certificate_key_use_text(enum certificate_key_use use)
{
	return use == KEY_FOR_REVOCATIONS ? "revocations" : "certificates";
}

/* The words of this use, and what the key is for: no two have one text. */
static bool derive_seed(const struct keyring *keyring, const struct certificate_key *key, unsigned char seed[KEY_BYTES])
{
	unsigned char master[KEY_BYTES];
	char text[96];
	bool known = keyring_copy_key(keyring, KEY_SIGN, key->sign_key_id, master);

	snprintf(text, sizeof(text), "giothong key of %s\x1f%s\x1f%d\x1f%d", certificate_key_use_text(key->use), key->issuer,
		 key->year, key->generation);
	if (known)
		crypto_generichash(seed, KEY_BYTES, (const unsigned char *)text, strlen(text), master, sizeof(master));
	sodium_memzero(master, sizeof(master));
	return known;
}

void certificate_kid_of(const unsigned char public_key[CERTIFICATE_KEY_BYTES], unsigned char kid[CERTIFICATE_KID_BYTES])
{
	unsigned char digest[crypto_generichash_BYTES];

	crypto_generichash(digest, sizeof(digest), public_key, CERTIFICATE_KEY_BYTES, NULL, 0);
	memcpy(kid, digest, CERTIFICATE_KID_BYTES);
}

bool certificate_key_derive(const struct keyring *keyring, struct certificate_key *key)
{
	unsigned char seed[KEY_BYTES], secret[crypto_sign_SECRETKEYBYTES];

	if (!derive_seed(keyring, key, seed))
		return false;
	crypto_sign_seed_keypair(key->public_key, secret, seed);
	sodium_memzero(seed, sizeof(seed));
	sodium_memzero(secret, sizeof(secret));
	certificate_kid_of(key->public_key, key->kid);
	return true;
}

/* ---- what is random, and what is digested ---- */

void certificate_salt_make(unsigned char salt[CERTIFICATE_SALT_BYTES])
{
	randombytes_buf(salt, CERTIFICATE_SALT_BYTES);
}

uint64_t certificate_code_random(void)
{
	uint64_t random;

	randombytes_buf(&random, sizeof(random));
	return random;
}

static void digest_salted(const unsigned char salt[CERTIFICATE_SALT_BYTES], const char *text, unsigned char *out, size_t size)
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, size);
	crypto_generichash_update(&state, salt, CERTIFICATE_SALT_BYTES);
	crypto_generichash_update(&state, (const unsigned char *)text, strlen(text));
	crypto_generichash_final(&state, out, size);
	sodium_memzero(&state, sizeof(state));
}

void certificate_holder_digest(const unsigned char salt[CERTIFICATE_SALT_BYTES], const char *text,
			       unsigned char holder[CERTIFICATE_HOLDER_BYTES])
{
	digest_salted(salt, text, holder, CERTIFICATE_HOLDER_BYTES);
}

void certificate_revocation_id(const unsigned char salt[CERTIFICATE_SALT_BYTES],
			       unsigned char id[CERTIFICATE_REVOCATION_BYTES])
{
	unsigned char digest[crypto_generichash_BYTES];

	digest_salted(salt, "giothong revoked", digest, sizeof(digest));
	memcpy(id, digest, CERTIFICATE_REVOCATION_BYTES);
}

static bool holder_text_is(const struct certificate_envelope *envelope, const char *text)
{
	unsigned char holder[CERTIFICATE_HOLDER_BYTES];

	if (!text || !strchr(text, holder_separator))
		return false;
	certificate_holder_digest(envelope->salt, text, holder);
	return sodium_memcmp(holder, envelope->holder, sizeof(holder)) == 0;
}

bool certificate_holder_is(const struct certificate_envelope *envelope, const char *name, struct date birth_date,
			   struct arena *arena)
{
	const struct date none = { 0 };

	return holder_text_is(envelope, certificate_holder_text(name, birth_date, 0, arena)) ||
	       holder_text_is(envelope, certificate_holder_text(name, none, birth_date.year, arena));
}

/* ---- sealing ---- */

static bool seal(const struct keyring *keyring, const struct certificate_key *key, const char *prefix,
		 const struct buf *payload, struct buf *out)
{
	unsigned char seed[KEY_BYTES];
	struct buf message = { 0 };

	if (!derive_seed(keyring, key, seed))
		return false;
	cose_sign1(seed, key->kid, payload->data, payload->len, &message);
	sodium_memzero(seed, sizeof(seed));
	buf_append_text(out, prefix);
	base45_encode(message.data, message.len, out);
	buf_release(&message);
	return true;
}

static void put_certificate(struct buf *out, const struct certificate_envelope *envelope)
{
	char number[CERTIFICATE_NUMBER_SIZE], day[DATE_TEXT_SIZE];

	cbor_put_map(out, CERTIFICATE_PAIRS);
	cbor_put_uint(out, NUMBER);
	cbor_put_text(out, certificate_number_format(&envelope->number, number));
	cbor_put_uint(out, ISSUER);
	cbor_put_text(out, envelope->number.issuer);
	cbor_put_uint(out, VOLUME);
	cbor_put_uint(out, (uint64_t)envelope->volume_ml);
	cbor_put_uint(out, DONATED);
	cbor_put_text(out, date_format(envelope->donated_on, day));
	cbor_put_uint(out, SALT);
	cbor_put_bytes(out, envelope->salt, sizeof(envelope->salt));
	cbor_put_uint(out, HOLDER);
	cbor_put_bytes(out, envelope->holder, sizeof(envelope->holder));
}

bool certificate_seal(const struct keyring *keyring, const struct certificate_key *key,
		      const struct certificate_envelope *envelope, struct buf *out)
{
	struct buf payload = { 0 };
	bool known;

	put_certificate(&payload, envelope);
	known = seal(keyring, key, certificate_prefix, &payload, out);
	buf_release(&payload);
	return known;
}

static void put_list(struct buf *out, const struct revocation_list *list)
{
	cbor_put_map(out, LIST_PAIRS);
	cbor_put_uint(out, COUNTER);
	cbor_put_uint(out, (uint64_t)list->counter);
	cbor_put_uint(out, AS_OF);
	cbor_put_uint(out, (uint64_t)list->as_of);
	cbor_put_uint(out, ENTRIES);
	cbor_put_bytes(out, list->entries, list->count * CERTIFICATE_REVOCATION_BYTES);
}

bool revocations_seal(const struct keyring *keyring, const struct certificate_key *key, const struct revocation_list *list,
		      struct buf *out)
{
	struct buf payload = { 0 };
	bool known;

	put_list(&payload, list);
	known = seal(keyring, key, revocations_prefix, &payload, out);
	buf_release(&payload);
	return known;
}

/* ---- reading ---- */

bool sealed_text_is_of(const struct sealed_text *sealed, const unsigned char public_key[CERTIFICATE_KEY_BYTES])
{
	return crypto_sign_verify_detached(sealed->signature, sealed->signed_bytes, sealed->signed_len, public_key) == 0;
}

/* The blanks of Base45 are its own: only those around the whole are taken off. */
static bool unwrap(const char *text, const char *prefix, size_t max, struct arena *arena, struct cose_parts *parts)
{
	size_t len, size;
	unsigned char *bytes;

	text += strspn(text, " \t\r\n");
	if (!text_starts_with(text, prefix))
		return false;
	text += strlen(prefix);
	len = strlen(text);
	while (len > 0 && strchr("\t\r\n", text[len - 1]))
		len--;
	if (len > base45_length(max))
		return false;
	bytes = arena_alloc(arena, len + 1);
	return base45_decode(text, len, bytes, len, &size) && cose_parse(bytes, size, arena, parts);
}

static void sealed_of(const struct cose_parts *parts, struct sealed_text *sealed)
{
	memcpy(sealed->kid, parts->kid, sizeof(sealed->kid));
	sealed->signed_bytes = parts->signed_bytes;
	sealed->signed_len = parts->signed_len;
	sealed->signature = parts->signature;
}

static const char *text_of(const struct cbor_item *item, struct arena *arena)
{
	return item->kind == CBOR_TEXT ? arena_strndup(arena, (const char *)item->bytes, item->value) : "";
}

static void copy_bytes(struct cbor_reader *reader, unsigned char *out, size_t len)
{
	struct cbor_item item = cbor_next(reader, CBOR_BYTES);

	if (item.value == len && item.bytes)
		memcpy(out, item.bytes, len);
	else
		reader->failed = true;
}

/* Whether what was understood is written with the same bytes. */
static bool is_payload(const struct buf *again, const struct cose_parts *parts)
{
	return again->len == parts->payload_len && memcmp(again->data, parts->payload, again->len) == 0;
}

static bool read_certificate(const struct cose_parts *parts, struct arena *arena, struct certificate_envelope *envelope)
{
	struct cbor_item number, issuer, volume, day;
	struct cbor_reader reader;
	struct buf again = { 0 };
	bool same;

	cbor_reader_init(&reader, parts->payload, parts->payload_len);
	if (cbor_next(&reader, CBOR_MAP).value != CERTIFICATE_PAIRS)
		return false;
	cbor_expect_key(&reader, NUMBER);
	number = cbor_next(&reader, CBOR_TEXT);
	cbor_expect_key(&reader, ISSUER);
	issuer = cbor_next(&reader, CBOR_TEXT);
	cbor_expect_key(&reader, VOLUME);
	volume = cbor_next(&reader, CBOR_UINT);
	cbor_expect_key(&reader, DONATED);
	day = cbor_next(&reader, CBOR_TEXT);
	cbor_expect_key(&reader, SALT);
	copy_bytes(&reader, envelope->salt, sizeof(envelope->salt));
	cbor_expect_key(&reader, HOLDER);
	copy_bytes(&reader, envelope->holder, sizeof(envelope->holder));
	if (!cbor_reader_ended(&reader) || volume.value < 1 || volume.value > VOLUME_MAX ||
	    certificate_number_parse(text_of(&number, arena), &envelope->number) != CERTIFICATE_FINE ||
	    !streq(text_of(&issuer, arena), envelope->number.issuer) ||
	    !date_parse(text_of(&day, arena), &envelope->donated_on))
		return false;
	envelope->volume_ml = (int)volume.value;
	put_certificate(&again, envelope);
	same = is_payload(&again, parts);
	buf_release(&again);
	return same;
}

bool certificate_open(const char *text, struct arena *arena, struct certificate_envelope *envelope,
		      struct sealed_text *sealed)
{
	struct cose_parts parts;

	memset(envelope, 0, sizeof(*envelope));
	if (!unwrap(text, certificate_prefix, CERTIFICATE_TEXT_MAX / 3 * 2, arena, &parts) ||
	    !read_certificate(&parts, arena, envelope))
		return false;
	sealed_of(&parts, sealed);
	return true;
}

static bool is_ascending(const struct revocation_list *list)
{
	for (size_t i = 1; i < list->count; i++)
		if (memcmp(list->entries + (i - 1) * CERTIFICATE_REVOCATION_BYTES,
			   list->entries + i * CERTIFICATE_REVOCATION_BYTES, CERTIFICATE_REVOCATION_BYTES) >= 0)
			return false;
	return true;
}

static bool read_list(const struct cose_parts *parts, struct revocation_list *list)
{
	struct cbor_item counter, as_of, entries;
	struct cbor_reader reader;
	struct buf again = { 0 };
	bool same;

	cbor_reader_init(&reader, parts->payload, parts->payload_len);
	if (cbor_next(&reader, CBOR_MAP).value != LIST_PAIRS)
		return false;
	cbor_expect_key(&reader, COUNTER);
	counter = cbor_next(&reader, CBOR_UINT);
	cbor_expect_key(&reader, AS_OF);
	as_of = cbor_next(&reader, CBOR_UINT);
	cbor_expect_key(&reader, ENTRIES);
	entries = cbor_next(&reader, CBOR_BYTES);
	if (!cbor_reader_ended(&reader) || entries.value % CERTIFICATE_REVOCATION_BYTES != 0 ||
	    counter.value > INT64_MAX || as_of.value > INT64_MAX)
		return false;
	*list = (struct revocation_list){ (int64_t)counter.value, (int64_t)as_of.value,
					  entries.value / CERTIFICATE_REVOCATION_BYTES, entries.bytes };
	if (!is_ascending(list))
		return false;
	put_list(&again, list);
	same = is_payload(&again, parts);
	buf_release(&again);
	return same;
}

bool revocations_open(const char *text, struct arena *arena, struct revocation_list *list, struct sealed_text *sealed)
{
	struct cose_parts parts;

	memset(list, 0, sizeof(*list));
	if (!unwrap(text, revocations_prefix, SEALED_BYTES_MAX, arena, &parts) || !read_list(&parts, list))
		return false;
	sealed_of(&parts, sealed);
	return true;
}

bool revocations_have(const struct revocation_list *list, const unsigned char id[CERTIFICATE_REVOCATION_BYTES])
{
	size_t from = 0, to = list->count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		int order = memcmp(list->entries + middle * CERTIFICATE_REVOCATION_BYTES, id, CERTIFICATE_REVOCATION_BYTES);

		if (order == 0)
			return true;
		if (order < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return false;
}
