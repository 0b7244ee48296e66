#include "jobs/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "db/db.h"
#include "domain/eligibility_rules.h"
#include "jobs/certificates.h"
#include "jobs/booking.h"
#include "jobs/days.h"
#include "jobs/erasures.h"
#include "jobs/key_watch.h"
#include "jobs/people.h"
#include "jobs/rekey.h"
#include "jobs/sealer.h"
#include "store/access_store.h"
#include "store/erasure_store.h"
#include "store/pack_store.h"
#include "store/round_store.h"
#include "worker/worker.h"

enum { BEAT_SECONDS = 5, PURGE_SECONDS = 600, LEAVE_US = 1000000 };

/* A job is idle or at work; a turn that finds it at work is left out. */
struct jobs {
	struct worker        *worker;
	struct sealer        *sealer;
	struct days_job      *days;
	struct certificates_job *certificates;
	struct booking_job   *booking;
	struct rekey_job     *rekey;
	struct erasures_job  *erasures;
	struct key_watch     *keys;
	struct people        *people;
	struct store          store;
	struct event          tick;
	int                   seconds;           /* since the start */
	bool                  beating, purging;
	bool                  beat_again;        /* what the beat under way says is out of date */
	bool                  known;             /* a beat was written */
	bool                  leaving, left;
	int64_t               leave_until_us;    /* a database that does not answer is no reason to stay */
	struct daemon_beat    beat;
	struct daemon_leave   leave;
	struct sms_help_purge purge;
	struct suppression_purge forget;
	bool                  forgetting;
	struct result_tell    results;
	bool                  telling;
	struct pack_purge     packs;
	bool                  purging_packs;
	char                  host[65];
};

static void beat(struct jobs *jobs)
{
	if (jobs->leaving)
		return;
	if (jobs->beating) {
		jobs->beat_again = true;
		return;
	}
	jobs->beating = true;
	jobs->beat_again = false;
	daemon_beat_send(&jobs->store, &jobs->beat);
}

static void on_beat(struct daemon_beat *done)
{
	struct jobs *jobs = container_of(done, struct jobs, beat);

	jobs->beating = false;
	if (done->error.code != ERR_NONE) {
		log_warning("heartbeat_failed", "problem=%s", error_slug(done->error.code));
		return;
	}
	jobs->known = true;
	if (jobs->beat_again)
		beat(jobs);
}

/* A rotation waits for our word, and it does not come by itself for five seconds. */
static void on_keys(void *context)
{
	beat(context);
}

static void on_purged(struct sms_help_purge *purge)
{
	struct jobs *jobs = container_of(purge, struct jobs, purge);

	jobs->purging = false;
	if (purge->error.code != ERR_NONE)
		log_warning("sms_help_purge_failed", "problem=%s", error_slug(purge->error.code));
	else if (purge->deleted > 0)
		log_info("sms_help_purged", "rows=%lld", (long long)purge->deleted);
}

static void on_forgotten(struct suppression_purge *forget)
{
	struct jobs *jobs = container_of(forget, struct jobs, forget);

	jobs->forgetting = false;
	if (forget->error.code != ERR_NONE)
		log_warning("suppression_purge_failed", "problem=%s", error_slug(forget->error.code));
	else if (forget->deleted > 0)
		log_info("suppression_purged", "rows=%lld", (long long)forget->deleted);
}

static void on_told(struct result_tell *results)
{
	struct jobs *jobs = container_of(results, struct jobs, results);

	jobs->telling = false;
	if (results->error.code != ERR_NONE)
		log_warning("results_not_told", "problem=%s", error_slug(results->error.code));
}

