#include "domain/round.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

static const struct date day = { 2025, 5, 18 }, eve = { 2025, 5, 17 }, morrow = { 2025, 5, 19 };
static struct named hosts[] = { { "110@pre-2025-07-01", "Huyện Than Uyên" } };
static struct named others[] = { { "111@pre-2025-07-01", "Huyện Tân Uyên" } };

/* A round that every verb but for its status would take. */
static struct round ready(enum round_status status)
{
	struct round round;

	round_init(&round);
	round.title = "Giọt hồng Than Uyên";
	round.from = round.to = day;
	round.date_status = round.place_status = FACT_OFFICIAL;
	round.document = "12/KH-BCĐ";
	round.units = hosts;
	round.nunits = 1;
	round.capacity = 300;
	round.status = status;
	round.status_reason = "mưa lũ";
	round.version = 7;
	return round;
}

static struct round_step step_of(enum round_verb verb)
{
	struct round_step step = {
		.verb = verb, .reason = "đường sạt lở", .document = "15/QĐ-BCĐ", .confirm_date = true
	};

	round_init(&step.values);
	if (verb == ROUND_EDIT) {
		step.set = ROUND_NOTE;
		step.values.note = "ghi chú";
	} else if (verb == ROUND_MOVE) {
		step.set = ROUND_DATE;
		step.values.from = step.values.to = date_make(2025, 6, 1);
	}
	return step;
}

/* clang-format off */
/* Rows: status before; columns: verb; -1: refused; else status after. On the round's day. */
#define NO (-1)
static const int life[ROUND_STATUS_COUNT][ROUND_VERB_COUNT] = {
	/*                     edit             confirm          announce         open        start          close         reopen           postpone         move         cancel */
	[ROUND_DRAFT]     = { ROUND_DRAFT,     ROUND_DRAFT,     ROUND_ANNOUNCED, NO,         NO,            NO,           NO,              NO,              NO,          ROUND_CANCELLED },
	[ROUND_ANNOUNCED] = { ROUND_ANNOUNCED, ROUND_ANNOUNCED, NO,              ROUND_OPEN, ROUND_RUNNING, NO,           NO,              ROUND_POSTPONED, ROUND_MOVED, ROUND_CANCELLED },
	[ROUND_OPEN]      = { ROUND_OPEN,      ROUND_OPEN,      NO,              NO,         ROUND_RUNNING, NO,           NO,              ROUND_POSTPONED, ROUND_MOVED, ROUND_CANCELLED },
	[ROUND_RUNNING]   = { ROUND_RUNNING,   ROUND_RUNNING,   NO,              NO,         NO,            ROUND_CLOSED, NO,              NO,              NO,          ROUND_CANCELLED },
	[ROUND_CLOSED]    = { NO,              ROUND_CLOSED,    NO,              NO,         NO,            NO,           ROUND_RUNNING,   NO,              NO,          NO },
	[ROUND_POSTPONED] = { ROUND_POSTPONED, NO,              NO,              NO,         NO,            NO,           ROUND_ANNOUNCED, NO,              ROUND_MOVED, ROUND_CANCELLED },
	[ROUND_MOVED]     = { ROUND_MOVED,     ROUND_MOVED,     NO,              ROUND_OPEN, ROUND_RUNNING, NO,           NO,              ROUND_POSTPONED, ROUND_MOVED, ROUND_CANCELLED },
	[ROUND_CANCELLED] = { NO,              NO,              NO,              NO,         NO,            NO,           ROUND_ANNOUNCED, NO,              NO,          NO },
};

static void every_step_from_every_status(void **state)
{
	(void)state;
	for (int status = 0; status < ROUND_STATUS_COUNT; status++) {
		for (int verb = 0; verb < ROUND_VERB_COUNT; verb++) {
			struct round now = ready((enum round_status)status), next;
			struct round_step step = step_of((enum round_verb)verb);
			struct error err = { 0 };
			bool ok = round_change(&now, &step, day, &next, &err);
			int got = ok ? (int)next.status : NO;

			if (got != life[status][verb])
				fail_msg("%s, %s: %d (%s)", round_status_text((enum round_status)status), round_verb_text((enum round_verb)verb), got,
					 err.detail[LANGUAGE_EN]);
			if (ok) {
				assert_int_equal(next.version, 8);
			} else {
				assert_int_equal(err.code, ERR_ILLEGAL_STEP);
				assert_true(err.detail[LANGUAGE_EN][0] && err.detail[LANGUAGE_VI][0]);
			}
		}
	}
}

