#ifndef STORE_GIFT_STORE_H
#define STORE_GIFT_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/memory.h"
#include "db/db.h"
#include "domain/tariff.h"
#include "store/store.h"

/*
 * What donors were handed in a round. Append-only; a correction names the row whose place it takes, and what a phone told
 * counts as its item does (migrations/0020_gifts_honours.sql). Gifts of merged records are those of the record that stands.
 */

/*
 * Something was handed over. Checked; donor_id is a record that was just loaded. Audit "gift.hand_over", or
 * "gift.correct". ERR_ERASED; ERR_INVALID_FIELD where it corrects what is not there, or was corrected.
 */
struct gift_add {
	struct gift        gift;         /* in; out: id, recorded_us */
	struct idempotency idempotency;
	struct actor       actor;
	struct arena      *arena;
	struct error       error;
	void             (*done)(struct gift_add *add);
	struct db_query    query;        /* private from here on */
	struct store      *store;
};
void gift_add_send(struct store *store, struct gift_add *add);

/* One row, whatever has become of it. ERR_NOT_FOUND. */
struct gift_load {
	const char     *id;
	struct arena   *arena;
	struct gift     gift;            /* out */
	struct error    error;
	void          (*done)(struct gift_load *load);
	struct db_query query;           /* private from here on */
	struct store   *store;
};
void gift_load_send(struct store *store, struct gift_load *load);

/* All rows of one person, on whatever record, corrected ones too. */
struct gift_list {
	const char     *donor_id;        /* of the record that stands */
	struct arena   *arena;
	struct gift    *items;           /* out, as they were recorded */
	size_t          nitems;
	struct error    error;
	void          (*done)(struct gift_list *list);
	struct db_query query;           /* private from here on */
};
void gift_list_send(struct store *store, struct gift_list *list);

/* What one round's book says: donations that count, and what was handed over. */
struct gift_book_round {
	char                  id[UUID_TEXT_SIZE];
	const char           *code;
	struct gift_donation *donations; /* in the order of who gave */
	const char          **donor_numbers;     /* beside them */
	size_t                ndonations;
	struct gift          *gifts;     /* that count, in the order of who was given */
	size_t                ngifts;
};

/* The book of one round, or of all rounds that begin within [from, to] and are held at `units` (NULL: anywhere). */
enum { GIFT_BOOK_ROUNDS_MAX = 400 };
struct gift_book {
	const char        *round_id;     /* NULL: of a time */
	struct date        from, to;
	const char *const *units;
	size_t             nunits;
	struct arena      *arena;
	struct gift_book_round *rounds;  /* out, by code; only those with a donation or a gift, at most GIFT_BOOK_ROUNDS_MAX */
	size_t             nrounds;
	bool               more;         /* there were more rounds than that */
	struct error       error;
	void             (*done)(struct gift_book *book);
	struct db_query    query;        /* private from here on */
	struct store      *store;
};
void gift_book_send(struct store *store, struct gift_book *book);

#endif
