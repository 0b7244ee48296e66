#include "domain/spoken_code.h"

#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "domain/fold.h"

static const char alphabet[] = "23456789ABCDEFGHKMNPQRSTVWXYZ";
enum { BASE = sizeof(alphabet) - 1 };

_Static_assert(BASE == 29, "a prime: see spoken_code.h");
_Static_assert((int)SPOKEN_CODE_MAX < (int)BASE, "each place has a weight of its own");

/*
 * The n-th character from the right weighs n, and the weighted sum is 0 modulo 29. All weights differ and none is a
 * multiple of the prime, so neither another character nor two exchanged ones, neighbours or not, keep the sum.
 */
static unsigned weighted_sum(const unsigned *values, unsigned count)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < count; i++)
		sum += (count - i) * values[i];
	return sum % BASE;
}

static void write_code(const struct spoken_form *form, const unsigned *values, char *out)
{
	for (unsigned i = 0; i < form->characters; i++)
		out[i + (i >= form->dash)] = alphabet[values[i]];
	out[form->dash] = '-';
	out[form->characters + 1] = '\0';
}

void spoken_code_make(const struct spoken_form *form, uint64_t random, char *out)
{
	unsigned values[SPOKEN_CODE_MAX] = { 0 };
	unsigned last = form->characters - 1;

	for (unsigned i = 0; i < last; i++) {
		values[i] = (unsigned)(random % BASE);
		random /= BASE;
	}
	values[last] = (BASE - weighted_sum(values, form->characters)) % BASE;
	write_code(form, values, out);
}

enum spoken_fault spoken_code_parse(const struct spoken_form *form, const char *typed, char *out)
{
	unsigned values[SPOKEN_CODE_MAX];
	unsigned count = 0;

	out[0] = '\0';
	while (*typed) {
		char c = fold_ascii(text_next(&typed));

		if (c == ' ' || c == '-')
			continue;
		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		const char *place = c ? strchr(alphabet, c) : NULL;

		if (!place || count == form->characters)
			return SPOKEN_MALFORMED;
		values[count++] = (unsigned)(place - alphabet);
	}
	if (count != form->characters)
		return SPOKEN_MALFORMED;
	if (weighted_sum(values, count) != 0)
		return SPOKEN_MISTYPED;
	write_code(form, values, out);
	return SPOKEN_FINE;
}
