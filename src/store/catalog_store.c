#include "store/catalog_store.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/audit.h"
#include "store/failure.h"
#include "store/image.h"
#include "store/replay.h"
#include "store/row.h"

const char *catalog_kind_text(enum catalog_kind kind)
{
	static const char *const texts[CATALOG_KIND_COUNT] = {
		[CATALOG_CAMPAIGN] = "campaign", [CATALOG_VENUE] = "venue", [CATALOG_TEAM] = "team",
	};

	return texts[kind];
}

/* Columns and how they are read: one of each kind. */

#define SEASONS(value) \
	"ARRAY(SELECT " value " FROM campaign_window AS w WHERE w.campaign_id = c.id" \
	" ORDER BY w.from_day, w.season)"
#define CAMPAIGN_SELECT \
	"SELECT c.id, c.version, c.slug, c.name, c.usual_from, c.usual_to, c.main_day, c.sundays, c.source," \
	SEASONS("w.season") ", " SEASONS("w.from_day") ", " SEASONS("w.to_day") ", " SEASONS("w.main_day") \
	" FROM campaign AS c"
#define VENUE_SELECT \
	"SELECT v.id, v.version, v.name, v.unit_id, u.full_name, v.address, v.capacity, v.active" \
	" FROM venue AS v JOIN unit AS u ON u.id = v.unit_id"
#define TEAM_SELECT \
	"SELECT t.id, t.version, t.code, t.name, t.organisation, t.beds, t.active FROM team AS t"

static struct date season_date(const char *const *texts, size_t i)
{
	struct date date = { 0 };

	if (texts && texts[i])
		(void)date_parse(texts[i], &date);
	return date;
}

static void campaign_read(struct campaign *campaign, struct arena *arena, const struct db_result *result,
			  int row)
{
	const char **seasons = row_texts(arena, result, row, 9, &campaign->nseasons);
	const char **from, **to, **main_day;
	size_t count;

	campaign->slug = row_text(arena, result, row, 2);
	campaign->name = row_text(arena, result, row, 3);
	campaign->usual_from = row_text(arena, result, row, 4);
	campaign->usual_to = row_text(arena, result, row, 5);
	campaign->main_day = row_text(arena, result, row, 6);
	campaign->sundays = db_bool(result, row, 7);
	campaign->source = row_text(arena, result, row, 8);
	from = row_texts(arena, result, row, 10, &count);
	to = row_texts(arena, result, row, 11, &count);
	main_day = row_texts(arena, result, row, 12, &count);
	campaign->seasons = arena_alloc(arena, (campaign->nseasons + 1) * sizeof(*campaign->seasons));
	for (size_t i = 0; i < campaign->nseasons; i++)
		campaign->seasons[i] = (struct campaign_season){
			.season = seasons[i], .from = season_date(from, i), .to = season_date(to, i),
			.main_day = season_date(main_day, i),
		};
}

static void venue_read(struct venue *venue, struct arena *arena, const struct db_result *result, int row)
{
	venue->name = row_text(arena, result, row, 2);
	venue->unit_id = row_text(arena, result, row, 3);
	venue->unit_name = row_text(arena, result, row, 4);
	venue->address = row_text(arena, result, row, 5);
	venue->capacity = row_int(result, row, 6, -1);
	venue->active = db_bool(result, row, 7);
}

static void team_read(struct team *team, struct arena *arena, const struct db_result *result, int row)
{
	team->code = row_text(arena, result, row, 2);
	team->name = row_text(arena, result, row, 3);
	team->organisation = row_text(arena, result, row, 4);
	team->beds = row_int(result, row, 5, -1);
	team->active = db_bool(result, row, 6);
}

static void item_set_identity(struct catalog_item *item, const char *id, int64_t version)
{
	char *to = item->kind == CATALOG_CAMPAIGN ? item->campaign.id
		   : item->kind == CATALOG_VENUE  ? item->venue.id
						  : item->team.id;

	snprintf(to, UUID_TEXT_SIZE, "%s", id);
	*(item->kind == CATALOG_CAMPAIGN ? &item->campaign.version
	  : item->kind == CATALOG_VENUE  ? &item->venue.version
					 : &item->team.version) = version;
}

