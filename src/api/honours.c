#include <stdio.h>
#include <string.h>

#include "api/params.h"
#include "api/places.h"
#include "api/private.h"
#include "api/request.h"
#include "base/error.h"
#include "base/text.h"
#include "domain/honour.h"
#include "store/donor_store.h"
#include "store/honour_store.h"
#include "wire/honour_wire.h"

/* What repeat donors are owed: candidates, and the work on each honour until it is handed over. */

static const struct honour_rules *rules_of(const struct request *r)
{
	return r->api->daemon->honours;
}

/* Answers 403 itself when a scope does not reach who lives there. */
static bool may_write(struct request *r, const char *unit_id, struct date unit_on)
{
	struct named unit = { unit_id, NULL };

	return request_may_write(r, &unit, unit_id ? 1 : 0, unit_on, NULL);
}

/* ---- GET /honours/ladders ---- */

static void ladders_start(struct request *r)
{
	struct json_out out = { .buf = api_scratch(r->api) };

	honour_rules_write(&out, NULL, rules_of(r), http_language(r->x));
	request_reply_json(r, 200, out.buf, NULL);
}

/* ---- GET /honours/candidates ---- */

struct candidates_op {
	struct request    *r;
	enum honour_ladder ladder;
	struct honour_find find;
};

/* As few donations as the lowest step needs. */
static int least_of(const struct honour_rules *rules, enum honour_ladder ladder)
{
	int least = 0;

	for (size_t i = 0; i < rules->nsteps; i++) {
		const struct honour_step *step = &rules->steps[i];
		int bar = step->at_mountain > 0 ? step->at_mountain : step->at;

		if (step->ladder == ladder && (least == 0 || bar < least))
			least = bar;
	}
	return least > 0 ? least : 1;
}

static void donation_write(struct json_out *out, const struct honour_rules *rules, const struct honour_donation *donation,
			   struct date as_of)
{
	jout_object(out, NULL);
	jout_text(out, "id", donation->id);
	jout_text(out, "donor", donation->person);
	jout_text(out, "component", component_text(donation->component));
	if (donation->volume_ml >= 0)
		jout_int(out, "volume_ml", donation->volume_ml);
	else
		jout_null(out, "volume_ml");
	jout_date(out, "donated_on", donation->on);
	jout_text(out, "evidence", donation_evidence_text(donation->evidence));
	jout_bool(out, "counts", honour_counts(rules, donation, as_of));
	jout_end(out);
}

static void candidate_write(struct json_out *out, struct candidates_op *op, const struct honour_subject *subject,
			    const struct honour_reached *due, size_t ndue, const struct honour_tally *tally)
{
	const struct honour_rules *rules = rules_of(op->r);

	jout_object(out, NULL);
	jout_text(out, "donor", op->find.families ? NULL : subject->id);
	jout_text(out, "family", op->find.families ? subject->id : NULL);
	jout_text(out, "donor_number", subject->donor_number);
	jout_int(out, "counted", tally->counted);
	jout_int(out, "confirmed", tally->confirmed);
	jout_int(out, "declared", tally->declared);
	jout_array(out, "steps");
	for (size_t i = 0; i < ndue; i++) {
		jout_object(out, NULL);
		jout_text(out, "step", due[i].step->rule.id);
		jout_int(out, "at", due[i].bar);
		jout_date(out, "reached_on", due[i].on);
		jout_text(out, "award", due[i].step->award[http_language(op->r->x)]);
		jout_text(out, "given_by", honour_given_by(rules, due[i].step, op->find.as_of));
		jout_end(out);
	}
	jout_end(out);
	jout_array(out, "donations");
	for (size_t i = 0; i < subject->ndonations; i++)
		donation_write(out, rules, &subject->donations[i], op->find.as_of);
	jout_end(out);
	jout_end(out);
}

