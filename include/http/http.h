#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * The HTTP/1.1 front of one worker: plain libevent events, llhttp in strict
 * mode as the parser, and the gates that llhttp leaves open (listed in
 * src/http/gate.c). It knows bytes, not rounds or donors.
 *
 * A connection has at most one exchange at a time: while a request is being
 * answered, nothing more is read from it. The application answers each
 * exchange exactly once, at once or later; the exchange and all memory from
 * http_alloc() are gone after that call. A client that went away is noticed by
 * the front alone: answering is always safe.
 */
struct event_base;
struct arena;
struct buf;
struct http_server;
struct http_exchange;

enum http_method {
	HTTP_GET_, HTTP_HEAD_, HTTP_POST_, HTTP_PUT_, HTTP_PATCH_, HTTP_DELETE_, HTTP_OPTIONS_,
	HTTP_METHOD_COUNT
};
const char *http_method_name(enum http_method method);

/* What the application gives the front. Called on the worker's loop. */
struct http_app {
	/*
	 * The head is complete and valid. Decides where the request goes, before a
	 * byte of its body is taken: sets http_set_body_max() or answers at once
	 * (404, 405, 401, 413 ...); the body of an answered request is drained or
	 * the connection closed.
	 */
	void (*on_head)(struct http_exchange *x, void *owner);
	/* The body is there too. Not called when on_head() answered. */
	void (*on_request)(struct http_exchange *x, void *owner);
	/* Whether errors of the front on this path are plain text instead of problem+json. */
	bool (*plain_errors)(const char *path, void *owner);
};

struct http_limits {
	size_t head_max;             /* 16 KiB: 431 */
	size_t target_max;           /* 8 KiB: 414 */
	size_t fields_max;           /* 100: 431 */
	size_t body_max;             /* 1 MiB: 413; on_head() may change it */
	int    head_seconds;         /* 10: 408, counted from the first byte of the request */
	int    body_seconds;         /* 30: 408 */
	int    idle_seconds;         /* 75, between requests */
	int    answer_seconds;       /* 30: how long a client may take to read an answer */
	size_t connections_max;      /* of this worker; accepting pauses there */
};
void http_limits_init(struct http_limits *limits);

struct http_counters {
	uint64_t accepted, closed, bytes_in, bytes_out;
	uint64_t requests;           /* with a valid head: those that the application saw */
	uint64_t rejected;           /* refused by the front: not valid, too large, too slow */
	uint64_t accept_paused;      /* times that no more connections could be taken */
	uint64_t status[6];          /* answers by class: [2] is 2xx */
	uint64_t seconds_count;      /* answers measured */
	uint64_t seconds_us;         /* sum of their times */
	uint64_t bucket[8];          /* each alone, not cumulative: <=1,5,10,50,100,500,1000 ms, more */
	size_t   open;               /* connections now */
};

/*
 * New; borrows base and owner. `listen_fd` is a bound, listening, non-blocking
 * socket that the server takes over (TCP or Unix); -1: none (see src/http/feed.h).
 * `trusted_proxy`: address (CIDR, or "unix") whose X-Forwarded-For is believed,
 * or NULL.
 */
struct http_server *http_server_new(struct event_base *base, int listen_fd,
				    const struct http_app *app, void *owner,
				    const struct http_limits *limits, const char *trusted_proxy);
/* Before the loop runs: accepts nobody until http_server_open(). Who connects waits in the kernel's queue. */
void http_server_hold(struct http_server *server);
void http_server_open(struct http_server *server);
/* Whether that is an address, a network or "unix" ("" is fine: no proxy). */
bool http_trusted_proxy_is_valid(const char *trusted_proxy);
/* The end is near: everything is served as before, but each answer carries Connection: close. */
void http_server_give_notice(struct http_server *server);
/*
 * Stops accepting (who has connected to a Unix socket is still taken; on TCP, who
 * has been accepted by the kernel in time) and closes idle connections; requests
 * at work are answered with Connection: close. A request that arrives slowly has
 * 2 more seconds for its head, 6 for its body, then 408.
 */
void http_server_drain(struct http_server *server);
bool http_server_drained(const struct http_server *server);      /* no connection is left */
/* Closes everything. An exchange that is not answered yet must not be touched afterwards. NULL is fine. */
void http_server_free(struct http_server *server);
const struct http_counters *http_server_counters(const struct http_server *server);

/*
 * Opens "HOST:PORT", "[::1]:PORT" or "unix:/path"; -1 and *err. Workers of one
 * process call it once each and share the address (SO_REUSEPORT; a Unix socket
 * is duplicated). An address where another process listens is refused, and the
 * socket file that a killed daemon left is replaced.
 */
int http_listen(const char *address, struct error *err);
/*
 * Takes away the file of a Unix socket that http_listen() made here; nothing
 * for TCP. To be called while still listening: as long as somebody listens, no
 * other daemon takes the path, so the file is certainly ours; afterwards the next
 * daemon may have it. Works once per http_listen(), further calls do nothing.
 */
