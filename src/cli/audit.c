#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "base/text.h"
#include "domain/login.h"
#include "store/access_store.h"
#include "store/catalog_store.h"
#include "store/plan_store.h"
#include "store/round_store.h"
#include "store/user_store.h"

CLI_OPERATION(audit_list)
CLI_OPERATION(round_load)
CLI_OPERATION(plan_load)
CLI_OPERATION(token_list)
CLI_OPERATION(catalog_load)
CLI_OPERATION(user_list)
CLI_OPERATION(user_load)

enum { AUDIT_PAGE = 500 };

/* ---- what is asked about: people know codes and names, the record has ids ---- */

static const char *find_round(struct cli *cli, const char *key)
{
	struct round_load load = { .key = key, .arena = &cli->arena };

	return round_load_run(cli, &load) ? arena_strdup(&cli->arena, load.round.id) : NULL;
}

static const char *find_plan(struct cli *cli, const char *key)
{
	struct plan_load load = { .key = key, .arena = &cli->arena };

	return plan_load_run(cli, &load) ? arena_strdup(&cli->arena, load.plan.id) : NULL;
}

/* A name may have been used again: the live token's, else the newest one's. */
static const char *find_token(struct cli *cli, const char *key)
{
	struct token_list list = { .arena = &cli->arena };
	const struct access_token *found = NULL;

	if (!token_list_run(cli, &list))
		return NULL;
	for (size_t i = 0; i < list.ntokens; i++) {
		const struct access_token *token = &list.tokens[i];

		if (streq(token->id, key))
			return token->id;
		if (streq(token->name, key) &&
		    (!found || token->revoked_us == INT64_MIN ||
		     (found->revoked_us != INT64_MIN && token->created_us > found->created_us)))
			found = token;
	}
	if (!found)
		error_set(&cli->error, ERR_NOT_FOUND, "-", "-");
	return found ? found->id : NULL;
}

static const char *find_item(struct cli *cli, enum catalog_kind kind, const char *key)
{
	struct catalog_load load = { .kind = kind, .key = key, .arena = &cli->arena };

	return catalog_load_run(cli, &load) ? arena_strdup(&cli->arena, catalog_item_id(&load.item)) : NULL;
}

static const char *find_campaign(struct cli *cli, const char *key)
{
	return find_item(cli, CATALOG_CAMPAIGN, key);
}

static const char *find_venue(struct cli *cli, const char *key)
{
	return find_item(cli, CATALOG_VENUE, key);
}

static const char *find_team(struct cli *cli, const char *key)
{
	return find_item(cli, CATALOG_TEAM, key);
}

static const char *find_user(struct cli *cli, const char *key)
{
	char *login = arena_alloc(&cli->arena, LOGIN_TYPED_SIZE);
	struct user_load load = { .key = login, .arena = &cli->arena };

	login_name_fold(key, login, LOGIN_TYPED_SIZE);
	return user_load_run(cli, &load) ? arena_strdup(&cli->arena, load.user.id) : NULL;
}

/* A report has an id alone, and always an entry. */
static const char *find_report(struct cli *cli, const char *key)
{
	struct audit_list list = { .subject_kind = "report", .subject_id = key, .limit = 1, .arena = &cli->arena };

	if (!audit_list_run(cli, &list))
		return NULL;
	if (list.nrows == 0)
		error_set(&cli->error, ERR_NOT_FOUND, "-", "-");
	return list.nrows > 0 ? key : NULL;
}

static const struct subject {
	const char *kind;
	const char *(*find)(struct cli *cli, const char *key);
} subjects[] = {
	{ "round", find_round }, { "plan", find_plan },   { "report", find_report },     { "token", find_token },
	{ "team", find_team },   { "venue", find_venue }, { "campaign", find_campaign },
	{ "user", find_user },
};

static const struct subject *find_subject(struct cli *cli, const char *kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++)
		if (streq(subjects[i].kind, kind))
			return &subjects[i];
	error_set(&cli->error, ERR_CONFIG,
		  "\"%s\" is no subject: round, plan, report, token, team, venue, campaign or user",
		  "\"%s\" không phải loại đối tượng: round, plan, report, token, team, venue, campaign hoặc user", kind);
	return NULL;
}

