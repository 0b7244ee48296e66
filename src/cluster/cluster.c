#include "cluster/cluster.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "cluster/internal.h"

/* Its name until it is whole. */
#define RESTORED "postgres.restored"

enum {
	POLL_MS = 20,
	READY_MS = 300000,       /* a crash recovery may replay a gigabyte */
	ORPHANS_MS = 60000,      /* a backend ends its statement before it notices that the postmaster is gone */
	ATTACH_MS = 60000,
	STOP_FAST_MS = 60000, STOP_AT_ONCE_MS = 15000,
	BACKOFF_FIRST_MS = 100, BACKOFF_LAST_MS = 5000,
};

static void nap(void)
{
	usleep(POLL_MS * 1000);
}

static int64_t in_ms(int ms)
{
	return clock_mono_us() + (int64_t)ms * 1000;
}

/* Whether the waiting should end, since somebody asked the program to stop. */
static bool is_interrupted(const struct cluster *cluster)
{
	return cluster->interrupted && cluster->interrupted(cluster->context);
}

static bool give_up(struct error *err)
{
	return error_set(err, ERR_UNAVAILABLE, "interrupted", "đã bị ngắt");
}

/* ---- the postmaster as a process ---- */

/* Reaps it too, if it is ours and dead. */
static bool is_alive(struct cluster *cluster)
{
	if (cluster->pid <= 0)
		return false;
	if (cluster->is_child)
		return waitpid(cluster->pid, NULL, WNOHANG) == 0;
	return process_serves(cluster->pid, cluster->postgres_dir);
}

static void forget_postmaster(struct cluster *cluster)
{
	cluster->pid = 0;
	cluster->is_child = false;
	cluster->announced = false;
}

static bool wait_for_end(struct cluster *cluster, int ms)
{
	int64_t until = in_ms(ms);

	while (is_alive(cluster)) {
		if (clock_mono_us() >= until)
			return false;
		nap();
	}
	forget_postmaster(cluster);
	return true;
}

/* Fast: open transactions are rolled back, what is committed is written. One that was frozen is woken for it. */
static void stop_postmaster(struct cluster *cluster)
{
	if (!is_alive(cluster)) {
		forget_postmaster(cluster);
		return;
	}
	kill(cluster->pid, SIGINT);
	process_wake_all(cluster->postgres_dir);
	if (wait_for_end(cluster, STOP_FAST_MS))
		return;
	log_warning("postgres_stop_slow", "pid=%d", (int)cluster->pid);
	kill(cluster->pid, SIGQUIT);
	if (!wait_for_end(cluster, STOP_AT_ONCE_MS))
		log_error("postgres_stop_failed", "pid=%d", (int)cluster->pid);
}

