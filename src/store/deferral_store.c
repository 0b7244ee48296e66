#include "store/deferral_store.h"

#include <stdio.h>
#include <strings.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "store/audit.h"
#include "store/donor_row.h"
#include "store/facts_row.h"
#include "store/failure.h"
#include "store/image.h"
#include "store/replay.h"
#include "store/row.h"

/* ---- what is known of one ---- */

/* $1 id, $2 number, $3 units or NULL. */
#define FACTS_SOUGHT \
	"who AS (SELECT d.id, NULL::text AS extra FROM donor AS d WHERE d.id = (" \
	"  SELECT coalesce(a.into_id, k.id) FROM donor AS k LEFT JOIN donor_alias AS a ON a.donor_id = k.id" \
	"  WHERE k.id = $1::uuid OR k.number = $2)" \
	"  AND ($3::text[] IS NULL OR d.unit_id = ANY ($3)))"

static const struct db_statement facts_quietly = { "WITH " FACTS_SOUGHT ", " FACTS_OF_WHO };
static const struct db_statement facts_audited = {
	"WITH " FACTS_SOUGHT ", audit AS (" AUDIT_INSERT_FOUND("$4", "who.id::text", "who") "), " FACTS_OF_WHO
};

static void facts_on_done(struct db_query *query, const struct db_result *result)
{
	struct facts_load *load = container_of(query, struct facts_load, query);
	struct person_facts *person = arena_alloc(load->arena, sizeof(*person));
	int row = 0;

	if (result_ok(result, &load->error)) {
		if (db_rows(result) == 0) {
			fail_not_found(&load->error);
		} else if (facts_read(person, load->store, load->arena, result, &row, &load->error)) {
			load->record = person->record;
			load->records = person->records;
			load->nrecords = person->nrecords;
			load->facts = person->facts;
			load->facts.donor = &load->record.donor;
		}
	}
	load->done(load);
}

void facts_load_send(struct store *store, struct facts_load *load)
{
	struct db_query *query = &load->query;
	char *number = arena_alloc(load->arena, DONOR_NUMBER_SIZE);
	struct audit audit;

	load->store = store;
	query_begin(query, load->action ? &facts_audited : &facts_quietly, load->action ? DB_WRITE : DB_READ,
		    facts_on_done);
	query_text(query, uuid_or_nil(load->key));
	query_text(query, donor_number_parse(load->key, number) == DONOR_NUMBER_FINE ? number : "");
	if (load->units)
		query_texts(query, load->arena, load->units, load->nunits);
	else
		query_text(query, NULL);
	if (load->action) {
		audit_begin(&audit, store, &load->actor);
		audit_add_reading(&audit, load->action, "donor", "", NULL);
		query_text(query, audit_end(&audit, load->arena));
	}
	db_send(store->db, query);
}

const struct deferral *facts_deferral(const struct facts_load *load, const char *id,
				      const struct donor_record **record)
{
	for (size_t i = 0; i < load->facts.ndeferrals; i++) {
		const struct deferral *deferral = &load->facts.deferrals[i];

		if (!id || strcasecmp(deferral->id, id) != 0)
			continue;
		for (size_t n = 0; n < load->nrecords; n++)
			if (streq(load->records[n].donor.id, deferral->donor_id))
				*record = &load->records[n];
		return deferral;
	}
	return NULL;
}

/* ---- what the writes have in common ---- */

/* An earlier call with this key did it: its receipt; else why nothing was done. */
#define FINISH_REPLAY(op, result) \
	do { \
		(void)!replay_read(result, &(op)->idempotency, &(op)->error); \
		(op)->done(op); \
	} while (0)

/* ---- a new one ---- */

#define PERSON(donor) "coalesce((SELECT a.into_id FROM donor_alias AS a WHERE a.donor_id = " donor "), " donor ")"

static const struct db_statement add_statement = {
	"WITH " CLAIM("EXISTS (SELECT FROM donor WHERE id = $10::uuid AND erased_at IS NULL)") ","
	" made AS (INSERT INTO deferral (id, donor_id, sealed, ends, until, recorded_at)"
	"  SELECT $9::uuid, $10::uuid, $11::bytea, $12, $13::date, $14::timestamptz FROM go RETURNING id),"
	" later AS (UPDATE donor SET next_whole_blood = greatest(next_whole_blood, $15::date),"
	"  next_red_cells = greatest(next_red_cells, $16::date), next_platelets = greatest(next_platelets, $17::date),"
	"  next_plasma = greatest(next_plasma, $18::date), next_granulocytes = greatest(next_granulocytes, $19::date),"
	"  next_stem_cells = greatest(next_stem_cells, $20::date)"
	"  WHERE id = " PERSON("$10::uuid") " AND EXISTS (SELECT FROM made)),"
	" audit AS (" AUDIT_INSERT("$8", "EXISTS (SELECT FROM made)") ")"
	" SELECT EXISTS (SELECT FROM go), EXISTS (SELECT FROM donor WHERE id = $10::uuid AND erased_at IS NULL)"
};

