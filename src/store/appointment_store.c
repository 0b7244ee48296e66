#include "store/appointment_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json_out.h"
#include "base/text.h"
#include "domain/round.h"
#include "store/audit.h"
#include "store/donor_row.h"
#include "store/facts_row.h"
#include "store/failure.h"
#include "store/replay.h"
#include "store/row.h"

/* ---- slots ---- */

/* What slots of the round `r` are laid from, given the configured rules as three parameters. */
#define SLOT_RULES(minutes, slot, percent) \
	"coalesce(b.beds, t.beds, 0) AS beds, coalesce(b.minutes_per_donor, " minutes "::integer) AS minutes_per_donor," \
	" coalesce(b.slot_minutes, " slot "::integer) AS slot_minutes," \
	" coalesce(b.walk_in_percent, " percent "::integer) AS walk_in_percent"
#define SLOT_RULES_JOINS \
	" LEFT JOIN slot_rules AS b ON b.round_id = r.id LEFT JOIN team AS t ON t.id = r.team_id" \
	" LEFT JOIN round_places AS p ON p.round_id = r.id"
#define FROM_WHAT(c) \
	"concat_ws(' ', " c ".version, " c ".beds, " c ".minutes_per_donor, " c ".slot_minutes, " c ".walk_in_percent)"

static const struct db_statement slots_statement = {
	"SELECT c.version, c.beds, c.minutes_per_donor, c.slot_minutes, c.walk_in_percent, " FROM_WHAT("c") ","
	" c.laid_by IS DISTINCT FROM " FROM_WHAT("c") ", c.loose, c.waited, c.said,"
	" s.id, s.start_minute, s.end_minute, s.capacity, s.walk_in, s.booked, s.walked, s.stands"
	" FROM (SELECT r.id, r.version, p.laid_by, coalesce(p.loose, false) AS loose, coalesce(b.version, 1) AS said,"
	"   EXISTS (SELECT FROM appointment AS w WHERE w.round_id = r.id AND w.state = 'waiting') AS waited, " SLOT_RULES("$2", "$3", "$4")
	"   FROM round AS r" SLOT_RULES_JOINS " WHERE r.id = $1::uuid) AS c"
	" LEFT JOIN slot AS s ON s.round_id = c.id ORDER BY s.start_minute"
};

static void slot_read(struct slot *slot, const struct db_result *result, int row, int column)
{
	row_uuid(result, row, column, slot->id);
	slot->start_minute = row_int(result, row, column + 1, 0);
	slot->end_minute = row_int(result, row, column + 2, 0);
	slot->capacity = row_int(result, row, column + 3, 0);
	slot->walk_in = row_int(result, row, column + 4, 0);
	slot->booked = row_int(result, row, column + 5, 0);
	slot->walked = row_int(result, row, column + 6, 0);
	slot->stands = db_bool(result, row, column + 7);
}

static struct slot_rules rules_read(const struct db_result *result, int column)
{
	return (struct slot_rules){
		.beds = row_int(result, 0, column, 0), .minutes_per_donor = row_int(result, 0, column + 1, 0),
		.slot_minutes = row_int(result, 0, column + 2, 0), .walk_in_percent = row_int(result, 0, column + 3, 0),
	};
}

static void slots_on_done(struct db_query *query, const struct db_result *result)
{
	struct slots_load *load = container_of(query, struct slots_load, query);

	if (result_ok(result, &load->error) && db_rows(result) == 0)
		fail_not_found(&load->error);
	if (load->error.code == ERR_NONE) {
		int rows = db_rows(result);

		load->version = db_int(result, 0, 0, 0);
		load->rules = rules_read(result, 1);
		load->from_what = row_text(load->arena, result, 0, 5);
		load->stale = db_bool(result, 0, 6);
		load->loose = db_bool(result, 0, 7);
		load->waited = db_bool(result, 0, 8);
		load->rules_version = db_int(result, 0, 9, 1);
		load->slots = arena_alloc(load->arena, (size_t)rows * sizeof(*load->slots));
		load->nslots = 0;
		for (int i = 0; i < rows && !db_is_null(result, i, 10); i++)
			slot_read(&load->slots[load->nslots++], result, i, 10);
	}
	load->done(load);
}

static void query_rules(struct db_query *query, struct arena *arena, const struct slot_rules *rules)
{
	query_int(query, arena, rules->minutes_per_donor);
	query_int(query, arena, rules->slot_minutes);
	query_int(query, arena, rules->walk_in_percent);
}

