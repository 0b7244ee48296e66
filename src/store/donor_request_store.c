#include "store/rights_store.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "store/audit.h"
#include "store/donor_row.h"
#include "store/donor_store.h"
#include "store/failure.h"
#include "store/image.h"
#include "store/replay.h"
#include "store/row.h"

/* Of a request `q`, and the number `n` under which the donor is known. */
#define REQUEST_COLUMNS(n) \
	"q.id, q.donor_id, " n ", q.kind, " SQL_MICROS("q.received_at") ", q.answer_by, q.carry_out_by, q.extended_from, " \
	SQL_MICROS("q.answered_at") ", " SQL_MICROS("q.closed_at") ", q.outcome, q.ground, q.version, q.third_party"
enum { REQUEST_COUNT = 14 };

static void request_read(struct donor_request *request, const struct db_result *result, int row)
{
	row_uuid(result, row, 0, request->id);
	row_uuid(result, row, 1, request->donor_id);
	snprintf(request->donor_number, sizeof(request->donor_number), "%s", db_text(result, row, 2));
	(void)request_kind_parse(db_text(result, row, 3), &request->kind);
	request->received_us = row_time(result, row, 4);
	request->answer_by = row_date(result, row, 5);
	request->carry_out_by = row_date(result, row, 6);
	request->extended_from = row_date(result, row, 7);
	request->answered_us = row_time(result, row, 8);
	request->closed_us = row_time(result, row, 9);
	(void)request_outcome_parse(db_text(result, row, 10), &request->outcome);
	(void)request_ground_parse(db_text(result, row, 11), &request->ground);
	request->version = db_int(result, row, 12, 0);
	request->third_party = db_bool(result, row, 13);
}

static const char *note_field(const struct donor_request *request, struct arena *arena)
{
	return arena_printf(arena, "note %s", request->id);
}

/* ---- received ---- */

/* The donor's row is held meanwhile: an erasure comes before or after, and never between. */
static const struct db_statement make_statement = {
	"WITH who AS MATERIALIZED (SELECT id FROM donor WHERE id = $9::uuid AND erased_at IS NULL FOR SHARE), "
	CLAIM("EXISTS (SELECT FROM who)") ","
	" made AS (INSERT INTO donor_request (id, donor_id, kind, received_at, answer_by, carry_out_by, note, third_party)"
	"  SELECT $10::uuid, $9::uuid, $11, $12::timestamptz, $13::date, $14::date, $15::bytea, $16::boolean FROM go RETURNING id),"
	" audit AS (" AUDIT_INSERT("$8", "EXISTS (SELECT FROM made)") ")"
	" SELECT EXISTS (SELECT FROM go), EXISTS (SELECT FROM who)"
};

static void make_on_replayed(struct db_query *query, const struct db_result *result)
{
	struct donor_request_make *make = container_of(query, struct donor_request_make, query);

	(void)!replay_read(result, &make->idempotency, &make->error);
	make->done(make);
}

static void make_on_done(struct db_query *query, const struct db_result *result)
{
	struct donor_request_make *make = container_of(query, struct donor_request_make, query);

	if (claim_read(result, &make->idempotency, &make->error) == CLAIM_LOST) {
		if (result->outcome != DB_OK || db_bool(result, 0, 1)) {
			replay_send(make->store, query, &make->idempotency, &make->actor, "donor_request", make->arena,
				    make_on_replayed);
			return;
		}
		fail_erased(&make->error);
	}
	make->done(make);
}

static const char *one_audit(const struct store *store, const struct actor *actor, struct arena *arena,
			     const char *action, const struct donor_request *before, const struct donor_request *after)
{
	struct buf was = { 0 }, is = { 0 };
	struct audit audit;

	if (before)
		image_donor_request(&was, before);
	image_donor_request(&is, after);
	audit_begin(&audit, store, actor);
	audit_add(&audit, action, "donor_request", after->id, before ? &was : NULL, &is);
	buf_release(&was);
	buf_release(&is);
	return audit_end(&audit, arena);
}

void donor_request_make_send(struct store *store, struct donor_request_make *make)
{
	struct donor_request *request = &make->request;
	const char *donor_id = make->of->donor.id, *note = NULL;
	struct db_query *query = &make->query;
	struct arena *arena = make->arena;
	struct error lost;

	make->store = store;
	error_clear(&lost);
	uuid7_make(request->id, clock_wall_us(store->clock));
	snprintf(request->donor_id, sizeof(request->donor_id), "%s", donor_id);
	snprintf(request->donor_number, sizeof(request->donor_number), "%s", make->of->donor.number);
	request->version = 1;
	/* The key was opened to read the record, and keys stay to the end; if not, there is no such donor. */
	if (!donor_open_key(make->of, store, &lost))
		donor_id = NULL;
	else if (request->note)
		note = donor_seal_text("donor_request", note_field(request, arena), donor_id, request->note, store,
				       arena);
	query_begin(query, &make_statement, DB_WRITE, make_on_done);
	query_claim(query, store, &make->idempotency, request->id, arena);
	query_text(query, one_audit(store, &make->actor, arena, "donor_request.receive", NULL, request));
	query_text(query, donor_id);
	query_text(query, request->id);
	query_text(query, request_kind_text(request->kind));
	query_time(query, arena, request->received_us);
	query_date(query, arena, request->answer_by);
	query_date(query, arena, request->carry_out_by);
	query_text(query, note);
	query_bool(query, request->third_party);
	db_send(store->db, query);
}

