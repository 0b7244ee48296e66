#include "store/session_store.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "store/audit.h"
#include "store/failure.h"
#include "store/image.h"
#include "store/lookup.h"
#include "store/row.h"
#include "store/user_row.h"

static const char strangers[] = "strangers", known[] = "known";

/* ---- a try ---- */

/*
 * One row a bucket, locked by its own upsert: tries at one instant are counted
 * one after the other. $1 login, $2 the account's name if nobody has it; $3, $4
 * the first bucket and its waits by failures, $5, $6 the second one (NULL: none); $7 now.
 */
#define COUNT_INTO(name, bucket, waits, condition) \
	name " AS (" \
	" INSERT INTO login_failure AS f (account, bucket, user_id, failures, last_t)" \
	" SELECT key, " bucket ", user_id, 1, $7::bigint FROM account WHERE " condition \
	" ON CONFLICT (account, bucket) DO UPDATE SET failures = f.failures + 1, last_t = greatest(f.last_t, EXCLUDED.last_t)" \
	"  WHERE (" waits "::bigint[])[least(f.failures + 1, array_length(" waits "::bigint[], 1))]" \
	"   <= greatest(EXCLUDED.last_t - f.last_t, 0) RETURNING 1)"

static const struct db_statement count_try = {
	"WITH who AS MATERIALIZED (SELECT " USER_COLUMNS " FROM staff_user AS u WHERE u.login = $1),"
	" account AS MATERIALIZED (SELECT coalesce((SELECT id::text FROM who), $2) AS key, (SELECT id FROM who) AS user_id),"
	" before AS MATERIALIZED (SELECT f.bucket, f.failures, f.last_t FROM login_failure AS f JOIN account ON key = f.account"
	"  WHERE f.bucket IN ($3, $5)),"
	COUNT_INTO("first", "$3", "$4", "true") ","
	COUNT_INTO("second", "$5", "$6", "$5::text IS NOT NULL AND EXISTS (SELECT FROM first)")
	" SELECT EXISTS (SELECT FROM first) AND ($5::text IS NULL OR EXISTS (SELECT FROM second)),"
	"  (SELECT key FROM account), (SELECT failures FROM before WHERE bucket = $3),"
	"  (SELECT last_t FROM before WHERE bucket = $3), (SELECT failures FROM before WHERE bucket = $5), who.*"
	" FROM (SELECT) AS one LEFT JOIN who ON true"
};
enum { COUNT_USER_COLUMN = 5 };

static void query_waits(struct db_query *query, struct arena *arena, enum login_bucket bucket)
{
	struct buf buf = { 0 };

	for (int failures = 0; failures <= login_waits(bucket); failures++)
		buf_printf(&buf, "%c%lld", failures ? ',' : '{', (long long)login_wait_us(bucket, failures));
	buf_append_char(&buf, '}');
	query_text(query, arena_strdup(arena, buf.data));
	buf_release(&buf);
}

/* What was there before tells how long to wait; of tries at one instant perhaps a little less. */
static void read_wait(struct login_count *count, const struct db_result *result)
{
	enum login_bucket first = count->known ? LOGIN_KNOWN : LOGIN_NETWORK;
	int64_t wait = login_wait_us(first, db_int(result, 0, 2, 0)) - (count->now_t - db_int(result, 0, 3, count->now_t));

	count->wait_us = wait > 1 ? wait : 1;
	if (login_wait_us(LOGIN_STRANGERS, db_int(result, 0, 4, 0)) == LOGIN_NEVER_US ||
	    login_wait_us(first, db_int(result, 0, 2, 0)) == LOGIN_NEVER_US)
		count->wait_us = LOGIN_NEVER_US;
}

static void count_try_send(struct login_count *count);

static void count_on_done(struct db_query *query, const struct db_result *result)
{
	struct login_count *count = container_of(query, struct login_count, query);

	if (result_ok(result, &count->error)) {
		count->counted = db_bool(result, 0, 0);
		count->account = row_text(count->arena, result, 0, 1);
		count->found = !db_is_null(result, 0, COUNT_USER_COLUMN);
		if (count->found)
			user_read_row(&count->user, count->arena, result, 0, COUNT_USER_COLUMN);
		if (!count->counted)
			read_wait(count, result);
		if (!count->counted && count->known && count->wait_us == LOGIN_NEVER_US) {
			count->known = false;    /* it has spent what it had; as a stranger it may still try */
			count_try_send(count);
			return;
		}
	}
	count->done(count);
}

