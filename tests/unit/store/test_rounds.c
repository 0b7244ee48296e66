#include "store_fixture.h"

#define THAN_UYEN "03618@2025-07-01"
#define PROVINCE "12"

static char plan_id[UUID_TEXT_SIZE], team_id[UUID_TEXT_SIZE], venue_id[UUID_TEXT_SIZE];
static struct named hosts[3] = { { THAN_UYEN, NULL }, { PROVINCE, NULL }, { "03619@pre-2025-07-01", NULL } };
static struct named occasions[1];

/* A plan LC99, a team and a venue to begin with. */
static int rounds_up(void **state)
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
		 "INSERT INTO venue (id, name, unit_id, address) VALUES ('%s', 'Nhà văn hóa', '12', 'Phố 1')",
		 plan_id, team_id, venue_id);
	pg_sql(&pg, sql);
	static char campaign[64];

	pg_sql_on(pg.conninfo, "SELECT id FROM campaign WHERE slug = 'chu-nhat-do'", campaign, sizeof(campaign));
	occasions[0].id = campaign;
	return 0;
}

static struct round a_round(const char *code, int month, int day)
{
	struct round round;

	round_init(&round);
	round.code = code;
	round.title = "Đợt \"thử\" \\ nghiệm";
	round.from = round.to = date_make(2030, month, day);
	round.date_status = FACT_PROPOSED;
	round.units = hosts;
	round.nunits = 1;
	return round;
}

static struct round_create create_of(struct round round)
{
	return (struct round_create){ .round = round, .actor = staff, .arena = &arena };
}

static struct round made(struct round round)
{
	struct round_create create = create_of(round);

	RUN_OK(round_create, &create);
	return create.round;
}

static struct round loaded(const char *key)
{
	struct round_load load = { .key = key, .arena = &arena };

	RUN_OK(round_load, &load);
	return load.round;
}

static void test_round_comes_back_whole(void **state)
{
	struct round round = a_round("LC-1", 5, 18), stored, back;

	(void)state;
	round.start_minute = 450;
	round.end_minute = 1440;
	round.time_status = FACT_OFFICIAL;
	round.place_status = FACT_REPORTED;
	round.status = ROUND_ANNOUNCED;
	round.document = "Công văn 1";
	round.venue.id = venue_id;
	round.team.id = team_id;
	round.organiser = "Hội CTĐ";
	round.nunits = 2;
	round.campaigns = occasions;
	round.ncampaigns = 1;
	round.target_units = 0;
	round.capacity = 300;
	round.moved_from = date_make(2030, 5, 1);
	round.note = "ghi chú";
	stored = made(round);
	assert_string_equal(stored.units[0].name, "Xã Mường Than");
	assert_string_equal(stored.units[1].name, "Tỉnh Lai Châu");
	assert_string_equal(stored.campaigns[0].name, "Chủ nhật Đỏ");
	assert_string_equal(stored.venue.name, "Nhà văn hóa");
	assert_string_equal(stored.venue_address, "Phố 1");
	assert_string_equal(stored.team.name, "Đội 1");
	back = loaded("LC-1");
	assert_string_equal(back.id, stored.id);
	assert_string_equal(back.title, round.title);
	assert_int_equal(back.start_minute, 450);
	assert_int_equal(back.end_minute, 1440);
	assert_int_equal(back.status, ROUND_ANNOUNCED);
	assert_int_equal(back.time_status, FACT_OFFICIAL);
	assert_int_equal(back.nunits, 2);
	assert_string_equal(back.units[1].id, PROVINCE);
	assert_string_equal(back.campaigns[0].id, occasions[0].id);
	assert_int_equal(back.target_units, 0);
	assert_int_equal(back.capacity, 300);
	assert_int_equal(back.moved_from.day, 1);
	assert_string_equal(back.note, "ghi chú");
	assert_int_equal(back.version, 1);
	assert_null(back.plan_id);
	assert_null(back.result);
	assert_string_equal(loaded(stored.id).code, "LC-1");
}

