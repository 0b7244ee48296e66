#include "store/round_row.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_out.h"
#include "store/round_store.h"
#include "store/row.h"

/* In the order of ROUND_COLUMNS. */
enum {
	COL_ID, COL_CODE, COL_ORDINAL, COL_PLAN_ID, COL_PLAN_SLUG, COL_PLAN_NUMBER, COL_DEMO, COL_TITLE,
	COL_FROM, COL_TO, COL_PRECISION, COL_START, COL_END, COL_DATE_STATUS, COL_TIME_STATUS,
	COL_PLACE_STATUS, COL_STATUS, COL_REASON, COL_DOCUMENT, COL_UNIT_IDS, COL_UNIT_NAMES, COL_VENUE_ID,
	COL_VENUE_NAME, COL_VENUE_ADDRESS, COL_TEAM_ID, COL_TEAM_NAME, COL_ORGANISER, COL_CAMPAIGN_IDS,
	COL_CAMPAIGN_NAMES, COL_TARGET, COL_CAPACITY, COL_BOOKED, COL_LAID, COL_WALK_IN, COL_WALKED, COL_MOVED_FROM, COL_NEVER_PUBLIC, COL_NOTE,
	COL_VERSION, COL_REPORT
};
enum { REPORT_COLUMN_COUNT = 17, COL_PARTS = COL_REPORT + REPORT_COLUMN_COUNT, COL_SOURCE = COL_REPORT + 1 };
_Static_assert(COL_PARTS + 1 == ROUND_COLUMN_COUNT, "columns of a round");

/* Two arrays side by side. */
static struct named *named_read(struct arena *arena, const struct db_result *result, int row, int ids,
				size_t *count)
{
	size_t nnames;
	const char **id = row_texts(arena, result, row, ids, count);
	const char **name = row_texts(arena, result, row, ids + 1, &nnames);
	struct named *named = arena_alloc(arena, (*count + 1) * sizeof(*named));

	for (size_t i = 0; i < *count; i++)
		named[i] = (struct named){ .id = id[i], .name = i < nnames ? name[i] : NULL };
	return named;
}

static void round_read_facts(struct round *round, struct arena *arena, const struct db_result *result,
			     int row)
{
	round->from = row_date(result, row, COL_FROM);
	round->to = row_date(result, row, COL_TO);
	(void)date_precision_parse(db_text(result, row, COL_PRECISION), &round->precision);
	round->start_minute = row_int(result, row, COL_START, -1);
	round->end_minute = row_int(result, row, COL_END, -1);
	(void)fact_status_parse(db_text(result, row, COL_DATE_STATUS), &round->date_status);
	(void)fact_status_parse(db_text(result, row, COL_TIME_STATUS), &round->time_status);
	(void)fact_status_parse(db_text(result, row, COL_PLACE_STATUS), &round->place_status);
	(void)round_status_parse(db_text(result, row, COL_STATUS), &round->status);
	round->status_reason = row_text(arena, result, row, COL_REASON);
	round->document = row_text(arena, result, row, COL_DOCUMENT);
	round->moved_from = row_date(result, row, COL_MOVED_FROM);
	round->never_public = db_bool(result, row, COL_NEVER_PUBLIC);
}

static void round_read_links(struct round *round, struct arena *arena, const struct db_result *result,
			     int row)
{
	round->plan_id = row_text(arena, result, row, COL_PLAN_ID);
	round->plan_slug = row_text(arena, result, row, COL_PLAN_SLUG);
	round->plan_number = row_text(arena, result, row, COL_PLAN_NUMBER);
	round->demo = db_bool(result, row, COL_DEMO);
	round->units = named_read(arena, result, row, COL_UNIT_IDS, &round->nunits);
	round->venue.id = row_text(arena, result, row, COL_VENUE_ID);
	round->venue.name = row_text(arena, result, row, COL_VENUE_NAME);
	round->venue_address = row_text(arena, result, row, COL_VENUE_ADDRESS);
	round->team.id = row_text(arena, result, row, COL_TEAM_ID);
	round->team.name = row_text(arena, result, row, COL_TEAM_NAME);
	round->organiser = row_text(arena, result, row, COL_ORGANISER);
	round->campaigns = named_read(arena, result, row, COL_CAMPAIGN_IDS, &round->ncampaigns);
}

/* Each is "component volume outcome how_many" (round_figures() in the database). */
static void read_parts(struct report *report, struct arena *arena, const struct db_result *result, int row)
{
	size_t count;
	const char **texts = row_texts(arena, result, row, COL_PARTS, &count);
	struct report_part *parts = arena_alloc(arena, (count + 1) * sizeof(*parts));

	for (size_t i = 0; i < count; i++) {
		char *rest = arena_strdup(arena, texts[i]);

		(void)component_parse(strsep(&rest, " "), &parts[i].component);
		parts[i].volume_ml = atoi(strsep(&rest, " "));
		(void)donation_outcome_parse(strsep(&rest, " "), &parts[i].outcome);
		parts[i].donations = strtoll(rest, NULL, 10);
	}
	report->parts = parts;
	report->nparts = count;
}

static const struct report *round_read_result(struct arena *arena, const struct db_result *result, int row)
{
	struct report *report;

	if (db_is_null(result, row, COL_SOURCE))
		return NULL;
	report = arena_alloc(arena, sizeof(*report));
	report_read_row(report, arena, result, row, COL_REPORT);
	read_parts(report, arena, result, row);
	return report;
}