static const char *digest_of(const struct store *store, struct arena *arena, const char *domain, const char *text)
{
	char *digest = arena_alloc(arena, DIGEST_HEX_SIZE);

	keyring_digest(store->keyring, keyring_active(store->keyring, KEY_HASH), domain, text, strlen(text), digest);
	return digest + 2;
}

const char *login_network_bucket(const struct store *store, struct arena *arena, const char *network)
{
	return arena_printf(arena, "network:%s", digest_of(store, arena, "network", network));
}

static void count_try_send(struct login_count *count)
{
	struct db_query *query = &count->query;

	count->bucket = count->known ? known : login_network_bucket(count->store, count->arena, count->network);
	query_begin(query, &count_try, DB_WRITE, count_on_done);
	query_text(query, count->login);
	query_text(query, digest_of(count->store, count->arena, "login", count->login));
	query_text(query, count->bucket);
	query_waits(query, count->arena, count->known ? LOGIN_KNOWN : LOGIN_NETWORK);
	query_text(query, count->known ? NULL : strangers);
	query_waits(query, count->arena, LOGIN_STRANGERS);
	query_int(query, count->arena, count->now_t);
	db_send(count->store->db, query);
}

void login_count_send(struct store *store, struct login_count *count)
{
	count->store = store;
	count_try_send(count);
}

static const struct db_statement uncount_try = {
	"UPDATE login_failure SET failures = failures - 1 WHERE account = $1 AND bucket = ANY ($2::text[]) AND failures > 0"
};

static void uncount_on_done(struct db_query *query, const struct db_result *result)
{
	struct login_uncount *uncount = container_of(query, struct login_uncount, query);

	(void)!result_ok(result, &uncount->error);
	uncount->done(uncount);
}

void login_uncount_send(struct store *store, struct login_uncount *uncount)
{
	const struct login_count *count = uncount->count;
	const char *buckets[] = { count->bucket, strangers };

	query_begin(&uncount->query, &uncount_try, DB_WRITE, uncount_on_done);
	query_text(&uncount->query, count->account);
	query_texts(&uncount->query, uncount->arena, buckets, count->known ? 1 : 2);
	db_send(store->db, &uncount->query);
}

static const struct db_statement note_refusal = { "WITH audit AS (" AUDIT_INSERT("$1", "true") ") SELECT" };

static void refuse_on_done(struct db_query *query, const struct db_result *result)
{
	struct login_refuse *refuse = container_of(query, struct login_refuse, query);

	(void)!result_ok(result, &refuse->error);
	refuse->done(refuse);
}

void login_refuse_send(struct store *store, struct login_refuse *refuse)
{
	struct audit audit;

	query_begin(&refuse->query, &note_refusal, DB_WRITE, refuse_on_done);
	audit_begin(&audit, store, &refuse->actor);
	audit_add(&audit, "login.refused", "login", refuse->user_id ? refuse->user_id : "unknown", NULL, NULL);
	query_text(&refuse->query, audit_end(&audit, refuse->arena));
	db_send(store->db, &refuse->query);
}

/* ---- a session begins ---- */

/* What the people's job does to an account: its secret, and nothing else, under a newer key. $2 version, $11 to $13 as they were. */
#define SEALED_AGAIN \
	"$4::text IS NULL AND version = $2::bigint + 1 AND totp_key_id > $11::integer AND password_hash = $12" \
	" AND recovery_hashes = $13::text[]"

static const struct db_statement open_session = {
	"WITH fresh AS ("
	" UPDATE staff_user SET last_login_at = now(), totp_step = coalesce($3::bigint, totp_step),"
	"  recovery_hashes = CASE WHEN $4::text IS NULL THEN recovery_hashes ELSE array_remove(recovery_hashes, $4) END,"
	"  version = version + ($4::text IS NOT NULL)::integer"
	"  WHERE id = $1::uuid AND (version = $2::bigint OR (" SEALED_AGAIN ")) AND state = 'active'"
	"   AND ($3::bigint IS NULL OR totp_step IS NULL OR totp_step < $3::bigint) RETURNING id),"
	" made AS ("
	" INSERT INTO session (id, user_id, kind, digest, created_t, used_t)"
	"  SELECT $5::uuid, id, $6, $7::bytea, $8::bigint, $8::bigint FROM fresh RETURNING created_at),"
	" forgiven AS (" LOGIN_FORGIVE("$1", "$10", "EXISTS (SELECT FROM made)") "),"
	" audit AS (" AUDIT_INSERT("$9", "EXISTS (SELECT FROM made)") ")"
	" SELECT " SQL_MICROS("created_at") " FROM made"
};

