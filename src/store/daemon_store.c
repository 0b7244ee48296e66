#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json_out.h"
#include "store/access_store.h"
#include "store/failure.h"
#include "store/lookup.h"
#include "store/row.h"

/* The small tables of a running daemon: versions of topics, its sign of life, help marks. */

static const struct db_statement versions = {
	"SELECT max(version) FILTER (WHERE topic = 'rounds'), max(version) FILTER (WHERE topic = 'units'),"
	" max(version) FILTER (WHERE topic = 'access'), (SELECT t FROM session_clock)"
	" FROM change"
};

static void poll_on_done(struct db_query *query, const struct db_result *result)
{
	struct change_poll *poll = container_of(query, struct change_poll, query);

	if (result_ok(result, &poll->error)) {
		poll->rounds = db_int(result, 0, 0, 0);
		poll->units = db_int(result, 0, 1, 0);
		poll->access = db_int(result, 0, 2, 0);
		poll->service_t = db_int(result, 0, 3, 0);
	}
	poll->done(poll);
}

void change_poll_send(struct store *store, struct change_poll *poll)
{
	query_begin(&poll->query, &versions, DB_READ, poll_on_done);
	poll->query.urgent = true;       /* without it nothing is served from memory */
	db_send(store->db, &poll->query);
}

/*
 * $1 and $2: digests of the number and of the message under each key; the
 * first $3 are written, the others are only looked for. The first one decides,
 * as in CLAIM (store/replay.h); a mark of another message under any other key
 * refuses too. A retry of the same message does not begin a new hour.
 */
static const struct db_statement help_claim = {
	"WITH digest AS (SELECT * FROM unnest($1::bytea[], $2::bytea[]) WITH ORDINALITY AS d (number, message, n)),"
	" known AS (SELECT m.at, m.message_digest = d.message AS same FROM digest AS d"
	"  JOIN sms_help AS m ON m.number_digest = d.number AND m.at > now() - interval '1 hour'),"
	" mark AS ("
	" INSERT INTO sms_help AS mark (number_digest, message_digest, at)"
	" SELECT number, message, coalesce((SELECT min(at) FROM known), now()) FROM digest"
	"  WHERE n = 1 AND NOT EXISTS (SELECT FROM known WHERE NOT same)"
	" ON CONFLICT (number_digest) DO UPDATE SET message_digest = EXCLUDED.message_digest,"
	"  at = CASE WHEN mark.at <= now() - interval '1 hour' THEN EXCLUDED.at ELSE mark.at END"
	"  WHERE mark.at <= now() - interval '1 hour' OR mark.message_digest = EXCLUDED.message_digest"
	" RETURNING at),"
	" more AS ("
	" INSERT INTO sms_help (number_digest, message_digest, at)"
	" SELECT number, message, mark.at FROM mark, digest WHERE n BETWEEN 2 AND $3::integer"
	" ON CONFLICT (number_digest) DO UPDATE SET message_digest = EXCLUDED.message_digest, at = EXCLUDED.at)"
	" SELECT FROM mark"
};

static void help_on_done(struct db_query *query, const struct db_result *result)
{
	struct sms_help_claim *claim = container_of(query, struct sms_help_claim, query);

	claim->granted = result_ok(result, &claim->error) && db_rows(result) > 0;
	claim->done(claim);
}

void sms_help_claim_send(struct store *store, struct sms_help_claim *claim)
{
	const struct key_view *view = keyring_view(store->keyring);
	const char *message = claim->message_id;
	char unique[UUID_TEXT_SIZE];

	if (!message) {                      /* then no later message is "the same" */
		uuid7_make(unique, clock_wall_us(store->clock));
		message = unique;
	}
	query_begin(&claim->query, &help_claim, DB_WRITE, help_on_done);
	query_digests(&claim->query, store, view, "phone", claim->number, strlen(claim->number), claim->arena);
	query_digests(&claim->query, store, view, "message", message, strlen(message), claim->arena);
	query_int(&claim->query, claim->arena, (int64_t)view->lookup[KEY_HASH].nwritten);
	db_send(store->db, &claim->query);
}

