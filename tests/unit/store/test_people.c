#include "store_fixture.h"

#include "store/record_store.h"

DONE(record_digest)

#define S INT64_C(1000000)

static struct user_save new_user(const char *login, enum role role)
{
	return (struct user_save){
		.next = { .login = login, .name = "Lò Thị \"Mây\"", .role = role, .active = true, .password_hash = "$hash",
			  .password_long = true },
		.verb = "create", .actor = staff, .arena = &arena,
	};
}

static struct user_save change(const struct user *before)
{
	return (struct user_save){ .before = before, .next = *before, .verb = "edit", .actor = staff, .arena = &arena };
}

static struct user made(const char *login)
{
	struct user_save save = new_user(login, ROLE_STAFF);
	struct user_load load = { .arena = &arena };

	RUN_OK(user_save, &save);
	load.key = save.next.id;
	RUN_OK(user_load, &load);
	return load.user;
}

static void test_user_is_what_was_saved(void **state)
{
	const char *units[] = { "12", "03618@2025-07-01" };
	struct user_save save = new_user("lo.may", ROLE_STAFF);
	struct user_load load = { .key = "lo.may", .arena = &arena };
	struct record_digest digest = { .kind = RECORD_USER, .arena = &arena };
	char want[128], key_id[16];

	(void)state;
	save.next.unit_ids = units;
	save.next.nunit_ids = 2;
	save.next.must_change = true;
	RUN_OK(user_save, &save);
	RUN_OK(user_load, &load);
	assert_string_equal(load.user.id, save.next.id);
	assert_string_equal(load.user.name, "Lò Thị \"Mây\"");
	assert_int_equal(load.user.role, ROLE_STAFF);
	assert_string_equal(load.user.unit_ids[1], "03618@2025-07-01");
	assert_true(load.user.active && load.user.must_change && load.user.password_long);
	assert_null(load.user.totp_sealed);
	assert_true(load.user.totp_step == -1);
	assert_true(load.user.created_us == save.next.created_us);
	assert_true(load.user.last_login_us == INT64_MIN);
	assert_true(user_is_restricted(&load.user));
	/* the audit's digest is of the record as it is read again */
	digest.id = load.user.id;
	pg_sql_on(pg.conninfo, "SELECT key_id FROM audit_entry WHERE action = 'user.create'", key_id, sizeof(key_id));
	digest.key_id = atoi(key_id);
	RUN_OK(record_digest, &digest);
	pg_sql_on(pg.conninfo, "SELECT digest_after FROM audit_entry WHERE action = 'user.create'", want, sizeof(want));
	assert_string_equal(digest.digest, want);
}

static void test_user_refusals(void **state)
{
	const char *units[] = { "nowhere" };
	struct user_save first = new_user("a1", ROLE_ADMIN), again = new_user("a1", ROLE_ADMIN), unit = new_user("a2", ROLE_STAFF),
			 team = new_user("a3", ROLE_TEAM);
	struct user_load load = { .key = "nobody", .arena = &arena };

	(void)state;
	RUN_OK(user_save, &first);
	RUN(user_save, &again);
	expect_error(&again.error, ERR_ALREADY_EXISTS, "/login");
	unit.next.unit_ids = units;
	unit.next.nunit_ids = 1;
	RUN(user_save, &unit);
	expect_error(&unit.error, ERR_INVALID_FIELD, "/units");
	team.next.team_id = "0197b1c0-0000-7000-8000-000000000001";
	RUN(user_save, &team);
	expect_error(&team.error, ERR_INVALID_FIELD, "/team");
	RUN(user_load, &load);
	expect_error(&load.error, ERR_NOT_FOUND, NULL);
	assert_int_equal(audit_count("%"), 1);
}

static struct session_open opening(const struct user *user, const char *text)
{
	return (struct session_open){ .user = user, .totp_step = -1, .text = text, .network = "198.51.100.9", .now_t = 1000 * S,
				      .actor = staff, .arena = &arena };
}

static bool is_live(const char *text)
{
	struct session_find find = { .text = text, .arena = &arena };

	RUN(session_find, &find);
	return find.error.code == ERR_NONE;
}

