#include <string.h>

#include "api/request.h"
#include "base/embedded.h"
#include "base/error.h"
#include "base/text.h"

/* The contract, a page to read it by, and a page for every kind of problem. */

extern const struct embedded_file embedded_pages[];

static void reply_bytes(struct request *r, const char *content_type, const char *bytes, size_t len)
{
	char etag[64];

	request_digest_etag(r, bytes, len, etag);
	http_reply(r->x, &(struct http_reply){
		.status = 200,
		.content_type = content_type,
		.body = bytes,
		.body_len = len,
		.etag = etag,
		.cache_control = "no-cache",
	});
}

/*
 * The only way for HTML to leave. A page loads its style from here and what `more` (directives, each after "; ")
 * allows; it holds no script or style of its own, so markup that slipped into one would do nothing. It is shown in
 * nobody's frame, and no other site learns from where it was left.
 */
static void reply_html(struct request *r, const char *more, const char *html, size_t len)
{
	http_add_header(r->x, "Content-Security-Policy",
			arena_printf(r->arena, "default-src 'none'; style-src 'self'%s; object-src 'none'; base-uri 'none'; "
				     "form-action 'none'; frame-ancestors 'none'", more));
	http_add_header(r->x, "X-Frame-Options", "DENY");
	http_add_header(r->x, "Referrer-Policy", "no-referrer");
	reply_bytes(r, "text/html; charset=utf-8", html, len);
}

static const struct embedded_file *file_named(const char *name)
{
	const struct embedded_file *file = embedded_pages;

	while (!streq(file->name, name))
		file++;
	return file;
}

static void reply_file(struct request *r, const char *name, const char *content_type)
{
	const struct embedded_file *file = file_named(name);

	reply_bytes(r, content_type, (const char *)file->bytes, file->size);
}

static void reply_page(struct request *r, const char *name, const char *more)
{
	const struct embedded_file *file = file_named(name);

	reply_html(r, more, (const char *)file->bytes, file->size);
}

static void index_start(struct request *r)
{
	reply_page(r, "index.html", "");
}

static void openapi_start(struct request *r)
{
	reply_file(r, "openapi.json", "application/json");
}

static void docs_start(struct request *r)
{
	reply_page(r, "docs.html", "; script-src 'self'; connect-src 'self'");
}

static void docs_script_start(struct request *r)
{
	reply_file(r, "docs.js", "text/javascript; charset=utf-8");
}

static void docs_style_start(struct request *r)
{
	reply_file(r, "docs.css", "text/css; charset=utf-8");
}

static void pages_style_start(struct request *r)
{
	reply_file(r, "pages.css", "text/css; charset=utf-8");
}

static void write_problem_page(struct buf *buf, enum error_code code)
{
	buf_printf(buf,
		   "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
		   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
		   "<meta name=\"color-scheme\" content=\"light dark\"><title>%1$s</title>"
		   "<link rel=\"stylesheet\" href=\"/pages.css\">"
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
		reply_html(r, "", buf->data, buf->len);
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
	{ HTTP_GET_, "/docs.css", AREA_OPEN, ACCESS_READ, docs_style_start, 0, 0 },
	{ HTTP_GET_, "/docs.js", AREA_OPEN, ACCESS_READ, docs_script_start, 0, 0 },
	{ HTTP_GET_, "/pages.css", AREA_OPEN, ACCESS_READ, pages_style_start, 0, 0 },
	{ HTTP_GET_, "/problems/{slug}", AREA_OPEN, ACCESS_READ, problem_start, 0, 0 },
	{ 0 }
};
