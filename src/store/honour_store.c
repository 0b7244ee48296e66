#include "store/honour_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "store/audit.h"
#include "store/failure.h"
#include "store/image.h"
#include "store/replay.h"
#include "store/row.h"

static void query_units(struct db_query *query, struct arena *arena, const char *const *units, size_t count)
{
	if (units)
		query_texts(query, arena, units, count);
	else
		query_text(query, NULL);
}

/* ---- who may be a candidate ---- */

/* Arrays side by side of the donations `g`; the last two: since when and until when who gave is a member. */
#define DONATION_ARRAYS(g, person, joined, left) \
	"array_agg(" g ".id ORDER BY " g ".donated_on, " g ".id) AS ids," \
	" array_agg(" g ".donor_id ORDER BY " g ".donated_on, " g ".id) AS records," \
	" array_agg(" person " ORDER BY " g ".donated_on, " g ".id) AS persons," \
	" array_agg(" g ".component ORDER BY " g ".donated_on, " g ".id) AS components," \
	" array_agg(coalesce(" g ".volume_ml, -1) ORDER BY " g ".donated_on, " g ".id) AS volumes," \
	" array_agg(" g ".donated_on ORDER BY " g ".donated_on, " g ".id) AS days," \
	" array_agg(" g ".evidence ORDER BY " g ".donated_on, " g ".id) AS evidences," \
	" array_agg(coalesce(" g ".outcome, 'completed') ORDER BY " g ".donated_on, " g ".id) AS outcomes," \
	" array_agg(coalesce(" joined "::text, '') ORDER BY " g ".donated_on, " g ".id) AS joined," \
	" array_agg(coalesce(" left "::text, '') ORDER BY " g ".donated_on, " g ".id) AS lefts"
#define COUNTING(g) g ".donated_on <= $3::date AND NOT " g ".held AND NOT " g ".open"
#define SUBJECT_COLUMNS \
	" f.ids, f.records, f.persons, f.components, f.volumes, f.days, f.evidences, f.outcomes, f.joined, f.lefts, h.steps, h.states"
#define HAD(condition) \
	" CROSS JOIN LATERAL (SELECT array_agg(x.step ORDER BY x.id) AS steps, array_agg(x.state ORDER BY x.id) AS states" \
	"  FROM honour AS x WHERE " condition ") AS h"
/* $1 only, $2 after, $3 as of, $4 units, $5 least, $6 limit */
#define SUBJECT_WANTED(unit) \
	" WHERE ($1::uuid IS NULL OR d.id = $1::uuid) AND d.id > $2::uuid AND ($4::text[] IS NULL OR " unit " = ANY ($4))" \
	"  AND cardinality(f.ids) >= $5::integer"

static const struct db_statement find_persons = {
	"SELECT d.id, d.version, d.id, d.number, d.unit_id, d.unit_on," SUBJECT_COLUMNS
	" FROM donor AS d"
	" CROSS JOIN LATERAL (SELECT " DONATION_ARRAYS("g", "d.id", "NULL", "NULL")
	"  FROM donation_counting AS g WHERE g.donor_id = ANY (person_records(d.id)) AND " COUNTING("g") ") AS f"
	HAD("x.donor_id = ANY (person_records(d.id))")
	SUBJECT_WANTED("d.unit_id") " AND d.erased_at IS NULL AND NOT EXISTS (SELECT FROM donor_alias AS a WHERE a.donor_id = d.id)"
	" ORDER BY d.id LIMIT $6::integer"
};

/*
 * A donation is told once, though two records of the family turned out to be one person; with the time in which it fell. It
 * counts in one family: not where the person was in another one before, and had not left it (so it is with records that
 * were merged), nor when another family was honoured with it.
 */
