#ifndef JOBS_JOBS_H
#define JOBS_JOBS_H

/*
 * Timed work, on a thread (a worker without HTTP) of its own: the daemon's
 * heartbeat, forgetting old help marks. Each job that only one daemon of many
 * should do runs under an advisory lock inside its statement.
 */
struct worker;
struct jobs;

/* New; the first heartbeat goes out within two seconds of the loop's start. Texts are borrowed. */
struct jobs *jobs_new(struct worker *worker, const char *daemon_id, const char *version);
/* After worker_close_db(). */
void jobs_free(struct jobs *jobs);

#endif
