#ifndef STORE_REPLAY_H
#define STORE_REPLAY_H

#include "store/store.h"
#include "db/db.h"

/*
 * Idempotency keys. A creating statement begins with CLAIM: it writes the
 * key's row, or finds that an earlier call has, and then `go` is empty; all
 * the rest of the statement depends on `go`. Its parameters are $1 .. $7, put
 * there by query_claim(); its first result column says whether `go` had a row.
 *
 * When not, replay_send() asks what the earlier call made, and writes an audit
 * row in that transaction, so that the answer waits for the standby as the
 * first one did.
 */
#define CLAIM(condition) \
	"claim AS (" \
	" INSERT INTO idempotency (principal, route, key_digest, key_id, body_digest, status, resource_id)" \
	" SELECT $1, $2, $3::bytea, $4::integer, $5::bytea, $6::integer, $7" \
	"  WHERE $3::bytea IS NOT NULL AND (" condition ")" \
	" ON CONFLICT DO NOTHING RETURNING 1 AS won)," \
	" go AS (SELECT 1 WHERE $3::bytea IS NULL AND (" condition ") UNION ALL SELECT won FROM claim)"
enum { CLAIM_PARAMS = 7 };

struct arena;

void query_claim(struct db_query *query, const struct store *store, const struct idempotency *idempotency,
		 const char *resource_id, struct arena *arena);

enum claim { CLAIM_FAILED, CLAIM_LOST, CLAIM_WON };
/* FAILED: *err says why. */
enum claim claim_read(const struct db_result *result, const struct idempotency *idempotency,
		      struct error *err);

/* `kind` is the subject's kind; the audit action is "<kind>.replay". */
void replay_send(struct store *store, struct db_query *query, const struct idempotency *idempotency,
		 const struct actor *actor, const char *kind, struct arena *arena,
		 void (*done)(struct db_query *query, const struct db_result *result));
/*
 * Fills the out members of *idempotency. False and ERR_IDEMPOTENCY_MISMATCH,
 * or ERR_STALE when there is no such key (so the refusal had another cause).
 */
bool replay_read(const struct db_result *result, struct idempotency *idempotency, struct error *err);

#endif