static void item_read(struct catalog_item *item, enum catalog_kind kind, struct arena *arena,
		      const struct db_result *result, int row)
{
	item->kind = kind;
	item_set_identity(item, db_text(result, row, 0), db_int(result, row, 1, 0));
	if (kind == CATALOG_CAMPAIGN)
		campaign_read(&item->campaign, arena, result, row);
	else if (kind == CATALOG_VENUE)
		venue_read(&item->venue, arena, result, row);
	else
		team_read(&item->team, arena, result, row);
}

/* Lists. $1: the last id of the page before, $2: limit, $3: retired ones too, $4: units of venues. */

static const struct db_statement list_statements[CATALOG_KIND_COUNT] = {
	[CATALOG_CAMPAIGN] = {
		CAMPAIGN_SELECT " WHERE ($1::uuid IS NULL OR c.slug > (SELECT slug FROM campaign WHERE id = $1))"
		" AND $3::boolean IS NOT NULL AND ($4::text[] IS NULL OR true) ORDER BY c.slug LIMIT"
		" $2::integer"
	},
	[CATALOG_VENUE] = {
		VENUE_SELECT " WHERE ($1::uuid IS NULL OR"
		" (v.unit_id, v.name) > (SELECT unit_id, name FROM venue WHERE id = $1))"
		" AND (v.active OR $3::boolean) AND ($4::text[] IS NULL OR v.unit_id = ANY ($4))"
		" ORDER BY v.unit_id, v.name LIMIT $2::integer"
	},
	[CATALOG_TEAM] = {
		TEAM_SELECT " WHERE ($1::uuid IS NULL OR t.code > (SELECT code FROM team WHERE id = $1))"
		" AND (t.active OR $3::boolean) AND ($4::text[] IS NULL OR true) ORDER BY t.code LIMIT"
		" $2::integer"
	},
};

static void list_on_done(struct db_query *query, const struct db_result *result)
{
	struct catalog_list *list = container_of(query, struct catalog_list, query);

	if (result_ok(result, &list->error)) {
		int rows = db_rows(result);

		list->more = rows > list->limit;
		list->nitems = (size_t)(list->more ? list->limit : rows);
		list->items = arena_alloc(list->arena, (list->nitems + 1) * sizeof(*list->items));
		for (size_t i = 0; i < list->nitems; i++)
			item_read(&list->items[i], list->kind, list->arena, result, (int)i);
		if (list->more)
			snprintf(list->after, sizeof(list->after), "%s",
				 catalog_item_id(&list->items[list->nitems - 1]));
	}
	list->done(list);
}

void catalog_list_send(struct store *store, struct catalog_list *list)
{
	struct db_query *query = &list->query;

	list->store = store;
	query_begin(query, &list_statements[list->kind], DB_READ, list_on_done);
	query_text(query, list->after[0] ? uuid_or_nil(list->after) : NULL);
	query_text(query, page_limit(list->limit, list->limit_text));
	query_bool(query, list->inactive);
	if (list->units)
		query_texts(query, list->arena, list->units, list->nunits);
	else
		query_text(query, NULL);
	db_send(store->db, query);
}

/* A key that is no id is a slug or code; a venue has none. */
static const struct db_statement load_statements[CATALOG_KIND_COUNT] = {
	[CATALOG_CAMPAIGN] = { CAMPAIGN_SELECT " WHERE c.id = $1::uuid OR c.slug = $2" },
	[CATALOG_VENUE] = { VENUE_SELECT " WHERE v.id = $1::uuid AND $2::text IS NOT NULL" },
	[CATALOG_TEAM] = { TEAM_SELECT " WHERE t.id = $1::uuid OR t.code = $2" },
};

