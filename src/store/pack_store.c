#include "store/pack_store.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/text.h"
#include "crypto/donor_seal.h"
#include "store/audit.h"
#include "store/donor_row.h"
#include "store/failure.h"
#include "store/row.h"

/* ---- what the phone has, who is expected, what was merged ---- */

/* The epoch is read before anybody's record is: $1 token   $2 round   $3 holder   $4 now */
static const struct db_statement find_statement = {
	"SELECT e.n, p.id IS NOT NULL, p.origin, p.key_id, p.rule_set, encode(p.state, 'hex'), p.held"
	" FROM pack_epoch AS e LEFT JOIN pack AS p ON p.id = $1::uuid AND p.round_id = $2::uuid AND p.holder = $3"
	"  AND p.expires_at > $4::timestamptz"
};

/* Those who came already, too: the next desk asks for them. */
#define PLACED "a.round_id = $1::uuid AND a.state IN ('booked', 'checked_in')"
static const struct db_statement people_statement = {
	"SELECT a.code, a.state = 'checked_in', s.start_minute, s.end_minute, g.title, d.birth_year, d.erased_at IS NULL, d.id, "
	DONOR_SEALED_COLUMNS
	" FROM appointment AS a LEFT JOIN slot AS s ON s.id = a.slot_id LEFT JOIN seat_group AS g ON g.id = a.group_id"
	" LEFT JOIN donor_alias AS l ON l.donor_id = a.donor_id LEFT JOIN donor AS d ON d.id = coalesce(l.into_id, a.donor_id)"
	" WHERE " PLACED " ORDER BY a.code"
};
enum { OF_CODE, OF_CHECKED_IN, OF_START, OF_END, OF_GROUP, OF_BIRTH_YEAR, OF_PRESENT, OF_DONOR };

/* Of records that a phone of this round may know: who is expected, and whom its items were about. */
static const struct db_statement merges_statement = {
	"SELECT m.donor_id, m.into_id FROM donor_alias AS m WHERE m.into_id IN (SELECT coalesce(l.into_id, a.donor_id)"
	"  FROM appointment AS a LEFT JOIN donor_alias AS l ON l.donor_id = a.donor_id WHERE " PLACED " AND a.donor_id IS NOT NULL)"
	" UNION SELECT m.donor_id, m.into_id FROM item AS i JOIN donor_alias AS m ON m.donor_id = i.donor_id"
	"  WHERE i.round_id = $1::uuid"
};

static void load_end(struct pack_load *load)
{
	if (--load->waiting == 0)
		load->done(load);
}

static void read_people(struct pack_load *load, const struct db_result *result)
{
	int rows = db_rows(result);

	load->expected = arena_alloc(load->arena, ((size_t)rows + 1) * sizeof(*load->expected));
	load->sealed = arena_alloc(load->arena, ((size_t)rows + 1) * sizeof(*load->sealed));
	for (int i = 0; i < rows; i++) {
		struct pack_expected *expected = &load->expected[load->nexpected];
		struct donor_sealed *sealed = &load->sealed[load->nexpected++];

		snprintf(expected->code, sizeof(expected->code), "%s", db_text(result, i, OF_CODE));
		expected->checked_in = db_bool(result, i, OF_CHECKED_IN);
		expected->start_minute = row_int(result, i, OF_START, -1);
		expected->end_minute = row_int(result, i, OF_END, -1);
		expected->group = row_text(load->arena, result, i, OF_GROUP);
		if (db_is_null(result, i, OF_DONOR))
			continue;
		row_uuid(result, i, OF_DONOR, expected->donor_id);
		expected->birth_year = row_int(result, i, OF_BIRTH_YEAR, 0);
		if (db_bool(result, i, OF_PRESENT))
			donor_sealed_copy(sealed, false, load->arena, result, i, OF_DONOR);
	}
}

static void people_on_done(struct db_query *query, const struct db_result *result)
{
	struct pack_load *load = container_of(query, struct pack_load, people);
	struct error err;

	if (result_ok(result, &err))
		read_people(load, result);
	else
		load->error = err;
	load_end(load);
}

