#ifndef DB_LANE_H
#define DB_LANE_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <libpq-fe.h>

#include "db/db.h"
#include "db/statements.h"

/*
 * One connection in pipeline mode and the two queues before and behind its
 * socket. It is always in exactly one state; only lane.c moves it.
 *
 *	OFF         not wanted
 *	DOWN        the timer runs: next attempt at its end
 *	CONNECTING  PQconnectPoll() has the word; the timer limits it
 *	UP          pipeline mode; `unsent` drains into `sent`
 */
enum lane_state { LANE_OFF, LANE_DOWN, LANE_CONNECTING, LANE_UP };

/* Bits of db_query.state. */
enum {
	QUERY_PREPARES = 1,      /* the next result answers the Parse, not the query */
	QUERY_ENDS_BATCH = 2,    /* a Sync follows it */
	QUERY_ABORTED = 4,       /* a neighbour's error skipped it: nothing ran */
	QUERY_AGAIN = 8,         /* sent for the second and last time, alone */
	QUERY_ANSWERED = 16,     /* the result at hand has come, its end not yet */
};

struct query_list {
	struct db_query  *first;
	struct db_query **last;
	int               count;
};

void query_list_init(struct query_list *list);
void query_list_push(struct query_list *list, struct db_query *query);
struct db_query *query_list_pop(struct query_list *list);        /* NULL when empty */
/* Puts all of `front` before what is in `list`; front is empty then. */
void query_list_prepend(struct query_list *list, struct query_list *front);

struct conninfo;

struct lane {
	struct db         *db;
	enum db_lane       id;
	enum lane_state    state;
	PGconn            *conn;
	struct statements  statements;
	struct query_list  unsent, sent;
	struct db_query   *answering;    /* of `sent`: gets the next result; NULL: its batch waits for Sync */
	PGresult          *commit_error; /* between the last answer of a batch and its Sync */
	const char        *doubt;        /* why the connection must not be believed any more, or NULL */
	struct event       io, timer, push;
	int64_t            busy_since_us;    /* the last answer, or when it was idle no more */
	int64_t            service_us16;     /* sixteen times the moving mean of what one query takes of a busy lane */
	int                backoff_ms;
	unsigned           attempt;
	bool               io_added, choked, pushing, receiving;
};

struct db {
	struct event_base  *base;
	struct conninfo    *conninfo;
	int                 queue_max;
	int64_t             wait_us[DB_LANE_COUNT];
	int                 deadline_ms[DB_LANE_COUNT];
	struct lane         lanes[DB_LANE_COUNT + DB_MAX_SPARE_READS];
	int                 nlanes;      /* the spare ones for reads come last */
	struct query_list   finished;    /* without an answer; done() not yet called */
	struct event        deliver, tick;
	bool                delivering, ticking;
	struct db_query    *awaited;     /* of db_run() */
	struct db_counters  counters;
	char                last_error[256];
};

/* Of db.c: done() will be called with that failure, later and on the loop. */
void db_finish(struct db *db, struct db_query *query, enum db_outcome failure);
/* Calls done() now; the result's outcome is counted. */
void db_call_done(struct db *db, struct db_query *query, const struct db_result *result);
/* One line, without the line ends of libpq. NULL empties it. */
void db_note_error(struct db *db, const char *text);

void lane_init(struct lane *lane, struct db *db, enum db_lane id, bool wanted);
/* The connection is gone, or must go: everything it carries ends, and it will be made again. */
void lane_lose(struct lane *lane, const char *why);
/* The same for ever. */
void lane_release(struct lane *lane);
/* A query is in `unsent`: it will be sent at the end of this turn of the loop. */
void lane_push_later(struct lane *lane);
/* It will be sent now. */
void lane_push(struct lane *lane);
int lane_load(const struct lane *lane);          /* queries waiting or in flight */
/* Takes a query that lane_load() allows; `now_us` is monotonic. */
void lane_take(struct lane *lane, struct db_query *query, int64_t now_us);
/* How long one more would stand behind the others. */
int64_t lane_wait_us(const struct lane *lane);
/* Ends what is past its deadline. */
void lane_check_deadlines(struct lane *lane, int64_t now_us);

const char *lane_name(enum db_lane id);

#endif
