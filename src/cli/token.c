#include "cli/commands.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/scope.h"
#include "crypto/token.h"
#include "store/access_store.h"

CLI_OPERATION(token_create)
CLI_OPERATION(token_list)
CLI_OPERATION(token_revoke)

/* ---- token create ---- */

/* The last day on which the token works. */
static bool read_expiry(struct cli *cli, int64_t *expires_us)
{
	const char *text = cli_option(cli, "expires", 0);
	struct date day;

	*expires_us = INT64_MIN;
	if (!text)
		return true;
	if (!date_parse(text, &day))
		return error_set(&cli->error, ERR_CONFIG, "--expires must be a date: YYYY-MM-DD",
				 "--expires phải là ngày: YYYY-MM-DD");
	if (date_compare(day, clock_today(&cli->setup->clock)) < 0)
		return error_set(&cli->error, ERR_CONFIG, "--expires %s is past", "--expires %s đã qua", text);
	/* It is kept as the instant after that day, and years have four digits. */
	if (day.year == 9999)
		return error_set(&cli->error, ERR_CONFIG, "--expires must be before the year 9999",
				 "--expires phải trước năm 9999");
	*expires_us = date_instant(date_add_days(day, 1), 0);
	return true;
}

static void print_created(struct cli *cli, const struct access_token *token, const char *text)
{
	cli_say(cli, "%s\n", "%s\n", text);
	/* Beside the token, so that `$(giothong token create ...)` holds the token alone. */
	if (!cli->json)
		fprintf(stderr, cli_word(cli, "%s: token \"%s\" (%s) made; it is shown this once and kept nowhere\n",
					 "%s: đã tạo mã truy cập \"%s\" (%s); chỉ hiện một lần và không lưu ở đâu\n"),
			cli->setup->program, token->name, role_text(token->role));
	jout_object(&cli->out, NULL);
	jout_text(&cli->out, "id", token->id);
	jout_text(&cli->out, "name", token->name);
	jout_text(&cli->out, "role", role_text(token->role));
	jout_text(&cli->out, "token", text);
	jout_time(&cli->out, "expires_at", token->expires_us);
	jout_end(&cli->out);
}

static int create_run(struct cli *cli)
{
	struct token_create create = { .arena = &cli->arena, .actor = cli->actor };
	char text[TOKEN_TEXT_SIZE];

	create.token.last_used_us = create.token.revoked_us = INT64_MIN;
	if (!scope_read_role(cli, &create.token.role) || !cli_require(cli, "name", &create.token.name) ||
	    !read_expiry(cli, &create.token.expires_us))
		return cli_usage(cli);
	if (create.token.role == ROLE_TEAM && !cli_has(cli, "team")) {
		error_set(&cli->error, ERR_CONFIG, "a team's token needs --team CODE", "mã của đội cần --team MÃ");
		return cli_usage(cli);
	}
	if (!scope_read_units(cli, &create.token.unit_ids, &create.token.nunit_ids) ||
	    !scope_read_team(cli, &create.token.team_id))
		return cli_refuse(cli);
	token_make(text);
	token_hash(text, create.hash);
	if (!token_create_run(cli, &create))
		return cli_refuse(cli);
	print_created(cli, &create.token, text);
	explicit_bzero(text, sizeof(text));
	return EXIT_OK;
}

/* ---- token list ---- */

/* One word for machines; people read theirs. */
static const char *state_of(const struct cli *cli, const struct access_token *token)
{
	if (token->revoked_us != INT64_MIN)
		return "revoked";
	if (token->expires_us != INT64_MIN && token->expires_us <= clock_wall_us(&cli->setup->clock))
		return "expired";
	return "live";
}

static const char *state_word(const struct cli *cli, const char *state)
{
	return cli_word(cli, state, streq(state, "live") ? "hiệu lực" : streq(state, "expired") ? "hết hạn" : "đã thu hồi");
}

static const char *day_of(int64_t wall_us, char out[DATE_TEXT_SIZE])
{
	return wall_us == INT64_MIN ? "-" : date_format(date_of_instant(wall_us), out);
}