static bool find_thing(struct cli *cli, const struct subject *subject, struct audit_list *list)
{
	const char *key = cli->arguments[0];

	if (cli->narguments == 0)
		return true;
	list->subject_id = subject->find(cli, key);
	if (!list->subject_id && cli->error.code == ERR_NOT_FOUND)
		error_set(&cli->error, ERR_NOT_FOUND, "there is no %s \"%s\"", "không có %s \"%s\"", subject->kind,
			  key);
	return list->subject_id != NULL;
}

/* ---- audit list ---- */

static const char *or_dash(const char *text)
{
	return text ? text : "-";
}

/* Ids tell nobody who it was: logins and the names of tokens do, those that ended among them. Sorted by id. */
struct known {
	const char *id, *name;
};
struct names {
	struct known *list;
	size_t        count, room;
};

static void add_name(struct cli *cli, struct names *names, const char *id, const char *name)
{
	if (names->count == names->room) {
		struct known *more;

		names->room = 2 * names->room + 64;
		more = arena_alloc(&cli->arena, names->room * sizeof(*more));
		if (names->count > 0)
			memcpy(more, names->list, names->count * sizeof(*more));
		names->list = more;
	}
	names->list[names->count++] = (struct known){ id, name };
}

static int compare_known(const void *a, const void *b)
{
	return strcmp(((const struct known *)a)->id, ((const struct known *)b)->id);
}

static bool load_names(struct cli *cli, struct names *names)
{
	struct token_list tokens = { .arena = &cli->arena };
	struct user_list users = { .limit = AUDIT_PAGE, .disabled = true, .arena = &cli->arena };

	if (!token_list_run(cli, &tokens))
		return false;
	for (size_t i = 0; i < tokens.ntokens; i++)
		add_name(cli, names, tokens.tokens[i].id, tokens.tokens[i].name);
	do {
		if (!user_list_run(cli, &users))
			return false;
		for (size_t i = 0; i < users.nusers; i++)
			add_name(cli, names, users.users[i].id, users.users[i].login);
		if (users.nusers > 0)
			memcpy(users.after, users.users[users.nusers - 1].id, sizeof(users.after));
	} while (users.more);
	if (names->count > 0)
		qsort(names->list, names->count, sizeof(*names->list), compare_known);
	return true;
}

static const char *name_of(const struct names *names, const char *id)
{
	const struct known wanted = { id, NULL };
	const struct known *found = NULL;

	if (id && names->count > 0)
		found = bsearch(&wanted, names->list, names->count, sizeof(wanted), compare_known);
	return found ? found->name : NULL;
}

static void print_row(struct cli *cli, const struct names *names, const struct audit_row *row)
{
	const char *name = name_of(names, row->actor_id), *who = name ? name : or_dash(row->actor_id);
	struct json_out *out = &cli->out;
	char at[TIME_TEXT_SIZE];

	cli_say(cli, "%s  %-22s %-*s %s %s  %s %s\n", "%s  %-22s %-*s %s %s  %s %s\n", time_format(row->at_us, at),
		row->action, cli_columns(who, 16), who, row->subject_kind, row->subject_id, row->actor_kind, row->actor_role);
	jout_object(out, NULL);
	jout_text(out, "id", row->id);
	jout_time(out, "at", row->at_us);
	jout_text(out, "action", row->action);
	jout_text(out, "actor_kind", row->actor_kind);
	jout_text(out, "actor_id", row->actor_id);
	jout_text(out, "actor_name", name);
	jout_text(out, "actor_role", row->actor_role);
	jout_text(out, "subject_kind", row->subject_kind);
	jout_text(out, "subject_id", row->subject_id);
	jout_text(out, "request_id", row->request_id);
	jout_int(out, "key_id", row->key_id);
	jout_text(out, "digest_before", row->digest_before);
	jout_text(out, "digest_after", row->digest_after);
	if (row->position > 0)
		jout_int(out, "position", row->position);
	else
		jout_null(out, "position");
	jout_end(out);
}

