#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json_out.h"
#include "store/audit.h"
#include "store/certificate_row.h"
#include "store/certificate_store.h"
#include "store/failure.h"
#include "store/row.h"

enum { SECOND_US = 1000000 };

/* ---- public keys ---- */

static const struct db_statement keys_statement = {
	"SELECT k.issuer, k.year, k.generation, k.sign_key_id, k.kid, k.public_key, " SQL_MICROS("k.made_at") ","
	" " SQL_MICROS("k.compromised_at") ", k.compromised_at IS NULL AND NOT EXISTS (SELECT FROM certificate_key AS o"
	"  WHERE o.issuer = k.issuer AND o.year = k.year AND o.generation > k.generation)"
	" FROM certificate_key AS k WHERE $1::bytea IS NULL OR k.kid = $1::bytea ORDER BY k.issuer, k.year, k.generation"
};

static void keys_on_done(struct db_query *query, const struct db_result *result)
{
	struct certificate_keys *keys = container_of(query, struct certificate_keys, query);

	keys->nitems = 0;
	if (result_ok(result, &keys->error)) {
		keys->nitems = (size_t)db_rows(result);
		keys->items = arena_alloc(keys->arena, (keys->nitems + 1) * sizeof(*keys->items));
		for (int i = 0; i < (int)keys->nitems; i++) {
			struct certificate_key_row *row = &keys->items[i];
			struct certificate_key *key = &row->key;

			row_issuer(result, i, 0, key->issuer);
			key->use = *key->issuer ? KEY_FOR_CERTIFICATES : KEY_FOR_REVOCATIONS;
			key->year = row_int(result, i, 1, 0);
			key->generation = row_int(result, i, 2, 0);
			key->sign_key_id = row_int(result, i, 3, 0);
			(void)!row_bytes_of(db_text(result, i, 4), key->kid, sizeof(key->kid));
			(void)!row_bytes_of(db_text(result, i, 5), key->public_key, sizeof(key->public_key));
			row->made_us = row_time(result, i, 6);
			row->compromised_us = row_time(result, i, 7);
			row->current = db_bool(result, i, 8);
		}
	}
	keys->done(keys);
}

void certificate_keys_send(struct store *store, struct certificate_keys *keys)
{
	query_begin(&keys->query, &keys_statement, DB_READ, keys_on_done);
	query_text(&keys->query, keys->kid ? bytes_text(keys->arena, keys->kid, CERTIFICATE_KID_BYTES) : NULL);
	db_send(store->db, &keys->query);
}

/* ---- the next generation: what there is, then one more ---- */

/* $1 issuer, $2 year. */
static const struct db_statement last_statement = {
	"SELECT generation FROM certificate_key WHERE issuer = $1 AND year = $2::integer ORDER BY generation DESC LIMIT 1"
};
/* $1 audit, $2 .. $7 the key, $8 compromised. */
static const struct db_statement rotate_statement = {
	"WITH made AS (" CERTIFICATE_KEY_INSERT("$2", "$3", "$4", "$5", "$6", "$7", "true") " RETURNING generation),"
	" bad AS (UPDATE certificate_key SET compromised_at = now() WHERE issuer = $2 AND year = $3::integer"
	"  AND generation < $4::integer AND compromised_at IS NULL AND $8::boolean AND EXISTS (SELECT FROM made)),"
	" audit AS (" AUDIT_INSERT("$1", "EXISTS (SELECT FROM made)") ")"
	" SELECT EXISTS (SELECT FROM made)"
};

static void rotate_on_done(struct db_query *query, const struct db_result *result)
{
	struct certificate_key_rotate *rotate = container_of(query, struct certificate_key_rotate, query);

	if (result_ok(result, &rotate->error) && !db_bool(result, 0, 0))
		fail_stale(&rotate->error);
	rotate->done(rotate);
}

static void image_key_made(struct buf *buf, const struct certificate_key *key, struct arena *arena)
{
	struct json_out out = { .buf = buf };

	jout_object(&out, NULL);
	jout_text(&out, "issuer", key->issuer);
	jout_int(&out, "year", key->year);
	jout_int(&out, "generation", key->generation);
	jout_text(&out, "public_key", bytes_text(arena, key->public_key, sizeof(key->public_key)));
	jout_end(&out);
}

