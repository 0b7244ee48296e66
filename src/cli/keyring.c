#include "cli/keyring.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/commands.h"

/* ---- what the rotation uses too ---- */

void keyring_key_name(const struct key_record *key, char out[KEYRING_NAME_SIZE])
{
	snprintf(out, KEYRING_NAME_SIZE, "%s-%d", key_kind_text(key->kind), key->id);
}

bool keyring_lacks(const struct key_holder *holder, const char *name)
{
	for (size_t i = 0; i < holder->nabsent; i++)
		if (streq(holder->absent[i], name))
			return true;
	return false;
}

static bool is_here(const struct key_holder *holder)
{
	char host[HOST_NAME_MAX + 1] = "";

	return gethostname(host, sizeof(host) - 1) == 0 && streq(holder->host, host);
}

const char *keyring_advice(struct cli *cli, const struct key_holder *holder, const char *name)
{
	const char *dir = keyring_dir(cli->setup->keyring);

	if (!holder->keyring)
		return cli_word(cli, "is of a version that does not tell its keys: upgrade it",
				"thuộc phiên bản không báo khóa của mình: hãy nâng cấp");
	if (!keyring_lacks(holder, name))
		return cli_word(cli, "has not taken up the last step: if it does not within a minute, restart it",
				"chưa nhận bước vừa rồi: nếu sau một phút vẫn chưa, hãy khởi động lại");
	if (holder->fixed && is_here(holder))
		return arena_printf(&cli->arena,
				    cli_word(cli, "lacks %1$s: where LoadCredential= names %2$s, restart the service"
						  " (giothong-restart); where it names another folder, copy the file there first",
					     "thiếu khóa %1$s: nếu LoadCredential= chỉ tới %2$s, hãy khởi động lại dịch vụ"
					     " (giothong-restart); nếu chỉ tới thư mục khác, hãy chép tệp vào đó trước"),
				    name, dir);
	if (holder->fixed)
		return arena_printf(&cli->arena,
				    cli_word(cli, "lacks %1$s: copy its file from %2$s into the folder that LoadCredential= names"
						  " on that host, then restart the service",
					     "thiếu khóa %1$s: hãy chép tệp từ %2$s vào thư mục mà LoadCredential= chỉ tới trên"
					     " máy đó, rồi khởi động lại dịch vụ"), name, dir);
	return arena_printf(&cli->arena,
			    cli_word(cli, "lacks %1$s: copy its file from %2$s into %3$s on that host (mode 0600, same owner);"
					  " it is picked up in seconds",
				     "thiếu khóa %1$s: hãy chép tệp từ %2$s vào %3$s trên máy đó (quyền 0600, cùng chủ sở hữu);"
				     " sẽ được nhận sau vài giây"), name, dir, holder->keyring);
}

const char *keyring_holder_text(struct cli *cli, const struct key_holder *holder)
{
	char started[TIME_TEXT_SIZE], seen[TIME_TEXT_SIZE];

	return arena_printf(&cli->arena,
			    cli_word(cli, "daemon %1$s on %2$s (version %3$s, runs since %4$s, last seen %5$s)",
				     "tiến trình %1$s trên %2$s (phiên bản %3$s, chạy từ %4$s, thấy lần cuối %5$s)"),
			    holder->id, holder->host, holder->version, time_format(holder->started_us, started),
			    time_format(holder->seen_us, seen));
}

void keyring_write_holder(struct cli *cli, const struct key_holder *holder)
{
	struct json_out *out = &cli->out;

	jout_object(out, NULL);
	jout_text(out, "id", holder->id);
	jout_text(out, "host", holder->host);
	jout_text(out, "version", holder->version);
	jout_text(out, "keyring", holder->keyring);
	jout_bool(out, "fixed", holder->fixed);
	jout_time(out, "started_at", holder->started_us);
	jout_time(out, "seen_at", holder->seen_us);
	jout_array(out, "lagging");
	for (size_t i = 0; i < holder->nlagging; i++)
		jout_text(out, NULL, holder->lagging[i]);
	jout_end(out);
	jout_array(out, "absent");
	for (size_t i = 0; i < holder->nabsent; i++)
		jout_text(out, NULL, holder->absent[i]);
	jout_end(out);
	jout_end(out);
}

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

/* ---- keyring list ---- */

CLI_OPERATION(key_load)
CLI_OPERATION(key_holders)

static const struct key_record *find_here(const struct cli *cli, const struct key_record *key)
{
	const struct key_view *view = keyring_view(cli->setup->keyring);

	for (size_t i = 0; i < view->nkeys; i++)
		if (view->keys[i].kind == key->kind && view->keys[i].id == key->id)
			return &view->keys[i];
	return NULL;
}

static const char *state_word(const struct cli *cli, enum key_state state)
{
	static const char *const vi[KEY_STATE_COUNT] = {
		[KEY_STAGED] = "chờ", [KEY_DUAL] = "song song", [KEY_ACTIVE] = "đang dùng", [KEY_RETIRED] = "đã thôi dùng",
	};

	return cli_word(cli, key_state_text(state), vi[state]);
}

