/* giothong: the administrator's command. Finds the command, makes what it needs, runs it. */
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "app/say.h"
#include "base/log.h"
#include "base/text.h"
#include "base/version.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "crypto/donor_seal.h"
#include "db/db.h"

static const struct cli_command *const tables[] = {
	migrate_commands, plan_commands,    propose_commands, history_commands,  catalog_commands, token_commands,   user_commands,
	audit_commands,   audit_verify_commands, audit_keys_commands, audit_restart_commands,
	keyring_commands, rotate_commands,  replace_commands, key_copy_commands, config_commands,  doctor_commands,
	backup_commands,  donors_commands,  erasure_commands, eligibility_commands, recompute_commands, certificate_commands,
};

static const struct cli_option json_option = {
	"json", NULL, { "answer as JSON", "trả lời dạng JSON" }
};

/* ---- help ---- */

static void command_line(const struct cli_command *command, char *out, size_t size)
{
	const char *verb = command->verb, *arguments = command->arguments;

	snprintf(out, size, "%s%s%s%s%s", command->group, verb ? " " : "", verb ? verb : "",
		 arguments ? " " : "", arguments ? arguments : "");
}

static void print_option(const struct cli *cli, const struct cli_option *option, FILE *out)
{
	char left[40];

	snprintf(left, sizeof(left), "--%s%s%s", option->name, option->value ? " " : "",
		 option->value ? option->value : "");
	fprintf(out, "  %-20s %s%s\n", left, strlen(left) > 20 ? "\n                       " : "",
		option->help[cli->setup->language]);
}

/* Its further lines are indented for the list of commands. */
static void print_summary(const char *text)
{
	for (const char *end; (end = strchr(text, '\n')) != NULL; text = end + 1 + strspn(end + 1, " "))
		printf("%.*s\n", (int)(end - text), text);
	printf("%s\n\n", text);
}

static int print_command_help(const struct cli *cli)
{
	const struct cli_command *command = cli->command;
	const struct cli_option *option = command->options;
	char line[128];

	command_line(command, line, sizeof(line));
	printf("%s: giothong [--data DIR | --config FILE] %s%s\n\n", cli_word(cli, "usage", "cách dùng"), line,
	       option ? cli_word(cli, " [OPTION]...", " [TÙY CHỌN]...") : "");
	print_summary(command->summary[cli->setup->language]);
	for (; option && option->name; option++)
		print_option(cli, option, stdout);
	print_option(cli, &json_option, stdout);
	setup_print_options(cli->setup, false, stdout);
	return EXIT_OK;
}

static void print_commands(const struct cli *cli, const char *group, FILE *out)
{
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (const struct cli_command *command = tables[t]; command->group; command++) {
			char line[128];

			if (group && !streq(command->group, group))
				continue;
			command_line(command, line, sizeof(line));
			fprintf(out, "  %-24s %s\n", line, command->summary[cli->setup->language]);
		}
}

/* Of all commands, or of a group's. */
static int print_help(const struct cli *cli, const char *group)
{
	printf("%s\n\n", cli_word(cli, "usage: giothong [--data DIR | --config FILE] COMMAND [OPTION]...",
				  "cách dùng: giothong [--data DIR | --config FILE] LỆNH [TÙY CHỌN]..."));
	print_commands(cli, group, stdout);
	printf("\n");
	print_option(cli, &json_option, stdout);
	setup_print_options(cli->setup, false, stdout);
	printf("\n%s\n%s\n",
	       cli_word(cli, "`giothong COMMAND --help` says more.", "`giothong LỆNH --help` nói thêm."),
	       cli_word(cli, "Exit status: 0 done, 1 refused, 2 wrong usage.",
			"Mã thoát: 0 xong, 1 bị từ chối, 2 dùng sai."));
	return EXIT_OK;
}

/* ---- the command line ---- */

