#include "jobs/days.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "crypto/donor_seal.h"
#include "store/days_store.h"
#include "worker/worker.h"

enum { AGE_SECONDS = 10, REST_SECONDS = 10 };

/*
 * IDLE      until the next tick
 * READING   whose days are to be counted, and their facts
 * WRITING   the days
 * AGEING    looking for those whom age alone concerns, or a rule that begins or ends today: now and then, when
 *           nothing else is to be done
 */
enum days_state { DAYS_IDLE, DAYS_READING, DAYS_WRITING, DAYS_AGEING };

struct days_job {
	struct worker                  *worker;
	const struct eligibility_rules *rules;
	struct store                    store;
	enum days_state                 state;
	struct arena                    arena;   /* of one turn */
	struct days_read                read;
	struct days_write               write;
	struct days_age                 age;
	int                             seconds, age_at, rest_until;
};

static void read_next(struct days_job *job);

static void rest(struct days_job *job)
{
	job->state = DAYS_IDLE;
	arena_release(&job->arena);
}

static void rest_for_trouble(struct days_job *job, const struct error *err)
{
	log_warning("days_not_counted", "problem=%s", error_slug(err->code));
	job->rest_until = job->seconds + REST_SECONDS;
	rest(job);
}

static void on_aged(struct days_age *age)
{
	struct days_job *job = container_of(age, struct days_job, age);

	if (age->error.code != ERR_NONE)
		rest_for_trouble(job, &age->error);
	else if (age->found > 0)
		read_next(job);
	else
		rest(job);
}

static void look_at_age(struct days_job *job)
{
	job->state = DAYS_AGEING;
	job->age_at = job->seconds + AGE_SECONDS;
	job->age = (struct days_age){ .today = clock_today(job->worker->clock), .arena = &job->arena, .done = on_aged };
	days_age_send(&job->store, &job->age);
}

static void on_written(struct days_write *write)
{
	struct days_job *job = container_of(write, struct days_job, write);

	if (write->error.code != ERR_NONE)
		rest_for_trouble(job, &write->error);
	else if (write->written && job->read.nrows == DAYS_BATCH)
		read_next(job);
	else
		rest(job);
}

static void on_read(struct days_read *read)
{
	struct days_job *job = container_of(read, struct days_job, read);
	struct date today = clock_today(job->worker->clock);

	if (read->error.code != ERR_NONE) {
		rest_for_trouble(job, &read->error);
		return;
	}
	if (read->nrows == 0) {
		if (job->seconds >= job->age_at)
			look_at_age(job);
		else
			rest(job);
		return;
	}
	for (size_t i = 0; i < read->nbroken; i++)
		log_error("donor_not_counted", "donor=%s why=\"its record cannot be opened\"", read->broken[i]);
	for (size_t i = 0; i < read->npeople; i++)
		donor_days_of(&read->people[i].facts, job->rules, today, &job->arena, &read->people[i].days);
	job->state = DAYS_WRITING;
	job->write = (struct days_write){ .read = read, .arena = &job->arena, .done = on_written };
	days_write_send(&job->store, &job->write);
}

static void read_next(struct days_job *job)
{
	arena_release(&job->arena);
	job->state = DAYS_READING;
	job->read = (struct days_read){ .arena = &job->arena, .done = on_read };
	days_read_send(&job->store, &job->read);
}

void days_job_tick(struct days_job *job)
{
	job->seconds++;
	if (job->state == DAYS_IDLE && job->seconds >= job->rest_until)
		read_next(job);
}

struct days_job *days_job_new(struct worker *worker, const struct eligibility_rules *rules)
{
	struct days_job *job = xcalloc(1, sizeof(*job));

	job->worker = worker;
	job->rules = rules;
	job->store = (struct store){ worker->db, worker->keyring, worker->clock, donor_key_new() };
	arena_init(&job->arena);
	return job;
}

void days_job_free(struct days_job *job)
{
	if (!job)
		return;
	arena_release(&job->arena);
	donor_key_free(job->store.donor_key);
	free(job);
}