void slots_load_send(struct store *store, struct slots_load *load)
{
	query_begin(&load->query, &slots_statement, DB_READ, slots_on_done);
	query_text(&load->query, uuid_or_nil(load->round_id));
	query_rules(&load->query, load->arena, &load->rules);
	db_send(store->db, &load->query);
}

static const struct db_statement lay_statement = {
	"SELECT slots_lay($1::uuid, $2::bigint, $3, $4::jsonb, $5::integer, $6::integer, $7::boolean)"
};

static void lay_on_done(struct db_query *query, const struct db_result *result)
{
	struct slots_lay *lay = container_of(query, struct slots_lay, query);

	lay->laid = result_ok(result, &lay->error) && db_bool(result, 0, 0);
	lay->done(lay);
}

/* `fresh`: not written yet. `booked` and `walked` as they were when the layout was made. */
static const char *layout_text(struct slot_layout *layout, const struct store *store, struct arena *arena)
{
	struct buf buf = { 0 };
	struct json_out out = { .buf = &buf };
	const char *text;

	jout_array(&out, NULL);
	for (size_t i = 0; i < layout->nslots; i++) {
		struct slot *slot = &layout->slots[i];
		bool fresh = !*slot->id;

		if (fresh)
			uuid7_make(slot->id, clock_wall_us(store->clock));
		jout_object(&out, NULL);
		jout_text(&out, "id", slot->id);
		jout_bool(&out, "fresh", fresh);
		jout_int(&out, "start_minute", slot->start_minute);
		jout_int(&out, "end_minute", slot->end_minute);
		jout_int(&out, "capacity", slot->capacity);
		jout_int(&out, "walk_in", slot->walk_in);
		jout_int(&out, "fair", slot->fair);
		jout_int(&out, "room", slot->room);
		jout_int(&out, "booked", slot->booked);
		jout_int(&out, "walked", slot->walked);
		jout_bool(&out, "stands", slot->stands);
		jout_end(&out);
	}
	jout_end(&out);
	text = arena_strdup(arena, buf.data);
	buf_release(&buf);
	return text;
}

void slots_lay_send(struct store *store, struct slots_lay *lay)
{
	struct db_query *query = &lay->query;

	query_begin(query, &lay_statement, DB_WRITE, lay_on_done);
	query_text(query, uuid_or_nil(lay->load->round_id));
	query_int(query, lay->arena, lay->load->version);
	query_text(query, lay->load->from_what);
	query_text(query, layout_text(&lay->layout, store, lay->arena));
	query_int(query, lay->arena, lay->layout.capacity);
	query_int(query, lay->arena, lay->layout.walk_in);
	query_bool(query, lay->layout.bent);
	db_send(store->db, query);
}

/* The digests are of the rows, which only the database has side by side. */
static const struct db_statement rules_statement = {
	"WITH was AS MATERIALIZED (SELECT slot_rules_digest(s) AS digest FROM slot_rules AS s WHERE s.round_id = $1::uuid),"
	" made AS (INSERT INTO slot_rules AS s (round_id, beds, minutes_per_donor, slot_minutes, walk_in_percent)"
	"  SELECT $1::uuid, $3::integer, $4::integer, $5::integer, $6::integer"
	"  WHERE $7::bigint = 1 OR EXISTS (SELECT FROM slot_rules WHERE round_id = $1::uuid)"
	"  ON CONFLICT (round_id) DO UPDATE SET (beds, minutes_per_donor, slot_minutes, walk_in_percent, version)"
	"   = (excluded.beds, excluded.minutes_per_donor, excluded.slot_minutes, excluded.walk_in_percent, s.version + 1)"
	"   WHERE s.version = $7::bigint"
	"  RETURNING slot_rules_digest(s.*) AS digest),"
	" audit AS (INSERT INTO audit_entry (" AUDIT_COLUMNS ")"
	"  SELECT e.id, e.actor_kind, e.actor_id, e.actor_role, e.action, e.subject_kind, $1, e.request_id, e.key_id,"
	"   (SELECT digest FROM was), made.digest"
	"  FROM jsonb_to_recordset($2::jsonb) AS e (id uuid, actor_kind text, actor_id text, actor_role text, action text,"
	"   subject_kind text, request_id text, key_id integer), made)"
	" SELECT EXISTS (SELECT FROM made)"
};

static void rules_on_done(struct db_query *query, const struct db_result *result)
{
	struct slot_rules_save *save = container_of(query, struct slot_rules_save, query);

	if (result_ok(result, &save->error) && !db_bool(result, 0, 0))
		fail_stale(&save->error);
	save->done(save);
}

static void query_own_rule(struct db_query *query, struct arena *arena, int value)
{
	if (value < 0)
		query_text(query, NULL);
	else
		query_int(query, arena, value);
}

