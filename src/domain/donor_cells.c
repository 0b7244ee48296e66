#include "domain/donor_cells.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"
#include "domain/fold.h"

enum {
	FOLDED_SIZE = 96,
	VOLUME_MIN = 20,
	NUMBER_DIGITS_MIN = 5,           /* of a number on a paper; less is a word or a part of it */
	TWO_NUMBERS_DIGITS = 16          /* so many are two numbers, of which spreadsheets may have taken the first zeros */
};

static bool fold(const char *cell, char folded[FOLDED_SIZE])
{
	return text_fold(cell, folded, FOLDED_SIZE) && *folded;
}

/* ---- sex ---- */

bool cell_sex(const char *cell, enum donor_sex *out)
{
	static const struct {
		const char    *word;
		enum donor_sex sex;
	} words[] = {
		{ "nam", DONOR_MALE },	{ "m", DONOR_MALE },   { "male", DONOR_MALE },	{ "nam gioi", DONOR_MALE },
		{ "nu", DONOR_FEMALE }, { "f", DONOR_FEMALE }, { "female", DONOR_FEMALE }, { "nu gioi", DONOR_FEMALE },
	};
	char folded[FOLDED_SIZE];

	if (!fold(cell, folded))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (streq(folded, words[i].word)) {
			*out = words[i].sex;
			return true;
		}
	}
	return false;
}

/* ---- blood group ---- */

/* Takes `word` off the front of *text when a word ends there. */
static bool take_word(const char **text, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*text, word, len) != 0 || ((*text)[len] && (*text)[len] != ' '))
		return false;
	*text += len;
	*text += strspn(*text, " ");
	return true;
}

/* '+' and '-' are said in words, so that folding does not lose them; letters and figures stay. */
static bool spell_signs(const char *cell, char folded[FOLDED_SIZE])
{
	char spelt[FOLDED_SIZE];
	size_t len = 0;

	for (const char *p = cell; *p; p++) {
		const char *part = *p == '+' ? " duong " : *p == '-' ? " am " : NULL;
		int written;

		if (strncmp(p, "\xe2\x88\x92", 3) == 0 || strncmp(p, "\xe2\x80\x93", 3) == 0) {     /* minus, dash */
			part = " am ";
			p += 2;
		}
		written = part ? snprintf(spelt + len, sizeof(spelt) - len, "%s", part)
			       : snprintf(spelt + len, sizeof(spelt) - len, "%c", *p);
		len += (size_t)written;
		if (len >= sizeof(spelt))
			return false;
	}
	spelt[len] = '\0';
	return fold(spelt, folded);
}

static bool take_abo(const char **text, enum blood_abo *abo)
{
	static const struct {
		const char    *word;
		enum blood_abo abo;
	} words[] = { { "o", ABO_O }, { "a", ABO_A }, { "b", ABO_B }, { "ab", ABO_AB }, { "0", ABO_O } };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (take_word(text, words[i].word)) {
			*abo = words[i].abo;
			return true;
		}
	}
	return false;
}

static bool take_rhd(const char **text, enum blood_rhd *rhd)
{
	bool named = take_word(text, "rh") || take_word(text, "rhd");

	take_word(text, "d");
	if (take_word(text, "duong") || take_word(text, "pos") || take_word(text, "positive"))
		*rhd = RHD_POSITIVE;
	else if (take_word(text, "am") || take_word(text, "neg") || take_word(text, "negative"))
		*rhd = RHD_NEGATIVE;
	else
		return !named;           /* "Rh" alone says nothing */
	take_word(text, "tinh");
	return true;
}

bool cell_blood_group(const char *cell, enum blood_abo *abo, enum blood_rhd *rhd)
{
	char folded[FOLDED_SIZE];
	const char *text = folded;
	bool known;

	*abo = ABO_UNKNOWN;
	*rhd = RHD_UNKNOWN;
	if (!spell_signs(cell, folded))
		return false;
	take_word(&text, "nhom");
	take_word(&text, "mau");
	known = take_abo(&text, abo);
	if (!take_rhd(&text, rhd))
		return false;
	return *text == '\0' && (known || *rhd != RHD_UNKNOWN);
}

/* ---- days ---- */

static bool number_at(const char **text, size_t max_digits, int *out)
{
	size_t digits = strspn(*text, "0123456789");

	if (digits == 0 || digits > max_digits)
		return false;
	*out = atoi(*text);
	*text += digits;
	*text += strspn(*text, " ");
	return true;
}

/* Two figures from 0 to `max`; the hour may have one. */
static bool take_figures(const char **text, int max, bool one_will_do, int *out)
{
	size_t digits = strspn(*text, "0123456789");

	if (digits > 2 || digits < (one_will_do ? 1u : 2u))
		return false;
	*out = atoi(*text);
	*text += digits;
	return *out <= max;
}

/* "07:30", "7:30:00.000", "7h30", "7:30 PM", "7:30 CH", to the end of the text. */
static bool is_time(const char *text)
{
	static const char *const halves[] = { "am", "pm", "sa", "ch" };
	int hour, minute, second;

	if (!take_figures(&text, 23, true, &hour) || !*text || !strchr(":hHgG", *text))
		return false;
	text++;
	if (!take_figures(&text, 59, false, &minute))
		return false;
	if (*text == ':') {
		text++;
		if (!take_figures(&text, 59, false, &second))
			return false;
		if (*text == '.')
			text += 1 + strspn(text + 1, "0123456789");
	}
	text += strspn(text, " ");
	for (size_t i = 0; i < ARRAY_SIZE(halves); i++)
		if (strcasecmp(text, halves[i]) == 0)
			return true;
	return *text == '\0';
}

