#include "store/key_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/json_out.h"
#include "base/log.h"
#include "crypto/sign.h"
#include "db/session.h"
#include "store/audit.h"
#include "store/failure.h"
#include "store/image.h"
#include "store/row.h"

enum { NAME_SIZE = 32, START_QUERY_MS = 10000 };

/* "hash-2": the subject of the audit, and how people are told. */
static const char *key_name(const struct key_record *key, char out[NAME_SIZE])
{
	snprintf(out, NAME_SIZE, "%s-%d", key_kind_text(key->kind), key->id);
	return out;
}

/* ---- reading ---- */

static const struct db_statement load_all = {
	"SELECT kind, id, state, encode(fingerprint, 'hex'), " SQL_MICROS("created_at") ", "
	SQL_MICROS("changed_at") ", CASE WHEN changed_at > created_at THEN "
	SQL_MICROS("now() - changed_at") " END, encode(public_key, 'hex') FROM key ORDER BY array_position('{hash,wrap,sign,suppression}', kind), id"
};

static bool too_many(struct error *err)
{
	return error_set(err, ERR_CONFIG, "the database knows more than %d keys",
			 "cơ sở dữ liệu biết hơn %d khóa", KEYS_MAX);
}

static bool record_read(struct key_load *load, const struct db_result *result, int row)
{
	struct key_record *record = &load->records[row];

	memset(record, 0, sizeof(*record));
	record->id = row_int(result, row, 1, 0);
	load->created_us[row] = row_time(result, row, 4);
	load->changed_us[row] = row_time(result, row, 5);
	load->since_us[row] = db_int(result, row, 6, INT64_MAX);
	if (key_kind_parse(db_text(result, row, 0), &record->kind) &&
	    key_state_parse(db_text(result, row, 2), &record->state) &&
	    key_fingerprint_parse(db_text(result, row, 3), record) &&
	    (record->kind != KEY_SIGN || sign_public_parse(db_text(result, row, 7), load->public_keys[row])))
		return true;
	return error_set(&load->error, ERR_CONFIG, "the database knows a key that this version does not understand: upgrade it",
			 "cơ sở dữ liệu có khóa mà phiên bản này không hiểu: hãy nâng cấp");
}

static void load_on_done(struct db_query *query, const struct db_result *result)
{
	struct key_load *load = container_of(query, struct key_load, query);
	int nrows = result_ok(result, &load->error) ? db_rows(result) : 0;

	load->nrecords = 0;
	if (nrows > KEYS_MAX)
		too_many(&load->error);
	for (int row = 0; row < nrows && load->error.code == ERR_NONE && record_read(load, result, row); row++)
		load->nrecords++;
	if (load->done)
		load->done(load);
}

void key_load_send(struct store *store, struct key_load *load)
{
	query_begin(&load->query, &load_all, DB_READ, load_on_done);
	db_send(store->db, &load->query);
}

/* ---- new keys ---- */

#define GIVEN(parameter) \
	"given AS (SELECT * FROM jsonb_to_recordset(" parameter "::jsonb) AS g" \
	" (kind text, id integer, state text, fingerprint bytea, public_key bytea))"
#define KEY_INSERT(condition) \
	"made AS (INSERT INTO key (kind, id, state, fingerprint, public_key)" \
	" SELECT kind, id, state, fingerprint, public_key FROM given WHERE " condition \
	" RETURNING kind || '-' || id AS name)"

static void write_bytes(struct json_out *out, const char *key, const unsigned char *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char text[2 + 2 * SIGN_PUBLIC_BYTES + 1] = "\\x";

	for (size_t i = 0; i < len; i++) {
		text[2 + 2 * i] = digits[bytes[i] >> 4];
		text[3 + 2 * i] = digits[bytes[i] & 15];
	}
	text[2 + 2 * len] = '\0';
	jout_text(out, key, text);
}

static void write_given(struct json_out *out, const struct keyring *keyring, const struct key_record *key)
{
	unsigned char public_key[SIGN_PUBLIC_BYTES];

	jout_object(out, NULL);
	jout_text(out, "kind", key_kind_text(key->kind));
	jout_int(out, "id", key->id);
	jout_text(out, "state", key_state_text(key->state));
	write_bytes(out, "fingerprint", key->fingerprint, KEY_FINGERPRINT_BYTES);
	if (key->kind == KEY_SIGN && sign_public_key(keyring, key->id, public_key))
		write_bytes(out, "public_key", public_key, sizeof(public_key));
	jout_end(out);
}

