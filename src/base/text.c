#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "base/memory.h"

bool text_valid_utf8(const char *text, size_t len)
{
	const utf8proc_uint8_t *p = (const utf8proc_uint8_t *)text;
	utf8proc_ssize_t left = (utf8proc_ssize_t)len;

	while (left > 0) {
		utf8proc_int32_t point;

		if (*p < 0x80) {
			if (*p == 0)
				return false;
			p++, left--;
			continue;
		}
		utf8proc_ssize_t used = utf8proc_iterate(p, left, &point);

		if (used <= 0)
			return false;
		p += used, left -= used;
	}
	return true;
}

int32_t text_next(const char **p)
{
	const unsigned char *s = (const unsigned char *)*p;
	static const int32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	int len = s[0] < 0x80 ? 1 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc2 ? 2 : 0;

	if (s[0] >= 0xf5 || len == 0) {
		*p += 1;
		return -1;
	}
	int32_t point = len == 1 ? s[0] : s[0] & (0xff >> (len + 1));

	for (int i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80) {
			*p += 1;
			return -1;
		}
		point = point << 6 | (s[i] & 0x3f);
	}
	if (point < least[len] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) {
		*p += 1;
		return -1;
	}
	*p += len;
	return point;
}

/*
 * What a text is mapped to: code points first, then bytes in the same place. A text may be a password or a person's
 * name, so the place is ours to wipe, which utf8proc_map() does not do with its own.
 */
struct mapping {
	utf8proc_int32_t  room[256];
	utf8proc_int32_t *place;         /* room, or from the heap */
	size_t            size;
	char             *text;          /* NULL: not UTF-8 */
};

static bool make_place(struct mapping *mapping, size_t size)
{
	bool small = size <= sizeof(mapping->room);

	mapping->place = small ? mapping->room : malloc(size);
	mapping->size = size;
	return mapping->place != NULL;
}

/*
 * Numbers, codes and words of a program are ASCII, of which no mapping changes anything but case; utf8proc takes a
 * hundred times as long to say so. False when it is not ASCII.
 */
static bool map_ascii(struct mapping *mapping, const char *text, bool lower)
{
	size_t len = strlen(text);
	unsigned char all = 0;
	char *mapped;

	for (size_t i = 0; i < len; i++)
		all |= (unsigned char)text[i];
	if (all >= 0x80 || !make_place(mapping, len + 1))
		return false;
	mapped = mapping->text = (char *)mapping->place;
	memcpy(mapped, text, len + 1);
	for (size_t i = 0; lower && i < len; i++)
		if (mapped[i] >= 'A' && mapped[i] <= 'Z')
			mapped[i] = (char)(mapped[i] - 'A' + 'a');
	return true;
}

static void map_utf8(struct mapping *mapping, const char *text, utf8proc_option_t options)
{
	const utf8proc_uint8_t *from = (const utf8proc_uint8_t *)text;
	utf8proc_ssize_t len, room = (utf8proc_ssize_t)ARRAY_SIZE(mapping->room);

	mapping->place = NULL;
	mapping->text = NULL;
	if (map_ascii(mapping, text, options & UTF8PROC_CASEFOLD))
		return;
	options |= UTF8PROC_NULLTERM | UTF8PROC_STABLE;
	make_place(mapping, sizeof(mapping->room));
	len = utf8proc_decompose(from, 0, mapping->place, room - 1, options);
	if (len >= room) {               /* one more for the NUL that the bytes end with */
		if (!make_place(mapping, ((size_t)len + 1) * sizeof(*mapping->place)))
			return;
		len = utf8proc_decompose(from, 0, mapping->place, len, options);
	}
	if (len >= 0 && utf8proc_reencode(mapping->place, len, options) >= 0)
		mapping->text = (char *)mapping->place;
}

/* And ends the mapping. */
static bool copy_out(struct mapping *mapping, char *out, size_t size)
{
	bool fits = mapping->text && strlen(mapping->text) < size;

	if (fits)
		strcpy(out, mapping->text);
	else if (size > 0)
		out[0] = '\0';
	if (mapping->place)
		explicit_bzero(mapping->place, mapping->size);
	if (mapping->place != mapping->room)
		free(mapping->place);
	return fits;
}