static void candidates_on_found(struct honour_find *find)
{
	struct candidates_op *op = container_of(find, struct candidates_op, find);
	const struct honour_rules *rules = rules_of(op->r);
	struct honour_reached *reached = arena_alloc(op->r->arena, (rules->nsteps + 1) * sizeof(*reached));
	struct json_out out;

	if (find->error.code != ERR_NONE) {
		request_reply_error(op->r, &find->error);
		return;
	}
	request_list_begin(op->r, &out);
	for (size_t i = 0; i < find->nsubjects; i++) {
		const struct honour_subject *subject = &find->subjects[i];
		struct honour_tally tally;
		size_t count = honour_reached(rules, op->ladder, honour_is_mountain(rules, subject->unit_id), subject->donations,
					      subject->ndonations, find->as_of, reached, &tally);

		count = honour_due(rules, reached, count, subject->had, subject->nhad);
		if (count > 0)
			candidate_write(&out, op, subject, reached, count, &tally);
	}
	request_list_reply(op->r, &out, find->more ? find->subjects[find->nsubjects - 1].id : NULL);
}

static void candidates_with_units(struct request *r)
{
	struct candidates_op *op = r->own;

	request_readable_units(r, &op->find.units, &op->find.nunits);
	op->find.families = op->ladder == LADDER_FAMILY;
	op->find.least = least_of(rules_of(r), op->ladder);
	op->find.arena = r->arena;
	op->find.done = candidates_on_found;
	honour_find_send(api_store(r->api), &op->find);
}

static void candidates_start(struct request *r)
{
	struct candidates_op *op = http_alloc(r->x, sizeof(*op));
	const char *ladder;
	struct params params;
	struct error err;

	op->r = r;
	r->own = op;
	op->ladder = LADDER_INDIVIDUAL;
	if (!params_init(&params, r, &err)) {
		request_reply_error(r, &err);
		return;
	}
	ladder = params_text(&params, "ladder");
	if (ladder && !honour_ladder_parse(ladder, &op->ladder))
		params_fault(&params, "ladder", "invalid_value", "One of: " LADDER_WORDS ".", "Một trong: " LADDER_WORDS ".");
	op->find.as_of = params_date(&params, "as_of");
	if (date_is_none(op->find.as_of))
		op->find.as_of = r->today;
	op->find.limit = params_limit(&params);
	params_cursor(&params, op->find.after);
	if (!params_finish(&params))
		request_reply_error(r, &err);
	else
		request_with_units(r, candidates_with_units);
}

/* ---- one honour, as it is now ---- */

struct honour_op {
	struct request        *r;
	/* a new one */
	struct honour_wish     wish;
	const struct honour_step *step;
	struct donor_load      person;
	struct honour_find     find;
	struct honour_nominate nominate;
	/* one that is there */
	enum honour_verb       verb;
	int64_t                version;
	struct honour_say      say;
	struct honour_load     load;
	struct honour_step_do  take;
};

static void reply_honour(struct honour_op *op, int status, const struct honour *honour)
{
	struct request *r = op->r;
	struct json_out out = { .buf = api_scratch(r->api) };

	honour_write(&out, NULL, honour, rules_of(r), http_language(r->x));
	if (status == 201)
		request_reply_created(r, out.buf, "honours", honour->id, honour->version);
	else
		request_reply_versioned(r, status, out.buf, honour->version);
}

static void load_honour(struct honour_op *op, const char *id, void (*done)(struct honour_load *load))
{
	op->load = (struct honour_load){ .id = id, .rules = rules_of(op->r), .arena = op->r->arena, .done = done };
	request_readable_units(op->r, &op->load.units, &op->load.nunits);
	honour_load_send(api_store(op->r->api), &op->load);
}

/* ---- GET /honours/{id} ---- */

static void get_on_loaded(struct honour_load *load)
{
	struct honour_op *op = container_of(load, struct honour_op, load);

	if (load->error.code != ERR_NONE)
		request_reply_error(op->r, &load->error);
	else
		reply_honour(op, 200, &load->honour);
}