static void audit_key(struct audit *audit, const char *action, const struct key_record *before,
		      const struct key_record *after)
{
	struct buf was = { 0 }, is = { 0 };
	char name[NAME_SIZE];

	if (before)
		image_key(&was, before);
	image_key(&is, after);
	audit_add(audit, action, "key", key_name(after, name), before ? &was : NULL, &is);
	buf_release(&was);
	buf_release(&is);
}

/* ---- at the start ---- */

/* All keys of a kind, or none: of a kind that the database knows, a new key comes by a rotation. */
static const struct db_statement register_keys = {
	"WITH " GIVEN("$1") ","
	" " KEY_INSERT("NOT EXISTS (SELECT FROM key WHERE key.kind = given.kind)") ","
	" audit AS (" AUDIT_INSERT("$2", "subject_id IN (SELECT name FROM made)") ")"
	" SELECT count(*) FROM made"
};

struct register_op {
	struct db_query query;
	struct error    error;
	int64_t         made;
	bool            raced;
};

/* Another program of ours, starting at the same moment, told the database first: then its word counts. */
static void register_on_done(struct db_query *query, const struct db_result *result)
{
	struct register_op *op = container_of(query, struct register_op, query);

	op->raced = result_violates(result, "key_pk") || result_violates(result, "key_one_active_ex");
	if (!op->raced && result_ok(result, &op->error))
		op->made = db_int(result, 0, 0, 0);
}

/* The next parameter: every key of the keyring; the audit row of each. */
static void query_all_keys(struct db_query *query, const struct store *store, struct audit *audit,
			   const char *action, struct arena *arena)
{
	const struct key_view *view = keyring_view(store->keyring);
	struct buf buf = { 0 };
	struct json_out out = { .buf = &buf };

	jout_array(&out, NULL);
	for (size_t i = 0; i < view->nkeys; i++) {
		write_given(&out, store->keyring, &view->keys[i]);
		audit_key(audit, action, NULL, &view->keys[i]);
	}
	jout_end(&out);
	query_text(query, arena_strdup(arena, buf.data));
	buf_release(&buf);
}

static bool register_run(struct db *db, const struct store *store, const struct actor *actor, struct error *err)
{
	struct register_op op = { .made = 0 };
	struct audit audit;
	struct arena arena;

	arena_init(&arena);
	query_begin(&op.query, &register_keys, DB_WRITE, register_on_done);
	audit_begin(&audit, store, actor);
	query_all_keys(&op.query, store, &audit, "key.register", &arena);
	query_text(&op.query, audit_end(&audit, &arena));
	db_run(db, &op.query, START_QUERY_MS);
	arena_release(&arena);
	if (op.made > 0)
		log_info("keys_registered", "keys=%lld", (long long)op.made);
	*err = op.error;
	return err->code == ERR_NONE;
}

static bool load_run(struct db *db, struct key_load *load, struct error *err)
{
	*load = (struct key_load){ .done = NULL };
	query_begin(&load->query, &load_all, DB_WRITE, load_on_done);
	db_run(db, &load->query, START_QUERY_MS);
	*err = load->error;
	return err->code == ERR_NONE;
}

static bool all_kinds_known(const struct key_load *load)
{
	bool known[KEY_KIND_COUNT] = { false };

	for (size_t i = 0; i < load->nrecords; i++)
		known[load->records[i].kind] = true;
	for (int kind = 0; kind < KEY_KIND_COUNT; kind++)
		if (!known[kind])
			return false;
	return true;
}

bool keys_remember(const char *conninfo, struct keyring *keyring, const struct clock *clock,
		   const struct actor *actor, struct error *err)
{
	struct db_session *session = db_session_open(conninfo, DB_WRITE);
	struct db *db = db_session_db(session);
	const struct store store = { .keyring = keyring, .clock = clock };
	struct key_load *load = xcalloc(1, sizeof(*load));
	bool fine = load_run(db, load, err) && keyring_agree(keyring, load->records, load->nrecords, err);

	if (fine && !all_kinds_known(load))
		fine = register_run(db, &store, actor, err) && load_run(db, load, err) &&
		       keyring_agree(keyring, load->records, load->nrecords, err);
	free(load);
	db_session_close(session);
	return fine;
}