/* clang-format on */

/* The first fault's pointer, or the code of the whole; "" when the step is taken. */
static const char *outcome(const struct round *now, const struct round_step *step, struct date today,
			   struct round *next)
{
	static char text[200];
	struct error err = { 0 };

	if (round_change(now, step, today, next, &err))
		return "";
	if (err.code == ERR_INVALID_FIELD)
		snprintf(text, sizeof(text), "%s %s", err.fields[0].pointer, err.fields[0].code);
	else
		snprintf(text, sizeof(text), "%s", error_slug(err.code));
	return text;
}

static void reasons_and_documents_are_required(void **state)
{
	static const enum round_verb verbs[] = { ROUND_POSTPONE, ROUND_MOVE, ROUND_CANCEL };
	struct round now = ready(ROUND_ANNOUNCED), next;
	struct round_step step;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		step = step_of(verbs[i]);
		step.reason = " ";
		assert_string_equal(outcome(&now, &step, day, &next), "/reason required");
		step.reason = "mưa";
		assert_string_equal(outcome(&now, &step, day, &next), "");
		assert_string_equal(next.status_reason, "mưa");
	}
	step = step_of(ROUND_CONFIRM);
	step.document = NULL;
	assert_string_equal(outcome(&now, &step, day, &next), "/document required");
	step = step_of(ROUND_CONFIRM);
	step.confirm_date = false;
	assert_string_equal(outcome(&now, &step, day, &next), "/facts required");
	now = ready(ROUND_CLOSED);
	step = step_of(ROUND_REOPEN);
	step.reason = NULL;
	assert_string_equal(outcome(&now, &step, day, &next), "/reason required");
}

static void confirming_takes_what_really_was(void **state)
{
	struct round now = ready(ROUND_ANNOUNCED), next;
	struct round_step step = step_of(ROUND_CONFIRM);

	(void)state;
	step.set = ROUND_DATE;
	step.values.from = step.values.to = date_add_days(day, -30);
	assert_string_equal(outcome(&now, &step, day, &next), "/date official");
	now.date_status = FACT_PROPOSED;
	assert_string_equal(outcome(&now, &step, day, &next), "");
	assert_int_equal(next.date_status, FACT_OFFICIAL);
	assert_int_equal(date_compare(next.from, step.values.from), 0);
	assert_true(date_is_none(next.moved_from));
	assert_int_equal(next.status, ROUND_ANNOUNCED);

	step = step_of(ROUND_CONFIRM);
	step.confirm_date = false;
	step.confirm_time = true;
	now.start_minute = now.end_minute = -1;
	now.time_status = FACT_UNKNOWN;
	assert_string_equal(outcome(&now, &step, day, &next), "/start required");
	step.set = ROUND_TIME;
	step.values.start_minute = 450;
	step.values.end_minute = 630;
	assert_string_equal(outcome(&now, &step, day, &next), "");
	assert_int_equal(next.time_status, FACT_OFFICIAL);
}

static void announcing_needs_a_day_and_a_place_that_is_not_half_known(void **state)
{
	struct round now = ready(ROUND_DRAFT), next;
	struct round_step step = step_of(ROUND_ANNOUNCE);

	(void)state;
	now.precision = PRECISION_MONTH;
	now.from = date_make(2025, 5, 1);
	now.to = date_make(2025, 5, 31);
	assert_string_equal(outcome(&now, &step, day, &next), "/date needs_day");
	now = ready(ROUND_DRAFT);
	now.nunits = 0;
	assert_string_equal(outcome(&now, &step, day, &next), "/units required");
	now.place_status = FACT_UNKNOWN;
	assert_string_equal(outcome(&now, &step, day, &next), "");
}

static void opening_needs_capacity_an_official_date_and_time_left(void **state)
{
	struct round now = ready(ROUND_ANNOUNCED), next;
	struct round_step step = step_of(ROUND_OPEN_BOOKING);

	(void)state;
	now.capacity = -1;
	assert_string_equal(outcome(&now, &step, day, &next), "/capacity required");
	now = ready(ROUND_ANNOUNCED);
	now.date_status = FACT_PROPOSED;
	assert_string_equal(outcome(&now, &step, day, &next), "/date_status not_official");
	now = ready(ROUND_ANNOUNCED);
	assert_string_equal(outcome(&now, &step, day, &next), "");
	assert_string_equal(outcome(&now, &step, morrow, &next), "illegal-step");
}