static void test_change_over_its_version(void **state)
{
	struct user user = made("may");
	struct session_open first = opening(&user, "first"), second = opening(&user, "second");
	struct user_save save = change(&user), late = change(&user);
	struct change_poll before = { 0 }, after = { 0 };

	(void)state;
	RUN_OK(session_open, &first);
	RUN_OK(session_open, &second);
	assert_true(first.opened && second.opened && is_live("first") && is_live("second"));
	save.next.name = "Mây";
	save.next.password_hash = "$other";
	save.sessions = SESSIONS_END_OTHERS;
	save.session = first.session.id;
	RUN_OK(change_poll, &before);
	RUN_OK(user_save, &save);
	RUN_OK(change_poll, &after);
	assert_true(after.access > before.access);
	assert_true(is_live("first"));
	assert_false(is_live("second"));
	RUN(user_save, &late);
	expect_error(&late.error, ERR_STALE, NULL);
	late = change(&save.next);
	late.next.active = false;
	late.sessions = SESSIONS_END;
	RUN_OK(user_save, &late);
	assert_false(is_live("first"));
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM session"), 0);
	/* nobody opens a session over a user that has changed */
	RUN_OK(session_open, &first);
	assert_false(first.opened);
}

static void test_a_session_of_a_disabled_user_is_none(void **state)
{
	struct user user = made("may");
	struct session_open open = opening(&user, "x");

	(void)state;
	RUN_OK(session_open, &open);
	assert_true(is_live("x"));
	pg_sql(&pg, "UPDATE staff_user SET state = 'disabled'");
	assert_false(is_live("x"));
}

static void test_session_is_found_touched_and_ended(void **state)
{
	struct user user = made("may"), other = made("nam");
	struct session_open open = opening(&user, "the text");
	struct session_find find = { .text = "the text", .arena = &arena };
	const char *ids[1];
	struct session_touch touch = { .ids = ids, .nids = 1, .now_t = 1029 * S, .arena = &arena };
	struct session_list list = { .user_id = user.id, .arena = &arena };
	struct session_end end = { .user_id = other.id, .actor = staff, .arena = &arena };

	(void)state;
	RUN_OK(session_open, &open);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM session WHERE encode(digest, 'escape') LIKE '%text%'"), 0);
	RUN_OK(session_find, &find);
	assert_string_equal(find.who.id, user.id);
	assert_int_equal(find.who.role, ROLE_STAFF);
	assert_string_equal(find.session.login, "may");
	assert_true(find.session.created_t == 1000 * S && find.session.used_t == 1000 * S && !find.session.restricted);
	ids[0] = open.session.id;
	RUN_OK(session_touch, &touch);
	RUN_OK(session_find, &find);
	assert_true(find.session.used_t == 1000 * S);            /* not each time */
	touch.now_t = 1031 * S;
	RUN_OK(session_touch, &touch);
	RUN_OK(session_find, &find);
	assert_true(find.session.used_t == 1031 * S);
	RUN_OK(session_list, &list);
	assert_int_equal(list.nsessions, 1);
	end.id = open.session.id;
	RUN(session_end, &end);
	expect_error(&end.error, ERR_NOT_FOUND, NULL);           /* another's */
	end.user_id = user.id;
	RUN_OK(session_end, &end);
	assert_false(is_live("the text"));
	end.id = NULL;
	RUN_OK(session_end, &end);                               /* none is fine */
	assert_int_equal(audit_count("session.end"), 1);
	assert_int_equal(audit_count("session.open"), 1);
}

static void test_a_code_serves_once(void **state)
{
	const char *recovery[] = { "aa", "bb" };
	struct user user = made("may");
	struct user_save enrol = change(&user);
	struct session_open first, again;
	struct user_load load = { .key = "may", .arena = &arena };

	(void)state;
	enrol.next.totp_sealed = "\\x00";
	enrol.next.totp_key_id = 1;
	enrol.next.recovery = recovery;
	enrol.next.nrecovery = 2;
	enrol.next.totp_step = 100;
	RUN_OK(user_save, &enrol);
	first = opening(&enrol.next, "1");
	again = opening(&enrol.next, "2");
	first.totp_step = 100;
	RUN_OK(session_open, &first);
	assert_false(first.opened);              /* it confirmed the enrolment */
	first.totp_step = 101;
	RUN_OK(session_open, &first);
	assert_true(first.opened);
	again.totp_step = 101;
	RUN_OK(session_open, &again);
	assert_false(again.opened);
	/* a change that began before does not bring the code back */
	struct user_save late = change(&enrol.next);

	late.next.totp_step = 100;
	RUN_OK(user_save, &late);
	again = opening(&late.next, "2");
	again.totp_step = 101;
	RUN_OK(session_open, &again);
	assert_false(again.opened);
	again.totp_step = -1;
	again.recovery = "aa";
	RUN_OK(session_open, &again);
	assert_true(again.opened);
	RUN_OK(user_load, &load);
	assert_int_equal(load.user.nrecovery, 1);
	assert_string_equal(load.user.recovery[0], "bb");
	RUN_OK(session_open, &again);
	assert_false(again.opened);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM audit_entry a JOIN audit_entry b USING (subject_id)"
				       " WHERE a.action = 'user.edit' AND b.action = 'user.recovery_code'"
				       " AND a.digest_after = b.digest_before AND b.digest_after <> b.digest_before"), 1);
}

