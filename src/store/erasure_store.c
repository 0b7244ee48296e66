#include "store/erasure_store.h"

#include <stdio.h>

#include "base/error.h"
#include "base/text.h"
#include "store/audit.h"
#include "store/donor_row.h"
#include "store/failure.h"
#include "store/image.h"
#include "store/row.h"

static const char *const states[] = {
	[ERASURE_ASKED] = "asked", [ERASURE_DONE] = "done", [ERASURE_REFUSED] = "refused",
};

const char *erasure_state_text(enum erasure_state state)
{
	return states[state];
}

/* ---- read ---- */

static const struct db_statement load_statement = {
	"WITH " DONOR_SOUGHT ", " DONOR_OWN
	" SELECT d.id, d.number, e.state, " SQL_MICROS("e.asked_at") ", " SQL_MICROS("e.decided_at") ", e.ground, e.asked_by_kind,"
	" e.asked_by"
	" FROM d, erasure AS e WHERE e.donor_id IN (SELECT id FROM own) ORDER BY e.asked_at DESC, e.id DESC LIMIT 1"
};

static void load_on_done(struct db_query *query, const struct db_result *result)
{
	struct erasure_load *load = container_of(query, struct erasure_load, query);

	if (result_ok(result, &load->error)) {
		if (db_rows(result) == 0) {
			fail_not_found(&load->error);
		} else {
			const char *state = db_text(result, 0, 2);

			row_uuid(result, 0, 0, load->donor_id);
			snprintf(load->number, sizeof(load->number), "%s", db_text(result, 0, 1));
			load->state = streq(state, "done") ? ERASURE_DONE
				      : streq(state, "refused") ? ERASURE_REFUSED
								: ERASURE_ASKED;
			load->asked_us = row_time(result, 0, 3);
			load->decided_us = row_time(result, 0, 4);
			load->ground = row_text(load->arena, result, 0, 5);
			load->asked_by_kind = row_text(load->arena, result, 0, 6);
			load->asked_by = row_text(load->arena, result, 0, 7);
		}
	}
	load->done(load);
}

void erasure_load_send(struct store *store, struct erasure_load *load)
{
	struct db_query *query = &load->query;
	char *number = arena_alloc(load->arena, DONOR_NUMBER_SIZE);

	query_begin(query, &load_statement, DB_READ, load_on_done);
	query_text(query, uuid_or_nil(load->key));
	query_text(query, donor_number_parse(load->key, number) == DONOR_NUMBER_FINE ? number : "");
	if (load->units)
		query_texts(query, load->arena, load->units, load->nunits);
	else
		query_text(query, NULL);
	query_bool(query, false);
	db_send(store->db, query);
}

/* ---- asked, refused ---- */

static const char *step_audit(const struct store *store, const struct actor *actor, struct arena *arena,
			      const char *action, const char *donor_id)
{
	struct audit audit;

	audit_begin(&audit, store, actor);
	audit_add_reading(&audit, action, "donor", donor_id, NULL);
	return audit_end(&audit, arena);
}

/* Two at once: the second waits for the first and finds it. */
static const struct db_statement ask_statement = {
	"WITH who AS MATERIALIZED (SELECT id FROM donor WHERE id = $2::uuid AND erased_at IS NULL FOR SHARE),"
	" made AS (INSERT INTO erasure (id, donor_id, asked_by_kind, asked_by) SELECT gen_random_uuid(), id, $3, $4 FROM who"
	"  ON CONFLICT (donor_id) WHERE state = 'asked' DO NOTHING RETURNING 1),"
	" audit AS (" AUDIT_INSERT("$1", "EXISTS (SELECT FROM who)") ")"
	" SELECT EXISTS (SELECT FROM who)"
};

static void ask_on_done(struct db_query *query, const struct db_result *result)
{
	struct erasure_ask *ask = container_of(query, struct erasure_ask, query);

	if (result_ok(result, &ask->error) && !db_bool(result, 0, 0))
		fail_erased(&ask->error);
	ask->done(ask);
}

