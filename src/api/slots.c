#include "api/booking.h"
#include "api/places.h"
#include "api/private.h"
#include "api/request.h"
#include "base/error.h"

/* The slots of a round: how many places are left by the hour, for anybody; and how places are made of the round. */

/* ---- GET /rounds/{id}/slots ---- */

struct slots_op {
	struct request   *r;
	struct round_load load;
	struct slots_load slots;
};

/* Who may read the appointments is told of the slots, too, that do not stand any more. */
static bool is_staff(const struct request *r)
{
	return access_decide(r->principal.role, AREA_APPOINTMENTS, ACCESS_READ) != ACCESS_NO;
}

/* Where the slots are not laid as they should be, they are told as they will be: reading writes nothing. */
static void get_on_slots(struct slots_load *slots)
{
	struct slots_op *op = container_of(slots, struct slots_op, slots);
	struct json_out out = { .buf = api_scratch(op->r->api) };
	struct slot_layout layout = { .slots = slots->slots, .nslots = slots->nslots };
	struct error err;

	error_clear(&err);
	if (slots->error.code != ERR_NONE) {
		request_reply_round_error(op->r, &slots->error);
		return;
	}
	/* What a round had that is over stays as it was. */
	if ((slots->stale || slots->loose) && round_takes_seats_back(&op->load.round, &err))
		slot_lay(&op->load.round, &slots->rules, slots->slots, slots->nslots, op->r->arena, &layout);
	slots_write(&out, NULL, &op->load.round, &slots->rules, layout.slots, layout.nslots, booking_now(op->r), is_staff(op->r));
	request_reply_versioned(op->r, 200, out.buf, slots->rules_version);
}

static void get_on_loaded(struct round_load *load)
{
	struct slots_op *op = container_of(load, struct slots_op, load);

	if (load->error.code != ERR_NONE) {
		request_reply_round_error(op->r, &load->error);
	} else if (!request_sees_round(op->r, &load->round)) {
		request_reply_no_round(op->r);
	} else {
		op->slots = (struct slots_load){ .round_id = load->round.id, .rules = booking_rules(op->r), .arena = op->r->arena,
						 .done = get_on_slots };
		slots_load_send(api_store(op->r->api), &op->slots);
	}
}

static void get_with_units(struct request *r)
{
	struct slots_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	op->load = (struct round_load){ .key = request_param(r, "id"), .arena = r->arena, .done = get_on_loaded };
	round_load_send(api_store(r->api), &op->load);
}

static void get_start(struct request *r)
{
	request_with_units(r, get_with_units);
}

/* ---- PUT /rounds/{id}/slots ---- */

struct put_op {
	struct booking         *b;
	struct slot_rules_save  save;
};

static void put_on_laid(struct booking *b)
{
	struct json_out out = { .buf = api_scratch(b->r->api) };

	slots_write(&out, NULL, b->into, &b->slots.rules, b->slots.slots, b->slots.nslots, b->now, true);
	request_reply_versioned(b->r, 200, out.buf, b->slots.rules_version);
}

static void put_on_saved(struct slot_rules_save *save)
{
	struct put_op *op = container_of(save, struct put_op, save);

	if (save->error.code != ERR_NONE)
		request_reply_error(op->b->r, &save->error);
	else
		booking_lay(op->b, put_on_laid);
}

static void put_on_round(struct booking *b)
{
	struct put_op *op = http_alloc(b->r->x, sizeof(*op));
	struct request *r = b->r;
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	op->b = b;
	if (!request_if_match(r, &op->save.version))
		return;
	error_clear(&err);
	if (!slot_rules_read(body, len, r->arena, &op->save.own, &err) || !round_takes_seats_back(&b->load.round, &err)) {
		request_reply_error(r, &err);
		return;
	}
	op->save.round_id = b->load.round.id;
	op->save.actor = r->actor;
	op->save.actor.request_id = http_request_id(r->x);
	op->save.arena = r->arena;
	op->save.done = put_on_saved;
	slot_rules_save_send(api_store(r->api), &op->save);
}

static void put_with_units(struct request *r)
{
	booking_load_round(booking_new(r, STEP_BOOK, 200), put_on_round);
}

static void put_start(struct request *r)
{
	request_with_units(r, put_with_units);
}

const struct route slot_routes[] = {
	{ HTTP_GET_, "/api/v1/rounds/{id}/slots", AREA_ROUNDS, ACCESS_READ, get_start, 0, 0 },
	{ HTTP_PUT_, "/api/v1/rounds/{id}/slots", AREA_APPOINTMENTS, ACCESS_WRITE, put_start, 0, 0 },
	{ 0 }
};
