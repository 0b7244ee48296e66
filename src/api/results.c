#include "api/params.h"
#include "api/places.h"
#include "api/private.h"
#include "api/request.h"
#include "base/text.h"
#include "domain/result.h"
#include "domain/round.h"
#include "store/round_store.h"
#include "wire/round_wire.h"

/*
 * What rounds came to, by the places of the map of a date: the former districts, or the communes that took their place.
 * Read page by page, and added up here; each round shows its best source, as GET /rounds does.
 */

enum { PAGE = 500 };

struct results_op {
	struct request     *r;
	struct round_list   list;
	struct date         from, to;
	struct result_table table;
};

static void row_write(struct json_out *out, const char *key, const struct result_row *row, bool places)
{
	jout_object(out, key);
	if (places) {
		jout_array(out, "places");
		for (size_t i = 0; i < row->nunits; i++) {
			jout_object(out, NULL);
			jout_text(out, "id", row->units[i]->id);
			jout_text(out, "name", row->units[i]->full_name);
			jout_end(out);
		}
		jout_end(out);
	}
	jout_int(out, "rounds", row->rounds);
	jout_int(out, "with_result", row->with_result);
	figures_write(out, &row->sum);
	jout_end(out);
}

static void reply_table(struct results_op *op)
{
	struct buf *buf = api_scratch(op->r->api);
	struct json_out out = { .buf = buf };

	result_table_finish(&op->table);
	jout_object(&out, NULL);
	jout_date(&out, "from", op->from);
	jout_date(&out, "to", op->to);
	jout_date(&out, "on", op->table.on);
	jout_text(&out, "level", unit_level_text(op->table.level));
	jout_array(&out, "items");
	for (size_t i = 0; i < op->table.nrows; i++)
		row_write(&out, NULL, &op->table.rows[i], true);
	jout_end(&out);
	row_write(&out, "total", &op->table.total, false);
	jout_end(&out);
	request_reply_json(op->r, 200, buf, NULL);
}

/* One that was held, as far as anybody knows. */
static bool was_held(const struct round *round)
{
	return round->result || round->status == ROUND_CLOSED || round->status == ROUND_RUNNING;
}

static void on_listed(struct round_list *list)
{
	struct results_op *op = container_of(list, struct results_op, list);

	if (list->error.code != ERR_NONE) {
		request_reply_error(op->r, &list->error);
		return;
	}
	for (size_t i = 0; i < list->nrounds; i++)
		if (was_held(&list->rounds[i]))
			result_table_add(&op->table, &list->rounds[i]);
	if (list->more)
		round_list_send(api_store(op->r->api), list);
	else
		reply_table(op);
}

static bool level_word(const char *text, int *value)
{
	enum unit_level level;
	bool known = unit_level_parse(text, &level) && level != UNIT_PROVINCE;

	*value = known ? (int)level : 0;
	return known;
}

static bool read_query(struct results_op *op, struct error *err)
{
	struct round_filter *filter = &op->list.filter;
	struct request *r = op->r;
	struct params params;
	enum unit_level level;
	struct date on;
	unsigned levels;

	if (!params_init(&params, r, err))
		return false;
	op->from = params_date(&params, "from");
	op->to = params_date(&params, "to");
	on = params_date(&params, "on");
	levels = params_words(&params, "level", "district, commune", level_word);
	filter->plan = params_text(&params, "plan");
	filter->campaign = params_text(&params, "campaign");
	if (date_is_none(op->to))
		op->to = r->today;
	if (date_is_none(op->from))
		op->from = (struct date){ op->to.year, 1, 1 };
	if (date_compare(op->from, op->to) > 0)
		params_fault(&params, "to", "before_from", "The time would end before it begins: check from and to.",
			     "Khoảng thời gian kết thúc trước khi bắt đầu: hãy kiểm tra from và to.");
	if (levels & (levels - 1))
		params_fault(&params, "level", "invalid_value", "Write district or commune.", "Viết district hoặc commune.");
	on = date_is_none(on) ? r->today : on;
	level = levels & 1u << UNIT_COMMUNE ? UNIT_COMMUNE : levels ? UNIT_DISTRICT : result_level(api_units(r->api), on);
	result_table_init(&op->table, api_units(r->api), on, level, r->arena);
	return params_finish(&params);
}

static void results_with_units(struct request *r)
{
	struct results_op *op = http_alloc(r->x, sizeof(*op));
	struct round_filter *filter = &op->list.filter;
	struct error err;

	op->r = r;
	if (!read_query(op, &err)) {
		request_reply_error(r, &err);
		return;
	}
	filter->from = op->from;
	filter->to = op->to;
	filter->precisions = (1u << DATE_PRECISION_COUNT) - 1;
	filter->statuses = ((1u << ROUND_STATUS_COUNT) - 1) & ~(1u << ROUND_DRAFT | 1u << ROUND_CANCELLED | 1u << ROUND_POSTPONED);
	op->list.limit = PAGE;
	op->list.arena = r->arena;
	op->list.done = on_listed;
	round_list_send(api_store(r->api), &op->list);
}

static void results_start(struct request *r)
{
	request_with_units(r, results_with_units);
}

const struct route result_routes[] = {
	{ HTTP_GET_, "/api/v1/results", AREA_ROUNDS, ACCESS_READ, results_start, ROUTE_CACHED, 0 },
	{ 0 }
};
