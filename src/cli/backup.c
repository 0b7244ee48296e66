#include "cli/commands.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/version.h"
#include "cli/restore.h"
#include "cluster/backup.h"
#include "cluster/cluster.h"
#include "config/config.h"
#include "crypto/erasure_journal.h"
#include "store/backup_store.h"
#include "wire/backup_wire.h"

/*
 * `giothong backup FOLDER`: FOLDER/giothong-<time>/ with the copied cluster in
 * postgres/ and backup.json beside it. Until it is whole and checked its name
 * ends with ".partial", which nothing takes for a backup.
 */
CLI_OPERATION(backup_facts_load)
CLI_OPERATION(backup_note)

#define PARTIAL ".partial"

struct making {
	char       *folder;              /* real path of FOLDER */
	int         fd;                  /* of it; holds the lock */
	char        name[BACKUP_NAME_SIZE];
	const char *partial, *whole;     /* paths */
	struct buf  file;                /* backup.json */
	size_t      removed;             /* old ones */
};

static bool system_failed(struct cli *cli, const char *what)
{
	return error_set(&cli->error, ERR_SYSTEM, "%s: %s", "%s: %s", what, strerror(errno));
}

/* ---- the folder of backups ---- */

/* One backup at a time: another's half-made one must not be swept away. */
static bool open_folder(struct cli *cli, struct making *making)
{
	const char *path = cli->arguments[0];

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return system_failed(cli, path);
	making->folder = realpath(path, NULL);
	making->fd = making->folder ? open(making->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (making->fd < 0)
		return system_failed(cli, path);
	if (flock(making->fd, LOCK_EX | LOCK_NB) < 0)
		return error_set(&cli->error, ERR_CONFIG, "another backup into %s is under way",
				 "một lần sao lưu khác vào %s đang chạy", making->folder);
	return true;
}

static bool is_leftover(const char *name)
{
	size_t len = strlen(name);
	char stem[BACKUP_NAME_SIZE];

	if (len <= strlen(PARTIAL) || len - strlen(PARTIAL) >= sizeof(stem) ||
	    !streq(name + len - strlen(PARTIAL), PARTIAL))
		return false;
	snprintf(stem, sizeof(stem), "%.*s", (int)(len - strlen(PARTIAL)), name);
	return backup_name_is(stem);
}

/* What bears a backup's name is whole, also when we are killed while it goes: it loses its name first. */
static bool remove_one(struct cli *cli, const struct making *making, const char *name)
{
	const char *path = arena_printf(&cli->arena, "%s/%s", making->folder, name), *going = path;

	if (backup_name_is(name)) {
		going = arena_printf(&cli->arena, "%s" PARTIAL, path);
		if (rename(path, going) < 0)
			return system_failed(cli, path);
	}
	return backup_remove(going, &cli->error);
}

/* Names of whole backups, in the arena; what a killed backup left goes. */
static bool list_backups(struct cli *cli, const struct making *making, const char ***names, size_t *count)
{
	size_t room = 64;
	DIR *dir = opendir(making->folder);
	const struct dirent *entry;
	bool fine = true;

	*count = 0;
	*names = arena_alloc(&cli->arena, room * sizeof(**names));
	if (!dir)
		return system_failed(cli, making->folder);
	while (fine && (entry = readdir(dir)) != NULL) {
		if (is_leftover(entry->d_name))
			fine = remove_one(cli, making, entry->d_name);
		if (!backup_name_is(entry->d_name))
			continue;
		if (*count == room) {
			const char **more = arena_alloc(&cli->arena, 2 * room * sizeof(**names));

			memcpy(more, *names, room * sizeof(**names));
			*names = more;
			room *= 2;
		}
		(*names)[(*count)++] = arena_strdup(&cli->arena, entry->d_name);
	}
	closedir(dir);
	return fine;
}

static bool remove_expired(struct cli *cli, struct making *making, int keep)
{
	const char **names;
	size_t count, expired;

	if (!list_backups(cli, making, &names, &count))
		return false;
	expired = keep > 0 ? backup_expired(names, count, making->name, (size_t)keep) : 0;
	for (; making->removed < expired; making->removed++)
		if (!remove_one(cli, making, names[making->removed]))
			return false;
	return true;
}

/* ---- making one ---- */

static const char *source(struct cli *cli)
{
	const struct config *config = &cli->setup->config;
	const char *conninfo;

	if (cli->setup->cluster)
		return cluster_backup_conninfo(cli->setup->cluster);
	conninfo = *config->database_backup_conninfo ? config->database_backup_conninfo
						     : config->database_owner_conninfo;
	if (*conninfo)
		return conninfo;
	error_set(&cli->error, ERR_CONFIG,
		  "database.backup_conninfo is not set: a role with REPLICATION copies the database",
		  "chưa đặt database.backup_conninfo: cần vai trò có REPLICATION để sao chép cơ sở dữ liệu");
	return NULL;
}

static bool describe(struct cli *cli, struct making *making)
{
	struct backup_facts_load load = { .arena = &cli->arena, .backup.program = GIOTHONG_VERSION };
	struct json_out out = { .buf = &making->file };

	if (!backup_facts_load_run(cli, &load))
		return false;
	/* Names go by the second; the one before may have been quick. */
	for (;;) {
		backup_name(load.backup.made_us, making->name);
		making->whole = arena_printf(&cli->arena, "%s/%s", making->folder, making->name);
		if (access(making->whole, F_OK) < 0)
			break;
		usleep(100 * 1000);
		load.backup.made_us = clock_wall_us(&cli->setup->clock);
	}
	making->partial = arena_printf(&cli->arena, "%s" PARTIAL, making->whole);
	backup_write(&out, &load.backup);
	buf_append_char(&making->file, '\n');
	return true;
}

static bool write_file(struct cli *cli, const struct making *making)
{
	const char *path = arena_printf(&cli->arena, "%s/" BACKUP_FILE, making->partial);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool fine = fd >= 0 && write(fd, making->file.data, making->file.len) == (ssize_t)making->file.len &&
		    fsync(fd) == 0;

	if (!fine)
		system_failed(cli, path);
	if (fd >= 0)
		close(fd);
	return fine;
}

static bool sync_folder(struct cli *cli, const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool fine = (fd >= 0 && fsync(fd) == 0) || system_failed(cli, path);

	if (fd >= 0)
		close(fd);
	return fine;
}

static bool take(struct cli *cli, const struct making *making)
{
	const char *postgres = arena_printf(&cli->arena, "%s/" BACKUP_POSTGRES, making->partial);
	const char *conninfo = source(cli);

	if (!conninfo)
		return false;
	if (mkdir(making->partial, 0700) < 0)
		return system_failed(cli, making->partial);
	bool fine = backup_take(conninfo, postgres, &cli->error) && cli_goes_on(cli) &&
		    backup_check(postgres, &cli->error) && cli_goes_on(cli) && write_file(cli, making) &&
		    sync_folder(cli, making->partial);

	if (fine && rename(making->partial, making->whole) < 0)
		fine = system_failed(cli, making->whole);
	if (!fine)
		backup_remove(making->partial, NULL);
	return fine && sync_folder(cli, making->folder);
}

static bool make(struct cli *cli, struct making *making, int keep)
{
	struct backup_note note = { .arena = &cli->arena, .actor = cli->actor, .name = making->name,
				    .file = &making->file };
	const char **names;
	size_t count;

	return open_folder(cli, making) && list_backups(cli, making, &names, &count) && describe(cli, making) &&
	       take(cli, making) && backup_note_run(cli, &note) && remove_expired(cli, making, keep);
}

static void print_made(struct cli *cli, const struct making *making)
{
	cli_say(cli, "%s\n", "%s\n", making->whole);
	if (making->removed > 0)
		cli_say(cli, "%zu older removed\n", "đã xóa %zu bản cũ\n", making->removed);
	cli_say(cli, "The keyring is not in it, nor the journal of erasures: keep \"giothong keyring export\" and a copy of %s"
		     " elsewhere.\n",
		"Không kèm bộ khóa và sổ xóa dữ liệu: hãy giữ bản \"giothong keyring export\" và bản sao %s ở nơi khác.\n",
		erasure_journal_path(cli->setup->config.erasure_journal, cli->setup->config.keyring_dir, &cli->arena));
	jout_object(&cli->out, NULL);
	jout_text(&cli->out, "backup", making->whole);
	jout_int(&cli->out, "removed", (int64_t)making->removed);
	jout_raw(&cli->out, "facts", making->file.data);
	jout_end(&cli->out);
}

static int backup_run(struct cli *cli)
{
	struct making making = { .fd = -1 };
	int keep = 0, status;

	if (!cli_number(cli, "keep", 1, 100000, &keep))
		return cli_usage(cli);
	umask(077);
	if (make(cli, &making, keep)) {
		print_made(cli, &making);
		status = EXIT_OK;
	} else {
		status = cli_refuse(cli);
	}
	if (making.fd >= 0)
		close(making.fd);
	free(making.folder);
	buf_release(&making.file);
	return status;
}

static const struct cli_option backup_options[] = {
	{ "keep", "N", { "then remove all but the newest N backups in FOLDER",
			 "sau đó chỉ giữ N bản mới nhất trong FOLDER" } },
	{ 0 }
};

static const struct cli_option restore_options[] = {
	{ "checkpoint", "FILE", { "the log, or lines of it, with checkpoints of the audit: what is missing is told",
				  "nhật ký (hoặc vài dòng) có mốc niêm phong: cho biết phần bị thiếu" } },
	{ 0 }
};

const struct cli_command backup_commands[] = {
	{ .group = "backup", .arguments = "FOLDER", .nmin = 1, .nmax = 1,
	  .need = CLI_DATABASE, .options = backup_options, .run = backup_run,
	  .summary = { "copy the whole database into FOLDER, checked, without the keys",
		       "sao chép toàn bộ cơ sở dữ liệu vào FOLDER, có kiểm tra, không kèm khóa" } },
	{ .group = "restore", .arguments = "BACKUP", .nmin = 1, .nmax = 1,
	  .need = CLI_SETTINGS, .options = restore_options, .run = restore_run,
	  .summary = { "make a new --data DIR of a backup and the keys in DIR/keyring",
		       "tạo --data DIR mới từ một bản sao lưu và khóa trong DIR/keyring" } },
	{ 0 }
};
