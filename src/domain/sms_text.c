#include "domain/sms_text.h"

#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "domain/fold.h"
#include "domain/sms.h"

void line_clear(struct sms_line *line)
{
	line->len = 0;
	line->text[0] = '\0';
}

/* A piece too long for any message is cut here; the writer then finds that it does not fit. */
void line_add(struct sms_line *line, const char *text)
{
	size_t len = strlen(text), room = sizeof(line->text) - 1 - line->len;

	if (len > room) {
		len = room;
		while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(line->text + line->len, text, len);
	line->len += len;
	line->text[line->len] = '\0';
}

void line_add_number(struct sms_line *line, int value, int digits)
{
	char text[12], *p = text + sizeof(text) - 1;

	*p = '\0';
	for (; value > 0 || digits > 0; value /= 10, digits--)
		*--p = (char)('0' + value % 10);
	line_add(line, p);
}

void line_capital(struct sms_line *line)
{
	if (line->text[0] >= 'a' && line->text[0] <= 'z')
		line->text[0] = (char)(line->text[0] - 'a' + 'A');
}

void writer_init(struct sms_writer *writer, struct sms_answer *answer, bool marks)
{
	*answer = (struct sms_answer){ .ucs2 = marks, .segments = 1 };
	*writer = (struct sms_writer){ .answer = answer, .max = marks ? SMS_UCS2_MAX : SMS_GSM7_MAX };
}

size_t writer_left(const struct sms_writer *writer)
{
	return writer->max - writer->units;
}

/* What people's word processors make of plain signs, and signs that cost two septets or are missing. */
static const char *plain_sign(int32_t point)
{
	switch (point) {
	case 0xa0:
	case 0x2002:
	case 0x2003:
	case 0x2009:
	case 0x202f:
		return " ";
	case 0x2010:
	case 0x2011:
	case 0x2012:
	case 0x2013:
	case 0x2014:
	case 0x2212:
	case '~':
		return "-";
	case 0x2018:
	case 0x2019:
	case '`':
		return "'";
	case 0x201c:
	case 0x201d:
		return "\"";
	case 0x2026:
		return "...";
	case '[':
	case '{':
		return "(";
	case ']':
	case '}':
		return ")";
	case '\\':
	case '|':
		return "/";
	case '^':
		return "";
	default:
		return NULL;
	}
}

/* One character as it goes into a 7-bit message. */
static const char *flatten(int32_t point, char plain[3])
{
	const char *text = point < 0 ? NULL : plain_sign(point);

	if (text)
		return text;
	text = point < 0 ? NULL : fold_letter(point, plain);
	if (!text)
		return "?";
	return (unsigned char)text[0] >= 0x20 || !text[0] ? text : " ";
}

/* Writes the flattened text to out; how many septets it takes. SIZE_MAX: more than `max`. */
static size_t copy_plain(const char *text, char *out, size_t max)
{
	size_t len = 0;

	while (*text) {
		char plain[3];

		if (*text >= 'a' && *text <= 'z') {
			plain[0] = *text++;
			plain[1] = '\0';
			if (len == max)
				return SIZE_MAX;
			out[len++] = plain[0];
			continue;
		}
		int32_t point = text_next(&text);

		for (const char *p = flatten(point, plain); *p; p++) {
			if (len == max)
				return SIZE_MAX;
			out[len++] = *p;
		}
	}
	out[len] = '\0';
	return len;
}

/* The same with marks: UTF-16 units; control characters become blanks. *bytes tells the length of out. */
static size_t copy_marked(const char *text, char *out, size_t max, size_t *bytes)
{
	size_t units = 0, len = 0;

	while (*text) {
		const char *start = text;
		int32_t point = text_next(&text);

		units += point > 0xffff ? 2 : 1;
		if (units > max)
			return SIZE_MAX;
		if (point < 0x20 || point == 0x7f) {
			out[len++] = point < 0 ? '?' : ' ';
			continue;
		}
		memcpy(out + len, start, (size_t)(text - start));
		len += (size_t)(text - start);
	}
	out[len] = '\0';
	*bytes = len;
	return units;
}

bool writer_add(struct sms_writer *writer, const char *text)
{
	char *out = writer->answer->text + writer->len;
	size_t bytes = 0, units;

	if (writer->answer->ucs2) {
		units = copy_marked(text, out, writer_left(writer), &bytes);
	} else {
		units = copy_plain(text, out, writer_left(writer));
		bytes = units;
	}
	if (units == SIZE_MAX) {
		*out = '\0';
		return false;
	}
	writer->units += units;
	writer->len += bytes;
	return true;
}

/* GSM 03.38 beyond ASCII, as code points; and the ASCII it lacks or has in its extension table only. */
static bool gsm_letter(int32_t point)
{
	static const uint16_t letters[] = { 0xa1,  0xa3,  0xa4,  0xa5,  0xa7,  0xbf,  0xc4,  0xc5,
					    0xc6,  0xc7,  0xc9,  0xd1,  0xd6,  0xd8,  0xdc,  0xdf,
					    0xe0,  0xe4,  0xe5,  0xe6,  0xe8,  0xe9,  0xec,  0xf1,
					    0xf2,  0xf6,  0xf8,  0xf9,  0xfc,  0x393, 0x394, 0x398,
					    0x39b, 0x39e, 0x3a0, 0x3a3, 0x3a6, 0x3a8, 0x3a9 };

	for (size_t i = 0; i < ARRAY_SIZE(letters); i++)
		if (letters[i] == point)
			return true;
	return false;
}

bool sms_is_gsm7(const char *utf8, size_t *septets)
{
	size_t count = 0;
	bool ok = true;

	while (*utf8) {
		int32_t point = text_next(&utf8);
		bool extension = point == 0x20ac || point == '\f' ||
				 (point > 0 && point < 0x80 && strchr("[]{}\\^~|", (int)point));
		bool plain = (point >= 0x20 && point < 0x7f && point != '`') || point == '\n' ||
			     point == '\r' || gsm_letter(point);

		ok &= extension || plain;
		count += extension ? 2 : 1;
	}
	if (septets)
		*septets = count;
	return ok;
}
