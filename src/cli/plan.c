#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "api/plan_import.h"
#include "base/text.h"
#include "domain/unit.h"
#include "store/plan_store.h"
#include "wire/plan_wire.h"

CLI_OPERATION(plan_list)
CLI_OPERATION(plan_load)

enum { PLAN_PAGE = 100 };

static const struct {
	unsigned    bit;
	const char *name[LANGUAGE_COUNT];
} field_names[] = {
	{ ROUND_TITLE, { "title", "tên" } },           { ROUND_DATE, { "date", "ngày" } },
	{ ROUND_TIME, { "hours", "giờ" } },            { ROUND_UNITS, { "units", "đơn vị" } },
	{ ROUND_VENUE, { "venue", "địa điểm" } },      { ROUND_TEAM, { "team", "đội" } },
	{ ROUND_ORGANISER, { "organiser", "đơn vị tổ chức" } },
	{ ROUND_CAMPAIGNS, { "campaigns", "chiến dịch" } },
	{ ROUND_TARGET, { "target", "chỉ tiêu" } },    { ROUND_CAPACITY, { "capacity", "số chỗ" } },
	{ ROUND_NOTE, { "note", "ghi chú" } },
};

static void no_plan(struct cli *cli, const char *key)
{
	error_set(&cli->error, ERR_NOT_FOUND, "there is no plan \"%s\"", "không có kế hoạch \"%s\"", key ? key : "");
}

/* ---- plan import ---- */

static bool has_suffix(const char *text, const char *suffix)
{
	size_t len = strlen(text), end = strlen(suffix);

	return len >= end && streq(text + len - end, suffix);
}

static void append(char *out, size_t size, const char *text)
{
	size_t len = strlen(out);

	snprintf(out + len, size - len, "%s%s", len > 0 ? ", " : "", text);
}

/* "date 2025-03-02 -> 2025-03-09, hours, title" */
static void list_fields(const struct cli *cli, const struct plan_diff_row *row, char *out, size_t size)
{
	enum language language = cli->setup->language;
	char was[DATE_TEXT_SIZE], now[DATE_TEXT_SIZE], text[64];

	out[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(field_names); i++) {
		if (!(row->fields & field_names[i].bit))
			continue;
		snprintf(text, sizeof(text), "%s", field_names[i].name[language]);
		if (field_names[i].bit == ROUND_DATE && row->was)
			snprintf(text, sizeof(text), "%s %s -> %s", field_names[i].name[language],
				 date_format(row->was->from, was), date_format(row->now->from, now));
		append(out, size, text);
	}
	if (row->facts_differ)
		append(out, size, cli_word(cli, "how sure it is", "mức độ chính thức"));
	if (row->was && row->was->status != row->now->status)
		append(out, size, cli_status(cli, row->now->status));
}

/* A row per round, except those that stay as they are. */
static void print_diff_row(const struct cli *cli, const struct plan_diff_row *row)
{
	static const char marks[] = {
		[PLAN_CREATE] = '+', [PLAN_UPDATE] = '~', [PLAN_KEEP] = ' ', [PLAN_REFUSE] = '!',
	};
	const char *fact = cli_fact(cli, row->now->date_status), *status = cli_status(cli, row->now->status);
	char day[DATE_TEXT_SIZE], fields[256];

	if (row->action == PLAN_KEEP)
		return;
	list_fields(cli, row, fields, sizeof(fields));
	cli_say(cli, "%c %3d  %s  %-*s %-*s %s\n", "%c %3d  %s  %-*s %-*s %s\n", marks[row->action], row->ordinal,
		date_format(row->now->from, day), cli_columns(fact, 12), fact, cli_columns(status, 12), status,
		row->was ? fields : row->now->title);
}

