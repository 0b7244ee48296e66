#include "api/booking.h"

#include <strings.h>

#include "api/private.h"
#include "api/request.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "config/config.h"
#include "wire/deferral_wire.h"
#include "wire/eligibility_wire.h"

static const struct eligibility_rules *rules_of(const struct request *r)
{
	return r->api->daemon->rules;
}

struct slot_rules booking_rules(const struct request *r)
{
	const struct config *config = r->api->worker->config;

	return (struct slot_rules){ .minutes_per_donor = config->booking_minutes_per_donor,
				    .slot_minutes = config->booking_slot_minutes,
				    .walk_in_percent = config->booking_walk_in_percent };
}

struct appointment_now booking_now(const struct request *r)
{
	int64_t wall_us = clock_wall_us(r->api->worker->clock);
	struct date today = date_of_instant(wall_us);

	return (struct appointment_now){ today, (int)((wall_us - date_instant(today, 0)) / 60000000) };
}

struct booking *booking_new(struct request *r, enum appointment_step step, int status)
{
	struct booking *b = http_alloc(r->x, sizeof(*b));

	b->r = r;
	b->now = booking_now(r);
	b->go.step = step;
	b->go.idempotency.status = status;
	b->go.lead_minutes = r->api->worker->config->booking_refill_minutes;
	return b;
}

/* ---- refused ---- */

static void was_made(void *context, const char *id)
{
	booking_tell(context, id);
}

void booking_refuse(struct booking *b, const struct error *err)
{
	request_refuse_create(b->r, err, b->of_group ? "seat_group" : "appointment", was_made, b);
}

static void refuse_none(struct booking *b, const char *en, const char *vi)
{
	struct error err;

	error_clear(&err);
	error_set(&err, ERR_NOT_FOUND, "%1$s%2$.0s", "%2$s%1$.0s", en, vi);
	request_reply_error(b->r, &err);
}

/* ---- the round, the appointment ---- */

static bool round_is_fine(struct booking *b, struct round_load *load)
{
	struct request *r = b->r;

	if (load->error.code != ERR_NONE)
		request_reply_round_error(r, &load->error);
	else if (!request_sees_round(r, &load->round))
		request_reply_no_round(r);
	else
		return request_may_write(r, load->round.units, load->round.nunits, load->round.from, load->round.team.id);
	return false;
}

static void on_round(struct round_load *load)
{
	struct booking *b = container_of(load, struct booking, load);

	if (!round_is_fine(b, load))
		return;
	b->into = &load->round;
	b->next(b);
}

static void load_round(struct booking *b, const char *key)
{
	b->load.key = key;
	b->load.arena = b->r->arena;
	b->load.done = on_round;
	round_load_send(api_store(b->r->api), &b->load);
}

void booking_load_round(struct booking *b, void (*next)(struct booking *b))
{
	b->next = next;
	load_round(b, request_param(b->r, "id"));
}

static void on_found(struct appointment_load *load)
{
	struct booking *b = container_of(load, struct booking, found);

	if (load->error.code == ERR_NOT_FOUND)
		refuse_none(b, load->id ? "There is no such appointment. GET .../rounds/{id}/appointments lists them."
					: "Nobody in this round has that code. Ask for it again, or look for the name.",
			    load->id ? "Không có lịch hẹn này. Xem danh sách ở .../rounds/{id}/appointments."
				     : "Trong đợt không có ai mang mã này. Hãy hỏi lại mã, hoặc tìm theo tên.");
	else if (load->error.code != ERR_NONE)
		request_reply_error(b->r, &load->error);
	else if (load->id)
		load_round(b, load->appointment.round_id);
	else
		b->next(b);                      /* the round was there first */
}

void booking_load_appointment(struct booking *b, const char *id, void (*next)(struct booking *b))
{
	b->next = next;
	b->found.id = id;
	b->found.arena = b->r->arena;
	b->found.done = on_found;
	appointment_load_send(api_store(b->r->api), &b->found);
}

/* ---- the donor ---- */

static void fail_donor(struct facts_load *facts, const char *pointer)
{
	if (facts->error.code == ERR_NOT_FOUND) {
		error_clear(&facts->error);
		error_add_field(&facts->error, pointer, "not_found",
				"There is no such donor. Look the person up, or register them first.",
				"Không có người hiến máu này. Hãy tra cứu, hoặc đăng ký trước.");
	} else if (facts->error.code == ERR_NONE && facts->record.donor.erased) {
		error_set(&facts->error, ERR_ERASED, "The personal data of this donor has been erased.",
			  "Dữ liệu cá nhân của người này đã được xóa.");
	}
}

