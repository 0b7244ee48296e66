#include "store/days_store.h"

#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/text.h"
#include "store/audit.h"
#include "store/facts_row.h"
#include "store/failure.h"
#include "store/row.h"

/* ---- whose days are to be counted ---- */

static const struct db_statement read_statement = {
	"WITH q AS MATERIALIZED (SELECT id, donor_id FROM donor_stale ORDER BY id LIMIT $1::integer),"
	" who AS (SELECT p.id, string_agg(p.row::text, ',') AS extra FROM (SELECT coalesce(a.into_id, q.donor_id) AS id,"
	"   q.id AS row FROM q LEFT JOIN donor_alias AS a ON a.donor_id = q.donor_id) AS p GROUP BY p.id), " FACTS_OF_WHO
};

static size_t count_rows(const char *rows)
{
	size_t count = 1;

	while ((rows = strchr(rows, ',')) != NULL) {
		rows++;
		count++;
	}
	return count;
}

static void add_broken(struct days_read *read, struct buf *rows, const struct person_facts *person)
{
	read->broken[read->nbroken++] = person->record.donor.id;
	buf_append_text(rows, rows->len > 0 ? "," : "");
	buf_append_text(rows, person->extra);
}

static void read_people(struct days_read *read, const struct db_result *result)
{
	struct arena *arena = read->arena;
	struct buf rows = { 0 };
	int row = 0;

	read->people = arena_alloc(arena, DAYS_BATCH * sizeof(*read->people));
	read->broken = arena_alloc(arena, DAYS_BATCH * sizeof(*read->broken));
	while (row < db_rows(result) && read->error.code == ERR_NONE) {
		struct person_facts *person = arena_alloc(arena, sizeof(*person));
		bool opened = facts_read(person, read->store, arena, result, &row, &read->error);

		read->nrows += count_rows(person->extra);
		if (opened) {
			read->people[read->npeople++] = (struct person_days){
				.donor_id = person->record.donor.id, .facts = person->facts, .rows = person->extra,
			};
		} else if (read->error.code == ERR_INTERNAL) {
			error_clear(&read->error);
			add_broken(read, &rows, person);
		}
	}
	read->broken_rows = arena_strdup(arena, rows.data ? rows.data : "");
	buf_release(&rows);
}

static void read_on_done(struct db_query *query, const struct db_result *result)
{
	struct days_read *read = container_of(query, struct days_read, query);

	if (result_ok(result, &read->error))
		read_people(read, result);
	read->done(read);
}

void days_read_send(struct store *store, struct days_read *read)
{
	read->store = store;
	read->npeople = read->nrows = read->nbroken = 0;
	query_begin(&read->query, &read_statement, DB_READ, read_on_done);
	query_int(&read->query, read->arena, DAYS_BATCH);
	db_send(store->db, &read->query);
}

/* ---- writing them ---- */

/*
 * $1 rows of donor_stale and $2 whose they are, side by side   $3 donors   $4 last donation   $5 .. $10 next
 * $11 age_on; "" for none. Donors are locked in their order, as others do who write several.
 */
static const struct db_statement write_statement = {
	"WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(7403) AS mine),"
	" gone AS (DELETE FROM donor_stale AS s USING turn WHERE turn.mine AND s.id = ANY ($1::bigint[]) RETURNING s.id),"
	" mine AS (SELECT DISTINCT m.donor_id FROM unnest($1::bigint[], $2::text[]) AS m (id, donor_id)"
	"  JOIN gone ON gone.id = m.id),"
	" fresh AS (SELECT n.id, nullif(n.last, '')::date AS last, nullif(n.w, '')::date AS w, nullif(n.r, '')::date AS r,"
	"   nullif(n.t, '')::date AS t, nullif(n.p, '')::date AS p, nullif(n.g, '')::date AS g, nullif(n.s, '')::date AS s,"
	"   nullif(n.age, '')::date AS age"
	"  FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],"
	"   $11::text[]) AS n (id, last, w, r, t, p, g, s, age) JOIN mine ON mine.donor_id = n.id::text),"
	" held AS MATERIALIZED (SELECT d.id FROM donor AS d WHERE d.id IN (SELECT id FROM fresh) AND d.erased_at IS NULL"
	"  ORDER BY d.id FOR NO KEY UPDATE),"
	" made AS (UPDATE donor AS d SET last_donated_on = f.last, next_whole_blood = f.w, next_red_cells = f.r,"
	"  next_platelets = f.t, next_plasma = f.p, next_granulocytes = f.g, next_stem_cells = f.s, age_on = f.age"
	"  FROM held JOIN fresh AS f ON f.id = held.id WHERE d.id = held.id"
	"   AND (d.last_donated_on, d.next_whole_blood, d.next_red_cells, d.next_platelets, d.next_plasma,"
	"    d.next_granulocytes, d.next_stem_cells, d.age_on)"
	"   IS DISTINCT FROM (f.last, f.w, f.r, f.t, f.p, f.g, f.s, f.age) RETURNING 1)"
	" SELECT turn.mine, (SELECT count(*) FROM made) FROM turn"
};

