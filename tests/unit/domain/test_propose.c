#include "domain/propose.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

static const struct holiday holidays[] = {
	{ { 2025, 1, 1 }, { 2025, 1, 1 }, "Tết Dương lịch 2025", false },
	{ { 2025, 1, 25 }, { 2025, 2, 2 }, "Tết Nguyên đán 2025", false },
	{ { 2025, 4, 7 }, { 2025, 4, 7 }, "Giỗ Tổ Hùng Vương 2025", false },
	{ { 2025, 4, 30 }, { 2025, 5, 1 }, "Ngày Chiến thắng và Quốc tế Lao động 2025", false },
	{ { 2025, 9, 1 }, { 2025, 9, 2 }, "Quốc khánh 2025", false },
};

static const struct campaign_window campaigns[] = {
	{ "chu-nhat-do", "Chủ nhật Đỏ", { 2024, 12, 1 }, { 2025, 3, 31 }, { 0 }, true },
	{ "tet-xuan-hong", "Tết và Lễ hội Xuân hồng", { 2025, 1, 1 }, { 2025, 3, 31 }, { 0 }, false },
	{ "toan-dan-hien-mau",
	  "Ngày toàn dân hiến máu",
	  { 2025, 4, 7 },
	  { 2025, 4, 7 },
	  { 2025, 4, 7 },
	  false },
	{ "hanh-trinh-do", "Hành trình Đỏ", { 2025, 5, 30 }, { 2025, 7, 30 }, { 0 }, false },
	{ "giot-mau-hong-he", "Những giọt máu hồng hè", { 2025, 5, 1 }, { 2025, 8, 31 }, { 0 }, false },
	{ "ngay-the-gioi-14-6", "14/6", { 2025, 6, 14 }, { 2025, 6, 14 }, { 2025, 6, 14 }, false },
	{ "giot-hong-song-da", "Giọt hồng sông Đà", { 2025, 5, 1 }, { 2025, 6, 30 }, { 0 }, false },
	{ "tinh-nguyen-5-12", "5/12", { 2025, 11, 1 }, { 2025, 12, 5 }, { 2025, 12, 5 }, false },
};

static const struct propose_place places[] = {
	{ "105", "Thành phố Lai Châu", 2 }, { "106", "Huyện Tam Đường", 2 }, { "107", "Huyện Mường Tè", 2 },
	{ "108", "Huyện Sìn Hồ", 2 },       { "109", "Huyện Phong Thổ", 2 }, { "110", "Huyện Than Uyên", 2 },
	{ "111", "Huyện Tân Uyên", 2 },     { "112", "Huyện Nậm Nhùn", 2 },
};

static const struct propose_fixed ends[] = { { 1, { 2024, 12, 20 }, -1 }, { 18, { 2025, 11, 28 }, -1 } };

static const struct propose_request lai_chau = {
	.from = { 2024, 12, 20 },
	.to = { 2025, 11, 28 },
	.rounds = 18,
	.teams = 1,
	.gap_days = 84,
	.places = places,
	.nplaces = 8,
	.fixed = ends,
	.nfixed = 2,
	.holidays = holidays,
	.nholidays = 5,
	.campaigns = campaigns,
	.ncampaigns = 8,
	.holidays_known_to = { 2027, 12, 31 },
};

static bool is_holiday(const struct propose_request *request, struct date on)
{
	for (size_t i = 0; i < request->nholidays; i++)
		if (date_compare(request->holidays[i].from, on) <= 0 &&
		    date_compare(on, request->holidays[i].to) <= 0)
			return true;
	return false;
}

static const struct propose_fixed *fixed_round(const struct propose_request *request, int ordinal)
{
	for (size_t i = 0; i < request->nfixed; i++)
		if (request->fixed[i].ordinal == ordinal)
			return &request->fixed[i];
	return NULL;
}

