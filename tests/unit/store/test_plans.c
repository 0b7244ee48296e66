#include "store_fixture.h"

static struct named hosts[2] = { { "03618@2025-07-01", NULL }, { "12", NULL } };
static struct named occasions[2];
static struct round rounds[3];

static struct round a_round(int ordinal, int month, int day)
{
	struct round round;

	round_init(&round);
	round.ordinal = ordinal;
	round.title = "Đợt";
	round.from = round.to = date_make(2030, month, day);
	round.date_status = FACT_PROPOSED;
	round.units = hosts;
	round.nunits = 1;
	return round;
}

static struct plan a_plan(void)
{
	static const char *basis[] = { "Thông tư 26, \"Điều 6\"", "Quyết định 43" };
	static char ids[2][64];

	pg_sql_on(pg.conninfo, "SELECT id FROM campaign WHERE slug = 'chu-nhat-do'", ids[0], 64);
	pg_sql_on(pg.conninfo, "SELECT id FROM campaign WHERE slug = 'hanh-trinh-do'", ids[1], 64);
	occasions[0].id = ids[0];
	occasions[1].id = ids[1];
	for (int i = 0; i < 3; i++)
		rounds[i] = a_round(i + 1, 3 + i, 10);
	rounds[1].campaigns = occasions;
	rounds[1].ncampaigns = 1;
	return (struct plan){
		.number = "99/KH-UBND", .slug = "99-KH-UBND", .code_prefix = "LC30", .title = "Kế hoạch",
		.issued_on = date_make(2029, 12, 1), .issuer = "UBND", .legal_basis = basis, .nlegal_basis = 2,
		.from = date_make(2030, 1, 1), .to = date_make(2030, 12, 31), .campaigns = occasions,
		.ncampaigns = 2, .rounds = rounds, .nrounds = 3,
	};
}

static struct plan *loaded(const char *key)
{
	struct plan_load load = { .key = key, .arena = &arena };
	struct plan *plan = arena_alloc(&arena, sizeof(*plan));

	RUN_OK(plan_load, &load);
	*plan = load.plan;
	return plan;
}

static struct plan_diff diff_of(const struct plan *existing, const struct plan *incoming)
{
	struct plan_diff diff;
	struct error err = { 0 };

	if (!plan_diff(existing, incoming, &arena, &diff, &err))
		fail_msg("%s", err.detail[0]);
	return diff;
}

static struct plan_apply apply_of(const struct plan *existing, const struct plan *incoming,
				  const struct plan_diff *diff)
{
	return (struct plan_apply){
		.existing = existing, .incoming = incoming, .diff = diff, .actor = staff, .arena = &arena,
	};
}

static void import(const struct plan *incoming)
{
	bool there = pg_count(&pg, "SELECT count(*) FROM plan") > 0;
	const struct plan *existing = there ? loaded(incoming->number) : NULL;
	struct plan_diff diff = diff_of(existing, incoming);
	struct plan_apply apply = apply_of(existing, incoming, &diff);

	RUN_OK(plan_apply, &apply);
}

static void test_plan_comes_back_whole(void **state)
{
	struct plan plan = a_plan(), *back;
	struct plan_load load = { .key = "nothing", .arena = &arena };
	struct plan_list list = { .limit = 1, .arena = &arena };
	const char *host[] = { hosts[0].id };

	(void)state;
	import(&plan);
	back = loaded("99-KH-UBND");
	assert_string_equal(back->number, plan.number);
	assert_int_equal(back->nlegal_basis, 2);
	assert_string_equal(back->legal_basis[0], "Thông tư 26, \"Điều 6\"");
	assert_int_equal(back->ncampaigns, 2);
	assert_int_equal(back->nrounds, 3);
	assert_int_equal(back->version, 1);
	for (size_t i = 0; i < 3; i++) {
		char code[16];

		snprintf(code, sizeof(code), "LC30-%02d", (int)i + 1);
		assert_string_equal(back->rounds[i].code, code);
		assert_string_equal(back->rounds[i].plan_id, back->id);
		assert_string_equal(back->rounds[i].plan_slug, "99-KH-UBND");
	}
	assert_int_equal(back->rounds[1].ncampaigns, 1);
	assert_string_equal(loaded(back->id)->id, back->id);
	RUN(plan_load, &load);
	expect_error(&load.error, ERR_NOT_FOUND, NULL);
	RUN_OK(plan_list, &list);
	assert_int_equal(list.nplans, 1);
	assert_int_equal(list.plans[0].nrounds, 0);               /* all are drafts */
	assert_false(list.more);
	list.drafts.all = true;
	RUN_OK(plan_list, &list);
	assert_int_equal(list.plans[0].nrounds, 3);
	list.drafts = (struct draft_sight){ .units = host, .nunits = 1 };
	RUN_OK(plan_list, &list);
	assert_int_equal(list.plans[0].nrounds, 3);
	assert_int_equal(audit_count("plan.create"), 1);
	assert_int_equal(audit_count("round.create"), 3);
}

