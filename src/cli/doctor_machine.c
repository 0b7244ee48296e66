#include "cli/doctor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"
#include "config/config.h"
#include "crypto/erasure_journal.h"
#include "crypto/keyring.h"
#include "db/db.h"
#include "domain/backup.h"

enum { MODE_BITS = 07777, ASK_SECONDS = 3, CMDLINE_MAX = 8192 };
static const int64_t clocks_differ_us = 3600 * INT64_C(1000000);

/* Where the units and the package put things. */
static const char sockets_pattern[] = "/run/giothong/*.sock";
static const char usual_backups[] = "/var/backups/giothong";
static const char under_systemd[] = "/run/systemd/system";
static const char *const unit_files[] = { "/lib/systemd/system/giothong.target", "/etc/systemd/system/giothong.target" };
static const char unit_enabled[] = "/etc/systemd/system/multi-user.target.wants/giothong.target";

/* ---- the settings file, the service, the clock ---- */

static bool exists(const char *path)
{
	return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static enum doctor_unit look_at_unit(void)
{
	bool installed = exists(unit_files[0]) || exists(unit_files[1]);

	if (!installed || !exists(under_systemd))
		return UNIT_ABSENT;
	return exists(unit_enabled) ? UNIT_ENABLED : UNIT_DISABLED;
}

static void look_at_clock(struct doctor_machine *machine)
{
	struct timex question = { 0 };
	int state = adjtimex(&question);

	machine->clock_known = state >= 0;
	machine->clock_synchronised = state >= 0 && state != TIME_ERROR && !(question.status & STA_UNSYNC);
}

void doctor_look_at_file(struct cli *cli, struct doctor_machine *machine)
{
	struct doctor_file *file = &machine->file;
	struct stat st;

	file->path = setup_config_file(cli->setup);
	if (file->path && stat(file->path, &st) == 0) {
		file->known = true;
		file->mode = st.st_mode & MODE_BITS;
		file->of_stranger = st.st_uid != 0 && st.st_uid != geteuid();
	}
	machine->unit = look_at_unit();
	look_at_clock(machine);
}

/* ---- keys ---- */

static void list_keys(struct cli *cli, struct doctor_keyring *keyring, const struct key_view *view)
{
	for (size_t i = 0; i < view->nkeys && keyring->nheld < DOCTOR_MAX; i++) {
		char fingerprint[KEY_FINGERPRINT_HEX_SIZE];

		key_fingerprint_hex(&view->keys[i], fingerprint);
		keyring->held[keyring->nheld++] = (struct doctor_key){
			.name = arena_printf(&cli->arena, "%s-%d", key_kind_text(view->keys[i].kind), view->keys[i].id),
			.fingerprint = arena_strdup(&cli->arena, fingerprint),
		};
	}
}

static void look_at_keyring(struct cli *cli, struct doctor_machine *machine)
{
	struct doctor_keyring *keyring = &machine->keyring;
	struct keyring *opened;

	keyring->dir = arena_strdup(&cli->arena, cli->setup->config.keyring_dir);
	if (!*keyring->dir)
		return;
	int folder = open(keyring->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	keyring->known = folder >= 0 || errno != EACCES || geteuid() == 0;
	if (folder >= 0)
		close(folder);
	if (!keyring->known)
		return;
	opened = keyring_open(keyring->dir, &keyring->error);
	for (int kind = 0; opened && kind < KEY_KIND_COUNT; kind++)
		keyring->active[kind] = keyring_active(opened, (enum key_kind)kind);
	if (opened)
		list_keys(cli, keyring, keyring_view(opened));
	keyring_free(opened);
}

/* ---- the journal of erasures ---- */

/* Where systemd hands the keys over, commands of root find them here. */
static const char keys_of_units[] = "/etc/giothong/keyring";

static void look_at_journal(struct cli *cli, struct doctor_machine *machine)
{
	const struct config *config = &cli->setup->config;
	struct doctor_journal *journal = &machine->journal;
	char *folder;
	bool there;

	journal->path = erasure_journal_path(config->erasure_journal, config->keyring_dir, &cli->arena);
	journal->unset = !*config->erasure_journal && streq(config->keyring_dir, keys_of_units);
	there = faccessat(AT_FDCWD, journal->path, F_OK, AT_EACCESS) == 0;
	journal->known = there ? faccessat(AT_FDCWD, journal->path, R_OK, AT_EACCESS) == 0 : errno == ENOENT;
	folder = arena_strdup(&cli->arena, journal->path);
	if (strrchr(folder, '/'))
		*strrchr(folder, '/') = '\0';
	if (faccessat(AT_FDCWD, there ? journal->path : folder, there ? W_OK : W_OK | X_OK, AT_EACCESS) < 0)
		journal->why = arena_strdup(&cli->arena, strerror(errno));
}

bool doctor_read_journal(struct cli *cli, struct doctor_machine *machine, const struct erasure_line **lines, size_t *count)
{
	struct erasure_line *read;

	if (!erasure_journal_read(machine->journal.path, &cli->arena, &read, count, &cli->error)) {
		error_clear(&cli->error);
		return false;
	}
	*lines = read;
	machine->journal.persons = *count;
	return true;
}

/* ---- sockets ---- */

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = ASK_SECONDS };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return fd;
	memcpy(address.sun_path, path, strlen(path) + 1);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	int error = errno;

	close(fd);
	errno = error;
	return -1;
}

