#ifndef TESTS_DB_POSTGRES_H
#define TESTS_DB_POSTGRES_H

/*
 * A throw-away PostgreSQL in a folder under /tmp, reachable by Unix socket
 * only. Each test program has its own; pg_remove() leaves nothing behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct postgres {
	char  dir[64];
	char  conninfo[160];
	pid_t pid;
};

__attribute__((unused))
static void pg_die(const char *what)
{
	fprintf(stderr, "throw-away PostgreSQL: %s\n", what);
	exit(99);
}

/* A program of PostgreSQL, which must not run as root. */
__attribute__((unused))
static pid_t pg_spawn(const struct postgres *pg, const char *const argv[])
{
	char log[96];
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	snprintf(log, sizeof(log), "%s/log", pg->dir);
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
	const struct passwd *user = getuid() == 0 ? getpwnam("postgres") : NULL;

	if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		_exit(98);
	if (user && (chdir(pg->dir) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0))
		_exit(98);
	prctl(PR_SET_PDEATHSIG, SIGQUIT);        /* nothing survives a test that crashes */
	execv(argv[0], (char *const *)argv);
	_exit(97);
}

__attribute__((unused))
static void pg_start(struct postgres *pg)
{
	const char *const argv[] = {
		"/usr/lib/postgresql/15/bin/postgres", "-D", pg->dir, "-k", pg->dir, "-c",
		"listen_addresses=", "-c", "fsync=off", "-c", "jit=off", "-c", "shared_buffers=16MB",
		"-c", "log_min_messages=fatal", NULL
	};

	pg->pid = pg_spawn(pg, argv);
	for (int i = 0; i < 3000; i++) {
		if (PQping(pg->conninfo) == PQPING_OK)
			return;
		if (waitpid(pg->pid, NULL, WNOHANG) == pg->pid) {        /* orphans still hold the memory */
			usleep(100000);
			pg->pid = pg_spawn(pg, argv);
		}
		usleep(20000);
	}
	pg_die("does not start");
}

__attribute__((unused))
static void pg_stop(struct postgres *pg, int sig)
{
	if (pg->pid > 0) {
		kill(pg->pid, sig);
		waitpid(pg->pid, NULL, 0);
	}
	pg->pid = 0;
}

__attribute__((unused))
static void pg_make(struct postgres *pg)
{
	int status;

	snprintf(pg->dir, sizeof(pg->dir), "/tmp/giothong-test-XXXXXX");
	if (!mkdtemp(pg->dir))
		pg_die("no folder");
	const struct passwd *user = getuid() == 0 ? getpwnam("postgres") : NULL;

	if (user && chown(pg->dir, user->pw_uid, user->pw_gid) != 0)
		pg_die("no folder of its own");
	snprintf(pg->conninfo, sizeof(pg->conninfo), "host=%s user=owner dbname=postgres", pg->dir);
	/* initdb wants an empty folder, and the log is in ours: build beside and move up. */
	char command[512];

	snprintf(command, sizeof(command),
		 "/usr/lib/postgresql/15/bin/initdb -D %s/new -U owner -E UTF8 --locale=C.UTF-8 -A trust -N"
		 " >/dev/null && mv %s/new/* %s && rmdir %s/new",
		 pg->dir, pg->dir, pg->dir, pg->dir);
	const char *const argv[] = { "/bin/sh", "-c", command, NULL };

	if (waitpid(pg_spawn(pg, argv), &status, 0) < 0 || status != 0)
		pg_die("initdb failed");
	pg_start(pg);
}

__attribute__((unused))
static void pg_remove(struct postgres *pg)
{
	char command[96];

	pg_stop(pg, SIGQUIT);
	snprintf(command, sizeof(command), "rm -rf %s", pg->dir);
	if (system(command) != 0)
		fprintf(stderr, "%s stays\n", pg->dir);
}

/* One statement on a connection of its own; the first value of its answer into `out` (may be NULL). */
__attribute__((unused))
static void pg_sql_on(const char *conninfo, const char *sql, char *out, size_t size)
{
	PGconn *conn = PQconnectdb(conninfo);
	PGresult *result = PQexec(conn, sql);
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		pg_die(PQerrorMessage(conn));
	if (out)
		snprintf(out, size, "%s", PQntuples(result) ? PQgetvalue(result, 0, 0) : "");
	PQclear(result);
	PQfinish(conn);
}

__attribute__((unused))
static void pg_sql(const struct postgres *pg, const char *sql)
{
	pg_sql_on(pg->conninfo, sql, NULL, 0);
}

__attribute__((unused))
static int pg_count(const struct postgres *pg, const char *sql)
{
	char text[32];

	pg_sql_on(pg->conninfo, sql, text, sizeof(text));
	return atoi(text);
}

#endif
