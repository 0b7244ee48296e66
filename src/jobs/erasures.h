#ifndef JOBS_ERASURES_H
#define JOBS_ERASURES_H

/*
 * The journal of erasures (crypto/erasure_journal.h) follows the database: what a daemon that was killed, or one of
 * another machine, did not write down here is written. Each daemon does it for its own file, soon after its start
 * and twice a minute. Who the journal names and who is here all the same (a restored database) is told in the log.
 */
struct erasures_job;
struct pool;
struct worker;

/* New; borrows. The pool is looked up when there is work: NULL while the daemon ends. */
struct erasures_job *erasures_job_new(struct worker *worker, struct pool *const *pool);
/* Once a second. */
void erasures_job_tick(struct erasures_job *job);
/* After worker_close_db(), when the pool is gone. NULL is fine. */
void erasures_job_free(struct erasures_job *job);

#endif
