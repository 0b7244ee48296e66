#ifndef DB_DB_H
#define DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One thread's way to PostgreSQL: a few libpq connections in pipeline mode on
 * that thread's event loop. A query is one prepared statement under one Sync,
 * so it is its own transaction and an error in it touches no neighbour.
 * Nothing here may be used from another thread.
 *
 * Sessions speak UTF-8, ISO dates, hexadecimal bytea and the time zone
 * Asia/Ho_Chi_Minh. Only a primary is accepted (or what target_session_attrs
 * says). A statement is ended by the server at four fifths of its lane's
 * deadline, a wait for a lock in DB_WRITE after 2 s.
 *
 *	struct my_load { struct db_query query; ... };
 *	load->query = (struct db_query){ .statement = &select_round, .lane = DB_READ,
 *					 .params = { id }, .done = on_done };
 *	db_send(db, &load->query);
 *
 * `done` runs exactly once for every db_send(), on the loop, and never from
 * inside db_send(): also when sending failed or the connection died.
 */
struct event_base;
struct db;

/* Which connection carries a query. A pipeline is a queue: what is slow delays what is behind it. */
enum db_lane {
	DB_READ,         /* short reads; the session is read-only */
	DB_WRITE,        /* everything that changes something */
	DB_SLOW,         /* long reports and exports; the session is read-only */
	DB_LANE_COUNT
};

/* Static: its address is its identity. Prepared on a connection when first used there. */
struct db_statement {
	const char *sql;         /* $1 .. $n; results are text */
};

enum { DB_MAX_PARAMS = 64, DB_MAX_SPARE_READS = 7 };

enum db_outcome {
	DB_OK,           /* committed; for a write: on disk */
	DB_REFUSED,      /* PostgreSQL said no; nothing happened: see sqlstate, constraint */
	DB_BUSY,         /* the queue is full, or too long for how fast it moves; nothing was sent */
	DB_UNAVAILABLE,  /* no connection, or a read was lost with it; nothing was written */
	DB_UNKNOWN       /* a write was sent and its fate is not known: repeat it, never assume */
};

/* Borrowed, valid only inside done(). */
struct db_result {
	enum db_outcome outcome;
	char            sqlstate[6];     /* DB_REFUSED; else "" */
	const char     *constraint;      /* name of the violated constraint, or NULL */
	const char     *message;         /* for the log: PostgreSQL's primary text, or why there is no answer */
	const void     *rows;            /* private */
};

struct db_query {
	const struct db_statement *statement;
	enum db_lane               lane;
	/* Text, NULL for SQL NULL; every parameter up to the last $n is sent. Must live until done. */
	const char                *params[DB_MAX_PARAMS];
	int                        sizes[DB_MAX_PARAMS];     /* 0, or of how many bytes the parameter is in PostgreSQL's binary form */
	int                        nparams;      /* for the caller's own use: the SQL says how many are sent */
	bool                       urgent;       /* what much else rests on: never DB_BUSY for a long wait */
	/*
	 * NULL, or what writes statement and parameters: called once, at the end of the loop's turn, when the
	 * query is about to be sent, so that it carries what has come until then; not at all if it never is.
	 */
	void                     (*fill)(struct db_query *query);
	void                     (*done)(struct db_query *query, const struct db_result *result);
	/* private from here on */
	struct db_query           *next;
	int64_t                    deadline_us;
	enum db_outcome            failure;
	unsigned char              state;
	void                      *rows;
};

struct db_options {
	const char *conninfo;            /* libpq connection string; several hosts allowed */
	const char *application_name;
	int         queue_max;           /* queries waiting or in flight per lane; more: DB_BUSY */
	/*
	 * DB_BUSY too for a query that would stand longer than this behind the others, by how long they
	 * take just now: told at once, it costs nobody anything. 0: never.
	 */
	int         wait_ms[DB_LANE_COUNT];
	int         deadline_ms[DB_LANE_COUNT];  /* from db_send() to done() at the latest */
	bool        lanes[DB_LANE_COUNT];        /* which connections to hold */
	/*
	 * More connections for DB_READ, at most DB_MAX_SPARE_READS: a read that would stand behind one
	 * that takes long goes there. While all are short the first one carries them, in fewer packets.
	 */
	int         spare_reads;
	bool        planned_once;        /* of DB_WRITE too each statement has one plan: they are few, and sent often */
	const char *settings;            /* more of each session: "-c name=value ..."; NULL: none */
};

/* All three lanes, no spare ones, no wait too long. Fill in conninfo. */
void db_options_init(struct db_options *options);

/*
 * New; borrows the loop and copies the options. Connects in the background and for ever:
 * back-off from 50 ms to 2 s. Until connected, queries end at once as DB_UNAVAILABLE.
 */
struct db *db_new(struct event_base *base, const struct db_options *options);
/*
 * Ends every waiting query (DB_UNAVAILABLE or DB_UNKNOWN) inside this call, then frees.
 * Not from inside done(). NULL is fine.
 */
void db_free(struct db *db);

void db_send(struct db *db, struct db_query *query);

/*
 * Sends what waits for that lane now, and not at the end of the loop's turn: for a done() that sends another query
 * and has much more to do. done() is not called from inside it.
 */
void db_push(struct db *db, enum db_lane lane);

bool db_connected(const struct db *db);              /* every lane is up */
size_t db_waiting(const struct db *db);              /* queries not yet done, all lanes */
/* Why the last connection attempt failed; "" when none did. No secrets. */
const char *db_last_error(const struct db *db);

struct db_counters {
	uint64_t sent, refused, busy, unavailable, unknown, reconnects;
};
const struct db_counters *db_counters(const struct db *db);

/*
 * For commands, which have one thing to do: run the loop until the query is
 * done (it waits up to `timeout_ms` for a first connection). The caller's
 * done() has then run.
 */
void db_run(struct db *db, struct db_query *query, int timeout_ms);

/*
 * Whether the same query may well succeed a little later, because the refusal
 * says nothing about the data: no connection, a timeout, a lock, a deadlock, no
 * disk or memory left, a server that is read-only just now. Never for DB_UNKNOWN.
 */
bool db_try_again(const struct db_result *result);

/* Of a connection string, without connecting. */
bool db_conninfo_has_password(const char *conninfo);
/* The Unix socket that it leads to first; false when it leads to another machine. */
bool db_conninfo_socket(const char *conninfo, char *path, size_t size);

/* Reading a result: rows and columns from 0. */
int db_rows(const struct db_result *result);
bool db_is_null(const struct db_result *result, int row, int column);
/* Text of a value, borrowed; NULL for SQL NULL. */
const char *db_text(const struct db_result *result, int row, int column);
int64_t db_int(const struct db_result *result, int row, int column, int64_t if_null);
bool db_bool(const struct db_result *result, int row, int column);       /* NULL: false */
/*
 * Elements of a text[] or int[] value in order; each is passed to `each`,
 * borrowed for that call (NULL for an SQL NULL). NULL and {} have none.
 */
void db_each_element(const struct db_result *result, int row, int column,
		     void (*each)(void *context, const char *element), void *context);

#endif
