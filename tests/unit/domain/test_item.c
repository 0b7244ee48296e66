/* Items: which day is computed with, and what a person must look at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "domain/item.h"

#define DAY(y, m, d) { y, m, d }
#define ROUND .round_known = true, .round_status = ROUND_RUNNING, .round_from = DAY(2025, 3, 10), .round_to = DAY(2025, 3, 10), \
	      .today = DAY(2025, 3, 12)
#define MONTH .round_known = true, .round_status = ROUND_CLOSED, .round_from = DAY(2025, 3, 1), .round_to = DAY(2025, 3, 31), \
	      .today = DAY(2025, 4, 12)

static const struct {
	const char         *name;
	struct item         item;
	struct item_setting setting;
	struct date         day;
	unsigned            reasons;
} cases[] = {
	{ "on the day", { .kind = ITEM_DONATION, .told_on = DAY(2025, 3, 10), .round_id = "r" }, { ROUND }, DAY(2025, 3, 10), 0 },
	{ "the eve", { .kind = ITEM_DONATION, .told_on = DAY(2025, 3, 9), .round_id = "r" }, { ROUND }, DAY(2025, 3, 10),
	  ITEM_DATE_OUTSIDE },
	{ "the day after", { .kind = ITEM_DONATION, .told_on = DAY(2025, 3, 11), .round_id = "r" }, { ROUND }, DAY(2025, 3, 10),
	  ITEM_DATE_OUTSIDE },
	{ "a clock that began anew", { .kind = ITEM_DONATION, .told_on = DAY(1970, 1, 1), .round_id = "r" }, { ROUND },
	  DAY(2025, 3, 10), ITEM_DATE_OUTSIDE },
	{ "first day of a month", { .kind = ITEM_DONATION, .told_on = DAY(2025, 3, 1), .round_id = "r" }, { MONTH }, DAY(2025, 3, 1), 0 },
	{ "last day of a month", { .kind = ITEM_DONATION, .told_on = DAY(2025, 3, 31), .round_id = "r" }, { MONTH }, DAY(2025, 3, 31), 0 },
	{ "before the month", { .kind = ITEM_DONATION, .told_on = DAY(2025, 2, 28), .round_id = "r" }, { MONTH }, DAY(2025, 3, 1),
	  ITEM_DATE_OUTSIDE },
	{ "behind the month", { .kind = ITEM_DONATION, .told_on = DAY(2025, 4, 1), .round_id = "r" }, { MONTH }, DAY(2025, 3, 31),
	  ITEM_DATE_OUTSIDE },
	{ "a donation of no round", { .kind = ITEM_DONATION, .told_on = DAY(2025, 3, 10) }, { .today = DAY(2025, 3, 12) },
	  DAY(2025, 3, 10), ITEM_ROUND_UNKNOWN },
	{ "a deferral of no round", { .kind = ITEM_DEFERRAL, .told_on = DAY(2025, 3, 10) }, { .today = DAY(2025, 3, 12) },
	  DAY(2025, 3, 10), 0 },
	{ "a deferral of a round that nobody knows", { .kind = ITEM_DEFERRAL, .told_on = DAY(2025, 3, 10), .round_id = "x" },
	  { .today = DAY(2025, 3, 12) }, DAY(2025, 3, 10), ITEM_ROUND_UNKNOWN },
	{ "today, of no round", { .kind = ITEM_NOTE, .told_on = DAY(2025, 3, 12) }, { .today = DAY(2025, 3, 12) }, DAY(2025, 3, 12), 0 },
	{ "to come", { .kind = ITEM_NOTE, .told_on = DAY(2025, 3, 13) }, { .today = DAY(2025, 3, 12) }, DAY(2025, 3, 12),
	  ITEM_DATE_OUTSIDE },
	{ "another team's", { .kind = ITEM_CHECK_IN, .told_on = DAY(2025, 3, 10), .round_id = "r" }, { ROUND, .round_foreign = true },
	  DAY(2025, 3, 10), ITEM_ROUND_FOREIGN },
	{ "a revoked phone", { .kind = ITEM_CHECK_IN, .told_on = DAY(2025, 3, 10), .round_id = "r" }, { ROUND, .device_revoked = true },
	  DAY(2025, 3, 10), ITEM_DEVICE_REVOKED },
	{ "all at once",
	  { .kind = ITEM_DONATION, .told_on = DAY(2025, 3, 9), .round_id = "r", .unreadable = true, .bag = { .text = "X", .doubtful = true } },
	  { ROUND, .device_revoked = true, .round_foreign = true }, DAY(2025, 3, 10),
	  ITEM_DATE_OUTSIDE | ITEM_DEVICE_REVOKED | ITEM_ROUND_FOREIGN | ITEM_UNREADABLE | ITEM_BAG_DOUBTFUL },
};

static void test_day_and_reasons(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (date_compare(item_day(&cases[i].item, &cases[i].setting), cases[i].day) != 0)
			fail_msg("day: %s", cases[i].name);
		if (item_reasons(&cases[i].item, &cases[i].setting) != cases[i].reasons)
			fail_msg("reasons: %s", cases[i].name);
	}
}

/* A round that was closed, postponed or not even begun takes what its team hands in; a cancelled one is looked at. */
static void test_states_of_a_round(void **state)
{
	const struct item item = { .kind = ITEM_DONATION, .told_on = DAY(2025, 3, 10), .round_id = "r" };
	struct item_setting setting = { ROUND };

	(void)state;
	for (int status = 0; status < ROUND_STATUS_COUNT; status++) {
		setting.round_status = (enum round_status)status;
		assert_int_equal(item_reasons(&item, &setting), status == ROUND_CANCELLED ? ITEM_ROUND_CANCELLED : 0);
	}
}

