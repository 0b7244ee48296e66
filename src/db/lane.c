#include "db/lane.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "db/conninfo.h"
#include "db/pq.h"

enum {
	BACKOFF_FIRST_MS = 50, BACKOFF_LAST_MS = 2000,
	CONNECT_MS = 3000,       /* for one attempt, to one host */
	/* More in one pipeline gain nothing, and each is one more write of unknown fate if it breaks. */
	SENT_MAX = 256,
	/* Answers come with the Sync: in a longer batch loop and server would wait for each other. */
	BATCH_MAX = 8,
	/* One query that waited for a lock says little of those behind it. */
	SERVICE_MAX_US = 500000,
};

static bool lane_watch(struct lane *lane, short what);

/* Why a connection is given up. */
static const char unwatchable[] = "the connection cannot be watched";
static const char unsendable[] = "a query cannot be sent";
static const char out_of_step[] = "answers and queries are out of step";

const char *lane_name(enum db_lane id)
{
	static const char *const names[DB_LANE_COUNT] = { "read", "write", "slow" };

	return names[id];
}

/* ---- queues ---- */

void query_list_init(struct query_list *list)
{
	list->first = NULL;
	list->last = &list->first;
	list->count = 0;
}

void query_list_push(struct query_list *list, struct db_query *query)
{
	query->next = NULL;
	*list->last = query;
	list->last = &query->next;
	list->count++;
}

struct db_query *query_list_pop(struct query_list *list)
{
	struct db_query *query = list->first;

	if (!query)
		return NULL;
	list->first = query->next;
	if (!list->first)
		list->last = &list->first;
	list->count--;
	query->next = NULL;
	return query;
}

void query_list_prepend(struct query_list *list, struct query_list *front)
{
	if (!front->first)
		return;
	*front->last = list->first;
	if (!list->first)
		list->last = front->last;
	list->first = front->first;
	list->count += front->count;
	query_list_init(front);
}

/* ---- how long the queue is ---- */

int lane_load(const struct lane *lane)
{
	return lane->unsent.count + lane->sent.count;
}

void lane_take(struct lane *lane, struct db_query *query, int64_t now_us)
{
	if (lane_load(lane) == 0)
		lane->busy_since_us = now_us;
	query_list_push(&lane->unsent, query);
	lane_push_later(lane);
}

/* Answers that come together count as one long and some short ones: the mean is right. */
static void note_answer(struct lane *lane)
{
	int64_t now = clock_mono_us(), took = now - lane->busy_since_us;

	lane->service_us16 += (took < SERVICE_MAX_US ? took : SERVICE_MAX_US) - lane->service_us16 / 16;
	lane->busy_since_us = now;
}

int64_t lane_wait_us(const struct lane *lane)
{
	return lane_load(lane) * lane->service_us16 / 16;
}

/* ---- the end of a connection ---- */

static void start_timer(struct lane *lane, int ms)
{
	struct timeval wait = { .tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000 };

	evtimer_add(&lane->timer, &wait);
}

static void stop_watching(struct lane *lane)
{
	if (lane->io_added)
		event_del(&lane->io);
	lane->io_added = false;
}

static void drop_rows(struct db_query *query)
{
	PQclear(query->rows);
	query->rows = NULL;
}

/* What was sent may have happened; what was not sent has not. */
static void end_queries(struct lane *lane)
{
	struct db_query *query;

	while ((query = query_list_pop(&lane->sent))) {
		drop_rows(query);
		db_finish(lane->db, query, lane->id == DB_WRITE ? DB_UNKNOWN : DB_UNAVAILABLE);
	}
	while ((query = query_list_pop(&lane->unsent)))
		db_finish(lane->db, query, DB_UNAVAILABLE);
}

/* PQfinish() only says goodbye; it sends no cancel, which could hit a COMMIT that waits for a standby. */
static void disconnect(struct lane *lane)
{
	stop_watching(lane);
	evtimer_del(&lane->timer);
	PQfinish(lane->conn);
	PQclear(lane->commit_error);
	statements_release(&lane->statements);
	lane->conn = NULL;
	lane->commit_error = NULL;
	lane->answering = NULL;
	lane->doubt = NULL;
	lane->choked = false;
	end_queries(lane);
}

