#ifndef FORMAT_ICAL_H
#define FORMAT_ICAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/date.h"

/*
 * Content lines of iCalendar (RFC 5545): CRLF, folded at 75 octets between
 * characters, never inside one or inside an escape. Pure: text in, bytes out.
 *
 *	ical_line(out, "BEGIN", "VEVENT");
 *	ical_text(out, "SUMMARY", round->title);
 *
 * Texts may be any bytes: line ends of every kind become "\n", other control
 * characters a blank, and what is no UTF-8 becomes U+FFFD. Names and ready
 * values are the caller's, without control characters.
 */
struct buf;

struct ical_line {                       /* a line under way, for values of several parts */
	struct buf *out;
	size_t      column;              /* octets on the line so far */
};

void ical_begin(struct ical_line *line, struct buf *out, const char *name);     /* "CATEGORIES": no colon */
void ical_add(struct ical_line *line, const char *value);                       /* as it stands */
void ical_add_text(struct ical_line *line, const char *text);                   /* escaped: TEXT of the RFC */
void ical_end(struct ical_line *line);

/* Whole lines. */
void ical_line(struct buf *out, const char *name, const char *value);
void ical_text(struct buf *out, const char *name, const char *text);
void ical_date(struct buf *out, const char *name, struct date date);            /* name;VALUE=DATE:20270301 */
void ical_time(struct buf *out, const char *name, int64_t wall_us);             /* in UTC, to the second */

#endif
