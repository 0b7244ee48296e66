#include "base/date.h"

#include <string.h>

static const int64_t us_per_second = 1000000;

int date_month_length(int year, int month)
{
	static const int8_t lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : lengths[month - 1];
}

bool date_valid(int year, int month, int day)
{
	return year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 &&
	       day <= date_month_length(year, month);
}

struct date date_make(int year, int month, int day)
{
	if (!date_valid(year, month, day))
		return (struct date){ 0 };
	return (struct date){ (int16_t)year, (int8_t)month, (int8_t)day };
}

/* `count` digits at text, or -1. */
static int read_digits(const char *text, int count)
{
	int value = 0;

	for (int i = 0; i < count; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value;
}

static bool read_date(const char *text, struct date *out)
{
	int year = read_digits(text, 4);

	if (year < 0 || text[4] != '-')
		return false;
	int month = read_digits(text + 5, 2);

	if (month < 0 || text[7] != '-')
		return false;
	int day = read_digits(text + 8, 2);

	if (day < 0 || !date_valid(year, month, day))
		return false;
	*out = date_make(year, month, day);
	return true;
}

bool date_parse(const char *text, struct date *out)
{
	struct date date;

	if (!text || !read_date(text, &date) || text[10] != '\0')
		return false;
	*out = date;
	return true;
}

/* Lists are full of dates: digits by hand take a tenth of what printf takes. */
static char *put_digits(char *out, unsigned value, int count)
{
	for (int i = count - 1; i >= 0; i--, value /= 10)
		out[i] = (char)('0' + value % 10);
	return out + count;
}

char *date_format(struct date d, char out[DATE_TEXT_SIZE])
{
	char *p = out;

	if (!date_is_none(d)) {
		p = put_digits(p, (unsigned)d.year, 4);
		*p++ = '-';
		p = put_digits(p, (unsigned)d.month, 2);
		*p++ = '-';
		p = put_digits(p, (unsigned)d.day, 2);
	}
	*p = '\0';
	return out;
}

/* Days from civil and back: counts from 1 March, so that the leap day ends a year. */
int32_t date_days(struct date d)
{
	int year = d.year - (d.month <= 2);
	int era = (year >= 0 ? year : year - 399) / 400;
	int year_of_era = year - era * 400;
	int month = (d.month + 9) % 12;
	int day_of_year = (153 * month + 2) / 5 + d.day - 1;
	int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

struct date date_from_days(int32_t days)
{
	int shifted = days + 719468;
	int era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int day_of_era = shifted - era * 146097;
	int year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int month = (5 * day_of_year + 2) / 153;
	int day = day_of_year - (153 * month + 2) / 5 + 1;
	int civil_month = month < 10 ? month + 3 : month - 9;

	return date_make(year_of_era + era * 400 + (civil_month <= 2), civil_month, day);
}

struct date date_add_days(struct date d, int days)
{
	return date_from_days(date_days(d) + days);
}

struct date date_add_months(struct date d, int months)
{
	int index = d.year * 12 + (d.month - 1) + months;
	int year = index / 12;
	int month = index % 12 + 1;

	if (year < 1 || year > 9999)
		return (struct date){ 0 };
	int length = date_month_length(year, month);

	return date_make(year, month, d.day < length ? d.day : length);
}

int date_compare(struct date a, struct date b)
{
	if (a.year != b.year)
		return a.year - b.year;
	if (a.month != b.month)
		return a.month - b.month;
	return a.day - b.day;
}

int date_weekday(struct date d)
{
	int32_t days = date_days(d);

	return (int)((days % 7 + 7 + 3) % 7);      /* 1970-01-01 was a Thursday */
}

static int64_t floor_divide(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

struct date date_of_instant(int64_t wall_us)
{
	int64_t local = floor_divide(wall_us, us_per_second) + VN_OFFSET_SECONDS;

	return date_from_days((int32_t)floor_divide(local, 86400));
}

int64_t date_instant(struct date d, int minute_of_day)
{
	int64_t local = (int64_t)date_days(d) * 86400 + (int64_t)minute_of_day * 60;

	return (local - VN_OFFSET_SECONDS) * us_per_second;
}

char *time_format(int64_t wall_us, char out[TIME_TEXT_SIZE])
{
	int64_t local = floor_divide(wall_us, us_per_second) + VN_OFFSET_SECONDS;
	int64_t days = floor_divide(local, 86400);
	unsigned second = (unsigned)(local - days * 86400);
	char *p = date_format(date_from_days((int32_t)days), out) + DATE_TEXT_SIZE - 1;

	*p++ = 'T';
	p = put_digits(p, second / 3600, 2);
	*p++ = ':';
	p = put_digits(p, second / 60 % 60, 2);
	*p++ = ':';
	p = put_digits(p, second % 60, 2);
	memcpy(p, "+07:00", 7);
	return out;
}

/* "Z" or "+hh:mm" in seconds; false when it is neither. */
static bool read_offset(const char *text, int *seconds)
{
	if ((text[0] == 'Z' || text[0] == 'z') && text[1] == '\0') {
		*seconds = 0;
		return true;
	}
	if ((text[0] != '+' && text[0] != '-') || strlen(text) != 6 || text[3] != ':')
		return false;
	int hours = read_digits(text + 1, 2);
	int minutes = read_digits(text + 4, 2);

	if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
		return false;
	*seconds = (hours * 3600 + minutes * 60) * (text[0] == '-' ? -1 : 1);
	return true;
}

bool time_parse(const char *text, int64_t *wall_us)
{
	struct date date;
	int64_t micros = 0;
	int offset;

	if (!text || strlen(text) < 20 || !read_date(text, &date) ||
	    (text[10] != 'T' && text[10] != 't') || text[13] != ':' || text[16] != ':')
		return false;
	int hour = read_digits(text + 11, 2);
	int minute = read_digits(text + 14, 2);
	int second = read_digits(text + 17, 2);

	if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
		return false;
	const char *p = text + 19;

	if (*p == '.') {
		int64_t unit = us_per_second / 10;

		p++;
		if (*p < '0' || *p > '9')
			return false;
		for (; *p >= '0' && *p <= '9'; p++, unit /= 10)
			micros += (*p - '0') * unit;
	}
	if (!read_offset(p, &offset))
		return false;
	int64_t local = (int64_t)date_days(date) * 86400 + hour * 3600 + minute * 60 + second;
	int64_t instant = (local - offset) * us_per_second + micros;

	/* Near the first and the last year the day may not exist here. */
	if (date_is_none(date_of_instant(instant)))
		return false;
	*wall_us = instant;
	return true;
}
