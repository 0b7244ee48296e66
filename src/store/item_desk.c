#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "store/item_store.h"

/* What is under way, and the ones that wait for it to end. */
struct item_desk {
	struct store              *store;
	STAILQ_HEAD(, item_hand_in) waiting;
	bool                       under_way;
	struct item_hand_in        together;
	struct arena               arena;        /* of what is under way */
	struct item_hand_in       *asked[ITEM_DESK_BATCH];
	size_t                     count;
};

struct item_desk *item_desk_new(struct store *store)
{
	struct item_desk *desk = xcalloc(1, sizeof(*desk));

	desk->store = store;
	STAILQ_INIT(&desk->waiting);
	return desk;
}

void item_desk_free(struct item_desk *desk)
{
	free(desk);
}

/* ---- the answers ---- */

static const struct item_install *install_of(const struct item_hand_in *together, const char *install)
{
	for (size_t i = 0; i < together->ninstalls; i++)
		if (streq(together->installs[i].install, install))
			return &together->installs[i];
	return NULL;
}

/* As if it had been handed in by itself. */
static void answer(struct item_hand_in *one, const struct item_hand_in *together, size_t index)
{
	one->error = together->error;
	one->ninstalls = 0;
	if (one->error.code == ERR_NONE) {
		const struct item_install *install = install_of(together, one->items[0]->install);

		one->results = arena_alloc(one->arena, sizeof(*one->results));
		one->results[0] = together->results[index];
		one->installs = arena_alloc(one->arena, sizeof(*one->installs));
		if (install)
			one->installs[one->ninstalls++] = *install;
	}
	one->done(one);
}

static void desk_send(struct item_desk *desk);

/* The next ones are on their way before these are answered; what these are answered with lives in their own arena. */
static void together_on_done(struct item_hand_in *hand_in)
{
	struct item_desk *desk = container_of(hand_in, struct item_desk, together);
	struct item_hand_in *asked[ITEM_DESK_BATCH], together = *hand_in;
	struct arena arena = desk->arena;
	size_t count = desk->count;

	memcpy(asked, desk->asked, count * sizeof(asked[0]));
	desk->under_way = false;
	desk_send(desk);
	for (size_t i = 0; i < count; i++) {
		/* What one of them cannot be written for must not keep the others out. */
		if (count > 1 && together.error.code == ERR_INTERNAL)
			item_hand_in_send(desk->store, asked[i]);
		else
			answer(asked[i], &together, i);
	}
	arena_release(&arena);
}

/* ---- asked ---- */

static void desk_send(struct item_desk *desk)
{
	struct item_hand_in *one = STAILQ_FIRST(&desk->waiting);
	const struct item_hand_in **whose;
	const struct item **items;

	if (desk->under_way || !one)
		return;
	arena_init(&desk->arena);
	items = arena_alloc(&desk->arena, ITEM_DESK_BATCH * sizeof(*items));
	whose = arena_alloc(&desk->arena, ITEM_DESK_BATCH * sizeof(*whose));
	desk->together = (struct item_hand_in){ .items = items, .whose = whose, .units = one->units, .today = one->today,
						.actor = one->actor, .arena = &desk->arena, .done = together_on_done };
	desk->count = 0;
	while (desk->count < ITEM_DESK_BATCH && (one = STAILQ_FIRST(&desk->waiting)) != NULL) {
		STAILQ_REMOVE_HEAD(&desk->waiting, next);
		items[desk->count] = one->items[0];
		whose[desk->count] = one;
		desk->asked[desk->count++] = one;
	}
	desk->together.count = desk->count;
	desk->under_way = true;
	item_hand_in_send(desk->store, &desk->together);
}

static bool goes_together(const struct item_hand_in *one)
{
	const struct item *item = one->count == 1 && !one->step ? one->items[0] : NULL;

	return item && item->by == ITEM_DONOR_ID && item->kind != ITEM_CHECK_IN && item->kind != ITEM_GIFT;
}

void item_desk_ask(struct item_desk *desk, struct item_hand_in *hand_in)
{
	if (!goes_together(hand_in)) {
		item_hand_in_send(desk->store, hand_in);
		return;
	}
	STAILQ_INSERT_TAIL(&desk->waiting, hand_in, next);
	desk_send(desk);
}