static void test_import_twice_is_nothing(void **state)
{
	struct plan plan = a_plan();
	struct change_poll before = { 0 }, after = { 0 };

	(void)state;
	import(&plan);
	RUN_OK(change_poll, &before);
	import(&plan);
	RUN_OK(change_poll, &after);
	assert_true(before.rounds == after.rounds);
	assert_int_equal(audit_count("%"), 4);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM round WHERE version = 1"), 3);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM plan WHERE version = 1"), 1);
}

static void test_import_changes_and_adds(void **state)
{
	struct plan plan = a_plan(), *back;
	struct round more[4];

	(void)state;
	import(&plan);
	memcpy(more, rounds, sizeof(rounds));
	more[0].title = "Tên khác";
	more[1].units = hosts;
	more[1].nunits = 2;
	more[1].campaigns = occasions;
	more[1].ncampaigns = 2;
	more[3] = a_round(4, 8, 8);
	plan.rounds = more;
	plan.nrounds = 4;
	plan.title = "Kế hoạch, sửa";
	plan.ncampaigns = 1;
	import(&plan);
	back = loaded(plan.number);
	assert_string_equal(back->title, "Kế hoạch, sửa");
	assert_int_equal(back->version, 2);
	assert_int_equal(back->ncampaigns, 1);
	assert_int_equal(back->nrounds, 4);
	assert_string_equal(back->rounds[0].title, "Tên khác");
	assert_int_equal(back->rounds[0].version, 2);
	assert_int_equal(back->rounds[1].nunits, 2);
	assert_int_equal(back->rounds[1].ncampaigns, 2);
	assert_int_equal(back->rounds[2].version, 1);
	assert_string_equal(back->rounds[3].code, "LC30-04");
	assert_int_equal(audit_count("round.edit"), 2);
	assert_int_equal(audit_count("plan.edit"), 1);
	/* images chain: 2 rounds and the plan */
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM audit_entry a JOIN audit_entry b"
				       " ON a.digest_after = b.digest_before"), 3);
	import(&plan);
	assert_int_equal(audit_count("%"), 8);
}

/* One part that does not fit any more, and nothing at all is written. */
static void test_all_or_nothing(void **state)
{
	static const char *const meanwhile[] = {
		"UPDATE round SET version = version + 1 WHERE ordinal = 1",
		"UPDATE round SET version = version + 1 WHERE ordinal = 3",      /* a round that is kept */
		"UPDATE plan SET version = version + 1",
		"INSERT INTO round (id, code, plan_id, ordinal, title, from_day, to_day, precision, date_status,"
		" time_status, place_status, status) SELECT gen_random_uuid(), 'other', id, 4, 'x', '2030-09-09',"
		" '2030-09-09', 'day', 'proposed', 'unknown', 'unknown', 'draft' FROM plan",
	};
	struct plan plan = a_plan();
	struct round more[4];

	(void)state;
	import(&plan);
	memcpy(more, rounds, sizeof(rounds));
	more[0].title = "Tên khác";
	more[3] = a_round(4, 8, 8);
	plan.rounds = more;
	plan.nrounds = 4;
	plan.title = "Sửa";
	for (size_t i = 0; i < ARRAY_SIZE(meanwhile); i++) {
		const struct plan *existing = loaded(plan.number);
		struct plan_diff diff = diff_of(existing, &plan);
		struct plan_apply apply = apply_of(existing, &plan, &diff);

		pg_sql(&pg, meanwhile[i]);
		RUN(plan_apply, &apply);
		expect_error(&apply.error, ERR_STALE, NULL);
		assert_int_equal(pg_count(&pg, "SELECT count(*) FROM round WHERE title = 'Tên khác'"
					       " OR code = 'LC30-04'"), 0);
		assert_int_equal(pg_count(&pg, "SELECT count(*) FROM plan WHERE title = 'Sửa'"), 0);
		assert_int_equal(audit_count("%"), 4);
	}
}

static void turn(int ms)
{
	struct timeval wait = { .tv_usec = ms * 1000 };

	event_base_loopexit(base, &wait);
	event_base_dispatch(base);
}

/* An import that waits for somebody's change of a round: what counts is what that change leaves. */
static void import_beside(const char *change, enum error_code want)
{
	struct plan plan = a_plan();
	struct plan_diff diff;
	struct plan_apply apply;
	PGconn *conn = PQconnectdb(pg.conninfo);

	import(&plan);
	rounds[0].title = "Tên khác";
	diff = diff_of(loaded(plan.number), &plan);
	apply = apply_of(loaded(plan.number), &plan, &diff);
	PQclear(PQexec(conn, "BEGIN"));
	PQclear(PQexec(conn, change));
	SEND(plan_apply, &apply);
	turn(200);
	assert_int_equal(pending, 1);
	PQclear(PQexec(conn, "COMMIT"));
	PQfinish(conn);
	settle();
	expect_error(&apply.error, want, NULL);
}