static void load_on_done(struct db_query *query, const struct db_result *result)
{
	struct catalog_load *load = container_of(query, struct catalog_load, query);

	if (result_ok(result, &load->error)) {
		if (db_rows(result) == 0)
			fail_not_found(&load->error);
		else
			item_read(&load->item, load->kind, load->arena, result, 0);
	}
	load->done(load);
}

void catalog_load_send(struct store *store, struct catalog_load *load)
{
	load->store = store;
	query_begin(&load->query, &load_statements[load->kind], DB_READ, load_on_done);
	query_text(&load->query, uuid_or_nil(load->key));
	query_text(&load->query, load->key);
	db_send(store->db, &load->query);
}

/*
 * Saves. $1 .. $7 are those of CLAIM, $8 the audit rows, $9 the id, then the
 * columns; for a change the version comes last.
 */
#define CREATE(insert, answer) \
	"WITH " CLAIM("true") ", made AS (" insert " FROM go RETURNING id)," \
	" audit AS (" AUDIT_INSERT("$8", "EXISTS (SELECT FROM made)") ")," \
	" bump AS (" TOPIC_BUMP("rounds", "EXISTS (SELECT FROM made)") ")" \
	" SELECT EXISTS (SELECT FROM go), " answer
#define CHANGE(table, update, version, answer) \
	"WITH made AS (UPDATE " table " SET " update ", version = version + 1" \
	" WHERE id = $2::uuid AND version = " version "::bigint RETURNING id)," \
	" audit AS (" AUDIT_INSERT("$1", "EXISTS (SELECT FROM made)") ")," \
	" bump AS (" TOPIC_BUMP("rounds", "EXISTS (SELECT FROM made)") ")" \
	" SELECT EXISTS (SELECT FROM made), " answer ", EXISTS (SELECT FROM " table " WHERE id = $2::uuid)"

static const struct db_statement create_statements[CATALOG_KIND_COUNT] = {
	[CATALOG_CAMPAIGN] = {
		CREATE("INSERT INTO campaign (id, slug, name, usual_from, usual_to, main_day, sundays, source)"
		       " SELECT $9::uuid, $10, $11, $12, $13, $14, $15::boolean, $16", "NULL")
	},
	[CATALOG_VENUE] = {
		CREATE("INSERT INTO venue (id, name, unit_id, address, capacity, active)"
		       " SELECT $9::uuid, $10, $11, $12, $13::integer, $14::boolean",
		       "(SELECT full_name FROM unit WHERE id = $11)")
	},
	[CATALOG_TEAM] = {
		CREATE("INSERT INTO team (id, code, name, organisation, beds, active)"
		       " SELECT $9::uuid, $10, $11, $12, $13::integer, $14::boolean", "NULL")
	},
};

static const struct db_statement change_statements[CATALOG_KIND_COUNT] = {
	[CATALOG_CAMPAIGN] = {
		CHANGE("campaign", "slug = $3, name = $4, usual_from = $5, usual_to = $6, main_day = $7,"
		       " sundays = $8::boolean, source = $9", "$10", "NULL")
	},
	[CATALOG_VENUE] = {
		CHANGE("venue", "name = $3, unit_id = $4, address = $5, capacity = $6::integer,"
		       " active = $7::boolean", "$8", "(SELECT full_name FROM unit WHERE id = $4)")
	},
	[CATALOG_TEAM] = {
		CHANGE("team", "code = $3, name = $4, organisation = $5, beds = $6::integer,"
		       " active = $7::boolean", "$8", "NULL")
	},
};

static void query_known_int(struct db_query *query, struct arena *arena, int value)
{
	if (value < 0)
		query_text(query, NULL);
	else
		query_int(query, arena, value);
}

