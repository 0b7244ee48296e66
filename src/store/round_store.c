#include "store/round_store.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json_out.h"
#include "store/audit.h"
#include "store/failure.h"
#include "store/image.h"
#include "store/replay.h"
#include "store/round_row.h"
#include "store/row.h"

/* Reading one. */

static const struct db_statement load_by_id = {
	"SELECT " ROUND_COLUMNS " FROM round AS r" ROUND_JOINS " WHERE r.id = $1::uuid"
};
static const struct db_statement load_by_code = {
	"SELECT " ROUND_COLUMNS " FROM round AS r" ROUND_JOINS " WHERE r.code = $1"
};

static void load_on_done(struct db_query *query, const struct db_result *result)
{
	struct round_load *load = container_of(query, struct round_load, query);

	if (result_ok(result, &load->error)) {
		if (db_rows(result) == 0)
			fail_not_found(&load->error);
		else
			round_read_row(&load->round, load->arena, result, 0);
	}
	load->done(load);
}

void round_load_send(struct store *store, struct round_load *load)
{
	load->store = store;
	query_begin(&load->query, uuid_valid(load->key) ? &load_by_id : &load_by_code, DB_READ, load_on_done);
	query_text(&load->query, load->key);
	db_send(store->db, &load->query);
}

/* Writing one. */

static const char *one_record(struct arena *arena, const struct round *round, int64_t version)
{
	struct buf buf = { 0 };
	struct json_out out = { .buf = &buf };
	const char *text;

	jout_array(&out, NULL);
	round_record(&out, round, version);
	jout_end(&out);
	text = arena_strdup(arena, buf.data);
	buf_release(&buf);
	return text;
}

static const char *one_audit(struct store *store, const struct actor *actor, struct arena *arena,
			     const char *verb, const struct round *before, const struct round *after)
{
	struct buf was = { 0 }, is = { 0 };
	struct audit audit;
	const char *text;

	if (before)
		image_round(&was, before);
	image_round(&is, after);
	audit_begin(&audit, store, actor);
	audit_add(&audit, arena_printf(arena, "round.%s", verb), "round", after->id,
		  before ? &was : NULL, &is);
	text = audit_end(&audit, arena);
	buf_release(&was);
	buf_release(&is);
	return text;
}

static const struct db_statement save = {
	"WITH " ROUND_RECORDS("$1") ","
	" written AS (" ROUND_UPDATE " RETURNING r.id), " ROUND_LINKS ","
	" audit AS (" AUDIT_INSERT("$2", "EXISTS (SELECT FROM written)") "),"
	" bump AS (" TOPIC_BUMP("rounds", "EXISTS (SELECT FROM written)") ")"
	" SELECT EXISTS (SELECT FROM written), EXISTS (SELECT FROM round WHERE id = n.id), " ROUND_NAMES
};

static void save_on_done(struct db_query *query, const struct db_result *result)
{
	struct round_save *save_op = container_of(query, struct round_save, query);

	if (result_ok(result, &save_op->error)) {
		if (db_bool(result, 0, 0))
			round_fill_names(&save_op->after, save_op->arena, result, 2);
		else if (db_bool(result, 0, 1))
			fail_stale(&save_op->error);
		else
			fail_not_found(&save_op->error);
	}
	save_op->done(save_op);
}

void round_save_send(struct store *store, struct round_save *save_op)
{
	const struct round *before = save_op->before;
	struct round *after = &save_op->after;
	struct db_query *query = &save_op->query;

	save_op->store = store;
	*after = *save_op->next;
	memcpy(after->id, before->id, sizeof(after->id));
	after->version = before->version + 1;
	query_begin(query, &save, DB_WRITE, save_on_done);
	query_text(query, one_record(save_op->arena, after, before->version));
	query_text(query, one_audit(store, &save_op->actor, save_op->arena, round_verb_text(save_op->verb),
				    before, after));
	db_send(store->db, query);
}

/*
 * Creating. The code of a plan's round follows from the plan, and its image
 * needs the code; so the plan is asked first for its prefix and its next free
 * number. When another round took that number meanwhile, it is asked again.
 */
static void create_on_numbered(struct db_query *query, const struct db_result *result);
static void create_on_made(struct db_query *query, const struct db_result *result);
static void create_on_replayed(struct db_query *query, const struct db_result *result);