static void load_facts(struct booking *b, struct facts_load *facts, const char *donor, const char *action,
		       void (*done)(struct facts_load *load))
{
	facts->key = donor;
	facts->action = action;
	facts->actor = b->r->actor;
	facts->actor.request_id = http_request_id(b->r->x);
	facts->arena = b->r->arena;
	facts->done = done;
	facts_load_send(api_store(b->r->api), facts);
}

/* Reasons are for those who may open this record: anybody may be booked, from wherever they are. */
static bool is_told_reasons(const struct booking *b)
{
	const char *unit = b->facts.record.donor.unit_id, *const *units;
	size_t count;

	if (access_decide(b->r->principal.role, AREA_DONORS, ACCESS_READ) == ACCESS_NO)
		return false;
	request_readable_units(b->r, &units, &count);
	for (size_t i = 0; units && unit && i < count; i++)
		if (streq(units[i], unit))
			return true;
	return !units;
}

static const char *verdict_text(struct booking *b)
{
	struct json_out out = { .buf = api_scratch(b->r->api) };

	if (is_told_reasons(b))
		verdict_write(&out, NULL, &b->verdict, http_language(b->r->x));
	else
		verdict_neutral_write(&out, NULL, &b->verdict, b->facts.record.donor.contact_facility, http_language(b->r->x));
	return arena_strdup(b->r->arena, out.buf->data);
}

/* The verdict is told: that is a reading, and it has its audit row now. */
static void on_told(struct facts_load *told)
{
	struct booking *b = container_of(told, struct booking, told);
	struct error err;

	if (told->error.code != ERR_NONE) {
		request_reply_error(b->r, &told->error);
		return;
	}
	error_clear(&err);
	error_set(&err, ERR_NOT_ELIGIBLE, "By what is known, this person may not give in this round: verdict says why and from when on.",
		  "Theo thông tin hiện có, người này chưa được hiến máu ở đợt này: verdict cho biết lý do và từ khi nào.");
	http_add_problem_member(b->r->x, ERR_NOT_ELIGIBLE, "verdict", verdict_text(b));
	booking_refuse(b, &err);
}

static void on_judged(struct facts_load *load)
{
	struct booking *b = container_of(load, struct booking, facts);
	struct request *r = b->r;
	struct eligibility_facts facts;

	fail_donor(load, "/donor");
	if (load->error.code != ERR_NONE) {
		booking_refuse(b, &load->error);
		return;
	}
	donor_facts_as_of(&load->facts, rules_of(r), b->into->from, r->today, b->ask.component, r->arena, &facts);
	facts.volume_ml = b->ask.volume_ml;
	eligibility_check(rules_of(r), &facts, r->arena, &b->verdict);
	if (!b->verdict.eligible) {
		load_facts(b, &b->told, load->record.donor.id, "donor.eligibility", on_told);
		return;
	}
	b->go.verdict = &b->verdict;
	b->go.donor_id = load->record.donor.id;
	b->next(b);
}

void booking_judge(struct booking *b, const char *donor, void (*next)(struct booking *b))
{
	b->next = next;
	b->go.component = b->ask.component;
	load_facts(b, &b->facts, donor, NULL, on_judged);
}

/* Nobody is refused by it: what is not known now is not told. */
static void on_looked_at(struct facts_load *load)
{
	struct booking *b = container_of(load, struct booking, facts);
	struct request *r = b->r;
	struct eligibility_facts facts;

	if (load->error.code == ERR_NONE && !load->record.donor.erased) {
		donor_facts_as_of(&load->facts, rules_of(r), b->load.round.from, r->today, b->found.appointment.component, r->arena,
				  &facts);
		eligibility_check(rules_of(r), &facts, r->arena, &b->verdict);
		b->go.verdict = &b->verdict;
	}
	b->next(b);
}

void booking_look_again(struct booking *b, void (*next)(struct booking *b))
{
	b->next = next;
	load_facts(b, &b->facts, b->found.appointment.donor_id, NULL, on_looked_at);
}

