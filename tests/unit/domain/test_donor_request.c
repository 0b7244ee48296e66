/* Deadlines of what donors ask for: Decree 356/2025/NĐ-CP Art. 5, each on both sides of its day. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "domain/donor_request.h"
#include "domain/propose.h"

static const struct holiday holidays[] = {
	{ { 2026, 2, 14 }, { 2026, 2, 22 }, "Tết Nguyên đán", false },
	{ { 2026, 4, 30 }, { 2026, 5, 1 }, "30/4 và 1/5", false },
	{ { 2026, 11, 24 }, { 2026, 11, 24 }, "Ngày Văn hóa Việt Nam", true },
};

static struct date day(const char *text)
{
	struct date date = { 0 };

	assert_true(date_parse(text, &date));
	return date;
}

static struct donor_request received(enum request_kind kind, const char *on, int minute)
{
	struct donor_request request = { .kind = kind, .received_us = date_instant(day(on), minute),
					 .answered_us = INT64_MIN, .closed_us = INT64_MIN };

	request_set_deadlines(&request, holidays, ARRAY_SIZE(holidays));
	return request;
}

static void assert_day(struct date date, const char *text)
{
	char out[DATE_TEXT_SIZE];

	assert_string_equal(date_format(date, out), text);
}

/* Art. 5: two working days, the day of receipt not counted. */
static void test_answer_within_two_working_days(void **state)
{
	static const struct { const char *on, *by; } cases[] = {
		{ "2026-03-02", "2026-03-04" },  /* Monday */
		{ "2026-03-05", "2026-03-09" },  /* Thursday: Friday, Monday */
		{ "2026-03-06", "2026-03-10" },  /* Friday */
		{ "2026-03-07", "2026-03-10" },  /* Saturday and Sunday alike */
		{ "2026-03-08", "2026-03-10" },
		{ "2026-02-12", "2026-02-23" },  /* the day before the last one before Tết */
		{ "2026-02-13", "2026-02-24" },
		{ "2026-02-17", "2026-02-24" },  /* in the middle of it */
		{ "2026-04-28", "2026-05-04" },  /* Wednesday, then Monday */
		{ "2026-11-20", "2026-11-24" },  /* perhaps a holiday: who answers by then is in time either way */
		{ "2026-11-23", "2026-11-25" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_day(received(REQUEST_ACCESS, cases[i].on, 0).answer_by, cases[i].by);
		assert_day(received(REQUEST_ERASURE, cases[i].on, 23 * 60 + 59).answer_by, cases[i].by);
	}
}

/* Art. 5(2), 5(3), 5(4): calendar days; more of them where somebody else must carry it out, but for the extension. */
static void test_terms(void **state)
{
	static const struct { enum request_kind kind; int days; const char *by; int third; const char *by_third, *latest; } cases[] = {
		{ REQUEST_ACCESS, 10, "2026-03-12", 15, "2026-03-17", "2026-03-27" },
		{ REQUEST_CORRECTION, 10, "2026-03-12", 15, "2026-03-17", "2026-03-27" },
		{ REQUEST_WITHDRAWAL, 15, "2026-03-17", 20, "2026-03-22", "2026-04-06" },
		{ REQUEST_RESTRICTION, 15, "2026-03-17", 20, "2026-03-22", "2026-04-06" },
		{ REQUEST_OBJECTION, 15, "2026-03-17", 20, "2026-03-22", "2026-04-06" },
		{ REQUEST_ERASURE, 20, "2026-03-22", 30, "2026-04-01", "2026-04-21" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct donor_request request = received(cases[i].kind, "2026-03-02", 480);
		struct date latest = day(cases[i].latest);
		struct error err;

		assert_int_equal(request_term_days(cases[i].kind, false), cases[i].days);
		assert_int_equal(request_term_days(cases[i].kind, true), cases[i].third);
		assert_day(request.carry_out_by, cases[i].by);
		request.third_party = true;
		request_set_deadlines(&request, holidays, ARRAY_SIZE(holidays));
		assert_day(request.answer_by, "2026-03-04");
		assert_day(request.carry_out_by, cases[i].by_third);
		assert_false(request_is_late(&request, day("2026-03-04")));
		error_clear(&err);
		assert_false(request_extend(&request, date_add_days(latest, 1), day("2026-03-04"), &err));
		error_clear(&err);
		assert_true(request_extend(&request, latest, day("2026-03-04"), &err));
	}
}

static void test_late(void **state)
{
	struct donor_request request = received(REQUEST_ACCESS, "2026-03-02", 480);

	(void)state;
	assert_false(request_is_late(&request, day("2026-03-04")));
	assert_true(request_is_late(&request, day("2026-03-05")));
	request.answered_us = 1;
	assert_false(request_is_late(&request, day("2026-03-12")));
	assert_true(request_is_late(&request, day("2026-03-13")));
	request.closed_us = 1;
	assert_false(request_is_late(&request, day("2026-03-13")));
}

/* Received before a long break, access is to be carried out before it is to be answered. */
static void test_late_by_whichever_comes_first(void **state)
{
	struct donor_request request = received(REQUEST_ACCESS, "2026-02-12", 480);

	(void)state;
	request.carry_out_by = day("2026-02-22");
	assert_true(request_is_late(&request, day("2026-02-23")));
}

static bool extends(struct donor_request *request, const char *until, const char *today, enum error_code code)
{
	struct error err;
	bool fine;

	error_clear(&err);
	fine = request_extend(request, day(until), day(today), &err);
	assert_int_equal(err.code, code);
	return fine;
}

/* Art. 5(2)-(4): once, up to as many days again. */
static void test_extension(void **state)
{
	struct donor_request request = received(REQUEST_OBJECTION, "2026-03-02", 480);

	(void)state;
	assert_false(extends(&request, "2026-03-17", "2026-03-17", ERR_INVALID_FIELD));
	assert_false(extends(&request, "2026-04-02", "2026-03-17", ERR_INVALID_FIELD));
	assert_false(extends(&request, "2026-04-01", "2026-03-18", ERR_ILLEGAL_STEP));
	assert_true(extends(&request, "2026-04-01", "2026-03-17", ERR_NONE));
	assert_day(request.carry_out_by, "2026-04-01");
	assert_day(request.extended_from, "2026-03-17");
	assert_false(extends(&request, "2026-04-02", "2026-03-18", ERR_ILLEGAL_STEP));
}

static void test_steps(void **state)
{
	struct donor_request request = received(REQUEST_ERASURE, "2026-03-02", 480);
	struct error err;

	(void)state;
	error_clear(&err);
	assert_int_equal(request_state(&request), REQUEST_OPEN);
	assert_true(request_answer(&request, 7, &err));
	assert_int_equal(request_state(&request), REQUEST_ANSWERED);
	assert_false(request_answer(&request, 8, &err));
	assert_int_equal(err.code, ERR_ILLEGAL_STEP);
	error_clear(&err);
	assert_true(request_close(&request, REQUEST_REFUSED, REQUEST_ARTICLE_19, 9, &err));
	assert_int_equal(request_state(&request), REQUEST_CLOSED);
	assert_int_equal(request.answered_us, 7);
	assert_false(request_close(&request, REQUEST_DONE, REQUEST_ARTICLE_19, 9, &err));
	error_clear(&err);
	assert_false(request_answer(&request, 9, &err));
	error_clear(&err);
	assert_false(extends(&request, "2026-03-25", "2026-03-10", ERR_ILLEGAL_STEP));
	/* closing answers too */
	request = received(REQUEST_ACCESS, "2026-03-02", 480);
	assert_true(request_close(&request, REQUEST_DONE, REQUEST_ARTICLE_19, 9, &err));
	assert_int_equal(request.answered_us, 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer_within_two_working_days),
		cmocka_unit_test(test_terms),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_late_by_whichever_comes_first),
		cmocka_unit_test(test_extension),
		cmocka_unit_test(test_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
