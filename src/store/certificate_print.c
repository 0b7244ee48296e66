#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "store/audit.h"
#include "store/certificate_row.h"
#include "store/certificate_store.h"
#include "store/donor_row.h"
#include "store/failure.h"
#include "store/replay.h"
#include "store/row.h"

/* Certificates opened for paper, and held against a card. Whoever is told something of the person is in the audit. */

/* Of a row `c`, its donor `d`, its print `p`. A compromised key signs nothing any more: the one in use does. */
#define PAGE_COLUMNS \
	"c.issuer, c.year, c.ordinal, c.id, c.volume_ml, c.component, c.donated_on, c.issued_on, c.code, c.sealed, c.void, d.id," \
	" d.erased_at IS NOT NULL, d.wrap_key_id, d.wrapped_key, p.n, k.generation, k.sign_key_id"
#define PAGE_KEY \
	" LEFT JOIN LATERAL (SELECT k.* FROM certificate_key AS k WHERE k.issuer = c.issuer AND k.year = c.year" \
	"  AND k.compromised_at IS NULL AND k.generation >= c.generation ORDER BY k.generation LIMIT 1) AS k ON true"
enum {
	P_NUMBER = 1, P_ID = 4, P_VOLUME, P_COMPONENT, P_DONATED, P_ISSUED, P_CODE, P_SEALED, P_VOID, P_DONOR, P_ERASED, P_WRAP,
	P_WRAPPED, P_N, P_GENERATION, P_SIGN
};

static bool fail_void(struct error *err)
{
	return error_set(err, ERR_CERTIFICATE_VOID, "This certificate is void: it is not printed.",
			 "Giấy chứng nhận này đã bị hủy: không in nữa.");
}

/* Opens what is sealed of row `row`. */
static bool read_print(struct certificate_print_text *print, const struct store *store, struct arena *arena,
		       const struct db_result *result, int row, struct error *err)
{
	struct donor_record record = { 0 };
	char id[UUID_TEXT_SIZE];

	if (db_bool(result, row, P_ERASED))
		return fail_erased(err);
	row_uuid(result, row, P_ID, id);
	row_uuid(result, row, P_DONOR, record.donor.id);
	record.wrap_key_id = row_int(result, row, P_WRAP, 0);
	record.wrapped_hex = row_text(arena, result, row, P_WRAPPED);
	memset(print, 0, sizeof(*print));
	return donor_open_key(&record, store, err) &&
	       certificate_open_print(print, id, record.donor.id, db_text(result, row, P_SEALED), store, arena, err);
}

static bool read_page(struct certificate_page *page, const struct store *store, struct arena *arena,
		      const struct db_result *result, int row, struct error *err)
{
	struct certificate_content *content = &page->content;
	struct certificate_envelope *envelope = &page->envelope;
	struct certificate_print_text print;
	const char *holder;

	row_uuid(result, row, P_ID, page->id);
	if (!read_print(&print, store, arena, result, row, err))
		return false;
	*content = print.content;
	row_number(result, row, P_NUMBER, &content->number);
	content->code = row_text(arena, result, row, P_CODE);
	content->volume_ml = row_int(result, row, P_VOLUME, 0);
	(void)component_parse(db_text(result, row, P_COMPONENT), &content->component);
	content->donated_on = row_date(result, row, P_DONATED);
	content->issued_on = row_date(result, row, P_ISSUED);
	page->print = row_int(result, row, P_N, 0);
	page->key = (struct certificate_key){ .year = content->number.year,
					      .generation = row_int(result, row, P_GENERATION, 0),
					      .sign_key_id = row_int(result, row, P_SIGN, 0) };
	memcpy(page->key.issuer, content->number.issuer, ISSUER_CODE_SIZE);
	if (page->key.generation == 0 || !certificate_key_derive(store->keyring, &page->key))
		return certificate_fail_key(err);
	*envelope = (struct certificate_envelope){ .number = content->number, .volume_ml = content->volume_ml,
						   .donated_on = content->donated_on };
	memcpy(envelope->salt, print.salt, sizeof(envelope->salt));
	holder = certificate_holder_text(content->name, content->birth_date, content->birth_year, arena);
	if (!holder)
		return donor_fail_sealed(err);
	certificate_holder_digest(envelope->salt, holder, envelope->holder);
	return true;
}

/* ---- one, printed: $9 certificate, $10 print, $11 form, $12 serial ---- */

