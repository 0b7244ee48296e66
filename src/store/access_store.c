#include "store/access_store.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/audit.h"
#include "store/failure.h"
#include "store/image.h"
#include "store/row.h"

#define TOKEN_COLUMNS \
	"id, name, role, unit_ids, team_id, " SQL_MICROS("created_at") ", " SQL_MICROS("expires_at") ", " \
	SQL_MICROS("revoked_at") ", " SQL_MICROS("last_used_at") ", encode(hash, 'hex'), device_id," \
	" (SELECT d.revoked_at IS NOT NULL FROM device AS d WHERE d.id = access_token.device_id)"

static void token_read(struct access_token *token, struct arena *arena, const struct db_result *result,
		       int row)
{
	row_uuid(result, row, 0, token->id);
	token->name = row_text(arena, result, row, 1);
	(void)role_parse(db_text(result, row, 2), &token->role);
	token->unit_ids = row_texts(arena, result, row, 3, &token->nunit_ids);
	token->team_id = row_text(arena, result, row, 4);
	token->created_us = row_time(result, row, 5);
	token->expires_us = row_time(result, row, 6);
	token->revoked_us = row_time(result, row, 7);
	token->last_used_us = row_time(result, row, 8);
	token->hash = row_text(arena, result, row, 9);
	token->device_id = row_text(arena, result, row, 10);
	token->device_revoked = db_bool(result, row, 11);
}

static const struct db_statement token_by_hash = {
	"SELECT " TOKEN_COLUMNS " FROM access_token WHERE hash = $1::bytea"
};

static void find_on_done(struct db_query *query, const struct db_result *result)
{
	struct token_find *find = container_of(query, struct token_find, query);

	if (result_ok(result, &find->error)) {
		if (db_rows(result) == 0)
			fail_not_found(&find->error);
		else
			token_read(&find->token, find->arena, result, 0);
	}
	find->done(find);
}

void token_find_send(struct store *store, struct token_find *find)
{
	find->store = store;
	token_hash_hex(find->hash, find->hash_text);
	query_begin(&find->query, &token_by_hash, DB_READ, find_on_done);
	query_text(&find->query, find->hash_text);
	db_send(store->db, &find->query);
}

static const struct db_statement token_by_id = {
	"SELECT " TOKEN_COLUMNS " FROM access_token WHERE id = $1::uuid"
};

static void load_on_done(struct db_query *query, const struct db_result *result)
{
	struct token_load *load = container_of(query, struct token_load, query);

	if (result_ok(result, &load->error)) {
		if (db_rows(result) == 0)
			fail_not_found(&load->error);
		else
			token_read(&load->token, load->arena, result, 0);
	}
	load->done(load);
}

void token_load_send(struct store *store, struct token_load *load)
{
	query_begin(&load->query, &token_by_id, DB_READ, load_on_done);
	query_text(&load->query, uuid_or_nil(load->id));
	db_send(store->db, &load->query);
}

/* Units have no foreign key from an array; the first unknown one is told. */
static const struct db_statement token_insert = {
	"WITH unknown AS ("
	" SELECT wanted FROM unnest($5::text[]) AS wanted"
	"  WHERE NOT EXISTS (SELECT FROM unit WHERE unit.id = wanted)),"
	" made AS ("
	" INSERT INTO access_token (id, name, hash, role, unit_ids, team_id, expires_at)"
	" SELECT $1::uuid, $2, $3::bytea, $4, $5::text[], $6::uuid, $7::timestamptz"
	"  WHERE NOT EXISTS (SELECT FROM unknown) RETURNING created_at),"
	" audit AS (" AUDIT_INSERT("$8", "EXISTS (SELECT FROM made)") "),"
	" bump AS (" TOPIC_BUMP("access", "EXISTS (SELECT FROM made)") ")"
	" SELECT " SQL_MICROS("created_at") " FROM made"
};

static void create_on_done(struct db_query *query, const struct db_result *result)
{
	struct token_create *create = container_of(query, struct token_create, query);

	if (result_ok(result, &create->error)) {
		if (db_rows(result) == 0)
			error_add_field(&create->error, "/units", "not_found",
					"There is no such unit. Look it up in the list of units.",
					"Không có đơn vị này. Hãy xem danh sách đơn vị.");
		else
			create->token.created_us = row_time(result, 0, 0);
	}
	create->done(create);
}

void token_create_send(struct store *store, struct token_create *create)
{
	struct access_token *token = &create->token;
	struct db_query *query = &create->query;
	char *hash = arena_alloc(create->arena, TOKEN_HASH_HEX_SIZE);
	struct buf after = { 0 };
	struct audit audit;

	create->store = store;
	uuid7_make(token->id, clock_wall_us(store->clock));
	token->revoked_us = token->last_used_us = INT64_MIN;
	token_hash_hex(create->hash, hash);
	token->hash = hash + 2;                  /* without PostgreSQL's \x */
	query_begin(query, &token_insert, DB_WRITE, create_on_done);
	query_text(query, token->id);
	query_text(query, token->name);
	query_text(query, hash);
	query_text(query, role_text(token->role));
	query_texts(query, create->arena, token->unit_ids, token->nunit_ids);
	query_text(query, uuid_or_nil(token->team_id));
	query_time(query, create->arena, token->expires_us);
	audit_begin(&audit, store, &create->actor);
	image_token(&after, token);
	audit_add(&audit, "token.create", "token", token->id, NULL, &after);
	query_text(query, audit_end(&audit, create->arena));
	buf_release(&after);
	db_send(store->db, query);
}

