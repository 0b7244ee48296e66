#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "store/access_store.h"
#include "store/failure.h"
#include "store/row.h"

/* The small tables of a running daemon: versions of topics, its sign of life, help marks. */

static const struct db_statement versions = {
	"SELECT max(version) FILTER (WHERE topic = 'rounds'), max(version) FILTER (WHERE topic = 'units'),"
	" max(version) FILTER (WHERE topic = 'access') FROM change"
};

static void poll_on_done(struct db_query *query, const struct db_result *result)
{
	struct change_poll *poll = container_of(query, struct change_poll, query);

	if (result_ok(result, &poll->error)) {
		poll->rounds = db_int(result, 0, 0, 0);
		poll->units = db_int(result, 0, 1, 0);
		poll->access = db_int(result, 0, 2, 0);
	}
	poll->done(poll);
}

void change_poll_send(struct store *store, struct change_poll *poll)
{
	query_begin(&poll->query, &versions, DB_READ, poll_on_done);
	db_send(store->db, &poll->query);
}

/* A retry of the same message does not begin a new hour. */
static const struct db_statement help_claim = {
	"INSERT INTO sms_help AS mark (number_digest, message_digest) VALUES ($1::bytea, $2::bytea)"
	" ON CONFLICT (number_digest) DO UPDATE SET message_digest = EXCLUDED.message_digest,"
	"  at = CASE WHEN mark.at <= now() - interval '1 hour' THEN now() ELSE mark.at END"
	"  WHERE mark.at <= now() - interval '1 hour' OR mark.message_digest = EXCLUDED.message_digest"
	" RETURNING true"
};

static void help_on_done(struct db_query *query, const struct db_result *result)
{
	struct sms_help_claim *claim = container_of(query, struct sms_help_claim, query);

	claim->granted = result_ok(result, &claim->error) && db_rows(result) > 0;
	claim->done(claim);
}

void sms_help_claim_send(struct store *store, struct sms_help_claim *claim)
{
	int key = keyring_active(store->keyring, KEY_HASH);
	const char *message = claim->message_id;
	char unique[UUID_TEXT_SIZE];

	if (!message) {                      /* then no later message is "the same" */
		uuid7_make(unique, clock_wall_us(store->clock));
		message = unique;
	}
	keyring_digest(store->keyring, key, "phone", claim->number, strlen(claim->number), claim->texts[0]);
	keyring_digest(store->keyring, key, "message", message, strlen(message), claim->texts[1]);
	query_begin(&claim->query, &help_claim, DB_WRITE, help_on_done);
	query_text(&claim->query, claim->texts[0]);
	query_text(&claim->query, claim->texts[1]);
	db_send(store->db, &claim->query);
}

static const struct db_statement beat_write = {
	"WITH gone AS (DELETE FROM daemon WHERE seen_at < now() - interval '1 day' AND id <> $1::uuid)"
	" INSERT INTO daemon (id, version, host, key_ids) VALUES ($1::uuid, $2, $3, $4::integer[])"
	" ON CONFLICT (id) DO UPDATE SET seen_at = now(), version = EXCLUDED.version, host = EXCLUDED.host,"
	"  key_ids = EXCLUDED.key_ids"
};

static void beat_on_done(struct db_query *query, const struct db_result *result)
{
	struct daemon_beat *beat = container_of(query, struct daemon_beat, query);

	(void)!result_ok(result, &beat->error);
	beat->done(beat);
}

void daemon_beat_send(struct store *store, struct daemon_beat *beat)
{
	const struct keyring *keyring = store->keyring;

	snprintf(beat->key_ids, sizeof(beat->key_ids), "{%d,%d,%d,%d}", keyring_active(keyring, KEY_HASH),
		 keyring_active(keyring, KEY_WRAP), keyring_active(keyring, KEY_SIGN),
		 keyring_active(keyring, KEY_SUPPRESSION));
	query_begin(&beat->query, &beat_write, DB_WRITE, beat_on_done);
	query_text(&beat->query, beat->id);
	query_text(&beat->query, beat->version);
	query_text(&beat->query, beat->host);
	query_text(&beat->query, beat->key_ids);
	db_send(store->db, &beat->query);
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
