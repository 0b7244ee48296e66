#include "store/doctor_store.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "db/migrate.h"
#include "store/row.h"

enum { TABLES_MAX = 128 };

/* ---- the server ---- */

static const struct db_statement select_server = {
	"SELECT current_setting('server_version_num'), pg_encoding_to_char(encoding),"
	/* Who orders texts; the column of its name is another one since PostgreSQL 17. */
	" CASE datlocprovider WHEN 'c' THEN datcollate ELSE CASE datlocprovider WHEN 'i' THEN 'ICU ' ELSE '' END"
	"  || coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale') END,"
	" (SELECT max(age(datfrozenxid)) FROM pg_database), " SQL_MICROS("clock_timestamp()")
	" FROM pg_database d WHERE datname = current_database()"
};

static void take_server(struct doctor_load *load, const struct db_result *result)
{
	struct doctor_database *database = load->database;
	int64_t now_us = clock_wall_us(load->store->clock);

	if (db_rows(result) == 0)
		return;
	database->version = row_int(result, 0, 0, 0);
	database->encoding = row_text(load->arena, result, 0, 1);
	database->collation = row_text(load->arena, result, 0, 2);
	database->oldest_xid_age = db_int(result, 0, 3, 0);
	/* The server looked at its clock about half way between our two looks. */
	database->clock_ahead_us = load->sent_us + (now_us - load->sent_us) / 2 - db_int(result, 0, 4, 0);
}

static const struct db_statement select_settings = {
	"SELECT name, setting FROM pg_settings WHERE name IN ('data_checksums', 'fsync', 'full_page_writes',"
	" 'synchronous_commit', 'log_statement', 'log_min_duration_statement', 'log_min_duration_sample',"
	" 'log_transaction_sample_rate', 'log_parameter_max_length', 'log_parameter_max_length_on_error',"
	" 'log_error_verbosity', 'log_min_error_statement', 'max_connections',"
	" 'superuser_reserved_connections', 'reserved_connections', 'autovacuum', 'track_counts',"
	" 'archive_mode', 'archive_command', 'archive_library', 'archive_timeout')"
};

static void take_settings(struct doctor_load *load, const struct db_result *result)
{
	struct doctor_database *database = load->database;
	int rows = db_rows(result);

	for (int i = 0; i < rows && database->nsettings < DOCTOR_MAX; i++)
		database->settings[database->nsettings++] = (struct doctor_setting){
			row_text(load->arena, result, i, 0), row_text(load->arena, result, i, 1)
		};
	database->settings_known = rows > 0 && database->encoding;
}

/* ---- the role ---- */

static const struct db_statement select_role = {
	"SELECT r.rolname, r.rolsuper, r.rolcreaterole, r.rolcreatedb, r.rolreplication, r.rolbypassrls,"
	" EXISTS (SELECT FROM pg_namespace n WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
	"  AND has_schema_privilege(r.oid, n.oid, 'CREATE')),"
	" has_database_privilege(r.oid, d.oid, 'CREATE'),"
	" (SELECT count(*) FROM pg_class c WHERE c.relowner = r.oid AND c.relpersistence <> 't'),"
	" CASE WHEN r.rolsuper THEN '' ELSE coalesce((SELECT string_agg(m.rolname, ', ' ORDER BY m.rolname)"
	"  FROM pg_roles m WHERE m.oid <> r.oid AND pg_has_role(r.oid, m.oid, 'MEMBER')), '') END,"
	" CASE WHEN r.rolconnlimit < 0 THEN d.datconnlimit WHEN d.datconnlimit < 0 THEN r.rolconnlimit"
	"  ELSE least(r.rolconnlimit, d.datconnlimit) END"
	" FROM pg_roles r, pg_database d WHERE r.rolname = current_user AND d.datname = current_database()"
};

static void take_role(struct doctor_load *load, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return;
	load->database->role = (struct doctor_role){
		.known = true,
		.name = row_text(load->arena, result, 0, 0),
		.superuser = db_bool(result, 0, 1),
		.create_role = db_bool(result, 0, 2),
		.create_database = db_bool(result, 0, 3),
		.replication = db_bool(result, 0, 4),
		.bypass_rls = db_bool(result, 0, 5),
		.creates_in_schema = db_bool(result, 0, 6),
		.creates_schemas = db_bool(result, 0, 7),
		.owned = row_int(result, 0, 8, 0),
		.memberships = row_text(load->arena, result, 0, 9),
		.connection_limit = row_int(result, 0, 10, -1),
	};
}

/* In the order of enum: SELECT 1, INSERT 2, UPDATE 4, DELETE 8, TRUNCATE 16, REFERENCES 32, TRIGGER 64. */
static const struct db_statement select_rights = {
	"SELECT c.relname,"
	" (SELECT sum((1 << (n - 1)::integer) * has_table_privilege(c.oid, p)::integer) FROM unnest(ARRAY["
	"  'SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) WITH ORDINALITY AS t (p, n)),"
	" (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
	"  AND has_column_privilege(c.oid, a.attnum, 'UPDATE'))"
	" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
	" WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') ORDER BY c.relname"
};