/* Everything a proposal is held to. */
static void check_result(const struct propose_request *request, const struct proposed_round *rounds)
{
	for (int i = 0; i < request->rounds; i++) {
		const struct proposed_round *round = &rounds[i];
		const struct propose_fixed *fixed = fixed_round(request, i + 1);

		assert_int_equal(round->ordinal, i + 1);
		assert_int_equal(round->fixed, fixed != NULL);
		assert_true(date_compare(round->on, request->from) >= 0 &&
			    date_compare(round->on, request->to) <= 0);
		if (i > 0)
			assert_true(date_compare(rounds[i - 1].on, round->on) <= 0);
		assert_true(round->team >= 1 && round->team <= request->teams);
		assert_true(round->reason[0][0] && round->reason[1][0]);
		assert_int_not_equal(strncmp(round->reason[1], "thứ", strlen("thứ")), 0);
		assert_true(text_valid_utf8(round->reason[1], strlen(round->reason[1])));
		if (fixed) {
			assert_int_equal(date_compare(round->on, fixed->on), 0);
			assert_int_equal(round->place, fixed->place);
			continue;
		}
		assert_false(is_holiday(request, round->on));
		assert_true(round->place >= 0 && round->place < (int)request->nplaces);
		for (int j = 0; j < request->rounds; j++) {
			int apart = abs(date_days(round->on) - date_days(rounds[j].on));

			if (j == i)
				continue;
			if (rounds[j].place == round->place)
				assert_true(apart >= request->gap_days);
			if (apart == 0 && !rounds[j].fixed)
				assert_int_not_equal(rounds[j].team, round->team);
		}
	}
	for (size_t p = 0; p < request->nplaces; p++) {
		int got = 0;

		for (int i = 0; i < request->rounds; i++)
			got += rounds[i].place == (int)p;
		assert_int_equal(got, request->places[p].rounds);
	}
}

static bool has_campaign(const struct proposed_round *round, const char *id)
{
	for (size_t i = 0; i < ARRAY_SIZE(round->campaign_ids) && round->campaign_ids[i]; i++)
		if (strcmp(round->campaign_ids[i], id) == 0)
			return true;
	return false;
}

static void the_plan_of_lai_chau(void **state)
{
	struct arena arena;
	struct error err = { 0 };
	struct proposed_round *rounds;

	(void)state;
	arena_init(&arena);
	rounds = plan_propose(&lai_chau, &arena, &err);
	assert_non_null(rounds);
	check_result(&lai_chau, rounds);
	for (size_t c = 0; c < ARRAY_SIZE(campaigns); c++) {
		int used = 0;

		for (int i = 0; i < 18; i++)
			used += has_campaign(&rounds[i], campaigns[c].id);
		if (used == 0)
			fail_msg("%s is not used", campaigns[c].id);
	}
	for (int i = 1; i < 18; i++) {
		int step = date_days(rounds[i].on) - date_days(rounds[i - 1].on);

		if (step < 8 || step > 34)
			fail_msg("%d days before round %d", step, i + 1);
	}
	arena_release(&arena);
}

/* 7 April 2025 is the national donation day and Hùng Kings' day. */
static void a_main_day_on_a_holiday_moves_and_says_so(void **state)
{
	struct arena arena;
	struct error err = { 0 };
	struct proposed_round *rounds;
	bool found = false, world = false;
	char day[DATE_TEXT_SIZE];

	(void)state;
	arena_init(&arena);
	rounds = plan_propose(&lai_chau, &arena, &err);
	for (int i = 0; i < 18; i++) {
		if (has_campaign(&rounds[i], "toan-dan-hien-mau")) {
			found = true;
			assert_string_equal(date_format(rounds[i].on, day), "2025-04-06");
			assert_non_null(strstr(rounds[i].reason[0], "2025-04-07"));
			assert_non_null(strstr(rounds[i].reason[0], "holiday (Giỗ Tổ Hùng Vương 2025)"));
			assert_non_null(strstr(rounds[i].reason[1], "ngày nghỉ (Giỗ Tổ Hùng Vương 2025)"));
		}
		if (has_campaign(&rounds[i], "ngay-the-gioi-14-6")) {
			world = true;
			assert_string_equal(date_format(rounds[i].on, day), "2025-06-14");
		}
	}
	assert_true(found && world);
	arena_release(&arena);
}