static bool socket_exists(const char *runtime_dir)
{
	char path[RUNTIME_DIR_SIZE + 32];
	struct stat st;

	snprintf(path, sizeof(path), "%s/.s.PGSQL.5432", runtime_dir);
	return lstat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

static bool is_ready(const struct cluster *cluster)
{
	struct pid_file file;

	return pid_file_read(cluster->postgres_dir, &file) && file.pid == cluster->pid &&
	       streq(file.status, "ready") && socket_exists(file.socket_dir);
}

/* ---- connection strings ---- */

static void quote_path(struct buf *out, const char *path)
{
	buf_append_char(out, '\'');
	for (; *path; path++) {
		if (*path == '\'' || *path == '\\')
			buf_append_char(out, '\\');
		buf_append_char(out, *path);
	}
	buf_append_char(out, '\'');
}

static void compose_conninfos(struct cluster *cluster)
{
	struct buf host = { 0 };

	quote_path(&host, cluster->runtime_dir);
	snprintf(cluster->owner_conninfo, sizeof(cluster->owner_conninfo),
		 "host=%s port=5432 dbname=giothong user=giothong_owner", host.data);
	snprintf(cluster->app_conninfo, sizeof(cluster->app_conninfo),
		 "host=%s port=5432 dbname=giothong user=giothong_app", host.data);
	snprintf(cluster->backup_conninfo, sizeof(cluster->backup_conninfo),
		 "host=%s port=5432 dbname=postgres user=postgres", host.data);
	buf_release(&host);
}

/* ---- starting ---- */

/*
 * PostgreSQL refuses to start while the pid in its lock files is alive. That
 * pid may be anybody's after a restart of the machine, or be dead but not yet
 * waited for (not every process 1 does that soon). We hold the lock and see no
 * process at work there, so such files are stale. Where the pid is gone,
 * PostgreSQL finds out itself, and checks its shared memory as well.
 */
static void remove_stale_files(const struct cluster *cluster)
{
	struct pid_file file;

	if (!pid_file_read(cluster->postgres_dir, &file) || (kill(file.pid, 0) < 0 && errno == ESRCH) ||
	    process_serves(file.pid, cluster->postgres_dir))
		return;
	char *pid_path = xasprintf("%s/postmaster.pid", cluster->postgres_dir);
	char *lock_path = xasprintf("%s/.s.PGSQL.5432.lock", cluster->runtime_dir);

	unlink(pid_path);
	unlink(lock_path);
	free(pid_path);
	free(lock_path);
}

/* Not without us having looked for orphans: the caller does. */
static bool start_postmaster(struct cluster *cluster)
{
	char program[BIN_DIR_SIZE + 16];
	const char *const argv[] = { program, "-D", cluster->postgres_dir, NULL };
	char *log = xasprintf("%s/startup.log", cluster->postgres_dir);

	remove_stale_files(cluster);
	snprintf(program, sizeof(program), "%s/postgres", cluster->bin_dir);
	cluster->pid = run_server(&cluster->account, argv, log);
	cluster->is_child = true;
	free(log);
	if (cluster->pid < 0)
		forget_postmaster(cluster);
	return cluster->pid > 0;
}

/* What the last postmaster said before it had a log of its own; "" when it came so far. */
static void last_words(const struct cluster *cluster, char *out, size_t size)
{
	char *path = xasprintf("%s/startup.log", cluster->postgres_dir);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char text[4096];
	ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	text[len > 0 ? len : 0] = '\0';
	run_reason(strstr(text, "logging collector process") ? "" : text, out, size);
	if (fd >= 0)
		close(fd);
	free(path);
}

static bool did_not_start(const struct cluster *cluster, struct error *err)
{
	char reason[160];

	last_words(cluster, reason, sizeof(reason));
	if (!*reason)
		return error_set(err, ERR_SYSTEM, "PostgreSQL does not start: the newest file in %s/log says why",
				 "PostgreSQL không khởi động được: tệp mới nhất trong %s/log cho biết lý do",
				 cluster->postgres_dir);
	return error_set(err, ERR_SYSTEM, "PostgreSQL does not start: %s (more in %s/startup.log)",
			 "PostgreSQL không khởi động được: %s (xem thêm trong %s/startup.log)", reason,
			 cluster->postgres_dir);
}

static bool wait_until_ready(struct cluster *cluster, struct error *err)
{
	int64_t until = in_ms(READY_MS);

	while (!is_ready(cluster)) {
		if (!is_alive(cluster)) {
			forget_postmaster(cluster);
			return did_not_start(cluster, err);
		}
		if (clock_mono_us() >= until)
			return error_set(err, ERR_SYSTEM, "PostgreSQL has not become ready in %d seconds",
					 "PostgreSQL chưa sẵn sàng sau %d giây", READY_MS / 1000);
		if (is_interrupted(cluster))
			return give_up(err);
		nap();
	}
	cluster->announced = true;
	return true;
}

static bool wait_for_orphans(const struct cluster *cluster, struct error *err)
{
	int64_t until = in_ms(ORPHANS_MS);
	pid_t pid;

	while ((pid = process_find(cluster->postgres_dir)) > 0) {
		if (clock_mono_us() >= until)
			return error_set(err, ERR_SYSTEM,
					 "process %d of a PostgreSQL that was killed still works on %s",
					 "tiến trình %d của PostgreSQL đã bị ngắt vẫn đang dùng %s", (int)pid,
					 cluster->postgres_dir);
		if (is_interrupted(cluster))
			return give_up(err);
		nap();
	}
	return true;
}

static bool start(struct cluster *cluster, struct error *err)
{
	runtime_dir_choose(&cluster->account, cluster->data_dir, cluster->runtime_dir);
	if (!binaries_of(cluster->postgres_dir, cluster->bin_dir, err) || !wait_for_orphans(cluster, err) ||
	    !runtime_dir_make(&cluster->account, cluster->runtime_dir, err) ||
	    !settings_write(&cluster->account, cluster->postgres_dir, cluster->runtime_dir, err))
		return false;
	if (!start_postmaster(cluster))
		return error_set(err, ERR_SYSTEM, "no new process: %s", "không tạo được tiến trình: %s",
				 strerror(errno));
	if (wait_until_ready(cluster, err)) {
		log_info("postgres_started", "pid=%d", (int)cluster->pid);
		return true;
	}
	stop_postmaster(cluster);
	rmdir(cluster->runtime_dir);
	return false;
}

/* ---- adopting ---- */

/* A postmaster that runs, of whomever; false when there is none. */
static bool find_postmaster(struct cluster *cluster)
{
	struct pid_file file;

	if (!pid_file_read(cluster->postgres_dir, &file) ||
	    !process_serves(file.pid, cluster->postgres_dir))
		return false;
	cluster->pid = file.pid;
	cluster->is_child = false;
	snprintf(cluster->runtime_dir, sizeof(cluster->runtime_dir), "%s", file.socket_dir);
	return true;
}

/*
 * True when it is ready and reachable. One that is on its way out is waited
 * for; one whose socket was swept away cannot be reached, and is stopped.
 */
static bool adopt(struct cluster *cluster)
{
	int64_t until = in_ms(READY_MS);
	struct pid_file file;

	if (!find_postmaster(cluster))
		return false;
	while (is_alive(cluster) && clock_mono_us() < until && !is_interrupted(cluster)) {
		if (pid_file_read(cluster->postgres_dir, &file) && streq(file.status, "ready")) {
			if (socket_exists(file.socket_dir))
				return true;
			break;
		}
		nap();
	}
	stop_postmaster(cluster);
	return false;
}

/* The rights of an adopted one may be those of an older program, or of another user. */
static bool refresh_rights(struct cluster *cluster, struct error *err)
{
	if (!settings_write(&cluster->account, cluster->postgres_dir, NULL, err))
		return false;
	kill(cluster->pid, SIGHUP);
	log_info("postgres_adopted", "pid=%d", (int)cluster->pid);
	cluster->announced = true;
	/* What comes to start it again one day. Without these programs, that day says so. */
	struct error ignored = { 0 };

	if (!binaries_of(cluster->postgres_dir, cluster->bin_dir, &ignored))
		log_warning("postgres_programs_missing", "why=\"%s\"", ignored.detail[LANGUAGE_EN]);
	return true;
}

/* ---- opening ---- */

/* `data_dir`: its real path, or NULL with *err set; taken over. */
static struct cluster *cluster_new(char *data_dir)
{
	if (!data_dir)
		return NULL;
	struct cluster *cluster = xcalloc(1, sizeof(*cluster));

	cluster->lock_fd = cluster->use_fd = -1;
	cluster->backoff_ms = BACKOFF_FIRST_MS;
	cluster->data_dir = data_dir;
	cluster->postgres_dir = xasprintf("%s/postgres", cluster->data_dir);
	return cluster;
}

static void cluster_free(struct cluster *cluster)
{
	if (cluster->lock_fd >= 0)
		close(cluster->lock_fd);
	if (cluster->use_fd >= 0)
		close(cluster->use_fd);
	free(cluster->data_dir);
	free(cluster->postgres_dir);
	free(cluster);
}

static bool is_made(const struct cluster *cluster)
{
	struct stat st;

	return lstat(cluster->postgres_dir, &st) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

/* A new and empty cluster would hide that a restore was cut. */
static bool is_half_restored(const struct cluster *cluster, struct error *err)
{
	char *draft = xasprintf("%s/" RESTORED, cluster->data_dir);
	bool half = access(draft, F_OK) == 0;

	if (half)
		error_set(err, ERR_CONFIG, "a restore into %s was interrupted: run \"giothong restore\" again, or"
			  " remove %s", "việc khôi phục vào %s bị gián đoạn: hãy chạy lại \"giothong restore\""
			  " hoặc xóa %s", cluster->data_dir, draft);
	free(draft);
	return half;
}

static bool create_if_missing(const struct cluster *cluster, struct error *err)
{
	if (is_made(cluster))
		return true;
	return !is_half_restored(cluster, err) && cluster_create(&cluster->account, cluster->data_dir, err);
}

static bool adopt_or_start(struct cluster *cluster, struct error *err)
{
	if (adopt(cluster))
		return refresh_rights(cluster, err);
	return is_interrupted(cluster) ? give_up(err) : start(cluster, err);
}

/* With the lock in hand. */
static bool bring_up(struct cluster *cluster, struct error *err)
{
	if (!account_choose(&cluster->account, cluster->postgres_dir, err) ||
	    !account_can_reach(&cluster->account, cluster->data_dir, err) ||
	    !create_if_missing(cluster, err) || !adopt_or_start(cluster, err))
		return false;
	compose_conninfos(cluster);
	return true;
}

/* New, with its DIR made and locked; NULL when it cannot be. */
static struct cluster *hold(const char *data_dir, bool (*interrupted)(void *context), void *context,
			    struct error *err)
{
	struct cluster *cluster = cluster_new(data_dir_make(data_dir, err));
	bool held;

	if (!cluster)
		return NULL;
	cluster->interrupted = interrupted;
	cluster->context = context;
	cluster->lock_fd = data_dir_lock(cluster->data_dir, &held, err);
	if (cluster->lock_fd >= 0)
		return cluster;
	cluster_free(cluster);
	return NULL;
}

struct cluster *cluster_open(const char *data_dir, bool (*interrupted)(void *context), void *context,
			     struct error *err)
{
	struct cluster *cluster = hold(data_dir, interrupted, context, err);

	if (!cluster || bring_up(cluster, err))
		return cluster;
	cluster_free(cluster);
	return NULL;
}

bool cluster_is_held(const char *data_dir, struct error *err)
{
	char *real = realpath(data_dir, NULL);
	bool held = real && data_dir_is_held(real, err);

	free(real);
	return held;
}

/* The one that has the lock may still be starting, or stopping: the use is told first, and then it stays. */
static bool use_ready(struct cluster *cluster)
{
	cluster->use_fd = data_dir_use(cluster->data_dir);
	if (cluster->use_fd >= 0 && find_postmaster(cluster) && is_ready(cluster))
		return true;
	if (cluster->use_fd >= 0)
		close(cluster->use_fd);
	cluster->use_fd = -1;
	return false;
}

/* True when the cluster can be used; else *held says whether another try may help. */
static bool try_to_attach(struct cluster *cluster, bool *held, struct error *err)
{
	error_clear(err);
	cluster->lock_fd = data_dir_lock(cluster->data_dir, held, err);
	cluster->is_shared = cluster->lock_fd >= 0;
	/* With the lock nobody is making one: what a first start left half-made is none. */
	if (cluster->lock_fd >= 0)
		return is_made(cluster) ? bring_up(cluster, err) : data_dir_is_empty(cluster->data_dir, err);
	if (!use_ready(cluster))
		return false;
	error_clear(err);
	compose_conninfos(cluster);
	return true;
}

struct cluster *cluster_attach(const char *data_dir, bool (*interrupted)(void *context), void *context,
			       struct error *err)
{
	struct cluster *cluster = cluster_new(data_dir_find(data_dir, err));
	int64_t until = in_ms(ATTACH_MS);
	bool held = true;

	if (!cluster)
		return NULL;
	cluster->interrupted = interrupted;
	cluster->context = context;
	while (!try_to_attach(cluster, &held, err)) {
		bool stop = is_interrupted(cluster);

		if (!held || stop || clock_mono_us() >= until) {
			if (stop)
				give_up(err);
			cluster_free(cluster);
			return NULL;
		}
		nap();
	}
	return cluster;
}

const char *cluster_owner_conninfo(const struct cluster *cluster)
{
	return cluster->owner_conninfo;
}

const char *cluster_app_conninfo(const struct cluster *cluster)
{
	return cluster->app_conninfo;
}

const char *cluster_backup_conninfo(const struct cluster *cluster)
{
	return cluster->backup_conninfo;
}

bool cluster_is_ours(const struct cluster *cluster)
{
	return cluster->lock_fd >= 0;
}

/* ---- restoring ---- */

static bool bring_up_copy(struct cluster *cluster, const char *copy, struct error *err)
{
	if (is_made(cluster))
		return error_set(err, ERR_CONFIG, "%s holds data already: restore into another folder",
				 "%s đã có dữ liệu: hãy khôi phục vào thư mục khác", cluster->data_dir);
	if (!account_choose(&cluster->account, cluster->postgres_dir, err) ||
	    !account_can_reach(&cluster->account, cluster->data_dir, err))
		return false;
	free(cluster->postgres_dir);
	cluster->postgres_dir = xasprintf("%s/" RESTORED, cluster->data_dir);
	/* Of an earlier try that was killed: stopped in order, so that it takes its lock files with it. */
	if (find_postmaster(cluster))
		stop_postmaster(cluster);
	if (!draft_remove(cluster->postgres_dir, err) ||
	    !copy_lay_out(&cluster->account, copy, cluster->postgres_dir, err) || !start(cluster, err))
		return false;
	compose_conninfos(cluster);
	return true;
}

struct cluster *cluster_restore(const char *data_dir, const char *copy, bool (*interrupted)(void *context),
				void *context, struct error *err)
{
	struct cluster *cluster = hold(data_dir, interrupted, context, err);

	if (!cluster || bring_up_copy(cluster, copy, err))
		return cluster;
	cluster_free(cluster);
	return NULL;
}

/* Stopped under its old name: its lock files and shared memory know that one. */
bool cluster_keep_restored(struct cluster *cluster, struct error *err)
{
	stop_postmaster(cluster);
	if (is_alive(cluster))
		return error_set(err, ERR_SYSTEM, "PostgreSQL on %s does not stop", "PostgreSQL trên %s không dừng",
				 cluster->postgres_dir);
	return draft_keep(cluster->postgres_dir, cluster->data_dir, err);
}

/* ---- watching ---- */

static void start_again(struct cluster *cluster)
{
	struct error err = { 0 };

	if (clock_mono_us() < cluster->next_start_us)
		return;
	cluster->next_start_us = in_ms(cluster->backoff_ms);
	if (process_find(cluster->postgres_dir) > 0)
		return;                  /* orphans of the one that was killed */
	cluster->backoff_ms = cluster->backoff_ms * 2 > BACKOFF_LAST_MS ? BACKOFF_LAST_MS
								       : cluster->backoff_ms * 2;
	if (!runtime_dir_make(&cluster->account, cluster->runtime_dir, &err))
		log_error("postgres_not_started", "why=\"%s\"", err.detail[LANGUAGE_EN]);
	else if (!start_postmaster(cluster))
		log_error("postgres_not_started", "why=\"%s\"", strerror(errno));
}

static void announce(struct cluster *cluster)
{
	if (cluster->announced || !is_ready(cluster))
		return;
	cluster->announced = true;
	cluster->backoff_ms = BACKOFF_FIRST_MS;
	log_info("postgres_started", "pid=%d", (int)cluster->pid);
}

void cluster_watch(struct cluster *cluster)
{
	if (!cluster_is_ours(cluster))
		return;
	if (is_alive(cluster)) {
		announce(cluster);
		return;
	}
	if (cluster->pid > 0) {
		char words[160];

		last_words(cluster, words, sizeof(words));
		log_error("postgres_died", "pid=%d last_words=\"%s\"", (int)cluster->pid, words);
		forget_postmaster(cluster);
	}
	start_again(cluster);
}

void cluster_close(struct cluster *cluster)
{
	if (!cluster)
		return;
	if (cluster_is_ours(cluster)) {
		if (cluster->is_shared)
			data_dir_await_unused(cluster->lock_fd);
		stop_postmaster(cluster);
		rmdir(cluster->runtime_dir);     /* empty now; if not, somebody needs it */
	}
	cluster_free(cluster);
}
