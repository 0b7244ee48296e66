#include "api/board.h"

#include <stdlib.h>

#include <event2/event.h>

#include "api/private.h"
#include "base/clock.h"
#include "base/log.h"
#include "domain/unit.h"

enum {
	POLL_MS = 250,
	FRESH_US = 1000000,
	BOARD_DAYS_BACK = 800,           /* a place's last round is looked for so far back */
	BOARD_PAGE = 500,
	BOARD_MAX_ROUNDS = 5000
};

static void load_units(struct board *board);
static void load_rounds(struct board *board);

bool board_fresh(const struct board *board)
{
	return board->fresh_since_us != INT64_MIN &&
	       clock_mono_us() - board->fresh_since_us <= FRESH_US;
}

static struct date today(const struct board *board)
{
	return clock_today(board->api->worker->clock);
}

bool board_units_current(const struct board *board)
{
	return board->units && board->units_version == board->versions[TOPIC_UNITS];
}

bool board_current(const struct board *board)
{
	return board_units_current(board) &&
	       board->rounds_generation == board->generation && board->generation != 0 &&
	       date_compare(board->rounds_day, today(board)) == 0;
}

/* A waiter may wait again from inside ready(), so the list is taken first. */
static void release_waiters(struct board *board, bool available)
{
	struct board_waiter *waiter = board->waiters;

	board->waiters = NULL;
	while (waiter) {
		struct board_waiter *next = waiter->next;

		waiter->ready(waiter, available);
		waiter = next;
	}
}

/* The next load if one is needed; when nothing is, those who wait go on. */
static void settle(struct board *board)
{
	if (board->generation == 0)
		return;
	if (!board_units_current(board))
		load_units(board);
	else if (!board_current(board))
		load_rounds(board);
	else
		release_waiters(board, board_fresh(board));
}

/* ---- units ---- */

static void retire_units(struct board *board)
{
	if (!board->units)
		return;
	board->retired = xrealloc(board->retired, (board->nretired + 1) * sizeof(*board->retired));
	board->retired[board->nretired++] = board->units;
}

static void on_units_loaded(struct unit_load *load)
{
	struct board *board = container_of(load, struct board, unit_load);

	board->units_loading = false;
	if (load->error.code != ERR_NONE) {
		log_warning("units_not_loaded", "problem=%s", error_slug(load->error.code));
		release_waiters(board, false);
		return;
	}
	retire_units(board);
	board->units = load->map;
	board->units_version = board->unit_load_version;
	settle(board);
}

static void load_units(struct board *board)
{
	if (board->units_loading)
		return;
	board->units_loading = true;
	board->unit_load_version = board->versions[TOPIC_UNITS];
	board->unit_load = (struct unit_load){ .done = on_units_loaded };
	unit_load_send(&board->api->store, &board->unit_load);
}

/* ---- rounds ---- */

static void on_rounds_loaded(struct round_list *list);

static void next_page(struct board *board)
{
	board->list.limit = BOARD_PAGE;
	board->list.urgent = true;
	board->list.arena = &board->next_arena;
	board->list.done = on_rounds_loaded;
	round_list_send(&board->api->store, &board->list);
}

static void take_page(struct board *board, const struct round_list *list)
{
	size_t total = board->nnext + list->nrounds;
	struct round *all = arena_alloc(&board->next_arena, (total + 1) * sizeof(*all));

	for (size_t i = 0; i < board->nnext; i++)
		all[i] = board->next_rounds[i];
	for (size_t i = 0; i < list->nrounds; i++)
		all[board->nnext + i] = list->rounds[i];
	board->next_rounds = all;
	board->nnext = total;
}

static void use_loaded(struct board *board)
{
	arena_release(&board->arena);
	board->arena = board->next_arena;
	board->rounds = board->next_rounds;
	board->nrounds = board->nnext;
	board->rounds_generation = board->list_generation;
	board->rounds_day = board->list_day;
	arena_init(&board->next_arena);
}

