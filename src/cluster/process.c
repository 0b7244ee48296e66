#include "cluster/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

/* Lines of postmaster.pid: pid, data folder, start time, port, socket folder, address, memory key, status. */
enum { LINE_PID, LINE_SOCKET_DIR = 4, LINE_STATUS = 7, LINE_COUNT };

static void copy_line(char *out, size_t size, const char *line)
{
	size_t len = strcspn(line, "\n");

	while (len > 0 && line[len - 1] == ' ')
		len--;
	snprintf(out, size, "%.*s", (int)len, line);
}

static bool parse(const char *text, struct pid_file *out)
{
	const char *line = text;

	*out = (struct pid_file){ 0 };
	for (int i = 0; i < LINE_COUNT; i++) {
		const char *end = strchr(line, '\n');

		if (i == LINE_PID)
			out->pid = (pid_t)atoi(line);
		else if (i == LINE_SOCKET_DIR)
			copy_line(out->socket_dir, sizeof(out->socket_dir), line);
		else if (i == LINE_STATUS)
			copy_line(out->status, sizeof(out->status), line);
		if (!end)
			break;
		line = end + 1;
	}
	return out->pid > 0;
}

bool pid_file_read(const char *postgres_dir, struct pid_file *out)
{
	char *path = xasprintf("%s/postmaster.pid", postgres_dir);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char text[1024];
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	free(path);
	if (fd >= 0)
		close(fd);
	if (len <= 0)
		return false;
	text[len] = '\0';
	return parse(text, out);
}

void server_name(const char *postgres_dir, char out[SERVER_NAME_SIZE])
{
	unsigned long long hash = 0xcbf29ce484222325ULL; /* FNV-1a */

	for (const char *p = postgres_dir; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 0x100000001b3ULL;
	snprintf(out, SERVER_NAME_SIZE, "giothong-%016llx", hash);
}

static ssize_t read_proc(pid_t pid, const char *file, char *out, size_t size)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, out, size - 1);

	if (fd >= 0)
		close(fd);
	if (len >= 0)
		out[len] = '\0';
	return len;
}

static bool is_program(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');

	return streq(slash ? slash + 1 : path, name);
}

/* "postgres -D DIR/postgres", "initdb -D ...", or the title of a child, "postgres: NAME: checkpointer". */
static bool command_serves(pid_t pid, const char *postgres_dir)
{
	char text[4096], name[SERVER_NAME_SIZE];
	ssize_t len = read_proc(pid, "cmdline", text, sizeof(text));

	if (len <= 0)
		return false;
	server_name(postgres_dir, name);
	if (text_starts_with(text, "postgres: "))
		return text_starts_with(text + strlen("postgres: "), name);
	if (!is_program(text, "postgres") && !is_program(text, "initdb"))
		return false;
	for (const char *arg = text; arg < text + len; arg += strlen(arg) + 1)
		if (streq(arg, postgres_dir))
			return true;
	return false;
}

/* A title is free text: only who owns the cluster can have a server on it. */
static bool owns(pid_t pid, const char *postgres_dir)
{
	char path[24];
	struct stat process, folder;

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	return stat(path, &process) == 0 && stat(postgres_dir, &folder) == 0 && process.st_uid == folder.st_uid;
}

/*
 * Every process of a server works in its cluster's folder. Where we may not
 * see that (root without CAP_SYS_PTRACE, as in containers), its command tells.
 * A dead process that nobody has waited for has neither.
 */
bool process_serves(pid_t pid, const char *postgres_dir)
{
	char link[40], actual[4096];

	snprintf(link, sizeof(link), "/proc/%d/cwd", (int)pid);
	ssize_t len = readlink(link, actual, sizeof(actual));

	if (len < 0)
		return (errno == EACCES || errno == EPERM) && owns(pid, postgres_dir) &&
		       command_serves(pid, postgres_dir);
	return (size_t)len == strlen(postgres_dir) && memcmp(actual, postgres_dir, (size_t)len) == 0;
}

/* The first for which `wanted` says yes, or 0. */
static pid_t walk(const char *postgres_dir, bool (*wanted)(pid_t pid))
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;
	pid_t found = 0;

	while (dir && !found && (entry = readdir(dir)) != NULL) {
		long pid;

		if (text_to_int(entry->d_name, 1, 1L << 30, &pid) && process_serves((pid_t)pid, postgres_dir) &&
		    wanted((pid_t)pid))
			found = (pid_t)pid;
	}
	if (dir)
		closedir(dir);
	return found;
}

static bool any(pid_t pid)
{
	(void)pid;
	return true;
}

pid_t process_find(const char *postgres_dir)
{
	return walk(postgres_dir, any);
}

static bool wake(pid_t pid)
{
	kill(pid, SIGCONT);
	return false;
}

void process_wake_all(const char *postgres_dir)
{
	walk(postgres_dir, wake);
}