static const struct db_statement beat_write = {
	"WITH gone AS (DELETE FROM daemon WHERE seen_at < now() - interval '1 day' AND id <> $1::uuid)"
	" INSERT INTO daemon (id, version, host, key_ids, keys, keyring, keyring_fixed, rules)"
	" VALUES ($1::uuid, $2, $3, $4::integer[], $5::jsonb, $6, $7::boolean, $8)"
	" ON CONFLICT (id) DO UPDATE SET seen_at = now(), version = EXCLUDED.version, host = EXCLUDED.host,"
	"  key_ids = EXCLUDED.key_ids, keys = EXCLUDED.keys, keyring = EXCLUDED.keyring,"
	"  keyring_fixed = EXCLUDED.keyring_fixed, rules = EXCLUDED.rules"
};

static void beat_on_done(struct db_query *query, const struct db_result *result)
{
	struct daemon_beat *beat = container_of(query, struct daemon_beat, query);

	(void)!result_ok(result, &beat->error);
	beat->done(beat);
}

static void write_keys(struct buf *buf, const struct key_view *view)
{
	struct json_out out = { .buf = buf };

	jout_array(&out, NULL);
	for (size_t i = 0; i < view->nkeys; i++) {
		char fingerprint[KEY_FINGERPRINT_HEX_SIZE];

		key_fingerprint_hex(&view->keys[i], fingerprint);
		jout_object(&out, NULL);
		jout_text(&out, "kind", key_kind_text(view->keys[i].kind));
		jout_int(&out, "id", view->keys[i].id);
		jout_text(&out, "state", key_state_text(view->keys[i].state));
		jout_text(&out, "fingerprint", fingerprint);
		jout_end(&out);
	}
	jout_end(&out);
}

void daemon_beat_send(struct store *store, struct daemon_beat *beat)
{
	const struct key_view *view = keyring_view(store->keyring);

	snprintf(beat->key_ids, sizeof(beat->key_ids), "{%d,%d,%d,%d}", view->active[KEY_HASH],
		 view->active[KEY_WRAP], view->active[KEY_SIGN], view->active[KEY_SUPPRESSION]);
	buf_reset(&beat->keys);
	write_keys(&beat->keys, view);
	query_begin(&beat->query, &beat_write, DB_WRITE, beat_on_done);
	query_text(&beat->query, beat->id);
	query_text(&beat->query, beat->version);
	query_text(&beat->query, beat->host);
	query_text(&beat->query, beat->key_ids);
	query_text(&beat->query, beat->keys.data);
	query_text(&beat->query, keyring_dir(store->keyring));
	query_bool(&beat->query, keyring_is_fixed(store->keyring));
	query_text(&beat->query, beat->rules);
	db_send(store->db, &beat->query);
}

static const struct db_statement leave_write = { "DELETE FROM daemon WHERE id = $1::uuid" };

static void leave_on_done(struct db_query *query, const struct db_result *result)
{
	struct daemon_leave *leave = container_of(query, struct daemon_leave, query);

	(void)!result_ok(result, &leave->error);
	leave->done(leave);
}

void daemon_leave_send(struct store *store, struct daemon_leave *leave)
{
	query_begin(&leave->query, &leave_write, DB_WRITE, leave_on_done);
	query_text(&leave->query, leave->id);
	db_send(store->db, &leave->query);
}

/* 7401 is this job's advisory lock. */
static const struct db_statement help_purge = {
	"WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(7401) AS mine),"
	" gone AS (DELETE FROM sms_help USING turn WHERE turn.mine AND at < now() - interval '1 day'"
	" RETURNING 1)"
	" SELECT count(*) FROM gone"
};

static void purge_on_done(struct db_query *query, const struct db_result *result)
{
	struct sms_help_purge *purge = container_of(query, struct sms_help_purge, query);

	purge->deleted = 0;
	if (result_ok(result, &purge->error))
		purge->deleted = db_int(result, 0, 0, 0);
	purge->done(purge);
}

void sms_help_purge_send(struct store *store, struct sms_help_purge *purge)
{
	query_begin(&purge->query, &help_purge, DB_WRITE, purge_on_done);
	db_send(store->db, &purge->query);
}