static void get_with_units(struct request *r)
{
	struct honour_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	load_honour(op, request_param(r, "id"), get_on_loaded);
}

static void get_start(struct request *r)
{
	request_with_units(r, get_with_units);
}

/* ---- POST /honours ---- */

static void made_on_loaded(struct honour_load *load)
{
	struct honour_op *op = container_of(load, struct honour_op, load);

	if (load->error.code != ERR_NONE)
		request_reply_unread(op->r, &load->error);
	else
		reply_honour(op, 201, &load->honour);
}

static void tell_made(void *context, const char *id)
{
	struct honour_op *op = context;

	load_honour(op, arena_strdup(op->r->arena, id), made_on_loaded);
}

static void refuse_nomination(struct honour_op *op, const struct error *err)
{
	request_refuse_create(op->r, err, "honour", tell_made, op);
}

static void on_nominated(struct honour_nominate *nominate)
{
	struct honour_op *op = container_of(nominate, struct honour_op, nominate);

	if (nominate->error.code != ERR_NONE)
		refuse_nomination(op, &nominate->error);
	else
		tell_made(op, nominate->idempotency.replayed ? nominate->idempotency.resource_id : nominate->honour.id);
}

static const struct honour_reached *find_step(const struct honour_reached *reached, size_t count, const char *id)
{
	for (size_t i = 0; i < count; i++)
		if (streq(reached[i].step->rule.id, id))
			return &reached[i];
	return NULL;
}

static void nominate(struct honour_op *op, const struct honour_subject *subject, const struct honour_reached *reached)
{
	struct honour *honour = &op->nominate.honour;
	struct request *r = op->r;
	size_t room = (size_t)reached->bar + 1;
	const struct honour_donation **with = arena_alloc(r->arena, room * sizeof(*with));
	const char **ids = arena_alloc(r->arena, room * sizeof(*ids));
	int count;

	if (!request_idempotency(r, &op->nominate.idempotency))
		return;
	count = honour_reached_with(rules_of(r), subject->donations, subject->ndonations, op->wish.as_of, reached->bar, with);
	for (int i = 0; i < count; i++)
		ids[i] = with[i]->id;
	*honour = (struct honour){ .donor_id = op->find.families ? NULL : subject->id,
				   .family_id = op->find.families ? subject->id : NULL,
				   .donor_number = subject->donor_number,
				   .ladder = reached->step->ladder, .step = reached->step->rule.id, .bar = reached->bar,
				   .as_of = op->wish.as_of, .reached_on = reached->on, .rules = rules_of(r)->edition,
				   .record_id = op->find.families ? NULL : honour_record(with, count), .donations = ids };
	op->nominate.subject_version = subject->version;
	op->nominate.step = reached->step;
	op->nominate.actor = r->actor;
	op->nominate.arena = r->arena;
	op->nominate.done = on_nominated;
	honour_nominate_send(api_store(r->api), &op->nominate);
}