/* The status of GET /readyz; see struct doctor_socket. */
static int ask(const char *path)
{
	static const char question[] = "GET /readyz HTTP/1.1\r\nHost: giothong\r\nConnection: close\r\n\r\n";
	char answer[64] = "";
	int fd = connect_to(path), status = 0;

	if (fd < 0)
		return errno == EACCES || errno == EPERM ? -1 : 0;
	if (send(fd, question, sizeof(question) - 1, MSG_NOSIGNAL) == (ssize_t)sizeof(question) - 1 &&
	    recv(fd, answer, sizeof(answer) - 1, MSG_WAITALL) > 0 && sscanf(answer, "HTTP/1.1 %d", &status) != 1)
		status = 0;
	close(fd);
	return status;
}

static void add_socket(struct cli *cli, struct doctor_machine *machine, const char *path)
{
	struct stat st;

	for (size_t i = 0; i < machine->nsockets; i++)
		if (streq(machine->sockets[i].path, path))
			return;
	if (machine->nsockets == DOCTOR_MAX)
		return;
	struct doctor_socket *one = &machine->sockets[machine->nsockets++];
	bool there = stat(path, &st) == 0;

	one->path = arena_strdup(&cli->arena, path);
	one->status = ask(path);
	/* Of one that is not there, only that. */
	one->mode = there ? st.st_mode & MODE_BITS : 0660;
}