/* All hosts get their turn before the wait grows. */
static void retry_later(struct lane *lane)
{
	lane->state = LANE_DOWN;
	start_timer(lane, lane->backoff_ms);
	if (++lane->attempt % conninfo_hosts(lane->db->conninfo) == 0)
		lane->backoff_ms *= 2;
	if (lane->backoff_ms > BACKOFF_LAST_MS)
		lane->backoff_ms = BACKOFF_LAST_MS;
}

void lane_lose(struct lane *lane, const char *why)
{
	log_warning("db_connection_lost", "lane=%s in_flight=%d why=\"%.*s\"", lane_name(lane->id),
		    lane->sent.count, (int)strcspn(why, "\n"), why);
	disconnect(lane);
	lane->db->counters.reconnects++;
	retry_later(lane);
}

void lane_release(struct lane *lane)
{
	if (lane->state == LANE_OFF)
		return;
	disconnect(lane);
	event_del(&lane->push);
	lane->state = LANE_OFF;
}

/* ---- sending ---- */

/* What is sent again trusts no name that an earlier query of this turn only hopes to prepare. */
static bool send_prepare(struct lane *lane, struct db_query *query, struct prepared *prepared)
{
	char name[16];

	if (prepared->number && (prepared->proven || !(query->state & QUERY_AGAIN)))
		return true;
	statements_number(&lane->statements, prepared);
	snprintf(name, sizeof(name), "s%u", prepared->number);
	query->state |= QUERY_PREPARES;
	return pq_send_prepare(lane->conn, name, query->statement->sql);
}

static bool send_one(struct lane *lane, struct db_query *query)
{
	struct prepared *prepared;
	int formats[DB_MAX_PARAMS];
	char name[16];

	if (query->fill && !(query->state & QUERY_AGAIN))
		query->fill(query);
	prepared = statements_find(&lane->statements, query->statement);
	if (!send_prepare(lane, query, prepared))
		return false;
	snprintf(name, sizeof(name), "s%u", prepared->number);
	for (int i = 0; i < prepared->nparams; i++)
		formats[i] = query->sizes[i] > 0;
	return pq_send_query(lane->conn, name, prepared->nparams, query->params, query->sizes, formats);
}

/*
 * Whether the next query may share the Sync of this one. Only short reads do:
 * an error among them costs the others a second sending, but no meaning.
 */
static bool may_share(const struct lane *lane, const struct db_query *query, const struct db_query *next)
{
	return lane->id == DB_READ && next && !((query->state | next->state) & QUERY_AGAIN);
}

static bool send_batch(struct lane *lane)
{
	for (int n = 1;; n++) {
		struct db_query *query = query_list_pop(&lane->unsent);
		bool last = n == BATCH_MAX || !may_share(lane, query, lane->unsent.first);

		if (last)
			query->state |= QUERY_ENDS_BATCH;
		query_list_push(&lane->sent, query);
		if (!lane->answering && lane->sent.first == query)
			lane->answering = query;
		if (!send_one(lane, query))
			return false;
		if (last)
			return pq_sync(lane->conn);
	}
}

/* While the socket takes no more, what waits stays unsent: then its fate is known if all breaks. */
static bool flush(struct lane *lane)
{
	int pending = pq_flush(lane->conn);

	lane->choked = pending == 1;
	return pending >= 0;
}

/* Who takes results still needs the connection, and gives it up after them. */
static void give_up(struct lane *lane, const char *why)
{
	if (lane->receiving)
		lane->doubt = unsendable;
	else
		lane_lose(lane, why);
}

static void send_all(struct lane *lane)
{
	bool fine = true;

	while (fine && lane->unsent.first && !lane->choked && lane->sent.count < SENT_MAX)
		fine = send_batch(lane) && flush(lane);
	if (!fine)
		give_up(lane, PQerrorMessage(lane->conn));
	else if (!lane_watch(lane, (short)(EV_READ | (lane->choked ? EV_WRITE : 0))))
		give_up(lane, unwatchable);
}

void lane_push(struct lane *lane)
{
	if (lane->state == LANE_UP)
		send_all(lane);
}

static void on_push(evutil_socket_t fd, short what, void *arg)
{
	struct lane *lane = arg;

	(void)fd, (void)what;
	lane->pushing = false;
	lane_push(lane);
}

