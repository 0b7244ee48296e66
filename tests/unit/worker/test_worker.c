#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <stdatomic.h>
#include <time.h>

#include <event2/event.h>

#include "base/memory.h"
#include "worker/pool.h"
#include "worker/worker.h"

enum { POSTERS = 4, EACH = 5000 };

struct counted {
	struct message message;
	int           *count;
	struct worker *worker;
	int            want;
};

static void on_message(struct message *message)
{
	struct counted *counted = container_of(message, struct counted, message);

	if (++*counted->count == counted->want)
		event_base_loopbreak(counted->worker->base);
}

struct poster {
	struct worker  *worker;
	struct counted *messages;
};

static void *post_all(void *context)
{
	struct poster *poster = context;

	for (int i = 0; i < EACH; i++)
		worker_post(poster->worker, &poster->messages[i].message);
	return NULL;
}

static void make_worker(struct worker *worker)
{
	worker_init(worker, &(struct worker_options){ .index = 0 });
}

static void test_every_message_of_every_thread_runs_once(void **state)
{
	struct counted *messages = xcalloc(POSTERS * EACH, sizeof(*messages));
	struct poster posters[POSTERS];
	pthread_t threads[POSTERS];
	struct worker worker;
	int count = 0;

	(void)state;
	make_worker(&worker);
	for (int i = 0; i < POSTERS * EACH; i++)
		messages[i] = (struct counted){ { on_message, NULL }, &count, &worker, POSTERS * EACH };
	for (int i = 0; i < POSTERS; i++) {
		posters[i] = (struct poster){ &worker, messages + i * EACH };
		pthread_create(&threads[i], NULL, post_all, &posters[i]);
	}
	event_base_dispatch(worker.base);
	for (int i = 0; i < POSTERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(count, POSTERS * EACH);
	worker_release(&worker);
	free(messages);
}

static void test_a_message_left_in_the_box_runs_at_release(void **state)
{
	struct worker worker;
	int count = 0;
	struct counted one = { { on_message, NULL }, &count, &worker, 0 };

	(void)state;
	make_worker(&worker);
	worker_post(&worker, &one.message);
	worker_release(&worker);
	assert_int_equal(count, 1);
}

struct sum_job {
	struct pool_job job;
	pthread_t       home, worked_on, done_on;
	int             n, result;
	int            *left;
	struct worker  *worker;
};

static void sum_work(struct pool_job *job)
{
	struct sum_job *sum = container_of(job, struct sum_job, job);

	sum->worked_on = pthread_self();
	for (int i = 1; i <= sum->n; i++)
		sum->result += i;
}

static void sum_done(struct pool_job *job)
{
	struct sum_job *sum = container_of(job, struct sum_job, job);

	sum->done_on = pthread_self();
	if (--*sum->left == 0)
		event_base_loopbreak(sum->worker->base);
}

static void test_pool_works_elsewhere_and_is_done_at_home(void **state)
{
	struct sum_job jobs[50] = { 0 };
	struct pool *pool = pool_new(2, 50);
	struct worker worker;
	int left = 50;

	(void)state;
	make_worker(&worker);
	for (int i = 0; i < 50; i++) {
		jobs[i] = (struct sum_job){ .job = { .work = sum_work, .done = sum_done }, .n = i,
					    .left = &left, .worker = &worker };
		assert_true(pool_send(pool, &worker, &jobs[i].job));
	}
	event_base_dispatch(worker.base);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(jobs[i].result, i * (i + 1) / 2);
		assert_true(pthread_equal(jobs[i].done_on, pthread_self()));
		assert_false(pthread_equal(jobs[i].worked_on, pthread_self()));
	}
	pool_free(pool);
	worker_release(&worker);
}

static atomic_bool gate_open;

static void wait_work(struct pool_job *job)
{
	struct timespec pause = { .tv_nsec = 1000000 };

	(void)job;
	while (!atomic_load(&gate_open))
		nanosleep(&pause, NULL);
}

static void test_a_full_pool_refuses(void **state)
{
	struct sum_job jobs[8] = { 0 };
	struct pool *pool = pool_new(1, 2);
	struct worker worker;
	int accepted = 0, left = 0;

	(void)state;
	make_worker(&worker);
	for (int i = 0; i < 8; i++) {
		jobs[i] = (struct sum_job){ .job = { .work = wait_work, .done = sum_done }, .left = &left,
					    .worker = &worker };
		accepted += pool_send(pool, &worker, &jobs[i].job);
	}
	/* Two wait; a third may be at work already. */
	assert_in_range(accepted, 2, 3);
	left = accepted;
	atomic_store(&gate_open, true);
	event_base_dispatch(worker.base);
	assert_int_equal(left, 0);
	pool_free(pool);
	worker_release(&worker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_message_of_every_thread_runs_once),
		cmocka_unit_test(test_a_message_left_in_the_box_runs_at_release),
		cmocka_unit_test(test_pool_works_elsewhere_and_is_done_at_home),
		cmocka_unit_test(test_a_full_pool_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
