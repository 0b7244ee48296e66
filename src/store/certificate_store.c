#include "store/certificate_store.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json_out.h"
#include "base/text.h"
#include "store/audit.h"
#include "store/certificate_row.h"
#include "store/donor_row.h"
#include "store/failure.h"
#include "store/image.h"
#include "store/replay.h"
#include "store/row.h"

/* ---- who issues ---- */

static const struct db_statement body_statement = {
	"WITH " CLAIM("true") ","
	" made AS (INSERT INTO issuing_body (code, valid_from, name, place, signer)"
	"  SELECT $9, $10::date, $11, $12, $13 FROM go RETURNING code),"
	" audit AS (" AUDIT_INSERT("$8", "EXISTS (SELECT FROM made)") ")"
	" SELECT EXISTS (SELECT FROM go)"
};

static void body_on_replayed(struct db_query *query, const struct db_result *result)
{
	struct issuing_body_enter *enter = container_of(query, struct issuing_body_enter, query);

	(void)!replay_read(result, &enter->idempotency, &enter->error);
	enter->done(enter);
}

static void body_on_done(struct db_query *query, const struct db_result *result)
{
	struct issuing_body_enter *enter = container_of(query, struct issuing_body_enter, query);

	if (claim_read(result, &enter->idempotency, &enter->error) == CLAIM_LOST) {
		replay_send(enter->store, query, &enter->idempotency, &enter->actor, "issuing_body", enter->arena,
			    body_on_replayed);
		return;
	}
	enter->done(enter);
}

static void image_body(struct buf *buf, const struct issuing_body *body)
{
	struct json_out out = { .buf = buf };

	jout_object(&out, NULL);
	jout_text(&out, "code", body->code);
	jout_date(&out, "valid_from", body->valid_from);
	jout_text(&out, "name", body->name);
	jout_text(&out, "place", body->place);
	jout_text(&out, "signer", body->signer);
	jout_end(&out);
}

void issuing_body_enter_send(struct store *store, struct issuing_body_enter *enter)
{
	const struct issuing_body *body = &enter->body;
	struct db_query *query = &enter->query;
	struct arena *arena = enter->arena;
	struct buf image = { 0 };
	struct audit audit;

	enter->store = store;
	query_begin(query, &body_statement, DB_WRITE, body_on_done);
	query_claim(query, store, &enter->idempotency, body->code, arena);
	image_body(&image, body);
	audit_begin(&audit, store, &enter->actor);
	audit_add(&audit, "issuing_body.enter", "issuing_body", body->code, NULL, &image);
	query_text(query, audit_end(&audit, arena));
	buf_release(&image);
	query_text(query, body->code);
	query_date(query, arena, body->valid_from);
	query_text(query, body->name);
	query_text(query, body->place);
	query_text(query, body->signer);
	db_send(store->db, query);
}

static const struct db_statement bodies_statement = {
	"SELECT code, valid_from, name, place, signer FROM issuing_body ORDER BY code, valid_from"
};

static void bodies_on_done(struct db_query *query, const struct db_result *result)
{
	struct issuing_body_list *list = container_of(query, struct issuing_body_list, query);

	list->nitems = 0;
	if (result_ok(result, &list->error)) {
		list->nitems = (size_t)db_rows(result);
		list->items = arena_alloc(list->arena, (list->nitems + 1) * sizeof(*list->items));
		for (int i = 0; i < (int)list->nitems; i++) {
			struct issuing_body *body = &list->items[i];

			row_issuer(result, i, 0, body->code);
			body->valid_from = row_date(result, i, 1);
			body->name = row_text(list->arena, result, i, 2);
			body->place = row_text(list->arena, result, i, 3);
			body->signer = row_text(list->arena, result, i, 4);
		}
	}
	list->done(list);
}

void issuing_body_list_send(struct store *store, struct issuing_body_list *list)
{
	query_begin(&list->query, &bodies_statement, DB_READ, bodies_on_done);
	db_send(store->db, &list->query);
}

