#ifndef CLUSTER_INTERNAL_H
#define CLUSTER_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cluster/cluster.h"

struct buf;

/* ---- account.c: the operating-system user that PostgreSQL runs as ---- */

enum { ACCOUNT_GROUPS_MAX = 64 };

struct account {
	uid_t  uid;
	gid_t  gid;
	gid_t  groups[ACCOUNT_GROUPS_MAX];
	size_t ngroups;
	char   name[64];
	bool   other;            /* not who we are: children change to it */
};

/* We ourselves; for root the owner of the cluster that is there, else the user postgres. */
bool account_choose(struct account *account, const char *postgres_dir, struct error *err);
/* In a child, before exec. Only system calls. */
bool account_enter(const struct account *account);
/* Whether it can walk to `dir`; the error names the folder that is closed. */
bool account_can_reach(const struct account *account, const char *dir, struct error *err);

/* ---- run.c: programs of PostgreSQL ---- */

/* A server in a session of its own, writing into a fresh file `log`; its pid, or -1. */
pid_t run_server(const struct account *account, const char *const argv[], const char *log);
/*
 * Runs to the end, with `input` (may be NULL) on its standard input; all that
 * it says goes into `output`. False when it did not exit with 0. It dies with us.
 */
bool run_tool(const struct account *account, const char *const argv[], const char *input,
	      struct buf *output);
/* What went wrong, as one line of the output says it. */
void run_reason(const char *output, char *out, size_t size);

/* ---- binaries.c ---- */

enum { BIN_DIR_SIZE = 64 };

/* Of the newest version installed. */
bool binaries_newest(char out[BIN_DIR_SIZE], struct error *err);
/* Of the version that made the cluster. */
bool binaries_of(const char *postgres_dir, char out[BIN_DIR_SIZE], struct error *err);

/* ---- runtime_dir.c: the folder of the socket ---- */

enum { RUNTIME_DIR_SIZE = 80 };

/* The same DIR always has the same one (for one user in one kind of session). */
void runtime_dir_choose(const struct account *account, const char *data_dir, char out[RUNTIME_DIR_SIZE]);
/* Makes it, or takes the one that is there if nobody else can have made it. */
bool runtime_dir_make(const struct account *account, const char *dir, struct error *err);

/* ---- settings.c: files that the daemon writes into the cluster ---- */

/* giothong.conf, pg_hba.conf and pg_ident.conf. `runtime_dir` NULL: a server runs; leave giothong.conf. */
bool settings_write(const struct account *account, const char *postgres_dir, const char *runtime_dir,
		    struct error *err);
/* Has postgresql.conf of a new cluster, which may be missing, read giothong.conf at its end. */
bool settings_include(const char *postgres_dir, struct error *err);

/* ---- create.c ---- */

/* Makes DIR/postgres, whole or not at all. */
bool cluster_create(const struct account *account, const char *data_dir, struct error *err);
/* A cluster that was never finished, with whatever still works on it. True when there is none. */
bool draft_remove(const char *draft, struct error *err);
bool folder_sync(const char *path);
/* Renames `draft` into DIR/postgres, for good. */
bool draft_keep(const char *draft, const char *data_dir, struct error *err);

/* ---- restore.c ---- */

/* Makes `postgres_dir` out of a copy: its files, its owner, settings that fit a private cluster. */
bool copy_lay_out(const struct account *account, const char *copy, const char *postgres_dir, struct error *err);

/* ---- process.c: what runs on a cluster ---- */

struct pid_file {
	pid_t pid;
	char  socket_dir[RUNTIME_DIR_SIZE];
	char  status[16];        /* starting, ready, stopping, ... */
};

/* False when there is none, or it is half-written. */
bool pid_file_read(const char *postgres_dir, struct pid_file *out);
/*
 * The name that a server of that cluster bears (cluster_name). It stands in
 * the titles of its processes, which everybody may read.
 */
enum { SERVER_NAME_SIZE = 32 };
void server_name(const char *postgres_dir, char out[SERVER_NAME_SIZE]);
/* A living process of a server (or of initdb) on that cluster. */
bool process_serves(pid_t pid, const char *postgres_dir);
/* Any process at all, such as a backend whose postmaster was killed; 0 when none. */
pid_t process_find(const char *postgres_dir);
/* Lets all of them go on that were stopped (SIGSTOP): a process that is stopped hears no other signal. */
void process_wake_all(const char *postgres_dir);

/* ---- data_dir.c ---- */

/* Makes DIR where it is missing; its real path (new), or NULL and *err. */
char *data_dir_make(const char *path, struct error *err);
/* The real path (new) of a DIR that may hold a cluster, or where a daemon may be making one; makes nothing. */
char *data_dir_find(const char *path, struct error *err);
/* There is no cluster in DIR; false. */
bool data_dir_is_empty(const char *path, struct error *err);
/* Whether somebody holds it; *err then names the holder. */
bool data_dir_is_held(const char *data_dir, struct error *err);
/* The lock's descriptor, or -1 and *err; `held`: because another process has it. */
int data_dir_lock(const char *data_dir, bool *held, struct error *err);
/* A descriptor that says, while it is open, that a command uses the cluster of another; -1: it is about to be stopped. */
int data_dir_use(const char *data_dir);
/* With the lock's descriptor: waits until no command uses the cluster; none may begin to before it is closed. */
void data_dir_await_unused(int lock_fd);

struct cluster {
	char           *data_dir, *postgres_dir;
	struct account  account;
	int             lock_fd;         /* -1: another has it */
	int             use_fd;          /* of data_dir_use(), or -1 */
	bool            is_shared;       /* other commands may use it while we hold the lock */
	pid_t           pid;             /* the postmaster; 0: none */
	bool            is_child;        /* ours to reap */
	bool            announced;       /* the log knows that it is ready */
	char            bin_dir[BIN_DIR_SIZE];
	char            runtime_dir[RUNTIME_DIR_SIZE];
	char            owner_conninfo[CLUSTER_CONNINFO_SIZE], app_conninfo[CLUSTER_CONNINFO_SIZE],
			backup_conninfo[CLUSTER_CONNINFO_SIZE];
	int64_t         next_start_us;
	int             backoff_ms;
	bool          (*interrupted)(void *context);     /* of cluster_open() alone; NULL: never */
	void           *context;
};

#endif
