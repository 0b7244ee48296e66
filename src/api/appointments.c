#include <string.h>

#include "api/booking.h"
#include "api/params.h"
#include "api/places.h"
#include "api/private.h"
#include "api/request.h"
#include "base/error.h"
#include "base/text.h"
#include "wire/wire.h"

/*
 * Places in rounds: who has one, who waits for one, and what becomes of it. Whoever is refused for what is known of
 * them is told the verdict; what is still to be known refuses nobody, and is marked.
 */

/* ---- POST /rounds/{id}/appointments, /rounds/{id}/walk-ins ---- */

static void book_on_round(struct booking *b);

static void book_begin(struct request *r, bool door)
{
	struct booking *b = booking_new(r, STEP_BOOK, 201);

	b->go.door = door;
	booking_load_round(b, book_on_round);
}

static void book_with_units(struct request *r)
{
	book_begin(r, false);
}

static void walk_in_with_units(struct request *r)
{
	book_begin(r, true);
}

static void book_start(struct request *r)
{
	request_with_units(r, book_with_units);
}

static void walk_in_start(struct request *r)
{
	request_with_units(r, walk_in_with_units);
}

/* Who stands there has a place or not: the list is for who can be told later. */
static bool check_door(const struct booking *b, struct error *err)
{
	return !b->go.door || !b->ask.wait ||
	       error_add_field(err, "/wait", "not_here", "Nobody waits at the door: book a place in another slot or round.",
			       "Người đến trực tiếp không vào danh sách chờ: hãy đăng ký khung giờ hoặc đợt khác.");
}

static void book_on_round(struct booking *b)
{
	const struct round *round = &b->load.round;
	struct error err;
	size_t len;
	const char *body = http_body(b->r->x, &len);

	error_clear(&err);
	if (!booking_read(body, len, b->r->arena, &b->ask, &err) || !check_door(b, &err) ||
	    !(b->go.door ? round_takes_walk_ins(round, b->now, &err) : round_takes_bookings(round, b->now, &err))) {
		booking_refuse(b, &err);
		return;
	}
	b->go.round_id = round->id;
	b->go.slot_id = b->ask.slot;
	b->go.wait = b->ask.wait;
	booking_judge(b, b->ask.donor, booking_give);
}

/* ---- POST /appointments/{id}/{move,cancel,check_in,no_show,name} ---- */

static void verb_on_found(struct booking *b);

static const struct {
	enum appointment_verb verb;
	enum appointment_step step;
} verb_steps[] = {
	{ APPOINTMENT_MOVE, STEP_MOVE },       { APPOINTMENT_CANCEL, STEP_CANCEL }, { APPOINTMENT_CHECK_IN, STEP_CHECK_IN },
	{ APPOINTMENT_MISS, STEP_NO_SHOW },    { APPOINTMENT_NAME, STEP_NAME },
};

static enum appointment_verb verb_of(enum appointment_step step)
{
	size_t i = 0;

	while (verb_steps[i].step != step)
		i++;
	return verb_steps[i].verb;
}

static void verb_with_units(struct request *r)
{
	const char *word = strrchr(http_path(r->x), '/') + 1;

	for (size_t i = 0; i < ARRAY_SIZE(verb_steps); i++) {
		if (streq(appointment_verb_text(verb_steps[i].verb), word)) {
			booking_load_appointment(booking_new(r, verb_steps[i].step, 200), request_param(r, "id"), verb_on_found);
			return;
		}
	}
}

static void verb_start(struct request *r)
{
	request_with_units(r, verb_with_units);
}

static bool verb_read(struct booking *b, struct error *err)
{
	struct arena *arena = b->r->arena;
	size_t len;
	const char *body = http_body(b->r->x, &len);

	if (b->go.step == STEP_MOVE)
		return booking_move_read(body, len, arena, &b->ask, err);
	if (b->go.step == STEP_NAME)
		return seat_name_read(body, len, arena, &b->ask, err);
	return wire_read_nothing(body, len, arena, err);
}

static void move_on_target(struct round_load *load);

static void move_begin(struct booking *b)
{
	b->target.key = b->ask.round ? b->ask.round : b->load.round.id;
	b->target.arena = b->r->arena;
	b->target.done = move_on_target;
	round_load_send(api_store(b->r->api), &b->target);
}

static void verb_on_found(struct booking *b)
{
	const struct appointment *now = &b->found.appointment;
	struct error err;

	error_clear(&err);
	if (!verb_read(b, &err) || !appointment_verb_allowed(verb_of(b->go.step), now, &b->load.round, b->now, &err)) {
		booking_refuse(b, &err);
		return;
	}
	b->go.id = now->id;
	b->go.version = now->version;
	if (b->go.step == STEP_MOVE)
		move_begin(b);
	else if (b->go.step == STEP_NAME)
		booking_judge(b, b->ask.donor, booking_do);
	else if (b->go.step == STEP_CANCEL)
		booking_look_who_waits(b, booking_do);
	else if (b->go.step == STEP_CHECK_IN)
		booking_look_again(b, booking_do);
	else
		booking_do(b);
}