static void test_plan_gives_number_and_code(void **state)
{
	enum { N = 12 };
	struct round_create creates[N];
	struct round round = a_round(NULL, 6, 1);
	struct round_create wrong;

	(void)state;
	round.plan_id = plan_id;
	for (int i = 0; i < N; i++) {
		creates[i] = create_of(round);
		SEND(round_create, &creates[i]);         /* all at once */
	}
	settle();
	for (int i = 0; i < N; i++)
		expect_error(&creates[i].error, ERR_NONE, NULL);
	assert_int_equal(pg_count(&pg, "SELECT count(DISTINCT code) FROM round WHERE code ~ '^LC99-[01][0-9]$'"), N);
	assert_int_equal(pg_count(&pg, "SELECT max(ordinal) FROM round"), N);
	assert_string_equal(creates[0].round.plan_number, "99/KH");
	round.ordinal = 3;
	wrong = create_of(round);
	RUN(round_create, &wrong);
	expect_error(&wrong.error, ERR_ALREADY_EXISTS, "/ordinal");
	round.plan_id = "no plan";
	wrong = create_of(round);
	RUN(round_create, &wrong);
	expect_error(&wrong.error, ERR_NOT_FOUND, NULL);
}

static void expect_refused(struct round round, enum error_code code, const char *pointer)
{
	struct round_create create = create_of(round);
	int before = audit_count("%");

	RUN(round_create, &create);
	expect_error(&create.error, code, pointer);
	assert_int_equal(audit_count("%"), before);
}

static void test_each_refusal_has_its_name(void **state)
{
	struct round round = a_round("LC-1", 5, 18), other;
	struct named twice[2] = { hosts[0], hosts[0] };
	struct named nowhere = { "nowhere", NULL }, no_campaign = { "x", NULL };

	(void)state;
	round.team.id = team_id;
	round.venue.id = venue_id;
	made(round);
	expect_refused(a_round("LC-1", 5, 19), ERR_ALREADY_EXISTS, "/code");
	other = a_round("LC-2", 5, 18);
	other.team.id = team_id;
	expect_refused(other, ERR_TEAM_BUSY, NULL);
	other.team.id = NULL;
	other.venue.id = venue_id;
	expect_refused(other, ERR_VENUE_BUSY, NULL);
	other.venue.id = plan_id;
	expect_refused(other, ERR_INVALID_FIELD, "/venue");
	other.venue.id = "not an id";
	expect_refused(other, ERR_INVALID_FIELD, "/venue");
	other.venue.id = NULL;
	other.team.id = plan_id;
	expect_refused(other, ERR_INVALID_FIELD, "/team");
	other.team.id = NULL;
	other.units = twice;
	other.nunits = 2;
	expect_refused(other, ERR_INVALID_FIELD, "/units");
	other.units = &nowhere;
	other.nunits = 1;
	expect_refused(other, ERR_INVALID_FIELD, "/units");
	other.nunits = 0;
	other.campaigns = &no_campaign;
	other.ncampaigns = 1;
	expect_refused(other, ERR_INVALID_FIELD, "/campaigns");
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM round"), 1);
	/* a round that does not take place frees its team */
	pg_sql(&pg, "UPDATE round SET status = 'postponed'");
	other = a_round("LC-2", 5, 18);
	other.team.id = team_id;
	made(other);
}

static struct round_save save_of(const struct round *before, const struct round *next)
{
	return (struct round_save){ .before = before, .next = next, .verb = ROUND_EDIT, .actor = staff, .arena = &arena };
}

static void test_save_and_stale(void **state)
{
	struct round first = made(a_round("LC-1", 5, 18)), next = first;
	struct round_save save, stale;
	struct change_poll before = { 0 }, after = { 0 };

	(void)state;
	next.title = "Tên mới";
	next.venue.id = venue_id;
	next.status = ROUND_CANCELLED;
	next.never_public = true;
	save = save_of(&first, &next);
	RUN_OK(round_save, &save);
	assert_int_equal(save.after.version, 2);
	assert_string_equal(save.after.venue.name, "Nhà văn hóa");
	assert_string_equal(loaded(first.id).title, "Tên mới");
	assert_true(loaded(first.id).never_public);
	RUN_OK(change_poll, &before);
	stale = save_of(&first, &next);
	RUN(round_save, &stale);
	expect_error(&stale.error, ERR_STALE, NULL);
	RUN_OK(change_poll, &after);
	assert_true(after.rounds == before.rounds);
	assert_int_equal(audit_count("round.edit"), 1);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM audit_entry a JOIN audit_entry b"
				       " ON a.digest_after = b.digest_before WHERE b.action = 'round.edit'"), 1);
	uuid7_make(first.id, 0);
	stale = save_of(&first, &next);
	RUN(round_save, &stale);
	expect_error(&stale.error, ERR_NOT_FOUND, NULL);
}

