#include <string.h>

#include "api/params.h"
#include "api/places.h"
#include "api/private.h"
#include "api/request.h"
#include "base/error.h"
#include "base/text.h"
#include "domain/deferral.h"
#include "store/deferral_store.h"
#include "wire/deferral_wire.h"
#include "wire/eligibility_wire.h"
#include "wire/wire.h"

/*
 * Why and until when a donor has to wait, and what follows of it. Whoever is told a reason has opened the record,
 * and the audit says so. What is permanent is lifted by two persons.
 */

struct deferral_op {
	struct request             *r;
	struct facts_load           load;
	void                      (*then)(struct deferral_op *op);
	struct deferral_add         add;
	struct deferral_lift_ask    ask;
	struct deferral_lift_decide decide;
	struct contact_set          contact;
	struct facts_load           again;       /* to answer with what an earlier call made */
	const char                 *made;
	struct error                error;
};

static const struct eligibility_rules *rules_of(const struct request *r)
{
	return r->api->daemon->rules;
}

static struct actor reader_of(const struct request *r)
{
	struct actor actor = r->actor;

	actor.request_id = http_request_id(r->x);
	return actor;
}

/* ---- the record first ---- */

static void on_loaded(struct facts_load *load)
{
	struct deferral_op *op = container_of(load, struct deferral_op, load);

	if (load->error.code == ERR_NONE && load->record.donor.erased)
		error_set(&load->error, ERR_ERASED, "The personal data of this donor has been erased.",
			  "Dữ liệu cá nhân của người này đã được xóa.");
	if (load->error.code != ERR_NONE)
		request_reply_error(op->r, &load->error);
	else
		op->then(op);
}

/* `action` NULL: to write, which tells nothing of what is there. */
static void load_facts(struct request *r, const char *action, void (*then)(struct deferral_op *op))
{
	struct deferral_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	op->then = then;
	op->load.key = request_param(r, "id");
	request_readable_units(r, &op->load.units, &op->load.nunits);
	op->load.action = action;
	op->load.actor = reader_of(r);
	op->load.arena = r->arena;
	op->load.done = on_loaded;
	facts_load_send(api_store(r->api), &op->load);
}

static bool may_write(struct deferral_op *op)
{
	const struct donor *donor = &op->load.record.donor;
	struct named unit = { donor->unit_id, NULL };

	return request_may_write(op->r, &unit, unit.id ? 1 : 0, donor->unit_on, NULL);
}

/* ---- GET /donors/{id}/deferrals ---- */

static void list_on_loaded(struct deferral_op *op)
{
	const struct donor_facts *facts = &op->load.facts;
	struct request *r = op->r;
	struct json_out out;

	request_list_begin(r, &out);
	for (size_t i = 0; i < facts->ndeferrals; i++)
		deferral_write(&out, NULL, &facts->deferrals[i], rules_of(r), r->today, http_language(r->x));
	request_list_reply(r, &out, NULL);       /* a person has a handful */
}

static void list_with_units(struct request *r)
{
	load_facts(r, "donor.deferrals", list_on_loaded);
}

static void list_start(struct request *r)
{
	request_with_units(r, list_with_units);
}

/* ---- one deferral, as it is now ---- */

static void reply_deferral(struct deferral_op *op, int status, const struct deferral *deferral)
{
	struct request *r = op->r;
	struct buf *buf = api_scratch(r->api);
	struct json_out out = { .buf = buf };

	deferral_write(&out, NULL, deferral, rules_of(r), r->today, http_language(r->x));
	if (status == 201)
		http_add_header(r->x, "Location", arena_printf(r->arena, "/api/v1/donors/%s/deferrals",
							       op->load.record.donor.id));
	request_reply_json(r, status, buf, NULL);
}

static void reply_none(struct request *r)
{
	struct error err;

	error_clear(&err);
	error_set(&err, ERR_NOT_FOUND, "The donor has no such deferral. GET .../deferrals lists them.",
		  "Người này không có lần tạm hoãn đó. Xem danh sách ở .../deferrals.");
	request_reply_error(r, &err);
}

/* By the id of the deferral, or of what was asked of it. */
static const struct deferral *find_made(const struct donor_facts *facts, const char *id)
{
	for (size_t i = 0; i < facts->ndeferrals; i++)
		if (streq(facts->deferrals[i].id, id) || streq(facts->deferrals[i].lift.id, id))
			return &facts->deferrals[i];
	return NULL;
}

