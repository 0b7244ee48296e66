#include "domain/donor_number.h"

#include "domain/spoken_code.h"

static const struct spoken_form form = { DONOR_NUMBER_CHARACTERS, DONOR_NUMBER_CHARACTERS / 2 };

_Static_assert((int)DONOR_NUMBER_CHARACTERS <= (int)SPOKEN_CODE_MAX && DONOR_NUMBER_SIZE == DONOR_NUMBER_CHARACTERS + 2,
	       "a dash and a NUL");

void donor_number_make(uint64_t random, char out[DONOR_NUMBER_SIZE])
{
	spoken_code_make(&form, random, out);
}

enum donor_number_fault donor_number_parse(const char *typed, char out[DONOR_NUMBER_SIZE])
{
	switch (spoken_code_parse(&form, typed, out)) {
	case SPOKEN_FINE:
		return DONOR_NUMBER_FINE;
	case SPOKEN_MISTYPED:
		return DONOR_NUMBER_MISTYPED;
	default:
		return DONOR_NUMBER_MALFORMED;
	}
}
