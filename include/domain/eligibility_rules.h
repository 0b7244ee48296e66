#ifndef DOMAIN_ELIGIBILITY_RULES_H
#define DOMAIN_ELIGIBILITY_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/date.h"
#include "base/error.h"
#include "domain/component.h"
#include "domain/donor.h"

/*
 * The rules of who may give blood, as data. A rule set is one law or guideline
 * (config/eligibility/NAME.json, read by wire/eligibility_wire.h); the engine
 * (domain/eligibility.h) knows no number of its own.
 *
 * Read-only once made: shared by all threads. Everything lives in the arena of
 * whoever made it. Measured values are whole thousandths of their unit
 * (45.5 kg is 45500), so that no limit depends on how a fraction is rounded.
 */

struct buf;

/* What is measured or looked at, and has limits. */
enum eligibility_measure {
	MEASURE_WEIGHT, MEASURE_SYSTOLIC, MEASURE_DIASTOLIC, MEASURE_PULSE,
	MEASURE_PULSE_REGULAR,           /* 1000: yes, 0: no */
	MEASURE_HEMOGLOBIN, MEASURE_PLATELETS, MEASURE_PROTEIN, MEASURE_COUNT
};
enum { MEASURE_UNKNOWN = -1, MEASURE_ONE = 1000 };
const char *eligibility_measure_text(enum eligibility_measure measure);  /* the API's name: "weight_kg" */
bool eligibility_measure_parse(const char *text, enum eligibility_measure *out);
const char *eligibility_measure_name(enum eligibility_measure measure, enum language language);  /* "Weight", "Cân nặng" */
const char *eligibility_measure_unit(enum eligibility_measure measure, enum language language);  /* "kg"; NULL: yes or no */

/* How well a number is known to be the law's. */
enum evidence { EVIDENCE_SEEN, EVIDENCE_SEEN_UNOFFICIAL, EVIDENCE_RECALLED, EVIDENCE_COUNT };
const char *evidence_text(enum evidence evidence);       /* "seen_unofficial" */
bool evidence_parse(const char *text, enum evidence *out);

/*
 * An hour is not kept of any fact, so a wait in hours is counted in whole days, rounded up. Days, weeks and
 * hours are days; months and years are counted by the calendar, by the parameter month_counting.
 */
enum span_unit { SPAN_HOUR, SPAN_DAY, SPAN_WEEK, SPAN_MONTH, SPAN_YEAR, SPAN_UNIT_COUNT };
struct span {
	int            value;
	enum span_unit unit;
};
const char *span_unit_text(enum span_unit unit);
bool span_unit_parse(const char *text, enum span_unit *out);

/* Limits, each open (over, under) or closed (at_least, at_most). Thousandths; all false: everything is inside. */
struct range {
	int32_t low, high;
	bool    has_low, low_open, has_high, high_open;
};
bool range_holds(const struct range *range, int32_t value);
/* No value is in both. */
bool ranges_are_apart(const struct range *a, const struct range *b);

enum first_time { DONORS_ALL, DONORS_FIRST_TIME, DONORS_REPEAT };

/* The lists of a rule set. */
enum rule_kind {
	RULE_PARAMETER, RULE_AGE, RULE_LIMIT, RULE_BAND, RULE_CONDITION, RULE_DEFERRAL, RULE_WAIT, RULE_COUNT,
	RULE_TOTAL, RULE_OCCUPATION, RULE_FINAL_WORD, RULE_KIND_COUNT
};
const char *rule_kind_text(enum rule_kind kind);         /* "deferral" */

/* What all rules have; it is the first member of a struct age_rule, ... by its kind. */
struct rule {
	enum rule_kind kind;
	const char    *id;               /* unique in the set: "wait.6.1" */
	const char    *article;          /* "6(1)" */
	enum evidence  evidence;         /* of its numbers */
	const char    *sources;          /* "s5, s11", "" */
	struct date    valid_from, valid_to;     /* inclusive; to none: still valid */
	const char    *note[LANGUAGE_COUNT];     /* NULL: none */
	unsigned       components;       /* whom it concerns: of the donation that is to be */
	enum donor_sex sex;              /* DONOR_SEX_UNKNOWN: both */
	enum first_time first_time;
	bool           doctor_may_allow; /* the law lets a doctor decide otherwise */
	const char    *pointer;          /* where it stands in the file: "/waits/0" */
};

