#include "domain/item.h"

#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

static const char *const kinds[ITEM_KIND_COUNT] = {
	[ITEM_CHECK_IN] = "check_in", [ITEM_SCREENING] = "screening", [ITEM_DONATION] = "donation", [ITEM_DEFERRAL] = "deferral",
	[ITEM_REACTION] = "reaction", [ITEM_GIFT] = "gift", [ITEM_NOTE] = "note",
};

const char *item_kind_text(enum item_kind kind)
{
	return kinds[kind];
}

bool item_kind_parse(const char *text, enum item_kind *out)
{
	for (int i = 0; i < ITEM_KIND_COUNT; i++) {
		if (streq(kinds[i], text)) {
			*out = (enum item_kind)i;
			return true;
		}
	}
	return false;
}

static const char *const verdicts[ITEM_VERDICT_COUNT] = {
	[ITEM_APPLIED] = "applied", [ITEM_DUPLICATE] = "duplicate", [ITEM_HELD] = "held", [ITEM_CONFLICT] = "conflict",
	[ITEM_REJECTED] = "rejected", [ITEM_RETRY] = "retry",
};

const char *item_verdict_text(enum item_verdict verdict)
{
	return verdicts[verdict];
}

bool item_verdict_parse(const char *text, enum item_verdict *out)
{
	for (int i = 0; i < ITEM_VERDICT_COUNT; i++) {
		if (streq(verdicts[i], text)) {
			*out = (enum item_verdict)i;
			return true;
		}
	}
	return false;
}

const char *item_reason_text(enum item_reason reason)
{
	switch (reason) {
	case ITEM_DATE_OUTSIDE:
		return "date_outside";
	case ITEM_ROUND_CANCELLED:
		return "round_cancelled";
	case ITEM_ROUND_UNKNOWN:
		return "round_unknown";
	case ITEM_ROUND_FOREIGN:
		return "round_foreign";
	case ITEM_DEVICE_REVOKED:
		return "device_revoked";
	case ITEM_DONOR_ERASED:
		return "donor_erased";
	case ITEM_BAG_DOUBTFUL:
		return "bag_doubtful";
	case ITEM_UNREADABLE:
		return "unreadable";
	}
	return "unknown";
}

static const char *const outcomes[] = {
	[ITEM_COMPLETED] = "completed", [ITEM_STOPPED] = "stopped", [ITEM_DEFERRED] = "deferred",
};

const char *item_outcome_text(enum item_outcome outcome)
{
	return outcomes[outcome];
}

bool item_outcome_parse(const char *text, enum item_outcome *out)
{
	for (int i = 0; i <= ITEM_DEFERRED; i++) {
		if (streq(outcomes[i], text)) {
			*out = (enum item_outcome)i;
			return true;
		}
	}
	return false;
}

static int digit_of(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* Digits of a number below 1 that never end in 0, so that there is always one between two. */
const char *item_tie_between(const char *low, const char *high, struct arena *arena)
{
	size_t most = (low ? strlen(low) : 0) + (high ? strlen(high) : 0) + 2, len = 0;
	char *made = arena_alloc(arena, most + 1);

	for (;;) {
		int from = low && *low ? digit_of(*low++) : 0, to = high && *high ? digit_of(*high++) : 16;

		if (to - from > 1) {
			made[len++] = "0123456789abcdef"[from + (to - from) / 2];
			made[len] = '\0';
			return made;
		}
		made[len++] = "0123456789abcdef"[from];
		if (to > from)
			high = NULL;             /* below it, whatever comes */
	}
}

const char *item_accepts(const struct item *item)
{
	if (item->kind == ITEM_SCREENING)
		return item->accepted ? "true" : "false";
	if (item->kind == ITEM_DONATION)
		return item->outcome != ITEM_DEFERRED ? "true" : "false";
	return NULL;
}

bool item_needs_round(enum item_kind kind)
{
	return kind == ITEM_CHECK_IN || kind == ITEM_SCREENING || kind == ITEM_DONATION || kind == ITEM_GIFT;
}

static bool within_round(struct date day, const struct item_setting *setting)
{
	return date_compare(day, setting->round_from) >= 0 && date_compare(day, setting->round_to) <= 0;
}

struct date item_day(const struct item *item, const struct item_setting *setting)
{
	if (!setting->round_known)
		return date_compare(item->told_on, setting->today) > 0 ? setting->today : item->told_on;
	if (date_compare(item->told_on, setting->round_from) < 0)
		return setting->round_from;
	return date_compare(item->told_on, setting->round_to) > 0 ? setting->round_to : item->told_on;
}

unsigned item_reasons(const struct item *item, const struct item_setting *setting)
{
	unsigned reasons = 0;

	if (item->unreadable)
		reasons |= ITEM_UNREADABLE;
	if (item->bag.doubtful)
		reasons |= ITEM_BAG_DOUBTFUL;
	if (setting->device_revoked)
		reasons |= ITEM_DEVICE_REVOKED;
	if (!setting->round_known) {
		if (item->round_id || item_needs_round(item->kind))
			reasons |= ITEM_ROUND_UNKNOWN;
		if (date_compare(item->told_on, setting->today) > 0)
			reasons |= ITEM_DATE_OUTSIDE;
		return reasons;
	}
	if (setting->round_status == ROUND_CANCELLED)
		reasons |= ITEM_ROUND_CANCELLED;
	if (setting->round_foreign)
		reasons |= ITEM_ROUND_FOREIGN;
	if (!within_round(item->told_on, setting))
		reasons |= ITEM_DATE_OUTSIDE;
	return reasons;
}

bool item_check(const struct item *item, const char *pointer, struct arena *arena, struct error *err)
{
	bool stopped = item->outcome == ITEM_STOPPED;
	int least = stopped ? 0 : 1;

	if (item->corrects && strcasecmp(item->corrects, item->id) == 0)
		error_add_field(err, arena_printf(arena, "%s/corrects", pointer), "invalid_value",
				"An item cannot correct itself: a change is a new item.",
				"Một mục không thể tự sửa chính nó: thay đổi là một mục mới.");
	if (item->kind == ITEM_DONATION && item->outcome != ITEM_DEFERRED &&
	    (item->volume_ml < least || item->volume_ml > DONATION_VOLUME_MAX))
		error_add_field(err, arena_printf(arena, "%s/data/volume_ml", pointer), "out_of_range",
				"A whole number from %d to %d is expected.", "Cần một số nguyên từ %d đến %d.", least,
				DONATION_VOLUME_MAX);
	return err->code == ERR_NONE;
}
