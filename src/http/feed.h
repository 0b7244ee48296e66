#ifndef HTTP_FEED_H
#define HTTP_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * A connection without a socket, for tests and fuzzing: bytes go in by a call,
 * answers are gathered in memory. The server may have listen_fd -1.
 */
struct http_conn;
struct http_feed;
struct http_server;

struct http_feed *http_feed_new(struct http_server *server);
void http_feed_free(struct http_feed *feed);
void http_feed_bytes(struct http_feed *feed, const char *bytes, size_t len);
/* All that was answered so far, NUL-terminated. */
const char *http_feed_output(const struct http_feed *feed, size_t *len);
/* The front has said its last on this connection. */
bool http_feed_closed(const struct http_feed *feed);

/* For connection.c alone: the socket's side. */
ssize_t http_feed_write(struct http_conn *conn, const char *bytes, size_t len);

#endif
