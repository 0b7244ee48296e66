#include "cluster/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"

bool folder_sync(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool fine = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	return fine;
}

/* One statement a line, as a server in single-user mode reads them. */
static const char roles_and_database[] =
	"CREATE ROLE giothong_owner LOGIN;\n"
	"CREATE ROLE giothong_app LOGIN;\n"
	"CREATE DATABASE giothong OWNER giothong_owner;\n"
	"REVOKE ALL ON DATABASE giothong FROM PUBLIC;\n"
	"GRANT CONNECT ON DATABASE giothong TO giothong_app;\n";

static bool tool_failed(const char *what, const struct buf *output, struct error *err)
{
	char reason[200];

	run_reason(output->data, reason, sizeof(reason));
	return error_set(err, ERR_SYSTEM, "the cluster cannot be made: %s: %s",
			 "không tạo được cụm cơ sở dữ liệu: %s: %s", what, *reason ? reason : "?");
}

/* What was killed while it made one: its tools die with it, but perhaps not at once. */
bool draft_remove(const char *draft, struct error *err)
{
	const struct account ourselves = { .other = false };
	const char *const argv[] = { "/bin/rm", "-rf", "--", draft, NULL };
	struct buf output = { 0 };
	struct stat st;
	pid_t pid;

	if (lstat(draft, &st) < 0)
		return true;
	log_info("cluster_made_anew", "reason=\"an earlier try was interrupted\"");
	for (int i = 0; i < 500 && (pid = process_find(draft)) > 0; i++) {
		kill(pid, SIGKILL);
		usleep(10000);
	}
	bool fine = run_tool(&ourselves, argv, NULL, &output) || tool_failed("rm", &output, err);

	buf_release(&output);
	return fine;
}

static bool make_folder(const struct account *account, const char *draft, struct error *err)
{
	int fd = mkdir(draft, 0700) == 0 ? open(draft, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
	bool fine = fd >= 0 && fchmod(fd, 0700) == 0 &&
		    (!account->other || fchown(fd, account->uid, account->gid) == 0);

	if (!fine)
		error_set(err, ERR_SYSTEM, "%s cannot be made: %s", "không tạo được %s: %s", draft,
			  strerror(errno));
	if (fd >= 0)
		close(fd);
	return fine;
}

static bool run_initdb(const struct account *account, const char *bin_dir, const char *draft, struct error *err)
{
	char program[BIN_DIR_SIZE + 16];
	const char *const argv[] = {
		program, "-D", draft, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums",
		"--auth-local=peer", "--auth-host=reject", "--no-instructions", NULL
	};
	struct buf output = { 0 };

	snprintf(program, sizeof(program), "%s/initdb", bin_dir);
	bool fine = run_tool(account, argv, NULL, &output) || tool_failed("initdb", &output, err);

	buf_release(&output);
	return fine;
}

/* No socket, no waiting: the server reads the statements from its standard input. */
static bool make_database(const struct account *account, const char *bin_dir, const char *draft,
			  struct error *err)
{
	char program[BIN_DIR_SIZE + 16];
	const char *const argv[] = {
		program, "--single", "-D", draft, "-c", "exit_on_error=on", "-c", "shared_buffers=16MB",
		"template1", NULL
	};
	struct buf output = { 0 };

	snprintf(program, sizeof(program), "%s/postgres", bin_dir);
	bool fine = run_tool(account, argv, roles_and_database, &output) ||
		    tool_failed("postgres", &output, err);

	buf_release(&output);
	return fine;
}

bool draft_keep(const char *draft, const char *data_dir, struct error *err)
{
	char *place = xasprintf("%s/postgres", data_dir);
	bool fine = rename(draft, place) == 0 && folder_sync(data_dir);

	if (!fine)
		error_set(err, ERR_SYSTEM, "%s cannot be made: %s", "không tạo được %s: %s", place,
			  strerror(errno));
	free(place);
	return fine;
}

/* Built beside and renamed at the end, so that what is called "postgres" is always whole. */
bool cluster_create(const struct account *account, const char *data_dir, struct error *err)
{
	char *draft = xasprintf("%s/postgres.new", data_dir);
	char bin_dir[BIN_DIR_SIZE];
	bool fine = binaries_newest(bin_dir, err) && draft_remove(draft, err) &&
		    make_folder(account, draft, err) && run_initdb(account, bin_dir, draft, err) &&
		    make_database(account, bin_dir, draft, err) && settings_include(draft, err) &&
		    draft_keep(draft, data_dir, err);

	free(draft);
	return fine;
}
