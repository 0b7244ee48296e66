#include "store/device_store.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "store/access_store.h"
#include "store/audit.h"
#include "store/failure.h"
#include "store/image.h"
#include "store/replay.h"
#include "store/row.h"

#define DEVICE_COLUMNS(d) \
	d ".id, " d ".name, " d ".team_id, (SELECT t.name FROM team AS t WHERE t.id = " d ".team_id), " d ".install, " \
	SQL_MICROS(d ".created_at") ", " SQL_MICROS(d ".enrolled_at") ", " SQL_MICROS(d ".revoked_at") ", " \
	SQL_MICROS(d ".code_until") ", (SELECT " SQL_MICROS("max(k.last_used_at)") " FROM access_token AS k WHERE k.device_id = " d ".id)"

static void device_read(struct device *device, struct arena *arena, const struct db_result *result, int row, int column)
{
	row_uuid(result, row, column, device->id);
	device->name = row_text(arena, result, row, column + 1);
	device->team_id = row_text(arena, result, row, column + 2);
	device->team_name = row_text(arena, result, row, column + 3);
	device->install = row_text(arena, result, row, column + 4);
	device->created_us = row_time(result, row, column + 5);
	device->enrolled_us = row_time(result, row, column + 6);
	device->revoked_us = row_time(result, row, column + 7);
	device->code_until_us = row_time(result, row, column + 8);
	device->last_seen_us = row_time(result, row, column + 9);
}

/* ---- made, with a code ---- */

/* $8 audit   $9 id   $10 name   $11 team   $12 hash of the code   $13 minutes */
static const struct db_statement create_statement = {
	"WITH " CLAIM("true") ","
	" made AS (INSERT INTO device (id, name, team_id, code_hash, code_until)"
	"  SELECT $9::uuid, $10, $11::uuid, $12::bytea, now() + make_interval(mins => $13::integer) FROM go RETURNING *),"
	" audit AS (" AUDIT_INSERT("$8", "EXISTS (SELECT FROM made)") ")"
	" SELECT EXISTS (SELECT FROM go), " DEVICE_COLUMNS("made") " FROM (SELECT 1) AS one LEFT JOIN made ON true"
};

static void create_on_replayed(struct db_query *query, const struct db_result *result)
{
	struct device_create *create = container_of(query, struct device_create, query);

	(void)!replay_read(result, &create->idempotency, &create->error);
	create->done(create);
}

static void create_on_done(struct db_query *query, const struct db_result *result)
{
	struct device_create *create = container_of(query, struct device_create, query);

	if (claim_read(result, &create->idempotency, &create->error) == CLAIM_LOST) {
		replay_send(create->store, query, &create->idempotency, &create->actor, "device", create->arena,
			    create_on_replayed);
		return;
	}
	if (create->error.code == ERR_NONE)
		device_read(&create->device, create->arena, result, 0, 1);
	create->done(create);
}

void device_create_send(struct store *store, struct device_create *create)
{
	char *hash = arena_alloc(create->arena, TOKEN_HASH_HEX_SIZE);
	struct device *device = &create->device;
	struct db_query *query = &create->query;
	struct buf image = { 0 };
	struct audit audit;

	create->store = store;
	token_hash_hex(create->code_hash, hash);
	uuid7_make(device->id, clock_wall_us(store->clock));
	audit_begin(&audit, store, &create->actor);
	query_begin(query, &create_statement, DB_WRITE, create_on_done);
	query_claim(query, store, &create->idempotency, device->id, create->arena);
	image_device(&image, device->id, device->name, device->team_id, false);
	audit_add(&audit, "device.create", "device", device->id, NULL, &image);
	buf_release(&image);
	query_text(query, audit_end(&audit, create->arena));
	query_text(query, device->id);
	query_text(query, device->name);
	query_text(query, uuid_or_nil(device->team_id));
	query_text(query, hash);
	query_int(query, create->arena, DEVICE_CODE_MINUTES);
	db_send(store->db, query);
}

/* ---- enrolled ---- */

#define CODE_LIVE(code, install) \
	"d.code_hash = " code "::bytea AND d.code_until > now() AND d.revoked_at IS NULL" \
	" AND (d.install IS NULL OR d.install = " install "::uuid)" \
	" AND NOT EXISTS (SELECT FROM access_token AS k WHERE k.device_id = d.id AND k.last_used_at IS NOT NULL)"