static const struct db_statement print_one = {
	"WITH " CLAIM("EXISTS (SELECT FROM certificate AS c JOIN donor AS d ON d.id = c.donor_id"
		      " WHERE c.id = $9::uuid AND NOT c.void AND d.erased_at IS NULL)") ","
	" made AS (INSERT INTO certificate_print (id, certificate_id, n, form, paper_serial)"
	"  SELECT $10::uuid, $9::uuid, 0, $11, $12 FROM go RETURNING n),"
	" audit AS (" AUDIT_INSERT("$8", "EXISTS (SELECT FROM made)") ")"
	" SELECT EXISTS (SELECT FROM go), " PAGE_COLUMNS " FROM certificate AS c JOIN donor AS d ON d.id = c.donor_id"
	" LEFT JOIN made AS p ON true" PAGE_KEY " WHERE c.id = $9::uuid"
};
/* What an earlier call with the same key printed. */
static const struct db_statement print_again = {
	"SELECT true, " PAGE_COLUMNS " FROM certificate_print AS p JOIN certificate AS c ON c.id = p.certificate_id"
	" JOIN donor AS d ON d.id = c.donor_id" PAGE_KEY " WHERE p.id = $1::uuid"
};
/* $1 audit, $2 certificate. */
static const struct db_statement show_one = {
	"WITH audit AS (" AUDIT_INSERT("$1", "true") ")"
	" SELECT true, " PAGE_COLUMNS " FROM certificate AS c JOIN donor AS d ON d.id = c.donor_id"
	" LEFT JOIN (SELECT 0 AS n) AS p ON true" PAGE_KEY " WHERE c.id = $2::uuid"
};
/* $1 round, $2 only new: what is to be printed. Nothing is told yet, so nothing is written. */
static const struct db_statement look_round = {
	"SELECT true, " PAGE_COLUMNS " FROM certificate AS c JOIN donor AS d ON d.id = c.donor_id LEFT JOIN (SELECT 0 AS n) AS p ON true" PAGE_KEY
	" WHERE c.round_id = $1::uuid AND NOT c.void AND d.erased_at IS NULL"
	"  AND NOT ($2::boolean AND EXISTS (SELECT FROM certificate_print AS o WHERE o.certificate_id = c.id))"
	" ORDER BY c.issuer, c.year, c.ordinal"
};
/*
 * $8 audit, $9 round, $10 form, $11 only new, $12 run; $13 letters before the serial, $14 the first one, $15 its digits; $16 those that
 * were looked at and open. Where there is nothing to print, no key is taken: it may be asked again when there is.
 */
static const struct db_statement print_round = {
	"WITH want AS MATERIALIZED (SELECT c.*, row_number() OVER (ORDER BY c.issuer, c.year, c.ordinal) - 1 AS place"
	"   FROM certificate AS c JOIN donor AS d ON d.id = c.donor_id"
	"   WHERE c.round_id = $9::uuid AND NOT c.void AND d.erased_at IS NULL AND c.id = ANY ($16::uuid[])"
	"   AND NOT ($11::boolean AND EXISTS (SELECT FROM certificate_print AS o WHERE o.certificate_id = c.id))),"
	" " CLAIM("EXISTS (SELECT FROM want)") ","
	" made AS (INSERT INTO certificate_print (id, certificate_id, n, form, run_id, paper_serial)"
	"  SELECT uuid7_make(), w.id, 0, $10, $12::uuid, $13::text || lpad(($14::bigint + w.place)::text,"
	"   greatest($15::integer, length(($14::bigint + w.place)::text)), '0') FROM want AS w, go ORDER BY w.id"
	"  RETURNING certificate_id, n),"
	" audit AS (" AUDIT_INSERT_EACH("$8", CERTIFICATE_SUBJECT("want"), "want, go") ")"
	" SELECT EXISTS (SELECT FROM go), " PAGE_COLUMNS " FROM (SELECT) AS single LEFT JOIN (made AS p"
	"  JOIN want AS c ON c.id = p.certificate_id JOIN donor AS d ON d.id = c.donor_id" PAGE_KEY ") ON true"
	" ORDER BY c.issuer, c.year, c.ordinal"
};
/* What an earlier call with the same key printed, but for what cannot be printed any more. */
static const struct db_statement print_run_again = {
	"SELECT true, " PAGE_COLUMNS " FROM certificate_print AS p JOIN certificate AS c ON c.id = p.certificate_id"
	" JOIN donor AS d ON d.id = c.donor_id" PAGE_KEY " WHERE p.run_id = $1::uuid AND NOT c.void AND d.erased_at IS NULL"
	" ORDER BY c.issuer, c.year, c.ordinal"
};