/* ---- tries ---- */

static struct login_count try_at(const char *login, const char *network, bool is_known, int64_t now_t)
{
	struct login_count count = { .login = login, .network = network, .known = is_known, .now_t = now_t, .arena = &arena };

	RUN_OK(login_count, &count);
	return count;
}

static void test_one_network_waits_longer_and_longer(void **state)
{
	int64_t now = 1000 * S;

	(void)state;
	(void)made("may");
	for (int i = 0; i < 5; i++)
		assert_true(try_at("may", "192.0.2.1", false, now).counted);
	struct login_count sixth = try_at("may", "192.0.2.1", false, now);

	assert_false(sixth.counted);
	assert_true(sixth.found);
	assert_true(sixth.wait_us == 1 * S);
	assert_false(try_at("may", "192.0.2.1", false, now + S - 1).counted);
	/* from elsewhere, and at another account, at once */
	assert_true(try_at("may", "192.0.2.2", false, now).counted);
	assert_true(try_at("nobody", "192.0.2.1", false, now).counted);
	assert_true(try_at("may", "192.0.2.1", false, now + S).counted);
	assert_true(try_at("may", "192.0.2.1", false, now + S).wait_us == 2 * S);
	for (int i = 6; i < 20; i++) {
		now += 900 * S;
		assert_true(try_at("may", "192.0.2.1", false, now).counted);
	}
	assert_false(try_at("may", "192.0.2.1", false, now + 86399 * S).counted);
	assert_true(try_at("may", "192.0.2.1", false, now + 86400 * S).counted);
}

static void spend_strangers(const char *login)
{
	char network[32];

	for (int i = 0; i < 90; i++) {
		snprintf(network, sizeof(network), "192.0.2.%d", i);
		assert_true(try_at(login, network, false, 1000 * S).counted);
	}
}

static void test_never_more_than_a_hundred(void **state)
{
	struct user user = made("may");
	struct user_load load = { .key = "may", .arena = &arena };
	int known_tries = 0;

	(void)state;
	spend_strangers("may");
	struct login_count refused = try_at("may", "198.51.100.1", false, INT64_C(1000000000) * S);

	assert_false(refused.counted);
	assert_true(refused.wait_us == LOGIN_NEVER_US);
	RUN_OK(user_load, &load);
	assert_true(load.user.locked);
	/* the owner's device is not locked out by all that */
	for (int i = 0; i < 50; i++)
		known_tries += try_at("may", "198.51.100.1", true, (2000 + 1000 * i) * S).counted;
	assert_int_equal(known_tries, 10);
	assert_int_equal(pg_count(&pg, "SELECT sum(failures) FROM login_failure WHERE bucket IN ('strangers', 'known')"), 100);
	assert_true(try_at("may", "198.51.100.1", true, INT64_C(1000000000) * S).wait_us == LOGIN_NEVER_US);
	/* an administrator */
	struct user_save unlock = change(&user);

	unlock.forgive = true;
	RUN_OK(user_save, &unlock);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM login_failure"), 0);
	assert_true(try_at("may", "198.51.100.1", false, INT64_C(1000000000) * S).counted);
}

static void test_a_device_that_spent_its_tries_is_a_stranger(void **state)
{
	int64_t now = 1000 * S;

	(void)state;
	(void)made("may");
	for (int i = 0; i < 10; i++, now += 1000 * S)
		assert_true(try_at("may", "192.0.2.1", true, now).known);
	struct login_count eleventh = try_at("may", "192.0.2.1", true, now);

	assert_true(eleventh.counted);
	assert_false(eleventh.known);
}