static void write_on_done(struct db_query *query, const struct db_result *result)
{
	struct days_write *write = container_of(query, struct days_write, query);

	write->written = false;
	write->changed = 0;
	if (result_ok(result, &write->error)) {
		write->written = db_bool(result, 0, 0);
		write->changed = db_int(result, 0, 1, 0);
	}
	write->done(write);
}

struct columns {
	const char **of[2 + COMPONENT_COUNT + 1];
};

static const char *date_cell(struct arena *arena, struct date date)
{
	char text[DATE_TEXT_SIZE];

	return arena_strdup(arena, date_format(date, text));
}

static void fill_columns(struct columns *columns, size_t at, const struct person_days *person, struct arena *arena)
{
	const struct donor_days *days = &person->days;

	columns->of[0][at] = person->donor_id;
	columns->of[1][at] = date_cell(arena, days->last_donated_on);
	for (int c = 0; c < COMPONENT_COUNT; c++)
		columns->of[2 + c][at] = days->next[c].endless ? "infinity" : date_cell(arena, days->next[c].on);
	columns->of[2 + COMPONENT_COUNT][at] = date_cell(arena, days->change_on);
}

/* "12,15" and a donor: two rows. */
static void add_rows(const char *rows, const char *donor_id, const char **ids, const char **whose, size_t *count,
		     struct arena *arena)
{
	char *rest = arena_strdup(arena, rows), *id;

	while ((id = strsep(&rest, ",")) != NULL) {
		if (!*id)
			continue;
		ids[*count] = id;
		whose[(*count)++] = donor_id;
	}
}

void days_write_send(struct store *store, struct days_write *write)
{
	const struct days_read *read = write->read;
	struct db_query *query = &write->query;
	struct arena *arena = write->arena;
	const char **ids = arena_alloc(arena, (read->nrows + 1) * sizeof(*ids));
	const char **whose = arena_alloc(arena, (read->nrows + 1) * sizeof(*whose));
	struct columns columns;
	size_t count = 0;

	for (size_t c = 0; c < ARRAY_SIZE(columns.of); c++)
		columns.of[c] = arena_alloc(arena, (read->npeople + 1) * sizeof(*columns.of[c]));
	for (size_t i = 0; i < read->npeople; i++) {
		fill_columns(&columns, i, &read->people[i], arena);
		add_rows(read->people[i].rows, read->people[i].donor_id, ids, whose, &count, arena);
	}
	add_rows(read->broken_rows, "", ids, whose, &count, arena);
	query_begin(query, &write_statement, DB_WRITE, write_on_done);
	query_texts(query, arena, ids, count);
	query_texts(query, arena, whose, count);
	for (size_t c = 0; c < ARRAY_SIZE(columns.of); c++)
		query_texts(query, arena, columns.of[c], read->npeople);
	db_send(store->db, query);
}

/* ---- age ---- */

static const struct db_statement age_statement = {
	"WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(7403) AS mine),"
	" found AS (INSERT INTO donor_stale (donor_id) SELECT d.id FROM turn, donor AS d WHERE turn.mine"
	"  AND d.age_on <= $1::date AND d.erased_at IS NULL"
	"  AND NOT EXISTS (SELECT FROM donor_alias AS a WHERE a.donor_id = d.id)"
	"  AND NOT EXISTS (SELECT FROM donor_stale AS s WHERE s.donor_id = d.id) LIMIT 1000 RETURNING 1)"
	" SELECT count(*) FROM found"
};

static void age_on_done(struct db_query *query, const struct db_result *result)
{
	struct days_age *age = container_of(query, struct days_age, query);

	age->found = 0;
	if (result_ok(result, &age->error))
		age->found = db_int(result, 0, 0, 0);
	age->done(age);
}

void days_age_send(struct store *store, struct days_age *age)
{
	query_begin(&age->query, &age_statement, DB_WRITE, age_on_done);
	query_date(&age->query, age->arena, age->today);
	db_send(store->db, &age->query);
}

/* ---- when the rules changed ---- */