void erasure_ask_send(struct store *store, struct erasure_ask *ask)
{
	struct db_query *query = &ask->query;

	query_begin(query, &ask_statement, DB_WRITE, ask_on_done);
	query_text(query, step_audit(store, &ask->actor, ask->arena, "erasure.ask", ask->donor_id));
	query_text(query, ask->donor_id);
	query_text(query, ask->actor.kind);
	query_text(query, actor_id(&ask->actor));
	db_send(store->db, query);
}

static bool fail_unasked(struct error *err)
{
	return error_set(err, ERR_ILLEGAL_STEP, "Nobody has asked to erase this donor, or it has been decided.",
			 "Chưa có ai đề nghị xóa hồ sơ này, hoặc đề nghị đã được quyết định.");
}

static const struct db_statement refuse_statement = {
	"WITH made AS (UPDATE erasure SET state = 'refused', decided_at = now(), decided_by_kind = $3, decided_by = $4,"
	"  ground = $5 WHERE state = 'asked' AND (donor_id = $2::uuid"
	"   OR donor_id IN (SELECT donor_id FROM donor_alias WHERE into_id = $2::uuid)) RETURNING id),"
	" audit AS (" AUDIT_INSERT("$1", "EXISTS (SELECT FROM made)") ")"
	" SELECT EXISTS (SELECT FROM made)"
};

static void refuse_on_done(struct db_query *query, const struct db_result *result)
{
	struct erasure_refuse *refuse = container_of(query, struct erasure_refuse, query);

	if (result_ok(result, &refuse->error) && !db_bool(result, 0, 0))
		fail_unasked(&refuse->error);
	refuse->done(refuse);
}

void erasure_refuse_send(struct store *store, struct erasure_refuse *refuse)
{
	struct db_query *query = &refuse->query;

	query_begin(query, &refuse_statement, DB_WRITE, refuse_on_done);
	query_text(query, step_audit(store, &refuse->actor, refuse->arena, "erasure.refuse", refuse->donor_id));
	query_text(query, refuse->donor_id);
	query_text(query, refuse->actor.kind);
	query_text(query, actor_id(&refuse->actor));
	query_text(query, request_ground_text(refuse->ground));
	db_send(store->db, query);
}

/* ---- done ---- */

/*
 * The records must be those that were opened, each at the version that was read, and no other may have become one
 * with them: else a number would go without its suppression row. Then 1 / 0 undoes all of it.
 *
 *	$1 audit   $2 $3 who decides   $4 records   $5 their versions   $6 again   $7 suppression digests   $8 their
 *	keys   $9 until
 */
static const struct db_statement erase_statement = {
	"WITH turn AS (UPDATE erasure SET state = 'done', decided_at = now(), decided_by_kind = $2, decided_by = $3"
	"  WHERE donor_id = ANY ($4::uuid[]) AND state = 'asked' AND NOT $6::boolean AND (asked_by_kind, asked_by) <> ($2, $3)"
	"  RETURNING id),"
	" go AS (SELECT 1 WHERE $6::boolean OR EXISTS (SELECT FROM turn)),"
	" made AS (UPDATE donor AS d SET wrapped_key = NULL, wrap_key_id = NULL, sealed = NULL, erased_at = now(),"
	"   version = d.version + 1 FROM unnest($4::uuid[], $5::bigint[]) AS o (id, version)"
	"  WHERE d.id = o.id AND d.version = o.version AND d.erased_at IS NULL AND EXISTS (SELECT FROM go) RETURNING d.id),"
	" digest AS (DELETE FROM donor_digest WHERE donor_id = ANY ($4::uuid[]) AND EXISTS (SELECT FROM go)),"
	" number AS (DELETE FROM donor_identifier WHERE donor_id = ANY ($4::uuid[]) AND EXISTS (SELECT FROM go)),"
	" kept AS (INSERT INTO suppression AS s (digest, key_id, until)"
	"  SELECT k.digest, k.key_id, $9::date FROM unnest($7::bytea[], $8::integer[]) AS k (digest, key_id), go"
	"  WHERE $9::date IS NOT NULL ORDER BY k.digest"
	"  ON CONFLICT (digest) DO UPDATE SET until = greatest(s.until, excluded.until)),"
	" audit AS (" AUDIT_INSERT("$1", "EXISTS (SELECT FROM go)") ")"
	" SELECT EXISTS (SELECT FROM go), EXISTS (SELECT FROM erasure WHERE donor_id = ANY ($4::uuid[]) AND state = 'asked'),"
	"  1 / CASE WHEN NOT EXISTS (SELECT FROM go) OR ((SELECT count(*) FROM made) = cardinality($4::uuid[])"
	"   AND NOT EXISTS (SELECT FROM donor_alias WHERE into_id = ANY ($4::uuid[]) AND donor_id <> ALL ($4::uuid[])))"
	"   THEN 1 ELSE 0 END"
};

