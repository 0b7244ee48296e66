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
#include "store/round_row.h"
#include "store/row.h"

/*
 * Rounds of the past. A code that is there already keeps its round, its report
 * and its silence in the audit: what depends on a round follows from `written`.
 * $1: records of rounds, $2: reports, $3: audit rows.
 */
static const struct db_statement history_statement = {
	"WITH " ROUND_RECORDS("$1") ","
	" report AS MATERIALIZED (SELECT * FROM jsonb_to_recordset($2::jsonb) AS report (id uuid,"
	" round_id uuid,"
	"  source text, source_url text, reported_on date, registered bigint, registered_qualifier text,"
	"  present bigint, present_qualifier text, accepted bigint, accepted_qualifier text, units bigint,"
	"  units_qualifier text, ml bigint, ml_qualifier text, note text)),"
	" written AS (" ROUND_INSERT " ON CONFLICT (code) DO NOTHING RETURNING id), " ROUND_LINKS ","
	" reported AS ("
	" INSERT INTO round_report (id, round_id, source, source_url, reported_on, registered,"
	"  registered_qualifier, present, present_qualifier, accepted, accepted_qualifier, units,"
	"  units_qualifier, ml, ml_qualifier, note)"
	" SELECT report.* FROM report JOIN written ON written.id = report.round_id RETURNING id),"
	" audit AS (" AUDIT_INSERT("$3", "entry.subject_id IN (SELECT id::text FROM written"
					 " UNION ALL SELECT id::text FROM reported)") "),"
	" bump AS (" TOPIC_BUMP("rounds", "EXISTS (SELECT FROM written)") ")"
	" SELECT (SELECT count(*) FROM written), (SELECT count(*) FROM n)"
};

static bool report_is_given(const struct report *report)
{
	return report->registered.value >= 0 || report->present.value >= 0 || report->accepted.value >= 0 ||
	       report->units.value >= 0 || report->ml.value >= 0;
}

static void record_figure(struct json_out *out, const char *key, const char *qualifier_key,
			  const struct figure *figure)
{
	if (figure->value < 0) {
		jout_null(out, key);
		jout_null(out, qualifier_key);
		return;
	}
	jout_int(out, key, figure->value);
	jout_text(out, qualifier_key, figure_qualifier_text(figure->qualifier));
}

static void report_record(struct json_out *out, const char *round_id, const struct report *report)
{
	jout_object(out, NULL);
	jout_text(out, "id", report->id);
	jout_text(out, "round_id", round_id);
	jout_text(out, "source", report_source_text(report->source));
	jout_text(out, "source_url", report->source_url);
	jout_date(out, "reported_on", report->reported_on);
	record_figure(out, "registered", "registered_qualifier", &report->registered);
	record_figure(out, "present", "present_qualifier", &report->present);
	record_figure(out, "accepted", "accepted_qualifier", &report->accepted);
	record_figure(out, "units", "units_qualifier", &report->units);
	record_figure(out, "ml", "ml_qualifier", &report->ml);
	jout_text(out, "note", report->note);
	jout_end(out);
}

static void add_round(struct history_apply *apply, struct json_out *rounds, struct audit *audit,
		      struct round *round)
{
	struct buf image = { 0 };

	uuid7_make(round->id, clock_wall_us(apply->store->clock));
	round->version = 1;
	round->plan_id = NULL;
	round->ordinal = 0;
	if (date_is_none(round->to))
		round->to = round->from;
	round_record(rounds, round, 0);
	image_round(&image, round);
	audit_add(audit, "round.create", "round", round->id, NULL, &image);
	buf_release(&image);
}

static void add_report(struct history_apply *apply, struct json_out *reports, struct audit *audit,
		       const struct round *round, struct report report)
{
	struct buf image = { 0 };

	if (!report_is_given(&report))
		return;
	uuid7_make(report.id, clock_wall_us(apply->store->clock));
	report.corrects = NULL;
	report_record(reports, round->id, &report);
	image_report(&image, round->id, &report);
	audit_add(audit, "report.create", "report", report.id, NULL, &image);
	buf_release(&image);
}

static void history_on_done(struct db_query *query, const struct db_result *result)
{
	struct history_apply *apply = container_of(query, struct history_apply, query);

	apply->created = apply->kept = 0;
	if (result_ok(result, &apply->error)) {
		apply->created = (size_t)db_int(result, 0, 0, 0);
		apply->kept = (size_t)db_int(result, 0, 1, 0) - apply->created;
	}
	apply->done(apply);
}

void history_apply_send(struct store *store, struct history_apply *apply)
{
	struct buf round_buf = { 0 }, report_buf = { 0 };
	struct json_out rounds = { .buf = &round_buf }, reports = { .buf = &report_buf };
	struct audit audit;

	apply->store = store;
	audit_begin(&audit, store, &apply->actor);
	jout_array(&rounds, NULL);
	jout_array(&reports, NULL);
	for (size_t i = 0; i < apply->nrows; i++) {
		struct round round = apply->rows[i].round;

		add_round(apply, &rounds, &audit, &round);
		add_report(apply, &reports, &audit, &round, apply->rows[i].report);
	}
	jout_end(&rounds);
	jout_end(&reports);
	query_begin(&apply->query, &history_statement, DB_WRITE, history_on_done);
	query_text(&apply->query, arena_strdup(apply->arena, round_buf.data));
	query_text(&apply->query, arena_strdup(apply->arena, report_buf.data));
	query_text(&apply->query, audit_end(&audit, apply->arena));
	buf_release(&round_buf);
	buf_release(&report_buf);
	db_send(store->db, &apply->query);
}