/* ---- a rotation ---- */

static const struct db_statement stage_key = {
	"WITH " GIVEN("$1") ","
	" " KEY_INSERT("NOT EXISTS (SELECT FROM key WHERE key.kind = given.kind AND state IN ('staged', 'dual'))") ","
	" audit AS (" AUDIT_INSERT("$2", "EXISTS (SELECT FROM made)") ")"
	" SELECT count(*) FROM made"
};

static void stage_on_done(struct db_query *query, const struct db_result *result)
{
	struct key_stage *stage = container_of(query, struct key_stage, query);

	stage->staged = false;
	if (result_violates(result, "key_pk"))
		error_set(&stage->error, ERR_ALREADY_EXISTS, "another rotation has made %s key %d meanwhile",
			  "một lần xoay khóa khác vừa tạo khóa %s %d", key_kind_text(stage->kind), stage->id);
	else if (result_ok(result, &stage->error))
		stage->staged = db_int(result, 0, 0, 0) > 0;
	stage->done(stage);
}

void key_stage_send(struct store *store, struct key_stage *stage)
{
	const struct key_view *view = keyring_view(store->keyring);
	struct db_query *query = &stage->query;
	struct buf buf = { 0 };
	struct json_out out = { .buf = &buf };
	struct audit audit;

	error_clear(&stage->error);
	query_begin(query, &stage_key, DB_WRITE, stage_on_done);
	audit_begin(&audit, store, &stage->actor);
	jout_array(&out, NULL);
	for (size_t i = 0; i < view->nkeys; i++) {
		if (view->keys[i].kind != stage->kind || view->keys[i].id != stage->id)
			continue;
		write_given(&out, store->keyring, &view->keys[i]);
		audit_key(&audit, "key.stage", NULL, &view->keys[i]);
	}
	jout_end(&out);
	query_text(query, arena_strdup(stage->arena, buf.data));
	query_text(query, audit_end(&audit, stage->arena));
	buf_release(&buf);
	db_send(store->db, query);
}

#define LIVE "d.seen_at > now() - interval '20 seconds'"    /* KEY_LIVE_SECONDS */
#define REPORTS(more) \
	"d.keys @> jsonb_build_array(jsonb_build_object('kind', k.kind, 'id', k.id" more "))"
#define SAME_KEY ", 'fingerprint', encode(k.fingerprint, 'hex')"
/* A key that it does not use as the database says. One that is retired it need not have, but must not write under. */
#define LAGS \
	"CASE k.state WHEN 'retired'" \
	" THEN " REPORTS(", 'state', 'dual'") " OR " REPORTS(", 'state', 'active'") \
	" ELSE NOT " REPORTS(", 'state', k.state" SAME_KEY) " END"

/*
 * Our statements whose view of the database is older than the last change of a
 * key of kind $1: what they write may not be seen yet by those who already use
 * the keys as they are now. (An hour is longer than any statement may take,
 * and shorter than transaction numbers take to come round.)
 */
#define OLD_STATEMENTS \
	"pg_stat_activity AS a WHERE a.datname = current_database() AND a.usename = current_user" \
	" AND a.pid <> pg_backend_pid() AND a.backend_xmin IS NOT NULL" \
	" AND EXISTS (SELECT FROM key AS k WHERE k.kind = $1 AND k.changed_at > now() - interval '1 hour'" \
	"  AND age(a.backend_xmin) >= age(k.xmin))"

static const struct db_statement advance_keys = {
	"WITH step AS (SELECT * FROM jsonb_to_recordset($2::jsonb) AS s (id integer, was text, becomes text)),"
	" fit AS (SELECT FROM key AS k JOIN step ON step.id = k.id AND step.was = k.state WHERE k.kind = $1),"
	" made AS ("
	" UPDATE key SET state = step.becomes, changed_at = now() FROM step"
	"  WHERE key.kind = $1 AND key.id = step.id AND key.state = step.was AND step.was <> step.becomes"
	"  AND (SELECT count(*) FROM fit) = (SELECT count(*) FROM step)"
	"  AND NOT EXISTS (SELECT FROM daemon AS d, key AS k WHERE " LIVE " AND k.kind = $1 AND " LAGS ")"
	"  AND NOT EXISTS (SELECT FROM " OLD_STATEMENTS ")"
	" RETURNING key.id),"
	" audit AS (" AUDIT_INSERT("$3", "EXISTS (SELECT FROM made)") ")"
	" SELECT count(*) FROM made"
};