static void on_contact(struct facts_load *load)
{
	struct booking *b = container_of(load, struct booking, facts);

	fail_donor(load, "/contact");
	if (load->error.code != ERR_NONE) {
		booking_refuse(b, &load->error);
		return;
	}
	b->go.donor_id = load->record.donor.id;
	b->next(b);
}

void booking_find_contact(struct booking *b, const char *donor, void (*next)(struct booking *b))
{
	b->next = next;
	load_facts(b, &b->facts, donor, NULL, on_contact);
}

/* ---- the slots ---- */

enum { LAYS_MAX = 16 };

static void load_slots(struct booking *b);

static void on_laid(struct slots_lay *lay)
{
	struct booking *b = container_of(lay, struct booking, lay);

	if (lay->error.code != ERR_NONE)
		booking_refuse(b, &lay->error);
	else
		load_slots(b);           /* also where somebody booked meanwhile */
}

static const struct slot *find_slot(const struct slots_load *load, const char *id)
{
	for (size_t i = 0; i < load->nslots; i++)
		if (load->slots[i].stands && strcasecmp(load->slots[i].id, id) == 0)
			return &load->slots[i];
	return NULL;
}

/* What is booked has not begun: after that there are places at the door. */
static bool check_hour(const struct booking *b, struct error *err)
{
	const struct slots_load *load = &b->slots;
	const struct slot *wanted = b->go.slot_id ? find_slot(load, b->go.slot_id) : NULL;
	bool all_begun = load->nslots > 0;

	if (b->go.slot_id && !wanted)
		return error_add_field(err, "/slot", "not_found", "The round has no such slot. Look at its slots.",
				       "Đợt không có khung giờ này. Hãy xem các khung giờ của đợt.");
	if (b->go.door)
		return true;
	if (wanted && slot_has_begun(wanted, b->into->from, b->now.today, b->now.minute))
		return error_add_field(err, "/slot", "has_begun", "This slot has begun. Choose a later one, or take the person as a walk-in.",
				       "Khung giờ này đã bắt đầu. Hãy chọn khung giờ sau, hoặc nhận người đến không hẹn trước.");
	for (size_t i = 0; i < load->nslots && all_begun; i++)
		all_begun = !load->slots[i].stands ||
			    slot_has_begun(&load->slots[i], b->into->from, b->now.today, b->now.minute);
	if (all_begun)
		return error_set(err, ERR_ILLEGAL_STEP, "All slots of the round have begun. Who comes now is taken as a walk-in.",
				 "Mọi khung giờ của đợt đã bắt đầu. Người đến lúc này được nhận như người không hẹn trước.");
	return true;
}

static void on_slots(struct slots_load *load)
{
	struct booking *b = container_of(load, struct booking, slots);
	struct error err;

	if (load->error.code != ERR_NONE) {
		booking_refuse(b, &load->error);
		return;
	}
	error_clear(&err);
	/* Slots that are loose can be used as they are: tried once, so that many who book do not chase each other. */
	if (!load->stale && (!load->loose || b->lays > 0 || load->version != b->into->version)) {
		b->next(b);
		return;
	}
	/* The round may be another than the one that was read: then so are its hours. */
	if (load->version != b->into->version || ++b->lays > LAYS_MAX) {
		error_set(&err, ERR_UNAVAILABLE, "The round is being changed. Nothing was done. Try again shortly.",
			  "Đợt đang được sửa. Chưa có gì thay đổi. Hãy thử lại sau giây lát.");
		booking_refuse(b, &err);
		return;
	}
	b->lay = (struct slots_lay){ .load = load, .arena = b->r->arena, .done = on_laid };
	slot_lay(b->into, &load->rules, load->slots, load->nslots, b->r->arena, &b->lay.layout);
	slots_lay_send(api_store(b->r->api), &b->lay);
}

static void load_slots(struct booking *b)
{
	b->slots = (struct slots_load){ .round_id = b->into->id, .rules = booking_rules(b->r), .arena = b->r->arena,
					.done = on_slots };
	slots_load_send(api_store(b->r->api), &b->slots);
}

void booking_lay(struct booking *b, void (*next)(struct booking *b))
{
	b->next = next;
	load_slots(b);
}

/* ---- who waits ---- */

/* In which places are given, or get free. */
static const struct round *giving_round(const struct booking *b)
{
	return b->into ? b->into : &b->load.round;
}