static void the_same_request_gives_the_same_plan(void **state)
{
	struct arena one, two;
	struct error err = { 0 };

	(void)state;
	arena_init(&one);
	arena_init(&two);
	struct proposed_round *a = plan_propose(&lai_chau, &one, &err),
			      *b = plan_propose(&lai_chau, &two, &err);

	for (int i = 0; i < 18; i++) {
		assert_int_equal(date_compare(a[i].on, b[i].on), 0);
		assert_int_equal(a[i].place, b[i].place);
		assert_int_equal(a[i].team, b[i].team);
		assert_string_equal(a[i].reason[0], b[i].reason[0]);
		assert_string_equal(a[i].reason[1], b[i].reason[1]);
	}
	arena_release(&one);
	arena_release(&two);
}

/* ---- refusals ---- */

static void expect(const struct propose_request *request, const char *words)
{
	struct arena arena;
	struct error err = { 0 };
	struct proposed_round *rounds;

	arena_init(&arena);
	rounds = plan_propose(request, &arena, &err);
	if (!words) {
		if (!rounds)
			fail_msg("%s", err.detail[LANGUAGE_EN]);
		check_result(request, rounds);
	} else {
		assert_null(rounds);
		assert_int_equal(err.code, ERR_NO_PROPOSAL);
		assert_true(err.detail[LANGUAGE_VI][0]);
		if (!strstr(err.detail[LANGUAGE_EN], words))
			fail_msg("\"%s\" lacks \"%s\"", err.detail[LANGUAGE_EN], words);
	}
	arena_release(&arena);
}

static void what_cannot_be_met_is_named(void **state)
{
	struct propose_request request;

	(void)state;
	request = lai_chau;
	request.holidays_known_to = date_make(2025, 11, 27);
	expect(&request, "Holidays are known only to 2025-11-27");
	expect(&request, "config/reference/holidays.json), and an update of it brings more");
	request.holidays_known_to = date_make(2025, 11, 28);
	expect(&request, NULL);

	request = lai_chau;
	request.rounds = 19;
	expect(&request, "16 rounds and the plan has 17");
	request.rounds = 0;
	expect(&request, "1 to 366");
	request = lai_chau;
	request.teams = 0;
	expect(&request, "at least one team");
	request = lai_chau;
	request.to = date_make(2024, 12, 19);
	expect(&request, "first and last day");
	request = lai_chau;
	request.nplaces = 7;
	expect(&request, "14 rounds and the plan has 16");
}

/* Two rounds at one place, 84 days apart, need 85 days; a third one would need 169. */
static void gaps_are_counted_to_the_day(void **state)
{
	static const struct propose_place two[] = { { "a", "A", 2 } }, three[] = { { "a", "A", 3 } };
	struct propose_request request = {
		.from = { 2025, 3, 1 },
		.to = { 2025, 5, 24 },
		.rounds = 2,
		.teams = 1,
		.gap_days = 84,
		.places = two,
		.nplaces = 1,
		.holidays_known_to = { 2025, 12, 31 },
	};

	(void)state;
	expect(&request, NULL);
	request.to = date_make(2025, 5, 23);
	expect(&request, "A is to get 2 rounds, 84 days apart: that needs 85 days and the plan has 84");
	request.places = three;
	request.rounds = 3;
	request.to = date_make(2025, 8, 16);
	expect(&request, NULL);
	request.to = date_make(2025, 8, 15);
	expect(&request, "needs 169 days and the plan has 168");
}

