#include "cli/restore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/erasures.h"
#include "cli/sealed_audit.h"
#include "cluster/backup.h"
#include "cluster/cluster.h"
#include "config/config.h"
#include "crypto/keyring.h"
#include "db/db.h"
#include "store/backup_store.h"
#include "wire/backup_wire.h"

/*
 * `giothong restore BACKUP --data DIR`: everything that can be wrong with the
 * backup and the keys is looked at before a byte is laid out; DIR becomes one
 * that a daemon takes only when the restored chain of the audit was verified.
 */
CLI_OPERATION(backup_note)

struct restoring {
	char                  *path;             /* real path of the backup */
	const char            *name;
	struct buf             file;             /* backup.json, as it is */
	struct backup          backup;
	struct audit_marks     marks;            /* of the log, and the end of the chain as backup.json has it */
	int64_t                highest;          /* of the log; 0: none was given */
	struct audit_restarted restarted;
	struct erasures_replayed erasures;
};

/* ---- looking at the backup ---- */

static bool no_backup(struct cli *cli, const char *path)
{
	return error_set(&cli->error, ERR_CONFIG,
			 "%s is no whole backup: name a folder giothong-<time> that \"giothong backup\" made",
			 "%s không phải bản sao lưu trọn vẹn: hãy nêu thư mục giothong-<thời điểm> do \"giothong"
			 " backup\" tạo ra", path);
}

static bool find_backup(struct cli *cli, struct restoring *restoring)
{
	restoring->path = realpath(cli->arguments[0], NULL);
	if (!restoring->path)
		return error_set(&cli->error, ERR_CONFIG, "%s: %s", "%s: %s", cli->arguments[0], strerror(errno));
	restoring->name = strrchr(restoring->path, '/') + 1;
	return backup_name_is(restoring->name) || no_backup(cli, cli->arguments[0]);
}

static bool read_facts(struct cli *cli, struct restoring *restoring)
{
	const char *text;
	size_t len;

	if (!cli_read_file(cli, arena_printf(&cli->arena, "%s/" BACKUP_FILE, restoring->path), &text, &len))
		return false;
	buf_append(&restoring->file, text, len);
	return backup_read(text, len, &cli->arena, &restoring->backup, &cli->error);
}

/* Without the keys the restored database is of no use, and laying it out takes long. */
static bool check_keys(struct cli *cli)
{
	const char *dir = cli->setup->config.keyring_dir;
	struct keyring *keyring;

	if (access(dir, F_OK) < 0)
		return error_set(&cli->error, ERR_CONFIG, "the keys come first: giothong keyring import FILE --to %s",
				 "cần có khóa trước: giothong keyring import FILE --to %s", dir);
	keyring = crypto_start(&cli->error) ? keyring_open(dir, &cli->error) : NULL;
	keyring_free(keyring);
	return keyring != NULL;
}

static bool check(struct cli *cli, struct restoring *restoring)
{
	const struct config *config = &cli->setup->config;
	const char *log = cli_option(cli, "checkpoint", 0);

	if (log && !streq(log, "-") && access(log, R_OK) < 0)
		return error_set(&cli->error, ERR_CONFIG, "%s: %s", "%s: %s", log, strerror(errno));
	if (!config->data_dir || !*config->data_dir)
		return error_set(&cli->error, ERR_CONFIG,
				 "restore makes a --data DIR; for a server's cluster see deploy/README.md",
				 "restore tạo --data DIR; với cụm máy chủ xem deploy/README.md");
	if (!find_backup(cli, restoring) || !read_facts(cli, restoring) || !check_keys(cli))
		return false;
	cli->setup->copy = arena_printf(&cli->arena, "%s/" BACKUP_POSTGRES, restoring->path);
	return backup_check(cli->setup->copy, &cli->error);
}

/* ---- making it whole ---- */

/* What is known of the chain from outside the database. */
static bool read_marks(struct cli *cli, struct restoring *restoring)
{
	const char *path = cli_option(cli, "checkpoint", 0);

	if (!path)
		return true;
	if (!audit_marks_read_genuine(cli, path, &restoring->marks))
		return false;
	restoring->highest = restoring->marks.highest;
	return true;
}