static void on_read_again(struct facts_load *load)
{
	struct deferral_op *op = container_of(load, struct deferral_op, again);
	const struct deferral *deferral;

	if (load->error.code != ERR_NONE) {
		request_reply_unread(op->r, &load->error);
		return;
	}
	deferral = find_made(&load->facts, op->made);
	if (deferral)
		reply_deferral(op, 201, deferral);
	else
		reply_none(op->r);
}

/* What was written, or an earlier call with this key wrote, is told as it is now. */
static void tell_made(void *context, const char *id)
{
	struct deferral_op *op = context;

	op->made = arena_strdup(op->r->arena, id);
	op->again = (struct facts_load){ .key = op->load.record.donor.id, .arena = op->r->arena, .done = on_read_again };
	facts_load_send(api_store(op->r->api), &op->again);
}

static void refuse(struct deferral_op *op, const struct error *err, const char *kind)
{
	request_refuse_create(op->r, err, kind, tell_made, op);
}

/* ---- POST /donors/{id}/deferrals ---- */

static void add_on_added(struct deferral_add *add)
{
	struct deferral_op *op = container_of(add, struct deferral_op, add);

	if (add->error.code != ERR_NONE)
		refuse(op, &add->error, "deferral");
	else if (add->idempotency.replayed)
		tell_made(op, add->idempotency.resource_id);
	else
		reply_deferral(op, 201, &add->deferral);
}

/* What this one deferral says of the days, whatever else is known. */
static void find_floor(struct deferral_op *op)
{
	const struct donor_facts alone = { .donor = &op->load.record.donor, .deferrals = &op->add.deferral,
					   .ndeferrals = 1 };
	struct donor_days days;

	donor_days_of(&alone, rules_of(op->r), op->r->today, op->r->arena, &days);
	for (int c = 0; c < COMPONENT_COUNT; c++)
		op->add.floor[c] = days.next[c];
}

static void add_on_loaded(struct deferral_op *op)
{
	struct request *r = op->r;
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	if (!may_write(op))
		return;
	error_clear(&err);
	if (!deferral_read(body, len, rules_of(r), &op->load.record.donor, r->today, r->arena, &op->add.deferral, &err)) {
		refuse(op, &err, "deferral");
		return;
	}
	if (!request_idempotency(r, &op->add.idempotency))
		return;
	find_floor(op);
	op->add.record = &op->load.record;
	op->add.actor = r->actor;
	op->add.arena = r->arena;
	op->add.done = add_on_added;
	deferral_add_send(api_store(r->api), &op->add);
}

static void add_with_units(struct request *r)
{
	load_facts(r, NULL, add_on_loaded);
}

static void add_start(struct request *r)
{
	request_with_units(r, add_with_units);
}

/* ---- POST /donors/{id}/deferrals/{deferral}/lift ---- */

static void lift_on_asked(struct deferral_lift_ask *ask)
{
	struct deferral_op *op = container_of(ask, struct deferral_op, ask);

	if (ask->error.code != ERR_NONE)
		refuse(op, &ask->error, "deferral_lift");
	else
		tell_made(op, ask->idempotency.replayed ? ask->idempotency.resource_id : ask->lift.id);
}

static void lift_on_loaded(struct deferral_op *op)
{
	struct request *r = op->r;
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	if (!may_write(op))
		return;
	op->ask.deferral = facts_deferral(&op->load, request_param(r, "deferral"), &op->ask.record);
	if (!op->ask.deferral) {
		reply_none(r);
		return;
	}
	error_clear(&err);
	if (!deferral_lift_read(body, len, r->arena, &op->ask.reason, &err)) {
		refuse(op, &err, "deferral_lift");
		return;
	}
	if (!request_idempotency(r, &op->ask.idempotency))
		return;
	op->ask.actor = r->actor;
	op->ask.arena = r->arena;
	op->ask.done = lift_on_asked;
	deferral_lift_ask_send(api_store(r->api), &op->ask);
}

static void lift_with_units(struct request *r)
{
	load_facts(r, NULL, lift_on_loaded);
}

static void lift_start(struct request *r)
{
	request_with_units(r, lift_with_units);
}

/* ---- POST .../lift/approve, .../lift/refuse ---- */

