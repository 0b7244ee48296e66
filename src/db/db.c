#include "db/db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "db/conninfo.h"
#include "db/lane.h"

enum {
	TICK_MS = 50,
	SLOW_US = 1000           /* a read in flight for longer is not one to stand behind */
};

void db_options_init(struct db_options *options)
{
	*options = (struct db_options){
		.application_name = "giothong",
		.queue_max = 1000,
		.deadline_ms = { [DB_READ] = 5000, [DB_WRITE] = 8000, [DB_SLOW] = 15000 },
		.lanes = { true, true, true },
	};
}

/* ---- queries that end without an answer ---- */

static const char *failure_text(enum db_outcome outcome)
{
	switch (outcome) {
	case DB_BUSY:
		return "too many queries are waiting";
	case DB_UNKNOWN:
		return "the connection was lost before the answer to a write";
	default:
		return "no connection to the database";
	}
}

void db_call_done(struct db *db, struct db_query *query, const struct db_result *result)
{
	struct db_counters *counters = &db->counters;

	switch (result->outcome) {
	case DB_REFUSED:
		counters->refused++;
		break;
	case DB_BUSY:
		counters->busy++;
		break;
	case DB_UNAVAILABLE:
		counters->unavailable++;
		break;
	case DB_UNKNOWN:
		counters->unknown++;
		break;
	case DB_OK:
		break;
	}
	if (db->awaited == query)
		db->awaited = NULL;
	query->done(query, result);      /* the query may be gone now */
}

static void deliver_failures(struct db *db)
{
	struct query_list now = db->finished;
	struct db_query *query;

	if (!now.first)
		return;
	query_list_init(&db->finished);
	while ((query = query_list_pop(&now))) {
		struct db_result result = {
			.outcome = query->failure,
			.message = failure_text(query->failure),
		};

		db_call_done(db, query, &result);
	}
}

/* What done() sends and fails at once comes next time round, so that nobody can spin here. */
static void on_deliver(evutil_socket_t fd, short what, void *arg)
{
	struct db *db = arg;

	(void)fd, (void)what;
	db->delivering = false;
	deliver_failures(db);
}

void db_finish(struct db *db, struct db_query *query, enum db_outcome failure)
{
	static const struct timeval at_once = { 0 };

	query->failure = failure;
	query_list_push(&db->finished, query);
	if (!db->delivering)
		evtimer_add(&db->deliver, &at_once);
	db->delivering = true;
}

/* ---- deadlines ---- */

static void start_tick(struct db *db)
{
	static const struct timeval tick = { .tv_usec = TICK_MS * 1000 };

	if (!db->ticking)
		evtimer_add(&db->tick, &tick);
	db->ticking = true;
}

/* Runs only while something waits. */
static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct db *db = arg;
	int64_t now = clock_mono_us();

	(void)fd, (void)what;
	db->ticking = false;
	for (int i = 0; i < db->nlanes; i++)
		lane_check_deadlines(&db->lanes[i], now);
	if (db_waiting(db) > 0)
		start_tick(db);
}

/* ---- the interface ---- */

static enum db_lane lane_id(int index)
{
	return index < DB_LANE_COUNT ? (enum db_lane)index : DB_READ;
}

struct db *db_new(struct event_base *base, const struct db_options *options)
{
	struct db *db = xcalloc(1, sizeof(*db));

	db->base = base;
	db->conninfo = conninfo_new(options);
	db->queue_max = options->queue_max;
	memcpy(db->deadline_ms, options->deadline_ms, sizeof(db->deadline_ms));
	for (int i = 0; i < DB_LANE_COUNT; i++)
		db->wait_us[i] = (int64_t)options->wait_ms[i] * 1000;
	db->nlanes = DB_LANE_COUNT + options->spare_reads;
	query_list_init(&db->finished);
	evtimer_assign(&db->deliver, base, on_deliver, db);
	evtimer_assign(&db->tick, base, on_tick, db);
	for (int i = 0; i < db->nlanes; i++)
		lane_init(&db->lanes[i], db, lane_id(i), options->lanes[lane_id(i)]);
	return db;
}