static void rotate_send(struct certificate_key_rotate *rotate)
{
	struct certificate_key *key = &rotate->key;
	struct db_query *query = &rotate->query;
	struct arena *arena = rotate->arena;
	struct buf image = { 0 };
	struct audit audit;

	query_begin(query, &rotate_statement, DB_WRITE, rotate_on_done);
	image_key_made(&image, key, arena);
	audit_begin(&audit, rotate->store, &rotate->actor);
	audit_add(&audit, rotate->compromised ? "certificate_key.replace" : "certificate_key.rotate", "certificate_key",
		  arena_printf(arena, "%s/%d/%d", key->issuer, key->year, key->generation), NULL, &image);
	query_text(query, audit_end(&audit, arena));
	buf_release(&image);
	query_certificate_key(query, key, arena);
	query_bool(query, rotate->compromised);
	db_send(rotate->store->db, query);
}

static void last_on_done(struct db_query *query, const struct db_result *result)
{
	struct certificate_key_rotate *rotate = container_of(query, struct certificate_key_rotate, query);

	if (result_ok(result, &rotate->error)) {
		rotate->key.generation = db_rows(result) > 0 ? row_int(result, 0, 0, 0) : 0;
		rotate->key.sign_key_id = 0;     /* another than the active one: the next generation */
		if (rotate->key.generation == 0)
			fail_not_found(&rotate->error);
		else if (certificate_key_choose(&rotate->key, true, rotate->store, &rotate->error)) {
			rotate_send(rotate);
			return;
		}
	}
	rotate->done(rotate);
}

void certificate_key_rotate_send(struct store *store, struct certificate_key_rotate *rotate)
{
	rotate->store = store;
	query_begin(&rotate->query, &last_statement, DB_READ, last_on_done);
	query_text(&rotate->query, rotate->key.issuer);
	query_int(&rotate->query, rotate->arena, rotate->key.year);
	db_send(store->db, &rotate->query);
}

/* ---- the list of revocations ---- */

/* $1 the year. Entries as one text of hexadecimal digits, ascending; two alike would be one. */
static const struct db_statement revocations_statement = {
	"SELECT (SELECT count(*) FROM certificate_void), (SELECT string_agg(encode(r.revocation_id, 'hex'), '' ORDER BY r.revocation_id)"
	"  FROM (SELECT DISTINCT c.revocation_id FROM certificate_void AS v JOIN certificate AS c ON c.id = v.certificate_id) AS r),"
	" k.generation, k.sign_key_id, k.compromised_at IS NOT NULL"
	" FROM (SELECT) AS single LEFT JOIN LATERAL (SELECT * FROM certificate_key WHERE issuer = '' AND year = $1::integer"
	"  ORDER BY generation DESC LIMIT 1) AS k ON true"
};
static const struct db_statement key_statement = {
	"WITH made AS (" CERTIFICATE_KEY_INSERT("$1", "$2", "$3", "$4", "$5", "$6", "true") ") SELECT"
};

static void key_on_made(struct db_query *query, const struct db_result *result)
{
	struct revocations_load *load = container_of(query, struct revocations_load, query);

	(void)!result_ok(result, &load->error);
	load->done(load);
}

static void read_list(struct revocations_load *load, const struct db_result *result)
{
	const char *hex = db_text(result, 0, 1);
	size_t size = hex ? strlen(hex) / 2 : 0;
	unsigned char *entries = arena_alloc(load->arena, size + 1);

	if (size > 0)
		(void)!row_bytes_of(arena_printf(load->arena, "\\x%s", hex), entries, size);
	load->list = (struct revocation_list){
		.counter = db_int(result, 0, 0, 0), .as_of = clock_wall_us(load->store->clock) / SECOND_US,
		.count = size / CERTIFICATE_REVOCATION_BYTES, .entries = entries,
	};
}

static void revocations_on_done(struct db_query *query, const struct db_result *result)
{
	struct revocations_load *load = container_of(query, struct revocations_load, query);
	int generation;

	if (result_ok(result, &load->error)) {
		read_list(load, result);
		generation = row_int(result, 0, 2, 0);
		load->key = (struct certificate_key){ .year = load->today.year, .generation = generation,
						      .sign_key_id = row_int(result, 0, 3, 0) };
		if (certificate_key_choose(&load->key, db_bool(result, 0, 4), load->store, &load->error) &&
		    load->key.generation != generation) {
			query_begin(query, &key_statement, DB_WRITE, key_on_made);
			query_certificate_key(query, &load->key, load->arena);
			db_send(load->store->db, query);
			return;
		}
	}
	load->done(load);
}

void revocations_load_send(struct store *store, struct revocations_load *load)
{
	load->store = store;
	query_begin(&load->query, &revocations_statement, DB_READ, revocations_on_done);
	query_int(&load->query, load->arena, load->today.year);
	db_send(store->db, &load->query);
}
