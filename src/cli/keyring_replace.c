#include "crypto/keyring.h"

#include "cli/commands.h"
#include "store/key_store.h"

/*
 * `giothong keyring replace`: every copy of the keyring is lost. New keys, with
 * ids that no key ever had, take the place of those that the database
 * remembers. What the lost keys sealed stays lost; what needs no key goes on.
 * Killed in between, it goes on with the keys that it has made.
 */
CLI_OPERATION(key_load)
CLI_OPERATION(key_holders)
CLI_OPERATION(key_replace)

/* With the word the keyring is left out at the start, so that one that is missing or of no use is no hindrance. */
static bool check_sure(struct cli *cli)
{
	return cli_has(cli, "all-copies-are-lost") ||
	       error_set(&cli->error, ERR_CONFIG,
			 "new keys do not open what the lost ones sealed: look for a copy first, and say"
			 " --all-copies-are-lost when there is none",
			 "khóa mới không mở được những gì khóa cũ đã niêm phong: hãy tìm bản sao trước, và thêm"
			 " --all-copies-are-lost khi chắc chắn không còn bản nào");
}

static bool check_alone(struct cli *cli)
{
	struct key_holders holders = { .arena = &cli->arena };

	if (!key_holders_run(cli, &holders))
		return false;
	return holders.nholders == 0 ||
	       error_set(&cli->error, ERR_UNAVAILABLE,
			 "%zu daemons run or ran just now, the last on %s: while one runs, its keys are not lost;"
			 " stop them all and wait %d s",
			 "%zu tiến trình đang hoặc vừa chạy, cuối cùng trên %s: khi còn tiến trình chạy thì khóa chưa mất;"
			 " hãy dừng tất cả rồi đợi %d giây",
			 holders.nholders, holders.holders[holders.nholders - 1].host, KEY_LIVE_SECONDS);
}

static void next_ids(const struct key_load *load, int ids[KEY_KIND_COUNT])
{
	for (int kind = 0; kind < KEY_KIND_COUNT; kind++)
		ids[kind] = 1;
	for (size_t i = 0; i < load->nrecords; i++)
		if (load->records[i].id >= ids[load->records[i].kind])
			ids[load->records[i].kind] = load->records[i].id + 1;
}

/* What an earlier call has made is no key of this database yet; what is one need not be replaced. */
static bool check_new(struct cli *cli, const struct key_load *load)
{
	const struct key_view *view = keyring_view(cli->setup->keyring);

	for (size_t i = 0; i < view->nkeys; i++)
		for (size_t j = 0; j < load->nrecords; j++)
			if (view->keys[i].kind == load->records[j].kind && view->keys[i].id <= load->records[j].id)
				return error_set(&cli->error, ERR_ALREADY_EXISTS,
						 "%s holds keys already: try them with \"giothong keyring list\";"
						 " if they do not fit, move them away",
						 "%s đã có khóa: hãy thử bằng \"giothong keyring list\";"
						 " nếu không khớp, hãy chuyển chúng đi",
						 cli->setup->config.keyring_dir);
	return true;
}

static bool make_keys(struct cli *cli, const struct key_load *load)
{
	const char *dir = cli->setup->config.keyring_dir;
	int ids[KEY_KIND_COUNT];

	next_ids(load, ids);
	if (keyring_is_empty(dir) && !keyring_create_with(dir, ids, &cli->error))
		return false;
	cli->setup->keyring = keyring_open(dir, &cli->error);
	return cli->setup->keyring && check_new(cli, load);
}

static bool replace(struct cli *cli)
{
	struct key_load load = { .nrecords = 0 };
	struct key_replace op = { .lost = &load, .actor = cli->actor, .arena = &cli->arena };

	if (!check_sure(cli) || !check_alone(cli) || !key_load_run(cli, &load) || !make_keys(cli, &load))
		return false;
	cli->store.keyring = cli->setup->keyring;
	if (!key_replace_run(cli, &op))
		return false;
	return op.replaced || error_set(&cli->error, ERR_UNAVAILABLE, "a daemon or another command changed the keys meanwhile:"
					" stop it, then run this again",
					"có tiến trình hoặc lệnh khác vừa thay khóa: hãy dừng lại rồi chạy lại lệnh này");
}

static int replace_run(struct cli *cli)
{
	const char *dir = cli->setup->config.keyring_dir;

	if (!replace(cli))
		return cli_refuse(cli);
	cli_say(cli, "new keys in %s; what the lost ones sealed opens only if a copy of them turns up; make a copy now (giothong keyring export)\n",
		"đã tạo khóa mới trong %s; những gì khóa cũ niêm phong chỉ mở lại được nếu tìm thấy bản sao của chúng; hãy sao lưu ngay (giothong keyring export)\n",
		dir);
	jout_object(&cli->out, NULL);
	jout_text(&cli->out, "keyring", dir);
	jout_end(&cli->out);
	return EXIT_OK;
}

static const struct cli_option replace_options[] = {
	{ "all-copies-are-lost", NULL, { "you are sure", "bạn chắc chắn" } },
	{ 0 }
};

const struct cli_command replace_commands[] = {
	{ .group = "keyring", .verb = "replace", .need = CLI_DATABASE,
	  .keyless_with = "all-copies-are-lost", .options = replace_options, .run = replace_run,
	  .summary = { "new keys for a database whose keyring is lost for good",
		       "khóa mới cho cơ sở dữ liệu đã mất hẳn bộ khóa" } },
	{ 0 }
};