static void read_pages(struct certificate_open_pages *open, const struct db_result *result)
{
	int rows = db_rows(result);

	open->pages = arena_alloc(open->arena, ((size_t)rows + 1) * sizeof(*open->pages));
	open->npages = 0;
	if (rows == 0)
		fail_not_found(&open->error);
	else if (db_bool(result, 0, P_VOID))
		fail_void(&open->error);
	else if (read_page(&open->pages[0], open->store, open->arena, result, 0, &open->error))
		open->npages = 1;
}

static void leave_out(struct certificate_open_pages *open, const struct db_result *result, int row)
{
	char number[CERTIFICATE_NUMBER_SIZE];
	struct certificate_number left;

	row_number(result, row, P_NUMBER, &left);
	certificate_number_format(&left, number);
	if (!open->left_out || !strstr(open->left_out, number))
		open->left_out = open->left_out ? arena_printf(open->arena, "%s, %s", open->left_out, number)
						: arena_strdup(open->arena, number);
}

/* Of a round: one that does not open here does not stop the others. */
static void read_round(struct certificate_open_pages *open, const struct db_result *result)
{
	int rows = !result || db_rows(result) == 0 || db_is_null(result, 0, P_ID) ? 0 : db_rows(result);
	struct error err;

	open->pages = arena_alloc(open->arena, ((size_t)rows + 1) * sizeof(*open->pages));
	open->npages = 0;
	for (int i = 0; i < rows; i++) {
		error_clear(&err);
		if (read_page(&open->pages[open->npages], open->store, open->arena, result, i, &err))
			open->npages++;
		else
			leave_out(open, result, i);
	}
	if (open->npages > 0)
		return;
	if (!open->left_out)
		fail_not_found(&open->error);
	else
		error_set(&open->error, ERR_UNAVAILABLE,
			  "None of the certificates that are to be printed opens here. Tell the administrator: giothong doctor names"
			  " what is missing.",
			  "Không mở được giấy nào trong số cần in. Hãy báo người quản trị: giothong doctor sẽ nêu phần thiếu.");
}

static void read_on_done(struct db_query *query, const struct db_result *result)
{
	struct certificate_open_pages *open = container_of(query, struct certificate_open_pages, query);

	if (result_ok(result, &open->error))
		(open->round_id ? read_round : read_pages)(open, result);
	open->done(open);
}

static void print_on_replayed(struct db_query *query, const struct db_result *result)
{
	struct certificate_open_pages *open = container_of(query, struct certificate_open_pages, query);

	if (!replay_read(result, &open->idempotency, &open->error)) {
		if (open->round_id && open->error.code == ERR_STALE) {   /* a new key, and nothing to print */
			error_clear(&open->error);
			read_round(open, NULL);
		}
		open->done(open);
		return;
	}
	query_begin(query, open->round_id ? &print_run_again : &print_again, DB_READ, read_on_done);
	query_text(query, open->idempotency.resource_id);
	db_send(open->store->db, query);
}

static bool is_closed(const struct db_result *result)
{
	return db_rows(result) > 0 && (db_bool(result, 0, P_VOID) || db_bool(result, 0, P_ERASED));
}

static void look_send(struct certificate_open_pages *open);

static void print_on_done(struct db_query *query, const struct db_result *result)
{
	struct certificate_open_pages *open = container_of(query, struct certificate_open_pages, query);
	enum claim claim;

	/* One of them was made void in this moment. */
	if (open->round_id && result_violates(result, "certificate_print_void_ck")) {
		look_send(open);
		return;
	}
	claim = claim_read(result, &open->idempotency, &open->error);
	/* Of one that is void or erased the row says so: no key was taken, and what one has made is not told again. */
	if (claim == CLAIM_LOST && (open->round_id || !is_closed(result))) {
		replay_send(open->store, query, &open->idempotency, &open->actor, open->round_id ? "certificate_run" : "certificate",
			    open->arena, print_on_replayed);
		return;
	}
	if (claim != CLAIM_FAILED)
		(open->round_id ? read_round : read_pages)(open, result);        /* or tells why not */
	open->done(open);
}