static const struct cli_command *find_command(const char *group, const char *verb)
{
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (const struct cli_command *command = tables[t]; command->group; command++)
			if (streq(command->group, group) && (!command->verb || streq(command->verb, verb)))
				return command;
	return NULL;
}

static bool is_group(const char *group)
{
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (const struct cli_command *command = tables[t]; command->group; command++)
			if (streq(command->group, group))
				return true;
	return false;
}

static const struct cli_option *find_option(const struct cli_command *command, const char *name, size_t len)
{
	if (strlen(json_option.name) == len && memcmp(json_option.name, name, len) == 0)
		return &json_option;
	for (const struct cli_option *option = command ? command->options : NULL; option && option->name; option++)
		if (strlen(option->name) == len && memcmp(option->name, name, len) == 0)
			return option;
	return NULL;
}

/* An option of the command at argv[at]: how many words it took, 0: none of its own, -1: *error says. */
static int take_own_option(struct cli *cli, int argc, char **argv, int at)
{
	const char *word = argv[at] + 2;
	size_t len = strcspn(word, "=");
	const struct cli_option *option = find_option(cli->command, word, len);
	const char *value = word[len] == '=' ? word + len + 1 : NULL;
	int taken = 1;

	if (!option)
		return 0;
	if (!option->value && value) {
		error_set(&cli->error, ERR_CONFIG, "--%s takes no value", "--%s không có giá trị", option->name);
		return -1;
	}
	if (option->value && !value) {
		if (at + 1 >= argc) {
			error_set(&cli->error, ERR_CONFIG, "--%s needs %s", "--%s cần %s", option->name, option->value);
			return -1;
		}
		value = argv[at + 1];
		taken = 2;
	}
	if (option == &json_option) {
		cli->json = true;
	} else if (cli->noptions < CLI_MAX_OPTIONS) {
		cli->options[cli->noptions].name = option->name;
		cli->options[cli->noptions++].value = value;
	} else {
		error_set(&cli->error, ERR_CONFIG, "too many options", "quá nhiều tùy chọn");
		return -1;
	}
	return taken;
}

static int take_option(struct cli *cli, int argc, char **argv, int at)
{
	int taken = text_starts_with(argv[at], "--") ? take_own_option(cli, argc, argv, at) : 0;

	if (taken == 0)
		taken = setup_take_option(cli->setup, argc, argv, at, &cli->error);
	if (taken == 0) {
		error_set(&cli->error, ERR_CONFIG, "unknown option %s", "không có tùy chọn %s", argv[at]);
		return -1;
	}
	return taken;
}

static bool no_command(struct cli *cli, const char *group, const char *verb)
{
	if (!is_group(group))
		return error_set(&cli->error, ERR_CONFIG, "unknown command \"%s\"", "không có lệnh \"%s\"", group);
	cli->group = group;
	if (!verb)
		return error_set(&cli->error, ERR_CONFIG, "\"%s\" needs one more word", "\"%s\" cần thêm một từ", group);
	return error_set(&cli->error, ERR_CONFIG, "unknown command \"%s %s\"", "không có lệnh \"%s %s\"", group,
			 verb);
}

/* A word that is no option: a part of the command's name, then its arguments. */
static bool take_word(struct cli *cli, const char *word, const char **group)
{
	if (cli->command) {
		if (cli->narguments >= cli->command->nmax)
			return error_set(&cli->error, ERR_CONFIG, "one word too many: %s", "thừa một từ: %s", word);
		cli->arguments[cli->narguments++] = word;
		return true;
	}
	if (!*group) {
		*group = word;
		cli->command = find_command(word, NULL);
		return is_group(word) || no_command(cli, word, NULL);
	}
	cli->command = find_command(*group, word);
	return cli->command || no_command(cli, *group, word);
}

static bool parse(struct cli *cli, int argc, char **argv, const char **group)
{
	bool words_only = false;

	for (int at = 1, taken = 1; at < argc; at += taken) {
		taken = 1;
		if (!words_only && streq(argv[at], "--")) {
			words_only = true;
		} else if (!words_only && argv[at][0] == '-' && argv[at][1]) {
			taken = take_option(cli, argc, argv, at);
			if (taken < 0)
				return false;
		} else if (!take_word(cli, argv[at], group)) {
			return false;
		}
	}
	return true;
}

