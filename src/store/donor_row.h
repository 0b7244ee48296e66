#ifndef STORE_DONOR_ROW_H
#define STORE_DONOR_ROW_H

#include <stdbool.h>
#include <stddef.h>

#include "store/donor_store.h"
#include "store/lookup.h"

/* How a donor is sealed, digested and read: shared by all statements that do. */
struct buf;
struct key_view;

/* Columns of a donor `d` that stand in plain, then those that are sealed. */
#define DONOR_PLAIN_COLUMNS \
	"d.id, d.number, d.birth_year, d.sex, d.abo, d.rhd, d.blood_evidence, d.unit_id, d.unit_on," \
	" d.contact_facility, " SQL_MICROS("d.registered_at") ", d.version, d.erased_at IS NOT NULL," \
	" d.last_donated_on, d.next_whole_blood, d.next_red_cells, d.next_platelets, d.next_plasma," \
	" d.next_granulocytes, d.next_stem_cells"
#define DONOR_SEALED_COLUMNS "d.wrap_key_id, d.wrapped_key, d.sealed"
enum { DONOR_PLAIN_COUNT = 20, DONOR_SEALED_COUNT = 3 };
/* Identifiers, three arrays side by side: ids, kinds, sealed. */
#define DONOR_IDENTIFIER_COLUMNS \
	"ARRAY(SELECT i.id FROM donor_identifier AS i WHERE i.donor_id = d.id ORDER BY i.recorded_at, i.id)," \
	" ARRAY(SELECT i.kind FROM donor_identifier AS i WHERE i.donor_id = d.id ORDER BY i.recorded_at, i.id)," \
	" ARRAY(SELECT i.sealed FROM donor_identifier AS i WHERE i.donor_id = d.id ORDER BY i.recorded_at, i.id)"

/* $1 id, $2 number, $3 units or NULL, $4 whether a merged record itself is meant. */
#define DONOR_SOUGHT \
	"d AS (SELECT d.* FROM donor AS d WHERE d.id = (SELECT coalesce(a.into_id, k.id) FROM donor AS k" \
	"  LEFT JOIN donor_alias AS a ON a.donor_id = k.id AND NOT $4::boolean" \
	"  WHERE k.id = $1::uuid OR k.number = $2)" \
	"  AND ($3::text[] IS NULL OR d.unit_id = ANY ($3)))"
/* The records that are one person: `d` and what was merged into it. */
#define DONOR_OWN \
	"own AS (SELECT d.id FROM d UNION ALL SELECT m.donor_id FROM donor_alias AS m JOIN d ON d.id = m.into_id)"

/* Of a row of donor_lookup: what its audit entry has as digest. All in it is random, digested, or an id: no key is needed. */
#define DONOR_LOOKUP_DIGEST(l) \
	"sha256(uuid_send(" l ".id) || int4send(" l ".key_id) || array_send(" l ".found) || array_send(" l ".asked)" \
	" || array_send(" l ".requests))"

struct donor_next donor_next_read(const struct db_result *result, int row, int column);
void donor_read_plain(struct donor_record *record, struct arena *arena, const struct db_result *result, int row,
		      int column);
/*
 * Opens name, birth date, phone and address of a record whose plain part is read. False and
 * ERR_UNAVAILABLE when the key is not at hand, ERR_INTERNAL when what is kept is not what was sealed.
 * An erased record stays empty. Leaves the donor's key open in store->donor_key.
 */
bool donor_read_sealed(struct donor_record *record, const struct store *store, struct arena *arena,
		       const struct db_result *result, int row, int column, struct error *err);
bool donor_read_identifiers(struct donor_record *record, const struct store *store, struct arena *arena,
			    const struct db_result *result, int row, int column, struct error *err);
/*
 * What is sealed of a record, copied out of a result, to be opened where there is none any more: in the CPU pool, with a
 * store that has nothing but the keyring and a donor_key of its own.
 */
struct donor_sealed {
	char         id[UUID_TEXT_SIZE];
	int          wrap_key_id;
	const char  *wrapped, *person;
	size_t       nidentifiers;
	const char **identifier_ids, **kinds, **identifiers;
};
/* Columns: id, DONOR_SEALED_COLUMNS, and then, where `identifiers`, DONOR_IDENTIFIER_COLUMNS. The record was not erased. */
void donor_sealed_copy(struct donor_sealed *sealed, bool identifiers, struct arena *arena, const struct db_result *result,
		       int row, int column);