/* ---- one, with its ledger ---- */

#define LEDGER_COLUMNS(e) \
	e ".id, " e ".of_id, " e ".kind, " e ".source, " e ".ml, " e ".facility, " e ".used_on, " SQL_MICROS(e ".entered_at") "," \
	" " e ".entered_by_kind, " e ".entered_by, (SELECT t.name FROM access_token AS t WHERE t.id::text = " e ".entered_by)," \
	" redemption_answered(" e ".id)"
enum { E_ID, E_OF, E_KIND, E_SOURCE, E_ML, E_FACILITY, E_ON, E_AT, E_BY_KIND, E_BY, E_BY_NAME, E_ANSWERED };

/* A row for each entry of the ledger; one where there is none. */
#define CERTIFICATE_COLUMNS \
	"c.issuer, c.year, c.ordinal, c.id, c.donation_id, c.volume_ml, c.redeemed_ml, c.void, c.issued_on, c.donated_on," \
	" c.component, c.code, EXISTS (SELECT FROM donation_counting AS n WHERE n.id = c.donation_id)," \
	" (SELECT count(*) FROM certificate_print AS p WHERE p.certificate_id = c.id)," \
	" (SELECT p.paper_serial FROM certificate_print AS p WHERE p.certificate_id = c.id AND p.paper_serial IS NOT NULL" \
	"  ORDER BY p.n DESC LIMIT 1), v.reason, " SQL_MICROS("v.voided_at") ", r.id, r.team_id," \
	" ARRAY(SELECT u.unit_id FROM round_unit AS u WHERE u.round_id = r.id ORDER BY u.position), r.from_day, c.donor_id," \
	" coalesce((SELECT a.into_id FROM donor_alias AS a WHERE a.donor_id = c.donor_id), c.donor_id)" \
	"  = (SELECT coalesce(a.into_id, x.donor_id) FROM donation AS x LEFT JOIN donor_alias AS a ON a.donor_id = x.donor_id" \
	"     WHERE x.id = c.donation_id)," \
	" c.sealed, c.revocation_id, " LEDGER_COLUMNS("e")
#define CERTIFICATE_FROM \
	" FROM certificate AS c LEFT JOIN certificate_void AS v ON v.certificate_id = c.id" \
	" LEFT JOIN round AS r ON r.id = c.round_id LEFT JOIN redemption AS e ON e.certificate_id = c.id"

static const struct db_statement load_statement = {
	"SELECT " CERTIFICATE_COLUMNS CERTIFICATE_FROM
	" WHERE (c.issuer = $1 AND c.year = $2::integer AND c.ordinal = $3::integer) OR c.id = $4::uuid OR c.code = $5"
	" ORDER BY e.entered_at, e.id"
};
enum {
	C_NUMBER, C_ID = 3, C_DONATION, C_VOLUME, C_REDEEMED, C_VOID, C_ISSUED_ON, C_DONATED_ON, C_COMPONENT, C_CODE, C_COUNTS,
	C_PRINTS, C_SERIAL, C_REASON, C_VOIDED_AT, C_ROUND, C_TEAM, C_UNITS, C_ROUND_ON, C_DONOR, C_NAMES_DONOR, C_SEALED, C_REVOCATION, C_LEDGER,
	C_MORE = C_LEDGER + E_ANSWERED + 1
};

static void read_entry(struct redemption *entry, struct arena *arena, const struct db_result *result, int row, int column)
{
	row_uuid(result, row, column + E_ID, entry->id);
	if (!db_is_null(result, row, column + E_OF))
		row_uuid(result, row, column + E_OF, entry->of);
	(void)redemption_kind_parse(db_text(result, row, column + E_KIND), &entry->kind);
	(void)claim_source_parse(db_text(result, row, column + E_SOURCE), &entry->source);
	entry->ml = row_int(result, row, column + E_ML, 0);
	entry->facility = row_text(arena, result, row, column + E_FACILITY);
	entry->used_on = row_date(result, row, column + E_ON);
	entry->entered_us = row_time(result, row, column + E_AT);
	entry->entered_by_kind = row_text(arena, result, row, column + E_BY_KIND);
	entry->entered_by = row_text(arena, result, row, column + E_BY);
	entry->entered_by_name = row_text(arena, result, row, column + E_BY_NAME);
	entry->answered = db_bool(result, row, column + E_ANSWERED);
}