#define DAY(column) "coalesce(d." column "::text, '')"
static const struct db_statement walk_statement = {
	"WITH who AS MATERIALIZED (SELECT d.id, concat_ws(',', " DAY("last_donated_on") ", " DAY("next_whole_blood") ", "
	DAY("next_red_cells") ", " DAY("next_platelets") ", " DAY("next_plasma") ", " DAY("next_granulocytes") ", "
	DAY("next_stem_cells") ", " DAY("age_on") ") AS extra FROM donor AS d"
	"  WHERE d.id > $1::uuid AND d.erased_at IS NULL"
	"   AND NOT EXISTS (SELECT FROM donor_alias AS a WHERE a.donor_id = d.id) ORDER BY d.id LIMIT $2::integer), "
	FACTS_OF_WHO
};

static struct date next_date(char **rest)
{
	struct date date = { 0 };
	const char *text = strsep(rest, ",");

	if (text && *text)
		(void)date_parse(text, &date);
	return date;
}

/* As they are kept, in the order of the statement. */
static struct donor_days kept_days(const char *extra, struct arena *arena)
{
	struct donor_days days = { 0 };
	char *rest = arena_strdup(arena, extra);

	days.last_donated_on = next_date(&rest);
	for (int c = 0; c < COMPONENT_COUNT; c++) {
		days.next[c].endless = rest && strncmp(rest, "infinity", 8) == 0;
		days.next[c].on = next_date(&rest);
	}
	days.change_on = next_date(&rest);
	return days;
}

static void walk_people(struct days_walk *walk, const struct db_result *result)
{
	struct arena *arena = walk->arena;
	size_t count = 0;
	int row = 0;

	walk->people = arena_alloc(arena, DAYS_PAGE * sizeof(*walk->people));
	while (row < db_rows(result) && walk->error.code == ERR_NONE) {
		struct person_facts *person = arena_alloc(arena, sizeof(*person));

		if (facts_read(person, walk->store, arena, result, &row, &walk->error)) {
			walk->people[walk->npeople++] = (struct person_days){
				.donor_id = person->record.donor.id, .facts = person->facts,
				.days = kept_days(person->extra, arena),
			};
		} else if (walk->error.code == ERR_INTERNAL) {
			error_clear(&walk->error);
			walk->nbroken++;
		}
		walk->last = person->record.donor.id;
		count++;
	}
	if (count < DAYS_PAGE)
		walk->last = NULL;
}

static void walk_on_done(struct db_query *query, const struct db_result *result)
{
	struct days_walk *walk = container_of(query, struct days_walk, query);

	if (result_ok(result, &walk->error))
		walk_people(walk, result);
	walk->done(walk);
}

void days_walk_send(struct store *store, struct days_walk *walk)
{
	walk->store = store;
	walk->npeople = walk->nbroken = 0;
	query_begin(&walk->query, &walk_statement, DB_SLOW, walk_on_done);
	query_text(&walk->query, uuid_or_nil(walk->after ? walk->after : ""));
	query_int(&walk->query, walk->arena, DAYS_PAGE);
	db_send(store->db, &walk->query);
}

/* A daemon that was killed is counted for as long as its word may be fresh. */
static const struct db_statement others_statement = {
	"SELECT host, rules FROM daemon WHERE seen_at > now() - interval '15 seconds' AND rules <> $1 ORDER BY seen_at DESC LIMIT 1"
};

static void others_on_done(struct db_query *query, const struct db_result *result)
{
	struct days_others *others = container_of(query, struct days_others, query);

	others->host = others->theirs = NULL;
	if (result_ok(result, &others->error) && db_rows(result) > 0) {
		others->host = row_text(others->arena, result, 0, 0);
		others->theirs = row_text(others->arena, result, 0, 1);
	}
	others->done(others);
}

void days_others_send(struct store *store, struct days_others *others)
{
	query_begin(&others->query, &others_statement, DB_READ, others_on_done);
	query_text(&others->query, others->edition);
	db_send(store->db, &others->query);
}

static const struct db_statement mark_statement = {
	"WITH made AS (INSERT INTO donor_stale (donor_id) SELECT * FROM unnest($2::uuid[]) RETURNING 1),"
	" audit AS (" AUDIT_INSERT("$1", "true") ")"
	" SELECT count(*) FROM made"
};

static void mark_on_done(struct db_query *query, const struct db_result *result)
{
	struct days_mark *mark = container_of(query, struct days_mark, query);

	(void)!result_ok(result, &mark->error);
	mark->done(mark);
}

void days_mark_send(struct store *store, struct days_mark *mark)
{
	struct audit audit;

	query_begin(&mark->query, &mark_statement, DB_WRITE, mark_on_done);
	audit_begin(&audit, store, &mark->actor);
	audit_add(&audit, "eligibility.recompute", "rules", mark->rule_set, NULL, NULL);
	query_text(&mark->query, audit_end(&audit, mark->arena));
	query_texts(&mark->query, mark->arena, mark->donors, mark->ndonors);
	db_send(store->db, &mark->query);
}
