#ifndef DOMAIN_ELIGIBILITY_WORDS_H
#define DOMAIN_ELIGIBILITY_WORDS_H

#include "base/date.h"
#include "domain/eligibility_rules.h"

/* What the texts about reasons and about rules have in common. Each goes to the end of `out`. */

/* As people write it: 2026-03-26, 26/03/2026. */
void words_day(struct buf *out, struct date day, enum language language);
/* "12 weeks", "12 tuần" */
void words_span(struct buf *out, struct span span, enum language language);
/* "at least 100 and under 160 mmHg", "từ 42 kg trở lên" */
void words_range(struct buf *out, const struct range *range, const char *unit, enum language language);
/* "Haemoglobin must be at least 125 g/l for over 350 ml." */
void words_limit(struct buf *out, const struct limit_rule *limit, enum language language);

#endif