static void merges_on_done(struct db_query *query, const struct db_result *result)
{
	struct pack_load *load = container_of(query, struct pack_load, joined);
	struct error err;

	if (result_ok(result, &err)) {
		load->nmerges = (size_t)db_rows(result);
		load->merges = arena_alloc(load->arena, (load->nmerges + 1) * sizeof(*load->merges));
		for (size_t i = 0; i < load->nmerges; i++) {
			row_uuid(result, (int)i, 0, load->merges[i].donor_id);
			row_uuid(result, (int)i, 1, load->merges[i].into_id);
		}
	} else {
		load->error = err;
	}
	load_end(load);
}

static void read_found(struct pack_load *load, const struct db_result *result)
{
	const char *held = db_text(result, 0, 6);
	size_t size = held ? strlen(held) / 2 : 0, len;
	unsigned char *bytes = arena_alloc(load->arena, size + 1);

	load->epoch = db_int(result, 0, 0, 0);
	load->known = db_bool(result, 0, 1);
	if (!load->known)
		return;
	row_uuid(result, 0, 2, load->origin);
	load->key_id = row_int(result, 0, 3, 0);
	load->rule_set = row_text(load->arena, result, 0, 4);
	snprintf(load->state, sizeof(load->state), "%s", db_text(result, 0, 5));
	len = row_bytes_of(held, bytes, size);
	load->known = pack_held_read(bytes, len, load->arena, &load->before);
}

static void find_on_done(struct db_query *query, const struct db_result *result)
{
	struct pack_load *load = container_of(query, struct pack_load, find);

	if (!result_ok(result, &load->error)) {
		load->done(load);
		return;
	}
	read_found(load, result);
	load->waiting = 2;
	query_begin(&load->people, &people_statement, DB_READ, people_on_done);
	query_text(&load->people, load->round_id);
	query_begin(&load->joined, &merges_statement, DB_READ, merges_on_done);
	query_text(&load->joined, load->round_id);
	db_send(load->store->db, &load->people);
	db_send(load->store->db, &load->joined);
}

void pack_load_send(struct store *store, struct pack_load *load)
{
	load->store = store;
	load->known = false;
	load->before = (struct pack_contents){ 0 };
	load->nexpected = load->nmerges = 0;
	query_begin(&load->find, &find_statement, DB_READ, find_on_done);
	query_text(&load->find, uuid_or_nil(load->token));
	query_text(&load->find, load->round_id);
	query_text(&load->find, load->holder);
	query_time(&load->find, load->arena, load->now_us);
	db_send(store->db, &load->find);
}

/* ---- who may not give ---- */

/*
 * By the day that is kept for whole blood, which rounds collect and which waits longest; and whoever has a wait that no
 * day ends, though that day was not counted yet. Of one person all records: the old card has the number of the one that
 * was merged. $1 day   $2 after   $3 people
 */
static const struct db_statement page_statement = {
	"WITH who AS MATERIALIZED (SELECT w.id FROM ("
	"  SELECT d.id FROM donor AS d WHERE d.next_whole_blood > $1::date AND d.id > $2::uuid AND d.erased_at IS NULL"
	"   AND NOT EXISTS (SELECT FROM donor_alias AS a WHERE a.donor_id = d.id)"
	"  UNION SELECT d.id FROM deferral_counting AS f LEFT JOIN donor_alias AS a ON a.donor_id = f.donor_id"
	"   JOIN donor AS d ON d.id = coalesce(a.into_id, f.donor_id) AND d.erased_at IS NULL"
	"   WHERE f.ends IN ('open', 'permanent') AND NOT EXISTS (SELECT FROM deferral AS l WHERE l.lifts = f.id)"
	"    AND d.id > $2::uuid) AS w ORDER BY w.id LIMIT $3::integer),"
	" own AS (SELECT id, id AS person FROM who"
	"  UNION ALL SELECT m.donor_id, m.into_id FROM donor_alias AS m JOIN who ON who.id = m.into_id)"
	" SELECT own.person, d.id, " DONOR_SEALED_COLUMNS ", " DONOR_IDENTIFIER_COLUMNS
	" FROM own JOIN donor AS d ON d.id = own.id WHERE d.erased_at IS NULL ORDER BY own.person, d.id"
};

