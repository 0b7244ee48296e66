#ifndef PAPER_QR_H
#define PAPER_QR_H

#include <stdbool.h>
#include <stddef.h>

/* QR codes (ISO/IEC 18004), alphanumeric mode and level Q (a quarter of it may be lost). Pure; any thread. */
struct arena;

struct qr {
	int            width;            /* modules on a side, without the quiet zone */
	unsigned char *dark;             /* width * width, row by row, in the arena */
};

/* The margin that readers need, in modules. */
enum { QR_QUIET = 4 };

/* False: a character that is not in the alphanumeric set, or too long for any code. */
bool qr_make(const char *text, struct arena *arena, struct qr *qr) __attribute__((warn_unused_result));

#endif