static void print_diff(struct cli *cli, const struct plan_import *import)
{
	const struct plan_diff *diff = &import->diff;

	cli_say(cli, "%s  %s\n", "%s  %s\n", import->plan.number, import->plan.title);
	for (size_t i = 0; i < diff->nrows; i++)
		print_diff_row(cli, &diff->rows[i]);
	if (diff->refused > 0)
		cli_say(cli, "nothing was changed: the file differs in %s already announced; move or edit one by one\n",
			"chưa thay đổi gì: tệp khác với %s đã công bố; hãy dời hoặc sửa từng đợt\n",
			cli_rounds(cli, diff->refused));
	else if (diff->plan == PLAN_KEEP && diff->created + diff->updated == 0)
		cli_say(cli, "nothing changes: %s as in the file\n",
			"không có gì thay đổi: %s đã đúng như tệp\n", cli_rounds(cli, diff->kept));
	else if (import->dry_run)
		cli_say(cli, "dry run: %s would be created, %zu changed, %zu kept\n",
			"chạy thử: sẽ tạo %s, sửa %zu, giữ nguyên %zu\n", cli_rounds(cli, diff->created),
			diff->updated, diff->kept);
	else if (import->applied)
		cli_say(cli, "%s created, %zu changed, %zu kept\n",
			"đã tạo %s, sửa %zu, giữ nguyên %zu\n", cli_rounds(cli, diff->created), diff->updated,
			diff->kept);
}

static void import_finished(struct plan_import *import)
{
	(void)import;
	cli_finished();
}

/* The diff is told where there is one: after a success and a refusal, not when the file is bad. */
static int tell_import(struct cli *cli, const struct plan_import *import)
{
	bool compared = import->error.code == ERR_NONE || import->error.code == ERR_IMPORT_REFUSED;

	cli->error = import->error;
	if (import->error.code == ERR_NOT_FOUND)
		no_plan(cli, import->plan_key);
	if (compared) {
		print_diff(cli, import);
		plan_diff_write(&cli->out, &import->plan, &import->diff, import->applied);
	}
	fflush(stdout);
	return cli->error.code == ERR_NONE ? EXIT_OK : cli_refuse(cli);
}

static bool read_import(struct cli *cli, struct plan_import *import)
{
	const char *path = cli->arguments[0];

	import->csv = has_suffix(path, ".csv");
	import->plan_key = cli_option(cli, "plan", 0);
	if (!import->csv && !has_suffix(path, ".json"))
		return error_set(&cli->error, ERR_CONFIG, "%s is neither .json nor .csv", "%s không phải .json hay .csv",
				 path);
	if (import->csv && !import->plan_key)
		return error_set(&cli->error, ERR_CONFIG, "rows of a .csv file need --plan NUMBER",
				 "tệp .csv cần --plan SỐ KẾ HOẠCH");
	return true;
}

static int import_run(struct cli *cli)
{
	struct plan_import import = { .store = &cli->store, .dry_run = cli_has(cli, "dry-run"),
				      .actor = cli->actor, .arena = &cli->arena, .done = import_finished };
	struct unit_map *units;
	int status;

	if (!read_import(cli, &import))
		return cli_usage(cli);
	if (!cli_read_file(cli, cli->arguments[0], &import.text, &import.len))
		return cli_refuse(cli);
	units = cli_load_units(cli);
	if (!units)
		return cli_refuse(cli);
	import.units = units;
	if (cli_goes_on(cli)) {
		plan_import_start(&import);
		cli_wait(cli);
		status = tell_import(cli, &import);
	} else {
		status = cli_refuse(cli);
	}
	unit_map_free(units);
	return status;
}

/* ---- plan list ---- */

static void print_plan_line(struct cli *cli, const struct plan *plan)
{
	char from[DATE_TEXT_SIZE], to[DATE_TEXT_SIZE];

	cli_say(cli, "%-16s %-8s %s..%s %3zu  %s%s\n", "%-16s %-8s %s..%s %3zu  %s%s\n", plan->number,
		plan->code_prefix, date_format(plan->from, from), date_format(plan->to, to), plan->nrounds,
		plan->demo ? cli_word(cli, "[demo] ", "[dữ liệu mẫu] ") : "", plan->title);
	plan_write(&cli->out, NULL, plan, false);
}