static bool print_pages(struct cli *cli, struct audit_list *list, int limit)
{
	struct names names = { 0 };

	if (!load_names(cli, &names))
		return false;
	while (limit > 0) {
		list->limit = limit < AUDIT_PAGE ? limit : AUDIT_PAGE;
		if (!audit_list_run(cli, list))
			return false;
		for (size_t i = 0; i < list->nrows; i++)
			print_row(cli, &names, &list->rows[i]);
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
	const struct subject *subject = NULL;
	int limit = 50;

	if (!cli_number(cli, "limit", 1, 1000000, &limit))
		return cli_usage(cli);
	list.subject_kind = cli_option(cli, "subject", 0);
	if (cli->narguments > 0 && !list.subject_kind) {
		error_set(&cli->error, ERR_CONFIG, "an id goes with --subject KIND", "mã phải đi cùng --subject LOẠI");
		return cli_usage(cli);
	}
	if (list.subject_kind) {
		subject = find_subject(cli, list.subject_kind);
		if (!subject)
			return cli_usage(cli);
	}
	if (!find_thing(cli, subject, &list))
		return cli_refuse(cli);
	jout_object(&cli->out, NULL);
	jout_array(&cli->out, "items");
	if (!print_pages(cli, &list, limit))
		return cli_refuse(cli);
	jout_end(&cli->out);
	jout_end(&cli->out);
	return EXIT_OK;
}

/* ---- audit donor ---- */

static int donor_run(struct cli *cli)
{
	struct audit_list list = { .donor = cli->arguments[0], .limit = 1, .arena = &cli->arena };
	int limit = 1000;

	if (!cli_number(cli, "limit", 1, 1000000, &limit))
		return cli_usage(cli);
	if (!audit_list_run(cli, &list))
		return cli_refuse(cli);
	if (list.nrows == 0) {           /* whoever is registered has an entry */
		error_set(&cli->error, ERR_NOT_FOUND, "there is no donor \"%s\"", "không có người hiến máu \"%s\"",
			  cli->arguments[0]);
		return cli_refuse(cli);
	}
	jout_object(&cli->out, NULL);
	jout_array(&cli->out, "items");
	if (!print_pages(cli, &list, limit))
		return cli_refuse(cli);
	jout_end(&cli->out);
	jout_bool(&cli->out, "more", list.more);
	if (list.more)
		cli_say(cli, "there are older entries: --limit\n", "còn các dòng cũ hơn: --limit\n");
	jout_end(&cli->out);
	return EXIT_OK;
}

static const struct cli_option donor_options[] = {
	{ "limit", "N", { "at most so many entries (1000)", "nhiều nhất bấy nhiêu dòng (1000)" } },
	{ 0 }
};

static const struct cli_option list_options[] = {
	{ "subject", "KIND [ID]",
	  { "only round, plan, report, token, team, venue, campaign or user; or of one, by id, code or name",
	    "chỉ round, plan, report, token, team, venue, campaign hoặc user; hoặc một đối tượng theo mã, tên" } },
	{ "limit", "N", { "at most so many entries (50)", "nhiều nhất bấy nhiêu dòng (50)" } },
	{ 0 }
};

const struct cli_command audit_commands[] = {
	{ .group = "audit", .verb = "list", .arguments = "[ID]", .nmax = 1,
	  .need = CLI_DATABASE, .options = list_options, .run = list_run,
	  .summary = { "who changed what, newest first", "ai đã thay đổi gì, mới nhất trước" } },
	{ .group = "audit", .verb = "donor", .arguments = "ID", .nmin = 1, .nmax = 1,
	  .need = CLI_DATABASE, .options = donor_options, .run = donor_run,
	  .summary = { "who looked at or changed a donor (id or donor number), newest first",
		       "ai đã xem hoặc sửa hồ sơ một người hiến máu (mã hoặc số), mới nhất trước" } },
	{ 0 }
};