static void starting_is_for_the_day_itself(void **state)
{
	struct round now = ready(ROUND_ANNOUNCED), next;
	struct round_step step = step_of(ROUND_START);

	(void)state;
	assert_string_equal(outcome(&now, &step, eve, &next), "illegal-step");
	assert_string_equal(outcome(&now, &step, morrow, &next), "illegal-step");
	assert_string_equal(outcome(&now, &step, day, &next), "");
	assert_int_equal(next.date_status, FACT_OFFICIAL);
	now.date_status = FACT_PROPOSED;
	assert_string_equal(outcome(&now, &step, day, &next), "");
	assert_int_equal(next.date_status, FACT_REPORTED);
}

static void a_round_nobody_started_can_be_closed_afterwards(void **state)
{
	struct round now = ready(ROUND_OPEN), next;
	struct round_step step = step_of(ROUND_CLOSE);

	(void)state;
	assert_string_equal(outcome(&now, &step, day, &next), "illegal-step");
	assert_string_equal(outcome(&now, &step, morrow, &next), "");
	assert_int_equal(next.status, ROUND_CLOSED);
	now = ready(ROUND_ANNOUNCED);
	now.date_status = FACT_PROPOSED;
	assert_string_equal(outcome(&now, &step, morrow, &next), "illegal-step");
}

static void moving_the_date(void **state)
{
	struct round now = ready(ROUND_OPEN), next, again;
	struct round_step step = step_of(ROUND_MOVE);

	(void)state;
	now.start_minute = 450;
	now.time_status = FACT_OFFICIAL;
	step.document = NULL;
	assert_string_equal(outcome(&now, &step, day, &next), "");
	assert_int_equal(next.date_status, FACT_PROPOSED);
	assert_int_equal(next.time_status, FACT_PROPOSED);
	assert_int_equal(next.start_minute, 450);
	assert_int_equal(next.place_status, FACT_OFFICIAL);
	assert_int_equal(date_compare(next.moved_from, day), 0);
	/* moved again: the date that the public knew stays */
	step.values.from = step.values.to = date_make(2025, 6, 8);
	step.document = "20/TB";
	assert_string_equal(outcome(&next, &step, day, &again), "");
	assert_int_equal(again.date_status, FACT_OFFICIAL);
	assert_string_equal(again.document, "20/TB");
	assert_int_equal(date_compare(again.moved_from, day), 0);
	/* nor does postponing it, or taking that back, make the public forget */
	next.status = ROUND_POSTPONED;
	next.status_reason = "Mưa lũ";
	assert_string_equal(outcome(&next, &step, day, &again), "");
	assert_int_equal(date_compare(again.moved_from, day), 0);
	next.status = ROUND_ANNOUNCED;
	assert_string_equal(outcome(&next, &step, day, &again), "");
	assert_int_equal(date_compare(again.moved_from, day), 0);
	/* a proposed day was never told, so nothing is said to have moved */
	now = ready(ROUND_ANNOUNCED);
	now.date_status = FACT_PROPOSED;
	assert_string_equal(outcome(&now, &step, day, &next), "");
	assert_true(date_is_none(next.moved_from));
	/* today is fine, yesterday is not, the same day is no move */
	step.values.from = step.values.to = eve;
	assert_string_equal(outcome(&now, &step, day, &next), "/date past");
	assert_string_equal(outcome(&now, &step, eve, &next), "");
	step.values.from = step.values.to = day;
	assert_string_equal(outcome(&now, &step, day, &next), "/date unchanged");
	step.values.precision = PRECISION_MONTH;
	step.values.from = date_make(2025, 6, 1);
	step.values.to = date_make(2025, 6, 30);
	assert_string_equal(outcome(&now, &step, day, &next), "/date needs_day");
	step.set = ROUND_DATE | ROUND_TITLE;
	assert_string_equal(outcome(&now, &step, day, &next), "/date required");
	step.set = 0;
	assert_string_equal(outcome(&now, &step, day, &next), "/date required");
}

