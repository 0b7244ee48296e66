#include "store/seal_store.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "store/failure.h"
#include "store/seal_row.h"

void chain_entry_read(const char *entry[CHAIN_FIELDS], struct arena *arena, const struct db_result *result,
		      int row, int column)
{
	for (int i = 0; i < CHAIN_FIELDS; i++)
		entry[i] = row_text(arena, result, row, column + i);
}

bool chain_checkpoint_read(struct chain_checkpoint *checkpoint, const struct db_result *result, int row,
			   int column)
{
	checkpoint->position = db_int(result, row, column, 0);
	checkpoint->at_us = row_time(result, row, column + 2);
	checkpoint->key_id = row_int(result, row, column + 3, 0);
	return chain_hash_parse(db_text(result, row, column + 1), checkpoint->hash) &&
	       chain_signature_parse(db_text(result, row, column + 4), checkpoint->signature);
}

/* ---- head and next entries ---- */

/*
 * A walk of the index on (xid, id) from the last sealed entry. The sub-select
 * on audit_seal is the truth about what is sealed; it is no join, so that each
 * entry costs one look into an index and no plan reads the whole chain. What
 * stands beside the batch is computed once, not for each of its rows.
 * An entry whose xid this snapshot does not know came from another cluster.
 */
#define NOT_SEALED(e) "(SELECT s.position FROM audit_seal AS s WHERE s.entry_id = " e ".id) IS NULL"
#define AHEAD(e) \
	"(" e ".xid, " e ".id) > (coalesce((SELECT xid FROM head), '0'::xid8)," \
	"  coalesce((SELECT id FROM head), '00000000-0000-0000-0000-000000000000'::uuid))" \
	" AND NOT EXISTS (SELECT FROM head WHERE id IS NULL)"

static const struct db_statement next_entries = {
	"WITH now AS MATERIALIZED ("
	" SELECT clock_timestamp() AS at, pg_snapshot_xmax(pg_current_snapshot()) AS xmax),"
	" head AS MATERIALIZED ("
	" SELECT s.position, s.hash, e.xid, e.id FROM audit_seal AS s LEFT JOIN audit_entry AS e"
	"  ON e.id = s.entry_id ORDER BY s.position DESC LIMIT 1),"
	" mark AS MATERIALIZED ("
	" SELECT position, hash, " SQL_CHAIN_MICROS("at") " AS at_us, key_id, signature FROM audit_checkpoint"
	"  ORDER BY position DESC LIMIT 1),"
	" newest AS MATERIALIZED (SELECT id, xid FROM audit_entry ORDER BY xid DESC, id DESC LIMIT 1),"
	" restart AS MATERIALIZED ("
	" SELECT coalesce(max(s.position), 0) AS newest, bool_or(s.position IS NULL) AS waits"
	"  FROM audit_entry AS e LEFT JOIN audit_seal AS s ON s.entry_id = e.id"
	"  WHERE e.action = 'audit.restart'),"
	" foreigner AS MATERIALIZED ("
	" SELECT coalesce((SELECT xid >= (SELECT xmax FROM now) FROM head), false)"
	"  OR EXISTS (SELECT FROM newest AS e WHERE e.xid >= (SELECT xmax FROM now) AND " NOT_SEALED("e") ") AS seen),"
	" oldest AS MATERIALIZED ("
	" SELECT e.at FROM audit_entry AS e WHERE " AHEAD("e") " AND e.xid < (SELECT xmax FROM now)"
	"  AND " NOT_SEALED("e") " ORDER BY e.xid, e.id LIMIT 1),"
	" known AS MATERIALIZED (SELECT hash FROM audit_seal WHERE position = $1::bigint),"
	" batch AS MATERIALIZED ("
	" SELECT e.id AS entry_id, e.xid AS entry_xid, " SQL_CHAIN_COLUMNS("e") " FROM audit_entry AS e"
	"  WHERE " AHEAD("e") " AND e.xid < pg_snapshot_xmin(pg_current_snapshot()) AND " NOT_SEALED("e")
	"  ORDER BY e.xid, e.id LIMIT $2::integer)"
	" SELECT head.position, encode(head.hash, 'hex'), head.id IS NOT NULL, foreigner.seen, restart.newest,"
	"  restart.waits, " SQL_MICROS("now.at") ", " SQL_CHAIN_MICROS("oldest.at") ", encode(known.hash, 'hex'),"
	"  mark.position, encode(mark.hash, 'hex'), mark.at_us, mark.key_id, encode(mark.signature, 'hex'),"
	"  batch.id, batch.at_us, batch.xid, batch.actor_kind, batch.actor_id, batch.actor_role, batch.action,"
	"  batch.subject_kind, batch.subject_id, batch.request_id, batch.key_id, batch.digest_before,"
	"  batch.digest_after"
	" FROM now CROSS JOIN restart CROSS JOIN foreigner LEFT JOIN head ON true LEFT JOIN mark ON true"
	"  LEFT JOIN oldest ON true LEFT JOIN known ON true LEFT JOIN batch ON true"
	" ORDER BY batch.entry_xid, batch.entry_id"
};
enum { HEAD_COLUMN, FOREIGN_COLUMN = 3, KNOWN_COLUMN = 8, MARK_COLUMN = 9, ENTRY_COLUMN = 14 };

