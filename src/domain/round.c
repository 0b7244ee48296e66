#include "domain/round.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "domain/round_rules.h"

static const char *const fact_texts[FACT_STATUS_COUNT] = {
	[FACT_UNKNOWN] = "unknown",
	[FACT_PROPOSED] = "proposed",
	[FACT_REPORTED] = "reported",
	[FACT_OFFICIAL] = "official",
};

static const char *const precision_texts[DATE_PRECISION_COUNT] = {
	[PRECISION_DAY] = "day",
	[PRECISION_MONTH] = "month",
	[PRECISION_YEAR] = "year",
};

static const char *const status_texts[ROUND_STATUS_COUNT] = {
	[ROUND_DRAFT] = "draft",     [ROUND_ANNOUNCED] = "announced", [ROUND_OPEN] = "open",
	[ROUND_RUNNING] = "running", [ROUND_CLOSED] = "closed",       [ROUND_POSTPONED] = "postponed",
	[ROUND_MOVED] = "moved",     [ROUND_CANCELLED] = "cancelled",
};

static const char *const verb_texts[ROUND_VERB_COUNT] = {
	[ROUND_EDIT] = "edit",         [ROUND_CONFIRM] = "confirm",   [ROUND_ANNOUNCE] = "announce",
	[ROUND_OPEN_BOOKING] = "open", [ROUND_START] = "start",       [ROUND_CLOSE] = "close",
	[ROUND_REOPEN] = "reopen",     [ROUND_POSTPONE] = "postpone", [ROUND_MOVE] = "move",
	[ROUND_CANCEL] = "cancel",
};

/* Which statuses a verb starts from, as bits; the day and the facts may still forbid it. */
#define FROM(status) (1u << ROUND_##status)
static const unsigned verb_from[ROUND_VERB_COUNT] = {
	[ROUND_EDIT] =
		FROM(DRAFT) | FROM(ANNOUNCED) | FROM(OPEN) | FROM(RUNNING) | FROM(POSTPONED) | FROM(MOVED),
	[ROUND_CONFIRM] =
		FROM(DRAFT) | FROM(ANNOUNCED) | FROM(OPEN) | FROM(MOVED) | FROM(RUNNING) | FROM(CLOSED),
	[ROUND_ANNOUNCE] = FROM(DRAFT),
	[ROUND_OPEN_BOOKING] = FROM(ANNOUNCED) | FROM(MOVED),
	[ROUND_START] = FROM(OPEN) | FROM(ANNOUNCED) | FROM(MOVED),
	[ROUND_CLOSE] = FROM(RUNNING) | FROM(OPEN) | FROM(ANNOUNCED) | FROM(MOVED),
	[ROUND_REOPEN] = FROM(CLOSED) | FROM(POSTPONED) | FROM(CANCELLED),
	[ROUND_POSTPONE] = FROM(ANNOUNCED) | FROM(OPEN) | FROM(MOVED),
	[ROUND_MOVE] = FROM(ANNOUNCED) | FROM(OPEN) | FROM(POSTPONED) | FROM(MOVED),
	[ROUND_CANCEL] =
		FROM(DRAFT) | FROM(ANNOUNCED) | FROM(OPEN) | FROM(MOVED) | FROM(POSTPONED) | FROM(RUNNING),
};
#undef FROM

enum {
	TITLE_MAX = 200,
	NAME_MAX_POINTS = 300,
	REASON_MAX = 500,
	NOTE_MAX = 2000,
	UNITS_MAX = 32,
	CAMPAIGNS_MAX = 8,
	PEOPLE_MAX = 100000,
	ORDINAL_MAX = 366,
	DAY_MINUTES = 24 * 60
};

static const char *text_of(const char *const *texts, int count, int value)
{
	return value >= 0 && value < count ? texts[value] : "unknown";
}

static bool index_of(const char *const *texts, int count, const char *text, int *out)
{
	for (int i = 0; i < count; i++) {
		if (streq(texts[i], text)) {
			*out = i;
			return true;
		}
	}
	return false;
}

const char *fact_status_text(enum fact_status status)
{
	return text_of(fact_texts, FACT_STATUS_COUNT, (int)status);
}

