#ifndef DOMAIN_DONOR_H
#define DOMAIN_DONOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/date.h"
#include "base/uuid.h"
#include "domain/component.h"
#include "domain/donor_number.h"
#include "domain/identifier.h"

/* A donor, and who may be the same person. Pure. */
struct arena;
struct error;
struct unit_map;

enum donor_sex { DONOR_SEX_UNKNOWN, DONOR_FEMALE, DONOR_MALE };
enum blood_abo { ABO_UNKNOWN, ABO_O, ABO_A, ABO_B, ABO_AB };
enum blood_rhd { RHD_UNKNOWN, RHD_POSITIVE, RHD_NEGATIVE };
/* Three grades of knowing (facts 10). */
enum blood_evidence { BLOOD_EVIDENCE_NONE, BLOOD_DECLARED, BLOOD_CARD, BLOOD_LABORATORY };

const char *donor_sex_text(enum donor_sex sex);                  /* NULL: unknown */
bool donor_sex_parse(const char *text, enum donor_sex *out);
const char *blood_abo_text(enum blood_abo abo);
bool blood_abo_parse(const char *text, enum blood_abo *out);
const char *blood_rhd_text(enum blood_rhd rhd);
bool blood_rhd_parse(const char *text, enum blood_rhd *out);
const char *blood_evidence_text(enum blood_evidence evidence);
bool blood_evidence_parse(const char *text, enum blood_evidence *out);

enum { DONOR_IDENTIFIERS_MAX = 12, DONOR_ADDRESS_MAX = 300 };

struct donor_identifier {
	char              id[UUID_TEXT_SIZE];
	struct identifier identifier;
};

struct donor {
	char            id[UUID_TEXT_SIZE];
	char            number[DONOR_NUMBER_SIZE];
	/* sealed; NULL, none: not known, or erased */
	const char     *name;
	struct date     birth_date;
	const char     *phone;                   /* normalised */
	const char     *address;
	struct donor_identifier *identifiers;
	size_t          nidentifiers;
	/* in plain */
	int             birth_year;              /* 0: not known; that of birth_date where there is one */
	enum donor_sex  sex;
	enum blood_abo  abo;
	enum blood_rhd  rhd;
	enum blood_evidence blood_evidence;
	const char     *unit_id;                 /* residence, or NULL */
	struct date     unit_on;                 /* the day on which it was told */
	bool            contact_facility;        /* "ask the blood facility before inviting"; without a reason */
	struct date     last_donated_on;
	bool            erased;
	char            merged_with[UUID_TEXT_SIZE];     /* the record that this one was merged into; "": it stands by itself */
	int64_t         registered_us, version;
};

/* From when on a component may be given, as far as the registry knows. */
struct donor_next {
	struct date on;                  /* none: nothing is in the way */
	bool        endless;             /* no date ends the wait */
};

/* What is told of a donor to whoever may ask whether somebody is known. */
struct donor_found {
	char              id[UUID_TEXT_SIZE];
	char              number[DONOR_NUMBER_SIZE];
	bool              contact_facility;
	struct donor_next next[COMPONENT_COUNT];
};

/*
 * What must hold for a donor about to be written: a name, a birth date or at
 * least the year, a birth not after `today` nor over 120 years before, blood
 * group and evidence together, no identifier twice. Faults with pointers, all
 * of them. Name, phone and identifiers are clean or normalised.
 */
bool donor_check(const struct donor *donor, struct date today, struct error *err);

/* What a person should look at: it refuses nothing. */
struct donor_warning {
	const char *pointer;             /* "/identifiers/0/value"; in the arena */
	const char *code;                /* "unknown_province", "sex_mismatch", "birth_year_mismatch" */
	const char *text[2];             /* English, Vietnamese */
};
enum { DONOR_WARNINGS_MAX = 3 * DONOR_IDENTIFIERS_MAX };
size_t donor_warnings(const struct donor *donor, struct arena *arena,
		      struct donor_warning out[DONOR_WARNINGS_MAX]);

/* ---- one person once ---- */

/*
 * What is known of two records; a caller says "same" or "other" only of what is
 * known of both. A birth date of 1 January is where the day was not known as
 * often as it is true: say neither for it.
 */
struct donor_likeness {
	unsigned same_words, words_one, words_two;      /* of the names; found only where the birth year is one */
	bool     same_birth_date, other_birth_date;
	bool     same_phone;                            /* weak: families share phones */
	bool     same_unit, other_unit;                 /* related territory (old or new map) or not */
	bool     same_sex, other_sex;
	bool     same_paper;                            /* one local paper */
};
/*
 * 0 to 100; from DONOR_LIKELY on they are offered to a person. Never merged by a machine.
 *
 *	same name, same birth year       45, less for a part of the words: 20 for two of three, 5 for one of three
 *	same birth date                  30    another one   -25 (slips of the pen happen)
 *	same local paper                 30
 *	same unit                        20    another one    -5 (people move)
 *	same phone                       20
 *	same sex                          5    another one   -20
 *
 * So a name with its birth year needs one more sign: the day, the unit, the phone or the paper. Day and unit are
 * enough for who took or dropped a word of the name. The phone needs two more signs; and a whole family in
 * one house that shares phone and family name stays below, but for twins.
 */
enum { DONOR_LIKELY = 60 };
int donor_likeness_score(const struct donor_likeness *likeness);

/* Adds what birth date, sex and residence say. units NULL: places say nothing. */
void donor_compare(const struct donor *one, const struct donor *two, const struct unit_map *units,
		   struct donor_likeness *likeness);

/*
 * Whether two records that bear one unique number may be taken for one person without
 * asking anybody: the same words in the name, and the same birth date (the year, where
 * a date is not known of both).
 */
bool donor_is_same(const struct donor *one, const struct donor *two, struct arena *arena);

#endif