static void look_at_sockets(struct cli *cli, struct doctor_machine *machine)
{
	glob_t found = { 0 };

	if (text_starts_with(machine->listen, "unix:"))
		add_socket(cli, machine, machine->listen + strlen("unix:"));
	if (machine->private_cluster)
		return;
	if (glob(sockets_pattern, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			add_socket(cli, machine, found.gl_pathv[i]);
	globfree(&found);
}

/* ---- processes ---- */

static size_t read_small(long pid, const char *name, char *out, size_t size)
{
	char path[64];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%ld/%s", pid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	len = read(fd, out, size - 1);
	close(fd);
	out[len > 0 ? len : 0] = '\0';
	return len > 0 ? (size_t)len : 0;
}

/* A daemon on the same settings or the same folder: its command line has our word for it. */
static bool is_ours(const struct cli *cli, long pid)
{
	const char *data = cli->setup->config.data_dir, *file = setup_config_file(cli->setup);
	const char *word = data && *data ? data : file;
	char comm[32], line[CMDLINE_MAX];

	if (!word || read_small(pid, "comm", comm, sizeof(comm)) == 0 || !streq(comm, "giothongd\n"))
		return false;
	size_t len = read_small(pid, "cmdline", line, sizeof(line));

	for (size_t at = 0; at < len; at += strlen(line + at) + 1) {
		const char *equals = strchr(line + at, '=');

		if (streq(line + at, word) || (text_starts_with(line + at, "--") && equals && streq(equals + 1, word)))
			return true;
	}
	return false;
}

/* "Max open files   1024   524288   files": the first figure; -1 for "unlimited". */
static bool read_limit(const char *limits, const char *name, int64_t *out)
{
	const char *line = strstr(limits, name);
	long long value;

	if (!line)
		return false;
	line += strlen(name);
	*out = sscanf(line, "%lld", &value) == 1 ? value : -1;
	return true;
}

static void add_process(struct doctor_machine *machine, long pid)
{
	char limits[4096];
	int64_t files, core;

	if (machine->nprocesses == DOCTOR_MAX || read_small(pid, "limits", limits, sizeof(limits)) == 0 ||
	    !read_limit(limits, "Max open files", &files) || !read_limit(limits, "Max core file size", &core))
		return;
	machine->processes[machine->nprocesses++] = (struct doctor_process){ pid, files, core != 0 };
}

static void look_at_processes(struct cli *cli, struct doctor_machine *machine)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;
	long pid;

	while (dir && (entry = readdir(dir)) != NULL)
		if (text_to_int(entry->d_name, 1, 0x7fffffff, &pid) && is_ours(cli, pid))
			add_process(machine, pid);
	if (dir)
		closedir(dir);
}

void doctor_look_at_machine(struct cli *cli, struct doctor_machine *machine)
{
	const struct config *config = &cli->setup->config;

	machine->listen = config->listen;
	machine->trusted_proxy = config->trusted_proxy;
	machine->public_url = config->public_url;
	machine->insecure = config->insecure;
	machine->private_cluster = config->data_dir && *config->data_dir;
	machine->workers = config->workers;
	machine->read_connections = config->database_read_connections;
	machine->limits_connections = config->limits_connections;
	machine->file.has_password = db_conninfo_has_password(config->database_conninfo) ||
				     db_conninfo_has_password(config->database_owner_conninfo);
	look_at_keyring(cli, machine);
	look_at_journal(cli, machine);
	look_at_sockets(cli, machine);
	look_at_processes(cli, machine);
}

/* ---- backups ---- */

void doctor_look_at_backups(struct cli *cli, struct doctor_machine *machine)
{
	struct doctor_backups *backups = &machine->backups;
	int64_t newest = INT64_MIN, now_us = clock_wall_us(&cli->setup->clock);
	const char *named = cli_option(cli, "backups", 0);
	const struct dirent *entry;
	DIR *dir;

	*backups = (struct doctor_backups){ .folder = named ? named : usual_backups, .named = named, .newest_age = -1 };
	dir = opendir(backups->folder);
	backups->known = dir != NULL;
	if (!dir)
		backups->why = arena_strdup(&cli->arena, strerror(errno));
	/* What a clock that was ahead has named says nothing. */
	while (dir && (entry = readdir(dir)) != NULL) {
		int64_t made_us = backup_name_is(entry->d_name) ? backup_name_time(entry->d_name) : INT64_MIN;

		if (made_us > newest && made_us < now_us + clocks_differ_us)
			newest = made_us;
	}
	if (dir)
		closedir(dir);
	if (newest != INT64_MIN)
		backups->newest_age = newest < now_us ? (now_us - newest) / 1000000 : 0;
}

/* ---- disk ---- */

/* The second line of the lock beside a server's socket is its folder. For its owner and root alone. */
static char *folder_of_server(struct cli *cli)
{
	char path[256], lock[300], text[1024];
	const char *line, *end;

	if (!db_conninfo_socket(cli->setup->config.database_conninfo, path, sizeof(path)))
		return NULL;
	snprintf(lock, sizeof(lock), "%s.lock", path);
	int fd = open(lock, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;

	if (fd >= 0)
		close(fd);
	if (len <= 0)
		return NULL;
	text[len] = '\0';
	line = strchr(text, '\n');
	end = line ? strchr(line + 1, '\n') : NULL;
	return end ? arena_strndup(&cli->arena, line + 1, (size_t)(end - line - 1)) : NULL;
}

void doctor_look_at_disk(struct cli *cli, struct doctor_machine *machine)
{
	struct statvfs fs;

	machine->disk_path = machine->private_cluster ? cli->setup->config.data_dir : folder_of_server(cli);
	machine->disk_known = machine->disk_path && statvfs(machine->disk_path, &fs) == 0;
	if (!machine->disk_known)
		return;
	machine->disk_free = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
	machine->disk_size = (int64_t)fs.f_blocks * (int64_t)fs.f_frsize;
	machine->disk_free_files = (int64_t)fs.f_favail;
	machine->disk_files = (int64_t)fs.f_files;
}
