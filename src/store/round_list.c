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
 * No part may say "or the parameter is NULL" about what should use an index: a
 * generic plan then cannot. So the span and the cursor are always bounds of
 * round_day_ix, and a filter by units or by plan is a statement of its own.
 *
 *	$1 $2   cursor: day and id, exclusive      $3  first day any round may begin on
 *	$4 $5   span: from, to                     $6  statuses   $7  precisions
 *	$8 $9   drafts: all, those of a team       $10 team       $11 venue
 *	$12     campaign, id or slug               $13 limit      $14 units or plan
 */
#define PAGE(narrow, compare, order) \
	"WITH r AS MATERIALIZED (SELECT r.* FROM round AS r WHERE " narrow \
	" AND (r.from_day, r.id) " compare " ($1::date, $2::uuid)" \
	" AND r.from_day BETWEEN $3::date AND $5::date AND r.to_day >= $4::date" \
	" AND r.status = ANY ($6::text[]) AND r.precision = ANY ($7::text[])" \
	" AND (r.status <> 'draft' AND NOT r.never_public OR $8::boolean OR r.team_id = $9::uuid)" \
	" AND ($10::uuid IS NULL OR r.team_id = $10) AND ($11::uuid IS NULL OR r.venue_id = $11)" \
	" AND ($12::text IS NULL OR EXISTS (SELECT FROM round_campaign AS rc WHERE rc.round_id = r.id" \
	"  AND rc.campaign_id = (SELECT id FROM campaign WHERE id::text = lower($12) OR slug = $12)))" \
	" ORDER BY r.from_day " order ", r.id " order " LIMIT $13::integer)" \
	" SELECT " ROUND_COLUMNS " FROM r" ROUND_JOINS " ORDER BY r.from_day " order ", r.id " order

#define BY_DAY "true"
#define BY_UNITS "r.id IN (SELECT round_id FROM round_unit WHERE unit_id = ANY ($14::text[]))"
#define BY_PLAN "r.plan_id = (SELECT id FROM plan WHERE id::text = lower($14) OR slug = $14)"
#define BY_PLAN_AND_UNITS \
	"r.plan_id = (SELECT id FROM plan WHERE id::text = lower($14) OR slug = $14)" \
	" AND EXISTS (SELECT FROM round_unit WHERE round_id = r.id AND unit_id = ANY ($15::text[]))"
#define BOTH_ORDERS(narrow) { { PAGE(narrow, ">", "ASC") }, { PAGE(narrow, "<", "DESC") } }

enum narrow { NARROW_DAY, NARROW_UNITS, NARROW_PLAN, NARROW_PLAN_AND_UNITS };

static const struct db_statement pages[4][2] = {
	[NARROW_DAY] = BOTH_ORDERS(BY_DAY),
	[NARROW_UNITS] = BOTH_ORDERS(BY_UNITS),
	[NARROW_PLAN] = BOTH_ORDERS(BY_PLAN),
	[NARROW_PLAN_AND_UNITS] = BOTH_ORDERS(BY_PLAN_AND_UNITS),
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

/* The day before which no round of the span begins. */
static struct date first_begin(const struct round_filter *filter)
{
	bool periods = filter->precisions & ~(1u << PRECISION_DAY);

	if (date_is_none(filter->from) || !periods)
		return filter->from;
	return date_add_days(filter->from, -LONGEST_PERIOD);
}

static void query_cursor(struct round_list *list, const char *first, const char *last)
{
	bool back = list->filter.newest_first;
	struct db_query *query = &list->query;

	if (list->after.id[0]) {
		query_text(query, date_format(list->after.day, list->texts[0]));
		query_text(query, uuid_or_nil(list->after.id));
	} else {
		query_text(query, back ? last : first);
		query_text(query, back ? "ffffffff-ffff-ffff-ffff-ffffffffffff"
				       : "00000000-0000-0000-0000-000000000000");
	}
}

static void query_span(struct round_list *list)
{
	const struct round_filter *filter = &list->filter;
	const char *first = day_text(list->texts[1], first_begin(filter), "-infinity");
	const char *from = day_text(list->texts[2], filter->from, "-infinity");
	const char *to = day_text(list->texts[3], filter->to, "infinity");

	query_cursor(list, first, to);
	query_text(&list->query, first);
	query_text(&list->query, from);
	query_text(&list->query, to);
}

static void query_filters(struct round_list *list)
{
	const struct round_filter *filter = &list->filter;
	struct db_query *query = &list->query;
	unsigned statuses = filter->statuses ? filter->statuses : all_bits(ROUND_STATUS_COUNT);
	unsigned precisions = filter->precisions ? filter->precisions : 1u << PRECISION_DAY;

	query_text(query, bit_texts(list->arena, statuses, ROUND_STATUS_COUNT, status_name));
	query_text(query, bit_texts(list->arena, precisions, DATE_PRECISION_COUNT, precision_name));
	query_bool(query, filter->drafts);
	query_text(query, uuid_or_nil(filter->drafts_of_team));
	query_text(query, uuid_or_nil(filter->team));
	query_text(query, uuid_or_nil(filter->venue));
	query_text(query, filter->campaign);
	query_text(query, page_limit(list->limit, list->texts[4]));
	if (filter->plan)
		query_text(query, filter->plan);
	if (filter->units)
		query_texts(query, list->arena, filter->units, filter->nunits);
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

static enum narrow list_narrow(const struct round_filter *filter)
{
	if (filter->plan)
		return filter->units ? NARROW_PLAN_AND_UNITS : NARROW_PLAN;
	return filter->units ? NARROW_UNITS : NARROW_DAY;
}

void round_list_send(struct store *store, struct round_list *list)
{
	list->store = store;
	query_begin(&list->query, &pages[list_narrow(&list->filter)][list->filter.newest_first], DB_READ,
		    list_on_done);
	query_span(list);
	query_filters(list);
	db_send(store->db, &list->query);
}
