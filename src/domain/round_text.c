#include "domain/round_text.h"

#include <stddef.h>

#include "base/buf.h"
#include "base/memory.h"
#include "base/text.h"
#include "domain/report.h"

enum { HOSTS_TOLD = 6 };

/* ---- what may be told ---- */

bool round_tells_day(const struct round *round)
{
	return round->precision == PRECISION_DAY && fact_is_known(round->date_status);
}

struct round_days round_told_days(const struct round *round)
{
	struct round_days days = { round->from, round->to };

	if (round->precision == PRECISION_DAY && !round_tells_day(round)) {
		days.from.day = 1;
		days.to.day = (int8_t)date_month_length(days.to.year, days.to.month);
	}
	return days;
}

bool round_tells_hours(const struct round *round)
{
	return round_tells_day(round) && round->start_minute >= 0 && fact_is_known(round->time_status);
}

bool round_tells_venue(const struct round *round)
{
	return round_tells_day(round) && round->venue.name && fact_is_known(round->place_status);
}

bool round_is_off(const struct round *round)
{
	return round->status == ROUND_POSTPONED || round->status == ROUND_CANCELLED;
}

/* ---- dates and hours ---- */

static void add_date(struct buf *out, struct date date)
{
	buf_printf(out, "%02d/%02d/%04d", date.day, date.month, date.year);
}

static void add_weekday(struct buf *out, struct date date)
{
	static const char *const names[] = { "Thứ Hai", "Thứ Ba", "Thứ Tư", "Thứ Năm", "Thứ Sáu", "Thứ Bảy",
					     "Chủ nhật" };

	buf_append_text(out, names[date_weekday(date)]);
}

/* The month or year of a round whose day is not told. */
static void add_period(struct buf *out, const struct round *round)
{
	if (round->precision == PRECISION_YEAR)
		buf_printf(out, "năm %04d", round->from.year);
	else
		buf_printf(out, "tháng %d/%04d", round->from.month, round->from.year);
}

static void add_hour(struct buf *out, int minute)
{
	buf_printf(out, minute % 60 ? "%dh%02d" : "%dh", minute / 60, minute % 60);
}

static void add_hours(struct buf *out, const struct round *round)
{
	add_hour(out, round->start_minute);
	if (round->end_minute > 0) {
		buf_append_text(out, "–");
		add_hour(out, round->end_minute);
	}
}

static void add_day(struct buf *out, const struct round *round)
{
	add_weekday(out, round->from);
	buf_append_char(out, ' ');
	add_date(out, round->from);
	if (round_tells_hours(round)) {
		buf_append_text(out, ", ");
		add_hours(out, round);
	} else if (!round_is_off(round) && round->status != ROUND_CLOSED) {
		buf_append_text(out, ", chưa rõ giờ");
	}
}

void round_text_when(struct buf *out, const struct round *round)
{
	if (round_tells_day(round)) {
		add_day(out, round);
	} else if (fact_is_known(round->date_status)) {
		add_period(out, round);
		buf_append_text(out, ", chưa rõ ngày");
	} else {
		buf_append_text(out, "dự kiến ");
		add_period(out, round);
		buf_append_text(out, ", chưa chính thức");
	}
	if (round->date_status == FACT_REPORTED && round->status != ROUND_RUNNING)
		buf_append_text(out, " (theo báo chí)");
}

/* ---- places ---- */

static void add_hosts(struct buf *out, const struct round *round)
{
	size_t told = round->nunits <= HOSTS_TOLD ? round->nunits : HOSTS_TOLD - 1;

	for (size_t i = 0; i < told; i++) {
		buf_append_text(out, i ? ", " : "");
		buf_append_text(out, round->units[i].name ? round->units[i].name : "");
	}
	if (told < round->nunits)
		buf_printf(out, " và %zu nơi khác", round->nunits - told);
}

void round_text_where(struct buf *out, const struct round *round)
{
	bool venue = round_tells_venue(round);

	if (venue) {
		buf_append_text(out, round->venue.name);
		if (!text_is_blank(round->venue_address)) {
			buf_append_text(out, ", ");
			buf_append_text(out, round->venue_address);
		}
		buf_append_text(out, round->nunits > 0 ? ", " : "");
	}
	add_hosts(out, round);
	if (!venue && round->nunits == 0)
		buf_append_text(out, "chưa rõ");
	else if (!fact_is_known(round->place_status))
		buf_append_text(out, " (nơi dự kiến, chưa chính thức)");
}

/* ---- what stands and what does not ---- */

void round_text_title(struct buf *out, const struct round *round)
{
	if (round->demo)
		buf_append_text(out, "MẪU: ");
	if (round->status == ROUND_CANCELLED)
		buf_append_text(out, "HỦY: ");
	else if (round->status == ROUND_POSTPONED)
		buf_append_text(out, "HOÃN: ");
	else if (round->status == ROUND_MOVED)
		buf_append_text(out, "ĐÃ ĐỔI: ");
	if (!fact_is_known(round->date_status)) {
		buf_append_text(out, "Dự kiến ");
		add_period(out, round);
		buf_append_text(out, ", chưa chính thức: ");
	}
	buf_append_text(out, round->title);
}

static void add_reason(struct buf *out, const struct round *round)
{
	if (text_is_blank(round->status_reason))
		return;
	buf_append_text(out, ". Lý do: ");
	buf_append_text(out, round->status_reason);
}

