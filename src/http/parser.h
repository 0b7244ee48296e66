#ifndef HTTP_PARSER_H
#define HTTP_PARSER_H

#include <stdbool.h>
#include <stddef.h>

#include "llhttp.h"

/*
 * llhttp, fed with bytes that have passed the gates. It names the fields,
 * frames the body and has the last word: what it refuses is refused.
 */
struct http_exchange;

void http_parser_begin(struct http_exchange *x);
/* The whole head at once, so that each name and value is one piece. */
bool http_parser_head(struct http_exchange *x, const char *head, size_t len);
/* Bytes of the body or of the trailers; data is appended to the exchange's body. */
bool http_parser_body(struct http_exchange *x, const char *bytes, size_t len);
/* The message has ended where llhttp says so too. */
bool http_parser_complete(const struct http_exchange *x);

#endif
