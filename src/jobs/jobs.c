#include "jobs/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/log.h"
#include "base/memory.h"
#include "db/db.h"
#include "store/access_store.h"
#include "worker/worker.h"

enum { BEAT_SECONDS = 5, PURGE_SECONDS = 600 };

/* A job is idle or at work; a turn that finds it at work is left out. */
struct jobs {
	struct worker        *worker;
	struct store          store;
	struct event          tick;
	int                   seconds;           /* since the start */
	bool                  beating, purging;
	struct daemon_beat    beat;
	struct sms_help_purge purge;
	char                  host[65];
};

static void on_beat(struct daemon_beat *beat)
{
	struct jobs *jobs = container_of(beat, struct jobs, beat);

	jobs->beating = false;
	if (beat->error.code != ERR_NONE)
		log_warning("heartbeat_failed", "problem=%s", error_slug(beat->error.code));
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

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	struct jobs *jobs = context;

	(void)fd;
	(void)what;
	if (jobs->seconds % BEAT_SECONDS == 1 && !jobs->beating) {
		jobs->beating = true;
		daemon_beat_send(&jobs->store, &jobs->beat);
	}
	if (jobs->seconds % PURGE_SECONDS == 2 && !jobs->purging) {
		jobs->purging = true;
		sms_help_purge_send(&jobs->store, &jobs->purge);
	}
	jobs->seconds++;
}

struct jobs *jobs_new(struct worker *worker, const char *daemon_id, const char *version)
{
	struct jobs *jobs = xcalloc(1, sizeof(*jobs));
	struct timeval second = { .tv_sec = 1 };

	jobs->worker = worker;
	jobs->store = (struct store){ worker->db, worker->keyring, worker->clock };
	if (gethostname(jobs->host, sizeof(jobs->host) - 1) < 0)
		jobs->host[0] = '\0';
	snprintf(jobs->beat.id, sizeof(jobs->beat.id), "%s", daemon_id);
	jobs->beat.version = version;
	jobs->beat.host = jobs->host;
	jobs->beat.done = on_beat;
	jobs->purge.done = on_purged;
	event_assign(&jobs->tick, worker->base, -1, EV_PERSIST, on_tick, jobs);
	event_add(&jobs->tick, &second);
	return jobs;
}

void jobs_free(struct jobs *jobs)
{
	if (!jobs)
		return;
	event_del(&jobs->tick);
	free(jobs);
}