static void keep_fit(struct booking *b, const struct waiting_fit *fit)
{
	struct arena *arena = b->r->arena;
	struct waiting_fit *kept;

	if (b->go.nwaiting == b->fits_room) {
		kept = arena_alloc(arena, (b->fits_room = 2 * b->fits_room + WAITING_PAGE) * sizeof(*kept));
		for (size_t i = 0; i < b->go.nwaiting; i++)
			kept[i] = b->fits[i];
		b->go.waiting = b->fits = kept;
	}
	kept = &b->fits[b->go.nwaiting++];
	*kept = *fit;
	kept->appointment_id = arena_strdup(arena, fit->appointment_id);
	kept->wish = NULL;               /* of the page; done with */
}

/* As appointment_refill() will: the slot that they wait for, or the first with a place. */
static void take_place(struct booking *b, const struct waiting_fit *fit)
{
	for (size_t i = 0; b->left && i < b->slots.nslots; i++) {
		if (b->left[i] > 0 && (!fit->wish || streq(fit->wish, b->slots.slots[i].id))) {
			b->left[i]--;
			return;
		}
	}
}

/* What is free for those who wait, who must be told some time before. */
static void count_left(struct booking *b)
{
	const struct slots_load *load = &b->slots;
	int now = (date_days(b->now.today) - date_days(b->into->from)) * 24 * 60 + b->now.minute;

	b->left = arena_alloc(b->r->arena, (load->nslots + 1) * sizeof(*b->left));
	for (size_t i = 0; i < load->nslots; i++)
		b->left[i] = now + b->go.lead_minutes < load->slots[i].start_minute ? slot_left(&load->slots[i]) : 0;
}

static bool is_all_taken(const struct booking *b)
{
	for (size_t i = 0; b->left && i < b->slots.nslots; i++)
		if (b->left[i] > 0)
			return false;
	return true;
}

static void on_waiting(struct waiting_load *load);

static void load_waiting(struct booking *b, int64_t after)
{
	arena_init(&b->page);
	b->waiting = (struct waiting_load){ .round_id = giving_round(b)->id, .after = after, .arena = &b->page, .done = on_waiting };
	waiting_load_send(api_store(b->r->api), &b->waiting);
}

/* People who may not give, however many, keep a place from nobody: then the next page may have one who does. */
static void on_waiting(struct waiting_load *load)
{
	struct booking *b = container_of(load, struct booking, waiting);
	const struct waiting_fit *fits;
	int64_t last = load->last;

	if (load->error.code == ERR_NONE) {
		size_t count = waiting_fits(load, rules_of(b->r), giving_round(b)->from, b->r->today, &b->page, &fits);

		for (size_t i = 0; i < count; i++) {
			keep_fit(b, &fits[i]);
			take_place(b, &fits[i]);
		}
		if (load->seen > 0)
			b->go.seen = load->seen;
	}
	arena_release(&b->page);
	if (load->error.code != ERR_NONE)
		booking_refuse(b, &load->error);
	else if (last > 0 && !is_all_taken(b))
		load_waiting(b, last);
	else
		b->next(b);
}

/* First those who wait, then who asks: but where nothing is left nobody need be looked at. */
static void give_on_laid(struct booking *b)
{
	bool any = false;
	struct error err;

	error_clear(&err);
	if (!check_hour(b, &err)) {
		booking_refuse(b, &err);
		return;
	}
	for (size_t i = 0; i < b->slots.nslots; i++)
		any = any || slot_left(&b->slots.slots[i]) > 0;
	if (!any || !b->slots.waited || b->go.door) {
		booking_do(b);
		return;
	}
	count_left(b);
	booking_look_who_waits(b, booking_do);
}

void booking_give(struct booking *b)
{
	booking_lay(b, give_on_laid);
}

void booking_look_who_waits(struct booking *b, void (*next)(struct booking *b))
{
	b->next = next;
	load_waiting(b, 0);
}

/* ---- done ---- */

static void on_done(struct appointment_do *go)
{
	struct booking *b = container_of(go, struct booking, go);

	if (go->error.code != ERR_NONE)
		booking_refuse(b, &go->error);
	else
		booking_tell(b, go->made);
}