struct age_rule {
	struct rule rule;
	int         from_years, to_years;        /* -1: no such limit */
};

/* A measured value must be inside; with `volume` only when so much is given (ml, thousandths). */
struct limit_rule {
	struct rule              rule;
	enum eligibility_measure measure;
	struct range             range;
	struct range             volume;
	struct span              max_age;        /* of the test; value 0: none */
};

/* The most that may be given at a weight. */
struct band_rule {
	struct rule  rule;
	struct range weight;
	int          max_ml;             /* -1: no such limit */
	int          max_ml_per_kg;      /* -1: no such limit */
};

/*
 * Which earlier donation a wait or a count goes by: the last of all, if it is
 * of these components; or the last that is of these, whatever came after it.
 */
enum counts_from { FROM_LAST_DONATION, FROM_LAST_OF_THESE };

/* So long after `after`, no donation of rule.components. `after_volume`: only if so much was given. */
struct wait_rule {
	struct rule      rule;
	unsigned         after;
	enum counts_from counts_from;
	struct range     after_volume;
	struct span      wait;
};

/* No more than at_most donations of `of` within the window; the new one, whatever it is, counts as one more. */
struct count_rule {
	struct rule      rule;
	unsigned         of;
	enum counts_from counts_from;
	int              at_most;
	struct span      window;
};

/* No more than at_most_ml of `of` within the window, the new one included. */
struct total_rule {
	struct rule rule;
	unsigned    of;
	int         at_most_ml;
	struct span window;
};

enum counted_from { COUNTED_EVENT, COUNTED_CURE, COUNTED_RECOVERY, COUNTED_END_OF_COURSE, COUNTED_FROM_COUNT };
const char *counted_from_text(enum counted_from from);   /* "end_of_course" */
bool counted_from_parse(const char *text, enum counted_from *out);
const char *counted_from_name(enum counted_from from, enum language language);   /* "the end of the course" */

/* rule.id is "deferral." and the code; rule.sex is who is asked, and hides nothing: a fact once given counts. */
struct deferral_rule {
	struct rule       rule;
	const char       *code;
	const char       *text[LANGUAGE_COUNT];
	struct span       wait;
	enum counted_from counted_from;
};

/* Diseases and states that exclude (Article 4), and signs of the day. rule.id: "condition.pallor". */
enum condition_lasts { LASTS_WHILE_PRESENT, LASTS_FOR_EVER, LASTS_TODAY, CONDITION_LASTS_COUNT };
const char *condition_lasts_text(enum condition_lasts lasts);
bool condition_lasts_parse(const char *text, enum condition_lasts *out);
const char *condition_lasts_name(enum condition_lasts lasts, enum language language);    /* "no donation while it lasts" */
struct condition_rule {
	struct rule          rule;
	const char          *code;
	const char          *text[LANGUAGE_COUNT];
	enum condition_lasts lasts;
};

/* A wait after the donation before going back to work: told, never a refusal. rule.id: "occupation.code". */
struct occupation_rule {
	struct rule rule;
	const char *code;
	const char *text[LANGUAGE_COUNT];
	struct span wait;
};

/* ---- open questions of the law ---- */

/*
 * Where a text can be read in two ways, the reading is a parameter of the file.
 * All of them stand in every file; the engine reads them by these names.
 */