void lane_push_later(struct lane *lane)
{
	if (lane->pushing)
		return;
	lane->pushing = true;
	event_active(&lane->push, 0, 0);
}

/* ---- receiving ---- */

static const char *field(const PGresult *result, int code)
{
	const char *text = PQresultErrorField(result, code);

	return text ? text : "";
}

/*
 * COMMIT can answer "done" and warn beside it that no standby has it. Only the
 * notice tells, so it decides: what is in flight has an unknown fate.
 * (The function's name is not translated; the text may be.)
 */
static void on_notice(void *arg, const PGresult *notice)
{
	struct lane *lane = arg;
	const char *state = field(notice, PG_DIAG_SQLSTATE);

	if (text_starts_with(state, "57P0"))
		lane->doubt = "the server is closing the connection";
	else if (streq(field(notice, PG_DIAG_SOURCE_FUNCTION), "SyncRepWaitForLSN") ||
		 strstr(field(notice, PG_DIAG_MESSAGE_PRIMARY), "synchronous replication"))
		lane->doubt = "a commit did not wait for its standby";
}

/* The server speaks its last words, or libpq speaks for it: the error is not about the query. */
static bool is_last_word(const PGresult *result)
{
	const char *state = field(result, PG_DIAG_SQLSTATE);
	const char *severity = field(result, PG_DIAG_SEVERITY_NONLOCALIZED);

	return !*state || text_starts_with(state, "08") || text_starts_with(state, "57P0") ||
	       streq(severity, "FATAL") || streq(severity, "PANIC");
}

/* The name or the plan under it is of no use any more; the query was not begun. */
static bool is_stale_statement(const PGresult *error)
{
	const char *state = field(error, PG_DIAG_SQLSTATE);

	return streq(state, "26000") ||
	       (streq(state, "0A000") && streq(field(error, PG_DIAG_SOURCE_FUNCTION), "RevalidateCachedQuery"));
}

static bool is_error(const PGresult *result)
{
	return result && PQresultStatus(result) == PGRES_FATAL_ERROR;
}

static void deliver(struct lane *lane, struct db_query *query, PGresult *rows, const PGresult *error)
{
	note_answer(lane);
	struct db_result result = { .outcome = error ? DB_REFUSED : DB_OK, .rows = error ? NULL : rows };

	if (error) {
		snprintf(result.sqlstate, sizeof(result.sqlstate), "%s", field(error, PG_DIAG_SQLSTATE));
		result.constraint = PQresultErrorField(error, PG_DIAG_CONSTRAINT_NAME);
		result.message = field(error, PG_DIAG_MESSAGE_PRIMARY);
	}
	/* A server that became a standby: find the new primary once this batch is through. */
	if (lane->id == DB_WRITE && streq(result.sqlstate, "25006"))
		lane->doubt = "the server takes no writes";
	query->rows = NULL;
	db_call_done(lane->db, query, &result);
	PQclear(rows);
}

/* One query of a batch whose Sync is here: its answer, or a second sending. */
static void settle(struct lane *lane, struct db_query *query, struct query_list *again)
{
	PGresult *rows = query->rows;
	const PGresult *error = lane->commit_error ? lane->commit_error : is_error(rows) ? rows : NULL;
	bool first_time = !(query->state & QUERY_AGAIN);

	if (error && first_time && is_stale_statement(error))
		statements_forget(&lane->statements, query->statement);
	else if (error || !(query->state & QUERY_ABORTED)) {
		deliver(lane, query, rows, error);
		return;
	}
	drop_rows(query);
	query->state = QUERY_AGAIN;
	query_list_push(again, query);
}

static void on_sync(struct lane *lane)
{
	struct query_list again;
	bool last;

	if (lane->answering) {
		lane->doubt = out_of_step;
		return;
	}
	query_list_init(&again);
	do {
		struct db_query *query = query_list_pop(&lane->sent);

		last = query->state & QUERY_ENDS_BATCH;
		settle(lane, query, &again);
	} while (!last);
	PQclear(lane->commit_error);
	lane->commit_error = NULL;
	lane->answering = lane->sent.first;
	query_list_prepend(&lane->unsent, &again);
	if (lane->unsent.first)
		lane_push_later(lane);
}