static void wish_on_found(struct honour_find *find)
{
	struct honour_op *op = container_of(find, struct honour_op, find);
	const struct honour_rules *rules = rules_of(op->r);
	struct honour_reached *reached = arena_alloc(op->r->arena, (rules->nsteps + 1) * sizeof(*reached));
	const struct honour_subject *subject = find->nsubjects > 0 ? &find->subjects[0] : NULL;
	const struct honour_reached *one = NULL;
	struct honour_tally tally;
	struct error err;
	bool is_reached = false;
	size_t count;

	if (find->error.code != ERR_NONE) {
		refuse_nomination(op, &find->error);
		return;
	}
	error_clear(&err);
	if (subject) {
		if (!may_write(op->r, subject->unit_id, subject->unit_on))
			return;
		count = honour_reached(rules, op->step->ladder, honour_is_mountain(rules, subject->unit_id), subject->donations,
				       subject->ndonations, find->as_of, reached, &tally);
		is_reached = find_step(reached, count, op->step->rule.id) != NULL;
		one = find_step(reached, honour_due(rules, reached, count, subject->had, subject->nhad), op->step->rule.id);
	}
	if (!is_reached) {
		error_set(&err, ERR_ILLEGAL_STEP, "The donations that count do not reach this step on that day.",
			  "Tính đến ngày đó, số lần hiến được tính chưa đạt mức này.");
		refuse_nomination(op, &err);
	} else if (!honour_is_due(op->step, subject->had, subject->nhad)) {
		error_set(&err, ERR_ALREADY_EXISTS, "This honour was given, or it is in work. Look it up in the list of honours.",
			  "Hình thức tôn vinh này đã trao hoặc đang được xét. Hãy xem danh sách tôn vinh.");
		refuse_nomination(op, &err);
	} else if (!one) {
		error_set(&err, ERR_ILLEGAL_STEP, "Of several steps reached only the highest is given (steps_at_once). See the candidates.",
			  "Khi đạt nhiều mức, chỉ trao mức cao nhất (steps_at_once). Hãy xem danh sách đề cử.");
		refuse_nomination(op, &err);
	} else {
		nominate(op, subject, one);
	}
}

static void find_subject(struct honour_op *op, const char *id, bool family, struct date as_of,
			 void (*done)(struct honour_find *find))
{
	op->find = (struct honour_find){ .families = family, .only = id, .as_of = as_of, .least = 1, .limit = 1,
					 .arena = op->r->arena, .done = done };
	request_readable_units(op->r, &op->find.units, &op->find.nunits);
	honour_find_send(api_store(op->r->api), &op->find);
}

static void wish_on_person(struct donor_load *load)
{
	struct honour_op *op = container_of(load, struct honour_op, person);

	if (load->error.code == ERR_NOT_FOUND) {
		error_clear(&load->error);
		error_add_field(&load->error, "/donor", "not_found", "There is no such donor. Look the donor up first.",
				"Không có người hiến máu này. Hãy tra cứu trước.");
	}
	if (load->error.code != ERR_NONE)
		refuse_nomination(op, &load->error);
	else
		find_subject(op, load->record.donor.id, false, op->wish.as_of, wish_on_found);
}

static void wish_with_units(struct request *r)
{
	struct honour_op *op = http_alloc(r->x, sizeof(*op));
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	op->r = r;
	error_clear(&err);
	if (honour_wish_read(body, len, r->today, r->arena, &op->wish, &err)) {
		op->step = honour_step(rules_of(r), op->wish.step);
		if (!op->step)
			error_add_field(&err, "/step", "not_found", "The ladders have no such step: see GET /api/v1/honours/ladders.",
					"Không có mức này: xem GET /api/v1/honours/ladders.");
		else if ((op->step->ladder == LADDER_FAMILY) != (op->wish.family != NULL))
			error_add_field(&err, "/step", "invalid_value", "Steps of the ladder \"family\" are for families, others for donors.",
					"Mức của thang \"family\" dành cho gia đình, các mức khác dành cho cá nhân.");
	}
	if (err.code != ERR_NONE) {
		refuse_nomination(op, &err);
	} else if (op->wish.family) {
		find_subject(op, op->wish.family, true, op->wish.as_of, wish_on_found);
	} else {
		op->person.key = op->wish.donor;
		request_readable_units(r, &op->person.units, &op->person.nunits);
		op->person.arena = r->arena;
		op->person.done = wish_on_person;
		donor_load_send(api_store(r->api), &op->person);
	}
}

static void wish_start(struct request *r)
{
	request_with_units(r, wish_with_units);
}

/* ---- POST /honours/{id}/check, propose, approve, hand_over, set_back, refuse ---- */

static void taken_on_loaded(struct honour_load *load)
{
	struct honour_op *op = container_of(load, struct honour_op, load);

	if (load->error.code != ERR_NONE)
		request_reply_unread(op->r, &load->error);
	else
		reply_honour(op, 200, &load->honour);
}

