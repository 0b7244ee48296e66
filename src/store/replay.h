#ifndef STORE_REPLAY_H
#define STORE_REPLAY_H

#include "store/lookup.h"
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
 *
 * The key and the body are kept as keyed digests, and keys change while
 * daemons run. So one row is written under each key that is active or dual,
 * and rows under retired keys are looked for too: a row is never rewritten
 * (nobody could: the client's key is not kept), and a retired key is kept as
 * long as the rows under it, which is for ever. Two claims of one
 * Idempotency-Key meet in a row that both write, or one sees the other's:
 *
 *	- all rows or none: the first one (of the lowest key, so that two claims
 *	  with two keys take them in one order) decides, a clash in another one
 *	  undoes the statement; `go` waits for all of them, because a statement
 *	  that held other locks already could wait for one that waits for it;
 *	- no row is written by a daemon that does not write under the key which
 *	  the database calls active: it has slept through a rotation;
 *	- a key is retired only when every statement that began before its
 *	  successor became active has ended (key_advance_send()).
 */
#define CLAIM_STALE KEYS_STALE("$4")
/* $3 and $5: digests of key and body under each key; $4: ids of those that are written, which come first. */
#define CLAIM(condition) \
	"claim_digest AS (SELECT * FROM unnest($3::bytea[], $4::integer[], $5::bytea[])" \
	"  WITH ORDINALITY AS d (key_digest, key_id, body_digest, n))," \
	" claim AS (" \
	" INSERT INTO idempotency (principal, route, key_digest, key_id, body_digest, status, resource_id)" \
	" SELECT $1, $2, key_digest, key_id, body_digest, $6::integer, $7 FROM claim_digest" \
	"  WHERE n = 1 AND (" condition ") AND NOT " CLAIM_STALE \
	"  AND NOT EXISTS (SELECT FROM idempotency" \
	"   WHERE principal = $1 AND route = $2 AND key_digest = ANY ($3::bytea[]))" \
	" ON CONFLICT DO NOTHING RETURNING 1 AS won)," \
	" claim_more AS (" \
	" INSERT INTO idempotency (principal, route, key_digest, key_id, body_digest, status, resource_id)" \
	" SELECT $1, $2, key_digest, key_id, body_digest, $6::integer, $7 FROM claim, claim_digest" \
	"  WHERE n > 1 AND key_id IS NOT NULL RETURNING 1)," \
	" go AS (SELECT 1 WHERE $3::bytea[] IS NULL AND (" condition ")" \
	" UNION ALL SELECT won FROM claim WHERE (SELECT count(*) FROM claim_more) >= 0)"
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
 * ERR_STALE when there is no such key (so the refusal had another cause), or
 * ERR_UNAVAILABLE when this daemon's keys are out of date.
 */
bool replay_read(const struct db_result *result, struct idempotency *idempotency, struct error *err);

#endif