/* A district ended: its communes host on the new date, and nobody has said more of the place than before. */
static void units_carried_to_a_date_are_as_sure_as_before(void **state)
{
	static const enum round_verb verbs[] = { ROUND_MOVE, ROUND_CONFIRM, ROUND_EDIT };
	static const enum fact_status statuses[] = { FACT_PROPOSED, FACT_OFFICIAL };

	(void)state;
	for (size_t v = 0; v < 3; v++) {
		for (size_t s = 0; s < 2; s++) {
			struct round now = ready(verbs[v] == ROUND_EDIT ? ROUND_DRAFT : ROUND_ANNOUNCED), next;
			struct round_step step = step_of(verbs[v]);

			now.date_status = FACT_PROPOSED;
			now.place_status = statuses[s];
			step.set = ROUND_DATE | ROUND_UNITS | ROUND_VENUE;
			step.carried = true;
			step.values = now;
			step.values.date_status = FACT_PROPOSED;
			step.values.place_status = FACT_UNKNOWN;
			step.values.from = step.values.to = date_make(2025, 7, 5);
			step.values.units = others;
			step.values.nunits = 1;
			step.document = "13/TB";
			assert_string_equal(outcome(&now, &step, day, &next), "");
			assert_int_equal(next.place_status, statuses[s]);
			assert_ptr_equal(next.units, others);
		}
	}
}

static void moving_the_place(void **state)
{
	struct round now = ready(ROUND_ANNOUNCED), next;
	struct round_step step = step_of(ROUND_MOVE);

	(void)state;
	now.venue = (struct named){ "v", "Trung tâm Y tế" };
	step.set = ROUND_UNITS;
	step.values.units = others;
	step.values.nunits = 1;
	step.document = NULL;
	assert_string_equal(outcome(&now, &step, day, &next), "");
	assert_int_equal(next.place_status, FACT_PROPOSED);
	assert_int_equal(next.date_status, FACT_OFFICIAL);
	assert_null(next.venue.id);
	assert_true(date_is_none(next.moved_from));
	step.values.nunits = 0;
	assert_string_equal(outcome(&now, &step, day, &next), "/units required");
	step.set = ROUND_VENUE;
	step.values.venue = (struct named){ "w", "Nhà văn hóa" };
	step.document = "9/TB";
	assert_string_equal(outcome(&now, &step, day, &next), "");
	assert_int_equal(next.nunits, 1);
	assert_int_equal(next.place_status, FACT_OFFICIAL);
}

static void editing_leaves_official_facts_alone(void **state)
{
	struct round now = ready(ROUND_ANNOUNCED), next;
	struct round_step step = step_of(ROUND_EDIT);

	(void)state;
	step.set = ROUND_DATE;
	step.values.from = step.values.to = morrow;
	assert_string_equal(outcome(&now, &step, day, &next), "/date announced");
	now.status = ROUND_DRAFT;
	assert_string_equal(outcome(&now, &step, day, &next), "");
	assert_int_equal(next.date_status, FACT_PROPOSED);
	step.values.date_status = FACT_REPORTED;
	assert_string_equal(outcome(&now, &step, day, &next), "");
	assert_int_equal(next.date_status, FACT_REPORTED);
	step.values.date_status = FACT_OFFICIAL;
	assert_string_equal(outcome(&now, &step, day, &next), "/date_status needs_confirm");

	now = ready(ROUND_OPEN);
	step = step_of(ROUND_EDIT);
	step.set = ROUND_TIME;
	step.values.start_minute = 450;
	assert_string_equal(outcome(&now, &step, day, &next), "");
	assert_int_equal(next.time_status, FACT_PROPOSED);
	now.start_minute = 480;
	now.time_status = FACT_OFFICIAL;
	assert_string_equal(outcome(&now, &step, day, &next), "/start official");
	step.set = ROUND_UNITS;
	assert_string_equal(outcome(&now, &step, day, &next), "/units official");
	step.set = ROUND_VENUE;
	assert_string_equal(outcome(&now, &step, day, &next), "/venue official");
	step.set = 0;
	assert_string_equal(outcome(&now, &step, day, &next), " required");
}

static void capacity_never_falls_below_what_is_booked(void **state)
{
	struct round now = ready(ROUND_OPEN), next;
	struct round_step step = step_of(ROUND_EDIT);

	(void)state;
	now.booked = 120;
	step.set = ROUND_CAPACITY;
	step.values.capacity = 119;
	assert_string_equal(outcome(&now, &step, day, &next), "/capacity below_booked");
	step.values.capacity = 120;
	assert_string_equal(outcome(&now, &step, day, &next), "");
	step.values.capacity = 0;
	assert_string_equal(outcome(&now, &step, day, &next), "/capacity out_of_range");
	step.values.capacity = -1;
	now.booked = 0;
	assert_string_equal(outcome(&now, &step, day, &next), "/capacity required");
}

