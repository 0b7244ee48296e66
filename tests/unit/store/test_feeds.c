#include "store_fixture.h"

#include "domain/report.h"

#define THAN_UYEN "03618@2025-07-01"
#define PROVINCE "12"

static char plan_id[UUID_TEXT_SIZE], venue_id[UUID_TEXT_SIZE], team_id[UUID_TEXT_SIZE], campaign_id[64];
static struct named hosts[2] = { { THAN_UYEN, NULL }, { PROVINCE, NULL } };
static struct named occasions[1];

static int feeds_up(void **state)
{
	char sql[600];

	store_clean(state);
	uuid7_make(plan_id, 1);
	uuid7_make(team_id, 2);
	uuid7_make(venue_id, 3);
	snprintf(sql, sizeof(sql),
		 "INSERT INTO plan (id, number, slug, code_prefix, title, from_day, to_day) VALUES ('%s',"
		 " '99/KH', '99-KH', 'LC99', 'Kế hoạch thử', '2030-01-01', '2030-12-31');"
		 "INSERT INTO team (id, code, name) VALUES ('%s', 'D1', 'Đội 1');"
		 "INSERT INTO venue (id, name, unit_id) VALUES ('%s', 'Nhà văn hóa', '12')",
		 plan_id, team_id, venue_id);
	pg_sql(&pg, sql);
	pg_sql_on(pg.conninfo, "SELECT id FROM campaign WHERE slug = 'chu-nhat-do'", campaign_id, sizeof(campaign_id));
	occasions[0].id = campaign_id;
	return 0;
}

static struct round a_round(const char *code, int month, int day)
{
	struct round round;

	round_init(&round);
	round.code = code;
	round.title = "Đợt";
	round.from = round.to = date_make(2030, month, day);
	round.date_status = FACT_OFFICIAL;
	round.status = ROUND_ANNOUNCED;
	round.units = hosts;
	round.nunits = 1;
	return round;
}

static struct round made(struct round round)
{
	struct round_create create = { .round = round, .actor = staff, .arena = &arena };

	RUN_OK(round_create, &create);
	return create.round;
}

static struct round saved(const struct round *before, struct round next)
{
	struct round_save save = { .before = before, .next = &next, .verb = ROUND_EDIT, .actor = staff, .arena = &arena };

	RUN_OK(round_save, &save);
	return save.after;
}

static void reported(const struct round *round)
{
	struct report_create create = {
		.round_id = round->id, .actor = staff, .arena = &arena,
		.report = { .source = REPORT_TEAM, .reported_on = round->from,
			    .registered = { 100, FIGURE_EXACT }, .present = { -1, FIGURE_EXACT },
			    .accepted = { -1, FIGURE_EXACT }, .units = { 80, FIGURE_EXACT }, .ml = { -1, FIGURE_EXACT } },
	};

	RUN_OK(report_create, &create);
}

/* An audit entry by hand, as another part would write it. */
static void audited(const char *action, const char *kind, const char *subject, bool changes)
{
	char id[UUID_TEXT_SIZE], sql[500];

	uuid7_make(id, 0);
	snprintf(sql, sizeof(sql),
		 "INSERT INTO audit_entry (id, actor_kind, actor_role, action, subject_kind, subject_id, key_id,"
		 " digest_before, digest_after) VALUES ('%s', 'token', 'staff', '%s', '%s', '%s', 1, '\\x01', '\\x%s')",
		 id, action, kind, subject, changes ? "02" : "01");
	pg_sql(&pg, sql);
}

/* ---- calendars and news ---- */

static struct round_feed feed_of(enum feed_order order)
{
	return (struct round_feed){ .order = order, .from = date_make(2030, 3, 1), .limit = FEED_MAX, .arena = &arena };
}

/* Codes in order, blanks between. */
static const char *codes(struct round_feed feed)
{
	const char *list = "";

	RUN_OK(round_feed, &feed);
	for (size_t i = 0; i < feed.nnews; i++)
		list = arena_printf(&arena, "%s%s%s", list, i ? " " : "", feed.news[i].round.code);
	return list;
}

