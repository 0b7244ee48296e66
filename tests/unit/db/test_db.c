#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <event2/event.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "db/db.h"
#include "db/statements.h"
#include "postgres.h"

static struct postgres pg;
static struct event_base *base;

/* ---- a query that remembers how it ended ---- */

struct probe {
	struct db_query query;
	struct db      *db;
	struct probe   *then;            /* sent from inside done() */
	int             done;
	enum db_outcome outcome;
	char            sqlstate[6], constraint[64], first[64];
	int             rows;
	bool            try_again;
};

static bool inside_send;

static void probe_done(struct db_query *query, const struct db_result *result)
{
	struct probe *probe = container_of(query, struct probe, query);

	assert_false(inside_send);
	probe->done++;
	probe->outcome = result->outcome;
	snprintf(probe->sqlstate, sizeof(probe->sqlstate), "%s", result->sqlstate);
	snprintf(probe->constraint, sizeof(probe->constraint), "%s",
		 result->constraint ? result->constraint : "");
	snprintf(probe->first, sizeof(probe->first), "%s",
		 db_text(result, 0, 0) ? db_text(result, 0, 0) : "NULL");
	probe->rows = db_rows(result);
	probe->try_again = db_try_again(result);
	if (probe->then)
		db_send(probe->db, &probe->then->query);
}

static void probe_send(struct db *db, struct probe *probe, enum db_lane lane,
		       const struct db_statement *statement, const char *param)
{
	*probe = (struct probe){ .db = db, .then = probe->then };
	probe->query = (struct db_query){
		.statement = statement, .lane = lane, .params = { param }, .done = probe_done,
	};
	inside_send = true;
	db_send(db, &probe->query);
	inside_send = false;
}

static void turn(int ms)
{
	struct timeval wait = { .tv_usec = ms * 1000 };

	event_base_loopexit(base, &wait);
	event_base_dispatch(base);
}

static void await(const struct probe *probe)
{
	for (int i = 0; i < 12000 && !probe->done; i++)
		turn(10);
	assert_int_equal(probe->done, 1);
}

static void await_connected(struct db *db)
{
	for (int i = 0; i < 1000 && !db_connected(db); i++)
		turn(10);
	assert_true(db_connected(db));
}

static struct db *open_with(struct db_options *options)
{
	if (!options->conninfo)
		options->conninfo = pg.conninfo;
	struct db *db = db_new(base, options);

	await_connected(db);
	return db;
}

static struct db *open_db(void)
{
	struct db_options options;

	db_options_init(&options);
	return open_with(&options);
}

static const struct db_statement echo = { "SELECT $1::text" };
static const struct db_statement divide = { "SELECT 10 / $1::int" };
static const struct db_statement broken = { "SELECT nothing FROM nowhere" };
static const struct db_statement insert = { "INSERT INTO thing (id) VALUES ($1::int) RETURNING id" };
static const struct db_statement insert_slowly = {
	"INSERT INTO thing (id) SELECT $1::int FROM pg_sleep(6) RETURNING id"
};
static const struct db_statement sleep_for = { "SELECT pg_sleep($1::float8)::text" };
static const struct db_statement suicide = { "SELECT pg_terminate_backend(pg_backend_pid())::text" };
static const struct db_statement warn = { "SELECT warn($1)" };
static const struct db_statement star = { "SELECT * FROM shape" };
static const struct db_statement settings = {
	"SELECT concat_ws(' ', current_setting('TimeZone'), current_setting('client_encoding'),"
	" current_setting('statement_timeout'), current_setting('lock_timeout'),"
	" current_setting('default_transaction_read_only'), current_setting('application_name'))"
};
static const struct db_statement arrays = {
	"SELECT '{plain,\"with blank\",\"a\\\"b\\\\c\",NULL,\"NULL\",\"\",Mường Tè}'::text[], '{1,-2}'::int[],"
	" '{}'::text[], NULL::text[], 7, true, NULL::int"
};

/* ---- tests ---- */