static const struct db_statement tokens_all = {
	"SELECT " TOKEN_COLUMNS " FROM access_token ORDER BY created_at, id"
};

static void list_on_done(struct db_query *query, const struct db_result *result)
{
	struct token_list *list = container_of(query, struct token_list, query);

	if (result_ok(result, &list->error)) {
		list->ntokens = (size_t)db_rows(result);
		list->tokens = arena_alloc(list->arena, (list->ntokens + 1) * sizeof(*list->tokens));
		for (size_t i = 0; i < list->ntokens; i++)
			token_read(&list->tokens[i], list->arena, result, (int)i);
	}
	list->done(list);
}

void token_list_send(struct store *store, struct token_list *list)
{
	list->store = store;
	query_begin(&list->query, &tokens_all, DB_READ, list_on_done);
	db_send(store->db, &list->query);
}

/*
 * Revoking: the live token is read, for its image; then it is revoked if it
 * still is live. Nothing else of a token ever changes, so the image holds.
 */
static void revoke_on_found(struct db_query *query, const struct db_result *result);
static void revoke_on_done(struct db_query *query, const struct db_result *result);

static const struct db_statement token_live = {
	"SELECT " TOKEN_COLUMNS " FROM access_token"
	" WHERE revoked_at IS NULL AND (id::text = lower($1) OR name = $1)"
	" ORDER BY id::text = lower($1) DESC LIMIT 1"
};
static const struct db_statement token_end = {
	"WITH ended AS ("
	" UPDATE access_token SET revoked_at = now() WHERE id = $1::uuid AND revoked_at IS NULL"
	" RETURNING id),"
	" audit AS (" AUDIT_INSERT("$2", "EXISTS (SELECT FROM ended)") "),"
	" bump AS (" TOPIC_BUMP("access", "EXISTS (SELECT FROM ended)") ")"
	" SELECT id FROM ended"
};

void token_revoke_send(struct store *store, struct token_revoke *revoke)
{
	revoke->store = store;
	query_begin(&revoke->query, &token_live, DB_READ, revoke_on_found);
	query_text(&revoke->query, revoke->key);
	db_send(store->db, &revoke->query);
}

static void revoke_end(struct token_revoke *revoke, struct access_token *token)
{
	struct db_query *query = &revoke->query;
	struct buf before = { 0 }, after = { 0 };
	struct audit audit;

	image_token(&before, token);
	token->revoked_us = clock_wall_us(revoke->store->clock);
	image_token(&after, token);
	query_begin(query, &token_end, DB_WRITE, revoke_on_done);
	query_text(query, arena_strdup(revoke->arena, token->id));
	audit_begin(&audit, revoke->store, &revoke->actor);
	audit_add(&audit, "token.revoke", "token", token->id, &before, &after);
	query_text(query, audit_end(&audit, revoke->arena));
	buf_release(&before);
	buf_release(&after);
	db_send(revoke->store->db, query);
}

/* A phone must always be able to hand in what it holds. */
static bool fail_of_phone(struct error *err)
{
	return error_set(err, ERR_ILLEGAL_STEP,
			 "This is the token of a phone. Revoke the phone (POST /api/v1/devices/{id}/revoke): then it is good for handing in only.",
			 "Đây là mã truy cập của một điện thoại. Hãy thu hồi điện thoại (POST /api/v1/devices/{id}/revoke): khi đó mã chỉ còn dùng để nộp.");
}

static void revoke_on_found(struct db_query *query, const struct db_result *result)
{
	struct token_revoke *revoke = container_of(query, struct token_revoke, query);
	struct access_token token;

	if (result_ok(result, &revoke->error)) {
		if (db_rows(result) > 0) {
			token_read(&token, revoke->arena, result, 0);
			if (!token.device_id) {
				revoke_end(revoke, &token);
				return;
			}
			fail_of_phone(&revoke->error);
		} else {
			fail_not_found(&revoke->error);
		}
	}
	revoke->done(revoke);
}

static void revoke_on_done(struct db_query *query, const struct db_result *result)
{
	struct token_revoke *revoke = container_of(query, struct token_revoke, query);

	if (result_ok(result, &revoke->error) && db_rows(result) == 0)
		fail_not_found(&revoke->error);
	revoke->done(revoke);
}

static const struct db_statement token_mark = {
	"UPDATE access_token SET last_used_at = now() WHERE id = ANY ($1::uuid[])"
	" AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')"
};

static void touch_on_done(struct db_query *query, const struct db_result *result)
{
	struct token_touch *touch = container_of(query, struct token_touch, query);

	(void)!result_ok(result, &touch->error);
	touch->done(touch);
}

void token_touch_send(struct store *store, struct token_touch *touch)
{
	query_begin(&touch->query, &token_mark, DB_WRITE, touch_on_done);
	query_texts(&touch->query, touch->arena, touch->ids, touch->nids);
	db_send(store->db, &touch->query);
}
