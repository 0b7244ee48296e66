#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/buf.h"

/*
 * One connection: it reads, feeds the exchange, writes, and is in exactly one
 * state, which is the list it stands in. Each list is in the order of entry and
 * has one time limit, so a look at the first ones each second is all the timer
 * work there is; no byte that drips in moves a connection back.
 *
 * An idle connection is this struct alone. What did not fit through the socket
 * is in `pending`, made only when needed.
 */
enum conn_state {
	CONN_IDLE,               /* between requests */
	CONN_HEAD,               /* part of a head is here */
	CONN_BODY,               /* part of a body is here, or is being thrown away */
	CONN_WORK,               /* the application has the request */
	CONN_ANSWER,             /* the client is slow to read */
	CONN_LINGER,             /* everything is said; waiting for the client to close */
	CONN_STATE_COUNT
};

enum conn_watch { WATCH_NOTHING, WATCH_READ, WATCH_WRITE };

struct http_server;
struct http_exchange;
struct http_ready;

/* Bytes that wait: read but not yet parsed, and written but not yet taken. */
struct http_pending {
	struct buf         in;
	struct buf         out;          /* first this, from out_sent on */
	size_t             out_sent;
	struct http_ready *ready;        /* then this, of a ready answer */
	const char        *rest;
	size_t             rest_len;
};

struct http_conn {
	struct event           event;    /* reading or writing, never both */
	TAILQ_ENTRY(http_conn) entry;
	struct http_server    *server;
	struct http_exchange  *x;        /* the request at work, or NULL */
	struct http_pending   *pending;
	int64_t                since_us; /* in this state */
	int                    fd;       /* -1: fed by a program, see feed.h */
	uint32_t               discard;  /* bytes of an unwanted body still to come */
	uint8_t                state;
	uint8_t                watch;
	bool                   busy;     /* parsing: whoever calls now returns to that loop */
	bool                   more;     /* more requests are in the buffer being parsed */
	bool                   dead;     /* gone; freed as soon as nobody needs it */
	bool                   closing;  /* no further request; close when all is written */
	bool                   blocked;  /* the socket takes no more for now */
	bool                   fresh;    /* something was completed: time limits begin anew */
	unsigned char          family;   /* of the peer: AF_INET, AF_INET6 or AF_UNIX */
	unsigned char          address[16];
};

/* New, in the server's list of idle ones. NULL, and fd is closed, when the loop cannot watch one more. */
struct http_conn *http_conn_new(struct http_server *server, int fd, const struct sockaddr *peer);
/* At once, whatever it is doing. */
void http_conn_free(struct http_conn *c);
/* Gone for good; freed now or when the application has answered. */
void http_conn_close(struct http_conn *c);

/* Takes bytes from the client: parses, calls the application, answers. */
void http_conn_feed(struct http_conn *c, const char *bytes, size_t len);
/* Reads once and feeds. */
void http_conn_read(struct http_conn *c);
/* The client's time for this state is over. */
void http_conn_expire(struct http_conn *c);

/* Sends, or keeps what cannot be sent yet. The bytes are copied if kept. */
void http_conn_send(struct http_conn *c, const char *bytes, size_t len);
/* The same for the whole form of a ready answer, of which the first `head_len` bytes may change later. */
void http_conn_send_ready(struct http_conn *c, struct http_ready *ready, const char *bytes,
			  size_t head_len, size_t len);
/* The exchange has been answered and is gone: goes on with what waits. */
void http_conn_answered(struct http_conn *c);

/* request.c: takes some bytes of a request, at least one; returns how many. */
size_t http_request_take(struct http_conn *c, const char *bytes, size_t len);

#endif
