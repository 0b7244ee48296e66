#include "api/params.h"
#include "api/places.h"
#include "api/private.h"
#include "api/request.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "domain/donor_request.h"
#include "domain/propose.h"
#include "store/catalog_store.h"
#include "store/donor_store.h"
#include "store/rights_store.h"
#include "wire/rights_wire.h"
#include "wire/wire.h"

/* What donors ask of those who keep their data, and whether it is done in time. */

static void reply_request(struct request *r, int status, const struct donor_request *request)
{
	struct buf *buf = api_scratch(r->api);
	struct json_out out = { .buf = buf };

	donor_request_write(&out, NULL, request, r->today, true);
	if (status == 201)
		http_add_header(r->x, "Location", arena_printf(r->arena, "/api/v1/donors/%s/requests/%s",
							       request->donor_id, request->id));
	request_reply_versioned(r, status, buf, request->version);
}

static void load_requests(struct request *r, struct donor_request_load *load, const char *only, const char *action)
{
	load->key = request_param(r, "id");
	load->only = only;
	request_readable_units(r, &load->units, &load->nunits);
	load->action = action;
	load->actor = r->actor;
	load->actor.request_id = http_request_id(r->x);
	load->arena = r->arena;
	donor_request_load_send(api_store(r->api), load);
}

/* ---- GET /donors/{id}/requests/{request} ---- */

struct get_op {
	struct request           *r;
	struct donor_request_load load;
};

static void get_on_loaded(struct donor_request_load *load)
{
	struct get_op *op = container_of(load, struct get_op, load);

	if (load->error.code != ERR_NONE)
		request_reply_error(op->r, &load->error);
	else
		reply_request(op->r, 200, &load->requests[0]);
}

static void get_with_units(struct request *r)
{
	struct get_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	op->load.done = get_on_loaded;
	load_requests(r, &op->load, request_param(r, "request"), "donor_request.read");
}

static void get_start(struct request *r)
{
	request_with_units(r, get_with_units);
}

/* ---- POST /donors/{id}/requests ---- */

enum { HOLIDAYS_LOOKED_AT = 60 };        /* days: the longest break is Tết */

struct make_op {
	struct request           *r;
	struct donor_load         load;
	struct calendar_load      calendar;
	struct donor_request_make make;
	struct donor_request_load again;         /* of what an earlier call with the same key made */
};

static bool may_write(struct request *r, const char *unit_id, struct date unit_on)
{
	struct named unit = { unit_id, NULL };

	return request_may_write(r, &unit, unit_id ? 1 : 0, unit_on, NULL);
}

static void make_on_replayed(struct donor_request_load *load)
{
	struct make_op *op = container_of(load, struct make_op, again);

	if (load->error.code != ERR_NONE)
		request_reply_unread(op->r, &load->error);
	else
		reply_request(op->r, 201, &load->requests[0]);
}

static void make_was_made(void *context, const char *id)
{
	struct make_op *op = context;

	op->again.done = make_on_replayed;
	load_requests(op->r, &op->again, arena_strdup(op->r->arena, id), NULL);
}

static void refuse_make(struct make_op *op, const struct error *err)
{
	request_refuse_create(op->r, err, "donor_request", make_was_made, op);
}

static void make_on_made(struct donor_request_make *make)
{
	struct make_op *op = container_of(make, struct make_op, make);

	if (make->error.code != ERR_NONE)
		refuse_make(op, &make->error);
	else if (make->idempotency.replayed)
		make_was_made(op, make->idempotency.resource_id);
	else
		reply_request(op->r, 201, &make->request);
}

static void make_on_calendar(struct calendar_load *calendar)
{
	struct make_op *op = container_of(calendar, struct make_op, calendar);
	struct request *r = op->r;

	if (calendar->error.code != ERR_NONE) {
		request_reply_error(r, &calendar->error);
		return;
	}
	request_set_deadlines(&op->make.request, calendar->holidays, calendar->nholidays);
	if (!request_idempotency(r, &op->make.idempotency))
		return;
	op->make.of = &op->load.record;
	op->make.actor = r->actor;
	op->make.arena = r->arena;
	op->make.done = make_on_made;
	donor_request_make_send(api_store(r->api), &op->make);
}