/* The one whose first row is `row`, with `rows` rows. */
static void read_certificate(struct certificate *c, struct arena *arena, const struct db_result *result, int row, int rows)
{
	if (db_is_null(result, row, C_LEDGER))
		rows = 0;

	row_number(result, row, C_NUMBER, &c->number);
	row_uuid(result, row, C_ID, c->id);
	row_uuid(result, row, C_DONATION, c->donation_id);
	c->facts = (struct certificate_facts){
		.volume_ml = row_int(result, row, C_VOLUME, 0), .redeemed_ml = row_int(result, row, C_REDEEMED, 0),
		.voided = db_bool(result, row, C_VOID), .issued_on = row_date(result, row, C_ISSUED_ON),
		.donated_on = row_date(result, row, C_DONATED_ON),
	};
	(void)component_parse(db_text(result, row, C_COMPONENT), &c->component);
	snprintf(c->code, sizeof(c->code), "%s", db_text(result, row, C_CODE));
	(void)!row_bytes_of(db_text(result, row, C_REVOCATION), c->revocation_id, sizeof(c->revocation_id));
	c->counts = db_bool(result, row, C_COUNTS);
	c->prints = row_int(result, row, C_PRINTS, 0);
	c->paper_serial = row_text(arena, result, row, C_SERIAL);
	c->void_reason = row_text(arena, result, row, C_REASON);
	c->voided_us = row_time(result, row, C_VOIDED_AT);
	c->round = row_text(arena, result, row, C_ROUND);
	c->team = row_text(arena, result, row, C_TEAM);
	c->round_units = row_texts(arena, result, row, C_UNITS, &c->nround_units);
	c->round_on = row_date(result, row, C_ROUND_ON);
	row_uuid(result, row, C_DONOR, c->donor_id);
	c->names_donor = db_bool(result, row, C_NAMES_DONOR);
	c->sealed_hex = row_text(arena, result, row, C_SEALED);
	c->nledger = (size_t)rows;
	c->ledger = arena_alloc(arena, (c->nledger + 1) * sizeof(*c->ledger));
	for (int i = 0; i < rows; i++)
		read_entry(&c->ledger[i], arena, result, row + i, C_LEDGER);
}

static void load_on_done(struct db_query *query, const struct db_result *result)
{
	struct certificate_load *load = container_of(query, struct certificate_load, query);

	if (result_ok(result, &load->error)) {
		if (db_rows(result) == 0)
			fail_not_found(&load->error);
		else
			read_certificate(&load->certificate, load->arena, result, 0, db_rows(result));
	}
	load->done(load);
}

void certificate_load_send(struct store *store, struct certificate_load *load)
{
	const struct certificate_number *number = load->number;
	struct db_query *query = &load->query;

	query_begin(query, &load_statement, DB_READ, load_on_done);
	query_text(query, number ? number->issuer : NULL);
	if (number) {
		query_int(query, load->arena, number->year);
		query_int(query, load->arena, number->ordinal);
	} else {
		query_text(query, NULL);
		query_text(query, NULL);
	}
	query_text(query, number ? NULL : uuid_or_nil(load->id));
	query_text(query, number || load->id ? NULL : load->code);
	db_send(store->db, query);
}

/* ---- those of one person ---- */

static const struct db_statement list_statement = {
	"SELECT " CERTIFICATE_COLUMNS ", d.wrap_key_id, d.wrapped_key"
	CERTIFICATE_FROM " JOIN donor AS d ON d.id = c.donor_id WHERE d.id = ANY (person_records($1::uuid)) AND d.erased_at IS NULL"
	" ORDER BY c.donated_on, c.id, e.entered_at, e.id"
};
enum { L_WRAP = C_MORE, L_WRAPPED };