/* How sure the day is, and by which document. */
static void add_certainty(struct buf *out, const struct round *round)
{
	switch (round->date_status) {
	case FACT_OFFICIAL:
		buf_append_text(out, "chính thức");
		if (!text_is_blank(round->document))
			buf_printf(out, " (%s)", round->document);
		break;
	case FACT_REPORTED:
		buf_append_text(out, "theo báo chí");
		break;
	default:
		buf_append_text(out, "dự kiến, chưa chính thức");
		break;
	}
}

static void add_move(struct buf *out, const struct round *round)
{
	buf_append_text(out, "Đã đổi");
	if (!date_is_none(round->moved_from)) {
		buf_append_text(out, " từ ngày ");
		add_date(out, round->moved_from);
	}
	buf_append_text(out, "; lịch mới ");
	add_certainty(out, round);
	add_reason(out, round);
}

void round_text_status(struct buf *out, const struct round *round)
{
	switch (round->status) {
	case ROUND_CANCELLED:
		buf_append_text(out, "HỦY, đợt này không diễn ra");
		add_reason(out, round);
		return;
	case ROUND_POSTPONED:
		buf_append_text(out, "HOÃN, chưa có ngày mới");
		add_reason(out, round);
		return;
	case ROUND_MOVED:
		add_move(out, round);
		return;
	case ROUND_RUNNING:
		buf_append_text(out, "Đang diễn ra");
		return;
	case ROUND_CLOSED:
		buf_append_text(out, "Đã kết thúc");
		return;
	case ROUND_OPEN:
		buf_append_text(out, "Đang nhận đăng ký; ngày ");
		break;
	default:
		buf_append_text(out, "Ngày ");
		break;
	}
	add_certainty(out, round);
}

/* ---- results ---- */

static void add_figure(struct buf *out, const struct figure *figure, const char *what, bool *first)
{
	static const char *const qualifiers[] = {
		[FIGURE_EXACT] = "", [FIGURE_AT_LEAST] = "ít nhất ", [FIGURE_ABOUT] = "khoảng ",
	};

	if (figure->value < 0)
		return;
	buf_printf(out, "%s%s%lld %s", *first ? "" : ", ", qualifiers[figure->qualifier],
		   (long long)figure->value, what);
	*first = false;
}

void round_text_result(struct buf *out, const struct round *round)
{
	static const char *const sources[] = {
		[REPORT_PRESS] = "báo chí",
		[REPORT_TEAM] = "đội hiến máu báo cáo",
		[REPORT_ITEMS] = "số liệu ghi tại đợt",
	};
	const struct report *report = round->result;
	bool first = true;

	if (!report)
		return;
	add_figure(out, &report->registered, "người đăng ký", &first);
	add_figure(out, &report->present, "người đến", &first);
	add_figure(out, &report->accepted, "người đủ điều kiện", &first);
	add_figure(out, &report->units, "đơn vị máu", &first);
	add_figure(out, &report->ml, "ml", &first);
	buf_printf(out, " (%s, ", sources[report->source]);
	add_date(out, report->reported_on);
	buf_append_char(out, ')');
}

void round_text_campaigns(struct buf *out, const struct round *round)
{
	for (size_t i = 0; i < round->ncampaigns; i++) {
		buf_append_text(out, i ? ", " : "");
		buf_append_text(out, round->campaigns[i].name ? round->campaigns[i].name : "");
	}
}

/* ---- line by line ---- */

static void text_demo(struct buf *out, const struct round *round)
{
	if (round->demo)
		buf_append_text(out, "dữ liệu để trình diễn, không phải lịch thật");
}

static void text_source(struct buf *out, const struct round *round)
{
	if (round->result && round->result->source_url)
		buf_append_text(out, round->result->source_url);
}

static void text_organiser(struct buf *out, const struct round *round)
{
	buf_append_text(out, round->organiser ? round->organiser : "");
}

static void text_plan(struct buf *out, const struct round *round)
{
	buf_append_text(out, round->plan_number ? round->plan_number : "");
}

static void text_code(struct buf *out, const struct round *round)
{
	buf_append_text(out, round->code ? round->code : "");
}

static const struct {
	const char          *label;
	void               (*write)(struct buf *out, const struct round *round);
	enum round_line_kind kind;
} lines[] = {
	{ "MẪU", text_demo, ROUND_LINE_PLAIN },
	{ "Thời gian", round_text_when, ROUND_LINE_PLAIN },
	{ "Địa điểm", round_text_where, ROUND_LINE_PLAIN },
	{ "Tình trạng", round_text_status, ROUND_LINE_PLAIN },
	{ "Kết quả", round_text_result, ROUND_LINE_PLAIN },
	{ "Nguồn", text_source, ROUND_LINE_URL },
	{ "Chương trình", round_text_campaigns, ROUND_LINE_PLAIN },
	{ "Đơn vị tổ chức", text_organiser, ROUND_LINE_PLAIN },
	{ "Kế hoạch", text_plan, ROUND_LINE_PLAIN },
	{ "Mã đợt", text_code, ROUND_LINE_PLAIN },
};

void round_text_each(const struct round *round, void (*each)(void *context, const struct round_line *line),
		     void *context)
{
	struct buf buf = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		buf_reset(&buf);
		lines[i].write(&buf, round);
		if (buf.len > 0)
			each(context, &(struct round_line){ lines[i].kind, lines[i].label, buf.data });
	}
	buf_release(&buf);
}
