#include "store/user_store.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "domain/login.h"
#include "store/audit.h"
#include "store/failure.h"
#include "store/image.h"
#include "store/replay.h"
#include "store/row.h"
#include "store/user_row.h"

const char *user_totp_bound(struct arena *arena, const char *user_id)
{
	return arena_printf(arena, "staff_user\x1f%s\x1ftotp", user_id);
}

void user_read_row(struct user *user, struct arena *arena, const struct db_result *result, int row, int column)
{
	row_uuid(result, row, column, user->id);
	user->login = row_text(arena, result, row, column + 1);
	user->name = row_text(arena, result, row, column + 2);
	(void)role_parse(db_text(result, row, column + 3), &user->role);
	user->unit_ids = row_texts(arena, result, row, column + 4, &user->nunit_ids);
	user->team_id = row_text(arena, result, row, column + 5);
	user->active = db_bool(result, row, column + 6);
	user->password_hash = row_text(arena, result, row, column + 7);
	user->password_long = db_bool(result, row, column + 8);
	user->must_change = db_bool(result, row, column + 9);
	user->totp_sealed = row_text(arena, result, row, column + 10);
	user->totp_key_id = row_int(result, row, column + 11, 0);
	user->totp_next_sealed = row_text(arena, result, row, column + 12);
	user->totp_next_key_id = row_int(result, row, column + 13, 0);
	user->totp_step = db_int(result, row, column + 14, -1);
	user->recovery = row_texts(arena, result, row, column + 15, &user->nrecovery);
	user->created_us = row_time(result, row, column + 16);
	user->password_changed_us = row_time(result, row, column + 17);
	user->last_login_us = row_time(result, row, column + 18);
	user->version = db_int(result, row, column + 19, 0);
	user->failures = row_int(result, row, column + 20, 0);
	user->locked = user->failures >= login_waits(LOGIN_STRANGERS);
}

/* ---- reading ---- */

static const struct db_statement user_by_key = {
	"SELECT " USER_COLUMNS " FROM staff_user AS u WHERE u.id = $1::uuid OR u.login = $2"
};

static void load_on_done(struct db_query *query, const struct db_result *result)
{
	struct user_load *load = container_of(query, struct user_load, query);

	if (result_ok(result, &load->error)) {
		if (db_rows(result) == 0)
			fail_not_found(&load->error);
		else
			user_read_row(&load->user, load->arena, result, 0, 0);
	}
	load->done(load);
}

void user_load_send(struct store *store, struct user_load *load)
{
	query_begin(&load->query, &user_by_key, DB_READ, load_on_done);
	query_text(&load->query, uuid_or_nil(load->key));
	query_text(&load->query, load->key);
	db_send(store->db, &load->query);
}

static const struct db_statement users_all = {
	"SELECT " USER_COLUMNS " FROM staff_user AS u"
	" WHERE ($1::uuid IS NULL OR u.login > (SELECT login FROM staff_user WHERE id = $1))"
	" AND (u.state = 'active' OR $3::boolean) ORDER BY u.login LIMIT $2::integer"
};

static void list_on_done(struct db_query *query, const struct db_result *result)
{
	struct user_list *list = container_of(query, struct user_list, query);

	list->nusers = 0;
	if (result_ok(result, &list->error)) {
		int rows = db_rows(result);

		list->more = rows > list->limit;
		list->nusers = (size_t)(list->more ? list->limit : rows);
		list->users = arena_alloc(list->arena, (list->nusers + 1) * sizeof(*list->users));
		for (size_t i = 0; i < list->nusers; i++)
			user_read_row(&list->users[i], list->arena, result, (int)i, 0);
	}
	list->done(list);
}

void user_list_send(struct store *store, struct user_list *list)
{
	query_begin(&list->query, &users_all, DB_READ, list_on_done);
	query_text(&list->query, list->after[0] ? uuid_or_nil(list->after) : NULL);
	query_text(&list->query, page_limit(list->limit, list->limit_text));
	query_bool(&list->query, list->disabled);
	db_send(store->db, &list->query);
}

static const struct db_statement user_wrapped_otherwise = {
	"SELECT " USER_COLUMNS " FROM staff_user AS u WHERE u.totp_key_id <> $1::integer ORDER BY u.totp_key_id LIMIT 1"
};

static void wrapped_on_done(struct db_query *query, const struct db_result *result)
{
	struct user_wrapped *wrapped = container_of(query, struct user_wrapped, query);

	if (result_ok(result, &wrapped->error)) {
		if (db_rows(result) == 0)
			fail_not_found(&wrapped->error);
		else
			user_read_row(&wrapped->user, wrapped->arena, result, 0, 0);
	}
	wrapped->done(wrapped);
}