static void a_draft_never_becomes_public_by_being_cancelled(void **state)
{
	struct round now = ready(ROUND_DRAFT), next, again;
	struct round_step step = step_of(ROUND_CANCEL);

	(void)state;
	assert_false(round_is_public(&now));
	assert_string_equal(outcome(&now, &step, day, &next), "");
	assert_false(round_is_public(&next));
	step = step_of(ROUND_REOPEN);
	assert_string_equal(outcome(&next, &step, day, &again), "");
	assert_int_equal(again.status, ROUND_DRAFT);
	now = ready(ROUND_ANNOUNCED);
	assert_true(round_is_public(&now));
	step = step_of(ROUND_CANCEL);
	assert_string_equal(outcome(&now, &step, day, &next), "");
	assert_true(round_is_public(&next));
}

/* ---- facts ---- */

static struct round facts;
static void no_title(void)
{
	facts.title = "  ";
}
static void end_before_start(void)
{
	facts.start_minute = 450;
	facts.end_minute = 450;
	facts.time_status = FACT_PROPOSED;
}
static void end_after_start(void)
{
	facts.start_minute = 450;
	facts.end_minute = 451;
	facts.time_status = FACT_PROPOSED;
}
static void end_at_midnight(void)
{
	facts.start_minute = 1439;
	facts.end_minute = 1440;
	facts.time_status = FACT_PROPOSED;
}
static void start_at_midnight(void)
{
	facts.start_minute = 1440;
	facts.time_status = FACT_PROPOSED;
}
static void end_alone(void)
{
	facts.end_minute = 600;
}
static void time_without_day(void)
{
	facts.precision = PRECISION_YEAR;
	facts.from = date_make(2025, 1, 1);
	facts.to = date_make(2025, 12, 31);
	facts.start_minute = 450;
	facts.time_status = FACT_REPORTED;
}
static void time_status_alone(void)
{
	facts.time_status = FACT_OFFICIAL;
}
static void time_of_no_status(void)
{
	facts.start_minute = 450;
}
static void two_days(void)
{
	facts.to = morrow;
}
static void half_month(void)
{
	facts.precision = PRECISION_MONTH;
}
static void whole_month(void)
{
	facts.precision = PRECISION_MONTH;
	facts.from = date_make(2024, 2, 1);
	facts.to = date_make(2024, 2, 29);
}
static void whole_year(void)
{
	facts.precision = PRECISION_YEAR;
	facts.from = date_make(2024, 1, 1);
	facts.to = date_make(2024, 12, 31);
}
static void no_date(void)
{
	facts.from = facts.to = (struct date){ 0 };
	facts.date_status = FACT_UNKNOWN;
}
static void no_date_but_official(void)
{
	facts.from = facts.to = (struct date){ 0 };
}
static void date_of_no_status(void)
{
	facts.date_status = FACT_UNKNOWN;
}
static void no_place_but_official(void)
{
	facts.nunits = 0;
}
static void venue_of_no_status(void)
{
	facts.venue.id = "v";
	facts.place_status = FACT_UNKNOWN;
}
static void host_twice(void)
{
	static struct named twice[] = { { "12", "a" }, { "12", "b" } };
	facts.units = twice;
	facts.nunits = 2;
}
static void open_without_capacity(void)
{
	facts.status = ROUND_OPEN;
	facts.capacity = -1;
}
static void cancelled_without_reason(void)
{
	facts.status = ROUND_CANCELLED;
	facts.status_reason = NULL;
}
static void target_too_high(void)
{
	facts.target_units = 100001;
}
static void target_at_limit(void)
{
	facts.target_units = 100000;
}
static void nothing(void) {}

static const struct {
	void (*change)(void);
	const char *want;
} checks[] = {
	{ nothing, "" },
	{ no_title, "/title" },
	{ end_before_start, "/end" },
	{ end_after_start, "" },
	{ end_at_midnight, "" },
	{ start_at_midnight, "/start" },
	{ end_alone, "/start" },
	{ time_without_day, "/start" },
	{ time_status_alone, "/start" },
	{ time_of_no_status, "/time_status" },
	{ two_days, "/date" },
	{ half_month, "/date" },
	{ whole_month, "" },
	{ whole_year, "" },
	{ no_date, "" },
	{ no_date_but_official, "/date" },
	{ date_of_no_status, "/date_status" },
	{ no_place_but_official, "/units" },
	{ venue_of_no_status, "/place_status" },
	{ host_twice, "/units" },
	{ open_without_capacity, "/capacity" },
	{ cancelled_without_reason, "/status_reason" },
	{ target_too_high, "/target_units" },
	{ target_at_limit, "" },
};