/* Digests of what is read back must be those of what was written, or no chain of images holds. */
static void test_image_read_is_image_written(void **state)
{
	struct round first, next;
	struct round_save save;

	(void)state;
	first = a_round("LC-1", 5, 18);
	first.campaigns = occasions;
	first.ncampaigns = 1;
	first.capacity = 10;
	made(first);
	for (int i = 0; i < 3; i++) {
		first = next = loaded("LC-1");
		next.start_minute = 60 * i;
		next.end_minute = 600;
		save = save_of(&first, &next);
		RUN_OK(round_save, &save);
	}
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM audit_entry a JOIN audit_entry b"
				       " ON a.digest_after = b.digest_before"), 3);
}

static void expect_units(const char *code, const char *list)
{
	char sql[200];

	snprintf(sql, sizeof(sql), "SELECT string_agg(unit_id, ' ' ORDER BY position) = '%s' FROM round_unit"
		 " WHERE round_id = (SELECT id FROM round WHERE code = '%s')", list, code);
	char answer[8];

	pg_sql_on(pg.conninfo, sql, answer, sizeof(answer));
	if (!streq(answer, "t"))
		fail_msg("units are not %s", list);
}

static void save_units(struct round *round, const char *a, const char *b, const char *c)
{
	struct named units[3] = { { a, NULL }, { b, NULL }, { c, NULL } };
	struct round next = *round;
	struct round_save save;

	next.units = units;
	next.nunits = (size_t)(!!a + !!b + !!c);
	save = save_of(round, &next);
	RUN_OK(round_save, &save);
	*round = save.after;
	assert_int_equal(round->nunits, next.nunits);
}

static void test_units_swap_places(void **state)
{
	struct round round = a_round("LC-1", 5, 18);
	struct named twice[2] = { hosts[1], hosts[1] };
	struct round next;
	struct round_save save;
	const char *a = hosts[0].id, *b = hosts[1].id, *c = hosts[2].id;

	(void)state;
	round.nunits = 2;
	round = made(round);
	save_units(&round, b, a, NULL);
	expect_units("LC-1", PROVINCE " " THAN_UYEN);
	save_units(&round, c, b, a);
	save_units(&round, a, c, b);
	save_units(&round, b, NULL, NULL);       /* from the last place to the first */
	expect_units("LC-1", PROVINCE);
	save_units(&round, a, b, NULL);
	next = round;
	next.units = twice;
	save = save_of(&round, &next);
	RUN(round_save, &save);
	expect_error(&save.error, ERR_INVALID_FIELD, "/units");
	expect_units("LC-1", THAN_UYEN " " PROVINCE);
	save_units(&round, NULL, NULL, NULL);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM round_unit"), 0);
}

/* ---- lists ---- */

static size_t listed(struct round_filter filter)
{
	struct round_list list = { .filter = filter, .limit = 100, .arena = &arena };

	RUN_OK(round_list, &list);
	return list.nrounds;
}

static void make_some(void)
{
	struct round round;

	for (int i = 0; i < 6; i++) {            /* three on each of two days */
		char *code = arena_printf(&arena, "LC-%d", i);

		round = a_round(code, 5, 10 + i / 3);
		round.status = ROUND_ANNOUNCED;
		round.nunits = i % 2 ? 2 : 1;
		made(round);
	}
	round = a_round("DRAFT", 5, 11);
	round.team.id = team_id;
	made(round);
	round = a_round("SECRET", 5, 11);
	round.status = ROUND_CANCELLED;
	round.never_public = true;
	made(round);
	round = a_round("MONTH", 5, 1);
	round.to = date_make(2030, 5, 31);
	round.precision = PRECISION_MONTH;
	round.status = ROUND_CLOSED;
	made(round);
	round = a_round("YEAR", 1, 1);
	round.to = date_make(2030, 12, 31);
	round.precision = PRECISION_YEAR;
	round.status = ROUND_CLOSED;
	made(round);
}

