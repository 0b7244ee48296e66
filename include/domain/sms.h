#ifndef DOMAIN_SMS_H
#define DOMAIN_SMS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/date.h"

/*
 * SMS of donors with a plain phone: what a text asks, and the answer in one
 * message. Pure: the rounds, the units and today are given. An answer never
 * holds anything about a person or their health.
 */
struct certificate_facts;
struct certificate_number;
struct round;
struct unit_map;

enum { SMS_GSM7_MAX = 160, SMS_UCS2_MAX = 70, SMS_TEXT_SIZE = 641 };

enum sms_command {
	SMS_SCHEDULE,            /* LICH [place] */
	SMS_CERTIFICATE,         /* XN <code or number of a certificate> */
	SMS_HELP                 /* anything else, until its part is built */
};

struct sms_request {
	enum sms_command command;
	char             argument[161];  /* folded: "than uyen" */
	bool             marks;          /* the donor asked for marks ("CO DAU" at the end): UCS-2 */
};

/* Capitals or not, marks or not, missing or doubled blanks, "HM" before it or not. Any bytes are fine. */
void sms_parse(const char *utf8, struct sms_request *request);

/*
 * The text a gateway hands over, to UTF-8. `coding` 0 (7-bit), 1 (8-bit), 2
 * (UCS-2) or -1 (not said); `charset` as the gateway names it, NULL or "" when
 * not said. UTF-16BE and UTF-16 (with byte order mark) and UCS-2, ISO-8859-1,
 * WINDOWS-1252, GSM, ASCII, UTF-8. What cannot be read becomes '?': a donor's
 * typo must never end as an error. Always NUL-terminated.
 */
void sms_decode(const char *bytes, size_t len, int coding, const char *charset, char *out, size_t size);

struct sms_answer {
	char text[SMS_TEXT_SIZE];        /* UTF-8; plain ASCII of the GSM alphabet unless ucs2 */
	bool ucs2;
	int  segments;                   /* always 1 */
};

/*
 * The next rounds at a place (or everywhere), of `rounds` (public ones, in
 * order of date, past ones too). Proposed rounds are told without a day and as
 * not official; one whose place nobody knows yet says so; cancelled, postponed and moved ones are said to be so. A place
 * that is not known gets the nearest names; a place without a coming round
 * its last one. Demonstration data is marked "MAU". `signature` (NULL: none) ends
 * the text where it fits whole. What does not fit is told shorter or left out,
 * never cut. Allocates nothing.
 *
 * A place means every unit ever so named and whatever shares land with one of
 * them. A round hosted by the whole province, or with no host known, is shown
 * to whoever asks for the province (or for the town of its name), or for no place.
 */
void sms_answer_schedule(const struct sms_request *request, const struct round *rounds, size_t nrounds,
			 const struct unit_map *units, struct date today, const char *signature,
			 struct sms_answer *answer);
void sms_answer_help(const struct sms_request *request, const char *signature, struct sms_answer *answer);

/* What was typed behind XN, read: the code (and `number` zeroed), else the number (and `code` ""). */
enum sms_slip {
	SMS_SLIP_NONE,           /* one of them is there */
	SMS_SLIP_MISTYPED,       /* its check characters do not fit */
	SMS_SLIP_MALFORMED       /* nothing of that form */
};
enum sms_slip sms_certificate_asked(const struct sms_request *request, char *code, size_t size,
				    struct certificate_number *number);
/*
 * Whether there is such a certificate, what it was worth and what is left, as it is recorded here; never whose it is.
 * `facts` NULL: nobody has issued it.
 */
void sms_answer_certificate(const struct sms_request *request, const struct certificate_number *number,
			    const struct certificate_facts *facts, const char *signature, struct sms_answer *answer);
/* What to do about a slip of the pen. */
void sms_answer_slip(const struct sms_request *request, enum sms_slip slip, const char *signature,
		     struct sms_answer *answer);
/* The same phone has asked for too many certificates. */
void sms_answer_enough(const struct sms_request *request, int seconds, const char *signature, struct sms_answer *answer);

/* Whether every character is in the GSM 7-bit default alphabet; septets counts what it takes (extension: two). */
bool sms_is_gsm7(const char *utf8, size_t *septets);

#endif
