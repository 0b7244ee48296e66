#ifndef JOBS_CERTIFICATES_H
#define JOBS_CERTIFICATES_H

/*
 * Issues the certificates of whole rounds that somebody asked for, some at a time, the oldest batch first. Of two daemons
 * at one batch each certificate is made once: the database refuses the second.
 */
struct certificates_job;
struct worker;

struct certificates_job *certificates_job_new(struct worker *worker);
void certificates_job_tick(struct certificates_job *job);        /* once a second */
void certificates_job_free(struct certificates_job *job);        /* after worker_close_db() */

#endif
