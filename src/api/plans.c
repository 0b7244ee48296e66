#include <string.h>

#include "api/params.h"
#include "api/places.h"
#include "api/plan_import.h"
#include "api/private.h"
#include "api/request.h"
#include "base/text.h"
#include "domain/catalog_names.h"
#include "domain/plan.h"
#include "store/catalog_store.h"
#include "store/plan_store.h"
#include "store/round_store.h"
#include "wire/plan_wire.h"
#include "wire/round_wire.h"

/* Plans: the list, one, a new one, a file, and a draft round in one. */

/* ---- GET /plans ---- */

struct list_op {
	struct request  *r;
	struct plan_list list;
};

static void list_on_loaded(struct plan_list *list)
{
	struct list_op *op = container_of(list, struct list_op, list);
	struct json_out out;

	if (list->error.code != ERR_NONE) {
		request_reply_error(op->r, &list->error);
		return;
	}
	request_list_begin(op->r, &out);
	for (size_t i = 0; i < list->nplans; i++)
		plan_write(&out, NULL, &list->plans[i], false);
	request_list_reply(op->r, &out, list->more ? list->plans[list->nplans - 1].id : NULL);
}

static void list_with_units(struct request *r)
{
	struct list_op *op = http_alloc(r->x, sizeof(*op));
	struct params params;
	struct error err;

	op->r = r;
	if (params_init(&params, r, &err)) {
		op->list.limit = params_limit(&params);
		params_cursor(&params, op->list.after);
		params_finish(&params);
	}
	if (err.code != ERR_NONE) {
		request_reply_error(r, &err);
		return;
	}
	op->list.drafts = *request_sight(r);
	op->list.arena = r->arena;
	op->list.done = list_on_loaded;
	plan_list_send(api_store(r->api), &op->list);
}

static void list_start(struct request *r)
{
	request_with_units(r, list_with_units);
}

/* ---- GET /plans/{id} ---- */

struct get_op {
	struct request  *r;
	struct plan_load load;
	int              status;         /* 200, or 201 after a POST */
};

static void drop_drafts(struct request *r, struct plan *plan)
{
	size_t kept = 0;

	for (size_t i = 0; i < plan->nrounds; i++)
		if (request_sees_round(r, &plan->rounds[i]))
			plan->rounds[kept++] = plan->rounds[i];
	plan->nrounds = kept;
}

static void get_on_loaded(struct plan_load *load)
{
	struct get_op *op = container_of(load, struct get_op, load);
	struct request *r = op->r;

	if (load->error.code != ERR_NONE && op->status == 201) {
		request_reply_unread(r, &load->error);
		return;
	}
	if (load->error.code != ERR_NONE) {
		request_reply_error(r, &load->error);
		return;
	}
	drop_drafts(r, &load->plan);

	struct buf *buf = api_scratch(r->api);
	struct json_out out = { .buf = buf };

	plan_write(&out, NULL, &load->plan, true);
	if (op->status == 201)
		request_reply_created(r, buf, "plans", load->plan.id, load->plan.version);
	else
		request_reply_versioned(r, 200, buf, load->plan.version);
}

static void load_plan(struct request *r, const char *key, int status)
{
	struct get_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	op->status = status;
	op->load.key = key;
	op->load.arena = r->arena;
	op->load.done = get_on_loaded;
	plan_load_send(api_store(r->api), &op->load);
}

static void get_with_units(struct request *r)
{
	load_plan(r, request_param(r, "id"), 200);
}

static void get_start(struct request *r)
{
	request_with_units(r, get_with_units);
}

/* ---- POST /plans ---- */

struct create_op {
	struct request   *r;
	struct plan       plan;
	struct plan_diff  diff;
	struct catalog_resolve names;    /* 1: the campaigns that the body names */
	struct plan_apply apply;         /* 2 */
};

/* A plan is the whole province's: a scope on some units does not reach so far. */
static bool may_write_plan(struct request *r)
{
	return request_may_write(r, NULL, 0, r->today, NULL);
}

static void create_was_made(void *context, const char *id)
{
	struct create_op *op = context;

	load_plan(op->r, arena_strdup(op->r->arena, id), 201);
}

static void refuse_create(struct create_op *op, const struct error *err)
{
	request_refuse_create(op->r, err, "plan", create_was_made, op);
}

static void create_on_applied(struct plan_apply *apply)
{
	struct create_op *op = container_of(apply, struct create_op, apply);

	if (apply->error.code != ERR_NONE)
		refuse_create(op, &apply->error);
	else
		load_plan(op->r, apply->idempotency.replayed ? apply->idempotency.resource_id : apply->plan_id, 201);
}

