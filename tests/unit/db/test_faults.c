/*
 * Each call of libpq fails in turn (base/fault.h): one run of a short script for
 * every fault point that it passes. Whatever fails, each query has its own end,
 * once and in time, and what was said of a write is true.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <event2/event.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "db/db.h"
#include "db/migrations.h"
#include "postgres.h"

enum { READS = 10, WRITES = 5, DEADLINE_MS = 3000, RUNS_MAX = 2000 };

/* All of libpq's and the watching of its socket; not the allocations that abort. */
static const uint64_t libpq_points = ((UINT64_C(1) << (FAULT_PQ_EXEC + 1)) - 1) & ~(UINT64_C(1) << FAULT_XMALLOC);

static struct postgres pg;
static PGconn *witness;                  /* looks at the tables while the code under test is at work */
static struct event_base *base;

static const struct db_statement echo = { "SELECT $1::text" };
static const struct db_statement twice = { "SELECT $1::text || $1::text" };
static const struct db_statement refused = { "SELECT 1 / $1::int" };
static const struct db_statement insert = { "INSERT INTO thing (id) VALUES ($1::int) RETURNING id" };

struct probe {
	struct db_query query;
	char            param[24], got[64];
	int             done;
	enum db_outcome outcome;
	bool            at_once;         /* done() ran inside db_send() or db_push() */
	struct db      *db;
	struct probe   *then;            /* sent and pushed from inside done(), on the same lane */
};

static bool inside_send;

static void send_then(const struct probe *probe);

static void probe_done(struct db_query *query, const struct db_result *result)
{
	struct probe *probe = container_of(query, struct probe, query);

	probe->done++;
	probe->outcome = result->outcome;
	probe->at_once |= inside_send;
	snprintf(probe->got, sizeof(probe->got), "%s", db_text(result, 0, 0) ? db_text(result, 0, 0) : "");
	if (probe->then)
		send_then(probe);
}

static void probe_send(struct db *db, struct probe *probe, enum db_lane lane,
		       const struct db_statement *statement, int param)
{
	*probe = (struct probe){ .query = { .statement = statement, .lane = lane, .done = probe_done } };
	snprintf(probe->param, sizeof(probe->param), "%d", param);
	probe->query.params[0] = probe->param;
	inside_send = true;
	db_send(db, &probe->query);
	inside_send = false;
}

static void send_then(const struct probe *probe)
{
	enum db_lane lane = probe->query.lane;

	probe_send(probe->db, probe->then, lane, lane == DB_WRITE ? &insert : &echo, atoi(probe->param) + 20);
	inside_send = true;
	db_push(probe->db, lane);
	inside_send = false;
}

/* Turns the loop until it is so; false after much longer than any deadline. */
static bool turn_until(bool (*is_so)(void *context), void *context)
{
	static const struct timeval tick = { .tv_usec = 20000 };
	int64_t end = clock_mono_us() + (int64_t)DEADLINE_MS * 10 * 1000;

	while (!is_so(context)) {
		if (clock_mono_us() >= end)
			return false;
		event_base_loopexit(base, &tick);
		event_base_loop(base, EVLOOP_ONCE);
	}
	return true;
}

static bool is_connected(void *context)
{
	return db_connected(context);
}

struct script {
	int          number;             /* of the run: makes its parameters its own */
	struct probe reads[READS], writes[WRITES], wrong, last;
	struct probe next_reads[READS], next_writes[WRITES];     /* each is sent when the one before it is done */
};

static bool is_through(void *context)
{
	const struct script *script = context;

	for (int i = 0; i < READS; i++)
		if (!script->reads[i].done || !script->next_reads[i].done)
			return false;
	for (int i = 0; i < WRITES; i++)
		if (!script->writes[i].done || !script->next_writes[i].done)
			return false;
	return script->wrong.done;
}

static bool is_last_through(void *context)
{
	return ((struct script *)context)->last.done > 0;
}

static int param_of(const struct script *script, int i)
{
	return script->number * 100 + i;
}

