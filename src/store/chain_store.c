#include "store/chain_store.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "store/audit.h"
#include "store/failure.h"
#include "store/seal_row.h"

/* ---- where the chain stands ---- */

static const struct db_statement state_select = {
	"SELECT head.position, encode(head.hash, 'hex'), " SQL_MICROS("clock_timestamp()") ","
	"  (SELECT count(*) FROM audit_checkpoint), mark.position, encode(mark.hash, 'hex'), mark.at_us, mark.key_id,"
	"  encode(mark.signature, 'hex'), restart.id, restart.position, restart.subject_id, restart.at_us,"
	"  restart.settled"
	" FROM (SELECT) AS one"
	"  LEFT JOIN (SELECT position, hash FROM audit_seal ORDER BY position DESC LIMIT 1) AS head ON true"
	"  LEFT JOIN (SELECT position, hash, " SQL_CHAIN_MICROS("at") " AS at_us, key_id, signature"
	"   FROM audit_checkpoint ORDER BY position DESC LIMIT 1) AS mark ON true"
	"  LEFT JOIN (SELECT e.id, s.position, e.subject_id, " SQL_CHAIN_MICROS("e.at") " AS at_us,"
	"    e.xid < pg_snapshot_xmin(pg_current_snapshot()) AS settled FROM audit_entry AS e"
	"   LEFT JOIN audit_seal AS s ON s.entry_id = e.id WHERE e.action = 'audit.restart') AS restart ON true"
	" ORDER BY restart.position, restart.id"
};
enum { STATE_MARK = 4, STATE_RESTART = 9 };

static const struct db_statement orphans_select = {
	"SELECT c.position, encode(c.hash, 'hex'), " SQL_CHAIN_MICROS("c.at") ", c.key_id, encode(c.signature, 'hex')"
	" FROM audit_checkpoint AS c WHERE NOT EXISTS (SELECT FROM audit_seal AS s WHERE s.position = c.position)"
	" ORDER BY c.position LIMIT 100"
};

static void orphans_on_done(struct db_query *query, const struct db_result *result)
{
	struct chain_state *state = container_of(query, struct chain_state, orphan_query);

	if (result_ok(result, &state->error)) {
		state->norphans = (size_t)db_rows(result);
		state->orphans = arena_alloc(state->arena, (state->norphans + 1) * sizeof(*state->orphans));
		for (size_t i = 0; i < state->norphans; i++)
			(void)!chain_checkpoint_read(&state->orphans[i], result, (int)i, 0);
	}
	state->done(state);
}

static void restart_read(struct restart_row *restart, const struct db_result *result, int row)
{
	row_uuid(result, row, STATE_RESTART, restart->entry_id);
	restart->readable = chain_restart_parse(db_text(result, row, STATE_RESTART + 2), &restart->restart);
	restart->restart.at = db_int(result, row, STATE_RESTART + 1, 0);
	restart->at_us = row_time(result, row, STATE_RESTART + 3);
	restart->settled = db_bool(result, row, STATE_RESTART + 4);
}

static void state_on_done(struct db_query *query, const struct db_result *result)
{
	struct chain_state *state = container_of(query, struct chain_state, query);

	if (!result_ok(result, &state->error)) {
		state->done(state);
		return;
	}
	state->head = (struct chain_head){ .position = db_int(result, 0, 0, 0) };
	if (!chain_hash_parse(db_text(result, 0, 1), state->head.hash))
		memset(state->head.hash, 0, sizeof(state->head.hash));
	state->now_us = row_time(result, 0, 2);
	state->checkpoints = db_int(result, 0, 3, 0);
	state->has_checkpoint = chain_checkpoint_read(&state->checkpoint, result, 0, STATE_MARK);
	state->nrestarts = db_is_null(result, 0, STATE_RESTART) ? 0 : (size_t)db_rows(result);
	state->restarts = arena_alloc(state->arena, (state->nrestarts + 1) * sizeof(*state->restarts));
	for (size_t i = 0; i < state->nrestarts; i++)
		restart_read(&state->restarts[i], result, (int)i);
	query_begin(&state->orphan_query, &orphans_select, DB_SLOW, orphans_on_done);
	db_send(state->store->db, &state->orphan_query);
}

void chain_state_send(struct store *store, struct chain_state *state)
{
	state->store = store;
	query_begin(&state->query, &state_select, DB_SLOW, state_on_done);
	db_send(store->db, &state->query);
}

/* ---- the chain ---- */

