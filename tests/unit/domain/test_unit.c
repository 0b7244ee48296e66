#include "domain/unit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/text.h"
#include "domain/fold.h"
#include "lai_chau_units.h"

static struct unit_map *map;
static const struct date before = { 2025, 6, 30 }, after = { 2025, 7, 1 };

static int setup(void **state)
{
	(void)state;
	map = test_units();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unit_map_free(map);
	return 0;
}

static const struct unit *get(const char *id)
{
	const struct unit *unit = unit_by_id(map, id);

	assert_non_null(unit);
	return unit;
}

/* "id id id" of a result, to compare with one string. */
static const char *ids_of(const struct unit **units, size_t count, size_t max)
{
	static char text[4096];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < count && i < max; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i ? " " : "", units[i]->id);
	return text;
}

static void all_units_are_there(void **state)
{
	(void)state;
	assert_int_equal(unit_count(map), 151);
	for (size_t i = 1; i < unit_count(map); i++)
		assert_true(strcmp(unit_at(map, i - 1)->id, unit_at(map, i)->id) < 0);
	assert_null(unit_at(map, 151));
	assert_null(unit_by_id(map, "03618"));
	assert_null(unit_by_id(map, NULL));
	assert_string_equal(get("03618@2025-07-01")->full_name, "Xã Mường Than");
}

static void validity_ends_with_its_last_day(void **state)
{
	const struct unit *old = get("110@pre-2025-07-01"), *new = get("03595@2025-07-01");

	(void)state;
	assert_true(unit_valid_on(old, before));
	assert_false(unit_valid_on(old, after));
	assert_false(unit_valid_on(new, before));
	assert_true(unit_valid_on(new, after));
	assert_true(unit_valid_on(get("03451"), before));
	assert_true(unit_valid_on(get("03451"), after));
	assert_false(unit_has_ended(old, before));
	assert_true(unit_has_ended(old, after));
	assert_false(unit_has_ended(new, before));       /* still to begin */
	assert_false(unit_has_ended(new, after));
}

