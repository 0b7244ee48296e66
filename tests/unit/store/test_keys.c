/* What the database remembers of the keys, the steps of a rotation, and look-ups by digest in each of them. */
#include "store/store_fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * A daemon as it looks at some moment of a rotation of the hash key: 0 the new
 * key is staged, 1 dual, 2 active and the old one dual, 3 the old one retired.
 */
enum { STAGES = 4 };

struct party {
	struct keyring *keyring;
	struct store    store;
	char            id[UUID_TEXT_SIZE];
};

static char rotation_dir[32];
static struct party parties[STAGES];
static struct store own;           /* the fixture's */

static const struct actor operator = { "command", "root", ROLE_ADMIN, NULL };

static const enum key_state states[STAGES][2] = {
	{ KEY_ACTIVE, KEY_STAGED }, { KEY_ACTIVE, KEY_DUAL }, { KEY_DUAL, KEY_ACTIVE }, { KEY_RETIRED, KEY_ACTIVE },
};

static size_t records_at(const struct keyring *keyring, int stage, struct key_record *records)
{
	const struct key_view *view = keyring_view(keyring);

	memcpy(records, view->keys, view->nkeys * sizeof(records[0]));
	records[0].state = states[stage][0];
	records[1].state = states[stage][1];
	return view->nkeys;
}

static struct db *connect_another(void)
{
	struct db_options options;
	struct db *db;

	db_options_init(&options);
	options.conninfo = app_conninfo;
	db = db_new(base, &options);
	for (int i = 0; i < 500 && !db_connected(db); i++)
		event_base_loop(base, EVLOOP_ONCE);
	assert_true(db_connected(db));
	return db;
}

static void party_open(struct party *party, int stage)
{
	struct key_record records[KEYS_MAX];
	struct error err = { 0 };

	party->keyring = keyring_open(rotation_dir, &err);
	assert_non_null(party->keyring);
	assert_true(keyring_agree(party->keyring, records, records_at(party->keyring, stage, records), &err));
	party->store = (struct store){ connect_another(), party->keyring, &test_clock, NULL };
	uuid7_make(party->id, clock_wall_us(&test_clock));
}

static int keys_up(void **state)
{
	struct error err = { 0 };

	if (store_up(state) != 0)
		return -1;
	own = store;
	snprintf(rotation_dir, sizeof(rotation_dir), "/tmp/giothong-keys-XXXXXX");
	if (!mkdtemp(rotation_dir) || !keyring_create(rotation_dir, &err) ||
	    !keyring_stage(rotation_dir, KEY_HASH, 2, &err))
		return -1;
	for (int i = 0; i < STAGES; i++)
		party_open(&parties[i], i);
	return 0;
}

static int keys_down(void **state)
{
	char command[64];

	for (int i = 0; i < STAGES; i++) {
		db_free(parties[i].store.db);
		keyring_free(parties[i].keyring);
	}
	snprintf(command, sizeof(command), "rm -rf %s", rotation_dir);
	assert_int_equal(system(command), 0);
	store = own;
	return store_down(state);
}

/* The operations of one party; RUN and RUN_OK send through `store`. */
static void act_as(int stage)
{
	store = parties[stage].store;
}

/* What the database says, without a rotation's care. */
static void put_stage(int stage)
{
	char sql[200];

	snprintf(sql, sizeof(sql), "UPDATE key SET state = CASE id WHEN 1 THEN '%s' ELSE '%s' END WHERE kind = 'hash'",
		 key_state_text(states[stage][0]), key_state_text(states[stage][1]));
	pg_sql(&pg, sql);
}

static void remember(int stage)
{
	struct error err = { 0 };

	if (!keys_remember(app_conninfo, parties[stage].keyring, &test_clock, &operator, &err))
		fail_msg("%s", err.detail[0]);
}

static int clean_and_remembered(void **state)
{
	int failed = store_clean(state);

	act_as(0);
	remember(0);
	return failed;
}

static void beat_as(int stage)
{
	struct daemon_beat beat = { .version = "0.1.0", .host = "may-1" };

	memcpy(beat.id, parties[0].id, sizeof(beat.id));         /* one daemon, whatever it knows */
	act_as(stage);
	RUN_OK(daemon_beat, &beat);
	buf_release(&beat.keys);
	act_as(0);
}

/* ---- the first start ---- */

