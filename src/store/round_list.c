#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "store/failure.h"
#include "store/round_row.h"
#include "store/round_store.h"
#include "store/row.h"

/*
 * A page of rounds. First the page's rounds are picked (`r`), then their names
 * and best reports are fetched, so that only what is shown is fetched.
 *
 * The pick must walk round_day_ix in order and stop at the limit, also under a
 * generic plan, whose guesses about so many filters are far too low: it would
 * fetch the whole span, sort it and throw most away. Hence the walk is fenced
 * off (OFFSET 0) and the filters sit on top of it, which keeps its order. The
 * cursor is always there, as the walk's bound on one side. The rounds of a
 * plan are few and have their own index: they are fetched and sorted.
 *
 *	$1 $2  cursor: day and id, exclusive       $3  bound of from_day on the other side
 *	$4     the first day of the span           $5  statuses   $6  precisions
 *	$7 $8 $9  drafts: all, of a team, of units  $10 team       $11 venue
 *	$12    campaign, id or slug                $13 units      $14 limit  $15 plan
 */
#define SPAN(compare, bound) \
	"(r.from_day, r.id) " compare " ($1::date, $2::uuid) AND r.from_day " bound " $3::date"
#define MATCHES \
	"r.to_day >= $4::date AND r.status = ANY ($5::text[]) AND r.precision = ANY ($6::text[])" \
	" AND " ROUND_SEEN("r", "$7", "$8", "$9") \
	" AND ($10::uuid IS NULL OR r.team_id = $10) AND ($11::uuid IS NULL OR r.venue_id = $11)" \
	" AND " ROUND_OF_CAMPAIGN("r", "$12") " AND " ROUND_AT_UNITS("r", "$13")
#define ORDER(order) " ORDER BY r.from_day " order ", r.id " order
#define SHOWN(pick, order) \
	"WITH r AS MATERIALIZED (" pick ") SELECT " ROUND_COLUMNS " FROM r" ROUND_JOINS ORDER(order)

#define PAGE_BY_DAY(compare, bound, order) \
	SHOWN("SELECT r.* FROM (SELECT r.* FROM round AS r WHERE " SPAN(compare, bound) ORDER(order) \
	      " OFFSET 0) AS r WHERE " MATCHES " LIMIT $14::integer", order)
#define PAGE_BY_PLAN(compare, bound, order) \
	SHOWN("SELECT r.* FROM round AS r" \
	      " WHERE r.plan_id = " PLAN_BY_KEY("$15") \
	      " AND " SPAN(compare, bound) " AND " MATCHES ORDER(order) " LIMIT $14::integer", order)

static const struct db_statement by_day[2] = {
	{ PAGE_BY_DAY(">", "<=", "ASC") }, { PAGE_BY_DAY("<", ">=", "DESC") },
};
static const struct db_statement by_plan[2] = {
	{ PAGE_BY_PLAN(">", "<=", "ASC") }, { PAGE_BY_PLAN("<", ">=", "DESC") },
};

/* A year is the longest period that a round may have (round_span_ck). */
enum { LONGEST_PERIOD = 366 };

static const char *bit_texts(struct arena *arena, unsigned bits, int count, const char *(*name)(int value))
{
	char *text = arena_strdup(arena, "{");

	for (int i = 0; i < count; i++) {
		if (bits & 1u << i)
			text = arena_printf(arena, "%s%s%s", text, text[1] ? "," : "", name(i));
	}
	return arena_printf(arena, "%s}", text);
}

static const char *status_name(int value)
{
	return round_status_text((enum round_status)value);
}

static const char *precision_name(int value)
{
	return date_precision_text((enum date_precision)value);
}

static unsigned all_bits(int count)
{
	return (1u << count) - 1;
}

static const char *day_text(char *out, struct date day, const char *if_none)
{
	return date_is_none(day) ? if_none : date_format(day, out);
}

/* The day before which no round of the span begins; none: no such day. */
static struct date first_begin(const struct round_filter *filter)
{
	bool periods = filter->precisions & ~(1u << PRECISION_DAY);

	if (date_is_none(filter->from) || !periods)
		return filter->from;
	return date_add_days(filter->from, -LONGEST_PERIOD);
}

static bool cursor_is_within(const struct round_list *list, struct date bound)
{
	int order = date_compare(list->after.day, bound);

	if (!list->after.id[0])
		return false;
	return date_is_none(bound) || (list->filter.newest_first ? order <= 0 : order >= 0);
}

/* Where the walk begins: behind the page before, or at that edge of the span. */
static void query_span(struct round_list *list)
{
	const struct round_filter *filter = &list->filter;
	struct db_query *query = &list->query;
	bool back = filter->newest_first;
	const char *first = day_text(list->texts[1], first_begin(filter), "-infinity");
	const char *to = day_text(list->texts[3], filter->to, "infinity");

	if (cursor_is_within(list, back ? filter->to : first_begin(filter))) {
		query_text(query, date_format(list->after.day, list->texts[0]));
		query_text(query, uuid_or_nil(list->after.id));
	} else {
		query_text(query, back ? to : first);
		query_text(query, back ? "ffffffff-ffff-ffff-ffff-ffffffffffff"
				       : "00000000-0000-0000-0000-000000000000");
	}
	query_text(query, back ? first : to);
	query_text(query, day_text(list->texts[2], filter->from, "-infinity"));
}

static void query_filters(struct round_list *list)
{
	const struct round_filter *filter = &list->filter;
	struct db_query *query = &list->query;
	unsigned statuses = filter->statuses ? filter->statuses : all_bits(ROUND_STATUS_COUNT);
	unsigned precisions = filter->precisions ? filter->precisions : 1u << PRECISION_DAY;

	query_text(query, bit_texts(list->arena, statuses, ROUND_STATUS_COUNT, status_name));
	query_text(query, bit_texts(list->arena, precisions, DATE_PRECISION_COUNT, precision_name));
	query_sight(query, list->arena, &filter->drafts);
	query_text(query, uuid_or_nil(filter->team));
	query_text(query, uuid_or_nil(filter->venue));
	query_text(query, filter->campaign);
	if (filter->units)
		query_texts(query, list->arena, filter->units, filter->nunits);
	else
		query_text(query, NULL);
	query_text(query, page_limit(list->limit, list->texts[4]));
	if (filter->plan)
		query_text(query, filter->plan);
}

static void list_on_done(struct db_query *query, const struct db_result *result)
{
	struct round_list *list = container_of(query, struct round_list, query);
	int rows;

	if (result_ok(result, &list->error)) {
		rows = db_rows(result);
		list->more = rows > list->limit;
		list->nrounds = (size_t)(list->more ? list->limit : rows);
		list->rounds = arena_alloc(list->arena, (list->nrounds + 1) * sizeof(*list->rounds));
		for (size_t i = 0; i < list->nrounds; i++)
			round_read_row(&list->rounds[i], list->arena, result, (int)i);
		if (list->more) {
			const struct round *last = &list->rounds[list->nrounds - 1];

			list->after.day = last->from;
			snprintf(list->after.id, sizeof(list->after.id), "%s", last->id);
		}
	}
	list->done(list);
}

void round_list_send(struct store *store, struct round_list *list)
{
	list->store = store;
	query_begin(&list->query, &(list->filter.plan ? by_plan : by_day)[list->filter.newest_first], DB_READ,
		    list_on_done);
	list->query.urgent = list->urgent;
	query_span(list);
	query_filters(list);
	db_send(store->db, &list->query);
}
