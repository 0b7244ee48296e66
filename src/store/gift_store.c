#include "store/gift_store.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json_out.h"
#include "base/text.h"
#include "store/audit.h"
#include "store/failure.h"
#include "store/gift_row.h"
#include "store/image.h"
#include "store/replay.h"
#include "store/row.h"

#define GIFT_PERSON(donor) "coalesce((SELECT a.into_id FROM donor_alias AS a WHERE a.donor_id = " donor "), " donor ")"

/* ---- a new row ---- */

static const struct db_statement add_statement = {
	"WITH " CLAIM("EXISTS (SELECT FROM donor WHERE id = $11::uuid AND erased_at IS NULL)") ","
	" made AS (INSERT INTO gift (id, round_id, donor_id, kind, value_vnd, handed_on, corrects, corrects_item)"
	"  SELECT $9::uuid, $10::uuid, $11::uuid, $12, $13::bigint, $14::date, $15::uuid,"
	"   (SELECT c.item_id FROM gift AS c WHERE c.id = $15::uuid) FROM go RETURNING recorded_at),"
	" audit AS (" AUDIT_INSERT("$8", "EXISTS (SELECT FROM made)") ")"
	" SELECT EXISTS (SELECT FROM go), (SELECT " SQL_MICROS("recorded_at") " FROM made),"
	"  EXISTS (SELECT FROM donor WHERE id = $11::uuid AND erased_at IS NULL)"
};

static void add_on_replayed(struct db_query *query, const struct db_result *result)
{
	struct gift_add *add = container_of(query, struct gift_add, query);

	(void)!replay_read(result, &add->idempotency, &add->error);
	add->done(add);
}

static void add_on_done(struct db_query *query, const struct db_result *result)
{
	struct gift_add *add = container_of(query, struct gift_add, query);

	switch (claim_read(result, &add->idempotency, &add->error)) {
	case CLAIM_LOST:
		if (result->outcome == DB_OK && !db_bool(result, 0, 2)) {
			fail_erased(&add->error);
			break;
		}
		replay_send(add->store, query, &add->idempotency, &add->actor, "gift", add->arena, add_on_replayed);
		return;
	case CLAIM_WON:
		add->gift.recorded_us = row_time(result, 0, 1);
		break;
	case CLAIM_FAILED:
		break;
	}
	add->done(add);
}

void gift_add_send(struct store *store, struct gift_add *add)
{
	struct db_query *query = &add->query;
	struct gift *gift = &add->gift;
	struct buf image = { 0 };
	struct audit audit;

	add->store = store;
	uuid7_make(gift->id, clock_wall_us(store->clock));
	query_begin(query, &add_statement, DB_WRITE, add_on_done);
	query_claim(query, store, &add->idempotency, gift->id, add->arena);
	image_gift(&image, gift);
	audit_begin(&audit, store, &add->actor);
	audit_add(&audit, gift->corrects ? "gift.correct" : "gift.hand_over", "gift", gift->id, NULL, &image);
	query_text(query, audit_end(&audit, add->arena));
	buf_release(&image);
	query_text(query, gift->id);
	query_text(query, gift->round_id);
	query_text(query, gift->donor_id);
	query_text(query, gift_kind_text(gift->kind));
	query_int(query, add->arena, gift->vnd);
	query_date(query, add->arena, gift->handed_on);
	query_text(query, uuid_or_nil(gift->corrects));
	db_send(store->db, query);
}

const char *gift_items_text(struct gift_of_item *gifts, size_t count, const struct store *store, struct arena *arena)
{
	struct buf buf = { 0 };
	struct json_out out = { .buf = &buf };
	const char *text;

	jout_array(&out, NULL);
	for (size_t i = 0; i < count; i++) {
		struct gift *gift = &gifts[i].gift;

		uuid7_make(gift->id, clock_wall_us(store->clock));
		jout_object(&out, NULL);
		jout_text(&out, "id", gift->id);
		jout_text(&out, "round_id", gift->round_id);
		jout_text(&out, "donor_id", gift->donor_id);
		jout_text(&out, "kind", gift_kind_text(gift->kind));
		jout_int(&out, "value_vnd", gift->vnd);
		jout_date(&out, "handed_on", gift->handed_on);
		jout_text(&out, "item_id", gifts[i].item_id);
		jout_text(&out, "content_hash", gifts[i].content_hash);
		jout_end(&out);
	}
	jout_end(&out);
	text = arena_strdup(arena, buf.data);
	buf_release(&buf);
	return text;
}

/* ---- rows ---- */

