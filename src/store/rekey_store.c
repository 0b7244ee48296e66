#include "store/rekey_store.h"

#include "base/error.h"
#include "crypto/donor_seal.h"
#include "store/audit.h"
#include "store/donor_row.h"
#include "store/failure.h"
#include "store/lookup.h"
#include "store/replay.h"
#include "store/row.h"

/*
 * Ids of keys rise, so what is behind stands under a lower one, and both indexes find it at once when there is none.
 *
 *	$1 left out   $2 active wrap key   $3 lowest hash key that is written
 */
static const struct db_statement find_statement = {
	"WITH behind AS (SELECT id FROM ("
	"   (SELECT id FROM donor WHERE wrap_key_id < $2::integer AND id <> ALL ($1::uuid[]) LIMIT 1)"
	"   UNION ALL (SELECT donor_id FROM donor_digest WHERE key_id < $3::integer AND donor_id <> ALL ($1::uuid[]) LIMIT 1))"
	"  AS either LIMIT 1)"
	" SELECT " DONOR_PLAIN_COLUMNS ", " DONOR_SEALED_COLUMNS ", " DONOR_IDENTIFIER_COLUMNS
	" FROM donor AS d JOIN behind ON behind.id = d.id"
};

static void find_on_done(struct db_query *query, const struct db_result *result)
{
	struct rekey_find *find = container_of(query, struct rekey_find, query);

	if (result_ok(result, &find->error)) {
		if (db_rows(result) == 0) {
			fail_not_found(&find->error);
		} else {
			row_uuid(result, 0, 0, find->id);
			donor_read_plain(&find->record, find->arena, result, 0, 0);
			if (donor_read_sealed(&find->record, find->store, find->arena, result, 0, DONOR_PLAIN_COUNT,
					      &find->error))
				(void)!donor_read_identifiers(&find->record, find->store, find->arena, result, 0,
							      DONOR_PLAIN_COUNT + DONOR_SEALED_COUNT, &find->error);
		}
	}
	find->done(find);
}

void rekey_find_send(struct store *store, struct rekey_find *find)
{
	const struct key_view *view = keyring_view(store->keyring);
	struct db_query *query = &find->query;

	find->store = store;
	find->id[0] = '\0';
	query_begin(query, &find_statement, DB_SLOW, find_on_done);
	query_texts(query, find->arena, find->skip, find->nskip);
	query_int(query, find->arena, view->active[KEY_WRAP]);
	query_int(query, find->arena, view->lookup[KEY_HASH].ids[0]);
	db_send(store->db, query);
}

/*
 *	$1 audit   $2 id   $3 version   $4 wrap key that was   $5 wrap key that is   $6 wrapped
 *	$7 .. $10  digests, uses, keys, identifiers   $11 hash keys that are written
 */
static const struct db_statement write_statement = {
	"WITH made AS (UPDATE donor SET wrap_key_id = $5::integer, wrapped_key = $6::bytea"
	"  WHERE id = $2::uuid AND version = $3::bigint AND wrap_key_id = $4::integer AND NOT " KEYS_STALE("$11")
	"  RETURNING id),"
	" digest AS (INSERT INTO donor_digest (digest, use, key_id, identifier_id, donor_id)"
	"  SELECT g.digest, g.use, g.key_id, nullif(g.identifier_id, '')::uuid, made.id"
	"  FROM unnest($7::bytea[], $8::text[], $9::integer[], $10::text[]) AS g (digest, use, key_id, identifier_id), made"
	"  " DIGEST_ORDER " ON CONFLICT (digest, donor_id) DO NOTHING),"
	" gone AS (DELETE FROM donor_digest USING made WHERE donor_id = made.id AND key_id <> ALL ($11::integer[])),"
	" audit AS (" AUDIT_INSERT("$1", "EXISTS (SELECT FROM made)") ")"
	" SELECT EXISTS (SELECT FROM made)"
};

static void write_on_done(struct db_query *query, const struct db_result *result)
{
	struct rekey_write *write = container_of(query, struct rekey_write, query);

	if (result_ok(result, &write->error) && !db_bool(result, 0, 0))
		fail_stale(&write->error);
	write->done(write);
}

void rekey_write_send(struct store *store, struct rekey_write *write)
{
	const struct donor *donor = &write->record->donor;
	const struct key_view *view = keyring_view(store->keyring);
	struct donor_digests digests = { .arena = write->arena };
	unsigned char wrapped[DONOR_KEY_WRAPPED_BYTES];
	struct db_query *query = &write->query;
	struct arena *arena = write->arena;
	struct audit audit;

	write->store = store;
	query_begin(query, &write_statement, DB_WRITE, write_on_done);
	audit_begin(&audit, store, &write->actor);
	audit_add_reading(&audit, "donor.rekey", "donor", donor->id, NULL);
	query_text(query, audit_end(&audit, arena));
	query_text(query, donor->id);
	/* The key was opened to read the record, and keys stay to the end; if not, no version is this one. */
	query_int(query, arena, donor_open_key(write->record, store, &write->error) ? donor->version : -1);
	query_int(query, arena, write->record->wrap_key_id);
	query_int(query, arena, donor_key_wrap(store->donor_key, store->keyring, donor->id, wrapped));
	query_text(query, bytes_text(arena, wrapped, sizeof(wrapped)));
	donor_digest_all(&digests, store, view, donor);
	query_texts(query, arena, digests.digest, digests.count);
	query_texts(query, arena, digests.use, digests.count);
	query_texts(query, arena, digests.key_id, digests.count);
	query_texts(query, arena, digests.identifier_id, digests.count);
	query_written_keys(query, view, arena);
	db_send(store->db, query);
}
