#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

/*
 * What one thread owns: its event loop, its connections to the database, its
 * mailbox. The settings, keys and clock are shared and read-only. Workers
 * share nothing mutable; threads talk by worker_post().
 */
struct event_base;
struct config;
struct keyring;
struct db;
struct db_options;

struct worker {
	int                   index;
	struct event_base    *base;
	struct db            *db;
	const struct config  *config;
	const struct keyring *keyring;
	const struct clock   *clock;
	struct mailbox       *mailbox;
};

struct worker_options {
	int                      index;
	const struct config     *config;
	const struct keyring    *keyring;
	const struct clock      *clock;
	const struct db_options *db;
};

/* On the thread that makes it nothing runs yet; hand it to one thread, which runs the loop. */
void worker_init(struct worker *worker, const struct worker_options *options);
/*
 * Ends what the database still owes, inside the call; those done()s may reply
 * and send more, which fails at once. Then free what the worker carries (API,
 * jobs), then release.
 */
void worker_close_db(struct worker *worker);
void worker_release(struct worker *worker);

/* A message to a worker's thread: run() is called once there. Embed it. Any thread may post. */
struct message {
	void          (*run)(struct message *message);
	struct message *next;            /* private */
};
void worker_post(struct worker *worker, struct message *message);

#endif