static const struct db_statement find_families = {
	"SELECT d.id, d.version, s.id, s.number, s.unit_id, s.unit_on," SUBJECT_COLUMNS
	" FROM family AS d JOIN donor AS s ON s.id = family_head(d.id)"
	" CROSS JOIN LATERAL (SELECT " DONATION_ARRAYS("y", "y.person", "y.joined_on", "y.left_on") " FROM ("
	"  SELECT DISTINCT ON (g.id) g.*, m.person, m.joined_on, m.left_on FROM ("
	"   SELECT m.id, p.id AS person, m.joined_on, m.left_on FROM family_member AS m"
	"    LEFT JOIN donor_alias AS a ON a.donor_id = m.donor_id JOIN donor AS p ON p.id = coalesce(a.into_id, m.donor_id)"
	"    WHERE m.family_id = d.id AND m.consent_on IS NOT NULL AND p.erased_at IS NULL"
	"     AND m.left_on IS DISTINCT FROM m.joined_on) AS m"
	"   JOIN donation_counting AS g ON g.donor_id = ANY (person_records(m.person))"
	"   WHERE " COUNTING("g")
	"    AND NOT EXISTS (SELECT FROM family_member AS o WHERE o.donor_id = ANY (person_records(m.person)) AND o.family_id <> d.id"
	"     AND (o.joined_on, o.id) < (m.joined_on, m.id) AND o.left_on IS DISTINCT FROM o.joined_on"
	"     AND (o.left_on IS NULL OR g.donated_on < o.left_on))"
	"    AND NOT EXISTS (SELECT FROM honour AS x WHERE x.family_id <> d.id AND x.state <> 'refused' AND x.donations @> ARRAY[g.id])"
	"   ORDER BY g.id, (m.joined_on <= g.donated_on AND (m.left_on IS NULL OR g.donated_on < m.left_on)) DESC,"
	"    (m.left_on IS NULL OR g.donated_on < m.left_on) DESC, m.joined_on, m.id) AS y) AS f"
	HAD("x.family_id = d.id")
	SUBJECT_WANTED("s.unit_id") " ORDER BY d.id LIMIT $6::integer"
};
enum { FIND_ID, FIND_VERSION, FIND_DONOR, FIND_NUMBER, FIND_UNIT, FIND_UNIT_ON, FIND_IDS, FIND_RECORDS, FIND_PERSONS, FIND_COMPONENTS, FIND_VOLUMES,
       FIND_DAYS, FIND_EVIDENCES, FIND_OUTCOMES, FIND_JOINED, FIND_LEFTS, FIND_STEPS, FIND_STATES };

static void read_donations(struct honour_subject *subject, struct arena *arena, const struct db_result *result, int row)
{
	const char **of[FIND_LEFTS + 1];
	size_t count = 0;

	for (int column = FIND_IDS; column <= FIND_LEFTS; column++)
		of[column] = row_texts(arena, result, row, column, &count);
	subject->ndonations = count;
	subject->donations = arena_alloc(arena, (count + 1) * sizeof(*subject->donations));
	for (size_t i = 0; i < count; i++) {
		struct honour_donation *donation = &subject->donations[i];

		*donation = (struct honour_donation){ .stopped = streq(of[FIND_OUTCOMES][i], "stopped") };
		snprintf(donation->id, sizeof(donation->id), "%s", of[FIND_IDS][i]);
		snprintf(donation->record, sizeof(donation->record), "%s", of[FIND_RECORDS][i]);
		snprintf(donation->person, sizeof(donation->person), "%s", of[FIND_PERSONS][i]);
		(void)component_parse(of[FIND_COMPONENTS][i], &donation->component);
		(void)donation_evidence_parse(of[FIND_EVIDENCES][i], &donation->evidence);
		(void)date_parse(of[FIND_DAYS][i], &donation->on);
		(void)date_parse(of[FIND_JOINED][i], &donation->joined);         /* "": none */
		(void)date_parse(of[FIND_LEFTS][i], &donation->left);
		long volume = -1;

		donation->volume_ml = text_to_int(of[FIND_VOLUMES][i], 0, DONATION_VOLUME_MAX, &volume) ? (int)volume : -1;
	}
}

static void read_subject(struct honour_subject *subject, struct arena *arena, const struct db_result *result, int row)
{
	size_t nstates;
	const char **steps = row_texts(arena, result, row, FIND_STEPS, &subject->nhad);
	const char **states = row_texts(arena, result, row, FIND_STATES, &nstates);

	row_uuid(result, row, FIND_ID, subject->id);
	subject->version = db_int(result, row, FIND_VERSION, 0);
	subject->donor_id = row_text(arena, result, row, FIND_DONOR);
	subject->donor_number = row_text(arena, result, row, FIND_NUMBER);
	subject->unit_id = row_text(arena, result, row, FIND_UNIT);
	subject->unit_on = row_date(result, row, FIND_UNIT_ON);
	read_donations(subject, arena, result, row);
	subject->had = arena_alloc(arena, (subject->nhad + 1) * sizeof(*subject->had));
	for (size_t i = 0; i < subject->nhad; i++) {
		subject->had[i].step = steps[i];
		(void)honour_state_parse(states[i], &subject->had[i].state);
	}
}

