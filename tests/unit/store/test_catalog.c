#include "store_fixture.h"

#include <ctype.h>

static void test_reference_is_loaded_once(void **state)
{
	struct error err = { 0 };
	bool changed = true;

	(void)state;
	assert_true(reference_load(pg.conninfo, &changed, &err));
	assert_false(changed);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM unit"), 151);
	assert_true(pg_count(&pg, "SELECT count(*) FROM unit_succession") > 100);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM holiday"), 24);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM campaign"), 8);
	/* a changed file is loaded again, what people edited stays */
	pg_sql(&pg, "UPDATE reference_file SET checksum = 'old'");
	pg_sql(&pg, "UPDATE unit SET name = 'x' WHERE id = '12'");
	pg_sql(&pg, "UPDATE campaign SET name = 'theirs', version = 2 WHERE slug = 'chu-nhat-do'");
	pg_sql(&pg, "UPDATE campaign SET name = 'lost' WHERE slug = 'hanh-trinh-do'");
	pg_sql(&pg, "INSERT INTO holiday VALUES ('2001-01-01', '2001-01-01', 'gone')");
	pg_sql(&pg, "INSERT INTO campaign_window SELECT id, 'gone', '2001-01-01', '2001-01-02' FROM campaign"
		    " WHERE slug = 'hanh-trinh-do'");
	assert_true(reference_load(pg.conninfo, &changed, &err));
	assert_true(changed);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM unit WHERE name = 'x'"), 0);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM campaign WHERE name = 'theirs'"), 1);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM campaign WHERE name = 'lost'"), 0);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM holiday"), 24);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM campaign_window WHERE season = 'gone'"), 0);
	pg_sql(&pg, "UPDATE campaign SET version = 1 WHERE slug = 'chu-nhat-do'");
	pg_sql(&pg, "UPDATE reference_file SET checksum = 'old'");
	assert_true(reference_load(pg.conninfo, &changed, &err));
}

static void test_units(void **state)
{
	struct unit_load load = { 0 };
	const struct unit *unit;

	(void)state;
	RUN_OK(unit_load, &load);
	assert_int_equal(unit_count(load.map), 151);
	unit = unit_by_id(load.map, "12");
	assert_string_equal(unit->full_name, "Tỉnh Lai Châu");
	unit = unit_by_id(load.map, "03618@2025-07-01");
	assert_non_null(unit->predecessors[0]);
	assert_true(date_compare(unit->valid_from, date_make(2025, 7, 1)) == 0);
	unit_map_free(load.map);
}

static const struct campaign_window *window_of(const struct calendar_load *load, const char *name, size_t nth)
{
	for (size_t i = 0; i < load->ncampaigns; i++) {
		if (streq(load->campaigns[i].name, name) && nth-- == 0)
			return &load->campaigns[i];
	}
	return NULL;
}

static void test_calendar(void **state)
{
	struct calendar_load load = {
		.from = date_make(2024, 12, 20), .to = date_make(2025, 11, 28), .arena = &arena,
	};
	const struct campaign_window *window;
	char text[DATE_TEXT_SIZE];

	(void)state;
	RUN_OK(calendar_load, &load);
	assert_string_equal(date_format(load.holidays_known_to, text), "2027-12-31");
	assert_int_equal(load.nholidays, 5);
	assert_true(date_compare(load.holidays[0].from, load.to) <= 0);
	window = window_of(&load, "Hành trình Đỏ", 0);            /* a known season, not the usual dates */
	assert_string_equal(date_format(window->from, text), "2025-05-30");
	assert_null(window_of(&load, "Hành trình Đỏ", 1));
	window = window_of(&load, "Chủ nhật Đỏ", 0);              /* over New Year */
	assert_string_equal(date_format(window->from, text), "2024-12-01");
	assert_string_equal(date_format(window->to, text), "2025-03-31");
	assert_true(window->sundays);
	window = window_of(&load, "Ngày toàn dân hiến máu tình nguyện", 0);
	assert_string_equal(date_format(window->main_day, text), "2025-04-07");
	/* Which day beside the holiday is free is not known. */
	load.from = date_make(2027, 9, 1);
	load.to = date_make(2027, 9, 30);
	RUN_OK(calendar_load, &load);
	assert_int_equal(load.nholidays, 3);
	assert_true(load.holidays[0].unsure && !load.holidays[1].unsure && load.holidays[2].unsure);
	load.from = load.to = date_make(2025, 3, 15);
	RUN_OK(calendar_load, &load);
	assert_non_null(window_of(&load, "Chủ nhật Đỏ", 0));
	assert_int_equal(load.nholidays, 0);
	assert_string_equal(date_format(load.holidays_known_to, text), "2027-12-31");
}

