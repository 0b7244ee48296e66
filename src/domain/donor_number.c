#include "domain/donor_number.h"

#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "domain/fold.h"

static const char alphabet[] = "23456789ABCDEFGHKMNPQRSTVWXYZ";
enum { BASE = sizeof(alphabet) - 1, HALF = DONOR_NUMBER_CHARACTERS / 2 };

_Static_assert(BASE == 29, "a prime: see donor_number.h");

/*
 * The n-th character from the right weighs n, and the weighted sum is 0 modulo 29. All weights differ and none is a
 * multiple of the prime, so neither another character nor two exchanged ones, neighbours or not, keep the sum.
 */
static unsigned weighted_sum(const unsigned values[DONOR_NUMBER_CHARACTERS])
{
	unsigned sum = 0;

	for (unsigned i = 0; i < DONOR_NUMBER_CHARACTERS; i++)
		sum += (DONOR_NUMBER_CHARACTERS - i) * values[i];
	return sum % BASE;
}

static void write_number(const unsigned values[DONOR_NUMBER_CHARACTERS], char out[DONOR_NUMBER_SIZE])
{
	for (unsigned i = 0; i < DONOR_NUMBER_CHARACTERS; i++)
		out[i + (i >= HALF)] = alphabet[values[i]];
	out[HALF] = '-';
	out[DONOR_NUMBER_SIZE - 1] = '\0';
}

void donor_number_make(uint64_t random, char out[DONOR_NUMBER_SIZE])
{
	unsigned values[DONOR_NUMBER_CHARACTERS] = { 0 };

	for (unsigned i = 0; i < DONOR_NUMBER_CHARACTERS - 1; i++) {
		values[i] = (unsigned)(random % BASE);
		random /= BASE;
	}
	values[DONOR_NUMBER_CHARACTERS - 1] = (BASE - weighted_sum(values)) % BASE;
	write_number(values, out);
}

enum donor_number_fault donor_number_parse(const char *typed, char out[DONOR_NUMBER_SIZE])
{
	unsigned values[DONOR_NUMBER_CHARACTERS];
	unsigned count = 0;

	out[0] = '\0';
	while (*typed) {
		char c = fold_ascii(text_next(&typed));

		if (c == ' ' || c == '-')
			continue;
		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		const char *place = c ? strchr(alphabet, c) : NULL;

		if (!place || count == DONOR_NUMBER_CHARACTERS)
			return DONOR_NUMBER_MALFORMED;
		values[count++] = (unsigned)(place - alphabet);
	}
	if (count != DONOR_NUMBER_CHARACTERS)
		return DONOR_NUMBER_MALFORMED;
	if (weighted_sum(values) != 0)
		return DONOR_NUMBER_MISTYPED;
	write_number(values, out);
	return DONOR_NUMBER_FINE;
}
