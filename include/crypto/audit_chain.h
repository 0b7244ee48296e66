#ifndef CRYPTO_AUDIT_CHAIN_H
#define CRYPTO_AUDIT_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/sign.h"

/*
 * The sealed audit: what is hashed and what is signed. This is the whole
 * description; whoever has it, the tables and the public keys can write a
 * verifier of their own (tests/integration/harness/chain.py is one).
 *
 * Order. Each committed row of audit_entry gets one row of audit_seal, with a
 * position: 1, 2, 3, ... without holes. It is an order of its own: by
 * transaction number (xid), then id, of entries whose transaction and all
 * before it had ended when they were taken. So nothing can appear behind what
 * is sealed, however long a transaction stays open; it only waits.
 *
 * Hash. hash(n) = BLAKE2b-256, unkeyed, of one text in ASCII but for what the
 * columns hold in UTF-8:
 *
 *	"giothong audit entry v1\n"
 *	field(hash(n-1))        64 lower-case hexadecimal digits; 64 zeros before the first
 *	field(position)         of audit_seal
 *	field(sealed_at)        of audit_seal
 *	field(x) for the columns of audit_entry, in this order: id, at, xid,
 *		actor_kind, actor_id, actor_role, action, subject_kind, subject_id,
 *		request_id, key_id, digest_before, digest_after
 *
 * field(x) is a netstring: the number of bytes in decimal, ":", the bytes, ",";
 * for SQL NULL it is "-,". Numbers are decimal without leading zeros; an
 * instant is the number of microseconds since 1970-01-01T00:00:00Z; a uuid is
 * its 36 characters in lower case; a bytea lower-case hexadecimal without
 * prefix. An instant that is infinite counts as NULL (none is ever written).
 *
 * Every column is in the hash. A later column of audit_entry needs a v2 of
 * these words and a rule from which position on it holds.
 *
 * Checkpoint. The Ed25519 signature, by a sign key of the keyring, of
 *
 *	"giothong audit checkpoint v1\n"
 *	"position " decimal "\n"
 *	"hash " 64 lower-case hexadecimal digits "\n"
 *	"at_us " decimal, microseconds since 1970 "\n"
 *	"key_id " decimal "\n"
 *
 * It says: at that time the chain up to that position had that hash. It is a
 * row of audit_checkpoint and a line of the log; the line is
 *
 *	audit_checkpoint level=info position=N hash=H at_us=T key_id=K signature=S
 *
 * Restart. A database that was restored from a backup may have lost positions
 * that are known outside. They are never given again: the chain goes on above
 * the highest known one, and an audit entry says so: action "audit.restart",
 * subject_kind "audit", subject_id "FIRST-LAST", the positions left out, or
 * "none". The hole is right if, and only if, a sealed entry at a later position
 * names it exactly; hash(LAST+1) follows hash(FIRST-1). A dump that is loaded
 * into another cluster brings the transaction numbers of the old one, which mean
 * nothing there. They are in the hash, so they stay as they are; the restart
 * entry is sealed after all entries that the dump brought, and from it on the
 * order goes by the new cluster's numbers. While the last sealed entry has a
 * number that this cluster has not given yet, no daemon seals.
 */
struct keyring;

enum { CHAIN_HASH_BYTES = 32, CHAIN_HASH_HEX_SIZE = 65, SIGNATURE_HEX_SIZE = 129 };

/* The columns of an entry, as texts in the form above. */
enum chain_field {
	CHAIN_ID, CHAIN_AT, CHAIN_XID, CHAIN_ACTOR_KIND, CHAIN_ACTOR_ID, CHAIN_ACTOR_ROLE, CHAIN_ACTION,
	CHAIN_SUBJECT_KIND, CHAIN_SUBJECT_ID, CHAIN_REQUEST_ID, CHAIN_KEY_ID, CHAIN_DIGEST_BEFORE,
	CHAIN_DIGEST_AFTER, CHAIN_FIELDS
};

/* One row of the chain and its entry. Texts borrowed; NULL is SQL NULL. */
struct chain_row {
	int64_t     position;
	const char *sealed_us;
	const char *entry[CHAIN_FIELDS];
};

/* `before`: the hash of the row before, zeros for the first. */
void chain_hash(const unsigned char before[CHAIN_HASH_BYTES], const struct chain_row *row,
		unsigned char out[CHAIN_HASH_BYTES]);
void chain_hash_hex(const unsigned char hash[CHAIN_HASH_BYTES], char out[CHAIN_HASH_HEX_SIZE]);
/* Of hexadecimal digits, with PostgreSQL's "\x" or without; false for anything else, NULL too. */
bool chain_hash_parse(const char *hex, unsigned char out[CHAIN_HASH_BYTES]) __attribute__((warn_unused_result));

/* ---- checkpoints ---- */

struct chain_checkpoint {
	int64_t       position;
	unsigned char hash[CHAIN_HASH_BYTES];
	int64_t       at_us;
	int           key_id;
	unsigned char signature[SIGNATURE_BYTES];
};

/* Fills in the signature by `key_id`; false: the keyring has no such key. */
bool chain_checkpoint_sign(const struct keyring *keyring, struct chain_checkpoint *checkpoint)
	__attribute__((warn_unused_result));
bool chain_checkpoint_verify(const struct chain_checkpoint *checkpoint,
			     const unsigned char public_key[SIGN_PUBLIC_BYTES]) __attribute__((warn_unused_result));
void chain_signature_hex(const struct chain_checkpoint *checkpoint, char out[SIGNATURE_HEX_SIZE]);
bool chain_signature_parse(const char *hex, unsigned char out[SIGNATURE_BYTES]) __attribute__((warn_unused_result));

/*
 * Finds checkpoints in text of any kind, byte by byte: lines of the log, with
 * whatever journalctl puts around them, and JSON. A checkpoint is the words
 * position, hash, at_us, key_id, signature, each followed by its value, with
 * anything but letters, digits and "_" between. Zero it first; at the end of
 * the text give a line feed.
 */
enum { CHAIN_SCAN_WORD = 132 };
struct chain_scan {
	struct chain_checkpoint found;
	int                     words;           /* of the ten, so far */
	char                    word[CHAIN_SCAN_WORD];
	size_t                  len;
};
/* True: `found` is a whole checkpoint. Its signature was not looked at. */
bool chain_scan_byte(struct chain_scan *scan, char byte);

#endif
