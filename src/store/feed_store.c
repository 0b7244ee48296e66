#include "store/feed_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "store/failure.h"
#include "store/round_row.h"
#include "store/row.h"

#define PUBLIC(r) "(" r ".status <> 'draft' AND NOT " r ".never_public)"

/* ---- calendars and news ---- */

/*
 * When a round last changed, from the audit entries that its own transactions
 * wrote (audit_entry_subject_ix: one step down an index a round). An entry
 * counts when the image before and after differ: replays and readings have
 * none. No column of the round keeps this: a report would have to write, and
 * so to lock, the round it speaks of.
 */
#define ENTRIES_OF(kind, id) \
	"(SELECT max(e.at) FROM audit_entry AS e WHERE e.subject_kind = '" kind "' AND e.subject_id = " id "::text" \
	" AND e.digest_after IS DISTINCT FROM e.digest_before)"
#define REPORTS_OF(r) "(SELECT max(n.created_at) FROM round_report AS n WHERE n.round_id = " r ".id)"
#define CHANGED(r) "greatest(" ENTRIES_OF("round", r ".id") ", " REPORTS_OF(r) ")"
#define CHANGED_WITH_VENUE(r) "greatest(" CHANGED(r) ", " ENTRIES_OF("venue", r ".venue_id") ")"

/* $1 first day of the span  $2 years too  $3 campaign  $4 units  $5 plan  $6 limit. No period is longer than 366 days. */
#define MATCHES \
	PUBLIC("r") " AND r.to_day >= $1::date AND r.from_day >= $1::date - 366" \
	" AND (r.precision <> 'year' OR $2::boolean)" \
	" AND " ROUND_OF_CAMPAIGN("r", "$3") " AND " ROUND_AT_UNITS("r", "$4") \
	" AND ($5::text IS NULL OR r.plan_id = " PLAN_BY_KEY("$5") ")"

#define SHOWN(pick, changed, order) \
	"WITH r AS MATERIALIZED (" pick ") SELECT " ROUND_COLUMNS ", " SQL_MICROS(changed) \
	" FROM r" ROUND_JOINS " ORDER BY " order

/* A proposed day must not show in the order either. */
#define TOLD_ORDER \
	"CASE WHEN r.precision = 'day' AND r.date_status NOT IN ('official', 'reported')" \
	" THEN date_trunc('month', r.from_day)::date ELSE r.from_day END, r.code"

static const struct db_statement feeds[2] = {
	[FEED_BY_PERIOD] = {
		SHOWN("SELECT r.*, " CHANGED_WITH_VENUE("r") " AS changed FROM (SELECT r.* FROM round AS r WHERE " MATCHES
		      " ORDER BY r.from_day DESC, r.id DESC LIMIT $6::integer) AS r", "r.changed", TOLD_ORDER)
	},
	[FEED_BY_CHANGE] = {
		SHOWN("SELECT r.*, " CHANGED("r") " AS changed FROM round AS r WHERE " MATCHES
		      " ORDER BY changed DESC NULLS LAST, r.id DESC LIMIT $6::integer", "r.changed",
		      "r.changed DESC NULLS LAST, r.id DESC")
	},
};

#define ONE_ROUND(condition) \
	"SELECT " ROUND_COLUMNS ", " SQL_MICROS(CHANGED_WITH_VENUE("r")) \
	" FROM round AS r" ROUND_JOINS " WHERE " PUBLIC("r") " AND " condition
static const struct db_statement one_by_id = { ONE_ROUND("r.id = $1::uuid") };
static const struct db_statement one_by_code = { ONE_ROUND("r.code = $1") };

static void news_read(struct round_news *news, struct arena *arena, const struct db_result *result, int row)
{
	round_read_row(&news->round, arena, result, row);
	news->changed_us = row_time(result, row, ROUND_COLUMN_COUNT);
	news->action = NULL;
}

static void feed_on_done(struct db_query *query, const struct db_result *result)
{
	struct round_feed *feed = container_of(query, struct round_feed, query);

	if (result_ok(result, &feed->error)) {
		feed->nnews = (size_t)db_rows(result);
		feed->news = arena_alloc(feed->arena, (feed->nnews + 1) * sizeof(*feed->news));
		for (size_t i = 0; i < feed->nnews; i++)
			news_read(&feed->news[i], feed->arena, result, (int)i);
		if (feed->key && feed->nnews == 0)
			fail_not_found(&feed->error);
	}
	feed->done(feed);
}

static void send_one(struct round_feed *feed)
{
	query_begin(&feed->query, uuid_valid(feed->key) ? &one_by_id : &one_by_code, DB_READ, feed_on_done);
	query_text(&feed->query, feed->key);
}

static void send_many(struct round_feed *feed)
{
	struct db_query *query = &feed->query;

	query_begin(query, &feeds[feed->order], DB_READ, feed_on_done);
	query_date(query, feed->arena, feed->from);
	query_bool(query, feed->years);
	query_text(query, feed->campaign);
	if (feed->units)
		query_texts(query, feed->arena, feed->units, feed->nunits);
	else
		query_text(query, NULL);
	query_text(query, feed->plan);
	query_int(query, feed->arena, feed->limit);
}

void round_feed_send(struct store *store, struct round_feed *feed)
{
	feed->store = store;
	if (feed->key)
		send_one(feed);
	else
		send_many(feed);
	db_send(store->db, &feed->query);
}