static void erase_on_done(struct db_query *query, const struct db_result *result)
{
	struct donor_erase *erase = container_of(query, struct donor_erase, query);

	if (result->outcome == DB_REFUSED && streq(result->sqlstate, "22012")) {
		error_clear(&erase->error);
		fail_stale(&erase->error);
	} else if (result_ok(result, &erase->error) && !db_bool(result, 0, 0)) {
		if (db_bool(result, 0, 1))
			error_set(&erase->error, ERR_SECOND_PERSON,
				  "You asked for this yourself: another person must approve it.",
				  "Chính bạn đã đề nghị việc này: cần người khác duyệt.");
		else
			fail_unasked(&erase->error);
	}
	erase->done(erase);
}

/* Nothing is left of what an image holds. */
static void audit_erased(struct audit *audit, const struct donor *donor)
{
	struct buf was = { 0 };

	image_donor(&was, donor);
	audit_add(audit, "donor.erase", "donor", donor->id, &was, NULL);
	buf_release(&was);
}

void donor_erase_send(struct store *store, struct donor_erase *erase)
{
	const struct key_view *view = keyring_view(store->keyring);
	struct db_query *query = &erase->query;
	struct arena *arena = erase->arena;
	const char **ids = arena_alloc(arena, (erase->nrecords + 1) * sizeof(*ids));
	const char **versions = arena_alloc(arena, (erase->nrecords + 1) * sizeof(*versions));
	struct donor_digests kept = { .arena = arena };
	struct audit audit;

	erase->store = store;
	audit_begin(&audit, store, &erase->actor);
	for (size_t i = 0; i < erase->nrecords; i++) {
		const struct donor *donor = &erase->records[i]->donor;

		ids[i] = donor->id;
		versions[i] = arena_printf(arena, "%lld", (long long)donor->version);
		audit_erased(&audit, donor);
		for (size_t k = 0; k < donor->nidentifiers; k++)
			donor_digest_suppression(&kept, store, view, DIGESTS_WRITTEN, &donor->identifiers[k].identifier);
	}
	query_begin(query, &erase_statement, DB_WRITE, erase_on_done);
	query_text(query, audit_end(&audit, arena));
	query_text(query, erase->actor.kind);
	query_text(query, actor_id(&erase->actor));
	query_texts(query, arena, ids, erase->nrecords);
	query_texts(query, arena, versions, erase->nrecords);
	query_bool(query, erase->again);
	query_texts(query, arena, kept.digest, kept.count);
	query_texts(query, arena, kept.key_id, kept.count);
	if (erase->wait.endless)
		query_text(query, "infinity");
	else
		query_date(query, arena, erase->wait.on);
	db_send(store->db, query);
}

/* ---- forgotten ---- */

static const struct db_statement purge_statement = {
	"WITH turn AS (SELECT pg_try_advisory_xact_lock(7406) AS mine),"
	" gone AS (DELETE FROM suppression WHERE until <= $1::date AND (SELECT mine FROM turn) RETURNING 1)"
	" SELECT count(*) FROM gone"
};

static void purge_on_done(struct db_query *query, const struct db_result *result)
{
	struct suppression_purge *purge = container_of(query, struct suppression_purge, query);

	purge->deleted = result_ok(result, &purge->error) ? db_int(result, 0, 0, 0) : 0;
	purge->done(purge);
}

void suppression_purge_send(struct store *store, struct suppression_purge *purge)
{
	query_begin(&purge->query, &purge_statement, DB_WRITE, purge_on_done);
	query_text(&purge->query, date_format(purge->today, purge->today_text));
	db_send(store->db, &purge->query);
}
