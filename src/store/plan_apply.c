#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json_out.h"
#include "store/audit.h"
#include "store/failure.h"
#include "store/image.h"
#include "store/plan_store.h"
#include "store/replay.h"
#include "store/round_row.h"
#include "store/row.h"

/*
 * The whole import in one statement. `seen` locks every round that the diff
 * looked at, if it still is as it was; `ready` has a row only when all of them
 * and the plan are; everything else depends on `go`, which depends on `ready`.
 * A round that somebody added meanwhile with the same number violates
 * round_ordinal_uk, and nothing is written either.
 *
 *	$1 .. $7  CLAIM           $8  audit rows       $9  records of rounds
 *	$10       the plan, one record                 $11 versions that must hold: [{id, version}]
 */
#define READY "EXISTS (SELECT FROM ready)"

static const struct db_statement apply_statement = {
	"WITH doc AS MATERIALIZED (SELECT * FROM jsonb_to_record($10::jsonb) AS doc (id uuid, version bigint,"
	"  action text, number text, slug text, code_prefix text, title text, issued_on date, issuer text,"
	"  legal_basis text[], from_day date, to_day date, demo boolean, campaigns uuid[])),"
	" expected AS MATERIALIZED (SELECT * FROM jsonb_to_recordset($11::jsonb) AS e (id uuid, version"
	" bigint)),"
	" seen AS MATERIALIZED ("
	" SELECT r.id FROM round AS r JOIN expected AS e ON e.id = r.id AND e.version = r.version"
	"  ORDER BY r.id FOR UPDATE OF r),"
	" plan_seen AS MATERIALIZED ("
	" SELECT p.id FROM plan AS p JOIN doc ON doc.id = p.id AND doc.version = p.version FOR UPDATE OF p),"
	" ready AS MATERIALIZED ("
	" SELECT doc.id FROM doc WHERE (SELECT count(*) FROM seen) = (SELECT count(*) FROM expected)"
	"  AND (doc.action = 'create' OR EXISTS (SELECT FROM plan_seen))),"
	" " CLAIM(READY) ", " ROUND_RECORDS("$9") ","
	" plan_made AS ("
	" INSERT INTO plan (id, number, slug, code_prefix, title, issued_on, issuer, legal_basis, from_day,"
	"  to_day, demo)"
	" SELECT id, number, slug, code_prefix, title, issued_on, issuer, legal_basis, from_day, to_day, demo"
	"  FROM doc WHERE action = 'create' AND EXISTS (SELECT FROM go) RETURNING id),"
	" plan_changed AS ("
	" UPDATE plan AS p SET (version, number, slug, code_prefix, title, issued_on, issuer, legal_basis,"
	"  from_day, to_day, demo) = (p.version + 1, doc.number, doc.slug, doc.code_prefix, doc.title,"
	"  doc.issued_on, doc.issuer, doc.legal_basis, doc.from_day, doc.to_day, doc.demo)"
	"  FROM doc WHERE p.id = doc.id AND doc.action = 'update' AND EXISTS (SELECT FROM go) RETURNING"
	" p.id),"
	" plan_written AS (SELECT id FROM plan_made UNION ALL SELECT id FROM plan_changed),"
	" plan_campaigns AS ("
	" INSERT INTO plan_campaign (plan_id, campaign_id)"
	" SELECT DISTINCT doc.id, c FROM plan_written JOIN doc ON doc.id = plan_written.id,"
	" unnest(doc.campaigns) AS c"
	" ON CONFLICT DO NOTHING),"
	" plan_campaigns_gone AS ("
	" DELETE FROM plan_campaign AS old USING plan_changed JOIN doc ON doc.id = plan_changed.id"
	"  WHERE old.plan_id = doc.id AND old.campaign_id <> ALL (doc.campaigns)),"
	" made AS (" ROUND_INSERT " AND EXISTS (SELECT FROM go) RETURNING id),"
	" changed AS (" ROUND_UPDATE " AND n.version > 0 AND EXISTS (SELECT FROM go) RETURNING r.id),"
	" written AS (SELECT id FROM made UNION ALL SELECT id FROM changed), " ROUND_LINKS ","
	" audit AS (" AUDIT_INSERT("$8", "EXISTS (SELECT FROM go)") "),"
	" bump AS (" TOPIC_BUMP("rounds", "(EXISTS (SELECT FROM plan_written) OR EXISTS (SELECT FROM"
	" written))") ")"
	" SELECT EXISTS (SELECT FROM go), " READY
};

