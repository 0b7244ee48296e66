#ifndef WIRE_ITEM_WIRE_H
#define WIRE_ITEM_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/date.h"
#include "base/error.h"
#include "domain/item.h"

/*
 * Body of POST /sync/batches. The batch itself is read strictly; its items one by one, each with its own faults, so that
 * none blocks another. And of an item only what makes it one: what else cannot be read, is not known, or is not there
 * leaves its mark (item.unreadable), because a true fact is never refused.
 *
 * The canonical content of an item is its JSON as it came, names sorted, without blanks and with every text written
 * in one way: the same for any program that sends the same again, and for every version of this one.
 */
struct arena;
struct eligibility_rules;
struct unit_map;

struct item_entry {
	struct item  item;               /* what could be read of it */
	struct error *fault;             /* why it is none; NULL */
};
struct item_batch {
	const char        *label;
	int64_t            device_us;    /* the phone's clock as it sent it */
	struct item_entry *entries;
	size_t             count;
};
struct item_reading {
	const struct unit_map          *units;   /* of donors' residence; NULL: none can be named */
	const struct eligibility_rules *rules;   /* of deferrals */
	struct date                     today;
};
bool item_batch_read(const char *body, size_t len, const struct item_reading *reading, struct arena *arena,
		     struct item_batch *batch, struct error *err);

/* Body of a decision: {"content_hash", "keep"}. */
bool item_decision_read(const char *body, size_t len, struct arena *arena, const char **content_hash, bool *keep,
			struct error *err);

/* Body of a choice: {"content_hash"}. */
bool item_choice_read(const char *body, size_t len, struct arena *arena, const char **content_hash, struct error *err);

/*
 * What a person puts in the place of one content of an item: other data ({"content_hash", "data"}), or the same about another
 * donor ({"content_hash", "donor"}).
 */
struct item_correction {
	const char *content_hash;
	const char *data;                /* canonical JSON; NULL: as they were */
	const char *donor_id;            /* NULL: as the data tell */
	char        id[UUID_TEXT_SIZE];  /* of the new item: the caller's */
};
bool item_correction_read(const char *body, size_t len, struct arena *arena, struct item_correction *correction, struct error *err);
bool item_attachment_read(const char *body, size_t len, struct arena *arena, struct item_correction *correction, struct error *err);
/* The new item, of the content that was kept. NULL and *err: faults in the data, where a part cannot be read, too. */
const struct item *item_correct(const struct item_correction *correction, const char *content, const struct item_reading *reading,
				struct arena *arena, struct error *err);

/* Whether data tell their donor as that content does, word by word. */
bool item_same_donor(const char *content, const char *data);

/* What an item tells, without whom: canonical JSON of its data, of content that was kept. In the arena. */
const char *item_told(const char *content, struct arena *arena);

/*
 * Canonical content that was kept, read again: what it was made of is not told. NULL: it is none (which cannot be). `doubts`, if
 * not NULL: what of it cannot be read, by field; cleared where all can.
 */
const struct item *item_content_read(const char *content, const struct item_reading *reading, struct arena *arena,
				     struct error *doubts);

#endif
