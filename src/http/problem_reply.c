#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/json_out.h"
#include "base/log.h"
#include "http/connection.h"
#include "http/exchange.h"
#include "http/server.h"

/* The answer to a struct error: a problem document, or a short text where a program shows it to people. */

/* The path as far as it is known: a request may be refused before its line has been checked. */
static const char *path_so_far(struct http_exchange *x)
{
	const char *start, *blank;

	if (x->path.len > 0)
		return x->path.data;
	blank = x->head.len > 0 ? memchr(x->head.data, ' ', x->head.len) : NULL;
	if (!blank)
		return "";
	start = blank + 1;
	return arena_strndup(&x->arena, start, strcspn(start, "? \r\n"));
}

static bool wants_plain(struct http_exchange *x)
{
	const struct http_server *server = x->conn->server;

	return server->app.plain_errors && server->app.plain_errors(path_so_far(x), server->owner);
}

static void write_fields(struct json_out *out, const struct error *err, enum language language)
{
	if (err->nfields == 0)
		return;
	jout_array(out, "errors");
	for (size_t i = 0; i < err->nfields; i++) {
		const struct error_field *field = &err->fields[i];

		jout_object(out, NULL);
		jout_text(out, "pointer", field->pointer);
		jout_text(out, "code", field->code);
		jout_text(out, "detail", field->detail[language]);
		jout_end(out);
	}
	jout_end(out);
}

static void write_problem(struct buf *body, struct http_exchange *x, const struct error *err)
{
	struct json_out out = { .buf = body };
	enum language language = http_language(x);

	jout_object(&out, NULL);
	jout_text(&out, "type", arena_printf(&x->arena, "/problems/%s", error_slug(err->code)));
	jout_text(&out, "title", http_error_title(err->code, language));
	jout_int(&out, "status", http_error_status(err->code));
	jout_text(&out, "detail", *err->detail[language] ? err->detail[language] : http_error_title(err->code, language));
	jout_text(&out, "advice", http_error_advice(err->code, language));
	write_fields(&out, err, language);
	if (*err->id)
		jout_text(&out, "id", err->id);
	if (x->problem_name && x->problem_code == err->code)
		jout_raw(&out, x->problem_name, x->problem_json);
	jout_text(&out, "request_id", http_request_id(x));
	jout_end(&out);
}

void http_add_problem_member(struct http_exchange *x, enum error_code code, const char *name, const char *json)
{
	x->problem_code = code;
	x->problem_name = name;
	x->problem_json = json;
}

static void write_plain(struct buf *body, struct http_exchange *x, const struct error *err)
{
	enum language language = http_language(x);
	const char *detail = err->detail[language];

	buf_append_text(body, *detail ? detail : http_error_title(err->code, language));
	buf_append_char(body, '\n');
}

static bool may_be_retried(enum error_code code)
{
	return http_error_status(code) == 503 || code == ERR_TOO_MANY_REQUESTS || code == ERR_IDEMPOTENCY_RUNNING;
}

static bool has_header(const struct http_exchange *x, const char *name)
{
	const char *line = x->headers.len > 0 ? x->headers.data : NULL;
	size_t len = strlen(name);

	while (line && *line) {
		if (strncasecmp(line, name, len) == 0 && line[len] == ':')
			return true;
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return false;
}

static void add_fields(struct http_exchange *x, enum error_code code, int retry_after)
{
	char seconds[16];

	if (may_be_retried(code) && !has_header(x, "Retry-After")) {
		snprintf(seconds, sizeof(seconds), "%d", retry_after > 0 ? retry_after : 1);
		http_add_header(x, "Retry-After", seconds);
	}
	if (http_error_status(code) == 401 && !has_header(x, "WWW-Authenticate"))
		http_add_header(x, "WWW-Authenticate", "Bearer realm=\"giothong\"");
	/* The client must not take later answers for the one it did not get. */
	if (code == ERR_UNKNOWN_OUTCOME)
		http_close_after(x);
}

/* What an operator must look at; overload and refusals are counted instead. */
static void log_failure(const struct http_exchange *x, enum error_code code)
{
	if (code == ERR_INTERNAL || code == ERR_UNKNOWN_OUTCOME || code == ERR_NONE)
		log_error("request_failed", "request=%s method=%s problem=%s", http_request_id(x),
			  http_method_name(http_method(x)), error_slug(code));
}

void http_reply_error_after(struct http_exchange *x, const struct error *err, int retry_after)
{
	struct http_reply reply = { .status = http_error_status(err->code), .vary_language = true };
	struct buf body = { 0 };

	if (wants_plain(x)) {
		write_plain(&body, x, err);
		reply.content_type = "text/plain; charset=utf-8";
	} else {
		write_problem(&body, x, err);
		reply.content_type = "application/problem+json";
	}
	add_fields(x, err->code, retry_after);
	log_failure(x, err->code);
	reply.body = body.data;
	reply.body_len = body.len;
	http_reply(x, &reply);
	buf_release(&body);
}

void http_reply_error(struct http_exchange *x, const struct error *err)
{
	http_reply_error_after(x, err, 0);
}
