#include "cli/commands.h"

#include <stdio.h>

#include "base/date.h"
#include "store/access_store.h"

CLI_OPERATION(audit_list)

enum { AUDIT_PAGE = 500 };

/* ---- audit list ---- */

static const char *or_dash(const char *text)
{
	return text ? text : "-";
}

static void print_row(struct cli *cli, const struct audit_row *row)
{
	struct json_out *out = &cli->out;
	char at[TIME_TEXT_SIZE];

	cli_say(cli, "%s  %-16s %-14s %s %s  %s %s\n", "%s  %-16s %-14s %s %s  %s %s\n", time_format(row->at_us, at),
		row->action, or_dash(row->actor_id), row->subject_kind, row->subject_id, row->actor_kind,
		row->actor_role);
	jout_object(out, NULL);
	jout_text(out, "id", row->id);
	jout_time(out, "at", row->at_us);
	jout_text(out, "action", row->action);
	jout_text(out, "actor_kind", row->actor_kind);
	jout_text(out, "actor_id", row->actor_id);
	jout_text(out, "actor_role", row->actor_role);
	jout_text(out, "subject_kind", row->subject_kind);
	jout_text(out, "subject_id", row->subject_id);
	jout_text(out, "request_id", row->request_id);
	jout_int(out, "key_id", row->key_id);
	jout_text(out, "digest_before", row->digest_before);
	jout_text(out, "digest_after", row->digest_after);
	jout_end(out);
}

static bool print_pages(struct cli *cli, struct audit_list *list, int limit)
{
	while (limit > 0) {
		list->limit = limit < AUDIT_PAGE ? limit : AUDIT_PAGE;
		if (!audit_list_run(cli, list))
			return false;
		for (size_t i = 0; i < list->nrows; i++)
			print_row(cli, &list->rows[i]);
		limit -= (int)list->nrows;
		if (!list->more || list->nrows == 0)
			break;
		snprintf(list->after, sizeof(list->after), "%s", list->rows[list->nrows - 1].id);
	}
	return true;
}

static int list_run(struct cli *cli)
{
	struct audit_list list = { .arena = &cli->arena };
	int limit = 50;

	if (!cli_number(cli, "limit", 1, 1000000, &limit))
		return cli_usage(cli);
	list.subject_kind = cli_option(cli, "subject", 0);
	list.subject_id = cli->narguments > 0 ? cli->arguments[0] : NULL;
	if (list.subject_id && !list.subject_kind) {
		error_set(&cli->error, ERR_CONFIG, "an id goes with --subject KIND", "mã phải đi cùng --subject LOẠI");
		return cli_usage(cli);
	}
	jout_object(&cli->out, NULL);
	jout_array(&cli->out, "items");
	if (!print_pages(cli, &list, limit))
		return cli_refuse(cli);
	jout_end(&cli->out);
	jout_end(&cli->out);
	return EXIT_OK;
}

static const struct cli_option list_options[] = {
	{ "subject", "KIND [ID]",
	  { "only of this kind (round, plan, token, team, ...), or of one thing",
	    "chỉ loại này (round, plan, token, team, ...), hoặc một đối tượng" } },
	{ "limit", "N", { "at most so many entries (50)", "nhiều nhất bấy nhiêu dòng (50)" } },
	{ 0 }
};

const struct cli_command audit_commands[] = {
	{ .group = "audit", .verb = "list", .arguments = "[ID]", .nmax = 1,
	  .need = CLI_DATABASE, .options = list_options, .run = list_run,
	  .summary = { "who changed what, newest first", "ai đã thay đổi gì, mới nhất trước" } },
	{ 0 }
};