static void test_what_a_calendar_holds(void **state)
{
	struct round_feed feed = feed_of(FEED_BY_PERIOD);
	struct round round;

	(void)state;
	made(a_round("LATE", 9, 2));
	made(a_round("EARLY", 2, 28));
	round = a_round("MONTH", 2, 1);
	round.to = date_make(2030, 3, 31);
	round.precision = PRECISION_MONTH;
	made(round);
	round = a_round("YEAR", 1, 1);
	round.to = date_make(2030, 12, 31);
	round.precision = PRECISION_YEAR;
	made(round);
	round = a_round("DRAFT", 9, 3);
	round.status = ROUND_DRAFT;
	made(round);
	round = a_round("NEVER", 9, 4);
	round.status = ROUND_CANCELLED;
	round.never_public = true;
	made(round);
	round = a_round("OFF", 9, 5);
	round.status = ROUND_CANCELLED;
	made(round);
	assert_string_equal(codes(feed), "MONTH LATE OFF");
	feed.years = true;
	assert_string_equal(codes(feed), "YEAR MONTH LATE OFF");
	feed.limit = 1;
	assert_string_equal(codes(feed), "OFF");         /* what is to come, not what was */
}

/* Of two proposed days in one month the order says nothing: it is that of the codes. */
static void test_order_hides_proposed_days(void **state)
{
	struct round round = a_round("B", 5, 3);

	(void)state;
	round.date_status = FACT_PROPOSED;
	made(round);
	round = a_round("A", 5, 28);
	round.date_status = FACT_PROPOSED;
	made(round);
	made(a_round("C", 5, 2));
	assert_string_equal(codes(feed_of(FEED_BY_PERIOD)), "A B C");
}

static void test_filters(void **state)
{
	const char *units[] = { PROVINCE };
	struct round_feed feed = feed_of(FEED_BY_PERIOD);
	struct round round = a_round(NULL, 5, 1);

	(void)state;
	round.plan_id = plan_id;
	made(round);
	round = a_round("UNIT", 5, 2);
	round.units = &hosts[1];
	made(round);
	round = a_round("CAMPAIGN", 5, 3);
	round.campaigns = occasions;
	round.ncampaigns = 1;
	made(round);
	feed.units = units;
	feed.nunits = 1;
	assert_string_equal(codes(feed), "UNIT");
	feed.nunits = 0;
	assert_string_equal(codes(feed), "");
	feed.units = NULL;
	feed.campaign = "chu-nhat-do";
	assert_string_equal(codes(feed), "CAMPAIGN");
	feed.campaign = campaign_id;
	assert_string_equal(codes(feed), "CAMPAIGN");
	feed.campaign = "none";
	assert_string_equal(codes(feed), "");
	feed.campaign = NULL;
	for (int i = 0; i < 3; i++) {
		feed.plan = (const char *[]){ "99/KH", "99-KH", plan_id }[i];
		assert_string_equal(codes(feed), "LC99-01");
	}
	feed.plan = "none";
	assert_string_equal(codes(feed), "");
}

static void test_one_round(void **state)
{
	struct round_feed feed = feed_of(FEED_BY_PERIOD);
	struct round old = made(a_round("OLD", 1, 2)), draft = a_round("DRAFT", 9, 3);

	(void)state;
	draft.status = ROUND_DRAFT;
	made(draft);
	feed.key = "OLD";
	assert_string_equal(codes(feed), "OLD");
	feed.key = old.id;
	assert_string_equal(codes(feed), "OLD");
	for (int i = 0; i < 3; i++) {
		feed.key = (const char *[]){ "DRAFT", "nothing", plan_id }[i];
		RUN(round_feed, &feed);
		expect_error(&feed.error, ERR_NOT_FOUND, NULL);
	}
}

static int64_t changed_of(enum feed_order order, const char *code)
{
	struct round_feed feed = feed_of(order);

	RUN_OK(round_feed, &feed);
	for (size_t i = 0; i < feed.nnews; i++)
		if (streq(feed.news[i].round.code, code))
			return feed.news[i].changed_us;
	fail_msg("%s is not in the feed", code);
	return 0;
}