/* Equal positions cannot be, unless somebody took the constraint away: they are walked too. */
static const struct db_statement page_select = {
	"SELECT s.position, encode(s.hash, 'hex'), " SQL_CHAIN_MICROS("s.sealed_at") ", s.entry_id,"
	"  c.position, encode(c.hash, 'hex'), " SQL_CHAIN_MICROS("c.at") ", c.key_id, encode(c.signature, 'hex'), "
	SQL_CHAIN_COLUMNS("e")
	" FROM (SELECT * FROM audit_seal WHERE position >= $1::bigint AND position <= $3::bigint"
	"   AND (position, entry_id) > ($1::bigint, $2::uuid) ORDER BY position, entry_id LIMIT $4::integer) AS s"
	"  LEFT JOIN audit_entry AS e ON e.id = s.entry_id LEFT JOIN audit_checkpoint AS c ON c.position = s.position"
	" ORDER BY s.position, s.entry_id"
};
enum { PAGE_MARK = 4, PAGE_ENTRY = 9 };

static void page_row_read(struct chain_page_row *out, struct arena *arena, const struct db_result *result, int row)
{
	out->row.position = db_int(result, row, 0, 0);
	out->hash = row_text(arena, result, row, 1);
	out->row.sealed_us = row_text(arena, result, row, 2);
	row_uuid(result, row, 3, out->entry_id);
	out->has_checkpoint = !db_is_null(result, row, PAGE_MARK);
	if (out->has_checkpoint)
		out->checkpoint_is_whole = chain_checkpoint_read(&out->checkpoint, result, row, PAGE_MARK);
	chain_entry_read(out->row.entry, arena, result, row, PAGE_ENTRY);
}

static void page_on_done(struct db_query *query, const struct db_result *result)
{
	struct chain_page *page = container_of(query, struct chain_page, query);

	page->nrows = 0;
	if (result_ok(result, &page->error)) {
		page->nrows = (size_t)db_rows(result);
		page->rows = arena_alloc(page->arena, (page->nrows + 1) * sizeof(*page->rows));
		for (size_t i = 0; i < page->nrows; i++)
			page_row_read(&page->rows[i], page->arena, result, (int)i);
	}
	page->done(page);
}

void chain_page_send(struct store *store, struct chain_page *page)
{
	query_begin(&page->query, &page_select, DB_SLOW, page_on_done);
	/* A position below 1 cannot be either. */
	query_int(&page->query, page->arena, page->after_entry[0] ? page->after_position : INT64_MIN);
	query_text(&page->query, page->after_entry[0] ? page->after_entry : "00000000-0000-0000-0000-000000000000");
	query_int(&page->query, page->arena, page->last);
	query_int(&page->query, page->arena, page->limit);
	db_send(store->db, &page->query);
}

/* ---- what is not sealed ---- */

static const struct db_statement unsealed_select = {
	"WITH now AS MATERIALIZED ("
	" SELECT clock_timestamp() AS at, pg_snapshot_xmin(pg_current_snapshot()) AS xmin,"
	"  pg_snapshot_xmax(pg_current_snapshot()) AS xmax),"
	" head AS MATERIALIZED ("
	" SELECT e.xid, e.id FROM audit_seal AS s JOIN audit_entry AS e ON e.id = s.entry_id"
	"  ORDER BY s.position DESC LIMIT 1),"
	" page AS MATERIALIZED ("
	" SELECT * FROM audit_entry WHERE id >= coalesce($1::uuid, '00000000-0000-0000-0000-000000000000')"
	"  AND id IS DISTINCT FROM $1::uuid ORDER BY id LIMIT $2::integer)"
	" SELECT (SELECT id FROM page ORDER BY id DESC LIMIT 1), (SELECT count(*) FROM page),"
	"  CASE WHEN e.id IS NULL THEN NULL"
	"   WHEN e.xid >= now.xmax OR head.xid >= now.xmax THEN 'foreign'"
	"   WHEN (e.xid, e.id) < (head.xid, head.id) THEN 'behind'"
	"   WHEN e.xid >= now.xmin THEN 'waits'"
	"   WHEN e.at BETWEEN now.at - interval '1 minute' AND now.at + interval '1 minute' THEN 'recent'"
	"   ELSE 'late' END, " SQL_CHAIN_COLUMNS("e")
	" FROM now LEFT JOIN head ON true LEFT JOIN page AS e"
	"  ON (SELECT s.position FROM audit_seal AS s WHERE s.entry_id = e.id) IS NULL"
	" ORDER BY e.xid, e.id"
};
enum { UNSEALED_ENTRY = 3 };

