#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/audit.h"
#include "store/failure.h"
#include "store/image.h"
#include "store/replay.h"
#include "store/round_row.h"
#include "store/round_store.h"
#include "store/row.h"

/* One row with a null report: the round is there and has none. */
static const struct db_statement reports_of_round = {
	"SELECT r.id, " REPORT_COLUMNS("report")
	" FROM round AS r LEFT JOIN round_report AS report ON report.round_id = r.id"
	" WHERE r.id = $1::uuid OR r.code = $2 ORDER BY report.created_at DESC, report.id DESC"
};

static void list_read(struct report_list *list, const struct db_result *result)
{
	size_t rows = (size_t)db_rows(result);

	list->nreports = db_is_null(result, 0, 1) ? 0 : rows;
	list->reports = arena_alloc(list->arena, (rows + 1) * sizeof(*list->reports));
	for (size_t i = 0; i < list->nreports; i++)
		report_read_row(&list->reports[i], list->arena, result, (int)i, 1);
}

static void list_on_done(struct db_query *query, const struct db_result *result)
{
	struct report_list *list = container_of(query, struct report_list, query);

	if (result_ok(result, &list->error)) {
		if (db_rows(result) == 0)
			fail_not_found(&list->error);
		else
			list_read(list, result);
	}
	list->done(list);
}

void report_list_send(struct store *store, struct report_list *list)
{
	list->store = store;
	query_begin(&list->query, &reports_of_round, DB_READ, list_on_done);
	query_text(&list->query, uuid_or_nil(list->round));
	query_text(&list->query, list->round);
	db_send(store->db, &list->query);
}

static const struct db_statement report_insert = {
	"WITH " CLAIM("true") ","
	" made AS ("
	" INSERT INTO round_report (id, round_id, source, source_url, reported_on, registered,"
	"  registered_qualifier, present, present_qualifier, accepted, accepted_qualifier, units,"
	"  units_qualifier, ml, ml_qualifier, note, corrects)"
	" SELECT $9::uuid, $10::uuid, $11, $12, $13::date, $14::bigint, $15, $16::bigint, $17,"
	" $18::bigint, $19,"
	"  $20::bigint, $21, $22::bigint, $23, $24, $25::uuid FROM go RETURNING created_at),"
	" audit AS (" AUDIT_INSERT("$8", "EXISTS (SELECT FROM made)") "),"
	" bump AS (" TOPIC_BUMP("rounds", "EXISTS (SELECT FROM made)") ")"
	" SELECT EXISTS (SELECT FROM go), (SELECT " SQL_MICROS("created_at") " FROM made)"
};

static void query_figure(struct db_query *query, struct arena *arena, const struct figure *figure)
{
	if (figure->value < 0) {
		query_text(query, NULL);
		query_text(query, NULL);
		return;
	}
	query_int(query, arena, figure->value);
	query_text(query, figure_qualifier_text(figure->qualifier));
}

static void query_report(struct db_query *query, struct arena *arena, const char *round_id,
			 const struct report *report)
{
	query_text(query, report->id);
	query_text(query, uuid_or_nil(round_id));
	query_text(query, report_source_text(report->source));
	query_text(query, report->source_url);
	query_date(query, arena, report->reported_on);
	query_figure(query, arena, &report->registered);
	query_figure(query, arena, &report->present);
	query_figure(query, arena, &report->accepted);
	query_figure(query, arena, &report->units);
	query_figure(query, arena, &report->ml);
	query_text(query, report->note);
	query_text(query, uuid_or_nil(report->corrects));
}

static void create_on_replayed(struct db_query *query, const struct db_result *result)
{
	struct report_create *create = container_of(query, struct report_create, query);

	(void)!replay_read(result, &create->idempotency, &create->error);
	create->done(create);
}

static void create_on_done(struct db_query *query, const struct db_result *result)
{
	struct report_create *create = container_of(query, struct report_create, query);

	switch (claim_read(result, &create->idempotency, &create->error)) {
	case CLAIM_LOST:
		replay_send(create->store, query, &create->idempotency, &create->actor, "report",
			    create->arena, create_on_replayed);
		return;
	case CLAIM_WON:
		create->report.created_us = row_time(result, 0, 1);
		break;
	case CLAIM_FAILED:
		break;
	}
	create->done(create);
}

void report_create_send(struct store *store, struct report_create *create)
{
	struct report *report = &create->report;
	struct db_query *query = &create->query;
	struct buf image = { 0 };
	struct audit audit;

	create->store = store;
	uuid7_make(report->id, clock_wall_us(store->clock));
	query_begin(query, &report_insert, DB_WRITE, create_on_done);
	query_claim(query, store, &create->idempotency, report->id, create->arena);
	image_report(&image, create->round_id, report);
	audit_begin(&audit, store, &create->actor);
	audit_add(&audit, "report.create", "report", report->id, NULL, &image);
	query_text(query, audit_end(&audit, create->arena));
	buf_release(&image);
	query_report(query, create->arena, create->round_id, report);
	db_send(store->db, query);
}

/* ---- what the items of rounds come to ---- */

static const struct db_statement tell_statement = {
	"WITH seen AS (DELETE FROM result_changed RETURNING 1),"
	" bump AS (" TOPIC_BUMP("rounds", "EXISTS (SELECT FROM seen)") ")"
	" SELECT EXISTS (SELECT FROM seen)"
};

static void tell_on_done(struct db_query *query, const struct db_result *result)
{
	struct result_tell *tell = container_of(query, struct result_tell, query);

	tell->told = result_ok(result, &tell->error) && db_bool(result, 0, 0);
	tell->done(tell);
}

void result_tell_send(struct store *store, struct result_tell *tell)
{
	query_begin(&tell->query, &tell_statement, DB_WRITE, tell_on_done);
	db_send(store->db, &tell->query);
}