static void on_error(struct lane *lane, PGresult *result)
{
	struct db_query *query = lane->answering;

	if (is_last_word(result)) {
		lane->doubt = "the server ended the connection";
		PQclear(result);
	} else if (!query) {
		PQclear(lane->commit_error);
		lane->commit_error = result;
	} else {
		if (query->state & QUERY_PREPARES)
			statements_forget(&lane->statements, query->statement);
		drop_rows(query);
		query->rows = result;
		query->state |= QUERY_ANSWERED;
	}
}

/*
 * Every command has one result, then an end. Should libpq ever lose count, the
 * answers would go to the wrong queries: rather none than another's.
 */
static bool is_in_step(struct lane *lane)
{
	struct db_query *query = lane->answering;

	if (!query || (query->state & QUERY_ANSWERED)) {
		lane->doubt = out_of_step;
		return false;
	}
	query->state |= QUERY_ANSWERED;
	return true;
}

static void on_aborted(struct lane *lane, PGresult *result)
{
	struct db_query *query = lane->answering;

	PQclear(result);
	if (!is_in_step(lane))
		return;
	if (query->state & QUERY_PREPARES)
		statements_forget(&lane->statements, query->statement);
	query->state |= QUERY_ABORTED;
}

static void on_rows(struct lane *lane, PGresult *result)
{
	struct db_query *query = lane->answering;

	if (!is_in_step(lane)) {
		PQclear(result);
	} else if (query->state & QUERY_PREPARES) {
		statements_find(&lane->statements, query->statement)->proven = true;
		PQclear(result);
	} else {
		query->rows = result;
	}
}

static void on_result(struct lane *lane, PGresult *result)
{
	switch (PQresultStatus(result)) {
	case PGRES_PIPELINE_SYNC:
		PQclear(result);
		if (lane->sent.first && !lane->doubt)
			on_sync(lane);
		break;
	case PGRES_FATAL_ERROR:
		on_error(lane, result);
		break;
	case PGRES_PIPELINE_ABORTED:
		on_aborted(lane, result);
		break;
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
	case PGRES_EMPTY_QUERY:
		on_rows(lane, result);
		break;
	default:                 /* COPY has no place in a pipeline */
		lane->doubt = "a result that a pipeline cannot carry";
		PQclear(result);
	}
}

/* libpq says NULL at the end of each command (but not of a Sync). */
static void on_end_of_command(struct lane *lane)
{
	struct db_query *query = lane->answering;

	if (!query)
		return;
	if (!(query->state & QUERY_ANSWERED))
		lane->doubt = out_of_step;
	query->state &= (unsigned char)~QUERY_ANSWERED;
	if (query->state & QUERY_PREPARES)
		query->state &= (unsigned char)~QUERY_PREPARES;
	else
		lane->answering = query->state & QUERY_ENDS_BATCH ? NULL : query->next;
}

static void take_results(struct lane *lane)
{
	bool ended = false;

	while (!lane->doubt && !PQisBusy(lane->conn)) {
		PGresult *result = pq_get_result(lane->conn);

		if (result)
			on_result(lane, result);
		else if (ended && lane->sent.first)      /* twice in a row: it knows of nothing more */
			lane->doubt = out_of_step;
		else
			on_end_of_command(lane);
		ended = !result;
		if (!lane->sent.first)
			break;
	}
}

static void receive(struct lane *lane)
{
	bool alive = pq_consume(lane->conn);

	lane->receiving = true;
	take_results(lane);
	lane->receiving = false;
	if (lane->doubt)
		lane_lose(lane, lane->doubt);
	else if (!alive)
		lane_lose(lane, PQerrorMessage(lane->conn));
}

static void on_io(evutil_socket_t fd, short what, void *arg)
{
	struct lane *lane = arg;

	(void)fd;
	if ((what & EV_WRITE) && !flush(lane)) {
		lane_lose(lane, PQerrorMessage(lane->conn));
		return;
	}
	if (what & EV_READ)
		receive(lane);
	if (lane->state == LANE_UP)
		send_all(lane);
}

static bool lane_watch(struct lane *lane, short what)
{
	what |= EV_PERSIST;
	if (lane->io_added && event_get_events(&lane->io) == what)
		return true;
	stop_watching(lane);
	event_assign(&lane->io, lane->db->base, PQsocket(lane->conn), what, on_io, lane);
	lane->io_added = !FAULT(FAULT_EVENT) && event_add(&lane->io, NULL) == 0;
	return lane->io_added;
}