/* One open round at A in a plan of March 2025, beside one that is there already. */
static struct proposed_round *beside(const struct propose_taken *taken, struct date to, struct arena *arena,
				     struct error *err)
{
	static const struct propose_place one[] = { { "a", "A", 1 } };
	struct propose_request request = {
		.from = { 2025, 3, 1 },
		.to = to,
		.rounds = 1,
		.teams = 1,
		.gap_days = 84,
		.places = one,
		.nplaces = 1,
		.taken = taken,
		.ntaken = 1,
		.holidays_known_to = { 2025, 12, 31 },
	};

	error_clear(err);
	return plan_propose(&request, arena, err);
}

static void rounds_taken_keep_the_gap(void **state)
{
	const struct date day = { 2025, 3, 1 };
	struct propose_taken taken = { .on = date_add_days(day, -84), .place = 0 };
	struct proposed_round *rounds;
	struct arena arena;
	struct error err = { 0 };

	(void)state;
	arena_init(&arena);
	rounds = beside(&taken, day, &arena, &err);
	assert_non_null(rounds);
	assert_non_null(strstr(rounds[0].reason[LANGUAGE_EN], "84 days after the last known round at A"));
	assert_null(strstr(rounds[0].reason[LANGUAGE_EN], "first"));
	taken.on = date_add_days(day, -83);
	assert_null(beside(&taken, day, &arena, &err));
	assert_int_equal(err.code, ERR_NO_PROPOSAL);
	assert_non_null(strstr(err.detail[LANGUAGE_EN], "A is to get 1 rounds"));
	rounds = beside(&taken, date_add_days(day, 1), &arena, &err);
	assert_non_null(rounds);
	assert_int_equal(date_compare(rounds[0].on, date_add_days(day, 1)), 0);
	/* after the plan as before it */
	taken.on = date_add_days(day, 83);
	assert_null(beside(&taken, day, &arena, &err));
	taken.on = date_add_days(day, 84);
	rounds = beside(&taken, day, &arena, &err);
	assert_non_null(rounds);
	assert_non_null(strstr(rounds[0].reason[LANGUAGE_EN], "the first known round at A"));
	/* elsewhere, and at a day that nobody knows */
	taken = (struct propose_taken){ .on = day, .place = -1 };
	assert_non_null(beside(&taken, day, &arena, &err));
	taken = (struct propose_taken){ .on = { 2025, 2, 1 }, .period = true, .place = 0 };
	rounds = beside(&taken, day, &arena, &err);
	assert_non_null(rounds);
	assert_non_null(strstr(rounds[0].reason[LANGUAGE_EN], "of earlier rounds at A no day is known"));
	assert_null(strstr(rounds[0].reason[LANGUAGE_VI], "đầu tiên"));
	/* the team's day */
	taken = (struct propose_taken){ .on = day, .place = -1, .team = true };
	assert_null(beside(&taken, day, &arena, &err));
	rounds = beside(&taken, date_add_days(day, 1), &arena, &err);
	assert_int_equal(date_compare(rounds[0].on, date_add_days(day, 1)), 0);
	arena_release(&arena);
}

