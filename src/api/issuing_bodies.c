#include "api/private.h"
#include "api/request.h"
#include "base/error.h"
#include "store/certificate_store.h"
#include "wire/certificate_wire.h"

#include <stdio.h>

/* Who issues certificates, and under which name from which day on. */

struct body_op {
	struct request           *r;
	struct issuing_body_list  list;
	struct issuing_body_enter enter;
};

static void body_write(struct json_out *out, const struct issuing_body *body)
{
	jout_object(out, NULL);
	jout_text(out, "code", body->code);
	jout_date(out, "valid_from", body->valid_from);
	jout_text(out, "name", body->name);
	jout_text(out, "place", body->place);
	jout_text(out, "signer", body->signer);
	jout_end(out);
}

static void list_on_listed(struct issuing_body_list *list)
{
	struct body_op *op = container_of(list, struct body_op, list);
	struct json_out out;

	if (list->error.code != ERR_NONE) {
		request_reply_error(op->r, &list->error);
		return;
	}
	request_list_begin(op->r, &out);
	for (size_t i = 0; i < list->nitems; i++)
		body_write(&out, &list->items[i]);
	request_list_reply(op->r, &out, NULL);           /* a province has a handful */
}

static void list_start(struct request *r)
{
	struct body_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	op->list.arena = r->arena;
	op->list.done = list_on_listed;
	issuing_body_list_send(api_store(r->api), &op->list);
}

static void reply_entered(void *context, const char *id)
{
	struct body_op *op = context;
	struct request *r = op->r;
	struct json_out out = { .buf = api_scratch(r->api) };

	(void)id;
	body_write(&out, &op->enter.body);
	http_add_header(r->x, "Location", "/api/v1/issuing-bodies");
	request_reply_json(r, 201, out.buf, NULL);
}

static void enter_on_entered(struct issuing_body_enter *enter)
{
	struct body_op *op = container_of(enter, struct body_op, enter);

	if (enter->error.code != ERR_NONE)
		request_refuse_create(op->r, &enter->error, "issuing_body", reply_entered, op);
	else
		reply_entered(op, enter->body.code);
}

static void enter_start(struct request *r)
{
	struct body_op *op = http_alloc(r->x, sizeof(*op));
	struct issuing_body_body said;
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	op->r = r;
	error_clear(&err);
	if (!issuing_body_read(body, len, r->today, r->arena, &said, &err)) {
		request_reply_error(r, &err);
		return;
	}
	if (!request_idempotency(r, &op->enter.idempotency))
		return;
	op->enter.body = (struct issuing_body){ .valid_from = said.valid_from, .name = said.name, .place = said.place,
						.signer = said.signer };
	snprintf(op->enter.body.code, sizeof(op->enter.body.code), "%s", said.code);
	op->enter.actor = r->actor;
	op->enter.arena = r->arena;
	op->enter.done = enter_on_entered;
	issuing_body_enter_send(api_store(r->api), &op->enter);
}

const struct route issuing_body_routes[] = {
	{ HTTP_GET_, "/api/v1/issuing-bodies", AREA_ISSUING_BODIES, ACCESS_READ, list_start, 0, 0 },
	{ HTTP_POST_, "/api/v1/issuing-bodies", AREA_ISSUING_BODIES, ACCESS_WRITE, enter_start, 0, 0 },
	{ 0 }
};
