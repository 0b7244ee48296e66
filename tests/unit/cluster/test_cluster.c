/*
 * The private PostgreSQL, for real. As root the tests run twice: as root, and
 * as an ordinary user (in a child that has become nobody).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "cluster/internal.h"

static char top[64], dir[96], postgres_dir[128];

static int fresh(void **state)
{
	(void)state;
	strcpy(top, "/tmp/giothong-cluster-XXXXXX");
	if (!mkdtemp(top) || chmod(top, 0755) < 0)
		return -1;
	snprintf(dir, sizeof(dir), "%s/deep/data", top);
	return 0;
}

static int clean(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", top);
	return system(command);
}

static struct cluster *open_cluster(void)
{
	struct error err = { 0 };
	struct cluster *cluster = cluster_open(dir, NULL, NULL, &err);

	if (!cluster)
		fail_msg("%s", err.detail[LANGUAGE_EN]);
	return cluster;
}

static void expect_error(struct cluster *cluster, const struct error *err, const char *part)
{
	assert_null(cluster);
	if (!strstr(err->detail[LANGUAGE_EN], part))
		fail_msg("\"%s\" is not in \"%s\"", part, err->detail[LANGUAGE_EN]);
}

/* One statement through psql; its answer, trimmed, must be `want`. */
static void expect_sql(const char *conninfo, const char *sql, const char *want)
{
	char command[1024], answer[256] = "";
	FILE *out;

	snprintf(command, sizeof(command), "psql -XAtqw -d \"%s\" -c \"%s\" 2>&1", conninfo, sql);
	out = popen(command, "r");
	assert_non_null(out);
	answer[fread(answer, 1, sizeof(answer) - 1, out)] = '\0';
	pclose(out);
	answer[strcspn(answer, "\n")] = '\0';
	assert_string_equal(answer, want);
}

static void watch_until_ready(struct cluster *cluster)
{
	for (int i = 0; i < 1500; i++) {
		cluster_watch(cluster);
		if (cluster->announced)
			return;
		usleep(20000);
	}
	fail_msg("not started again");
}

/* The postmaster waits for all its children but the one that writes the log, which ends a moment after it. */
static void expect_no_server(void)
{
	snprintf(postgres_dir, sizeof(postgres_dir), "%s/postgres", dir);
	for (int i = 0; i < 1500 && process_find(postgres_dir) > 0; i++)
		usleep(20000);
	assert_int_equal(process_find(postgres_dir), 0);
}

