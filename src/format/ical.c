#include "format/ical.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

enum { LINE_OCTETS = 75 };               /* without the line end */

/* One piece that must not be torn. A folded line goes on after a blank, which counts. */
static void put(struct ical_line *line, const char *bytes, size_t len)
{
	if (line->column + len > LINE_OCTETS) {
		buf_append(line->out, "\r\n ", 3);
		line->column = 1;
	}
	buf_append(line->out, bytes, len);
	line->column += len;
}

/* Where a text ends its line: LF, CR, CR LF, and what Unicode and old printers have for it (VT, FF, NEL, LS, PS). */
static bool is_line_end(int32_t point)
{
	return (point >= 0x0a && point <= 0x0d) || point == 0x85 || point == 0x2028 || point == 0x2029;
}

static bool is_control(int32_t point)
{
	return (point >= 0 && point < 0x20 && point != '\t') || (point >= 0x7f && point < 0xa0);
}

static const char *escape_of(int32_t point)
{
	if (point < 0)
		return "\xef\xbf\xbd";
	if (is_line_end(point))
		return "\\n";
	if (is_control(point))
		return " ";
	switch (point) {
	case '\\':
		return "\\\\";
	case ';':
		return "\\;";
	case ',':
		return "\\,";
	default:
		return NULL;
	}
}

void ical_begin(struct ical_line *line, struct buf *out, const char *name)
{
	*line = (struct ical_line){ .out = out };
	put(line, name, strlen(name));
	put(line, ":", 1);
}

void ical_add(struct ical_line *line, const char *value)
{
	while (*value) {
		const char *start = value;

		text_next(&value);
		put(line, start, (size_t)(value - start));
	}
}

void ical_add_text(struct ical_line *line, const char *text)
{
	while (*text) {
		const char *start = text;
		int32_t point = text_next(&text);
		const char *escape;

		if (point == '\r' && *text == '\n')
			continue;
		escape = escape_of(point);
		if (escape)
			put(line, escape, strlen(escape));
		else
			put(line, start, (size_t)(text - start));
	}
}

void ical_end(struct ical_line *line)
{
	buf_append(line->out, "\r\n", 2);
}

void ical_line(struct buf *out, const char *name, const char *value)
{
	struct ical_line line;

	ical_begin(&line, out, name);
	ical_add(&line, value);
	ical_end(&line);
}

void ical_text(struct buf *out, const char *name, const char *text)
{
	struct ical_line line;

	ical_begin(&line, out, name);
	ical_add_text(&line, text);
	ical_end(&line);
}

void ical_date(struct buf *out, const char *name, struct date date)
{
	buf_printf(out, "%s;VALUE=DATE:%04d%02d%02d\r\n", name, date.year, date.month, date.day);
}

void ical_time(struct buf *out, const char *name, int64_t wall_us)
{
	/* The civil date of seven hours earlier is that of UTC. */
	int64_t utc_us = wall_us - (int64_t)VN_OFFSET_SECONDS * 1000000;
	struct date date = date_of_instant(utc_us);
	int64_t second = (utc_us - date_instant(date, 0)) / 1000000;

	buf_printf(out, "%s:%04d%02d%02dT%02d%02d%02dZ\r\n", name, date.year, date.month, date.day,
		   (int)(second / 3600), (int)(second / 60 % 60), (int)(second % 60));
}