static bool fail_seat(struct error *err)
{
	return error_set(err, ERR_ILLEGAL_STEP,
			 "A seat of a group moves within its round only: cancel it, and book in the other round.",
			 "Chỗ của nhóm chỉ dời được trong đợt của nhóm: hãy hủy, rồi đăng ký ở đợt kia.");
}

static void move_on_target(struct round_load *load)
{
	struct booking *b = container_of(load, struct booking, target);
	const struct appointment *now = &b->found.appointment;
	struct round *target = &load->round;
	struct request *r = b->r;
	struct error err;

	error_clear(&err);
	if (load->error.code == ERR_NOT_FOUND || (load->error.code == ERR_NONE && !request_sees_round(r, target))) {
		error_add_field(&err, "/round", "not_found", "There is no such round. Look it up in the list of rounds.",
				"Không có đợt này. Hãy xem danh sách đợt hiến máu.");
		booking_refuse(b, &err);
		return;
	}
	if (load->error.code != ERR_NONE) {
		request_reply_error(r, &load->error);
		return;
	}
	if (!request_may_write(r, target->units, target->nunits, target->from, target->team.id))
		return;
	if (!round_takes_bookings(target, b->now, &err) ||
	    (now->kind == APPOINTMENT_SEAT && !streq(target->id, now->round_id) && !fail_seat(&err))) {
		booking_refuse(b, &err);
		return;
	}
	b->into = target;
	b->go.round_id = target->id;
	b->go.slot_id = b->ask.slot;
	b->ask.component = now->component;
	if (*now->donor_id)
		booking_judge(b, now->donor_id, booking_give);
	else
		booking_give(b);
}

/* ---- POST /rounds/{id}/check-in: by the code that is said at the door ---- */

static void door_on_found(struct booking *b)
{
	const struct appointment *now = &b->found.appointment;
	struct error err;

	error_clear(&err);
	if (!appointment_verb_allowed(APPOINTMENT_CHECK_IN, now, &b->load.round, b->now, &err)) {
		booking_refuse(b, &err);
		return;
	}
	b->go.id = now->id;
	b->go.version = now->version;
	booking_look_again(b, booking_do);
}

static void door_on_round(struct booking *b)
{
	char *code = arena_alloc(b->r->arena, APPOINTMENT_CODE_SIZE);
	struct error err;
	size_t len;
	const char *body = http_body(b->r->x, &len);

	error_clear(&err);
	if (!check_in_read(body, len, b->r->arena, code, &err)) {
		booking_refuse(b, &err);
		return;
	}
	b->found.round_id = b->load.round.id;
	b->found.code = code;
	booking_load_appointment(b, NULL, door_on_found);
}

static void door_with_units(struct request *r)
{
	booking_load_round(booking_new(r, STEP_CHECK_IN, 200), door_on_round);
}

static void door_start(struct request *r)
{
	request_with_units(r, door_with_units);
}

/* ---- GET /appointments/{id} ---- */

/* Names are for those who sit at the desk. */
static const char *reading_action(const struct request *r, const char *action)
{
	return access_decide(r->principal.role, AREA_DONOR_DESK, ACCESS_WRITE) == ACCESS_YES ? action : NULL;
}

struct get_op {
	struct request         *r;
	struct appointment_load quiet, load;
	struct round_load       round;
};

static void get_on_read(struct appointment_load *load)
{
	struct get_op *op = container_of(load, struct get_op, load);
	struct json_out out = { .buf = api_scratch(op->r->api) };

	if (load->error.code != ERR_NONE) {
		request_reply_error(op->r, &load->error);
		return;
	}
	appointment_write(&out, NULL, &load->appointment, &op->round.round);
	request_reply_versioned(op->r, 200, out.buf, load->appointment.version);
}

/* Only now is it known whether the reader may: the name is opened, and told. */
static void get_on_round(struct round_load *round)
{
	struct get_op *op = container_of(round, struct get_op, round);
	struct request *r = op->r;

	if (round->error.code != ERR_NONE) {
		request_reply_error(r, &round->error);
		return;
	}
	if (!request_may_read_of(r, &round->round))
		return;
	op->load = (struct appointment_load){ .id = op->quiet.appointment.id, .arena = r->arena, .done = get_on_read,
					      .action = reading_action(r, "appointment.read"), .actor = r->actor };
	op->load.actor.request_id = http_request_id(r->x);
	appointment_load_send(api_store(r->api), &op->load);
}

