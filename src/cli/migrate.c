#include "cli/commands.h"

/* `giothong migrate`: the schema and the reference data (units, campaigns, holidays) of this version. */
static int migrate_command_run(struct cli *cli)
{
	const struct migrate_report *report = &cli->setup->migrated;
	bool reference = cli->setup->reference_changed;

	/* All of it happened on the way here. */
	if (report->changed)
		cli_say(cli, "migrations applied: %d; the schema is at number %d\n",
			"đã chạy %d bước; lược đồ ở số %d\n", report->applied, report->newest);
	else
		cli_say(cli, "nothing to migrate; the schema is at number %d\n",
			"không có gì để chạy; lược đồ ở số %d\n", report->newest);
	if (reference)
		cli_say(cli, "reference data loaded\n", "đã nạp dữ liệu tham chiếu\n");
	jout_object(&cli->out, NULL);
	jout_int(&cli->out, "applied", report->applied);
	jout_int(&cli->out, "newest", report->newest);
	jout_bool(&cli->out, "reference_changed", reference);
	jout_end(&cli->out);
	return EXIT_OK;
}

const struct cli_command migrate_commands[] = {
	{ .group = "migrate",
	  .need = CLI_SCHEMA, .run = migrate_command_run,
	  .summary = { "bring the database to the schema of this version",
		       "đưa cơ sở dữ liệu lên lược đồ của phiên bản này" } },
	{ 0 }
};