static void test_open_and_close(void **state)
{
	struct cluster *cluster = open_cluster();
	struct stat st;
	char path[160];
	pid_t pid = cluster->pid;

	(void)state;
	assert_true(cluster_is_ours(cluster));
	expect_sql(cluster_owner_conninfo(cluster), "SELECT current_user || ' ' || current_database()",
		   "giothong_owner giothong");
	expect_sql(cluster_app_conninfo(cluster),
		   "SELECT current_setting('server_encoding') || ' ' || current_setting('data_checksums') || ' ' ||"
		   " (SELECT datcollate FROM pg_database WHERE datname = 'giothong') || ' [' ||"
		   " current_setting('listen_addresses') || '] ' || current_setting('jit')",
		   "UTF8 on C.UTF-8 [] off");
	expect_sql(cluster_owner_conninfo(cluster), "CREATE TABLE t (id int)", "");
	expect_sql(cluster_owner_conninfo(cluster), "CREATE EXTENSION btree_gist", "");
	assert_int_equal(stat(cluster->runtime_dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(getsid(pid), pid);
	cluster_close(cluster);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);        /* no zombie */
	snprintf(path, sizeof(path), "%s/postgres/postmaster.pid", dir);
	assert_int_equal(access(path, F_OK), -1);

	cluster = open_cluster();        /* the same cluster again */
	expect_sql(cluster_owner_conninfo(cluster), "SELECT count(*) FROM t", "0");
	cluster_close(cluster);
	cluster_close(NULL);
}

static void test_lock(void **state)
{
	struct cluster *cluster = open_cluster();
	struct error err = { 0 };
	char want[64];

	(void)state;
	snprintf(want, sizeof(want), "in use by pid %d", (int)getpid());
	expect_error(cluster_open(dir, NULL, NULL, &err), &err, want);
	error_clear(&err);
	assert_true(cluster_is_held(dir, &err));
	assert_non_null(strstr(err.detail[LANGUAGE_EN], want));
	error_clear(&err);
	struct cluster *attached = cluster_attach(dir, NULL, NULL, &err);

	assert_non_null(attached);
	assert_int_equal(err.code, ERR_NONE);
	assert_false(cluster_is_ours(attached));
	assert_string_equal(cluster_app_conninfo(attached), cluster_app_conninfo(cluster));
	cluster_watch(attached);
	cluster_close(attached);
	expect_sql(cluster_app_conninfo(cluster), "SELECT 1", "1");      /* left alone */
	cluster_close(cluster);
	assert_false(cluster_is_held(dir, &err));
	assert_false(cluster_is_held("/nonexistent", &err));
	attached = cluster_attach(dir, NULL, NULL, &err);
	assert_non_null(attached);
	assert_true(cluster_is_ours(attached));
	cluster_close(attached);
}

static void *close_cluster(void *cluster)
{
	cluster_close(cluster);
	return NULL;
}

/* Of two commands the one that started PostgreSQL ends last, whoever has less to do. */
static void test_commands_side_by_side(void **state)
{
	struct error err = { 0 };
	struct timespec moment = { 0, 300000000 };
	pthread_t closing;

	(void)state;
	cluster_close(open_cluster());
	struct cluster *first = cluster_attach(dir, NULL, NULL, &err);
	struct cluster *second = cluster_attach(dir, NULL, NULL, &err);

	assert_non_null(first);
	assert_non_null(second);
	assert_true(cluster_is_ours(first) && !cluster_is_ours(second));
	assert_int_equal(pthread_create(&closing, NULL, close_cluster, first), 0);
	nanosleep(&moment, NULL);
	expect_sql(cluster_app_conninfo(second), "SELECT 1", "1");
	assert_true(cluster_is_held(dir, &err));
	cluster_close(second);
	pthread_join(closing, NULL);
	expect_no_server();
	error_clear(&err);
	assert_false(cluster_is_held(dir, &err));
}

/* One that is stopped (SIGSTOP) hears no signal but the one that wakes it. */
static void test_frozen(void **state)
{
	struct cluster *cluster = open_cluster();
	int64_t began = clock_mono_us();
	struct pid_file file;

	(void)state;
	snprintf(postgres_dir, sizeof(postgres_dir), "%s/postgres", dir);
	assert_true(pid_file_read(postgres_dir, &file));
	assert_int_equal(kill(file.pid, SIGSTOP), 0);
	cluster_close(cluster);
	assert_true(clock_mono_us() - began < 60000000);
	expect_no_server();
}

static bool ask(void *context)
{
	int *left = context;

	return --*left < 0;
}

/* Whoever stops waiting leaves no server behind, neither a new one nor one that was adopted. */
static void test_interrupted(void **state)
{
	struct error err = { 0 };
	int asked = 0;
	bool held;

	(void)state;
	expect_error(cluster_open(dir, ask, &asked, &err), &err, "interrupted");
	expect_no_server();
	error_clear(&err);
	cluster_close(open_cluster());
	int fd = data_dir_lock(dir, &held, &err);

	assert_true(fd >= 0);
	assert_false(held);
	asked = 2;
	expect_error(cluster_attach(dir, ask, &asked, &err), &err, "interrupted");
	close(fd);
}

/* A mistyped DIR must not become a new, empty database. */
static void test_attach_makes_nothing(void **state)
{
	struct error err = { 0 };
	char path[160];

	(void)state;
	expect_error(cluster_attach(dir, NULL, NULL, &err), &err, "no Giọt Hồng data in ");
	assert_non_null(strstr(err.detail[LANGUAGE_VI], "chưa có dữ liệu Giọt Hồng"));
	assert_int_equal(access(dir, F_OK), -1);
	error_clear(&err);
	free(data_dir_make(dir, &err));
	expect_error(cluster_attach(dir, NULL, NULL, &err), &err, "start giothongd --data ");
	snprintf(path, sizeof(path), "%s/lock", dir);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(creat(path, 0600) < 0, 0);
	snprintf(path, sizeof(path), "%s/postgres.new", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	error_clear(&err);
	expect_error(cluster_attach(dir, NULL, NULL, &err), &err, "no Giọt Hồng data in ");
	assert_int_equal(access(path, F_OK), 0);
	cluster_close(open_cluster());
}

/* A lock that nobody can have is not waited for. */
static void test_lock_that_cannot_be_opened(void **state)
{
	struct error err = { 0 };
	char path[160];
	time_t began;

	(void)state;
	cluster_close(open_cluster());
	began = time(NULL);
	snprintf(path, sizeof(path), "%s/lock", dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/nowhere", path), 0);
	expect_error(cluster_open(dir, NULL, NULL, &err), &err, "lock cannot be opened");
	expect_error(cluster_attach(dir, NULL, NULL, &err), &err, "lock cannot be opened");
	assert_true(time(NULL) - began < 30);
}

/* A daemon that opens the cluster and is killed; the pid of its postmaster. */
static pid_t killed_daemon(void)
{
	int ends[2];
	pid_t postmaster = 0, pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		struct error err = { 0 };
		struct cluster *cluster = cluster_open(dir, NULL, NULL, &err);
		pid_t child = cluster ? cluster->pid : -1;

		if (write(ends[1], &child, sizeof(child)) < 0)
			_exit(1);
		pause();
	}
	assert_int_equal(read(ends[0], &postmaster, sizeof(postmaster)), sizeof(postmaster));
	close(ends[0]);
	close(ends[1]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(postmaster > 0);
	return postmaster;
}

static void test_adoption(void **state)
{
	pid_t postmaster = killed_daemon();
	struct cluster *cluster;

	(void)state;
	assert_int_equal(kill(postmaster, 0), 0);
	cluster = open_cluster();
	assert_int_equal(cluster->pid, postmaster);
	expect_sql(cluster_app_conninfo(cluster), "SELECT 1", "1");
	kill(postmaster, SIGKILL);       /* an adopted one that dies is started again, too */
	cluster->announced = false;
	for (int i = 0; i < 1500 && cluster->pid == postmaster; i++) {
		cluster_watch(cluster);
		usleep(20000);
	}
	watch_until_ready(cluster);
	assert_int_not_equal(cluster->pid, postmaster);
	expect_sql(cluster_app_conninfo(cluster), "SELECT 1", "1");
	cluster_close(cluster);
}

/* Its socket was swept away: useless, so it is stopped and started anew. */
static void test_adoption_without_socket(void **state)
{
	pid_t postmaster = killed_daemon();
	struct cluster *cluster;
	struct pid_file file;
	char path[160];

	(void)state;
	snprintf(path, sizeof(path), "%s/postgres", dir);
	assert_true(pid_file_read(path, &file));
	snprintf(path, sizeof(path), "%s/.s.PGSQL.5432", file.socket_dir);
	assert_int_equal(unlink(path), 0);
	cluster = open_cluster();
	assert_int_not_equal(cluster->pid, postmaster);
	expect_sql(cluster_app_conninfo(cluster), "SELECT 1", "1");
	cluster_close(cluster);
}

static void test_watch(void **state)
{
	struct cluster *cluster = open_cluster();
	pid_t before = cluster->pid;
	char command[300];

	(void)state;
	/* A backend that is busy when its postmaster dies holds the memory for a while. */
	snprintf(command, sizeof(command), "psql -Xqw -d \"%s\" -c 'SELECT pg_sleep(2)' >/dev/null 2>&1 &",
		 cluster_app_conninfo(cluster));
	assert_int_equal(system(command), 0);
	usleep(300000);
	cluster_watch(cluster);
	assert_int_equal(cluster->pid, before);
	kill(before, SIGKILL);
	cluster->announced = false;
	for (int i = 0; i < 1500 && cluster->pid == before; i++) {
		cluster_watch(cluster);
		usleep(20000);
	}
	assert_int_not_equal(cluster->pid, before);
	watch_until_ready(cluster);
	expect_sql(cluster_app_conninfo(cluster), "SELECT 1", "1");
	cluster_close(cluster);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void test_half_made(void **state)
{
	char path[160];
	int status;

	(void)state;
	pid_t pid = fork();

	if (pid == 0) {
		struct error err = { 0 };

		cluster_open(dir, NULL, NULL, &err);
		_exit(0);
	}
	snprintf(path, sizeof(path), "%s/postgres.new/base", dir);
	for (int i = 0; i < 12000 && access(path, F_OK) != 0; i++)
		usleep(5000);
	assert_int_equal(access(path, F_OK), 0);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	struct cluster *cluster = open_cluster();

	expect_sql(cluster_app_conninfo(cluster), "SELECT 1", "1");
	cluster_close(cluster);
	snprintf(path, sizeof(path), "%s/postgres.new", dir);
	assert_int_equal(access(path, F_OK), -1);
}

static void write_text(const char *name, const char *text)
{
	char path[200];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void test_refusals(void **state)
{
	struct error err = { 0 };
	char path[200];

	(void)state;
	cluster_close(open_cluster());
	write_text("postgres/PG_VERSION", "9\n");
	expect_error(cluster_open(dir, NULL, NULL, &err), &err, "apt install postgresql-9");
	write_text("postgres/PG_VERSION", "15\n");
	write_text("postgres/local.conf", "nonsense = 1\n");
	expect_error(cluster_open(dir, NULL, NULL, &err), &err, "PostgreSQL does not start: configuration file ");
	write_text("postgres/local.conf", "");
	/* A stale file that names a process of somebody else. */
	snprintf(path, sizeof(path), "%d\n%s/postgres\n0\n5432\n/tmp\n\n 1 1\nready\n", (int)getppid(), dir);
	write_text("postgres/postmaster.pid", path);
	error_clear(&err);
	cluster_close(open_cluster());
	snprintf(path, sizeof(path), "%s/postgres/PG_VERSION", dir);
	unlink(path);
	expect_error(cluster_open(dir, NULL, NULL, &err), &err, "is no PostgreSQL cluster");
	strcpy(dir, "/proc/nothing");
	expect_error(cluster_open(dir, NULL, NULL, &err), &err, "cannot be made");
}

/* Somebody else was there first, in /tmp, with a link or a folder. */
static void test_runtime_dir(void **state)
{
	struct account account;
	struct error err = { 0 };
	char path[RUNTIME_DIR_SIZE];

	(void)state;
	assert_true(account_choose(&account, "/nonexistent", &err));
	snprintf(path, sizeof(path), "%s/link", top);
	assert_int_equal(symlink("/tmp", path), 0);
	assert_false(runtime_dir_make(&account, path, &err));
	snprintf(path, sizeof(path), "%s/open", top);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chmod(path, 0777), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(path, 12345, 12345), 0);
	assert_false(runtime_dir_make(&account, path, &err));
	snprintf(path, sizeof(path), "%s/new", top);
	assert_true(runtime_dir_make(&account, path, &err));
	assert_true(runtime_dir_make(&account, path, &err));
}

static void test_closed_folder(void **state)
{
	struct error err = { 0 };
	char path[96], want[128];

	(void)state;
	if (geteuid() != 0)
		skip();
	snprintf(path, sizeof(path), "%s/closed", top);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(dir, sizeof(dir), "%s/closed/data", top);
	snprintf(want, sizeof(want), "cannot enter %s:", path);
	expect_error(cluster_open(dir, NULL, NULL, &err), &err, want);
	snprintf(want, sizeof(want), "%s/data/postgres", path);
	assert_int_equal(access(want, F_OK), -1);
}

/* An ordinary user's DIR, opened by root: PostgreSQL still runs as that user, and root gets in. */
static void test_root_on_a_users_dir(void **state)
{
	const struct passwd *user = getpwnam("nobody");
	int status;

	(void)state;
	if (geteuid() != 0 || !user)
		skip();
	assert_int_equal(chown(top, user->pw_uid, user->pw_gid), 0);
	pid_t pid = fork();

	if (pid == 0) {
		struct error err = { 0 };

		if (setgroups(0, NULL) < 0 || setgid(user->pw_gid) < 0 || setuid(user->pw_uid) < 0)
			_exit(1);
		struct cluster *cluster = cluster_open(dir, NULL, NULL, &err);

		cluster_close(cluster);
		_exit(cluster ? 0 : 2);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	struct cluster *cluster = open_cluster();
	struct stat st;

	assert_int_equal(stat(cluster->runtime_dir, &st), 0);
	assert_int_equal(st.st_uid, user->pw_uid);
	expect_sql(cluster_owner_conninfo(cluster), "SELECT current_user", "giothong_owner");
	cluster_close(cluster);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, clean)

static int run_all(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_runtime_dir), TEST(test_closed_folder), TEST(test_open_and_close), TEST(test_lock),
		TEST(test_commands_side_by_side), TEST(test_frozen),
		TEST(test_interrupted), TEST(test_attach_makes_nothing), TEST(test_lock_that_cannot_be_opened),
		TEST(test_adoption), TEST(test_adoption_without_socket), TEST(test_watch),
		TEST(test_half_made), TEST(test_refusals), TEST(test_root_on_a_users_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

static int run_as(const struct passwd *user)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		unsetenv("XDG_RUNTIME_DIR");
		if (setgroups(0, NULL) < 0 || setgid(user->pw_gid) < 0 || setuid(user->pw_uid) < 0)
			_exit(1);
		exit(run_all());
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(void)
{
	const struct passwd *user = getpwnam("nobody");
	int failed = run_all();

	if (geteuid() == 0 && user)
		failed += run_as(user);
	return failed;
}