static bool holds(const struct chain_head *known, const struct db_result *result)
{
	unsigned char hash[CHAIN_HASH_BYTES];

	return known->position == 0 || (chain_hash_parse(db_text(result, 0, KNOWN_COLUMN), hash) &&
					memcmp(hash, known->hash, sizeof(hash)) == 0);
}

static void state_read(struct seal_read *read, const struct db_result *result)
{
	bool sealed = !db_is_null(result, 0, HEAD_COLUMN);

	read->head = (struct chain_head){ .position = db_int(result, 0, HEAD_COLUMN, 0) };
	read->head_entry_is_there = !sealed || (db_bool(result, 0, HEAD_COLUMN + 2) &&
						chain_hash_parse(db_text(result, 0, HEAD_COLUMN + 1), read->head.hash));
	read->foreign = db_bool(result, 0, FOREIGN_COLUMN);
	read->restarted_at = db_int(result, 0, FOREIGN_COLUMN + 1, 0);
	read->restart_waits = db_bool(result, 0, FOREIGN_COLUMN + 2);
	read->now_us = row_time(result, 0, FOREIGN_COLUMN + 3);
	read->waiting_us = -1;
	if (!db_is_null(result, 0, FOREIGN_COLUMN + 4))
		read->waiting_us = read->now_us - row_time(result, 0, FOREIGN_COLUMN + 4);
	read->known_holds = holds(&read->known, result);
	read->has_checkpoint = chain_checkpoint_read(&read->checkpoint, result, 0, MARK_COLUMN);
}

static void seal_read_on_done(struct db_query *query, const struct db_result *result)
{
	struct seal_read *read = container_of(query, struct seal_read, query);

	read->nrows = 0;
	if (result_ok(result, &read->error)) {
		state_read(read, result);
		if (!db_is_null(result, 0, ENTRY_COLUMN))
			read->nrows = (size_t)db_rows(result);
		read->rows = arena_alloc(read->arena, (read->nrows + 1) * sizeof(*read->rows));
		for (size_t i = 0; i < read->nrows; i++)
			chain_entry_read(read->rows[i].entry, read->arena, result, (int)i, ENTRY_COLUMN);
	}
	read->done(read);
}

void seal_read_send(struct store *store, struct seal_read *read)
{
	query_begin(&read->query, &next_entries, DB_READ, seal_read_on_done);
	query_int(&read->query, read->arena, read->known.position);
	query_int(&read->query, read->arena, SEAL_BATCH_MAX);
	db_send(store->db, &read->query);
}

/* ---- sealing ---- */

/*
 * 7402 is the sealers' advisory lock. Who waited for it would go on with an
 * old snapshot, so nobody waits. Between snapshot and lock another may still
 * have sealed: then position or entry are taken already, and all is refused.
 */