void slot_rules_save_send(struct store *store, struct slot_rules_save *save)
{
	struct db_query *query = &save->query;
	struct audit audit;

	query_begin(query, &rules_statement, DB_WRITE, rules_on_done);
	query_text(query, save->round_id);
	audit_begin(&audit, store, &save->actor);
	audit_add(&audit, "slot_rules.change", "slot_rules", save->round_id, NULL, NULL);
	query_text(query, audit_end(&audit, save->arena));
	query_own_rule(query, save->arena, save->own.beds);
	query_own_rule(query, save->arena, save->own.minutes_per_donor);
	query_own_rule(query, save->arena, save->own.slot_minutes);
	query_own_rule(query, save->arena, save->own.walk_in_percent);
	query_int(query, save->arena, save->version);
	db_send(store->db, query);
}

/* ---- reading ---- */

/* Of an appointment `a`, its slot `s` and the record `d` that stands for its donor. */
#define APPOINTMENT_COLUMNS \
	"a.id, a.round_id, a.code, a.state, a.kind, s.id, s.start_minute, s.end_minute, s.capacity, s.walk_in, s.booked," \
	" s.walked, s.stands, slot_wish(a.wish), a.group_id," \
	" CASE WHEN a.state = 'waiting' THEN (SELECT count(*) FROM appointment AS w WHERE w.round_id = a.round_id" \
	"  AND w.state = 'waiting' AND w.queue <= a.queue) ELSE 0 END," \
	" a.component, a.decision, a.rule_set, a.told_day, a.reason, " SQL_MICROS("a.created_at") ", " SQL_MICROS("a.ended_at") "," \
	" a.version, d.id, d.number, d.birth_year, d.erased_at IS NOT NULL, d.contact_facility, " DONOR_SEALED_COLUMNS
#define APPOINTMENT_JOINS \
	" LEFT JOIN slot AS s ON s.id = a.slot_id LEFT JOIN donor_alias AS l ON l.donor_id = a.donor_id" \
	" LEFT JOIN donor AS d ON d.id = coalesce(l.into_id, a.donor_id)"
enum {
	COL_ID, COL_ROUND, COL_CODE, COL_STATE, COL_KIND, COL_SLOT, COL_WISH = COL_SLOT + 8, COL_GROUP, COL_POSITION,
	COL_COMPONENT, COL_DECISION, COL_RULE_SET, COL_TOLD_DAY, COL_REASON, COL_CREATED, COL_ENDED, COL_VERSION,
	COL_DONOR, COL_NUMBER, COL_BIRTH_YEAR, COL_ERASED, COL_CONTACT, COL_SEALED
};

/* CTE `d` for AUDIT_TOLD: the people of these appointments. */
#define PEOPLE_OF(appointments) \
	"d AS (SELECT coalesce(l.into_id, a.donor_id) AS id FROM " appointments " AS a" \
	"  LEFT JOIN donor_alias AS l ON l.donor_id = a.donor_id WHERE a.donor_id IS NOT NULL),"

static bool appointment_read_donor(struct appointment *appointment, const struct store *store, bool named, struct arena *arena,
				   const struct db_result *result, int row, struct error *err)
{
	struct donor_record record = { 0 };

	if (db_is_null(result, row, COL_DONOR))
		return true;
	row_uuid(result, row, COL_DONOR, appointment->donor_id);
	appointment->donor_number = row_text(arena, result, row, COL_NUMBER);
	appointment->contact_facility = db_bool(result, row, COL_CONTACT);
	if (!named)
		return true;
	memcpy(record.donor.id, appointment->donor_id, sizeof(record.donor.id));
	record.donor.erased = db_bool(result, row, COL_ERASED);
	if (!donor_read_sealed(&record, store, arena, result, row, COL_SEALED, err))
		return false;
	appointment->donor_name = record.donor.name;
	appointment->birth_year = row_int(result, row, COL_BIRTH_YEAR, 0);
	return true;
}