static const struct {
	const char *typed;
	struct date on;
	const char *want;
} matches[] = {
	{ "than uyen", { 2025, 6, 30 }, "110@pre-2025-07-01 03595@pre-2025-07-01 03595@2025-07-01" },
	{ "than uyen", { 2025, 7, 1 }, "03595@2025-07-01 110@pre-2025-07-01 03595@pre-2025-07-01" },
	{ "Than Uyên", { 2025, 7, 1 }, "03595@2025-07-01 110@pre-2025-07-01 03595@pre-2025-07-01" },
	{ "THAN  UYÊN", { 0 }, "110@pre-2025-07-01 03595@2025-07-01 03595@pre-2025-07-01" },
	{ "thanuyen", { 2025, 7, 1 }, "03595@2025-07-01 110@pre-2025-07-01 03595@pre-2025-07-01" },
	{ "Than Uye\xcc\x82n", { 2025, 7, 1 }, "03595@2025-07-01 110@pre-2025-07-01 03595@pre-2025-07-01" },
	{ "huyen than uyen", { 2025, 7, 1 }, "110@pre-2025-07-01" },
	{ "H. Than Uyên", { 2025, 7, 1 }, "110@pre-2025-07-01" },
	{ "h.thanuyen", { 2025, 7, 1 }, "110@pre-2025-07-01" },
	{ "tt than uyen", { 0 }, "03595@pre-2025-07-01" },
	{ "thi tran than uyen", { 0 }, "03595@pre-2025-07-01" },
	{ "TT. Than Uyên", { 0 }, "03595@pre-2025-07-01" },
	{ "xã Than Uyên", { 0 }, "03595@2025-07-01" },
	{ "x. than uyen", { 0 }, "03595@2025-07-01" },
	{ "xã Mường Than", { 2025, 6, 30 }, "03619@pre-2025-07-01 03618@2025-07-01" },
	{ "xã Mường Than", { 2025, 7, 1 }, "03618@2025-07-01 03619@pre-2025-07-01" },
	{ "tp lai chau", { 0 }, "105@pre-2025-07-01" },
	{ "TP. Lai Châu", { 0 }, "105@pre-2025-07-01" },
	{ "thanh pho lai chau", { 0 }, "105@pre-2025-07-01" },
	{ "tinh lai chau", { 0 }, "12" },
	{ "lai chau", { 0 }, "12 105@pre-2025-07-01" },
	{ "p doan ket", { 0 }, "03388@2025-07-01 03389@pre-2025-07-01" },
	{ "phường Đoàn Kết", { 2025, 6, 1 }, "03389@pre-2025-07-01 03388@2025-07-01" },
	{ "ĐOÀN KẾT", { 2025, 6, 1 }, "03389@pre-2025-07-01 03388@2025-07-01" },
	{ "03618", { 2025, 7, 1 }, "03618@2025-07-01 03618@pre-2025-07-01" },
	{ "03618@pre-2025-07-01", { 2025, 7, 1 }, "03618@pre-2025-07-01" },
	{ "kan ho", { 0 }, "03469@pre-2025-07-01" },
	{ "Xã Kan Hồ", { 0 }, "03469@pre-2025-07-01" },
	{ "ta gia", { 0 }, "03640@pre-2025-07-01" },
	{ "thi tran bum to", { 0 }, "03433@2025-07-01 03454@pre-2025-07-01" },
	{ "than uyen, lai chau", { 2025, 7, 1 }, "03595@2025-07-01 110@pre-2025-07-01 03595@pre-2025-07-01" },
	{ "h than uyen lai chau", { 0 }, "110@pre-2025-07-01 03595@2025-07-01 03595@pre-2025-07-01" },
	{ "huyện Than Uyên, tỉnh Lai Châu", { 2025, 7, 1 }, "110@pre-2025-07-01" },
	{ "xa Muong Than huyen Than Uyen", { 2025, 7, 1 }, "03618@2025-07-01 03619@pre-2025-07-01" },
	{ "xã Mường Than, h. Than Uyên, T. Lai Châu", { 2025, 7, 1 }, "03618@2025-07-01 03619@pre-2025-07-01" },
	{ "than uyen tan uyen", { 0 }, "" },
	{ "ban bo than uyen", { 0 }, "" },
	{ "\xc3\x90oàn Kết", { 2025, 7, 1 }, "03388@2025-07-01 03389@pre-2025-07-01" },
	{ "ha noi", { 0 }, "" },
	{ "", { 0 }, "" },
	{ "xa", { 0 }, "" },
	{ "!!!", { 0 }, "" },
	{ "\xff\xfe", { 0 }, "" },
};

static void names_are_matched_as_typed(void **state)
{
	const struct unit *out[8];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(matches); i++) {
		size_t count = unit_match(map, matches[i].typed, matches[i].on, out, 8);
		const char *got = ids_of(out, count, 8);

		if (strcmp(got, matches[i].want) != 0)
			fail_msg("\"%s\": %s, not %s", matches[i].typed, got, matches[i].want);
	}
	assert_int_equal(unit_match(map, "muong te", after, out, 2), 4);
	assert_string_equal(ids_of(out, 4, 2), "03445@2025-07-01 107@pre-2025-07-01");
}

static void near_names_are_offered(void **state)
{
	static const struct {
		const char *typed, *best;
	} cases[] = {
		{ "than uyn", "Than Uyên" }, { "thna uyen", "Than Uyên" },  { "huyen tam duog", "Tam Đường" },
		{ "sin h", "Sìn Hồ" },       { "phong tho1", "Phong Thổ" }, { "muong t", "Mường Tè" },
		{ "nam nhum", "Nậm Nhùn" },
	};
	const struct unit *out[5];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t count = unit_nearest(map, cases[i].typed, after, out, 5);

		if (count == 0 || strcmp(out[0]->name, cases[i].best) != 0)
			fail_msg("\"%s\": %s", cases[i].typed, count ? out[0]->name : "nothing");
		for (size_t a = 0; a < count; a++)
			for (size_t b = 0; b < a; b++)
				assert_string_not_equal(out[a]->name, out[b]->name);
	}
	assert_int_equal(unit_nearest(map, "washington", after, out, 5), 0);
	assert_int_equal(unit_nearest(map, "", after, out, 5), 0);
	assert_true(unit_nearest(map, "than", after, out, 5) >= 1);
	assert_string_equal(out[0]->name, "Than Uyên");
}

