#include "store_fixture.h"

static struct token_create new_token(const char *name, enum role role)
{
	struct token_create create = {
		.token = { .name = name, .role = role, .expires_us = INT64_MIN }, .actor = staff, .arena = &arena,
	};

	for (size_t i = 0; i < sizeof(create.hash); i++)
		create.hash[i] = (unsigned char)(name[i % strlen(name)] + (int)i);
	return create;
}

static void test_token_is_found_by_hash(void **state)
{
	const char *units[] = { "12", "03618@2025-07-01" };
	struct token_create create = new_token("máy trạm \"1\"", ROLE_STAFF);
	struct token_find find = { .arena = &arena };

	(void)state;
	create.token.unit_ids = units;
	create.token.nunit_ids = 2;
	create.token.expires_us = 1900000000000000;
	RUN_OK(token_create, &create);
	assert_true(create.token.created_us > 0);
	memcpy(find.hash, create.hash, sizeof(find.hash));
	RUN_OK(token_find, &find);
	assert_string_equal(find.token.id, create.token.id);
	assert_string_equal(find.token.name, "máy trạm \"1\"");
	assert_int_equal(find.token.role, ROLE_STAFF);
	assert_int_equal(find.token.nunit_ids, 2);
	assert_string_equal(find.token.unit_ids[1], "03618@2025-07-01");
	assert_true(find.token.expires_us == 1900000000000000);
	assert_true(find.token.revoked_us == INT64_MIN);
	find.hash[0] ^= 1;
	RUN(token_find, &find);
	expect_error(&find.error, ERR_NOT_FOUND, NULL);
}

static void test_token_refusals(void **state)
{
	const char *units[] = { "12", "nowhere" };
	struct token_create first = new_token("a", ROLE_ADMIN), again = new_token("a", ROLE_ADMIN);
	struct token_create team = new_token("b", ROLE_TEAM), unit = new_token("c", ROLE_STAFF);

	(void)state;
	RUN_OK(token_create, &first);
	again.hash[0] ^= 1;
	RUN(token_create, &again);
	expect_error(&again.error, ERR_ALREADY_EXISTS, "/name");
	team.token.team_id = "0197b1c0-0000-7000-8000-000000000001";
	RUN(token_create, &team);
	expect_error(&team.error, ERR_INVALID_FIELD, "/team");
	team.token.team_id = "not an id";
	RUN(token_create, &team);
	expect_error(&team.error, ERR_INVALID_FIELD, "/team");
	unit.token.unit_ids = units;
	unit.token.nunit_ids = 2;
	RUN(token_create, &unit);
	expect_error(&unit.error, ERR_INVALID_FIELD, "/units");
	assert_int_equal(audit_count("%"), 1);   /* of the first; the refused left nothing */
}

static void test_token_revoked(void **state)
{
	struct token_create create = new_token("r", ROLE_COMMS), again = new_token("r", ROLE_COMMS);
	struct token_revoke revoke = { .key = "r", .actor = staff, .arena = &arena };
	struct token_list list = { .arena = &arena };
	struct change_poll before = { 0 }, after = { 0 };

	(void)state;
	RUN_OK(token_create, &create);
	RUN_OK(change_poll, &before);
	RUN_OK(token_revoke, &revoke);
	RUN_OK(change_poll, &after);
	assert_true(after.access > before.access);
	assert_true(after.rounds == before.rounds);
	RUN(token_revoke, &revoke);
	expect_error(&revoke.error, ERR_NOT_FOUND, NULL);
	again.hash[0] ^= 1;              /* its name is free again */
	RUN_OK(token_create, &again);
	revoke.key = again.token.id;
	RUN_OK(token_revoke, &revoke);
	RUN_OK(token_list, &list);
	assert_int_equal(list.ntokens, 2);
	assert_true(list.tokens[0].revoked_us != INT64_MIN);
	assert_int_equal(audit_count("token.revoke"), 2);
	/* what one row leaves is what the next finds */
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM audit_entry a JOIN audit_entry b USING (subject_id)"
				       " WHERE a.action = 'token.create' AND b.action = 'token.revoke'"
				       " AND a.digest_after = b.digest_before AND b.digest_after <> b.digest_before"),
			 2);
}

static void test_touch_to_the_minute(void **state)
{
	struct token_create create = new_token("t", ROLE_GATEWAY);
	const char *ids[1];
	struct token_touch touch = { .ids = ids, .nids = 1, .arena = &arena };
	char first[64], second[64];

	(void)state;
	RUN_OK(token_create, &create);
	ids[0] = create.token.id;
	RUN_OK(token_touch, &touch);
	pg_sql_on(pg.conninfo, "SELECT last_used_at FROM access_token", first, sizeof(first));
	RUN_OK(token_touch, &touch);
	pg_sql_on(pg.conninfo, "SELECT last_used_at FROM access_token", second, sizeof(second));
	assert_true(first[0]);
	assert_string_equal(first, second);
}

