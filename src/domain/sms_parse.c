#include "domain/sms.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"
#include "domain/certificate.h"
#include "domain/fold.h"

/* Past `word` at the front of folded text, blanks anywhere ignored; NULL when it is not there. */
static const char *skip_word(const char *text, const char *word)
{
	for (; *word; word++, text++) {
		while (*text == ' ')
			text++;
		if (*text != *word)
			return NULL;
	}
	while (*text == ' ')
		text++;
	return text;
}

/* Cuts `word` off the end of folded text, blanks ignored. */
static bool cut_tail(char *text, const char *word)
{
	size_t at = strlen(text), left = strlen(word);

	while (left > 0) {
		while (at > 0 && text[at - 1] == ' ')
			at--;
		if (at == 0 || text[at - 1] != word[left - 1])
			return false;
		at--;
		left--;
	}
	while (at > 0 && text[at - 1] == ' ')
		at--;
	text[at] = '\0';
	return true;
}

/* "lihc than uyen": one slip in the command word, when it stands alone. */
static const char *skip_misspelt(const char *text)
{
	size_t len = strcspn(text, " ");
	char word[8];

	if (len < 3 || len > 5)
		return NULL;
	memcpy(word, text, len);
	word[len] = '\0';
	return text_distance(word, "lich", 1) <= 1 ? text + len + (text[len] == ' ') : NULL;
}

static const char *skip_any(const char *text, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *rest = skip_word(text, words[i]);

		if (rest)
			return rest;
	}
	return text;
}

/* "lich o than uyen": a small word that stands alone. */
static const char *skip_small(const char *text)
{
	static const char *const small[] = { "o ", "tai ", "xem ", "dia diem " };

	for (size_t i = 0; i < ARRAY_SIZE(small); i++)
		if (text_starts_with(text, small[i]))
			return text + strlen(small[i]);
	return text;
}

void sms_parse(const char *utf8, struct sms_request *request)
{
	static const char *const before[] = { "hienmau", "hm", "xem" };
	static const char *const after[] = { "hienmau", "hm" };
	char text[512];
	const char *rest;

	*request = (struct sms_request){ .command = SMS_HELP };
	fold_typed(utf8, text, sizeof(text));
	if (cut_tail(text, "codau"))
		request->marks = true;
	else
		cut_tail(text, "khongdau");
	rest = skip_word(text, "lich");
	if (!rest)
		rest = skip_word(skip_any(text, before, ARRAY_SIZE(before)), "lich");
	if (!rest)
		rest = skip_misspelt(text);
	if (rest) {
		request->command = SMS_SCHEDULE;
		rest = skip_small(skip_any(rest, after, ARRAY_SIZE(after)));
	} else {
		rest = skip_word(skip_any(text, before, ARRAY_SIZE(before)), "xn");
		if (!rest)
			return;
		request->command = SMS_CERTIFICATE;
	}
	strncpy(request->argument, rest, sizeof(request->argument) - 1);
}

/*
 * Blanks stand for dashes here, so neither counts. Twelve characters may be a number, too, of a body whose code has three
 * letters: whose check characters fit is what is meant.
 */
enum sms_slip sms_certificate_asked(const struct sms_request *request, char *code, size_t size,
				    struct certificate_number *number)
{
	enum certificate_fault of_code, of_number;
	char found[CERTIFICATE_CODE_SIZE];

	of_code = certificate_code_parse(request->argument, found);
	of_number = certificate_number_parse(request->argument, number);
	if (of_code == CERTIFICATE_FINE)
		memset(number, 0, sizeof(*number));
	snprintf(code, size, "%s", found);
	if (of_code == CERTIFICATE_FINE || of_number == CERTIFICATE_FINE)
		return SMS_SLIP_NONE;
	return of_code == CERTIFICATE_MISTYPED || of_number == CERTIFICATE_MISTYPED ? SMS_SLIP_MISTYPED : SMS_SLIP_MALFORMED;
}

/* ---- what a gateway hands over ---- */

enum encoding {
	ENCODING_UTF8,
	ENCODING_UTF16BE,
	ENCODING_UTF16LE,
	ENCODING_1252,
	ENCODING_GSM,
	ENCODING_ASCII,
	ENCODING_GUESS
};

