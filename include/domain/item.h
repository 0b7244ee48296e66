#ifndef DOMAIN_ITEM_H
#define DOMAIN_ITEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/date.h"
#include "base/uuid.h"
#include "domain/bag_code.h"
#include "domain/component.h"
#include "domain/deferral.h"
#include "domain/donation.h"
#include "domain/donor.h"
#include "domain/identifier.h"
#include "domain/round.h"
#include "domain/tariff.h"

/*
 * A fact as a phone captured it in the field (design 7). It is never refused for what it says: what a person
 * must look at is held. Only what cannot be read as an item at all is rejected. Pure.
 */
enum item_kind {
	ITEM_CHECK_IN, ITEM_SCREENING, ITEM_DONATION, ITEM_DEFERRAL, ITEM_REACTION, ITEM_GIFT, ITEM_NOTE,
	ITEM_KIND_COUNT
};
#define ITEM_KIND_WORDS "check_in, screening, donation, deferral, reaction, gift, note"
const char *item_kind_text(enum item_kind kind);
bool item_kind_parse(const char *text, enum item_kind *out);

/* The answer for one item. */
enum item_verdict {
	ITEM_APPLIED,
	ITEM_DUPLICATE,          /* this very content is there; with the first answer */
	ITEM_HELD,               /* it counts, and a person must look */
	/* Another content has its id, or another item its bag. What came before it keeps its own answer; open are all of them. */
	ITEM_CONFLICT,
	ITEM_REJECTED,           /* it cannot be read as an item: nothing was kept */
	ITEM_RETRY,              /* it could not be written this time: send it again */
	ITEM_VERDICT_COUNT
};
const char *item_verdict_text(enum item_verdict verdict);
bool item_verdict_parse(const char *text, enum item_verdict *out);

/* Why a person must look, as far as the item itself and what it names tell. Bits. */
enum item_reason {
	ITEM_DATE_OUTSIDE    = 1 << 0,   /* its day is none of the round's: the round's counts */
	ITEM_ROUND_CANCELLED = 1 << 1,
	ITEM_ROUND_UNKNOWN   = 1 << 2,   /* it names none that is known, where it must */
	ITEM_ROUND_FOREIGN   = 1 << 3,   /* of another team */
	ITEM_DEVICE_REVOKED  = 1 << 4,
	ITEM_DONOR_ERASED    = 1 << 5,   /* the record that it names was erased: it lies on one of its own */
	ITEM_BAG_DOUBTFUL    = 1 << 6,
	ITEM_UNREADABLE      = 1 << 7    /* a part of it could not be read, or has no room on the record; it is kept with the rest */
};
enum { ITEM_REASON_COUNT = 8 };
/* Of one bit: "date_outside". */
const char *item_reason_text(enum item_reason reason);

/* How the donor was told. */
enum item_donor { ITEM_DONOR_ID, ITEM_DONOR_IDENTIFIER, ITEM_DONOR_PROVISIONAL };

/* Of a donation item: a donor who was turned away gave nothing. */
enum item_outcome { ITEM_COMPLETED, ITEM_STOPPED, ITEM_DEFERRED };
const char *item_outcome_text(enum item_outcome outcome);
bool item_outcome_parse(const char *text, enum item_outcome *out);

enum { ITEM_BATCH_MAX = 500, ITEM_NOTE_MAX = 2000, ITEM_SEQ_MAX = 1000000000 };

struct item {
	char            id[UUID_TEXT_SIZE], install[UUID_TEXT_SIZE];
	int64_t         seq;
	enum item_kind  kind;
	int64_t         captured_us;     /* by the phone's clock */
	const char     *corrects;        /* id of an item; NULL */
	const char     *round_id;        /* NULL: none is named */
	struct date     told_on;         /* the day as the phone told it; that of captured_us where it told none */
	bool            unreadable;
	const char     *content;         /* canonical JSON of all of it: what two sendings are compared by */
	/* whom */
	enum item_donor by;
	const char     *donor_id;        /* of ITEM_DONOR_ID; of a provisional one its own id, or NULL */
	const struct donor *person;      /* of the others: what was told, with identifiers. Its id is empty */
	bool            named;           /* a name and a birth year are known: it can be registered */
	/* of a donation */
	enum item_outcome outcome;
	enum component  component;
	int             volume_ml;
	struct bag_code bag;             /* empty: none */
	/* of a screening */
	bool            accepted;
	/* of a gift */
	enum gift_kind  gift;
	int64_t         gift_vnd;        /* 0: it does not say what it is worth: nothing is kept but the item */
	/* of a deferral: reckoned; open, where it could not be. NULL: of another kind */
	const struct deferral *deferral;
};

/* What the server knows of what an item names, when it comes. */
struct item_setting {
	bool            round_known;
	enum round_status round_status;
	struct date     round_from, round_to;
	bool            round_foreign;
	bool            device_revoked;
	struct date     today;
};

/*
 * Which of several contents of one id and moment is lower, without keeping anything that tells about them: each has a text, and
 * their order (byte by byte) is that of their hashes. A new one gets a text between its neighbours', NULL: none. In the arena.
 */
#define ITEM_TIE_FIRST "8"
struct arena;
const char *item_tie_between(const char *low, const char *high, struct arena *arena);

/* Whether it says that the donor was found fit: "true", "false"; NULL: it says neither. */
const char *item_accepts(const struct item *item);

/* Whether items of this kind are of a round. */
bool item_needs_round(enum item_kind kind);
/*
 * The day that is computed with: the phone's if it lies within the round's days, else the round's (the nearer end
 * of those that are known only by month or year). Without a round: the phone's, but none to come.
 */
struct date item_day(const struct item *item, const struct item_setting *setting);
/* Bits of enum item_reason. A closed round is no reason, nor is any but a cancelled one. */
unsigned item_reasons(const struct item *item, const struct item_setting *setting);

/*
 * What the phone must have sent, for an item to be one: faults at `pointer` where a correction names itself, or
 * where a donation that was completed says no volume. Volumes: 1 to DONATION_VOLUME_MAX ml, from 0 where it was stopped.
 */
struct error;
bool item_check(const struct item *item, const char *pointer, struct arena *arena, struct error *err);

#endif