/* ---- read ---- */

#define SOUGHT_REQUESTS \
	"WITH " DONOR_SOUGHT ", " DONOR_OWN ", found AS (SELECT q.* FROM own JOIN donor_request AS q ON q.donor_id = own.id" \
	"  WHERE $5::uuid IS NULL OR q.id = $5)"
/* A row of the donor alone where there is none, so that it is known whether there is the donor. */
#define REQUESTS_OPENED \
	" SELECT " REQUEST_COLUMNS("d.number") ", d.unit_id, d.unit_on, q.note, k.id, k.wrap_key_id, k.wrapped_key" \
	" FROM d LEFT JOIN (found AS q JOIN donor AS k ON k.id = q.donor_id) ON true ORDER BY q.received_at, q.id"
enum { COLUMN_UNIT = REQUEST_COUNT, COLUMN_NOTE = COLUMN_UNIT + 2, COLUMN_OWNER };

static const struct db_statement load_quietly = { SOUGHT_REQUESTS REQUESTS_OPENED };
static const struct db_statement load_audited = {
	SOUGHT_REQUESTS ", audit AS (" AUDIT_INSERT_FOUND("$6", "q.id::text", "found AS q") ")" REQUESTS_OPENED
};

/* Of an erased donor the key is gone, and so is what it sealed. */
static bool note_read(struct donor_request_load *load, const struct db_result *result, int row,
		      struct donor_request *request)
{
	struct donor_record owner = { .wrap_key_id = row_int(result, row, COLUMN_OWNER + 1, 0),
				      .wrapped_hex = db_text(result, row, COLUMN_OWNER + 2) };

	if (db_is_null(result, row, COLUMN_NOTE) || !owner.wrapped_hex)
		return true;
	row_uuid(result, row, COLUMN_OWNER, owner.donor.id);
	if (!donor_open_key(&owner, load->store, &load->error))
		return false;
	request->note = donor_open_text("donor_request", note_field(request, load->arena), owner.donor.id,
					db_text(result, row, COLUMN_NOTE), load->store, load->arena);
	return request->note || donor_fail_sealed(&load->error);
}

static void load_read(struct donor_request_load *load, const struct db_result *result)
{
	int rows = db_rows(result);

	if (rows == 0 || (load->only && db_is_null(result, 0, 0))) {
		fail_not_found(&load->error);
		return;
	}
	load->unit_id = row_text(load->arena, result, 0, COLUMN_UNIT);
	load->unit_on = row_date(result, 0, COLUMN_UNIT + 1);
	load->requests = arena_alloc(load->arena, (size_t)rows * sizeof(*load->requests));
	for (int i = 0; i < rows && !db_is_null(result, i, 0); i++) {
		request_read(&load->requests[load->nrequests], result, i);
		if (!note_read(load, result, i, &load->requests[load->nrequests++]))
			return;
	}
}

static void load_on_done(struct db_query *query, const struct db_result *result)
{
	struct donor_request_load *load = container_of(query, struct donor_request_load, query);

	if (result_ok(result, &load->error))
		load_read(load, result);
	load->done(load);
}

void donor_request_load_send(struct store *store, struct donor_request_load *load)
{
	struct db_query *query = &load->query;
	char *number = arena_alloc(load->arena, DONOR_NUMBER_SIZE);
	struct audit audit;

	load->store = store;
	load->nrequests = 0;
	query_begin(query, load->action ? &load_audited : &load_quietly, load->action ? DB_WRITE : DB_READ,
		    load_on_done);
	query_text(query, uuid_or_nil(load->key));
	query_text(query, donor_number_parse(load->key, number) == DONOR_NUMBER_FINE ? number : "");
	if (load->units)
		query_texts(query, load->arena, load->units, load->nunits);
	else
		query_text(query, NULL);
	query_bool(query, false);
	query_text(query, uuid_or_nil(load->only));
	if (load->action) {
		audit_begin(&audit, store, &load->actor);
		audit_add_reading(&audit, load->action, "donor_request", "", NULL);
		query_text(query, audit_end(&audit, load->arena));
	}
	db_send(store->db, query);
}

/* ---- a step ---- */