static void test_a_name_that_nobody_has_is_counted_alike(void **state)
{
	(void)state;
	spend_strangers("no such one");
	struct login_count refused = try_at("no such one", "198.51.100.1", false, 2000 * S);

	assert_false(refused.counted || refused.found);
	assert_true(refused.wait_us == LOGIN_NEVER_US);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM login_failure WHERE account LIKE '%such%' OR bucket LIKE '%198.%'"), 0);
}

static void test_a_right_one_forgives(void **state)
{
	struct user user = made("may");
	struct session_open open = opening(&user, "x");
	struct login_count count;

	(void)state;
	spend_strangers("may");
	count = try_at("may", "198.51.100.1", true, 1000 * S);
	assert_true(count.counted);
	open.now_t = 1000 * S;
	open.network = "192.0.2.7";
	RUN_OK(session_open, &open);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM login_failure WHERE bucket IN ('strangers', 'known')"), 0);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM login_failure WHERE failures = 1"), 89);      /* of other networks */
	assert_int_equal(try_at("may", "192.0.2.7", false, 1000 * S).counted, true);
	pg_sql(&pg, "DELETE FROM login_failure");
	count = try_at("may", "198.51.100.1", false, 1000 * S);

	struct login_uncount uncount = { .count = &count, .arena = &arena };

	RUN_OK(login_uncount, &uncount);
	assert_int_equal(pg_count(&pg, "SELECT sum(failures) FROM login_failure"), 0);
}

/* All at once: what is counted is counted one after the other. */
static void test_tries_at_one_instant(void **state)
{
	struct login_count counts[40];
	int counted = 0;

	(void)state;
	(void)made("may");
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		counts[i] = (struct login_count){ .login = "may", .network = "192.0.2.1", .now_t = 1000 * S, .arena = &arena };
		SEND(login_count, &counts[i]);
	}
	settle();
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		counted += counts[i].counted;
	assert_int_equal(counted, 5);
}

static void test_a_refusal_names_nobody(void **state)
{
	struct login_refuse refuse = { .actor = { "public", NULL, ROLE_PUBLIC, "req" }, .arena = &arena };

	(void)state;
	RUN_OK(login_refuse, &refuse);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM audit_entry WHERE action = 'login.refused' AND subject_id = 'unknown'"
				       " AND actor_id IS NULL AND digest_after IS NULL"), 1);
}

/* ---- time ---- */

static void test_service_clock(void **state)
{
	struct service_clock clock = { 0 };

	(void)state;
	pg_sql(&pg, "UPDATE session_clock SET t = 5000000, wall = clock_timestamp() - interval '1 hour'");
	clock.begin = true;              /* while nobody ran an hour passed */
	RUN_OK(service_clock, &clock);
	assert_true(clock.t >= 3605 * S && clock.t < 3700 * S);
	/* the wall clock jumps, a day on and ten years back: we go by our own */
	pg_sql(&pg, "UPDATE session_clock SET t = 5000000, wall = clock_timestamp() - interval '1 day'");
	clock = (struct service_clock){ .t = 6000000 };
	RUN_OK(service_clock, &clock);
	assert_true(clock.t == 6000000);
	pg_sql(&pg, "UPDATE session_clock SET wall = clock_timestamp() + interval '10 years'");
	clock = (struct service_clock){ .begin = true };
	RUN_OK(service_clock, &clock);
	assert_true(clock.t == 6000000);
	/* of two daemons the one ahead counts */
	clock = (struct service_clock){ .t = 1 };
	RUN_OK(service_clock, &clock);
	assert_true(clock.t == 6000000);
}

static void test_purge(void **state)
{
	struct user user = made("may");
	struct session_open old = opening(&user, "old"), fresh = opening(&user, "fresh");
	struct session_purge purge = { .limits = { 30 * S, 100 * S }, .keep = 3, .now_t = 90000 * S, .arena = &arena };

	(void)state;
	RUN_OK(session_open, &old);
	fresh.now_t = 90000 * S - 29 * S;
	RUN_OK(session_open, &fresh);
	assert_true(try_at("nobody", "192.0.2.1", false, 1000 * S).counted);
	assert_true(try_at("may", "192.0.2.1", false, 1000 * S).counted);
	RUN_OK(session_purge, &purge);
	assert_int_equal(purge.deleted, 1);      /* a session: for the tries there is room */
	assert_true(is_live("fresh"));
	assert_false(is_live("old"));
	assert_true(try_at("else", "192.0.2.1", false, 80000 * S).counted);
	assert_true(try_at("may", "192.0.2.2", false, 80000 * S).counted);
	RUN_OK(session_purge, &purge);           /* names of nobody and of somebody alike, but never what strangers tried in all */
	assert_int_equal(purge.deleted, 3);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM login_failure WHERE last_t < 80000000000"), 0);
	assert_int_equal(pg_count(&pg, "SELECT failures FROM login_failure WHERE user_id IS NOT NULL AND bucket = 'strangers'"), 2);
	purge.keep = 0;
	RUN_OK(session_purge, &purge);
	assert_int_equal(purge.deleted, 0);      /* of the last day: a wait of a day must hold */
	purge.now_t += S;
	RUN_OK(session_purge, &purge);
	assert_false(is_live("fresh"));          /* to the second */
}