static void get_on_found(struct appointment_load *load)
{
	struct get_op *op = container_of(load, struct get_op, quiet);

	if (load->error.code != ERR_NONE) {
		request_reply_error(op->r, &load->error);
		return;
	}
	op->round = (struct round_load){ .key = load->appointment.round_id, .arena = op->r->arena, .done = get_on_round };
	round_load_send(api_store(op->r->api), &op->round);
}

static void get_with_units(struct request *r)
{
	struct get_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	op->quiet = (struct appointment_load){ .id = request_param(r, "id"), .arena = r->arena, .done = get_on_found };
	appointment_load_send(api_store(r->api), &op->quiet);
}

static void get_start(struct request *r)
{
	request_with_units(r, get_with_units);
}

/* ---- GET /rounds/{id}/appointments ---- */

struct list_op {
	struct request         *r;
	struct round_load       round;
	struct appointment_list list;
};

static void list_on_listed(struct appointment_list *list)
{
	struct list_op *op = container_of(list, struct list_op, list);
	struct json_out out;

	if (list->error.code != ERR_NONE) {
		request_reply_error(op->r, &list->error);
		return;
	}
	request_list_begin(op->r, &out);
	for (size_t i = 0; i < list->nitems; i++)
		appointment_write(&out, NULL, &list->items[i], &op->round.round);
	request_list_reply(op->r, &out, list->more ? list->items[list->nitems - 1].id : NULL);
}

static void list_on_round(struct round_load *round)
{
	struct list_op *op = container_of(round, struct list_op, round);

	if (round->error.code != ERR_NONE)
		request_reply_round_error(op->r, &round->error);
	else if (!request_sees_round(op->r, &round->round))
		request_reply_no_round(op->r);
	else if (request_may_read_of(op->r, &round->round)) {
		op->list.round_id = round->round.id;
		appointment_list_send(api_store(op->r->api), &op->list);
	}
}

static bool state_word(const char *text, int *value)
{
	enum appointment_state state;
	bool known = appointment_state_parse(text, &state);

	*value = known ? (int)state : 0;
	return known;
}

static void list_with_units(struct request *r)
{
	struct list_op *op = http_alloc(r->x, sizeof(*op));
	struct params params;
	struct error err;

	op->r = r;
	if (!params_init(&params, r, &err)) {
		request_reply_error(r, &err);
		return;
	}
	op->list.states = params_words(&params, "state", "waiting, booked, checked_in, cancelled, no_show, released", state_word);
	op->list.limit = params_limit(&params);
	params_cursor(&params, op->list.after);
	if (!params_finish(&params)) {
		request_reply_error(r, &err);
		return;
	}
	op->list.action = reading_action(r, "appointment.list");
	op->list.actor = r->actor;
	op->list.actor.request_id = http_request_id(r->x);
	op->list.arena = r->arena;
	op->list.done = list_on_listed;
	op->round = (struct round_load){ .key = request_param(r, "id"), .arena = r->arena, .done = list_on_round };
	round_load_send(api_store(r->api), &op->round);
}

static void list_start(struct request *r)
{
	request_with_units(r, list_with_units);
}

const struct route appointment_routes[] = {
	{ HTTP_GET_, "/api/v1/rounds/{id}/appointments", AREA_APPOINTMENTS, ACCESS_READ, list_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/rounds/{id}/appointments", AREA_APPOINTMENTS, ACCESS_WRITE, book_start,
	  ROUTE_PERSONAL | ROUTE_DONORS, 0 },
	{ HTTP_POST_, "/api/v1/rounds/{id}/walk-ins", AREA_APPOINTMENTS, ACCESS_WRITE, walk_in_start,
	  ROUTE_PERSONAL | ROUTE_DONORS, 0 },
	{ HTTP_POST_, "/api/v1/rounds/{id}/check-in", AREA_APPOINTMENTS, ACCESS_WRITE, door_start, ROUTE_PERSONAL, 0 },
	{ HTTP_GET_, "/api/v1/appointments/{id}", AREA_APPOINTMENTS, ACCESS_READ, get_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/appointments/{id}/move", AREA_APPOINTMENTS, ACCESS_WRITE, verb_start,
	  ROUTE_PERSONAL | ROUTE_DONORS, 0 },
	{ HTTP_POST_, "/api/v1/appointments/{id}/cancel", AREA_APPOINTMENTS, ACCESS_WRITE, verb_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/appointments/{id}/check_in", AREA_APPOINTMENTS, ACCESS_WRITE, verb_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/appointments/{id}/no_show", AREA_APPOINTMENTS, ACCESS_WRITE, verb_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/appointments/{id}/name", AREA_APPOINTMENTS, ACCESS_WRITE, verb_start,
	  ROUTE_PERSONAL | ROUTE_DONORS, 0 },
	{ 0 }
};
