#ifndef WORKER_POOL_H
#define WORKER_POOL_H

#include <stdbool.h>

#include "worker/worker.h"

/*
 * A few threads for heavy CPU work and for files on a slow disk, so that no loop ever stalls. work() runs
 * on a pool thread and must touch nothing but its own job; done() then runs on
 * the loop of the worker that sent it.
 */
struct pool;

struct pool_job {
	void           (*work)(struct pool_job *job);
	void           (*done)(struct pool_job *job);
	struct worker   *home;           /* private from here on */
	struct message   message;
	struct pool_job *next;
};

struct pool *pool_new(int threads, int queue_max);
/* False: the queue is full, or there is no pool any more (NULL: the daemon is ending); nothing will be called. */
bool pool_send(struct pool *pool, struct worker *home, struct pool_job *job);
/* Waits for what is queued; the workers must still be there. */
void pool_free(struct pool *pool);

#endif
