#ifndef JOBS_BOOKING_H
#define JOBS_BOOKING_H

/*
 * Places in rounds, as time goes by: tells that they changed (once a second), lays slots anew when hours, beds or places
 * of a round changed, gives free places to those who wait, and takes back the seats of groups that nobody was named for. Any
 * number of daemons may run it: each step is one statement that holds its round and finds done what another did.
 */
struct booking_job;
struct eligibility_rules;
struct worker;

/* New; borrows both. */
struct booking_job *booking_job_new(struct worker *worker, const struct eligibility_rules *rules);
/* Once a second. */
void booking_job_tick(struct booking_job *job);
/* After worker_close_db(). NULL is fine. */
void booking_job_free(struct booking_job *job);

#endif
