#ifndef APP_DAEMON_H
#define APP_DAEMON_H

/*
 * The running daemon. The main thread owns the signals, the private cluster
 * and the word to systemd; N worker threads serve, one more does timed jobs, a
 * small pool computes. Threads talk by messages only.
 *
 *	starting -> serving -> leaving -> draining -> stopped
 *
 * Serving begins (and the one line is printed) when every thread can
 * serve: /readyz then says 200. A key that the database has in use and the keyring has not keeps a
 * daemon starting, with /readyz telling which; it serves when the file arrives. SIGHUP looks at the
 * keyring now (every two seconds it is looked at anyway). SIGTERM or SIGINT end it. Leaving lasts
 * listen.drain_notice_ms (0: it is left out): /readyz says 503 and every answer
 * Connection: close, but everything is served, so that a proxy turns to other
 * daemons before it can meet a closed door. Then the file of a Unix socket goes,
 * who has connected is still taken, listening ends, and what is at work is
 * finished: 8 s at most. A second signal ends the notice, the next one the drain,
 * more of them the process.
 */
struct setup;

/* Opens what `setup` (read, not yet open) says, serves until told to stop, frees. The exit status. */
int daemon_run(struct setup *setup);

#endif