/* ---- connecting ---- */

static void connect_failed(struct lane *lane, const char *why)
{
	char before[sizeof(lane->db->last_error)];

	snprintf(before, sizeof(before), "%s", lane->db->last_error);
	db_note_error(lane->db, why);
	if (!streq(before, lane->db->last_error))
		log_warning("db_connect_failed", "lane=%s why=\"%s\"", lane_name(lane->id),
			    lane->db->last_error);
	disconnect(lane);
	retry_later(lane);
}

static void connected(struct lane *lane)
{
	evtimer_del(&lane->timer);
	if (!pq_enter_pipeline(lane->conn)) {
		connect_failed(lane, PQerrorMessage(lane->conn));
		return;
	}
	PQsetNoticeReceiver(lane->conn, on_notice, lane);
	lane->state = LANE_UP;
	lane->backoff_ms = BACKOFF_FIRST_MS;
	db_note_error(lane->db, NULL);
	log_debug("db_connected", "lane=%s", lane_name(lane->id));
	if (!lane_watch(lane, EV_READ))
		lane_lose(lane, unwatchable);
}

static void on_connecting(evutil_socket_t fd, short what, void *arg);

/* libpq may use another socket after each step, so the event is made anew each time. */
static void await_connection(struct lane *lane, short what)
{
	event_assign(&lane->io, lane->db->base, PQsocket(lane->conn), what, on_connecting, lane);
	lane->io_added = !FAULT(FAULT_EVENT) && event_add(&lane->io, NULL) == 0;
	if (!lane->io_added)
		connect_failed(lane, unwatchable);
}

static void on_connecting(evutil_socket_t fd, short what, void *arg)
{
	struct lane *lane = arg;

	(void)fd, (void)what;
	lane->io_added = false;
	switch (pq_connect_poll(lane->conn)) {
	case PGRES_POLLING_READING:
		await_connection(lane, EV_READ);
		break;
	case PGRES_POLLING_WRITING:
		await_connection(lane, EV_WRITE);
		break;
	case PGRES_POLLING_OK:
		connected(lane);
		break;
	default:
		connect_failed(lane, PQerrorMessage(lane->conn));
	}
}

static void ignore_notice(void *arg, const PGresult *notice)
{
	(void)arg, (void)notice;
}

static void connect_start(struct lane *lane)
{
	lane->state = LANE_CONNECTING;
	lane->conn = conninfo_start(lane->db->conninfo, lane->id, lane->attempt);
	start_timer(lane, CONNECT_MS);
	if (!lane->conn || PQstatus(lane->conn) == CONNECTION_BAD) {
		connect_failed(lane, lane->conn ? PQerrorMessage(lane->conn) : "out of memory");
		return;
	}
	PQsetNoticeReceiver(lane->conn, ignore_notice, NULL);
	await_connection(lane, EV_WRITE);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct lane *lane = arg;

	(void)fd, (void)what;
	if (lane->state == LANE_CONNECTING)
		connect_failed(lane, "the server does not answer");
	else if (lane->state == LANE_DOWN)
		connect_start(lane);
}

void lane_init(struct lane *lane, struct db *db, enum db_lane id, bool wanted)
{
	lane->db = db;
	lane->id = id;
	lane->backoff_ms = BACKOFF_FIRST_MS;
	query_list_init(&lane->unsent);
	query_list_init(&lane->sent);
	if (!wanted)
		return;
	evtimer_assign(&lane->timer, db->base, on_timer, lane);
	evtimer_assign(&lane->push, db->base, on_push, lane);
	lane->state = LANE_DOWN;
	start_timer(lane, 0);
}

/* ---- deadlines ---- */

void lane_check_deadlines(struct lane *lane, int64_t now_us)
{
	struct db_query *query;

	while (lane->unsent.first && lane->unsent.first->deadline_us <= now_us)
		db_finish(lane->db, query_list_pop(&lane->unsent), DB_UNAVAILABLE);
	for (query = lane->sent.first; query; query = query->next) {
		if (query->deadline_us <= now_us) {
			lane_lose(lane, "no answer before the deadline");
			return;
		}
	}
}