bool fact_status_parse(const char *text, enum fact_status *out)
{
	int index;

	if (!index_of(fact_texts, FACT_STATUS_COUNT, text, &index))
		return false;
	*out = (enum fact_status)index;
	return true;
}

bool fact_is_known(enum fact_status status)
{
	return status == FACT_OFFICIAL || status == FACT_REPORTED;
}

const char *date_precision_text(enum date_precision precision)
{
	return text_of(precision_texts, DATE_PRECISION_COUNT, (int)precision);
}

bool date_precision_parse(const char *text, enum date_precision *out)
{
	int index;

	if (!index_of(precision_texts, DATE_PRECISION_COUNT, text, &index))
		return false;
	*out = (enum date_precision)index;
	return true;
}

const char *round_status_text(enum round_status status)
{
	return text_of(status_texts, ROUND_STATUS_COUNT, (int)status);
}

bool round_status_parse(const char *text, enum round_status *out)
{
	int index;

	if (!index_of(status_texts, ROUND_STATUS_COUNT, text, &index))
		return false;
	*out = (enum round_status)index;
	return true;
}

const char *round_verb_text(enum round_verb verb)
{
	return text_of(verb_texts, ROUND_VERB_COUNT, (int)verb);
}

bool round_verb_parse(const char *text, enum round_verb *out)
{
	int index;

	if (!index_of(verb_texts, ROUND_VERB_COUNT, text, &index))
		return false;
	*out = (enum round_verb)index;
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool minute_parse(const char *text, int *minute)
{
	if (!text || strlen(text) != 5 || !is_digit(text[0]) || !is_digit(text[1]) || text[2] != ':' ||
	    !is_digit(text[3]) || !is_digit(text[4]))
		return false;
	int hours = (text[0] - '0') * 10 + (text[1] - '0');
	int minutes = (text[3] - '0') * 10 + (text[4] - '0');

	if (minutes > 59 || hours > 24 || (hours == 24 && minutes > 0))
		return false;
	*minute = hours * 60 + minutes;
	return true;
}

char *minute_format(int minute, char out[6])
{
	unsigned m = minute < 0 ? 0 : (unsigned)minute % 6000;

	snprintf(out, 6, "%02u:%02u", m / 60 % 100, m % 60);
	return out;
}

void round_init(struct round *round)
{
	*round = (struct round){
		.start_minute = -1,
		.end_minute = -1,
		.target_units = -1,
		.capacity = -1,
		.version = 1,
	};
}

int round_kept(const struct round *round)
{
	return round->walk_in > round->walked ? round->walk_in - round->walked : 0;
}

int round_left(const struct round *round)
{
	int places = round->laid > 0 && round->laid < round->capacity ? round->laid : round->capacity;
	int left = places - round->booked - round_kept(round);

	if (round->capacity < 0)
		return -1;
	return left > 0 ? left : 0;
}

bool round_is_public(const struct round *round)
{
	return round->status != ROUND_DRAFT && !round->never_public;
}

/* ---- facts that cannot be together ---- */

struct check {
	const char *prefix;
	struct error *err;
	bool ok;
};

#define FAULT(check, name, fault_code, ...)                                           \
	do {                                                                          \
		char pointer_[96];                                                    \
		snprintf(pointer_, sizeof(pointer_), "%s/%s", (check)->prefix, name); \
		error_add_field((check)->err, pointer_, fault_code, __VA_ARGS__);     \
		(check)->ok = false;                                                  \
	} while (0)

static void check_length(struct check *check, const char *name, const char *text, size_t max)
{
	if (text && text_length(text) > max)
		FAULT(check, name, "too_long", "Shorten it to %zu characters.", "Hãy rút gọn còn %zu ký tự.",
		      max);
}

static bool period_fits(const struct round *round)
{
	struct date from = round->from, to = round->to;

	switch (round->precision) {
	case PRECISION_DAY:
		return date_compare(from, to) == 0;
	case PRECISION_MONTH:
		return from.day == 1 && from.year == to.year && from.month == to.month &&
		       to.day == date_month_length(to.year, to.month);
	case PRECISION_YEAR:
		return from.day == 1 && from.month == 1 && from.year == to.year && to.day == 31 &&
		       to.month == 12;
	default:
		return false;
	}
}

static void check_date(const struct round *round, struct check *check)
{
	if (date_is_none(round->from) || date_is_none(round->to)) {
		if (!date_is_none(round->from) || !date_is_none(round->to))
			FAULT(check, "date", "incomplete", "Give both ends of the period, or neither.",
			      "Cho cả hai đầu của khoảng thời gian, hoặc không cho đầu nào.");
		else if (round->date_status != FACT_UNKNOWN)
			FAULT(check, "date", "required", "Give the date, or call date_status \"unknown\".",
			      "Cho biết ngày, hoặc đặt date_status là \"unknown\".");
		return;
	}
	if (!period_fits(round))
		FAULT(check, "date", "invalid_period",
		      "Give one day, one whole month or one whole year, as date_precision says.",
		      "Hãy cho một ngày, trọn một tháng hoặc trọn một năm, đúng như date_precision.");
	if (round->date_status == FACT_UNKNOWN)
		FAULT(check, "date_status", "contradiction",
		      "The date is given: call it proposed, reported or official.",
		      "Đã có ngày: hãy ghi là proposed, reported hoặc official.");
}

static void check_times(const struct round *round, struct check *check)
{
	int start = round->start_minute, end = round->end_minute;

	if (start < -1 || start >= DAY_MINUTES)
		FAULT(check, "start", "out_of_range", "Give a time from 00:00 to 23:59.",
		      "Cho giờ từ 00:00 đến 23:59.");
	if (end < -1 || end == 0 || end > DAY_MINUTES)
		FAULT(check, "end", "out_of_range", "Give a time from 00:01 to 24:00.",
		      "Cho giờ từ 00:01 đến 24:00.");
	if (end >= 0 && start < 0)
		FAULT(check, "start", "required", "Give the start too, or no end.",
		      "Cho cả giờ bắt đầu, hoặc bỏ giờ kết thúc.");
	else if (end >= 0 && end <= start)
		FAULT(check, "end", "before_start", "The end must be after the start.",
		      "Giờ kết thúc phải sau giờ bắt đầu.");
	if (start >= 0 && (date_is_none(round->from) || round->precision != PRECISION_DAY))
		FAULT(check, "start", "needs_day", "Hours need a day: give the day first.",
		      "Có giờ thì phải có ngày: hãy cho ngày trước.");
	if (start >= 0 && round->time_status == FACT_UNKNOWN)
		FAULT(check, "time_status", "contradiction",
		      "The hours are given: call them proposed, reported or official.",
		      "Đã có giờ: hãy ghi là proposed, reported hoặc official.");
	if (start < 0 && round->time_status != FACT_UNKNOWN)
		FAULT(check, "start", "required", "Give the hours, or call time_status \"unknown\".",
		      "Cho biết giờ, hoặc đặt time_status là \"unknown\".");
}

static bool has_double(const struct named *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			if (streq(list[i].id, list[j].id))
				return true;
	return false;
}

static void check_list(struct check *check, const char *name, const struct named *list, size_t count,
		       size_t max)
{
	if (count > max)
		FAULT(check, name, "too_many", "Name at most %zu.", "Chỉ ghi nhiều nhất %zu mục.", max);
	else if (has_double(list, count))
		FAULT(check, name, "duplicate", "Name each only once.", "Mỗi mục chỉ ghi một lần.");
}

static void check_place(const struct round *round, struct check *check)
{
	bool placed = round->nunits > 0 || round->venue.id;

	check_list(check, "units", round->units, round->nunits, UNITS_MAX);
	check_list(check, "campaigns", round->campaigns, round->ncampaigns, CAMPAIGNS_MAX);
	if (!placed && round->place_status != FACT_UNKNOWN)
		FAULT(check, "units", "required",
		      "Give a host unit or a venue, or call place_status \"unknown\".",
		      "Cho đơn vị hoặc địa điểm tổ chức, hoặc đặt place_status là \"unknown\".");
	if (round->venue.id && round->place_status == FACT_UNKNOWN)
		FAULT(check, "place_status", "contradiction",
		      "The venue is given: call the place proposed, reported or official.",
		      "Đã có địa điểm: hãy ghi là proposed, reported hoặc official.");
}

static void check_numbers(const struct round *round, struct check *check)
{
	if (round->ordinal < 0 || round->ordinal > ORDINAL_MAX)
		FAULT(check, "ordinal", "out_of_range", "Number rounds from 1 to %d.",
		      "Đánh số các đợt từ 1 đến %d.", ORDINAL_MAX);
	if (round->target_units < -1 || round->target_units > PEOPLE_MAX)
		FAULT(check, "target_units", "out_of_range", "Give a target from 0 to %d.",
		      "Chỉ tiêu phải từ 0 đến %d.", PEOPLE_MAX);
	if (round->capacity == 0 || round->capacity < -1 || round->capacity > PEOPLE_MAX)
		FAULT(check, "capacity", "out_of_range", "Give a capacity from 1 to %d.",
		      "Số chỗ phải từ 1 đến %d.", PEOPLE_MAX);
	else if (round->booked < 0 || (round->capacity >= 0 && round->booked > round->capacity))
		FAULT(check, "capacity", "below_booked",
		      "%d places are booked already: give at least that many.",
		      "Đã có %d chỗ được đặt: số chỗ không được ít hơn.", round->booked);
}

static void check_status(const struct round *round, struct check *check)
{
	bool day = !date_is_none(round->from) && round->precision == PRECISION_DAY;
	enum round_status status = round->status;

	if ((status == ROUND_OPEN || status == ROUND_RUNNING || status == ROUND_MOVED) && !day)
		FAULT(check, "date", "needs_day", "A round that is %s needs its day.",
		      "Đợt ở trạng thái %s phải có ngày cụ thể.", round_status_text(status));
	if (status == ROUND_OPEN && round->capacity < 0)
		FAULT(check, "capacity", "required", "An open round needs a capacity: set it with PATCH.",
		      "Đợt đang mở phải có số chỗ: hãy đặt bằng PATCH.");
	if (status == ROUND_OPEN && round->date_status != FACT_OFFICIAL)
		FAULT(check, "date_status", "not_official",
		      "An open round needs an official date: confirm it first.",
		      "Đợt đang mở phải có ngày chính thức: hãy confirm trước.");
	if ((status == ROUND_POSTPONED || status == ROUND_MOVED || status == ROUND_CANCELLED) &&
	    text_is_blank(round->status_reason))
		FAULT(check, "status_reason", "required", "Say why the round is %s.",
		      "Hãy cho biết vì sao đợt ở trạng thái %s.", round_status_text(status));
}

bool round_check_at(const struct round *round, const char *prefix, struct error *err)
{
	struct check check = { prefix, err, true };

	if (text_is_blank(round->title))
		FAULT(&check, "title", "required", "Give the round a title.", "Hãy đặt tên cho đợt.");
	check_length(&check, "title", round->title, TITLE_MAX);
	check_length(&check, "organiser", round->organiser, REASON_MAX);
	check_length(&check, "status_reason", round->status_reason, REASON_MAX);
	check_length(&check, "document", round->document, NAME_MAX_POINTS);
	check_length(&check, "venue_address", round->venue_address, NAME_MAX_POINTS);
	check_length(&check, "note", round->note, NOTE_MAX);
	check_date(round, &check);
	check_times(round, &check);
	check_place(round, &check);
	check_numbers(round, &check);
	check_status(round, &check);
	return check.ok;
}

bool round_check(const struct round *round, struct error *err)
{
	return round_check_at(round, "", err);
}

/* ---- the steps of a round's life ---- */

/* "announce, cancel": what may be done now, for a refusal. */
static void list_verbs(enum round_status status, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (int verb = 0; verb < ROUND_VERB_COUNT; verb++) {
		if (!(verb_from[verb] & (1u << status)) || len >= size)
			continue;
		len += (size_t)snprintf(out + len, size - len, "%s%s", len ? ", " : "", verb_texts[verb]);
	}
}

static bool refuse_step(const struct round *now, enum round_verb verb, struct error *err)
{
	char possible[128];

	list_verbs(now->status, possible, sizeof(possible));
	return error_set(err, ERR_ILLEGAL_STEP,
			 "A round that is \"%s\" cannot take the step \"%s\"; possible now: %s.",
			 "Đợt ở trạng thái \"%s\" không thể thực hiện bước \"%s\"; hiện có thể: %s.",
			 round_status_text(now->status), round_verb_text(verb), possible);
}

static bool has_day(const struct round *round)
{
	return !date_is_none(round->from) && round->precision == PRECISION_DAY;
}

static bool step_announce(struct round *next, struct error *err)
{
	bool ok = true;

	if (!has_day(next))
		ok = error_add_field(err, "/date", "needs_day", "Give the day first, with PATCH.",
				     "Hãy cho ngày cụ thể trước, bằng PATCH.");
	if (next->nunits == 0 && next->place_status != FACT_UNKNOWN)
		ok = error_add_field(err, "/units", "required",
				     "Give a host unit first, with PATCH, or leave the place unknown.",
				     "Hãy cho đơn vị tổ chức trước, bằng PATCH, hoặc để địa điểm là chưa rõ.");
	next->status = ROUND_ANNOUNCED;
	return ok;
}

static bool step_open(struct round *next, struct date today, struct error *err)
{
	bool ok = true;

	if (next->capacity < 1)
		ok = error_add_field(err, "/capacity", "required",
				     "Set how many places there are first, with PATCH.",
				     "Hãy đặt số chỗ trước, bằng PATCH.");
	if (!has_day(next) || next->date_status != FACT_OFFICIAL)
		ok = error_add_field(err, "/date_status", "not_official",
				     "Confirm the date first, with confirm.",
				     "Hãy xác nhận ngày chính thức trước, bằng confirm.");
	if (ok && date_compare(next->to, today) < 0)
		ok = error_set(err, ERR_ILLEGAL_STEP,
			       "The round's day is past: close it, or move it to a new date.",
			       "Ngày của đợt đã qua: hãy close, hoặc move sang ngày mới.");
	next->status = ROUND_OPEN;
	return ok;
}

static bool step_start(struct round *next, struct date today, struct error *err)
{
	char day[DATE_TEXT_SIZE];

	if (!has_day(next))
		return error_set(err, ERR_ILLEGAL_STEP, "The round has no day yet: move it to its day first.",
				 "Đợt chưa có ngày cụ thể: hãy move sang đúng ngày trước.");
	if (date_compare(next->from, today) != 0)
		return error_set(
			err, ERR_ILLEGAL_STEP,
			"The round is on %s and starts on that day only; move it if the day changed.",
			"Đợt diễn ra ngày %s và chỉ bắt đầu trong ngày đó; nếu đổi ngày hãy dùng move.",
			date_format(next->from, day));
	if (next->date_status == FACT_PROPOSED)
		next->date_status = FACT_REPORTED;
	next->status = ROUND_RUNNING;
	return true;
}

static bool step_close(struct round *next, struct date today, struct error *err)
{
	if (next->status != ROUND_RUNNING) {
		if (date_is_none(next->to) || date_compare(next->to, today) >= 0)
			return error_set(err, ERR_ILLEGAL_STEP,
					 "The round is not running and its day is not past: start it first.",
					 "Đợt chưa diễn ra và ngày của đợt chưa qua: hãy start trước.");
		if (next->date_status == FACT_PROPOSED)
			return error_set(
				err, ERR_ILLEGAL_STEP,
				"Its date was only proposed: confirm it first if the round was held.",
				"Ngày mới chỉ là dự kiến: nếu đợt đã diễn ra, hãy confirm trước.");
	}
	next->status = ROUND_CLOSED;
	return true;
}

static void step_reopen(struct round *next)
{
	if (next->status == ROUND_CLOSED)
		next->status = ROUND_RUNNING;
	else
		next->status = next->never_public ? ROUND_DRAFT : ROUND_ANNOUNCED;
	next->never_public = false;
}

static void step_cancel(struct round *next)
{
	next->never_public = next->status == ROUND_DRAFT;
	next->status = ROUND_CANCELLED;
}

/* What a value set by hand is: proposed, or reported where the caller says so; never official. */
static enum fact_status set_status(bool known, enum fact_status asked)
{
	if (!known)
		return FACT_UNKNOWN;
	return asked == FACT_REPORTED ? FACT_REPORTED : FACT_PROPOSED;
}

static void copy_date(const struct round *values, struct round *next)
{
	next->from = values->from;
	next->to = values->to;
	next->precision = values->precision;
}

static void copy_time(const struct round *values, struct round *next)
{
	next->start_minute = values->start_minute;
	next->end_minute = values->end_minute;
}

/* Units and venue; a venue belongs to its units, so new units alone drop it. */
static void copy_place(const struct round_step *step, struct round *next)
{
	if (step->set & ROUND_UNITS) {
		next->units = step->values.units;
		next->nunits = step->values.nunits;
		next->venue = (struct named){ 0 };
		next->venue_address = NULL;
	}
	if (step->set & ROUND_VENUE) {
		next->venue = step->values.venue;
		next->venue_address = step->values.venue_address;
	}
}

static bool same_list(const struct named *a, size_t na, const struct named *b, size_t nb)
{
	if (na != nb)
		return false;
	for (size_t i = 0; i < na; i++)
		if (!streq(a[i].id, b[i].id))
			return false;
	return true;
}

static bool same_date(const struct round *a, const struct round *b)
{
	return date_compare(a->from, b->from) == 0 && date_compare(a->to, b->to) == 0;
}

static bool same_time(const struct round *a, const struct round *b)
{
	return a->start_minute == b->start_minute && a->end_minute == b->end_minute;
}

static bool same_place(const struct round *a, const struct round *b)
{
	return streq(a->venue.id, b->venue.id) && same_list(a->units, a->nunits, b->units, b->nunits);
}

/* ---- confirm ---- */

static bool refuse_official(const char *pointer, struct error *err)
{
	return error_add_field(err, pointer, "official",
			       "This is official already, and otherwise: use move to change it.",
			       "Điều này đã chính thức và khác với giá trị mới: hãy dùng move để đổi.");
}

/* A fact that is not official yet may be confirmed as it really is, whatever was proposed. */
static bool confirm_values(const struct round *now, const struct round_step *step, struct round *next,
			   struct error *err)
{
	bool ok = true;

	if (step->set & ROUND_DATE)
		copy_date(&step->values, next);
	if (step->set & ROUND_TIME)
		copy_time(&step->values, next);
	copy_place(step, next);
	if (now->date_status == FACT_OFFICIAL && !same_date(now, next))
		ok = refuse_official("/date", err);
	if (now->time_status == FACT_OFFICIAL && !same_time(now, next))
		ok = refuse_official("/start", err);
	if (now->place_status == FACT_OFFICIAL && !step->carried && !same_place(now, next))
		ok = refuse_official("/units", err);
	return ok;
}

static bool confirm_is_possible(const struct round_step *step, const struct round *next, struct error *err)
{
	bool ok = true;

	if (!step->confirm_date && !step->confirm_time && !step->confirm_place)
		ok = error_add_field(err, "/facts", "required",
				     "Say what becomes official: date, time or place.",
				     "Hãy cho biết điều gì thành chính thức: date, time hay place.");
	if (step->confirm_date && !has_day(next))
		ok = error_add_field(err, "/date", "required", "There is no day to confirm: give it.",
				     "Chưa có ngày để xác nhận: hãy cho ngày.");
	if (step->confirm_time && next->start_minute < 0)
		ok = error_add_field(err, "/start", "required", "There are no hours to confirm: give them.",
				     "Chưa có giờ để xác nhận: hãy cho giờ.");
	if (step->confirm_place && next->nunits == 0 && !next->venue.id)
		ok = error_add_field(err, "/units", "required", "There is no place to confirm: give it.",
				     "Chưa có địa điểm để xác nhận: hãy cho địa điểm.");
	return ok;
}

static bool step_confirm(const struct round *now, const struct round_step *step, struct round *next,
			 struct error *err)
{
	bool ok = confirm_values(now, step, next, err);

	ok = confirm_is_possible(step, next, err) && ok;

	if (step->confirm_date) {
		next->date_status = FACT_OFFICIAL;
		next->note = NULL;       /* it said how the date was chosen */
	}
	if (step->confirm_time)
		next->time_status = FACT_OFFICIAL;
	if (step->confirm_place)
		next->place_status = FACT_OFFICIAL;
	next->document = step->document;
	return ok;
}

static bool move_date(const struct round *now, struct round *next, struct date today, struct error *err)
{
	if (!has_day(next) || date_compare(next->from, next->to) != 0)
		return error_add_field(err, "/date", "needs_day", "Give the new day.", "Hãy cho ngày mới.");
	if (date_compare(next->from, today) < 0)
		return error_add_field(err, "/date", "past", "Give a day from today on.",
				       "Hãy cho ngày từ hôm nay trở đi.");
	if (now->date_status == FACT_OFFICIAL && has_day(now))
		next->moved_from = now->from;
	if (date_compare(next->moved_from, next->from) == 0)
		next->moved_from = (struct date){ 0 };
	return true;
}

static bool step_move(const struct round *now, const struct round_step *step, struct date today,
		      struct round *next, struct error *err)
{
	const unsigned movable = ROUND_DATE | ROUND_TIME | ROUND_UNITS | ROUND_VENUE | ROUND_TEAM;
	bool documented = !text_is_blank(step->document);
	enum fact_status moved = documented ? FACT_OFFICIAL : FACT_PROPOSED;

	if (!(step->set & movable) || step->set & ~movable)
		return error_add_field(err, "/date", "required",
				       "Give a new date, new hours or a new place (and team), and nothing else.",
				       "Hãy cho ngày mới, giờ mới hoặc địa điểm mới (và đội), không gì khác.");
	if (step->set & ROUND_DATE)
		copy_date(&step->values, next);
	if (step->set & ROUND_TIME)
		copy_time(&step->values, next);
	copy_place(step, next);
	if (step->set & ROUND_TEAM)
		next->team = step->values.team;
	bool date = !same_date(now, next), time = !same_time(now, next), place = !same_place(now, next);

	if (!date && !time && !place)
		return error_add_field(err, "/date", "unchanged",
				       "The round is there already: give what changes.",
				       "Đợt vốn đã như vậy: hãy cho điều thay đổi.");
	if (place && next->nunits == 0 && !next->venue.id)
		return error_add_field(err, "/units", "required", "Give the new host unit or venue.",
				       "Hãy cho đơn vị hoặc địa điểm mới.");
	if (date && !move_date(now, next, today, err))
		return false;
	if (date) {
		next->date_status = moved;
		next->note = NULL;       /* it said how the old date was chosen */
	}
	if (date || time)
		next->time_status = next->start_minute < 0   ? FACT_UNKNOWN
				    : step->set & ROUND_TIME ? moved
							     : FACT_PROPOSED;
	if (place && !step->carried)
		next->place_status = moved;
	if (documented)
		next->document = step->document;
	else if (next->date_status != FACT_OFFICIAL && next->time_status != FACT_OFFICIAL &&
		 next->place_status != FACT_OFFICIAL)
		next->document = NULL;
	next->status = ROUND_MOVED;
	return true;
}

static bool edit_date(const struct round *now, const struct round_step *step, struct round *next,
		      struct error *err)
{
	if (now->status != ROUND_DRAFT)
		return error_add_field(err, "/date", "announced",
				       "The round is announced: use move to change its date.",
				       "Đợt đã được thông báo: hãy dùng move để đổi ngày.");
	if (step->values.date_status == FACT_OFFICIAL)
		return error_add_field(err, "/date_status", "needs_confirm",
				       "Use confirm to make a date official.",
				       "Hãy dùng confirm để ngày thành chính thức.");
	copy_date(&step->values, next);
	next->date_status = set_status(!date_is_none(next->from), step->values.date_status);
	return true;
}

static bool edit_time(const struct round *now, const struct round_step *step, struct round *next,
		      struct error *err)
{
	if (now->time_status == FACT_OFFICIAL)
		return error_add_field(err, "/start", "official",
				       "The hours are official: use move to change them.",
				       "Giờ đã chính thức: hãy dùng move để đổi giờ.");
	if (step->values.time_status == FACT_OFFICIAL)
		return error_add_field(err, "/time_status", "needs_confirm",
				       "Use confirm to make hours official.",
				       "Hãy dùng confirm để giờ thành chính thức.");
	copy_time(&step->values, next);
	next->time_status = set_status(next->start_minute >= 0, step->values.time_status);
	return true;
}

static bool edit_place(const struct round *now, const struct round_step *step, struct round *next,
		       struct error *err)
{
	if (now->place_status == FACT_OFFICIAL)
		return error_add_field(err, step->set & ROUND_UNITS ? "/units" : "/venue", "official",
				       "The place is official: use move to change it.",
				       "Địa điểm đã chính thức: hãy dùng move để đổi địa điểm.");
	if (step->values.place_status == FACT_OFFICIAL)
		return error_add_field(err, "/place_status", "needs_confirm",
				       "Use confirm to make a place official.",
				       "Hãy dùng confirm để địa điểm thành chính thức.");
	copy_place(step, next);
	next->place_status = set_status(next->nunits > 0 || next->venue.id, step->values.place_status);
	return true;
}

static bool step_edit(const struct round *now, const struct round_step *step, struct round *next,
		      struct error *err)
{
	const struct round *values = &step->values;
	bool ok = true;

	if (!step->set)
		return error_add_field(err, "", "required", "Give at least one field to change.",
				       "Hãy cho ít nhất một trường cần đổi.");
	if (step->set & ROUND_DATE)
		ok &= edit_date(now, step, next, err);
	if (step->set & ROUND_TIME)
		ok &= edit_time(now, step, next, err);
	if (step->carried)
		copy_place(step, next);
	else if (step->set & (ROUND_UNITS | ROUND_VENUE))
		ok &= edit_place(now, step, next, err);
	if (step->set & ROUND_TITLE)
		next->title = values->title;
	if (step->set & ROUND_TEAM)
		next->team = values->team;
	if (step->set & ROUND_ORGANISER)
		next->organiser = values->organiser;
	if (step->set & ROUND_TARGET)
		next->target_units = values->target_units;
	if (step->set & ROUND_CAPACITY)
		next->capacity = values->capacity;
	if (step->set & ROUND_NOTE)
		next->note = values->note;
	if (step->set & ROUND_CAMPAIGNS) {
		next->campaigns = values->campaigns;
		next->ncampaigns = values->ncampaigns;
	}
	return ok;
}

static bool step_given(const struct round_step *step, struct error *err)
{
	bool reason = step->verb == ROUND_POSTPONE || step->verb == ROUND_MOVE ||
		      step->verb == ROUND_CANCEL || step->verb == ROUND_REOPEN;
	bool ok = true;

	if (reason && text_is_blank(step->reason))
		ok = error_add_field(err, "/reason", "required", "Say why, in words for the public.",
				     "Hãy cho biết lý do, bằng lời dành cho công chúng.");
	if (step->verb == ROUND_CONFIRM && text_is_blank(step->document))
		ok = error_add_field(err, "/document", "required",
				     "Name the document that makes it official.",
				     "Hãy nêu văn bản làm căn cứ chính thức.");
	return ok;
}

static bool take_step(const struct round *now, const struct round_step *step, struct date today,
		      struct round *next, struct error *err)
{
	switch (step->verb) {
	case ROUND_EDIT:
		return step_edit(now, step, next, err);
	case ROUND_CONFIRM:
		return step_confirm(now, step, next, err);
	case ROUND_ANNOUNCE:
		return step_announce(next, err);
	case ROUND_OPEN_BOOKING:
		return step_open(next, today, err);
	case ROUND_START:
		return step_start(next, today, err);
	case ROUND_CLOSE:
		return step_close(next, today, err);
	case ROUND_REOPEN:
		step_reopen(next);
		return true;
	case ROUND_POSTPONE:
		next->status = ROUND_POSTPONED;
		return true;
	case ROUND_MOVE:
		return step_move(now, step, today, next, err);
	case ROUND_CANCEL:
		step_cancel(next);
		return true;
	default:
		return refuse_step(now, step->verb, err);
	}
}

bool round_change(const struct round *now, const struct round_step *step, struct date today,
		  struct round *next, struct error *err)
{
	struct round after = *now;

	if ((unsigned)step->verb >= ROUND_VERB_COUNT || !(verb_from[step->verb] & (1u << now->status)))
		return refuse_step(now, step->verb, err);
	if (!step_given(step, err) || !take_step(now, step, today, &after, err))
		return false;
	if (step->verb == ROUND_REOPEN || step->verb == ROUND_POSTPONE || step->verb == ROUND_MOVE ||
	    step->verb == ROUND_CANCEL)
		after.status_reason = step->reason;
	else if (after.status != now->status)
		after.status_reason = NULL;
	after.version = now->version + 1;
	if (!round_check(&after, err))
		return false;
	*next = after;
	return true;
}
