#include "store/replay.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "store/audit.h"
#include "store/failure.h"
#include "store/lookup.h"
#include "store/replay_store.h"
#include "store/row.h"

/* $1 .. $5, the same in both statements; one view of the keys for all of them. */
static void query_key(struct db_query *query, const struct store *store,
		      const struct idempotency *idempotency, struct arena *arena)
{
	const struct key_view *view = keyring_view(store->keyring);

	query_text(query, idempotency->principal);
	query_text(query, idempotency->route);
	query_digests(query, store, view, "idempotency", idempotency->key, strlen(idempotency->key), arena);
	query_written_keys(query, view, arena);
	query_digests(query, store, view, "body", idempotency->body ? idempotency->body : "", idempotency->body_len,
		      arena);
}

void query_claim(struct db_query *query, const struct store *store, const struct idempotency *idempotency,
		 const char *resource_id, struct arena *arena)
{
	if (!idempotency->key) {
		for (int i = 0; i < CLAIM_PARAMS; i++)
			query_text(query, NULL);
		return;
	}
	query_key(query, store, idempotency, arena);
	query_int(query, arena, idempotency->status);
	query_text(query, resource_id);
}

enum claim claim_read(const struct db_result *result, const struct idempotency *idempotency,
		      struct error *err)
{
	if (idempotency->key && result_is_lock_timeout(result)) {
		error_set(err, ERR_IDEMPOTENCY_RUNNING,
			  "An earlier request with this Idempotency-Key is still at work."
			  " Wait a moment, then send the same request again.",
			  "Yêu cầu trước với Idempotency-Key này vẫn đang xử lý."
			  " Hãy đợi một lát rồi gửi lại đúng yêu cầu này.");
		return CLAIM_FAILED;
	}
	/* A daemon that writes under the newer key alone was faster. */
	if (idempotency->key && result_violates(result, "idempotency_pk")) {
		error_clear(err);
		return CLAIM_LOST;
	}
	if (!result_ok(result, err))
		return CLAIM_FAILED;
	return db_bool(result, 0, 0) ? CLAIM_WON : CLAIM_LOST;
}

/*
 * The audit row names what the first call made, which only the database knows.
 * Always one row, which also tells whether our keys are those of the database.
 */
static const struct db_statement replay = {
	"WITH found AS ("
	" SELECT i.status, i.resource_id, i.body_digest = d.body_digest AS same"
	"  FROM unnest($3::bytea[], $5::bytea[]) AS d (key_digest, body_digest)"
	"  JOIN idempotency AS i ON i.principal = $1 AND i.route = $2 AND i.key_digest = d.key_digest LIMIT 1),"
	" audit AS ("
	" INSERT INTO audit_entry (" AUDIT_COLUMNS ")"
	" SELECT (entry->>'id')::uuid, entry->>'actor_kind', entry->>'actor_id', entry->>'actor_role',"
	"  entry->>'action', entry->>'subject_kind', found.resource_id, entry->>'request_id',"
	"  (entry->>'key_id')::integer, NULL, NULL"
	"  FROM found, jsonb_array_elements($6::jsonb) AS entry WHERE found.same)"
	" SELECT status, resource_id, same, " CLAIM_STALE " FROM (SELECT) AS one LEFT JOIN found ON true"
};

void replay_send(struct store *store, struct db_query *query, const struct idempotency *idempotency,
		 const struct actor *actor, const char *kind, struct arena *arena,
		 void (*done)(struct db_query *query, const struct db_result *result))
{
	struct audit audit;

	query_begin(query, &replay, DB_WRITE, done);
	query_key(query, store, idempotency, arena);
	audit_begin(&audit, store, actor);
	audit_add(&audit, arena_printf(arena, "%s.replay", kind), kind, "", NULL, NULL);
	query_text(query, audit_end(&audit, arena));
	db_send(store->db, query);
}

bool replay_read(const struct db_result *result, struct idempotency *idempotency, struct error *err)
{
	if (!result_ok(result, err))
		return false;
	if (db_is_null(result, 0, 0))
		return db_bool(result, 0, 3) ? fail_keys(err) : fail_stale(err);
	if (!db_bool(result, 0, 2))
		return error_set(err, ERR_IDEMPOTENCY_MISMATCH,
				 "This Idempotency-Key was used before with another body."
				 " Use a new key for a new request.",
				 "Idempotency-Key này đã dùng với nội dung khác. Hãy dùng khóa mới cho yêu cầu mới.");
	idempotency->replayed = true;
	idempotency->status = row_int(result, 0, 0, 0);
	snprintf(idempotency->resource_id, sizeof(idempotency->resource_id), "%s", db_text(result, 0, 1));
	return true;
}

static void probe_on_done(struct db_query *query, const struct db_result *result)
{
	struct replay_probe *probe = container_of(query, struct replay_probe, query);

	if (!replay_read(result, &probe->idempotency, &probe->error) && probe->error.code == ERR_STALE)
		error_clear(&probe->error);
	probe->done(probe);
}

void replay_probe_send(struct store *store, struct replay_probe *probe)
{
	replay_send(store, &probe->query, &probe->idempotency, &probe->actor, probe->kind, probe->arena,
		    probe_on_done);
}