/* How much of a cell is before the time of the day that a program or a person put behind the day: "1/6/2024 07:30". */
static size_t without_time(const char *cell)
{
	for (const char *p = cell; *p; p++)
		if (p > cell && strchr(" Tt", p[-1]) && is_time(p))
			return (size_t)(p - 1 - cell);
	return strlen(cell);
}

bool cell_date(const char *cell, struct date *date, int *year)
{
	char folded[FOLDED_SIZE], day[FOLDED_SIZE];
	const char *text = folded;
	int first, second, third, len;

	*date = (struct date){ 0 };
	len = snprintf(day, sizeof(day), "%.*s", (int)without_time(cell), cell);
	if (len >= (int)sizeof(day) || !fold(day, folded))       /* "3/4/1990" and "3-4-1990" are "3 4 1990" now */
		return false;
	if (take_word(&text, "nam") || (strspn(text, "0123456789") == 4 && text[4] == '\0'))
		return number_at(&text, 4, year) && !*text && *year >= 1900 && *year <= 2200;
	take_word(&text, "ngay");
	if (!number_at(&text, 4, &first))
		return false;
	take_word(&text, "thang");
	if (!number_at(&text, 2, &second))
		return false;
	take_word(&text, "nam");
	if (!number_at(&text, 4, &third) || *text)
		return false;
	*date = first >= 1000 ? date_make(first, second, third) : third >= 1000 ? date_make(third, second, first) : *date;
	*year = date->year;
	return !date_is_none(*date);
}

/* ---- numbers of papers ---- */

/* "và", "hoặc", "or", "and" between two numbers. */
static bool has_word_between_numbers(const char *cell)
{
	static const char *const words[] = { " va ", " hoac ", " or ", " and " };
	char folded[2 * FOLDED_SIZE];
	const char *at;

	if (!text_fold(cell, folded, sizeof(folded)))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if ((at = strstr(folded, words[i])) != NULL && at > folded && strchr("0123456789", at[-1]) &&
		    strpbrk(at, "0123456789"))
			return true;
	return false;
}

bool cell_has_numbers(const char *cell, bool digits_alone)
{
	const char *between = digits_alone ? ";,|&/" : ";,|&";
	size_t digits = 0, all = 0, numbers = 0;

	for (const char *p = cell; *p;) {
		bool breaks = *p == '\n' || *p == '\r';
		char c = fold_ascii(text_next(&p));

		if (c >= '0' && c <= '9') {
			all++;
			numbers += ++digits == NUMBER_DIGITS_MIN;
		} else if (breaks || (c && strchr(between, c))) {
			digits = 0;
		}
	}
	return numbers > 1 || (digits_alone && all >= TWO_NUMBERS_DIGITS) || has_word_between_numbers(cell);
}

/* ---- volume, component ---- */

bool cell_volume(const char *cell, int *ml)
{
	char plain[FOLDED_SIZE], *end;
	size_t len = 0;
	double value;

	for (const char *p = cell; *p; p++) {
		if (*p == ' ')
			continue;
		if (len + 1 >= sizeof(plain))
			return false;
		plain[len++] = *p == ',' ? '.' : (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
	}
	plain[len] = '\0';
	if (strspn(plain, "0123456789.") == 0)
		return false;
	value = strtod(plain, &end);
	if (streq(end, "l") || streq(end, "lit"))
		value *= 1000;
	else if (*end && !streq(end, "ml") && !streq(end, "cc"))
		return false;
	if (!(value >= VOLUME_MIN && value <= 1000) || value - (int)(value + 0.5) > 1e-6 || value - (int)(value + 0.5) < -1e-6)
		return false;
	*ml = (int)(value + 0.5);
	return true;
}

bool cell_component(const char *cell, enum component *out)
{
	static const struct {
		const char    *word;
		enum component component;
	} words[] = {
		{ "whole blood", COMPONENT_WHOLE_BLOOD },   { "mau toan phan", COMPONENT_WHOLE_BLOOD }, { "toan phan", COMPONENT_WHOLE_BLOOD },
		{ "mau", COMPONENT_WHOLE_BLOOD },	    { "red cells", COMPONENT_RED_CELLS },	{ "hong cau", COMPONENT_RED_CELLS },
		{ "khoi hong cau", COMPONENT_RED_CELLS },   { "platelets", COMPONENT_PLATELETS },	{ "tieu cau", COMPONENT_PLATELETS },
		{ "khoi tieu cau", COMPONENT_PLATELETS },   { "plasma", COMPONENT_PLASMA },		{ "huyet tuong", COMPONENT_PLASMA },
		{ "granulocytes", COMPONENT_GRANULOCYTES }, { "bach cau", COMPONENT_GRANULOCYTES },	{ "khoi bach cau", COMPONENT_GRANULOCYTES },
		{ "stem cells", COMPONENT_STEM_CELLS },	    { "te bao goc", COMPONENT_STEM_CELLS },
	};
	char folded[FOLDED_SIZE];
	size_t len;

	if (!fold(cell, folded))
		return false;
	/* "tiểu cầu gạn tách": by apheresis. */
	len = strlen(folded);
	if (len > 9 && streq(folded + len - 9, " gan tach"))
		folded[len - 9] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (streq(folded, words[i].word)) {
			*out = words[i].component;
			return true;
		}
	}
	return false;
}
