#include "cli/commands.h"

#include "crypto/keyring.h"

/*
 * `giothong keyring create`: the first keys of a database that is not the
 * daemon's own (with --data the daemon makes them). Never touches keys that are
 * there; needs no database.
 */
static bool choose_dir(struct cli *cli, const char **dir)
{
	*dir = cli->arguments[0];
	if (*dir)
		return true;
	if (!setup_read(cli->setup, &cli->error))
		return false;
	*dir = cli->setup->config.keyring_dir;
	return **dir || error_set(&cli->error, ERR_CONFIG, "say DIR, or set keyring.dir",
				  "hãy nêu DIR, hoặc đặt keyring.dir");
}

static bool is_made(const char *dir)
{
	struct error ignored = { 0 };
	struct keyring *there = keyring_open(dir, &ignored);

	keyring_free(there);
	return there != NULL;
}

static bool create(struct cli *cli, const char *dir)
{
	if (!crypto_start(&cli->error))
		return false;
	if (is_made(dir))
		return error_set(&cli->error, ERR_ALREADY_EXISTS, "%s has keys already", "%s đã có khóa", dir);
	return keyring_create(dir, &cli->error);
}

static int create_run(struct cli *cli)
{
	const char *dir;

	if (!choose_dir(cli, &dir) || !create(cli, dir))
		return cli_refuse(cli);
	cli_say(cli,
		"keys made in %s: keep a copy, apart from the database's backups;"
		" without them nothing sealed is read again\n",
		"đã tạo khóa trong %s: hãy giữ một bản sao, tách khỏi bản sao lưu cơ sở dữ liệu;"
		" mất khóa là mất dữ liệu đã niêm phong\n",
		dir);
	jout_object(&cli->out, NULL);
	jout_text(&cli->out, "keyring", dir);
	jout_end(&cli->out);
	return EXIT_OK;
}

const struct cli_command keyring_commands[] = {
	{ .group = "keyring", .verb = "create", .arguments = "[DIR]", .nmax = 1,
	  .need = CLI_NOTHING, .run = create_run,
	  .summary = { "make the first keys, for a database elsewhere",
		       "tạo bộ khóa đầu tiên, cho cơ sở dữ liệu ở nơi khác" } },
	{ 0 }
};