static void test_audit_pages(void **state)
{
	struct audit_list list = { .limit = 2, .arena = &arena };
	static const char *const names[] = { "p1", "p2", "p3" };
	struct token_create create;
	char oldest[UUID_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		usleep(2000);            /* ids of one millisecond have no order */
		create = new_token(names[i], ROLE_AUDITOR);
		RUN_OK(token_create, &create);
		if (i == 0)
			memcpy(oldest, create.token.id, sizeof(oldest));
	}
	RUN_OK(audit_list, &list);
	assert_int_equal(list.nrows, 2);
	assert_true(list.more);
	assert_string_equal(list.rows[0].subject_id, create.token.id);
	assert_string_equal(list.rows[0].actor_role, "staff");
	assert_string_equal(list.rows[0].request_id, "req-1");
	assert_null(list.rows[0].digest_before);
	assert_int_equal(strlen(list.rows[0].digest_after), 64);
	memcpy(list.after, list.rows[1].id, sizeof(list.after));
	RUN_OK(audit_list, &list);
	assert_int_equal(list.nrows, 1);
	assert_false(list.more);
	list.after[0] = '\0';
	list.subject_kind = "token";
	list.subject_id = oldest;
	RUN_OK(audit_list, &list);
	assert_int_equal(list.nrows, 1);
	list.action = "token.revoke";
	RUN_OK(audit_list, &list);
	assert_int_equal(list.nrows, 0);
}

static void test_audit_is_append_only(void **state)
{
	(void)state;
	assert_true(app_is_denied("UPDATE audit_entry SET action = 'x'"));
	assert_true(app_is_denied("DELETE FROM audit_entry"));
	assert_true(app_is_denied("TRUNCATE audit_entry"));
	assert_true(app_is_denied("UPDATE round_report SET ml = 1"));
	assert_true(app_is_denied("DELETE FROM round_report"));
	assert_true(app_is_denied("UPDATE idempotency SET status = 1"));
	assert_true(app_is_denied("UPDATE access_token SET role = 'admin'"));
	assert_true(app_is_denied("DELETE FROM round"));
	assert_true(app_is_denied("UPDATE unit SET name = ''"));
	assert_true(app_is_denied("CREATE TABLE mine (id int)"));
}

static bool help(const char *number, const char *message)
{
	struct sms_help_claim claim = { .number = number, .message_id = message, .arena = &arena };

	RUN_OK(sms_help_claim, &claim);
	return claim.granted;
}

static void test_one_help_an_hour(void **state)
{
	struct sms_help_purge purge = { 0 };

	(void)state;
	assert_true(help("+84900000001", "m1"));
	assert_true(help("+84900000001", "m1"));         /* a retry */
	assert_false(help("+84900000001", "m2"));
	assert_true(help("+84900000002", NULL));
	assert_false(help("+84900000002", NULL));
	pg_sql(&pg, "UPDATE sms_help SET at = at - interval '61 minutes'");
	assert_true(help("+84900000001", "m1"));
	assert_true(help("+84900000002", NULL));
	assert_false(help("+84900000001", "m3"));
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM sms_help WHERE encode(number_digest, 'escape')"
				       " LIKE '%900000%'"), 0);
	pg_sql(&pg, "UPDATE sms_help SET at = at - interval '25 hours'");
	RUN_OK(sms_help_purge, &purge);
	assert_int_equal(purge.deleted, 2);
	RUN_OK(sms_help_purge, &purge);
	assert_int_equal(purge.deleted, 0);
}

static void test_beat(void **state)
{
	struct daemon_beat beat = { .version = "0.1.0", .host = "máy-1" };

	(void)state;
	uuid7_make(beat.id, clock_wall_us(&test_clock));
	RUN_OK(daemon_beat, &beat);
	RUN_OK(daemon_beat, &beat);
	pg_sql(&pg, "INSERT INTO daemon (id, version, host, seen_at, key_ids)"
		    " VALUES (gen_random_uuid(), '0', 'gone', now() - interval '2 days', '{}')");
	RUN_OK(daemon_beat, &beat);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM daemon WHERE key_ids[1] = 1"), 1);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM daemon"), 1);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM daemon, jsonb_array_elements(keys) AS k WHERE"
				       " k->>'state' = 'active' AND length(k->>'fingerprint') = 32"), 4);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM daemon WHERE keyring LIKE '/tmp/giothong-keys-%'"
				       " AND NOT keyring_fixed"), 1);
	buf_release(&beat.keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_token_is_found_by_hash), TEST(test_token_refusals), TEST(test_token_revoked),
		TEST(test_touch_to_the_minute), TEST(test_audit_pages), TEST(test_audit_is_append_only),
		TEST(test_one_help_an_hour), TEST(test_beat),
	};

	return cmocka_run_group_tests(tests, store_up, store_down);
}
