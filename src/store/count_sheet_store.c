#include "store/count_sheet_store.h"

#include "store/failure.h"
#include "store/row.h"

/*
 * $1 round or NULL   $2 install or NULL   $3 team or NULL   $4 units or NULL   $5 how many
 * Of each install a row with all of it, then its runs of numbers.
 */
static const struct db_statement sheet_statement = {
	"WITH chosen AS MATERIALIZED (SELECT DISTINCT i.install FROM item AS i LEFT JOIN round AS r ON r.id = i.round_id"
	"   LEFT JOIN device AS d ON d.id = i.device_id"
	"  WHERE NOT i.staff AND ($1::uuid IS NULL OR i.round_id = $1::uuid) AND ($2::uuid IS NULL OR i.install = $2::uuid)"
	"   AND ($3::uuid IS NULL OR r.team_id = $3::uuid OR d.team_id = $3::uuid)"
	"   AND ($4::text[] IS NULL OR EXISTS (SELECT FROM round_unit AS u WHERE u.round_id = i.round_id AND u.unit_id = ANY ($4)))"
	"  ORDER BY i.install LIMIT $5::integer),"
	" there AS MATERIALIZED (SELECT c.install, i.id, i.content_hash, i.seq, i.round_id, i.device_id, i.captured_at, i.received_at"
	"  FROM chosen AS c JOIN item AS i ON i.install = c.install),"
	" last AS MATERIALIZED (SELECT DISTINCT ON (x.install) x.install, d.id, d.name FROM there AS x JOIN device AS d ON d.id = x.device_id"
	"  ORDER BY x.install, x.received_at DESC, d.id)"
	" SELECT t.install, 0 AS n, count(DISTINCT t.seq), count(DISTINCT t.id) FILTER (WHERE t.round_id = $1::uuid),"
	"  (SELECT count(DISTINCT w.id) FROM there AS w JOIN item_state AS s ON s.id = w.id AND s.content_hash = w.content_hash"
	"   WHERE w.install = t.install AND (w.round_id = $1::uuid OR (w.round_id IS NULL AND $1::uuid IN ("
	"    SELECT item_rounds(NULL, w.install, w.device_id, w.captured_at)))) AND s.state IN ('held', 'open')),"
	"  " SQL_MICROS("max(t.received_at)") ", last.id::text, last.name"
	"  FROM there AS t LEFT JOIN last ON last.install = t.install GROUP BY t.install, last.id, last.name"
	" UNION ALL SELECT g.install, 1, min(g.seq), max(g.seq), NULL, NULL, NULL, NULL FROM ("
	"   SELECT s.install, s.seq, s.seq - row_number() OVER (PARTITION BY s.install ORDER BY s.seq) AS run"
	"   FROM (SELECT DISTINCT t.install, t.seq FROM there AS t) AS s) AS g GROUP BY g.install, g.run"
	" ORDER BY 1, 2, 3"
};

static void read_install(struct count_row *to, struct arena *arena, const struct db_result *result, int row)
{
	row_uuid(result, row, 0, to->install);
	to->items = db_int(result, row, 2, 0);
	to->of_round = db_int(result, row, 3, 0);
	to->waiting = db_int(result, row, 4, 0);
	to->last_us = row_time(result, row, 5);
	to->device_id = row_text(arena, result, row, 6);
	to->device_name = row_text(arena, result, row, 7);
}

static void sheet_on_done(struct db_query *query, const struct db_result *result)
{
	struct count_sheet *sheet = container_of(query, struct count_sheet, query);
	struct seq_run *runs;
	size_t nruns = 0;

	if (result_ok(result, &sheet->error)) {
		sheet->rows = arena_alloc(sheet->arena, ((size_t)db_rows(result) + 1) * sizeof(*sheet->rows));
		runs = arena_alloc(sheet->arena, ((size_t)db_rows(result) + 1) * sizeof(*runs));
		for (int row = 0; row < db_rows(result); row++) {
			struct count_row *last;

			if (db_int(result, row, 1, 0) == 0) {
				read_install(&sheet->rows[sheet->nrows++], sheet->arena, result, row);
				continue;
			}
			last = &sheet->rows[sheet->nrows - 1];
			runs[nruns] = (struct seq_run){ db_int(result, row, 2, 0), db_int(result, row, 3, 0) };
			if (last->nruns++ == 0)
				last->runs = &runs[nruns];
			nruns++;
		}
	}
	sheet->done(sheet);
}

void count_sheet_send(struct store *store, struct count_sheet *sheet)
{
	query_begin(&sheet->query, &sheet_statement, DB_SLOW, sheet_on_done);
	query_text(&sheet->query, uuid_or_nil(sheet->round_id));
	query_text(&sheet->query, uuid_or_nil(sheet->install));
	query_text(&sheet->query, uuid_or_nil(sheet->team_id));
	if (sheet->units)
		query_texts(&sheet->query, sheet->arena, sheet->units, sheet->nunits);
	else
		query_text(&sheet->query, NULL);
	query_int(&sheet->query, sheet->arena, COUNT_ROWS_MAX);
	db_send(store->db, &sheet->query);
}
