#include "wire/plan_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "domain/unit.h"
#include "wire/csv_rows.h"
#include "wire/fields.h"
#include "wire/round_fields.h"
#include "wire/unit_names.h"

/* The spreadsheet that staff keep of a plan's rounds. */

static const char *const columns[] = { "ordinal", "date",  "start",     "end",    "place",
				       "units",   "organiser", "target", NULL };

struct import {
	struct csv_rows        table;
	const struct plan     *of;
	const struct unit_map *units;
};

static const struct round *known_round(const struct plan *of, int ordinal)
{
	for (size_t i = 0; of->rounds && i < of->nrounds; i++)
		if (of->rounds[i].ordinal == ordinal)
			return &of->rounds[i];
	return NULL;
}

static void read_ordinal_and_date(struct import *import, const struct csv_row *row, struct round *round)
{
	struct csv_rows *table = &import->table;
	struct date day;

	if (!csv_cell(table, row, "ordinal"))
		wire_fault_required(table->err, csv_pointer(table, row, "ordinal"));
	csv_int(table, row, "ordinal", 1, 366, &round->ordinal);
	if (!csv_cell(table, row, "date"))
		wire_fault_required(table->err, csv_pointer(table, row, "date"));
	if (csv_date(table, row, "date", &day))
		round->from = round->to = day;
	csv_minute(table, row, "start", 1439, &round->start_minute);
	csv_minute(table, row, "end", 1440, &round->end_minute);
}

/* A comma may belong to one name ("xã Mường Than, huyện Than Uyên"), so it never parts two; who hoped so is told. */
static bool refuse_commas(const struct unit_names *names, const char **typed, size_t count)
{
	const struct unit *found;

	for (size_t i = 0; i < count; i++)
		if (strchr(typed[i], ',') && unit_match(names->units, typed[i], names->from, &found, 1) == 0)
			return error_add_field(names->err, names->pointer, "unknown_unit",
					       "No unit is so named. Several units are parted by ';', not by ','.",
					       "Không có đơn vị nào tên như vậy. Nhiều đơn vị cách nhau bằng ';', "
					       "không phải ','.");
	return true;
}

static void read_units(struct import *import, const struct csv_row *row, struct round *round)
{
	const char **typed;
	size_t count = csv_list(&import->table, row, "units", &typed);
	struct unit_names names = { .units = import->units, .from = round->from, .to = round->to,
				    .pointer = csv_pointer(&import->table, row, "units"),
				    .arena = import->table.arena, .err = import->table.err };

	if (count > ROUND_MAX_UNITS)
		error_add_field(names.err, names.pointer, "too_many", "At most %d units.", "Tối đa %d đơn vị.",
				ROUND_MAX_UNITS);
	else if (count > 0 && refuse_commas(&names, typed, count))
		unit_names_resolve(&names, typed, count, &round->units, &round->nunits);
}

static bool same_name(const char *a, const char *b)
{
	char x[512], y[512];

	return a && b && text_fold(a, x, sizeof(x)) && text_fold(b, y, sizeof(y)) && streq(x, y);
}

/* A place that the round has already is that venue; another is named as typed, for the store to look up. */
static void read_place(struct import *import, const struct csv_row *row, const struct round *known,
		       struct round *round)
{
	const char *typed;

	if (!csv_text(&import->table, row, "place", WIRE_TITLE_MAX, &typed))
		return;
	if (known && known->venue.id && (streq(known->venue.id, typed) || same_name(known->venue.name, typed)))
		round->venue = known->venue;
	else
		round->venue = (struct named){ typed, typed };
}

