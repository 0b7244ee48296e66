#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "http/http.h"

struct buf;
struct http_conn;

/* The fields of a head that depend on the answer alone, without the empty line at the end. */
struct reply_head {
	int         status;
	const char *date;
	const char *content_type;        /* NULL: none */
	const char *etag;
	bool        gzipped;             /* the tag gets the suffix of the gzip form */
	const char *cache_control;
	bool        vary_encoding, vary_language;
	bool        has_length;
	size_t      length;
};
void http_write_head(struct buf *out, const struct reply_head *head);

/* Fields that depend on the connection: Connection, where it is not the default. */
void http_write_connection(struct buf *out, const struct http_exchange *x, bool keep);

/*
 * The answer is made: counts it, ends the exchange, and says where to send.
 * After sending, http_conn_answered() goes on.
 */
struct http_conn *http_exchange_answered(struct http_exchange *x, int status, bool keep);

#endif
