#include "app/daemon.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <systemd/sd-daemon.h>

#include "api/api.h"
#include "app/listeners.h"
#include "app/rules.h"
#include "app/say.h"
#include "app/setup.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/uuid.h"
#include "base/version.h"
#include "cluster/cluster.h"
#include "crypto/keyring.h"
#include "http/http.h"
#include "jobs/jobs.h"
#include "worker/gauges.h"
#include "worker/pool.h"
#include "worker/worker.h"

enum {
	START_MS = 5000,         /* for every thread to reach the database */
	DRAIN_MS = 8000,         /* of the 10 s that a stop may take */
	THREAD_TICK_MS = 5,      /* while something is awaited; no tick otherwise */
	PATIENT_TICK_MS = 250,   /* ... that may take long */
	IMPATIENT_TICKS = 2000,
	WATCH_MS = 250,          /* for the private cluster */
	POOL_QUEUE = 256
};

static const int stop_signals[] = { SIGTERM, SIGINT };

enum phase { STARTING, SERVING, LEAVING, DRAINING, STOPPED };

struct daemon;

/* One thread. Everything but the messages to the main thread is touched by one thread at a time. */
struct daemon_thread {
	struct daemon *daemon;
	struct worker  worker;
	struct api    *api;              /* NULL: the jobs' thread */
	struct jobs   *jobs;
	pthread_t      id;
	bool           running;
	struct event   tick;
	unsigned       ticks;
	bool           draining;
	/* main -> thread */
	struct message notice, drain, stop, ping;
	struct message reload;           /* the jobs' alone */
	/* thread -> main; `ready` and `drained` go once each */
	struct message ready, drained, pong, reloaded;
};

struct daemon {
	struct setup         *setup;
	enum phase            phase;
	bool                  running;           /* the threads are */
	bool                  served;            /* was ready once */
	bool                  waited_for_key;    /* ... and said so */
	bool                  reloading;         /* the jobs' thread has not answered yet */
	bool                  reload_again;      /* ... and was told once more meanwhile */
	int                   status;            /* to exit with */
	char                  id[UUID_TEXT_SIZE];
	char                  url[LISTEN_URL_SIZE];
	struct worker         home;              /* the main thread's loop and mailbox */
	struct event          signals[ARRAY_SIZE(stop_signals)], hangup, deadline, watch, watchdog;
	struct pool          *pool;
	struct eligibility_rules *rules;
	struct tariff        *tariff;
	struct honour_rules  *honours;
	struct api_daemon     shared;            /* what the APIs know of the daemon */
	struct gauges         gauges;            /* what the jobs' thread tells them */
	struct daemon_thread *threads;           /* workers, then the jobs' */
	size_t                nthreads, nworkers;
	int                  *fds;               /* -1: given to an API */
	size_t                waiting;           /* threads that are not ready, or not drained */
	size_t                pings;             /* unanswered */
};

/* ---- on a thread of ours ---- */

static bool thread_ready(const struct daemon_thread *thread)
{
	return thread->api ? api_ready(thread->api) : db_connected(thread->worker.db) && jobs_ready(thread->jobs);
}

/*
 * A proxy may send requests as soon as we listen, before it has asked /readyz;
 * they wait rather than hear that nothing can be read yet. But not for ever.
 */
static void open_when_able(struct daemon_thread *thread)
{
	if (thread->api && (api_has_data(thread->api) || thread->ticks == IMPATIENT_TICKS))
		api_open(thread->api);
}

static bool thread_drained(const struct daemon_thread *thread)
{
	return thread->api ? api_drained(thread->api) : jobs_left(thread->jobs);
}

static void start_tick(struct daemon_thread *thread, int ms)
{
	struct timeval period = { .tv_usec = ms * 1000 };

	event_add(&thread->tick, &period);
}