static void test_change_while_waiting(void **state)
{
	(void)state;
	import_beside("UPDATE round SET version = version + 1 WHERE ordinal = 1", ERR_STALE);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM round WHERE title = 'Tên khác'"), 0);
	assert_int_equal(audit_count("%"), 4);
}

/* A booking is no change of the round: it stays, and so does the import. */
static void test_booking_while_waiting(void **state)
{
	(void)state;
	import_beside("UPDATE round SET booked = 7 WHERE ordinal = 1", ERR_NONE);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM round WHERE title = 'Tên khác' AND booked = 7"), 1);
	assert_int_equal(audit_count("round.edit"), 1);
}

static void test_two_new_plans_of_one_number(void **state)
{
	struct plan plan = a_plan();
	struct plan_diff diff = diff_of(NULL, &plan);
	struct plan_apply first = apply_of(NULL, &plan, &diff), second = apply_of(NULL, &plan, &diff);

	(void)state;
	SEND(plan_apply, &first);
	SEND(plan_apply, &second);
	settle();
	expect_error(&first.error, ERR_NONE, NULL);
	expect_error(&second.error, ERR_ALREADY_EXISTS, NULL);
	plan.number = "100/KH";
	plan.slug = "100-KH";
	second = apply_of(NULL, &plan, &diff);
	RUN(plan_apply, &second);
	expect_error(&second.error, ERR_ALREADY_EXISTS, "/code_prefix");
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM plan"), 1);
	assert_int_equal(audit_count("%"), 4);
}

static void test_plan_alone_by_key(void **state)
{
	struct plan plan = a_plan();
	struct plan_diff diff = { .plan = PLAN_CREATE };
	struct plan_apply first, again, other;

	(void)state;
	plan.nrounds = 0;
	first = apply_of(NULL, &plan, &diff);
	first.idempotency = (struct idempotency){ .principal = "t", .route = "POST /api/v1/plans", .key = "k",
						  .body = "{}", .body_len = 2, .status = 201 };
	again = other = first;
	RUN_OK(plan_apply, &first);
	RUN_OK(plan_apply, &again);
	assert_true(again.idempotency.replayed);
	assert_string_equal(again.plan_id, first.plan_id);
	other.idempotency.body = "[]";
	RUN(plan_apply, &other);
	expect_error(&other.error, ERR_IDEMPOTENCY_MISMATCH, NULL);
	assert_int_equal(audit_count("plan.replay"), 1);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM plan"), 1);
}

static struct round_history past(const char *code, int64_t units)
{
	struct round_history row = { .round = a_round(0, 5, 18) };

	row.round.code = code;
	row.round.from = date_make(2024, 5, 1);
	row.round.to = date_make(2024, 5, 31);
	row.round.precision = PRECISION_MONTH;
	row.round.date_status = FACT_REPORTED;
	row.round.status = ROUND_CLOSED;
	row.report = (struct report){
		.source = REPORT_PRESS, .source_url = "https://example.vn/2", .reported_on = date_make(2024, 5, 19),
		.registered = { -1, 0 }, .present = { -1, 0 }, .accepted = { -1, 0 },
		.units = { units, FIGURE_ABOUT }, .ml = { -1, 0 },
	};
	return row;
}

static void test_history_twice(void **state)
{
	struct round_history rows[4] = { past("H-1", 210), past("H-2", -1), past("H-1", 3), past("H-3", 7) };
	struct history_apply apply = { .rows = rows, .nrows = 3, .actor = staff, .arena = &arena };
	struct round_load load = { .key = "H-1", .arena = &arena };

	(void)state;
	RUN_OK(history_apply, &apply);
	assert_int_equal(apply.created, 2);
	assert_int_equal(apply.kept, 1);
	RUN_OK(round_load, &load);
	assert_int_equal(load.round.result->units.value, 210);
	assert_int_equal(load.round.nunits, 1);
	assert_int_equal(audit_count("%"), 3);
	apply.nrows = 4;
	RUN_OK(history_apply, &apply);
	assert_int_equal(apply.created, 1);
	assert_int_equal(apply.kept, 3);
	assert_int_equal(audit_count("%"), 5);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM round_report"), 2);
	rows[3].round.code = "H-4";
	rows[3].round.units = &(struct named){ "nowhere", NULL };
	RUN(history_apply, &apply);
	expect_error(&apply.error, ERR_INVALID_FIELD, "/units");
	assert_int_equal(audit_count("%"), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_plan_comes_back_whole), TEST(test_import_twice_is_nothing),
		TEST(test_import_changes_and_adds), TEST(test_all_or_nothing),
		TEST(test_change_while_waiting), TEST(test_booking_while_waiting),
		TEST(test_two_new_plans_of_one_number), TEST(test_plan_alone_by_key), TEST(test_history_twice),
	};

	return cmocka_run_group_tests(tests, store_up, store_down);
}
