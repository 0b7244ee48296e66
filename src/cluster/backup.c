#include "cluster/backup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/memory.h"
#include "cluster/internal.h"

static const struct account ourselves = { .other = false };

static bool tool_failed(const char *what, const struct buf *output, struct error *err)
{
	char reason[200];

	run_reason(output->data, reason, sizeof(reason));
	return error_set(err, ERR_SYSTEM, "%s: %s", "%s: %s", what, *reason ? reason : "?");
}

bool backup_remove(const char *folder, struct error *err)
{
	const char *const argv[] = { "/bin/rm", "-rf", "--", folder, NULL };
	struct error ignored;
	struct buf output = { 0 };
	bool fine = run_tool(&ourselves, argv, NULL, &output) ||
		    tool_failed("rm", &output, err ? err : &ignored);

	buf_release(&output);
	return fine;
}

/* A newer pg_basebackup takes copies of older servers, not the other way round. */
bool backup_take(const char *conninfo, const char *folder, struct error *err)
{
	char bin_dir[BIN_DIR_SIZE], program[BIN_DIR_SIZE + 16];
	const char *const argv[] = {
		program, "--dbname", conninfo, "--pgdata", folder, "--format=plain", "--wal-method=stream",
		"--checkpoint=fast", "--manifest-checksums=SHA256", "--no-password", NULL
	};
	struct buf output = { 0 };

	if (!binaries_newest(bin_dir, err))
		return false;
	snprintf(program, sizeof(program), "%s/pg_basebackup", bin_dir);
	bool fine = run_tool(&ourselves, argv, NULL, &output) || tool_failed("pg_basebackup", &output, err);

	buf_release(&output);
	if (!fine)
		backup_remove(folder, NULL);
	return fine;
}

bool backup_check(const char *folder, struct error *err)
{
	char bin_dir[BIN_DIR_SIZE], program[BIN_DIR_SIZE + 16];
	const char *const argv[] = { program, "--exit-on-error", "--quiet", folder, NULL };
	struct buf output = { 0 };

	if (!binaries_of(folder, bin_dir, err))
		return false;
	snprintf(program, sizeof(program), "%s/pg_verifybackup", bin_dir);
	bool fine = run_tool(&ourselves, argv, NULL, &output) || tool_failed("pg_verifybackup", &output, err);

	buf_release(&output);
	return fine;
}