static void thread_on_tick(evutil_socket_t fd, short what, void *context)
{
	struct daemon_thread *thread = context;
	struct worker *home = &thread->daemon->home;

	(void)fd;
	(void)what;
	if (++thread->ticks == IMPATIENT_TICKS)
		start_tick(thread, PATIENT_TICK_MS);
	open_when_able(thread);
	if (!thread->draining && thread_ready(thread)) {
		event_del(&thread->tick);
		worker_post(home, &thread->ready);
	} else if (thread->draining && thread_drained(thread)) {
		event_del(&thread->tick);
		worker_post(home, &thread->drained);
	}
}

static void thread_on_reload(struct message *message)
{
	struct daemon_thread *thread = container_of(message, struct daemon_thread, reload);

	jobs_reload_keys(thread->jobs);
	worker_post(&thread->daemon->home, &thread->reloaded);
}

static void thread_on_notice(struct message *message)
{
	struct daemon_thread *thread = container_of(message, struct daemon_thread, notice);

	if (thread->api)
		api_give_notice(thread->api);
}

static void thread_on_drain(struct message *message)
{
	struct daemon_thread *thread = container_of(message, struct daemon_thread, drain);

	if (thread->api)
		api_drain(thread->api);
	else
		jobs_leave(thread->jobs);
	thread->draining = true;
	start_tick(thread, THREAD_TICK_MS);
}

static void thread_on_stop(struct message *message)
{
	struct daemon_thread *thread = container_of(message, struct daemon_thread, stop);

	event_base_loopbreak(thread->worker.base);
}

static void thread_on_ping(struct message *message)
{
	struct daemon_thread *thread = container_of(message, struct daemon_thread, ping);

	worker_post(&thread->daemon->home, &thread->pong);
}

static void *thread_main(void *context)
{
	struct daemon_thread *thread = context;

	FAULT_THREAD(thread->worker.index + 1);
	event_base_loop(thread->worker.base, EVLOOP_NO_EXIT_ON_EMPTY);
	return NULL;
}

/* ---- on the main thread ---- */

static void enter(struct daemon *daemon, enum phase phase)
{
	daemon->phase = phase;
	if (phase == STOPPED)
		event_base_loopbreak(daemon->home.base);
}

static void set_deadline(struct daemon *daemon, int ms)
{
	struct timeval after = { ms / 1000, ms % 1000 * 1000 };

	event_add(&daemon->deadline, &after);
}

static void main_on_ready(struct message *message)
{
	struct daemon *daemon = container_of(message, struct daemon_thread, ready)->daemon;

	if (daemon->phase != STARTING || --daemon->waiting > 0)
		return;
	event_del(&daemon->deadline);
	enter(daemon, SERVING);
	daemon->served = true;
	printf("giothongd %s ready on %s\n", GIOTHONG_VERSION, daemon->url);
	fflush(stdout);
	sd_notify(0, daemon->waited_for_key ? "READY=1\nSTATUS=Serves." : "READY=1");
	log_info("ready", "version=%s id=%s listen=%s workers=%zu", GIOTHONG_VERSION, daemon->id, daemon->url,
		 daemon->nworkers);
}

static void main_on_drained(struct message *message)
{
	struct daemon *daemon = container_of(message, struct daemon_thread, drained)->daemon;

	if (daemon->phase == DRAINING && --daemon->waiting == 0)
		enter(daemon, STOPPED);
}

static void begin_drain(struct daemon *daemon)
{
	log_info("draining", "seconds=%d", DRAIN_MS / 1000);
	enter(daemon, DRAINING);
	/* First of all: the next daemon of this address may begin now. */
	listeners_remove(daemon->setup->config.listen);
	daemon->waiting = daemon->nthreads;
	for (size_t i = 0; i < daemon->nthreads; i++)
		worker_post(&daemon->threads[i].worker, &daemon->threads[i].drain);
	set_deadline(daemon, DRAIN_MS);
}

static void begin_leaving(struct daemon *daemon)
{
	int notice_ms = daemon->setup->config.listen_drain_notice_ms;

	sd_notify(0, "STOPPING=1");
	if (notice_ms == 0) {
		begin_drain(daemon);
		return;
	}
	log_info("leaving", "notice_ms=%d", notice_ms);
	enter(daemon, LEAVING);
	for (size_t i = 0; i < daemon->nthreads; i++)
		worker_post(&daemon->threads[i].worker, &daemon->threads[i].notice);
	set_deadline(daemon, notice_ms);
}

