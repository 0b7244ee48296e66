#include "store/held_store.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "store/audit.h"
#include "store/donor_row.h"
#include "store/failure.h"
#include "store/item_step.h"
#include "store/row.h"

/* ---- one as it stands ---- */

#define ITEM_LAST_VERB(i) \
	"(SELECT d.verb FROM item_decision AS d WHERE d.item_id = " i ".id AND d.content_hash = " i ".content_hash" \
	" ORDER BY d.version DESC LIMIT 1)"
#define ITEM_ROUNDS(i) "item_rounds(" i ".round_id, " i ".install, " i ".device_id, " i ".captured_at)"
#define ITEM_IN_SCOPE(i, units) \
	"(" units "::text[] IS NULL OR EXISTS (SELECT FROM round_unit AS u WHERE u.round_id = " i ".round_id AND u.unit_id = ANY (" units "))" \
	" OR (" i ".round_id IS NULL AND EXISTS (SELECT FROM " ITEM_ROUNDS(i) " AS w (id) JOIN round_unit AS u ON u.round_id = w.id" \
	" WHERE u.unit_id = ANY (" units "))))"
/* `s` tells how `i` stands. */
#define ITEM_COLUMNS(i) \
	i ".id, " i ".donor_id, encode(" i ".content_hash, 'hex'), " i ".kind, " i ".round_id, " i ".device_id, " i ".install, " \
	i ".corrects, " i ".seq, " SQL_MICROS(i ".captured_at") ", " SQL_MICROS(i ".received_at") ", " i ".verdict, s.state," \
	" ARRAY(SELECT DISTINCT r.reason FROM item_reason AS r WHERE r.id = " i ".id AND r.content_hash = " i ".content_hash ORDER BY 1)," \
	" " ITEM_LAST_VERB(i) ", " i ".staff"
/* Asked for those only that the rest of the statement wants. */
#define ITEM_WITH_STATE(i) "item AS " i " CROSS JOIN LATERAL (SELECT item_stands(" i ".id, " i ".content_hash) AS state) AS s"
enum { ITEM_COLUMN_COUNT = 16 };

static void item_read(struct held_item *item, struct arena *arena, const struct db_result *result, int row)
{
	row_uuid(result, row, 0, item->id);
	row_uuid(result, row, 1, item->donor_id);
	item->content_hash = row_text(arena, result, row, 2);
	item->kind = row_text(arena, result, row, 3);
	item->round_id = row_text(arena, result, row, 4);
	item->device_id = row_text(arena, result, row, 5);
	item->install = row_text(arena, result, row, 6);
	item->corrects = row_text(arena, result, row, 7);
	item->seq = db_int(result, row, 8, 0);
	item->captured_us = row_time(result, row, 9);
	item->received_us = row_time(result, row, 10);
	(void)item_verdict_parse(db_text(result, row, 11), &item->verdict);
	item->state = row_text(arena, result, row, 12);
	item->reasons = row_texts(arena, result, row, 13, &item->nreasons);
	item->decision = row_text(arena, result, row, 14);
	item->staff = db_bool(result, row, 15);
}

static void query_units(struct db_query *query, struct arena *arena, const char *const *units, size_t count)
{
	if (units)
		query_texts(query, arena, units, count);
	else
		query_text(query, NULL);
}

/* ---- what waits ---- */

/* $1 round or NULL   $2 units or NULL   $3 $4 id and hash to go on behind   $5 how many */
static const struct db_statement list_statement = {
	"SELECT " ITEM_COLUMNS("i") " FROM " ITEM_WITH_STATE("i") " WHERE ($1::uuid IS NULL OR i.round_id = $1::uuid"
	"  OR (i.round_id IS NULL AND $1::uuid IN (SELECT " ITEM_ROUNDS("i") "))) AND " ITEM_IN_SCOPE("i", "$2")
	" AND ($3::uuid IS NULL OR (i.id, i.content_hash) > ($3::uuid, decode($4, 'hex')))"
	" AND s.state IN ('open', 'held') ORDER BY i.id, i.content_hash LIMIT $5::integer"
};

