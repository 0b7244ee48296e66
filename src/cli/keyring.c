#include "cli/commands.h"

#include "crypto/keyring.h"

/*
 * `giothong keyring create DIR`: the first keys of a database that is not the
 * daemon's own (with --data the daemon makes them). Never touches keys that are there.
 */
static int create_run(struct cli *cli)
{
	const char *dir = cli->arguments[0];
	struct keyring *there = NULL;
	struct error ignored = { 0 };

	if (!crypto_start(&cli->error))
		return cli_refuse(cli);
	there = keyring_open(dir, &ignored);
	keyring_free(there);
	if (there) {
		error_set(&cli->error, ERR_ALREADY_EXISTS, "%s has keys already", "%s đã có khóa", dir);
		return cli_refuse(cli);
	}
	if (!keyring_create(dir, &cli->error))
		return cli_refuse(cli);
	cli_say(cli, "keys made in %s: keep a copy apart from the database's backups; without them nothing sealed is read again\n",
		"đã tạo khóa trong %s: hãy giữ một bản sao tách khỏi bản sao lưu cơ sở dữ liệu; mất khóa là mất dữ liệu đã niêm phong\n",
		dir);
	jout_object(&cli->out, NULL);
	jout_text(&cli->out, "keyring", dir);
	jout_end(&cli->out);
	return EXIT_OK;
}

const struct cli_command keyring_commands[] = {
	{ "keyring", "create", "DIR", 1, 1, CLI_NOTHING, NULL,
	  { "make the first keys, for a database elsewhere", "tạo bộ khóa đầu tiên, cho cơ sở dữ liệu ở nơi khác" },
	  create_run },
	{ 0 }
};