static void test_news_come_first(void **state)
{
	struct round_feed feed = feed_of(FEED_BY_CHANGE);
	struct round a = made(a_round("A", 5, 1)), b = made(a_round("B", 4, 1)), c = made(a_round("C", 6, 1));
	int64_t last;

	(void)state;
	assert_string_equal(codes(feed), "C B A");
	last = changed_of(FEED_BY_CHANGE, "A");
	a = saved(&a, a);
	assert_string_equal(codes(feed), "A C B");
	assert_true(changed_of(FEED_BY_CHANGE, "A") > last);
	last = changed_of(FEED_BY_CHANGE, "B");
	reported(&b);
	assert_string_equal(codes(feed), "B A C");
	assert_true(changed_of(FEED_BY_CHANGE, "B") > last);
	feed.limit = 2;
	assert_string_equal(codes(feed), "B A");
	/* a replay and a reading leave no news */
	last = changed_of(FEED_BY_CHANGE, "C");
	audited("round.read", "round", c.id, false);
	assert_true(changed_of(FEED_BY_CHANGE, "C") == last);
}

static void test_a_venue_changes_calendars_only(void **state)
{
	struct round round = a_round("A", 5, 1);
	int64_t calendar, news;

	(void)state;
	round.venue.id = venue_id;
	made(round);
	calendar = changed_of(FEED_BY_PERIOD, "A");
	news = changed_of(FEED_BY_CHANGE, "A");
	assert_true(calendar == news);
	audited("venue.edit", "venue", venue_id, true);
	assert_true(changed_of(FEED_BY_PERIOD, "A") > calendar);
	assert_true(changed_of(FEED_BY_CHANGE, "A") == news);
}

/* ---- cursors ---- */

static void test_cursors(void **state)
{
	static const char *const bad[] = {
		"", "x", "00", "01.0123456789abcdef.0198f1a2-0000-7000-8000-000000000007", "-1", "5", "5.",
		"5.0123456789abcdef", "5.0123456789abcde.0198f1a2-0000-7000-8000-000000000007",
		"5.0123456789abcdeF.0198f1a2-0000-7000-8000-000000000007", "5.0123456789abcdef.x",
		"5.0123456789abcdef.0198f1a2-0000-7000-8000-00000000000", "5.0123456789abcdef0198f1a2-0000",
		"5.0123456789abcdef.0198f1a2-0000-7000-8000-0000000000077",
		"1234567890123456789.0123456789abcdef.0198f1a2-0000-7000-8000-000000000007",
	};
	static const char good[] = "4711.0123456789abcdef.0198f1a2-0000-7000-8000-000000000007";
	struct change_cursor cursor;
	char text[CHANGE_CURSOR_SIZE];

	(void)state;
	assert_true(change_cursor_parse(good, &cursor));
	assert_true(cursor.position == 4711);
	assert_string_equal(change_cursor_format(&cursor, text), good);
	assert_true(change_cursor_parse("0", &cursor));
	assert_string_equal(change_cursor_format(&cursor, text), "0");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (change_cursor_parse(bad[i], &cursor))
			fail_msg("\"%s\" is taken for a cursor", bad[i]);
}

/* ---- changes ---- */

/* What the sealer does, without its hashes: positions in the order of the commits. */
static void sealed(void)
{
	pg_sql(&pg, "INSERT INTO audit_seal (position, entry_id, hash, sealed_at)"
		    " SELECT coalesce((SELECT max(position) FROM audit_seal), 0) + row_number() OVER (ORDER BY xid, id),"
		    "  id, sha256(convert_to(id::text, 'UTF8')), now() FROM audit_entry AS e"
		    "  WHERE NOT EXISTS (SELECT FROM audit_seal WHERE entry_id = e.id)");
}

static struct change_feed reader(void)
{
	return (struct change_feed){ .limit = 100, .arena = &arena };
}

/* What came after the reader's cursor, "CODE:action ...". */
static const char *news_of(struct change_feed *feed)
{
	const char *list = "";

	RUN_OK(change_feed, feed);
	for (size_t i = 0; i < feed->nnews; i++)
		list = arena_printf(&arena, "%s%s%s:%s", list, i ? " " : "", feed->news[i].round.code,
				    feed->news[i].action);
	return list;
}

