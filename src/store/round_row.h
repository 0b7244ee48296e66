#ifndef STORE_ROUND_ROW_H
#define STORE_ROUND_ROW_H

#include <stddef.h>

#include "base/memory.h"
#include "db/db.h"
#include "domain/report.h"
#include "domain/round.h"

/* How a round and a report are read, and how rounds are written: shared by all statements that do. */

/* What a round's own items come to has no id; `parts` is of that alone. */
#define REPORT_COLUMNS(report) \
	report ".id, " report ".source, " report ".source_url, " report ".reported_on, " \
	report ".registered, " report ".registered_qualifier, " report ".present, " report ".present_qualifier, " \
	report ".accepted, " report ".accepted_qualifier, " report ".units, " report ".units_qualifier, " \
	report ".ml, " report ".ml_qualifier, " report ".corrects, " report ".note, " \
	"(extract(epoch FROM " report ".created_at) * 1000000)::bigint"

/* The columns of a round `r`, where `r` is a table or an earlier part of the statement. */
#define ROUND_COLUMNS \
	"r.id, r.code, r.ordinal, r.plan_id, p.slug, p.number, p.demo, r.title, r.from_day, r.to_day," \
	" r.precision," \
	" r.start_minute, r.end_minute, r.date_status, r.time_status, r.place_status, r.status," \
	" r.status_reason," \
	" r.document, hosts.ids, hosts.names," \
	" r.venue_id, v.name, v.address, r.team_id, t.name, r.organiser, occasions.ids, occasions.names," \
	" r.target_units, r.capacity, r.booked, pl.laid, pl.walk_in, pl.walked, r.moved_from, r.never_public, r.note, r.version, " \
	REPORT_COLUMNS("best") ", best.parts"
enum { ROUND_COLUMN_COUNT = 57 };        /* a statement's own columns come after these */

/*
 * What those columns need beside `r`. The best report is the one that report_compare() puts first of those that no
 * other corrects, and of what the round's items come to, which is added up here and now.
 */
#define ROUND_JOINS \
	" LEFT JOIN plan AS p ON p.id = r.plan_id" \
	" LEFT JOIN venue AS v ON v.id = r.venue_id" \
	" LEFT JOIN team AS t ON t.id = r.team_id" \
	" LEFT JOIN round_places AS pl ON pl.round_id = r.id" \
	" LEFT JOIN LATERAL (SELECT array_agg(id) AS ids, array_agg(full_name) AS names FROM (" \
	"  SELECT u.id, u.full_name FROM round_unit AS ru JOIN unit AS u ON u.id = ru.unit_id" \
	"   WHERE ru.round_id = r.id ORDER BY ru.position) AS host) AS hosts ON true" \
	" LEFT JOIN LATERAL (SELECT array_agg(id) AS ids, array_agg(name) AS names FROM (" \
	"  SELECT c.id, c.name FROM round_campaign AS rc JOIN campaign AS c ON c.id = rc.campaign_id" \
	"   WHERE rc.round_id = r.id ORDER BY rc.position) AS occasion) AS occasions ON true" \
	" LEFT JOIN LATERAL (" \
	"  SELECT * FROM (SELECT report.id, report.source, report.source_url, report.reported_on," \
	"    report.registered, report.registered_qualifier, report.present, report.present_qualifier," \
	"    report.accepted, report.accepted_qualifier, report.units, report.units_qualifier, report.ml, report.ml_qualifier," \
	"    report.corrects, report.note, report.created_at, NULL::text[] AS parts" \
	"   FROM round_report AS report WHERE report.round_id = r.id" \
	"    AND NOT EXISTS (SELECT FROM round_report AS newer WHERE newer.corrects = report.id)" \
	"   UNION ALL SELECT NULL, 'items', NULL, (f.told_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date," \
	"    f.registered, 'exact', f.present, 'exact', f.accepted, 'exact', f.units, 'exact', f.ml, 'exact'," \
	"    NULL, NULL, f.told_at, f.parts FROM round_figures(r.id) AS f) AS report" \
	"  ORDER BY array_position('{press,team,items}', report.source) DESC, report.reported_on DESC," \
	"   report.created_at DESC, report.id DESC LIMIT 1) AS best ON true"

/* Whether a reader may see the round `r`: three parameters, put there by query_sight(). */
#define ROUND_SEEN(r, all, team, units) \
	"(" r ".status <> 'draft' AND NOT " r ".never_public OR " all "::boolean" \
	" OR " r ".team_id = " team "::uuid OR EXISTS (SELECT FROM round_unit AS host" \
	"  WHERE host.round_id = " r ".id AND host.unit_id = ANY (" units "::text[])))"
