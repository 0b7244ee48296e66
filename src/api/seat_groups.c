#include "api/booking.h"
#include "api/places.h"
#include "api/private.h"
#include "api/request.h"
#include "base/error.h"
#include "config/config.h"

/* Seats that one contact holds for people who are named later, or at the door. */

static struct booking *group_new(struct request *r, enum appointment_step step, int status)
{
	struct booking *b = booking_new(r, step, status);

	b->of_group = true;
	return b;
}

/* ---- POST /rounds/{id}/groups ---- */

static void hold_on_round(struct booking *b)
{
	struct error err;
	size_t len;
	const char *body = http_body(b->r->x, &len);

	error_clear(&err);
	if (!group_read(body, len, b->r->arena, &b->group, &err) || !round_takes_bookings(&b->load.round, b->now, &err)) {
		booking_refuse(b, &err);
		return;
	}
	b->go.round_id = b->load.round.id;
	b->go.slot_id = b->group.slot;
	b->go.title = b->group.title;
	b->go.seats = b->group.seats;
	b->go.release_asked = b->group.release_hours >= 0;
	b->go.release_hours = b->group.release_hours >= 0 ? b->group.release_hours
							  : b->r->api->worker->config->booking_release_hours;
	booking_find_contact(b, b->group.contact, booking_give);
}

static void hold_with_units(struct request *r)
{
	booking_load_round(group_new(r, STEP_GROUP, 201), hold_on_round);
}

static void hold_start(struct request *r)
{
	request_with_units(r, hold_with_units);
}

/* ---- POST /groups/{id}/release ---- */

struct group_op {
	struct request        *r;
	struct seat_group_load load;
	struct round_load      round;
	struct booking        *b;
};

static void reply_none(struct request *r)
{
	struct error err;

	error_clear(&err);
	error_set(&err, ERR_NOT_FOUND, "There is no such group.", "Không có nhóm này.");
	request_reply_error(r, &err);
}

static void release_on_round(struct round_load *round)
{
	struct group_op *op = container_of(round, struct group_op, round);
	struct booking *b = op->b;
	struct request *r = op->r;
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	if (round->error.code != ERR_NONE) {
		request_reply_error(r, &round->error);
		return;
	}
	if (!request_may_write(r, round->round.units, round->round.nunits, round->round.from, round->round.team.id))
		return;
	error_clear(&err);
	if (!group_release_read(body, len, r->arena, &b->go.seats, &err) || !round_takes_seats_back(&round->round, &err)) {
		booking_refuse(b, &err);
		return;
	}
	b->load = *round;
	b->go.id = op->load.group.id;
	booking_look_who_waits(b, booking_do);
}

static void release_on_found(struct seat_group_load *load)
{
	struct group_op *op = container_of(load, struct group_op, load);

	if (load->error.code == ERR_NOT_FOUND) {
		reply_none(op->r);
	} else if (load->error.code != ERR_NONE) {
		request_reply_error(op->r, &load->error);
	} else {
		op->round = (struct round_load){ .key = load->group.round_id, .arena = op->r->arena, .done = release_on_round };
		round_load_send(api_store(op->r->api), &op->round);
	}
}

static void load_group(struct request *r, void (*done)(struct seat_group_load *load))
{
	struct group_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	op->b = group_new(r, STEP_RELEASE, 200);
	op->load = (struct seat_group_load){ .id = request_param(r, "id"), .arena = r->arena, .done = done };
	seat_group_load_send(api_store(r->api), &op->load);
}

static void release_with_units(struct request *r)
{
	load_group(r, release_on_found);
}

static void release_start(struct request *r)
{
	request_with_units(r, release_with_units);
}

/* ---- GET /groups/{id} ---- */

static void get_on_round(struct round_load *round)
{
	struct group_op *op = container_of(round, struct group_op, round);

	if (round->error.code != ERR_NONE)
		request_reply_error(op->r, &round->error);
	else if (request_may_read_of(op->r, &round->round))
		booking_tell(op->b, op->load.group.id);
}

static void get_on_found(struct seat_group_load *load)
{
	struct group_op *op = container_of(load, struct group_op, load);

	if (load->error.code == ERR_NOT_FOUND) {
		reply_none(op->r);
	} else if (load->error.code != ERR_NONE) {
		request_reply_error(op->r, &load->error);
	} else {
		op->round = (struct round_load){ .key = load->group.round_id, .arena = op->r->arena, .done = get_on_round };
		round_load_send(api_store(op->r->api), &op->round);
	}
}

static void get_with_units(struct request *r)
{
	load_group(r, get_on_found);
}

static void get_start(struct request *r)
{
	request_with_units(r, get_with_units);
}

const struct route seat_group_routes[] = {
	{ HTTP_POST_, "/api/v1/rounds/{id}/groups", AREA_APPOINTMENTS, ACCESS_WRITE, hold_start, ROUTE_PERSONAL | ROUTE_DONORS, 0 },
	{ HTTP_GET_, "/api/v1/groups/{id}", AREA_APPOINTMENTS, ACCESS_READ, get_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/groups/{id}/release", AREA_APPOINTMENTS, ACCESS_WRITE, release_start, ROUTE_PERSONAL, 0 },
	{ 0 }
};