static void send_script(struct script *script, struct db *db)
{
	for (int i = 0; i < READS; i++) {
		probe_send(db, &script->reads[i], DB_READ, i % 3 ? &echo : &twice, param_of(script, i));
		script->reads[i].db = db;
		script->reads[i].then = &script->next_reads[i];
	}
	for (int i = 0; i < WRITES; i++) {
		probe_send(db, &script->writes[i], DB_WRITE, &insert, param_of(script, i));
		script->writes[i].db = db;
		script->writes[i].then = &script->next_writes[i];
	}
	probe_send(db, &script->wrong, DB_READ, &refused, 0);
}

static void check_read(const struct script *script, const struct probe *probe)
{
	char want[64];

	if (probe->outcome != DB_OK) {
		assert_int_equal(probe->outcome, DB_UNAVAILABLE);
		return;
	}
	snprintf(want, sizeof(want), "%s%s", probe->param, probe->query.statement == &twice ? probe->param : "");
	if (!streq(probe->got, want))
		fail_msg("run %d: \"%s\" was answered by \"%s\"", script->number, want, probe->got);
}

static int rows_of(const struct probe *probe)
{
	char sql[80];
	PGresult *result;
	int rows;

	snprintf(sql, sizeof(sql), "SELECT FROM thing WHERE id = %s", probe->param);
	result = PQexec(witness, sql);
	assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
	rows = PQntuples(result);
	PQclear(result);
	return rows;
}

static void check_write(const struct script *script, const struct probe *probe)
{
	int rows = rows_of(probe);

	switch (probe->outcome) {
	case DB_OK:
		assert_string_equal(probe->got, probe->param);
		assert_int_equal(rows, 1);
		break;
	case DB_UNAVAILABLE:
		assert_int_equal(rows, 0);
		break;
	case DB_UNKNOWN:
		assert_in_range(rows, 0, 1);
		break;
	default:
		fail_msg("run %d: a write ended as %d", script->number, (int)probe->outcome);
	}
}

static void check_once(const struct probe *probe)
{
	assert_int_equal(probe->done, 1);
	assert_false(probe->at_once);
}

static void check_script(const struct script *script)
{
	for (int i = 0; i < READS; i++) {
		check_once(&script->reads[i]);
		check_read(script, &script->reads[i]);
		check_once(&script->next_reads[i]);
		check_read(script, &script->next_reads[i]);
	}
	for (int i = 0; i < WRITES; i++) {
		check_once(&script->writes[i]);
		check_write(script, &script->writes[i]);
		check_once(&script->next_writes[i]);
		check_write(script, &script->next_writes[i]);
	}
	check_once(&script->wrong);
	assert_true(script->wrong.outcome == DB_REFUSED || script->wrong.outcome == DB_UNAVAILABLE);
}

static struct db *open_db(void)
{
	struct db_options options;

	db_options_init(&options);
	options.conninfo = pg.conninfo;
	options.lanes[DB_SLOW] = false;
	options.deadline_ms[DB_READ] = options.deadline_ms[DB_WRITE] = DEADLINE_MS;
	return db_new(base, &options);
}

/* After the fault the connections come back by themselves, and work. */
static void check_mended(struct script *script, struct db *db)
{
	assert_true(turn_until(is_connected, db));
	probe_send(db, &script->last, DB_WRITE, &insert, param_of(script, 99));
	assert_true(turn_until(is_last_through, script));
	check_once(&script->last);
	assert_int_equal(script->last.outcome, DB_OK);
	check_write(script, &script->last);
}

static bool run_script(struct script *script, struct db *db)
{
	uint64_t passed;

	send_script(script, db);
	if (!turn_until(is_through, script))
		fail_msg("run %d: a query has no end", script->number);
	passed = fault_count();
	check_script(script);
	return passed >= (uint64_t)script->number;
}