/* The whole plan moves aside; a fixed round does not, and says so. */
static void a_plan_beside_other_rounds(void **state)
{
	static const struct propose_fixed fixed[] = { { 1, { 2024, 12, 20 }, 0 }, { 18, { 2025, 11, 28 }, -1 } };
	static const struct propose_taken taken[] = {
		{ .on = { 2024, 11, 30 }, .place = 0 }, { .on = { 2024, 12, 19 }, .place = 5 },
		{ .on = { 2025, 1, 10 }, .place = 0 },  { .on = { 2025, 6, 15 }, .place = 3 },
		{ .on = { 2026, 1, 2 }, .place = 7 },   { .on = { 2024, 12, 20 }, .place = 0 },
	};
	struct propose_place more[ARRAY_SIZE(places)];
	struct propose_request request = lai_chau;
	struct proposed_round *rounds;
	struct arena arena;
	struct error err = { 0 };

	(void)state;
	memcpy(more, places, sizeof(more));
	more[0].rounds++;
	request.places = more;
	request.fixed = fixed;
	request.taken = taken;
	request.ntaken = ARRAY_SIZE(taken);
	arena_init(&arena);
	rounds = plan_propose(&request, &arena, &err);
	if (!rounds)
		fail_msg("%s", err.detail[LANGUAGE_EN]);
	check_result(&request, rounds);
	for (int i = 0; i < 18; i++)
		for (size_t t = 0; t < ARRAY_SIZE(taken); t++)
			if (!rounds[i].fixed && rounds[i].place == taken[t].place)
				assert_true(abs(date_days(rounds[i].on) - date_days(taken[t].on)) >= 84);
	assert_non_null(strstr(rounds[0].reason[LANGUAGE_EN], "only 20 days after the last round at Thành phố"));
	assert_non_null(strstr(rounds[0].reason[LANGUAGE_EN], "follows after only 21 days"));
	assert_non_null(strstr(rounds[0].reason[LANGUAGE_VI], "chỉ 21 ngày sau lại có đợt khác ở Thành phố"));
	arena_release(&arena);
}

static void days_and_teams_are_counted(void **state)
{
	static const struct holiday long_break[] = { { { 2025, 3, 2 }, { 2025, 3, 9 }, "Nghỉ", false } };
	static const struct propose_place four[] = {
		{ "a", "A", 1 }, { "b", "B", 1 }, { "c", "C", 1 }, { "d", "D", 1 }
	};
	struct propose_request request = {
		.from = { 2025, 3, 1 },
		.to = { 2025, 3, 10 },
		.rounds = 4,
		.teams = 2,
		.gap_days = 84,
		.places = four,
		.nplaces = 4,
		.holidays = long_break,
		.nholidays = 1,
		.holidays_known_to = { 2025, 12, 31 },
	};

	(void)state;
	expect(&request, NULL);
	request.teams = 1;
	expect(&request, "4 rounds need a day and a team, and only 2 are free");
}

static void fixed_rounds_are_facts(void **state)
{
	static const struct propose_fixed on_holiday[] = { { 1, { 2025, 1, 26 }, 0 },
							   { 2, { 2025, 1, 30 }, 0 } };
	static const struct propose_fixed outside[] = { { 1, { 2024, 12, 19 }, -1 } };
	static const struct propose_fixed crossed[] = { { 1, { 2025, 5, 1 }, -1 },
							{ 2, { 2025, 4, 1 }, -1 } };
	static const struct propose_place few[] = { { "a", "A", 3 } };
	struct propose_request request = lai_chau;
	struct arena arena;
	struct error err = { 0 };

	(void)state;
	request.fixed = on_holiday;
	request.places = few;
	request.nplaces = 1;
	request.rounds = 3;
	arena_init(&arena);
	struct proposed_round *rounds = plan_propose(&request, &arena, &err);

	assert_non_null(rounds);
	assert_non_null(strstr(rounds[0].reason[0], "holiday (Tết Nguyên đán 2025)"));
	assert_non_null(strstr(rounds[1].reason[0], "only 4 days after the last round at A"));
	assert_true(date_days(rounds[2].on) - date_days(rounds[1].on) >= 84);
	arena_release(&arena);
	/* a round whose place is not known may be at any place: said on both sides of the gap */
	arena_init(&arena);
	rounds = plan_propose(&lai_chau, &arena, &err);
	assert_non_null(rounds);
	for (int i = 1; i < 17; i++) {
		bool near = date_days(rounds[i].on) - date_days(rounds[0].on) < 84;

		assert_int_equal(strstr(rounds[i].reason[0], "round 1, whose place is not known") != NULL,
				 near);
	}
	arena_release(&arena);
	request = lai_chau;
	request.fixed = outside;
	request.nfixed = 1;
	expect(&request, "outside the plan");
	request.fixed = crossed;
	request.nfixed = 2;
	expect(&request, "not in order of date");
}