static bool appointment_read(struct appointment *appointment, const struct store *store, bool named, struct arena *arena,
			     const struct db_result *result, int row, struct error *err)
{
	*appointment = (struct appointment){ 0 };
	row_uuid(result, row, COL_ID, appointment->id);
	row_uuid(result, row, COL_ROUND, appointment->round_id);
	snprintf(appointment->code, sizeof(appointment->code), "%s", db_text(result, row, COL_CODE));
	(void)appointment_state_parse(db_text(result, row, COL_STATE), &appointment->state);
	(void)appointment_kind_parse(db_text(result, row, COL_KIND), &appointment->kind);
	if (!db_is_null(result, row, COL_SLOT))
		slot_read(&appointment->slot, result, row, COL_SLOT);
	if (!db_is_null(result, row, COL_WISH))
		row_uuid(result, row, COL_WISH, appointment->wish);
	if (!db_is_null(result, row, COL_GROUP))
		row_uuid(result, row, COL_GROUP, appointment->group_id);
	appointment->position = row_int(result, row, COL_POSITION, 0);
	(void)component_parse(db_text(result, row, COL_COMPONENT), &appointment->component);
	appointment->judged = !db_is_null(result, row, COL_DECISION);
	for (int i = 0; appointment->judged && i <= DECISION_NO_KNOWN_REFUSAL; i++)
		if (streq(eligibility_decision_text((enum eligibility_decision)i), db_text(result, row, COL_DECISION)))
			appointment->decision = (enum eligibility_decision)i;
	appointment->rule_set = row_text(arena, result, row, COL_RULE_SET);
	appointment->told_day = row_date(result, row, COL_TOLD_DAY);
	appointment->reason = row_text(arena, result, row, COL_REASON);
	appointment->created_us = row_time(result, row, COL_CREATED);
	appointment->ended_us = row_time(result, row, COL_ENDED);
	appointment->version = db_int(result, row, COL_VERSION, 0);
	return appointment_read_donor(appointment, store, named, arena, result, row, err);
}

#define ONE_SOUGHT "a AS (SELECT * FROM appointment WHERE id = $1::uuid OR ($1 IS NULL AND round_id = $2::uuid AND code = $3))"
static const struct db_statement load_quietly = {
	"WITH " ONE_SOUGHT " SELECT " APPOINTMENT_COLUMNS " FROM a" APPOINTMENT_JOINS
};
static const struct db_statement load_audited = {
	"WITH " ONE_SOUGHT ", " PEOPLE_OF("a") AUDIT_TOLD("$4") " SELECT " APPOINTMENT_COLUMNS " FROM a" APPOINTMENT_JOINS
};

static const char *told_audit(struct store *store, const struct actor *actor, const char *action, int count, struct arena *arena)
{
	struct audit audit;

	audit_begin(&audit, store, actor);
	for (int i = 0; i < count; i++)          /* one for each that may be found */
		audit_add_reading(&audit, action, "donor", "", NULL);
	return audit_end(&audit, arena);
}

static void load_on_done(struct db_query *query, const struct db_result *result)
{
	struct appointment_load *load = container_of(query, struct appointment_load, query);

	if (result_ok(result, &load->error)) {
		if (db_rows(result) == 0)
			fail_not_found(&load->error);
		else
			(void)!appointment_read(&load->appointment, load->store, load->action != NULL, load->arena, result, 0,
						&load->error);
	}
	load->done(load);
}

void appointment_load_send(struct store *store, struct appointment_load *load)
{
	struct db_query *query = &load->query;

	load->store = store;
	query_begin(query, load->action ? &load_audited : &load_quietly, load->action ? DB_WRITE : DB_READ, load_on_done);
	query_text(query, uuid_or_nil(load->id));
	query_text(query, uuid_or_nil(load->round_id));
	query_text(query, load->code);
	if (load->action)
		query_text(query, told_audit(store, &load->actor, load->action, 1, load->arena));
	db_send(store->db, query);
}

#define LIST_SOUGHT \
	"a AS MATERIALIZED (SELECT * FROM appointment WHERE (round_id = $1::uuid OR group_id = $2::uuid" \
	"  OR donor_id = ANY (ARRAY(SELECT donor_records($6::uuid))))" \
	" AND state = ANY ($3::text[]) AND id > $4::uuid ORDER BY id LIMIT $5::integer)"
static const struct db_statement list_quietly = {
	"WITH " LIST_SOUGHT " SELECT " APPOINTMENT_COLUMNS " FROM a" APPOINTMENT_JOINS " ORDER BY a.id"
};
static const struct db_statement list_audited = {
	/* the last one, if there are as many, only tells that there are more */
	"WITH " LIST_SOUGHT ", " PEOPLE_OF("(SELECT * FROM a ORDER BY id LIMIT $5::integer - 1)") AUDIT_TOLD("$7")
	" SELECT " APPOINTMENT_COLUMNS " FROM a" APPOINTMENT_JOINS " ORDER BY a.id"
};

