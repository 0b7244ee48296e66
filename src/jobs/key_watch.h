#ifndef JOBS_KEY_WATCH_H
#define JOBS_KEY_WATCH_H

#include <stdbool.h>

/*
 * Keeps the daemon's keys as the database and the folder have them: looks at
 * the database's word every second, at the folder every two, and at once when
 * asked. The jobs' thread is the keyring's owner. What is wrong is logged
 * once, when it begins, and again when it has ended.
 */
struct keyring;
struct key_watch;
struct worker;

/* New; borrows all. `changed` is called on the loop after other keys were published. */
struct key_watch *key_watch_new(struct worker *worker, struct keyring *keyring, void (*changed)(void *context),
				void *context);
void key_watch_free(struct key_watch *watch);    /* NULL is fine */

/* Once a second. */
void key_watch_tick(struct key_watch *watch);
/* Reads the folder now, and says in the log what came of it. */
void key_watch_reload(struct key_watch *watch);

#endif
