#ifndef DOMAIN_TARIFF_H
#define DOMAIN_TARIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/date.h"
#include "base/error.h"
#include "base/uuid.h"
#include "domain/component.h"
#include "domain/dated_rule.h"

/*
 * What a voluntary donor receives, as a dated tariff (config/tariffs/NAME.json, read by wire/tariff_wire.h): the least
 * value of the gift by component and volume, and what food and travel may cost on average. And what a round's book of
 * gifts shows that somebody should look at. Whole Vietnamese đồng. Pure.
 */

enum gift_kind { GIFT_GIFT, GIFT_FOOD, GIFT_TRAVEL, GIFT_KIND_COUNT };
#define GIFT_KIND_WORDS "gift, food, travel"
const char *gift_kind_text(enum gift_kind kind);
bool gift_kind_parse(const char *text, enum gift_kind *out);

/* The gift is worth at least so much, for such a volume. */
struct gift_rule {
	struct dated_rule rule;
	unsigned          components;
	struct range      volume;        /* ml, thousandths */
	int64_t           at_least_vnd;
};

/* So much on average at the most, per donation. */
struct average_rule {
	struct dated_rule rule;
	enum gift_kind    kind;          /* GIFT_FOOD, GIFT_TRAVEL */
	int64_t           at_most_vnd;
};

/* ---- what the texts leave open ---- */

enum tariff_question {
	TARIFF_BETWEEN_BANDS,            /* between_bands: of 300 ml, when the text has 250 and 350 */
	TARIFF_BELOW_BANDS,              /* below_bands: of less than the smallest volume of the text */
	TARIFF_STOPPED,                  /* stopped_donation */
	TARIFF_AVERAGE_OVER,             /* average_over */
	TARIFF_QUESTION_COUNT
};
enum { BETWEEN_LOWER_BAND, BETWEEN_UPPER_BAND };
enum { BELOW_LOWEST_BAND, BELOW_NOTHING };
enum { STOPPED_LIKE_COMPLETED, STOPPED_NOTHING };
enum { AVERAGE_OVER_DONATIONS, AVERAGE_OVER_HANDED };    /* over all donations that count, or those who were given something */
extern const struct open_question tariff_questions[];

struct tariff {
	const char           *id, *edition;      /* edition: id and a mark of the file's bytes; NULL: of no file */
	const char           *title[LANGUAGE_COUNT];
	struct law           *laws;      size_t nlaws;
	struct gift_rule     *gifts;     size_t ngifts;
	struct average_rule  *averages;  size_t naverages;
	struct question_answer answers[TARIFF_QUESTION_COUNT];
};

/* What no single entry can tell: two amounts for one day, component and volume; names given twice; dates upside down. */
bool tariff_check(const struct tariff *tariff, struct error *err);

/* ---- one donation ---- */

struct gift_donation {
	const char    *id, *person;      /* the record that stands for who gave */
	enum component component;
	int            volume_ml;        /* -1: not known */
	struct date    on;
	bool           stopped;
	bool           waits;            /* held, or open: a person must look first */
};

enum entitlement_state {
	ENTITLED,                        /* vnd is owed at the least, by rule */
	ENTITLED_NOTHING,                /* an answered question says: nothing */
	ENTITLED_UNKNOWN_VOLUME,         /* nobody knows how much was given */
	ENTITLED_NO_RULE                 /* the tariff says nothing of this component on that day */
};
const char *entitlement_state_text(enum entitlement_state state);
struct entitlement {
	enum entitlement_state  state;
	int64_t                 vnd;     /* 0 unless ENTITLED */
	const struct gift_rule *rule;    /* NULL unless ENTITLED */
};
/* By what held on the day of the donation. Whether it counts at all is not asked here. */
struct entitlement tariff_entitlement(const struct tariff *tariff, const struct gift_donation *donation);
/* What food or travel may cost on average on that day; NULL: the tariff says nothing. */
const struct average_rule *tariff_average(const struct tariff *tariff, enum gift_kind kind, struct date on);

/* ---- the book of a round, or of a time ---- */

/* Something that was handed to somebody in a round, as it is kept. */
enum { GIFT_VND_MAX = 100000000 };
struct gift {
	char           id[UUID_TEXT_SIZE], round_id[UUID_TEXT_SIZE];
	char           donor_id[UUID_TEXT_SIZE];         /* the record that stands */
	const char    *donor_number;
	enum gift_kind kind;
	int64_t        vnd;              /* 0: nothing was handed over, of a correction */
	struct date    handed_on;
	const char    *corrects;         /* id of the gift whose place it takes; NULL */
	bool           of_item;          /* a phone told it */
	bool           held;             /* and a person must look at what it told */
	int64_t        recorded_us;
};
/* What a body may say: a day that is not to come, nor before the round; 0 only to correct. */
bool gift_check(const struct gift *gift, struct date round_from, struct date today, struct error *err);

/* Something that was handed over, as the book has it now: what was corrected is not in it. */
struct gift_handed {
	const char    *id, *person;
	enum gift_kind kind;
	int64_t        vnd;
};

enum gift_exception_kind {
	GIFT_NOTHING_HANDED,             /* something is owed, and nothing was handed over */
	GIFT_LESS_THAN_OWED,
	GIFT_TWICE,                      /* more gifts than donations of that person */
	GIFT_WITHOUT_DONATION,           /* for a donation that does not count, or none */
	GIFT_DONATION_WAITS,             /* for one that a person must look at first */
	GIFT_VOLUME_UNKNOWN,             /* so nobody can say what is owed */
	GIFT_NO_RULE,
	GIFT_FOOD_AVERAGE,               /* more than may be, on average */
	GIFT_TRAVEL_AVERAGE,
	GIFT_EXCEPTION_COUNT
};
const char *gift_exception_text(enum gift_exception_kind kind);
struct gift_exception {
	enum gift_exception_kind kind;
	const char *person;              /* NULL: of all together */
	int64_t     owed_vnd;            /* of averages: what is allowed for one */
	int64_t     handed_vnd;          /* of averages: the average, rounded up */
	int         donations, gifts;    /* of averages: what it is counted over, and how many were handed */
};

/*
 * Donations that count and gifts, both in the order of `person` (strcmp()); all of one round, or of all rounds of a
 * time. An average is judged by what held on each day: the limit is the sum of what each donation allows. At most
 * GIFT_EXCEPTIONS_OF_ONE for a person and one for each average: `out` has room for that. Returns how many.
 */
enum { GIFT_EXCEPTIONS_OF_ONE = 6 };
size_t gift_exceptions(const struct tariff *tariff, const struct gift_donation *donations, size_t ndonations,
		       const struct gift_handed *handed, size_t nhanded, struct gift_exception *out);
/* Room for what gift_exceptions() may find. */
static inline size_t gift_exceptions_most(size_t ndonations, size_t nhanded)
{
	return GIFT_EXCEPTIONS_OF_ONE * (ndonations + nhanded) + 2;
}

#endif