static void test_changes_come_in_order(void **state)
{
	struct change_feed feed = reader();
	struct round a, b;

	(void)state;
	assert_string_equal(news_of(&feed), "");
	assert_true(feed.cursor.position == 0);
	a = made(a_round("A", 5, 1));
	b = made(a_round("B", 5, 2));
	assert_string_equal(news_of(&feed), "");         /* not before they are sealed */
	sealed();
	assert_string_equal(news_of(&feed), "A:round.create B:round.create");
	assert_true(feed.news[0].changed_us > 0);
	assert_string_equal(news_of(&feed), "");
	a = saved(&a, a);
	reported(&b);
	a = saved(&a, a);
	sealed();
	assert_string_equal(news_of(&feed), "B:report.create A:round.edit");    /* each once, at its newest */
	assert_int_equal(feed.news[1].round.version, 3);
	assert_int_equal(feed.news[0].round.result->units.value, 80);
	assert_string_equal(news_of(&feed), "");
	feed = reader();
	assert_string_equal(news_of(&feed), "B:report.create A:round.edit");
}

static void test_only_what_is_public(void **state)
{
	struct change_feed feed = reader();
	struct round draft = a_round("A", 5, 1), gone = a_round("B", 5, 2), next;

	(void)state;
	draft.status = gone.status = ROUND_DRAFT;
	draft = made(draft);
	gone = made(gone);
	next = gone;
	next.status = ROUND_CANCELLED;
	next.never_public = true;
	saved(&gone, next);
	sealed();
	assert_string_equal(news_of(&feed), "");
	next = draft;
	next.status = ROUND_ANNOUNCED;
	draft = saved(&draft, next);
	sealed();
	assert_string_equal(news_of(&feed), "A:round.edit");
	next = draft;
	next.status = ROUND_CANCELLED;
	saved(&draft, next);
	sealed();
	assert_string_equal(news_of(&feed), "A:round.edit");
	assert_int_equal(feed.news[0].round.status, ROUND_CANCELLED);
}

/* One entry that changes several rounds: they share its position, and pages part them all the same. */
static void test_pages_part_what_changed_together(void **state)
{
	struct change_feed feed = reader();
	struct round round;
	char seen[200] = "";

	(void)state;
	for (int i = 0; i < 5; i++) {
		round = a_round(arena_printf(&arena, "R%d", i), 5, 1 + i);
		round.venue.id = venue_id;
		round.team.id = i % 2 ? team_id : NULL;
		round.campaigns = occasions;
		round.ncampaigns = i == 4;
		made(round);
	}
	sealed();
	assert_string_equal(news_of(&feed), "R0:round.create R1:round.create R2:round.create R3:round.create"
					    " R4:round.create");
	audited("venue.edit", "venue", venue_id, true);
	sealed();
	assert_int_equal(pg_count(&pg, "SELECT count(DISTINCT position) FROM round_change"), 1);
	feed.limit = 2;
	for (int page = 0; page < 3; page++) {
		const char *list = news_of(&feed);

		assert_int_equal(feed.more, page < 2);
		assert_int_equal(feed.nnews, page < 2 ? 2 : 1);
		for (size_t i = 0; i < feed.nnews; i++)
			strcat(seen, feed.news[i].round.code);
		assert_non_null(strstr(list, "venue.edit"));
	}
	for (int i = 0; i < 5; i++)
		assert_non_null(strstr(seen, ((char[]){ 'R', (char)('0' + i), '\0' })));
	assert_string_equal(news_of(&feed), "");
	feed.limit = 100;
	audited("team.edit", "team", team_id, true);
	sealed();
	RUN_OK(change_feed, &feed);
	assert_int_equal(feed.nnews, 2);
	audited("campaign.edit", "campaign", campaign_id, true);
	sealed();
	assert_string_equal(news_of(&feed), "R4:campaign.edit");
}

static void test_a_plan_changes_its_rounds(void **state)
{
	struct change_feed feed = reader();
	struct round round = a_round(NULL, 5, 1);

	(void)state;
	round.plan_id = plan_id;
	made(round);
	made(a_round("OTHER", 5, 1));
	sealed();
	news_of(&feed);
	audited("plan.edit", "plan", plan_id, true);
	sealed();
	assert_string_equal(news_of(&feed), "LC99-01:plan.edit");
}