static const struct db_statement put_rows = {
	"WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(7402) AS mine),"
	" head AS MATERIALIZED (SELECT coalesce(max(position), 0) AS position FROM audit_seal),"
	" sealed AS ("
	" INSERT INTO audit_seal (position, entry_id, hash, sealed_at)"
	" SELECT batch.position, batch.id, batch.hash, " SQL_INSTANT("batch.at_us")
	"  FROM turn, head, unnest($2::bigint[], $3::uuid[], $4::bytea[], $5::bigint[])"
	"   AS batch (position, id, hash, at_us)"
	"  WHERE turn.mine AND head.position = $1::bigint AND ($6::boolean OR NOT EXISTS ("
	"   SELECT FROM audit_entry AS e WHERE e.action = 'audit.restart' AND " NOT_SEALED("e") "))"
	"  RETURNING 1)"
	" SELECT count(*) FROM sealed"
};

static void seal_write_on_done(struct db_query *query, const struct db_result *result)
{
	struct seal_write *write = container_of(query, struct seal_write, query);

	write->written = false;
	error_clear(&write->error);
	if (result_violates(result, "audit_seal_pk") || result_violates(result, "audit_seal_entry_uk"))
		;                                /* another sealer was faster */
	else if (result_ok(result, &write->error))
		write->written = db_int(result, 0, 0, 0) > 0;
	write->done(write);
}

void seal_write_send(struct store *store, struct seal_write *write)
{
	struct arena *arena = write->arena;
	const char **positions = arena_alloc(arena, write->nrows * sizeof(char *));
	const char **ids = arena_alloc(arena, write->nrows * sizeof(char *));
	const char **hashes = arena_alloc(arena, write->nrows * sizeof(char *));
	const char **instants = arena_alloc(arena, write->nrows * sizeof(char *));

	for (size_t i = 0; i < write->nrows; i++) {
		char hex[CHAIN_HASH_HEX_SIZE];

		chain_hash_hex(write->hashes[i], hex);
		positions[i] = arena_printf(arena, "%lld", (long long)write->rows[i].position);
		ids[i] = write->rows[i].entry[CHAIN_ID];
		hashes[i] = arena_printf(arena, "\\x%s", hex);
		instants[i] = write->rows[i].sealed_us;
	}
	query_begin(&write->query, &put_rows, DB_WRITE, seal_write_on_done);
	query_int(&write->query, arena, write->head.position);
	query_texts(&write->query, arena, positions, write->nrows);
	query_texts(&write->query, arena, ids, write->nrows);
	query_texts(&write->query, arena, hashes, write->nrows);
	query_texts(&write->query, arena, instants, write->nrows);
	query_bool(&write->query, write->restart);
	db_send(store->db, &write->query);
}

/* ---- checkpoints ---- */

static const struct db_statement put_checkpoint = {
	"INSERT INTO audit_checkpoint (position, hash, at, key_id, signature)"
	" SELECT position, hash, " SQL_INSTANT("$3") ", $4::integer, $5::bytea FROM audit_seal"
	"  WHERE position = $1::bigint AND hash = $2::bytea"
	" ON CONFLICT (position) DO NOTHING RETURNING 1"
};

static void checkpoint_write_on_done(struct db_query *query, const struct db_result *result)
{
	struct checkpoint_write *write = container_of(query, struct checkpoint_write, query);

	write->written = result_ok(result, &write->error) && db_rows(result) > 0;
	write->done(write);
}

void checkpoint_write_send(struct store *store, struct checkpoint_write *write)
{
	struct chain_checkpoint *checkpoint = &write->checkpoint;
	char hash[CHAIN_HASH_HEX_SIZE], signature[SIGNATURE_HEX_SIZE];

	chain_hash_hex(checkpoint->hash, hash);
	chain_signature_hex(checkpoint, signature);
	query_begin(&write->query, &put_checkpoint, DB_WRITE, checkpoint_write_on_done);
	query_int(&write->query, write->arena, checkpoint->position);
	query_text(&write->query, arena_printf(write->arena, "\\x%s", hash));
	query_int(&write->query, write->arena, checkpoint->at_us);
	query_int(&write->query, write->arena, checkpoint->key_id);
	query_text(&write->query, arena_printf(write->arena, "\\x%s", signature));
	db_send(store->db, &write->query);
}