static void test_answers(void **state)
{
	struct db *db = open_db();
	struct probe a = { 0 }, b = { 0 }, c = { 0 };

	(void)state;
	probe_send(db, &a, DB_READ, &echo, "xin chào");
	probe_send(db, &b, DB_WRITE, &insert, "1");
	probe_send(db, &c, DB_SLOW, &echo, NULL);
	assert_int_equal(db_waiting(db), 3);
	await(&a);
	await(&b);
	await(&c);
	assert_int_equal(a.outcome, DB_OK);
	assert_string_equal(a.first, "xin chào");
	assert_int_equal(b.outcome, DB_OK);
	assert_string_equal(b.first, "1");
	assert_int_equal(c.outcome, DB_OK);
	assert_string_equal(c.first, "NULL");
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM thing WHERE id = 1"), 1);
	assert_int_equal(db_waiting(db), 0);
	db_free(db);
}

/* Every third query fails, in a turn of the loop that sends them all together. */
static void check_isolation(enum db_lane lane)
{
	enum { N = 300 };
	static struct probe probes[N];
	struct db *db = open_db();

	for (int round = 0; round < 2; round++) {
		memset(probes, 0, sizeof(probes));
		for (int i = 0; i < N; i++)
			probe_send(db, &probes[i], lane, &divide, i % 3 == 2 ? "0" : "5");
		await(&probes[N - 1]);
		for (int i = 0; i < N; i++) {
			await(&probes[i]);
			assert_int_equal(probes[i].outcome, i % 3 == 2 ? DB_REFUSED : DB_OK);
			assert_string_equal(i % 3 == 2 ? probes[i].sqlstate : probes[i].first,
					    i % 3 == 2 ? "22012" : "2");
		}
	}
	db_free(db);
}

static void test_errors_stay_apart(void **state)
{
	(void)state;
	check_isolation(DB_READ);
	check_isolation(DB_WRITE);
}

/* The statement cannot even be prepared: its users are refused, neighbours and later ones are not hurt. */
static void test_unpreparable(void **state)
{
	struct db *db = open_db();
	struct probe p[6] = { 0 };

	(void)state;
	for (int lane = DB_READ; lane <= DB_WRITE; lane++) {
		for (int i = 0; i < 6; i++)
			probe_send(db, &p[i], (enum db_lane)lane, i % 2 ? &broken : &echo, i % 2 ? NULL : "x");
		for (int i = 0; i < 6; i++) {
			await(&p[i]);
			assert_int_equal(p[i].outcome, i % 2 ? DB_REFUSED : DB_OK);
			if (i % 2)
				assert_string_equal(p[i].sqlstate, "42P01");
		}
	}
	pg_sql(&pg, "CREATE TABLE nowhere (nothing int)");
	probe_send(db, &p[0], DB_READ, &broken, NULL);
	await(&p[0]);
	assert_int_equal(p[0].outcome, DB_OK);
	pg_sql(&pg, "DROP TABLE nowhere");
	db_free(db);
}

static void test_changed_shape(void **state)
{
	struct db *db = open_db();
	struct probe p = { 0 };

	(void)state;
	pg_sql(&pg, "CREATE TABLE shape (a text); INSERT INTO shape VALUES ('x')");
	for (int i = 0; i < 2; i++) {
		probe_send(db, &p, DB_READ, &star, NULL);
		await(&p);
		assert_int_equal(p.outcome, DB_OK);
		pg_sql(&pg, i ? "DROP TABLE shape" : "ALTER TABLE shape ADD b int");
	}
	db_free(db);
}

static void test_constraints(void **state)
{
	struct db *db = open_db();
	struct probe a = { 0 }, b = { 0 }, c = { 0 };
	static const struct db_statement late = { "INSERT INTO late (id) VALUES ($1::int) RETURNING id" };

	(void)state;
	probe_send(db, &a, DB_WRITE, &late, "1");
	probe_send(db, &b, DB_WRITE, &late, "1");        /* rows arrive, the commit fails */
	probe_send(db, &c, DB_WRITE, &late, "2");
	await(&c);
	assert_int_equal(a.outcome, DB_OK);
	assert_int_equal(b.done, 1);
	assert_int_equal(b.outcome, DB_REFUSED);
	assert_string_equal(b.sqlstate, "23505");
	assert_string_equal(b.constraint, "late_id_uk");
	assert_int_equal(b.rows, 0);
	assert_int_equal(c.outcome, DB_OK);
	assert_false(b.try_again);
	db_free(db);
}

