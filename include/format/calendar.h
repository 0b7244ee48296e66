#ifndef FORMAT_CALENDAR_H
#define FORMAT_CALENDAR_H

#include <stdint.h>

/*
 * Rounds as a calendar that people subscribe to (iCalendar, RFC 5545 and
 * 7986), in Vietnamese. Pure; the same rounds give the same bytes: every stamp
 * comes from the data, none from the clock.
 *
 *	calendar_begin(out, &head);
 *	for each round: calendar_round(out, &head, round, changed_us);
 *	calendar_end(out);
 *
 * How a round becomes an event, and why:
 *
 * - UID is the round's id and never changes; SEQUENCE is its version. So a
 *   round that is moved, postponed or cancelled changes the event that the
 *   phone has already, and makes no second one.
 * - Day told (official or reported): CONFIRMED on that day, with its hours
 *   where they may be told, else as a whole day. Hours are in UTC: Việt Nam
 *   has no summer time, and every app turns UTC into the phone's own time,
 *   while some stumble over foreign VTIMEZONEs. The one VTIMEZONE here is
 *   for the RFC, which wants a component also where there is no round.
 * - Day only proposed, or not known: a TENTATIVE whole-day event over the
 *   month (or year) whose title says "Dự kiến tháng 3/2027, chưa chính thức".
 *   An event must begin somewhere, and one on a single day, even the first of
 *   the month, would tell people a day that nobody promised; one over the
 *   month claims no more than is true.
 * - Postponed and cancelled: CANCELLED on the days that were told, the title
 *   saying which of both ("HOÃN", "HỦY"). For a postponed round too: nothing
 *   takes place on that day, and TENTATIVE would read as "perhaps". With its
 *   new date the same event comes back to life.
 * - TRANSPARENT always: a public schedule makes nobody busy.
 * - No ORGANIZER: it would turn a schedule into an invitation in several apps.
 */
struct buf;
struct round;

struct calendar_head {
	const char *name;                /* "Lịch hiến máu tỉnh Lai Châu" */
	const char *base_url;            /* "https://example.org", no slash at the end; NULL: no links */
	const char *path;                /* of this calendar, percent-encoded: "/calendar/rounds.ics" */
};

void calendar_begin(struct buf *out, const struct calendar_head *head);
/* changed_us: when anything that is shown of it last changed; INT64_MIN: not known. */
void calendar_round(struct buf *out, const struct calendar_head *head, const struct round *round,
		    int64_t changed_us);
void calendar_end(struct buf *out);

#endif
