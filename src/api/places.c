#include "api/places.h"

#include <string.h>

#include "api/params.h"
#include "api/private.h"
#include "api/request.h"
#include "base/error.h"
#include "domain/unit.h"

struct wait_op {
	struct request     *r;
	void              (*next)(struct request *r);
	struct board_waiter waiter;
};

static void on_board(struct board_waiter *waiter, bool available)
{
	struct wait_op *op = container_of(waiter, struct wait_op, waiter);
	struct error err;

	/* Without the database the units we have are good enough: they change by law, not by the minute. */
	if (available || api_units(op->r->api)) {
		op->next(op->r);
		return;
	}
	error_clear(&err);
	error_set(&err, ERR_UNAVAILABLE, "The register of places cannot be read now. Try again in a moment.",
		  "Hiện không đọc được danh mục địa danh. Hãy thử lại sau giây lát.");
	request_reply_error(op->r, &err);
}

void request_with_units(struct request *r, void (*next)(struct request *r))
{
	const struct board *board = &r->api->board;
	struct wait_op *op;

	if (board_units_current(board) || (board->units && !board_fresh(board))) {
		next(r);
		return;
	}
	op = http_alloc(r->x, sizeof(*op));
	op->r = r;
	op->next = next;
	op->waiter.ready = on_board;
	board_wait(&r->api->board, &op->waiter);
}

enum { MAX_MATCHES = 64, MAX_NAMES = 4 };

static void fault_unknown(struct params *params, const char *name, const char *typed)
{
	const struct unit_map *map = api_units(params->r->api);
	const struct unit *near[MAX_NAMES];
	size_t count = unit_nearest(map, typed, (struct date){ 0 }, near, MAX_NAMES);
	struct arena *arena = params->r->arena;
	const char *names = "";

	if (count > MAX_NAMES)
		count = MAX_NAMES;
	for (size_t i = 0; i < count; i++)
		names = arena_printf(arena, "%s%s%s", names, i ? ", " : "", near[i]->full_name);
	if (count == 0)
		params_fault(params, name, "unknown_unit", "No place of the province is so named.",
			     "Không có địa danh nào của tỉnh có tên như vậy.");
	else
		params_fault(params, name, "unknown_unit",
			     arena_printf(arena, "No place is so named. Nearest: %s.", names),
			     arena_printf(arena, "Không có địa danh này. Gần nhất: %s.", names));
}

/* Marks every unit that shares territory with what was typed. */
static bool mark_related(struct params *params, const char *name, const char *typed, bool *marked)
{
	const struct unit_map *map = api_units(params->r->api);
	const struct unit *matches[MAX_MATCHES];
	size_t count = unit_match(map, typed, (struct date){ 0 }, matches, MAX_MATCHES);

	if (count == 0) {
		fault_unknown(params, name, typed);
		return false;
	}
	if (count > MAX_MATCHES)
		count = MAX_MATCHES;
	for (size_t u = 0; u < unit_count(map); u++)
		for (size_t i = 0; i < count && !marked[u]; i++)
			marked[u] = unit_related(map, matches[i], unit_at(map, u));
	return true;
}

bool params_places(struct params *params, const char *name, const char *const **ids, size_t *count)
{
	const struct unit_map *map = api_units(params->r->api);
	struct arena *arena = params->r->arena;
	const char *text = params_text(params, name);
	const char **list;
	bool *marked;

	if (!text)
		return false;
	marked = arena_alloc(arena, unit_count(map) * sizeof(*marked));
	for (char *rest = arena_strdup(arena, text), *typed; (typed = strsep(&rest, ",")) != NULL;)
		if (!mark_related(params, name, typed, marked))
			return false;
	list = arena_alloc(arena, (unit_count(map) + 1) * sizeof(*list));
	*count = 0;
	for (size_t u = 0; u < unit_count(map); u++)
		if (marked[u])
			list[(*count)++] = unit_at(map, u)->id;
	*ids = list;
	return true;
}