static void ask_calendar(struct make_op *op)
{
	struct calendar_load *calendar = &op->calendar;

	calendar->from = date_of_instant(op->make.request.received_us);
	calendar->to = date_add_days(calendar->from, HOLIDAYS_LOOKED_AT);
	calendar->arena = op->r->arena;
	calendar->done = make_on_calendar;
	calendar_load_send(api_store(op->r->api), calendar);
}

static void make_on_loaded(struct donor_load *load)
{
	struct make_op *op = container_of(load, struct make_op, load);
	const struct donor *donor = &load->record.donor;
	struct error *err = &load->error;
	struct request *r = op->r;
	size_t len;
	const char *body = http_body(r->x, &len);

	if (err->code != ERR_NONE) {
		request_reply_error(r, err);
		return;
	}
	if (!may_write(r, donor->unit_id, donor->unit_on))
		return;
	if (donor->erased)
		error_set(err, ERR_ERASED, "The personal data of this donor has been erased: there is nothing to ask for.",
			  "Dữ liệu cá nhân của người này đã được xóa: không còn gì để yêu cầu.");
	if (err->code == ERR_NONE && donor_request_read(body, len, clock_wall_us(api_store(r->api)->clock), r->arena,
							&op->make.request, err))
		ask_calendar(op);
	else
		refuse_make(op, err);
}

static void make_with_units(struct request *r)
{
	struct make_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	op->load.key = request_param(r, "id");
	request_readable_units(r, &op->load.units, &op->load.nunits);
	op->load.arena = r->arena;
	op->load.done = make_on_loaded;
	donor_load_send(api_store(r->api), &op->load);
}

static void make_start(struct request *r)
{
	request_with_units(r, make_with_units);
}

/* ---- POST /donors/{id}/requests/{request}/{answer,extend,close} ---- */

struct step_op {
	struct request           *r;
	int64_t                   version;
	const char               *action;
	bool                    (*step)(struct request *r, struct donor_request *request, struct error *err);
	struct donor_request_load load;
	struct donor_request_save save;
};

static void step_on_saved(struct donor_request_save *save)
{
	struct step_op *op = container_of(save, struct step_op, save);

	if (save->error.code != ERR_NONE)
		request_reply_error(op->r, &save->error);
	else
		reply_request(op->r, 200, &save->after);
}

static void step_on_loaded(struct donor_request_load *load)
{
	struct step_op *op = container_of(load, struct step_op, load);
	struct request *r = op->r;

	if (load->error.code != ERR_NONE) {
		request_reply_error(r, &load->error);
		return;
	}
	if (!may_write(r, load->unit_id, load->unit_on))
		return;
	if (load->requests[0].version != op->version) {
		request_reply_stale(r, load->requests[0].version);
		return;
	}
	op->save.after = load->requests[0];
	if (!op->step(r, &op->save.after, &load->error)) {
		request_reply_error(r, &load->error);
		return;
	}
	op->save.before = &load->requests[0];
	op->save.step = op->action;
	op->save.actor = r->actor;
	op->save.arena = r->arena;
	op->save.done = step_on_saved;
	donor_request_save_send(api_store(r->api), &op->save);
}

static void step_with_units(struct request *r)
{
	struct step_op *op = r->own;

	if (!request_if_match(r, &op->version))
		return;
	op->load.done = step_on_loaded;
	load_requests(r, &op->load, request_param(r, "request"), NULL);
}

static void step_begin(struct request *r, const char *action,
		       bool (*step)(struct request *r, struct donor_request *request, struct error *err))
{
	struct step_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	op->action = action;
	op->step = step;
	r->own = op;
	request_with_units(r, step_with_units);
}