static struct catalog_save new_team(const char *code)
{
	return (struct catalog_save){
		.next = { .kind = CATALOG_TEAM,
			  .team = { .code = code, .name = "Đội thử", .organisation = "BV tỉnh", .beds = 12, .active = true } },
		.actor = staff, .arena = &arena,
	};
}

static void test_team_is_made_and_changed(void **state)
{
	struct catalog_save save = new_team("D1"), stale, missing;
	struct catalog_load load = { .kind = CATALOG_TEAM, .key = "D1", .arena = &arena };
	struct catalog_item before;
	struct change_poll first = { 0 }, then = { 0 };

	(void)state;
	RUN_OK(change_poll, &first);
	RUN_OK(catalog_save, &save);
	RUN_OK(change_poll, &then);
	assert_true(then.rounds == first.rounds + 1);
	RUN_OK(catalog_load, &load);
	assert_string_equal(load.item.team.id, save.next.team.id);
	assert_int_equal(load.item.team.beds, 12);
	before = load.item;
	save = (struct catalog_save){ .before = &before, .next = before, .actor = staff, .arena = &arena };
	save.next.team.name = "Đội 1";
	save.next.team.beds = -1;
	RUN_OK(catalog_save, &save);
	assert_int_equal(save.next.team.version, 2);
	load.key = save.next.team.id;
	RUN_OK(catalog_load, &load);
	assert_string_equal(load.item.team.name, "Đội 1");
	assert_int_equal(load.item.team.beds, -1);
	assert_int_equal(load.item.team.version, 2);
	stale = (struct catalog_save){ .before = &before, .next = before, .actor = staff, .arena = &arena };
	RUN(catalog_save, &stale);
	expect_error(&stale.error, ERR_STALE, NULL);
	uuid7_make(before.team.id, 0);
	missing = (struct catalog_save){ .before = &before, .next = before, .actor = staff, .arena = &arena };
	RUN(catalog_save, &missing);
	expect_error(&missing.error, ERR_NOT_FOUND, NULL);
	assert_int_equal(audit_count("team.create"), 1);
	assert_int_equal(audit_count("team.edit"), 1);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM audit_entry a JOIN audit_entry b"
				       " ON a.digest_after = b.digest_before WHERE b.action = 'team.edit'"), 1);
}

static void test_kinds_and_pages(void **state)
{
	struct catalog_list list = { .kind = CATALOG_CAMPAIGN, .limit = 5, .arena = &arena };
	struct catalog_save venue = {
		.next = { .kind = CATALOG_VENUE,
			  .venue = { .name = "Nhà văn hóa", .unit_id = "03618@2025-07-01", .capacity = -1, .active = true } },
		.actor = staff, .arena = &arena,
	};
	struct catalog_load load = { .kind = CATALOG_CAMPAIGN, .key = "chu-nhat-do", .arena = &arena };
	const char *units[] = { "12" };

	(void)state;
	RUN_OK(catalog_list, &list);
	assert_int_equal(list.nitems, 5);
	assert_true(list.more);
	RUN_OK(catalog_list, &list);
	assert_int_equal(list.nitems, 3);
	assert_false(list.more);
	RUN_OK(catalog_load, &load);
	assert_int_equal(load.item.campaign.nseasons, 1);
	assert_string_equal(load.item.campaign.seasons[0].season, "XVIII");
	assert_int_equal(load.item.campaign.seasons[0].main_day.day, 11);

	RUN_OK(catalog_save, &venue);
	assert_string_equal(venue.next.venue.unit_name, "Xã Mường Than");
	struct catalog_resolve resolve = { .venue = venue.next.venue.id, .arena = &arena };

	RUN_OK(catalog_resolve, &resolve);
	assert_string_equal(resolve.venue_unit, "03618@2025-07-01");
	resolve.venue = "no id";
	RUN_OK(catalog_resolve, &resolve);
	assert_null(resolve.venue_unit);
	RUN(catalog_save, &venue);
	expect_error(&venue.error, ERR_ALREADY_EXISTS, "/name");
	list = (struct catalog_list){ .kind = CATALOG_VENUE, .limit = 5, .arena = &arena };
	RUN_OK(catalog_list, &list);
	assert_int_equal(list.nitems, 1);
	list = (struct catalog_list){ .kind = CATALOG_VENUE, .limit = 5, .arena = &arena, .units = units, .nunits = 1 };
	RUN_OK(catalog_list, &list);
	assert_int_equal(list.nitems, 0);
	list.units = &venue.next.venue.unit_id;
	RUN_OK(catalog_list, &list);
	assert_int_equal(list.nitems, 1);
	venue.next.venue.unit_id = "nowhere";
	RUN(catalog_save, &venue);
	expect_error(&venue.error, ERR_INVALID_FIELD, "/unit");
	load = (struct catalog_load){ .kind = CATALOG_VENUE, .key = "no id", .arena = &arena };
	RUN(catalog_load, &load);
	expect_error(&load.error, ERR_NOT_FOUND, NULL);
}