static void open_on_done(struct db_query *query, const struct db_result *result)
{
	struct session_open *open = container_of(query, struct session_open, query);

	if (result_ok(result, &open->error)) {
		open->opened = db_rows(result) > 0;
		if (open->opened)
			open->session.created_us = row_time(result, 0, 0);
	}
	open->done(open);
}

/* The user as the recovery code that was used leaves it. */
static void without_recovery(struct session_open *open, struct user *next)
{
	*next = *open->user;
	next->version++;
	next->nrecovery = 0;
	next->recovery = arena_alloc(open->arena, (open->user->nrecovery + 1) * sizeof(*next->recovery));
	for (size_t i = 0; i < open->user->nrecovery; i++)
		if (strcmp(open->user->recovery[i], open->recovery) != 0)
			next->recovery[next->nrecovery++] = open->user->recovery[i];
}

static const char *open_audit(struct session_open *open)
{
	struct buf before = { 0 }, after = { 0 };
	struct audit audit;
	struct user next;

	audit_begin(&audit, open->store, &open->actor);
	audit_add(&audit, "session.open", "session", open->session.id, NULL, NULL);
	if (open->recovery) {
		without_recovery(open, &next);
		image_user(&before, open->user);
		image_user(&after, &next);
		audit_add(&audit, "user.recovery_code", "user", open->user->id, &before, &after);
	}
	buf_release(&before);
	buf_release(&after);
	return audit_end(&audit, open->arena);
}

static const char *session_digest(const struct store *store, int key_id, const char *text, struct arena *arena)
{
	char *digest = arena_alloc(arena, DIGEST_HEX_SIZE);

	keyring_digest(store->keyring, key_id, "session", text, strlen(text), digest);
	return digest;
}

void session_open_send(struct store *store, struct session_open *open)
{
	struct db_query *query = &open->query;

	open->store = store;
	uuid7_make(open->session.id, clock_wall_us(store->clock));
	open->session.bearer = open->bearer;
	open->session.created_t = open->session.used_t = open->now_t;
	open->session.login = open->user->login;
	open->session.name = open->user->name;
	open->session.second_factor = open->user->totp_sealed != NULL;
	open->session.restricted = user_is_restricted(open->user);
	query_begin(query, &open_session, DB_WRITE, open_on_done);
	query_text(query, open->user->id);
	query_int(query, open->arena, open->user->version);
	if (open->totp_step < 0)
		query_text(query, NULL);
	else
		query_int(query, open->arena, open->totp_step);
	query_text(query, open->recovery);
	query_text(query, open->session.id);
	query_text(query, open->bearer ? "bearer" : "cookie");
	query_text(query, session_digest(store, keyring_active(store->keyring, KEY_HASH), open->text, open->arena));
	query_int(query, open->arena, open->now_t);
	query_text(query, open_audit(open));
	query_text(query, login_network_bucket(store, open->arena, open->network));
	if (open->user->totp_sealed)
		query_int(query, open->arena, open->user->totp_key_id);
	else
		query_text(query, NULL);
	query_text(query, open->user->password_hash);
	query_texts(query, open->arena, open->user->recovery, open->user->nrecovery);
	db_send(store->db, query);
}

/* ---- sessions ---- */

#define SESSION_COLUMNS \
	"s.id, s.kind = 'bearer', s.created_t, s.used_t, " SQL_MICROS("s.created_at") ", u.login, u.name," \
	" u.totp_sealed IS NOT NULL, u.must_change OR (NOT u.password_long AND u.totp_sealed IS NULL)"
enum { SESSION_COLUMN_COUNT = 9 };

