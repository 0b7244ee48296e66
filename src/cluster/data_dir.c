#include "cluster/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"

/* As root another user must be able to walk through what we make; otherwise it is ours alone. */
static bool make_one(const char *path)
{
	mode_t mode = geteuid() == 0 ? 0755 : 0700;

	return (mkdir(path, mode) == 0 && chmod(path, mode) == 0) || errno == EEXIST;
}

static bool make_all(const char *path)
{
	char *part = xstrdup(path);
	bool fine = true;

	for (char *slash = part; fine && (slash = strchr(slash + 1, '/')) != NULL;) {
		*slash = '\0';
		fine = make_one(part);
		*slash = '/';
	}
	fine = fine && make_one(part);
	free(part);
	return fine;
}

char *data_dir_make(const char *path, struct error *err)
{
	struct stat st;
	char *real = make_all(path) ? realpath(path, NULL) : NULL;

	if (!real || stat(real, &st) < 0) {
		error_set(err, ERR_CONFIG, "the folder %s cannot be made: %s", "không tạo được thư mục %s: %s",
			  path, strerror(errno));
	} else if (!S_ISDIR(st.st_mode)) {
		error_set(err, ERR_CONFIG, "%s is not a folder", "%s không phải thư mục", path);
	} else {
		return real;
	}
	free(real);
	return NULL;
}

bool data_dir_is_empty(const char *path, struct error *err)
{
	return error_set(err, ERR_CONFIG, "no Giọt Hồng data in %s: start giothongd --data %s first",
			 "chưa có dữ liệu Giọt Hồng trong %s: hãy chạy giothongd --data %s trước", path, path);
}

static bool is_missing(const char *dir, const char *name)
{
	char *path = xasprintf("%s/%s", dir, name);
	struct stat st;
	bool missing = lstat(path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR);

	free(path);
	return missing;
}

/* Whoever makes a cluster takes the lock first, so without either file there is none to wait for. */
char *data_dir_find(const char *path, struct error *err)
{
	char *real = realpath(path, NULL);

	if (!real && errno != ENOENT && errno != ENOTDIR) {
		error_set(err, ERR_CONFIG, "%s cannot be opened: %s", "không mở được %s: %s", path,
			  strerror(errno));
	} else if (!real || (is_missing(real, "postgres") && is_missing(real, "lock"))) {
		data_dir_is_empty(path, err);
		free(real);
		real = NULL;
	}
	return real;
}

static pid_t read_holder(int fd)
{
	char text[16];
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);

	if (len <= 0)
		return 0;
	text[len] = '\0';
	return (pid_t)atoi(text);
}

static void write_holder(int fd)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	/* Only for the message of the one who comes second; the lock itself is flock's. */
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)len, 0) < 0)
		return;
}

static bool in_use(const char *data_dir, pid_t holder, struct error *err)
{
	if (holder > 0)
		return error_set(err, ERR_CONFIG, "%s is in use by pid %d", "%s đang được pid %d dùng", data_dir,
				 (int)holder);
	return error_set(err, ERR_CONFIG, "%s is in use by another daemon", "%s đang được một tiến trình khác dùng",
			 data_dir);
}

bool data_dir_is_held(const char *data_dir, struct error *err)
{
	char *path = xasprintf("%s/lock", data_dir);
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	bool held = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;

	if (held)
		in_use(data_dir, read_holder(fd), err);
	if (fd >= 0)
		close(fd);
	free(path);
	return held;
}

/* Beside flock, which says whose it is: byte 0 is locked by those who use it. */
static bool lock_use(int fd, int how, short type)
{
	struct flock use = { .l_type = type, .l_whence = SEEK_SET, .l_len = 1 };
	int done;

	do
		done = fcntl(fd, how, &use);
	while (done < 0 && errno == EINTR);
	return done == 0;
}

int data_dir_use(const char *data_dir)
{
	char *path = xasprintf("%s/lock", data_dir);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	free(path);
	if (fd >= 0 && !lock_use(fd, F_OFD_SETLK, F_RDLCK)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

void data_dir_await_unused(int lock_fd)
{
	lock_use(lock_fd, F_OFD_SETLKW, F_WRLCK);
}

int data_dir_lock(const char *data_dir, bool *held, struct error *err)
{
	char *path = xasprintf("%s/lock", data_dir);
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	*held = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
	if (fd < 0) {
		error_set(err, ERR_CONFIG, "%s cannot be opened: %s", "không mở được %s: %s", path,
			  strerror(errno));
	} else if (*held) {
		in_use(data_dir, read_holder(fd), err);
		close(fd);
		fd = -1;
	} else {
		write_holder(fd);
	}
	free(path);
	return fd;
}
