#include "http/date_line.h"

#include <stdio.h>

const char *http_date_now(struct http_date *date)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t now = time(NULL);
	char text[64];
	struct tm tm;

	if (now == date->second)
		return date->text;
	gmtime_r(&now, &tm);
	snprintf(text, sizeof(text), "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday,
		 months[tm.tm_mon], (tm.tm_year + 1900) % 10000, tm.tm_hour, tm.tm_min, tm.tm_sec);
	snprintf(date->text, sizeof(date->text), "%.*s", HTTP_DATE_LENGTH, text);
	date->second = now;
	return date->text;
}