static void on_taken(struct honour_step_do *take)
{
	struct honour_op *op = container_of(take, struct honour_op, take);

	if (take->error.code == ERR_STALE)
		request_reply_stale(op->r, op->version);
	else if (take->error.code != ERR_NONE)
		request_reply_error(op->r, &take->error);
	else
		load_honour(op, op->take.next.id, taken_on_loaded);
}

static bool is_still_reached(struct honour_op *op, const struct honour_subject *subject)
{
	const struct honour_rules *rules = rules_of(op->r);
	struct honour_reached *reached = arena_alloc(op->r->arena, (rules->nsteps + 1) * sizeof(*reached));
	struct honour_tally tally;

	return subject && find_step(reached, honour_reached(rules, op->load.honour.ladder, honour_is_mountain(rules, subject->unit_id),
							    subject->donations, subject->ndonations, op->load.honour.as_of,
							    reached, &tally),
				    op->load.honour.step) != NULL;
}

/* What the step leaves behind it. */
static void fill_next(struct honour_op *op, enum honour_state state)
{
	const struct honour_step *step = honour_step(rules_of(op->r), op->load.honour.step);
	struct honour *next = &op->take.next;

	*next = op->load.honour;
	next->state = state;
	next->reason = op->say.reason;
	if (op->verb == HONOUR_APPROVE) {
		next->document = op->say.document;
		next->approved_on = op->say.on;
	} else if (op->verb == HONOUR_HAND_OVER) {
		next->handed_on = op->say.on;
		next->given_by = op->say.given_by ? op->say.given_by : honour_given_by_known(rules_of(op->r), step, op->say.on);
	} else if (op->verb == HONOUR_SET_BACK && state < HONOUR_APPROVED) {
		next->document = NULL;
		next->approved_on = (struct date){ 0 };
	}
}

static void step_on_found(struct honour_find *find)
{
	struct honour_op *op = container_of(find, struct honour_op, find);
	const struct honour *before = &op->load.honour;
	enum honour_state state;
	struct error err;

	if (find->error.code != ERR_NONE) {
		request_reply_error(op->r, &find->error);
		return;
	}
	error_clear(&err);
	if (!honour_next(before->state, op->verb, is_still_reached(op, find->nsubjects > 0 ? &find->subjects[0] : NULL),
			 op->say.reason, &state, &err) ||
	    !honour_say_check(before, op->verb, &op->say, op->r->today, &err)) {
		request_reply_error(op->r, &err);
		return;
	}
	fill_next(op, state);
	op->take.before = before;
	op->take.verb = op->verb;
	if (op->verb != HONOUR_SET_BACK && op->verb != HONOUR_REFUSE)
		op->take.step = honour_step(rules_of(op->r), before->step);
	op->take.actor = op->r->actor;
	op->take.arena = op->r->arena;
	op->take.done = on_taken;
	honour_step_send(api_store(op->r->api), &op->take);
}

static void step_on_loaded(struct honour_load *load)
{
	struct honour_op *op = container_of(load, struct honour_op, load);
	const struct honour *honour = &load->honour;

	if (load->error.code != ERR_NONE)
		request_reply_error(op->r, &load->error);
	else if (!may_write(op->r, honour->unit_id, honour->unit_on))
		return;
	else if (honour->version != op->version)
		request_reply_stale(op->r, honour->version);
	else
		find_subject(op, honour->family_id ? honour->family_id : honour->donor_id, honour->family_id != NULL, honour->as_of,
			     step_on_found);
}

static void step_with_units(struct request *r)
{
	struct honour_op *op = http_alloc(r->x, sizeof(*op));
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	op->r = r;
	error_clear(&err);
	(void)honour_verb_parse(strrchr(http_path(r->x), '/') + 1, &op->verb);
	if (!request_if_match(r, &op->version))
		return;
	if (!honour_say_read(body, len, op->verb, r->today, r->arena, &op->say, &err))
		request_reply_error(r, &err);
	else
		load_honour(op, request_param(r, "id"), step_on_loaded);
}

