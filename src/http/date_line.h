#ifndef HTTP_DATE_LINE_H
#define HTTP_DATE_LINE_H

#include <time.h>

enum { HTTP_DATE_LENGTH = 29 };

/* The value of the Date field, made anew once a second. */
struct http_date {
	time_t second;
	char   text[HTTP_DATE_LENGTH + 1];
};
/* Up to date after this; returns the text. */
const char *http_date_now(struct http_date *date);

#endif