static void query_item(struct db_query *query, struct arena *arena, const struct catalog_item *item)
{
	const struct campaign *campaign = &item->campaign;
	const struct venue *venue = &item->venue;
	const struct team *team = &item->team;

	query_text(query, catalog_item_id(item));
	switch (item->kind) {
	case CATALOG_CAMPAIGN:
		query_text(query, campaign->slug);
		query_text(query, campaign->name);
		query_text(query, campaign->usual_from);
		query_text(query, campaign->usual_to);
		query_text(query, campaign->main_day);
		query_bool(query, campaign->sundays);
		query_text(query, campaign->source);
		break;
	case CATALOG_VENUE:
		query_text(query, venue->name);
		query_text(query, venue->unit_id);
		query_text(query, venue->address);
		query_known_int(query, arena, venue->capacity);
		query_bool(query, venue->active);
		break;
	case CATALOG_TEAM:
	case CATALOG_KIND_COUNT:
		query_text(query, team->code);
		query_text(query, team->name);
		query_text(query, team->organisation);
		query_known_int(query, arena, team->beds);
		query_bool(query, team->active);
		break;
	}
}

static const char *save_audit(struct catalog_save *save, const char *verb)
{
	const char *kind = catalog_kind_text(save->next.kind);
	struct buf before = { 0 }, after = { 0 };
	struct audit audit;
	const char *text;

	if (save->before)
		image_catalog_item(&before, save->before);
	image_catalog_item(&after, &save->next);
	audit_begin(&audit, save->store, &save->actor);
	audit_add(&audit, arena_printf(save->arena, "%s.%s", kind, verb), kind, catalog_item_id(&save->next),
		  save->before ? &before : NULL, &after);
	text = audit_end(&audit, save->arena);
	buf_release(&before);
	buf_release(&after);
	return text;
}

static void save_fill_names(struct catalog_save *save, const struct db_result *result)
{
	if (save->next.kind == CATALOG_VENUE)
		save->next.venue.unit_name = row_text(save->arena, result, 0, 1);
}

static void create_on_replayed(struct db_query *query, const struct db_result *result)
{
	struct catalog_save *save = container_of(query, struct catalog_save, query);

	(void)!replay_read(result, &save->idempotency, &save->error);
	save->done(save);
}

static void create_on_done(struct db_query *query, const struct db_result *result)
{
	struct catalog_save *save = container_of(query, struct catalog_save, query);

	switch (claim_read(result, &save->idempotency, &save->error)) {
	case CLAIM_LOST:
		replay_send(save->store, query, &save->idempotency, &save->actor,
			    catalog_kind_text(save->next.kind), save->arena, create_on_replayed);
		return;
	case CLAIM_WON:
		save_fill_names(save, result);
		break;
	case CLAIM_FAILED:
		break;
	}
	save->done(save);
}

static void create_send(struct catalog_save *save)
{
	struct catalog_item *next = &save->next;
	struct db_query *query = &save->query;
	char id[UUID_TEXT_SIZE];

	uuid7_make(id, clock_wall_us(save->store->clock));
	item_set_identity(next, id, 1);
	query_begin(query, &create_statements[next->kind], DB_WRITE, create_on_done);
	query_claim(query, save->store, &save->idempotency, catalog_item_id(next), save->arena);
	query_text(query, save_audit(save, "create"));
	query_item(query, save->arena, next);
	db_send(save->store->db, query);
}

static void change_on_done(struct db_query *query, const struct db_result *result)
{
	struct catalog_save *save = container_of(query, struct catalog_save, query);

	if (result_ok(result, &save->error)) {
		if (db_bool(result, 0, 0))
			save_fill_names(save, result);
		else if (db_bool(result, 0, 2))
			fail_stale(&save->error);
		else
			fail_not_found(&save->error);
	}
	save->done(save);
}

static void change_send(struct catalog_save *save)
{
	struct db_query *query = &save->query;
	int64_t version = catalog_item_version(save->before);

	item_set_identity(&save->next, catalog_item_id(save->before), version + 1);
	query_begin(query, &change_statements[save->next.kind], DB_WRITE, change_on_done);
	query_text(query, save_audit(save, "edit"));
	query_item(query, save->arena, &save->next);
	query_int(query, save->arena, version);
	db_send(save->store->db, query);
}

void catalog_save_send(struct store *store, struct catalog_save *save)
{
	save->store = store;
	if (save->before)
		change_send(save);
	else
		create_send(save);
}