static void add_on_replayed(struct db_query *query, const struct db_result *result)
{
	struct deferral_add *add = container_of(query, struct deferral_add, query);

	FINISH_REPLAY(add, result);
}

static void add_on_done(struct db_query *query, const struct db_result *result)
{
	struct deferral_add *add = container_of(query, struct deferral_add, query);

	if (claim_read(result, &add->idempotency, &add->error) == CLAIM_LOST) {
		if (result->outcome != DB_OK || db_bool(result, 0, 1)) {
			replay_send(add->store, query, &add->idempotency, &add->actor, "deferral", add->arena,
				    add_on_replayed);
			return;
		}
		fail_erased(&add->error);
	}
	add->done(add);
}

const char *deferral_seal(const struct deferral *deferral, const struct store *store, struct arena *arena)
{
	char from[DATE_TEXT_SIZE], until[DATE_TEXT_SIZE];
	const char *text = arena_printf(arena, "%s\x1f%s\x1f%s\x1f%s", deferral->code, date_format(deferral->from, from),
					date_format(deferral->until, until), deferral->note ? deferral->note : "");

	return donor_seal_text("deferral", arena_printf(arena, "what %s", deferral->id), deferral->donor_id, text, store,
			       arena);
}

static void query_next(struct db_query *query, struct arena *arena, const struct donor_next *next)
{
	if (next->endless)
		query_text(query, "infinity");
	else
		query_date(query, arena, next->on);
}

/* Like DB_UNAVAILABLE of a statement: not inside the send. */
static const struct db_statement nothing = { "SELECT" };

static void add_on_unsealed(struct db_query *query, const struct db_result *result)
{
	struct deferral_add *add = container_of(query, struct deferral_add, query);

	(void)result;
	add->done(add);
}

void deferral_add_send(struct store *store, struct deferral_add *add)
{
	struct deferral *deferral = &add->deferral;
	struct db_query *query = &add->query;
	struct arena *arena = add->arena;
	struct buf image = { 0 };
	struct audit audit;
	const char *sealed;

	add->store = store;
	deferral->recorded_us = clock_wall_us(store->clock);
	deferral->lifted_us = INT64_MIN;
	deferral->donor_id = add->record->donor.id;
	uuid7_make(deferral->id, deferral->recorded_us);
	error_clear(&add->error);
	if (!donor_open_key(add->record, store, &add->error)) {
		query_begin(query, &nothing, DB_READ, add_on_unsealed);
		db_send(store->db, query);
		return;
	}
	sealed = deferral_seal(deferral, store, arena);
	query_begin(query, &add_statement, DB_WRITE, add_on_done);
	query_claim(query, store, &add->idempotency, deferral->id, arena);
	image_deferral(&image, deferral->id, deferral->donor_id, deferral_ends_text(deferral->ends), deferral->ends_on,
		       sealed, NULL);
	audit_begin(&audit, store, &add->actor);
	audit_add(&audit, "deferral.add", "deferral", deferral->id, NULL, &image);
	query_text(query, audit_end(&audit, arena));
	buf_release(&image);
	query_text(query, deferral->id);
	query_text(query, deferral->donor_id);
	query_text(query, sealed);
	query_text(query, deferral_ends_text(deferral->ends));
	query_date(query, arena, deferral->ends_on);
	query_time(query, arena, deferral->recorded_us);
	for (int c = 0; c < COMPONENT_COUNT; c++)
		query_next(query, arena, &add->floor[c]);
	db_send(store->db, query);
}

/* ---- lifted, or asked to be ---- */

