#ifndef DOMAIN_SPOKEN_CODE_H
#define DOMAIN_SPOKEN_CODE_H

#include <stdint.h>

/*
 * Codes that people read aloud: random characters and a check character, of 29 (no 0 O 1 I L J U, which are taken
 * for one another or for V), with a dash before the character `dash`. 29 is a prime, so each wrong character and each exchange
 * of two is found. Shared by the numbers and codes of this room.
 */
enum { SPOKEN_CODE_MAX = 8 };

struct spoken_form {
	unsigned characters;             /* with the check character; at most SPOKEN_CODE_MAX */
	unsigned dash;                   /* this many stand before it */
};

/* Of 64 random bits; `out` has room for the characters, the dash and a NUL. */
void spoken_code_make(const struct spoken_form *form, uint64_t random, char *out);

enum spoken_fault { SPOKEN_FINE, SPOKEN_MALFORMED, SPOKEN_MISTYPED };
/* As typed or heard: any case, with or without dash and blanks, full-width. `out` is "" unless FINE. */
enum spoken_fault spoken_code_parse(const struct spoken_form *form, const char *typed, char *out);

#endif
