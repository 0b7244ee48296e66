#include <stdio.h>
#include <string.h>

#include "api/params.h"
#include "api/places.h"
#include "api/private.h"
#include "api/request.h"
#include "base/text.h"
#include "domain/catalog_names.h"
#include "domain/round.h"
#include "store/catalog_store.h"
#include "store/round_store.h"
#include "wire/round_wire.h"

/* ---- GET /rounds ---- */

struct list_op {
	struct request   *r;
	struct round_list list;
};

static void list_with_units(struct request *r);
static void list_on_loaded(struct round_list *list);

static void list_start(struct request *r)
{
	request_with_units(r, list_with_units);
}

static bool status_word(const char *text, int *value)
{
	enum round_status status;
	bool known = round_status_parse(text, &status);

	*value = known ? (int)status : 0;
	return known;
}

static bool precision_word(const char *text, int *value)
{
	enum date_precision precision;
	bool known = date_precision_parse(text, &precision);

	*value = known ? (int)precision : 0;
	return known;
}

/* A round cursor is "<day>_<id>". */
static void read_cursor(struct params *params, struct round_cursor *cursor)
{
	const char *text = params_text(params, "cursor");
	char day[DATE_TEXT_SIZE] = "";

	if (!text)
		return;
	if (strlen(text) == DATE_TEXT_SIZE + UUID_TEXT_SIZE - 1 && text[DATE_TEXT_SIZE - 1] == '_' &&
	    uuid_valid(text + DATE_TEXT_SIZE)) {
		memcpy(day, text, DATE_TEXT_SIZE - 1);
		memcpy(cursor->id, text + DATE_TEXT_SIZE, UUID_TEXT_SIZE);
	}
	if (!date_parse(day, &cursor->day))
		params_fault(params, "cursor", "invalid_value", "Use next_cursor of the page before, unchanged.",
			     "Dùng nguyên next_cursor của trang trước.");
}

static bool read_filter(struct list_op *op, struct error *err)
{
	struct request *r = op->r;
	struct round_filter *filter = &op->list.filter;
	struct params params;
	const char *order;

	if (!params_init(&params, r, err))
		return false;
	filter->from = params_date(&params, "from");
	filter->to = params_date(&params, "to");
	if (!date_is_none(filter->to) && date_compare(filter->from, filter->to) > 0)
		params_fault(&params, "to", "before_from", "The list would end before it begins: check from and to.",
			     "Danh sách kết thúc trước khi bắt đầu: hãy kiểm tra from và to.");
	params_places(&params, "unit", &filter->units, &filter->nunits);
	filter->campaign = params_text(&params, "campaign");
	filter->plan = params_text(&params, "plan");
	filter->team = params_text(&params, "team");
	filter->venue = params_text(&params, "venue");
	filter->statuses = params_words(&params, "status", "draft, announced, open, running, closed, postponed, moved, cancelled",
					status_word);
	filter->precisions = params_words(&params, "date_precision", "day, month, year", precision_word);
	order = params_text(&params, "order");
	filter->newest_first = streq(order, "desc");
	if (order && !streq(order, "asc") && !filter->newest_first)
		params_fault(&params, "order", "invalid_value", "Write asc or desc.", "Viết asc hoặc desc.");
	if (filter->team && !uuid_valid(filter->team))
		params_fault(&params, "team", "invalid_value", "Write the id of a team.", "Viết id của một đội.");
	if (filter->venue && !uuid_valid(filter->venue))
		params_fault(&params, "venue", "invalid_value", "Write the id of a venue.",
			     "Viết id của một địa điểm.");
	op->list.limit = params_limit(&params);
	read_cursor(&params, &op->list.after);
	/* From today on, unless it is to end before. */
	if (date_is_none(filter->from) &&
	    (date_is_none(filter->to) || date_compare(filter->to, r->today) >= 0))
		filter->from = r->today;
	filter->drafts = *request_sight(r);
	return params_finish(&params);
}

static void list_with_units(struct request *r)
{
	struct list_op *op = http_alloc(r->x, sizeof(*op));
	struct error err;

	op->r = r;
	if (!read_filter(op, &err)) {
		request_reply_error(r, &err);
		return;
	}
	op->list.arena = r->arena;
	op->list.done = list_on_loaded;
	round_list_send(api_store(r->api), &op->list);
}