static void list_on_done(struct db_query *query, const struct db_result *result)
{
	struct held_list *list = container_of(query, struct held_list, query);

	if (result_ok(result, &list->error)) {
		int rows = db_rows(result);

		list->more = rows > list->limit;
		list->nitems = (size_t)(list->more ? list->limit : rows);
		list->items = arena_alloc(list->arena, (list->nitems + 1) * sizeof(*list->items));
		for (size_t i = 0; i < list->nitems; i++)
			item_read(&list->items[i], list->arena, result, (int)i);
	}
	list->done(list);
}

void held_list_send(struct store *store, struct held_list *list)
{
	const char *colon = strchr(list->after, ':');

	query_begin(&list->query, &list_statement, DB_SLOW, list_on_done);
	query_text(&list->query, uuid_or_nil(list->round_id));
	query_units(&list->query, list->arena, list->units, list->nunits);
	query_text(&list->query, colon ? uuid_or_nil(arena_strndup(list->arena, list->after, (size_t)(colon - list->after))) : NULL);
	query_text(&list->query, colon && strspn(colon + 1, "0123456789abcdef") == 64 && strlen(colon + 1) == 64 ? colon + 1 : "");
	query_text(&list->query, page_limit(list->limit, list->limit_text));
	db_send(store->db, &list->query);
}

/* ---- one, opened ---- */

/* $1 item   $2 units or NULL   $3 audit, an entry for each that may be told */
static const struct db_statement load_statement = {
	"WITH here AS MATERIALIZED (SELECT EXISTS (SELECT FROM item AS i WHERE i.id = $1::uuid AND " ITEM_IN_SCOPE("i", "$2") ") AS there),"
	" found AS MATERIALIZED (SELECT i.* FROM here CROSS JOIN LATERAL item_beside($1::uuid) AS c (id) JOIN item AS i ON i.id = c.id"
	"  WHERE here.there AND " ITEM_IN_SCOPE("i", "$2") " ORDER BY i.id <> $1::uuid, i.captured_at, i.id, i.tie LIMIT 32),"
	" told AS (SELECT t.id::text AS id, row_number() OVER () AS n FROM (SELECT DISTINCT donor_id AS id FROM found) AS t),"
	" audit AS (INSERT INTO audit_entry (" AUDIT_COLUMNS ")"
	"  SELECT (e.row->>'id')::uuid, e.row->>'actor_kind', e.row->>'actor_id', e.row->>'actor_role', e.row->>'action',"
	"   e.row->>'subject_kind', told.id, e.row->>'request_id', (e.row->>'key_id')::integer, NULL, NULL"
	"  FROM jsonb_array_elements($3::jsonb) WITH ORDINALITY AS e (row, n) JOIN told ON told.n = e.n)"
	" SELECT " ITEM_COLUMNS("i") ", d.erased_at IS NOT NULL, d.wrap_key_id, d.wrapped_key, i.sealed, (SELECT item_case_version($1::uuid)),"
	"  i.registers, coalesce((SELECT a.into_id FROM donor_alias AS a WHERE a.donor_id = i.donor_id), i.donor_id),"
	"  (SELECT w.id FROM " ITEM_ROUNDS("i") " AS w (id) ORDER BY NOT EXISTS (SELECT FROM round_unit AS u WHERE u.round_id = w.id"
	"    AND u.unit_id = ANY ($2::text[])), w.id LIMIT 1)"
	" FROM found AS i JOIN item_state AS s ON s.id = i.id AND s.content_hash = i.content_hash JOIN donor AS d ON d.id = i.donor_id"
	" ORDER BY i.id <> $1::uuid, i.captured_at, i.id, i.tie"
};

static bool open_content(struct held_item *item, const struct store *store, struct arena *arena, const struct db_result *result, int row,
			 struct error *err)
{
	struct donor_record record = { 0 };

	if (db_bool(result, row, ITEM_COLUMN_COUNT))
		return true;
	memcpy(record.donor.id, item->donor_id, sizeof(record.donor.id));
	record.wrap_key_id = row_int(result, row, ITEM_COLUMN_COUNT + 1, 0);
	record.wrapped_hex = row_text(arena, result, row, ITEM_COLUMN_COUNT + 2);
	if (!donor_open_key(&record, store, err))
		return false;
	item->content = donor_open_text("item", arena_printf(arena, "content %s", item->id), item->donor_id,
					db_text(result, row, ITEM_COLUMN_COUNT + 3), store, arena);
	return item->content || donor_fail_sealed(err);
}

