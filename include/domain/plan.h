#ifndef DOMAIN_PLAN_H
#define DOMAIN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/date.h"
#include "base/uuid.h"
#include "domain/round.h"

/* An annual plan (kế hoạch) with its rounds. Strings are borrowed (mostly from one arena). Pure. */
struct arena;
struct error;

struct plan {
	char          id[UUID_TEXT_SIZE];
	const char   *number;            /* "3653/KH-UBND" */
	const char   *slug;              /* "3653-KH-UBND": unique, in URLs */
	const char   *code_prefix;       /* "LC25": round 7 is LC25-07 */
	const char   *title;
	struct date   issued_on;         /* none: not known */
	const char   *issuer;
	const char  **legal_basis;
	size_t        nlegal_basis;
	struct date   from, to;
	bool          demo;              /* demonstration data: says so wherever it is shown */
	struct named *campaigns;
	size_t        ncampaigns;
	struct round *rounds;            /* by ordinal */
	size_t        nrounds;
	int64_t       version;
};

/* "3653/KH-UBND" -> "3653-KH-UBND"; marks go, everything but letters and digits becomes one '-'. False: empty or too long. */
bool plan_slug(const char *number, char *out, size_t size);

/*
 * The plan and every round in it: dates inside the plan (of a month or year:
 * some day of it), ordinals from 1 on and once each, at most 366 rounds in 800 days.
 */
bool plan_check(const struct plan *plan, struct error *err);

/*
 * What importing `incoming` would do to what is there (`existing`: NULL for a
 * new plan). Rounds match by ordinal. A round already announced (or further)
 * is never changed by an import: a difference there is refused and listed as
 * the move, edit or confirm it would need. Rounds missing from the file stay as
 * they are, and so does what the file leaves out of a round (no target, no
 * venue, ...). A file less sure than the round now is (its date still proposed,
 * confirmed since) is no difference; one that is surer is. The note of an
 * announced round stays as it is.
 */
enum plan_action { PLAN_CREATE, PLAN_UPDATE, PLAN_KEEP, PLAN_REFUSE };

struct plan_diff_row {
	int              ordinal;
	enum plan_action action;
	const struct round *was;         /* NULL: create */
	const struct round *now;         /* what an update leaves: `was` with the file's differences; create: the file's */
	unsigned         fields;         /* enum round_field bits that differ */
	bool             facts_differ;   /* the file is surer: a *_status would rise */
};

struct plan_diff {
	enum plan_action       plan;     /* CREATE, UPDATE or KEEP of the plan itself */
	struct plan_diff_row  *rows;     /* one per incoming round, by ordinal */
	size_t                 nrows;
	size_t                 created, updated, kept, refused;
};

/* Fills *diff (rows in `arena`). False and ERR_IMPORT_REFUSED when a row is refused; the diff is whole all the same. */
bool plan_diff(const struct plan *existing, const struct plan *incoming, struct arena *arena,
	       struct plan_diff *diff, struct error *err);

#endif