static const struct {
	const char *id;
	struct date on;
	const char *want;
} as_of[] = {
	{ "110@pre-2025-07-01", { 2025, 6, 30 }, "110@pre-2025-07-01" },
	{ "110@pre-2025-07-01",
	  { 2025, 7, 1 },
	  "03595@2025-07-01 03618@2025-07-01 03637@2025-07-01 03640@2025-07-01" },
	{ "03619@pre-2025-07-01", { 2026, 1, 1 }, "03595@2025-07-01" },
	{ "03618@2025-07-01", { 2025, 6, 30 }, "03618@pre-2025-07-01 03625@pre-2025-07-01" },
	{ "03618@2025-07-01", { 2025, 7, 1 }, "03618@2025-07-01" },
	{ "03451", { 2025, 6, 30 }, "03451" },
	{ "03451", { 2026, 1, 1 }, "03451" },
	{ "12", { 2026, 1, 1 }, "12" },
};

static void land_is_followed_to_a_date(void **state)
{
	const struct unit *out[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(as_of); i++) {
		size_t count = unit_as_of(map, get(as_of[i].id), as_of[i].on, out, 16);

		assert_string_equal(ids_of(out, count, 16), as_of[i].want);
	}
	assert_int_equal(unit_as_of(map, get("110@pre-2025-07-01"), after, out, 2), 4);
	assert_string_equal(ids_of(out, 4, 2), "03595@2025-07-01 03618@2025-07-01");
}

static const struct {
	const char *place, *unit;
	bool want;
} related[] = {
	{ "12", "03595@2025-07-01", true },
	{ "12", "110@pre-2025-07-01", true },
	{ "110@pre-2025-07-01", "03595@2025-07-01", true },
	{ "110@pre-2025-07-01", "03637@2025-07-01", true },
	{ "110@pre-2025-07-01", "03598@2025-07-01", false },
	{ "110@pre-2025-07-01", "111@pre-2025-07-01", false },
	{ "110@pre-2025-07-01", "03619@pre-2025-07-01", true },
	{ "03619@pre-2025-07-01", "03595@2025-07-01", true },
	{ "03619@pre-2025-07-01", "03618@2025-07-01", false },
	{ "03618@pre-2025-07-01", "03618@2025-07-01", true },
	{ "03595@2025-07-01", "03618@2025-07-01", false },
	{ "106@pre-2025-07-01", "03394@2025-07-01", true },
	{ "109@pre-2025-07-01", "03394@2025-07-01", true },
	{ "107@pre-2025-07-01", "03451", true },
	{ "107@pre-2025-07-01", "03463", true },
	{ "03451", "03463", false },
	{ "105@pre-2025-07-01", "03388@2025-07-01", true },
	{ "105@pre-2025-07-01", "03390@2025-07-01", false },
};

static void land_that_meets_is_related(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(related); i++) {
		const struct unit *place = get(related[i].place), *unit = get(related[i].unit);

		if (unit_related(map, place, unit) != related[i].want ||
		    unit_related(map, unit, place) != related[i].want)
			fail_msg("%s, %s", related[i].place, related[i].unit);
	}
}