static void find_on_done(struct db_query *query, const struct db_result *result)
{
	struct honour_find *find = container_of(query, struct honour_find, query);

	if (result_ok(result, &find->error)) {
		int rows = db_rows(result);

		find->more = rows > find->limit;
		find->nsubjects = (size_t)(find->more ? find->limit : rows);
		find->subjects = arena_alloc(find->arena, (find->nsubjects + 1) * sizeof(*find->subjects));
		for (size_t i = 0; i < find->nsubjects; i++)
			read_subject(&find->subjects[i], find->arena, result, (int)i);
	}
	find->done(find);
}

void honour_find_send(struct store *store, struct honour_find *find)
{
	struct db_query *query = &find->query;

	snprintf(find->least_text, sizeof(find->least_text), "%d", find->least);
	query_begin(query, find->families ? &find_families : &find_persons, find->only ? DB_READ : DB_SLOW, find_on_done);
	query_text(query, uuid_or_nil(find->only));
	query_text(query, find->after[0] ? find->after : "00000000-0000-0000-0000-000000000000");
	query_date(query, find->arena, find->as_of);
	query_units(query, find->arena, find->units, find->nunits);
	query_text(query, find->least_text);
	query_text(query, page_limit(find->limit, find->limit_text));
	db_send(store->db, query);
}

/* ---- a new candidate ---- */

/*
 * $9 id, $10 subject, $11 its version, $12 steps that it would be twice with, $13 ladder, $14 step, $15 bar, $16 as of,
 * $17 reached on, $18 donations, $19 rules, $20 actor kind, $21 actor id, $22 event, $23 record. The subject's row is held
 * first, and then asked what it has by now.
 */
#define NOMINATE(held, table, condition, free, record, family) \
	"WITH " held "who AS MATERIALIZED (SELECT t.id FROM " table " AS t WHERE t.id = $10::uuid AND t.version = $11::bigint" condition \
	"  FOR NO KEY UPDATE OF t)," \
	" free AS MATERIALIZED (SELECT t.id FROM who AS t WHERE NOT " free ")," \
	" " CLAIM("EXISTS (SELECT FROM free)") "," \
	" made AS (INSERT INTO honour (id, donor_id, family_id, ladder, step, bar, as_of, reached_on, donations, rules)" \
	"  SELECT $9::uuid, " record ", " family ", $13, $14, $15::integer, $16::date, $17::date, $18::uuid[], $19 FROM go" \
	"  RETURNING created_at)," \
	" event AS (INSERT INTO honour_event (id, honour_id, version, verb, state, at, actor_kind, actor_id)" \
	"  SELECT $22::uuid, $9::uuid, 1, 'nominate', 'candidate', created_at, $20, $21 FROM made)," \
	" audit AS (" AUDIT_INSERT("$8", "EXISTS (SELECT FROM made)") ")" \
	" SELECT EXISTS (SELECT FROM go), EXISTS (SELECT FROM who), EXISTS (SELECT FROM free)," \
	"  (SELECT " SQL_MICROS("created_at") " FROM made)"

static const struct db_statement nominate_person = {
	NOMINATE("", "donor", " AND t.erased_at IS NULL AND NOT EXISTS (SELECT FROM donor_alias AS a WHERE a.donor_id = t.id)",
		 "honour_taken(t.id, NULL::uuid, $12::text[])", "$23::uuid", "NULL::uuid")
};
/* Two families may have had one member: the rows of who gave are held, in the order of their ids and before the family's. */
static const struct db_statement nominate_family = {
	NOMINATE("held AS MATERIALIZED (SELECT d.id FROM donor AS d WHERE d.id IN"
		 " (SELECT n.donor_id FROM donation AS n WHERE n.id = ANY ($18::uuid[])) ORDER BY d.id FOR NO KEY UPDATE OF d),",
		 "family", " AND (SELECT count(*) FROM held) > 0",
		 "(honour_taken(NULL::uuid, t.id, $12::text[]) OR family_used(t.id, $18::uuid[]))", "$23::uuid", "$10::uuid")
};