static void list_on_done(struct db_query *query, const struct db_result *result)
{
	struct appointment_list *list = container_of(query, struct appointment_list, query);

	list->nitems = 0;
	if (result_ok(result, &list->error)) {
		int rows = db_rows(result);

		list->more = rows > list->limit;
		list->items = arena_alloc(list->arena, ((size_t)rows + 1) * sizeof(*list->items));
		for (int i = 0; i < rows && i < list->limit; i++) {
			struct appointment *item = &list->items[list->nitems++];
			struct error err;

			error_clear(&err);               /* one record that does not open stops nobody's list of the day */
			item->unread = !appointment_read(item, list->store, list->action != NULL, list->arena, result, i, &err);
		}
	}
	list->done(list);
}

void appointment_list_send(struct store *store, struct appointment_list *list)
{
	struct db_query *query = &list->query;
	const char *states[APPOINTMENT_STATE_COUNT];
	size_t count = 0;

	list->store = store;
	for (int i = 0; i < APPOINTMENT_STATE_COUNT; i++)
		if (!list->states || list->states & 1u << i)
			states[count++] = appointment_state_text((enum appointment_state)i);
	query_begin(query, list->action ? &list_audited : &list_quietly, list->action ? DB_WRITE : DB_READ, list_on_done);
	query_text(query, uuid_or_nil(list->round_id));
	query_text(query, uuid_or_nil(list->group_id));
	query_texts(query, list->arena, states, count);
	query_text(query, uuid_or_nil(list->after));     /* of "": that before all others */
	query_text(query, page_limit(list->limit, list->limit_text));
	query_text(query, uuid_or_nil(list->donor_id));
	if (list->action)
		query_text(query, told_audit(store, &list->actor, list->action, list->limit, list->arena));
	db_send(store->db, query);
}

static const struct db_statement waiting_statement = {
	"WITH who AS MATERIALIZED (SELECT coalesce(l.into_id, a.donor_id) AS id, concat_ws(' ', a.queue, a.id, a.component, slot_wish(a.wish)) AS extra"
	"  FROM appointment AS a LEFT JOIN donor_alias AS l ON l.donor_id = a.donor_id"
	"  WHERE a.round_id = $1::uuid AND a.state = 'waiting' AND a.queue > $2::bigint ORDER BY a.queue LIMIT $3::integer), "
	FACTS_OF_WHO
};

static int compare_queue(const void *a, const void *b)
{
	const struct waiting_person *one = a, *two = b;

	return (one->queue > two->queue) - (one->queue < two->queue);
}

static void waiting_read(struct waiting_load *load, const struct db_result *result)
{
	int row = 0, found = 0;

	load->people = arena_alloc(load->arena, WAITING_PAGE * sizeof(*load->people));
	while (row < db_rows(result) && load->error.code == ERR_NONE) {
		struct person_facts *person = arena_alloc(load->arena, sizeof(*person));
		struct waiting_person *to = &load->people[load->npeople];
		bool fine = facts_read(person, load->store, load->arena, result, &row, &load->error);
		char *rest = arena_strdup(load->arena, person->extra), *queue = strsep(&rest, " ");

		found++;
		*to = (struct waiting_person){ .facts = person->facts, .queue = queue ? strtoll(queue, NULL, 10) : 0 };
		to->appointment_id = strsep(&rest, " ");
		(void)component_parse(rest ? strsep(&rest, " ") : "", &to->component);
		to->wish = rest;
		if (to->queue > load->last)
			load->last = to->queue;
		if (fine)
			load->npeople++;
		else if (load->error.code == ERR_INTERNAL)
			error_clear(&load->error);       /* no record that can be opened: nobody knows whether they may give */
	}
	load->seen = load->last;
	if (found < WAITING_PAGE)
		load->last = 0;
	qsort(load->people, load->npeople, sizeof(*load->people), compare_queue);
}

size_t waiting_fits(const struct waiting_load *load, const struct eligibility_rules *rules, struct date on, struct date today,
		    struct arena *arena, const struct waiting_fit **out)
{
	struct waiting_fit *fits = arena_alloc(arena, (load->npeople + 1) * sizeof(*fits));
	size_t count = 0;

	for (size_t i = 0; i < load->npeople; i++) {
		const struct waiting_person *person = &load->people[i];
		struct eligibility_facts facts;
		struct verdict verdict;

		donor_facts_as_of(&person->facts, rules, on, today, person->component, arena, &facts);
		eligibility_check(rules, &facts, arena, &verdict);
		if (verdict.eligible && !person->facts.donor->contact_facility)
			fits[count++] = (struct waiting_fit){ person->appointment_id, person->wish, verdict.decision, rules->id };
	}
	*out = fits;
	return count;
}

static void waiting_on_done(struct db_query *query, const struct db_result *result)
{
	struct waiting_load *load = container_of(query, struct waiting_load, query);

	if (result_ok(result, &load->error))
		waiting_read(load, result);
	load->done(load);
}

