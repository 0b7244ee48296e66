#include "domain/catalog_names.h"

#include <stdio.h>

#include "base/error.h"
#include "base/text.h"
#include "domain/unit.h"

enum { FOLDED_MAX_BYTES = 512, POINTER_MAX = 96 };

/* ---- campaigns ---- */

static const struct campaign *find_campaign(const struct catalog *catalog, const char *typed)
{
	for (size_t i = 0; i < catalog->nitems[CATALOG_CAMPAIGN]; i++) {
		const struct campaign *campaign = &catalog->items[CATALOG_CAMPAIGN][i].campaign;

		if (streq(campaign->slug, typed) || streq(campaign->id, typed))
			return campaign;
	}
	return NULL;
}

bool catalog_find_campaigns(const struct catalog *catalog, struct named *list, size_t count,
			    const char *pointer, struct error *err)
{
	bool fine = true;

	for (size_t i = 0; i < count; i++) {
		const struct campaign *campaign = find_campaign(catalog, list[i].id);

		if (campaign)
			list[i] = (struct named){ campaign->id, campaign->name };
		else
			fine = error_add_field(err, pointer, "unknown_campaign",
					       "There is no campaign \"%s\": see the list of campaigns.",
					       "Không có chiến dịch \"%s\": xem danh sách chiến dịch.",
					       list[i].id);
	}
	return fine;
}

/* ---- teams ---- */

static bool find_team(const struct catalog *catalog, struct round *round, const char *pointer,
		      struct error *err)
{
	const char *typed = round->team.id;

	if (!typed)
		return true;
	for (size_t i = 0; i < catalog->nitems[CATALOG_TEAM]; i++) {
		const struct team *team = &catalog->items[CATALOG_TEAM][i].team;

		if (streq(team->code, typed) || streq(team->id, typed)) {
			round->team = (struct named){ team->id, team->name };
			return true;
		}
	}
	return error_add_field(err, pointer, "unknown_team",
			       "Round %d: there is no team \"%s\". Add it first, or correct its code.",
			       "Đợt %d: không có đội \"%s\". Hãy thêm đội trước, hoặc sửa mã đội.",
			       round->ordinal, typed);
}

/* ---- venues ---- */

/* Venues lie in communes, hosts may be districts. */
static bool lies_in_host(const struct unit_map *units, const struct round *round, const char *unit_id)
{
	const struct unit *unit = unit_by_id(units, unit_id);

	for (size_t i = 0; i < round->nunits; i++) {
		const struct unit *host = unit_by_id(units, round->units[i].id);

		if (host && unit && unit_related(units, host, unit))
			return true;
	}
	return round->nunits == 0;
}

bool round_venue_fits(const struct unit_map *units, const struct round *round, const char *venue_unit,
		      struct error *err)
{
	return lies_in_host(units, round, venue_unit) ||
	       error_add_field(err, "/venue", "outside_units",
			       "The venue lies outside the round's units. Choose one within them, or send units too.",
			       "Địa điểm nằm ngoài các đơn vị của đợt. Hãy chọn địa điểm thuộc đơn vị, hoặc gửi cả units.");
}

static bool same_name(const char *name, const char *folded)
{
	char other[FOLDED_MAX_BYTES];

	return *folded && text_fold(name, other, sizeof(other)) && streq(other, folded);
}

static const struct venue *find_venue_named(const struct catalog *catalog, const struct round *round,
					    const char *typed, size_t *matches)
{
	const struct venue *found = NULL;
	char folded[FOLDED_MAX_BYTES];

	*matches = 0;
	text_fold(typed, folded, sizeof(folded));
	for (size_t i = 0; i < catalog->nitems[CATALOG_VENUE]; i++) {
		const struct venue *venue = &catalog->items[CATALOG_VENUE][i].venue;

		if (streq(venue->id, typed)) {
			*matches = lies_in_host(catalog->units, round, venue->unit_id);
			return *matches ? venue : NULL;
		}
		if (same_name(venue->name, folded) && lies_in_host(catalog->units, round, venue->unit_id)) {
			found = venue;
			++*matches;
		}
	}
	return found;
}

static bool find_venue(const struct catalog *catalog, struct round *round, const char *pointer,
		       struct error *err)
{
	const char *typed = round->venue.id;
	const struct venue *venue;
	size_t matches;

	if (!typed)
		return true;
	venue = find_venue_named(catalog, round, typed, &matches);
	if (matches > 1)
		return error_add_field(err, pointer, "ambiguous_venue",
				       "Round %d: several venues are named \"%s\". Give the id.",
				       "Đợt %d: có nhiều địa điểm tên \"%s\". Hãy ghi mã.", round->ordinal,
				       typed);
	if (!venue)
		return error_add_field(err, pointer, "unknown_venue",
				       "Round %d: there is no venue \"%s\" in its units. Add it first.",
				       "Đợt %d: nơi tổ chức không có địa điểm \"%s\". Hãy thêm trước.",
				       round->ordinal, typed);
	round->venue = (struct named){ venue->id, venue->name };
	round->venue_address = venue->address;
	return true;
}

bool catalog_find_names(const struct catalog *catalog, struct round *round, const char *prefix,
			struct error *err)
{
	char pointer[POINTER_MAX];
	bool fine;

	snprintf(pointer, sizeof(pointer), "%s/campaigns", prefix);
	fine = catalog_find_campaigns(catalog, round->campaigns, round->ncampaigns, pointer, err);
	snprintf(pointer, sizeof(pointer), "%s/team", prefix);
	fine &= find_team(catalog, round, pointer, err);
	snprintf(pointer, sizeof(pointer), "%s/venue", prefix);
	return find_venue(catalog, round, pointer, err) && fine;
}
