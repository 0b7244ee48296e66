#include "api/certificates.h"
#include "api/places.h"
#include "api/private.h"
#include "api/request.h"
#include "base/error.h"
#include "base/text.h"
#include "store/round_store.h"
#include "wire/certificate_wire.h"

/* The certificates of a whole round: issued in the background, printed as one PDF or one .zip. */

struct round_op {
	struct request                *r;
	struct round_load              round;
	struct issuing_body_list       bodies;
	struct certificate_batch_ask   ask;
	struct certificate_batch_load  batch;
	struct certificate_open_pages  open;
	struct certificate_print_body  form;
	struct print_job               print;
	const char                    *issuer;
	int                            status;
	void                         (*then)(struct round_op *op);
};

static struct round_op *op_new(struct request *r)
{
	struct round_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	op->status = 200;
	return op;
}

/* ---- the round first ---- */

static void on_round(struct round_load *load)
{
	struct round_op *op = container_of(load, struct round_op, round);
	const struct round *round = &load->round;

	if (load->error.code != ERR_NONE)
		request_reply_error(op->r, &load->error);
	else if (request_may_write(op->r, round->units, round->nunits, round->from, round->team.id))
		op->then(op);
}

static void load_round(struct request *r)
{
	struct round_op *op = r->own;

	op->round = (struct round_load){ .key = request_param(r, "id"), .arena = r->arena, .done = on_round };
	round_load_send(api_store(r->api), &op->round);
}

/* ---- GET /certificates/batches/{id} ---- */

static void reply_batch(struct round_op *op)
{
	const struct certificate_batch *batch = &op->batch.batch;
	struct request *r = op->r;
	struct json_out out = { .buf = api_scratch(r->api) };

	jout_object(&out, NULL);
	jout_text(&out, "id", batch->id);
	jout_text(&out, "round", batch->round_id);
	jout_text(&out, "issuer", batch->issuer);
	jout_text(&out, "state", batch->state);
	jout_text(&out, "problem", batch->problem);
	jout_int(&out, "total", batch->total);
	jout_int(&out, "issued", batch->issued);
	jout_array(&out, "left_out");
	for (size_t i = 0; i < batch->nleft_out; i++)
		jout_text(&out, NULL, batch->left_out[i]);
	jout_end(&out);
	jout_time(&out, "asked_at", batch->asked_us);
	jout_time(&out, "ended_at", batch->ended_us);
	jout_end(&out);
	if (op->status == 202)
		http_add_header(r->x, "Location", arena_printf(r->arena, "/api/v1/certificates/batches/%s", batch->id));
	request_reply_json(r, op->status, out.buf, NULL);
}

/* Whose round it is, they may know how far it is. */
static void batch_on_round(struct round_load *load)
{
	struct round_op *op = container_of(load, struct round_op, round);
	const struct round *round = &load->round;
	const char **units = arena_alloc(op->r->arena, (round->nunits + 1) * sizeof(*units));

	if (load->error.code != ERR_NONE) {
		request_reply_error(op->r, &load->error);
		return;
	}
	for (size_t i = 0; i < round->nunits; i++)
		units[i] = round->units[i].id;
	if (request_may_certify(op->r, units, round->nunits, round->from, round->team.id))
		reply_batch(op);
}

static void batch_on_loaded(struct certificate_batch_load *load)
{
	struct round_op *op = container_of(load, struct round_op, batch);

	if (load->error.code == ERR_NONE && op->status == 200) {
		op->round = (struct round_load){ .key = load->batch.round_id, .arena = op->r->arena, .done = batch_on_round };
		round_load_send(api_store(op->r->api), &op->round);
	} else if (load->error.code == ERR_NONE)
		reply_batch(op);
	else if (op->status == 202)
		request_reply_unread(op->r, &load->error);
	else
		request_reply_error(op->r, &load->error);
}

static void load_batch(struct round_op *op, const char *id)
{
	op->batch = (struct certificate_batch_load){ .id = id, .arena = op->r->arena, .done = batch_on_loaded };
	certificate_batch_load_send(api_store(op->r->api), &op->batch);
}

static void batch_with_units(struct request *r)
{
	load_batch(r->own, request_param(r, "id"));
}

static void batch_start(struct request *r)
{
	r->own = op_new(r);
	request_with_units(r, batch_with_units);
}

/* ---- POST /rounds/{id}/certificates ---- */

static void tell_batch(void *context, const char *id)
{
	struct round_op *op = context;

	op->status = 202;
	load_batch(op, arena_strdup(op->r->arena, id));
}

static void ask_on_asked(struct certificate_batch_ask *ask)
{
	struct round_op *op = container_of(ask, struct round_op, ask);

	if (ask->error.code != ERR_NONE)
		request_refuse_create(op->r, &ask->error, "certificate_batch", tell_batch, op);
	else
		tell_batch(op, ask->id);
}