static void decide_on_decided(struct deferral_lift_decide *decide)
{
	struct deferral_op *op = container_of(decide, struct deferral_op, decide);

	if (decide->error.code != ERR_NONE)
		refuse(op, &decide->error, "deferral_lift");
	else
		tell_made(op, decide->deferral->lift.id);
}

static void decide_on_loaded(struct deferral_op *op)
{
	struct deferral_lift_decide *decide = &op->decide;
	const struct donor_record *record;
	struct request *r = op->r;
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	decide->deferral = facts_deferral(&op->load, request_param(r, "deferral"), &record);
	if (!decide->deferral || decide->deferral->lift.state == LIFT_NONE) {
		reply_none(r);
		return;
	}
	error_clear(&err);
	if (!wire_read_nothing(body, len, r->arena, &err)) {
		refuse(op, &err, "deferral_lift");
		return;
	}
	if (decide->deferral->lift.state != LIFT_ASKED) {
		error_set(&err, ERR_DEFERRAL_LIFTED, "Nothing waits for a decision about this deferral.",
			  "Lần tạm hoãn này không có đề nghị nào đang chờ quyết định.");
		refuse(op, &err, "deferral_lift");
		return;
	}
	if (!request_idempotency(r, &decide->idempotency))
		return;
	decide->actor = r->actor;
	decide->arena = r->arena;
	decide->done = decide_on_decided;
	decide->approve = streq(strrchr(http_path(r->x), '/'), "/approve");
	deferral_lift_decide_send(api_store(r->api), decide);
}

static void decide_with_units(struct request *r)
{
	load_facts(r, NULL, decide_on_loaded);
}

static void decide_start(struct request *r)
{
	request_with_units(r, decide_with_units);
}

/* ---- GET /deferral_lifts ---- */

struct waiting_op {
	struct request  *r;
	struct lift_list list;
};

static void waiting_on_listed(struct lift_list *list)
{
	struct waiting_op *op = container_of(list, struct waiting_op, list);
	struct json_out out;

	if (list->error.code != ERR_NONE) {
		request_reply_error(op->r, &list->error);
		return;
	}
	request_list_begin(op->r, &out);
	for (size_t i = 0; i < list->nitems; i++) {
		const struct lift_waiting *item = &list->items[i];

		jout_object(&out, NULL);
		jout_text(&out, "id", item->id);
		jout_text(&out, "donor", item->donor_id);
		jout_text(&out, "donor_number", item->donor_number);
		jout_text(&out, "deferral", item->deferral_id);
		jout_time(&out, "asked_at", item->asked_us);
		jout_bool(&out, "own", streq(item->asked_by, op->r->actor.id) &&
			  streq(item->asked_by_kind, op->r->actor.kind));
		jout_end(&out);
	}
	request_list_reply(op->r, &out, list->more ? list->items[list->nitems - 1].id : NULL);
}

static void waiting_with_units(struct request *r)
{
	struct waiting_op *op = http_alloc(r->x, sizeof(*op));
	struct params params;
	struct error err;

	op->r = r;
	if (!params_init(&params, r, &err)) {
		request_reply_error(r, &err);
		return;
	}
	op->list.limit = params_limit(&params);
	params_cursor(&params, op->list.after);
	if (!params_finish(&params)) {
		request_reply_error(r, &err);
		return;
	}
	request_readable_units(r, &op->list.units, &op->list.nunits);
	op->list.actor = reader_of(r);
	op->list.arena = r->arena;
	op->list.done = waiting_on_listed;
	lift_list_send(api_store(r->api), &op->list);
}

static void waiting_start(struct request *r)
{
	request_with_units(r, waiting_with_units);
}

/* ---- PUT /donors/{id}/contact-facility ---- */

static void contact_on_set(struct contact_set *set)
{
	struct deferral_op *op = container_of(set, struct deferral_op, contact);
	struct json_out out = { .buf = api_scratch(op->r->api) };

	if (set->error.code != ERR_NONE) {
		request_reply_error(op->r, &set->error);
		return;
	}
	jout_object(&out, NULL);
	jout_bool(&out, "contact", set->contact);
	jout_end(&out);
	request_reply_json(op->r, 200, out.buf, NULL);
}

static void contact_on_loaded(struct deferral_op *op)
{
	struct contact_set *set = &op->contact;
	struct request *r = op->r;
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	if (!may_write(op))
		return;
	error_clear(&err);
	if (!contact_read(body, len, r->arena, &set->contact, &err)) {
		request_reply_error(r, &err);
		return;
	}
	set->donor_id = op->load.record.donor.id;
	set->actor = r->actor;
	set->arena = r->arena;
	set->done = contact_on_set;
	contact_set_send(api_store(r->api), set);
}