static const struct db_statement ask_statement = {
	"WITH " CLAIM("true") ","
	" made AS (INSERT INTO deferral_lift (id, donor_id, deferral_id, two_persons, state, reason, asked_by_kind,"
	"  asked_by, asked_at, decided_by_kind, decided_by, decided_at)"
	"  SELECT $9::uuid, $10::uuid, $11::uuid, $12::boolean, CASE WHEN $12::boolean THEN 'asked' ELSE 'done' END,"
	"  $13::bytea, $14, $15, $16::timestamptz, CASE WHEN NOT $12::boolean THEN $14 END,"
	"  CASE WHEN NOT $12::boolean THEN $15 END, CASE WHEN NOT $12::boolean THEN $16::timestamptz END FROM go"
	"  RETURNING two_persons),"
	" lifted AS (INSERT INTO deferral (id, donor_id, ends, lifts, recorded_at)"
	"  SELECT $17::uuid, $10::uuid, 'lifts', $11::uuid, $16::timestamptz FROM made WHERE NOT two_persons),"
	" audit AS (" AUDIT_INSERT("$8", "EXISTS (SELECT FROM made)") ")"
	" SELECT EXISTS (SELECT FROM go)"
};

static void ask_on_replayed(struct db_query *query, const struct db_result *result)
{
	struct deferral_lift_ask *ask = container_of(query, struct deferral_lift_ask, query);

	FINISH_REPLAY(ask, result);
}

static void ask_on_done(struct db_query *query, const struct db_result *result)
{
	struct deferral_lift_ask *ask = container_of(query, struct deferral_lift_ask, query);

	if (claim_read(result, &ask->idempotency, &ask->error) == CLAIM_LOST) {
		replay_send(ask->store, query, &ask->idempotency, &ask->actor, "deferral_lift", ask->arena,
			    ask_on_replayed);
		return;
	}
	ask->done(ask);
}

static void ask_on_unsealed(struct db_query *query, const struct db_result *result)
{
	struct deferral_lift_ask *ask = container_of(query, struct deferral_lift_ask, query);

	(void)result;
	ask->done(ask);
}

/* The new row that lifts. */
static void audit_lifted(struct audit *audit, const char *id, const struct deferral *deferral)
{
	struct buf image = { 0 };

	image_deferral(&image, id, deferral->donor_id, "lifts", (struct date){ 0 }, NULL, deferral->id);
	audit_add(audit, "deferral.lift", "deferral", id, NULL, &image);
	buf_release(&image);
}

static void audit_asked(struct audit *audit, const struct deferral_lift_ask *ask)
{
	const struct actor *actor = &ask->actor;
	bool done = ask->lift.state == LIFT_DONE;
	struct buf image = { 0 };

	image_deferral_lift(&image, ask->lift.id, ask->deferral->id, lift_state_text(ask->lift.state), actor->kind,
			    actor_id(actor), done ? actor->kind : NULL, done ? actor_id(actor) : NULL);
	audit_add(audit, done ? "deferral_lift.make" : "deferral_lift.ask", "deferral_lift", ask->lift.id, NULL, &image);
	buf_release(&image);
}

void deferral_lift_ask_send(struct store *store, struct deferral_lift_ask *ask)
{
	bool two = ask->deferral->ends == DEFERRAL_PERMANENT;
	struct deferral_lift *lift = &ask->lift;
	struct db_query *query = &ask->query;
	struct arena *arena = ask->arena;
	char *lifted = arena_alloc(arena, UUID_TEXT_SIZE);
	struct audit audit;

	ask->store = store;
	*lift = (struct deferral_lift){ .state = two ? LIFT_ASKED : LIFT_DONE, .reason = ask->reason,
					.asked_us = clock_wall_us(store->clock), .decided_us = INT64_MIN,
					.asked_by_kind = ask->actor.kind, .asked_by = actor_id(&ask->actor) };
	if (!two)
		lift->decided_us = lift->asked_us;
	uuid7_make(lift->id, lift->asked_us);
	uuid7_make(lifted, lift->asked_us);
	error_clear(&ask->error);
	if (!donor_open_key(ask->record, store, &ask->error)) {
		query_begin(query, &nothing, DB_READ, ask_on_unsealed);
		db_send(store->db, query);
		return;
	}
	query_begin(query, &ask_statement, DB_WRITE, ask_on_done);
	query_claim(query, store, &ask->idempotency, lift->id, arena);
	audit_begin(&audit, store, &ask->actor);
	audit_asked(&audit, ask);
	if (!two)
		audit_lifted(&audit, lifted, ask->deferral);
	query_text(query, audit_end(&audit, arena));
	query_text(query, lift->id);
	query_text(query, ask->deferral->donor_id);
	query_text(query, ask->deferral->id);
	query_bool(query, two);
	query_text(query, donor_seal_text("deferral_lift", arena_printf(arena, "reason %s", lift->id),
					  ask->deferral->donor_id, ask->reason, store, arena));
	query_text(query, ask->actor.kind);
	query_text(query, actor_id(&ask->actor));
	query_time(query, arena, lift->asked_us);
	query_text(query, lifted);
	db_send(store->db, query);
}