static bool add_end_of_backup(struct cli *cli, struct restoring *restoring)
{
	const struct backup *backup = &restoring->backup;
	struct chain_mark mark = { .position = backup->sealed_position };

	if (backup->sealed_position == 0)
		return true;
	if (!chain_hash_parse(backup->sealed_hash, mark.hash))
		return error_set(&cli->error, ERR_MALFORMED, "sealed_hash of " BACKUP_FILE " is no hash",
				 "sealed_hash của " BACKUP_FILE " không phải mã băm");
	audit_marks_add(&restoring->marks, &mark);
	return true;
}

static bool note(struct cli *cli, const struct restoring *restoring)
{
	struct backup_note note = { .arena = &cli->arena, .actor = cli->actor, .restored = true,
				    .name = restoring->name, .file = &restoring->file };

	return backup_note_run(cli, &note);
}

static bool restart(struct cli *cli, struct restoring *restoring)
{
	const struct audit_outside outside = { .known = restoring->highest, .perhaps_more = true };

	return audit_restart(cli, &outside, &restoring->restarted);
}

static bool restore(struct cli *cli, struct restoring *restoring)
{
	if (!check(cli, restoring) || !cli_open(cli, SETUP_RESTORE) || !read_marks(cli, restoring) ||
	    !add_end_of_backup(cli, restoring) || !note(cli, restoring) || !restart(cli, restoring) ||
	    !erasures_replay(cli, &restoring->erasures) || !audit_is_whole(cli, &restoring->marks) || !cli_goes_on(cli))
		return false;
	db_free(cli->db);
	cli->db = NULL;
	return cluster_keep_restored(cli->setup->cluster, &cli->error);
}

/* The last position that the backup brought. */
static int64_t last_brought(const struct restoring *restoring)
{
	return restoring->restarted.restart.first - 1;
}

static void print_lost(struct cli *cli, const struct restoring *restoring)
{
	int64_t lost = restoring->highest - last_brought(restoring);

	if (lost < 0 || restoring->highest == 0) {
		cli_say(cli, "How much that is, a log with checkpoints from after the backup would tell (--checkpoint).\n",
			"Muốn biết thiếu bao nhiêu cần nhật ký có mốc ký sau lần sao lưu (--checkpoint).\n");
		jout_null(&cli->out, "lost_entries");
		return;
	}
	cli_say(cli, "%lld changes that the log knows are missing: they are to be done again.\n",
		"Thiếu %lld thay đổi mà nhật ký có ghi: cần làm lại.\n", (long long)lost);
	jout_int(&cli->out, "lost_entries", lost);
}

static void print_restored(struct cli *cli, const struct restoring *restoring)
{
	char made_at[TIME_TEXT_SIZE];

	time_format(restoring->backup.made_us, made_at);
	jout_object(&cli->out, NULL);
	jout_text(&cli->out, "data", cli->setup->config.data_dir);
	jout_text(&cli->out, "backup", restoring->path);
	jout_time(&cli->out, "made_at", restoring->backup.made_us);
	jout_int(&cli->out, "sealed_position", last_brought(restoring));
	cli_say(cli, "%s is as it was at %s or moments later; what was done after that is not in it.\n",
		"%s như lúc %s hoặc ngay sau đó; những gì làm sau nữa không có trong bản này.\n",
		cli->setup->config.data_dir, made_at);
	print_lost(cli, restoring);
	erasures_print(cli, &restoring->erasures);
	cli_say(cli, "Tokens revoked since then are valid again: see \"giothong token list\", then start giothongd.\n",
		"Mã truy cập thu hồi sau đó có hiệu lực lại: xem \"giothong token list\", rồi chạy giothongd.\n");
	jout_end(&cli->out);
}

int restore_run(struct cli *cli)
{
	struct restoring restoring = { 0 };
	int status;

	if (restore(cli, &restoring)) {
		print_restored(cli, &restoring);
		status = EXIT_OK;
	} else {
		status = cli_refuse(cli);
	}
	free(restoring.path);
	free(restoring.marks.marks);
	buf_release(&restoring.file);
	return status;
}
