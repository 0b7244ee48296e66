#include "cluster/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/memory.h"

static const struct account ourselves = { .other = false };

static bool run(const char *const argv[], struct error *err)
{
	struct buf output = { 0 };
	char reason[200];
	bool fine = run_tool(&ourselves, argv, NULL, &output);

	if (!fine) {
		run_reason(output.data, reason, sizeof(reason));
		error_set(err, ERR_SYSTEM, "the copy cannot be laid out: %s", "không trải được bản sao: %s",
			  *reason ? reason : argv[0]);
	}
	buf_release(&output);
	return fine;
}

static bool copy_files(const char *copy, const char *postgres_dir, struct error *err)
{
	const char *const argv[] = { "/bin/cp", "-a", "--reflink=auto", "-T", "--", copy, postgres_dir, NULL };

	return run(argv, err);
}

static bool give_to(const struct account *account, const char *postgres_dir, struct error *err)
{
	char owner[48];
	const char *const argv[] = { "/bin/chown", "-R", "--no-dereference", owner, "--", postgres_dir, NULL };

	snprintf(owner, sizeof(owner), "%u:%u", (unsigned)account->uid, (unsigned)account->gid);
	return !account->other || run(argv, err);
}

/* Kept beside, for a person. */
static bool set_aside(int folder, const char *name, struct error *err)
{
	char aside[64];

	snprintf(aside, sizeof(aside), "%s.before", name);
	if (renameat(folder, name, folder, aside) == 0 || errno == ENOENT)
		return true;
	return error_set(err, ERR_SYSTEM, "%s cannot be set aside: %s", "không cất riêng được %s: %s", name,
			 strerror(errno));
}

/* Defaults, but for what initdb finds out by trying: this kind of shared memory works everywhere. */
static bool write_plain_conf(int folder, struct error *err)
{
	static const char text[] = "dynamic_shared_memory_type = mmap\n";
	int fd = openat(folder, "postgresql.conf", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool fine = fd >= 0 && write(fd, text, sizeof(text) - 1) == (ssize_t)sizeof(text) - 1;

	if (!fine)
		error_set(err, ERR_SYSTEM, "postgresql.conf cannot be written: %s",
			  "không ghi được postgresql.conf: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return fine;
}

static bool set_all_aside(int folder, const char *const *names, size_t count, struct error *err)
{
	bool fine = true;

	for (size_t i = 0; fine && i < count; i++)
		fine = set_aside(folder, names[i], err);
	return fine;
}

/*
 * What people set must not reach this one: it would send its log into the
 * archive of the server that the copy is of. Of a server's cluster the rest is
 * not ours either; what a private one has besides is written anew at each start.
 */
static bool fit_settings(int folder, const char *postgres_dir, struct error *err)
{
	static const char *const of_people[] = { "postgresql.auto.conf", "local.conf" };
	static const char *const of_that_server[] = { "postgresql.conf", "standby.signal", "recovery.signal" };

	if (!set_all_aside(folder, of_people, ARRAY_SIZE(of_people), err))
		return false;
	if (faccessat(folder, "giothong.conf", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	bool fine = set_all_aside(folder, of_that_server, ARRAY_SIZE(of_that_server), err);

	return fine && write_plain_conf(folder, err) && settings_include(postgres_dir, err);
}

/* On disk before the copy counts as whole, so that no power cut can take a part of it. */
static bool fit_and_sync(const char *postgres_dir, struct error *err)
{
	int folder = open(postgres_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (folder < 0)
		return error_set(err, ERR_SYSTEM, "%s cannot be opened: %s", "không mở được %s: %s", postgres_dir,
				 strerror(errno));
	bool fine = fit_settings(folder, postgres_dir, err);

	if (fine && (fchmod(folder, 0700) < 0 || syncfs(folder) < 0))
		fine = error_set(err, ERR_SYSTEM, "%s cannot be written: %s", "không ghi được %s: %s", postgres_dir,
				 strerror(errno));
	close(folder);
	return fine;
}

bool copy_lay_out(const struct account *account, const char *copy, const char *postgres_dir, struct error *err)
{
	return copy_files(copy, postgres_dir, err) && fit_and_sync(postgres_dir, err) &&
	       give_to(account, postgres_dir, err);
}