static bool fail_taken(struct error *err)
{
	return error_set(err, ERR_ALREADY_EXISTS, "This honour was given, or it is in work. Look it up in the list of honours.",
			 "Hình thức tôn vinh này đã trao hoặc đang được xét. Hãy xem danh sách tôn vinh.");
}

static void nominate_on_replayed(struct db_query *query, const struct db_result *result)
{
	struct honour_nominate *nominate = container_of(query, struct honour_nominate, query);
	struct error cause = nominate->error;

	(void)!replay_read(result, &nominate->idempotency, &nominate->error);
	if (nominate->error.code == ERR_STALE)   /* no such key: the refusal had its own cause */
		nominate->error = cause;
	nominate->done(nominate);
}

static void nominate_on_done(struct db_query *query, const struct db_result *result)
{
	struct honour_nominate *nominate = container_of(query, struct honour_nominate, query);

	switch (claim_read(result, &nominate->idempotency, &nominate->error)) {
	case CLAIM_LOST:
		if (result->outcome == DB_OK && !db_bool(result, 0, 1))
			fail_stale(&nominate->error);
		else if (result->outcome == DB_OK && !db_bool(result, 0, 2))
			fail_taken(&nominate->error);
		if (nominate->idempotency.key) {
			replay_send(nominate->store, query, &nominate->idempotency, &nominate->actor, "honour", nominate->arena,
				    nominate_on_replayed);
			return;
		}
		break;
	case CLAIM_WON:
		nominate->honour.created_us = row_time(result, 0, 3);
		break;
	case CLAIM_FAILED:
		break;
	}
	nominate->done(nominate);
}

/* The step and what it replaces. */
static void query_steps(struct db_query *query, const struct honour_step *step, struct arena *arena)
{
	const char **steps = arena_alloc(arena, (step->nreplaces + 1) * sizeof(*steps));

	steps[0] = step->rule.id;
	for (size_t i = 0; i < step->nreplaces; i++)
		steps[i + 1] = step->replaces[i];
	query_texts(query, arena, steps, step->nreplaces + 1);
}

void honour_nominate_send(struct store *store, struct honour_nominate *nominate)
{
	struct honour *honour = &nominate->honour;
	struct db_query *query = &nominate->query;
	struct arena *arena = nominate->arena;
	char *event = arena_alloc(arena, UUID_TEXT_SIZE);
	struct buf image = { 0 };
	struct audit audit;

	nominate->store = store;
	uuid7_make(honour->id, clock_wall_us(store->clock));
	uuid7_make(event, clock_wall_us(store->clock));
	honour->state = HONOUR_CANDIDATE;
	honour->version = 1;
	query_begin(query, honour->family_id ? &nominate_family : &nominate_person, DB_WRITE, nominate_on_done);
	query_claim(query, store, &nominate->idempotency, honour->id, arena);
	image_honour(&image, honour);
	audit_begin(&audit, store, &nominate->actor);
	audit_add(&audit, "honour.nominate", "honour", honour->id, NULL, &image);
	query_text(query, audit_end(&audit, arena));
	buf_release(&image);
	query_text(query, honour->id);
	query_text(query, honour->family_id ? honour->family_id : honour->donor_id);
	query_int(query, arena, nominate->subject_version);
	query_steps(query, nominate->step, arena);
	query_text(query, honour_ladder_text(honour->ladder));
	query_text(query, honour->step);
	query_int(query, arena, honour->bar);
	query_date(query, arena, honour->as_of);
	query_date(query, arena, honour->reached_on);
	query_texts(query, arena, honour->donations, (size_t)honour->bar);
	query_text(query, honour->rules);
	query_text(query, nominate->actor.kind);
	query_text(query, actor_id(&nominate->actor));
	query_text(query, event);
	query_text(query, honour->record_id);
	db_send(store->db, query);
}

/* ---- rows ---- */

/* Of an honour `h` and the record `s` that it is told by. $1, $2: query_replaced(). */
#define HONOUR_COLUMNS \
	"h.id, CASE WHEN h.donor_id IS NOT NULL THEN s.id END, h.family_id, s.number, s.unit_id, s.unit_on, h.ladder, h.step, h.bar," \
	" h.as_of, h.reached_on, h.rules, h.state, h.reason, h.document, h.approved_on, h.handed_on, h.given_by, " \
	SQL_MICROS("h.created_at") ", h.version, h.donor_id, t.twins"
