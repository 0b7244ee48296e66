#include <string.h>

#include "api/request.h"
#include "base/embedded.h"
#include "base/error.h"
#include "base/text.h"

/* The contract, a page to read it by, and a page for every kind of problem. */

extern const struct embedded_file embedded_pages[];

static void reply_file(struct request *r, const char *name, const char *content_type)
{
	const struct embedded_file *file = embedded_pages;
	char etag[64];

	while (!streq(file->name, name))
		file++;
	request_digest_etag(r, (const char *)file->bytes, file->size, etag);
	http_add_header(r->x, "Content-Security-Policy", "default-src 'self'; style-src 'self' 'unsafe-inline'");
	http_reply(r->x, &(struct http_reply){
		.status = 200,
		.content_type = content_type,
		.body = (const char *)file->bytes,
		.body_len = file->size,
		.etag = etag,
		.cache_control = "no-cache",
	});
}

static void index_start(struct request *r)
{
	reply_file(r, "index.html", "text/html; charset=utf-8");
}

static void openapi_start(struct request *r)
{
	reply_file(r, "openapi.json", "application/json");
}

static void docs_start(struct request *r)
{
	reply_file(r, "docs.html", "text/html; charset=utf-8");
}

static void docs_script_start(struct request *r)
{
	reply_file(r, "docs.js", "text/javascript; charset=utf-8");
}

static void write_problem_page(struct buf *buf, enum error_code code)
{
	buf_printf(buf,
		   "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
		   "<meta name=\"viewport\" content=\"width=device-width\"><title>%1$s</title>"
		   "<style>body{font:1.1rem/1.6 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem;"
		   "color:#222}h1{color:#a3122d}code{background:#f3eef0;padding:.1em .3em}</style>"
		   "<h1>%1$s</h1><p>%2$s</p><section lang=\"vi\"><h2>%3$s</h2><p>%4$s</p></section>"
		   "<p>HTTP status <code>%5$d</code>, type <code>/problems/%6$s</code></p></html>\n",
		   http_error_title(code, LANGUAGE_EN), http_error_advice(code, LANGUAGE_EN),
		   http_error_title(code, LANGUAGE_VI), http_error_advice(code, LANGUAGE_VI),
		   http_error_status(code), error_slug(code));
}

static void problem_start(struct request *r)
{
	const char *slug = request_param(r, "slug");
	struct buf *buf = api_scratch(r->api);
	struct error err;

	for (int code = ERR_NONE + 1; code < ERR_CONFIG; code++) {
		if (!streq(slug, error_slug((enum error_code)code)))
			continue;
		write_problem_page(buf, (enum error_code)code);
		http_reply(r->x, &(struct http_reply){
			.status = 200,
			.content_type = "text/html; charset=utf-8",
			.body = buf->data,
			.body_len = buf->len,
			.cache_control = "max-age=3600",
		});
		return;
	}
	error_clear(&err);
	error_set(&err, ERR_NOT_FOUND, "There is no such kind of problem.", "Không có loại lỗi này.");
	request_reply_error(r, &err);
}

const struct route page_routes[] = {
	{ HTTP_GET_, "/", AREA_OPEN, ACCESS_READ, index_start, 0, 0 },
	{ HTTP_GET_, "/openapi.json", AREA_OPEN, ACCESS_READ, openapi_start, 0, 0 },
	{ HTTP_GET_, "/docs", AREA_OPEN, ACCESS_READ, docs_start, 0, 0 },
	{ HTTP_GET_, "/docs.js", AREA_OPEN, ACCESS_READ, docs_script_start, 0, 0 },
	{ HTTP_GET_, "/problems/{slug}", AREA_OPEN, ACCESS_READ, problem_start, 0, 0 },
	{ 0 }
};
