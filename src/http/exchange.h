#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/memory.h"
#include "base/uuid.h"
#include "http/chunk.h"
#include "http/gate.h"
#include "http/http.h"
#include "http/parser.h"

/*
 * One request and its answer. An exchange exists from the first byte of a
 * request to the call that answers it; an idle connection has none. The
 * server keeps a few spare ones with their buffers.
 */
enum exchange_phase {
	PHASE_HEAD,              /* reading the head */
	PHASE_BODY,              /* reading a body of known length, or chunks */
	PHASE_TRAILERS,          /* after the last chunk */
	PHASE_WORK               /* with the application; nothing is read meanwhile */
};

/* The tag of a gzip form is that of the plain one with this inside the closing quote. */
#define HTTP_GZIP_TAG_SUFFIX "-gzip"

struct http_field {
	char    *name;           /* into the head; NUL-terminated and lower-case once the head is checked */
	char    *value;
	uint32_t name_len, value_len;
};

/* Fields that the front itself looks at. */
enum known_field {
	FIELD_HOST, FIELD_CONTENT_LENGTH, FIELD_TRANSFER_ENCODING, FIELD_EXPECT, FIELD_ACCEPT_ENCODING,
	FIELD_IF_NONE_MATCH, FIELD_IF_MATCH, FIELD_ACCEPT_LANGUAGE,
	KNOWN_FIELD_COUNT
};

struct http_exchange {
	/* cleared for each request */
	struct http_conn   *conn;
	enum exchange_phase phase;
	enum http_method    method;
	bool                line_checked;        /* the request line is valid; path is set */
	bool                version_10;
	bool                keep_alive;          /* as the client asked */
	bool                close_after;
	bool                has_body;
	bool                expects_continue;
	bool                message_complete;    /* says llhttp */
	int8_t              language;            /* 0: not looked at yet, else language + 1 */
	size_t              nfields;
	const char         *known[KNOWN_FIELD_COUNT];
	uint8_t             known_count[KNOWN_FIELD_COUNT];
	uint32_t            target_at, target_len;       /* of the request line, in the head */
	const char         *target, *query;
	uint64_t            content_length;
	size_t              body_max;
	int64_t             started_us;
	void               *context;
	const char         *client_address;
	const char         *problem_name, *problem_json;  /* one more member of a problem document; NULL: none */
	enum error_code     problem_code;                 /* of this problem */
	struct http_gate    gate;
	struct http_chunk   chunk;
	llhttp_t            parser;
	char                request_id[UUID_TEXT_SIZE];

	/* kept with a spare exchange */
	struct arena          arena;             /* empty when spare */
	struct buf            head, path, body, trailers, headers;
	struct http_field    *fields;
	size_t                fields_cap;
	struct http_exchange *next;
};

struct http_exchange *http_exchange_begin(struct http_conn *conn, int64_t now_us);
/* Gives the exchange back to the server's spare ones. */
void http_exchange_end(struct http_exchange *x);
void http_exchange_free(struct http_exchange *x);

/* Whether the connection may stay open after the answer. */
bool http_exchange_keeps_open(const struct http_exchange *x);
/* Body bytes that the client still sends though the answer is already known. */
size_t http_exchange_unread(const struct http_exchange *x);

/* The request line has ended: method, target, version. False when refused (then it is answered). */
bool http_check_request_line(struct http_exchange *x);
/* The head has ended and llhttp has read it: names the fields and checks them. */
bool http_check_fields(struct http_exchange *x);
/* An authority (host with an optional port), of Host or of an absolute target. */
bool http_valid_authority(const char *text, size_t len);

/* Refuses the request, with this text: the answer closes the connection. Always false. */
bool http_refuse(struct http_exchange *x, enum error_code code, const char *en, const char *vi);

#endif