static void read_round(struct import *import, const struct csv_row *row, struct round *round)
{
	const struct round *known;

	round_init(round);
	round->precision = PRECISION_DAY;
	read_ordinal_and_date(import, row, round);
	known = known_round(import->of, round->ordinal);
	round->title = known ? known->title : round_default_title(import->table.arena, round->ordinal);
	read_units(import, row, round);
	read_place(import, row, known, round);
	csv_text(&import->table, row, "organiser", WIRE_ORGANISER_MAX, &round->organiser);
	csv_int(&import->table, row, "target", 0, 100000, &round->target_units);
	round->status = ROUND_DRAFT;
	round->date_status = FACT_PROPOSED;
	round->time_status = round->start_minute >= 0 ? FACT_PROPOSED : FACT_UNKNOWN;
	round->place_status = round->nunits > 0 || round->venue.id ? FACT_PROPOSED : FACT_UNKNOWN;
}

/* Found here, where the line is known; later only the ordinal would be. */
static void refuse_doubles(const struct import *import, const struct plan *plan, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (plan->rounds[i].ordinal == plan->rounds[index].ordinal && plan->rounds[index].ordinal > 0) {
			error_add_field(import->table.err,
					csv_pointer(&import->table, &import->table.rows[index], "ordinal"),
					"duplicate", "The ordinal stands on line %zu already.",
					"Số thứ tự đã có ở dòng %zu.", import->table.rows[i].line);
			return;
		}
}

/* "/rounds/0/target_units", counted by rows -> "line 2, column target". */
static const char *row_pointer(const struct import *import, const char *pointer)
{
	static const char *const names[][2] = { { "target_units", "target" }, { "venue", "place" } };
	char field[32] = "", *end;
	size_t index;

	if (strncmp(pointer, "/rounds/", strlen("/rounds/")) != 0)
		return NULL;
	index = strtoul(pointer + strlen("/rounds/"), &end, 10);
	if (index >= import->table.count)
		return NULL;
	sscanf(end, "/%31[^/]", field);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (streq(field, names[i][0]))
			return csv_pointer(&import->table, &import->table.rows[index], names[i][1]);
	for (size_t i = 0; columns[i]; i++)
		if (streq(field, columns[i]))
			return csv_pointer(&import->table, &import->table.rows[index], columns[i]);
	return arena_printf(import->table.arena, "line %zu", import->table.rows[index].line);
}

/* The rules for rounds, asked while the lines are known. The plan's head is not the table's to answer for. */
static void check_rows(const struct import *import, const struct plan *plan)
{
	struct error found;

	error_clear(&found);
	plan_check(plan, &found);
	for (size_t i = 0; i < found.nfields; i++) {
		const struct error_field *field = &found.fields[i];
		const char *pointer = row_pointer(import, field->pointer);

		if (pointer)
			error_add_field(import->table.err, pointer, field->code, "%s%.0s", "%.0s%s",
					field->detail[LANGUAGE_EN], field->detail[LANGUAGE_VI]);
	}
}

static int compare_ordinals(const void *a, const void *b)
{
	return ((const struct round *)a)->ordinal - ((const struct round *)b)->ordinal;
}

bool plan_file_read_csv(const char *text, size_t len, const struct plan *of, const struct unit_map *units,
			struct arena *arena, struct plan *plan, struct error *err)
{
	struct import import = { .table = { .columns = columns, .arena = arena, .err = err }, .of = of,
				 .units = units };

	*plan = *of;
	plan->rounds = NULL;
	plan->nrounds = 0;
	if (!csv_rows_read(&import.table, text, len))
		return false;
	if (import.table.count > 366)
		return error_add_field(err, "line 368", "too_many", "A plan has at most 366 rounds.",
				       "Một kế hoạch có tối đa 366 đợt.");
	plan->nrounds = import.table.count;
	plan->rounds = arena_alloc(arena, (plan->nrounds + 1) * sizeof(*plan->rounds));
	for (size_t i = 0; i < plan->nrounds; i++) {
		read_round(&import, &import.table.rows[i], &plan->rounds[i]);
		refuse_doubles(&import, plan, i);
	}
	if (err->code == ERR_NONE)
		check_rows(&import, plan);
	if (err->code != ERR_NONE)
		return false;
	qsort(plan->rounds, plan->nrounds, sizeof(*plan->rounds), compare_ordinals);
	return true;
}
