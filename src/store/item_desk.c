#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "store/item_store.h"

STAILQ_HEAD(hand_ins, item_hand_in);

/*
 * Batches one beside the other gain nothing by being many: three keep reading, settling and writing busy. More would each be
 * half done when they are refused, and meet each other at the same people.
 */
enum {
	BATCHES_AT_WORK = 3, FEW_ITEMS_AT_WORK = 48,
	WAITED_MAX_US = 2000000          /* the database does not answer: who waits is told so before it is tried for each */
};

struct item_desk {
	struct store        *store;
	int64_t              wait_us;
	void               (*later)(void *context);
	void                *context;
	/* single ones: what is under way, and those that wait for it to end */
	struct hand_ins      waiting;
	size_t               nwaiting;
	size_t               expected;           /* so many are waited for just now; 0: none */
	bool                 under_way;
	struct item_hand_in  together;
	struct arena         arena;              /* of what is under way */
	struct item_hand_in *asked[ITEM_DESK_BATCH];
	size_t               count;
	/* batches */
	struct hand_ins      batches;            /* wait */
	size_t               items_waiting, items_at_work;
	int                  at_work;
	int64_t              busy_since_us;      /* since the last one ended, or the first began */
	int64_t              item_us8;           /* what one item takes just now, times 8 */
};

struct item_desk *item_desk_new(struct store *store, int wait_ms, void (*later)(void *context), void *context)
{
	struct item_desk *desk = xcalloc(1, sizeof(*desk));

	desk->store = store;
	desk->wait_us = (int64_t)wait_ms * 1000;
	desk->later = later;
	desk->context = context;
	STAILQ_INIT(&desk->waiting);
	STAILQ_INIT(&desk->batches);
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

/* Where more wait than go together they are on their way before these are answered, who have an arena of their own. */
static void together_on_done(struct item_hand_in *hand_in)
{
	struct item_desk *desk = container_of(hand_in, struct item_desk, together);
	struct item_hand_in *asked[ITEM_DESK_BATCH], together = *hand_in;
	struct arena arena = desk->arena;
	size_t count = desk->count;

	memcpy(asked, desk->asked, count * sizeof(asked[0]));
	desk->under_way = false;
	if (desk->nwaiting >= ITEM_DESK_BATCH || together.error.code != ERR_NONE)
		desk_send(desk);
	else if (desk->nwaiting + count > 1)
		desk->expected = desk->nwaiting + count < ITEM_DESK_BATCH ? desk->nwaiting + count : ITEM_DESK_BATCH;
	for (size_t i = 0; i < count; i++) {
		/* What one of them cannot be written for must not keep the others out. */
		if (count > 1 && together.error.code == ERR_INTERNAL)
			item_hand_in_send(desk->store, asked[i]);
		else
			answer(asked[i], &together, i);
	}
	arena_release(&arena);
	if (desk->expected > 0)
		desk->later(desk->context);
}

/* ---- single ones ---- */

static void desk_send(struct item_desk *desk)
{
	struct item_hand_in *one = STAILQ_FIRST(&desk->waiting);
	const struct item_hand_in **whose;
	const struct item **items;

	if (desk->under_way || desk->nwaiting < desk->expected || !one)
		return;
	desk->expected = 0;
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
	desk->nwaiting -= desk->count;
	desk->together.count = desk->count;
	desk->under_way = true;
	item_hand_in_send(desk->store, &desk->together);
}

static bool goes_together(const struct item_hand_in *one)
{
	const struct item *item = one->count == 1 && !one->step ? one->items[0] : NULL;

	return item && item->by == ITEM_DONOR_ID && item->kind != ITEM_CHECK_IN && item->kind != ITEM_GIFT;
}

void item_desk_turn(struct item_desk *desk)
{
	desk->expected = 0;
	desk_send(desk);
}

/* ---- batches ---- */

static void batch_on_done(struct item_hand_in *hand_in);

static bool has_room(const struct item_desk *desk, const struct item_hand_in *batch)
{
	return desk->at_work < BATCHES_AT_WORK || desk->items_at_work + batch->count <= FEW_ITEMS_AT_WORK;
}

static void batch_begin(struct item_desk *desk, struct item_hand_in *batch)
{
	if (desk->at_work++ == 0)
		desk->busy_since_us = clock_mono_us();
	desk->items_at_work += batch->count;
	item_hand_in_send(desk->store, batch);
}

static void batch_refuse(struct item_hand_in *batch)
{
	item_desk_refusal(&batch->error);
	batch->asked_done(batch);
}

/* Those that waited for too long are told so, and the next ones begin. */
static void batches_next(struct item_desk *desk)
{
	int64_t latest_us = clock_mono_us() - WAITED_MAX_US;
	struct item_hand_in *batch;

	while ((batch = STAILQ_FIRST(&desk->batches)) != NULL) {
		bool late = desk->wait_us > 0 && batch->asked_us < latest_us;

		if (!late && !has_room(desk, batch))
			return;
		STAILQ_REMOVE_HEAD(&desk->batches, next);
		desk->items_waiting -= batch->count;
		if (late)
			batch_refuse(batch);
		else
			batch_begin(desk, batch);
	}
}

static void note_end(struct item_desk *desk, const struct item_hand_in *batch)
{
	int64_t now = clock_mono_us(), took = now - desk->busy_since_us;

	desk->busy_since_us = now;
	if (batch->error.code == ERR_NONE && batch->count > 0)
		desk->item_us8 += took / (int64_t)batch->count - desk->item_us8 / 8;
}

static void batch_on_done(struct item_hand_in *batch)
{
	struct item_desk *desk = batch->desk;

	note_end(desk, batch);
	desk->at_work--;
	desk->items_at_work -= batch->count;
	batches_next(desk);
	batch->asked_done(batch);
}

/* ---- asked ---- */

bool item_desk_full(const struct item_desk *desk)
{
	return desk->wait_us > 0 && (int64_t)desk->items_waiting * desk->item_us8 / 8 > desk->wait_us;
}

bool item_desk_refusal(struct error *err)
{
	return error_set(err, ERR_UNAVAILABLE, "Many phones hand in just now. Nothing of this was written. Send it again in a moment.",
			 "Đang có nhiều điện thoại gửi dữ liệu. Chưa ghi gì của lần gửi này. Hãy gửi lại sau giây lát.");
}

void item_desk_ask(struct item_desk *desk, struct item_hand_in *hand_in)
{
	if (goes_together(hand_in)) {
		STAILQ_INSERT_TAIL(&desk->waiting, hand_in, next);
		desk->nwaiting++;
		desk_send(desk);
		return;
	}
	hand_in->desk = desk;
	hand_in->asked_done = hand_in->done;
	hand_in->done = batch_on_done;
	hand_in->asked_us = clock_mono_us();
	if (STAILQ_EMPTY(&desk->batches) && has_room(desk, hand_in)) {
		batch_begin(desk, hand_in);
	} else {
		STAILQ_INSERT_TAIL(&desk->batches, hand_in, next);
		desk->items_waiting += hand_in->count;
	}
}