static void list_on_loaded(struct round_list *list)
{
	struct list_op *op = container_of(list, struct list_op, list);
	struct json_out out;
	char cursor[DATE_TEXT_SIZE + UUID_TEXT_SIZE + 1], day[DATE_TEXT_SIZE];

	if (list->error.code != ERR_NONE) {
		request_reply_error(op->r, &list->error);
		return;
	}
	request_list_begin(op->r, &out);
	for (size_t i = 0; i < list->nrounds; i++)
		round_write(&out, NULL, &list->rounds[i]);
	snprintf(cursor, sizeof(cursor), "%s_%s", date_format(list->after.day, day), list->after.id);
	request_list_reply(op->r, &out, list->more ? cursor : NULL);
}

/* ---- GET /rounds/{id} ---- */

struct get_op {
	struct request   *r;
	struct round_load load;
};

static void reply_round(struct request *r, const struct round *round)
{
	struct buf *buf = api_scratch(r->api);
	struct json_out out = { .buf = buf };

	round_write(&out, NULL, round);
	request_reply_versioned(r, 200, buf, round->version);
}

static void get_on_loaded(struct round_load *load)
{
	struct get_op *op = container_of(load, struct get_op, load);

	if (load->error.code != ERR_NONE)
		request_reply_round_error(op->r, &load->error);
	else if (!request_sees_round(op->r, &load->round))
		request_reply_no_round(op->r);
	else
		reply_round(op->r, &load->round);
}

static void get_with_units(struct request *r)
{
	struct get_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	op->load.key = request_param(r, "id");
	op->load.arena = r->arena;
	op->load.done = get_on_loaded;
	round_load_send(api_store(r->api), &op->load);
}

static void get_start(struct request *r)
{
	request_with_units(r, get_with_units);
}

/* ---- PATCH /rounds/{id} and the verbs ---- */

struct step_op {
	struct request   *r;
	enum round_verb   verb;
	int64_t           version;       /* of If-Match */
	struct round_step step;
	struct round      next;
	struct round_load load;          /* 1: the round as it is */
	struct catalog_resolve names;    /* 2: campaigns, team and venue that the body names */
	struct round_save save;          /* 3: the round as it shall be */
};

static void step_with_units(struct request *r);
static void step_on_loaded(struct round_load *load);
static bool step_read(struct step_op *op, struct error *err);
static void step_on_resolved(struct catalog_resolve *names);
static void step_on_saved(struct round_save *save);

static void step_start(struct request *r)
{
	request_with_units(r, step_with_units);
}

static bool route_verb(const struct request *r, enum round_verb *verb)
{
	*verb = ROUND_EDIT;
	return http_method(r->x) == HTTP_PATCH_ || round_verb_parse(strrchr(http_path(r->x), '/') + 1, verb);
}

static void step_with_units(struct request *r)
{
	struct step_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	if (!route_verb(r, &op->verb)) {
		request_reply_no_round(r);
		return;
	}
	if (!request_if_match(r, &op->version))
		return;
	op->load.key = request_param(r, "id");
	op->load.arena = r->arena;
	op->load.done = step_on_loaded;
	round_load_send(api_store(r->api), &op->load);
}

static void step_on_loaded(struct round_load *load)
{
	struct step_op *op = container_of(load, struct step_op, load);
	const struct round *now = &load->round;
	struct request *r = op->r;
	struct error err;

	if (load->error.code != ERR_NONE) {
		request_reply_round_error(r, &load->error);
		return;
	}
	if (!request_sees_round(r, now)) {
		request_reply_no_round(r);
		return;
	}
	if (!request_may_write(r, now->units, now->nunits, now->from, now->team.id))
		return;
	if (now->version != op->version) {
		request_reply_stale(r, now->version);
		return;
	}
	if (!step_read(op, &err)) {
		request_reply_error(r, &err);
		return;
	}
	op->names.arena = r->arena;
	op->names.done = step_on_resolved;
	if (op->names.ncampaigns > 0 || op->names.team || op->names.venue)
		catalog_resolve_send(api_store(r->api), &op->names);
	else
		step_on_resolved(&op->names);
}