void waiting_load_send(struct store *store, struct waiting_load *load)
{
	load->store = store;
	load->npeople = 0;
	load->last = load->seen = 0;
	query_begin(&load->query, &waiting_statement, DB_READ, waiting_on_done);
	query_text(&load->query, uuid_or_nil(load->round_id));
	query_int(&load->query, load->arena, load->after);
	query_int(&load->query, load->arena, WAITING_PAGE);
	db_send(store->db, &load->query);
}

/* ---- groups ---- */

static const struct db_statement group_statement = {
	"SELECT g.id, g.round_id, coalesce(l.into_id, g.contact_id), d.number, g.title, g.seats, g.release_hours, "
	SQL_MICROS("g.created_at") ", now.waiting, now.booked, now.checked_in, now.cancelled, now.no_show, now.released, now.unnamed,"
	" past.came, past.missed, past.released"
	" FROM seat_group AS g LEFT JOIN donor_alias AS l ON l.donor_id = g.contact_id"
	" JOIN donor AS d ON d.id = coalesce(l.into_id, g.contact_id)"
	" CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE a.state = 'waiting') AS waiting,"
	"   count(*) FILTER (WHERE a.state = 'booked') AS booked, count(*) FILTER (WHERE a.state = 'checked_in') AS checked_in,"
	"   count(*) FILTER (WHERE a.state = 'cancelled') AS cancelled, count(*) FILTER (WHERE a.state = 'no_show') AS no_show,"
	"   count(*) FILTER (WHERE a.state = 'released') AS released,"
	"   count(*) FILTER (WHERE a.state = 'booked' AND a.donor_id IS NULL) AS unnamed"
	"  FROM appointment AS a WHERE a.group_id = g.id) AS now"
	" CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE a.state = 'checked_in') AS came,"
	"   count(*) FILTER (WHERE a.state = 'no_show') AS missed, count(*) FILTER (WHERE a.state = 'released') AS released"
	"  FROM seat_group AS o JOIN appointment AS a ON a.group_id = o.id JOIN round AS r ON r.id = o.round_id"
	"  WHERE o.contact_id = ANY (ARRAY(SELECT donor_records(g.contact_id))) AND r.status IN ('running', 'closed')) AS past"
	" WHERE g.id = $1::uuid"
};

static void group_on_done(struct db_query *query, const struct db_result *result)
{
	struct seat_group_load *load = container_of(query, struct seat_group_load, query);
	struct seat_group *group = &load->group;

	if (result_ok(result, &load->error)) {
		if (db_rows(result) == 0) {
			fail_not_found(&load->error);
		} else {
			row_uuid(result, 0, 0, group->id);
			row_uuid(result, 0, 1, group->round_id);
			row_uuid(result, 0, 2, group->contact_id);
			group->contact_number = row_text(load->arena, result, 0, 3);
			group->title = row_text(load->arena, result, 0, 4);
			group->seats = row_int(result, 0, 5, 0);
			group->release_hours = row_int(result, 0, 6, 0);
			group->created_us = row_time(result, 0, 7);
			for (int i = 0; i < APPOINTMENT_STATE_COUNT; i++)
				group->count[i] = row_int(result, 0, 8 + i, 0);
			group->unnamed = row_int(result, 0, 8 + APPOINTMENT_STATE_COUNT, 0);
			group->past_came = row_int(result, 0, 9 + APPOINTMENT_STATE_COUNT, 0);
			group->past_missed = row_int(result, 0, 10 + APPOINTMENT_STATE_COUNT, 0);
			group->past_released = row_int(result, 0, 11 + APPOINTMENT_STATE_COUNT, 0);
		}
	}
	load->done(load);
}

void seat_group_load_send(struct store *store, struct seat_group_load *load)
{
	query_begin(&load->query, &group_statement, DB_READ, group_on_done);
	query_text(&load->query, uuid_or_nil(load->id));
	db_send(store->db, &load->query);
}

/* ---- steps ---- */

static const struct db_statement do_statement = {
	"WITH " CLAIM("true") ","
	" step AS MATERIALIZED (SELECT s.* FROM go CROSS JOIN LATERAL appointment_do($9, $10::jsonb, $11::timestamptz) AS s),"
	" audit AS (INSERT INTO audit_entry (" AUDIT_COLUMNS ")"
	"  SELECT uuid7_make(), e.actor_kind, e.actor_id, e.actor_role, s.action, s.subject, s.id::text, e.request_id, e.key_id,"
	"   s.digest_before, s.digest_after FROM step AS s, jsonb_to_recordset($8::jsonb) AS e (actor_kind text, actor_id text,"
	"   actor_role text, request_id text, key_id integer))"
	" SELECT EXISTS (SELECT FROM go), (SELECT count(*) FROM step)"
};

