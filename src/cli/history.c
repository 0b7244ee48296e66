#include "cli/commands.h"

#include <stdio.h>

#include "domain/catalog_names.h"
#include "domain/unit.h"
#include "store/catalog_store.h"
#include "store/plan_store.h"
#include "store/round_store.h"
#include "wire/plan_wire.h"

/* `giothong history import`: rounds of the past as the press reported them. */
CLI_OPERATION(history_apply)
CLI_OPERATION(round_load)
CLI_OPERATION(catalog_list)

enum { CAMPAIGN_PAGE = 500 };

/* Of the province: codes are LC20-H05. */
static const char default_prefix[] = "LC";

struct history {
	struct unit_map      *units;
	struct round_history *rows;
	bool                 *there;     /* was, before */
	size_t                nrows, created;
};

/* The file has slugs. */
static bool find_campaigns(struct cli *cli, struct history *history)
{
	struct catalog_list list = { .kind = CATALOG_CAMPAIGN, .inactive = true, .limit = CAMPAIGN_PAGE,
				     .arena = &cli->arena };
	struct catalog catalog = { .units = history->units };
	bool fine = true;

	if (!catalog_list_run(cli, &list))
		return false;
	catalog.items[CATALOG_CAMPAIGN] = list.items;
	catalog.nitems[CATALOG_CAMPAIGN] = list.nitems;
	for (size_t i = 0; i < history->nrows; i++) {
		struct round *round = &history->rows[i].round;

		fine &= catalog_find_campaigns(&catalog, round->campaigns, round->ncampaigns, round->code,
					       &cli->error);
	}
	return fine;
}

static bool load(struct cli *cli, struct history *history)
{
	const char *prefix = cli_option(cli, "prefix", 0);
	const char *text;
	size_t len;

	if (!cli_read_file(cli, cli->arguments[0], &text, &len))
		return false;
	history->units = cli_load_units(cli);
	return history->units &&
	       history_read_csv(text, len, prefix ? prefix : default_prefix, history->units, &cli->arena,
				&history->rows, &history->nrows, &cli->error) &&
	       find_campaigns(cli, history);
}

static const char *when(const struct round *round, char out[DATE_TEXT_SIZE])
{
	date_format(round->from, out);
	if (round->precision == PRECISION_YEAR)
		out[4] = '\0';
	else if (round->precision == PRECISION_MONTH)
		out[7] = '\0';
	return out;
}

/* Which rows are there is asked one by one: files of history are short. */
static bool find_rows(struct cli *cli, struct history *history)
{
	history->there = arena_alloc(&cli->arena, (history->nrows + 1) * sizeof(*history->there));
	for (size_t i = 0; i < history->nrows; i++) {
		struct round_load known = { .key = history->rows[i].round.code, .arena = &cli->arena };

		history->there[i] = round_load_run(cli, &known);
		if (!history->there[i] && cli->error.code != ERR_NOT_FOUND)
			return false;
		error_clear(&cli->error);
		history->created += !history->there[i];
	}
	return true;
}

static void print_row(struct cli *cli, const struct round *round, bool there)
{
	char day[DATE_TEXT_SIZE];

	cli_say(cli, "%s %-9s %-10s %s\n", "%s %-9s %-10s %s\n", there ? " " : "+", round->code, when(round, day),
		round->title);
	jout_object(&cli->out, NULL);
	jout_text(&cli->out, "code", round->code);
	jout_text(&cli->out, "action", there ? "keep" : "create");
	jout_text(&cli->out, "date", when(round, day));
	jout_text(&cli->out, "title", round->title);
	jout_end(&cli->out);
}

static void print_rows(struct cli *cli, const struct history *history)
{
	jout_array(&cli->out, "rounds");
	for (size_t i = 0; i < history->nrows; i++)
		print_row(cli, &history->rows[i].round, history->there[i]);
	jout_end(&cli->out);
}

static bool apply(struct cli *cli, struct history *history)
{
	struct history_apply apply_op = { .rows = history->rows, .nrows = history->nrows, .actor = cli->actor,
					  .arena = &cli->arena };

	if (!history_apply_run(cli, &apply_op))
		return false;
	history->created = apply_op.created;
	return true;
}

static void conclude(struct cli *cli, const struct history *history, bool dry_run)
{
	size_t created = history->created;

	if (created == 0)
		cli_say(cli, "nothing changes: %s there already\n", "không có gì thay đổi: đã có đủ %s\n",
			cli_rounds(cli, history->nrows));
	else if (dry_run)
		cli_say(cli, "dry run: %zu of %s would be added\n", "chạy thử: sẽ thêm %zu trong %s\n", created,
			cli_rounds(cli, history->nrows));
	else
		cli_say(cli, "%zu of %s added\n", "đã thêm %zu trong %s\n", created, cli_rounds(cli, history->nrows));
	jout_int(&cli->out, "created", (int64_t)created);
	jout_int(&cli->out, "kept", (int64_t)(history->nrows - created));
	jout_bool(&cli->out, "applied", !dry_run && created > 0);
	jout_end(&cli->out);
}

static bool import(struct cli *cli, struct history *history)
{
	bool dry_run = cli_has(cli, "dry-run");

	/* Nothing is said before it is true. */
	if (!load(cli, history) || !find_rows(cli, history) ||
	    (!dry_run && history->created > 0 && !apply(cli, history)))
		return false;
	jout_object(&cli->out, NULL);
	print_rows(cli, history);
	conclude(cli, history, dry_run);
	return true;
}

static int import_run(struct cli *cli)
{
	struct history history = { 0 };
	int status = import(cli, &history) ? EXIT_OK : cli_refuse(cli);

	unit_map_free(history.units);
	return status;
}

static const struct cli_option import_options[] = {
	{ "dry-run", NULL, { "only show what would be added", "chỉ cho xem sẽ thêm gì" } },
	{ "prefix", "CODE", { "what the rounds' codes begin with (LC)", "phần đầu của mã đợt (LC)" } },
	{ 0 }
};

const struct cli_command history_commands[] = {
	{ .group = "history", .verb = "import", .arguments = "FILE", .nmin = 1, .nmax = 1,
	  .need = CLI_DATABASE, .options = import_options, .run = import_run,
	  .summary = { "add rounds of the past from a CSV file", "thêm các đợt đã qua từ tệp CSV" } },
	{ 0 }
};
