#include "crypto/key_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"

bool folder_sync_parent(const char *path)
{
	char *copy = xstrdup(path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool fine = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	free(copy);
	return fine;
}

static bool cannot_make(const char *dir, struct error *err)
{
	return error_set(err, ERR_SYSTEM, "the keyring %s cannot be made: %s", "không tạo được bộ khóa %s: %s", dir,
			 strerror(errno));
}

/* The folder around it, as of a --data DIR that will be: as root others must be able to walk through. */
static bool make_parent(const char *dir)
{
	char *copy = xstrdup(dir);
	mode_t mode = geteuid() == 0 ? 0755 : 0700;
	const char *parent = dirname(copy);
	bool fine = mkdir(parent, mode) == 0 && chmod(parent, mode) == 0 && folder_sync_parent(parent);

	free(copy);
	return fine;
}

static bool ensure_folder(const char *dir)
{
	struct stat st;
	bool made = mkdir(dir, 0700) == 0 || (errno == ENOENT && make_parent(dir) && mkdir(dir, 0700) == 0);

	if (made)
		return chmod(dir, 0700) == 0;    /* whatever the umask took away */
	return errno == EEXIST && lstat(dir, &st) == 0 && S_ISDIR(st.st_mode);
}

/* What a crash left of an earlier try was never used. */
static bool empty_folder(const char *dir)
{
	DIR *list = opendir(dir);
	const struct dirent *entry;
	bool fine = list != NULL;

	while (fine && (entry = readdir(list)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			fine = unlinkat(dirfd(list), entry->d_name, 0) == 0;
	if (list)
		closedir(list);
	return fine;
}

/* An empty folder counts as none, but whose it was it stays. */
static bool take_place(const char *path, struct stat *was)
{
	bool there = lstat(path, was) == 0;

	if (!there)
		was->st_uid = (uid_t)-1;
	return there ? rmdir(path) == 0 : errno == ENOENT;
}

static bool give_to(const char *path, const struct stat *was)
{
	return was->st_uid == (uid_t)-1 || geteuid() != 0 || lchown(path, was->st_uid, was->st_gid) == 0;
}

static bool build_and_rename(const char *path, const struct stat *was,
			     bool (*fill)(void *context, const char *dir, struct error *err), void *context,
			     struct error *err)
{
	char *draft = xasprintf("%s.new", path);
	bool fine = (ensure_folder(draft) && empty_folder(draft) && give_to(draft, was)) || cannot_make(draft, err);

	fine = fine && fill(context, draft, err);
	if (fine && (rename(draft, path) < 0 || !folder_sync_parent(path)))
		fine = cannot_make(path, err);
	free(draft);
	return fine;
}

bool folder_make_or_fill(const char *dir, bool (*fill)(void *context, const char *dir, struct error *err),
			 void *context, struct error *err)
{
	char *path = xstrdup(dir);
	size_t len = strlen(path);
	struct stat was;
	bool fine;

	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
	if (take_place(path, &was))
		fine = build_and_rename(path, &was, fill, context, err);
	else
		fine = fill(context, path, err);
	free(path);
	return fine;
}
