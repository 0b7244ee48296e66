#include "domain/fold.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/*
 * Latin-1 letters from U+00C0; a blank is no letter (multiplication sign) or has no one-letter form.
 * The eth is what many keyboards and old fonts give for the capital Đ: they look the same.
 */
static const char latin1[] = "AAAAAA CEEEEIIIIDNOOOOO OUUUUY  aaaaaa ceeeeiiiidnooooo ouuuuy y";

/* U+1EA0..U+1EF9 in order: capital and small letter alternate. */
static char vietnamese_base(int32_t point)
{
	if (point <= 0x1eb7)
		return 'a';
	if (point <= 0x1ec7)
		return 'e';
	if (point <= 0x1ecb)
		return 'i';
	if (point <= 0x1ee3)
		return 'o';
	return point <= 0x1ef1 ? 'u' : 'y';
}

static char base_letter(int32_t point)
{
	if (point >= 0xc0 && point <= 0xff)
		return latin1[point - 0xc0];
	if (point >= 0x1ea0 && point <= 0x1ef9) {
		char small = vietnamese_base(point);

		return (char)(point % 2 ? small : small - 'a' + 'A');
	}
	switch (point) {
	case 0x102:
		return 'A';
	case 0x103:
		return 'a';
	case 0x110:
		return 'D';
	case 0x111:
		return 'd';
	case 0x128:
		return 'I';
	case 0x129:
		return 'i';
	case 0x168:
		return 'U';
	case 0x169:
		return 'u';
	case 0x1a0:
		return 'O';
	case 0x1a1:
		return 'o';
	case 0x1af:
		return 'U';
	case 0x1b0:
		return 'u';
	default:
		return ' ';
	}
}

const char *fold_letter(int32_t point, char plain[3])
{
	plain[0] = plain[1] = plain[2] = '\0';
	if (point > 0 && point < 0x80) {
		plain[0] = (char)point;
		return plain;
	}
	if (point >= 0x300 && point <= 0x36f)
		return plain;
	plain[0] = base_letter(point);
	return plain[0] == ' ' ? NULL : plain;
}

static char lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

size_t fold_typed(const char *text, char *out, size_t size)
{
	size_t len = 0;
	bool gap = false;

	while (*text && size > 0) {
		char plain[3];
		int32_t point = text_next(&text);
		const char *letters = point < 0 ? NULL : fold_letter(point, plain);

		if (letters && !*letters)
			continue;
		if (!letters || !is_word(lower(*letters))) {
			gap = len > 0;
			continue;
		}
		if (len + gap + 1 >= size)
			break;
		if (gap)
			out[len++] = ' ';
		gap = false;
		out[len++] = lower(*letters);
	}
	if (size > 0)
		out[len] = '\0';
	return len;
}

static bool is_dash(int32_t point)
{
	return (point >= 0x2010 && point <= 0x2015) || point == 0x2212 || point == 0xfe58 || point == 0xfe63;
}

char fold_ascii(int32_t point)
{
	enum { WIDE_FIRST = 0xff01, WIDE_LAST = 0xff5e, KELVIN = 0x212a };

	if (point == KELVIN)             /* composing makes it a K: the same with and without */
		return 'K';
	if (point >= WIDE_FIRST && point <= WIDE_LAST)
		point += '!' - WIDE_FIRST;
	if (point > ' ' && point < 0x7f)
		return (char)point;
	if (is_dash(point))
		return '-';
	enum text_class class = text_class(point);

	return class == TEXT_BLANK || class == TEXT_HIDDEN ? ' ' : '\0';
}

/* The letters that look like đ, folded: eth, and the retroflex d of African languages. */
static bool is_d(int32_t point)
{
	return point == 0xf0 || point == 0x256;
}

/* The modifier letters that are typed for an apostrophe are letters to Unicode. */
static bool is_apostrophe(int32_t point)
{
	return point >= 0x2bb && point <= 0x2bd;
}

bool fold_words(const char *text, char *out, size_t size)
{
	char *to = out;
	bool gap = false;

	if (!text_fold(text, out, size))
		return false;
	for (const char *from = out; *from;) {
		const char *here = from;
		int32_t point = text_next(&from);
		enum text_class class = text_class(point);

		if ((class != TEXT_LETTER && class != TEXT_DIGIT) || is_apostrophe(point)) {
			gap = to != out;
			continue;
		}
		if (gap)
			*to++ = ' ';
		gap = false;
		if (is_d(point)) {
			*to++ = 'd';
		} else {
			memmove(to, here, (size_t)(from - here));
			to += from - here;
		}
	}
	*to = '\0';
	return true;
}

/* Single blanks, none at the ends, nothing hidden, into out, which is as long as text. */
static bool squeeze(const char *text, char *out)
{
	bool gap = false, begun = false;

	while (*text) {
		const char *here = text;
		enum text_class class = text_class(text_next(&text));

		if (class == TEXT_CONTROL)
			return false;
		if (class == TEXT_BLANK)
			gap = begun;
		if (class == TEXT_BLANK || class == TEXT_HIDDEN)
			continue;
		if (gap)
			*out++ = ' ';
		gap = false;
		begun = true;
		memcpy(out, here, (size_t)(text - here));
		out += text - here;
	}
	*out = '\0';
	return true;
}

/* No text grows to more than three times its bytes when it is composed (Unicode Standard Annex 15). */
enum { COMPOSED_GROWTH = 3 };

const char *fold_tidy(const char *text, struct arena *arena)
{
	size_t len = strlen(text);
	char *single = arena_alloc(arena, len + 1);
	char *composed = arena_alloc(arena, COMPOSED_GROWTH * len + 1);

	return squeeze(text, single) && text_compose(single, composed, COMPOSED_GROWTH * len + 1) ? composed : NULL;
}

size_t fold_squash(char *folded)
{
	char *to = folded;

	for (const char *from = folded; *from; from++)
		if (*from != ' ')
			*to++ = *from;
	*to = '\0';
	return (size_t)(to - folded);
}