static void step_start(struct request *r)
{
	request_with_units(r, step_with_units);
}

/* ---- GET /honours ---- */

struct list_op {
	struct request    *r;
	struct honour_list list;
};

static void list_on_listed(struct honour_list *list)
{
	struct list_op *op = container_of(list, struct list_op, list);
	struct json_out out;

	if (list->error.code != ERR_NONE) {
		request_reply_error(op->r, &list->error);
		return;
	}
	request_list_begin(op->r, &out);
	for (size_t i = 0; i < list->nhonours; i++)
		honour_write(&out, NULL, &list->honours[i], rules_of(op->r), http_language(op->r->x));
	request_list_reply(op->r, &out, list->more ? list->honours[list->nhonours - 1].id : NULL);
}

static void list_with_units(struct request *r)
{
	struct list_op *op = r->own;

	op->list.rules = rules_of(r);
	request_readable_units(r, &op->list.units, &op->list.nunits);
	op->list.arena = r->arena;
	op->list.done = list_on_listed;
	honour_list_send(api_store(r->api), &op->list);
}

static bool parse_state(const char *text, int *value)
{
	enum honour_state state;

	if (!honour_state_parse(text, &state))
		return false;
	*value = (int)state;
	return true;
}

static void list_start(struct request *r)
{
	struct list_op *op = http_alloc(r->x, sizeof(*op));
	enum honour_ladder ladder;
	const char *attention;
	struct params params;
	struct error err;

	op->r = r;
	r->own = op;
	if (!params_init(&params, r, &err)) {
		request_reply_error(r, &err);
		return;
	}
	attention = params_text(&params, "attention");
	op->list.twins = attention != NULL;
	if (attention && !streq(attention, "twice"))
		params_fault(&params, "attention", "invalid_value", "One of: twice.", "Một trong: twice.");
	op->list.states = params_words(&params, "state", HONOUR_STATE_WORDS, parse_state);
	op->list.ladder = params_text(&params, "ladder");
	if (op->list.ladder && !honour_ladder_parse(op->list.ladder, &ladder))
		params_fault(&params, "ladder", "invalid_value", "One of: " LADDER_WORDS ".", "Một trong: " LADDER_WORDS ".");
	op->list.step = params_text(&params, "step");
	op->list.limit = params_limit(&params);
	params_cursor(&params, op->list.after);
	if (!params_finish(&params))
		request_reply_error(r, &err);
	else
		request_with_units(r, list_with_units);
}

const struct route honour_routes[] = {
	{ HTTP_GET_, "/api/v1/honours/ladders", AREA_HONOURS, ACCESS_READ, ladders_start, ROUTE_PERSONAL, 0 },
	{ HTTP_GET_, "/api/v1/honours/candidates", AREA_HONOURS, ACCESS_READ, candidates_start, ROUTE_PERSONAL, 0 },
	{ HTTP_GET_, "/api/v1/honours", AREA_HONOURS, ACCESS_READ, list_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/honours", AREA_HONOURS, ACCESS_WRITE, wish_start, ROUTE_PERSONAL, 0 },
	{ HTTP_GET_, "/api/v1/honours/{id}", AREA_HONOURS, ACCESS_READ, get_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/honours/{id}/check", AREA_HONOURS, ACCESS_WRITE, step_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/honours/{id}/propose", AREA_HONOURS, ACCESS_WRITE, step_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/honours/{id}/approve", AREA_HONOUR_APPROVAL, ACCESS_WRITE, step_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/honours/{id}/hand_over", AREA_HONOURS, ACCESS_WRITE, step_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/honours/{id}/set_back", AREA_HONOURS, ACCESS_WRITE, step_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/honours/{id}/refuse", AREA_HONOURS, ACCESS_WRITE, step_start, ROUTE_PERSONAL, 0 },
	{ 0 }
};
