#include "domain/report.h"

#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "domain/round.h"

static const char *const source_texts[REPORT_SOURCE_COUNT] = {
	[REPORT_PRESS] = "press",
	[REPORT_TEAM] = "team",
	[REPORT_ITEMS] = "items",
};

static const char *const qualifier_texts[FIGURE_QUALIFIER_COUNT] = {
	[FIGURE_EXACT] = "exact",
	[FIGURE_AT_LEAST] = "at_least",
	[FIGURE_ABOUT] = "about",
};

enum { PEOPLE_MAX = 100000, ML_MAX = 1000000, URL_MAX = 1000, REPORT_NOTE_MAX = 2000 };

const char *report_source_text(enum report_source source)
{
	return (unsigned)source < REPORT_SOURCE_COUNT ? source_texts[source] : "unknown";
}

bool report_source_parse(const char *text, enum report_source *out)
{
	for (int i = 0; i < REPORT_SOURCE_COUNT; i++) {
		if (streq(source_texts[i], text)) {
			*out = (enum report_source)i;
			return true;
		}
	}
	return false;
}

const char *figure_qualifier_text(enum figure_qualifier qualifier)
{
	return (unsigned)qualifier < FIGURE_QUALIFIER_COUNT ? qualifier_texts[qualifier] : "unknown";
}

bool figure_qualifier_parse(const char *text, enum figure_qualifier *out)
{
	for (int i = 0; i < FIGURE_QUALIFIER_COUNT; i++) {
		if (streq(qualifier_texts[i], text)) {
			*out = (enum figure_qualifier)i;
			return true;
		}
	}
	return false;
}

static bool check_figure(const struct figure *figure, const char *pointer, int64_t max, struct error *err)
{
	if (figure->value < -1 || figure->value > max)
		return error_add_field(err, pointer, "out_of_range", "Give a whole number from 0 to %lld.",
				       "Hãy cho một số nguyên từ 0 đến %lld.", (long long)max);
	if (figure->value >= 0 && (unsigned)figure->qualifier >= FIGURE_QUALIFIER_COUNT)
		return error_add_field(err, pointer, "invalid_qualifier", "Say exact, at_least or about.",
				       "Hãy ghi exact, at_least hoặc about.");
	return true;
}

/* Only exact figures can contradict each other: "over 200" against "230" says nothing. */
static bool check_order(const struct figure *smaller, const struct figure *larger, const char *pointer,
			struct error *err)
{
	if (smaller->value < 0 || larger->value < 0 || smaller->qualifier != FIGURE_EXACT ||
	    larger->qualifier != FIGURE_EXACT || smaller->value <= larger->value)
		return true;
	return error_add_field(err, pointer, "contradiction",
			       "This is more than the %lld it is a part of: check both figures.",
			       "Số này lớn hơn %lld, là số bao gồm nó: hãy kiểm tra cả hai.",
			       (long long)larger->value);
}

static bool check_figures(const struct report *report, struct error *err)
{
	bool ok = true;

	ok &= check_figure(&report->registered, "/registered", PEOPLE_MAX, err);
	ok &= check_figure(&report->present, "/present", PEOPLE_MAX, err);
	ok &= check_figure(&report->accepted, "/accepted", PEOPLE_MAX, err);
	ok &= check_figure(&report->units, "/units", PEOPLE_MAX, err);
	ok &= check_figure(&report->ml, "/ml", ML_MAX, err);
	if (!ok)
		return false;
	if (report->registered.value < 0 && report->present.value < 0 && report->accepted.value < 0 &&
	    report->units.value < 0 && report->ml.value < 0)
		return error_add_field(err, "/units", "required", "Give at least one figure.",
				       "Hãy cho ít nhất một con số.");
	ok &= check_order(&report->present, &report->registered, "/present", err);
	ok &= check_order(&report->accepted, &report->present, "/accepted", err);
	if (report->present.value < 0)
		ok &= check_order(&report->accepted, &report->registered, "/accepted", err);
	return ok;
}

static bool is_web_address(const char *text)
{
	return (text_starts_with(text, "https://") || text_starts_with(text, "http://")) &&
	       !strpbrk(text, " \t\r\n\"<>");
}

