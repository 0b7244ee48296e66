#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/version.h"
#include "db/migrations.h"
#include "postgres.h"

static struct postgres pg;

#define FILE_OF(name, sql) { name, (const unsigned char *)(sql), sizeof(sql) - 1 }

#define FIRST  FILE_OF("0001_first.sql", "-- Why: a test.\n-- Oldest daemon: 0.1.0\n" \
		       "CREATE TABLE first (id int, t text DEFAULT ':app_rolex' || 'x'::text);\n" \
		       "INSERT INTO first VALUES (1);\n" \
		       "GRANT SELECT, INSERT ON first TO :app_role;\n")
#define SECOND FILE_OF("0002_second.sql", "-- Oldest daemon: 0.2.0\nCREATE TABLE second (id int);\n" \
		       "SELECT pg_sleep(0.3);\n")

static const struct embedded_file none[] = { { 0 } };
static const struct embedded_file one[] = { FIRST, { 0 } };
static const struct embedded_file two[] = { FIRST, SECOND, { 0 } };
static const struct embedded_file only_second[] = { SECOND, { 0 } };
static const struct embedded_file edited[] = { FILE_OF("0001_first.sql", "-- nothing\n"), SECOND, { 0 } };
static const struct embedded_file broken[] = {
	FIRST, SECOND,
	FILE_OF("0003_broken.sql", "-- Đây là chú thích\nCREATE TABLE third (id int);\nSELECT wrong;\n"), { 0 }
};
static const struct embedded_file commits[] = {
	FIRST, SECOND, FILE_OF("0003_commits.sql", "CREATE TABLE third (id int);\nCOMMIT;\n"), { 0 }
};
static const struct embedded_file twins[] = { FIRST, FILE_OF("0001_twin.sql", ""), { 0 } };

static char owner[200], app[200];

static bool run(const struct embedded_file *files, const char *version, struct migrate_report *report,
		struct error *err)
{
	struct migrations migrations = { files, version };

	error_clear(err);
	return migrations_run(&migrations, owner, "The App's \"role\"", report, err);
}

static bool check(const struct embedded_file *files, const char *version, struct error *err)
{
	struct migrations migrations = { files, version };

	error_clear(err);
	return migrations_check(&migrations, app, err);
}

static void expect_text(const struct error *err, const char *part)
{
	if (!strstr(err->detail[LANGUAGE_EN], part))
		fail_msg("\"%s\" is not in \"%s\"", part, err->detail[LANGUAGE_EN]);
	assert_true(*err->detail[LANGUAGE_VI]);
}

static int fresh_database(void **state)
{
	(void)state;
	if (pg_count(&pg, "SELECT count(*) FROM pg_database WHERE datname = 'm'"))
		pg_sql(&pg, "DROP DATABASE m");
	pg_sql(&pg, "CREATE DATABASE m");
	snprintf(owner, sizeof(owner), "host=%s user=owner dbname=m", pg.dir);
	snprintf(app, sizeof(app), "host=%s user='The App\\'s \"role\"' dbname=m", pg.dir);
	return 0;
}

static void test_twice(void **state)
{
	struct migrate_report report;
	struct error err;

	(void)state;
	assert_true(run(one, "0.1.0", &report, &err));
	assert_int_equal(report.applied, 1);
	assert_true(report.changed);
	assert_true(run(one, "0.1.0", &report, &err));
	assert_int_equal(report.applied, 0);
	assert_int_equal(report.newest, 1);
	assert_false(report.changed);
	assert_true(run(two, "0.1.0", &report, &err));
	assert_int_equal(report.applied, 1);
	assert_int_equal(report.newest, 2);
	assert_true(check(two, "0.1.0", &err));
	pg_sql_on(app, "INSERT INTO first VALUES (2)", NULL, 0);
}

/* A table of migrations without a row: killed before the first one was through. */
static void test_is_new(void **state)
{
	struct migrate_report report;
	struct error err = { 0 };
	bool is_new = false;

	(void)state;
	assert_true(migrate_is_new(owner, &is_new, &err));
	assert_true(is_new);
	assert_true(run(one, "0.1.0", &report, &err));
	assert_true(migrate_is_new(owner, &is_new, &err));
	assert_false(is_new);
	pg_sql_on(owner, "DELETE FROM schema_migration", NULL, 0);
	assert_true(migrate_is_new(owner, &is_new, &err));
	assert_true(is_new);
	assert_false(migrate_is_new("host=/nonexistent dbname=m", &is_new, &err));
	assert_int_equal(err.code, ERR_UNAVAILABLE);
}

static void test_app_role_has_no_ddl(void **state)
{
	struct migrate_report report;
	struct error err;
	PGconn *conn;

	(void)state;
	assert_true(run(one, "0.1.0", &report, &err));
	conn = PQconnectdb(app);
	PGresult *result = PQexec(conn, "CREATE TABLE mine (id int)");

	assert_string_equal(PQresultErrorField(result, PG_DIAG_SQLSTATE), "42501");
	PQclear(result);
	PQfinish(conn);
}

static void test_check_before(void **state)
{
	struct migrate_report report;
	struct error err;

	(void)state;
	assert_false(check(one, "0.1.0", &err));
	assert_int_equal(err.code, ERR_CONFIG);
	expect_text(&err, "giothong migrate");
	assert_true(run(one, "0.1.0", &report, &err));
	assert_false(check(two, "0.1.0", &err));
	expect_text(&err, "0002_second.sql");
}