static void facts_that_cannot_be_together(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		struct error err = { 0 };

		facts = ready(ROUND_ANNOUNCED);
		checks[i].change();
		bool ok = round_check(&facts, &err);

		if (ok != !*checks[i].want || (!ok && strcmp(err.fields[0].pointer, checks[i].want) != 0))
			fail_msg("row %zu: %s", i, ok ? "accepted" : err.fields[0].pointer);
	}
}

static void words_and_minutes(void **state)
{
	enum round_verb verb;
	enum fact_status fact;
	int minute;
	char text[6];

	(void)state;
	assert_true(round_verb_parse("open", &verb) && verb == ROUND_OPEN_BOOKING);
	assert_false(round_verb_parse("opens", &verb));
	assert_false(round_verb_parse(NULL, &verb));
	assert_true(fact_status_parse("reported", &fact) && fact == FACT_REPORTED);
	for (int i = 0; i < ROUND_STATUS_COUNT; i++) {
		enum round_status status;

		assert_true(round_status_parse(round_status_text((enum round_status)i), &status) &&
			    (int)status == i);
	}
	assert_true(minute_parse("07:30", &minute) && minute == 450);
	assert_true(minute_parse("00:00", &minute) && minute == 0);
	assert_true(minute_parse("24:00", &minute) && minute == 1440);
	assert_false(minute_parse("24:01", &minute));
	assert_false(minute_parse("23:60", &minute));
	assert_false(minute_parse("7:30", &minute));
	assert_false(minute_parse("07:30 ", &minute));
	assert_false(minute_parse(NULL, &minute));
	assert_string_equal(minute_format(450, text), "07:30");
	assert_string_equal(minute_format(1440, text), "24:00");
}

static void what_is_left(void **state)
{
	static const struct {
		int capacity, booked, laid, walk_in, walked, left, kept;
	} cases[] = {
		{ -1, 0, 0, 0, 0, -1, 0 },       /* no capacity */
		{ 10, 0, 0, 0, 0, 10, 0 },       /* no slots yet */
		{ 10, 3, 10, 0, 0, 7, 0 },
		{ 10, 3, 10, 2, 0, 5, 2 },       /* what the door keeps is not to be booked */
		{ 10, 4, 10, 2, 1, 5, 1 },
		{ 10, 5, 10, 2, 3, 5, 0 },       /* the door also had a place of who did not come */
		{ 10, 3, 6, 0, 0, 3, 0 },        /* the beds serve fewer */
		{ 10, 8, 6, 0, 0, 0, 0 },        /* fewer than are booked */
		{ 10, 9, 10, 2, 0, 0, 2 },
		{ 5, 2, 10, 0, 0, 3, 0 },        /* a capacity set since the slots were laid */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct round round;

		round_init(&round);
		round.capacity = cases[i].capacity;
		round.booked = cases[i].booked;
		round.laid = cases[i].laid;
		round.walk_in = cases[i].walk_in;
		round.walked = cases[i].walked;
		assert_int_equal(round_left(&round), cases[i].left);
		assert_int_equal(round_kept(&round), cases[i].kept);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_step_from_every_status),
		cmocka_unit_test(reasons_and_documents_are_required),
		cmocka_unit_test(confirming_takes_what_really_was),
		cmocka_unit_test(announcing_needs_a_day_and_a_place_that_is_not_half_known),
		cmocka_unit_test(opening_needs_capacity_an_official_date_and_time_left),
		cmocka_unit_test(starting_is_for_the_day_itself),
		cmocka_unit_test(a_round_nobody_started_can_be_closed_afterwards),
		cmocka_unit_test(moving_the_date),
		cmocka_unit_test(units_carried_to_a_date_are_as_sure_as_before),
		cmocka_unit_test(moving_the_place),
		cmocka_unit_test(editing_leaves_official_facts_alone),
		cmocka_unit_test(capacity_never_falls_below_what_is_booked),
		cmocka_unit_test(a_draft_never_becomes_public_by_being_cancelled),
		cmocka_unit_test(facts_that_cannot_be_together),
		cmocka_unit_test(words_and_minutes),
		cmocka_unit_test(what_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
