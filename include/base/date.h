#ifndef BASE_DATE_H
#define BASE_DATE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Civil dates of the Gregorian calendar, in Việt Nam (Asia/Ho_Chi_Minh, which
 * is UTC+7 without summer time). A zeroed date is "none". Pure arithmetic.
 */
struct date {
	int16_t year;        /* 1..9999 */
	int8_t  month, day;  /* 1.. */
};

enum { DATE_TEXT_SIZE = 11, TIME_TEXT_SIZE = 33, VN_OFFSET_SECONDS = 7 * 3600 };

static inline bool date_is_none(struct date d) { return d.year == 0; }

bool date_valid(int year, int month, int day);
struct date date_make(int year, int month, int day);    /* none when not valid */
/* Exactly YYYY-MM-DD; false and *out untouched otherwise. */
bool date_parse(const char *text, struct date *out);
/* YYYY-MM-DD into out, and out. "" for none. */
char *date_format(struct date d, char out[DATE_TEXT_SIZE]);

int32_t date_days(struct date d);                       /* days since 1970-01-01 */
struct date date_from_days(int32_t days);
struct date date_add_days(struct date d, int days);
/* Civil Code: the same day number, or the month's last day where it does not exist. */
struct date date_add_months(struct date d, int months);
/* < 0, 0, > 0; none is before every date. */
int date_compare(struct date a, struct date b);
int date_weekday(struct date d);                        /* 0 = Monday .. 6 = Sunday */
int date_month_length(int year, int month);

/* Civil date and minute of the day in +07 of an instant (microseconds since 1970 UTC). */
struct date date_of_instant(int64_t wall_us);
/* The instant at which that minute of that civil day begins in +07. */
int64_t date_instant(struct date d, int minute_of_day);
/* RFC 3339 with +07:00, to the second ("2025-01-02T07:30:00+07:00"). Returns out. */
char *time_format(int64_t wall_us, char out[TIME_TEXT_SIZE]);
/* Any RFC 3339 time with offset or Z whose day in +07 is a date; leap seconds are not known. */
bool time_parse(const char *text, int64_t *wall_us);

#endif