/* Whose code it is: for the image of its token. */
static const struct db_statement code_statement = {
	"SELECT " DEVICE_COLUMNS("d") " FROM device AS d WHERE " CODE_LIVE("$1", "$2")
};

/*
 *	$1 audit   $2 hash of the code   $3 install   $4 id of the token   $5 its name   $6 its hash
 *
 * Who repeats it has the token already: only its audit row is written then.
 */
static const struct db_statement enrol_statement = {
	"WITH own AS MATERIALIZED (SELECT d.* FROM device AS d WHERE " CODE_LIVE("$2", "$3") " FOR UPDATE),"
	" made AS (UPDATE device AS d SET install = $3::uuid, enrolled_at = coalesce(d.enrolled_at, now()) FROM own"
	"  WHERE d.id = own.id RETURNING d.*),"
	" token AS (INSERT INTO access_token (id, name, hash, role, team_id, device_id)"
	"  SELECT $4::uuid, $5, $6::bytea, 'team', own.team_id, own.id FROM own"
	"  WHERE NOT EXISTS (SELECT FROM access_token AS k WHERE k.hash = $6::bytea) RETURNING id),"
	" audit AS (" AUDIT_INSERT("$1", "EXISTS (SELECT FROM own) AND (entry.subject_kind <> 'token' OR EXISTS (SELECT FROM token))") "),"
	" bump AS (" TOPIC_BUMP("access", "EXISTS (SELECT FROM token)") ")"
	" SELECT " DEVICE_COLUMNS("made") " FROM made"
};

static bool fail_code(struct error *err)
{
	return error_set(err, ERR_NOT_FOUND, "This code is not known, was used, or has expired. Ask for a new one.",
			 "Mã này không có, đã dùng hoặc đã hết hạn. Hãy xin mã mới.");
}

static void enrol_on_done(struct db_query *query, const struct db_result *result)
{
	struct device_enrol *enrol = container_of(query, struct device_enrol, query);

	if (result_ok(result, &enrol->error)) {
		if (db_rows(result) == 0)
			fail_code(&enrol->error);
		else
			device_read(&enrol->device, enrol->arena, result, 0, 0);
	}
	enrol->done(enrol);
}

static void enrol_write(struct device_enrol *enrol)
{
	struct db_query *query = &enrol->query;
	struct arena *arena = enrol->arena;
	char *code = arena_alloc(arena, TOKEN_HASH_HEX_SIZE), *hash = arena_alloc(arena, TOKEN_HASH_HEX_SIZE);
	struct access_token token = { .role = ROLE_TEAM, .team_id = enrol->device.team_id, .device_id = enrol->device.id,
				      .created_us = INT64_MIN, .expires_us = INT64_MIN, .revoked_us = INT64_MIN,
				      .last_used_us = INT64_MIN };
	struct buf image = { 0 };
	struct audit audit;

	token_hash_hex(enrol->code_hash, code);
	token_hash_hex(enrol->token_hash, hash);
	uuid7_make(token.id, clock_wall_us(enrol->store->clock));
	token.hash = hash + 2;
	token.name = arena_printf(arena, "device %s", enrol->device.id);
	image_token(&image, &token);
	audit_begin(&audit, enrol->store, &enrol->actor);
	audit_add_reading(&audit, "device.enrol", "device", enrol->device.id, NULL);
	audit_add(&audit, "token.create", "token", token.id, NULL, &image);
	buf_release(&image);
	query_begin(query, &enrol_statement, DB_WRITE, enrol_on_done);
	query_text(query, audit_end(&audit, arena));
	query_text(query, code);
	query_text(query, enrol->install);
	query_text(query, arena_strdup(arena, token.id));
	query_text(query, token.name);
	query_text(query, hash);
	db_send(enrol->store->db, query);
}

static void code_on_done(struct db_query *query, const struct db_result *result)
{
	struct device_enrol *enrol = container_of(query, struct device_enrol, query);

	if (result_ok(result, &enrol->error)) {
		if (db_rows(result) > 0) {
			device_read(&enrol->device, enrol->arena, result, 0, 0);
			enrol_write(enrol);
			return;
		}
		fail_code(&enrol->error);
	}
	enrol->done(enrol);
}