static bool check(struct cli *cli, const char *group)
{
	if (!group)
		return error_set(&cli->error, ERR_CONFIG, "say which command", "hãy nêu lệnh");
	if (!cli->command)
		return no_command(cli, group, NULL);
	if (cli->narguments < cli->command->nmin)
		return error_set(&cli->error, ERR_CONFIG, "%s is needed", "cần %s", cli->command->arguments);
	if (cli->command->need != CLI_NOTHING && !setup_has_database(cli->setup))
		return error_set(&cli->error, ERR_CONFIG, "say --data DIR or --config FILE",
				 "cần --data DIR hoặc --config FILE");
	return true;
}

/* ---- running ---- */

static const char *user_name(struct cli *cli)
{
	const struct passwd *user = getpwuid(getuid());

	return user ? arena_strdup(&cli->arena, user->pw_name)
		    : arena_printf(&cli->arena, "uid %u", (unsigned)getuid());
}

bool cli_open(struct cli *cli, enum setup_mode mode)
{
	if (!setup_open(cli->setup, mode, &cli->error)) {
		cli_goes_on(cli);        /* a signal is the better reason */
		return false;
	}
	cli->actor = (struct actor){ .kind = "command", .id = user_name(cli), .role = ROLE_ADMIN };
	return mode == SETUP_MIGRATE || cli_connect(cli);
}

static bool prepare(struct cli *cli)
{
	enum cli_need need = cli->command->need;

	if (need == CLI_NOTHING)
		return true;
	if (!setup_read(cli->setup, &cli->error))
		return false;
	/* A command tells what it did itself. */
	if (!streq(cli->setup->config.log_level, "debug"))
		log_set_level(LOG_LEVEL_WARNING);
	cli->setup->keyless = cli->command->keyless_with && cli_has(cli, cli->command->keyless_with);
	cli_start_loop(cli);
	cli->setup->incomplete_keys = need == CLI_KEYS;
	return need == CLI_SETTINGS || cli_open(cli, need == CLI_SCHEMA ? SETUP_MIGRATE : SETUP_COMMAND);
}

static int run(struct cli *cli)
{
	int status = prepare(cli) ? cli->command->run(cli) : cli_refuse(cli);

	if (cli->json && cli->buf.len > 0)
		printf("%s\n", cli->buf.data);
	return status;
}

/* The loop goes last: while the cluster is being closed, a signal must not kill us. */
static void release(struct cli *cli)
{
	db_free(cli->db);
	cli->db = NULL;
	donor_key_free(cli->store.donor_key);
	buf_release(&cli->buf);
	arena_release(&cli->arena);
	setup_release(cli->setup);
	cli_free_loop(cli);
}

int main(int argc, char **argv)
{
	struct setup setup;
	struct cli cli = { .setup = &setup };
	const char *group = NULL;
	int status;

	signal(SIGPIPE, SIG_IGN);
	setup_init(&setup, "giothong");
	cli.out.buf = &cli.buf;
	arena_init(&cli.arena);
	if (!parse(&cli, argc, argv, &group))
		status = cli_usage(&cli);
	else if (setup.version)
		status = printf("giothong %s\n", GIOTHONG_VERSION) < 0 ? EXIT_REFUSED : EXIT_OK;
	else if (setup.help && cli.command)
		status = print_command_help(&cli);
	else if (setup.help)
		status = print_help(&cli, group);
	else if (!check(&cli, group))
		status = cli_usage(&cli);
	else
		status = run(&cli);
	/* An answer that nobody could be given is no success. */
	if ((fflush(stdout) != 0 || ferror(stdout)) && status == EXIT_OK)
		status = EXIT_REFUSED;
	release(&cli);
	return status;
}