enum eligibility_parameter {
	PARAMETER_INTERVAL_FIRST_DAY,    /* interval_first_day_offset: 0: day D+84 is the first, 1: D+85 */
	PARAMETER_DEFERRAL_FIRST_DAY,    /* deferral_first_day_offset: the same for deferrals */
	PARAMETER_MONTH_COUNTING,        /* month_counting */
	PARAMETER_AGE_LAST_DAY,          /* age_last_day */
	PARAMETER_LEAP_BIRTHDAY,         /* leap_day_birthday */
	PARAMETER_MIXED_DONATIONS,       /* mixed_donations */
	PARAMETER_COUNT
};
/* The choices of each, in the order of the words that the file has for them. */
enum { MONTH_LAST_DAY, MONTH_NEXT_FIRST };       /* last_day, first_of_next: of 31 January and one month */
enum { AGE_EVE_OF_NEXT, AGE_BIRTHDAY };          /* eve_of_next_birthday, birthday */
enum { LEAP_FEBRUARY_28, LEAP_MARCH_1 };         /* february_28, march_1 */
enum { MIXED_LAST_AND_SAME, MIXED_LAST_ONLY, MIXED_EACH };
					/* last_and_same_kind; last_only: rules from last_of_these are left out;
					 * each_kind: these count whatever is given next */
const char *eligibility_parameter_name(enum eligibility_parameter parameter);
/* The words of its choices, ended by NULL: "0", "1". */
const char *const *eligibility_parameter_choices(enum eligibility_parameter parameter);

struct parameter_value {
	struct rule rule;                /* id: its name */
	int         value;               /* index of the choice */
	const char *question[LANGUAGE_COUNT];
};

enum rule_set_use { USE_PRACTICE, USE_ILLUSTRATION };

/* Where rules were read. */
struct rule_source {
	const char *id;                  /* as rules name it: "s5" */
	const char *url;                 /* NULL: none */
	const char *what[LANGUAGE_COUNT];
};

struct eligibility_rules {
	const char       *id;            /* "vn-26-2013-tt-byt" */
	const char       *edition;       /* id and a mark of the file's bytes: two files may have one id. NULL: of no file */
	const char       *text;          /* the file, for who takes it along; NULL: of no file */
	const char       *number;        /* "26/2013/TT-BYT" */
	const char       *title[LANGUAGE_COUNT];
	const char       *note[LANGUAGE_COUNT];  /* NULL: none */
	enum rule_set_use use;
	struct date       valid_from, valid_to;
	struct rule       final_word;    /* who decides; its note says so */
	struct rule_source     *sources;     size_t nsources;
	struct parameter_value parameters[PARAMETER_COUNT];
	struct age_rule        *ages;        size_t nages;
	struct limit_rule      *limits;      size_t nlimits;
	struct band_rule       *bands;       size_t nbands;
	struct wait_rule       *waits;       size_t nwaits;
	struct count_rule      *counts;      size_t ncounts;
	struct total_rule      *totals;      size_t ntotals;
	struct deferral_rule   *deferrals;   size_t ndeferrals;
	struct condition_rule  *conditions;  size_t nconditions;
	struct occupation_rule *occupations; size_t noccupations;
};

enum { ELIGIBILITY_RULES_MAX = 400 };            /* of each kind */

/*
 * What no single rule can tell: codes and ids given twice, limits upside down,
 * a pair of bands that overlap or leave a gap, rules that end before they begin
 * or begin some days after the one whose place they take, two waits for one pair. Each fault with the pointer of the rule that is wrong.
 */
bool eligibility_rules_check(const struct eligibility_rules *rules, struct error *err);

/* Every rule in the order of the file, parameters first. */
void eligibility_rules_each(const struct eligibility_rules *rules,
			    void (*each)(void *context, const struct rule *rule), void *context);

/*
 * The whole rule as sentences, to the end of `out`: who it is for, and every number of it, such as "Haemoglobin must
 * be at least 125 g/l for over 350 ml."; for a doctor who holds it against the law. Then its note.
 */
void eligibility_rule_text(struct buf *out, const struct rule *rule, enum language language);

const struct deferral_rule *eligibility_deferral(const struct eligibility_rules *rules, const char *code);
const struct condition_rule *eligibility_condition(const struct eligibility_rules *rules, const char *code);
const struct occupation_rule *eligibility_occupation(const struct eligibility_rules *rules, const char *code);

#endif
