/* The life of an appointment, its code, and what is possible when: each on both sides of its limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/memory.h"
#include "domain/appointment.h"
#include "domain/round.h"

#define DAY   { 2025, 4, 15 }
#define EVE   { 2025, 4, 14 }
#define NEXT  { 2025, 4, 16 }

static struct round round_in(enum round_status status)
{
	struct round round;

	round_init(&round);
	round.from = round.to = date_make(2025, 4, 15);
	round.status = status;
	return round;
}

static struct appointment appointment_in(enum appointment_state state)
{
	return (struct appointment){ .state = state, .donor_id = "d", .told_day = DAY,
				     .slot = { .id = "s", .start_minute = 480, .end_minute = 510, .stands = true } };
}

static const struct {
	const char *name;
	enum appointment_verb verb;
	enum appointment_state state;
	enum round_status round;
	struct appointment_now now;
	bool unnamed, allowed;
} verbs[] = {
	{ "move a waiting one", APPOINTMENT_MOVE, APPOINTMENT_WAITING, ROUND_OPEN, { EVE, 0 }, false, true },
	{ "move a booked one", APPOINTMENT_MOVE, APPOINTMENT_BOOKED, ROUND_OPEN, { EVE, 0 }, false, true },
	{ "move out of a cancelled round", APPOINTMENT_MOVE, APPOINTMENT_BOOKED, ROUND_CANCELLED, { EVE, 0 }, false, true },
	{ "move out of a closed round", APPOINTMENT_MOVE, APPOINTMENT_BOOKED, ROUND_CLOSED, { DAY, 900 }, false, false },
	{ "move who is here", APPOINTMENT_MOVE, APPOINTMENT_CHECKED_IN, ROUND_RUNNING, { DAY, 480 }, false, false },
	{ "move a cancelled one", APPOINTMENT_MOVE, APPOINTMENT_CANCELLED, ROUND_OPEN, { EVE, 0 }, false, false },
	{ "cancel a waiting one", APPOINTMENT_CANCEL, APPOINTMENT_WAITING, ROUND_OPEN, { EVE, 0 }, false, true },
	{ "cancel a booked one", APPOINTMENT_CANCEL, APPOINTMENT_BOOKED, ROUND_POSTPONED, { EVE, 0 }, false, true },
	{ "cancel on the day", APPOINTMENT_CANCEL, APPOINTMENT_BOOKED, ROUND_RUNNING, { DAY, 481 }, false, true },
	{ "cancel in a closed round", APPOINTMENT_CANCEL, APPOINTMENT_BOOKED, ROUND_CLOSED, { DAY, 900 }, false, false },
	{ "cancel who is here", APPOINTMENT_CANCEL, APPOINTMENT_CHECKED_IN, ROUND_RUNNING, { DAY, 481 }, false, false },
	{ "cancel who did not come", APPOINTMENT_CANCEL, APPOINTMENT_NO_SHOW, ROUND_RUNNING, { DAY, 481 }, false, false },
	{ "cancel a released one", APPOINTMENT_CANCEL, APPOINTMENT_RELEASED, ROUND_OPEN, { EVE, 0 }, true, false },
	{ "check in on the eve", APPOINTMENT_CHECK_IN, APPOINTMENT_BOOKED, ROUND_OPEN, { EVE, 1439 }, false, false },
	{ "check in on the day", APPOINTMENT_CHECK_IN, APPOINTMENT_BOOKED, ROUND_RUNNING, { DAY, 0 }, false, true },
	{ "check in before start was pressed", APPOINTMENT_CHECK_IN, APPOINTMENT_BOOKED, ROUND_OPEN, { DAY, 470 }, false, true },
	{ "check in, entered the next day", APPOINTMENT_CHECK_IN, APPOINTMENT_BOOKED, ROUND_CLOSED, { NEXT, 0 }, false, true },
	{ "check in who waits", APPOINTMENT_CHECK_IN, APPOINTMENT_WAITING, ROUND_RUNNING, { DAY, 480 }, false, false },
	{ "check in who came late", APPOINTMENT_CHECK_IN, APPOINTMENT_NO_SHOW, ROUND_RUNNING, { DAY, 600 }, false, true },
	{ "check in twice", APPOINTMENT_CHECK_IN, APPOINTMENT_CHECKED_IN, ROUND_RUNNING, { DAY, 480 }, false, false },
	{ "check in nobody", APPOINTMENT_CHECK_IN, APPOINTMENT_BOOKED, ROUND_RUNNING, { DAY, 480 }, true, false },
	{ "check in to a cancelled round", APPOINTMENT_CHECK_IN, APPOINTMENT_BOOKED, ROUND_CANCELLED, { DAY, 480 }, false, false },
	{ "a minute early for a no-show", APPOINTMENT_MISS, APPOINTMENT_BOOKED, ROUND_RUNNING, { DAY, 479 }, false, false },
	{ "the hour has come", APPOINTMENT_MISS, APPOINTMENT_BOOKED, ROUND_RUNNING, { DAY, 480 }, false, true },
	{ "nobody came for a seat", APPOINTMENT_MISS, APPOINTMENT_BOOKED, ROUND_RUNNING, { DAY, 480 }, true, true },
	{ "no-show of one that waits", APPOINTMENT_MISS, APPOINTMENT_WAITING, ROUND_RUNNING, { DAY, 480 }, false, false },
	{ "no-show of a postponed round", APPOINTMENT_MISS, APPOINTMENT_BOOKED, ROUND_POSTPONED, { DAY, 480 }, false, false },
	{ "no-show, entered the next day", APPOINTMENT_MISS, APPOINTMENT_BOOKED, ROUND_CLOSED, { NEXT, 0 }, false, true },
	{ "name a seat", APPOINTMENT_NAME, APPOINTMENT_BOOKED, ROUND_OPEN, { EVE, 0 }, true, true },
	{ "name a seat at the door", APPOINTMENT_NAME, APPOINTMENT_BOOKED, ROUND_RUNNING, { DAY, 480 }, true, true },
	{ "name a seat that has a name", APPOINTMENT_NAME, APPOINTMENT_BOOKED, ROUND_OPEN, { EVE, 0 }, false, false },
	{ "name a seat that went", APPOINTMENT_NAME, APPOINTMENT_RELEASED, ROUND_OPEN, { EVE, 0 }, true, false },
	{ "name a seat afterwards", APPOINTMENT_NAME, APPOINTMENT_BOOKED, ROUND_CLOSED, { DAY, 900 }, true, false },
};

static void test_verbs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		struct appointment appointment = appointment_in(verbs[i].state);
		struct round round = round_in(verbs[i].round);
		struct error err;

		error_clear(&err);
		if (verbs[i].unnamed)
			appointment.donor_id[0] = '\0';
		if (appointment_verb_allowed(verbs[i].verb, &appointment, &round, verbs[i].now, &err) != verbs[i].allowed)
			fail_msg("%s: %s", verbs[i].name, err.detail[LANGUAGE_EN]);
		assert_int_equal(err.code, verbs[i].allowed ? ERR_NONE : ERR_ILLEGAL_STEP);
	}
}

static const struct {
	enum round_status status;
	struct date today;
	bool bookings, walk_ins;
} takes[] = {
	{ ROUND_OPEN, EVE, true, false },      { ROUND_OPEN, DAY, true, true },      { ROUND_OPEN, NEXT, false, false },
	{ ROUND_RUNNING, DAY, true, true },    { ROUND_RUNNING, NEXT, false, false }, { ROUND_DRAFT, EVE, false, false },
	{ ROUND_ANNOUNCED, EVE, false, false }, { ROUND_MOVED, EVE, false, false },  { ROUND_POSTPONED, DAY, false, false },
	{ ROUND_CANCELLED, DAY, false, false }, { ROUND_CLOSED, DAY, false, false },
};

static void test_takes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(takes); i++) {
		struct round round = round_in(takes[i].status);
		struct appointment_now now = { takes[i].today, 0 };
		struct error err;

		error_clear(&err);
		if (round_takes_bookings(&round, now, &err) != takes[i].bookings)
			fail_msg("bookings, case %zu", i);
		assert_int_equal(err.code, takes[i].bookings ? ERR_NONE : ERR_ILLEGAL_STEP);
		error_clear(&err);
		if (round_takes_walk_ins(&round, now, &err) != takes[i].walk_ins)
			fail_msg("walk-ins, case %zu", i);
		assert_int_equal(err.code, takes[i].walk_ins ? ERR_NONE : ERR_ILLEGAL_STEP);
		assert_true(takes[i].walk_ins || (*err.detail[LANGUAGE_EN] && *err.detail[LANGUAGE_VI]));
	}
}

static void test_attention(void **state)
{
	struct appointment one = appointment_in(APPOINTMENT_BOOKED);
	struct round round = round_in(ROUND_OPEN);

	(void)state;
	assert_string_equal(appointment_attention(&one, &round), "");
	round.status = ROUND_CANCELLED;
	assert_string_equal(appointment_attention(&one, &round), "round_cancelled");
	round.status = ROUND_POSTPONED;
	assert_string_equal(appointment_attention(&one, &round), "round_postponed");
	round.status = ROUND_MOVED;
	assert_string_equal(appointment_attention(&one, &round), "");            /* other hours, the same day */
	round.from = date_make(2025, 4, 16);
	assert_string_equal(appointment_attention(&one, &round), "round_moved");
	round.status = ROUND_OPEN;                                               /* until it is told the new day */
	assert_string_equal(appointment_attention(&one, &round), "round_moved");
	one.told_day = round.from;
	round.start_minute = 480, round.end_minute = 481;
	assert_string_equal(appointment_attention(&one, &round), "");
	round.start_minute = 481, round.end_minute = 600;                        /* it begins later */
	assert_string_equal(appointment_attention(&one, &round), "slot_gone");
	round.start_minute = 420, round.end_minute = 480;                        /* it ends before */
	assert_string_equal(appointment_attention(&one, &round), "slot_gone");
	round.end_minute = -1;                                                   /* nobody knows when it ends */
	assert_string_equal(appointment_attention(&one, &round), "");
	round.start_minute = -1;
	one.slot.stands = false;
	assert_string_equal(appointment_attention(&one, &round), "slot_gone");
	one.slot.id[0] = '\0';                                                   /* waits */
	assert_string_equal(appointment_attention(&one, &round), "");
	round.status = ROUND_CANCELLED;
	one.state = APPOINTMENT_CANCELLED;
	assert_string_equal(appointment_attention(&one, &round), "");            /* it is over anyway */
}