static void say_key(struct cli *cli, const struct key_load *load, size_t at, const struct key_holders *holders)
{
	const struct key_record *key = &load->records[at];
	char name[KEYRING_NAME_SIZE], fingerprint[KEY_FINGERPRINT_HEX_SIZE], since[TIME_TEXT_SIZE];
	const char *state = state_word(cli, key->state);
	size_t absent = 0;

	keyring_key_name(key, name);
	key_fingerprint_hex(key, fingerprint);
	for (size_t i = 0; i < holders->nholders; i++)
		absent += keyring_lacks(&holders->holders[i], name);
	cli_say(cli, "%-16s %-*s %s  since %s  %zu of %zu daemons%s\n", "%-16s %-*s %s  từ %s  %zu/%zu tiến trình%s\n",
		name, cli_columns(state, 12), state, fingerprint, time_format(load->changed_us[at], since),
		holders->nholders - absent, holders->nholders,
		find_here(cli, key) ? "" : cli_word(cli, "  NOT HERE", "  KHÔNG CÓ Ở ĐÂY"));
	for (size_t i = 0; i < holders->nholders; i++)
		if (keyring_lacks(&holders->holders[i], name))
			cli_say(cli, "    %s %s\n", "    %s %s\n", keyring_holder_text(cli, &holders->holders[i]),
				keyring_advice(cli, &holders->holders[i], name));
}

static bool is_known(const struct key_load *load, const struct key_record *key)
{
	for (size_t i = 0; i < load->nrecords; i++)
		if (load->records[i].kind == key->kind && load->records[i].id == key->id)
			return true;
	return false;
}

/* Keys that only wait in the folder: the next rotation takes them up. */
static void say_unknown(struct cli *cli, const struct key_load *load)
{
	const struct key_view *view = keyring_view(cli->setup->keyring);

	for (size_t i = 0; i < view->nkeys; i++) {
		char name[KEYRING_NAME_SIZE];

		if (is_known(load, &view->keys[i]))
			continue;
		keyring_key_name(&view->keys[i], name);
		cli_say(cli, "%-16s only in %s, never used\n", "%-16s chỉ có trong %s, chưa từng dùng\n", name,
			keyring_dir(cli->setup->keyring));
	}
}

static void write_key(struct cli *cli, const struct key_load *load, size_t at)
{
	const struct key_record *key = &load->records[at];
	char fingerprint[KEY_FINGERPRINT_HEX_SIZE];

	key_fingerprint_hex(key, fingerprint);
	jout_object(&cli->out, NULL);
	jout_text(&cli->out, "kind", key_kind_text(key->kind));
	jout_int(&cli->out, "id", key->id);
	jout_text(&cli->out, "state", key_state_text(key->state));
	jout_text(&cli->out, "fingerprint", fingerprint);
	jout_time(&cli->out, "created_at", load->created_us[at]);
	jout_time(&cli->out, "changed_at", load->changed_us[at]);
	jout_bool(&cli->out, "here", find_here(cli, key) != NULL);
	jout_end(&cli->out);
}

static void write_list(struct cli *cli, const struct key_load *load, const struct key_holders *holders)
{
	jout_object(&cli->out, NULL);
	jout_text(&cli->out, "keyring", keyring_dir(cli->setup->keyring));
	jout_array(&cli->out, "keys");
	for (size_t i = 0; i < load->nrecords; i++)
		write_key(cli, load, i);
	jout_end(&cli->out);
	jout_array(&cli->out, "daemons");
	for (size_t i = 0; i < holders->nholders; i++)
		keyring_write_holder(cli, &holders->holders[i]);
	jout_end(&cli->out);
	jout_end(&cli->out);
}

static int list_run(struct cli *cli)
{
	struct key_load load = { .nrecords = 0 };
	struct key_holders holders = { .arena = &cli->arena };

	if (!key_load_run(cli, &load) || !key_holders_run(cli, &holders))
		return cli_refuse(cli);
	for (size_t i = 0; i < load.nrecords; i++)
		say_key(cli, &load, i, &holders);
	say_unknown(cli, &load);
	write_list(cli, &load, &holders);
	return EXIT_OK;
}

const struct cli_command keyring_commands[] = {
	{ .group = "keyring", .verb = "list", .need = CLI_KEYS, .run = list_run,
	  .summary = { "the keys: state, fingerprint, which daemons have them",
		       "các khóa: trạng thái, dấu nhận, tiến trình nào có" } },
	{ .group = "keyring", .verb = "create", .arguments = "[DIR]", .nmax = 1,
	  .need = CLI_NOTHING, .run = create_run,
	  .summary = { "make the first keys, for a database elsewhere",
		       "tạo bộ khóa đầu tiên, cho cơ sở dữ liệu ở nơi khác" } },
	{ 0 }
};
