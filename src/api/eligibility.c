#include "api/private.h"
#include "api/request.h"
#include "wire/eligibility_wire.h"

/*
 * May somebody give blood? The facts come with the question and go with the
 * answer: nothing of them is stored, logged or audited, and no database is asked.
 */
enum { BODY_MAX = 64 * 1024 };

static void check_start(struct request *r)
{
	const struct eligibility_rules *rules = r->api->daemon->rules;
	enum language language = http_language(r->x);
	struct buf *buf = api_scratch(r->api);
	struct json_out out = { .buf = buf };
	struct eligibility_facts facts;
	struct verdict verdict;
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	error_clear(&err);
	if (!eligibility_facts_read(body, len, rules, r->arena, &facts, &err)) {
		request_reply_error(r, &err);
		return;
	}
	eligibility_check(rules, &facts, r->arena, &verdict);
	verdict_write(&out, NULL, &verdict, language);
	http_reply(r->x, &(struct http_reply){
		.status = 200,
		.content_type = "application/json",
		.body = buf->data,
		.body_len = buf->len,
		.cache_control = "no-store",
		.vary_language = true,
	});
}

const struct route eligibility_routes[] = {
	{ HTTP_POST_, "/api/v1/eligibility/check", AREA_ELIGIBILITY, ACCESS_READ, check_start, 0, BODY_MAX },
	{ 0 }
};