/* ---- the second person ---- */

/* Locked, so that of two who decide one sees what the other did. */
static const struct db_statement decide_statement = {
	"WITH asked AS MATERIALIZED (SELECT id, donor_id, deferral_id,"
	"   (asked_by_kind, asked_by) = ($10, $11) AS own FROM deferral_lift"
	"   WHERE id = $9::uuid AND state = 'asked' FOR UPDATE),"
	" " CLAIM("EXISTS (SELECT FROM asked WHERE NOT own OR NOT $13::boolean)") ","
	" decided AS (UPDATE deferral_lift AS l SET state = CASE WHEN $13::boolean THEN 'done' ELSE 'refused' END,"
	"  decided_by_kind = $10, decided_by = $11, decided_at = $12::timestamptz FROM go, asked"
	"  WHERE l.id = asked.id RETURNING l.donor_id, l.deferral_id),"
	" lifted AS (INSERT INTO deferral (id, donor_id, ends, lifts, recorded_at)"
	"  SELECT $14::uuid, donor_id, 'lifts', deferral_id, $12::timestamptz FROM decided WHERE $13::boolean),"
	" audit AS (" AUDIT_INSERT("$8", "EXISTS (SELECT FROM decided)") ")"
	" SELECT EXISTS (SELECT FROM go), EXISTS (SELECT FROM asked WHERE own)"
};

static bool fail_decided(struct error *err)
{
	return error_set(err, ERR_DEFERRAL_LIFTED, "Somebody has decided about it meanwhile. Nothing was changed.",
			 "Vừa có người quyết định việc này. Chưa có gì thay đổi.");
}

static void decide_on_replayed(struct db_query *query, const struct db_result *result)
{
	struct deferral_lift_decide *decide = container_of(query, struct deferral_lift_decide, query);

	(void)!replay_read(result, &decide->idempotency, &decide->error);
	if (decide->error.code == ERR_STALE)     /* no such key: the refusal had its own cause */
		fail_decided(&decide->error);
	decide->done(decide);
}

static void decide_on_done(struct db_query *query, const struct db_result *result)
{
	struct deferral_lift_decide *decide = container_of(query, struct deferral_lift_decide, query);

	if (claim_read(result, &decide->idempotency, &decide->error) == CLAIM_LOST) {
		if (db_rows(result) > 0 && db_bool(result, 0, 1)) {
			fail_second_person(&decide->error);
		} else if (decide->idempotency.key) {
			replay_send(decide->store, query, &decide->idempotency, &decide->actor, "deferral_lift",
				    decide->arena, decide_on_replayed);
			return;
		} else {
			fail_decided(&decide->error);
		}
	}
	decide->done(decide);
}

void deferral_lift_decide_send(struct store *store, struct deferral_lift_decide *decide)
{
	const struct deferral *deferral = decide->deferral;
	const struct deferral_lift *lift = &deferral->lift;
	const struct actor *actor = &decide->actor;
	int64_t now = clock_wall_us(store->clock);
	struct db_query *query = &decide->query;
	struct arena *arena = decide->arena;
	char *lifted = arena_alloc(arena, UUID_TEXT_SIZE);
	struct buf was = { 0 }, is = { 0 };
	struct audit audit;

	decide->store = store;
	uuid7_make(lifted, now);
	query_begin(query, &decide_statement, DB_WRITE, decide_on_done);
	query_claim(query, store, &decide->idempotency, lift->id, arena);
	image_deferral_lift(&was, lift->id, deferral->id, lift_state_text(LIFT_ASKED), lift->asked_by_kind,
			    lift->asked_by, NULL, NULL);
	image_deferral_lift(&is, lift->id, deferral->id, lift_state_text(decide->approve ? LIFT_DONE : LIFT_REFUSED),
			    lift->asked_by_kind, lift->asked_by, actor->kind, actor_id(actor));
	audit_begin(&audit, store, actor);
	audit_add(&audit, decide->approve ? "deferral_lift.approve" : "deferral_lift.refuse", "deferral_lift", lift->id,
		  &was, &is);
	if (decide->approve)
		audit_lifted(&audit, lifted, deferral);
	query_text(query, audit_end(&audit, arena));
	buf_release(&was);
	buf_release(&is);
	query_text(query, lift->id);
	query_text(query, actor->kind);
	query_text(query, actor_id(actor));
	query_time(query, arena, now);
	query_bool(query, decide->approve);
	query_text(query, lifted);
	db_send(store->db, query);
}