/* Statements are prepared anew each time: the run before has lost its connection. */
static void test_queries(void **state)
{
	static struct script script;
	struct db *db = open_db();
	bool struck = true;

	(void)state;
	while (struck) {
		assert_in_range(script.number, 0, RUNS_MAX);
		script = (struct script){ .number = script.number + 1 };
		assert_true(turn_until(is_connected, db));
		fault_at((uint64_t)script.number, libpq_points);
		struck = run_script(&script, db);
		fault_at(0, 0);
		if (struck)
			check_mended(&script, db);
	}
	print_message("%d calls failed in turn\n", script.number - 1);
	assert_in_range(script.number, 60, RUNS_MAX);
	db_free(db);
}

static void test_connecting(void **state)
{
	static struct script script;
	bool struck = true;

	(void)state;
	while (struck) {
		struct db *db;

		script = (struct script){ .number = script.number + 1 };
		fault_at((uint64_t)script.number, libpq_points);
		db = open_db();
		if (!turn_until(is_connected, db))
			fail_msg("run %d: no connection", script.number);
		struck = fault_count() >= (uint64_t)script.number;
		fault_at(0, 0);
		script.number += RUNS_MAX;
		check_mended(&script, db);
		script.number -= RUNS_MAX;
		db_free(db);
	}
	print_message("%d calls failed in turn\n", script.number - 1);
	assert_in_range(script.number, 8, RUNS_MAX);
}

/* In the middle of sending comes the end: what waits is told within db_free(). */
static void test_ending(void **state)
{
	static struct script script = { .number = RUNS_MAX * 2 };
	bool struck = true;
	uint64_t n = 0;

	(void)state;
	while (struck) {
		struct db *db = open_db();

		assert_true(turn_until(is_connected, db));
		script = (struct script){ .number = script.number + 1 };
		send_script(&script, db);
		fault_at(++n, libpq_points);
		event_base_loop(base, EVLOOP_NONBLOCK);
		event_base_loop(base, EVLOOP_NONBLOCK);
		db_free(db);
		assert_true(is_through(&script));
		struck = fault_count() >= n;
		fault_at(0, 0);
		check_script(&script);
	}
	assert_in_range(n, 20, RUNS_MAX);
}

#define FILE_OF(name, sql) { name, (const unsigned char *)(sql), sizeof(sql) - 1 }

static const struct embedded_file files[] = {
	FILE_OF("0001_first.sql", "-- Oldest daemon: 0.1.0\nCREATE TABLE first (id int);\nGRANT SELECT ON first TO :app_role;\n"),
	FILE_OF("0002_second.sql", "-- Oldest daemon: 0.1.0\nCREATE TABLE second (id int);\n"),
	{ 0 }
};

/* Wherever a migration is cut off, the next call does the rest, and nothing is half done. */
static void test_migrations(void **state)
{
	const struct migrations migrations = { files, "0.1.0" };
	struct migrate_report report;
	bool struck = true;
	uint64_t n = 0;

	(void)state;
	while (struck) {
		struct error err = { 0 };
		bool fine;

		fault_at(++n, UINT64_C(1) << FAULT_PQ_EXEC | UINT64_C(1) << FAULT_PQ_CONNECT);
		fine = migrations_run(&migrations, pg.conninfo, "a_role", &report, &err);
		struck = fault_count() >= n;
		fault_at(0, 0);
		assert_true(fine == (err.code == ERR_NONE));
		if (!fine)
			assert_true(*err.detail[LANGUAGE_EN] && *err.detail[LANGUAGE_VI]);
		error_clear(&err);
		assert_true(migrations_run(&migrations, pg.conninfo, "a_role", &report, &err));
		assert_int_equal(report.newest, 2);
		assert_true(migrations_check(&migrations, pg.conninfo, &err));
		pg_sql(&pg, "DROP TABLE first, second, schema_migration");
	}
	assert_in_range(n, 10, 100);
}

static int set_up(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	base = event_base_new();
	pg_make(&pg);
	pg_sql(&pg, "CREATE TABLE thing (id int PRIMARY KEY)");
	witness = PQconnectdb(pg.conninfo);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	PQfinish(witness);
	event_base_free(base);
	pg_remove(&pg);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queries),
		cmocka_unit_test(test_connecting),
		cmocka_unit_test(test_ending),
		cmocka_unit_test(test_migrations),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