/* The body that is named, or the only one. NULL: neither. */
static const char *issuer_of(const struct round_op *op)
{
	const struct issuing_body_list *bodies = &op->bodies;
	const char *only = NULL;

	for (size_t i = 0; i < bodies->nitems; i++) {
		const char *code = bodies->items[i].code;

		if (date_compare(bodies->items[i].valid_from, op->r->today) > 0)
			continue;
		if (op->issuer && streq(code, op->issuer))
			return code;
		if (!op->issuer && only && !streq(only, code))
			return NULL;
		only = code;
	}
	return op->issuer ? NULL : only;
}

static void ask_on_bodies(struct issuing_body_list *bodies)
{
	struct round_op *op = container_of(bodies, struct round_op, bodies);
	struct request *r = op->r;
	struct error *err = &bodies->error;

	if (err->code != ERR_NONE) {
		request_reply_error(r, err);
		return;
	}
	op->ask.issuer = issuer_of(op);
	if (!op->ask.issuer) {
		error_add_field(err, "/issuer", "not_found",
				"Name an issuing body that has been entered (GET /api/v1/issuing-bodies).",
				"Ghi mã nơi cấp đã khai báo (GET /api/v1/issuing-bodies).");
		request_reply_error(r, err);
		return;
	}
	if (!request_idempotency(r, &op->ask.idempotency))
		return;
	op->ask.round_id = op->round.round.id;
	op->ask.actor = r->actor;
	op->ask.arena = r->arena;
	op->ask.done = ask_on_asked;
	certificate_batch_ask_send(api_store(r->api), &op->ask);
}

static void ask_on_round(struct round_op *op)
{
	if (!request_phone_may(op->r, op->round.round.status, true))
		return;
	op->bodies = (struct issuing_body_list){ .arena = op->r->arena, .done = ask_on_bodies };
	issuing_body_list_send(api_store(op->r->api), &op->bodies);
}

static void ask_start(struct request *r)
{
	struct round_op *op = op_new(r);
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	r->own = op;
	op->then = ask_on_round;
	error_clear(&err);
	if (!certificate_issue_read(body, len, r->arena, &op->issuer, &err))
		request_reply_error(r, &err);
	else
		request_with_units(r, load_round);
}

/* ---- POST /rounds/{id}/certificates/prints ---- */

static void prints_on_opened(struct certificate_open_pages *open)
{
	struct round_op *op = container_of(open, struct round_op, open);
	struct error *err = &open->error;

	if (err->code == ERR_NOT_FOUND)
		error_set(err, ERR_NOT_FOUND,
			  "The round has no certificate to print. Issue them first; with again: true those come too that were printed.",
			  "Đợt này không có giấy cần in. Hãy cấp trước; thêm again: true để in lại cả giấy đã in.");
	if (err->code != ERR_NONE) {
		request_reply_error(op->r, err);
		return;
	}
	if (open->left_out)
		http_add_header(op->r->x, "Left-Out", open->left_out);
	op->print = (struct print_job){ .r = op->r, .pages = open->pages, .npages = open->npages, .kind = op->print.kind,
					.zip = streq(op->form.as, "zip") };
	request_reply_pdf(&op->print);
}

static bool may_print(struct round_op *op)
{
	const struct round *round = &op->round.round;
	struct request *r = op->r;
	struct error err;

	error_clear(&err);
	if (r->principal.role != ROLE_TEAM ||
	    certificate_check_team_print(round->status, round->to, op->form.again, r->today, &err))
		return request_phone_may(r, round->status, false);
	request_reply_error(r, &err);
	return false;
}

static void prints_on_round(struct round_op *op)
{
	struct request *r = op->r;

	if (!may_print(op) || !request_demand_key(r, &op->open.idempotency))
		return;
	op->open.round_id = op->round.round.id;
	op->open.print = true;
	op->open.only_new = !op->form.again;
	op->open.form = op->form.form;
	op->open.paper_serial = op->form.paper_serial;
	op->open.actor = request_reader(r);
	op->open.arena = r->arena;
	op->open.done = prints_on_opened;
	certificate_open_pages_send(api_store(r->api), &op->open);
}

static void prints_start(struct request *r)
{
	struct round_op *op = op_new(r);
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	r->own = op;
	op->then = prints_on_round;
	error_clear(&err);
	if (!certificate_print_read(body, len, true, r->arena, &op->form, &err)) {
		request_reply_error(r, &err);
		return;
	}
	(void)form_kind_parse(op->form.form, &op->print.kind);
	request_with_units(r, load_round);
}

const struct route certificate_round_routes[] = {
	{ HTTP_POST_, "/api/v1/rounds/{id}/certificates", AREA_CERTIFICATES, ACCESS_WRITE, ask_start, 0, 0 },
	{ HTTP_POST_, "/api/v1/rounds/{id}/certificates/prints", AREA_CERTIFICATES, ACCESS_WRITE, prints_start,
	  ROUTE_PERSONAL | ROUTE_DONORS, 0 },
	{ HTTP_GET_, "/api/v1/certificates/batches/{id}", AREA_CERTIFICATES, ACCESS_READ, batch_start, 0, 0 },
	{ 0 }
};