static void page_on_done(struct db_query *query, const struct db_result *result)
{
	struct pack_page *page = container_of(query, struct pack_page, query);
	int people = 0;

	if (result_ok(result, &page->error)) {
		page->nrecords = (size_t)db_rows(result);
		page->records = arena_alloc(page->arena, (page->nrecords + 1) * sizeof(*page->records));
		for (size_t i = 0; i < page->nrecords; i++) {
			donor_sealed_copy(&page->records[i], true, page->arena, result, (int)i, 1);
			page->nidentifiers += page->records[i].nidentifiers;
			people += !streq(db_text(result, (int)i, 0), page->after);
			row_uuid(result, (int)i, 0, page->after);
		}
		page->more = people == PACK_PAGE;
	}
	page->done(page);
}

void pack_page_send(struct store *store, struct pack_page *page)
{
	struct db_query *query = &page->query;

	page->nrecords = page->nidentifiers = 0;
	page->more = false;
	query_begin(query, &page_statement, DB_SLOW, page_on_done);
	query_date(query, page->arena, page->on);
	query_text(query, arena_strdup(page->arena, uuid_or_nil(page->after)));
	query_int(query, page->arena, PACK_PAGE);
	db_send(store->db, query);
}

/* ---- in the pool ---- */

static void hash_record(const struct donor *donor, const unsigned char key[PACK_KEY_BYTES], struct arena *arena,
			struct pack_hashes *hashes)
{
	const char *text;
	size_t len;

	for (size_t i = 0; i < donor->nidentifiers; i++) {
		text = pack_number_text(&donor->identifiers[i].identifier, arena, &len);
		hashes->numbers[hashes->nnumbers++] = pack_hash(key, text, len);
	}
	text = pack_name_text(donor->name, donor->birth_date, arena, &len);
	if (text)
		hashes->names[hashes->nnames++] = pack_hash(key, text, len);
}

bool pack_page_hash(const struct pack_page *page, const struct keyring *keyring, const unsigned char key[PACK_KEY_BYTES],
		    struct pack_hashes *hashes, struct error *err)
{
	const struct store opener = { .keyring = keyring, .donor_key = donor_key_new() };
	struct arena arena;

	arena_init(&arena);
	error_clear(err);
	for (size_t i = 0; i < page->nrecords && err->code == ERR_NONE; i++) {
		struct donor donor = { 0 };

		if (donor_sealed_open(&page->records[i], &donor, &opener, &arena, err)) {
			hash_record(&donor, key, &arena, hashes);
		} else if (err->code == ERR_INTERNAL) {
			error_clear(err);
			hashes->nbroken++;
		}
	}
	arena_release(&arena);
	donor_key_free(opener.donor_key);
	return err->code == ERR_NONE;
}

bool pack_people_open(struct pack_load *load, const struct keyring *keyring, const unsigned char key[PACK_KEY_BYTES],
		      struct arena *arena, struct error *err)
{
	const struct store opener = { .keyring = keyring, .donor_key = donor_key_new() };
	struct buf text = { 0 };
	struct arena all;

	arena_init(&all);
	error_clear(err);
	for (size_t i = 0; i < load->nexpected && err->code == ERR_NONE; i++) {
		struct pack_expected *expected = &load->expected[i];
		struct donor donor = { 0 };

		if (load->sealed[i].id[0]) {
			if (donor_sealed_open(&load->sealed[i], &donor, &opener, &all, err))
				expected->name = arena_strdup(arena, donor.name);
			else if (err->code == ERR_INTERNAL)
				error_clear(err);        /* expected all the same, by code */
		}
		buf_reset(&text);
		pack_expected_text(expected, &text);
		expected->mark = pack_mark(key, text.data, text.len);
	}
	buf_release(&text);
	arena_release(&all);
	donor_key_free(opener.donor_key);
	return err->code == ERR_NONE;
}