/* ---- what waits ---- */

static const struct db_statement list_statement = {
	"WITH d AS (SELECT l.id AS lift, d.id, d.number, l.deferral_id, l.asked_by_kind, l.asked_by, l.asked_at"
	"  FROM deferral_lift AS l JOIN donor AS d ON d.id = " PERSON("l.donor_id")
	"  WHERE l.state = 'asked' AND l.id > $1::uuid AND d.erased_at IS NULL"
	"   AND ($2::text[] IS NULL OR d.unit_id = ANY ($2)) ORDER BY l.id LIMIT $3::integer),"
	AUDIT_TOLD("$4")
	" SELECT lift, id, deferral_id, number, asked_by_kind, asked_by, " SQL_MICROS("asked_at") " FROM d ORDER BY lift"
};

static void list_on_done(struct db_query *query, const struct db_result *result)
{
	struct lift_list *list = container_of(query, struct lift_list, query);

	if (result_ok(result, &list->error)) {
		int rows = db_rows(result);

		list->more = rows > list->limit;
		list->nitems = (size_t)(list->more ? list->limit : rows);
		list->items = arena_alloc(list->arena, (list->nitems + 1) * sizeof(*list->items));
		for (int i = 0; i < (int)list->nitems; i++) {
			struct lift_waiting *item = &list->items[i];

			row_uuid(result, i, 0, item->id);
			row_uuid(result, i, 1, item->donor_id);
			row_uuid(result, i, 2, item->deferral_id);
			item->donor_number = row_text(list->arena, result, i, 3);
			item->asked_by_kind = row_text(list->arena, result, i, 4);
			item->asked_by = row_text(list->arena, result, i, 5);
			item->asked_us = row_time(result, i, 6);
		}
	}
	list->done(list);
}

void lift_list_send(struct store *store, struct lift_list *list)
{
	struct db_query *query = &list->query;

	list->store = store;
	query_begin(query, &list_statement, DB_WRITE, list_on_done);
	query_text(query, uuid_or_nil(list->after));     /* of "": that before all others */
	if (list->units)
		query_texts(query, list->arena, list->units, list->nunits);
	else
		query_text(query, NULL);
	query_text(query, page_limit(list->limit, list->limit_text));
	query_text(query, audit_told(store, &list->actor, "deferral_lift.list", list->limit + 1, list->arena));
	db_send(store->db, query);
}

/* ---- "ask the blood facility" ---- */

/* Set of one record, cleared of all that are one with it. */

static const struct db_statement contact_statement = {
	"WITH made AS (UPDATE donor SET contact_facility = $3::boolean, contact_own = $3::boolean"
	"  WHERE id = $2::uuid AND erased_at IS NULL AND (contact_facility, contact_own) <> ($3::boolean, $3::boolean)"
	"  RETURNING id),"
	" others AS (UPDATE donor SET contact_own = false WHERE NOT $3::boolean AND contact_own"
	"  AND id IN (SELECT donor_id FROM donor_alias WHERE into_id = $2::uuid) AND EXISTS (SELECT FROM made)),"
	" audit AS (" AUDIT_INSERT("$1", "EXISTS (SELECT FROM made)") ")"
	" SELECT FROM donor WHERE id = $2::uuid AND erased_at IS NULL"
};

static void contact_on_done(struct db_query *query, const struct db_result *result)
{
	struct contact_set *set = container_of(query, struct contact_set, query);

	if (result_ok(result, &set->error) && db_rows(result) == 0)
		fail_not_found(&set->error);
	set->done(set);
}

void contact_set_send(struct store *store, struct contact_set *set)
{
	struct db_query *query = &set->query;
	struct audit audit;

	set->store = store;
	query_begin(query, &contact_statement, DB_WRITE, contact_on_done);
	audit_begin(&audit, store, &set->actor);
	audit_add(&audit, set->contact ? "donor.contact_facility_set" : "donor.contact_facility_cleared", "donor",
		  set->donor_id, NULL, NULL);
	query_text(query, audit_end(&audit, set->arena));
	query_text(query, set->donor_id);
	query_bool(query, set->contact);
	db_send(store->db, query);
}