static void reload(struct daemon *daemon)
{
	daemon->reloading = true;
	worker_post(&daemon->threads[daemon->nworkers].worker, &daemon->threads[daemon->nworkers].reload);
}

/*
 * What operators expect of a reload: here the keyring's folder is all that can
 * change while we run. It may change behind a reading that is under way.
 */
static void main_on_hangup(evutil_socket_t number, short what, void *context)
{
	struct daemon *daemon = context;

	(void)number;
	(void)what;
	log_info("reload", "of=keyring");
	if (daemon->reloading)
		daemon->reload_again = true;
	else if (daemon->running)
		reload(daemon);
}

static void main_on_reloaded(struct message *message)
{
	struct daemon *daemon = container_of(message, struct daemon_thread, reloaded)->daemon;
	bool again = daemon->reload_again;

	daemon->reloading = daemon->reload_again = false;
	if (again)
		reload(daemon);
}

static void main_on_signal(evutil_socket_t number, short what, void *context)
{
	struct daemon *daemon = context;

	(void)what;
	log_info("signal", "number=%d", (int)number);
	/* While starting, the workers that are ready serve already. */
	if (daemon->phase == SERVING || (daemon->phase == STARTING && daemon->running))
		begin_leaving(daemon);
	else if (daemon->phase == LEAVING)
		begin_drain(daemon);
	else
		enter(daemon, STOPPED);
}

static bool lacks_a_key(const struct daemon *daemon)
{
	return !keyring_view(daemon->setup->keyring)->complete;
}

/*
 * systemd may count us as started: a restart would bring no key, and /readyz
 * tells proxies to wait. (What LoadCredential= brings is fixed; there a restart
 * is what helps, so we end.)
 */
static void wait_for_key(struct daemon *daemon)
{
	struct error err = { 0 };

	keyring_fail_missing(daemon->setup->keyring, &err);
	say_error(daemon->setup->program, daemon->setup->language, &err);
	printf("giothongd %s waits for a key, on %s\n", GIOTHONG_VERSION, daemon->url);
	fflush(stdout);
	sd_notify(0, "READY=1\nSTATUS=Waits for a key: /readyz says which.");
	daemon->waited_for_key = true;
}

static void give_up_starting(struct daemon *daemon)
{
	struct error err = { 0 };

	if (lacks_a_key(daemon))
		keyring_fail_missing(daemon->setup->keyring, &err);
	else
		error_set(&err, ERR_UNAVAILABLE, "the database does not answer: nothing is served",
			  "cơ sở dữ liệu không trả lời: chưa phục vụ được gì");
	say_error(daemon->setup->program, daemon->setup->language, &err);
	daemon->status = EXIT_REFUSED;
	enter(daemon, STOPPED);
}

static void main_on_deadline(evutil_socket_t fd, short what, void *context)
{
	struct daemon *daemon = context;

	(void)fd;
	(void)what;
	if (daemon->phase == LEAVING) {
		begin_drain(daemon);
	} else if (daemon->phase != STARTING) {
		log_warning("drain_cut", "threads=%zu", daemon->waiting);
		enter(daemon, STOPPED);
	} else if (lacks_a_key(daemon) && !keyring_is_fixed(daemon->setup->keyring)) {
		wait_for_key(daemon);
	} else {
		give_up_starting(daemon);
	}
}

static void main_on_watch(evutil_socket_t fd, short what, void *context)
{
	struct daemon *daemon = context;

	(void)fd;
	(void)what;
	cluster_watch(daemon->setup->cluster);
}

static void main_on_pong(struct message *message)
{
	struct daemon *daemon = container_of(message, struct daemon_thread, pong)->daemon;

	if (--daemon->pings == 0)
		sd_notify(0, "WATCHDOG=1");
}

