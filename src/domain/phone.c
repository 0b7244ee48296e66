#include "domain/phone.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "domain/fold.h"

/*
 * Three lengths tell Vietnamese numbers apart, counted without the leading 0 or 84: mobile numbers have 9 digits,
 * fixed lines 10 and begin with 2, the mobile numbers of before 2018 had 10 and began with 1.
 */
enum { MOBILE_DIGITS = 9, FIXED_DIGITS = 10, DIGITS_MAX = 15, FOREIGN_DIGITS_MIN = 7, TYPED_DIGITS_MAX = 20 };

/* The change of 2018, without the leading 0: 0162 became 032, and so on. */
static const struct {
	char before[4], now[3];
} renumbered[] = {
	{ "162", "32" }, { "163", "33" }, { "164", "34" }, { "165", "35" }, { "166", "36" }, { "167", "37" },
	{ "168", "38" }, { "169", "39" },
	{ "120", "70" }, { "121", "79" }, { "122", "77" }, { "126", "76" }, { "128", "78" },
	{ "123", "83" }, { "124", "84" }, { "125", "85" }, { "127", "81" }, { "129", "82" },
	{ "186", "56" }, { "188", "58" },
	{ "199", "59" },
};

/* Second digits of mobile prefixes, by the first (facts 7). */
static const char *mobile_second(char first)
{
	switch (first) {
	case '3':
		return "23456789";
	case '5':
		return "25689";
	case '7':
		return "06789";
	case '8':
		return "123456789";
	case '9':
		return "0123456789";
	default:
		return "";
	}
}

static bool is_mobile(const char *digits)
{
	return strlen(digits) == MOBILE_DIGITS && strchr(mobile_second(digits[0]), digits[1]);
}

static bool is_fixed(const char *digits)
{
	return strlen(digits) == FIXED_DIGITS && digits[0] == '2';
}

/* A Vietnamese number without 0 and 84, as it is dialled today, into out. */
static bool take_national(const char *digits, char out[PHONE_TEXT_SIZE])
{
	if (is_mobile(digits) || is_fixed(digits)) {
		snprintf(out, PHONE_TEXT_SIZE, "+84%s", digits);
		return true;
	}
	if (strlen(digits) != FIXED_DIGITS)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(renumbered); i++) {
		if (!text_starts_with(digits, renumbered[i].before))
			continue;
		snprintf(out, PHONE_TEXT_SIZE, "+84%s%s", renumbered[i].now, digits + 3);
		return true;
	}
	return false;
}

/* After the 84: "+84 (0)912 345 678" is often written. */
static bool take_after_84(const char *digits, char out[PHONE_TEXT_SIZE])
{
	return take_national(digits + (digits[0] == '0'), out);
}

static bool take_international(const char *digits, char out[PHONE_TEXT_SIZE])
{
	size_t count = strlen(digits);

	if (text_starts_with(digits, "84"))
		return take_after_84(digits + 2, out);
	if (digits[0] == '0' || count < FOREIGN_DIGITS_MIN || count > DIGITS_MAX)
		return false;
	snprintf(out, PHONE_TEXT_SIZE, "+%.*s", DIGITS_MAX, digits);
	return true;
}

/* Nothing but digits, with one "+" before the first of them. */
static bool read_digits(const char *typed, char digits[TYPED_DIGITS_MAX + 1], bool *plus)
{
	size_t count = 0;

	*plus = false;
	while (*typed) {
		char c = fold_ascii(text_next(&typed));

		if (c >= '0' && c <= '9' && count < TYPED_DIGITS_MAX)
			digits[count++] = c;
		else if (c == '+' && count == 0 && !*plus)
			*plus = true;
		else if (c == '\0' || !strchr(" .-()", c))
			return false;
	}
	digits[count] = '\0';
	return count > 0;
}

bool phone_normalise(const char *typed, char out[PHONE_TEXT_SIZE])
{
	char digits[TYPED_DIGITS_MAX + 1];
	bool plus, found;

	out[0] = '\0';
	if (!read_digits(typed, digits, &plus))
		return false;
	if (plus)
		found = take_international(digits, out);
	else if (text_starts_with(digits, "00"))
		found = take_international(digits + 2, out);
	else if (digits[0] == '0')
		found = take_national(digits + 1, out);
	else                             /* spreadsheets drop a leading 0, people the plus */
		found = take_national(digits, out) ||
			(text_starts_with(digits, "84") && take_after_84(digits + 2, out));
	return found;
}

bool phone_is_mobile(const char *phone)
{
	return text_starts_with(phone, "+84") && is_mobile(phone + 3);
}

/* Hà Nội (024) and Hồ Chí Minh City (028) have 8 digits after the area code, others 7. */
static int area_digits(const char *digits)
{
	return digits[1] == '4' || digits[1] == '8' ? 2 : 3;
}

void phone_format(const char *phone, char out[PHONE_TEXT_SIZE + 4])
{
	const size_t size = PHONE_TEXT_SIZE + 4;
	const char *digits = text_starts_with(phone, "+84") ? phone + 3 : "";
	int area;

	if (is_mobile(digits)) {
		snprintf(out, size, "0%.3s %.3s %.3s", digits, digits + 3, digits + 6);
	} else if (is_fixed(digits)) {
		area = area_digits(digits);
		snprintf(out, size, "0%.*s %.*s %.4s", area, digits, 6 - area, digits + area, digits + 6);
	} else {
		snprintf(out, size, "%.*s", PHONE_TEXT_SIZE - 1, phone);
	}
}