static void test_the_first_start(void **state)
{
	struct key_load load = { .nrecords = 0 };
	struct error err = { 0 };

	(void)state;
	remember(0);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM key"), 5);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM key WHERE state = 'active'"), 4);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM key WHERE public_key IS NOT NULL"), 1);
	assert_int_equal(audit_count("key.register"), 5);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM audit_entry WHERE subject_kind = 'key'"
				       " AND subject_id = 'hash-2' AND actor_kind = 'command'"), 1);
	remember(0);
	assert_int_equal(audit_count("key.register"), 5);
	act_as(0);
	RUN_OK(key_load, &load);
	assert_int_equal(load.nrecords, 5);
	assert_int_equal(load.records[1].kind, KEY_HASH);
	assert_int_equal(load.records[1].id, 2);
	assert_int_equal(load.records[1].state, KEY_STAGED);
	assert_memory_equal(load.records[1].fingerprint, keyring_view(parties[0].keyring)->keys[1].fingerprint,
			    KEY_FINGERPRINT_BYTES);
	/* another database's keyring */
	assert_false(keys_remember(app_conninfo, test_keyring, &test_clock, &operator, &err));
	assert_int_equal(err.code, ERR_CONFIG);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM key"), 5);
}

struct starter {
	pthread_t    thread;
	struct error err;
	bool         fine;
};

static void *start_other(void *context)
{
	struct starter *starter = context;

	starter->fine = keys_remember(app_conninfo, test_keyring, &test_clock, &operator, &starter->err);
	return NULL;
}

/* Two daemons with different keyrings on a new database: one is first, the other is refused. */
static void test_two_first_starts(void **state)
{
	struct starter starter = { .fine = false };
	PGconn *conn = PQconnectdb(pg.conninfo);
	char sql[1024];
	size_t len = 0;
	const struct key_view *view = keyring_view(parties[0].keyring);

	(void)state;
	len += (size_t)snprintf(sql, sizeof(sql), "BEGIN");
	for (size_t i = 0; i < view->nkeys; i++) {
		char hex[KEY_FINGERPRINT_HEX_SIZE];

		key_fingerprint_hex(&view->keys[i], hex);
		len += (size_t)snprintf(sql + len, sizeof(sql) - len, "; INSERT INTO key VALUES ('%s', %d, '%s', '\\x%s'%s)",
					key_kind_text(view->keys[i].kind), view->keys[i].id,
					key_state_text(view->keys[i].state), hex,
					view->keys[i].kind == KEY_SIGN ? ", decode(repeat('00', 32), 'hex')" : "");
	}
	PQclear(PQexec(conn, sql));
	assert_int_equal(pthread_create(&starter.thread, NULL, start_other, &starter), 0);
	for (int i = 0; i < 6000 && pg_count(&pg, "SELECT count(*) FROM pg_locks WHERE NOT granted") == 0; i++)
		usleep(5000);
	PQclear(PQexec(conn, "COMMIT"));
	PQfinish(conn);
	assert_int_equal(pthread_join(starter.thread, NULL), 0);
	assert_false(starter.fine);
	assert_int_equal(starter.err.code, ERR_CONFIG);
	remember(0);
	assert_int_equal(audit_count("key.register"), 0);
}

static void test_what_the_daemon_may_do(void **state)
{
	(void)state;
	assert_true(app_is_denied("DELETE FROM key"));
	assert_true(app_is_denied("UPDATE key SET fingerprint = ''"));
	assert_true(app_is_denied("UPDATE key SET id = 3"));
}

/* ---- the steps ---- */

static bool advance(enum key_step step, int stage)
{
	struct key_record records[KEYS_MAX];
	struct key_advance op = { .kind = KEY_HASH, .step = step, .actor = operator, .arena = &arena };

	records_at(parties[0].keyring, stage, records);
	op.old = records[0];
	op.fresh = records[1];
	act_as(0);
	RUN_OK(key_advance, &op);
	return op.made;
}

static int key_in_state(int id, const char *in)
{
	char sql[128];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM key WHERE kind = 'hash' AND id = %d AND state = '%s'", id, in);
	return pg_count(&pg, sql);
}