static enum encoding encoding_named(const char *charset)
{
	static const struct {
		const char *name;
		enum encoding encoding;
	} names[] = {
		{ "UTF8", ENCODING_UTF8 },        { "UTF16BE", ENCODING_UTF16BE },
		{ "UTF16", ENCODING_UTF16BE },    { "UTF16LE", ENCODING_UTF16LE },
		{ "UCS2", ENCODING_UTF16BE },     { "UCS2BE", ENCODING_UTF16BE },
		{ "UCS2LE", ENCODING_UTF16LE },   { "ISO10646UCS2", ENCODING_UTF16BE },
		{ "ISO88591", ENCODING_1252 },    { "LATIN1", ENCODING_1252 },
		{ "WINDOWS1252", ENCODING_1252 }, { "CP1252", ENCODING_1252 },
		{ "GSM", ENCODING_GSM },          { "GSM7", ENCODING_GSM },
		{ "GSM7BIT", ENCODING_GSM },      { "GSM0338", ENCODING_GSM },
		{ "ASCII", ENCODING_ASCII },      { "USASCII", ENCODING_ASCII },
	};
	char name[24];
	size_t len = 0;

	for (const char *p = charset ? charset : ""; *p && len < sizeof(name) - 1; p++)
		if ((*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z'))
			name[len++] = *p;
	name[len] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcasecmp(names[i].name, name) == 0)
			return names[i].encoding;
	return ENCODING_GUESS;
}

static bool has_controls(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)bytes[i] < 0x20 && !strchr("\t\r\n", bytes[i]))
			return true;
	return false;
}

/* No charset (or one we do not know): the bytes themselves, then what the coding says. */
static enum encoding encoding_guessed(const char *bytes, size_t len, int coding)
{
	bool utf8 = text_valid_utf8(bytes, len) && !has_controls(bytes, len);

	if (coding == 2 && len % 2 == 0 && !utf8)
		return ENCODING_UTF16BE;
	return utf8                                                  ? ENCODING_UTF8
	       : coding < 0 && len % 2 == 0 && memchr(bytes, 0, len) ? ENCODING_UTF16BE
								     : ENCODING_1252;
}

struct utf8_out {
	char *p;
	size_t left; /* without the NUL */
};

static void put_point(struct utf8_out *out, int32_t point)
{
	char bytes[4];
	size_t len = 0;

	if (point <= 0 || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
		point = '?';
	if (point < 0x80) {
		bytes[len++] = (char)point;
	} else if (point < 0x800) {
		bytes[len++] = (char)(0xc0 | point >> 6);
		bytes[len++] = (char)(0x80 | (point & 0x3f));
	} else {
		if (point < 0x10000) {
			bytes[len++] = (char)(0xe0 | point >> 12);
		} else {
			bytes[len++] = (char)(0xf0 | point >> 18);
			bytes[len++] = (char)(0x80 | (point >> 12 & 0x3f));
		}
		bytes[len++] = (char)(0x80 | (point >> 6 & 0x3f));
		bytes[len++] = (char)(0x80 | (point & 0x3f));
	}
	if (len > out->left) {
		out->left = 0; /* full: nothing shorter may follow either */
		return;
	}
	memcpy(out->p, bytes, len);
	out->p += len;
	out->left -= len;
}

/* One UTF-8 character of at most `len` bytes; what is not one is '?'. Returns how many bytes it took. */
static size_t take_utf8(const char *bytes, size_t len, int32_t *point)
{
	char one[5] = { 0 };
	const char *p = one;

	memcpy(one, bytes, len < 4 ? len : 4);
	*point = one[0] ? text_next(&p) : 0;
	return p > one ? (size_t)(p - one) : 1;
}

static void read_utf8(const char *bytes, size_t len, struct utf8_out *out)
{
	for (size_t i = 0; i < len;) {
		int32_t point;

		i += take_utf8(bytes + i, len - i, &point);
		put_point(out, point);
	}
}

static int32_t unit16(const char *bytes, bool little)
{
	unsigned char a = (unsigned char)bytes[0], b = (unsigned char)bytes[1];

	return little ? b << 8 | a : a << 8 | b;
}

static void read_utf16(const char *bytes, size_t len, bool little, struct utf8_out *out)
{
	size_t i = 0;

	if (len >= 2 && (unit16(bytes, little) == 0xfeff || unit16(bytes, little) == 0xfffe)) {
		little = unit16(bytes, false) == 0xfffe;
		i = 2;
	}
	for (; i + 1 < len; i += 2) {
		int32_t point = unit16(bytes + i, little);

		if (point >= 0xd800 && point < 0xdc00 && i + 3 < len) {
			int32_t low = unit16(bytes + i + 2, little);

			if (low >= 0xdc00 && low < 0xe000) {
				point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
				i += 2;
			}
		}
		put_point(out, point);
	}
	if (i < len)
		put_point(out, '?');
}

/* Bytes 0x80..0x9f of Windows-1252; 0: not used. */
static const uint16_t cp1252[] = {
	0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
	0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
	0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178,
};

static void read_1252(const char *bytes, size_t len, struct utf8_out *out)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];

		put_point(out, c >= 0x80 && c <= 0x9f ? cp1252[c - 0x80] : c);
	}
}