void booking_do(struct booking *b)
{
	struct appointment_do *go = &b->go;
	int status = go->idempotency.status;

	if (!request_idempotency(b->r, &go->idempotency))
		return;
	go->idempotency.status = status;
	go->actor = b->r->actor;
	go->actor.request_id = http_request_id(b->r->x);
	go->arena = b->r->arena;
	go->done = on_done;
	appointment_do_send(api_store(b->r->api), go);
}

/* ---- told ---- */

static void reply(struct booking *b, const struct buf *buf, const char *collection, const char *id)
{
	if (b->go.idempotency.status == 201)
		http_add_header(b->r->x, "Location", arena_printf(b->r->arena, "/api/v1/%s/%s", collection, id));
	request_reply_json(b->r, b->go.idempotency.status, buf, NULL);
}

static void write_group(struct json_out *out, const struct booking *b)
{
	const struct seat_group *group = &b->again_group.group;

	jout_object(out, NULL);
	jout_text(out, "id", group->id);
	jout_text(out, "round", group->round_id);
	jout_text(out, "title", group->title);
	jout_object(out, "contact");
	jout_text(out, "id", group->contact_id);
	jout_text(out, "donor_number", group->contact_number);
	jout_end(out);
	jout_int(out, "seats", group->seats);
	jout_int(out, "unnamed", group->unnamed);
	for (int i = APPOINTMENT_BOOKED; i < APPOINTMENT_STATE_COUNT; i++)
		jout_int(out, appointment_state_text((enum appointment_state)i), group->count[i]);
	jout_int(out, "release_hours", group->release_hours);
	jout_time(out, "created_at", group->created_us);
	/* How it went with this contact's seats in rounds that were held. */
	jout_object(out, "so_far");
	jout_int(out, "came", group->past_came);
	jout_int(out, "no_show", group->past_missed);
	jout_int(out, "released", group->past_released);
	jout_end(out);
	jout_array(out, "items");
	for (size_t i = 0; i < b->seats.nitems; i++)
		appointment_write(out, NULL, &b->seats.items[i], &b->again_round.round);
	jout_end(out);
	jout_end(out);
}

static void on_seats(struct appointment_list *list)
{
	struct booking *b = container_of(list, struct booking, seats);
	struct json_out out = { .buf = api_scratch(b->r->api) };

	if (list->error.code != ERR_NONE) {
		request_reply_unread(b->r, &list->error);
		return;
	}
	write_group(&out, b);
	reply(b, out.buf, "groups", b->again_group.group.id);
}

static void on_again_round(struct round_load *load)
{
	struct booking *b = container_of(load, struct booking, again_round);
	struct json_out out;

	if (load->error.code != ERR_NONE) {
		request_reply_unread(b->r, &load->error);
	} else if (b->of_group) {
		b->seats = (struct appointment_list){ .group_id = b->again_group.group.id, .limit = 500, .arena = b->r->arena,
						      .done = on_seats };
		appointment_list_send(api_store(b->r->api), &b->seats);
	} else {
		out = (struct json_out){ .buf = api_scratch(b->r->api) };
		appointment_write(&out, NULL, &b->again.appointment, &load->round);
		reply(b, out.buf, "appointments", b->again.appointment.id);
	}
}

static void load_again_round(struct booking *b, const char *id)
{
	b->again_round = (struct round_load){ .key = id, .arena = b->r->arena, .done = on_again_round };
	round_load_send(api_store(b->r->api), &b->again_round);
}

static void on_again(struct appointment_load *load)
{
	struct booking *b = container_of(load, struct booking, again);

	if (load->error.code != ERR_NONE)
		request_reply_unread(b->r, &load->error);
	else
		load_again_round(b, load->appointment.round_id);
}

static void on_again_group(struct seat_group_load *load)
{
	struct booking *b = container_of(load, struct booking, again_group);

	if (load->error.code != ERR_NONE)
		request_reply_unread(b->r, &load->error);
	else
		load_again_round(b, load->group.round_id);
}

void booking_tell(struct booking *b, const char *id)
{
	struct arena *arena = b->r->arena;

	b->made = arena_strdup(arena, id);
	if (b->of_group) {
		b->again_group = (struct seat_group_load){ .id = b->made, .arena = arena, .done = on_again_group };
		seat_group_load_send(api_store(b->r->api), &b->again_group);
	} else {
		b->again = (struct appointment_load){ .id = b->made, .arena = arena, .done = on_again };
		appointment_load_send(api_store(b->r->api), &b->again);
	}
}