/* ---- kept ---- */

/*
 * An erasure that is under way holds the epoch's row until it is committed; then its number is another one.
 *
 *	$1 audit   $2 token   $3 origin   $4 round   $5 holder   $6 key   $7 rule set   $8 state   $9 held   $10 now
 *	$11 until   $12 epoch
 */
static const struct db_statement keep_statement = {
	"WITH go AS MATERIALIZED (SELECT n FROM pack_epoch WHERE n = $12::bigint FOR SHARE),"
	" made AS (INSERT INTO pack (id, origin, round_id, holder, key_id, rule_set, state, held, made_at, expires_at)"
	"  SELECT $2::uuid, $3::uuid, $4::uuid, $5, $6::integer, $7, $8::bytea, $9::bytea, $10::timestamptz, $11::timestamptz FROM go"
	"  ON CONFLICT (id) DO UPDATE SET expires_at = greatest(pack.expires_at, excluded.expires_at) RETURNING 1),"
	" audit AS (" AUDIT_INSERT("$1", "EXISTS (SELECT FROM made)") ")"
	" SELECT EXISTS (SELECT FROM made)"
};

static void keep_on_done(struct db_query *query, const struct db_result *result)
{
	struct pack_keep *keep = container_of(query, struct pack_keep, query);

	keep->kept = result_ok(result, &keep->error) && db_bool(result, 0, 0);
	keep->done(keep);
}

void pack_keep_send(struct store *store, struct pack_keep *keep)
{
	struct db_query *query = &keep->query;
	struct arena *arena = keep->arena;
	struct audit audit;

	audit_begin(&audit, store, &keep->actor);
	audit_add_reading(&audit, "pack.load", "round", keep->round_id, NULL);
	for (size_t i = 0; i < keep->ntold; i++)
		if (keep->told[i]->donor_id[0])
			audit_add_reading(&audit, "pack.load", "donor", keep->told[i]->donor_id, NULL);
	query_begin(query, &keep_statement, DB_WRITE, keep_on_done);
	query_text(query, audit_end(&audit, arena));
	query_text(query, keep->token);
	query_text(query, keep->origin);
	query_text(query, keep->round_id);
	query_text(query, keep->holder);
	query_int(query, arena, keep->key_id);
	query_text(query, keep->rule_set);
	query_text(query, arena_printf(arena, "\\x%s", keep->state));
	query_text(query, bytes_text(arena, keep->held->data, keep->held->len));
	query_time(query, arena, keep->now_us);
	query_time(query, arena, keep->expires_us);
	query_int(query, arena, keep->epoch);
	db_send(store->db, query);
}

/* ---- forgotten ---- */

/* $1 now   $2 how many states of a phone */
static const struct db_statement purge_statement = {
	"WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(7411) AS mine),"
	" over AS (SELECT id FROM (SELECT id, expires_at, row_number() OVER (PARTITION BY origin ORDER BY made_at DESC, id) AS n"
	"  FROM pack) AS p WHERE expires_at <= $1::timestamptz OR n > $2::integer),"
	" gone AS (DELETE FROM pack USING turn WHERE turn.mine AND pack.id IN (SELECT id FROM over) RETURNING 1)"
	" SELECT count(*) FROM gone"
};

static void purge_on_done(struct db_query *query, const struct db_result *result)
{
	struct pack_purge *purge = container_of(query, struct pack_purge, query);

	purge->deleted = result_ok(result, &purge->error) ? db_int(result, 0, 0, 0) : 0;
	purge->done(purge);
}

void pack_purge_send(struct store *store, struct pack_purge *purge)
{
	query_begin(&purge->query, &purge_statement, DB_WRITE, purge_on_done);
	query_text(&purge->query, time_format(purge->now_us, purge->now_text));
	snprintf(purge->kept_text, sizeof(purge->kept_text), "%d", PACK_STATES_KEPT);
	query_text(&purge->query, purge->kept_text);
	db_send(store->db, &purge->query);
}