/* systemd hears from us only while every thread's loop turns. */
static void main_on_watchdog(evutil_socket_t fd, short what, void *context)
{
	struct daemon *daemon = context;

	(void)fd;
	(void)what;
	if (daemon->pings > 0)
		return;
	daemon->pings = daemon->nthreads;
	for (size_t i = 0; i < daemon->nthreads; i++)
		worker_post(&daemon->threads[i].worker, &daemon->threads[i].ping);
}

/* ---- making ---- */

static void raise_descriptors(const struct config *config)
{
	size_t needed, allowed = 0;

	/* A worker holds its listener, loop, mailbox and connections to the database too. */
	if (!descriptors_allow((size_t)config->limits_connections + 16 * ((size_t)config->workers + 1), &needed,
			       &allowed))
		log_warning("few_descriptors",
			    "allowed=%zu needed=%zu hint=\"raise LimitNOFILE= or lower limits.connections\"",
			    allowed, needed);
}

static void every(struct event *event, struct daemon *daemon, int64_t us, event_callback_fn run)
{
	struct timeval period = { us / 1000000, us % 1000000 };

	event_assign(event, daemon->home.base, -1, EV_PERSIST, run, daemon);
	event_add(event, &period);
}

/* Signals are the loop's from the very beginning: one that comes while starting waits for its turn. */
static void start_home(struct daemon *daemon)
{
	struct worker_options options = { .index = -1,
					  .config = &daemon->setup->config,
					  .clock = &daemon->setup->clock };

	signal(SIGPIPE, SIG_IGN);
	worker_init(&daemon->home, &options);
	for (size_t i = 0; i < ARRAY_SIZE(stop_signals); i++) {
		evsignal_assign(&daemon->signals[i], daemon->home.base, stop_signals[i], main_on_signal,
				daemon);
		evsignal_add(&daemon->signals[i], NULL);
	}
	evsignal_assign(&daemon->hangup, daemon->home.base, SIGHUP, main_on_hangup, daemon);
	evsignal_add(&daemon->hangup, NULL);
	evtimer_assign(&daemon->deadline, daemon->home.base, main_on_deadline, daemon);
}

/* Between the blocking steps of starting: has somebody asked us to stop? */
static bool stop_was_asked(void *context)
{
	struct daemon *daemon = context;

	event_base_loop(daemon->home.base, EVLOOP_NONBLOCK);
	return daemon->phase == STOPPED;
}

/*
 * The jobs' statements walk indexes. Plans are kept, and one made while the
 * tables were small must not read them whole when they have grown.
 */
static const char jobs_settings[] = "-c enable_seqscan=off -c enable_bitmapscan=off";

/* No client waits for these; a heartbeat behind a long sealing must come late rather than never. */
static void fit_for_jobs(struct db_options *db)
{
	db->settings = jobs_settings;
	memset(db->wait_ms, 0, sizeof(db->wait_ms));
}

static void make_thread(struct daemon *daemon, size_t index)
{
	struct daemon_thread *thread = &daemon->threads[index];
	struct setup *setup = daemon->setup;
	struct db_options db = setup->db;
	struct worker_options options = { (int)index, &setup->config, setup->keyring, &setup->clock, &db };

	if (index == daemon->nworkers)
		fit_for_jobs(&db);
	else
		db.planned_once = true;
	*thread = (struct daemon_thread){
		.daemon = daemon,
		.notice.run = thread_on_notice,
		.drain.run = thread_on_drain,
		.reload.run = thread_on_reload,
		.reloaded.run = main_on_reloaded,
		.stop.run = thread_on_stop,
		.ping.run = thread_on_ping,
		.ready.run = main_on_ready,
		.drained.run = main_on_drained,
		.pong.run = main_on_pong,
	};
	worker_init(&thread->worker, &options);
	event_assign(&thread->tick, thread->worker.base, -1, EV_PERSIST, thread_on_tick, thread);
	if (index == daemon->nworkers) {
		thread->jobs = jobs_new(&thread->worker, setup->keyring, daemon->id, GIOTHONG_VERSION,
					daemon->rules, &daemon->gauges, &daemon->shared.pool);
	} else {
		thread->api = api_new(&thread->worker, daemon->fds[index], &daemon->shared);
		daemon->fds[index] = -1;
		daemon->shared.apis[index] = thread->api;
	}
	start_tick(thread, THREAD_TICK_MS);
}

