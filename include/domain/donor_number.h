#ifndef DOMAIN_DONOR_NUMBER_H
#define DOMAIN_DONOR_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The number by which a donor is called: "K7M4-XQD5", seven random characters
 * and a check character, of 29 (no 0 O 1 I L J U, which are taken for one
 * another or for V). 29 is a prime, so each wrong character and each exchange of two
 * is found. It says nothing about the person. Pure.
 */
enum { DONOR_NUMBER_SIZE = 10, DONOR_NUMBER_CHARACTERS = 8 };

/*
 * Of 64 random bits, as stored: "K7M4-XQD5". There are 29^7 (17 thousand million): with ten million donors one new
 * number in 1,700 is somebody's already, so who stores it must be ready to draw again.
 */
void donor_number_make(uint64_t random, char out[DONOR_NUMBER_SIZE]);

enum donor_number_fault { DONOR_NUMBER_FINE, DONOR_NUMBER_MALFORMED, DONOR_NUMBER_MISTYPED };
/* As typed or heard: any case, with or without dash and blanks, full-width. MISTYPED: the check character differs. out is "" unless FINE. */
enum donor_number_fault donor_number_parse(const char *typed, char out[DONOR_NUMBER_SIZE]);

#endif
