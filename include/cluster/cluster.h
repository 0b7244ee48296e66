#ifndef CLUSTER_CLUSTER_H
#define CLUSTER_CLUSTER_H

#include <stdbool.h>

/*
 * The private PostgreSQL of --data DIR: made, started, adopted, watched and
 * stopped here. DIR/lock is held by flock for as long as the daemon lives;
 * DIR/postgres is the cluster (UTF-8, C.UTF-8, checksums), reachable through a
 * Unix socket in a short runtime folder only, by this operating-system user
 * (peer), as the roles giothong_owner and giothong_app of database giothong.
 * As root, PostgreSQL runs as the user postgres. Blocking; main thread only.
 */
struct error;
struct cluster;

enum { CLUSTER_CONNINFO_SIZE = 512 };

/*
 * Takes the lock ("in use by pid N" when another daemon has it), makes the
 * cluster where there is none, adopts a live postmaster, else starts one, and
 * waits until it takes connections. NULL and *err otherwise: nothing is left
 * half-started. `interrupted` is asked while it waits (a recovery after a crash
 * may take minutes): true gives up. It may be NULL.
 */
struct cluster *cluster_open(const char *data_dir, bool (*interrupted)(void *context), void *context,
			     struct error *err);

/* Whether another process has the lock of DIR; then *err says "in use by pid N". Makes nothing. */
bool cluster_is_held(const char *data_dir, struct error *err);

/*
 * For commands: like cluster_open(), but when a daemon has the lock its
 * running cluster (once it is made) is used and left alone. Never makes a
 * cluster, nor anything else in a DIR that has none: a half-made one, of a first
 * start that was killed, counts as none ("no Giọt Hồng data in DIR"). Where
 * several commands share one that the first of them started, it ends last:
 * cluster_close() there waits for the others.
 */
struct cluster *cluster_attach(const char *data_dir, bool (*interrupted)(void *context), void *context,
			       struct error *err);

/*
 * A cluster from a copy (cluster/backup.h), in a DIR that has none: laid out
 * beside, as DIR/postgres.restored, and started there, so that no daemon takes
 * it for whole. cluster_keep_restored() stops it and gives it its name; a
 * cluster that is closed without that counts as none, and the next
 * cluster_restore() begins anew.
 */
struct cluster *cluster_restore(const char *data_dir, const char *copy, bool (*interrupted)(void *context),
				void *context, struct error *err);
bool cluster_keep_restored(struct cluster *cluster, struct error *err) __attribute__((warn_unused_result));

const char *cluster_owner_conninfo(const struct cluster *cluster);
const char *cluster_app_conninfo(const struct cluster *cluster);
const char *cluster_backup_conninfo(const struct cluster *cluster);      /* may copy the whole cluster */
bool cluster_is_ours(const struct cluster *cluster);     /* we hold the lock */

/*
 * Call a few times a second: starts a postmaster that died again (once its
 * orphaned backends are gone). Never blocks for long.
 */
void cluster_watch(struct cluster *cluster);

/* Stops PostgreSQL (fast) if we hold the lock, lets the lock go, frees. NULL is fine. A daemon waits for no command. */
void cluster_close(struct cluster *cluster);

#endif