/* Nothing that the audit may hold stops the sealer, and what changes nothing is no news. */
static void test_other_entries(void **state)
{
	struct change_feed feed = reader();
	struct round round = made(a_round("A", 5, 1));

	(void)state;
	sealed();
	news_of(&feed);
	audited("round.replay", "round", round.id, false);
	audited("round.edit", "round", "no id at all", true);
	audited("round.edit", "round", "", true);
	audited("report.create", "report", "ffffffff-ffff-ffff-ffff-fffffffffff", true);
	audited("token.create", "token", round.id, true);
	audited("donor.read", "donor", round.id, true);
	audited("plan.create", "plan", plan_id, true);
	pg_sql(&pg, "UPDATE audit_entry SET digest_before = NULL WHERE action = 'plan.create'");
	pg_sql(&pg, "UPDATE round SET plan_id = (SELECT id FROM plan), ordinal = 1");
	sealed();
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM audit_seal"), 8);
	assert_string_equal(news_of(&feed), "");
}

static void expect_unknown(struct change_cursor cursor)
{
	struct change_feed feed = reader();

	feed.cursor = cursor;
	RUN(change_feed, &feed);
	expect_error(&feed.error, ERR_CURSOR_UNKNOWN, NULL);
}

static void test_a_cursor_of_another_history(void **state)
{
	struct change_feed feed = reader();
	struct change_cursor cursor;

	(void)state;
	made(a_round("A", 5, 1));
	made(a_round("B", 5, 1));
	sealed();
	news_of(&feed);
	cursor = feed.cursor;
	cursor.position += 1000;                 /* beyond what this database has */
	expect_unknown(cursor);
	cursor = feed.cursor;
	cursor.mark[0] = cursor.mark[0] == '0' ? '1' : '0';
	expect_unknown(cursor);                  /* there, with another past */
	cursor = feed.cursor;
	cursor.position -= 1;
	expect_unknown(cursor);
	assert_string_equal(news_of(&feed), "");
	/* restored to an empty day, and gone on since */
	pg_sql(&pg, "TRUNCATE audit_checkpoint, audit_seal, round_change");
	expect_unknown(feed.cursor);
	sealed();
	pg_sql(&pg, "UPDATE audit_seal SET hash = sha256(hash)");
	expect_unknown(feed.cursor);
}

/* The migration takes in what was sealed before it. */
static void test_what_was_sealed_before(void **state)
{
	struct change_feed feed = reader();
	struct round a = made(a_round("A", 5, 1));

	(void)state;
	saved(&a, a);
	made(a_round("B", 5, 2));
	sealed();
	pg_sql(&pg, "TRUNCATE round_change");
	pg_sql(&pg, "SELECT round_change_follow(1, max(position)) FROM audit_seal HAVING count(*) > 0");
	assert_string_equal(news_of(&feed), "A:round.edit B:round.create");
	/* again, and from an older place: nothing goes back */
	pg_sql(&pg, "SELECT round_change_follow(1, 1)");
	assert_string_equal(news_of(&feed), "");
	feed = reader();
	assert_string_equal(news_of(&feed), "A:round.edit B:round.create");
}

static void test_rights(void **state)
{
	(void)state;
	assert_true(app_is_denied("DELETE FROM round_change"));
	assert_true(app_is_denied("DROP TRIGGER audit_seal_followed ON audit_seal"));
	assert_true(app_is_denied("TRUNCATE round_change"));
}

#define FEED_TEST(name) cmocka_unit_test_setup(name, feeds_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FEED_TEST(test_what_a_calendar_holds),
		FEED_TEST(test_order_hides_proposed_days),
		FEED_TEST(test_filters),
		FEED_TEST(test_one_round),
		FEED_TEST(test_news_come_first),
		FEED_TEST(test_a_venue_changes_calendars_only),
		FEED_TEST(test_cursors),
		FEED_TEST(test_changes_come_in_order),
		FEED_TEST(test_only_what_is_public),
		FEED_TEST(test_pages_part_what_changed_together),
		FEED_TEST(test_a_plan_changes_its_rounds),
		FEED_TEST(test_other_entries),
		FEED_TEST(test_a_cursor_of_another_history),
		FEED_TEST(test_what_was_sealed_before),
		FEED_TEST(test_rights),
	};

	return cmocka_run_group_tests(tests, store_up, store_down);
}