/* ---- any request ---- */

static uint32_t seed;

static int pick(int min, int max)
{
	seed = seed * 1664525 + 1013904223;
	return min + (int)((seed >> 9) % (uint32_t)(max - min + 1));
}

static void any_proposal_obeys(void **state)
{
	int given = 0, runs = 1500;

	(void)state;
	for (int run = 0; run < runs; run++) {
		struct propose_place some[8];
		struct propose_fixed fixed[3];
		struct holiday off[6];
		struct propose_request request = lai_chau;
		struct error err = { 0 };
		struct arena arena;
		int total = 0, day = 0;

		seed = (uint32_t)run * 2654435761u + 1;
		request.to = date_add_days(request.from, pick(20, 420));
		request.teams = pick(1, 3);
		request.gap_days = pick(0, 4) ? 84 : pick(0, 30);
		request.nplaces = (size_t)pick(1, 8);
		for (size_t p = 0; p < request.nplaces; p++) {
			some[p] = (struct propose_place){ "p", "P", pick(1, 4) };
			total += some[p].rounds;
		}
		request.nfixed = (size_t)pick(0, 3);
		for (size_t f = 0; f < request.nfixed; f++) {
			day += pick(0, 60);
			fixed[f] = (struct propose_fixed){ 0, date_add_days(request.from, day), -1 };
		}
		request.rounds = total + (int)request.nfixed;
		for (size_t f = 0; f < request.nfixed; f++)
			fixed[f].ordinal = (int)f + 1 + pick(0, 1) * (int)f;
		request.nholidays = (size_t)pick(0, 6);
		for (size_t h = 0; h < request.nholidays; h++) {
			off[h].from = date_add_days(request.from, pick(0, 400));
			off[h].to = date_add_days(off[h].from, pick(0, 9));
			off[h].name = "Nghỉ";
		}
		request.places = some;
		request.fixed = fixed;
		request.holidays = off;
		request.ncampaigns = (size_t)pick(0, 8);
		arena_init(&arena);
		struct proposed_round *rounds = plan_propose(&request, &arena, &err);

		if (rounds) {
			check_result(&request, rounds);
			given++;
		} else {
			assert_int_equal(err.code, ERR_NO_PROPOSAL);
			assert_true(strlen(err.detail[LANGUAGE_EN]) > 20 &&
				    strlen(err.detail[LANGUAGE_VI]) > 20);
		}
		arena_release(&arena);
	}
	assert_true(given > runs / 4);
}

/* Where there is plenty of room, there is always a plan. */
static void room_enough_is_enough(void **state)
{
	(void)state;
	for (int run = 0; run < 200; run++) {
		struct propose_place some[8];
		struct propose_request request = lai_chau;
		int total = 0;

		seed = (uint32_t)run * 40503u + 7;
		request.nplaces = (size_t)pick(1, 8);
		for (size_t p = 0; p < request.nplaces; p++) {
			some[p] = (struct propose_place){ "p", "P", pick(1, 3) };
			total += some[p].rounds;
		}
		request.places = some;
		request.nfixed = 0;
		request.rounds = total;
		expect(&request, NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_plan_of_lai_chau),
		cmocka_unit_test(a_main_day_on_a_holiday_moves_and_says_so),
		cmocka_unit_test(the_same_request_gives_the_same_plan),
		cmocka_unit_test(what_cannot_be_met_is_named),
		cmocka_unit_test(gaps_are_counted_to_the_day),
		cmocka_unit_test(rounds_taken_keep_the_gap),
		cmocka_unit_test(a_plan_beside_other_rounds),
		cmocka_unit_test(days_and_teams_are_counted),
		cmocka_unit_test(fixed_rounds_are_facts),
		cmocka_unit_test(any_proposal_obeys),
		cmocka_unit_test(room_enough_is_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