static const struct {
	const char *name, *kind;
} steps[] = {
	[STEP_BOOK] = { "book", "appointment" },         [STEP_MOVE] = { "move", "appointment" },
	[STEP_CANCEL] = { "cancel", "appointment" },     [STEP_CHECK_IN] = { "check_in", "appointment" },
	[STEP_NO_SHOW] = { "no_show", "appointment" },   [STEP_NAME] = { "name", "appointment" },
	[STEP_GROUP] = { "group", "seat_group" },        [STEP_RELEASE] = { "release", "seat_group" },
	[STEP_REFILL] = { "refill", "appointment" },     [STEP_RELEASE_DUE] = { "release_due", "appointment" },
};

/* A code that is somebody's already in the round: other ones are drawn. */
enum { STEP_ATTEMPTS = 16 };

static void do_make(struct appointment_do *step);

static void do_on_replayed(struct db_query *query, const struct db_result *result)
{
	struct appointment_do *step = container_of(query, struct appointment_do, query);

	if (replay_read(result, &step->idempotency, &step->error))
		snprintf(step->made, sizeof(step->made), "%.36s", step->idempotency.resource_id);
	step->done(step);
}

static void do_on_done(struct db_query *query, const struct db_result *result)
{
	struct appointment_do *step = container_of(query, struct appointment_do, query);

	if (result_violates(result, "appointment_code_uk") && ++step->attempts < STEP_ATTEMPTS) {
		do_make(step);
		return;
	}
	switch (claim_read(result, &step->idempotency, &step->error)) {
	case CLAIM_LOST:
		replay_send(step->store, query, &step->idempotency, &step->actor, steps[step->step].kind, step->arena,
			    do_on_replayed);
		return;
	case CLAIM_WON:
		step->nsteps = row_int(result, 0, 1, 0);
		break;
	case CLAIM_FAILED:
		break;
	}
	step->done(step);
}

static void write_code(struct json_out *out)
{
	char code[APPOINTMENT_CODE_SIZE];
	uint64_t bits;

	if (getentropy(&bits, sizeof(bits)) != 0)
		abort();
	appointment_code_make(bits, code);
	jout_text(out, "code", code);
}

static void write_seats(struct json_out *out, const struct appointment_do *step)
{
	char id[UUID_TEXT_SIZE];

	if (step->step == STEP_RELEASE) {
		jout_int(out, "seats", step->seats);
		return;
	}
	jout_array(out, "seats");
	for (int i = 0; i < step->seats; i++) {
		uuid7_make(id, clock_wall_us(step->store->clock));
		jout_object(out, NULL);
		jout_text(out, "id", id);
		write_code(out);
		jout_end(out);
	}
	jout_end(out);
}

static const char *step_text(const struct appointment_do *step)
{
	struct buf buf = { 0 };
	struct json_out out = { .buf = &buf };
	const char *text;

	jout_object(&out, NULL);
	jout_text(&out, "id", *step->made ? step->made : NULL);
	if (step->version > 0)
		jout_int(&out, "version", step->version);
	jout_text(&out, "round", uuid_or_nil(step->round_id));
	jout_text(&out, "slot", uuid_or_nil(step->slot_id));
	jout_text(&out, step->step == STEP_GROUP ? "contact" : "donor", uuid_or_nil(step->donor_id));
	jout_bool(&out, "wait", step->wait);
	jout_bool(&out, "door", step->door);
	jout_text(&out, "component", component_text(step->component));
	if (step->verdict) {
		jout_text(&out, "decision", eligibility_decision_text(step->verdict->decision));
		jout_text(&out, "rule_set", step->verdict->rules->id);
	}
	jout_array(&out, "waiting");
	for (size_t i = 0; i < step->nwaiting; i++) {
		jout_object(&out, NULL);
		jout_text(&out, "id", step->waiting[i].appointment_id);
		jout_text(&out, "decision", eligibility_decision_text(step->waiting[i].decision));
		jout_text(&out, "rule_set", step->waiting[i].rule_set);
		jout_end(&out);
	}
	jout_end(&out);
	jout_int(&out, "seen", step->seen);
	jout_int(&out, "lead", step->lead_minutes);
	jout_text(&out, "reason", "asked");
	jout_text(&out, "title", step->title);
	jout_int(&out, "release_hours", step->release_hours);
	jout_bool(&out, "release_asked", step->release_asked);
	write_seats(&out, step);
	write_code(&out);
	jout_end(&out);
	text = arena_strdup(step->arena, buf.data);
	buf_release(&buf);
	return text;
}

