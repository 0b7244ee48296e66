#include "wire/plan_wire.h"

#include <stdio.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "wire/csv_rows.h"
#include "wire/fields.h"
#include "wire/round_fields.h"
#include "wire/unit_names.h"

/* Rounds of the past, as the press reported them. */

static const char *const columns[] = {
	"date", "start", "end", "unit", "venue", "organiser", "campaign", "campaigns",
	"registered", "registered_qualifier", "target_units", "collected_units", "units_qualifier",
	"in_plan_2025", "confidence", "source_url", "notes", NULL
};

struct history {
	struct csv_rows        table;
	const struct unit_map *units;
	const char            *code_prefix;
};

/* A day, "2024-11" or "2024": what the source gives. */
static void read_date(struct history *history, const struct csv_row *row, struct round *round)
{
	struct csv_rows *table = &history->table;
	const char *cell = csv_cell(table, row, "date");
	int year, month = 0, used = 0;
	bool month_only, year_only;

	if (!cell) {
		wire_fault_required(table->err, csv_pointer(table, row, "date"));
		return;
	}
	month_only = sscanf(cell, "%4d-%2d%n", &year, &month, &used) == 2 && !cell[used] && used == 7;
	year_only = !month_only && sscanf(cell, "%4d%n", &year, &used) == 1 && !cell[used] && used == 4;
	if (year_only && date_valid(year, 1, 1)) {
		round->precision = PRECISION_YEAR;
		round->from = date_make(year, 1, 1);
		round->to = date_make(year, 12, 31);
	} else if (month_only && date_valid(year, month, 1)) {
		round->precision = PRECISION_MONTH;
		round->from = date_make(year, month, 1);
		round->to = date_make(year, month, date_month_length(year, month));
	} else if (csv_date(table, row, "date", &round->from)) {
		round->to = round->from;
	}
}

static void read_units(struct history *history, const struct csv_row *row, struct round *round)
{
	struct csv_rows *table = &history->table;
	const char **typed;
	size_t count = csv_list(table, row, "unit", &typed);
	struct unit_names names = { .units = history->units, .from = round->from, .to = round->to,
				    .pointer = csv_pointer(table, row, "unit"), .arena = table->arena,
				    .err = table->err };

	if (count == 0)
		wire_fault_required(table->err, names.pointer);
	else
		unit_names_resolve(&names, typed, count, &round->units, &round->nunits);
}

static void read_campaigns(struct history *history, const struct csv_row *row, struct round *round)
{
	const char **slugs;

	round->ncampaigns = csv_list(&history->table, row, "campaigns", &slugs);
	round->campaigns = arena_alloc(history->table.arena, (round->ncampaigns + 1) * sizeof(struct named));
	for (size_t i = 0; i < round->ncampaigns; i++)
		round->campaigns[i].id = slugs[i];
}

/* The edition as the press names it is the title ("Chủ nhật Đỏ lần thứ XIII"). */
static void read_title(struct history *history, const struct csv_row *row, struct round *round)
{
	struct arena *arena = history->table.arena;
	const char *where = round->nunits ? round->units[0].name : "";

	if (csv_text(&history->table, row, "campaign", WIRE_TITLE_MAX, &round->title))
		return;
	round->title = arena_printf(arena, "Đợt hiến máu, %s, %d", where, round->from.year);
}

/* A place that is no venue of ours is kept in words, before what else the file notes. */
static void read_note(struct history *history, const struct csv_row *row, struct round *round)
{
	const char *place = NULL, *note = NULL;

	csv_text(&history->table, row, "venue", WIRE_TITLE_MAX, &place);
	csv_text(&history->table, row, "notes", WIRE_NOTE_MAX - WIRE_TITLE_MAX - 20, &note);
	round->venue = (struct named){ .name = place };
	round->note = place ? arena_printf(history->table.arena, "Địa điểm: %s.%s%s", place, note ? " " : "",
					   note ? note : "")
			    : note;
}

static void read_figure(struct history *history, const struct csv_row *row, const char *column,
			const char *qualifier_column, struct figure *figure)
{
	struct csv_rows *table = &history->table;
	const char *qualifier = csv_cell(table, row, qualifier_column);
	int value;

	if (!csv_int(table, row, column, 0, 1000000, &value)) {
		if (qualifier && !csv_cell(table, row, column))
			error_add_field(table->err, csv_pointer(table, row, qualifier_column), "invalid_value",
					"There is no figure to qualify.", "Không có số liệu để ghi mức chính xác.");
		return;
	}
	figure->value = value;
	if (!qualifier)
		wire_fault_required(table->err, csv_pointer(table, row, qualifier_column));
	else if (!figure_qualifier_parse(qualifier, &figure->qualifier))
		wire_fault_choice(table->err, csv_pointer(table, row, qualifier_column), "exact, at_least, about");
}

static void read_report(struct history *history, const struct csv_row *row, const struct round *round,
			struct report *report)
{
	const struct figure none = { .value = -1 };
	struct csv_rows *table = &history->table;

	report->registered = report->present = report->accepted = report->units = report->ml = none;
	report->source = REPORT_PRESS;
	report->reported_on = round->to;
	report->note = round->precision == PRECISION_DAY
			       ? "Day of the report not known: the round's day stands for it."
			       : "Day of the report not known: the last day of the round's period stands for it.";
	if (!csv_text(table, row, "source_url", WIRE_URL_MAX, &report->source_url))
		wire_fault_required(table->err, csv_pointer(table, row, "source_url"));
	read_figure(history, row, "registered", "registered_qualifier", &report->registered);
	read_figure(history, row, "collected_units", "units_qualifier", &report->units);
}

static void read_row(struct history *history, const struct csv_row *row, size_t number,
		     struct round_history *out)
{
	struct csv_rows *table = &history->table;
	struct round *round = &out->round;

	round_init(round);
	round->precision = PRECISION_DAY;
	read_date(history, row, round);
	csv_minute(table, row, "start", 1439, &round->start_minute);
	csv_minute(table, row, "end", 1440, &round->end_minute);
	read_units(history, row, round);
	read_campaigns(history, row, round);
	read_title(history, row, round);
	read_note(history, row, round);
	csv_text(table, row, "organiser", WIRE_ORGANISER_MAX, &round->organiser);
	csv_int(table, row, "target_units", 0, 100000, &round->target_units);
	round->code = arena_printf(table->arena, "%s%02d-H%02zu", history->code_prefix,
				   round->from.year % 100, number);
	round->status = ROUND_CLOSED;
	round->date_status = round->place_status = FACT_REPORTED;
	round->time_status = round->start_minute >= 0 ? FACT_REPORTED : FACT_UNKNOWN;
	read_report(history, row, round, &out->report);
}

bool history_read_csv(const char *text, size_t len, const char *code_prefix, const struct unit_map *units,
		      struct arena *arena, struct round_history **rows, size_t *count, struct error *err)
{
	struct history history = { .table = { .columns = columns, .arena = arena, .err = err },
				   .units = units, .code_prefix = code_prefix };

	if (!csv_rows_read(&history.table, text, len))
		return false;
	*count = history.table.count;
	*rows = arena_alloc(arena, (*count + 1) * sizeof(**rows));
	for (size_t i = 0; i < *count; i++)
		read_row(&history, &history.table.rows[i], i + 1, &(*rows)[i]);
	return err->code == ERR_NONE;
}
