#include "api/private.h"
#include "api/places.h"
#include "api/request.h"
#include "base/text.h"
#include "domain/report.h"
#include "domain/round.h"
#include "store/round_store.h"
#include "wire/round_wire.h"

/* What was reported of a round. Reading asks for the round first: a draft's reports are not public. */

struct report_op {
	struct request      *r;
	struct round_load    load;
	struct report_list   list;
	struct report_create create;
	const char          *made;       /* id of what an earlier call with the same key made */
};

static struct report_op *load_round(struct request *r, void (*done)(struct round_load *load))
{
	struct report_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	op->load.key = request_param(r, "id");
	op->load.arena = r->arena;
	op->load.done = done;
	round_load_send(api_store(r->api), &op->load);
	return op;
}

/* ---- GET ---- */

static void list_on_listed(struct report_list *list)
{
	struct report_op *op = container_of(list, struct report_op, list);
	struct json_out out;

	if (list->error.code != ERR_NONE) {
		request_reply_error(op->r, &list->error);
		return;
	}
	request_list_begin(op->r, &out);
	for (size_t i = 0; i < list->nreports; i++)
		report_write(&out, NULL, &list->reports[i]);
	request_list_reply(op->r, &out, NULL);          /* a round has a handful */
}

static void list_on_loaded(struct round_load *load)
{
	struct report_op *op = container_of(load, struct report_op, load);

	if (load->error.code != ERR_NONE) {
		request_reply_round_error(op->r, &load->error);
		return;
	}
	if (!request_sees_round(op->r, &load->round)) {
		request_reply_no_round(op->r);
		return;
	}
	op->list.round = load->round.id;
	op->list.arena = op->r->arena;
	op->list.done = list_on_listed;
	report_list_send(api_store(op->r->api), &op->list);
}

static void list_with_units(struct request *r)
{
	load_round(r, list_on_loaded);
}

static void list_start(struct request *r)
{
	request_with_units(r, list_with_units);
}

/* ---- POST ---- */

static void reply_report(struct request *r, const char *round_id, const struct report *report)
{
	struct buf *buf = api_scratch(r->api);
	struct json_out out = { .buf = buf };

	report_write(&out, NULL, report);
	http_add_header(r->x, "Location", arena_printf(r->arena, "/api/v1/rounds/%s/reports", round_id));
	request_reply_json(r, 201, buf, NULL);
}

/* An earlier call with this key made the report: it is looked up, since answers are not stored. */
static void create_on_replayed(struct report_list *list)
{
	struct report_op *op = container_of(list, struct report_op, list);

	if (list->error.code != ERR_NONE) {
		request_reply_unread(op->r, &list->error);
		return;
	}
	for (size_t i = 0; i < list->nreports; i++) {
		if (streq(list->reports[i].id, op->made)) {
			reply_report(op->r, op->load.round.id, &list->reports[i]);
			return;
		}
	}
	request_reply_no_round(op->r);
}

static void create_was_made(void *context, const char *id)
{
	struct report_op *op = context;

	op->made = arena_strdup(op->r->arena, id);
	op->list.round = op->load.round.id;
	op->list.arena = op->r->arena;
	op->list.done = create_on_replayed;
	report_list_send(api_store(op->r->api), &op->list);
}

static void refuse_create(struct report_op *op, const struct error *err)
{
	request_refuse_create(op->r, err, "report", create_was_made, op);
}

static void create_on_created(struct report_create *create)
{
	struct report_op *op = container_of(create, struct report_op, create);

	if (create->error.code != ERR_NONE)
		refuse_create(op, &create->error);
	else if (create->idempotency.replayed)
		create_was_made(op, create->idempotency.resource_id);
	else
		reply_report(op->r, create->round_id, &create->report);
}

/* A team speaks for itself, not for the press. */
static bool source_is_own(const struct request *r, const struct report *report, struct error *err)
{
	if (r->principal.role != ROLE_TEAM || report->source == REPORT_TEAM)
		return true;
	return error_add_field(err, "/source", "not_yours", "A team hands in its own figures: team.",
			       "Đội chỉ báo cáo số liệu của mình: team.");
}

static void create_on_loaded(struct round_load *load)
{
	struct report_op *op = container_of(load, struct report_op, load);
	const struct round *round = &load->round;
	struct request *r = op->r;
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	if (load->error.code != ERR_NONE) {
		request_reply_round_error(r, &load->error);
		return;
	}
	if (!request_sees_round(r, round)) {
		request_reply_no_round(r);
		return;
	}
	if (!request_may_write(r, round->units, round->nunits, round->from, round->team.id))
		return;
	error_clear(&err);
	if (!report_read(body, len, r->arena, &op->create.report, &err) ||
	    !report_check(&op->create.report, r->today, &err) ||
	    !report_fits(&op->create.report, round, r->today, &err) || !source_is_own(r, &op->create.report, &err)) {
		refuse_create(op, &err);
		return;
	}
	if (!request_idempotency(r, &op->create.idempotency))
		return;
	op->create.round_id = round->id;
	op->create.actor = r->actor;
	op->create.arena = r->arena;
	op->create.done = create_on_created;
	report_create_send(api_store(r->api), &op->create);
}

static void create_with_units(struct request *r)
{
	load_round(r, create_on_loaded);
}

static void create_start(struct request *r)
{
	request_with_units(r, create_with_units);
}

const struct route report_routes[] = {
	{ HTTP_GET_, "/api/v1/rounds/{id}/reports", AREA_ROUNDS, ACCESS_READ, list_start, ROUTE_CACHED, 0 },
	{ HTTP_POST_, "/api/v1/rounds/{id}/reports", AREA_REPORTS, ACCESS_WRITE, create_start, 0, 0 },
	{ 0 }
};