static bool answer(struct request *r, struct donor_request *request, struct error *err)
{
	size_t len;
	const char *body = http_body(r->x, &len);

	return wire_read_nothing(body, len, r->arena, err) &&
	       request_answer(request, clock_wall_us(api_store(r->api)->clock), err);
}

static void answer_start(struct request *r)
{
	step_begin(r, "donor_request.answer", answer);
}

static bool extend(struct request *r, struct donor_request *request, struct error *err)
{
	struct date until;
	size_t len;
	const char *body = http_body(r->x, &len);

	return donor_request_until_read(body, len, r->arena, &until, err) &&
	       request_extend(request, until, r->today, err);
}

static void extend_start(struct request *r)
{
	step_begin(r, "donor_request.extend", extend);
}

static bool close_(struct request *r, struct donor_request *request, struct error *err)
{
	enum request_outcome outcome;
	enum request_ground ground;
	size_t len;
	const char *body = http_body(r->x, &len);

	return donor_request_end_read(body, len, r->arena, &outcome, &ground, err) &&
	       request_close(request, outcome, ground, clock_wall_us(api_store(r->api)->clock), err);
}

static void close_start(struct request *r)
{
	step_begin(r, "donor_request.close", close_);
}

/* ---- GET /donor-requests ---- */

struct list_op {
	struct request           *r;
	struct donor_request_list list;
};

static bool state_word(const char *text, int *value)
{
	enum request_state state = REQUEST_OPEN;
	bool known = request_state_parse(text, &state);

	*value = (int)state;
	return known;
}

static void list_on_loaded(struct donor_request_list *list)
{
	struct list_op *op = container_of(list, struct list_op, list);
	struct json_out out;

	if (list->error.code != ERR_NONE) {
		request_reply_error(op->r, &list->error);
		return;
	}
	request_list_begin(op->r, &out);
	for (size_t i = 0; i < list->nrequests; i++)
		donor_request_write(&out, NULL, &list->requests[i], list->today, false);
	request_list_reply(op->r, &out, list->more ? list->requests[list->nrequests - 1].id : NULL);
}

static void list_with_units(struct request *r)
{
	struct list_op *op = http_alloc(r->x, sizeof(*op));
	struct params params;
	struct error err;

	op->r = r;
	if (params_init(&params, r, &err)) {
		op->list.states = params_words(&params, "state", "open, answered, closed", state_word);
		op->list.late = params_bool(&params, "late");
		op->list.limit = params_limit(&params);
		params_cursor(&params, op->list.after);
		params_finish(&params);
	}
	if (err.code != ERR_NONE) {
		request_reply_error(r, &err);
		return;
	}
	request_readable_units(r, &op->list.units, &op->list.nunits);
	op->list.today = r->today;
	op->list.arena = r->arena;
	op->list.done = list_on_loaded;
	donor_request_list_send(api_store(r->api), &op->list);
}

static void list_start(struct request *r)
{
	request_with_units(r, list_with_units);
}

const struct route donor_request_routes[] = {
	{ HTTP_GET_, "/api/v1/donor-requests", AREA_DONOR_LIST, ACCESS_READ, list_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/donors/{id}/requests", AREA_DONORS, ACCESS_WRITE, make_start, ROUTE_PERSONAL, 0 },
	{ HTTP_GET_, "/api/v1/donors/{id}/requests/{request}", AREA_DONORS, ACCESS_READ, get_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/donors/{id}/requests/{request}/answer", AREA_DONORS, ACCESS_WRITE, answer_start,
	  ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/donors/{id}/requests/{request}/extend", AREA_DONORS, ACCESS_WRITE, extend_start,
	  ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/donors/{id}/requests/{request}/close", AREA_DONORS, ACCESS_WRITE, close_start,
	  ROUTE_PERSONAL, 0 },
	{ 0 }
};
