#include "jobs/rekey.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "crypto/donor_seal.h"
#include "store/rekey_store.h"
#include "worker/worker.h"

enum { LOOK_SECONDS = 5, SKIP_MAX = 100 };

struct rekey_job {
	struct store       store;
	struct arena       arena;        /* of one record */
	bool               at_work;
	int                seconds;
	char               skipped[SKIP_MAX][UUID_TEXT_SIZE];    /* that cannot be opened, or changed meanwhile */
	size_t             nskipped;
	size_t             followed;     /* since the walk began */
	struct rekey_find  find;
	struct rekey_write write;
};

static void find_next(struct rekey_job *job);

static void rest(struct rekey_job *job)
{
	job->at_work = false;
	arena_release(&job->arena);
}

/* The walk is over: the next one begins anew. */
static void end_walk(struct rekey_job *job)
{
	if (job->followed > 0)
		log_info("donors_rekeyed", "donors=%zu", job->followed);
	job->followed = 0;
	job->nskipped = 0;
	rest(job);
}

/* The record that was just found is left to the next walk. */
static void skip(struct rekey_job *job)
{
	if (job->nskipped == SKIP_MAX) {
		end_walk(job);
		return;
	}
	snprintf(job->skipped[job->nskipped++], UUID_TEXT_SIZE, "%s", job->find.id);
	find_next(job);
}

static void on_written(struct rekey_write *write)
{
	struct rekey_job *job = container_of(write, struct rekey_job, write);

	if (write->error.code == ERR_NONE) {
		job->followed++;
		find_next(job);
	} else if (write->error.code == ERR_STALE) {
		skip(job);
	} else {
		log_warning("donor_not_rekeyed", "problem=%s", error_slug(write->error.code));
		rest(job);
	}
}

static void on_found(struct rekey_find *find)
{
	struct rekey_job *job = container_of(find, struct rekey_job, find);

	if (find->error.code == ERR_NOT_FOUND) {
		end_walk(job);
	} else if (find->error.code != ERR_NONE && !*find->id) {
		log_warning("donor_not_rekeyed", "problem=%s", error_slug(find->error.code));
		rest(job);
	} else if (find->error.code != ERR_NONE) {
		log_error("donor_not_rekeyed", "donor=%s why=\"its record cannot be opened\"", find->id);
		skip(job);
	} else {
		job->write = (struct rekey_write){ .record = &find->record, .actor = { .kind = "daemon", .role = ROLE_ADMIN },
						   .arena = &job->arena, .done = on_written };
		rekey_write_send(&job->store, &job->write);
	}
}

static void find_next(struct rekey_job *job)
{
	const char **ids;

	arena_release(&job->arena);
	ids = arena_alloc(&job->arena, (job->nskipped + 1) * sizeof(*ids));
	for (size_t i = 0; i < job->nskipped; i++)
		ids[i] = job->skipped[i];
	job->find = (struct rekey_find){ .skip = ids, .nskip = job->nskipped, .arena = &job->arena, .done = on_found };
	rekey_find_send(&job->store, &job->find);
}

void rekey_job_tick(struct rekey_job *job)
{
	if (job->seconds++ % LOOK_SECONDS != 0 || job->at_work)
		return;
	job->at_work = true;
	find_next(job);
}

struct rekey_job *rekey_job_new(struct worker *worker)
{
	struct rekey_job *job = xcalloc(1, sizeof(*job));

	job->store = (struct store){ worker->db, worker->keyring, worker->clock, donor_key_new() };
	arena_init(&job->arena);
	return job;
}

void rekey_job_free(struct rekey_job *job)
{
	if (!job)
		return;
	arena_release(&job->arena);
	donor_key_free(job->store.donor_key);
	free(job);
}