static const char *action_text(enum plan_action action)
{
	return action == PLAN_CREATE ? "create" : action == PLAN_UPDATE ? "update" : "keep";
}

/* The plan as it will stand. */
static struct plan plan_after(const struct plan_apply *apply)
{
	struct plan plan = apply->diff->plan == PLAN_KEEP ? *apply->existing : *apply->incoming;

	memcpy(plan.id, apply->plan_id, sizeof(plan.id));
	plan.version = !apply->existing		       ? 1
		       : apply->diff->plan == PLAN_KEEP ? apply->existing->version
							: apply->existing->version + 1;
	return plan;
}

static const char *plan_record(struct plan_apply *apply, const struct plan *plan)
{
	struct buf buf = { 0 };
	struct json_out out = { .buf = &buf };
	const char *text;

	jout_object(&out, NULL);
	jout_text(&out, "id", plan->id);
	jout_int(&out, "version", apply->existing ? apply->existing->version : 0);
	jout_text(&out, "action", action_text(apply->existing ? apply->diff->plan : PLAN_CREATE));
	jout_text(&out, "number", plan->number);
	jout_text(&out, "slug", plan->slug);
	jout_text(&out, "code_prefix", plan->code_prefix);
	jout_text(&out, "title", plan->title);
	jout_date(&out, "issued_on", plan->issued_on);
	jout_text(&out, "issuer", plan->issuer);
	jout_array(&out, "legal_basis");
	for (size_t i = 0; i < plan->nlegal_basis; i++)
		jout_text(&out, NULL, plan->legal_basis[i]);
	jout_end(&out);
	jout_date(&out, "from_day", plan->from);
	jout_date(&out, "to_day", plan->to);
	jout_bool(&out, "demo", plan->demo);
	jout_array(&out, "campaigns");
	for (size_t i = 0; i < plan->ncampaigns; i++)
		jout_text(&out, NULL, uuid_or_nil(plan->campaigns[i].id));
	jout_end(&out);
	jout_end(&out);
	text = arena_strdup(apply->arena, buf.data);
	buf_release(&buf);
	return text;
}

/* What a row of the diff leaves. */
static struct round round_after(const struct plan_apply *apply, const struct plan *plan,
				const struct plan_diff_row *row)
{
	struct round round = *row->now;

	round.plan_id = apply->plan_id;
	if (row->action == PLAN_CREATE) {
		uuid7_make(round.id, clock_wall_us(apply->store->clock));
		round.code = arena_printf(apply->arena, "%s-%02d", plan->code_prefix, row->ordinal);
		round.ordinal = row->ordinal;
		round.version = 1;
	} else {
		memcpy(round.id, row->was->id, sizeof(round.id));
		round.code = row->was->code;
		round.ordinal = row->was->ordinal;
		round.version = row->was->version + 1;
	}
	return round;
}

static void audit_plan(struct audit *audit, const struct plan_apply *apply, const struct plan *plan)
{
	struct buf before = { 0 }, after = { 0 };

	if (apply->existing && apply->diff->plan == PLAN_KEEP)
		return;
	if (apply->existing)
		image_plan(&before, apply->existing);
	image_plan(&after, plan);
	audit_add(audit, apply->existing ? "plan.edit" : "plan.create", "plan", plan->id,
		  apply->existing ? &before : NULL, &after);
	buf_release(&before);
	buf_release(&after);
}

