#ifndef DOMAIN_REPORT_H
#define DOMAIN_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/date.h"
#include "base/uuid.h"
#include "domain/component.h"
#include "domain/donation.h"

/* A round's totals as one source gives them. Append-only: a correction is a new report naming the old one. */
struct error;

enum report_source { REPORT_PRESS, REPORT_TEAM, REPORT_ITEMS, REPORT_SOURCE_COUNT };   /* worst to best */
enum figure_qualifier { FIGURE_EXACT, FIGURE_AT_LEAST, FIGURE_ABOUT, FIGURE_QUALIFIER_COUNT };

struct figure {
	int64_t               value;         /* -1: not given */
	enum figure_qualifier qualifier;
};

/* So many donations of one kind: what the sums of a result are made of. */
struct report_part {
	enum component        component;
	int                   volume_ml;
	enum donation_outcome outcome;
	int64_t               donations;
};

struct report {
	char               id[UUID_TEXT_SIZE];        /* empty: of what was added up, which is no row */
	enum report_source source;
	const char        *source_url;       /* or NULL */
	struct date        reported_on;
	struct figure      registered, present, accepted;     /* people */
	struct figure      units;                             /* units of blood (bags) */
	struct figure      ml;                                /* millilitres */
	const char        *corrects;         /* id of the report it replaces, or NULL */
	const char        *note;             /* or NULL */
	int64_t            created_us;       /* of what was added up: when the last of it came in */
	const struct report_part *parts;     /* of what was added up */
	size_t             nparts;
};

const char *report_source_text(enum report_source source);
bool report_source_parse(const char *text, enum report_source *out);
const char *figure_qualifier_text(enum figure_qualifier qualifier);
bool figure_qualifier_parse(const char *text, enum figure_qualifier *out);

/*
 * What no report may claim: figures below 0 or beyond any round (100,000
 * people, 1,000,000 ml), none at all, more accepted than present than
 * registered among exact figures, a press report with no source_url, a date
 * after `today`. Field faults go to *err.
 */
bool report_check(const struct report *report, struct date today, struct error *err);

/*
 * Whether a report may be handed in for this round: it took place (its day is
 * not to come; no draft, cancelled or postponed round), the report is not
 * older than the round, and its source is a person's: `items` are only
 * ever added up from what the teams' phones recorded.
 */
struct round;
bool report_fits(const struct report *report, const struct round *round, struct date today,
		 struct error *err);

/* Which of two reports of one round to show: better source first, then the newer. > 0: a is better. */
int report_compare(const struct report *a, const struct report *b);

#endif
