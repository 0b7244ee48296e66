#ifndef JOBS_REKEY_H
#define JOBS_REKEY_H

/*
 * Donors follow the keys (store/rekey_store.h): one after the other, as long as one is behind. Any number of daemons
 * may run it: who comes second finds it done.
 */
struct rekey_job;
struct worker;

struct rekey_job *rekey_job_new(struct worker *worker);          /* new; borrows */
/* Once a second. */
void rekey_job_tick(struct rekey_job *job);
/* After worker_close_db(). NULL is fine. */
void rekey_job_free(struct rekey_job *job);

#endif
