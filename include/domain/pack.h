#ifndef DOMAIN_PACK_H
#define DOMAIN_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/date.h"
#include "base/uuid.h"
#include "domain/appointment.h"
#include "domain/identifier.h"

/*
 * What a phone takes along to a round (design 7): who is expected there, which records were found to be one person, and
 * for everybody who may not give on its days hashes of their numbers, and of name and birth date. They are made with a
 * random key of this pack alone and cut to PACK_HASH_BITS: many numbers share each value. No reason and no date travel.
 *
 * A pack is a set. What changed since a phone was last here is told as what came to it and what left it; the
 * digest of the set afterwards (pack_state_text()) tells the phone whether it has understood. Pure.
 */
struct arena;
struct buf;
struct error;
struct round;

/* ---- what is hashed ---- */

enum { PACK_HASH_BITS = 22 };
#define PACK_HASHES (1u << PACK_HASH_BITS)

/*
 * Kind, 0x1f, number, as identifier_normalise() gives it: without the issuer, which one writes this way and another
 * that way; a false alarm more is less than a person missed. In the arena; *len excludes the NUL.
 */
const char *pack_number_text(const struct identifier *identifier, struct arena *arena, size_t *len);
/*
 * The words of person_name_words() with a blank between them, 0x1f, YYYY-MM-DD. NULL where name or birth date are not known: a
 * year alone would hit too many who only share it.
 */
const char *pack_name_text(const char *name, struct date birth_date, struct arena *arena, size_t *len);

/*
 * How likely somebody who may give is taken for one who may not, whose number is held against `numbers` different values
 * and whose name and birth date against `names`.
 */
double pack_false_alarm(size_t numbers, size_t names);

/* ---- what is in it ---- */

/* Who has a place, or a seat of a group that nobody was named for. The code tells them apart in a round. */
struct pack_expected {
	char        code[APPOINTMENT_CODE_SIZE];
	char        donor_id[UUID_TEXT_SIZE];    /* the record that stands; "": nobody was named */
	const char *name;                        /* NULL: nobody was named, or erased */
	int         birth_year;                  /* 0: not known */
	const char *group;                       /* title of the group that holds the seat; NULL */
	int         start_minute, end_minute;    /* of the round's civil day; -1: not known */
	bool        checked_in;
	uint64_t    mark;                        /* keyed digest of pack_expected_text(): by it changes are told */
};
/* `donor_id` was merged into the record that stands. */
struct pack_merge {
	char donor_id[UUID_TEXT_SIZE], into_id[UUID_TEXT_SIZE];
};
/* In order, each once: expected by code, merges by donor_id, values ascending. */
struct pack_contents {
	const char           *rule_set;          /* edition */
	struct pack_expected *expected;
	size_t                nexpected;
	struct pack_merge    *merges;
	size_t                nmerges;
	uint32_t             *numbers, *names;
	size_t                nnumbers, nnames;
};
/* Puts it into order; of what is there twice one goes. */
void pack_order(struct pack_contents *contents);

/* One line, without its end: what is told of somebody who is expected. */
void pack_expected_text(const struct pack_expected *expected, struct buf *out);
/* What the state is the digest of: a line for the rule set and for each thing in it, in order. */
void pack_state_text(const struct pack_contents *contents, struct buf *out);

/* ---- what a phone holds, as it is kept here: nothing in it can be read without the pack's key ---- */

void pack_held_write(const struct pack_contents *contents, struct buf *out);
/* Of those expected only code and mark are there again. False: no such bytes. */
bool pack_held_read(const void *bytes, size_t len, struct arena *arena, struct pack_contents *out);

/* ---- what changed ---- */

struct pack_values {
	uint32_t *values;
	size_t    count;
};
struct pack_change {
	const struct pack_expected **expected;   /* those that are new, or others than they were */
	const char                 **codes;      /* those that are gone */
	const struct pack_merge    **merges;
	const char                 **unmerged;   /* donor ids */
	size_t                       nexpected, ncodes, nmerges, nunmerged;
	struct pack_values           numbers, names, numbers_gone, names_gone;
};
/* From `before` (zeroed: nothing) to `after`. Points into both. */
void pack_compare(const struct pack_contents *before, const struct pack_contents *after, struct arena *arena,
		  struct pack_change *change);
bool pack_changed(const struct pack_change *change);

/* ---- until when ---- */

/*
 * Packs are given until the day after the round, since teams hand in late; not of rounds that have no day any more.
 * False and ERR_ILLEGAL_STEP.
 */
bool pack_is_given(const struct round *round, struct date today, struct error *err);
/* The end of the day after the round, and at most PACK_DAYS after it was made or told anew. */
enum { PACK_DAYS = 7 };
int64_t pack_expires_us(const struct round *round, int64_t now_us);

#endif
