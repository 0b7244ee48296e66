#ifndef STORE_CERTIFICATE_ROW_H
#define STORE_CERTIFICATE_ROW_H

#include <stdbool.h>

#include "store/certificate_store.h"

/* What the files about certificates share. */
struct buf;
struct db_result;

/* A number as audit entries name it: what the statement that gives it can write. Of a row `c`. */
#define CERTIFICATE_SUBJECT(c) \
	c ".issuer || lpad((" c ".year % 100)::text, 2, '0') || '-'" \
	" || lpad(" c ".ordinal::text, greatest(6, length(" c ".ordinal::text)), '0')"

/* The entries of $n for each row of `from`: one template, an id of its own each. */
#define AUDIT_INSERT_EACH(parameter, subject, from) \
	"INSERT INTO audit_entry (" AUDIT_COLUMNS ")" \
	" SELECT uuid7_make(), entry.actor_kind, entry.actor_id, entry.actor_role, entry.action, entry.subject_kind, " \
	subject ", entry.request_id, entry.key_id, entry.digest_before, entry.digest_after" \
	" FROM jsonb_to_recordset(" parameter "::jsonb) AS entry (actor_kind text, actor_id text," \
	"  actor_role text, action text, subject_kind text, request_id text, key_id integer," \
	"  digest_before bytea, digest_after bytea), " from

/* What an entry `e` (row, n) of the audit's parameter has for its columns, about `subject`; without what was before. */
#define AUDIT_ROW(e, subject) \
	"(" e ".row->>'id')::uuid, " e ".row->>'actor_kind', " e ".row->>'actor_id', " e ".row->>'actor_role', " e ".row->>'action'," \
	" " e ".row->>'subject_kind', " subject ", " e ".row->>'request_id', (" e ".row->>'key_id')::integer, NULL," \
	" (" e ".row->>'digest_after')::bytea"

void row_issuer(const struct db_result *result, int row, int column, char out[ISSUER_CODE_SIZE]);
void row_number(const struct db_result *result, int row, int column, struct certificate_number *out);

/* What is sealed of a certificate: kept so, whatever changes later. */
struct certificate_print_text {
	struct certificate_content content;      /* but number and code, which stand in plain */
	unsigned char              salt[CERTIFICATE_SALT_BYTES];
};
/* The donor's key is open in store->donor_key. */
const char *certificate_seal_print(const struct certificate_print_text *print, const char *id, const char *donor_id,
				   const struct store *store, struct arena *arena);
bool certificate_open_print(struct certificate_print_text *print, const char *id, const char *donor_id, const char *hex,
			    const struct store *store, struct arena *arena, struct error *err);

/*
 * The key in use for a body (or, issuer "", for the list of revocations) and year: what the database has (`generation` 0: none),
 * or, where that is of a sign key that rests, or compromised, the next one. ERR_UNAVAILABLE: not at hand.
 */
bool certificate_key_choose(struct certificate_key *key, bool compromised, const struct store *store, struct error *err);
bool certificate_fail_key(struct error *err);
/* Whether a sign key is what the database calls active: a daemon that slept through a change of keys would make one of an old key. */
#define SIGN_KEY_ACTIVE(sign_key_id) \
	"EXISTS (SELECT FROM key WHERE kind = 'sign' AND id = " sign_key_id "::integer AND state = 'active')"
/* Writes the key's row where it is not there, and is of the sign key in use. */
#define CERTIFICATE_KEY_INSERT(issuer, year, generation, sign_key_id, kid, public_key, condition) \
	"INSERT INTO certificate_key (issuer, year, generation, sign_key_id, kid, public_key)" \
	" SELECT " issuer ", " year "::integer, " generation "::integer, " sign_key_id "::integer, " kid "::bytea, " public_key \
	"::bytea WHERE (" condition ") AND " SIGN_KEY_ACTIVE(sign_key_id) " ON CONFLICT DO NOTHING"
/* The entry about a key that is made, as a parameter: "certificate_key.make" or what `action` says; subject "LC/2026/1". */
const char *audit_of_key(const struct store *store, const struct actor *actor, const char *action, const struct certificate_key *key,
			 struct arena *arena);
/* The six of them, in that order. */
void query_certificate_key(struct db_query *query, const struct certificate_key *key, struct arena *arena);

#endif
