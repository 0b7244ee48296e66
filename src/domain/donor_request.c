#include "domain/donor_request.h"

#include "base/error.h"
#include "base/text.h"
#include "domain/propose.h"

static const char *const kinds[REQUEST_KIND_COUNT] = {
	[REQUEST_ACCESS] = "access",           [REQUEST_CORRECTION] = "correction",
	[REQUEST_WITHDRAWAL] = "withdrawal",   [REQUEST_RESTRICTION] = "restriction",
	[REQUEST_OBJECTION] = "objection",     [REQUEST_ERASURE] = "erasure",
};
static const char *const states[REQUEST_STATE_COUNT] = {
	[REQUEST_OPEN] = "open", [REQUEST_ANSWERED] = "answered", [REQUEST_CLOSED] = "closed",
};
static const char *const outcomes[REQUEST_OUTCOME_COUNT] = {
	[REQUEST_DONE] = "done", [REQUEST_REFUSED] = "refused", [REQUEST_DROPPED] = "dropped",
};
static const char *const grounds[REQUEST_GROUND_COUNT] = {
	[REQUEST_ARTICLE_19] = "article_19",
	[REQUEST_IDENTITY_UNPROVEN] = "identity_unproven",
	[REQUEST_NOT_HELD] = "not_held",
};

/* Index of the word, or -1. */
static int find(const char *const *words, int count, const char *text)
{
	for (int i = 0; i < count; i++)
		if (streq(words[i], text))
			return i;
	return -1;
}

#define WORDS(name, words, count)                                     \
	const char *request_##name##_text(enum request_##name value)  \
	{                                                             \
		return (words)[value];                                \
	}                                                             \
	bool request_##name##_parse(const char *text, enum request_##name *out) \
	{                                                             \
		int found = find(words, count, text);                 \
                                                                      \
		if (found < 0)                                        \
			return false;                                 \
		*out = (enum request_##name)found;                    \
		return true;                                          \
	}

WORDS(kind, kinds, REQUEST_KIND_COUNT)
WORDS(state, states, REQUEST_STATE_COUNT)
WORDS(outcome, outcomes, REQUEST_OUTCOME_COUNT)
WORDS(ground, grounds, REQUEST_GROUND_COUNT)

/*
 * Decree 356/2025/NĐ-CP Art. 5(2)-(4), in calendar days: "ngày" is not said to be working days, and who counts
 * calendar days is in time either way.
 */
static const struct { int own, third_party, extension; } REQUEST_TERM_DAYS[REQUEST_KIND_COUNT] = {
	[REQUEST_ACCESS] = { 10, 15, 10 },      [REQUEST_CORRECTION] = { 10, 15, 10 }, [REQUEST_WITHDRAWAL] = { 15, 20, 15 },
	[REQUEST_RESTRICTION] = { 15, 20, 15 }, [REQUEST_OBJECTION] = { 15, 20, 15 },  [REQUEST_ERASURE] = { 20, 30, 20 },
};

int request_term_days(enum request_kind kind, bool third_party)
{
	return third_party ? REQUEST_TERM_DAYS[kind].third_party : REQUEST_TERM_DAYS[kind].own;
}

/* ---- deadlines ---- */

static bool is_working_day(struct date day, const struct holiday *holidays, size_t nholidays)
{
	if (date_weekday(day) >= 5)
		return false;
	for (size_t i = 0; i < nholidays; i++)
		if (!holidays[i].unsure && date_compare(day, holidays[i].from) >= 0 && date_compare(day, holidays[i].to) <= 0)
			return false;
	return true;
}

void request_set_deadlines(struct donor_request *request, const struct holiday *holidays, size_t nholidays)
{
	struct date received = date_of_instant(request->received_us), day = received;

	for (int left = REQUEST_ANSWER_WORKING_DAYS; left > 0;) {
		day = date_add_days(day, 1);
		left -= is_working_day(day, holidays, nholidays);
	}
	request->answer_by = day;
	request->carry_out_by = date_add_days(received, request_term_days(request->kind, request->third_party));
	request->extended_from = (struct date){ 0 };
}

enum request_state request_state(const struct donor_request *request)
{
	if (request->closed_us != INT64_MIN)
		return REQUEST_CLOSED;
	return request->answered_us != INT64_MIN ? REQUEST_ANSWERED : REQUEST_OPEN;
}

bool request_is_late(const struct donor_request *request, struct date today)
{
	switch (request_state(request)) {
	case REQUEST_OPEN:
		if (date_compare(today, request->answer_by) > 0)
			return true;
		return date_compare(today, request->carry_out_by) > 0;
	case REQUEST_ANSWERED:
		return date_compare(today, request->carry_out_by) > 0;
	default:
		return false;
	}
}

/* ---- steps ---- */

static bool must_be_open(const struct donor_request *request, struct error *err)
{
	return request->closed_us == INT64_MIN ||
	       error_set(err, ERR_ILLEGAL_STEP, "This request is closed.", "Yêu cầu này đã đóng.");
}

bool request_answer(struct donor_request *request, int64_t now_us, struct error *err)
{
	if (!must_be_open(request, err))
		return false;
	if (request->answered_us != INT64_MIN)
		return error_set(err, ERR_ILLEGAL_STEP, "This request has been answered.", "Yêu cầu này đã được trả lời.");
	request->answered_us = now_us;
	return true;
}

bool request_extend(struct donor_request *request, struct date until, struct date today, struct error *err)
{
	struct date latest = date_add_days(request->carry_out_by, REQUEST_TERM_DAYS[request->kind].extension);
	char text[DATE_TEXT_SIZE];

	if (!must_be_open(request, err))
		return false;
	if (!date_is_none(request->extended_from))
		return error_set(err, ERR_ILLEGAL_STEP, "The law knows one extension, and this request has had it.",
				 "Luật chỉ cho gia hạn một lần, yêu cầu này đã được gia hạn.");
	if (date_compare(today, request->carry_out_by) > 0)
		return error_set(err, ERR_ILLEGAL_STEP, "The time to carry it out has passed: it cannot be extended now.",
				 "Đã quá hạn thực hiện: không thể gia hạn nữa.");
	if (date_compare(until, request->carry_out_by) <= 0 || date_compare(until, latest) > 0) {
		date_format(latest, text);
		return error_add_field(err, "/until", "out_of_range", "After the day on which it is due now, and not after %s.",
				       "Sau hạn hiện tại và không sau %s.", text);
	}
	request->extended_from = request->carry_out_by;
	request->carry_out_by = until;
	return true;
}

bool request_close(struct donor_request *request, enum request_outcome outcome, enum request_ground ground,
		   int64_t now_us, struct error *err)
{
	if (!must_be_open(request, err))
		return false;
	if (request->answered_us == INT64_MIN)
		request->answered_us = now_us;
	request->closed_us = now_us;
	request->outcome = outcome;
	request->ground = ground;
	return true;
}