/* ---- changes ---- */

char *change_cursor_format(const struct change_cursor *cursor, char out[CHANGE_CURSOR_SIZE])
{
	if (cursor->position == 0)
		snprintf(out, CHANGE_CURSOR_SIZE, "0");
	else
		snprintf(out, CHANGE_CURSOR_SIZE, "%lld.%s.%s", (long long)cursor->position, cursor->mark,
			 cursor->round_id);
	return out;
}

static bool is_mark(const char *text, size_t len)
{
	return len == 16 && strspn(text, "0123456789abcdef") >= len;
}

bool change_cursor_parse(const char *text, struct change_cursor *cursor)
{
	size_t digits = strspn(text, "0123456789");
	const char *mark = text + digits + 1;

	*cursor = (struct change_cursor){ 0 };
	if (streq(text, "0"))
		return true;
	if (digits == 0 || digits > 18 || text[0] == '0' || text[digits] != '.')
		return false;
	if (!is_mark(mark, strcspn(mark, ".")) || mark[16] != '.' || !uuid_valid(mark + 17))
		return false;
	cursor->position = strtoll(text, NULL, 10);
	memcpy(cursor->mark, mark, 16);
	memcpy(cursor->round_id, mark + 17, UUID_TEXT_SIZE);
	return true;
}

/*
 * One step down round_change_position_ix to the cursor, then as many as are
 * asked for. There is always a row: where nothing changed it is empty but for
 * `fine`. $1 position, $2 its mark, $3 round, $4 limit.
 */
#define MARK(seal) "encode(substring(" seal ".hash FROM 1 FOR 8), 'hex')"
static const struct db_statement changes = {
	"WITH seen AS MATERIALIZED ("
	" SELECT $1::bigint = 0 OR EXISTS (SELECT FROM audit_seal AS s WHERE s.position = $1"
	"  AND " MARK("s") " = $2::text) AS fine),"
	" c AS MATERIALIZED ("
	" SELECT c.* FROM round_change AS c JOIN round AS r ON r.id = c.round_id"
	"  WHERE (c.position, c.round_id) > ($1::bigint, $3::uuid) AND " PUBLIC("r")
	"  AND (SELECT fine FROM seen)"
	"  ORDER BY c.position, c.round_id LIMIT $4::integer)"
	" SELECT " ROUND_COLUMNS ", " SQL_MICROS("c.at") ", c.action, c.position, " MARK("s") ", seen.fine"
	" FROM seen LEFT JOIN c ON true LEFT JOIN round AS r ON r.id = c.round_id"
	" LEFT JOIN audit_seal AS s ON s.position = c.position" ROUND_JOINS
	" ORDER BY c.position, c.round_id"
};

enum {
	COL_AT = ROUND_COLUMN_COUNT, COL_ACTION, COL_POSITION, COL_MARK, COL_FINE
};

static bool is_of_this_history(struct change_feed *feed, const struct db_result *result)
{
	if (db_bool(result, 0, COL_FINE))
		return true;
	return error_set(&feed->error, ERR_CURSOR_UNKNOWN,
			 "This server never gave out that cursor, or its database was restored to an earlier day.",
			 "Máy chủ này chưa từng cấp con trỏ đó, hoặc cơ sở dữ liệu đã được khôi phục về ngày trước.");
}

static void move_cursor(struct change_feed *feed, const struct db_result *result, int row)
{
	struct change_cursor *cursor = &feed->cursor;

	cursor->position = db_int(result, row, COL_POSITION, 0);
	snprintf(cursor->mark, sizeof(cursor->mark), "%s", db_text(result, row, COL_MARK));
	memcpy(cursor->round_id, feed->news[row].round.id, sizeof(cursor->round_id));
}

static void changes_read(struct change_feed *feed, const struct db_result *result)
{
	int rows = db_is_null(result, 0, COL_POSITION) ? 0 : db_rows(result);

	feed->more = rows > feed->limit;
	feed->nnews = (size_t)(feed->more ? feed->limit : rows);
	feed->news = arena_alloc(feed->arena, (feed->nnews + 1) * sizeof(*feed->news));
	for (size_t i = 0; i < feed->nnews; i++) {
		news_read(&feed->news[i], feed->arena, result, (int)i);
		feed->news[i].action = row_text(feed->arena, result, (int)i, COL_ACTION);
	}
	if (feed->nnews > 0)
		move_cursor(feed, result, (int)feed->nnews - 1);
}

static void changes_on_done(struct db_query *query, const struct db_result *result)
{
	struct change_feed *feed = container_of(query, struct change_feed, query);

	if (result_ok(result, &feed->error) && is_of_this_history(feed, result))
		changes_read(feed, result);
	feed->done(feed);
}

void change_feed_send(struct store *store, struct change_feed *feed)
{
	struct db_query *query = &feed->query;
	const struct change_cursor *cursor = &feed->cursor;

	feed->store = store;
	query_begin(query, &changes, DB_READ, changes_on_done);
	query_int(query, feed->arena, cursor->position);
	query_text(query, cursor->mark);
	query_text(query, cursor->position ? cursor->round_id : "00000000-0000-0000-0000-000000000000");
	query_text(query, page_limit(feed->limit, feed->limit_text));
	db_send(store->db, query);
}