static void contact_with_units(struct request *r)
{
	load_facts(r, NULL, contact_on_loaded);
}

static void contact_start(struct request *r)
{
	request_with_units(r, contact_with_units);
}

/* ---- GET /donors/{id}/eligibility ---- */

struct question {
	struct date    on;
	enum component component;
	int            volume_ml;
};

enum { VOLUME_MAX = 5000 };

static bool read_question(struct request *r, struct question *question, struct error *err)
{
	const char *component, *volume;
	struct params params;
	long ml = -1;

	*question = (struct question){ .component = COMPONENT_WHOLE_BLOOD };
	if (!params_init(&params, r, err))
		return false;
	question->on = params_date(&params, "on");
	if (date_is_none(question->on))
		question->on = r->today;
	component = params_text(&params, "component");
	if (component && !component_parse(component, &question->component))
		params_fault(&params, "component", "invalid_value", "One of: " COMPONENT_WORDS ".",
			     "Một trong: " COMPONENT_WORDS ".");
	volume = params_text(&params, "volume_ml");
	if (volume && !text_to_int(volume, 1, VOLUME_MAX, &ml))
		params_fault(&params, "volume_ml", "out_of_range", "Write a number from 1 to 5000.",
			     "Viết một số từ 1 đến 5000.");
	question->volume_ml = (int)ml;
	return params_finish(&params);
}

/* Reasons are for those who may open the record. */
static bool is_told_reasons(const struct request *r)
{
	return access_decide(r->principal.role, AREA_DONORS, ACCESS_READ) != ACCESS_NO;
}

static void verdict_on_loaded(struct deferral_op *op)
{
	struct request *r = op->r;
	const struct question *question = r->own;
	struct json_out out = { .buf = api_scratch(r->api) };
	struct eligibility_facts facts;
	struct verdict verdict;

	donor_facts_as_of(&op->load.facts, rules_of(r), question->on, r->today, question->component, r->arena, &facts);
	facts.volume_ml = question->volume_ml;
	eligibility_check(rules_of(r), &facts, r->arena, &verdict);
	if (is_told_reasons(r))
		verdict_write(&out, NULL, &verdict, http_language(r->x));
	else
		verdict_neutral_write(&out, NULL, &verdict, op->load.record.donor.contact_facility, http_language(r->x));
	request_reply_json(r, 200, out.buf, NULL);
}

static void verdict_with_units(struct request *r)
{
	load_facts(r, "donor.eligibility", verdict_on_loaded);
}

static void verdict_start(struct request *r)
{
	struct question *question = http_alloc(r->x, sizeof(*question));
	struct error err;

	error_clear(&err);
	r->own = question;
	if (!read_question(r, question, &err))
		request_reply_error(r, &err);
	else
		request_with_units(r, verdict_with_units);
}

const struct route deferral_routes[] = {
	{ HTTP_GET_, "/api/v1/donors/{id}/deferrals", AREA_DONORS, ACCESS_READ, list_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/donors/{id}/deferrals", AREA_DONORS, ACCESS_WRITE, add_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/donors/{id}/deferrals/{deferral}/lift", AREA_DONORS, ACCESS_WRITE, lift_start,
	  ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/donors/{id}/deferrals/{deferral}/lift/approve", AREA_DEFERRAL_APPROVAL, ACCESS_WRITE,
	  decide_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/donors/{id}/deferrals/{deferral}/lift/refuse", AREA_DEFERRAL_APPROVAL, ACCESS_WRITE,
	  decide_start, ROUTE_PERSONAL, 0 },
	{ HTTP_GET_, "/api/v1/deferral-lifts", AREA_DONORS, ACCESS_READ, waiting_start, ROUTE_PERSONAL, 0 },
	{ HTTP_PUT_, "/api/v1/donors/{id}/contact-facility", AREA_DONORS, ACCESS_WRITE, contact_start,
	  ROUTE_PERSONAL, 0 },
	{ HTTP_GET_, "/api/v1/donors/{id}/eligibility", AREA_DONOR_VERDICT, ACCESS_READ, verdict_start,
	  ROUTE_PERSONAL | ROUTE_DONORS, 0 },
	{ 0 }
};
