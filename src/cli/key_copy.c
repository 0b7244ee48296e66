#include "crypto/key_copy.h"

#include <errno.h>
#include <sys/stat.h>

#include "cli/commands.h"
#include "cli/passphrase.h"
#include "store/key_store.h"

CLI_OPERATION(key_export_note)

/* ---- keyring export ---- */

static bool check_free(struct cli *cli, const char *path)
{
	struct stat st;

	return (lstat(path, &st) < 0 && errno == ENOENT) ||
	       error_set(&cli->error, ERR_ALREADY_EXISTS, "%s is there already: name a new file",
			 "%s đã có: hãy đặt tên tệp mới", path);
}

/* Nobody takes the keys away without an entry: it is written before the file. */
static bool export_keys(struct cli *cli, const char *path, const char *passphrase)
{
	const struct keyring *keyring = cli->setup->keyring;
	struct key_export_note note = { .nkeys = keyring_view(keyring)->nkeys, .actor = cli->actor,
					.arena = &cli->arena };

	return key_export_note_run(cli, &note) &&
	       keyring_export(keyring, path, passphrase, &key_copy_moderate, &cli->error);
}

static int export_run(struct cli *cli)
{
	const char *path = cli->arguments[0];
	char *passphrase = check_free(cli, path) ? passphrase_read(cli, true) : NULL;
	size_t nkeys = keyring_view(cli->setup->keyring)->nkeys;
	bool fine = passphrase && export_keys(cli, path, passphrase);

	key_passphrase_free(passphrase);
	if (!fine)
		return cli_refuse(cli);
	cli_say(cli, "%zu keys in %s: keep it, and the passphrase elsewhere, both apart from the database's backups\n",
		"%zu khóa trong %s: hãy cất tệp này, cụm mật khẩu để nơi khác, cả hai tách khỏi bản sao lưu cơ sở dữ liệu\n",
		nkeys, path);
	jout_object(&cli->out, NULL);
	jout_text(&cli->out, "file", path);
	jout_int(&cli->out, "keys", (int64_t)nkeys);
	jout_end(&cli->out);
	return EXIT_OK;
}

/* ---- keyring import ---- */

static int import_run(struct cli *cli)
{
	const char *path = cli->arguments[0], *dir;
	struct key_import import;

	if (!cli_require(cli, "to", &dir))
		return cli_usage(cli);
	char *passphrase = crypto_start(&cli->error) ? passphrase_read(cli, false) : NULL;
	bool fine = passphrase && keyring_import(path, passphrase, dir, &import, &cli->error);

	key_passphrase_free(passphrase);
	if (!fine)
		return cli_refuse(cli);
	if (import.nadded == import.nkeys)
		cli_say(cli, "%zu keys written into %s\n", "đã ghi %zu khóa vào %s\n", import.nkeys, dir);
	else
		cli_say(cli, "%zu of %zu keys written into %s; the others were there already\n",
			"đã ghi %zu trong %zu khóa vào %s; các khóa còn lại đã có sẵn\n", import.nadded, import.nkeys, dir);
	jout_object(&cli->out, NULL);
	jout_text(&cli->out, "keyring", dir);
	jout_int(&cli->out, "keys", (int64_t)import.nkeys);
	jout_int(&cli->out, "added", (int64_t)import.nadded);
	jout_end(&cli->out);
	return EXIT_OK;
}

static const struct cli_option export_options[] = { PASSPHRASE_OPTION, { 0 } };
static const struct cli_option import_options[] = {
	{ "to", "DIR", { "the folder to put the keys into; made if it is missing", "thư mục để đặt các khóa; chưa có thì tạo" } },
	PASSPHRASE_OPTION,
	{ 0 }
};

const struct cli_command key_copy_commands[] = {
	{ .group = "keyring", .verb = "export", .arguments = "FILE", .nmin = 1, .nmax = 1,
	  .need = CLI_DATABASE, .options = export_options, .run = export_run,
	  .summary = { "all keys in one new file, sealed under a passphrase",
		       "mọi khóa trong một tệp mới, niêm bằng cụm mật khẩu" } },
	{ .group = "keyring", .verb = "import", .arguments = "FILE", .nmin = 1, .nmax = 1,
	  .need = CLI_NOTHING, .options = import_options, .run = import_run,
	  .summary = { "the keys of such a file into a folder; replaces none", "đưa các khóa của tệp đó vào thư mục; không thay khóa nào" } },
	{ 0 }
};
