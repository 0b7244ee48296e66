#ifndef DOMAIN_CERTIFICATE_H
#define DOMAIN_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/date.h"
#include "domain/component.h"
#include "domain/round.h"

/*
 * The certificate of one donation (giấy chứng nhận hiến máu tình nguyện): its number, its code for SMS, what may be
 * done with the millilitres it is worth, and the words on the paper. The paper is the legal document; what is told here
 * of its balance is what was recorded here (facts 2). Pure.
 */
struct arena;
struct error;
struct unit;
struct unit_map;

/* ---- the number ---- */

/*
 * "LC26-000123-K": the issuing body (two to four letters), the year, the place in that body's series of the year, and a
 * check character of 29. The letters weigh by their place counted from the right and 29 is a prime: each wrong
 * character and each exchange of two letters or two digits is found.
 */
enum {
	ISSUER_CODE_MIN = 2, ISSUER_CODE_MAX = 4, ISSUER_CODE_SIZE = 5,
	CERTIFICATE_ORDINAL_MAX = 9999999, CERTIFICATE_NUMBER_SIZE = 20,
	CERTIFICATE_YEAR_MIN = 2000, CERTIFICATE_YEAR_MAX = 2099
};

struct certificate_number {
	char issuer[ISSUER_CODE_SIZE];
	int  year, ordinal;
};

/* Two to four capital letters A to Z. */
bool issuer_code_valid(const char *code);
/* All parts are valid. Returns out. */
char *certificate_number_format(const struct certificate_number *number, char out[CERTIFICATE_NUMBER_SIZE]);

enum certificate_fault { CERTIFICATE_FINE, CERTIFICATE_MALFORMED, CERTIFICATE_MISTYPED };
/* As typed: any case, with or without dashes and blanks, full-width. MISTYPED: the check character differs. */
enum certificate_fault certificate_number_parse(const char *typed, struct certificate_number *out);

/* ---- the code ---- */

/*
 * For who has a plain phone: "7K2M-0QXD-AF4R", ten characters of 50 random bits and two check characters over the field
 * of 32 elements. Of the alphabet are missing I, L, O and U: who reads 0 as O or 1 as I or L is understood. Any two wrong
 * characters are found, and so is each exchange of two.
 */
enum { CERTIFICATE_CODE_BITS = 50, CERTIFICATE_CODE_CHARACTERS = 12, CERTIFICATE_CODE_SIZE = 15 };

/* Of the lower 50 bits. */
void certificate_code_make(uint64_t random, char out[CERTIFICATE_CODE_SIZE]);
/* out is "" unless FINE. */
enum certificate_fault certificate_code_parse(const char *typed, char out[CERTIFICATE_CODE_SIZE]);

/* ---- what it is worth ---- */

enum certificate_status {
	CERTIFICATE_ISSUED, CERTIFICATE_PARTLY_REDEEMED, CERTIFICATE_REDEEMED, CERTIFICATE_VOID, CERTIFICATE_STATUS_COUNT
};
const char *certificate_status_text(enum certificate_status status);

/* The facts: state is a function of them. */
struct certificate_facts {
	int         volume_ml;           /* given, at least 1 */
	int         redeemed_ml;         /* sum of what counts: uses less what was taken back */
	bool        voided;
	struct date issued_on, donated_on;
};

enum certificate_status certificate_status_of(const struct certificate_facts *facts);
/* What is left; of a void one nothing. */
int certificate_balance(const struct certificate_facts *facts);

/*
 * Why one is made void: a word alone, since it stays for ever and each hospital is told. One that was lost or spoilt is not
 * made void: it is printed again.
 */
#define CERTIFICATE_VOID_WORDS \
	"wrong_person, wrong_name, wrong_birth_date, wrong_address, wrong_volume, wrong_date, duplicate, not_given, other"
bool certificate_void_reason_valid(const char *word);

/*
 * How a claim came here. Online: the hospital asks before it gives. Offline: it gave while it had no line, and sends the
 * claim when it has one. Paper: it stamped the paper alone, and somebody enters that later.
 */
enum claim_source { CLAIM_ONLINE, CLAIM_OFFLINE, CLAIM_PAPER, CLAIM_SOURCE_COUNT };
const char *claim_source_text(enum claim_source source);
bool claim_source_parse(const char *text, enum claim_source *out);
/* What was done already is kept even if nothing is left for it: then it counts nothing and waits for a person. */
bool claim_is_late(enum claim_source source);

/* A row of the ledger. */
enum redemption_kind {
	REDEMPTION_USE,          /* counts */
	REDEMPTION_CLAIM,        /* a late one for which nothing was left: counts nothing until a person has settled it */
	REDEMPTION_REVERSAL,     /* takes a use back, whole, or dismisses a claim */
	REDEMPTION_KIND_COUNT
};
const char *redemption_kind_text(enum redemption_kind kind);
bool redemption_kind_parse(const char *text, enum redemption_kind *out);