static void audit_round(struct audit *audit, const struct round *was, const struct round *is)
{
	struct buf before = { 0 }, after = { 0 };

	if (was)
		image_round(&before, was);
	image_round(&after, is);
	audit_add(audit, was ? "round.edit" : "round.create", "round", is->id, was ? &before : NULL, &after);
	buf_release(&before);
	buf_release(&after);
}

static void expect_version(struct json_out *out, const struct round *round)
{
	jout_object(out, NULL);
	jout_text(out, "id", round->id);
	jout_int(out, "version", round->version);
	jout_end(out);
}

/* Audit rows, records and expected versions: three parameters, made side by side. */
static void query_rounds(struct plan_apply *apply, const struct plan *plan)
{
	const struct plan_diff *diff = apply->diff;
	struct buf records = { 0 }, expected = { 0 };
	struct json_out record = { .buf = &records }, expect = { .buf = &expected };
	struct audit audit;

	audit_begin(&audit, apply->store, &apply->actor);
	audit_plan(&audit, apply, plan);
	jout_array(&record, NULL);
	jout_array(&expect, NULL);
	for (size_t i = 0; i < diff->nrows; i++) {
		const struct plan_diff_row *row = &diff->rows[i];
		struct round after;

		if (row->was)
			expect_version(&expect, row->was);
		if (row->action != PLAN_CREATE && row->action != PLAN_UPDATE)
			continue;
		after = round_after(apply, plan, row);
		round_record(&record, &after, row->was ? row->was->version : 0);
		audit_round(&audit, row->was, &after);
	}
	jout_end(&record);
	jout_end(&expect);
	query_text(&apply->query, audit_end(&audit, apply->arena));
	query_text(&apply->query, arena_strdup(apply->arena, records.data));
	query_text(&apply->query, plan_record(apply, plan));
	query_text(&apply->query, arena_strdup(apply->arena, expected.data));
	buf_release(&records);
	buf_release(&expected);
}

static void apply_on_replayed(struct db_query *query, const struct db_result *result)
{
	struct plan_apply *apply = container_of(query, struct plan_apply, query);

	if (replay_read(result, &apply->idempotency, &apply->error))
		snprintf(apply->plan_id, sizeof(apply->plan_id), "%.36s", apply->idempotency.resource_id);
	apply->done(apply);
}

/* Not claimed: an earlier call with that key, or something changed since; the replay tells which. */
static void apply_on_done(struct db_query *query, const struct db_result *result)
{
	struct plan_apply *apply = container_of(query, struct plan_apply, query);
	enum claim claim;

	if (apply->existing && (result_violates(result, "round_ordinal_uk") ||
				result_violates(result, "round_code_uk"))) {
		fail_stale(&apply->error);
		apply->done(apply);
		return;
	}
	claim = claim_read(result, &apply->idempotency, &apply->error);
	if (claim == CLAIM_LOST && apply->idempotency.key) {
		replay_send(apply->store, query, &apply->idempotency, &apply->actor, "plan", apply->arena,
			    apply_on_replayed);
		return;
	}
	if (claim == CLAIM_LOST)
		fail_stale(&apply->error);
	apply->done(apply);
}

void plan_apply_send(struct store *store, struct plan_apply *apply)
{
	struct plan plan;

	apply->store = store;
	if (apply->existing)
		memcpy(apply->plan_id, apply->existing->id, sizeof(apply->plan_id));
	else
		uuid7_make(apply->plan_id, clock_wall_us(store->clock));
	plan = plan_after(apply);
	query_begin(&apply->query, &apply_statement, DB_WRITE, apply_on_done);
	query_claim(&apply->query, store, &apply->idempotency, apply->plan_id, apply->arena);
	query_rounds(apply, &plan);
	db_send(store->db, &apply->query);
}