static void make_threads(struct daemon *daemon)
{
	const struct config *config = &daemon->setup->config;

	daemon->pool = pool_new(config->pool_threads > 0 ? config->pool_threads : 1, POOL_QUEUE);
	daemon->shared = (struct api_daemon){
		.version = GIOTHONG_VERSION,
		.id = daemon->id,
		.pool = daemon->pool,
		.rules = daemon->rules,
		.tariff = daemon->tariff,
		.honours = daemon->honours,
		.gauges = &daemon->gauges,
		.apis = xcalloc(daemon->nworkers, sizeof(daemon->shared.apis[0])),
		.napis = (int)daemon->nworkers,
	};
	daemon->nthreads = daemon->nworkers + 1;
	daemon->threads = xcalloc(daemon->nthreads, sizeof(daemon->threads[0]));
	for (size_t i = 0; i < daemon->nthreads; i++)
		make_thread(daemon, i);
}

/* Signals are for the main thread alone, so the others never wake for one. */
static bool run_threads(struct daemon *daemon, struct error *err)
{
	sigset_t all, before;
	int failure = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (size_t i = 0; i < daemon->nthreads && failure == 0; i++) {
		struct daemon_thread *thread = &daemon->threads[i];

		failure = pthread_create(&thread->id, NULL, thread_main, thread);
		thread->running = failure == 0;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	daemon->waiting = daemon->nthreads;
	if (failure != 0)
		return error_set(err, ERR_SYSTEM, "cannot start a thread: %s", "không tạo được luồng: %s",
				 strerror(failure));
	return true;
}

static bool open_listeners(struct daemon *daemon, struct error *err)
{
	daemon->nworkers = (size_t)daemon->setup->config.workers;
	daemon->fds = xmalloc(daemon->nworkers * sizeof(daemon->fds[0]));
	for (size_t i = 0; i < daemon->nworkers; i++)
		daemon->fds[i] = -1;
	return listeners_open(daemon->setup->config.listen, daemon->fds, daemon->nworkers, daemon->url, err);
}

/*
 * A port that is taken is found before a cluster is made or started for
 * nothing; but a second daemon on one DIR hears of the first, not of its port.
 */
static bool check_port(const struct config *config, struct error *err)
{
	struct error held = { 0 };

	if (http_can_listen(config->listen, err))
		return true;
	if (config->data_dir && *config->data_dir && cluster_is_held(config->data_dir, &held))
		*err = held;
	return false;
}

static bool start(struct daemon *daemon, struct error *err)
{
	struct setup *setup = daemon->setup;
	uint64_t watchdog_us = 0;

	daemon->rules = rules_open(setup->config.eligibility_rules, RULES_FOR_USE, err);
	daemon->tariff = daemon->rules ? tariff_open(setup->config.gifts_tariff, err) : NULL;
	daemon->honours = daemon->tariff ? honours_open(setup->config.honours_ladders, err) : NULL;
	if (!daemon->honours || !forms_check(setup->config.certificates_form, setup->config.certificates_preprinted_form, err) ||
	    !check_port(&setup->config, err) || !setup_open(setup, SETUP_DAEMON, err))
		return false;
	if (stop_was_asked(daemon))
		return true;
	if (!open_listeners(daemon, err))
		return false;
	raise_descriptors(&setup->config);
	uuid7_make(daemon->id, clock_wall_us(&setup->clock));
	make_threads(daemon);
	if (!run_threads(daemon, err))
		return false;
	daemon->running = true;
	set_deadline(daemon, START_MS);
	if (setup->cluster)
		every(&daemon->watch, daemon, WATCH_MS * 1000, main_on_watch);
	if (sd_watchdog_enabled(0, &watchdog_us) > 0)
		every(&daemon->watchdog, daemon, (int64_t)(watchdog_us / 3), main_on_watchdog);
	return true;
}

/* ---- ending ---- */

static void join_threads(struct daemon *daemon)
{
	for (size_t i = 0; i < daemon->nthreads; i++)
		if (daemon->threads[i].running)
			worker_post(&daemon->threads[i].worker, &daemon->threads[i].stop);
	for (size_t i = 0; i < daemon->nthreads; i++)
		if (daemon->threads[i].running)
			pthread_join(daemon->threads[i].id, NULL);
}

/* No thread runs any more: what they and the pool posted last runs here, and what that posts. */
static void run_last_messages(struct daemon *daemon)
{
	for (size_t turn = 0; turn <= daemon->nthreads; turn++)
		for (size_t i = 0; i < daemon->nthreads; i++)
			event_base_loop(daemon->threads[i].worker.base, EVLOOP_NONBLOCK);
}

/* Queries end first, then what waited for them: their done() still finds its API alive. */
static void free_threads(struct daemon *daemon)
{
	for (size_t i = 0; i < daemon->nthreads; i++) {
		event_del(&daemon->threads[i].tick);
		db_free(daemon->threads[i].worker.db);
		daemon->threads[i].worker.db = NULL;
	}
	for (size_t i = 0; i < daemon->nthreads; i++) {
		api_free(daemon->threads[i].api);
		jobs_free(daemon->threads[i].jobs);
	}
	for (size_t i = 0; i < daemon->nthreads; i++)
		worker_release(&daemon->threads[i].worker);
}

/*
 * The loop turns no more. Stopping PostgreSQL takes a moment in which an
 * impatient signal must not kill us; the next one may.
 */
static void on_late_signal(int number)
{
	static volatile sig_atomic_t came;

	(void)number;
	if (came)
		_exit(EXIT_REFUSED);
	came = 1;
}

static void free_home(struct daemon *daemon)
{
	for (size_t i = 0; i < ARRAY_SIZE(daemon->signals); i++) {
		event_del(&daemon->signals[i]);
		signal(stop_signals[i], on_late_signal);
	}
	event_del(&daemon->hangup);
	signal(SIGHUP, SIG_IGN);
	event_del(&daemon->deadline);
	if (event_initialized(&daemon->watch))
		event_del(&daemon->watch);
	if (event_initialized(&daemon->watchdog))
		event_del(&daemon->watchdog);
}

static void stop(struct daemon *daemon)
{
	free_home(daemon);
	/* Before the threads and with them the listeners go: see http_listen_remove(). */
	if (*daemon->url)
		listeners_remove(daemon->setup->config.listen);
	join_threads(daemon);
	pool_free(daemon->pool);
	daemon->shared.pool = NULL;      /* what the last messages would still send to it */
	run_last_messages(daemon);
	free_threads(daemon);
	if (daemon->fds)
		listeners_close(daemon->fds, daemon->nworkers);
	worker_release(&daemon->home);
	free(daemon->fds);
	free(daemon->shared.apis);
	free(daemon->threads);
	honours_free(daemon->honours);
	tariff_free(daemon->tariff);
	rules_free(daemon->rules);
}

int daemon_run(struct setup *setup)
{
	struct daemon daemon = { .setup = setup, .status = EXIT_OK };
	struct error err = { 0 };

	setup->interrupted = stop_was_asked;
	setup->context = &daemon;
	start_home(&daemon);
	if (!start(&daemon, &err) && !stop_was_asked(&daemon)) {
		say_error(setup->program, setup->language, &err);
		daemon.status = EXIT_REFUSED;
	} else if (daemon.phase != STOPPED) {
		event_base_loop(daemon.home.base, EVLOOP_NO_EXIT_ON_EMPTY);
	}
	stop(&daemon);
	if (daemon.served)
		log_info("stopped", "status=%d", daemon.status);
	return daemon.status;
}
