#include <string.h>

#include "base/clock.h"
#include "base/error.h"
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

/* ---- the next generation: what there is, then one more, if nobody has made it yet ---- */

/* $1 issuer, $2 year. */
static const struct db_statement last_statement = {
	"SELECT generation, sign_key_id, kid, public_key FROM certificate_key WHERE issuer = $1 AND year = $2::integer"
	" ORDER BY generation DESC LIMIT 1"
};
/* $1 audit, $2 .. $7 the key, $8 compromised, $9 after which generation, $10 whether it is to be made. */
static const struct db_statement rotate_statement = {
	"WITH made AS (" CERTIFICATE_KEY_INSERT("$2", "$3", "$4", "$5", "$6", "$7", "$10::boolean") " RETURNING generation),"
	" there AS (SELECT 1 WHERE NOT $10::boolean OR EXISTS (SELECT FROM made)),"
	" bad AS (UPDATE certificate_key SET compromised_at = now() WHERE issuer = $2 AND year = $3::integer"
	"  AND generation <= $9::integer AND compromised_at IS NULL AND $8::boolean AND EXISTS (SELECT FROM there)),"
	" audit AS (" AUDIT_INSERT("$1", "EXISTS (SELECT FROM there)") ")"
	" SELECT EXISTS (SELECT FROM there), " SIGN_KEY_ACTIVE("$5")
};

static void rotate_on_done(struct db_query *query, const struct db_result *result)
{
	struct certificate_key_rotate *rotate = container_of(query, struct certificate_key_rotate, query);

	if (result_ok(result, &rotate->error) && !db_bool(result, 0, 0))
		(void)(db_bool(result, 0, 1) ? fail_stale(&rotate->error) : fail_keys(&rotate->error));
	rotate->done(rotate);
}

static void rotate_send(struct certificate_key_rotate *rotate, bool make)
{
	struct certificate_key *key = &rotate->key;
	struct db_query *query = &rotate->query;
	struct arena *arena = rotate->arena;

	query_begin(query, &rotate_statement, DB_WRITE, rotate_on_done);
	query_text(query, audit_of_key(rotate->store, &rotate->actor,
				       rotate->compromised ? "certificate_key.replace" : "certificate_key.rotate", key, arena));
	query_certificate_key(query, key, arena);
	query_bool(query, rotate->compromised);
	query_int(query, arena, rotate->after);
	query_bool(query, make);
	db_send(rotate->store->db, query);
}

static bool fail_generation(struct error *err)
{
	return error_add_field(err, "/generation", "not_found", "No key has this generation. GET /api/v1/certificates/keys lists them.",
			       "Không có khóa đời này. Xem danh sách ở /api/v1/certificates/keys.");
}

static void last_on_done(struct db_query *query, const struct db_result *result)
{
	struct certificate_key_rotate *rotate = container_of(query, struct certificate_key_rotate, query);
	struct certificate_key *key = &rotate->key;

	if (!result_ok(result, &rotate->error)) {
		rotate->done(rotate);
		return;
	}
	if (db_rows(result) > 0) {
		key->use = *key->issuer ? KEY_FOR_CERTIFICATES : KEY_FOR_REVOCATIONS;
		key->generation = row_int(result, 0, 0, 0);
		key->sign_key_id = row_int(result, 0, 1, 0);
		(void)!row_bytes_of(db_text(result, 0, 2), key->kid, sizeof(key->kid));
		(void)!row_bytes_of(db_text(result, 0, 3), key->public_key, sizeof(key->public_key));
	}
	if (db_rows(result) == 0)
		fail_not_found(&rotate->error);
	else if (rotate->after > key->generation)
		fail_generation(&rotate->error);
	else if (rotate->after < key->generation) {
		rotate_send(rotate, false);
		return;
	} else if (certificate_key_choose(key, true, rotate->store, &rotate->error)) {
		rotate_send(rotate, true);
		return;
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

/*
 * $1 the year. Entries as one text of hexadecimal digits, ascending; two alike would be one. Then the year's last key, and one of
 * before that is still good.
 */
static const struct db_statement revocations_statement = {
	"SELECT (SELECT count(*) FROM certificate_void), (SELECT string_agg(encode(r.revocation_id, 'hex'), '' ORDER BY r.revocation_id)"
	"  FROM (SELECT DISTINCT c.revocation_id FROM certificate_void AS v JOIN certificate AS c ON c.id = v.certificate_id) AS r),"
	" k.generation, k.sign_key_id, k.compromised_at IS NOT NULL, p.year, p.generation, p.sign_key_id"
	" FROM (SELECT) AS single LEFT JOIN LATERAL (SELECT * FROM certificate_key WHERE issuer = '' AND year = $1::integer"
	"  ORDER BY generation DESC LIMIT 1) AS k ON true"
	" LEFT JOIN LATERAL (SELECT * FROM certificate_key WHERE issuer = '' AND year <= $1::integer AND compromised_at IS NULL"
	"  ORDER BY year DESC, generation DESC LIMIT 1) AS p ON true"
};
/* $1 audit, $2 .. $7 the key. */
static const struct db_statement key_statement = {
	"WITH made AS (" CERTIFICATE_KEY_INSERT("$2", "$3", "$4", "$5", "$6", "$7", "true") " RETURNING 1),"
	" audit AS (" AUDIT_INSERT("$1", "EXISTS (SELECT FROM made)") ")"
	" SELECT"
};

static void list_send(struct revocations_load *load);

/* What is signed is signed by a key that is published: it is read back. While nothing can be written, one of before does. */
static void key_on_made(struct db_query *query, const struct db_result *result)
{
	struct revocations_load *load = container_of(query, struct revocations_load, query);

	load->tried = true;
	if (result_ok(result, &load->error)) {
		list_send(load);
		return;
	}
	if (load->past.generation > 0 && certificate_key_derive(load->store->keyring, &load->past)) {
		load->key = load->past;
		error_clear(&load->error);
	}
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

static void key_make(struct revocations_load *load)
{
	const struct actor actor = { .kind = "daemon", .role = ROLE_ADMIN };
	struct db_query *query = &load->query;

	query_begin(query, &key_statement, DB_WRITE, key_on_made);
	query_text(query, audit_of_key(load->store, &actor, "certificate_key.make", &load->key, load->arena));
	query_certificate_key(query, &load->key, load->arena);
	db_send(load->store->db, query);
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
		load->past = (struct certificate_key){ .use = KEY_FOR_REVOCATIONS, .year = row_int(result, 0, 5, 0),
						       .generation = row_int(result, 0, 6, 0), .sign_key_id = row_int(result, 0, 7, 0) };
		if (certificate_key_choose(&load->key, db_bool(result, 0, 4), load->store, &load->error) &&
		    load->key.generation != generation) {
			if (!load->tried) {
				key_make(load);
				return;
			}
			fail_keys(&load->error);         /* this daemon holds what another has replaced */
		}
	}
	load->done(load);
}

static void list_send(struct revocations_load *load)
{
	query_begin(&load->query, &revocations_statement, DB_READ, revocations_on_done);
	query_int(&load->query, load->arena, load->today.year);
	db_send(load->store->db, &load->query);
}

void revocations_load_send(struct store *store, struct revocations_load *load)
{
	load->store = store;
	load->tried = false;
	list_send(load);
}