static const struct {
	enum item_kind    kind;
	enum item_outcome outcome;
	int               volume_ml;
	const char       *corrects;
	const char       *fault;         /* its pointer, or NULL */
} checks[] = {
	{ ITEM_DONATION, ITEM_COMPLETED, 350, NULL, NULL },
	{ ITEM_DONATION, ITEM_COMPLETED, 1, NULL, NULL },
	{ ITEM_DONATION, ITEM_COMPLETED, 0, NULL, "/items/3/data/volume_ml" },
	{ ITEM_DONATION, ITEM_COMPLETED, 1000, NULL, NULL },
	{ ITEM_DONATION, ITEM_COMPLETED, 1001, NULL, "/items/3/data/volume_ml" },
	{ ITEM_DONATION, ITEM_STOPPED, 0, NULL, NULL },
	{ ITEM_DONATION, ITEM_STOPPED, -1, NULL, "/items/3/data/volume_ml" },
	{ ITEM_DONATION, ITEM_STOPPED, 1000, NULL, NULL },
	{ ITEM_DONATION, ITEM_STOPPED, 1001, NULL, "/items/3/data/volume_ml" },
	{ ITEM_DONATION, ITEM_DEFERRED, -1, NULL, NULL },
	{ ITEM_NOTE, ITEM_COMPLETED, -1, NULL, NULL },
	{ ITEM_NOTE, ITEM_COMPLETED, -1, "01940000-0000-7000-8000-00000000000b", NULL },
	{ ITEM_NOTE, ITEM_COMPLETED, -1, "01940000-0000-7000-8000-00000000000A", "/items/3/corrects" },
};

static void test_what_is_no_item(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		struct item item = { .id = "01940000-0000-7000-8000-00000000000a", .kind = checks[i].kind, .outcome = checks[i].outcome,
				     .volume_ml = checks[i].volume_ml, .corrects = checks[i].corrects };
		struct arena arena;
		struct error err;

		arena_init(&arena);
		error_clear(&err);
		assert_int_equal(item_check(&item, "/items/3", &arena, &err), checks[i].fault == NULL);
		if (checks[i].fault)
			assert_string_equal(err.fields[0].pointer, checks[i].fault);
		arena_release(&arena);
	}
}