/* Fills in what was sealed. Errors as donor_read_sealed(). */
bool donor_sealed_open(const struct donor_sealed *sealed, struct donor *donor, const struct store *store, struct arena *arena,
		       struct error *err);
/* What is kept is not what was sealed: ERR_INTERNAL, false. */
bool donor_fail_sealed(struct error *err);
/* The key of a record that was read before. */
bool donor_open_key(const struct donor_record *record, const struct store *store, struct error *err);

/* ---- sealing; the donor's key is open in store->donor_key ---- */

/* As PostgreSQL's bytea text, in the arena. */
const char *donor_seal_person(const struct donor *donor, const struct store *store, struct arena *arena);
const char *donor_seal_identifier(const struct donor_identifier *identifier, const char *donor_id,
				  const struct store *store, struct arena *arena);
const char *donor_seal_text(const char *table, const char *field, const char *donor_id, const char *text,
			    const struct store *store, struct arena *arena);

/* Where the proof of a consent is sealed: no row's can be put into another. */
const char *consent_proof_field(const char *consent_id, struct arena *arena);
/* A text that donor_seal_text() sealed; NULL: not by the key that is open, for that place. */
const char *donor_open_text(const char *table, const char *field, const char *donor_id, const char *hex,
			    const struct store *store, struct arena *arena);

/* ---- digests ---- */

enum donor_use { USE_IDENTIFIER, USE_PAPER, USE_PHONE, USE_NAME };
const char *donor_use_text(enum donor_use use);

/*
 * In which order rows `g` of donor_digest are written: one, so that two statements with the same digests do not wait for
 * each other; and those of the use 'suppression' last, so that who waited for an erasure to end sees what it left.
 */
#define DIGEST_ORDER "ORDER BY g.use = 'suppression', g.digest"

/*
 * In SQL: whether this daemon has slept through a change of the hash keys, or of the suppression keys under which the
 * digests that it hands in meet what is left of the erased.
 */
#define DONOR_KEYS_STALE(written, uses, keys) \
	"(" KEYS_STALE(written) " OR EXISTS (SELECT FROM key AS k WHERE k.kind = 'suppression' AND k.state = 'active'" \
	"  AND 'suppression' = ANY (" uses "::text[]) AND NOT EXISTS (SELECT FROM unnest(" uses "::text[], " keys "::integer[])" \
	"   AS s (use, key_id) WHERE s.use = 'suppression' AND s.key_id = k.id)))"

/* Rows of donor_digest, or what to look for: arrays side by side, as texts. */
struct donor_digests {
	struct arena *arena;
	size_t        count, max;
	const char  **digest, **use, **key_id, **identifier_id, **n;
};
/*
 * Adds the digests of one thing: under the written keys, or, to look for it, under all of them. `n` numbers
 * what is asked for: an identifier, a word.
 */
enum donor_digest_keys { DIGESTS_WRITTEN, DIGESTS_PROBED };
void donor_digest_identifier(struct donor_digests *digests, const struct store *store, const struct key_view *view,
			     enum donor_digest_keys keys, const struct identifier *identifier, const char *id,
			     size_t n);
void donor_digest_phone(struct donor_digests *digests, const struct store *store, const struct key_view *view,
			enum donor_digest_keys keys, const char *phone);
/* A word as person_name_words() gives it. */
void donor_digest_word(struct donor_digests *digests, const struct store *store, const struct key_view *view,
		       enum donor_digest_keys keys, const char *word, int birth_year, size_t n);
/* Returns how many words the name has. */
size_t donor_digest_name(struct donor_digests *digests, const struct store *store, const struct key_view *view,
			 enum donor_digest_keys keys, const char *name, int birth_year);
/*
 * Under the suppression keys, of a number that is one person's alone: rows of the use 'suppression', which
 * meet what is left of an erased person and are never stored (migrations/0012_erasure.sql).
 */
void donor_digest_suppression(struct donor_digests *digests, const struct store *store, const struct key_view *view,
			      enum donor_digest_keys keys, const struct identifier *identifier);
/* All rows of a donor. */
void donor_digest_all(struct donor_digests *digests, const struct store *store, const struct key_view *view,
		      const struct donor *donor);

#endif