void device_enrol_send(struct store *store, struct device_enrol *enrol)
{
	char *code = arena_alloc(enrol->arena, TOKEN_HASH_HEX_SIZE);

	enrol->store = store;
	token_hash_hex(enrol->code_hash, code);
	query_begin(&enrol->query, &code_statement, DB_READ, code_on_done);
	query_text(&enrol->query, code);
	query_text(&enrol->query, enrol->install);
	db_send(store->db, &enrol->query);
}

/* ---- listed ---- */

static const struct db_statement list_statement = {
	"SELECT " DEVICE_COLUMNS("d") " FROM device AS d WHERE ($1::uuid IS NULL OR d.id = $1::uuid)"
	" AND ($2::uuid IS NULL OR d.id < $2::uuid) ORDER BY d.id DESC LIMIT $3::integer"
};

static void list_on_done(struct db_query *query, const struct db_result *result)
{
	struct device_list *list = container_of(query, struct device_list, query);

	if (result_ok(result, &list->error)) {
		int rows = db_rows(result);

		list->more = rows > list->limit;
		list->ndevices = (size_t)(list->more ? list->limit : rows);
		list->devices = arena_alloc(list->arena, (list->ndevices + 1) * sizeof(*list->devices));
		for (size_t i = 0; i < list->ndevices; i++)
			device_read(&list->devices[i], list->arena, result, (int)i, 0);
		if (list->id && rows == 0)
			fail_not_found(&list->error);
	}
	list->done(list);
}

void device_list_send(struct store *store, struct device_list *list)
{
	query_begin(&list->query, &list_statement, DB_READ, list_on_done);
	query_text(&list->query, uuid_or_nil(list->id));
	query_text(&list->query, list->after[0] ? uuid_or_nil(list->after) : NULL);
	query_text(&list->query, page_limit(list->limit, list->limit_text));
	db_send(store->db, &list->query);
}

/* ---- revoked ---- */

static const struct db_statement revoke_statement = {
	"WITH own AS (SELECT * FROM device WHERE id = $2::uuid),"
	" ended AS (UPDATE device SET revoked_at = now() WHERE id = $2::uuid AND revoked_at IS NULL RETURNING *),"
	" audit AS (" AUDIT_INSERT("$1", "EXISTS (SELECT FROM ended)") "),"
	" bump AS (" TOPIC_BUMP("access", "EXISTS (SELECT FROM ended)") ")"
	" SELECT " DEVICE_COLUMNS("d") " FROM (SELECT * FROM ended UNION ALL SELECT * FROM own WHERE NOT EXISTS (SELECT FROM ended)) AS d"
};

static void revoke_on_done(struct db_query *query, const struct db_result *result);

static void revoke_on_found(struct db_query *query, const struct db_result *result)
{
	struct device_revoke *revoke = container_of(query, struct device_revoke, query);
	struct buf was = { 0 }, is = { 0 };
	struct audit audit;

	if (!result_ok(result, &revoke->error) || (db_rows(result) == 0 && !fail_not_found(&revoke->error))) {
		revoke->done(revoke);
		return;
	}
	device_read(&revoke->device, revoke->arena, result, 0, 0);
	image_device(&was, revoke->device.id, revoke->device.name, revoke->device.team_id, false);
	image_device(&is, revoke->device.id, revoke->device.name, revoke->device.team_id, true);
	audit_begin(&audit, revoke->store, &revoke->actor);
	audit_add(&audit, "device.revoke", "device", revoke->device.id, &was, &is);
	buf_release(&was);
	buf_release(&is);
	query_begin(query, &revoke_statement, DB_WRITE, revoke_on_done);
	query_text(query, audit_end(&audit, revoke->arena));
	query_text(query, uuid_or_nil(revoke->id));
	db_send(revoke->store->db, query);
}

static void revoke_on_done(struct db_query *query, const struct db_result *result)
{
	struct device_revoke *revoke = container_of(query, struct device_revoke, query);

	if (result_ok(result, &revoke->error)) {
		if (db_rows(result) == 0)
			fail_not_found(&revoke->error);
		else
			device_read(&revoke->device, revoke->arena, result, 0, 0);
	}
	revoke->done(revoke);
}

void device_revoke_send(struct store *store, struct device_revoke *revoke)
{
	revoke->store = store;
	query_begin(&revoke->query, &list_statement, DB_READ, revoke_on_found);
	query_text(&revoke->query, uuid_or_nil(revoke->id));
	query_text(&revoke->query, NULL);
	query_text(&revoke->query, "1");
	db_send(store->db, &revoke->query);
}