/* Conditions on the round `r` by one parameter each; where that is NULL they hold. */
#define ROUND_OF_CAMPAIGN(r, key) \
	"(" key "::text IS NULL OR EXISTS (SELECT FROM round_campaign AS rc WHERE rc.round_id = " r ".id" \
	" AND rc.campaign_id = (SELECT id FROM campaign WHERE id::text = lower(" key ") OR slug = " key ")))"
#define ROUND_AT_UNITS(r, ids) \
	"(" ids "::text[] IS NULL OR " r ".id IN (SELECT round_id FROM round_unit WHERE unit_id = ANY (" ids ")))"
/* The plan of that id, slug or number. */
#define PLAN_BY_KEY(key) \
	"(SELECT id FROM plan WHERE id::text = lower(" key ") OR slug = " key " OR number = " key ")"
struct draft_sight;
void query_sight(struct db_query *query, struct arena *arena, const struct draft_sight *sight);

void round_read_row(struct round *round, struct arena *arena, const struct db_result *result, int row);
/* `column` is that of the first of REPORT_COLUMNS. */
void report_read_row(struct report *report, struct arena *arena, const struct db_result *result, int row,
		     int column);

/*
 * Rounds to be written, as one jsonb parameter: an array of records. `version`
 * is the version that must be there; 0: the round is new.
 */
struct json_out;
void round_record(struct json_out *out, const struct round *round, int64_t version);

#define ROUND_FIELDS(r) \
	r "title, " r "from_day, " r "to_day, " r "precision, " r "start_minute, " r "end_minute, " \
	r "date_status, " r "time_status, " r "place_status, " r "status, " r "status_reason, " \
	r "document, " r "venue_id, " r "team_id, " r "organiser, " r "target_units, " r "capacity, " \
	r "moved_from, " r "never_public, " r "note"

/* `n`: the records, one row each. */
#define ROUND_RECORDS(parameter) \
	"n AS MATERIALIZED (SELECT * FROM jsonb_to_recordset(" parameter "::jsonb) AS n (id uuid," \
	" version bigint," \
	" code text, plan_id uuid, ordinal integer, title text, from_day date, to_day date, precision text," \
	" start_minute integer, end_minute integer, date_status text, time_status text, place_status text," \
	" status text, status_reason text, document text, venue_id uuid, team_id uuid, organiser text," \
	" target_units integer, capacity integer, moved_from date, never_public boolean, note text," \
	" units text[], campaigns uuid[]))"

#define ROUND_INSERT \
	"INSERT INTO round (id, code, plan_id, ordinal, " ROUND_FIELDS("") ")" \
	" SELECT n.id, n.code, n.plan_id, n.ordinal, " ROUND_FIELDS("n.") " FROM n WHERE n.version = 0"
#define ROUND_UPDATE \
	"UPDATE round AS r SET (version, " ROUND_FIELDS("") ") = (r.version + 1, " ROUND_FIELDS("n.") ")" \
	" FROM n WHERE r.id = n.id AND r.version = n.version"

/*
 * Units and campaigns of the rounds in `written`. Rows are written over by
 * position and what is beyond the new count goes: deleting and inserting one
 * key in a single statement would collide. That a unit may change its position
 * is why round_unit_uk is deferred.
 */
#define LINK_WRITE(name, table, column, list) \
	name " AS (" \
	" INSERT INTO " table " AS old (round_id, " column ", position)" \
	" SELECT n.id, link.id, link.position FROM written JOIN n ON n.id = written.id," \
	"  unnest(n." list ") WITH ORDINALITY AS link (id, position)" \
	" ON CONFLICT (round_id, position) DO UPDATE SET " column " = EXCLUDED." column \
	"  WHERE old." column " <> EXCLUDED." column ")," \
	name "_gone AS (" \
	" DELETE FROM " table " AS old USING written JOIN n ON n.id = written.id" \
	"  WHERE old.round_id = n.id AND old.position > cardinality(n." list "))"
#define ROUND_LINKS \
	LINK_WRITE("host", "round_unit", "unit_id", "units") ", " \
	LINK_WRITE("occasion", "round_campaign", "campaign_id", "campaigns")

/*
 * The names that a single written round shows, from its record, because the
 * statement does not see its own rows: five columns.
 */
#define ROUND_NAMES \
	"ARRAY(SELECT u.full_name FROM unnest(n.units) WITH ORDINALITY AS link (id, position)" \
	" JOIN unit AS u ON u.id = link.id ORDER BY link.position)," \
	" ARRAY(SELECT c.name FROM unnest(n.campaigns) WITH ORDINALITY AS link (id, position)" \
	" JOIN campaign AS c ON c.id = link.id ORDER BY link.position), v.name, v.address, t.name" \
	" FROM n LEFT JOIN venue AS v ON v.id = n.venue_id LEFT JOIN team AS t ON t.id = n.team_id"
/* Gives `round` new arrays with the names that stand from `column` on. */
void round_fill_names(struct round *round, struct arena *arena, const struct db_result *result, int column);

#endif