void user_wrapped_send(struct store *store, struct user_wrapped *wrapped)
{
	query_begin(&wrapped->query, &user_wrapped_otherwise, DB_READ, wrapped_on_done);
	query_int(&wrapped->query, wrapped->arena, wrapped->not_by);
	db_send(store->db, &wrapped->query);
}

/*
 * Saves. Of a new user $1 .. $7 are those of CLAIM, then come audit rows, id and
 * columns. Units have no foreign key from an array.
 */
#define UNKNOWN_UNITS(parameter) \
	"unknown AS (SELECT wanted FROM unnest(" parameter "::text[]) AS wanted" \
	"  WHERE NOT EXISTS (SELECT FROM unit WHERE unit.id = wanted))"

static const struct db_statement user_insert = {
	"WITH " UNKNOWN_UNITS("$13") ", " CLAIM("NOT EXISTS (SELECT FROM unknown)") ","
	" made AS ("
	" INSERT INTO staff_user (id, login, name, role, unit_ids, team_id, state, password_hash, password_long,"
	"  must_change)"
	" SELECT $9::uuid, $10, $11, $12, $13::text[], $14::uuid, $15, $16, $17::boolean, $18::boolean FROM go"
	"  RETURNING created_at),"
	" audit AS (" AUDIT_INSERT("$8", "EXISTS (SELECT FROM made)") "),"
	" bump AS (" TOPIC_BUMP("access", "EXISTS (SELECT FROM made)") ")"
	" SELECT EXISTS (SELECT FROM go), EXISTS (SELECT FROM unknown), (SELECT " SQL_MICROS("created_at") " FROM made)"
};

static const struct db_statement user_update = {
	"WITH " UNKNOWN_UNITS("$9") ","
	" made AS ("
	" UPDATE staff_user SET name = $7, role = $8, unit_ids = $9::text[], team_id = $10::uuid, state = $11,"
	"  password_changed_at = CASE WHEN password_hash = $12 THEN password_changed_at ELSE now() END,"
	"  password_hash = $12, password_long = $13::boolean, must_change = $14::boolean,"
	"  totp_sealed = $15::bytea, totp_key_id = $16::integer, totp_next_sealed = $17::bytea,"
	"  totp_next_key_id = $18::integer, recovery_hashes = $20::text[], version = version + 1,"
	/* a login may just have taken a later code */
	"  totp_step = CASE WHEN $15 IS NULL THEN NULL WHEN $21 = 'new' THEN $19::bigint"
	"   ELSE greatest(totp_step, $19::bigint) END"
	"  WHERE id = $6::uuid AND version = $1::bigint AND NOT EXISTS (SELECT FROM unknown)"
	"   AND ($21 <> 'spent' OR totp_step IS NULL OR totp_step < $19::bigint)"
	"  RETURNING id, password_changed_at),"
	" ended AS (DELETE FROM session WHERE user_id IN (SELECT id FROM made) AND $2::boolean"
	"  AND ($3::uuid IS NULL OR id <> $3::uuid)),"
	" forgiven AS (" LOGIN_FORGIVE("$6", "$22", "$4::boolean AND EXISTS (SELECT FROM made)") "),"
	" audit AS (" AUDIT_INSERT("$5", "EXISTS (SELECT FROM made)") "),"
	" bump AS (" TOPIC_BUMP("access", "EXISTS (SELECT FROM made)") ")"
	" SELECT EXISTS (SELECT FROM made), EXISTS (SELECT FROM unknown),"
	"  EXISTS (SELECT FROM staff_user WHERE id = $6::uuid), (SELECT " SQL_MICROS("password_changed_at") " FROM made)"
};

/*
 * A session that was being opened under the account as it was: its row came while the change waited for it, and so
 * was not there yet for the change's own eyes. Nothing can come later, since opening looks at the version.
 */
static const struct db_statement sessions_of_before = {
	"WITH ended AS (DELETE FROM session WHERE user_id = $1::uuid AND ($2::uuid IS NULL OR id <> $2::uuid) RETURNING 1),"
	" bump AS (" TOPIC_BUMP("access", "EXISTS (SELECT FROM ended)") ")"
	" SELECT"
};

static void before_on_ended(struct db_query *query, const struct db_result *result)
{
	struct user_save *save = container_of(query, struct user_save, query);

	(void)!result_ok(result, &save->error);
	save->done(save);
}

static void end_sessions_of_before(struct user_save *save)
{
	query_begin(&save->query, &sessions_of_before, DB_WRITE, before_on_ended);
	query_text(&save->query, save->next.id);
	query_text(&save->query, save->sessions == SESSIONS_END_OTHERS ? save->session : NULL);
	db_send(save->store->db, &save->query);
}

static bool fail_unit(struct error *err)
{
	return error_add_field(err, "/units", "not_found", "There is no such unit. Look it up in the list of units.",
			       "Không có đơn vị này. Hãy xem danh sách đơn vị.");
}