static void test_words(void **state)
{
	(void)state;
	for (int i = 0; i < APPOINTMENT_STATE_COUNT; i++) {
		enum appointment_state back;

		assert_true(appointment_state_parse(appointment_state_text((enum appointment_state)i), &back) && (int)back == i);
	}
	for (int i = 0; i < APPOINTMENT_VERB_COUNT; i++) {
		enum appointment_verb back;

		assert_true(appointment_verb_parse(appointment_verb_text((enum appointment_verb)i), &back) && (int)back == i);
	}
	for (int i = 0; i < APPOINTMENT_KIND_COUNT; i++) {
		enum appointment_kind back;

		assert_true(appointment_kind_parse(appointment_kind_text((enum appointment_kind)i), &back) && (int)back == i);
	}
}

/* Every wrong character and every exchange of two is found. */
static void test_code(void **state)
{
	static const char alphabet[] = "23456789ABCDEFGHKMNPQRSTVWXYZ";
	char code[APPOINTMENT_CODE_SIZE], out[APPOINTMENT_CODE_SIZE], typed[APPOINTMENT_CODE_SIZE];

	(void)state;
	appointment_code_make(0, code);
	assert_string_equal(code, "222-22");
	appointment_code_make(1, code);
	assert_string_equal(code, "322-2V");             /* weight 5: -5 is 24 modulo 29 */
	for (uint64_t random = 0; random < 707281; random += 1013) {
		appointment_code_make(random * 2654435761u, code);
		assert_int_equal(appointment_code_parse(code, out), APPOINTMENT_CODE_FINE);
		assert_string_equal(out, code);
		for (int at = 0; at < 6; at++) {
			if (at == 3)
				continue;
			for (const char *c = alphabet; *c; c++) {
				strcpy(typed, code);
				typed[at] = *c;
				assert_int_equal(appointment_code_parse(typed, out),
						 *c == code[at] ? APPOINTMENT_CODE_FINE : APPOINTMENT_CODE_MISTYPED);
			}
			for (int other = 0; other < at; other++) {
				strcpy(typed, code);
				typed[at] = code[other], typed[other] = code[at];
				if (other != 3 && code[at] != code[other])
					assert_int_equal(appointment_code_parse(typed, out), APPOINTMENT_CODE_MISTYPED);
			}
		}
	}
	assert_int_equal(appointment_code_parse(" 3 2 2 2 v ", out), APPOINTMENT_CODE_FINE);
	assert_string_equal(out, "322-2V");
	assert_int_equal(appointment_code_parse("322-2", out), APPOINTMENT_CODE_MALFORMED);
	assert_int_equal(appointment_code_parse("322-2V2", out), APPOINTMENT_CODE_MALFORMED);
	assert_int_equal(appointment_code_parse("322-0V", out), APPOINTMENT_CODE_MALFORMED);
	assert_string_equal(out, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verbs), cmocka_unit_test(test_takes), cmocka_unit_test(test_attention),
		cmocka_unit_test(test_words), cmocka_unit_test(test_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
