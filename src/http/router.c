#include "http/router.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/* A tree of segments. A node where a pattern ends knows the route of each method. */
struct node {
	struct node *next;               /* beside it */
	struct node *literals;           /* below it */
	struct node *any;                /* below it: {name}s, those with the longest end first */
	char        *segment;            /* of {name}.ics: what follows the name, ".ics" */
	unsigned     methods;            /* bits; 0: no pattern ends here */
	int          routes[HTTP_METHOD_COUNT];
	char        *names[HTTP_METHOD_COUNT][ROUTE_MAX_PARAMS];
};

struct http_router {
	struct node root;
};

struct http_router *http_router_new(void)
{
	return xcalloc(1, sizeof(struct http_router));
}

/* What is below a node and beside it, but not the node. */
static void node_release(struct node *node)
{
	while (node->literals) {
		struct node *child = node->literals;

		node->literals = child->next;
		node_release(child);
		free(child);
	}
	while (node->any) {
		struct node *child = node->any;

		node->any = child->next;
		node_release(child);
		free(child);
	}
	free(node->segment);
	for (int m = 0; m < HTTP_METHOD_COUNT; m++)
		for (int i = 0; i < ROUTE_MAX_PARAMS; i++)
			free(node->names[m][i]);
}

void http_router_free(struct http_router *router)
{
	if (!router)
		return;
	node_release(&router->root);
	free(router);
}

static char *copy_text(const char *text, size_t len)
{
	char *copy = xmalloc(len + 1);

	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

static struct node *find_literal(const struct node *node, const char *segment, size_t len)
{
	for (struct node *child = node->literals; child; child = child->next)
		if (strncmp(child->segment, segment, len) == 0 && child->segment[len] == '\0')
			return child;
	return NULL;
}

static void wrong_pattern(const char *pattern)
{
	fprintf(stderr, "route pattern %s: given twice, or too many {names}\n",
		pattern);
	abort();
}

static struct node *add_any(struct node *node, const char *segment, size_t len)
{
	size_t name = strcspn(segment, "}") + 1, end = len - name;
	struct node **at = &node->any, *child;

	while (*at && strlen((*at)->segment) > end)
		at = &(*at)->next;
	for (child = *at; child && strlen(child->segment) == end; child = child->next)
		if (memcmp(child->segment, segment + name, end) == 0)
			return child;
	child = xcalloc(1, sizeof(*child));
	child->segment = copy_text(segment + name, end);
	child->next = *at;
	*at = child;
	return child;
}

static struct node *add_child(struct node *node, const char *segment, size_t len)
{
	struct node *child;

	if (segment[0] == '{')
		return add_any(node, segment, len);
	child = find_literal(node, segment, len);
	if (child)
		return child;
	child = xcalloc(1, sizeof(*child));
	child->segment = copy_text(segment, len);
	child->next = node->literals;
	node->literals = child;
	return child;
}

void http_router_add(struct http_router *router, enum http_method method, const char *pattern, int route)
{
	struct node *node = &router->root;
	const char *names[ROUTE_MAX_PARAMS];
	size_t count = 0;

	for (const char *p = pattern + (*pattern == '/'); *p;) {
		size_t len = strcspn(p, "/");

		node = add_child(node, p, len);
		if (*p == '{') {
			if (count == ROUTE_MAX_PARAMS)
				wrong_pattern(pattern);
			names[count++] = p;
		}
		p += len;
		p += *p == '/';
	}
	if (node->methods & (1u << method))
		wrong_pattern(pattern);
	node->methods |= 1u << method;
	node->routes[method] = route;
	for (size_t i = 0; i < count; i++)
		node->names[method][i] = copy_text(names[i] + 1, strcspn(names[i] + 1, "}"));
}

/* How much of a segment a {name} takes; 0: it does not match. */
static size_t taken_by_name(const struct node *any, const char *segment, size_t len)
{
	size_t suffix = strlen(any->segment);

	return len > suffix && memcmp(segment + len - suffix, any->segment, suffix) == 0 ? len - suffix : 0;
}

static const struct node *walk(const struct node *node, const char *path, struct http_match *match);

/* The same where a {name} takes the first segment. */
static const struct node *walk_name(const struct node *any, const char *path, size_t len, struct http_match *match)
{
	const char *rest = path + len + (path[len] == '/');
	size_t taken = taken_by_name(any, path, len);
	const struct node *found;

	if (taken == 0 || taken >= sizeof(match->params[0].value) || match->nparams == ROUTE_MAX_PARAMS)
		return NULL;
	memcpy(match->params[match->nparams].value, path, taken);
	match->params[match->nparams].value[taken] = '\0';
	match->nparams++;
	found = path[len] == '\0' ? any : walk(any, rest, match);
	if (found && found->methods)
		return found;
	match->nparams--;
	return NULL;
}

/*
 * The node where a path ends, or NULL. A literal is tried first; where it
 * leads nowhere, {name} gets its turn. The segments that {name}s took are in
 * the match.
 */
static const struct node *walk(const struct node *node, const char *path, struct http_match *match)
{
	size_t len = strcspn(path, "/");
	const char *rest = path + len + (path[len] == '/');
	bool last = path[len] == '\0';
	const struct node *found = NULL;
	struct node *child;

	child = find_literal(node, path, len);
	if (len > 0 && child)
		found = last ? child : walk(child, rest, match);
	if (found && found->methods)
		return found;
	found = NULL;
	for (child = node->any; child && !found; child = child->next)
		found = walk_name(child, path, len, match);
	return found;
}

static unsigned with_head(unsigned methods)
{
	return methods & (1u << HTTP_GET_) ? methods | 1u << HTTP_HEAD_ : methods;
}

void http_router_match(const struct http_router *router, enum http_method method, const char *path,
		       struct http_match *match)
{
	const struct node *node = &router->root;

	match->route = -1;
	match->allowed = 0;
	match->nparams = 0;
	if (path[0] != '/')
		return;
	if (path[1] != '\0')
		node = walk(node, path + 1, match);
	if (!node || !node->methods)
		return;
	match->allowed = with_head(node->methods);
	if (method == HTTP_HEAD_ && !(node->methods & (1u << HTTP_HEAD_)))
		method = HTTP_GET_;
	if (!(node->methods & (1u << method)))
		return;
	match->route = node->routes[method];
	for (size_t i = 0; i < match->nparams; i++)
		match->params[i].name = node->names[method][i];
}

const char *http_match_param(const struct http_match *match, const char *name)
{
	for (size_t i = 0; match->route >= 0 && i < match->nparams; i++)
		if (streq(match->params[i].name, name))
			return match->params[i].value;
	return NULL;
}

void http_allow_text(unsigned allowed, char out[64])
{
	size_t len = 0;

	out[0] = '\0';
	if (allowed)
		allowed = with_head(allowed) | 1u << HTTP_OPTIONS_;
	for (int m = 0; m < HTTP_METHOD_COUNT; m++)
		if (allowed & (1u << m))
			len += (size_t)snprintf(out + len, 64 - len, "%s%s", len ? ", " : "",
						http_method_name((enum http_method)m));
}
