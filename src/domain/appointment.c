#include "domain/appointment.h"

#include "base/error.h"
#include "base/text.h"
#include "domain/round.h"
#include "domain/spoken_code.h"

static const char *const state_texts[APPOINTMENT_STATE_COUNT] = {
	[APPOINTMENT_WAITING] = "waiting",       [APPOINTMENT_BOOKED] = "booked",
	[APPOINTMENT_CHECKED_IN] = "checked_in", [APPOINTMENT_CANCELLED] = "cancelled",
	[APPOINTMENT_NO_SHOW] = "no_show",       [APPOINTMENT_RELEASED] = "released",
};

static const char *const kind_texts[APPOINTMENT_KIND_COUNT] = {
	[APPOINTMENT_BOOKING] = "booking", [APPOINTMENT_WALK_IN] = "walk_in", [APPOINTMENT_SEAT] = "seat",
};

static const char *const verb_texts[APPOINTMENT_VERB_COUNT] = {
	[APPOINTMENT_MOVE] = "move",    [APPOINTMENT_CANCEL] = "cancel", [APPOINTMENT_CHECK_IN] = "check_in",
	[APPOINTMENT_MISS] = "no_show", [APPOINTMENT_NAME] = "name",
};

/* Which states a verb starts from, as bits; the round and the hour may still forbid it. */
#define FROM(state) (1u << APPOINTMENT_##state)
static const unsigned verb_from[APPOINTMENT_VERB_COUNT] = {
	[APPOINTMENT_MOVE] = FROM(WAITING) | FROM(BOOKED),
	[APPOINTMENT_CANCEL] = FROM(WAITING) | FROM(BOOKED),
	[APPOINTMENT_CHECK_IN] = FROM(BOOKED) | FROM(NO_SHOW),
	[APPOINTMENT_MISS] = FROM(BOOKED),
	[APPOINTMENT_NAME] = FROM(BOOKED),
};
#undef FROM

static bool find_text(const char *const *texts, int count, const char *text, int *out)
{
	for (int i = 0; i < count; i++) {
		if (streq(texts[i], text)) {
			*out = i;
			return true;
		}
	}
	return false;
}

const char *appointment_state_text(enum appointment_state state)
{
	return (unsigned)state < APPOINTMENT_STATE_COUNT ? state_texts[state] : "unknown";
}

bool appointment_state_parse(const char *text, enum appointment_state *out)
{
	int found;

	if (!find_text(state_texts, APPOINTMENT_STATE_COUNT, text, &found))
		return false;
	*out = (enum appointment_state)found;
	return true;
}

const char *appointment_kind_text(enum appointment_kind kind)
{
	return (unsigned)kind < APPOINTMENT_KIND_COUNT ? kind_texts[kind] : "unknown";
}

bool appointment_kind_parse(const char *text, enum appointment_kind *out)
{
	int found;

	if (!find_text(kind_texts, APPOINTMENT_KIND_COUNT, text, &found))
		return false;
	*out = (enum appointment_kind)found;
	return true;
}

const char *appointment_verb_text(enum appointment_verb verb)
{
	return (unsigned)verb < APPOINTMENT_VERB_COUNT ? verb_texts[verb] : "unknown";
}

bool appointment_verb_parse(const char *text, enum appointment_verb *out)
{
	int found;

	if (!find_text(verb_texts, APPOINTMENT_VERB_COUNT, text, &found))
		return false;
	*out = (enum appointment_verb)found;
	return true;
}

/* ---- the code ---- */

static const struct spoken_form code_form = { APPOINTMENT_CODE_CHARACTERS, 3 };

_Static_assert((int)APPOINTMENT_CODE_SIZE == (int)APPOINTMENT_CODE_CHARACTERS + 2, "a dash and a NUL");

void appointment_code_make(uint64_t random, char out[APPOINTMENT_CODE_SIZE])
{
	spoken_code_make(&code_form, random, out);
}

enum appointment_code_fault appointment_code_parse(const char *typed, char out[APPOINTMENT_CODE_SIZE])
{
	switch (spoken_code_parse(&code_form, typed, out)) {
	case SPOKEN_FINE:
		return APPOINTMENT_CODE_FINE;
	case SPOKEN_MISTYPED:
		return APPOINTMENT_CODE_MISTYPED;
	default:
		return APPOINTMENT_CODE_MALFORMED;
	}
}

/* ---- what a person must look at ---- */

/* Slots are laid anew when places are given the next time; until then the round's own hours tell. */
static bool is_outside(const struct slot *slot, const struct round *round)
{
	return round->start_minute >= 0 &&
	       (slot->start_minute < round->start_minute ||
		(round->end_minute >= 0 && slot->start_minute >= round->end_minute));
}

const char *appointment_attention(const struct appointment *appointment, const struct round *round)
{
	if (appointment->state != APPOINTMENT_WAITING && appointment->state != APPOINTMENT_BOOKED)
		return "";
	if (round->status == ROUND_CANCELLED)
		return "round_cancelled";
	if (round->status == ROUND_POSTPONED)
		return "round_postponed";
	if (date_compare(appointment->told_day, round->from) != 0)
		return "round_moved";
	if (*appointment->slot.id && (!appointment->slot.stands || is_outside(&appointment->slot, round)))
		return "slot_gone";
	return appointment->contact_facility ? "contact_facility" : "";
}

/* ---- what is possible now ---- */

