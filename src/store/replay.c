#include "store/replay.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "store/audit.h"
#include "store/failure.h"
#include "store/row.h"

static const char *claim_digest(const struct store *store, const char *domain, const void *bytes, size_t len,
				struct arena *arena)
{
	char *digest = arena_alloc(arena, DIGEST_HEX_SIZE);

	keyring_digest(store->keyring, keyring_active(store->keyring, KEY_HASH), domain, bytes, len, digest);
	return digest;
}

static void query_key(struct db_query *query, const struct store *store,
		      const struct idempotency *idempotency, struct arena *arena)
{
	query_text(query, idempotency->principal);
	query_text(query, idempotency->route);
	query_text(query, claim_digest(store, "idempotency", idempotency->key,
				       strlen(idempotency->key), arena));
}

static const char *body_digest(const struct store *store, const struct idempotency *idempotency,
			       struct arena *arena)
{
	return claim_digest(store, "body", idempotency->body ? idempotency->body : "",
			    idempotency->body_len, arena);
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
	query_int(query, arena, keyring_active(store->keyring, KEY_HASH));
	query_text(query, body_digest(store, idempotency, arena));
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
	if (!result_ok(result, err))
		return CLAIM_FAILED;
	return db_bool(result, 0, 0) ? CLAIM_WON : CLAIM_LOST;
}

/* The audit row names what the first call made, which only the database knows. */
static const struct db_statement replay = {
	"WITH found AS ("
	" SELECT status, resource_id, body_digest = $4::bytea AS same FROM idempotency"
	"  WHERE principal = $1 AND route = $2 AND key_digest = $3::bytea),"
	" audit AS ("
	" INSERT INTO audit_entry (" AUDIT_COLUMNS ")"
	" SELECT (entry->>'id')::uuid, entry->>'actor_kind', entry->>'actor_id', entry->>'actor_role',"
	"  entry->>'action', entry->>'subject_kind', found.resource_id, entry->>'request_id',"
	"  (entry->>'key_id')::integer, NULL, NULL"
	"  FROM found, jsonb_array_elements($5::jsonb) AS entry WHERE found.same)"
	" SELECT status, resource_id, same FROM found"
};

void replay_send(struct store *store, struct db_query *query, const struct idempotency *idempotency,
		 const struct actor *actor, const char *kind, struct arena *arena,
		 void (*done)(struct db_query *query, const struct db_result *result))
{
	struct audit audit;

	query_begin(query, &replay, DB_WRITE, done);
	query_key(query, store, idempotency, arena);
	query_text(query, body_digest(store, idempotency, arena));
	audit_begin(&audit, store, actor);
	audit_add(&audit, arena_printf(arena, "%s.replay", kind), kind, "", NULL, NULL);
	query_text(query, audit_end(&audit, arena));
	db_send(store->db, query);
}

bool replay_read(const struct db_result *result, struct idempotency *idempotency, struct error *err)
{
	if (!result_ok(result, err))
		return false;
	if (db_rows(result) == 0)
		return fail_stale(err);
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