/* Of a gift `g` of the record `d`, whether held last. */
#define GIFT_COLUMNS(held) \
	"g.id, g.round_id, d.id, d.number, g.kind, g.value_vnd, g.handed_on, g.corrects, g.item_id IS NOT NULL, " held ", " \
	SQL_MICROS("g.recorded_at")

static void gift_read_row(struct gift *gift, struct arena *arena, const struct db_result *result, int row, int column)
{
	row_uuid(result, row, column, gift->id);
	row_uuid(result, row, column + 1, gift->round_id);
	row_uuid(result, row, column + 2, gift->donor_id);
	gift->donor_number = row_text(arena, result, row, column + 3);
	(void)gift_kind_parse(db_text(result, row, column + 4), &gift->kind);
	gift->vnd = db_int(result, row, column + 5, 0);
	gift->handed_on = row_date(result, row, column + 6);
	gift->corrects = row_text(arena, result, row, column + 7);
	gift->of_item = db_bool(result, row, column + 8);
	gift->held = db_bool(result, row, column + 9);
	gift->recorded_us = row_time(result, row, column + 10);
}

static const struct db_statement load_statement = {
	"SELECT " GIFT_COLUMNS("false") " FROM gift AS g JOIN donor AS d ON d.id = " GIFT_PERSON("g.donor_id")
	" WHERE g.id = $1::uuid"
};

static void load_on_done(struct db_query *query, const struct db_result *result)
{
	struct gift_load *load = container_of(query, struct gift_load, query);

	if (result_ok(result, &load->error)) {
		if (db_rows(result) == 0)
			fail_not_found(&load->error);
		else
			gift_read_row(&load->gift, load->arena, result, 0, 0);
	}
	load->done(load);
}

void gift_load_send(struct store *store, struct gift_load *load)
{
	load->store = store;
	query_begin(&load->query, &load_statement, DB_READ, load_on_done);
	query_text(&load->query, uuid_or_nil(load->id));
	db_send(store->db, &load->query);
}

static const struct db_statement list_statement = {
	"SELECT " GIFT_COLUMNS("false") " FROM gift AS g JOIN donor AS d ON d.id = $1::uuid"
	" WHERE g.donor_id = ANY (person_records($1::uuid)) ORDER BY g.recorded_at, g.id"
};

static void list_on_done(struct db_query *query, const struct db_result *result)
{
	struct gift_list *list = container_of(query, struct gift_list, query);

	list->nitems = 0;
	if (result_ok(result, &list->error)) {
		list->nitems = (size_t)db_rows(result);
		list->items = arena_alloc(list->arena, (list->nitems + 1) * sizeof(*list->items));
		for (int i = 0; i < (int)list->nitems; i++) {
			list->items[i] = (struct gift){ 0 };
			gift_read_row(&list->items[i], list->arena, result, i, 0);
		}
	}
	list->done(list);
}

void gift_list_send(struct store *store, struct gift_list *list)
{
	query_begin(&list->query, &list_statement, DB_READ, list_on_done);
	query_text(&list->query, list->donor_id);
	db_send(store->db, &list->query);
}

/* ---- the book ---- */

/*
 * Rows of two kinds, round by round: 'd' a donation that counts, 'g' a gift. A record that was merged is told as the one
 * that stands. $1 round, $2 $3 days, $4 units.
 */
static const struct db_statement book_statement = {
	"WITH r AS MATERIALIZED (SELECT r.id, r.code FROM round AS r WHERE CASE WHEN $1::uuid IS NOT NULL THEN r.id = $1::uuid ELSE"
	"   r.from_day BETWEEN $2::date AND $3::date AND r.status <> 'draft'"
	"   AND ($4::text[] IS NULL OR EXISTS (SELECT FROM round_unit AS u WHERE u.round_id = r.id AND u.unit_id = ANY ($4))) END),"
	" line AS ("
	" SELECT r.code, r.id AS round_id, 'd' AS sort, d.id AS person, n.id AS id, d.number, n.component AS what,"
	"  coalesce(n.volume_ml, -1)::bigint AS much, n.donated_on AS day, NULL::uuid AS corrects,"
	"  coalesce(n.outcome = 'stopped', false) AS stopped, n.held OR n.open AS held, n.recorded_at"
	"  FROM r JOIN donation_counting AS n ON n.round_id = r.id JOIN donor AS d ON d.id = " GIFT_PERSON("n.donor_id")
	" UNION ALL"
	" SELECT r.code, r.id, 'g', d.id, g.id, d.number, g.kind, g.value_vnd, g.handed_on, g.corrects, g.item_id IS NOT NULL, g.held,"
	"  g.recorded_at"
	"  FROM r JOIN gift_counting AS g ON g.round_id = r.id JOIN donor AS d ON d.id = " GIFT_PERSON("g.donor_id") ")"
	" SELECT code, round_id, sort, id, person, number, what, much, day, corrects, stopped, held, " SQL_MICROS("recorded_at")
	" FROM line ORDER BY code, round_id, sort, person, day, id"
};
enum { BOOK_CODE, BOOK_ROUND, BOOK_SORT, BOOK_ID, BOOK_PERSON, BOOK_NUMBER, BOOK_WHAT, BOOK_MUCH, BOOK_DAY, BOOK_CORRECTS,
       BOOK_FLAG, BOOK_HELD, BOOK_RECORDED };

