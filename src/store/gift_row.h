#ifndef STORE_GIFT_ROW_H
#define STORE_GIFT_ROW_H

#include <stddef.h>

#include "domain/tariff.h"

/*
 * Gifts that phones told, as part of the statement that writes the items: GIFT_ITEMS_INSERT is a data-modifying
 * common table expression, its parameter what gift_items_text() makes, `condition` SQL over the rows `g` ("true", or
 * whether the item was new). A content that is there already adds nothing, so it may be repeated. Whether it counts is
 * what its item says when it is read (gift_counting).
 *
 *	" gifts AS (" GIFT_ITEMS_INSERT("$12", "true") "),"
 */
#define GIFT_ITEMS_INSERT(parameter, condition) \
	"INSERT INTO gift (id, round_id, donor_id, kind, value_vnd, handed_on, item_id, content_hash)" \
	" SELECT g.id, g.round_id, g.donor_id, g.kind, g.value_vnd, g.handed_on, g.item_id, g.content_hash" \
	" FROM jsonb_to_recordset(" parameter "::jsonb) AS g (id uuid, round_id uuid, donor_id uuid, kind text," \
	"  value_vnd bigint, handed_on date, item_id uuid, content_hash bytea) WHERE " condition \
	" ON CONFLICT (item_id, content_hash) DO NOTHING"

/* One gift of an item. The item's content hash as PostgreSQL's bytea text, "\\x...". */
struct gift_of_item {
	struct gift gift;                /* round_id, donor_id, kind, vnd (1 or more), handed_on; its id is made here */
	const char *item_id, *content_hash;
};
struct arena;
struct store;
const char *gift_items_text(struct gift_of_item *gifts, size_t count, const struct store *store, struct arena *arena);

#endif