static bool check_source(const struct report *report, struct error *err)
{
	if (report->source == REPORT_PRESS && text_is_blank(report->source_url))
		return error_add_field(err, "/source_url", "required",
				       "Give the web address of the press report.",
				       "Hãy cho địa chỉ trang của bài báo.");
	if (!report->source_url)
		return true;
	if (!is_web_address(report->source_url))
		return error_add_field(err, "/source_url", "invalid_url",
				       "Give an address that begins with https:// or http://.",
				       "Hãy cho địa chỉ bắt đầu bằng https:// hoặc http://.");
	if (text_length(report->source_url) > URL_MAX)
		return error_add_field(err, "/source_url", "too_long", "Shorten it to %d characters.",
				       "Hãy rút gọn còn %d ký tự.", URL_MAX);
	return true;
}

static bool check_day(const struct report *report, struct date today, struct error *err)
{
	if (date_is_none(report->reported_on))
		return error_add_field(err, "/reported_on", "required", "Give the day of the report.",
				       "Hãy cho ngày báo cáo.");
	if (date_compare(report->reported_on, today) > 0)
		return error_add_field(err, "/reported_on", "future", "Give today or a day before.",
				       "Hãy cho ngày hôm nay hoặc trước đó.");
	return true;
}

bool report_check(const struct report *report, struct date today, struct error *err)
{
	bool ok = true;

	if ((unsigned)report->source >= REPORT_SOURCE_COUNT)
		ok = error_add_field(err, "/source", "invalid", "Say press, team or items.",
				     "Hãy ghi press, team hoặc items.");
	ok &= check_source(report, err);
	ok &= check_day(report, today, err);
	ok &= check_figures(report, err);
	if (report->corrects && !uuid_valid(report->corrects))
		ok = error_add_field(err, "/corrects", "invalid_id", "Give the id of the report it corrects.",
				     "Hãy cho id của báo cáo được sửa.");
	if (report->note && text_length(report->note) > REPORT_NOTE_MAX)
		ok = error_add_field(err, "/note", "too_long", "Shorten it to %d characters.",
				     "Hãy rút gọn còn %d ký tự.", REPORT_NOTE_MAX);
	return ok;
}

static bool took_place(const struct round *round, struct date today, struct error *err)
{
	if (round->status == ROUND_DRAFT)
		return error_set(err, ERR_ILLEGAL_STEP, "The round is a draft: announce it first.",
				 "Đợt còn là bản nháp: hãy thông báo đợt trước.");
	if (round->status == ROUND_CANCELLED || round->status == ROUND_POSTPONED)
		return error_set(err, ERR_ILLEGAL_STEP,
				 "The round is \"%s\": reopen or move it first if it was held.",
				 "Đợt ở trạng thái \"%s\": nếu đợt đã diễn ra, hãy mở lại hoặc dời đợt trước.",
				 round_status_text(round->status));
	if (date_compare(round->from, today) > 0)
		return error_set(err, ERR_ILLEGAL_STEP,
				 "The round has not taken place yet: report it from its day on, or confirm its true day first.",
				 "Đợt chưa diễn ra: hãy báo cáo từ ngày diễn ra, hoặc xác nhận ngày đúng trước.");
	return true;
}

bool report_fits(const struct report *report, const struct round *round, struct date today, struct error *err)
{
	char day[DATE_TEXT_SIZE];

	if (!took_place(round, today, err))
		return false;
	if (report->source == REPORT_ITEMS)
		return error_add_field(err, "/source", "not_by_hand", "Hand in team or press: items are added up from phones.",
				       "Hãy ghi team hoặc press: items chỉ được cộng từ dữ liệu điện thoại.");
	if (date_compare(report->reported_on, round->from) < 0)
		return error_add_field(err, "/reported_on", "before_round", "The round was on %s: give that day or a later one.",
				       "Đợt diễn ra ngày %s: hãy cho ngày đó hoặc sau đó.",
				       date_format(round->from, day));
	return true;
}

int report_compare(const struct report *a, const struct report *b)
{
	if (a->source != b->source)
		return a->source > b->source ? 1 : -1;
	int order = date_compare(a->reported_on, b->reported_on);

	if (order)
		return order;
	if (a->created_us != b->created_us)
		return a->created_us > b->created_us ? 1 : -1;
	return strcmp(a->id, b->id);
}