#define HONOUR_FROM \
	" FROM honour AS h LEFT JOIN donor_alias AS a ON a.donor_id = h.donor_id" \
	"  JOIN donor AS s ON s.id = coalesce(a.into_id, h.donor_id, family_head(h.family_id))" \
	"  CROSS JOIN LATERAL (SELECT CASE WHEN EXISTS (SELECT FROM donor_alias AS m WHERE m.into_id = s.id)" \
	"   THEN honour_twins(h, s.id, $1::text[], $2::text[]) ELSE '{}' END AS twins) AS t"
enum { HONOUR_ID, HONOUR_DONOR, HONOUR_FAMILY, HONOUR_NUMBER, HONOUR_UNIT, HONOUR_UNIT_ON, HONOUR_LADDER_, HONOUR_STEP, HONOUR_BAR,
       HONOUR_AS_OF, HONOUR_REACHED, HONOUR_RULES, HONOUR_STATE, HONOUR_REASON, HONOUR_DOCUMENT, HONOUR_APPROVED_ON,
       HONOUR_HANDED_ON, HONOUR_GIVEN_BY, HONOUR_CREATED, HONOUR_VERSION, HONOUR_RECORD, HONOUR_TWINS, HONOUR_COLUMN_COUNT };

/* Two arrays side by side: steps, and what they replace. */
static void query_replaced(struct db_query *query, const struct honour_rules *rules, struct arena *arena)
{
	const char **steps, **were;
	size_t count = 0, n = 0;

	for (size_t i = 0; i < rules->nsteps; i++)
		count += rules->steps[i].nreplaces;
	steps = arena_alloc(arena, (count + 1) * sizeof(*steps));
	were = arena_alloc(arena, (count + 1) * sizeof(*were));
	for (size_t i = 0; i < rules->nsteps; i++) {
		for (size_t j = 0; j < rules->steps[i].nreplaces; j++) {
			steps[n] = rules->steps[i].rule.id;
			were[n++] = rules->steps[i].replaces[j];
		}
	}
	query_texts(query, arena, steps, count);
	query_texts(query, arena, were, count);
}

static void honour_read_row(struct honour *honour, struct arena *arena, const struct db_result *result, int row)
{
	row_uuid(result, row, HONOUR_ID, honour->id);
	honour->donor_id = row_text(arena, result, row, HONOUR_DONOR);
	honour->family_id = row_text(arena, result, row, HONOUR_FAMILY);
	honour->donor_number = row_text(arena, result, row, HONOUR_NUMBER);
	honour->unit_id = row_text(arena, result, row, HONOUR_UNIT);
	honour->unit_on = row_date(result, row, HONOUR_UNIT_ON);
	(void)honour_ladder_parse(db_text(result, row, HONOUR_LADDER_), &honour->ladder);
	honour->step = row_text(arena, result, row, HONOUR_STEP);
	honour->bar = row_int(result, row, HONOUR_BAR, 0);
	honour->as_of = row_date(result, row, HONOUR_AS_OF);
	honour->reached_on = row_date(result, row, HONOUR_REACHED);
	honour->rules = row_text(arena, result, row, HONOUR_RULES);
	(void)honour_state_parse(db_text(result, row, HONOUR_STATE), &honour->state);
	honour->reason = row_text(arena, result, row, HONOUR_REASON);
	honour->document = row_text(arena, result, row, HONOUR_DOCUMENT);
	honour->approved_on = row_date(result, row, HONOUR_APPROVED_ON);
	honour->handed_on = row_date(result, row, HONOUR_HANDED_ON);
	honour->given_by = row_text(arena, result, row, HONOUR_GIVEN_BY);
	honour->created_us = row_time(result, row, HONOUR_CREATED);
	honour->version = db_int(result, row, HONOUR_VERSION, 0);
	honour->record_id = row_text(arena, result, row, HONOUR_RECORD);
	honour->twins = row_texts(arena, result, row, HONOUR_TWINS, &honour->ntwins);
}

/* ---- one ---- */

static const struct db_statement load_statement = {
	"SELECT " HONOUR_COLUMNS ", h.donations,"
	" ARRAY(SELECT e.verb FROM honour_event AS e WHERE e.honour_id = h.id ORDER BY e.version),"
	" ARRAY(SELECT e.state FROM honour_event AS e WHERE e.honour_id = h.id ORDER BY e.version),"
	" ARRAY(SELECT coalesce(e.reason, '') FROM honour_event AS e WHERE e.honour_id = h.id ORDER BY e.version),"
	" ARRAY(SELECT " SQL_MICROS("e.at") " FROM honour_event AS e WHERE e.honour_id = h.id ORDER BY e.version)"
	HONOUR_FROM
	" WHERE h.id = $3::uuid AND ($4::text[] IS NULL OR s.unit_id = ANY ($4))"
};