static void test_a_rotation(void **state)
{
	(void)state;
	pg_sql(&pg, "DELETE FROM key WHERE kind = 'hash' AND id = 2; TRUNCATE audit_entry CASCADE");
	struct key_stage stage = { .kind = KEY_HASH, .id = 2, .actor = operator, .arena = &arena };

	RUN_OK(key_stage, &stage);
	assert_true(stage.staged);
	RUN_OK(key_stage, &stage);
	assert_false(stage.staged);                      /* one at a time */
	assert_int_equal(audit_count("key.stage"), 1);

	assert_false(advance(KEY_STEP_ACTIVATE, 1));     /* not in this order */
	assert_true(advance(KEY_STEP_DUAL, 0));          /* nobody runs */
	assert_int_equal(key_in_state(2, "dual"), 1);
	assert_int_equal(key_in_state(1, "active"), 1);
	assert_false(advance(KEY_STEP_DUAL, 0));
	RUN_OK(key_stage, &stage);
	assert_false(stage.staged);

	beat_as(0);                                      /* it has not heard of the last step */
	assert_false(advance(KEY_STEP_ACTIVATE, 1));
	beat_as(1);
	assert_true(advance(KEY_STEP_ACTIVATE, 1));
	assert_int_equal(key_in_state(2, "active"), 1);
	assert_int_equal(key_in_state(1, "dual"), 1);
	assert_false(advance(KEY_STEP_RETIRE, 2));
	pg_sql(&pg, "UPDATE daemon SET seen_at = now() - interval '21 seconds'");       /* it does not run any more */
	assert_true(advance(KEY_STEP_RETIRE, 2));
	assert_int_equal(key_in_state(1, "retired"), 1);
	assert_false(advance(KEY_STEP_RETIRE, 2));
	assert_int_equal(audit_count("key.dual"), 2);    /* the new one once, the old one once */
	assert_int_equal(audit_count("key.activate"), 1);
	assert_int_equal(audit_count("key.retire"), 1);
	assert_int_equal(audit_count("key.%"), 5);
}

static void test_another_key_of_that_id(void **state)
{
	struct key_stage stage = { .kind = KEY_HASH, .id = 2, .actor = operator, .arena = &arena };

	(void)state;
	pg_sql(&pg, "UPDATE key SET state = 'retired' WHERE kind = 'hash' AND id = 2");
	RUN(key_stage, &stage);
	expect_error(&stage.error, ERR_ALREADY_EXISTS, NULL);
	assert_int_equal(audit_count("key.stage"), 0);
}

