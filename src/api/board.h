#ifndef API_BOARD_H
#define API_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/event_struct.h>

#include "base/date.h"
#include "base/memory.h"
#include "store/access_store.h"
#include "store/catalog_store.h"
#include "store/round_store.h"

/*
 * What a worker keeps in memory, and how fresh it is. Every 250 ms the
 * versions of the topics are asked for; memory may answer only while a poll
 * begun in the last second succeeded (design 5). A version that moved empties
 * what hangs on it.
 *
 * The board itself holds the units, and the published rounds that SMS answers
 * are made of. It is loaded anew when its version or the day moved; requests
 * that need it meanwhile wait.
 */
struct api;

struct board_waiter {
	void               (*ready)(struct board_waiter *waiter, bool available);
	struct board_waiter *next;       /* private */
};

/* Of board.versions. */
enum { TOPIC_ROUNDS, TOPIC_UNITS, TOPIC_ACCESS, TOPIC_COUNT };

struct board {
	struct api        *api;
	struct event       tick;
	/* freshness */
	struct change_poll poll;
	bool               polling;
	int64_t            poll_begun_us;        /* of the poll under way */
	int64_t            fresh_since_us;       /* begin of the last poll that succeeded; INT64_MIN: none yet */
	int64_t            versions[TOPIC_COUNT];        /* as last seen; -1 */
	int64_t            service_t, service_mono_us;   /* the service's time as it was then; INT64_MIN: not known */
	uint64_t           generation;           /* moves with rounds and units */
	/* units */
	struct unit_map   *units;
	int64_t            units_version;        /* of `units`; -1: none */
	/* kept to the end: a waiting request may point into them, and laws change seldom */
	struct unit_map  **retired;
	size_t             nretired;
	struct unit_load   unit_load;
	int64_t            unit_load_version;
	bool               units_loading;
	/* rounds of SMS answers */
	struct arena       arena;
	struct round      *rounds;
	size_t             nrounds;
	uint64_t           rounds_generation;    /* of `rounds`; 0: none */
	struct date        rounds_day;
	struct round_list  list;                 /* the load under way, into `next_*` */
	bool               rounds_loading;
	uint64_t           list_generation;
	int64_t            list_begun_us;
	struct date        list_day;
	struct arena       next_arena;
	struct round      *next_rounds;
	size_t             nnext;
	struct board_waiter *waiters;
};

void board_start(struct board *board, struct api *api);
void board_stop(struct board *board);

/* Memory may answer. */
bool board_fresh(const struct board *board);
/* The units are there and of the newest version known. */
bool board_units_current(const struct board *board);
/* Units and rounds are there and of the newest version known. */
bool board_current(const struct board *board);
/*
 * The service's time (store/session_store.h), by the monotonic clock since a poll told it; never goes
 * back. INT64_MIN before the first poll.
 */
int64_t board_service_t(const struct board *board);
/*
 * Calls ready() once, on the loop: at once when the board is current and
 * fresh, else when it has become so, or with false when it cannot be had now.
 */
void board_wait(struct board *board, struct board_waiter *waiter);

#endif
