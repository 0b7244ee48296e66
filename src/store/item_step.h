#ifndef STORE_ITEM_STEP_H
#define STORE_ITEM_STEP_H

#include "store/audit.h"

/*
 * Entries of the audit about rows of item_decision, as part of the statement that writes them: `decided` are these rows,
 * `parameter` has an entry for each (decision_audit_text()). Subject "item_decision", id "<item>:<version>"; what the
 * digest is made of is in the row, so the database makes it.
 */
#define DECISION_AUDIT(parameter, decided) \
	"INSERT INTO audit_entry (" AUDIT_COLUMNS ")" \
	" SELECT (e.row->>'id')::uuid, e.row->>'actor_kind', e.row->>'actor_id', e.row->>'actor_role', 'item.' || d.verb," \
	"  'item_decision', d.item_id || ':' || d.version, e.row->>'request_id', (e.row->>'key_id')::integer, NULL," \
	"  item_decision_digest(ROW(d.item_id, d.version, d.content_hash, d.verb, d.decided_at, d.decided_by_kind," \
	"   d.decided_by, d.answers)::item_decision)" \
	" FROM (SELECT x.*, row_number() OVER (ORDER BY x.item_id, x.version) AS n FROM " decided " AS x) AS d" \
	" JOIN jsonb_array_elements(" parameter "::jsonb) WITH ORDINALITY AS e (row, n) ON e.n = d.n"

/* The same of rows that appointment_do() gave back. */
#define AUDIT_OF_STEPS(parameter, steps) \
	"INSERT INTO audit_entry (" AUDIT_COLUMNS ")" \
	" SELECT uuid7_make(), e.row->>'actor_kind', e.row->>'actor_id', e.row->>'actor_role', s.action, s.subject, s.id::text," \
	"  e.row->>'request_id', (e.row->>'key_id')::integer, s.digest_before, s.digest_after" \
	" FROM " steps " AS s, jsonb_array_elements(" parameter "::jsonb) AS e (row)"

/* As item_fact_id() in the database: of PostgreSQL's bytea text. */
void item_id_of_hash(const char *hash, char out[UUID_TEXT_SIZE]);

struct arena;
/* For at most so many decisions. */
const char *decision_audit_text(const struct store *store, const struct actor *actor, int count, struct arena *arena);

#endif
