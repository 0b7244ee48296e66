#include "api/params.h"
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

/* Who may give blood and by which words: of all alike, and nobody's facts. It changes with the settings alone. */
static void rules_start(struct request *r)
{
	struct buf *buf = api_scratch(r->api);
	struct json_out out = { .buf = buf };
	struct params params;
	struct error err;

	if (!params_init(&params, r, &err) || !params_finish(&params)) {
		request_reply_error(r, &err);
		return;
	}
	eligibility_rules_write(&out, NULL, r->api->daemon->rules);
	request_reply_json(r, 200, buf, NULL);
}

const struct route eligibility_routes[] = {
	{ HTTP_GET_, "/api/v1/eligibility/rules", AREA_ELIGIBILITY, ACCESS_READ, rules_start, ROUTE_CACHED, 0 },
	{ HTTP_POST_, "/api/v1/eligibility/check", AREA_ELIGIBILITY, ACCESS_READ, check_start, 0, BODY_MAX },
	{ 0 }
};