static unsigned rights_of(unsigned granted)
{
	return (granted & MIGRATE_SELECT ? RIGHT_SELECT : 0u) | (granted & MIGRATE_INSERT ? RIGHT_INSERT : 0u) |
	       (granted & MIGRATE_UPDATE ? RIGHT_UPDATE : 0u) | (granted & MIGRATE_DELETE ? RIGHT_DELETE : 0u);
}

static void add_grant(struct doctor_table *table, const struct migrate_grant *grants, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (streq(grants[i].table, table->name)) {
			table->granted = rights_of(grants[i].rights);
			table->granted_columns = grants[i].update_columns;
		}
}

static void take_rights(struct doctor_load *load, const struct db_result *result)
{
	struct migrate_grant grants[TABLES_MAX];
	size_t ngrants = migrate_grants(grants, TABLES_MAX);
	size_t rows = (size_t)db_rows(result);
	struct doctor_table *tables = arena_alloc(load->arena, (rows + 1) * sizeof(*tables));

	for (size_t i = 0; i < rows; i++) {
		tables[i].name = row_text(load->arena, result, (int)i, 0);
		tables[i].rights = (unsigned)row_int(result, (int)i, 1, 0);
		tables[i].update_columns = row_int(result, (int)i, 2, 0);
		add_grant(&tables[i], grants, ngrants);
	}
	load->database->tables = tables;
	load->database->ntables = rows;
	load->database->rights_known = rows > 0;
}

/* ---- what goes on ---- */

static const struct db_statement select_daemons = {
	"SELECT host, version, key_ids::text, extract(epoch FROM now() - seen_at)::integer, rules FROM daemon"
	" ORDER BY seen_at DESC LIMIT 32"
};

static void take_daemons(struct doctor_load *load, const struct db_result *result)
{
	struct doctor_database *database = load->database;

	for (int i = 0; i < db_rows(result) && database->ndaemons < DOCTOR_MAX; i++)
		database->daemons[database->ndaemons++] = (struct doctor_daemon){
			.host = row_text(load->arena, result, i, 0),
			.version = row_text(load->arena, result, i, 1),
			.key_ids = row_text(load->arena, result, i, 2),
			.seen_ago = row_int(result, i, 3, 0),
			.rules = row_text(load->arena, result, i, 4),
		};
	database->daemons_known = true;
}

static const struct db_statement select_keys = {
	"SELECT k.kind || '-' || k.id, k.state, encode(k.fingerprint, 'hex'),"
	" extract(epoch FROM now() - k.changed_at)::integer / 86400,"
	" (SELECT count(*) FROM daemon AS d WHERE d.seen_at > now() - interval '20 seconds' AND NOT d.keys @>"
	"  jsonb_build_array(jsonb_build_object('kind', k.kind, 'id', k.id, 'fingerprint', encode(k.fingerprint, 'hex'))))"
	" FROM key AS k ORDER BY k.id DESC, k.kind LIMIT 32"
};

static void take_keys(struct doctor_load *load, const struct db_result *result)
{
	struct doctor_database *database = load->database;

	for (int i = 0; i < db_rows(result) && database->nkeys < DOCTOR_MAX; i++)
		database->keys[database->nkeys++] = (struct doctor_key){
			.name = row_text(load->arena, result, i, 0),
			.state = row_text(load->arena, result, i, 1),
			.fingerprint = row_text(load->arena, result, i, 2),
			.unchanged_days = row_int(result, i, 3, 0),
			.lacking = row_int(result, i, 4, 0),
		};
	database->keys_known = true;
}

/* The sealer walks by (xid, id): what lies behind its last step waits. A minute is more than it ever needs. */
static const struct db_statement select_sealing = {
	"WITH last AS (SELECT e.xid, e.id FROM audit_seal s JOIN audit_entry e ON e.id = s.entry_id"
	" ORDER BY s.position DESC LIMIT 1)"
	" SELECT count(*), coalesce(max(extract(epoch FROM now() - e.at)), 0)::bigint FROM audit_entry e"
	" WHERE e.at < now() - interval '1 minute'"
	" AND (e.xid, e.id) > (coalesce((SELECT xid FROM last), '0'::xid8),"
	"  coalesce((SELECT id FROM last), '00000000-0000-0000-0000-000000000000'::uuid))"
};

static void take_sealing(struct doctor_load *load, const struct db_result *result)
{
	load->database->unsealed = db_int(result, 0, 0, 0);
	load->database->unsealed_age = db_int(result, 0, 1, 0);
	load->database->sealing_known = true;
}

/* What a clock that was ahead has noted says nothing. */
static const struct db_statement select_backup = {
	"SELECT (SELECT extract(epoch FROM now() - max(at))::bigint FROM audit_entry"
	"  WHERE subject_kind = 'backup' AND action = 'backup.make' AND at < now() + interval '1 hour'),"
	" (SELECT extract(epoch FROM now() - min(applied_at))::bigint FROM schema_migration)"
};

/* A clock that was set back gives an age below 0, which would mean that there is none. */
static int64_t age_of(const struct db_result *result, int column)
{
	int64_t age = db_int(result, 0, column, -1);

	return db_is_null(result, 0, column) ? -1 : age < 0 ? 0 : age;
}