/* A statement that began before the last step may still write what the next one relies on not being written. */
static void test_an_old_statement_is_waited_for(void **state)
{
	struct key_holders holders = { .kind = "hash", .arena = &arena };
	PGconn *conn = PQconnectdb(app_conninfo);

	(void)state;
	PQclear(PQexec(conn, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1"));
	put_stage(2);
	assert_false(advance(KEY_STEP_RETIRE, 2));
	RUN_OK(key_holders, &holders);
	assert_int_equal(holders.old_statements, 1);
	PQclear(PQexec(conn, "COMMIT; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1"));
	assert_true(advance(KEY_STEP_RETIRE, 2));        /* a younger one is no matter */
	PQfinish(conn);
}

static void test_who_holds_what(void **state)
{
	struct key_holders holders = { .arena = &arena };

	(void)state;
	RUN_OK(key_holders, &holders);
	assert_int_equal(holders.nholders, 0);
	beat_as(0);
	pg_sql(&pg, "INSERT INTO daemon (id, version, host, key_ids) VALUES (gen_random_uuid(), '0.1.0', 'cu', '{1,1,1,1}')");
	put_stage(1);
	holders.kind = "hash";
	RUN_OK(key_holders, &holders);
	assert_int_equal(holders.nholders, 2);
	assert_string_equal(holders.holders[0].id, parties[0].id);
	assert_string_equal(holders.holders[0].keyring, rotation_dir);
	assert_int_equal(holders.holders[0].nlagging, 1);
	assert_string_equal(holders.holders[0].lagging[0], "hash-2");
	assert_int_equal(holders.holders[0].nabsent, 0);
	assert_null(holders.holders[1].keyring);
	assert_int_equal(holders.holders[1].nlagging, 2);
	assert_int_equal(holders.holders[1].nabsent, 2);
	/* without its file a retired key is absent and nothing is late */
	pg_sql(&pg, "INSERT INTO key (kind, id, state, fingerprint) VALUES ('hash', 9, 'retired', decode(repeat('00', 16), 'hex'))");
	beat_as(1);
	RUN_OK(key_holders, &holders);
	assert_int_equal(holders.holders[0].nlagging, 0);
	assert_int_equal(holders.holders[0].nabsent, 1);
	assert_string_equal(holders.holders[0].absent[0], "hash-9");
}

/* ---- idempotency keys ---- */

static struct catalog_save new_team(const char *code, const char *key, const char *body)
{
	struct catalog_save save = { .actor = staff, .arena = &arena };

	save.next.kind = CATALOG_TEAM;
	save.next.team.code = code;
	save.next.team.name = "Đội";
	save.next.team.beds = -1;
	save.idempotency = (struct idempotency){ .principal = "token-1", .route = "POST /api/v1/teams", .key = key,
						 .body = body, .body_len = strlen(body), .status = 201 };
	return save;
}

/* What one daemon made, another one at a neighbouring stage finds, and refuses with another body. */
static void test_claims_across_stages(void **state)
{
	int made = 0;

	(void)state;
	for (int first = 0; first < STAGES; first++)
		for (int then = first > 0 ? first - 1 : 0; then < STAGES && then <= first + 1; then++)
			for (int now = first < then ? first : then; now <= (first > then ? first : then); now++) {
				char key[16], code[16];

				snprintf(key, sizeof(key), "k-%d", ++made);
				snprintf(code, sizeof(code), "T%d", made);
				struct catalog_save one = new_team(code, key, "a"), again = new_team(code, key, "a");
				struct catalog_save other = new_team("other", key, "b");

				put_stage(now);
				act_as(first);
				RUN_OK(catalog_save, &one);
				assert_false(one.idempotency.replayed);
				act_as(then);
				RUN_OK(catalog_save, &again);
				assert_true(again.idempotency.replayed);
				assert_string_equal(again.idempotency.resource_id, one.next.team.id);
				RUN(catalog_save, &other);
				expect_error(&other.error, ERR_IDEMPOTENCY_MISMATCH, NULL);
			}
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM team"), made);
	assert_int_equal(audit_count("team.replay"), made);
}

/* Long after: rows of before the rotation are under the retired key alone. */
static void test_claims_of_before(void **state)
{
	struct catalog_save one = new_team("T", "k", "a"), again = new_team("T", "k", "a");

	(void)state;
	put_stage(0);
	act_as(0);
	RUN_OK(catalog_save, &one);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM idempotency WHERE key_id = 1"), 1);
	put_stage(3);
	act_as(3);
	RUN_OK(catalog_save, &again);
	assert_true(again.idempotency.replayed);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM idempotency"), 1);
}

/* A daemon that slept through a rotation writes nothing, and says try again; what was made it finds. */
static void test_a_daemon_that_slept(void **state)
{
	struct catalog_save late = new_team("T", "k", "a"), keyless = new_team("U", NULL, "a");

	(void)state;
	for (int now = 2; now < STAGES; now++) {
		put_stage(now);
		act_as(0);
		RUN(catalog_save, &late);
		expect_error(&late.error, ERR_UNAVAILABLE, NULL);
	}
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM team"), 0);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM idempotency"), 0);
	RUN_OK(catalog_save, &keyless);                  /* it needs no digest to be found by */
	struct catalog_save made = new_team("T", "k", "a"), again = new_team("T", "k", "a");

	put_stage(2);
	act_as(2);
	RUN_OK(catalog_save, &made);
	act_as(0);
	RUN_OK(catalog_save, &again);
	assert_true(again.idempotency.replayed);
}

/* Two daemons at neighbouring stages get the same request at the same moment, many times over. */
static void test_claims_at_once(void **state)
{
	enum { TIMES = 40 };

	(void)state;
	for (int first = 0; first + 1 < STAGES; first++) {
		static struct catalog_save saves[2 * TIMES];

		put_stage(first + 1);
		for (int i = 0; i < TIMES; i++) {
			char *key = arena_printf(&arena, "at-once-%d-%d", first, i);
			char *code = arena_printf(&arena, "A%d-%d", first, i);

			for (int j = 0; j < 2; j++) {
				saves[2 * i + j] = new_team(code, key, "a");
				act_as(first + (i + j) % 2);
				SEND(catalog_save, &saves[2 * i + j]);
			}
			settle();
		}
		for (int i = 0; i < TIMES; i++) {
			struct catalog_save *pair = &saves[2 * i];

			expect_error(&pair[0].error, ERR_NONE, NULL);
			expect_error(&pair[1].error, ERR_NONE, NULL);
			assert_int_equal(pair[0].idempotency.replayed + pair[1].idempotency.replayed, 1);
		}
	}
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM team"), TIMES * (STAGES - 1));
	assert_int_equal(audit_count("team.create"), TIMES * (STAGES - 1));
}

/* ---- help texts ---- */

static bool help_as(int stage, const char *number, const char *message)
{
	struct sms_help_claim claim = { .number = number, .message_id = message, .arena = &arena };

	act_as(stage);
	RUN_OK(sms_help_claim, &claim);
	return claim.granted;
}

