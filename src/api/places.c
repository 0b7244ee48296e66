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

/* What is told of a name that no unit has: the nearest ones. */
static void explain_unknown(struct request *r, const char *typed, const char **en, const char **vi)
{
	const struct unit *near[MAX_NAMES];
	size_t count = unit_nearest(api_units(r->api), typed, (struct date){ 0 }, near, MAX_NAMES);
	const char *names = "";

	if (count > MAX_NAMES)
		count = MAX_NAMES;
	for (size_t i = 0; i < count; i++)
		names = arena_printf(r->arena, "%s%s%s", names, i ? ", " : "", near[i]->full_name);
	*en = "No place of the province is so named.";
	*vi = "Không có địa danh nào của tỉnh có tên như vậy.";
	if (count > 0) {
		*en = arena_printf(r->arena, "No place is so named. Nearest: %s.", names);
		*vi = arena_printf(r->arena, "Không có địa danh này. Gần nhất: %s.", names);
	}
}

/* Marks every unit that shares territory with what was typed; *first: what it means first. False: nothing. */
static bool mark_related(struct request *r, const char *typed, bool *marked, const struct unit **first)
{
	const struct unit_map *map = api_units(r->api);
	const struct unit *matches[MAX_MATCHES];
	size_t count = unit_match(map, typed, (struct date){ 0 }, matches, MAX_MATCHES);

	if (count == 0)
		return false;
	*first = matches[0];
	if (count > MAX_MATCHES)
		count = MAX_MATCHES;
	for (size_t u = 0; u < unit_count(map); u++)
		for (size_t i = 0; i < count && !marked[u]; i++)
			marked[u] = unit_related(map, matches[i], unit_at(map, u));
	return true;
}

static const char **marked_ids(struct request *r, const bool *marked, size_t *count)
{
	const struct unit_map *map = api_units(r->api);
	const char **list = arena_alloc(r->arena, (unit_count(map) + 1) * sizeof(*list));

	*count = 0;
	for (size_t u = 0; u < unit_count(map); u++)
		if (marked[u])
			list[(*count)++] = unit_at(map, u)->id;
	return list;
}

bool params_places(struct params *params, const char *name, const char *const **ids, size_t *count)
{
	struct request *r = params->r;
	const char *text = params_text(params, name);
	const struct unit *first;
	bool *marked;

	if (!text)
		return false;
	marked = arena_alloc(r->arena, unit_count(api_units(r->api)) * sizeof(*marked));
	for (char *rest = arena_strdup(r->arena, text), *typed; (typed = strsep(&rest, ",")) != NULL;) {
		const char *en, *vi;

		if (mark_related(r, typed, marked, &first))
			continue;
		explain_unknown(r, typed, &en, &vi);
		params_fault(params, name, "unknown_unit", en, vi);
		return false;
	}
	*ids = marked_ids(r, marked, count);
	return true;
}

bool places_find(struct request *r, const char *typed, const char *const **ids, size_t *count,
		 const struct unit **first, struct error *err)
{
	bool *marked = arena_alloc(r->arena, unit_count(api_units(r->api)) * sizeof(*marked));
	const char *en, *vi;

	if (!mark_related(r, typed, marked, first)) {
		explain_unknown(r, typed, &en, &vi);
		return error_set(err, ERR_NOT_FOUND, "%s%.0s", "%.0s%s", en, vi);
	}
	*ids = marked_ids(r, marked, count);
	return true;
}