static void do_make(struct appointment_do *step)
{
	struct db_query *query = &step->query;
	struct audit audit;

	query_begin(query, &do_statement, DB_WRITE, do_on_done);
	query_claim(query, step->store, &step->idempotency, step->made, step->arena);
	audit_begin(&audit, step->store, &step->actor);
	audit_add_reading(&audit, steps[step->step].name, steps[step->step].kind, "", NULL);
	query_text(query, audit_end(&audit, step->arena));
	query_text(query, steps[step->step].name);
	query_text(query, step_text(step));
	query_time(query, step->arena, clock_wall_us(step->store->clock));
	db_send(step->store->db, query);
}

void appointment_do_send(struct store *store, struct appointment_do *step)
{
	step->store = store;
	step->attempts = 0;
	if (step->id)
		snprintf(step->made, sizeof(step->made), "%s", step->id);
	else if (step->step == STEP_BOOK || step->step == STEP_GROUP)
		uuid7_make(step->made, clock_wall_us(store->clock));
	else
		step->made[0] = '\0';
	do_make(step);
}

/* ---- what a job does ---- */

/* $1 today  $2 $3 $4 configured rules  $5 now  $6 lead in minutes */
static const struct db_statement due_statement = {
	"WITH r AS MATERIALIZED (SELECT * FROM round AS r WHERE r.status IN ('open', 'running') AND r.from_day >= $1::date)"
	" SELECT ARRAY(SELECT c.id FROM (SELECT r.id, r.version, p.laid_by, p.loose, " SLOT_RULES("$2", "$3", "$4") " FROM r" SLOT_RULES_JOINS ") AS c"
	"   WHERE c.laid_by IS DISTINCT FROM " FROM_WHAT("c") " OR c.loose"
	"  UNION SELECT r.id FROM r WHERE EXISTS (SELECT FROM slot AS s JOIN appointment AS w ON w.round_id = s.round_id"
	"   WHERE s.round_id = r.id AND w.state = 'waiting' AND coalesce(slot_wish(w.wish), s.id) = s.id AND s.stands"
	"    AND s.booked < s.capacity AND r.booked < coalesce(r.capacity, 0) AND s.booked - s.walked < s.capacity - s.walk_in"
	"    AND civil($5::timestamptz) + make_interval(mins => $6::integer) < r.from_day + make_interval(mins => s.start_minute))"
	"  LIMIT 100),"
	" EXISTS (SELECT FROM appointment AS x JOIN seat_group AS g ON g.id = x.group_id JOIN r ON r.id = x.round_id"
	"  JOIN slot AS s ON s.id = x.slot_id WHERE x.donor_id IS NULL AND x.state = 'booked'"
	"   AND seat_due(r.from_day, s, g.release_hours, $5::timestamptz))"
};

static void due_on_done(struct db_query *query, const struct db_result *result)
{
	struct booking_due *due = container_of(query, struct booking_due, query);

	due->nrounds = 0;
	due->seats = false;
	if (result_ok(result, &due->error)) {
		due->rounds = row_texts(due->arena, result, 0, 0, &due->nrounds);
		due->seats = db_bool(result, 0, 1);
	}
	due->done(due);
}

void booking_due_send(struct store *store, struct booking_due *due)
{
	struct db_query *query = &due->query;

	due->store = store;
	query_begin(query, &due_statement, DB_READ, due_on_done);
	query_date(query, due->arena, due->today);
	query_rules(query, due->arena, &due->rules);
	query_time(query, due->arena, clock_wall_us(store->clock));
	query_int(query, due->arena, due->lead_minutes);
	db_send(store->db, query);
}

/* 7407 is this job's advisory lock: who does not get it leaves it to who has it. */
static const struct db_statement tell_statement = {
	"WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(7407) AS mine),"
	" gone AS (DELETE FROM places_changed USING turn WHERE turn.mine RETURNING 1),"
	" bump AS (" TOPIC_BUMP("rounds", "EXISTS (SELECT FROM gone)") ")"
	" SELECT EXISTS (SELECT FROM gone)"
};

static void tell_on_done(struct db_query *query, const struct db_result *result)
{
	struct places_tell *tell = container_of(query, struct places_tell, query);

	tell->told = result_ok(result, &tell->error) && db_bool(result, 0, 0);
	tell->done(tell);
}

void places_tell_send(struct store *store, struct places_tell *tell)
{
	query_begin(&tell->query, &tell_statement, DB_WRITE, tell_on_done);
	db_send(store->db, &tell->query);
}
