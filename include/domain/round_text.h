#ifndef DOMAIN_ROUND_TEXT_H
#define DOMAIN_ROUND_TEXT_H

#include <stdbool.h>

#include "base/date.h"
#include "domain/round.h"

/*
 * What the public is told of a round, in Vietnamese with marks: the words of
 * calendars and news feeds (an SMS has its own, shorter ones). Pure; texts go
 * to the end of `out`, one line without a line end.
 *
 * What is only proposed is told without a day, without hours and without a
 * venue, as "dự kiến tháng 3/2027, chưa chính thức". All that is shown of a
 * round goes through here, so that no writer has to know the rule.
 */
struct buf;

/* Whether its day may be told: it is known to the day, and official or reported. */
bool round_tells_day(const struct round *round);
/* The day; else the first and last day of the month or the year that may be told. */
struct round_days {
	struct date from, to;
};
struct round_days round_told_days(const struct round *round);
bool round_tells_hours(const struct round *round);       /* implies the day; the end may still be unknown (-1) */
bool round_tells_venue(const struct round *round);       /* implies the day */
/* It does not take place on the day that was told: postponed or cancelled. */
bool round_is_off(const struct round *round);

/* "MẪU: HOÃN: Hiến máu tình nguyện huyện Than Uyên"; a proposed one names its month. */
void round_text_title(struct buf *out, const struct round *round);
/* "Chủ nhật 26/04/2025, 7h30–10h30", "dự kiến tháng 3/2027, chưa chính thức" */
void round_text_when(struct buf *out, const struct round *round);
/* "Trung tâm Y tế huyện Than Uyên, Khu 2, Huyện Than Uyên"; "chưa rõ" */
void round_text_where(struct buf *out, const struct round *round);
/* "HOÃN, chưa có ngày mới. Lý do: mưa lớn", "Chính thức (12/TB-CTĐ)" */
void round_text_status(struct buf *out, const struct round *round);
/* "ít nhất 520 người đăng ký, 346 đơn vị máu (báo chí, 07/11/2024)"; only where there is a result. */
void round_text_result(struct buf *out, const struct round *round);
/* "Chủ nhật Đỏ, Những giọt máu hồng hè"; nothing where there are none. */
void round_text_campaigns(struct buf *out, const struct round *round);

/* All of it, line by line in the order in which people ask: each with its label. Empty ones are left out. */
enum round_line_kind { ROUND_LINE_PLAIN, ROUND_LINE_URL };
struct round_line {
	enum round_line_kind kind;
	const char          *label;      /* "Thời gian" */
	const char          *text;       /* borrowed for the call */
};
void round_text_each(const struct round *round, void (*each)(void *context, const struct round_line *line),
		     void *context);

#endif
