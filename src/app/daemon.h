#ifndef APP_DAEMON_H
#define APP_DAEMON_H

/*
 * The running daemon. The main thread owns the signals, the private cluster
 * and the word to systemd; N worker threads serve, one more does timed jobs, a
 * small pool computes. Threads talk by messages only.
 *
 *	starting -> serving -> draining -> stopped
 *
 * Serving begins (and the one line is printed) when every thread can
 * serve: /readyz then says 200. SIGTERM, SIGINT or SIGHUP drain; a second one
 * ends the drain at once, more of them the process.
 */
struct setup;

/* Opens what `setup` (read, not yet open) says, serves until told to stop, frees. The exit status. */
int daemon_run(struct setup *setup);

#endif
