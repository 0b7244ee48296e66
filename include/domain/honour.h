#ifndef DOMAIN_HONOUR_H
#define DOMAIN_HONOUR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/date.h"
#include "base/error.h"
#include "base/uuid.h"
#include "domain/component.h"
#include "domain/dated_rule.h"
#include "domain/donation.h"

/*
 * What repeat donors are owed, as dated ladders (config/honours/NAME.json, read by wire/honour_wire.h): which step is
 * reached with how many donations, what is given for it and by whom. And the work on one honour, from the candidate
 * to the day on which it is handed over. Pure.
 */

enum honour_ladder { LADDER_FIRST, LADDER_INDIVIDUAL, LADDER_FAMILY, LADDER_COUNT };
#define LADDER_WORDS "first, individual, family"
const char *honour_ladder_text(enum honour_ladder ladder);
bool honour_ladder_parse(const char *text, enum honour_ladder *out);

/* Who gives it, in the words of the decision; GIVER_NOT_READ: nobody has read yet what it says. */
enum honour_giver { GIVER_FACILITY, GIVER_DISTRICT, GIVER_PROVINCE, GIVER_NATIONAL, GIVER_NOT_READ, GIVER_COUNT };
#define GIVER_WORDS "collecting_facility, district_committee, province_committee, national_committee, not_read"
const char *honour_giver_text(enum honour_giver giver);
bool honour_giver_parse(const char *text, enum honour_giver *out);

enum { HONOUR_REPLACES_MAX = 8 };

struct honour_step {
	struct dated_rule   rule;        /* id: "individual.10", which an honour keeps */
	enum honour_ladder  ladder;
	int                 at;          /* donations */
	int                 at_mountain; /* 0: the same; else less than `at` */
	const char         *award[LANGUAGE_COUNT];
	enum honour_giver   given_by;
	const char        **replaces;    /* steps of earlier files: who was honoured with one of them is not honoured again */
	size_t              nreplaces;
};

/* ---- what the texts leave open ---- */

enum honour_question {
	HONOUR_DECLARED,                 /* declared_donations: those that are only told, or on another's paper */
	HONOUR_STOPPED,                  /* stopped_donations */
	HONOUR_APHERESIS,                /* apheresis */
	HONOUR_DISTRICT,                 /* district_gives: what the district committee gave, since it is no more */
	HONOUR_MOUNTAIN,                 /* mountain_bars: an option of the province */
	HONOUR_AT_ONCE,                  /* steps_at_once: who reaches several */
	HONOUR_FAMILY_SINCE,             /* family_donations */
	HONOUR_QUESTION_COUNT
};
enum { DECLARED_NOT, DECLARED_COUNT };
enum { HONOUR_STOPPED_WITH_VOLUME, HONOUR_STOPPED_NOT };
enum { APHERESIS_COUNTS, APHERESIS_NOT };
enum { DISTRICT_UNDECIDED, DISTRICT_PROVINCE, DISTRICT_COMMUNE };
enum { MOUNTAIN_OFF, MOUNTAIN_ON };
enum { AT_ONCE_EACH, AT_ONCE_HIGHEST };
enum { FAMILY_SINCE_JOINED, FAMILY_ALL };
extern const struct open_question honour_questions[];

struct honour_rules {
	const char         *id, *edition;        /* as of a tariff */
	const char         *title[LANGUAGE_COUNT];
	struct law         *laws;   size_t nlaws;
	struct honour_step *steps;  size_t nsteps;
	const char        **mountain_units;      /* ids of units; NULL: the whole province */
	size_t              nmountain_units;
	struct question_answer answers[HONOUR_QUESTION_COUNT];
};

bool honour_rules_check(const struct honour_rules *rules, struct error *err);
int honour_answer(const struct honour_rules *rules, enum honour_question question);
/* NULL: no such step. */
const struct honour_step *honour_step(const struct honour_rules *rules, const char *id);
/* Whether the lower bars are for who lives there. NULL: nobody knows where. */
bool honour_is_mountain(const struct honour_rules *rules, const char *unit_id);
/* Who gives it on that day: the word, with what has become of the district level. "undecided", "not_read". */
const char *honour_given_by(const struct honour_rules *rules, const struct honour_step *step, struct date on);
/* The same of who gave it: NULL where nobody knows. */
const char *honour_given_by_known(const struct honour_rules *rules, const struct honour_step *step, struct date on);
/* The first day without a district level. */
struct date honour_district_end(void);

/* ---- what counts ---- */

struct honour_donation {
	char           id[UUID_TEXT_SIZE];
	char           record[UUID_TEXT_SIZE];   /* on which it lies */
	char           person[UUID_TEXT_SIZE];   /* who gave: the record that stands */
	enum component component;
	int            volume_ml;        /* -1: not known */
	struct date    on;
	enum donation_evidence evidence;
	bool           stopped;
	struct date    joined;           /* of a family: since when who gave is a member; none: not asked */
	struct date    left;             /* first day on which no longer; none: still is */
};
/* Held and open ones are not even asked about. */
bool honour_counts(const struct honour_rules *rules, const struct honour_donation *donation, struct date as_of);
/* The first `bar` that count, which a step was reached with: ids into `out`, which has room for them; how many. */
int honour_reached_with(const struct honour_rules *rules, const struct honour_donation *donations, size_t count,
			struct date as_of, int bar, const struct honour_donation **out);
/*
 * The record on which most of them lie (of several the lowest id): there an honour stands, so that it goes with its donations
 * if records turn out to be two people again. NULL: there are none.
 */
const char *honour_record(const struct honour_donation *const *donations, int count);

