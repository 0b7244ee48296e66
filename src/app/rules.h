#ifndef APP_RULES_H
#define APP_RULES_H

#include <stdbool.h>

/*
 * The rule set of eligibility (domain/eligibility_rules.h) that the setting
 * eligibility.rules names: one of the program's own by its id, or a file by a
 * path (a name with a '/').
 */
struct eligibility_rules;
struct honour_rules;
struct tariff;
struct error;

enum rules_use { RULES_FOR_USE, RULES_TO_LOOK_AT };

/* New; NULL and *err, with the pointers of what is wrong in the file. An illustration is only to be looked at. */
struct eligibility_rules *rules_open(const char *name, enum rules_use use, struct error *err);
void rules_free(struct eligibility_rules *rules);        /* NULL is fine */

/* Likewise what gifts.tariff and honours.ladders name (domain/tariff.h, domain/honour.h). */
struct tariff *tariff_open(const char *name, struct error *err);
void tariff_free(struct tariff *tariff);
struct honour_rules *honours_open(const char *name, struct error *err);
void honours_free(struct honour_rules *honours);

/*
 * Whether each file that certificates.form and certificates.preprinted_form name ("": the one that is built in) is a form
 * (paper/paper.h). It is read again for each print; a slip in it is told before the first donor waits for a paper.
 */
bool forms_check(const char *whole, const char *preprinted, struct error *err);

#endif