void round_read_row(struct round *round, struct arena *arena, const struct db_result *result, int row)
{
	round_init(round);
	row_uuid(result, row, COL_ID, round->id);
	round->code = row_text(arena, result, row, COL_CODE);
	round->ordinal = row_int(result, row, COL_ORDINAL, 0);
	round->title = row_text(arena, result, row, COL_TITLE);
	round_read_facts(round, arena, result, row);
	round_read_links(round, arena, result, row);
	round->target_units = row_int(result, row, COL_TARGET, -1);
	round->capacity = row_int(result, row, COL_CAPACITY, -1);
	round->booked = row_int(result, row, COL_BOOKED, 0);
	round->laid = row_int(result, row, COL_LAID, 0);
	round->walk_in = row_int(result, row, COL_WALK_IN, 0);
	round->walked = row_int(result, row, COL_WALKED, 0);
	round->note = row_text(arena, result, row, COL_NOTE);
	round->version = db_int(result, row, COL_VERSION, 0);
	round->result = round_read_result(arena, result, row);
}

static struct figure figure_read(const struct db_result *result, int row, int column)
{
	struct figure figure = { .value = db_int(result, row, column, -1) };

	if (!db_is_null(result, row, column + 1))
		(void)figure_qualifier_parse(db_text(result, row, column + 1), &figure.qualifier);
	return figure;
}

void report_read_row(struct report *report, struct arena *arena, const struct db_result *result, int row,
		     int column)
{
	row_uuid(result, row, column, report->id);
	(void)report_source_parse(db_text(result, row, column + 1), &report->source);
	report->source_url = row_text(arena, result, row, column + 2);
	report->reported_on = row_date(result, row, column + 3);
	report->registered = figure_read(result, row, column + 4);
	report->present = figure_read(result, row, column + 6);
	report->accepted = figure_read(result, row, column + 8);
	report->units = figure_read(result, row, column + 10);
	report->ml = figure_read(result, row, column + 12);
	report->corrects = row_text(arena, result, row, column + 14);
	report->note = row_text(arena, result, row, column + 15);
	report->created_us = row_time(result, row, column + 16);
}

/* Writing. */

static void record_known(struct json_out *out, const char *key, int value)
{
	if (value < 0)
		jout_null(out, key);
	else
		jout_int(out, key, value);
}

static void record_facts(struct json_out *out, const struct round *round)
{
	jout_text(out, "title", round->title);
	jout_date(out, "from_day", round->from);
	jout_date(out, "to_day", date_is_none(round->to) ? round->from : round->to);
	jout_text(out, "precision", date_precision_text(round->precision));
	record_known(out, "start_minute", round->start_minute);
	record_known(out, "end_minute", round->end_minute);
	jout_text(out, "date_status", fact_status_text(round->date_status));
	jout_text(out, "time_status", fact_status_text(round->time_status));
	jout_text(out, "place_status", fact_status_text(round->place_status));
	jout_text(out, "status", round_status_text(round->status));
	jout_text(out, "status_reason", round->status_reason);
	jout_text(out, "document", round->document);
	jout_date(out, "moved_from", round->moved_from);
	jout_bool(out, "never_public", round->never_public);
}

void round_record(struct json_out *out, const struct round *round, int64_t version)
{
	jout_object(out, NULL);
	jout_text(out, "id", round->id);
	jout_int(out, "version", version);
	jout_text(out, "code", round->code);
	jout_text(out, "plan_id", uuid_or_nil(round->plan_id));
	record_known(out, "ordinal", round->ordinal > 0 ? round->ordinal : -1);
	record_facts(out, round);
	jout_text(out, "venue_id", uuid_or_nil(round->venue.id));
	jout_text(out, "team_id", uuid_or_nil(round->team.id));
	jout_text(out, "organiser", round->organiser);
	record_known(out, "target_units", round->target_units);
	record_known(out, "capacity", round->capacity);
	jout_text(out, "note", round->note);
	jout_array(out, "units");
	for (size_t i = 0; i < round->nunits; i++)
		jout_text(out, NULL, round->units[i].id);
	jout_end(out);
	jout_array(out, "campaigns");
	for (size_t i = 0; i < round->ncampaigns; i++)
		jout_text(out, NULL, uuid_or_nil(round->campaigns[i].id));
	jout_end(out);
	jout_end(out);
}

void query_sight(struct db_query *query, struct arena *arena, const struct draft_sight *sight)
{
	query_bool(query, sight->all);
	query_text(query, uuid_or_nil(sight->team));
	query_texts(query, arena, sight->units, sight->nunits);
}

static struct named *named_renew(struct arena *arena, const struct named *old, size_t count,
				 const struct db_result *result, int column)
{
	size_t nnames;
	const char **names = row_texts(arena, result, 0, column, &nnames);
	struct named *named = arena_alloc(arena, (count + 1) * sizeof(*named));

	for (size_t i = 0; i < count; i++)
		named[i] = (struct named){ .id = old[i].id, .name = i < nnames ? names[i] : NULL };
	return named;
}

void round_fill_names(struct round *round, struct arena *arena, const struct db_result *result, int column)
{
	round->units = named_renew(arena, round->units, round->nunits, result, column);
	round->campaigns = named_renew(arena, round->campaigns, round->ncampaigns, result, column + 1);
	round->venue.name = row_text(arena, result, 0, column + 2);
	round->venue_address = row_text(arena, result, 0, column + 3);
	round->team.name = row_text(arena, result, 0, column + 4);
}