static void send_one(struct store *store, struct certificate_open_pages *open, struct audit *audit)
{
	struct db_query *query = &open->query;

	if (!open->print) {
		query_begin(query, &show_one, DB_WRITE, read_on_done);
		query_text(query, audit_end(audit, open->arena));
		query_text(query, open->id);
		db_send(store->db, query);
		return;
	}
	uuid7_make(open->print_id, clock_wall_us(store->clock));
	query_begin(query, &print_one, DB_WRITE, print_on_done);
	query_claim(query, store, &open->idempotency, open->print_id, open->arena);
	query_text(query, audit_end(audit, open->arena));
	query_text(query, open->id);
	query_text(query, open->print_id);
	query_text(query, open->form);
	query_text(query, open->paper_serial);
	db_send(store->db, query);
}

/* "AB 0012345": letters as they are, digits that count on. */
static void query_serials(struct db_query *query, const char *first, struct arena *arena)
{
	size_t len = first ? strlen(first) : 0, digits = first ? paper_serial_digits(first) : 0;

	query_text(query, first ? arena_strndup(arena, first, len - digits) : NULL);
	query_text(query, first ? first + len - digits : NULL);
	query_int(query, arena, (int64_t)digits);
}

static void send_round(struct certificate_open_pages *open)
{
	const char **ids = arena_alloc(open->arena, (open->npages + 1) * sizeof(*ids));
	struct store *store = open->store;
	struct db_query *query = &open->query;
	struct audit audit;

	for (size_t i = 0; i < open->npages; i++)
		ids[i] = open->pages[i].id;
	error_clear(&open->error);
	audit_begin(&audit, store, &open->actor);
	audit_add_reading(&audit, "certificate.print", "certificate", "", NULL);
	uuid7_make(open->print_id, clock_wall_us(store->clock));
	query_begin(query, &print_round, DB_WRITE, print_on_done);
	query_claim(query, store, &open->idempotency, open->print_id, open->arena);
	query_text(query, audit_end(&audit, open->arena));
	query_text(query, open->round_id);
	query_text(query, open->form);
	query_bool(query, open->only_new);
	query_text(query, open->print_id);
	query_serials(query, open->paper_serial, open->arena);
	query_texts(query, open->arena, ids, open->npages);
	db_send(store->db, query);
}

/* Nothing to print, too: an earlier call with this key may have printed it. */
static void look_on_done(struct db_query *query, const struct db_result *result)
{
	struct certificate_open_pages *open = container_of(query, struct certificate_open_pages, query);

	if (!result_ok(result, &open->error)) {
		open->done(open);
		return;
	}
	read_round(open, result);
	send_round(open);
}

static void look_send(struct certificate_open_pages *open)
{
	open->left_out = NULL;
	query_begin(&open->query, &look_round, DB_READ, look_on_done);
	query_text(&open->query, open->round_id);
	query_bool(&open->query, open->only_new);
	db_send(open->store->db, &open->query);
}

void certificate_open_pages_send(struct store *store, struct certificate_open_pages *open)
{
	const char *action = open->print ? "certificate.print" : "certificate.show";
	struct audit audit;

	open->store = store;
	error_clear(&open->error);
	if (open->round_id) {
		look_send(open);
		return;
	}
	audit_begin(&audit, store, &open->actor);
	audit_add_reading(&audit, action, "certificate", open->subject ? open->subject : "", NULL);
	send_one(store, open, &audit);
}

/* ---- held against a card ---- */

static void match_on_done(struct db_query *query, const struct db_result *result)
{
	struct certificate_match *match = container_of(query, struct certificate_match, query);
	const struct date none = { 0 };
	struct certificate_print_text print;

	match->matches = false;
	if (result_ok(result, &match->error) && db_rows(result) == 0) {
		fail_not_found(&match->error);
	} else if (match->error.code == ERR_NONE &&
		   read_print(&print, match->store, match->arena, result, 0, &match->error)) {
		bool year_alone = date_is_none(print.content.birth_date);
		const char *holder = certificate_holder_text(print.content.name, print.content.birth_date,
							     print.content.birth_year, match->arena);
		const char *card = certificate_holder_text(match->name, year_alone ? none : match->birth_date,
							   match->birth_date.year, match->arena);

		match->matches = holder && streq(holder, card);
	}
	match->done(match);
}

void certificate_match_send(struct store *store, struct certificate_match *match)
{
	struct db_query *query = &match->query;
	struct audit audit;

	match->store = store;
	query_begin(query, &show_one, DB_WRITE, match_on_done);
	audit_begin(&audit, store, &match->actor);
	audit_add_reading(&audit, "certificate.match", "certificate", certificate_subject(&match->of->number, match->arena), NULL);
	query_text(query, audit_end(&audit, match->arena));
	query_text(query, match->of->id);
	db_send(store->db, query);
}