static void take_backup(struct doctor_load *load, const struct db_result *result)
{
	load->database->backup_age = age_of(result, 0);
	load->database->age = age_of(result, 1);
	load->database->backup_known = true;
}

static const struct db_statement select_archiver = {
	"SELECT extract(epoch FROM now() - last_archived_time)::bigint,"
	" last_failed_time > coalesce(last_archived_time, '-infinity'),"
	" extract(epoch FROM now() - last_failed_time)::bigint, last_failed_wal FROM pg_stat_archiver"
};

static void take_archiver(struct doctor_load *load, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return;
	load->database->archived_ago = age_of(result, 0);
	load->database->archive_fails = db_bool(result, 0, 1);
	load->database->archive_failed_ago = age_of(result, 2);
	load->database->archive_failed_file = row_text(load->arena, result, 0, 3);
	load->database->archiver_known = true;
}

/* A scope all of whose units have ended: nothing can be written with it (domain/scope.h). The others still serve. */
#define SCOPE_ENDED(t) \
	"cardinality(" t ".unit_ids) > 0 AND NOT EXISTS (SELECT FROM unit u WHERE u.id = ANY (" t ".unit_ids)" \
	" AND (u.valid_to IS NULL OR u.valid_to >= $1::date))"

static const struct db_statement select_tokens = {
	"SELECT count(*) FILTER (WHERE expires_at < now() + interval '14 days'),"
	" count(*) FILTER (WHERE " SCOPE_ENDED("t") ")"
	" FROM access_token t WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())"
};

static void take_tokens(struct doctor_load *load, const struct db_result *result)
{
	load->database->tokens_ending = row_int(result, 0, 0, 0);
	load->database->tokens_on_ended_units = row_int(result, 0, 1, 0);
	load->database->tokens_known = true;
}

static const struct db_statement select_admins = {
	"SELECT count(*), count(*) FILTER (WHERE totp_sealed IS NULL) FROM staff_user WHERE role = 'admin' AND state = 'active'"
};

static void take_admins(struct doctor_load *load, const struct db_result *result)
{
	load->database->admins = row_int(result, 0, 0, 0);
	load->database->admins_password_alone = row_int(result, 0, 1, 0);
	load->database->admins_known = true;
}

static const struct db_statement select_accounts = {
	"SELECT count(*) FROM staff_user AS s WHERE s.state = 'active' AND " SCOPE_ENDED("s")
};

static void take_accounts(struct doctor_load *load, const struct db_result *result)
{
	load->database->accounts_on_ended_units = row_int(result, 0, 0, 0);
	load->database->accounts_known = true;
}

static const struct db_statement select_calendar = {
	"SELECT (SELECT holidays_known_to FROM calendar),"
	" (SELECT count(DISTINCT r.id) FROM round r JOIN round_unit ru ON ru.round_id = r.id"
	"  JOIN unit u ON u.id = ru.unit_id"
	"  WHERE r.to_day >= $1::date AND r.status NOT IN ('closed', 'cancelled')"
	"  AND (u.valid_to < r.from_day OR u.valid_from > r.to_day))"
};

static void take_calendar(struct doctor_load *load, const struct db_result *result)
{
	load->database->holidays_known_to = row_date(result, 0, 0);
	load->database->rounds_on_ended_units = row_int(result, 0, 1, 0);
	load->database->calendar_known = true;
}

/* ---- one after the other ---- */

static const struct part {
	const struct db_statement *statement;
	bool                       by_day;       /* its $1 is today */
	void                     (*take)(struct doctor_load *load, const struct db_result *result);
} parts[] = {
	{ &select_server, false, take_server },   { &select_settings, false, take_settings },
	{ &select_role, false, take_role },       { &select_rights, false, take_rights },
	{ &select_daemons, false, take_daemons }, { &select_keys, false, take_keys },
	{ &select_sealing, false, take_sealing }, { &select_backup, false, take_backup },
	{ &select_archiver, false, take_archiver },
	{ &select_tokens, true, take_tokens },    { &select_admins, false, take_admins },
	{ &select_accounts, true, take_accounts }, { &select_calendar, true, take_calendar },
};

static void send_part(struct doctor_load *load);

static void on_part(struct db_query *query, const struct db_result *result)
{
	struct doctor_load *load = container_of(query, struct doctor_load, query);

	if (result->outcome == DB_OK)
		parts[load->part].take(load, result);
	if (++load->part < ARRAY_SIZE(parts))
		send_part(load);
	else
		load->done(load);
}

static void send_part(struct doctor_load *load)
{
	const struct part *part = &parts[load->part];

	query_begin(&load->query, part->statement, DB_READ, on_part);
	if (part->by_day)
		query_date(&load->query, load->arena, load->today);
	load->sent_us = clock_wall_us(load->store->clock);
	db_send(load->store->db, &load->query);
}

void doctor_load_send(struct store *store, struct doctor_load *load)
{
	load->store = store;
	load->part = 0;
	send_part(load);
}