static void test_filters(void **state)
{
	const char *province[] = { PROVINCE }, *commune[] = { THAN_UYEN };
	unsigned all = (1u << DATE_PRECISION_COUNT) - 1;
	struct round plan_round;

	(void)state;
	make_some();
	assert_int_equal(listed((struct round_filter){ 0 }), 6);
	assert_int_equal(listed((struct round_filter){ .newest_first = true }), 6);
	assert_int_equal(listed((struct round_filter){ .drafts.all = true }), 8);
	assert_int_equal(listed((struct round_filter){ .drafts.team = team_id }), 7);
	assert_int_equal(listed((struct round_filter){ .drafts.team = plan_id }), 6);
	assert_int_equal(listed((struct round_filter){ .drafts = { .units = province, .nunits = 1 } }), 6);
	assert_int_equal(listed((struct round_filter){ .drafts = { .units = commune, .nunits = 1 } }), 8);
	assert_int_equal(listed((struct round_filter){ .precisions = all }), 8);
	assert_int_equal(listed((struct round_filter){ .from = date_make(2030, 5, 11) }), 3);
	assert_int_equal(listed((struct round_filter){ .to = date_make(2030, 5, 10) }), 3);
	assert_int_equal(listed((struct round_filter){ .from = date_make(2030, 5, 12), .precisions = all }), 2);
	assert_int_equal(listed((struct round_filter){ .from = date_make(2030, 6, 12), .precisions = all }), 1);
	assert_int_equal(listed((struct round_filter){ .from = date_make(2030, 6, 12), .precisions = all,
						       .newest_first = true }), 1);
	assert_int_equal(listed((struct round_filter){ .from = date_make(2031, 1, 1), .precisions = all }), 0);
	assert_int_equal(listed((struct round_filter){ .units = province, .nunits = 1 }), 3);
	assert_int_equal(listed((struct round_filter){ .units = province, .nunits = 0 }), 0);
	assert_int_equal(listed((struct round_filter){ .statuses = 1u << ROUND_OPEN }), 0);
	assert_int_equal(listed((struct round_filter){ .statuses = 1u << ROUND_DRAFT }), 0);
	assert_int_equal(listed((struct round_filter){ .statuses = 1u << ROUND_DRAFT, .drafts.all = true }), 1);
	assert_int_equal(listed((struct round_filter){ .team = team_id, .drafts.all = true }), 1);
	assert_int_equal(listed((struct round_filter){ .team = "no id" }), 0);
	assert_int_equal(listed((struct round_filter){ .venue = venue_id }), 0);
	plan_round = a_round(NULL, 7, 7);
	plan_round.plan_id = plan_id;
	plan_round.status = ROUND_ANNOUNCED;
	plan_round.campaigns = occasions;
	plan_round.ncampaigns = 1;
	plan_round.nunits = 2;
	made(plan_round);
	assert_int_equal(listed((struct round_filter){ .plan = plan_id }), 1);
	assert_int_equal(listed((struct round_filter){ .plan = "99-KH" }), 1);
	assert_int_equal(listed((struct round_filter){ .plan = "99/KH" }), 1);
	assert_int_equal(listed((struct round_filter){ .plan = "98-KH" }), 0);
	assert_int_equal(listed((struct round_filter){ .plan = "99-KH", .units = province, .nunits = 1 }), 1);
	assert_int_equal(listed((struct round_filter){ .plan = "99-KH", .units = province, .nunits = 0 }), 0);
	assert_int_equal(listed((struct round_filter){ .campaign = "chu-nhat-do" }), 1);
	assert_int_equal(listed((struct round_filter){ .campaign = occasions[0].id }), 1);
	assert_int_equal(listed((struct round_filter){ .campaign = "hanh-trinh-do" }), 0);
}

/* Pages of every size give each round once, in order, though three rounds share each day. */
static void walk(int limit, bool newest_first)
{
	struct round_list list = { .filter = { .newest_first = newest_first }, .limit = limit, .arena = &arena };
	char last[80] = "", key[80];
	size_t seen = 0;

	do {
		char day[DATE_TEXT_SIZE];

		RUN_OK(round_list, &list);
		for (size_t i = 0; i < list.nrounds; i++) {
			snprintf(key, sizeof(key), "%s %s", date_format(list.rounds[i].from, day), list.rounds[i].id);
			if (last[0])
				assert_true(newest_first ? strcmp(key, last) < 0 : strcmp(key, last) > 0);
			memcpy(last, key, sizeof(last));
		}
		seen += list.nrounds;
	} while (list.more);
	assert_int_equal(seen, 6);
}

