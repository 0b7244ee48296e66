#ifndef STORE_CATALOG_STORE_H
#define STORE_CATALOG_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/memory.h"
#include "db/db.h"
#include "domain/catalog.h"
#include "domain/propose.h"
#include "domain/round.h"
#include "domain/unit.h"
#include "store/store.h"

/* Campaigns, venues, teams; and the units and the calendar. */
const char *catalog_kind_text(enum catalog_kind kind);   /* "campaign", ... */

/*
 * In order of slug, (unit, name), code. `after` is the id of the last of a page,
 * and when there is more it is already the next page's. `units`: venues in any of these.
 */
struct catalog_list {
	enum catalog_kind    kind;
	const char *const   *units;
	size_t               nunits;
	bool                 inactive;   /* the retired ones too */
	char                 after[UUID_TEXT_SIZE];
	int                  limit;
	struct arena        *arena;
	struct catalog_item *items;
	size_t               nitems;
	bool                 more;
	struct error         error;
	void               (*done)(struct catalog_list *list);
	struct db_query      query;      /* private from here on */
	struct store        *store;
	char                 limit_text[16];
};
void catalog_list_send(struct store *store, struct catalog_list *list);

/* By id (or slug, or team code). ERR_NOT_FOUND. */
struct catalog_load {
	enum catalog_kind   kind;
	const char         *key;
	struct arena       *arena;
	struct catalog_item item;
	struct error        error;
	void              (*done)(struct catalog_load *load);
	struct db_query     query;       /* private from here on */
	struct store       *store;
};
void catalog_load_send(struct store *store, struct catalog_load *load);

/*
 * Campaigns by slug or id and a team by code or id, as a body names them, become
 * ids, in place. ERR_INVALID_FIELD "/campaigns/N", "/team": not there. Of a venue its unit is told.
 */
struct catalog_resolve {
	struct named   *campaigns;
	size_t          ncampaigns;
	struct named   *team;            /* NULL, or without an id: none */
	const char     *venue;           /* id; NULL: none */
	const char     *venue_unit;      /* out: id of its unit; NULL: there is no such venue */
	struct arena   *arena;
	struct error    error;
	void          (*done)(struct catalog_resolve *resolve);
	struct db_query query;           /* private from here on */
};
void catalog_resolve_send(struct store *store, struct catalog_resolve *resolve);

/*
 * before NULL: creates (id and version are made here; ERR_ALREADY_EXISTS).
 * Otherwise writes next over before, if it still is at that version (ERR_STALE).
 * Audit action "<kind>.create" or "<kind>.edit". Bumps the topic `rounds`, whose answers show these names.
 */
struct catalog_save {
	const struct catalog_item *before;
	struct catalog_item        next; /* in; out: as stored */
	struct idempotency         idempotency;
	struct actor               actor;
	struct arena              *arena;
	struct error               error;
	void                     (*done)(struct catalog_save *save);
	struct db_query            query;        /* private from here on */
	struct store              *store;
};
void catalog_save_send(struct store *store, struct catalog_save *save);

/* The whole unit map. The caller owns `map` when error.code is ERR_NONE. */
struct unit_load {
	struct unit_map *map;
	struct error     error;
	void           (*done)(struct unit_load *load);
	struct db_query  query;          /* private from here on */
};
void unit_load_send(struct store *store, struct unit_load *load);

/* The calendar for plan_propose(): holidays, and campaign windows between two dates (seasons, else the usual dates of each year). */
struct calendar_load {
	struct date             from, to;
	struct arena           *arena;
	struct holiday         *holidays;
	size_t                  nholidays;
	struct date             holidays_known_to;
	struct campaign_window *campaigns;
	size_t                  ncampaigns;
	struct error            error;
	void                  (*done)(struct calendar_load *load);
	struct db_query         query;   /* private from here on */
	struct db_query         campaign_query;
	int                     waiting;
	char                    texts[2][DATE_TEXT_SIZE];
};
void calendar_load_send(struct store *store, struct calendar_load *load);

/*
 * Loads the reference files that are part of the program (units, campaigns,
 * holidays; config/reference) where their checksum differs from what was
 * loaded. Blocking, on the owner's connection: for start-up and `migrate`.
 * A unit that is there is corrected, never removed.
 */
bool reference_load(const char *owner_conninfo, bool *changed, struct error *err)
	__attribute__((warn_unused_result));

#endif
