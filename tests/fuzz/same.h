#ifndef TESTS_FUZZ_SAME_H
#define TESTS_FUZZ_SAME_H

#include "domain/catalog.h"
#include "domain/plan.h"
#include "domain/report.h"
#include "fuzz/fuzz.h"

/*
 * What was written and read again is what it was, member by member: two texts that are alike prove little, since a
 * member that is lost at the first writing stays lost.
 */
#define SAME_TEXT(member) FUZZ_CHECK(streq(a->member, b->member), "%s and %s", a->member, b->member)
#define SAME_NUMBER(member) FUZZ_CHECK(a->member == b->member, "%ld and %ld", (long)a->member, (long)b->member)
#define SAME_DATE(member) FUZZ_CHECK(date_compare(a->member, b->member) == 0, "%d and %d", date_days(a->member), \
				     date_days(b->member))

static inline void check_same_ids(const struct named *a, size_t na, const struct named *b, size_t nb)
{
	FUZZ_CHECK(na == nb, "%zu and %zu", na, nb);
	for (size_t i = 0; i < na; i++)
		FUZZ_CHECK(streq(a[i].id, b[i].id), "%s and %s", a[i].id, b[i].id);
}

/* What a person gives of a round. */
static inline void check_same_given(const struct round *a, const struct round *b)
{
	SAME_NUMBER(ordinal);
	SAME_TEXT(title);
	SAME_DATE(from);
	SAME_DATE(to);
	SAME_NUMBER(precision);
	SAME_NUMBER(start_minute);
	SAME_NUMBER(end_minute);
	SAME_NUMBER(date_status);
	SAME_NUMBER(time_status);
	SAME_NUMBER(place_status);
	SAME_NUMBER(status);
	SAME_TEXT(status_reason);
	SAME_TEXT(document);
	SAME_TEXT(venue.id);
	SAME_TEXT(team.id);
	SAME_TEXT(organiser);
	SAME_NUMBER(target_units);
	SAME_NUMBER(capacity);
	SAME_TEXT(note);
	check_same_ids(a->units, a->nunits, b->units, b->nunits);
	check_same_ids(a->campaigns, a->ncampaigns, b->campaigns, b->ncampaigns);
}

static inline void check_same_plan(const struct plan *a, const struct plan *b)
{
	SAME_TEXT(number);
	SAME_TEXT(slug);
	SAME_TEXT(code_prefix);
	SAME_TEXT(title);
	SAME_DATE(issued_on);
	SAME_TEXT(issuer);
	SAME_DATE(from);
	SAME_DATE(to);
	SAME_NUMBER(demo);
	SAME_NUMBER(nlegal_basis);
	for (size_t i = 0; i < a->nlegal_basis; i++)
		SAME_TEXT(legal_basis[i]);
	check_same_ids(a->campaigns, a->ncampaigns, b->campaigns, b->ncampaigns);
	SAME_NUMBER(nrounds);
	for (size_t i = 0; i < a->nrounds; i++)
		check_same_given(&a->rounds[i], &b->rounds[i]);
}

#define SAME_FIGURE(member)                     \
	do {                                    \
		SAME_NUMBER(member.value);      \
		if (a->member.value >= 0)       \
			SAME_NUMBER(member.qualifier); \
	} while (0)

static inline void check_same_report(const struct report *a, const struct report *b)
{
	SAME_NUMBER(source);
	SAME_TEXT(source_url);
	SAME_DATE(reported_on);
	SAME_FIGURE(registered);
	SAME_FIGURE(present);
	SAME_FIGURE(accepted);
	SAME_FIGURE(units);
	SAME_FIGURE(ml);
	SAME_TEXT(corrects);
	SAME_TEXT(note);
}

static inline void check_same_item(const struct catalog_item *a, const struct catalog_item *b)
{
	if (a->kind == CATALOG_CAMPAIGN) {
		SAME_TEXT(campaign.slug);
		SAME_TEXT(campaign.name);
		SAME_TEXT(campaign.usual_from);
		SAME_TEXT(campaign.usual_to);
		SAME_TEXT(campaign.main_day);
		SAME_NUMBER(campaign.sundays);
		SAME_TEXT(campaign.source);
	} else if (a->kind == CATALOG_VENUE) {
		SAME_TEXT(venue.name);
		SAME_TEXT(venue.unit_id);
		SAME_TEXT(venue.unit_name);
		SAME_TEXT(venue.address);
		SAME_NUMBER(venue.capacity);
		SAME_NUMBER(venue.active);
	} else {
		SAME_TEXT(team.code);
		SAME_TEXT(team.name);
		SAME_TEXT(team.organisation);
		SAME_NUMBER(team.beds);
		SAME_NUMBER(team.active);
	}
}

#endif