/* Unicode gives đ (U+0111) no decomposition, so it is mapped here: C4 91 and C4 90. */
static void replace_d_stroke(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if ((unsigned char)from[0] == 0xc4 &&
		    ((unsigned char)from[1] == 0x91 || (unsigned char)from[1] == 0x90)) {
			*to++ = (unsigned char)from[1] == 0x91 ? 'd' : 'D';
			from++;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
}

static bool is_separator(unsigned char c)
{
	return c <= 0x20 || c == 0x7f || (c < 0x80 && strchr("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", c));
}

static void squeeze_separators(char *text)
{
	char *to = text;
	bool pending = false;

	for (const char *from = text; *from; from++) {
		if (is_separator((unsigned char)*from)) {
			pending = to != text;
			continue;
		}
		if (pending)
			*to++ = ' ';
		pending = false;
		*to++ = *from;
	}
	*to = '\0';
}

bool text_fold(const char *text, char *out, size_t size)
{
	struct mapping mapping;

	map_utf8(&mapping, text, UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_STRIPMARK | UTF8PROC_CASEFOLD |
				 UTF8PROC_IGNORE);
	if (mapping.text) {
		replace_d_stroke(mapping.text);
		squeeze_separators(mapping.text);
	}
	return copy_out(&mapping, out, size);
}

bool text_strip_marks(const char *text, char *out, size_t size)
{
	struct mapping mapping;

	map_utf8(&mapping, text, UTF8PROC_DECOMPOSE | UTF8PROC_STRIPMARK);
	if (mapping.text)
		replace_d_stroke(mapping.text);
	return copy_out(&mapping, out, size);
}

bool text_compose(const char *text, char *out, size_t size)
{
	struct mapping mapping;

	map_utf8(&mapping, text, UTF8PROC_COMPOSE);
	return copy_out(&mapping, out, size);
}

enum text_class text_class(int32_t point)
{
	if ((point >= '\t' && point <= '\r') || point == 0x85)
		return TEXT_BLANK;
	switch (utf8proc_category(point)) {
	case UTF8PROC_CATEGORY_LU:
	case UTF8PROC_CATEGORY_LL:
	case UTF8PROC_CATEGORY_LT:
	case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_LO:
		return TEXT_LETTER;
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_MC:
	case UTF8PROC_CATEGORY_ME:
		return TEXT_MARK;
	case UTF8PROC_CATEGORY_ND:
	case UTF8PROC_CATEGORY_NL:
	case UTF8PROC_CATEGORY_NO:
		return TEXT_DIGIT;
	case UTF8PROC_CATEGORY_ZS:
	case UTF8PROC_CATEGORY_ZL:
	case UTF8PROC_CATEGORY_ZP:
		return TEXT_BLANK;
	case UTF8PROC_CATEGORY_CF:
		return TEXT_HIDDEN;
	case UTF8PROC_CATEGORY_CN:
	case UTF8PROC_CATEGORY_CC:
	case UTF8PROC_CATEGORY_CS:
	case UTF8PROC_CATEGORY_CO:
		return TEXT_CONTROL;
	default:
		return TEXT_SIGN;
	}
}

enum { DISTANCE_MAX_LENGTH = 96 };

static unsigned min2(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Optimal string alignment: edits and swaps of neighbours, three rows at a time. */
unsigned text_distance(const char *a, const char *b, unsigned limit)
{
	unsigned rows[3][DISTANCE_MAX_LENGTH + 1];
	size_t alen = strlen(a), blen = strlen(b);
	size_t gap = alen > blen ? alen - blen : blen - alen;

	if (alen > DISTANCE_MAX_LENGTH || blen > DISTANCE_MAX_LENGTH || gap > limit)
		return limit + 1;
	for (size_t j = 0; j <= blen; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= alen; i++) {
		unsigned *now = rows[i % 3], *before = rows[(i - 1) % 3];
		const unsigned *before2 = rows[(i + 1) % 3];

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= blen; j++) {
			unsigned best = min2(before[j] + 1, now[j - 1] + 1);

			best = min2(best, before[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				best = min2(best, before2[j - 2] + 1);
			now[j] = best;
		}
	}
	return min2(rows[alen % 3][blen], limit + 1);
}

size_t text_length(const char *text)
{
	size_t length = 0;

	for (; *text; text++)
		length += ((unsigned char)*text & 0xc0) != 0x80;
	return length;
}

bool text_is_blank(const char *text)
{
	return !text || text[strspn(text, " \t\r\n")] == '\0';
}

bool text_to_int(const char *text, long min, long max, long *out)
{
	char *end;
	long value;

	if (!text || !(*text == '-' || (*text >= '0' && *text <= '9')))
		return false;
	errno = 0;
	value = strtol(text, &end, 10);
	if (errno || end == text || *end || value < min || value > max)
		return false;
	*out = value;
	return true;
}

bool streq(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool text_starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}
