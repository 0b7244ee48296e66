#ifndef APP_LISTENERS_H
#define APP_LISTENERS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The daemon's listening sockets, one for each worker: on TCP each has its own
 * (the kernel spreads connections by SO_REUSEPORT), on a Unix socket all share one.
 */
struct error;

enum { LISTEN_URL_SIZE = 160 };

/*
 * Opens `count` sockets on `address` into fds; `url` is where clients reach
 * them ("http://127.0.0.1:8080", also for port 0; "unix:/path"). False and *err: none is open.
 */
bool listeners_open(const char *address, int *fds, size_t count, char url[LISTEN_URL_SIZE],
		    struct error *err) __attribute__((warn_unused_result));
void listeners_close(int *fds, size_t count);
/* Takes the file of a Unix socket away, while still listening (http_listen_remove()); nothing for TCP. */
void listeners_remove(const char *address);

/*
 * Lets this process open `count` descriptors beside a few of its own. False and
 * *allowed when the system does not permit it: the front then pauses accepting.
 */
bool descriptors_allow(size_t count, size_t *needed, size_t *allowed);

#endif
