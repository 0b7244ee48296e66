#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

/*
 * A store on a throw-away PostgreSQL with the real schema and reference data,
 * under the daemon's own role. store_up() and store_down() are a group's set-up and tear-down.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <event2/event.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/keyring.h"
#include "db/db.h"
#include "db/migrate.h"
#include "db/postgres.h"
#include "store/access_store.h"
#include "store/catalog_store.h"
#include "store/feed_store.h"
#include "store/key_store.h"
#include "store/plan_store.h"
#include "store/round_store.h"
#include "store/session_store.h"
#include "store/user_store.h"

static struct postgres pg;
static char app_conninfo[200];
static struct event_base *base;
static struct clock test_clock;
static struct keyring *test_keyring;
static char key_dir[32];
static struct store store;
static struct arena arena;
static int pending;

static const struct actor staff = { "token", "0197b1c0-0000-7000-8000-00000000aaaa", ROLE_STAFF, "req-1" };

static void settle(void)
{
	while (pending > 0)
		event_base_loop(base, EVLOOP_ONCE);
}

/* An operation sent and waited for; DONE(type) makes its callback. */
#define DONE(type) \
	__attribute__((unused)) static void type##_done(struct type *op) { (void)op; pending--; }
#define SEND(type, op) \
	do { (op)->done = type##_done; pending++; type##_send(&store, (op)); assert_true(pending > 0); } while (0)
#define RUN(type, op) do { SEND(type, op); settle(); } while (0)
#define RUN_OK(type, op) \
	do { \
		RUN(type, op); \
		if ((op)->error.code != ERR_NONE) \
			fail_msg("%s: %s (%s)", #type, error_slug((op)->error.code), (op)->error.detail[0]); \
	} while (0)

DONE(token_find) DONE(token_create) DONE(token_list) DONE(token_revoke) DONE(token_touch) DONE(audit_list)
DONE(change_poll) DONE(sms_help_claim) DONE(daemon_beat) DONE(sms_help_purge)
DONE(catalog_list) DONE(catalog_load) DONE(catalog_resolve) DONE(catalog_save) DONE(unit_load) DONE(calendar_load)
DONE(round_list) DONE(round_load) DONE(round_save) DONE(round_create) DONE(report_list) DONE(report_create)
DONE(key_load) DONE(key_stage) DONE(key_advance) DONE(key_holders) DONE(key_replace) DONE(key_export_note)
DONE(round_feed) DONE(change_feed)
DONE(user_load) DONE(user_list) DONE(user_save) DONE(user_wrapped)
DONE(login_count) DONE(login_uncount) DONE(login_refuse) DONE(session_open) DONE(session_find) DONE(session_list)
DONE(session_end) DONE(session_touch) DONE(session_purge) DONE(service_clock)
DONE(plan_list) DONE(plan_load) DONE(plan_apply) DONE(history_apply)

__attribute__((unused))
static void expect_error(const struct error *err, enum error_code code, const char *pointer)
{
	if (err->code != code)
		fail_msg("error is %s, not %s: %s", error_slug(err->code), error_slug(code), err->detail[0]);
	if (code != ERR_NONE && err->nfields == 0) {
		assert_true(err->detail[LANGUAGE_EN][0]);
		assert_true(err->detail[LANGUAGE_VI][0]);
		assert_string_not_equal(err->detail[LANGUAGE_EN], err->detail[LANGUAGE_VI]);
	}
	if (pointer) {
		assert_int_equal(err->nfields, 1);
		assert_string_equal(err->fields[0].pointer, pointer);
	}
}

static void store_connect(void)
{
	struct db_options options;

	db_options_init(&options);
	options.conninfo = app_conninfo;
	store.db = db_new(base, &options);
	for (int i = 0; i < 500 && !db_connected(store.db); i++)
		event_base_loop(base, EVLOOP_ONCE);
	assert_true(db_connected(store.db));
}

static int store_up(void **state)
{
	struct error err = { 0 };
	struct migrate_report report;
	bool changed;

	(void)state;
	pg_make(&pg);
	if (!migrate_run(pg.conninfo, "giothong_app", &report, &err) ||
	    !reference_load(pg.conninfo, &changed, &err) || !crypto_start(&err))
		fail_msg("%s", err.detail[0]);
	snprintf(app_conninfo, sizeof(app_conninfo), "host=%s user=giothong_app dbname=postgres", pg.dir);
	snprintf(key_dir, sizeof(key_dir), "/tmp/giothong-keys-XXXXXX");
	assert_non_null(mkdtemp(key_dir));
	if (!keyring_create(key_dir, &err) || !(test_keyring = keyring_open(key_dir, &err)))
		fail_msg("%s", err.detail[0]);
	base = event_base_new();
	store = (struct store){ .keyring = test_keyring, .clock = &test_clock };
	store_connect();
	arena_init(&arena);
	return 0;
}

static int store_down(void **state)
{
	char command[64];

	(void)state;
	db_free(store.db);
	event_base_free(base);
	arena_release(&arena);
	keyring_free(test_keyring);
	snprintf(command, sizeof(command), "rm -rf %s", key_dir);
	assert_int_equal(system(command), 0);
	pg_remove(&pg);
	return 0;
}

/* Whether the daemon's role is refused that statement for want of a right. */
__attribute__((unused))
static bool app_is_denied(const char *sql)
{
	PGconn *conn = PQconnectdb(app_conninfo);
	PGresult *result = PQexec(conn, sql);
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	bool denied = streq(state, "42501");

	PQclear(result);
	PQfinish(conn);
	return denied;
}

__attribute__((unused))
static int audit_count(const char *action)
{
	char sql[160];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM audit_entry WHERE action LIKE '%s'", action);
	return pg_count(&pg, sql);
}

/* Everything that an earlier test left, with all that points there, but for reference data. */
__attribute__((unused))
static int store_clean(void **state)
{
	(void)state;
	pg_sql(&pg, "TRUNCATE round_report, round_unit, round_campaign, round, plan_campaign, plan, venue, team,"
		    " login_failure, session, staff_user, access_token, audit_checkpoint, audit_seal, audit_entry, round_change, idempotency, daemon,"
		    " sms_help, key CASCADE");
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, store_clean)

#endif
