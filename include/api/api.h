#ifndef API_API_H
#define API_API_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The API of one worker: its HTTP front, its routes and what it serves from
 * memory. Made, used and freed on the worker's thread (making it before the
 * thread runs is fine). Shares nothing mutable with other workers; the
 * counters that /metrics adds up are atomics written by one thread each.
 */
struct eligibility_rules;
struct gauges;
struct honour_rules;
struct pool;
struct tariff;
struct worker;
struct api;

/* What all workers of the daemon share, read-only. */
struct api_daemon {
	const char   *version;
	const char   *id;                /* UUIDv7 of this run */
	struct pool  *pool;
	const struct eligibility_rules *rules;   /* who may give blood */
	const struct tariff *tariff;     /* what they receive */
	const struct honour_rules *honours;      /* and are honoured with */
	const struct gauges *gauges;     /* what the jobs' thread counts */
	/* every worker's API, filled in before the threads start */
	struct api  **apis;
	int           napis;
};

/* New; takes `listen_fd` over, but accepts nobody before api_open(). */
struct api *api_new(struct worker *worker, int listen_fd, const struct api_daemon *daemon);
/* Prints METHOD and path of every route, one a line, for tests and documentation. */
void api_print_routes(void);

/* Who connects before this waits in the kernel's queue; further calls do nothing. On the worker's thread. */
void api_open(struct api *api);
/* The database answers, and what requests need of it is loaded. */
bool api_has_data(const struct api *api);
/* Every request can be served: that, and no key is missing. */
bool api_ready(const struct api *api);
/* /readyz says 503 from now on, answers carry Connection: close; everything else goes on. */
void api_give_notice(struct api *api);
/* Stop taking connections; finish what is being answered. Posted to the worker's thread by app/. */
void api_drain(struct api *api);
bool api_drained(const struct api *api);
/* After worker_close_db(), on the worker's thread or after it ended. */
void api_free(struct api *api);

#endif