static void test_pages(void **state)
{
	(void)state;
	make_some();
	for (int limit = 1; limit <= 7; limit++) {
		walk(limit, false);
		walk(limit, true);
	}
}

/* ---- reports ---- */

static struct report_create report_of(const char *round_id, enum report_source source, int day, int64_t units)
{
	struct report_create create = {
		.round_id = round_id, .actor = staff, .arena = &arena,
		.report = { .source = source, .reported_on = date_make(2030, 5, day),
			    .registered = { -1, 0 }, .present = { -1, 0 }, .accepted = { -1, 0 },
			    .units = { units, FIGURE_AT_LEAST }, .ml = { -1, 0 } },
	};

	if (source == REPORT_PRESS)
		create.report.source_url = "https://example.vn/1";
	return create;
}

static int64_t result_units(const char *key)
{
	const struct report *result = loaded(key).result;

	return result ? result->units.value : -1;
}

static void test_best_report(void **state)
{
	struct round round = made(a_round("LC-1", 5, 18));
	struct report_create press = report_of(round.id, REPORT_PRESS, 20, 100);
	struct report_create team = report_of(round.id, REPORT_TEAM, 19, 101);
	struct report_create team2 = report_of(round.id, REPORT_TEAM, 19, 102);
	struct report_create items = report_of(round.id, REPORT_ITEMS, 18, 103);

	(void)state;
	assert_int_equal(result_units("LC-1"), -1);
	RUN_OK(report_create, &press);
	assert_int_equal(result_units("LC-1"), 100);
	assert_int_equal(loaded("LC-1").result->units.qualifier, FIGURE_AT_LEAST);
	assert_int_equal(loaded("LC-1").result->ml.value, -1);
	RUN_OK(report_create, &team);
	assert_int_equal(result_units("LC-1"), 101);
	RUN_OK(report_create, &team2);           /* same day: the newer */
	assert_int_equal(result_units("LC-1"), 102);
	RUN_OK(report_create, &items);
	assert_int_equal(result_units("LC-1"), 103);
	assert_true(items.report.created_us > 0);
}

static void test_corrections(void **state)
{
	struct round round = made(a_round("LC-1", 5, 18)), other = made(a_round("LC-2", 5, 19));
	struct report_create first = report_of(round.id, REPORT_ITEMS, 20, 1);
	struct report_create second = report_of(round.id, REPORT_TEAM, 20, 2);
	struct report_create third = report_of(round.id, REPORT_TEAM, 19, 3), wrong;
	struct report_list list = { .round = "LC-1", .arena = &arena };

	(void)state;
	RUN_OK(report_create, &first);
	second.report.corrects = first.report.id;
	RUN_OK(report_create, &second);
	assert_int_equal(result_units("LC-1"), 2);
	third.report.corrects = second.report.id;
	RUN_OK(report_create, &third);
	assert_int_equal(result_units("LC-1"), 3);
	wrong = report_of(round.id, REPORT_TEAM, 21, 4);
	wrong.report.corrects = first.report.id;
	RUN(report_create, &wrong);
	expect_error(&wrong.error, ERR_INVALID_FIELD, "/corrects");
	wrong = report_of(other.id, REPORT_TEAM, 21, 4);
	wrong.report.corrects = third.report.id;
	RUN(report_create, &wrong);
	expect_error(&wrong.error, ERR_INVALID_FIELD, "/corrects");
	wrong = report_of(plan_id, REPORT_TEAM, 21, 4);
	RUN(report_create, &wrong);
	expect_error(&wrong.error, ERR_NOT_FOUND, NULL);
	RUN_OK(report_list, &list);
	assert_int_equal(list.nreports, 3);
	assert_string_equal(list.reports[0].id, third.report.id);
	assert_string_equal(list.reports[0].corrects, second.report.id);
	list.round = other.id;
	RUN_OK(report_list, &list);
	assert_int_equal(list.nreports, 0);
	list.round = "LC-3";
	RUN(report_list, &list);
	expect_error(&list.error, ERR_NOT_FOUND, NULL);
	assert_int_equal(audit_count("report.create"), 3);
}

