#ifndef HTTP_ROUTER_H
#define HTTP_ROUTER_H

#include <stdbool.h>
#include <stddef.h>

#include "http/http.h"

/*
 * Finds the route of a path. Patterns are literal segments and {name}
 * segments: "/api/v1/rounds/{id}/reports"; a literal beats a {name}. A {name}
 * takes one segment, never an empty one; "{name}.ics" one that ends so, without
 * that end, and the longest end that fits wins. Where a literal leads to no route at all, {name} gets its turn.
 * Built once, then read-only, so threads may share it.
 */
struct http_router;

enum { ROUTE_MAX_PARAMS = 4 };

struct http_match {
	int         route;                       /* the number given to http_router_add(), or -1 */
	unsigned    allowed;                     /* bit per http_method of this path, HEAD with GET; 0: no such path */
	size_t      nparams;
	struct {
		const char *name;
		char        value[128];          /* percent-decoded; longer ones match nothing */
	} params[ROUTE_MAX_PARAMS];
};

struct http_router *http_router_new(void);
void http_router_free(struct http_router *router);
void http_router_add(struct http_router *router, enum http_method method, const char *pattern, int route);
/* Matches path and method. HEAD falls back to GET's route. */
void http_router_match(const struct http_router *router, enum http_method method, const char *path,
		       struct http_match *match);
const char *http_match_param(const struct http_match *match, const char *name);
/* The Allow field of a set of methods: "GET, HEAD, OPTIONS". HEAD goes with GET, OPTIONS with any. */
void http_allow_text(unsigned allowed, char out[64]);

#endif
