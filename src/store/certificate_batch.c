#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/audit.h"
#include "store/certificate_row.h"
#include "store/certificate_store.h"
#include "store/failure.h"
#include "store/replay.h"
#include "store/row.h"

/* The certificates of a round: asked for here, issued by the jobs of some daemon (jobs/certificates.c). */

/* $9 id, $10 round, $11 issuer, $12 and $13 who. */
static const struct db_statement ask_statement = {
	"WITH " CLAIM("true") ","
	" made AS (INSERT INTO certificate_batch (id, round_id, issuer, total, asked_by_kind, asked_by)"
	"  SELECT $9::uuid, $10::uuid, $11, (SELECT count(*) FROM donation_counting AS n"
	"   LEFT JOIN donor_alias AS a ON a.donor_id = n.donor_id JOIN donor AS d ON d.id = coalesce(a.into_id, n.donor_id)"
	"   WHERE n.round_id = $10::uuid AND n.evidence = 'confirmed' AND n.outcome IS NOT NULL AND n.volume_ml > 0 AND NOT n.held"
	"   AND NOT n.open AND d.erased_at IS NULL AND NOT EXISTS (SELECT FROM donation_certificates(n.id))), $12, $13 FROM go RETURNING id),"
	" audit AS (" AUDIT_INSERT("$8", "EXISTS (SELECT FROM made)") ")"
	" SELECT EXISTS (SELECT FROM go)"
};

static void ask_on_replayed(struct db_query *query, const struct db_result *result)
{
	struct certificate_batch_ask *ask = container_of(query, struct certificate_batch_ask, query);

	if (replay_read(result, &ask->idempotency, &ask->error))
		snprintf(ask->id, sizeof(ask->id), "%.36s", ask->idempotency.resource_id);
	ask->done(ask);
}

static void ask_on_done(struct db_query *query, const struct db_result *result)
{
	struct certificate_batch_ask *ask = container_of(query, struct certificate_batch_ask, query);

	if (claim_read(result, &ask->idempotency, &ask->error) == CLAIM_LOST) {
		replay_send(ask->store, query, &ask->idempotency, &ask->actor, "certificate_batch", ask->arena, ask_on_replayed);
		return;
	}
	ask->done(ask);
}

void certificate_batch_ask_send(struct store *store, struct certificate_batch_ask *ask)
{
	struct db_query *query = &ask->query;
	struct audit audit;

	ask->store = store;
	uuid7_make(ask->id, clock_wall_us(store->clock));
	query_begin(query, &ask_statement, DB_WRITE, ask_on_done);
	query_claim(query, store, &ask->idempotency, ask->id, ask->arena);
	audit_begin(&audit, store, &ask->actor);
	audit_add(&audit, "certificate_batch.ask", "certificate_batch", ask->id, NULL, NULL);
	query_text(query, audit_end(&audit, ask->arena));
	query_text(query, ask->id);
	query_text(query, ask->round_id);
	query_text(query, ask->issuer);
	query_text(query, ask->actor.kind);
	query_text(query, actor_id(&ask->actor));
	db_send(store->db, query);
}

static const struct db_statement load_statement = {
	"SELECT id, round_id, issuer, state, problem, total, issued, " SQL_MICROS("asked_at") ", " SQL_MICROS("ended_at") ","
	" asked_by_kind, asked_by, left_out FROM certificate_batch"
	" WHERE CASE WHEN $1::uuid IS NULL THEN state = 'running' ELSE id = $1::uuid END ORDER BY id LIMIT 1"
};

static void load_on_done(struct db_query *query, const struct db_result *result)
{
	struct certificate_batch_load *load = container_of(query, struct certificate_batch_load, query);
	struct certificate_batch *batch = &load->batch;
	struct arena *arena = load->arena;

	if (result_ok(result, &load->error) && db_rows(result) == 0) {
		fail_not_found(&load->error);
	} else if (load->error.code == ERR_NONE) {
		row_uuid(result, 0, 0, batch->id);
		row_uuid(result, 0, 1, batch->round_id);
		row_issuer(result, 0, 2, batch->issuer);
		batch->state = row_text(arena, result, 0, 3);
		batch->problem = row_text(arena, result, 0, 4);
		batch->total = row_int(result, 0, 5, 0);
		batch->issued = row_int(result, 0, 6, 0);
		batch->asked_us = row_time(result, 0, 7);
		batch->ended_us = row_time(result, 0, 8);
		batch->asked_by_kind = row_text(arena, result, 0, 9);
		batch->asked_by = row_text(arena, result, 0, 10);
		batch->left_out = row_texts(arena, result, 0, 11, &batch->nleft_out);
	}
	load->done(load);
}

void certificate_batch_load_send(struct store *store, struct certificate_batch_load *load)
{
	query_begin(&load->query, &load_statement, DB_READ, load_on_done);
	query_text(&load->query, uuid_or_nil(load->id));
	db_send(store->db, &load->query);
}

static const struct db_statement end_statement = {
	"UPDATE certificate_batch SET state = CASE WHEN $2::text IS NULL THEN 'done' ELSE 'failed' END, problem = $2, left_out = $3::uuid[],"
	" ended_at = now()"
	" WHERE id = $1::uuid AND state = 'running'"
};

static void end_on_done(struct db_query *query, const struct db_result *result)
{
	struct certificate_batch_end *end = container_of(query, struct certificate_batch_end, query);

	(void)!result_ok(result, &end->error);
	end->done(end);
}

void certificate_batch_end_send(struct store *store, struct certificate_batch_end *end)
{
	query_begin(&end->query, &end_statement, DB_WRITE, end_on_done);
	query_text(&end->query, end->id);
	query_text(&end->query, end->problem);
	query_text(&end->query, end->left_out);
	db_send(store->db, &end->query);
}