static void test_round_and_report_by_key(void **state)
{
	struct round round = a_round(NULL, 6, 1);
	struct round_create create, again;
	struct report_create report, same;
	struct idempotency key = { .principal = "t", .route = "POST /api/v1/plans/{id}/rounds", .key = "k",
				   .body = "{}", .body_len = 2, .status = 201 };

	(void)state;
	round.plan_id = plan_id;
	create = create_of(round);
	create.idempotency = key;
	RUN_OK(round_create, &create);
	again = create_of(round);
	again.idempotency = key;
	RUN_OK(round_create, &again);
	assert_true(again.idempotency.replayed);
	assert_string_equal(again.idempotency.resource_id, create.round.id);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM round"), 1);
	key.route = "POST /api/v1/rounds/{id}/reports";
	report = report_of(create.round.id, REPORT_TEAM, 1, 5);
	report.idempotency = key;
	RUN_OK(report_create, &report);
	same = report_of(create.round.id, REPORT_TEAM, 1, 5);
	same.idempotency = key;
	RUN_OK(report_create, &same);
	assert_true(same.idempotency.replayed);
	assert_string_equal(same.idempotency.resource_id, report.report.id);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM round_report"), 1);
}

/* ---- faults ---- */

static void test_backend_killed_in_a_write(void **state)
{
	struct round round = made(a_round("LC-1", 5, 18)), next = round;
	struct round_save save;
	PGconn *conn = PQconnectdb(pg.conninfo);
	char terminate[] = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'giothong_app'"
			   " AND wait_event_type = 'Lock'";

	(void)state;
	next.title = "Sau";
	PQclear(PQexec(conn, "BEGIN; SELECT FROM round FOR UPDATE"));
	save = save_of(&round, &next);
	SEND(round_save, &save);
	for (int i = 0; i < 50; i++) {
		struct timeval wait = { .tv_usec = 10000 };

		event_base_loopexit(base, &wait);
		event_base_dispatch(base);
	}
	assert_int_equal(pending, 1);
	PQclear(PQexec(conn, terminate));
	settle();
	expect_error(&save.error, ERR_UNKNOWN_OUTCOME, NULL);
	PQclear(PQexec(conn, "ROLLBACK"));
	PQfinish(conn);
	RUN(round_save, &save);                  /* not connected yet, perhaps */
	for (int i = 0; i < 300 && !db_connected(store.db); i++)
		event_base_loop(base, EVLOOP_ONCE);
	save = save_of(&round, &next);
	RUN_OK(round_save, &save);
	assert_int_equal(audit_count("round.edit"), 1);
}

static void test_no_database(void **state)
{
	struct round_load load = { .key = "LC-1", .arena = &arena };
	struct round_create create = create_of(a_round("LC-5", 5, 18));

	(void)state;
	pg_stop(&pg, SIGINT);
	for (int i = 0; i < 200 && db_connected(store.db); i++)
		event_base_loop(base, EVLOOP_ONCE);
	RUN(round_load, &load);
	expect_error(&load.error, ERR_UNAVAILABLE, NULL);
	RUN(round_create, &create);
	expect_error(&create.error, ERR_UNAVAILABLE, NULL);
	pg_start(&pg);
	for (int i = 0; i < 500 && !db_connected(store.db); i++)
		event_base_loop(base, EVLOOP_ONCE);
	create = create_of(a_round("LC-5", 5, 18));
	RUN_OK(round_create, &create);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup(name, rounds_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_round_comes_back_whole), TEST(test_plan_gives_number_and_code),
		TEST(test_each_refusal_has_its_name), TEST(test_save_and_stale),
		TEST(test_image_read_is_image_written), TEST(test_units_swap_places), TEST(test_filters),
		TEST(test_pages), TEST(test_best_report), TEST(test_corrections),
		TEST(test_round_and_report_by_key), TEST(test_backend_killed_in_a_write), TEST(test_no_database),
	};

	return cmocka_run_group_tests(tests, store_up, store_down);
}
