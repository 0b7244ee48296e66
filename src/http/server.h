#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <event2/event_struct.h>
#include <sys/queue.h>
#include <sys/types.h>
#include <time.h>

#include "base/buf.h"
#include "http/address.h"
#include "http/connection.h"
#include "http/date_line.h"
#include "http/http.h"

enum { READ_BUFFER_SIZE = 64 * 1024 };

TAILQ_HEAD(http_conn_list, http_conn);

struct http_server {
	struct event_base    *base;
	struct http_app       app;
	void                 *owner;
	struct http_limits    limits;
	struct http_trust     trust;
	int                   listen_fd;         /* -1 once draining, or for http_feed */
	bool                  accepting;         /* the event is added */
	bool                  held;              /* not open yet */
	bool                  leaving;           /* notice was given: no connection is kept */
	bool                  draining;
	int64_t               drain_us;          /* monotonic: since when */
	struct event          accept_event, tick_event;
	/* Every connection is in the list of its state, the oldest entry first. */
	struct http_conn_list lists[CONN_STATE_COUNT];
	struct http_counters  counters;
	struct http_date      date;
	int64_t               now_us;            /* monotonic: of the latest event or answer */
	int64_t               warned_us;         /* when a lack of descriptors was last logged */
	struct http_exchange *spare;
	size_t                nspare;
	struct http_deflater *deflater;          /* made when first needed */
	struct buf            scratch;           /* one answer is built here at a time */
	char                  read_buffer[READ_BUFFER_SIZE];     /* shared: nothing stays in it */
};

/* Room for one more connection: accept again if it was paused. */
void http_server_resume_accept(struct http_server *server);

#endif