static void session_read(struct session_mark *session, struct arena *arena, const struct db_result *result, int row)
{
	row_uuid(result, row, 0, session->id);
	session->bearer = db_bool(result, row, 1);
	session->created_t = db_int(result, row, 2, 0);
	session->used_t = db_int(result, row, 3, 0);
	session->created_us = row_time(result, row, 4);
	session->login = row_text(arena, result, row, 5);
	session->name = row_text(arena, result, row, 6);
	session->second_factor = db_bool(result, row, 7);
	session->restricted = db_bool(result, row, 8);
}

/* One text is kept under one key; the key may have got a successor since. */
static const struct db_statement session_by_digest = {
	"SELECT " SESSION_COLUMNS ", (SELECT t FROM session_clock), u.id, u.role, u.unit_ids, u.team_id"
	" FROM session AS s JOIN staff_user AS u ON u.id = s.user_id"
	" WHERE s.digest = ANY ($1::bytea[]) AND u.state = 'active'"
};

static void find_on_done(struct db_query *query, const struct db_result *result)
{
	struct session_find *find = container_of(query, struct session_find, query);
	struct access_token *who = &find->who;

	if (result_ok(result, &find->error)) {
		if (db_rows(result) == 0) {
			fail_not_found(&find->error);
		} else {
			session_read(&find->session, find->arena, result, 0);
			find->now_t = db_int(result, 0, SESSION_COLUMN_COUNT, 0);
			row_uuid(result, 0, SESSION_COLUMN_COUNT + 1, who->id);
			(void)role_parse(db_text(result, 0, SESSION_COLUMN_COUNT + 2), &who->role);
			who->unit_ids = row_texts(find->arena, result, 0, SESSION_COLUMN_COUNT + 3, &who->nunit_ids);
			who->team_id = row_text(find->arena, result, 0, SESSION_COLUMN_COUNT + 4);
			who->name = find->session.login;
			who->created_us = find->session.created_us;
			who->expires_us = who->revoked_us = who->last_used_us = INT64_MIN;
		}
	}
	find->done(find);
}

void session_find_send(struct store *store, struct session_find *find)
{
	query_begin(&find->query, &session_by_digest, DB_READ, find_on_done);
	query_digests(&find->query, store, keyring_view(store->keyring), "session", find->text, strlen(find->text),
		      find->arena);
	db_send(store->db, &find->query);
}

static const struct db_statement sessions_of_user = {
	"SELECT " SESSION_COLUMNS " FROM session AS s JOIN staff_user AS u ON u.id = s.user_id"
	" WHERE s.user_id = $1::uuid ORDER BY s.id DESC LIMIT 500"
};

static void list_on_done(struct db_query *query, const struct db_result *result)
{
	struct session_list *list = container_of(query, struct session_list, query);

	list->nsessions = 0;
	if (result_ok(result, &list->error)) {
		list->nsessions = (size_t)db_rows(result);
		list->sessions = arena_alloc(list->arena, (list->nsessions + 1) * sizeof(*list->sessions));
		for (size_t i = 0; i < list->nsessions; i++)
			session_read(&list->sessions[i], list->arena, result, (int)i);
	}
	list->done(list);
}

void session_list_send(struct store *store, struct session_list *list)
{
	query_begin(&list->query, &sessions_of_user, DB_READ, list_on_done);
	query_text(&list->query, uuid_or_nil(list->user_id));
	db_send(store->db, &list->query);
}

/* Of all of a user's the audit names the user. */
static const struct db_statement end_sessions = {
	"WITH ended AS ("
	" DELETE FROM session WHERE user_id = $1::uuid AND ($2::uuid IS NULL OR id = $2::uuid) RETURNING 1),"
	" audit AS (" AUDIT_INSERT("$3", "EXISTS (SELECT FROM ended)") "),"
	" bump AS (" TOPIC_BUMP("access", "EXISTS (SELECT FROM ended)") ")"
	" SELECT (SELECT count(*) FROM ended), EXISTS (SELECT FROM staff_user WHERE id = $1::uuid)"
};

static void end_on_done(struct db_query *query, const struct db_result *result)
{
	struct session_end *end = container_of(query, struct session_end, query);

	end->ended = 0;
	if (result_ok(result, &end->error)) {
		end->ended = db_int(result, 0, 0, 0);
		if (end->id ? end->ended == 0 : !db_bool(result, 0, 1))
			fail_not_found(&end->error);
	}
	end->done(end);
}