static void read_donation(struct gift_book_round *round, struct arena *arena, const struct db_result *result, int row)
{
	struct gift_donation *donation = &round->donations[round->ndonations];

	*donation = (struct gift_donation){ .id = row_text(arena, result, row, BOOK_ID),
					    .person = row_text(arena, result, row, BOOK_PERSON),
					    .volume_ml = row_int(result, row, BOOK_MUCH, -1),
					    .on = row_date(result, row, BOOK_DAY),
					    .stopped = db_bool(result, row, BOOK_FLAG),
					    .waits = db_bool(result, row, BOOK_HELD) };
	(void)component_parse(db_text(result, row, BOOK_WHAT), &donation->component);
	round->donor_numbers[round->ndonations++] = row_text(arena, result, row, BOOK_NUMBER);
}

static void read_gift(struct gift_book_round *round, struct arena *arena, const struct db_result *result, int row)
{
	struct gift *gift = &round->gifts[round->ngifts++];

	*gift = (struct gift){ .donor_number = row_text(arena, result, row, BOOK_NUMBER),
			       .vnd = db_int(result, row, BOOK_MUCH, 0),
			       .handed_on = row_date(result, row, BOOK_DAY),
			       .corrects = row_text(arena, result, row, BOOK_CORRECTS),
			       .of_item = db_bool(result, row, BOOK_FLAG),
			       .held = db_bool(result, row, BOOK_HELD),
			       .recorded_us = row_time(result, row, BOOK_RECORDED) };
	row_uuid(result, row, BOOK_ID, gift->id);
	row_uuid(result, row, BOOK_ROUND, gift->round_id);
	row_uuid(result, row, BOOK_PERSON, gift->donor_id);
	(void)gift_kind_parse(db_text(result, row, BOOK_WHAT), &gift->kind);
}

/* The rows of one round, from *row on. */
static void read_round(struct gift_book_round *round, struct arena *arena, const struct db_result *result, int *row)
{
	int end = *row, rows = db_rows(result);
	size_t count;

	row_uuid(result, *row, BOOK_ROUND, round->id);
	while (end < rows && streq(db_text(result, end, BOOK_ROUND), round->id))
		end++;
	count = (size_t)(end - *row);
	*round = (struct gift_book_round){ .code = row_text(arena, result, *row, BOOK_CODE),
					   .donations = arena_alloc(arena, count * sizeof(*round->donations)),
					   .donor_numbers = arena_alloc(arena, count * sizeof(*round->donor_numbers)),
					   .gifts = arena_alloc(arena, count * sizeof(*round->gifts)) };
	row_uuid(result, *row, BOOK_ROUND, round->id);
	for (; *row < end; ++*row)
		(*db_text(result, *row, BOOK_SORT) == 'd' ? read_donation : read_gift)(round, arena, result, *row);
}

static void book_on_done(struct db_query *query, const struct db_result *result)
{
	struct gift_book *book = container_of(query, struct gift_book, query);

	if (result_ok(result, &book->error)) {
		int row = 0, rows = db_rows(result);

		book->rounds = arena_alloc(book->arena, GIFT_BOOK_ROUNDS_MAX * sizeof(*book->rounds));
		while (row < rows && book->nrounds < GIFT_BOOK_ROUNDS_MAX)
			read_round(&book->rounds[book->nrounds++], book->arena, result, &row);
		book->more = row < rows;
	}
	book->done(book);
}

void gift_book_send(struct store *store, struct gift_book *book)
{
	struct db_query *query = &book->query;

	book->store = store;
	query_begin(query, &book_statement, book->round_id ? DB_READ : DB_SLOW, book_on_done);
	query_text(query, uuid_or_nil(book->round_id));
	query_date(query, book->arena, book->from);
	query_date(query, book->arena, book->to);
	if (book->units)
		query_texts(query, book->arena, book->units, book->nunits);
	else
		query_text(query, NULL);
	db_send(store->db, query);
}