static void read_ascii(const char *bytes, size_t len, struct utf8_out *out)
{
	for (size_t i = 0; i < len; i++)
		put_point(out, (unsigned char)bytes[i] < 0x80 ? bytes[i] : '?');
}

/* clang-format off */
/* GSM 03.38, one septet a byte. 0x1b introduces the extension table. */
static const uint16_t gsm_points[128] = {
	'@', 0xa3, '$', 0xa5, 0xe8, 0xe9, 0xf9, 0xec, 0xf2, 0xc7, '\n', 0xd8, 0xf8, '\r', 0xc5, 0xe5,
	0x394, '_', 0x3a6, 0x393, 0x39b, 0x3a9, 0x3a0, 0x3a8, 0x3a3, 0x398, 0x39e, 0, 0xc6, 0xe6, 0xdf, 0xc9,
	' ', '!', '"', '#', 0xa4, '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/',
	'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?',
	0xa1, 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O',
	'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 0xc4, 0xd6, 0xd1, 0xdc, 0xa7,
	0xbf, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
	'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 0xe4, 0xf6, 0xf1, 0xfc, 0xe0,
};

/* clang-format on */

static int32_t gsm_extension(unsigned char septet)
{
	static const char from[] = "\x14\x28\x29\x2f\x3c\x3d\x3e\x40", to[] = "^{}\\[~]|";
	const char *at = septet ? strchr(from, septet) : NULL;

	return septet == 0x65 ? 0x20ac : at ? to[at - from] : '?';
}

static void read_gsm(const char *bytes, size_t len, struct utf8_out *out)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c == 0x1b && i + 1 < len)
			put_point(out, gsm_extension((unsigned char)bytes[++i]));
		else
			put_point(out, c < 0x80 ? gsm_points[c] : '?');
	}
}

void sms_decode(const char *bytes, size_t len, int coding, const char *charset, char *out, size_t size)
{
	enum encoding encoding = encoding_named(charset);
	struct utf8_out to = { out, size ? size - 1 : 0 };

	if (size == 0)
		return;
	if (encoding == ENCODING_GUESS)
		encoding = encoding_guessed(bytes, len, coding);
	if (len >= 3 && encoding == ENCODING_UTF8 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
		bytes += 3;
		len -= 3;
	}
	switch (encoding) {
	case ENCODING_UTF16BE:
	case ENCODING_UTF16LE:
		read_utf16(bytes, len, encoding == ENCODING_UTF16LE, &to);
		break;
	case ENCODING_1252:
		read_1252(bytes, len, &to);
		break;
	case ENCODING_GSM:
		read_gsm(bytes, len, &to);
		break;
	case ENCODING_ASCII:
		read_ascii(bytes, len, &to);
		break;
	case ENCODING_UTF8:
	case ENCODING_GUESS:
		read_utf8(bytes, len, &to);
		break;
	}
	*to.p = '\0';
}
