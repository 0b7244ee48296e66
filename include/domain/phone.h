#ifndef DOMAIN_PHONE_H
#define DOMAIN_PHONE_H

#include <stdbool.h>

/*
 * Phone numbers as Vietnamese people write them (facts 7): 0912 345 678,
 * +84 912.345.678, 0084-912345678, (84) 912345678, full-width digits, fixed
 * lines (0213...), and the 11-digit mobile numbers of before 2018, which are
 * the 10-digit ones of today. A leading 0 that a spreadsheet dropped is put
 * back. All spellings of one number are one. Pure.
 */
enum { PHONE_TEXT_SIZE = 17 };

/* E.164 into out ("+84912345678"). Numbers of other countries need "+" or "00". False: no phone number, out is "". */
bool phone_normalise(const char *typed, char out[PHONE_TEXT_SIZE]);
/* As people here write it: "0912 345 678", "0213 387 6543"; of other countries as it is. `phone` is normalised. */
void phone_format(const char *phone, char out[PHONE_TEXT_SIZE + 4]);
/* Can it take an SMS: a Vietnamese mobile number. */
bool phone_is_mobile(const char *phone);

#endif