void db_free(struct db *db)
{
	if (!db)
		return;
	for (int i = 0; i < db->nlanes; i++)
		lane_release(&db->lanes[i]);
	while (db->finished.first)       /* done() may send again: that fails into the same list */
		deliver_failures(db);
	evtimer_del(&db->deliver);
	evtimer_del(&db->tick);
	conninfo_free(db->conninfo);
	free(db);
}

/* It is up, and what it carries is not slow. */
static bool lane_flows(const struct db *db, const struct lane *lane, int64_t now_us)
{
	const struct db_query *oldest = lane->sent.first ? lane->sent.first : lane->unsent.first;
	int64_t sent_us = oldest ? oldest->deadline_us - (int64_t)db->deadline_ms[lane->id] * 1000 : now_us;

	return lane->state == LANE_UP && now_us - sent_us < SLOW_US;
}

static struct lane *choose_lane(struct db *db, enum db_lane id, int64_t now_us)
{
	struct lane *best = &db->lanes[id];

	if (id != DB_READ || lane_flows(db, best, now_us))
		return best;
	for (struct lane *lane = db->lanes + DB_LANE_COUNT; lane < db->lanes + db->nlanes; lane++)
		if (lane->state == LANE_UP && (best->state != LANE_UP || lane_load(lane) < lane_load(best)))
			best = lane;
	return best;
}

static bool waits_too_long(const struct db *db, const struct lane *lane, const struct db_query *query)
{
	int64_t most_us = db->wait_us[lane->id];

	return most_us > 0 && !query->urgent && lane_wait_us(lane) > most_us;
}

void db_send(struct db *db, struct db_query *query)
{
	int64_t now_us = clock_mono_us();
	struct lane *lane = choose_lane(db, query->lane, now_us);

	query->state = 0;
	query->rows = NULL;
	db->counters.sent++;
	if (lane->state != LANE_UP) {
		db_finish(db, query, DB_UNAVAILABLE);
		return;
	}
	if (lane_load(lane) >= db->queue_max || waits_too_long(db, lane, query)) {
		db_finish(db, query, DB_BUSY);
		return;
	}
	query->deadline_us = now_us + (int64_t)db->deadline_ms[query->lane] * 1000;
	lane_take(lane, query, now_us);
	start_tick(db);
}

void db_push(struct db *db, enum db_lane lane)
{
	lane_push(&db->lanes[lane]);
}

bool db_connected(const struct db *db)
{
	for (int i = 0; i < db->nlanes; i++)
		if (db->lanes[i].state == LANE_DOWN || db->lanes[i].state == LANE_CONNECTING)
			return false;
	return true;
}

size_t db_waiting(const struct db *db)
{
	int waiting = db->finished.count;

	for (int i = 0; i < db->nlanes; i++)
		waiting += lane_load(&db->lanes[i]);
	return (size_t)waiting;
}

const char *db_last_error(const struct db *db)
{
	return db->last_error;
}

void db_note_error(struct db *db, const char *text)
{
	char *out = db->last_error;
	size_t len = 0;

	for (; text && *text && len < sizeof(db->last_error) - 1; text++)
		out[len++] = *text == '\n' || *text == '\t' ? ' ' : *text;
	while (len > 0 && out[len - 1] == ' ')
		len--;
	out[len] = '\0';
}

const struct db_counters *db_counters(const struct db *db)
{
	return &db->counters;
}

/* ---- for commands ---- */

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
	bool *over = arg;

	(void)fd, (void)what;
	*over = true;
}

static void await_lane(struct db *db, const struct lane *lane, int timeout_ms)
{
	struct timeval wait = { .tv_sec = timeout_ms / 1000, .tv_usec = (timeout_ms % 1000) * 1000 };
	struct event timeout;
	bool over = false;

	evtimer_assign(&timeout, db->base, on_timeout, &over);
	evtimer_add(&timeout, &wait);
	while (!over && lane->state != LANE_UP && lane->state != LANE_OFF)
		event_base_loop(db->base, EVLOOP_ONCE);
	evtimer_del(&timeout);
}

void db_run(struct db *db, struct db_query *query, int timeout_ms)
{
	await_lane(db, &db->lanes[query->lane], timeout_ms);
	db->awaited = query;
	db_send(db, query);
	while (db->awaited)
		event_base_loop(db->base, EVLOOP_ONCE);
}
