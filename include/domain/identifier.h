#ifndef DOMAIN_IDENTIFIER_H
#define DOMAIN_IDENTIFIER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/date.h"

/*
 * Numbers on papers by which a donor is known: the kinds of Circular 26
 * Art. 7(1), and the rules of their numbers (facts 8). A number belongs to a
 * paper, not to a person: one person may have several, or none. Pure.
 */
struct arena;
struct error;

enum identifier_kind {
	IDENTIFIER_CCCD,                 /* 12 digits, personal number */
	IDENTIFIER_CMND,                 /* 9 digits, of papers that ended on 1/1/2025 */
	IDENTIFIER_PASSPORT,
	IDENTIFIER_MILITARY,
	IDENTIFIER_POLICE,
	IDENTIFIER_DRIVING_LICENCE,
	IDENTIFIER_WORK_CARD,
	IDENTIFIER_STUDENT_CARD,
	IDENTIFIER_DONOR_CARD,
	IDENTIFIER_LOCAL_PAPER,          /* a paper from a local authority: never unique */
	IDENTIFIER_KIND_COUNT
};

const char *identifier_kind_text(enum identifier_kind kind);     /* "cccd" */
bool identifier_kind_parse(const char *text, enum identifier_kind *out);
/* All but the first three are numbered by whoever gives them out. */
bool identifier_needs_issuer(enum identifier_kind kind);
bool identifier_is_unique(enum identifier_kind kind);

struct identifier {
	enum identifier_kind kind;
	const char          *issuer;     /* as written; NULL: none */
	const char          *value;      /* normalised */
};

/*
 * As typed, made one: blanks, dots, dashes and marks gone, full-width digits and
 * letters plain, letters upper case, Đ a D; a cmnd or passport of 12 digits is
 * a cccd. A cccd then has 12 digits, a cmnd 9, a passport 6 to 12 digits and
 * letters, the others at most 32 digits, letters and "/". The issuer is only
 * made tidy (200 characters at most). The result points into the arena. False: *identifier is as
 * it was, and there are faults at "<pointer>/value", "<pointer>/issuer"; the texts never repeat what was typed.
 */
bool identifier_normalise(struct identifier *identifier, const char *pointer, struct arena *arena,
			  struct error *err);

/*
 * What follows is for normalised ones.
 *
 * What its digest is made of (design 6.4): kind 0x1f issuer 0x1f number, the
 * issuer folded, "" where the kind needs none. In the arena; *len excludes the NUL.
 */
const char *identifier_digest_text(const struct identifier *identifier, struct arena *arena, size_t *len);

/* Whether both have the same digest text. */
bool identifier_same(const struct identifier *a, const struct identifier *b);

/* What does not fit in a 12-digit number: each a warning for a person, never a refusal (facts 8). */
enum identifier_doubt {
	IDENTIFIER_DOUBT_PROVINCE   = 1 << 0,    /* digits 1-3 are no province of before 2025 */
	IDENTIFIER_DOUBT_SEX        = 1 << 1,    /* digit 4 says the other sex */
	IDENTIFIER_DOUBT_BIRTH_YEAR = 1 << 2     /* digits 4-6 say another century or year */
};
/* `sex`: 'f', 'm' or 0 for unknown; birth_year 0: unknown. Other kinds: 0. */
unsigned identifier_doubts(const struct identifier *identifier, char sex, int birth_year);

#endif