static void test_names_become_ids(void **state)
{
	struct catalog_save save = new_team("D1");
	struct catalog_load load = { .kind = CATALOG_CAMPAIGN, .key = "hanh-trinh-do", .arena = &arena };
	struct named campaigns[2], team = { .id = "D1" };
	struct catalog_resolve resolve = { .campaigns = campaigns, .ncampaigns = 2, .team = &team, .arena = &arena };
	char upper[UUID_TEXT_SIZE];

	(void)state;
	RUN_OK(catalog_save, &save);
	RUN_OK(catalog_load, &load);
	snprintf(upper, sizeof(upper), "%s", load.item.campaign.id);
	for (char *c = upper; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	campaigns[0].id = upper;
	campaigns[1].id = "chu-nhat-do";
	RUN_OK(catalog_resolve, &resolve);
	assert_string_equal(campaigns[0].id, load.item.campaign.id);
	assert_true(uuid_valid(campaigns[1].id));
	assert_string_not_equal(campaigns[1].id, campaigns[0].id);
	assert_string_equal(team.id, save.next.team.id);
	RUN_OK(catalog_resolve, &resolve);                /* ids stay */
	assert_string_equal(team.id, save.next.team.id);
	team.id = NULL;
	RUN_OK(catalog_resolve, &resolve);
	assert_null(team.id);
	resolve.ncampaigns = 0;
	team.id = "D2";
	RUN(catalog_resolve, &resolve);
	expect_error(&resolve.error, ERR_INVALID_FIELD, "/team");
	resolve.ncampaigns = 2;
	resolve.team = NULL;
	campaigns[1].id = "d1, \"}";
	RUN(catalog_resolve, &resolve);
	expect_error(&resolve.error, ERR_INVALID_FIELD, "/campaigns/1");
}

static void with_key(struct catalog_save *save, const char *key, const char *body)
{
	save->idempotency = (struct idempotency){
		.principal = "token-1", .route = "POST /api/v1/teams", .key = key, .body = body,
		.body_len = strlen(body), .status = 201,
	};
}

static void test_a_key_makes_one(void **state)
{
	struct catalog_save first = new_team("K1"), again = new_team("K1"), other = new_team("K2");
	struct catalog_save elsewhere = new_team("K3");

	(void)state;
	with_key(&first, "key-1", "{\"code\":\"K1\"}");
	RUN_OK(catalog_save, &first);
	assert_false(first.idempotency.replayed);
	with_key(&again, "key-1", "{\"code\":\"K1\"}");
	RUN_OK(catalog_save, &again);
	assert_true(again.idempotency.replayed);
	assert_int_equal(again.idempotency.status, 201);
	assert_string_equal(again.idempotency.resource_id, first.next.team.id);
	with_key(&other, "key-1", "{\"code\":\"K2\"}");
	RUN(catalog_save, &other);
	expect_error(&other.error, ERR_IDEMPOTENCY_MISMATCH, NULL);
	with_key(&elsewhere, "key-1", "{\"code\":\"K1\"}");
	elsewhere.idempotency.principal = "token-2";
	RUN_OK(catalog_save, &elsewhere);
	assert_false(elsewhere.idempotency.replayed);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM team"), 2);
	assert_int_equal(audit_count("team.create"), 2);
	assert_int_equal(audit_count("team.replay"), 1);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM audit_entry r JOIN team t ON t.id::text = r.subject_id"
				       " WHERE r.action = 'team.replay' AND t.code = 'K1'"), 1);
}