/* The last day on which it works, as it was given. */
static const char *last_day(const struct access_token *token, char out[DATE_TEXT_SIZE])
{
	return day_of(token->expires_us == INT64_MIN ? INT64_MIN : token->expires_us - 1, out);
}

static void print_token(struct cli *cli, const struct access_token *token)
{
	struct json_out *out = &cli->out;
	char expires[DATE_TEXT_SIZE], used[DATE_TEXT_SIZE];
	const char *state = state_word(cli, state_of(cli, token));

	cli_say(cli, "%s  %-8s %-*s %-10s %-10s %s\n", "%s  %-8s %-*s %-10s %-10s %s\n", token->id,
		role_text(token->role), cli_columns(state, 12), state, last_day(token, expires),
		day_of(token->last_used_us, used), token->name);
	jout_object(out, NULL);
	jout_text(out, "id", token->id);
	jout_text(out, "name", token->name);
	jout_text(out, "role", role_text(token->role));
	jout_text(out, "state", state_of(cli, token));
	jout_array(out, "units");
	for (size_t i = 0; i < token->nunit_ids; i++)
		jout_text(out, NULL, token->unit_ids[i]);
	jout_end(out);
	jout_text(out, "team", token->team_id);
	jout_time(out, "created_at", token->created_us);
	jout_time(out, "expires_at", token->expires_us);
	jout_time(out, "revoked_at", token->revoked_us);
	jout_time(out, "last_used_at", token->last_used_us);
	jout_end(out);
}

static int list_run(struct cli *cli)
{
	struct token_list list = { .arena = &cli->arena };

	if (!token_list_run(cli, &list))
		return cli_refuse(cli);
	/* Spaces by hand: printf counts bytes. */
	cli_say(cli, "%-36s  role     state        expires    used       name\n",
		"%-36s  vai trò  trạng thái   hết hạn    lần cuối   tên\n", "id");
	jout_object(&cli->out, NULL);
	jout_array(&cli->out, "items");
	for (size_t i = 0; i < list.ntokens; i++)
		print_token(cli, &list.tokens[i]);
	jout_end(&cli->out);
	jout_end(&cli->out);
	return EXIT_OK;
}

/* ---- token revoke ---- */

static int revoke_run(struct cli *cli)
{
	struct token_revoke revoke = { .key = cli->arguments[0], .arena = &cli->arena, .actor = cli->actor };

	if (!token_revoke_run(cli, &revoke)) {
		if (cli->error.code == ERR_NOT_FOUND)
			error_set(&cli->error, ERR_NOT_FOUND, "there is no live token \"%s\"",
				  "không có mã truy cập \"%s\" còn hiệu lực", revoke.key);
		return cli_refuse(cli);
	}
	cli_say(cli, "token \"%s\" is revoked\n", "đã thu hồi mã truy cập \"%s\"\n", revoke.key);
	jout_object(&cli->out, NULL);
	jout_text(&cli->out, "revoked", revoke.key);
	jout_end(&cli->out);
	return EXIT_OK;
}

static const struct cli_option create_options[] = {
	{ "role", "ROLE",
	  { "gateway, team, hospital, comms, staff, auditor or admin",
	    "gateway, team, hospital, comms, staff, auditor hoặc admin" } },
	{ "name", "NAME", { "whose it is, once among live tokens", "của ai; không trùng với mã còn hiệu lực" } },
	SCOPE_OPTIONS,
	{ "expires", "DATE", { "the last day on which it works", "ngày cuối còn dùng được" } },
	{ 0 }
};

const struct cli_command token_commands[] = {
	{ .group = "token", .verb = "create",
	  .need = CLI_DATABASE, .options = create_options, .run = create_run,
	  .summary = { "make an access token and print it once", "tạo mã truy cập, in ra một lần" } },
	{ .group = "token", .verb = "list",
	  .need = CLI_DATABASE, .run = list_run,
	  .summary = { "list access tokens (never their texts)",
		       "liệt kê mã truy cập (không in nội dung mã)" } },
	{ .group = "token", .verb = "revoke", .arguments = "NAME|ID", .nmin = 1, .nmax = 1,
	  .need = CLI_DATABASE, .run = revoke_run,
	  .summary = { "end an access token", "thu hồi mã truy cập" } },
	{ 0 }
};