static void read_events(struct honour *honour, struct arena *arena, const struct db_result *result)
{
	size_t count, n;
	const char **verbs = row_texts(arena, result, 0, HONOUR_COLUMN_COUNT + 1, &count);
	const char **states = row_texts(arena, result, 0, HONOUR_COLUMN_COUNT + 2, &n);
	const char **reasons = row_texts(arena, result, 0, HONOUR_COLUMN_COUNT + 3, &n);
	const char **times = row_texts(arena, result, 0, HONOUR_COLUMN_COUNT + 4, &n);

	honour->nevents = count;
	honour->events = arena_alloc(arena, (count + 1) * sizeof(*honour->events));
	for (size_t i = 0; i < count; i++)
		honour->events[i] = (struct honour_event){ .verb = verbs[i], .state = states[i],
							   .reason = *reasons[i] ? reasons[i] : NULL,
							   .at_us = strtoll(times[i], NULL, 10) };
}

static void load_on_done(struct db_query *query, const struct db_result *result)
{
	struct honour_load *load = container_of(query, struct honour_load, query);
	size_t count;

	if (result_ok(result, &load->error)) {
		if (db_rows(result) == 0) {
			fail_not_found(&load->error);
		} else {
			honour_read_row(&load->honour, load->arena, result, 0);
			load->honour.donations = row_texts(load->arena, result, 0, HONOUR_COLUMN_COUNT, &count);
			read_events(&load->honour, load->arena, result);
		}
	}
	load->done(load);
}

void honour_load_send(struct store *store, struct honour_load *load)
{
	query_begin(&load->query, &load_statement, DB_READ, load_on_done);
	query_replaced(&load->query, load->rules, load->arena);
	query_text(&load->query, uuid_or_nil(load->id));
	query_units(&load->query, load->arena, load->units, load->nunits);
	db_send(store->db, &load->query);
}

/* ---- the list ---- */

static const struct db_statement list_statement = {
	"SELECT " HONOUR_COLUMNS HONOUR_FROM
	" WHERE h.id > $3::uuid AND h.state = ANY ($4::text[]) AND ($5::text IS NULL OR h.ladder = $5)"
	" AND ($6::text IS NULL OR h.step = $6) AND ($7::text[] IS NULL OR s.unit_id = ANY ($7))"
	" AND ($9::uuid IS NULL OR h.donor_id = ANY (person_records($9::uuid))) AND ($10::boolean IS NOT TRUE OR cardinality(t.twins) > 0)"
	" ORDER BY h.id LIMIT $8::integer"
};

static void list_on_done(struct db_query *query, const struct db_result *result)
{
	struct honour_list *list = container_of(query, struct honour_list, query);

	if (result_ok(result, &list->error)) {
		int rows = db_rows(result);

		list->more = rows > list->limit;
		list->nhonours = (size_t)(list->more ? list->limit : rows);
		list->honours = arena_alloc(list->arena, (list->nhonours + 1) * sizeof(*list->honours));
		for (size_t i = 0; i < list->nhonours; i++) {
			list->honours[i] = (struct honour){ 0 };
			honour_read_row(&list->honours[i], list->arena, result, (int)i);
		}
	}
	list->done(list);
}

void honour_list_send(struct store *store, struct honour_list *list)
{
	struct db_query *query = &list->query;
	const char *states[HONOUR_STATE_COUNT];
	size_t nstates = 0;

	for (int i = 0; i < HONOUR_STATE_COUNT; i++)
		if (list->states == 0 || (list->states >> i & 1))
			states[nstates++] = honour_state_text((enum honour_state)i);
	query_begin(query, &list_statement, DB_READ, list_on_done);
	query_replaced(query, list->rules, list->arena);
	query_text(query, list->after[0] ? list->after : "00000000-0000-0000-0000-000000000000");
	query_texts(query, list->arena, states, nstates);
	query_text(query, list->ladder);
	query_text(query, list->step);
	query_units(query, list->arena, list->units, list->nunits);
	query_text(query, page_limit(list->limit, list->limit_text));
	query_text(query, list->donor_id);
	query_bool(query, list->twins);
	db_send(store->db, query);
}