static void test_read_lanes_cannot_write(void **state)
{
	struct db *db = open_db();
	struct probe p = { 0 };

	(void)state;
	probe_send(db, &p, DB_READ, &insert, "77");
	await(&p);
	assert_int_equal(p.outcome, DB_REFUSED);
	assert_string_equal(p.sqlstate, "25006");
	db_free(db);
}

static void test_session(void **state)
{
	struct db *db = open_db();
	struct probe p = { 0 };

	(void)state;
	probe_send(db, &p, DB_WRITE, &settings, NULL);
	await(&p);
	assert_string_equal(p.first, "Asia/Ho_Chi_Minh UTF8 6400ms 2s off giothong");
	probe_send(db, &p, DB_READ, &settings, NULL);
	await(&p);
	assert_string_equal(p.first, "Asia/Ho_Chi_Minh UTF8 4s 0 on giothong");
	db_free(db);
}

static void test_killed_backend(void **state)
{
	struct db *db = open_db();
	struct probe read = { 0 }, write = { 0 }, behind = { 0 };

	(void)state;
	probe_send(db, &write, DB_WRITE, &insert_slowly, "900");
	probe_send(db, &behind, DB_WRITE, &insert, "901");
	probe_send(db, &read, DB_READ, &sleep_for, "3.5");
	turn(200);
	pg_sql(&pg, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'giothong'");
	await(&write);
	await(&read);
	await(&behind);
	assert_int_equal(write.outcome, DB_UNKNOWN);
	assert_int_equal(behind.outcome, DB_UNKNOWN);
	assert_int_equal(read.outcome, DB_UNAVAILABLE);
	assert_true(read.try_again);
	assert_false(write.try_again);
	await_connected(db);
	probe_send(db, &write, DB_WRITE, &insert, "902");
	await(&write);
	assert_int_equal(write.outcome, DB_OK);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM thing WHERE id IN (900, 901)"), 0);
	db_free(db);
}

static void test_last_words(void **state)
{
	struct db *db = open_db();
	struct probe p = { 0 };

	(void)state;
	probe_send(db, &p, DB_WRITE, &suicide, NULL);
	await(&p);
	assert_int_equal(p.outcome, DB_UNKNOWN);
	await_connected(db);
	db_free(db);
}

/* While nothing is in flight: noticed by itself, no query is hurt. */
static void test_killed_idle(void **state)
{
	struct db *db = open_db();
	struct probe p = { 0 };

	(void)state;
	pg_sql(&pg, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'giothong'");
	for (int i = 0; i < 2000 && db_counters(db)->reconnects < 3; i++)
		turn(10);
	assert_int_equal(db_counters(db)->reconnects, 3);
	await_connected(db);
	probe_send(db, &p, DB_WRITE, &echo, "x");
	await(&p);
	assert_int_equal(p.outcome, DB_OK);
	db_free(db);
}

static void test_postmaster_killed(void **state)
{
	struct db *db = open_db();
	struct probe write = { 0 }, none = { 0 };

	(void)state;
	probe_send(db, &write, DB_WRITE, &sleep_for, "1");
	turn(100);
	pg_stop(&pg, SIGKILL);
	await(&write);
	assert_true(write.outcome == DB_OK || write.outcome == DB_UNKNOWN);      /* an orphan may still answer */
	for (int i = 0; i < 2000 && db_connected(db); i++)
		turn(10);
	probe_send(db, &none, DB_WRITE, &insert, "5");
	await(&none);
	assert_int_equal(none.outcome, DB_UNAVAILABLE);
	turn(300);
	assert_true(*db_last_error(db));
	pg_start(&pg);
	await_connected(db);
	assert_string_equal(db_last_error(db), "");
	probe_send(db, &write, DB_WRITE, &echo, "again");
	await(&write);
	assert_int_equal(write.outcome, DB_OK);
	db_free(db);
}

/* The server is frozen, not gone: only our own clock notices. */
static void test_deadline(void **state)
{
	struct db_options options;
	struct probe read = { 0 }, write = { 0 };

	(void)state;
	db_options_init(&options);
	options.deadline_ms[DB_READ] = options.deadline_ms[DB_WRITE] = 300;
	options.conninfo = pg.conninfo;
	struct db *db = open_with(&options);
	char pids[256];

	pg_sql_on(pg.conninfo, "SELECT string_agg(pid::text, ' ') FROM pg_stat_activity"
			       " WHERE application_name = 'giothong'", pids, sizeof(pids));
	for (char *p = pids; *p;)
		kill((pid_t)strtol(p, &p, 10), SIGSTOP);
	int64_t before = clock_mono_us();

	probe_send(db, &read, DB_READ, &echo, "x");
	probe_send(db, &write, DB_WRITE, &insert, "6");
	await(&read);
	await(&write);
	assert_in_range(clock_mono_us() - before, 250000, 10000000);
	assert_int_equal(read.outcome, DB_UNAVAILABLE);
	assert_int_equal(write.outcome, DB_UNKNOWN);
	await_connected(db);
	for (char *p = pids; *p;)
		kill((pid_t)strtol(p, &p, 10), SIGCONT);
	db_free(db);
}

static void test_a_slow_read_holds_up_no_other(void **state)
{
	struct db_options options;
	struct probe slow = { 0 }, quick[3] = { { .done = 0 } };

	(void)state;
	db_options_init(&options);
	options.spare_reads = 1;
	options.deadline_ms[DB_READ] = 20000;
	struct db *db = open_with(&options);

	probe_send(db, &slow, DB_READ, &sleep_for, "5");
	turn(20);
	for (int i = 0; i < 3; i++) {
		probe_send(db, &quick[i], DB_READ, &echo, "x");
		await(&quick[i]);
		assert_int_equal(quick[i].outcome, DB_OK);
		assert_int_equal(slow.done, 0);
	}
	await(&slow);
	assert_int_equal(slow.outcome, DB_OK);
	db_free(db);
}

/* A statement that takes too long ends by itself, before the connection must: a second before, on a busy machine, too. */
static void test_statement_timeout(void **state)
{
	struct db_options options;
	struct probe slow = { 0 }, next = { 0 };

	(void)state;
	db_options_init(&options);
	options.deadline_ms[DB_READ] = 5000;
	struct db *db = open_with(&options);

	probe_send(db, &slow, DB_READ, &sleep_for, "10");
	await(&slow);
	assert_int_equal(slow.outcome, DB_REFUSED);
	assert_string_equal(slow.sqlstate, "57014");
	assert_true(slow.try_again);
	probe_send(db, &next, DB_READ, &echo, "x");
	await(&next);
	assert_int_equal(next.outcome, DB_OK);
	assert_int_equal(db_counters(db)->reconnects, 0);
	db_free(db);
}

static void test_busy(void **state)
{
	struct db_options options;
	struct probe p[5] = { 0 };

	(void)state;
	db_options_init(&options);
	options.queue_max = 3;
	struct db *db = open_with(&options);

	for (int i = 0; i < 5; i++)
		probe_send(db, &p[i], DB_WRITE, &echo, "x");
	for (int i = 0; i < 5; i++) {
		await(&p[i]);
		assert_int_equal(p[i].outcome, i < 3 ? DB_OK : DB_BUSY);
	}
	assert_int_equal(db_counters(db)->busy, 2);
	db_free(db);
}

/* A queue that would take too long is as good as full, but for what is urgent; a lane at rest takes anything. */
static void test_long_wait(void **state)
{
	static const struct db_statement nap = { "SELECT pg_sleep(0.05), $1::text" };
	struct db_options options;
	struct probe p[12] = { 0 }, urgent = { 0 };
	int busy = 0;

	(void)state;
	db_options_init(&options);
	options.wait_ms[DB_WRITE] = 100;
	struct db *db = open_with(&options);

	for (int i = 0; i < 16; i++) {
		probe_send(db, &p[0], DB_WRITE, &nap, "x");
		await(&p[0]);
		assert_int_equal(p[0].outcome, DB_OK);
	}
	for (int i = 0; i < 12; i++)
		probe_send(db, &p[i], DB_WRITE, &nap, "x");
	urgent = (struct probe){ .db = db };
	urgent.query = (struct db_query){ .statement = &nap, .lane = DB_WRITE, .params = { "x" }, .done = probe_done,
					  .urgent = true };
	db_send(db, &urgent.query);
	for (int i = 0; i < 12; i++) {
		await(&p[i]);
		busy += p[i].outcome == DB_BUSY;
	}
	await(&urgent);
	assert_int_equal(urgent.outcome, DB_OK);
	assert_int_equal(p[0].outcome, DB_OK);
	assert_true(busy >= 6 && busy < 12);
	assert_int_equal(db_counters(db)->busy, busy);
	probe_send(db, &p[0], DB_WRITE, &echo, "x");
	await(&p[0]);
	assert_int_equal(p[0].outcome, DB_OK);
	db_free(db);
}

/* More than a socket's buffer, and more queries than one pipeline takes. */
static void test_large(void **state)
{
	enum { N = 600, SIZE = 60000 };
	static struct probe probes[N];
	static char text[SIZE + 1];
	struct db_options options;

	(void)state;
	db_options_init(&options);
	options.deadline_ms[DB_READ] = options.deadline_ms[DB_WRITE] = 100000;   /* however slow the machine is */
	struct db *db = open_with(&options);

	memset(text, 'x', SIZE);
	for (int lane = DB_READ; lane <= DB_WRITE; lane++) {
		memset(probes, 0, sizeof(probes));
		for (int i = 0; i < N; i++)
			probe_send(db, &probes[i], (enum db_lane)lane, &echo, text);
		for (int i = 0; i < N; i++) {
			await(&probes[i]);
			assert_int_equal(probes[i].outcome, DB_OK);
			assert_int_equal(strlen(probes[i].first), sizeof(probes[i].first) - 1);
		}
	}
	db_free(db);
}

static void test_send_inside_done(void **state)
{
	struct db *db = open_db();
	struct probe second = { 0 }, first = { .then = &second };

	(void)state;
	second.query = (struct db_query){
		.statement = &echo, .lane = DB_READ, .params = { "two" }, .done = probe_done,
	};
	second.db = db;
	probe_send(db, &first, DB_READ, &echo, "one");
	await(&second);
	assert_string_equal(second.first, "two");
	db_free(db);
}

/* ---- written when it is sent ---- */

struct filled {
	struct probe               probe;
	const struct db_statement *statement;
	int                        come, filled;
	char                       text[16];
	struct filled             *next;         /* sent and pushed from inside done() */
};

static void fill(struct db_query *query)
{
	struct filled *filled = container_of(query, struct filled, probe.query);

	filled->filled++;
	snprintf(filled->text, sizeof(filled->text), "%d", filled->come);
	query->statement = filled->statement;
	query->params[0] = filled->text;
}

static void filled_send(struct db *db, struct filled *filled, void (*done)(struct db_query *, const struct db_result *))
{
	filled->probe = (struct probe){ .db = db };
	filled->probe.query = (struct db_query){ .lane = DB_WRITE, .fill = fill, .done = done };
	inside_send = true;
	db_send(db, &filled->probe.query);
	inside_send = false;
}

static void filled_done(struct db_query *query, const struct db_result *result)
{
	struct filled *filled = container_of(query, struct filled, probe.query);

	probe_done(query, result);
	if (filled->next) {
		filled_send(filled->probe.db, filled->next, filled_done);
		assert_int_equal(filled->next->filled, 0);
		inside_send = true;
		db_push(filled->probe.db, DB_WRITE);
		inside_send = false;
		assert_int_equal(filled->next->filled, 1);
	}
}

static void test_filled_when_sent(void **state)
{
	struct db *db = open_db();
	struct filled last = { .statement = &echo }, second = { .statement = &echo, .next = &last };
	struct filled one = { .statement = &echo, .come = 1, .next = &second };

	(void)state;
	filled_send(db, &one, filled_done);
	one.come = 2;                    /* in the same turn of the loop */
	assert_int_equal(one.filled, 0);
	await(&last.probe);
	assert_int_equal(one.filled, 1);
	assert_string_equal(one.probe.first, "2");
	assert_string_equal(second.probe.first, "0");
	assert_string_equal(last.probe.first, "0");
	/* not again when it is sent again */
	one = (struct filled){ .statement = &star };
	pg_sql(&pg, "CREATE TABLE shape (a text); INSERT INTO shape VALUES ('x')");
	for (int i = 1; i <= 2; i++) {
		filled_send(db, &one, filled_done);
		await(&one.probe);
		assert_int_equal(one.probe.outcome, DB_OK);
		assert_int_equal(one.filled, i);
		pg_sql(&pg, i == 2 ? "DROP TABLE shape" : "ALTER TABLE shape ADD b int");
	}
	db_free(db);
}

/* Nor when it is not sent at all; and pushing breaks nothing when the connection breaks meanwhile. */
static void test_not_filled_unsent(void **state)
{
	struct db_options options;
	struct filled one = { .statement = &echo };

	(void)state;
	db_options_init(&options);
	options.conninfo = "host=/tmp/no-such-folder dbname=x";
	struct db *db = db_new(base, &options);
	filled_send(db, &one, filled_done);
	db_push(db, DB_WRITE);
	await(&one.probe);
	assert_int_equal(one.probe.outcome, DB_UNAVAILABLE);
	assert_int_equal(one.filled, 0);
	db_free(db);
	db = open_db();
	pg_sql(&pg, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'giothong'");
	filled_send(db, &one, filled_done);
	db_push(db, DB_WRITE);
	await(&one.probe);
	assert_int_not_equal(one.probe.outcome, DB_OK);
	assert_int_equal(one.filled, 1);
	db_free(db);
}

/* A parameter in binary form, NULs and all, beside one of text. */
static void test_binary(void **state)
{
	static const struct db_statement both = { "SELECT encode($1::bytea, 'hex') || $2::text" };
	static const char bytes[] = { 1, 0, (char)0xff, 0 };
	struct db *db = open_db();
	struct probe p = { .db = db };

	(void)state;
	p.query = (struct db_query){ .statement = &both, .lane = DB_READ, .params = { bytes, "!" }, .sizes = { sizeof(bytes) },
				     .done = probe_done };
	db_send(db, &p.query);
	await(&p);
	assert_string_equal(p.first, "0100ff00!");
	db_free(db);
}

static void test_free_with_queries(void **state)
{
	struct db *db = open_db();
	struct probe read = { 0 }, write = { 0 }, unsent = { 0 };

	(void)state;
	probe_send(db, &read, DB_READ, &sleep_for, "3");
	probe_send(db, &write, DB_WRITE, &sleep_for, "3");
	turn(50);
	probe_send(db, &unsent, DB_WRITE, &echo, "x");
	db_free(db);
	assert_int_equal(read.done, 1);
	assert_int_equal(read.outcome, DB_UNAVAILABLE);
	assert_int_equal(write.done, 1);
	assert_int_equal(write.outcome, DB_UNKNOWN);
	assert_int_equal(unsent.done, 1);
	assert_int_equal(unsent.outcome, DB_UNAVAILABLE);
}

static void test_not_connected(void **state)
{
	struct db_options options;
	struct probe p = { 0 };

	(void)state;
	db_options_init(&options);
	options.conninfo = "host=/tmp/no-such-folder dbname=x";
	struct db *db = db_new(base, &options);

	probe_send(db, &p, DB_READ, &echo, "x");
	assert_int_equal(p.done, 0);
	await(&p);
	assert_int_equal(p.outcome, DB_UNAVAILABLE);
	turn(100);
	assert_false(db_connected(db));
	assert_true(*db_last_error(db));
	db_free(db);
	options.conninfo = "this is = not a conninfo";
	db = db_new(base, &options);
	turn(100);
	assert_true(*db_last_error(db));
	db_free(db);
}

static void test_several_hosts(void **state)
{
	struct db_options options;
	struct probe p = { 0 };
	char conninfo[256];

	(void)state;
	snprintf(conninfo, sizeof(conninfo), "host=/tmp/no-such-folder,%s user=owner dbname=postgres", pg.dir);
	db_options_init(&options);
	options.conninfo = conninfo;
	struct db *db = open_with(&options);

	probe_send(db, &p, DB_WRITE, &echo, "x");
	await(&p);
	assert_int_equal(p.outcome, DB_OK);
	db_free(db);
}

/* It is we who make the sessions of reads read-only: that must not look like a standby. */
static void test_read_write_asked_for(void **state)
{
	struct db_options options;
	struct probe p = { 0 };
	char conninfo[256];

	(void)state;
	snprintf(conninfo, sizeof(conninfo), "%s target_session_attrs=read-write", pg.conninfo);
	db_options_init(&options);
	options.conninfo = conninfo;
	struct db *db = open_with(&options);

	probe_send(db, &p, DB_READ, &echo, "x");
	await(&p);
	assert_int_equal(p.outcome, DB_OK);
	db_free(db);
}

static void test_run(void **state)
{
	struct db_options options;
	struct probe p = { 0 };

	(void)state;
	db_options_init(&options);
	options.conninfo = pg.conninfo;
	options.lanes[DB_READ] = options.lanes[DB_SLOW] = false;
	struct db *db = db_new(base, &options);

	p.query = (struct db_query){
		.statement = &echo, .lane = DB_WRITE, .params = { "x" }, .done = probe_done
	};
	db_run(db, &p.query, 5000);
	assert_int_equal(p.done, 1);
	assert_int_equal(p.outcome, DB_OK);
	p.query.lane = DB_READ;          /* not held */
	db_run(db, &p.query, 100);
	assert_int_equal(p.outcome, DB_UNAVAILABLE);
	db_free(db);
}

/* A warning of the server's own making is no reason for doubt; the one about the standby is. */
static void test_warnings(void **state)
{
	struct db *db = open_db();
	struct probe p = { 0 };

	(void)state;
	probe_send(db, &p, DB_WRITE, &warn, "nothing much");
	await(&p);
	assert_int_equal(p.outcome, DB_OK);
	assert_int_equal(db_counters(db)->reconnects, 0);
	probe_send(db, &p, DB_WRITE, &warn, "canceling wait for synchronous replication due to user request");
	await(&p);
	assert_int_equal(p.outcome, DB_UNKNOWN);
	await_connected(db);
	db_free(db);
}

/* The real thing: no standby answers, and somebody cancels the wait of our COMMIT. */
static void test_cancelled_wait(void **state)
{
	struct db *db = open_db();
	struct probe p = { 0 };
	char id[16], asked[64];
	int number = 4000;

	(void)state;
	pg_sql(&pg, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
	pg_sql(&pg, "SELECT pg_reload_conf()");
	/* PostgreSQL's processes hear of it when they come to it: the first commits may not wait yet. */
	do {
		snprintf(id, sizeof(id), "%d", ++number);
		probe_send(db, &p, DB_WRITE, &insert, id);
		for (int i = 0; i < 600 && !p.done && !pg_count(&pg, "SELECT count(*) FROM pg_stat_activity"
								     " WHERE wait_event = 'SyncRep'"); i++)
			turn(10);
	} while (p.done && number < 5000);
	assert_int_equal(p.done, 0);
	pg_sql(&pg, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
	await(&p);
	assert_int_equal(p.outcome, DB_UNKNOWN);
	pg_sql(&pg, "ALTER SYSTEM RESET synchronous_standby_names");
	pg_sql(&pg, "SELECT pg_reload_conf()");
	snprintf(asked, sizeof(asked), "SELECT count(*) FROM thing WHERE id = %d", number);
	assert_int_equal(pg_count(&pg, asked), 1);
	db_free(db);
}

/* ---- reading ---- */

static void join(void *context, const char *element)
{
	buf_printf(context, "[%s]", element ? element : "-");
}

static void arrays_done(struct db_query *query, const struct db_result *result)
{
	struct buf buf = { 0 };

	(void)query;
	assert_int_equal(result->outcome, DB_OK);
	for (int column = 0; column < 4; column++) {
		db_each_element(result, 0, column, join, &buf);
		buf_append_char(&buf, '|');
	}
	assert_string_equal(buf.data, "[plain][with blank][a\"b\\c][-][NULL][][Mường Tè]|[1][-2]|||");
	buf_release(&buf);
	assert_int_equal(db_int(result, 0, 4, -1), 7);
	assert_true(db_bool(result, 0, 5));
	assert_false(db_bool(result, 0, 6));
	assert_int_equal(db_int(result, 0, 6, -1), -1);
	assert_true(db_is_null(result, 0, 6));
	assert_null(db_text(result, 1, 0));
	assert_null(db_text(result, 0, 99));
}

static void test_reading(void **state)
{
	struct db *db = open_db();
	struct db_query query = { .statement = &arrays, .lane = DB_READ, .done = arrays_done };

	(void)state;
	db_run(db, &query, 1000);
	db_free(db);
}

static void test_count_params(void **state)
{
	(void)state;
	assert_int_equal(sql_count_params("SELECT 1"), 0);
	assert_int_equal(sql_count_params("SELECT $1, $2, $1"), 2);
	assert_int_equal(sql_count_params("SELECT '$9', \"$8\", $3 -- $7\n, $10 /* $11 */"), 10);
	assert_int_equal(sql_count_params("SELECT 'it''s $9', $1"), 1);
	assert_int_equal(sql_count_params("SELECT 'open $9"), 0);
	assert_int_equal(sql_count_params("SELECT $1 -- $2"), 1);
}

static int set_up(void **state)
{
	(void)state;
	base = event_base_new();
	pg_make(&pg);
	pg_sql(&pg, "CREATE TABLE thing (id int PRIMARY KEY)");
	pg_sql(&pg, "CREATE TABLE late (id int, CONSTRAINT late_id_uk UNIQUE (id) DEFERRABLE INITIALLY DEFERRED)");
	pg_sql(&pg, "CREATE FUNCTION warn(text) RETURNS void LANGUAGE plpgsql AS"
		    " $$ BEGIN RAISE WARNING '%', $1; END $$");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	event_base_free(base);
	pg_remove(&pg);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_count_params),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_errors_stay_apart),
		cmocka_unit_test(test_unpreparable),
		cmocka_unit_test(test_changed_shape),
		cmocka_unit_test(test_constraints),
		cmocka_unit_test(test_read_lanes_cannot_write),
		cmocka_unit_test(test_session),
		cmocka_unit_test(test_killed_backend),
		cmocka_unit_test(test_last_words),
		cmocka_unit_test(test_killed_idle),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_a_slow_read_holds_up_no_other),
		cmocka_unit_test(test_statement_timeout),
		cmocka_unit_test(test_busy),
		cmocka_unit_test(test_long_wait),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_send_inside_done),
		cmocka_unit_test(test_filled_when_sent),
		cmocka_unit_test(test_not_filled_unsent),
		cmocka_unit_test(test_binary),
		cmocka_unit_test(test_free_with_queries),
		cmocka_unit_test(test_not_connected),
		cmocka_unit_test(test_several_hosts),
		cmocka_unit_test(test_read_write_asked_for),
		cmocka_unit_test(test_run),
		cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_cancelled_wait),
		cmocka_unit_test(test_reading),
		cmocka_unit_test(test_postmaster_killed),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
