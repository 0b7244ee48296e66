#ifndef STORE_FEED_STORE_H
#define STORE_FEED_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "db/db.h"
#include "domain/round.h"
#include "store/store.h"

/* What calendars, news readers and portals follow: public rounds, with when each last changed. Never a draft. */

struct round_news {
	struct round round;
	int64_t      changed_us;         /* of the newest change that this feed shows; INT64_MIN: none is recorded */
	const char  *action;             /* of the audit, "round.move"; only in struct change_feed, else NULL */
};

enum feed_order {
	FEED_BY_PERIOD,                  /* by the days that may be told: the order tells nothing more */
	FEED_BY_CHANGE                   /* newest change first */
};

/*
 * The rounds of a calendar or a news feed. At most `limit` (1..FEED_MAX): of
 * a calendar those that begin last, of news those that changed last.
 *
 * A change is one of the round itself or a report of it. A calendar also
 * counts changes of its venue, whose name and address it shows; news do not,
 * or a venue's new name would make news of every round ever held there.
 */
enum { FEED_MAX = 2000 };

struct round_feed {
	enum feed_order order;
	const char     *key;             /* one round, by id or code; then no other filter counts. NULL */
	struct date     from;            /* the round's period ends on that day or later */
	bool            years;           /* also rounds of which only the year is known */
	const char *const *units;        /* ids; a round with any of them as host. NULL: no filter */
	size_t          nunits;
	const char     *campaign;        /* id or slug; NULL */
	const char     *plan;            /* id, slug or number; NULL */
	int             limit;
	struct arena   *arena;
	struct round_news *news;         /* out */
	size_t          nnews;
	struct error    error;           /* ERR_NOT_FOUND: no such public round */
	void          (*done)(struct round_feed *feed);
	struct db_query query;           /* private from here on */
	struct store   *store;
};
void round_feed_send(struct store *store, struct round_feed *feed);

/*
 * Where a reader of changes stands: behind one round's change at one position
 * of the sealed audit. `mark` is of the chain's hash there, so that a cursor of
 * another history (another server, a database restored to an earlier day) is
 * known as such. Zeroed: the beginning.
 */
struct change_cursor {
	int64_t position;
	char    mark[17];                /* hexadecimal */
	char    round_id[UUID_TEXT_SIZE];
};
enum { CHANGE_CURSOR_SIZE = 80 };
/* As text for the client, and back; false when it is none. */
char *change_cursor_format(const struct change_cursor *cursor, char out[CHANGE_CURSOR_SIZE]);
bool change_cursor_parse(const char *text, struct change_cursor *cursor);

/*
 * The public rounds that changed after the cursor, oldest change first, each
 * once, as it is now. A change is one of the round, of a report of it, or of
 * its plan, venue, team or campaigns. It is there once it is sealed, which is
 * seconds after its transaction ended; since positions are given in that order
 * and never before, whoever follows the cursor misses nothing. A round that
 * changes again moves on to its new position.
 * ERR_CURSOR_UNKNOWN: the cursor is of another history; the reader must begin anew.
 */
struct change_feed {
	struct change_cursor cursor;     /* in; out: behind the last item, or as it was */
	int             limit;           /* 1..500 */
	struct arena   *arena;
	struct round_news *news;         /* out */
	size_t          nnews;
	bool            more;
	struct error    error;
	void          (*done)(struct change_feed *feed);
	struct db_query query;           /* private from here on */
	struct store   *store;
	char            limit_text[16];
};
void change_feed_send(struct store *store, struct change_feed *feed);

#endif