/* ---- a step of the work ---- */

/*
 * Forward only who has it once: records that were merged may each have one in work. The person's row is held first, and then
 * asked what there is by now. $15 steps that it would be twice with; NULL: not asked.
 */
static const struct db_statement step_statement = {
	"WITH whose AS MATERIALIZED (SELECT h.id, coalesce(a.into_id, h.donor_id) AS person, h.version = $3::bigint AS fresh"
	"   FROM honour AS h LEFT JOIN donor_alias AS a ON a.donor_id = h.donor_id WHERE h.id = $2::uuid),"
	" held AS MATERIALIZED (SELECT d.id FROM donor AS d, whose WHERE d.id = whose.person FOR NO KEY UPDATE OF d),"
	" once AS MATERIALIZED (SELECT id FROM held WHERE $15::text[] IS NULL OR NOT honour_twice($2::uuid, id, $15::text[])"
	"  UNION ALL SELECT id FROM whose WHERE person IS NULL),"
	" made AS (UPDATE honour SET state = $4, reason = $5, document = $6, approved_on = $7::date, handed_on = $8::date,"
	"  given_by = $9, version = version + 1 WHERE id = $2::uuid AND version = $3::bigint AND EXISTS (SELECT FROM once)"
	"  RETURNING id, version),"
	" event AS (INSERT INTO honour_event (id, honour_id, version, verb, state, reason, at, actor_kind, actor_id)"
	"  SELECT $10::uuid, id, version, $11, $4, $5, $12::timestamptz, $13, $14 FROM made),"
	" audit AS (" AUDIT_INSERT("$1", "EXISTS (SELECT FROM made)") ")"
	" SELECT EXISTS (SELECT FROM made), EXISTS (SELECT FROM whose WHERE fresh) AND NOT EXISTS (SELECT FROM once)"
};

static bool fail_twice(struct error *err)
{
	return error_set(err, ERR_ALREADY_EXISTS,
			 "This person has this honour on another record, too: given, or in work. Look it up in the list of"
			 " honours, and refuse one of the two.",
			 "Người này còn một hồ sơ tôn vinh cùng mức ở bản ghi khác, đã trao hoặc đang xét. Hãy xem danh sách"
			 " tôn vinh và từ chối một trong hai.");
}

static void step_on_done(struct db_query *query, const struct db_result *result)
{
	struct honour_step_do *step = container_of(query, struct honour_step_do, query);

	if (result_ok(result, &step->error) && !db_bool(result, 0, 0)) {
		if (db_bool(result, 0, 1))
			fail_twice(&step->error);
		else
			fail_stale(&step->error);
	}
	step->done(step);
}

void honour_step_send(struct store *store, struct honour_step_do *step)
{
	struct db_query *query = &step->query;
	struct honour *next = &step->next;
	struct arena *arena = step->arena;
	char *event = arena_alloc(arena, UUID_TEXT_SIZE);
	int64_t now = clock_wall_us(store->clock);
	struct buf was = { 0 }, is = { 0 };
	struct audit audit;

	step->store = store;
	uuid7_make(event, now);
	next->version = step->before->version + 1;
	image_honour(&was, step->before);
	image_honour(&is, next);
	audit_begin(&audit, store, &step->actor);
	audit_add(&audit, arena_printf(arena, "honour.%s", honour_verb_text(step->verb)), "honour", next->id, &was, &is);
	query_begin(query, &step_statement, DB_WRITE, step_on_done);
	query_text(query, audit_end(&audit, arena));
	buf_release(&was);
	buf_release(&is);
	query_text(query, next->id);
	query_int(query, arena, step->before->version);
	query_text(query, honour_state_text(next->state));
	query_text(query, next->reason);
	query_text(query, next->document);
	query_date(query, arena, next->approved_on);
	query_date(query, arena, next->handed_on);
	query_text(query, next->given_by);
	query_text(query, event);
	query_text(query, honour_verb_text(step->verb));
	query_time(query, arena, now);
	query_text(query, step->actor.kind);
	query_text(query, actor_id(&step->actor));
	if (step->step)
		query_steps(query, step->step, arena);
	else
		query_text(query, NULL);
	db_send(store->db, query);
}
