#include "store/plan_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/failure.h"
#include "store/round_row.h"
#include "store/round_store.h"
#include "store/row.h"

#define CAMPAIGNS_OF_PLAN(value) \
	"ARRAY(SELECT " value " FROM plan_campaign AS pc JOIN campaign AS c ON c.id = pc.campaign_id" \
	" WHERE pc.plan_id = p.id ORDER BY c.slug)"
#define PLAN_SELECT(rounds) \
	"SELECT p.id, p.number, p.slug, p.code_prefix, p.title, p.issued_on, p.issuer, p.legal_basis," \
	" p.from_day," \
	" p.to_day, p.demo, p.version, " rounds ", " \
	CAMPAIGNS_OF_PLAN("c.id") ", " CAMPAIGNS_OF_PLAN("c.name") " FROM plan AS p"

static void plan_read(struct plan *plan, struct arena *arena, const struct db_result *result, int row)
{
	const char **ids, **names;
	size_t nnames;

	*plan = (struct plan){ 0 };
	row_uuid(result, row, 0, plan->id);
	plan->number = row_text(arena, result, row, 1);
	plan->slug = row_text(arena, result, row, 2);
	plan->code_prefix = row_text(arena, result, row, 3);
	plan->title = row_text(arena, result, row, 4);
	plan->issued_on = row_date(result, row, 5);
	plan->issuer = row_text(arena, result, row, 6);
	plan->legal_basis = row_texts(arena, result, row, 7, &plan->nlegal_basis);
	plan->from = row_date(result, row, 8);
	plan->to = row_date(result, row, 9);
	plan->demo = db_bool(result, row, 10);
	plan->version = db_int(result, row, 11, 0);
	plan->nrounds = (size_t)db_int(result, row, 12, 0);
	ids = row_texts(arena, result, row, 13, &plan->ncampaigns);
	names = row_texts(arena, result, row, 14, &nnames);
	plan->campaigns = arena_alloc(arena, (plan->ncampaigns + 1) * sizeof(*plan->campaigns));
	for (size_t i = 0; i < plan->ncampaigns; i++)
		plan->campaigns[i] = (struct named){ ids[i], names[i] };
}

/* Newest first: by the day a plan begins. */
static const struct db_statement plans_page = {
	PLAN_SELECT("(SELECT count(*) FROM round AS r WHERE r.plan_id = p.id AND " ROUND_SEEN("r", "$3", "$4", "$5") ")")
	" WHERE $1::uuid IS NULL OR"
	" (p.from_day, p.id) < (SELECT from_day, id FROM plan WHERE id = $1)"
	" ORDER BY p.from_day DESC, p.id DESC LIMIT $2::integer"
};

static void list_on_done(struct db_query *query, const struct db_result *result)
{
	struct plan_list *list = container_of(query, struct plan_list, query);
	int rows;

	if (result_ok(result, &list->error)) {
		rows = db_rows(result);
		list->more = rows > list->limit;
		list->nplans = (size_t)(list->more ? list->limit : rows);
		list->plans = arena_alloc(list->arena, (list->nplans + 1) * sizeof(*list->plans));
		for (size_t i = 0; i < list->nplans; i++)
			plan_read(&list->plans[i], list->arena, result, (int)i);
		if (list->more)
			memcpy(list->after, list->plans[list->nplans - 1].id, sizeof(list->after));
	}
	list->done(list);
}

void plan_list_send(struct store *store, struct plan_list *list)
{
	list->store = store;
	query_begin(&list->query, &plans_page, DB_READ, list_on_done);
	query_text(&list->query, list->after[0] ? uuid_or_nil(list->after) : NULL);
	query_text(&list->query, page_limit(list->limit, list->limit_text));
	query_sight(&list->query, list->arena, &list->drafts);
	db_send(store->db, &list->query);
}

/* One plan: its row, then its rounds. */

static const struct db_statement plan_by_key = {
	PLAN_SELECT("0") " WHERE p.id = $1::uuid OR p.slug = $2 OR p.number = $2"
};

enum { PLAN_ROUNDS_MAX = 500 };

struct plan_rounds {
	struct round_list  list;
	struct plan_load  *load;
};

static int compare_ordinals(const void *a, const void *b)
{
	return ((const struct round *)a)->ordinal - ((const struct round *)b)->ordinal;
}

static void load_on_rounds(struct round_list *list)
{
	struct plan_load *load = container_of(list, struct plan_rounds, list)->load;

	load->error = list->error;
	if (load->error.code == ERR_NONE) {
		load->plan.rounds = list->rounds;
		load->plan.nrounds = list->nrounds;
		qsort(list->rounds, list->nrounds, sizeof(*list->rounds), compare_ordinals);
	}
	load->done(load);
}

static void load_rounds(struct plan_load *load)
{
	struct plan_rounds *rounds = arena_alloc(load->arena, sizeof(*rounds));

	rounds->load = load;
	rounds->list = (struct round_list){
		.filter = { .plan = load->plan.id, .precisions = (1u << DATE_PRECISION_COUNT) - 1,
			    .drafts = { .all = true } },
		.limit = PLAN_ROUNDS_MAX, .arena = load->arena, .done = load_on_rounds,
	};
	load->rounds = &rounds->list;
	round_list_send(load->store, load->rounds);
}

static void load_on_done(struct db_query *query, const struct db_result *result)
{
	struct plan_load *load = container_of(query, struct plan_load, query);

	if (result_ok(result, &load->error)) {
		if (db_rows(result) > 0) {
			plan_read(&load->plan, load->arena, result, 0);
			load_rounds(load);
			return;
		}
		fail_not_found(&load->error);
	}
	load->done(load);
}

void plan_load_send(struct store *store, struct plan_load *load)
{
	load->store = store;
	query_begin(&load->query, &plan_by_key, DB_READ, load_on_done);
	query_text(&load->query, uuid_or_nil(load->key));
	query_text(&load->query, load->key);
	db_send(store->db, &load->query);
}
