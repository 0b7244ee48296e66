#ifndef DOMAIN_BAG_CODE_H
#define DOMAIN_BAG_CODE_H

#include <stdbool.h>

/*
 * The bag's own unique number, by which a donation is traced. Where it has the
 * form of an ISBT 128 donation identification number (13 characters: a letter,
 * four letters or digits, eight digits), the check character behind it or the
 * flag characters of its barcode are checked (ISO 7064 mod 37-2). The
 * law prescribes no form, so any other code is taken as it is. Pure.
 */
enum { BAG_CODE_MAX = 40, BAG_CODE_SIZE = BAG_CODE_MAX + 1, BAG_CODE_DIN_LENGTH = 13 };

struct bag_code {
	char text[BAG_CODE_SIZE];        /* canonical: what two spellings of one code have in common */
	bool is_din;
	bool doubtful;                   /* it has the form, and its check character or flags do not fit: a slip, or another form */
};

/*
 * As scanned or typed: blanks gone, letters upper case; of a number of that form dashes too, and what
 * belongs to the barcode or the print but not to the number. What is doubtful stays whole. False, and *out empty: nothing
 * is left, it is longer than BAG_CODE_MAX, or it holds what no keyboard of a blood bank prints (not ASCII).
 */
bool bag_code_parse(const char *typed, struct bag_code *out);

/* Check value of the 13 characters, 0 to 36; -1: not of that form. */
int bag_code_check_value(const char *din);
/* '0' to '9', 'A' to 'Z', '*'. */
char bag_code_check_character(int value);

#endif