static void on_rounds_loaded(struct round_list *list)
{
	struct board *board = container_of(list, struct board, list);

	if (list->error.code != ERR_NONE) {
		board->rounds_loading = false;
		arena_release(&board->next_arena);
		log_warning("board_not_loaded", "problem=%s", error_slug(list->error.code));
		release_waiters(board, false);
		return;
	}
	take_page(board, list);
	if (list->more && board->nnext < BOARD_MAX_ROUNDS) {
		next_page(board);
		return;
	}
	board->rounds_loading = false;
	use_loaded(board);
	/* With a change at every poll it would never be current: what was read within the second will do. */
	if (clock_mono_us() - board->list_begun_us <= FRESH_US)
		release_waiters(board, board->units);
	settle(board);
}

static void load_rounds(struct board *board)
{
	if (board->rounds_loading)
		return;
	board->rounds_loading = true;
	board->list_begun_us = clock_mono_us();
	board->list_generation = board->generation;
	board->list_day = today(board);
	board->next_rounds = NULL;
	board->nnext = 0;
	board->list = (struct round_list){
		.filter = {
			.from = date_add_days(board->list_day, -BOARD_DAYS_BACK),
			.precisions = (1u << DATE_PRECISION_COUNT) - 1,
		},
	};
	next_page(board);
}

/* ---- freshness ---- */

static void take_versions(struct board *board, const struct change_poll *poll)
{
	const int64_t seen[3] = { poll->rounds, poll->units, poll->access };
	bool public_moved = seen[TOPIC_ROUNDS] != board->versions[TOPIC_ROUNDS] ||
			    seen[TOPIC_UNITS] != board->versions[TOPIC_UNITS];
	bool access_moved = seen[TOPIC_ACCESS] != board->versions[TOPIC_ACCESS];

	for (int i = 0; i < 3; i++)
		board->versions[i] = seen[i];
	if (public_moved) {
		board->generation++;
		cache_clear(&board->api->cache);
		cache_clear(&board->api->sms_cache);
	}
	if (access_moved)
		principals_clear(&board->api->principals);
}

int64_t board_service_t(const struct board *board)
{
	if (board->service_t == INT64_MIN)
		return INT64_MIN;
	return board->service_t + (clock_mono_us() - board->service_mono_us);
}

static void take_service_time(struct board *board, int64_t t)
{
	if (t <= board_service_t(board))
		return;
	board->service_t = t;
	board->service_mono_us = board->poll_begun_us;
}

static void on_polled(struct change_poll *poll)
{
	struct board *board = container_of(poll, struct board, poll);

	board->polling = false;
	if (poll->error.code != ERR_NONE) {
		if (!board_fresh(board))
			release_waiters(board, false);
		return;
	}
	take_versions(board, poll);
	take_service_time(board, poll->service_t);
	board->fresh_since_us = board->poll_begun_us;
	settle(board);
}

static void poll_now(struct board *board)
{
	if (board->polling)
		return;
	board->polling = true;
	board->poll_begun_us = clock_mono_us();
	board->poll = (struct change_poll){ .done = on_polled };
	change_poll_send(&board->api->store, &board->poll);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	poll_now(context);
}

void board_start(struct board *board, struct api *api)
{
	struct timeval period = { .tv_usec = POLL_MS * 1000 };
	struct timeval now = { 0 };

	*board = (struct board){ .api = api, .fresh_since_us = INT64_MIN, .service_t = INT64_MIN,
				  .units_version = -1 };
	for (int i = 0; i < 3; i++)
		board->versions[i] = -1;
	arena_init(&board->arena);
	arena_init(&board->next_arena);
	event_assign(&board->tick, api->worker->base, -1, EV_PERSIST, on_tick, board);
	event_add(&board->tick, &period);
	event_base_once(api->worker->base, -1, EV_TIMEOUT, on_tick, board, &now);
}

void board_stop(struct board *board)
{
	event_del(&board->tick);
	release_waiters(board, false);
	for (size_t i = 0; i < board->nretired; i++)
		unit_map_free(board->retired[i]);
	free(board->retired);
	unit_map_free(board->units);
	arena_release(&board->arena);
	arena_release(&board->next_arena);
}

void board_wait(struct board *board, struct board_waiter *waiter)
{
	if (board_fresh(board) && board_current(board)) {
		waiter->ready(waiter, true);
		return;
	}
	waiter->next = board->waiters;
	board->waiters = waiter;
	/* A poll that fails, or a load, lets the waiter go; one of them is always coming. */
	if (board_fresh(board))
		settle(board);
	else
		poll_now(board);
}