/* False when nothing more can be told now; one whose seal is broken is told without what it bears. */
static bool read_printed(struct certificate_of_person *item, struct certificate_list *list, const struct db_result *result,
			 int row)
{
	struct donor_record record = { 0 };
	struct certificate_print_text print = { 0 };

	memcpy(record.donor.id, item->certificate.donor_id, sizeof(record.donor.id));
	record.wrap_key_id = row_int(result, row, L_WRAP, 0);
	record.wrapped_hex = row_text(list->arena, result, row, L_WRAPPED);
	if (!donor_open_key(&record, list->store, &list->error) ||
	    !certificate_open_print(&print, item->certificate.id, record.donor.id, item->certificate.sealed_hex, list->store,
				    list->arena, &list->error)) {
		item->unread = list->error.code == ERR_INTERNAL;
		if (item->unread)
			error_clear(&list->error);
		return item->unread;
	}
	item->printed = print.content;
	return true;
}

static void list_on_done(struct db_query *query, const struct db_result *result)
{
	struct certificate_list *list = container_of(query, struct certificate_list, query);
	int rows = result_ok(result, &list->error) ? db_rows(result) : 0;

	list->nitems = 0;
	list->items = arena_alloc(list->arena, ((size_t)rows + 1) * sizeof(*list->items));
	for (int row = 0, end; row < rows; row = end) {
		struct certificate_of_person *item = &list->items[list->nitems];

		for (end = row + 1; end < rows && streq(db_text(result, end, C_ID), db_text(result, row, C_ID));)
			end++;
		*item = (struct certificate_of_person){ 0 };
		read_certificate(&item->certificate, list->arena, result, row, end - row);
		if (!read_printed(item, list, result, row))
			break;
		list->nitems++;
	}
	list->done(list);
}

void certificate_list_send(struct store *store, struct certificate_list *list)
{
	list->store = store;
	query_begin(&list->query, &list_statement, DB_READ, list_on_done);
	query_text(&list->query, list->donor_id);
	db_send(store->db, &list->query);
}

/* What was done before and is told again is written once more: its answer waits for the standby, as the first one did. */
static const char *audit_of_replay(const struct store *store, const struct actor *actor, const char *kind, const char *id,
				   struct arena *arena)
{
	struct audit audit;

	audit_begin(&audit, store, actor);
	audit_add(&audit, arena_printf(arena, "%s.replay", kind), kind, id, NULL, NULL);
	return audit_end(&audit, arena);
}

/* ---- void ---- */

static const struct db_statement void_statement = {
	"WITH made AS (INSERT INTO certificate_void (certificate_id, reason) VALUES ($2::uuid, $3)"
	"  ON CONFLICT (certificate_id) DO NOTHING RETURNING certificate_id),"
	" audit AS (" AUDIT_INSERT("$1", "EXISTS (SELECT FROM made)") "),"
	" again AS (" AUDIT_INSERT("$4", "NOT EXISTS (SELECT FROM made)") ")"
	" SELECT"
};

static void void_on_done(struct db_query *query, const struct db_result *result)
{
	struct certificate_void *v = container_of(query, struct certificate_void, query);

	(void)!result_ok(result, &v->error);
	v->done(v);
}

void certificate_void_send(struct store *store, struct certificate_void *v)
{
	const struct certificate *c = v->of;
	struct certificate_image image = {
		.id = c->id, .donation_id = c->donation_id, .donor_id = c->donor_id, .code = c->code, .sealed = c->sealed_hex,
		.volume_ml = c->facts.volume_ml, .component = c->component, .donated_on = c->facts.donated_on,
		.issued_on = c->facts.issued_on,
	};
	struct db_query *query = &v->query;
	struct buf was = { 0 }, is = { 0 };
	struct audit audit;

	query_begin(query, &void_statement, DB_WRITE, void_on_done);
	image_certificate(&was, &image);
	image.void_reason = v->reason;
	image_certificate(&is, &image);
	audit_begin(&audit, store, &v->actor);
	audit_add(&audit, "certificate.void", "certificate", certificate_subject(&c->number, v->arena), &was, &is);
	query_text(query, audit_end(&audit, v->arena));
	buf_release(&was);
	buf_release(&is);
	query_text(query, v->of->id);
	query_text(query, v->reason);
	query_text(query, audit_of_replay(store, &v->actor, "certificate", certificate_subject(&v->of->number, v->arena), v->arena));
	db_send(store->db, query);
}