void http_listen_remove(const char *address);
/* Whether the first http_listen() would work, before anything else is begun; opens nothing. */
bool http_can_listen(const char *address, struct error *err);

/* ---- the request; everything is borrowed from the exchange ---- */

enum http_method http_method(const struct http_exchange *x);
const char *http_path(const struct http_exchange *x);        /* percent-decoded, starts with '/' */
const char *http_target(const struct http_exchange *x);      /* raw origin form: path?query */
const char *http_raw_query(const struct http_exchange *x);   /* raw, without '?'; "" when none */
/* First value of a header, lower-case name; NULL. */
const char *http_header(const struct http_exchange *x, const char *name);
const char *http_body(const struct http_exchange *x, size_t *len);        /* NUL-terminated */
const char *http_request_id(const struct http_exchange *x);  /* UUIDv7, made here */
const char *http_client_address(const struct http_exchange *x);           /* text, behind the proxy too */
/*
 * The network of such an address: an IPv4 address as it is, of IPv6 the first 64 bits (a household has
 * them all), anything else ("unix") as it is.
 */
enum { HTTP_NETWORK_SIZE = 64 };
void http_network_of(const char *address, char out[HTTP_NETWORK_SIZE]);
/* Of the client: what is counted by address is counted by this, since who has one IPv6 address has 2^64 of them. */
const char *http_client_network(const struct http_exchange *x);
enum language http_language(const struct http_exchange *x);  /* by Accept-Language; English when unsaid */
int64_t http_started_us(const struct http_exchange *x);      /* monotonic */

void http_set_body_max(struct http_exchange *x, size_t max);

/* Memory that lives as long as the exchange; zeroed. */
void *http_alloc(struct http_exchange *x, size_t size);
struct arena *http_arena(struct http_exchange *x);

/* One slot for the application's own state of this request. */
void http_set_context(struct http_exchange *x, void *context);
void *http_context(const struct http_exchange *x);

/* Query string: fields in order, strictly percent-decoded ('+' is a blank), any byte allowed. */
struct http_param {
	const char *name;
	const char *value;
	size_t      value_len;           /* the value may hold NUL */
};
/* New array in the exchange's memory. False and *err when an escape is not valid. */
bool http_query(struct http_exchange *x, struct http_param **params, size_t *count, struct error *err);

/* ---- the answer; exactly one of these per exchange ---- */

/* Adds a header to the coming answer; copies both. */
void http_add_header(struct http_exchange *x, const char *name, const char *value);
/* One more member of the problem document, if the answer is that problem: a name and its JSON, both of the exchange's memory. */
void http_add_problem_member(struct http_exchange *x, enum error_code code, const char *name, const char *json);
/* Instead of keep-alive: close after this answer. */
void http_close_after(struct http_exchange *x);

struct http_reply {
	int         status;
	const char *content_type;        /* NULL: no body */
	const char *body;                /* copied */
	size_t      body_len;
	const char *etag;                /* quoted, or NULL; If-None-Match on GET or HEAD then gives 304 */
	const char *cache_control;       /* NULL: "no-store" */
	bool        vary_language;
};
/*
 * Compresses (gzip) bodies over 1 KiB where the client takes it. The gzip form
 * has a tag of its own ("v1-gzip"); in If-Match and If-None-Match the front
 * takes it for the one given here, so the application sees only "v1".
 */
void http_reply(struct http_exchange *x, const struct http_reply *reply);

/*
 * The problem document of RFC 9457 for *err, in the client's language: type
 * /problems/<slug>, title, status, detail (what happened), advice (what to do
 * about its code), errors[], request_id. On a path with plain errors: the detail as text.
 * 503, 429 and 409-running carry Retry-After (`retry_after` seconds, 0: the
 * default of 1); 401 carries WWW-Authenticate; ERR_UNKNOWN_OUTCOME closes the
 * connection. Fields given by http_add_header() come first.
 */
void http_reply_error(struct http_exchange *x, const struct error *err);
void http_reply_error_after(struct http_exchange *x, const struct error *err, int retry_after);
int http_error_status(enum error_code code);
const char *http_error_title(enum error_code code, enum language language);
/* What to do next, for the page /problems/<slug>. */
const char *http_error_advice(enum error_code code, enum language language);

/*
 * A whole answer kept ready: head, body, gzip form and 304, made once and sent
 * many times with one copy. Reference counted within one thread. It has no
 * Request-Id and does not vary by language.
 */
struct http_ready;
struct http_ready *http_ready_new(const char *content_type, const char *etag,
				  const char *cache_control, const char *body, size_t body_len);
struct http_ready *http_ready_ref(struct http_ready *ready);
void http_ready_unref(struct http_ready *ready);             /* NULL is fine */
size_t http_ready_size(const struct http_ready *ready);      /* memory it takes */
void http_reply_ready(struct http_exchange *x, struct http_ready *ready);

#endif
