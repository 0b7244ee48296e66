#ifndef DOMAIN_CATALOG_H
#define DOMAIN_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/date.h"
#include "base/uuid.h"

/* The things that rounds name: campaigns, venues, teams. */
struct campaign_season {
	const char *season;              /* "XVIII" */
	struct date from, to;
	struct date main_day;            /* none: no single day */
};

struct campaign {
	char        id[UUID_TEXT_SIZE];
	const char *slug;                /* "chu-nhat-do" */
	const char *name;
	const char *usual_from, *usual_to, *main_day;    /* MM-DD each year, or NULL */
	bool        sundays;             /* held on Sundays */
	const char *source;
	struct campaign_season *seasons; /* whose dates are known; read-only in the API */
	size_t      nseasons;
	int64_t     version;
};

struct venue {
	char        id[UUID_TEXT_SIZE];
	const char *name;
	const char *unit_id, *unit_name;
	const char *address;
	int         capacity;            /* donors in one round; -1: not known */
	bool        active;
	int64_t     version;
};

struct team {
	char        id[UUID_TEXT_SIZE];
	const char *code;                /* "D1" */
	const char *name;
	const char *organisation;
	int         beds;                /* -1: not known */
	bool        active;
	int64_t     version;
};

enum catalog_kind { CATALOG_CAMPAIGN, CATALOG_VENUE, CATALOG_TEAM, CATALOG_KIND_COUNT };

struct catalog_item {
	enum catalog_kind kind;
	union {
		struct campaign campaign;
		struct venue    venue;
		struct team     team;
	};
};

static inline const char *catalog_item_id(const struct catalog_item *item)
{
	return item->kind == CATALOG_CAMPAIGN ? item->campaign.id
	       : item->kind == CATALOG_VENUE  ? item->venue.id
					      : item->team.id;
}

static inline int64_t catalog_item_version(const struct catalog_item *item)
{
	return item->kind == CATALOG_CAMPAIGN ? item->campaign.version
	       : item->kind == CATALOG_VENUE  ? item->venue.version
					      : item->team.version;
}

#endif