/* ---- the ledger ---- */

/*
 * $8 the entry as it is asked for, and as it is where nothing was left; $9 id, $10 certificate, $11 kind, $12 ml, $13 source, $14 facility, $15 day, $16 of, $17 and $18 who; $19 whether facility and
 * $20 whether the day was said: what was not, was filled in by the day and the name of then. $21 audit of what was there already.
 */
static const struct db_statement enter_statement = {
	"WITH " CLAIM("NOT EXISTS (SELECT FROM redemption WHERE id = $9::uuid)") ","
	" made AS (INSERT INTO redemption (id, certificate_id, kind, ml, source, facility, used_on, of_id, entered_by_kind, entered_by)"
	"  SELECT $9::uuid, $10::uuid, $11, $12::integer, $13, $14, $15::date, $16::uuid, $17, $18 FROM go RETURNING id, kind),"
	" audit AS (INSERT INTO audit_entry (" AUDIT_COLUMNS ") SELECT " AUDIT_ROW("e", "made.id::text")
	"  FROM made JOIN jsonb_array_elements($8::jsonb) WITH ORDINALITY AS e (row, n)"
	"   ON e.n = CASE WHEN made.kind = 'claim' THEN 2 ELSE 1 END),"
	" there AS (SELECT (o.certificate_id, o.ml, o.source) = ($10::uuid, $12::integer, $13)"
	"   AND (o.facility = $14 OR NOT $19::boolean) AND (o.used_on = $15::date OR NOT $20::boolean) AS same"
	"  FROM redemption AS o WHERE o.id = $9::uuid),"
	" again AS (" AUDIT_INSERT("$21", "(SELECT same FROM there)") ")"
	" SELECT EXISTS (SELECT FROM go), (SELECT kind FROM made), EXISTS (SELECT FROM there), (SELECT same FROM there)"
};

static void enter_on_replayed(struct db_query *query, const struct db_result *result)
{
	struct redemption_enter *enter = container_of(query, struct redemption_enter, query);

	if (replay_read(result, &enter->idempotency, &enter->error)) {
		enter->repeated = true;
		snprintf(enter->redemption.id, sizeof(enter->redemption.id), "%.36s", enter->idempotency.resource_id);
	}
	enter->done(enter);
}

/* The row of that id was there: the same claim sent again, or another one. */
static void enter_repeated(struct redemption_enter *enter, bool same)
{
	enter->repeated = same;
	if (!same)
		error_set(&enter->error, ERR_IDEMPOTENCY_MISMATCH,
			  "Another claim has this id. A claim is sent again unchanged; a new one has an id of its own.",
			  "Mã này đã dùng cho lần ghi nhận khác. Gửi lại phải giữ nguyên nội dung; lần mới cần mã riêng.");
}

static void enter_on_done(struct db_query *query, const struct db_result *result)
{
	struct redemption_enter *enter = container_of(query, struct redemption_enter, query);
	enum claim claim;

	/* The same claim in the same moment: now its row is there. */
	if (result_violates(result, "redemption_pk")) {
		db_send(enter->store->db, query);
		return;
	}
	claim = claim_read(result, &enter->idempotency, &enter->error);
	if (claim == CLAIM_WON) {
		(void)redemption_kind_parse(db_text(result, 0, 1), &enter->redemption.kind);
	} else if (claim == CLAIM_LOST && db_rows(result) > 0 && db_bool(result, 0, 2)) {
		enter_repeated(enter, db_bool(result, 0, 3));
	} else if (claim == CLAIM_LOST) {
		replay_send(enter->store, query, &enter->idempotency, &enter->actor, "redemption", enter->arena,
			    enter_on_replayed);
		return;
	}
	enter->done(enter);
}

