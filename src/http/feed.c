#include "http/feed.h"

#include <event2/event.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "http/connection.h"
#include "http/server.h"

struct http_feed {
	struct http_conn *conn;
	struct buf        output;
};

static void never_called(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

/* Where a connection without a socket keeps its feed: the unused event's argument. */
static void attach(struct http_feed *feed)
{
	event_assign(&feed->conn->event, feed->conn->server->base, -1, 0, never_called, feed);
}

struct http_feed *http_feed_new(struct http_server *server)
{
	struct http_feed *feed = xcalloc(1, sizeof(*feed));

	server->now_us = clock_mono_us();
	feed->conn = http_conn_new(server, -1, NULL);
	attach(feed);
	return feed;
}

void http_feed_free(struct http_feed *feed)
{
	http_conn_free(feed->conn);
	buf_release(&feed->output);
	free(feed);
}

void http_feed_bytes(struct http_feed *feed, const char *bytes, size_t len)
{
	feed->conn->server->now_us = clock_mono_us();
	if (!feed->conn->dead)
		http_conn_feed(feed->conn, bytes, len);
}

const char *http_feed_output(const struct http_feed *feed, size_t *len)
{
	*len = feed->output.len;
	return feed->output.data ? feed->output.data : "";
}

bool http_feed_closed(const struct http_feed *feed)
{
	return feed->conn->dead;
}

ssize_t http_feed_write(struct http_conn *conn, const char *bytes, size_t len)
{
	struct http_feed *feed = event_get_callback_arg(&conn->event);

	buf_append(&feed->output, bytes, len);
	return (ssize_t)len;
}