void session_end_send(struct store *store, struct session_end *end)
{
	struct audit audit;

	query_begin(&end->query, &end_sessions, DB_WRITE, end_on_done);
	query_text(&end->query, uuid_or_nil(end->user_id));
	query_text(&end->query, uuid_or_nil(end->id));
	audit_begin(&audit, store, &end->actor);
	audit_add(&audit, "session.end", end->id ? "session" : "user", end->id ? end->id : end->user_id, NULL, NULL);
	query_text(&end->query, audit_end(&audit, end->arena));
	db_send(store->db, &end->query);
}

static const struct db_statement touch_sessions = {
	"UPDATE session SET used_t = $2::bigint WHERE id = ANY ($1::uuid[]) AND used_t < $2::bigint - 30000000"
};

static void touch_on_done(struct db_query *query, const struct db_result *result)
{
	struct session_touch *touch = container_of(query, struct session_touch, query);

	(void)!result_ok(result, &touch->error);
	touch->done(touch);
}

void session_touch_send(struct store *store, struct session_touch *touch)
{
	query_begin(&touch->query, &touch_sessions, DB_WRITE, touch_on_done);
	query_texts(&touch->query, touch->arena, touch->ids, touch->nids);
	query_int(&touch->query, touch->arena, touch->now_t);
	db_send(store->db, &touch->query);
}

/* 7404 is this job's advisory lock. */
static const struct db_statement purge_sessions = {
	"WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(7404) AS mine),"
	" gone AS (DELETE FROM session USING turn WHERE turn.mine"
	"  AND (used_t <= $1::bigint OR created_t <= $2::bigint) RETURNING 1),"
	" passing AS (SELECT account, bucket, last_t FROM login_failure WHERE user_id IS NULL OR bucket LIKE 'network:%'),"
	" forgotten AS (DELETE FROM login_failure AS f USING turn, passing AS p"
	"  WHERE turn.mine AND (f.account, f.bucket) = (p.account, p.bucket) AND p.last_t < $3::bigint"
	"   AND p.last_t <= (SELECT last_t FROM passing ORDER BY last_t DESC OFFSET $4::bigint LIMIT 1) RETURNING 1)"
	" SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM forgotten)"
};

static void purge_on_done(struct db_query *query, const struct db_result *result)
{
	struct session_purge *purge = container_of(query, struct session_purge, query);

	purge->deleted = 0;
	if (result_ok(result, &purge->error))
		purge->deleted = db_int(result, 0, 0, 0);
	purge->done(purge);
}

void session_purge_send(struct store *store, struct session_purge *purge)
{
	const int64_t day_us = INT64_C(86400) * 1000000;

	query_begin(&purge->query, &purge_sessions, DB_WRITE, purge_on_done);
	query_int(&purge->query, purge->arena, purge->now_t - purge->limits.idle_us);
	query_int(&purge->query, purge->arena, purge->now_t - purge->limits.absolute_us);
	query_int(&purge->query, purge->arena, purge->now_t - day_us);
	query_int(&purge->query, purge->arena, purge->keep);
	db_send(store->db, &purge->query);
}

/* ---- the service's time ---- */

static const struct db_statement clock_advance = {
	"UPDATE session_clock SET t = greatest(t, $1::bigint, CASE WHEN $2::boolean THEN t"
	"  + greatest(0, extract(epoch FROM clock_timestamp() - wall) * 1000000)::bigint END),"
	" wall = clock_timestamp() RETURNING t"
};

static void clock_on_done(struct db_query *query, const struct db_result *result)
{
	struct service_clock *clock = container_of(query, struct service_clock, query);

	if (result_ok(result, &clock->error))
		clock->t = db_int(result, 0, 0, clock->t);
	clock->done(clock);
}

void service_clock_send(struct store *store, struct service_clock *clock)
{
	query_begin(&clock->query, &clock_advance, DB_WRITE, clock_on_done);
	snprintf(clock->t_text, sizeof(clock->t_text), "%lld", (long long)clock->t);
	query_text(&clock->query, clock->t_text);
	query_bool(&clock->query, clock->begin);
	db_send(store->db, &clock->query);
}
