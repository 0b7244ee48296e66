#include "worker/pool.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/memory.h"

struct pool {
	pthread_mutex_t  lock;           /* guards everything below */
	pthread_cond_t   wake;
	struct pool_job *first, *last;
	int              queued, queue_max;
	bool             stopping;
	int              nthreads;
	pthread_t        threads[];
};

static struct pool_job *take(struct pool *pool)
{
	struct pool_job *job;

	pthread_mutex_lock(&pool->lock);
	while (!pool->first && !pool->stopping)
		pthread_cond_wait(&pool->wake, &pool->lock);
	job = pool->first;
	if (job) {
		pool->first = job->next;
		pool->queued--;
	}
	pthread_mutex_unlock(&pool->lock);
	return job;
}

static void on_finished(struct message *message)
{
	struct pool_job *job = container_of(message, struct pool_job, message);

	job->done(job);
}

static void *thread_main(void *context)
{
	struct pool *pool = context;
	struct pool_job *job;

	while ((job = take(pool)) != NULL) {
		job->work(job);
		worker_post(job->home, &job->message);
	}
	return NULL;
}

struct pool *pool_new(int threads, int queue_max)
{
	struct pool *pool = xcalloc(1, sizeof(*pool) + (size_t)threads * sizeof(pool->threads[0]));

	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->wake, NULL);
	pool->queue_max = queue_max;
	for (; pool->nthreads < threads; pool->nthreads++)
		if (pthread_create(&pool->threads[pool->nthreads], NULL, thread_main, pool) != 0)
			abort();
	return pool;
}

bool pool_send(struct pool *pool, struct worker *home, struct pool_job *job)
{
	bool accepted;

	if (!pool)
		return false;
	job->home = home;
	job->message.run = on_finished;
	job->next = NULL;
	pthread_mutex_lock(&pool->lock);
	accepted = pool->queued < pool->queue_max && !pool->stopping;
	if (accepted) {
		if (pool->first)
			pool->last->next = job;
		else
			pool->first = job;
		pool->last = job;
		pool->queued++;
		pthread_cond_signal(&pool->wake);
	}
	pthread_mutex_unlock(&pool->lock);
	return accepted;
}

void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->stopping = true;
	pthread_cond_broadcast(&pool->wake);
	pthread_mutex_unlock(&pool->lock);
	for (int i = 0; i < pool->nthreads; i++)
		pthread_join(pool->threads[i], NULL);
	pthread_cond_destroy(&pool->wake);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}