/*
 * Whether somebody may claim `ml` for a transfusion of `used_on`: 1 to the volume, not before the donation, not in the
 * future; online of today or yesterday, not of a void one and no more than is left (ERR_CERTIFICATE_VOID,
 * ERR_OVERDRAWN). What is left decides the database again, whoever else asks in the same moment. Faults: /ml, /used_on.
 */
bool certificate_check_claim(const struct certificate_facts *facts, int ml, struct date used_on, enum claim_source source,
			     struct date today, struct error *err);
/*
 * Whether a row of the ledger may be taken back: a use or an open claim that nobody has taken back (`answered`), by
 * who entered it or by an admin (`own`).
 */
bool certificate_check_reversal(enum redemption_kind kind, bool answered, bool own, struct error *err);
/* A person settles an open claim: it becomes a use, if the balance allows it now. */
bool certificate_check_settle(const struct certificate_facts *facts, enum redemption_kind kind, bool answered, int ml,
			      struct error *err);

/*
 * Whether a donation may have a certificate: confirmed, nothing open about it, something given. `volume_ml` 0: none known.
 */
struct certificate_donation {
	int         volume_ml;
	bool        counts;              /* false: corrected, dropped by a person, or another one with its bag counts */
	bool        confirmed, held, open, erased;
	bool        nameless;            /* nobody knows whose name to write */
	const char *outcome;             /* "completed", "stopped"; NULL: not known */
};
bool certificate_check_donation(const struct certificate_donation *donation, struct error *err);

/*
 * Whether a team prints what was issued for a round of its own (until `last_day`): the originals, while it runs and so many days
 * after (ERR_ILLEGAL_STEP). Copies (`again`) are for the office (ERR_FORBIDDEN), and so is what is older: who steals a token reads
 * no more with it.
 */
enum { CERTIFICATE_TEAM_DAYS = 7 };
bool certificate_check_team_print(enum round_status status, struct date last_day, bool again, struct date today, struct error *err);
/* A team's phone issues for the round that runs, and does nothing else with certificates (ERR_FORBIDDEN). */
bool certificate_check_phone(enum round_status status, bool issues, struct error *err);

/* ---- who holds it ---- */

/*
 * The text of which an envelope's digest is made: folded name, 0x1f, birth date ("1990-02-03") or the year alone where
 * no more is known. Nothing to be seen in it of marks, case or spelling of blanks. In the arena; NULL: no name.
 */
const char *certificate_holder_text(const char *name, struct date birth_date, int birth_year, struct arena *arena);

/* ---- the paper ---- */

/* How many digits end the serial of a pre-printed form: from these the forms of a stack count on. */
size_t paper_serial_digits(const char *serial);

/* What is printed, as it was on the day: kept so, whatever changes later. */
struct certificate_content {
	struct certificate_number number;
	const char    *code;             /* for SMS */
	const char    *name, *address;   /* address NULL: none was told */
	struct date    birth_date;
	int            birth_year;       /* where the date is not known; 0: neither */
	int            volume_ml;
	enum component component;
	struct date    donated_on, issued_on;
	const char    *place;            /* of collection; NULL */
	const char    *issuer, *issuer_place, *signer;   /* as on the day of issue */
};

/*
 * What may stand on the paper, in the order of reading. Which of it is printed where is data (paper/form.h): a whole
 * certificate, or only what says something of this one, onto a pre-printed form.
 */
enum certificate_field {
	FIELD_STATE, FIELD_MOTTO, FIELD_ISSUER, FIELD_TITLE, FIELD_COPY, FIELD_NUMBER, FIELD_NAME_LABEL, FIELD_NAME,
	FIELD_BIRTH_LABEL, FIELD_BIRTH, FIELD_ADDRESS_LABEL, FIELD_ADDRESS, FIELD_GAVE_LABEL, FIELD_VOLUME, FIELD_BOXES,
	FIELD_TICK_250, FIELD_TICK_350, FIELD_TICK_450, FIELD_TICK_OTHER, FIELD_DONATED_LABEL, FIELD_DONATED, FIELD_PLACE_LABEL, FIELD_PLACE, FIELD_ISSUED, FIELD_SIGNER,
	FIELD_CODE_LABEL, FIELD_CODE, FIELD_RIGHTS, FIELD_QR, CERTIFICATE_FIELD_COUNT
};
const char *certificate_field_text(enum certificate_field field);
bool certificate_field_parse(const char *text, enum certificate_field *out);
/* The words of each, in the arena; NULL: nothing stands there (FIELD_COPY of an original; FIELD_QR always). */
void certificate_words(const struct certificate_content *content, bool copy, struct arena *arena,
		       const char *words[CERTIFICATE_FIELD_COUNT]);
/*
 * A unit in words as it was called on a date, with what it lay in: "Xã Mường Than, huyện Than Uyên, tỉnh Lai Châu" before
 * 1/7/2025, without a district since. A unit that is not in force on that date is told by the one that holds its
 * territory then, if that is one alone; else as it is. In the arena; NULL: no such unit.
 */
const char *unit_words_on(const struct unit_map *units, const char *unit_id, struct date on, struct arena *arena);

#endif