static void load_on_done(struct db_query *query, const struct db_result *result)
{
	struct held_load *load = container_of(query, struct held_load, query);

	if (result_ok(result, &load->error)) {
		load->nitems = (size_t)db_rows(result);
		load->items = arena_alloc(load->arena, (load->nitems + 1) * sizeof(*load->items));
		for (size_t i = 0; i < load->nitems; i++) {
			item_read(&load->items[i], load->arena, result, (int)i);
			load->items[i].registers = db_bool(result, (int)i, ITEM_COLUMN_COUNT + 5);
			row_uuid(result, (int)i, ITEM_COLUMN_COUNT + 6, load->items[i].person_id);
			load->items[i].of_round = row_text(load->arena, result, (int)i, ITEM_COLUMN_COUNT + 7);
			load->version = db_int(result, (int)i, ITEM_COLUMN_COUNT + 4, 0);
			if (!open_content(&load->items[i], load->store, load->arena, result, (int)i, &load->error))
				break;
		}
		if (load->nitems == 0)
			fail_not_found(&load->error);
	}
	load->done(load);
}

void held_load_send(struct store *store, struct held_load *load)
{
	struct audit audit;

	load->store = store;
	query_begin(&load->query, &load_statement, DB_WRITE, load_on_done);
	query_text(&load->query, uuid_or_nil(load->id));
	query_units(&load->query, load->arena, load->units, load->nunits);
	audit_begin(&audit, store, &load->actor);
	for (int i = 0; i < HELD_CONTENTS_MAX; i++)
		audit_add_reading(&audit, "item.read", "donor", "", NULL);
	query_text(&load->query, audit_end(&audit, load->arena));
	db_send(store->db, &load->query);
}

/* ---- of one person ---- */

/* $1 the record that stands   $2 how many */
static const struct db_statement person_statement = {
	"SELECT " ITEM_COLUMNS("i") ", d.erased_at IS NOT NULL, d.wrap_key_id, d.wrapped_key, i.sealed"
	" FROM " ITEM_WITH_STATE("i") " JOIN donor AS d ON d.id = i.donor_id"
	" WHERE i.donor_id = ANY (ARRAY(SELECT $1::uuid UNION ALL SELECT m.donor_id FROM donor_alias AS m WHERE m.into_id = $1::uuid))"
	" ORDER BY i.captured_at, i.id, i.tie LIMIT $2::integer"
};

static void person_on_done(struct db_query *query, const struct db_result *result)
{
	struct held_person *person = container_of(query, struct held_person, query);
	struct error err;
	int rows;

	if (result_ok(result, &person->error)) {
		rows = db_rows(result);
		person->more = rows > person->limit;
		person->nitems = (size_t)(person->more ? person->limit : rows);
		person->items = arena_alloc(person->arena, (person->nitems + 1) * sizeof(*person->items));
		for (size_t i = 0; i < person->nitems; i++) {
			item_read(&person->items[i], person->arena, result, (int)i);
			if (!open_content(&person->items[i], person->store, person->arena, result, (int)i, &err))
				log_error("item_not_opened", "item=%s why=\"what is kept is not what was sealed\"", person->items[i].id);
		}
	}
	person->done(person);
}

void held_person_send(struct store *store, struct held_person *person)
{
	person->store = store;
	query_begin(&person->query, &person_statement, DB_READ, person_on_done);
	query_text(&person->query, uuid_or_nil(person->donor_id));
	query_int(&person->query, person->arena, person->limit + 1);
	db_send(store->db, &person->query);
}

/* ---- decided ---- */

/*
 * $1 audit where it was said before   $2 audit of decisions   $3 item   $4 content   $5 verb   $6 $7 who   $8 units or NULL
 * $9 whether all others of its case are dropped   $10 version
 */
