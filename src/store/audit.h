#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include "base/buf.h"
#include "base/json_out.h"
#include "store/store.h"

/*
 * The audit rows of a write travel as one jsonb parameter into the write's own
 * statement, so that neither can be there without the other:
 *
 *	audit_begin(&audit, store, &op->actor);
 *	audit_add(&audit, "round.move", "round", id, &before, &after);
 *	query_text(&op->query, audit_end(&audit, op->arena));
 */
#define AUDIT_COLUMNS \
	"id, actor_kind, actor_id, actor_role, action, subject_kind, subject_id, request_id," \
	" key_id, digest_before, digest_after"

#define AUDIT_INSERT(parameter, condition) \
	"INSERT INTO audit_entry (" AUDIT_COLUMNS ") SELECT " AUDIT_COLUMNS \
	" FROM jsonb_to_recordset(" parameter "::jsonb) AS entry (id uuid, actor_kind text, actor_id text," \
	"  actor_role text, action text, subject_kind text, subject_id text, request_id text," \
	"  key_id integer, digest_before bytea, digest_after bytea) WHERE " condition

/* The same rows, about something that only the statement knows: `subject` is its id, `from` has a row for each. */
#define AUDIT_INSERT_FOUND(parameter, subject, from) \
	"INSERT INTO audit_entry (" AUDIT_COLUMNS ")" \
	" SELECT entry.id, entry.actor_kind, entry.actor_id, entry.actor_role, entry.action, entry.subject_kind, " \
	subject ", entry.request_id, entry.key_id, entry.digest_before, entry.digest_after" \
	" FROM jsonb_to_recordset(" parameter "::jsonb) AS entry (id uuid, actor_kind text, actor_id text," \
	"  actor_role text, action text, subject_kind text, request_id text, key_id integer," \
	"  digest_before bytea, digest_after bytea), " from

/*
 * The same, about those whom a list tells of: CTEs `told` and `audit`, after one named `d` that has their ids. Of the rows
 * handed in, each of which has no subject, as many are written as there are.
 */
#define AUDIT_TOLD(parameter) \
	" told AS (SELECT t.id::text AS id, row_number() OVER () AS n FROM (SELECT DISTINCT id FROM d) AS t)," \
	" audit AS (INSERT INTO audit_entry (" AUDIT_COLUMNS ")" \
	"  SELECT (e.row->>'id')::uuid, e.row->>'actor_kind', e.row->>'actor_id', e.row->>'actor_role', e.row->>'action'," \
	"   e.row->>'subject_kind', told.id, e.row->>'request_id', (e.row->>'key_id')::integer, NULL, NULL" \
	"  FROM jsonb_array_elements(" parameter "::jsonb) WITH ORDINALITY AS e (row, n) JOIN told ON told.n = e.n)"

#define TOPIC_BUMP(topic, condition) \
	"UPDATE change SET version = version + 1 WHERE topic = '" topic "' AND " condition

struct arena;

struct audit {
	const struct store *store;
	const struct actor *actor;
	int                 key_id;      /* of all its digests: the active one may change meanwhile */
	struct buf          buf;
	struct json_out     out;
};

/* Who it was, as the columns asked_by and decided_by have it. */
static inline const char *actor_id(const struct actor *actor)
{
	return actor->id ? actor->id : "";
}

void audit_begin(struct audit *audit, const struct store *store, const struct actor *actor);
/* Images before and after; NULL: there was nothing, or nothing is left. */
void audit_add(struct audit *audit, const char *action, const char *subject_kind, const char *subject_id,
	       const struct buf *before, const struct buf *after);
/*
 * Somebody was told something and nothing was changed. `asked`: the digest of what was asked for, under
 * audit->key_id; NULL: there is none. It stands as digest_before.
 */
void audit_add_reading(struct audit *audit, const char *action, const char *subject_kind, const char *subject_id,
		       const char *asked);
/* The parameter, in the arena. */
const char *audit_end(struct audit *audit, struct arena *arena);
/* The parameter of AUDIT_TOLD, for as many donors as `most`. */
const char *audit_told(const struct store *store, const struct actor *actor, const char *action, int most, struct arena *arena);

#endif