static void test_one_help_an_hour_across_stages(void **state)
{
	int n = 0;

	(void)state;
	for (int first = 0; first < STAGES; first++)
		for (int then = 0; then < STAGES; then++) {
			char number[24];

			if (then < first - 1)
				continue;        /* no daemon goes back */
			snprintf(number, sizeof(number), "+8490000%04d", ++n);
			assert_true(help_as(first, number, "m1"));
			assert_false(help_as(then, number, "m2"));
			assert_true(help_as(then, number, "m1"));        /* a gateway's retry */
			assert_false(help_as(then, number, "m3"));
			if (then <= first + 1)
				assert_false(help_as(first, number, "m2"));
		}
	pg_sql(&pg, "UPDATE sms_help SET at = at - interval '61 minutes'");
	assert_true(help_as(1, "+84900000001", "m4"));
	assert_false(help_as(2, "+84900000001", "m5"));
}

/* ---- lost keys ---- */

static void test_lost_keys_are_replaced(void **state)
{
	static const int ids[KEY_KIND_COUNT] = { 3, 2, 2, 2 };
	struct key_load known = { .nrecords = 0 };
	struct key_replace replace = { .lost = &known, .actor = operator, .arena = &arena };
	struct error err = { 0 };
	char fresh_dir[48], command[64];

	(void)state;
	snprintf(fresh_dir, sizeof(fresh_dir), "%s.fresh", rotation_dir);
	assert_true(keyring_create_with(fresh_dir, ids, &err));
	struct keyring *fresh = keyring_open(fresh_dir, &err);

	assert_non_null(fresh);
	assert_int_equal(keyring_active(fresh, KEY_HASH), 3);
	act_as(0);
	beat_as(0);
	store.keyring = fresh;
	RUN_OK(key_load, &known);
	RUN_OK(key_replace, &replace);
	assert_false(replace.replaced);                  /* a daemon runs, and holds them */
	pg_sql(&pg, "UPDATE daemon SET seen_at = now() - interval '21 seconds'");
	known.nrecords--;
	RUN_OK(key_replace, &replace);
	assert_false(replace.replaced);                  /* there is a key that was not loaded */
	known.nrecords++;
	int64_t used = pg_count(&pg, "SELECT count(*) FROM key WHERE state <> 'retired'"), retired = audit_count("key.retire");

	RUN_OK(key_replace, &replace);
	assert_true(replace.replaced);
	assert_int_equal(audit_count("key.retire"), retired + used);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM key WHERE state = 'active'"), 4);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM key WHERE state = 'retired'"), 5);
	assert_int_equal(audit_count("key.replace"), 4);
	RUN_OK(key_replace, &replace);
	assert_false(replace.replaced);
	assert_int_equal(audit_count("key.replace"), 4);
	/* the new keyring fits, with a word about the lost ones; the old one does not serve any more */
	assert_true(keys_remember(app_conninfo, fresh, &test_clock, &operator, &err));
	assert_true(keyring_view(fresh)->complete);
	assert_int_equal(keyring_view(fresh)->nlost, 5);
	keyring_free(fresh);
	struct keyring *old = keyring_open(rotation_dir, &err);

	assert_true(keys_remember(app_conninfo, old, &test_clock, &operator, &err));
	assert_false(keyring_view(old)->complete);
	keyring_free(old);
	snprintf(command, sizeof(command), "rm -rf %s", fresh_dir);
	assert_int_equal(system(command), 0);
}

/* ---- copies ---- */

static void test_an_export_is_noted(void **state)
{
	struct key_export_note note = { .nkeys = 5, .actor = operator, .arena = &arena };

	(void)state;
	RUN_OK(key_export_note, &note);
	assert_int_equal(audit_count("key.export"), 1);
}

#define KEY_TEST(name) cmocka_unit_test_setup(name, clean_and_remembered)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_first_start), TEST(test_two_first_starts), KEY_TEST(test_what_the_daemon_may_do),
		KEY_TEST(test_a_rotation), KEY_TEST(test_another_key_of_that_id),
		KEY_TEST(test_an_old_statement_is_waited_for), KEY_TEST(test_who_holds_what),
		KEY_TEST(test_claims_across_stages), KEY_TEST(test_claims_of_before),
		KEY_TEST(test_a_daemon_that_slept), KEY_TEST(test_claims_at_once),
		KEY_TEST(test_one_help_an_hour_across_stages), KEY_TEST(test_lost_keys_are_replaced),
		KEY_TEST(test_an_export_is_noted),
	};

	return cmocka_run_group_tests(tests, keys_up, keys_down);
}
