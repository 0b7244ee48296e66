#include "domain/catalog_names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/text.h"
#include "domain/unit.h"

static struct unit_map *units;
static const char *const none[] = { NULL };

static const struct catalog_item campaigns[] = {
	{ .kind = CATALOG_CAMPAIGN, .campaign = { .id = "c1", .slug = "chu-nhat-do", .name = "Chủ nhật Đỏ" } },
	{ .kind = CATALOG_CAMPAIGN, .campaign = { .id = "c2", .slug = "hanh-trinh-do", .name = "Hành trình Đỏ" } },
};
static const struct catalog_item teams[] = {
	{ .kind = CATALOG_TEAM, .team = { .id = "t1", .code = "D1", .name = "Đội 1" } },
};
static const struct catalog_item venues[] = {
	{ .kind = CATALOG_VENUE, .venue = { .id = "v1", .name = "Nhà văn hóa", .unit_id = "east", .address = "Số 1" } },
	{ .kind = CATALOG_VENUE, .venue = { .id = "v2", .name = "Nhà văn hóa", .unit_id = "west" } },
};

static const struct catalog *catalog(void)
{
	static struct catalog all = {
		.items = { [CATALOG_CAMPAIGN] = campaigns, [CATALOG_VENUE] = venues, [CATALOG_TEAM] = teams },
		.nitems = { [CATALOG_CAMPAIGN] = 2, [CATALOG_VENUE] = 2, [CATALOG_TEAM] = 1 },
	};

	all.units = units;
	return &all;
}

static void add_unit(const char *id, enum unit_level level, const char *parent)
{
	struct unit unit = { .id = id, .gso_code = id, .level = level, .type = "xa", .name = id, .full_name = id,
			     .aliases = none, .parent = parent, .predecessors = none, .successors = none };

	if (level == UNIT_COMMUNE)
		unit.district = parent;
	unit_map_add(units, &unit);
}

static int make_units(void **state)
{
	struct error err = { 0 };

	(void)state;
	units = unit_map_new();
	add_unit("p", UNIT_PROVINCE, NULL);
	add_unit("d", UNIT_DISTRICT, "p");
	add_unit("east", UNIT_COMMUNE, "d");
	add_unit("west", UNIT_COMMUNE, "d");
	return unit_map_finish(units, &err) ? 0 : -1;
}

static int free_units(void **state)
{
	(void)state;
	unit_map_free(units);
	return 0;
}

static struct round round_in(struct named *host)
{
	struct round round;

	round_init(&round);
	round.ordinal = 7;
	round.units = host;
	round.nunits = 1;
	return round;
}

static void test_names_become_ids(void **state)
{
	struct named host = { "east", "east" }, named[] = { { "hanh-trinh-do", NULL }, { "c1", NULL } };
	struct round round = round_in(&host);
	struct error err = { 0 };

	(void)state;
	round.campaigns = named;
	round.ncampaigns = 2;
	round.team.id = "D1";
	round.venue.id = "NHA VAN HOA";
	assert_true(catalog_find_names(catalog(), &round, "/rounds/6", &err));
	assert_string_equal(named[0].id, "c2");
	assert_string_equal(named[0].name, "Hành trình Đỏ");
	assert_string_equal(named[1].id, "c1");
	assert_string_equal(round.team.id, "t1");
	assert_string_equal(round.venue.id, "v1");
	assert_string_equal(round.venue_address, "Số 1");
	/* and ids stay ids */
	assert_true(catalog_find_names(catalog(), &round, "/rounds/6", &err));
	assert_string_equal(round.venue.id, "v1");
}

static void test_a_round_that_names_nothing(void **state)
{
	struct named host = { "east", "east" };
	struct round round = round_in(&host);
	struct error err = { 0 };

	(void)state;
	assert_true(catalog_find_names(catalog(), &round, "", &err));
	assert_null(round.team.id);
	assert_null(round.venue.id);
}

static void test_every_fault_is_told_and_names_the_round(void **state)
{
	struct named host = { "east", "east" }, named[] = { { "khong-co", NULL } };
	struct round round = round_in(&host);
	struct error err = { 0 };

	(void)state;
	round.campaigns = named;
	round.ncampaigns = 1;
	round.team.id = "D9";
	round.venue.id = "Nhà thi đấu";
	assert_false(catalog_find_names(catalog(), &round, "/rounds/6", &err));
	assert_int_equal(err.code, ERR_INVALID_FIELD);
	assert_int_equal(err.nfields, 3);
	assert_string_equal(err.fields[0].pointer, "/rounds/6/campaigns");
	assert_string_equal(err.fields[0].code, "unknown_campaign");
	assert_string_equal(err.fields[1].pointer, "/rounds/6/team");
	assert_string_equal(err.fields[1].code, "unknown_team");
	assert_non_null(strstr(err.fields[1].detail[LANGUAGE_EN], "Round 7"));
	assert_non_null(strstr(err.fields[1].detail[LANGUAGE_VI], "Đợt 7"));
	assert_string_equal(err.fields[2].code, "unknown_venue");
}

static void test_a_venue_is_looked_for_in_the_rounds_units(void **state)
{
	static const struct {
		const char *host, *venue, *code;
	} cases[] = {
		{ "east", "v1", NULL }, { "west", "v2", NULL }, { "d", NULL, "ambiguous_venue" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct named host = { cases[i].host, cases[i].host };
		struct round round = round_in(&host);
		struct error err = { 0 };

		round.venue.id = "nhà văn hoá";
		assert_int_equal(catalog_find_names(catalog(), &round, "", &err), cases[i].venue != NULL);
		if (cases[i].venue)
			assert_string_equal(round.venue.id, cases[i].venue);
		else
			assert_string_equal(err.fields[0].code, cases[i].code);
	}
}

/* The importer and the API hold a venue to the same rule. */
static void test_a_venue_outside_the_rounds_units(void **state)
{
	const struct {
		const char *host, *unit;
		bool        fits;
	} cases[] = {
		{ "east", "east", true }, { "east", "west", false }, { "d", "west", true }, { "p", "west", true },
		{ "west", "d", true },    { "east", "gone", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct named host = { cases[i].host, NULL };
		struct round round = round_in(&host);
		struct error err = { 0 };

		assert_int_equal(round_venue_fits(units, &round, cases[i].unit, &err), cases[i].fits);
		assert_int_equal(err.code, cases[i].fits ? ERR_NONE : ERR_INVALID_FIELD);
		if (!cases[i].fits) {
			assert_string_equal(err.fields[0].pointer, "/venue");
			assert_string_equal(err.fields[0].code, "outside_units");
		}
	}
	struct named host = { "east", NULL };
	struct round round = round_in(&host);
	struct error err = { 0 };

	round.venue.id = "v2";
	assert_false(catalog_find_names(catalog(), &round, "", &err));
	assert_string_equal(err.fields[0].code, "unknown_venue");
	error_clear(&err);
	round.nunits = 0;
	assert_true(round_venue_fits(units, &round, "west", &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_become_ids),
		cmocka_unit_test(test_a_round_that_names_nothing),
		cmocka_unit_test(test_every_fault_is_told_and_names_the_round),
		cmocka_unit_test(test_a_venue_is_looked_for_in_the_rounds_units),
		cmocka_unit_test(test_a_venue_outside_the_rounds_units),
	};

	return cmocka_run_group_tests(tests, make_units, free_units);
}
