#include "domain/bag_code.h"

#include <ctype.h>
#include <string.h>

#include "base/text.h"

enum { FIRST_DIGIT = 5, MODULUS = 37, FLAG_CHECKED = 60, FLAG_CHECKED_LAST = FLAG_CHECKED + MODULUS - 1 };

static int value_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 10;
	return c == '*' ? MODULUS - 1 : -1;
}

char bag_code_check_character(int value)
{
	if (value < 0 || value >= MODULUS)
		return '\0';
	return "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*"[value];
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool has_form(const char *text)
{
	for (int i = 0; i < BAG_CODE_DIN_LENGTH; i++) {
		int value = value_of(text[i]);   /* -1 at the NUL */

		if (value < 0 || text[i] == '*' || (i == 0 && is_digit(text[i])) || (i >= FIRST_DIGIT && !is_digit(text[i])))
			return false;
	}
	return true;
}

int bag_code_check_value(const char *din)
{
	int p = 0;

	if (!has_form(din))
		return -1;
	for (int i = 0; i < BAG_CODE_DIN_LENGTH; i++)
		p = (p + value_of(din[i])) * 2 % MODULUS;
	return (MODULUS + 1 - p) % MODULUS;
}

/* Two flag characters: 60 to 96 carry the check value; what others mean is not the number's business. */
static bool flags_fit(const char *flags, int check)
{
	int value;

	if (!is_digit(flags[0]) || !is_digit(flags[1]))
		return true;
	value = (flags[0] - '0') * 10 + flags[1] - '0';
	return value < FLAG_CHECKED || value > FLAG_CHECKED_LAST || value == FLAG_CHECKED + check;
}

/* Without blanks, letters upper case; false: too long, or not ASCII. */
static bool clean(const char *typed, char out[BAG_CODE_SIZE])
{
	size_t len = 0;

	for (const char *p = typed; *p; p++) {
		unsigned char c = (unsigned char)*p;

		if (c == ' ' || c == '\t')
			continue;
		if (c < 0x21 || c > 0x7e || len == BAG_CODE_MAX)
			return false;
		out[len++] = (char)toupper(c);
	}
	out[len] = '\0';
	return len > 0;
}

static void without_dashes(const char *text, char out[BAG_CODE_SIZE])
{
	size_t len = 0;

	for (; *text; text++)
		if (*text != '-')
			out[len++] = *text;
	out[len] = '\0';
}

/* "=" number flags: the barcode; number; number check: the print. */
static bool read_din(const char *text, struct bag_code *out)
{
	bool scanned = *text == '=';
	const char *din = text + scanned, *rest;
	int check = bag_code_check_value(din);
	bool fits;

	if (check < 0)
		return false;
	rest = din + BAG_CODE_DIN_LENGTH;
	if (*rest == '\0')
		fits = true;
	else if (scanned && strlen(rest) == 2)
		fits = flags_fit(rest, check);
	else if (!scanned && strlen(rest) == 1 && value_of(*rest) >= 0)
		fits = *rest == bag_code_check_character(check);
	else
		return false;
	out->is_din = fits;
	out->doubtful = !fits;
	if (fits) {
		memcpy(out->text, din, BAG_CODE_DIN_LENGTH);
		out->text[BAG_CODE_DIN_LENGTH] = '\0';
	}
	return true;
}

bool bag_code_parse(const char *typed, struct bag_code *out)
{
	char plain[BAG_CODE_SIZE];

	*out = (struct bag_code){ 0 };
	if (!typed || !clean(typed, out->text)) {
		out->text[0] = '\0';
		return false;
	}
	without_dashes(out->text, plain);
	(void)read_din(plain, out);
	return true;
}