static bool step_read(struct step_op *op, struct error *err)
{
	struct round *values = &op->step.values;
	size_t len;
	const char *body = http_body(op->r->x, &len);

	error_clear(err);
	if (!round_step_read(body, len, op->verb, &op->load.round, api_units(op->r->api), op->r->arena, &op->step,
			     err))
		return false;
	if (op->step.set & ROUND_CAMPAIGNS) {
		op->names.campaigns = values->campaigns;
		op->names.ncampaigns = values->ncampaigns;
	}
	if (op->step.set & ROUND_TEAM && values->team.id)
		op->names.team = &values->team;
	if (op->step.set & ROUND_VENUE && !op->step.carried)
		op->names.venue = values->venue.id;
	return true;
}

static void step_on_resolved(struct catalog_resolve *names)
{
	struct step_op *op = container_of(names, struct step_op, names);
	const struct round *now = &op->load.round;
	struct request *r = op->r;
	struct error err;

	error_clear(&err);
	if (names->error.code != ERR_NONE) {
		request_reply_error(r, &names->error);
		return;
	}
	if (!round_change(now, &op->step, r->today, &op->next, &err) ||
	    (names->venue_unit && !round_venue_fits(api_units(r->api), &op->next, names->venue_unit, &err))) {
		request_reply_error(r, &err);
		return;
	}
	/* Nobody may move a round out of their own scope, either. */
	if (!request_may_write(r, op->next.units, op->next.nunits, op->next.from, op->next.team.id))
		return;
	op->save.before = now;
	op->save.next = &op->next;
	op->save.verb = op->verb;
	op->save.actor = r->actor;
	op->save.arena = r->arena;
	op->save.done = step_on_saved;
	round_save_send(api_store(r->api), &op->save);
}

static void step_on_saved(struct round_save *save)
{
	struct step_op *op = container_of(save, struct step_op, save);

	if (save->error.code != ERR_NONE)
		request_reply_error(op->r, &save->error);
	else
		reply_round(op->r, &save->after);
}

const struct route round_routes[] = {
	{ HTTP_GET_, "/api/v1/rounds", AREA_ROUNDS, ACCESS_READ, list_start, ROUTE_CACHED, 0 },
	{ HTTP_GET_, "/api/v1/rounds/{id}", AREA_ROUNDS, ACCESS_READ, get_start, ROUTE_CACHED, 0 },
	{ HTTP_PATCH_, "/api/v1/rounds/{id}", AREA_PLANS, ACCESS_WRITE, step_start, 0, 0 },
	{ HTTP_POST_, "/api/v1/rounds/{id}/confirm", AREA_PLANS, ACCESS_WRITE, step_start, 0, 0 },
	{ HTTP_POST_, "/api/v1/rounds/{id}/announce", AREA_PLANS, ACCESS_WRITE, step_start, 0, 0 },
	{ HTTP_POST_, "/api/v1/rounds/{id}/open", AREA_PLANS, ACCESS_WRITE, step_start, 0, 0 },
	{ HTTP_POST_, "/api/v1/rounds/{id}/start", AREA_PLANS, ACCESS_WRITE, step_start, 0, 0 },
	{ HTTP_POST_, "/api/v1/rounds/{id}/close", AREA_PLANS, ACCESS_WRITE, step_start, 0, 0 },
	{ HTTP_POST_, "/api/v1/rounds/{id}/reopen", AREA_PLANS, ACCESS_WRITE, step_start, 0, 0 },
	{ HTTP_POST_, "/api/v1/rounds/{id}/postpone", AREA_PLANS, ACCESS_WRITE, step_start, 0, 0 },
	{ HTTP_POST_, "/api/v1/rounds/{id}/move", AREA_PLANS, ACCESS_WRITE, step_start, 0, 0 },
	{ HTTP_POST_, "/api/v1/rounds/{id}/cancel", AREA_PLANS, ACCESS_WRITE, step_start, 0, 0 },
	{ 0 }
};
