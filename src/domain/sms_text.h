#ifndef DOMAIN_SMS_TEXT_H
#define DOMAIN_SMS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/date.h"

/*
 * Composing one SMS. Everything is written in Vietnamese with marks; when the
 * message is 7-bit, marks and anything outside the alphabet are flattened as
 * they go in. A piece goes in whole or not at all.
 */
struct sms_answer;

struct sms_line {                        /* one piece, not measured yet */
	char   text[512];
	size_t len;
};

void line_clear(struct sms_line *line);
void line_add(struct sms_line *line, const char *text);
void line_add_number(struct sms_line *line, int value, int digits);      /* at least so many digits */
void line_capital(struct sms_line *line);                                /* first letter, when it is plain ASCII */

struct sms_writer {
	struct sms_answer *answer;
	size_t             len;          /* bytes of answer->text */
	size_t             units;        /* septets or UTF-16 units used */
	size_t             max;
};

void writer_init(struct sms_writer *writer, struct sms_answer *answer, bool marks);
/* Appends `text` if the whole of it still fits. */
bool writer_add(struct sms_writer *writer, const char *text);
size_t writer_left(const struct sms_writer *writer);

#endif