static void test_words(void **state)
{
	enum item_verdict verdict;
	enum item_outcome outcome;
	enum item_kind kind;
	char words[200] = "";

	(void)state;
	for (int i = 0; i < ITEM_KIND_COUNT; i++) {
		assert_true(item_kind_parse(item_kind_text((enum item_kind)i), &kind));
		assert_int_equal(kind, i);
		strcat(words, i ? ", " : "");
		strcat(words, item_kind_text((enum item_kind)i));
	}
	assert_string_equal(words, ITEM_KIND_WORDS);
	assert_false(item_kind_parse("donations", &kind));
	assert_false(item_kind_parse(NULL, &kind));
	for (int i = 0; i < ITEM_VERDICT_COUNT; i++) {
		assert_true(item_verdict_parse(item_verdict_text((enum item_verdict)i), &verdict));
		assert_int_equal(verdict, i);
	}
	assert_false(item_verdict_parse("lost", &verdict));
	for (int i = 0; i <= ITEM_DEFERRED; i++) {
		assert_true(item_outcome_parse(item_outcome_text((enum item_outcome)i), &outcome));
		assert_int_equal(outcome, i);
	}
	assert_false(item_outcome_parse("", &outcome));
	for (int i = 0; i < ITEM_REASON_COUNT; i++)
		for (int k = 0; k < i; k++)
			assert_string_not_equal(item_reason_text((enum item_reason)(1 << i)), item_reason_text((enum item_reason)(1 << k)));
}

/* Texts between texts, in whatever order they are asked for: they keep the order, and never end in what leaves no room. */
static void test_ties(void **state)
{
	const char *ties[201] = { 0 };
	struct arena arena;
	uint32_t chance = 1;

	(void)state;
	arena_init(&arena);
	ties[100] = ITEM_TIE_FIRST;
	assert_string_equal(item_tie_between(NULL, NULL, &arena), ITEM_TIE_FIRST);
	for (int made = 1; made < 201;) {
		const char *low = NULL, *high = NULL;
		int at;

		chance = chance * 1664525 + 1013904223;
		at = (int)(chance >> 8) % 201;
		if (ties[at])
			continue;
		for (int i = 0; i < at; i++)
			low = ties[i] ? ties[i] : low;
		for (int i = 200; i > at; i--)
			high = ties[i] ? ties[i] : high;
		ties[at] = item_tie_between(low, high, &arena);
		made++;
	}
	for (int i = 0; i < 201; i++) {
		assert_int_not_equal(ties[i][strlen(ties[i]) - 1], '0');
		assert_true(i == 0 || strcmp(ties[i - 1], ties[i]) < 0);
	}
	for (const char *tie = ITEM_TIE_FIRST, *next; strlen(tie) < 40; tie = next) {
		next = item_tie_between(NULL, tie, &arena);
		assert_true(strcmp(next, tie) < 0);
	}
	arena_release(&arena);
}

static void test_what_says_that_a_donor_is_fit(void **state)
{
	(void)state;
	assert_string_equal(item_accepts(&(struct item){ .kind = ITEM_SCREENING, .accepted = true }), "true");
	assert_string_equal(item_accepts(&(struct item){ .kind = ITEM_SCREENING }), "false");
	assert_string_equal(item_accepts(&(struct item){ .kind = ITEM_DONATION, .outcome = ITEM_STOPPED }), "true");
	assert_string_equal(item_accepts(&(struct item){ .kind = ITEM_DONATION, .outcome = ITEM_DEFERRED }), "false");
	assert_null(item_accepts(&(struct item){ .kind = ITEM_CHECK_IN, .accepted = true }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_day_and_reasons), cmocka_unit_test(test_states_of_a_round), cmocka_unit_test(test_what_is_no_item),
		cmocka_unit_test(test_words), cmocka_unit_test(test_ties), cmocka_unit_test(test_what_says_that_a_donor_is_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