static const struct db_statement decide_statement = {
	"WITH named AS MATERIALIZED (SELECT i.id, i.content_hash FROM item AS i"
	"  WHERE i.id = $3::uuid AND i.content_hash = decode($4, 'hex') AND " ITEM_IN_SCOPE("i", "$8") "),"
	" wanted AS MATERIALIZED (SELECT n.id, n.content_hash, $5 AS verb, true AS mine FROM named AS n"
	"  UNION ALL SELECT o.id, o.content_hash, 'drop', " ITEM_IN_SCOPE("o", "$8") " FROM named AS n CROSS JOIN LATERAL item_case(n.id) AS c (id)"
	"   JOIN item_standing AS o ON o.id = c.id WHERE $9::boolean AND (o.id, o.content_hash) <> (n.id, n.content_hash)),"
	" todo AS MATERIALIZED (SELECT w.* FROM wanted AS w WHERE " ITEM_LAST_VERB("w") " IS DISTINCT FROM w.verb"
	"  OR (w.verb = 'keep' AND EXISTS (SELECT FROM item_reason AS r WHERE r.id = w.id AND r.content_hash = w.content_hash))"
	"  ORDER BY w.id, w.content_hash LIMIT 64),"
	" how AS MATERIALIZED (SELECT EXISTS (SELECT FROM named) AS there, NOT EXISTS (SELECT FROM todo) AS said,"
	"  NOT EXISTS (SELECT FROM todo WHERE NOT mine) AS mine, item_case_version($3::uuid) AS version),"
	" decided AS (INSERT INTO item_decision (item_id, version, content_hash, verb, decided_by_kind, decided_by, answers)"
	"  SELECT t.id, item_version(t.id) + row_number() OVER (PARTITION BY t.id ORDER BY t.content_hash) - 1, t.content_hash, t.verb, $6, $7,"
	"   ARRAY(SELECT DISTINCT r.reason FROM item_reason_ever AS r WHERE t.verb = 'keep' AND r.id = t.id AND r.content_hash = t.content_hash ORDER BY 1)"
	"  FROM todo AS t, how WHERE how.mine AND how.version = $10::bigint RETURNING *),"
	" decision_audit AS (" DECISION_AUDIT("$2", "decided") "),"
	" audit AS (" AUDIT_INSERT("$1", "EXISTS (SELECT FROM how WHERE how.there AND how.said)") ")"
	" SELECT there, said, mine, EXISTS (SELECT FROM decided), version FROM how"
};
enum { DECISIONS_MAX = 64 };

static bool fail_not_mine(struct error *err)
{
	return error_set(err, ERR_FORBIDDEN,
			 "One of the others belongs to a round outside your places. Ask the province to decide.",
			 "Một trong các mục kia thuộc đợt ngoài địa bàn của bạn. Hãy đề nghị cấp tỉnh quyết định.");
}

static void decide_on_done(struct db_query *query, const struct db_result *result)
{
	struct held_decide *decide = container_of(query, struct held_decide, query);

	/* Somebody decided in the same moment. */
	if (result_violates(result, "item_decision_pk")) {
		error_clear(&decide->error);
		fail_stale(&decide->error);
	} else if (result_ok(result, &decide->error)) {
		decide->now = db_int(result, 0, 4, 0);
		if (!db_bool(result, 0, 0))
			fail_not_found(&decide->error);
		else if (!db_bool(result, 0, 2))
			fail_not_mine(&decide->error);
		else if (!db_bool(result, 0, 1) && !db_bool(result, 0, 3))
			fail_stale(&decide->error);
	}
	decide->done(decide);
}

const char *decision_audit_text(const struct store *store, const struct actor *actor, int count, struct arena *arena)
{
	struct audit audit;

	audit_begin(&audit, store, actor);
	for (int i = 0; i < count; i++)
		audit_add_reading(&audit, "", "item_decision", "", NULL);
	return audit_end(&audit, arena);
}

void held_decide_send(struct store *store, struct held_decide *decide)
{
	struct db_query *query = &decide->query;
	struct arena *arena = decide->arena;
	const char *verb = decide->keep ? "keep" : "drop";
	struct audit audit;

	audit_begin(&audit, store, &decide->actor);
	audit_add_reading(&audit, arena_printf(arena, "item.%s", verb), "item",
			  arena_printf(arena, "%s:%s", decide->id, decide->content_hash), NULL);
	query_begin(query, &decide_statement, DB_WRITE, decide_on_done);
	query_text(query, audit_end(&audit, arena));
	query_text(query, decision_audit_text(store, &decide->actor, DECISIONS_MAX, arena));
	query_text(query, uuid_or_nil(decide->id));
	query_text(query, decide->content_hash);
	query_text(query, verb);
	query_text(query, decide->actor.kind);
	query_text(query, actor_id(&decide->actor));
	query_units(query, arena, decide->units, decide->nunits);
	query_bool(query, decide->alone);
	query_int(query, arena, decide->version);
	db_send(store->db, query);
}