static const struct {
	const char *scope, *unit;
	struct date on;
	bool want;
} covers[] = {
	{ "12", "110@pre-2025-07-01", { 2025, 6, 30 }, true },
	{ "12", "03595@2025-07-01", { 2025, 7, 1 }, true },
	{ "12", "12", { 2025, 7, 1 }, true },
	{ "110@pre-2025-07-01", "110@pre-2025-07-01", { 2025, 6, 30 }, true },
	{ "110@pre-2025-07-01", "110@pre-2025-07-01", { 2025, 7, 1 }, false },
	{ "110@pre-2025-07-01", "03595@2025-07-01", { 2025, 7, 1 }, false },
	{ "110@pre-2025-07-01", "03619@pre-2025-07-01", { 2025, 6, 30 }, true },
	{ "110@pre-2025-07-01", "03605@pre-2025-07-01", { 2025, 6, 30 }, false },
	{ "110@pre-2025-07-01", "03595@2025-07-01", { 2025, 6, 30 }, true },
	{ "110@pre-2025-07-01", "12", { 2025, 6, 30 }, false },
	{ "106@pre-2025-07-01", "03394@2025-07-01", { 2025, 6, 30 }, false },
	{ "03595@2025-07-01", "03595@2025-07-01", { 2025, 7, 1 }, true },
	{ "03595@2025-07-01", "03595@2025-07-01", { 2025, 6, 30 }, false },
	{ "03595@2025-07-01", "03619@pre-2025-07-01", { 2025, 7, 1 }, true },
	{ "03595@2025-07-01", "110@pre-2025-07-01", { 2025, 7, 1 }, false },
	{ "03595@2025-07-01", "03618@2025-07-01", { 2025, 7, 1 }, false },
	{ "107@pre-2025-07-01", "03451", { 2025, 6, 30 }, true },
	{ "107@pre-2025-07-01", "03451", { 2025, 7, 1 }, false },
	{ "03451", "107@pre-2025-07-01", { 2025, 6, 30 }, false },
};

static void scopes_cover_by_communes_of_the_day(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(covers); i++)
		if (unit_covers(map, get(covers[i].scope), get(covers[i].unit), covers[i].on) !=
		    covers[i].want)
			fail_msg("row %zu: %s, %s", i, covers[i].scope, covers[i].unit);
}

static const char *const none[] = { NULL };

static struct unit simple(const char *id, const char *const *predecessors, const char *const *successors)
{
	return (struct unit){ .id = id,
			      .gso_code = id,
			      .level = UNIT_COMMUNE,
			      .type = "xa",
			      .name = id,
			      .full_name = id,
			      .aliases = none,
			      .predecessors = predecessors,
			      .successors = successors };
}

static void bad_maps_are_refused(void **state)
{
	static const char *const nowhere[] = { "z", NULL };
	struct unit a = simple("a", none, none), b = simple("b", nowhere, none);
	struct error err = { 0 };
	struct unit_map *twice = unit_map_new(), *loose = unit_map_new();

	(void)state;
	unit_map_add(twice, &a);
	unit_map_add(twice, &a);
	assert_false(unit_map_finish(twice, &err));
	assert_non_null(strstr(err.detail[LANGUAGE_EN], "twice"));
	error_clear(&err);
	unit_map_add(loose, &b);
	assert_false(unit_map_finish(loose, &err));
	assert_non_null(strstr(err.detail[LANGUAGE_VI], "z"));
	unit_map_free(twice);
	unit_map_free(loose);
	unit_map_free(NULL);
}

/* A later reform may split a commune: the halves are not each other, nor is a scope on one a scope on the
 * other. */
static void halves_of_a_split_are_apart(void **state)
{
	static const char *const whole[] = { "whole", NULL }, *const halves[] = { "east", "west", NULL };
	struct unit old = simple("whole", none, halves), east = simple("east", whole, none),
		    west = simple("west", whole, none);
	struct unit_map *split = unit_map_new();
	struct error err = { 0 };

	(void)state;
	old.valid_to = before;
	east.valid_from = west.valid_from = after;
	unit_map_add(split, &old);
	unit_map_add(split, &east);
	unit_map_add(split, &west);
	assert_true(unit_map_finish(split, &err));
	const struct unit *e = unit_by_id(split, "east"), *w = unit_by_id(split, "west"),
			  *o = unit_by_id(split, "whole");

	assert_false(unit_related(split, e, w));
	assert_true(unit_related(split, o, w));
	assert_false(unit_covers(split, e, w, after));
	assert_false(unit_covers(split, e, o, after));
	assert_true(unit_covers(split, e, e, after));
	unit_map_free(split);
}

