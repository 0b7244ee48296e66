#include "store/backup_store.h"

#include "base/clock.h"
#include "store/audit.h"
#include "store/failure.h"
#include "store/row.h"

static const struct db_statement facts = {
	"SELECT current_setting('server_version'), (SELECT system_identifier FROM pg_control_system()),"
	" (SELECT max(number) FROM schema_migration), head.position, encode(head.hash, 'hex')"
	" FROM (VALUES (1)) AS one (row)"
	" LEFT JOIN LATERAL (SELECT position, hash FROM audit_seal ORDER BY position DESC LIMIT 1) AS head ON true"
};

static void facts_on_done(struct db_query *query, const struct db_result *result)
{
	struct backup_facts_load *load = container_of(query, struct backup_facts_load, query);
	struct backup *backup = &load->backup;

	if (result_ok(result, &load->error)) {
		backup->postgres = row_text(load->arena, result, 0, 0);
		backup->system_identifier = row_text(load->arena, result, 0, 1);
		backup->schema = db_int(result, 0, 2, 0);
		backup->sealed_position = db_int(result, 0, 3, 0);
		backup->sealed_hash = row_text(load->arena, result, 0, 4);
	}
	load->done(load);
}

void backup_facts_load_send(struct store *store, struct backup_facts_load *load)
{
	load->backup.made_us = clock_wall_us(store->clock);
	query_begin(&load->query, &facts, DB_READ, facts_on_done);
	db_send(store->db, &load->query);
}

static const struct db_statement note_made = { AUDIT_INSERT("$1", "true") };
static const struct db_statement note_restored = {
	"WITH gone AS (DELETE FROM daemon) " AUDIT_INSERT("$1", "true")
};

static void note_on_done(struct db_query *query, const struct db_result *result)
{
	struct backup_note *note = container_of(query, struct backup_note, query);

	(void)!result_ok(result, &note->error);
	note->done(note);
}

void backup_note_send(struct store *store, struct backup_note *note)
{
	struct audit audit;

	audit_begin(&audit, store, &note->actor);
	audit_add(&audit, note->restored ? "backup.restore" : "backup.make", "backup", note->name, NULL, note->file);
	query_begin(&note->query, note->restored ? &note_restored : &note_made, DB_WRITE, note_on_done);
	query_text(&note->query, audit_end(&audit, note->arena));
	db_send(store->db, &note->query);
}
