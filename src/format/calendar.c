#include "format/calendar.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "domain/round_text.h"
#include "format/ical.h"

static void write_zone(struct buf *out)
{
	ical_line(out, "BEGIN", "VTIMEZONE");
	ical_line(out, "TZID", "Asia/Ho_Chi_Minh");
	ical_line(out, "BEGIN", "STANDARD");
	ical_line(out, "DTSTART", "19750613T000000");
	ical_line(out, "TZOFFSETFROM", "+0700");
	ical_line(out, "TZOFFSETTO", "+0700");
	ical_line(out, "TZNAME", "+07");
	ical_line(out, "END", "STANDARD");
	ical_line(out, "END", "VTIMEZONE");
}

static void write_url(struct buf *out, const char *name, const struct calendar_head *head, const char *path,
		      const char *rest)
{
	struct ical_line line;

	if (!head->base_url)
		return;
	ical_begin(&line, out, name);
	ical_add(&line, head->base_url);
	ical_add(&line, path);
	ical_add(&line, rest);
	ical_end(&line);
}

void calendar_begin(struct buf *out, const struct calendar_head *head)
{
	ical_line(out, "BEGIN", "VCALENDAR");
	ical_line(out, "VERSION", "2.0");
	ical_line(out, "PRODID", "-//Giot Hong//Lich hien mau//VI");
	ical_line(out, "CALSCALE", "GREGORIAN");
	ical_line(out, "METHOD", "PUBLISH");
	ical_text(out, "NAME", head->name);
	ical_text(out, "X-WR-CALNAME", head->name);      /* what apps read that do not know NAME */
	ical_line(out, "X-WR-TIMEZONE", "Asia/Ho_Chi_Minh");
	ical_line(out, "REFRESH-INTERVAL;VALUE=DURATION", "PT1H");
	ical_line(out, "X-PUBLISHED-TTL", "PT1H");
	write_url(out, "SOURCE;VALUE=URI", head, head->path, "");
	write_zone(out);
}

void calendar_end(struct buf *out)
{
	ical_line(out, "END", "VCALENDAR");
}

static void write_when(struct buf *out, const struct round *round)
{
	struct round_days days = round_told_days(round);

	if (!round_tells_hours(round)) {
		ical_date(out, "DTSTART", days.from);
		ical_date(out, "DTEND", date_add_days(days.to, 1));
		return;
	}
	/* With no end known there is none: the event is told to begin, as the round is. */
	ical_time(out, "DTSTART", date_instant(round->from, round->start_minute));
	if (round->end_minute > 0)
		ical_time(out, "DTEND", date_instant(round->from, round->end_minute));
}

static const char *status_of(const struct round *round)
{
	if (round_is_off(round))
		return "CANCELLED";
	return round_tells_day(round) || round->status == ROUND_CLOSED ? "CONFIRMED" : "TENTATIVE";
}

static void write_categories(struct buf *out, const struct round *round)
{
	struct ical_line line;

	if (round->ncampaigns == 0)
		return;
	ical_begin(&line, out, "CATEGORIES");
	for (size_t i = 0; i < round->ncampaigns; i++) {
		ical_add(&line, i ? "," : "");
		ical_add_text(&line, round->campaigns[i].name ? round->campaigns[i].name : "");
	}
	ical_end(&line);
}

struct description {
	struct ical_line line;
	bool             begun;
};

static void add_line(void *context, const struct round_line *line)
{
	struct description *description = context;

	ical_add_text(&description->line, description->begun ? "\n" : "");
	ical_add_text(&description->line, line->label);
	ical_add_text(&description->line, ": ");
	ical_add_text(&description->line, line->text);
	description->begun = true;
}

static void write_texts(struct buf *out, const struct round *round)
{
	struct description description = { .begun = false };
	struct buf text = { 0 };

	round_text_title(&text, round);
	ical_text(out, "SUMMARY", text.data);
	buf_reset(&text);
	round_text_where(&text, round);
	ical_text(out, "LOCATION", text.data);
	buf_release(&text);
	ical_begin(&description.line, out, "DESCRIPTION");
	round_text_each(round, add_line, &description);
	ical_end(&description.line);
}

void calendar_round(struct buf *out, const struct calendar_head *head, const struct round *round,
		    int64_t changed_us)
{
	char sequence[24];

	if (changed_us == INT64_MIN)
		changed_us = 0;
	snprintf(sequence, sizeof(sequence), "%lld", (long long)(round->version > 0 ? round->version - 1 : 0));
	ical_line(out, "BEGIN", "VEVENT");
	ical_line(out, "UID", round->id);
	ical_line(out, "SEQUENCE", sequence);
	ical_time(out, "DTSTAMP", changed_us);
	ical_time(out, "LAST-MODIFIED", changed_us);
	write_when(out, round);
	ical_line(out, "STATUS", status_of(round));
	ical_line(out, "TRANSP", "TRANSPARENT");
	write_texts(out, round);
	write_categories(out, round);
	write_url(out, "URL", head, "/api/v1/rounds/", round->id);
	ical_line(out, "END", "VEVENT");
}
