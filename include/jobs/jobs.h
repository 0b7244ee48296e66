#ifndef JOBS_JOBS_H
#define JOBS_JOBS_H

#include <stdbool.h>

/*
 * Timed work, on a thread (a worker without HTTP) of its own: the daemon's
 * heartbeat, its keys, sealing the audit, forgetting old help marks,
 * counting from when on donors may give again, writing erasures down. Each job that only one daemon of
 * many should do runs under an advisory lock inside its statement.
 */
struct eligibility_rules;
struct gauges;
struct keyring;
struct pool;
struct worker;
struct jobs;

/*
 * New; the first heartbeat goes out when jobs_ready() is first asked, or a second after the loop's start. All
 * is borrowed, the pool as what lies there at the time; from now on the keyring, which is the worker's too, is changed by this thread alone.
 */
struct jobs *jobs_new(struct worker *worker, struct keyring *keyring, const char *daemon_id, const char *version,
		      const struct eligibility_rules *rules, struct gauges *gauges, struct pool *const *pool);
/* On the jobs' thread: looks at the keyring's folder now. */
void jobs_reload_keys(struct jobs *jobs);
/*
 * On its thread. Others can see this daemon: its heartbeat is in the database. Ask until it is so, and serve
 * only then, so that nobody changes keys behind its back.
 */
bool jobs_ready(struct jobs *jobs);
/* On its thread, once, at the end of serving: takes the heartbeat back. Ask jobs_left() whether that is done. */
void jobs_leave(struct jobs *jobs);
bool jobs_left(const struct jobs *jobs);
/* After worker_close_db(). */
void jobs_free(struct jobs *jobs);

#endif
