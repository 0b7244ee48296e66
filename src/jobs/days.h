#ifndef JOBS_DAYS_H
#define JOBS_DAYS_H

/*
 * Counts the days that lists of donors show, as soon as facts changed (store/days_store.h): a batch a turn, the next
 * one at once while there is more. Any number of daemons may run it; one at a time writes.
 */
struct days_job;
struct eligibility_rules;
struct worker;

/* New; borrows both. */
struct days_job *days_job_new(struct worker *worker, const struct eligibility_rules *rules);
/* Once a second. */
void days_job_tick(struct days_job *job);
/* After worker_close_db(). NULL is fine. */
void days_job_free(struct days_job *job);

#endif