static void on_packs_purged(struct pack_purge *packs)
{
	struct jobs *jobs = container_of(packs, struct jobs, packs);

	jobs->purging_packs = false;
	if (packs->error.code != ERR_NONE)
		log_warning("pack_purge_failed", "problem=%s", error_slug(packs->error.code));
	else if (packs->deleted > 0)
		log_info("packs_purged", "rows=%lld", (long long)packs->deleted);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	struct jobs *jobs = context;

	(void)fd;
	(void)what;
	if (jobs->seconds % BEAT_SECONDS == 1 || jobs->beat_again)
		beat(jobs);
	if (jobs->seconds % PURGE_SECONDS == 2 && !jobs->purging) {
		jobs->purging = true;
		sms_help_purge_send(&jobs->store, &jobs->purge);
	}
	if (jobs->seconds % PURGE_SECONDS == 3 && !jobs->forgetting) {
		jobs->forgetting = true;
		jobs->forget.today = clock_today(jobs->worker->clock);
		suppression_purge_send(&jobs->store, &jobs->forget);
	}
	if (!jobs->telling) {
		jobs->telling = true;
		result_tell_send(&jobs->store, &jobs->results);
	}
	if (jobs->seconds % PURGE_SECONDS == 4 && !jobs->purging_packs) {
		jobs->purging_packs = true;
		jobs->packs.now_us = clock_wall_us(jobs->worker->clock);
		pack_purge_send(&jobs->store, &jobs->packs);
	}
	sealer_tick(jobs->sealer);
	days_job_tick(jobs->days);
	certificates_job_tick(jobs->certificates);
	booking_job_tick(jobs->booking);
	rekey_job_tick(jobs->rekey);
	erasures_job_tick(jobs->erasures);
	key_watch_tick(jobs->keys);
	people_tick(jobs->people);
	jobs->seconds++;
}

struct jobs *jobs_new(struct worker *worker, struct keyring *keyring, const char *daemon_id, const char *version,
		      const struct eligibility_rules *rules, struct gauges *gauges, struct pool *const *pool)
{
	struct jobs *jobs = xcalloc(1, sizeof(*jobs));
	struct timeval second = { .tv_sec = 1 };

	jobs->worker = worker;
	jobs->sealer = sealer_new(worker, gauges);
	jobs->days = days_job_new(worker, rules);
	jobs->certificates = certificates_job_new(worker);
	jobs->booking = booking_job_new(worker, rules);
	jobs->rekey = rekey_job_new(worker);
	jobs->erasures = erasures_job_new(worker, pool);
	jobs->people = people_new(worker, gauges);
	jobs->keys = key_watch_new(worker, keyring, on_keys, jobs);
	jobs->store = (struct store){ worker->db, worker->keyring, worker->clock, NULL };
	if (gethostname(jobs->host, sizeof(jobs->host) - 1) < 0)
		jobs->host[0] = '\0';
	snprintf(jobs->beat.id, sizeof(jobs->beat.id), "%s", daemon_id);
	jobs->beat.version = version;
	jobs->beat.host = jobs->host;
	jobs->beat.rules = rules->edition;
	jobs->beat.done = on_beat;
	jobs->purge.done = on_purged;
	jobs->forget.done = on_forgotten;
	jobs->results.done = on_told;
	jobs->packs.done = on_packs_purged;
	event_assign(&jobs->tick, worker->base, -1, EV_PERSIST, on_tick, jobs);
	event_add(&jobs->tick, &second);
	return jobs;
}

void jobs_reload_keys(struct jobs *jobs)
{
	key_watch_reload(jobs->keys);
}

bool jobs_ready(struct jobs *jobs)
{
	if (!jobs->known && !jobs->beating && db_connected(jobs->worker->db))
		beat(jobs);
	return people_ready(jobs->people) && jobs->known;
}

static void on_left(struct daemon_leave *leave)
{
	container_of(leave, struct jobs, leave)->left = true;
}

/* A beat under way is written before: it was sent before. */
void jobs_leave(struct jobs *jobs)
{
	if (jobs->leaving)
		return;
	jobs->leaving = true;
	jobs->leave_until_us = clock_mono_us() + LEAVE_US;
	jobs->leave.id = jobs->beat.id;
	jobs->leave.done = on_left;
	daemon_leave_send(&jobs->store, &jobs->leave);
}

bool jobs_left(const struct jobs *jobs)
{
	return jobs->left || clock_mono_us() > jobs->leave_until_us;
}

void jobs_free(struct jobs *jobs)
{
	if (!jobs)
		return;
	event_del(&jobs->tick);
	sealer_free(jobs->sealer);
	days_job_free(jobs->days);
	certificates_job_free(jobs->certificates);
	booking_job_free(jobs->booking);
	rekey_job_free(jobs->rekey);
	erasures_job_free(jobs->erasures);
	key_watch_free(jobs->keys);
	people_free(jobs->people);
	buf_release(&jobs->beat.keys);
	free(jobs);
}
