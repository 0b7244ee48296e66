#ifndef CRYPTO_CERTIFICATE_SEAL_H
#define CRYPTO_CERTIFICATE_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/date.h"
#include "domain/certificate.h"

/*
 * What a certificate's QR code says, signed: "GH1:" and the Base45 text (RFC 9285) of a COSE_Sign1 (RFC 9052), tagged,
 * EdDSA with Ed25519:
 *
 *	18([ << {1: -8, 4: kid} >>, {}, << {1: number, 2: issuer, 3: ml, 4: day of donation, 5: salt, 6: holder} >>, signature ])
 *
 * number, issuer and day ("2026-03-12") are texts, ml an unsigned integer, kid 8 bytes, salt 16 random bytes, holder
 * BLAKE2b-256 of salt and certificate_holder_text(): who has name and birth date on a card in the hand can tell whether it
 * is the same person, and who has not learns nothing. No external data. Encoded deterministically (RFC 8949, 4.2.1):
 * each envelope has one text alone, and any other is refused.
 *
 * The list of revoked certificates is the same with "GHR1:" and the map {1: counter, 2: seconds since 1970, 3: entries},
 * whose entries are 8 bytes each, ascending.
 *
 * No private key is stored: the seed of each is the keyed BLAKE2b of what it is for under a sign key of the keyring.
 */
struct arena;
struct buf;
struct keyring;

/* ---- keys: one for each issuing body, year and generation ---- */

enum { CERTIFICATE_KID_BYTES = 8, CERTIFICATE_KEY_BYTES = 32 };
enum certificate_key_use { KEY_FOR_CERTIFICATES, KEY_FOR_REVOCATIONS };

struct certificate_key {
	enum certificate_key_use use;
	char          issuer[ISSUER_CODE_SIZE];          /* "": of revocations */
	int           year, generation;
	int           sign_key_id;                       /* of the keyring */
	unsigned char kid[CERTIFICATE_KID_BYTES];        /* the first bytes of BLAKE2b-256 of the public key; may collide */
	unsigned char public_key[CERTIFICATE_KEY_BYTES];
};
const char *certificate_key_use_text(enum certificate_key_use use);      /* "certificates", "revocations" */

/* Fills kid and public key. False: the keyring has no such sign key. */
bool certificate_key_derive(const struct keyring *keyring, struct certificate_key *key)
	__attribute__((warn_unused_result));
/* The kid of a public key that was given by others. */
void certificate_kid_of(const unsigned char public_key[CERTIFICATE_KEY_BYTES], unsigned char kid[CERTIFICATE_KID_BYTES]);

/* ---- certificates ---- */

enum {
	CERTIFICATE_SALT_BYTES = 16, CERTIFICATE_HOLDER_BYTES = 32, CERTIFICATE_REVOCATION_BYTES = 8,
	CERTIFICATE_TEXT_MAX = 400      /* characters; no envelope is longer */
};

struct certificate_envelope {
	struct certificate_number number;
	int           volume_ml;                         /* 1 to 9999 */
	struct date   donated_on;
	unsigned char salt[CERTIFICATE_SALT_BYTES], holder[CERTIFICATE_HOLDER_BYTES];
};

/* Random bytes for one certificate. */
void certificate_salt_make(unsigned char salt[CERTIFICATE_SALT_BYTES]);
/* The lower 50 bits are for certificate_code_make(). */
uint64_t certificate_code_random(void);
/* `text` as certificate_holder_text() gives it. */
void certificate_holder_digest(const unsigned char salt[CERTIFICATE_SALT_BYTES], const char *text,
			       unsigned char holder[CERTIFICATE_HOLDER_BYTES]);
/*
 * Whether name and birth date are those of the holder. Where the certificate knew the year alone, the year of the date
 * decides.
 */
bool certificate_holder_is(const struct certificate_envelope *envelope, const char *name, struct date birth_date,
			   struct arena *arena);
/* What the list of revocations calls a certificate: who has not seen its QR code learns nothing from it. */
void certificate_revocation_id(const unsigned char salt[CERTIFICATE_SALT_BYTES],
			       unsigned char id[CERTIFICATE_REVOCATION_BYTES]);

/* Appends the text. False: the keyring has not the key's sign key. */
bool certificate_seal(const struct keyring *keyring, const struct certificate_key *key,
		      const struct certificate_envelope *envelope, struct buf *out) __attribute__((warn_unused_result));

/* ---- reading what somebody hands in ---- */

enum { SEALED_BYTES_MAX = 1 << 20 };

/* A text that is well formed, whose signature nobody has looked at yet. Points into the arena. */
struct sealed_text {
	unsigned char        kid[CERTIFICATE_KID_BYTES];
	const unsigned char *signed_bytes, *signature;
	size_t               signed_len;
};
bool sealed_text_is_of(const struct sealed_text *sealed, const unsigned char public_key[CERTIFICATE_KEY_BYTES])
	__attribute__((warn_unused_result));

/* False: not "GH1:", not in the one form. Blanks before it and ends of lines behind it are let pass; a
 * blank behind it may be its own. */
bool certificate_open(const char *text, struct arena *arena, struct certificate_envelope *envelope,
		      struct sealed_text *sealed) __attribute__((warn_unused_result));

/* ---- the list of revocations ---- */

struct revocation_list {
	int64_t              counter, as_of;             /* as_of: seconds since 1970 */
	size_t               count;
	const unsigned char *entries;                    /* count * CERTIFICATE_REVOCATION_BYTES, ascending, none twice */
};
bool revocations_seal(const struct keyring *keyring, const struct certificate_key *key, const struct revocation_list *list,
		      struct buf *out) __attribute__((warn_unused_result));
bool revocations_open(const char *text, struct arena *arena, struct revocation_list *list, struct sealed_text *sealed)
	__attribute__((warn_unused_result));
bool revocations_have(const struct revocation_list *list, const unsigned char id[CERTIFICATE_REVOCATION_BYTES]);

#endif