static void test_edited(void **state)
{
	struct migrate_report report;
	struct error err;

	(void)state;
	assert_true(run(one, "0.1.0", &report, &err));
	assert_false(run(edited, "0.1.0", &report, &err));
	assert_int_equal(err.code, ERR_CONFIG);
	expect_text(&err, "0001_first.sql was edited");
	assert_int_equal(report.applied, 0);
	assert_false(check(edited, "0.1.0", &err));
	expect_text(&err, "0001_first.sql was edited");
}

static void test_newer_database(void **state)
{
	struct migrate_report report;
	struct error err;

	(void)state;
	assert_true(run(two, "0.2.0", &report, &err));
	assert_false(check(one, "0.1.9", &err));
	expect_text(&err, "0.2.0");
	assert_true(check(one, "0.2.0", &err));
	assert_true(check(one, "0.10.0", &err));
	assert_false(run(one, "0.1.9", &report, &err));
	assert_true(run(one, "0.2.0", &report, &err));
	assert_int_equal(report.newest, 2);
	assert_false(check(only_second, "0.2.0", &err));
	expect_text(&err, "does not have it");
}

static void test_broken_file(void **state)
{
	struct migrate_report report;
	struct error err;
	char text[8];

	(void)state;
	assert_false(run(broken, "0.2.0", &report, &err));
	expect_text(&err, "0003_broken.sql, line 3: ");
	pg_sql_on(owner, "SELECT count(*) FROM pg_tables WHERE tablename IN ('second', 'third')", text, sizeof(text));
	assert_string_equal(text, "1");
	assert_false(run(commits, "0.2.0", &report, &err));
	expect_text(&err, "ends its transaction");
	assert_false(run(twins, "0.2.0", &report, &err));
}

static void test_concurrent(void **state)
{
	enum { N = 4 };
	pid_t pids[N];
	int sum = 0, status;
	char text[8];

	(void)state;
	for (int i = 0; i < N; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			struct migrate_report report;
			struct error err;
			bool fine = run(two, "0.2.0", &report, &err);

			_exit(fine ? report.applied : 99);
		}
	}
	for (int i = 0; i < N; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status));
		sum += WEXITSTATUS(status);
	}
	assert_int_equal(sum, 2);
	pg_sql_on(owner, "SELECT count(*) FROM first", text, sizeof(text));
	assert_string_equal(text, "1");
}

static void test_unreachable(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_false(migrate_check("host=/tmp/no-such-folder dbname=x", &err));
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	expect_text(&err, "cannot be reached");
}

/* An owner who may not make roles says what an administrator must do. */
static void test_role_not_allowed(void **state)
{
	struct migrations migrations = { one, "0.1.0" };
	struct migrate_report report;
	struct error err = { 0 };
	char plain[200];

	(void)state;
	pg_sql(&pg, "CREATE ROLE plain LOGIN");
	pg_sql(&pg, "ALTER DATABASE m OWNER TO plain");
	snprintf(plain, sizeof(plain), "host=%s user=plain dbname=m", pg.dir);
	assert_false(migrations_run(&migrations, plain, "nobody_yet", &report, &err));
	expect_text(&err, "CREATE ROLE \"nobody_yet\" LOGIN");
	pg_sql(&pg, "CREATE ROLE nobody_yet LOGIN");
	assert_true(migrations_run(&migrations, plain, "nobody_yet", &report, &err));
	fresh_database(state);
	pg_sql(&pg, "DROP ROLE nobody_yet");
	pg_sql(&pg, "DROP ROLE plain");
}

static void test_wrong_encoding(void **state)
{
	struct migrate_report report;
	struct error err;

	(void)state;
	pg_sql(&pg, "CREATE DATABASE old ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
	snprintf(owner, sizeof(owner), "host=%s user=owner dbname=old", pg.dir);
	assert_false(run(none, "0.1.0", &report, &err));
	expect_text(&err, "UTF8");
}

/* The files that ship: they all run, and the daemon's role can read the list. */
static void test_ours(void **state)
{
	struct migrate_report report;
	struct error err = { 0 };

	(void)state;
	if (!migrate_run(owner, "The App's \"role\"", &report, &err))
		fail_msg("%s", err.detail[LANGUAGE_EN]);
	if (!migrate_check(app, &err))
		fail_msg("%s", err.detail[LANGUAGE_EN]);
}

static int set_up(void **state)
{
	(void)state;
	pg_make(&pg);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	pg_remove(&pg);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_twice, fresh_database),
		cmocka_unit_test_setup(test_is_new, fresh_database),
		cmocka_unit_test_setup(test_app_role_has_no_ddl, fresh_database),
		cmocka_unit_test_setup(test_check_before, fresh_database),
		cmocka_unit_test_setup(test_edited, fresh_database),
		cmocka_unit_test_setup(test_newer_database, fresh_database),
		cmocka_unit_test_setup(test_broken_file, fresh_database),
		cmocka_unit_test_setup(test_concurrent, fresh_database),
		cmocka_unit_test_setup(test_unreachable, fresh_database),
		cmocka_unit_test_setup(test_role_not_allowed, fresh_database),
		cmocka_unit_test_setup(test_wrong_encoding, fresh_database),
		cmocka_unit_test_setup(test_ours, fresh_database),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
