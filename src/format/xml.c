#include "format/xml.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"

static bool xml_holds(int32_t point)
{
	return point >= 0x20 ? point != 0x7f && point != 0xfffe && point != 0xffff
			     : point == '\t' || point == '\n' || point == '\r';
}

static const char *escape_of(int32_t point)
{
	switch (point) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	case '\r':
		return "&#13;";          /* else a parser makes LF of it */
	default:
		return xml_holds(point) ? NULL : "\xef\xbf\xbd";
	}
}

void xml_text(struct buf *out, const char *text)
{
	while (*text) {
		const char *start = text;
		const char *escape = escape_of(text_next(&text));

		if (escape)
			buf_append_text(out, escape);
		else
			buf_append(out, start, (size_t)(text - start));
	}
}

void xml_element(struct buf *out, const char *name, const char *text)
{
	buf_printf(out, "<%s>", name);
	xml_text(out, text);
	buf_printf(out, "</%s>\n", name);
}
