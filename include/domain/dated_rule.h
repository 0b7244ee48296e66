#ifndef DOMAIN_DATED_RULE_H
#define DOMAIN_DATED_RULE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/date.h"
#include "base/error.h"
#include "domain/eligibility_rules.h"

/*
 * Amounts and bars of laws as data with dates (config/tariffs, config/honours). The file keeps what an earlier law
 * said, since what is asked of a day is answered by what held on that day. Read-only once made. Pure.
 */

/* One law or decision. */
struct law {
	const char   *number;            /* "17/2020/TT-BYT" */
	const char   *title[LANGUAGE_COUNT];
	struct date   issued, from, to;  /* in force, inclusive; to none: still */
	enum evidence evidence;          /* of these dates */
	const char   *sources;
	const char   *pointer;
};

/* What every amount and bar has. It is the first member of what it is in. */
struct dated_rule {
	const char   *id;                /* unique in the file: "gift.whole_blood.350" */
	const struct law *law;
	const char   *article;
	enum evidence evidence;          /* of its numbers */
	const char   *sources;           /* "s1, s2", "" */
	struct date   from, to;          /* inclusive; to none: still valid */
	const char   *note[LANGUAGE_COUNT];      /* NULL: none */
	const char   *pointer;           /* where it stands in the file: "/gifts/0" */
};

bool dated_rule_holds(const struct dated_rule *rule, struct date on);
/* Some day on which both hold. */
bool dated_rules_meet(const struct dated_rule *a, const struct dated_rule *b);

/*
 * Of a list of entries that begin with a struct dated_rule: one that ends before it begins, and ids given twice.
 * Adds the fault with the pointer of the entry.
 */
bool dated_rules_check(const void *list, size_t count, size_t entry_size, struct error *err);

/*
 * Where the texts leave something open, the file says by name how it is answered, and who should decide is told
 * (giothong doctor).
 */
struct open_question {
	const char        *name;         /* NULL ends a table */
	const char *const *choices;      /* ended by NULL */
};
struct question_answer {
	const char   *article;
	enum evidence evidence;          /* seen: somebody who may has decided it */
	int           value;             /* index of the choice */
	const char   *question[LANGUAGE_COUNT];
	const char   *pointer;
};

#endif