static const char *action_of(const struct redemption *entry)
{
	if (entry->kind == REDEMPTION_REVERSAL)
		return "redemption.reverse";
	return *entry->of ? "redemption.settle" : "redemption.enter";
}

static void audit_entry(struct audit *audit, const struct redemption_enter *enter, enum redemption_kind kind)
{
	struct redemption entry = enter->redemption;
	struct buf image = { 0 };

	entry.kind = kind;
	image_redemption(&image, &entry, enter->of->id);
	audit_add(audit, action_of(&entry), "redemption", entry.id, NULL, &image);
	buf_release(&image);
}

void redemption_enter_send(struct store *store, struct redemption_enter *enter)
{
	struct redemption *entry = &enter->redemption;
	struct db_query *query = &enter->query;
	struct arena *arena = enter->arena;
	struct audit audit;

	enter->store = store;
	enter->repeated = false;
	error_clear(&enter->error);
	entry->entered_us = clock_wall_us(store->clock);
	if (!*entry->id)
		uuid7_make(entry->id, entry->entered_us);
	query_begin(query, &enter_statement, DB_WRITE, enter_on_done);
	query_claim(query, store, &enter->idempotency, entry->id, arena);
	audit_begin(&audit, store, &enter->actor);
	audit_entry(&audit, enter, entry->kind);
	audit_entry(&audit, enter, REDEMPTION_CLAIM);
	query_text(query, audit_end(&audit, arena));
	query_text(query, entry->id);
	query_text(query, enter->of->id);
	query_text(query, redemption_kind_text(entry->kind));
	query_int(query, arena, entry->ml);
	query_text(query, claim_source_text(entry->source));
	query_text(query, entry->facility);
	query_date(query, arena, entry->used_on);
	query_text(query, *entry->of ? entry->of : NULL);
	query_text(query, enter->actor.kind);
	query_text(query, actor_id(&enter->actor));
	query_bool(query, !enter->facility_unsaid);
	query_bool(query, !enter->day_unsaid);
	query_text(query, audit_of_replay(store, &enter->actor, "redemption", entry->id, arena));
	db_send(store->db, query);
}

static const struct db_statement claims_statement = {
	"SELECT c.issuer, c.year, c.ordinal, " LEDGER_COLUMNS("e") " FROM redemption AS e JOIN certificate AS c ON c.id = e.certificate_id"
	" WHERE e.kind = 'claim' AND NOT redemption_answered(e.id)"
	"  AND ($1::uuid IS NULL OR (e.entered_at, e.id) > (SELECT a.entered_at, a.id FROM redemption AS a WHERE a.id = $1::uuid))"
	" ORDER BY e.entered_at, e.id LIMIT $2::integer"
};

static void claims_on_done(struct db_query *query, const struct db_result *result)
{
	struct claim_list *list = container_of(query, struct claim_list, query);

	if (result_ok(result, &list->error)) {
		int rows = db_rows(result);

		list->more = rows > list->limit;
		list->nitems = (size_t)(list->more ? list->limit : rows);
		list->items = arena_alloc(list->arena, (list->nitems + 1) * sizeof(*list->items));
		for (int i = 0; i < (int)list->nitems; i++) {
			row_number(result, i, 0, &list->items[i].number);
			read_entry(&list->items[i].redemption, list->arena, result, i, 3);
		}
	}
	list->done(list);
}

void claim_list_send(struct store *store, struct claim_list *list)
{
	query_begin(&list->query, &claims_statement, DB_READ, claims_on_done);
	query_text(&list->query, *list->after ? uuid_or_nil(list->after) : NULL);
	query_text(&list->query, page_limit(list->limit, list->limit_text));
	db_send(store->db, &list->query);
}