static void advance_on_done(struct db_query *query, const struct db_result *result)
{
	struct key_advance *advance = container_of(query, struct key_advance, query);

	advance->made = result_ok(result, &advance->error) && db_int(result, 0, 0, 0) > 0;
	advance->done(advance);
}

/* What the two keys become. */
static const struct {
	enum key_state fresh, old;
} steps[] = {
	[KEY_STEP_DUAL] = { KEY_DUAL, KEY_ACTIVE },
	[KEY_STEP_ACTIVATE] = { KEY_ACTIVE, KEY_DUAL },
	[KEY_STEP_RETIRE] = { KEY_ACTIVE, KEY_RETIRED },
};

/* A key that stays as it is is named too: the step fits only while it does. */
static void add_change(struct json_out *out, struct audit *audit, const struct key_record *key, enum key_state state)
{
	static const char *const actions[KEY_STATE_COUNT] = {
		[KEY_STAGED] = "key.stage", [KEY_DUAL] = "key.dual", [KEY_ACTIVE] = "key.activate",
		[KEY_RETIRED] = "key.retire",
	};
	struct key_record after = *key;

	after.state = state;
	jout_object(out, NULL);
	jout_int(out, "id", key->id);
	jout_text(out, "was", key_state_text(key->state));
	jout_text(out, "becomes", key_state_text(state));
	jout_end(out);
	if (key->state != state)
		audit_key(audit, actions[state], key, &after);
}

void key_advance_send(struct store *store, struct key_advance *advance)
{
	struct db_query *query = &advance->query;
	struct buf buf = { 0 };
	struct json_out out = { .buf = &buf };
	struct audit audit;

	query_begin(query, &advance_keys, DB_WRITE, advance_on_done);
	audit_begin(&audit, store, &advance->actor);
	jout_array(&out, NULL);
	add_change(&out, &audit, &advance->fresh, steps[advance->step].fresh);
	add_change(&out, &audit, &advance->old, steps[advance->step].old);
	jout_end(&out);
	query_text(query, key_kind_text(advance->kind));
	query_text(query, arena_strdup(advance->arena, buf.data));
	query_text(query, audit_end(&audit, advance->arena));
	buf_release(&buf);
	db_send(store->db, query);
}

/* ---- who holds what ---- */

static const struct db_statement holders_all = {
	"WITH wanted AS (SELECT *, xmin FROM key WHERE $1::text IS NULL OR kind = $1),"
	" old AS (SELECT count(*) AS statements FROM " OLD_STATEMENTS ")"
	" SELECT d.id, d.host, d.version, d.keyring, d.keyring_fixed, " SQL_MICROS("d.started_at") ", "
	SQL_MICROS("d.seen_at") ","
	"  ARRAY(SELECT k.kind || '-' || k.id FROM wanted AS k WHERE " LAGS " ORDER BY k.kind, k.id),"
	"  ARRAY(SELECT k.kind || '-' || k.id FROM wanted AS k WHERE NOT " REPORTS(SAME_KEY)
	"   ORDER BY k.kind, k.id), old.statements"
	" FROM old LEFT JOIN daemon AS d ON " LIVE " ORDER BY d.started_at, d.id"
};

static void holder_read(struct key_holder *holder, struct arena *arena, const struct db_result *result, int row)
{
	row_uuid(result, row, 0, holder->id);
	holder->host = row_text(arena, result, row, 1);
	holder->version = row_text(arena, result, row, 2);
	holder->keyring = row_text(arena, result, row, 3);
	holder->fixed = db_bool(result, row, 4);
	holder->started_us = row_time(result, row, 5);
	holder->seen_us = row_time(result, row, 6);
	holder->lagging = row_texts(arena, result, row, 7, &holder->nlagging);
	holder->absent = row_texts(arena, result, row, 8, &holder->nabsent);
}