/* A ring of links is nonsense, but must end. */
static void rings_end(void **state)
{
	static const char *const to_a[] = { "a", NULL }, *const to_b[] = { "b", NULL };
	struct unit a = simple("a", to_b, to_b), b = simple("b", to_a, to_a);
	struct unit_map *ring = unit_map_new();
	const struct unit *out[4];
	struct error err = { 0 };

	(void)state;
	a.valid_to = b.valid_to = before;
	unit_map_add(ring, &a);
	unit_map_add(ring, &b);
	assert_true(unit_map_finish(ring, &err));
	assert_int_equal(unit_as_of(ring, unit_by_id(ring, "a"), after, out, 4), 0);
	unit_map_free(ring);
}

static void folding_agrees_with_the_base(void **state)
{
	char fast[256], slow[256];

	(void)state;
	for (size_t i = 0; i < unit_count(map); i++) {
		fold_typed(unit_at(map, i)->full_name, fast, sizeof(fast));
		assert_true(text_fold(unit_at(map, i)->full_name, slow, sizeof(slow)));
		assert_string_equal(fast, slow);
	}
	for (int point = 0x1ea0; point <= 0x1ef9; point++) {
		char letter[4] = { (char)0xe1, (char)(0x80 | (point >> 6 & 0x3f)),
				   (char)(0x80 | (point & 0x3f)), 0 };

		fold_typed(letter, fast, sizeof(fast));
		assert_true(text_fold(letter, slow, sizeof(slow)));
		assert_string_equal(fast, slow);
	}
	fold_typed("Ă ă Đ đ Ĩ ĩ Ũ ũ Ơ ơ Ư ư À Á Â Ã È É Ê Ì Í Ò Ó Ô Õ Ù Ú Ý à á â ã è é ê ì í ò ó ô õ ù ú ý",
		   fast, sizeof(fast));
	assert_string_equal(
		fast,
		"a a d d i i u u o o u u a a a a e e e i i o o o o u u y a a a a e e e i i o o o o u u y");
	assert_int_equal(fold_typed("abc def", fast, 6), 5);
	assert_string_equal(fast, "abc d");
}

/* Tân Phong and Sin Suối Hồ were made from two districts each; each is seated in one. */
static void seats_of_two_districts_never_meet(void **state)
{
	static const char *const districts[] = { "105", "106", "107", "108", "109", "110", "111", "112" };
	const struct date last = date_make(2025, 6, 30), first = date_make(2025, 7, 1);
	const struct unit *seats[64];
	char taken[64][24];
	size_t ntaken = 0;

	(void)state;
	for (size_t d = 0; d < ARRAY_SIZE(districts); d++) {
		char id[32];

		snprintf(id, sizeof(id), "%s@pre-2025-07-01", districts[d]);
		const struct unit *district = unit_by_id(map, id);

		assert_int_equal(unit_seats(map, district, last, seats, 64), 1);
		assert_ptr_equal(seats[0], district);
		size_t count = unit_seats(map, district, first, seats, 64);

		assert_true(count > 0);
		for (size_t i = 0; i < count; i++) {
			for (size_t t = 0; t < ntaken; t++)
				assert_string_not_equal(taken[t], seats[i]->id);
			snprintf(taken[ntaken++], sizeof(taken[0]), "%s", seats[i]->id);
		}
	}
	assert_int_equal(ntaken, 38);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_units_are_there),
		cmocka_unit_test(validity_ends_with_its_last_day),
		cmocka_unit_test(names_are_matched_as_typed),
		cmocka_unit_test(near_names_are_offered),
		cmocka_unit_test(land_is_followed_to_a_date),
		cmocka_unit_test(land_that_meets_is_related),
		cmocka_unit_test(scopes_cover_by_communes_of_the_day),
		cmocka_unit_test(bad_maps_are_refused),
		cmocka_unit_test(halves_of_a_split_are_apart),
		cmocka_unit_test(rings_end),
		cmocka_unit_test(folding_agrees_with_the_base),
		cmocka_unit_test(seats_of_two_districts_never_meet),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
