#include "jobs/erasures.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "config/config.h"
#include "crypto/erasure_journal.h"
#include "crypto/keyring.h"
#include "store/erasure_store.h"
#include "worker/pool.h"
#include "worker/worker.h"

enum { LOOK_SECONDS = 30, LOOK_FIRST = 2, FADE_FIRST = 4 };

/* Read the file (pool), ask what it lacks (database), write that (pool); a turn that finds it at work is left out. */
struct erasures_job {
	struct worker         *worker;
	struct pool *const    *pool;
	struct store           store;
	struct arena           arena;    /* of one look */
	int                    seconds;
	bool                   at_work;
	bool                   failed;   /* told in the log, once */
	int64_t                back;     /* likewise */
	struct pool_job        job;
	const char            *path;
	struct erasure_line   *known;
	size_t                 nknown;
	int64_t                at_us;
	bool                   fine;
	struct error           error;
	struct erasure_missing missing;
	bool                   fading;
	struct arena           fade_arena;
	struct erasure_fade    fade;
};

static void rest(struct erasures_job *job)
{
	arena_release(&job->arena);
	job->at_work = false;
}

static void fail(struct erasures_job *job, const struct error *err)
{
	if (!job->failed)
		log_error("erasure_journal_failed", "problem=%s path=%s", error_slug(err->code), job->path);
	job->failed = true;
	rest(job);
}

static void send(struct erasures_job *job, void (*work)(struct pool_job *job), void (*done)(struct pool_job *job))
{
	job->job = (struct pool_job){ .work = work, .done = done };
	error_clear(&job->error);
	if (!pool_send(*job->pool, job->worker, &job->job))
		rest(job);
}

static void on_written(struct pool_job *message)
{
	struct erasures_job *job = container_of(message, struct erasures_job, job);

	if (!job->fine) {
		fail(job, &job->error);
		return;
	}
	log_info("erasures_written_down", "persons=%zu", job->missing.nlines);
	rest(job);
}

static void write_down(struct pool_job *message)
{
	struct erasures_job *job = container_of(message, struct erasures_job, job);

	job->fine = erasure_journal_note(job->path, job->missing.lines, job->missing.nlines, job->at_us, &job->error);
}

/* A restored database: nobody may be erased without a person's word, so somebody is told. */
static void tell_back(struct erasures_job *job, int64_t back)
{
	if (back > 0 && back != job->back)
		log_error("erasures_undone", "records=%lld hint=\"giothong erasure replay\"", (long long)back);
	job->back = back;
}

static void on_missing(struct erasure_missing *missing)
{
	struct erasures_job *job = container_of(missing, struct erasures_job, missing);

	if (missing->error.code != ERR_NONE) {
		log_warning("erasures_not_looked_at", "problem=%s", error_slug(missing->error.code));
		rest(job);
		return;
	}
	job->failed = false;
	tell_back(job, missing->back);
	job->at_us = clock_wall_us(job->worker->clock);
	if (missing->nlines > 0)
		send(job, write_down, on_written);
	else
		rest(job);
}

static void on_read(struct pool_job *message)
{
	struct erasures_job *job = container_of(message, struct erasures_job, job);

	if (!job->fine) {
		fail(job, &job->error);
		return;
	}
	job->missing = (struct erasure_missing){ .known = job->known, .nknown = job->nknown, .arena = &job->arena,
						 .done = on_missing };
	erasure_missing_send(&job->store, &job->missing);
}

static void read_file(struct pool_job *message)
{
	struct erasures_job *job = container_of(message, struct erasures_job, job);

	job->fine = erasure_journal_read(job->path, &job->arena, &job->known, &job->nknown, &job->error);
}

static void on_faded(struct erasure_fade *fade)
{
	struct erasures_job *job = container_of(fade, struct erasures_job, fade);

	job->fading = false;
	arena_release(&job->fade_arena);
	if (fade->error.code != ERR_NONE)
		log_warning("erased_not_faded", "problem=%s", error_slug(fade->error.code));
	else if (fade->faded > 0)
		log_info("erased_faded", "records=%lld", (long long)fade->faded);
}

static void fade_away(struct erasures_job *job)
{
	if (job->fading)
		return;
	job->fading = true;
	job->fade = (struct erasure_fade){ .actor = { .kind = "daemon", .role = ROLE_ADMIN }, .arena = &job->fade_arena,
					   .done = on_faded };
	erasure_fade_send(&job->store, &job->fade);
}

void erasures_job_tick(struct erasures_job *job)
{
	const struct worker *worker = job->worker;
	int turn = job->seconds++ % LOOK_SECONDS;

	if (turn == FADE_FIRST)
		fade_away(job);
	if (turn != LOOK_FIRST || job->at_work)
		return;
	job->at_work = true;
	job->path = erasure_journal_path(worker->config->erasure_journal, keyring_dir(worker->keyring), &job->arena);
	send(job, read_file, on_read);
}

struct erasures_job *erasures_job_new(struct worker *worker, struct pool *const *pool)
{
	struct erasures_job *job = xcalloc(1, sizeof(*job));

	job->worker = worker;
	job->pool = pool;
	job->store = (struct store){ worker->db, worker->keyring, worker->clock, NULL };
	arena_init(&job->arena);
	arena_init(&job->fade_arena);
	return job;
}

void erasures_job_free(struct erasures_job *job)
{
	if (!job)
		return;
	arena_release(&job->arena);
	arena_release(&job->fade_arena);
	free(job);
}