static enum unsealed_why why_of(const char *text)
{
	static const char *const words[] = {
		[UNSEALED_RECENT] = "recent",   [UNSEALED_WAITS] = "waits",   [UNSEALED_LATE] = "late",
		[UNSEALED_FOREIGN] = "foreign", [UNSEALED_BEHIND] = "behind",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (streq(words[i], text))
			return (enum unsealed_why)i;
	return UNSEALED_LATE;
}

static void unsealed_on_done(struct db_query *query, const struct db_result *result)
{
	struct unsealed_page *page = container_of(query, struct unsealed_page, query);

	page->nrows = 0;
	if (!result_ok(result, &page->error)) {
		page->done(page);
		return;
	}
	row_uuid(result, 0, 0, page->after);
	page->walked = db_int(result, 0, 1, 0);
	page->more = page->walked == page->limit;
	if (!db_is_null(result, 0, UNSEALED_ENTRY))
		page->nrows = (size_t)db_rows(result);
	page->rows = arena_alloc(page->arena, (page->nrows + 1) * sizeof(*page->rows));
	for (size_t i = 0; i < page->nrows; i++) {
		page->rows[i].why = why_of(db_text(result, (int)i, 2));
		chain_entry_read(page->rows[i].row.entry, page->arena, result, (int)i, UNSEALED_ENTRY);
	}
	page->done(page);
}

void unsealed_page_send(struct store *store, struct unsealed_page *page)
{
	snprintf(page->from, sizeof(page->from), "%s", page->after);
	query_begin(&page->query, &unsealed_select, DB_SLOW, unsealed_on_done);
	query_text(&page->query, page->from[0] ? page->from : NULL);
	query_int(&page->query, page->arena, page->limit);
	db_send(store->db, &page->query);
}

static const struct db_statement again_select = {
	"SELECT entry.id FROM unnest($1::uuid[]) AS entry (id)"
	" WHERE (SELECT s.position FROM audit_seal AS s WHERE s.entry_id = entry.id) IS NULL"
};

static void again_on_done(struct db_query *query, const struct db_result *result)
{
	struct unsealed_again *again = container_of(query, struct unsealed_again, query);

	if (result_ok(result, &again->error)) {
		again->nids = (size_t)db_rows(result);
		for (size_t i = 0; i < again->nids; i++)
			again->ids[i] = row_text(again->arena, result, (int)i, 0);
	}
	again->done(again);
}

void unsealed_again_send(struct store *store, struct unsealed_again *again)
{
	query_begin(&again->query, &again_select, DB_SLOW, again_on_done);
	query_texts(&again->query, again->arena, again->ids, again->nids);
	db_send(store->db, &again->query);
}

/* ---- beginning again ---- */

/*
 * What a restore brought is some minutes or a day old. Papers bear the numbers that were given since: each series goes on above
 * them, and so do those that are not in it. This entry of the audit is what explains the gap.
 */
#define NUMBERS_LEFT_OUT "10000"
static const struct db_statement begin_insert = {
	"WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(7402) AS mine),"
	" head AS MATERIALIZED (SELECT coalesce(max(position), 0) AS position FROM audit_seal),"
	" entry AS (" AUDIT_INSERT("$2", "(SELECT mine FROM turn) AND (SELECT position FROM head) = $1::bigint") " RETURNING 1),"
	" series AS (UPDATE certificate_series SET last = least(last + " NUMBERS_LEFT_OUT ", 9999999)"
	"  WHERE issuer <> '' AND EXISTS (SELECT FROM entry)),"
	" rest AS (INSERT INTO certificate_series AS s (issuer, year, last) SELECT '', 0, " NUMBERS_LEFT_OUT " FROM entry"
	"  ON CONFLICT (issuer, year) DO UPDATE SET last = least(s.last + " NUMBERS_LEFT_OUT ", 9999999))"
	" SELECT FROM entry"
};

static void begin_on_done(struct db_query *query, const struct db_result *result)
{
	struct restart_begin *begin = container_of(query, struct restart_begin, query);

	begin->written = result_ok(result, &begin->error) && db_rows(result) > 0;
	begin->done(begin);
}

void restart_begin_send(struct store *store, struct restart_begin *begin)
{
	struct audit audit;

	audit_begin(&audit, store, &begin->actor);
	audit_add(&audit, "audit.restart", "audit", begin->subject_id, NULL, NULL);
	query_begin(&begin->query, &begin_insert, DB_WRITE, begin_on_done);
	query_int(&begin->query, begin->arena, begin->head);
	query_text(&begin->query, audit_end(&audit, begin->arena));
	db_send(store->db, &begin->query);
}