static void test_a_refused_create_keeps_no_key(void **state)
{
	struct catalog_save first = new_team("K1"), taken = new_team("K1"), mended = new_team("K4");

	(void)state;
	RUN_OK(catalog_save, &first);
	with_key(&taken, "key-2", "{}");
	RUN(catalog_save, &taken);
	expect_error(&taken.error, ERR_ALREADY_EXISTS, "/code");
	with_key(&mended, "key-2", "{\"other\":1}");
	RUN_OK(catalog_save, &mended);
	assert_false(mended.idempotency.replayed);
}

/* An earlier request is still in its transaction: simulated by one that holds the key's row. */
static void test_a_running_key(void **state)
{
	struct catalog_save probe = new_team("R0"), save = new_team("R1");
	PGconn *conn = PQconnectdb(pg.conninfo);

	(void)state;
	with_key(&probe, "key-3", "{}");
	RUN_OK(catalog_save, &probe);
	PQclear(PQexec(conn, "BEGIN; CREATE TEMP TABLE held AS SELECT * FROM idempotency; DELETE FROM idempotency;"
			     "COMMIT; DELETE FROM team; BEGIN; INSERT INTO idempotency SELECT * FROM held"));
	with_key(&save, "key-3", "{}");
	RUN(catalog_save, &save);
	expect_error(&save.error, ERR_IDEMPOTENCY_RUNNING, NULL);
	PQclear(PQexec(conn, "ROLLBACK"));
	PQfinish(conn);
	RUN_OK(catalog_save, &save);
	assert_false(save.idempotency.replayed);
}

static void turn(int ms)
{
	struct timeval wait = { .tv_usec = ms * 1000 };

	event_base_loopexit(base, &wait);
	event_base_dispatch(base);
}

/* The earlier request commits while this one waits for it: then this one is its replay. */
static void test_a_key_that_ends_while_waiting(void **state)
{
	struct catalog_save first = new_team("W1"), again = new_team("W1");
	PGconn *conn = PQconnectdb(pg.conninfo);

	(void)state;
	with_key(&first, "key-4", "{}");
	RUN_OK(catalog_save, &first);
	PQclear(PQexec(conn, "CREATE TEMP TABLE held AS SELECT * FROM idempotency; DELETE FROM idempotency"));
	PQclear(PQexec(conn, "BEGIN; INSERT INTO idempotency SELECT * FROM held"));
	with_key(&again, "key-4", "{}");
	SEND(catalog_save, &again);
	turn(200);
	assert_int_equal(pending, 1);
	PQclear(PQexec(conn, "COMMIT"));
	PQfinish(conn);
	settle();
	expect_error(&again.error, ERR_NONE, NULL);
	assert_true(again.idempotency.replayed);
	assert_string_equal(again.idempotency.resource_id, first.next.team.id);
	assert_int_equal(audit_count("team.create"), 1);
}

static void test_many_with_one_key_make_one(void **state)
{
	enum { N = 20 };
	struct catalog_save saves[N];
	int made = 0;

	(void)state;
	for (int i = 0; i < N; i++) {
		saves[i] = new_team("R9");
		with_key(&saves[i], "key-9", "{}");
		SEND(catalog_save, &saves[i]);
	}
	settle();
	for (int i = 0; i < N; i++) {
		expect_error(&saves[i].error, ERR_NONE, NULL);
		made += !saves[i].idempotency.replayed;
	}
	assert_int_equal(made, 1);
	assert_int_equal(audit_count("team.replay"), N - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_reference_is_loaded_once), TEST(test_units), TEST(test_calendar),
		TEST(test_team_is_made_and_changed), TEST(test_kinds_and_pages),
		TEST(test_names_become_ids), TEST(test_a_key_makes_one),
		TEST(test_a_refused_create_keeps_no_key), TEST(test_a_running_key),
		TEST(test_a_key_that_ends_while_waiting), TEST(test_many_with_one_key_make_one),
	};

	return cmocka_run_group_tests(tests, store_up, store_down);
}