static const char *save_audit(struct user_save *save)
{
	struct buf before = { 0 }, after = { 0 };
	struct audit audit;
	const char *text;

	if (save->before)
		image_user(&before, save->before);
	image_user(&after, &save->next);
	audit_begin(&audit, save->store, &save->actor);
	audit_add(&audit, arena_printf(save->arena, "user.%s", save->verb), "user", save->next.id,
		  save->before ? &before : NULL, &after);
	text = audit_end(&audit, save->arena);
	buf_release(&before);
	buf_release(&after);
	return text;
}

/* What new users and changes both write, in this order. */
static void query_account(struct db_query *query, struct arena *arena, const struct user *user)
{
	query_text(query, user->name);
	query_text(query, role_text(user->role));
	query_texts(query, arena, user->unit_ids, user->nunit_ids);
	query_text(query, uuid_or_nil(user->team_id));
	query_text(query, user->active ? "active" : "disabled");
	query_text(query, user->password_hash);
	query_bool(query, user->password_long);
	query_bool(query, user->must_change);
}

static void insert_on_replayed(struct db_query *query, const struct db_result *result)
{
	struct user_save *save = container_of(query, struct user_save, query);

	(void)!replay_read(result, &save->idempotency, &save->error);
	save->done(save);
}

static void insert_on_done(struct db_query *query, const struct db_result *result)
{
	struct user_save *save = container_of(query, struct user_save, query);

	switch (claim_read(result, &save->idempotency, &save->error)) {
	case CLAIM_LOST:
		if (result->outcome == DB_OK && db_bool(result, 0, 1)) {
			fail_unit(&save->error);
			break;
		}
		replay_send(save->store, query, &save->idempotency, &save->actor, "user", save->arena,
			    insert_on_replayed);
		return;
	case CLAIM_WON:
		save->next.created_us = save->next.password_changed_us = row_time(result, 0, 2);
		break;
	case CLAIM_FAILED:
		break;
	}
	save->done(save);
}

static void insert_send(struct user_save *save)
{
	struct db_query *query = &save->query;
	struct user *next = &save->next;

	uuid7_make(next->id, clock_wall_us(save->store->clock));
	next->version = 1;
	next->totp_step = -1;
	next->last_login_us = INT64_MIN;
	query_begin(query, &user_insert, DB_WRITE, insert_on_done);
	query_claim(query, save->store, &save->idempotency, next->id, save->arena);
	query_text(query, save_audit(save));
	query_text(query, next->id);
	query_text(query, next->login);
	query_account(query, save->arena, next);
	db_send(save->store->db, query);
}

static void update_on_done(struct db_query *query, const struct db_result *result)
{
	struct user_save *save = container_of(query, struct user_save, query);

	if (result_ok(result, &save->error)) {
		if (db_bool(result, 0, 0)) {
			save->next.password_changed_us = row_time(result, 0, 3);
			if (save->sessions != SESSIONS_STAY) {
				end_sessions_of_before(save);
				return;
			}
		} else if (!db_bool(result, 0, 2)) {
			fail_not_found(&save->error);
		} else if (db_bool(result, 0, 1)) {
			fail_unit(&save->error);
		} else {
			fail_stale(&save->error);
		}
	}
	save->done(save);
}

static void query_sealed(struct db_query *query, struct arena *arena, const char *sealed, int key_id)
{
	query_text(query, sealed);
	if (sealed)
		query_int(query, arena, key_id);
	else
		query_text(query, NULL);
}

static void update_send(struct user_save *save)
{
	struct db_query *query = &save->query;
	struct arena *arena = save->arena;
	struct user *next = &save->next;

	memcpy(next->id, save->before->id, sizeof(next->id));
	next->version = save->before->version + 1;
	query_begin(query, &user_update, DB_WRITE, update_on_done);
	query_int(query, arena, save->before->version);
	query_bool(query, save->sessions != SESSIONS_STAY);
	query_text(query, save->sessions == SESSIONS_END_OTHERS ? save->session : NULL);
	query_bool(query, save->forgive);
	query_text(query, save_audit(save));
	query_text(query, next->id);
	query_account(query, arena, next);
	query_sealed(query, arena, next->totp_sealed, next->totp_key_id);
	query_sealed(query, arena, next->totp_next_sealed, next->totp_next_key_id);
	if (next->totp_step < 0)
		query_text(query, NULL);
	else
		query_int(query, arena, next->totp_step);
	query_texts(query, arena, next->recovery, next->nrecovery);
	query_text(query, save->step == STEP_NEW ? "new" : save->step == STEP_SPENT ? "spent" : "kept");
	query_text(query, save->network ? login_network_bucket(save->store, arena, save->network) : NULL);
	db_send(save->store->db, query);
}

void user_save_send(struct store *store, struct user_save *save)
{
	save->store = store;
	if (save->before)
		update_send(save);
	else
		insert_send(save);
}