struct honour_tally { int counted, declared, confirmed; };       /* declared and confirmed: of all, whether they count or not */
struct honour_reached {
	const struct honour_step *step;
	int                       bar;   /* with how many */
	struct date               on;    /* the day of the donation that reached it */
};
/*
 * The steps of one ladder that hold on `as_of` and are reached with these donations, lowest first; donations in the
 * order of (on, id). `out` has room for rules->nsteps.
 */
size_t honour_reached(const struct honour_rules *rules, enum honour_ladder ladder, bool mountain,
		      const struct honour_donation *donations, size_t count, struct date as_of,
		      struct honour_reached *out, struct honour_tally *tally);

/* ---- the work on one ---- */

enum honour_state {
	HONOUR_CANDIDATE, HONOUR_CHECKED, HONOUR_PROPOSED, HONOUR_APPROVED, HONOUR_HANDED_OVER, HONOUR_REFUSED,
	HONOUR_STATE_COUNT
};
#define HONOUR_STATE_WORDS "candidate, checked, proposed, approved, handed_over, refused"
/* Whether somebody has approved it: only such may be told to the public. */
bool honour_state_approved(enum honour_state state);
const char *honour_state_text(enum honour_state state);
bool honour_state_parse(const char *text, enum honour_state *out);

enum honour_verb { HONOUR_CHECK, HONOUR_PROPOSE, HONOUR_APPROVE, HONOUR_HAND_OVER, HONOUR_SET_BACK, HONOUR_REFUSE,
		   HONOUR_VERB_COUNT };
const char *honour_verb_text(enum honour_verb verb);             /* "hand_over" */
bool honour_verb_parse(const char *text, enum honour_verb *out);

/* Those of one person, or one family: whatever record of the person they stand on. */
struct honour_had {
	const char       *step;
	enum honour_state state;
};
/* Neither given nor in work; what was refused may be proposed again. */
bool honour_is_due(const struct honour_step *step, const struct honour_had *had, size_t nhad);
/*
 * Of the steps reached those that are due, in place; returns how many are left. With AT_ONCE_HIGHEST only the highest,
 * and none below one that the person has (by its own bar in these rules, or else by the place of what it replaces).
 */
size_t honour_due(const struct honour_rules *rules, struct honour_reached *reached, size_t count,
		  const struct honour_had *had, size_t nhad);

/*
 * Why it was set back or refused: words, so that nothing about a person stands in the open.
 */
#define HONOUR_REASON_WORDS "donations_doubtful, papers_missing, other_person, declined, other_honour, mistake, other"
bool honour_reason_valid(const char *text);

/* One honour, as it is kept. */
struct honour_event {
	const char *verb, *state, *reason;
	int64_t     at_us;
};
struct honour {
	char               id[UUID_TEXT_SIZE];
	const char        *donor_id, *family_id;         /* one of them; the record that stands */
	const char        *record_id;                    /* on which record it was entered; NULL: of a family */
	const char        *donor_number;                 /* of the person, or who stands for the family */
	const char        *unit_id;                      /* where they live */
	struct date        unit_on;                      /* on which day that was told */
	enum honour_ladder ladder;
	const char        *step;
	int                bar;
	struct date        as_of, reached_on;
	const char       **donations;                    /* ids, `bar` of them */
	const char        *rules;
	enum honour_state  state;
	const char        *reason, *document, *given_by; /* NULL: none */
	struct date        approved_on, handed_on;
	struct honour_event *events;                     /* oldest first */
	size_t             nevents;
	int64_t            created_us, version;
	const char       **twins;                        /* honours of the same step on other records of the person: one is too many */
	size_t             ntwins;
};
/* What a step of the work says. Zeroed where it is not said. */
struct honour_say {
	const char *reason, *document;
	const char *given_by;            /* who gave it, where the ladder does not know, or another one did */
	struct date on;                  /* approved, handed over */
};
#define HONOUR_GIVEN_BY_WORDS "collecting_facility, district_committee, province_committee, national_committee, commune_committee"
bool honour_given_by_valid(const char *text);
/*
 * What is said must fit the verb: a reason to go back, a document to approve, who gave it when it is handed over, days that
 * are not to come and not before what they follow.
 */
bool honour_say_check(const struct honour *honour, enum honour_verb verb, const struct honour_say *say, struct date today,
		      struct error *err);

/* What a verb needs: the state it is in, whether it is still reached, and a reason to set back or refuse. */
bool honour_next(enum honour_state from, enum honour_verb verb, bool reached, const char *reason, enum honour_state *to,
		 struct error *err);

/* ---- other rules ---- */

/* Nothing that either says of a ladder, or answers, differs: so it changes nothing for anybody. */
bool honour_ladders_alike(const struct honour_rules *one, const struct honour_rules *two, enum honour_ladder ladder);

/* What another file would change for one person or family, before it is in force. */
struct honour_change {
	const char       *step;          /* its id in the file that names it */
	enum {
		CHANGE_NEW,              /* a candidate that there was not */
		CHANGE_GONE,             /* no candidate any more */
		CHANGE_WORK_LOST,        /* in work, and not reached any more */
		CHANGE_KEPT              /* was given, and not reached any more: it stays */
	} what;
	const struct honour_step *with;  /* of the file that names it; NULL: neither knows the step */
};
const char *honour_change_text(int what);
enum { HONOUR_CHANGES_MAX = 64 };
/* At most HONOUR_CHANGES_MAX into out; `scratch`: room for the steps of both. The donations as in honour_reached(). */
size_t honour_compare(const struct honour_rules *now, const struct honour_rules *next, enum honour_ladder ladder,
		      const char *unit_id, const struct honour_donation *donations, size_t count, struct date as_of,
		      const struct honour_had *had, size_t nhad, struct honour_reached *scratch, struct honour_change *out);

#endif