enum { CREATE_ATTEMPTS = 32 };

static const struct db_statement number_of_plan = {
	"SELECT p.slug, p.number, p.demo, p.code_prefix,"
	" coalesce((SELECT max(ordinal) FROM round WHERE plan_id = p.id), 0) + 1"
	" FROM plan AS p WHERE p.id = $1::uuid"
};

static const struct db_statement create = {
	"WITH " CLAIM("true") ", " ROUND_RECORDS("$8") ","
	" written AS (" ROUND_INSERT " AND EXISTS (SELECT FROM go) RETURNING id), " ROUND_LINKS ","
	" audit AS (" AUDIT_INSERT("$9", "EXISTS (SELECT FROM written)") "),"
	" bump AS (" TOPIC_BUMP("rounds", "EXISTS (SELECT FROM written)") ")"
	" SELECT EXISTS (SELECT FROM go), " ROUND_NAMES
};

static void create_number(struct round_create *op)
{
	query_begin(&op->query, &number_of_plan, DB_READ, create_on_numbered);
	query_text(&op->query, uuid_or_nil(op->round.plan_id));
	db_send(op->store->db, &op->query);
}

static void create_make(struct round_create *op)
{
	struct db_query *query = &op->query;

	query_begin(query, &create, DB_WRITE, create_on_made);
	query_claim(query, op->store, &op->idempotency, op->round.id, op->arena);
	query_text(query, one_record(op->arena, &op->round, 0));
	query_text(query, one_audit(op->store, &op->actor, op->arena, "create", NULL, &op->round));
	db_send(op->store->db, query);
}

void round_create_send(struct store *store, struct round_create *op)
{
	op->store = store;
	op->numbered = op->round.plan_id && op->round.ordinal == 0;
	op->attempts = 0;
	uuid7_make(op->round.id, clock_wall_us(store->clock));
	op->round.version = 1;
	op->round.booked = 0;
	if (op->round.plan_id)
		create_number(op);
	else
		create_make(op);
}

static void create_take_number(struct round_create *op, const struct db_result *result)
{
	struct round *round = &op->round;

	round->plan_slug = row_text(op->arena, result, 0, 0);
	round->plan_number = row_text(op->arena, result, 0, 1);
	round->demo = db_bool(result, 0, 2);
	if (op->numbered)
		round->ordinal = row_int(result, 0, 4, 1);
	round->code = arena_printf(op->arena, "%s-%02d", db_text(result, 0, 3), round->ordinal);
}

static void create_on_numbered(struct db_query *query, const struct db_result *result)
{
	struct round_create *op = container_of(query, struct round_create, query);

	if (result_ok(result, &op->error)) {
		if (db_rows(result) == 0) {
			fail_not_found(&op->error);
		} else {
			create_take_number(op, result);
			if (op->round.ordinal <= 366) {
				create_make(op);
				return;
			}
			error_add_field(&op->error, "/ordinal", "out_of_range",
					"A plan has at most 366 rounds. Use a free number below.",
					"Một kế hoạch có nhiều nhất 366 đợt. Hãy dùng một số còn trống.");
		}
	}
	op->done(op);
}

static bool create_lost_number(struct round_create *op, const struct db_result *result)
{
	return op->numbered && ++op->attempts < CREATE_ATTEMPTS &&
	       (result_violates(result, "round_ordinal_uk") || result_violates(result, "round_code_uk"));
}

static void create_on_made(struct db_query *query, const struct db_result *result)
{
	struct round_create *op = container_of(query, struct round_create, query);

	if (create_lost_number(op, result)) {
		create_number(op);
		return;
	}
	switch (claim_read(result, &op->idempotency, &op->error)) {
	case CLAIM_LOST:
		replay_send(op->store, query, &op->idempotency, &op->actor, "round", op->arena,
			    create_on_replayed);
		return;
	case CLAIM_WON:
		round_fill_names(&op->round, op->arena, result, 1);
		break;
	case CLAIM_FAILED:
		break;
	}
	op->done(op);
}

static void create_on_replayed(struct db_query *query, const struct db_result *result)
{
	struct round_create *op = container_of(query, struct round_create, query);

	(void)!replay_read(result, &op->idempotency, &op->error);
	op->done(op);
}