static void create_on_resolved(struct catalog_resolve *names)
{
	struct create_op *op = container_of(names, struct create_op, names);
	struct request *r = op->r;
	struct error err;

	error_clear(&err);
	if (names->error.code != ERR_NONE) {
		refuse_create(op, &names->error);
		return;
	}
	if (!plan_diff(NULL, &op->plan, r->arena, &op->diff, &err)) {
		refuse_create(op, &err);
		return;
	}
	op->apply.incoming = &op->plan;
	op->apply.diff = &op->diff;
	op->apply.actor = r->actor;
	op->apply.arena = r->arena;
	op->apply.done = create_on_applied;
	plan_apply_send(api_store(r->api), &op->apply);
}

static void create_start(struct request *r)
{
	struct create_op *op = http_alloc(r->x, sizeof(*op));
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	op->r = r;
	error_clear(&err);
	if (!plan_read(body, len, r->arena, &op->plan, &err) || !plan_check(&op->plan, &err)) {
		refuse_create(op, &err);
		return;
	}
	if (!may_write_plan(r) || !request_idempotency(r, &op->apply.idempotency))
		return;
	op->names = (struct catalog_resolve){
		.campaigns = op->plan.campaigns, .ncampaigns = op->plan.ncampaigns, .arena = r->arena,
		.done = create_on_resolved,
	};
	if (op->names.ncampaigns > 0)
		catalog_resolve_send(api_store(r->api), &op->names);
	else
		create_on_resolved(&op->names);
}

/* ---- POST /plans/import ---- */

struct import_op {
	struct request    *r;
	struct plan_import import;
};

static void import_on_done(struct plan_import *import)
{
	struct import_op *op = container_of(import, struct import_op, import);
	struct request *r = op->r;

	if (import->error.code != ERR_NONE) {
		request_reply_error(r, &import->error);
		return;
	}
	struct buf *buf = api_scratch(r->api);
	struct json_out out = { .buf = buf };

	plan_diff_write(&out, &import->plan, &import->diff, import->applied);
	request_reply_json(r, 200, buf, NULL);
}

static bool import_content_type(struct request *r, bool *csv, struct error *err)
{
	*csv = request_has_type(r, "text/csv");
	if (*csv || request_has_type(r, "application/json"))
		return true;
	return error_set(err, ERR_UNSUPPORTED_MEDIA_TYPE,
			 "Send the plan as application/json, or its rounds as text/csv.",
			 "Hãy gửi kế hoạch dạng application/json, hoặc các đợt dạng text/csv.");
}

static void import_with_units(struct request *r)
{
	struct import_op *op = http_alloc(r->x, sizeof(*op));
	struct plan_import *import = &op->import;
	struct params params;
	struct error err;

	op->r = r;
	if (params_init(&params, r, &err)) {
		import->plan_key = params_text(&params, "plan");
		import->dry_run = params_bool(&params, "dry_run");
		if (params_finish(&params) && import_content_type(r, &import->csv, &err) && import->csv &&
		    !import->plan_key)
			error_set(&err, ERR_INVALID_QUERY, "Name the plan that the rows are of: ?plan=NUMBER.",
				  "Hãy nêu kế hoạch của các dòng này: ?plan=SỐ.");
	}
	if (err.code != ERR_NONE) {
		request_reply_error(r, &err);
		return;
	}
	if (!may_write_plan(r))
		return;
	import->store = api_store(r->api);
	import->units = api_units(r->api);
	import->text = http_body(r->x, &import->len);
	import->actor = r->actor;
	import->arena = r->arena;
	import->done = import_on_done;
	plan_import_start(import);
}

static void import_start(struct request *r)
{
	request_with_units(r, import_with_units);
}

/* ---- POST /plans/{id}/rounds ---- */

struct round_op {
	struct request     *r;
	struct plan_load    plan;        /* 1: the plan it goes into */
	struct catalog_resolve names;    /* 2: campaigns, team and venue that the body names */
	struct round_create create;      /* 3 */
	struct round_load   replay;      /* 3b: what an earlier call made */
};

static void reply_round_created(struct request *r, const struct round *round)
{
	struct buf *buf = api_scratch(r->api);
	struct json_out out = { .buf = buf };

	round_write(&out, NULL, round);
	request_reply_created(r, buf, "rounds", round->id, round->version);
}