static void holders_on_done(struct db_query *query, const struct db_result *result)
{
	struct key_holders *holders = container_of(query, struct key_holders, query);

	holders->nholders = 0;
	if (result_ok(result, &holders->error)) {
		int nrows = db_rows(result);

		holders->holders = arena_alloc(holders->arena, (size_t)nrows * sizeof(*holders->holders));
		holders->old_statements = row_int(result, 0, 9, 0);
		for (int row = 0; row < nrows; row++)
			if (!db_is_null(result, row, 0))
				holder_read(&holders->holders[holders->nholders++], holders->arena, result, row);
	}
	holders->done(holders);
}

void key_holders_send(struct store *store, struct key_holders *holders)
{
	query_begin(&holders->query, &holders_all, DB_READ, holders_on_done);
	query_text(&holders->query, holders->kind);
	db_send(store->db, &holders->query);
}

/* ---- keys that are lost ---- */

static const struct db_statement replace_keys = {
	"WITH " GIVEN("$1") ","
	" lost AS (SELECT * FROM jsonb_to_recordset($2::jsonb) AS l (kind text, id integer, state text)),"
	" alone AS MATERIALIZED (SELECT WHERE NOT EXISTS (SELECT FROM daemon AS d WHERE " LIVE ")"
	"  AND NOT EXISTS (SELECT FROM given JOIN key USING (kind, id))"
	"  AND NOT EXISTS (SELECT FROM lost FULL JOIN key USING (kind, id, state) WHERE lost IS NULL OR key IS NULL)),"
	" old AS (UPDATE key SET state = 'retired', changed_at = now()"
	"  WHERE state <> 'retired' AND EXISTS (SELECT FROM alone)),"
	" " KEY_INSERT("EXISTS (SELECT FROM alone)") ","
	" audit AS (" AUDIT_INSERT("$3", "EXISTS (SELECT FROM made)") ")"
	" SELECT count(*) FROM made"
};

/* The next parameter: what the database is to have still; the audit row of each that ceases to be used. */
static void query_lost_keys(struct db_query *query, struct audit *audit, const struct key_load *lost,
			    struct arena *arena)
{
	struct buf buf = { 0 };
	struct json_out out = { .buf = &buf };

	jout_array(&out, NULL);
	for (size_t i = 0; i < lost->nrecords; i++) {
		const struct key_record *key = &lost->records[i];
		struct key_record after = *key;

		after.state = KEY_RETIRED;
		jout_object(&out, NULL);
		jout_text(&out, "kind", key_kind_text(key->kind));
		jout_int(&out, "id", key->id);
		jout_text(&out, "state", key_state_text(key->state));
		jout_end(&out);
		if (key->state != KEY_RETIRED)
			audit_key(audit, "key.retire", key, &after);
	}
	jout_end(&out);
	query_text(query, arena_strdup(arena, buf.data));
	buf_release(&buf);
}

static void replace_on_done(struct db_query *query, const struct db_result *result)
{
	struct key_replace *replace = container_of(query, struct key_replace, query);

	replace->replaced = result_ok(result, &replace->error) && db_int(result, 0, 0, 0) > 0;
	replace->done(replace);
}

void key_replace_send(struct store *store, struct key_replace *replace)
{
	struct audit audit;

	query_begin(&replace->query, &replace_keys, DB_WRITE, replace_on_done);
	audit_begin(&audit, store, &replace->actor);
	query_all_keys(&replace->query, store, &audit, "key.replace", replace->arena);
	query_lost_keys(&replace->query, &audit, replace->lost, replace->arena);
	query_text(&replace->query, audit_end(&audit, replace->arena));
	db_send(store->db, &replace->query);
}

/* ---- copies ---- */

static const struct db_statement note_export = { AUDIT_INSERT("$1", "true") };

static void note_on_done(struct db_query *query, const struct db_result *result)
{
	struct key_export_note *note = container_of(query, struct key_export_note, query);

	(void)!result_ok(result, &note->error);
	note->done(note);
}

void key_export_note_send(struct store *store, struct key_export_note *note)
{
	struct audit audit;

	query_begin(&note->query, &note_export, DB_WRITE, note_on_done);
	audit_begin(&audit, store, &note->actor);
	audit_add(&audit, "key.export", "keyring", arena_printf(note->arena, "%zu keys", note->nkeys), NULL, NULL);
	query_text(&note->query, audit_end(&audit, note->arena));
	db_send(store->db, &note->query);
}