static void test_rights(void **state)
{
	(void)state;
	assert_true(app_is_denied("DELETE FROM staff_user"));
	assert_true(app_is_denied("UPDATE staff_user SET login = 'x'"));
	assert_true(app_is_denied("UPDATE session SET user_id = user_id"));
}

static void test_lists(void **state)
{
	struct user user = made("b1"), first = made("a1");
	struct user_save save = change(&user);
	struct user_list list = { .limit = 1, .arena = &arena };
	struct user_wrapped wrapped = { .not_by = 2, .arena = &arena };

	(void)state;
	(void)made("c1");
	RUN_OK(user_list, &list);
	assert_int_equal(list.nusers, 1);
	assert_true(list.more);
	assert_string_equal(list.users[0].id, first.id);
	memcpy(list.after, first.id, sizeof(list.after));
	RUN_OK(user_list, &list);
	assert_string_equal(list.users[0].id, user.id);
	RUN(user_wrapped, &wrapped);
	expect_error(&wrapped.error, ERR_NOT_FOUND, NULL);
	save.next.active = false;
	save.next.totp_sealed = "\\xaa";
	save.next.totp_key_id = 1;
	RUN_OK(user_save, &save);
	RUN_OK(user_list, &list);
	assert_string_equal(list.users[0].login, "c1");
	list.disabled = true;
	RUN_OK(user_list, &list);
	assert_false(list.users[0].active);
	RUN_OK(user_wrapped, &wrapped);
	assert_string_equal(wrapped.user.id, user.id);
	wrapped.not_by = 1;
	RUN(user_wrapped, &wrapped);
	expect_error(&wrapped.error, ERR_NOT_FOUND, NULL);
}

static void test_created_once(void **state)
{
	struct idempotency key = { .principal = "p", .route = "POST /api/v1/users", .key = "k", .body = "b", .body_len = 1,
				   .status = 201 };
	struct user_save save = new_user("a1", ROLE_STAFF), again = new_user("a1", ROLE_STAFF), unit = new_user("a2", ROLE_STAFF);
	const char *units[] = { "nowhere" };

	(void)state;
	save.idempotency = again.idempotency = unit.idempotency = key;
	unit.idempotency.key = "k2";
	RUN_OK(user_save, &save);
	RUN_OK(user_save, &again);
	assert_true(again.idempotency.replayed);
	assert_string_equal(again.idempotency.resource_id, save.next.id);
	assert_int_equal(audit_count("user.replay"), 1);
	unit.next.unit_ids = units;
	unit.next.nunit_ids = 1;
	RUN(user_save, &unit);
	expect_error(&unit.error, ERR_INVALID_FIELD, "/units");
	unit.error = (struct error){ 0 };
	unit.next.nunit_ids = 0;
	RUN_OK(user_save, &unit);                /* the refused call left no key behind */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_user_is_what_was_saved), TEST(test_user_refusals), TEST(test_created_once), TEST(test_lists),
		TEST(test_change_over_its_version), TEST(test_a_session_of_a_disabled_user_is_none),
		TEST(test_session_is_found_touched_and_ended), TEST(test_a_code_serves_once),
		TEST(test_one_network_waits_longer_and_longer), TEST(test_never_more_than_a_hundred),
		TEST(test_a_device_that_spent_its_tries_is_a_stranger), TEST(test_a_name_that_nobody_has_is_counted_alike),
		TEST(test_a_right_one_forgives), TEST(test_tries_at_one_instant), TEST(test_a_refusal_names_nobody),
		TEST(test_service_clock), TEST(test_purge), TEST(test_rights),
	};

	return cmocka_run_group_tests(tests, store_up, store_down);
}