static const struct db_statement save_statement = {
	"WITH made AS (UPDATE donor_request SET carry_out_by = $4::date, extended_from = $5::date,"
	"  answered_at = $6::timestamptz, closed_at = $7::timestamptz, outcome = $8, ground = $9, version = version + 1"
	"  WHERE id = $2::uuid AND version = $3::bigint RETURNING id),"
	" audit AS (" AUDIT_INSERT("$1", "EXISTS (SELECT FROM made)") ")"
	" SELECT EXISTS (SELECT FROM made)"
};

static void save_on_done(struct db_query *query, const struct db_result *result)
{
	struct donor_request_save *save = container_of(query, struct donor_request_save, query);

	if (result_ok(result, &save->error) && !db_bool(result, 0, 0))
		fail_stale(&save->error);
	save->done(save);
}

void donor_request_save_send(struct store *store, struct donor_request_save *save)
{
	struct donor_request *after = &save->after;
	struct db_query *query = &save->query;
	struct arena *arena = save->arena;
	bool closed = after->closed_us != INT64_MIN;

	save->store = store;
	after->version = save->before->version + 1;
	query_begin(query, &save_statement, DB_WRITE, save_on_done);
	query_text(query, one_audit(store, &save->actor, arena, save->step, save->before, after));
	query_text(query, after->id);
	query_int(query, arena, save->before->version);
	query_date(query, arena, after->carry_out_by);
	query_date(query, arena, after->extended_from);
	query_time(query, arena, after->answered_us);
	query_time(query, arena, after->closed_us);
	query_text(query, closed ? request_outcome_text(after->outcome) : NULL);
	query_text(query, closed && after->outcome == REQUEST_REFUSED ? request_ground_text(after->ground) : NULL);
	db_send(store->db, query);
}

/* ---- many ---- */

/* As request_state() and request_is_late() say; $1 is today. */
#define STATE(q) \
	"CASE WHEN " q ".closed_at IS NOT NULL THEN 'closed' WHEN " q ".answered_at IS NOT NULL THEN 'answered' ELSE 'open' END"
#define LATE(q) \
	"(" q ".closed_at IS NULL AND (" q ".carry_out_by < $1::date" \
	" OR (" q ".answered_at IS NULL AND " q ".answer_by < $1::date)))"
#define PLACE(q) \
	q ".closed_at IS NOT NULL, NOT " LATE(q) ", CASE WHEN " q ".closed_at IS NULL AND " q ".answered_at IS NULL" \
	" THEN least(" q ".answer_by, " q ".carry_out_by) ELSE " q ".carry_out_by END, " q ".id"

/* $1 today   $2 states or NULL   $3 only late ones   $4 units or NULL   $5 cursor   $6 limit */
static const struct db_statement list_statement = {
	"SELECT " REQUEST_COLUMNS("d.number") " FROM donor_request AS q"
	" LEFT JOIN donor_alias AS a ON a.donor_id = q.donor_id JOIN donor AS d ON d.id = coalesce(a.into_id, q.donor_id)"
	" WHERE ($2::text[] IS NULL OR " STATE("q") " = ANY ($2)) AND ($3::boolean IS NOT TRUE OR " LATE("q") ")"
	"  AND ($4::text[] IS NULL OR d.unit_id = ANY ($4))"
	"  AND ($5::uuid IS NULL OR (" PLACE("q") ") > (SELECT " PLACE("c") " FROM donor_request AS c WHERE c.id = $5))"
	" ORDER BY " PLACE("q") " LIMIT $6::integer"
};

static void list_on_done(struct db_query *query, const struct db_result *result)
{
	struct donor_request_list *list = container_of(query, struct donor_request_list, query);

	if (result_ok(result, &list->error)) {
		int rows = db_rows(result);

		list->more = rows > list->limit;
		list->nrequests = (size_t)(list->more ? list->limit : rows);
		list->requests = arena_alloc(list->arena, (list->nrequests + 1) * sizeof(*list->requests));
		for (size_t i = 0; i < list->nrequests; i++)
			request_read(&list->requests[i], result, (int)i);
	}
	list->done(list);
}

void donor_request_list_send(struct store *store, struct donor_request_list *list)
{
	struct db_query *query = &list->query;
	const char *states[REQUEST_STATE_COUNT];
	size_t nstates = 0;

	for (int i = 0; i < REQUEST_STATE_COUNT; i++)
		if (list->states & 1u << i)
			states[nstates++] = request_state_text((enum request_state)i);
	list->store = store;
	query_begin(query, &list_statement, DB_SLOW, list_on_done);
	query_date(query, list->arena, list->today);
	if (nstates > 0)
		query_texts(query, list->arena, states, nstates);
	else
		query_text(query, NULL);
	query_bool(query, list->late);
	if (list->units)
		query_texts(query, list->arena, list->units, list->nunits);
	else
		query_text(query, NULL);
	query_text(query, list->after[0] ? uuid_or_nil(list->after) : NULL);
	query_text(query, page_limit(list->limit, list->limit_text));
	db_send(store->db, query);
}