static int list_run(struct cli *cli)
{
	struct plan_list list = { .limit = PLAN_PAGE, .drafts = { .all = true }, .arena = &cli->arena };
	bool more = true;

	jout_object(&cli->out, NULL);
	jout_array(&cli->out, "items");
	while (more) {
		if (!plan_list_run(cli, &list))
			return cli_refuse(cli);
		for (size_t i = 0; i < list.nplans; i++)
			print_plan_line(cli, &list.plans[i]);
		more = list.more && list.nplans > 0;
		if (more)
			snprintf(list.after, sizeof(list.after), "%s", list.plans[list.nplans - 1].id);
	}
	jout_end(&cli->out);
	jout_end(&cli->out);
	return EXIT_OK;
}

/* ---- plan show ---- */

static void list_units(const struct round *round, char *out, size_t size)
{
	out[0] = '\0';
	for (size_t i = 0; i < round->nunits; i++)
		append(out, size, round->units[i].name ? round->units[i].name : round->units[i].id);
	if (round->nunits == 0)
		append(out, size, "-");
}

static void print_round(const struct cli *cli, const struct round *round)
{
	const char *fact = cli_fact(cli, round->date_status), *status = cli_status(cli, round->status);
	char day[DATE_TEXT_SIZE], start[6] = "-", units[512];

	if (round->start_minute >= 0)
		minute_format(round->start_minute, start);
	list_units(round, units, sizeof(units));
	cli_say(cli, "%-10s %s %-*s %-5s %-*s %s\n", "%-10s %s %-*s %-5s %-*s %s\n", round->code,
		date_format(round->from, day), cli_columns(fact, 12), fact, start, cli_columns(status, 12), status,
		units);
}

static int show_run(struct cli *cli)
{
	struct plan_load load = { .key = cli->arguments[0], .arena = &cli->arena };

	if (!plan_load_run(cli, &load)) {
		if (cli->error.code == ERR_NOT_FOUND)
			no_plan(cli, load.key);
		return cli_refuse(cli);
	}
	cli_say(cli, "%s  %s%s\n", "%s  %s%s\n", load.plan.number,
		load.plan.demo ? cli_word(cli, "[demo] ", "[dữ liệu mẫu] ") : "", load.plan.title);
	for (size_t i = 0; i < load.plan.nrounds; i++)
		print_round(cli, &load.plan.rounds[i]);
	plan_write(&cli->out, NULL, &load.plan, true);
	return EXIT_OK;
}

static const struct cli_option import_options[] = {
	{ "dry-run", NULL, { "only show what would change", "chỉ cho xem sẽ thay đổi gì" } },
	{ "plan", "NUMBER",
	  { "the plan that the rows of a .csv file are of", "kế hoạch của các dòng trong tệp .csv" } },
	{ 0 }
};

const struct cli_command plan_commands[] = {
	{ .group = "plan", .verb = "import", .arguments = "FILE", .nmin = 1, .nmax = 1,
	  .need = CLI_DATABASE, .options = import_options, .run = import_run,
	  .summary = { "import a plan (.json) or its rounds (.csv), all or nothing",
		       "nhập kế hoạch (.json) hoặc các đợt (.csv), tất cả hoặc không" } },
	{ .group = "plan", .verb = "list",
	  .need = CLI_DATABASE, .run = list_run,
	  .summary = { "list the plans", "liệt kê các kế hoạch" } },
	{ .group = "plan", .verb = "show", .arguments = "NUMBER", .nmin = 1, .nmax = 1,
	  .need = CLI_DATABASE, .run = show_run,
	  .summary = { "show a plan with its rounds", "xem kế hoạch và các đợt" } },
	{ 0 }
};