static bool refuse(struct error *err, const char *en, const char *vi)
{
	/* Each text takes its own of the two arguments. */
	return error_set(err, ERR_ILLEGAL_STEP, "%1$s%2$.0s", "%2$s%1$.0s", en, vi);
}

/* Why no place is given in a round of this status; for those that never say yes. */
static bool refuse_status(const struct round *round, struct error *err)
{
	switch (round->status) {
	case ROUND_DRAFT:
	case ROUND_ANNOUNCED:
		return refuse(err, "The round is not open for booking yet. Open it first, or wait until it is open.",
			      "Đợt chưa mở đăng ký. Hãy mở đợt trước, hoặc chờ đến khi đợt được mở.");
	case ROUND_MOVED:
		return refuse(err, "The round was moved. Those who are booked keep their places; open it again to give new ones.",
			      "Đợt đã được dời. Người đã đăng ký vẫn giữ chỗ; hãy mở lại đợt để nhận thêm.");
	case ROUND_POSTPONED:
		return refuse(err, "The round is postponed. Choose another round, or wait for its new day.",
			      "Đợt đang hoãn. Hãy chọn đợt khác, hoặc chờ ngày mới.");
	case ROUND_CANCELLED:
		return refuse(err, "The round is cancelled. Choose another round.",
			      "Đợt đã hủy. Hãy chọn đợt khác.");
	default:
		return refuse(err, "The round is over. Choose another round.", "Đợt đã kết thúc. Hãy chọn đợt khác.");
	}
}

static bool is_given_in(const struct round *round)
{
	return round->status == ROUND_OPEN || round->status == ROUND_RUNNING;
}

bool round_takes_bookings(const struct round *round, struct appointment_now now, struct error *err)
{
	if (!is_given_in(round))
		return refuse_status(round, err);
	if (date_compare(round->from, now.today) < 0)
		return refuse(err, "The round's day is past. Choose another round.",
			      "Ngày của đợt đã qua. Hãy chọn đợt khác.");
	return true;
}

bool round_takes_walk_ins(const struct round *round, struct appointment_now now, struct error *err)
{
	int order = date_compare(now.today, round->from);

	if (!is_given_in(round))
		return refuse_status(round, err);
	if (order > 0)
		return refuse(err, "The round's day is past. Choose another round.",
			      "Ngày của đợt đã qua. Hãy chọn đợt khác.");
	if (order < 0)
		return refuse(err, "Places at the door are given on the round's day. Book a place instead.",
			      "Người không hẹn trước chỉ được nhận trong ngày của đợt. Hãy đăng ký trước.");
	return true;
}

static bool refuse_verb(enum appointment_verb verb, const struct appointment *appointment, struct error *err)
{
	return error_set(err, ERR_ILLEGAL_STEP, "An appointment that is \"%s\" cannot take the step \"%s\".",
			 "Lịch hẹn ở trạng thái \"%s\" không thể thực hiện bước \"%s\".",
			 appointment_state_text(appointment->state), appointment_verb_text(verb));
}

static bool is_held(const struct round *round)
{
	return is_given_in(round) || round->status == ROUND_CLOSED;
}

static bool check_in_allowed(const struct appointment *appointment, const struct round *round, struct appointment_now now,
			     struct error *err)
{
	if (!*appointment->donor_id)
		return refuse(err, "Nobody was named for this seat: say first who it is, with name.",
			      "Chỗ này chưa có tên: hãy ghi tên người trước, bằng name.");
	if (!is_held(round))
		return refuse_status(round, err);
	if (date_compare(now.today, round->from) < 0)
		return refuse(err, "People are checked in on the round's day, not before.",
			      "Chỉ ghi nhận có mặt trong ngày của đợt, không sớm hơn.");
	return true;
}

static bool miss_allowed(const struct appointment *appointment, const struct round *round, struct appointment_now now,
			 struct error *err)
{
	if (!is_held(round))
		return refuse_status(round, err);
	if (!slot_has_begun(&appointment->slot, round->from, now.today, now.minute))
		return refuse(err, "Its hour has not come yet: wait, or cancel it.",
			      "Chưa đến giờ hẹn: hãy chờ, hoặc hủy lịch.");
	return true;
}

static bool change_allowed(const struct round *round, struct error *err)
{
	if (round->status == ROUND_CLOSED)
		return refuse(err, "The round is closed: what is left of it is told by check_in and no_show.",
			      "Đợt đã kết thúc: chỉ còn ghi check_in và no_show.");
	return true;
}

bool round_takes_seats_back(const struct round *round, struct error *err)
{
	return round->status == ROUND_CANCELLED ? refuse_status(round, err) : change_allowed(round, err);
}

bool appointment_verb_allowed(enum appointment_verb verb, const struct appointment *appointment, const struct round *round,
			      struct appointment_now now, struct error *err)
{
	if ((unsigned)verb >= APPOINTMENT_VERB_COUNT || !(verb_from[verb] & (1u << appointment->state)))
		return refuse_verb(verb, appointment, err);
	switch (verb) {
	case APPOINTMENT_CHECK_IN:
		return check_in_allowed(appointment, round, now, err);
	case APPOINTMENT_MISS:
		return miss_allowed(appointment, round, now, err);
	case APPOINTMENT_NAME:
		if (*appointment->donor_id)
			return refuse(err, "Somebody was named for this seat: cancel it, then book the other person.",
				      "Chỗ này đã có tên: hãy hủy, rồi đăng ký cho người khác.");
		return round_takes_seats_back(round, err);
	default:
		return change_allowed(round, err);
	}
}
