/* Gifts that phones told, in the statement that writes their items: once for each content, whatever is sent again. */
#include "store_fixture.h"

#include <stdio.h>

#include "store/gift_row.h"
#include "store/gift_store.h"
#include "store/row.h"

DONE(gift_load)

#define ROUND "0197b1c0-0000-7000-8000-000000000001"
#define DONOR "0197b1c0-0000-7000-8000-000000000002"
#define ITEM "0197b1c0-0000-7000-8000-000000000003"
#define LOW "\\x0101010101010101010101010101010101010101010101010101010101010101"
#define HIGH "\\x0202020202020202020202020202020202020202020202020202020202020202"

/* As the writer of items has it: the item and what it tells are one statement. */
static const struct db_statement insert_statement = {
	"WITH item AS (INSERT INTO item (id, content_hash, kind, install, seq, captured_at, round_id, donor_id, registers, tie, verdict, held, sealed)"
	"  SELECT g.item_id, g.content_hash, 'gift', g.item_id, 1, '2025-03-10 08:00+07', g.round_id, g.donor_id, false, encode(g.content_hash, 'hex'), 'applied', '{}', 'x'"
	"  FROM jsonb_to_recordset($1::jsonb) AS g (item_id uuid, content_hash bytea, round_id uuid, donor_id uuid) ON CONFLICT DO NOTHING),"
	" gifts AS (" GIFT_ITEMS_INSERT("$1", "true") " RETURNING 1)"
	" SELECT count(*) FROM gifts"
};

struct hand_in {
	struct db_query query;
	int             made;
};

static void on_handed_in(struct db_query *query, const struct db_result *result)
{
	struct hand_in *in = container_of(query, struct hand_in, query);

	assert_int_equal(result->outcome, DB_OK);
	in->made = row_int(result, 0, 0, -1);
	pending--;
}

static int hand_in(struct gift_of_item *gifts, size_t count)
{
	struct hand_in in = { 0 };

	query_begin(&in.query, &insert_statement, DB_WRITE, on_handed_in);
	query_text(&in.query, gift_items_text(gifts, count, &store, &arena));
	pending++;
	db_send(store.db, &in.query);
	settle();
	return in.made;
}

static struct gift_of_item gift_of(const char *hash, int64_t vnd)
{
	struct gift_of_item made = { .gift = { .round_id = ROUND, .donor_id = DONOR, .kind = GIFT_FOOD, .vnd = vnd,
					       .handed_on = { 2025, 3, 10 } }, .item_id = ITEM, .content_hash = hash };

	return made;
}

static void one_row_for_each_content(void **state)
{
	struct gift_of_item gifts[] = { gift_of(HIGH, 20000), gift_of(LOW, 30000) };
	struct gift_load load = { .arena = &arena };
	char told[64];

	(void)state;
	pg_sql_on(pg.conninfo, "INSERT INTO round (id, code, title, from_day, to_day, precision, date_status, time_status, place_status, status)"
		  " VALUES ('" ROUND "', 'GT25-01', 'x', '2025-03-10', '2025-03-10', 'day', 'official', 'official', 'official', 'closed')",
		  told, sizeof(told));
	pg_sql_on(pg.conninfo, "INSERT INTO donor (id, number, wrap_key_id, wrapped_key, sealed) VALUES ('" DONOR "', 'K7M4-XQD5', 1, 'x', 'x')",
		  told, sizeof(told));
	assert_int_equal(hand_in(gifts, 1), 1);
	assert_int_equal(hand_in(gifts, 2), 1);
	assert_int_equal(hand_in(gifts, 2), 0);
	pg_sql_on(pg.conninfo, "SELECT string_agg(value_vnd::text, ' ') FROM gift_counting WHERE round_id = '" ROUND "'", told, sizeof(told));
	assert_string_equal(told, "30000");      /* the lower content counts */
	pg_sql_on(pg.conninfo, "SELECT id FROM gift WHERE value_vnd = 20000", told, sizeof(told));
	load.id = told;
	RUN_OK(gift_load, &load);
	assert_int_equal(load.gift.vnd, 20000);
	assert_true(load.gift.of_item);
	assert_string_equal(load.gift.donor_number, "K7M4-XQD5");
	load.id = ITEM;
	RUN(gift_load, &load);
	assert_int_equal(load.error.code, ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(one_row_for_each_content) };

	return cmocka_run_group_tests(tests, store_up, store_down);
}