static void round_on_replayed(struct round_load *load)
{
	struct round_op *op = container_of(load, struct round_op, replay);

	if (load->error.code != ERR_NONE)
		request_reply_unread(op->r, &load->error);
	else
		reply_round_created(op->r, &load->round);
}

static void round_was_made(void *context, const char *id)
{
	struct round_op *op = context;

	op->replay.key = arena_strdup(op->r->arena, id);
	op->replay.arena = op->r->arena;
	op->replay.done = round_on_replayed;
	round_load_send(api_store(op->r->api), &op->replay);
}

static void refuse_round(struct round_op *op, const struct error *err)
{
	request_refuse_create(op->r, err, "round", round_was_made, op);
}

static void round_on_created(struct round_create *create)
{
	struct round_op *op = container_of(create, struct round_op, create);

	if (create->error.code != ERR_NONE)
		refuse_round(op, &create->error);
	else if (create->idempotency.replayed)
		round_was_made(op, create->idempotency.resource_id);
	else
		reply_round_created(op->r, &create->round);
}

static bool within_plan(const struct round *round, const struct plan *plan, struct error *err)
{
	if (date_compare(round->to, plan->from) >= 0 && date_compare(round->from, plan->to) <= 0)
		return true;
	return error_add_field(err, "/date", "out_of_range", "The plan runs from %04d-%02d-%02d to %04d-%02d-%02d.",
			       "Kế hoạch có thời gian từ %04d-%02d-%02d đến %04d-%02d-%02d.", plan->from.year,
			       plan->from.month, plan->from.day, plan->to.year, plan->to.month, plan->to.day);
}

static void round_on_resolved(struct catalog_resolve *names)
{
	struct round_op *op = container_of(names, struct round_op, names);
	struct error *err = &names->error;

	if (err->code != ERR_NONE ||
	    (names->venue_unit &&
	     !round_venue_fits(api_units(op->r->api), &op->create.round, names->venue_unit, err))) {
		refuse_round(op, err);
		return;
	}
	op->create.actor = op->r->actor;
	op->create.arena = op->r->arena;
	op->create.done = round_on_created;
	round_create_send(api_store(op->r->api), &op->create);
}

static void round_on_plan(struct plan_load *load)
{
	struct round_op *op = container_of(load, struct round_op, plan);
	struct round *round = &op->create.round;
	struct request *r = op->r;
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	if (load->error.code != ERR_NONE) {
		request_reply_error(r, &load->error);
		return;
	}
	error_clear(&err);
	if (!round_read(body, len, api_units(r->api), r->arena, round, &err) || !round_check(round, &err) ||
	    !within_plan(round, &load->plan, &err)) {
		refuse_round(op, &err);
		return;
	}
	if (!request_may_write(r, round->units, round->nunits, round->from, round->team.id) ||
	    !request_idempotency(r, &op->create.idempotency))
		return;
	round->plan_id = load->plan.id;
	op->names = (struct catalog_resolve){
		.campaigns = round->campaigns, .ncampaigns = round->ncampaigns, .team = &round->team,
		.venue = round->venue.id, .arena = r->arena, .done = round_on_resolved,
	};
	if (op->names.ncampaigns > 0 || round->team.id || round->venue.id)
		catalog_resolve_send(api_store(r->api), &op->names);
	else
		round_on_resolved(&op->names);
}

static void round_with_units(struct request *r)
{
	struct round_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	op->plan.key = request_param(r, "id");
	op->plan.arena = r->arena;
	op->plan.done = round_on_plan;
	plan_load_send(api_store(r->api), &op->plan);
}

static void round_start(struct request *r)
{
	request_with_units(r, round_with_units);
}

const struct route plan_routes[] = {
	{ HTTP_GET_, "/api/v1/plans", AREA_ROUNDS, ACCESS_READ, list_start, ROUTE_CACHED, 0 },
	{ HTTP_POST_, "/api/v1/plans", AREA_PLANS, ACCESS_WRITE, create_start, 0, 0 },
	{ HTTP_POST_, "/api/v1/plans/import", AREA_PLANS, ACCESS_WRITE, import_start, ROUTE_ANY_BODY, 0 },
	{ HTTP_GET_, "/api/v1/plans/{id}", AREA_ROUNDS, ACCESS_READ, get_start, ROUTE_CACHED, 0 },
	{ HTTP_POST_, "/api/v1/plans/{id}/rounds", AREA_PLANS, ACCESS_WRITE, round_start, 0, 0 },
	{ 0 }
};
