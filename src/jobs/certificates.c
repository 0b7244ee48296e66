#include "jobs/certificates.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "crypto/donor_seal.h"
#include "store/catalog_store.h"
#include "store/certificate_store.h"
#include "worker/worker.h"

/* So many in one statement; a round has some hundreds. */
enum { CHUNK = 50 };

/*
 * idle -> which batch runs -> (units, once for it) -> the next candidates -> issued -> the next candidates ... -> none left: ended.
 * A donor who does not open here or has no name is left out, and told. A fault that may pass (no database, no key to sign with)
 * leaves the batch as it is for the next second, here or in another daemon.
 */
struct certificates_job {
	struct worker                 *worker;
	struct store                   store;
	struct arena                   batch_arena, arena;
	struct buf                     left_out; /* "id,id" */
	char                           after[UUID_TEXT_SIZE];
	bool                           busy;
	struct unit_map               *units;
	struct unit_load               load_units;
	struct certificate_batch_load  batch;
	struct certificate_prepare     prepare;
	struct certificate_issue       issue;
	struct certificate_batch_end   end;
};

static void next_chunk(struct certificates_job *job);

static void stop(struct certificates_job *job)
{
	unit_map_free(job->units);
	job->units = NULL;
	arena_release(&job->arena);
	arena_release(&job->batch_arena);
	buf_reset(&job->left_out);
	job->after[0] = '\0';
	job->busy = false;
}

static bool may_pass(const struct error *err)
{
	return err->code == ERR_UNAVAILABLE || err->code == ERR_UNKNOWN_OUTCOME || err->code == ERR_ALREADY_EXISTS;
}

static void on_ended(struct certificate_batch_end *end)
{
	struct certificates_job *job = container_of(end, struct certificates_job, end);

	if (end->error.code != ERR_NONE)
		log_warning("certificate_batch_not_ended", "problem=%s", error_slug(end->error.code));
	else
		log_info("certificate_batch_ended", "batch=%s problem=%s", end->id, end->problem ? end->problem : "-");
	stop(job);
}

static void end_batch(struct certificates_job *job, const char *problem)
{
	job->end = (struct certificate_batch_end){
		.id = job->batch.batch.id, .problem = problem, .arena = &job->batch_arena, .done = on_ended,
		.left_out = arena_printf(&job->batch_arena, "{%s}", job->left_out.len > 0 ? job->left_out.data : ""),
	};
	certificate_batch_end_send(&job->store, &job->end);
}

static void fail(struct certificates_job *job, const struct error *err)
{
	if (may_pass(err)) {
		log_warning("certificate_batch_waits", "problem=%s", error_slug(err->code));
		stop(job);
	} else {
		end_batch(job, error_slug(err->code));
	}
}

static void on_issued(struct certificate_issue *issue)
{
	struct certificates_job *job = container_of(issue, struct certificates_job, issue);

	if (issue->error.code != ERR_NONE)
		fail(job, &issue->error);
	else if (issue->issued == 0)     /* another daemon is at it */
		stop(job);
	else
		next_chunk(job);
}

static void on_prepared(struct certificate_prepare *prepare)
{
	struct certificates_job *job = container_of(prepare, struct certificates_job, prepare);

	if (prepare->error.code != ERR_NONE) {
		fail(job, &prepare->error);
		return;
	}
	if (!*prepare->last) {
		end_batch(job, NULL);
		return;
	}
	memcpy(job->after, prepare->last, sizeof(job->after));
	for (size_t i = 0; i < prepare->nleft_out; i++)
		buf_printf(&job->left_out, "%s%s", job->left_out.len > 0 ? "," : "", prepare->left_out[i]);
	if (prepare->ncandidates == 0) {
		next_chunk(job);
		return;
	}
	job->issue = (struct certificate_issue){
		.of = prepare, .batch_id = job->batch.batch.id,
		.actor = { .kind = "daemon", .role = ROLE_ADMIN }, .arena = &job->arena, .done = on_issued,
	};
	certificate_issue_send(&job->store, &job->issue);
}

static void next_chunk(struct certificates_job *job)
{
	arena_release(&job->arena);
	job->prepare = (struct certificate_prepare){
		.round_id = job->batch.batch.round_id, .limit = CHUNK, .after = *job->after ? job->after : NULL, .issuer = job->batch.batch.issuer,
		.today = clock_today(job->worker->clock), .units = job->units, .arena = &job->arena, .done = on_prepared,
	};
	certificate_prepare_send(&job->store, &job->prepare);
}

static void on_units(struct unit_load *load)
{
	struct certificates_job *job = container_of(load, struct certificates_job, load_units);

	if (load->error.code != ERR_NONE) {
		fail(job, &load->error);
		return;
	}
	job->units = load->map;
	next_chunk(job);
}

static void on_batch(struct certificate_batch_load *load)
{
	struct certificates_job *job = container_of(load, struct certificates_job, batch);

	if (load->error.code != ERR_NONE) {
		stop(job);
		return;
	}
	job->load_units = (struct unit_load){ .done = on_units };
	unit_load_send(&job->store, &job->load_units);
}

void certificates_job_tick(struct certificates_job *job)
{
	if (job->busy)
		return;
	job->busy = true;
	job->batch = (struct certificate_batch_load){ .arena = &job->batch_arena, .done = on_batch };
	certificate_batch_load_send(&job->store, &job->batch);
}

struct certificates_job *certificates_job_new(struct worker *worker)
{
	struct certificates_job *job = xcalloc(1, sizeof(*job));

	job->worker = worker;
	job->store = (struct store){ worker->db, worker->keyring, worker->clock, donor_key_new() };
	arena_init(&job->arena);
	arena_init(&job->batch_arena);
	return job;
}

void certificates_job_free(struct certificates_job *job)
{
	if (!job)
		return;
	stop(job);
	donor_key_free(job->store.donor_key);
	buf_release(&job->left_out);
	free(job);
}
