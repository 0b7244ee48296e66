#ifndef STORE_CHAIN_STORE_H
#define STORE_CHAIN_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "crypto/audit_chain.h"
#include "crypto/chain_check.h"
#include "db/db.h"
#include "store/seal_store.h"
#include "store/store.h"

/*
 * Reading the whole chain, page by page, for those who verify it or begin it
 * again after a restore. Pages are statements of their own: the tables only
 * grow at their end.
 */

/* A restart entry; restart.at 0: it is not sealed. */
struct restart_row {
	struct chain_restart restart;
	bool                 readable;           /* its subject_id says which positions */
	bool                 settled;            /* no transaction older than its own is open any more */
	char                 entry_id[UUID_TEXT_SIZE];
	int64_t              at_us;
};

/* Where the chain stands, and what is known of it. */
struct chain_state {
	struct arena           *arena;
	/* out */
	struct chain_head       head;            /* zeros: nothing is sealed */
	int64_t                 now_us;          /* of the database */
	int64_t                 checkpoints;
	bool                    has_checkpoint;
	struct chain_checkpoint checkpoint;      /* the newest */
	struct restart_row     *restarts;
	size_t                  nrestarts;
	/* Checkpoints whose position is in no seal, at most a hundred of them. */
	struct chain_checkpoint *orphans;
	size_t                  norphans;
	struct error            error;
	void                  (*done)(struct chain_state *state);
	struct db_query         query, orphan_query;     /* private from here on */
	struct store           *store;
};
void chain_state_send(struct store *store, struct chain_state *state);

struct chain_page_row {
	struct chain_row        row;             /* entry[] all NULL: there is no such entry */
	const char             *hash;            /* hexadecimal */
	char                    entry_id[UUID_TEXT_SIZE];
	bool                    has_checkpoint, checkpoint_is_whole;
	struct chain_checkpoint checkpoint;
};

/* By position, behind `after` (zeroed: from the start) and up to `last`. */
struct chain_page {
	int64_t                after_position, last;
	char                   after_entry[UUID_TEXT_SIZE];
	int                    limit;
	struct arena          *arena;
	struct chain_page_row *rows;
	size_t                 nrows;
	struct error           error;
	void                 (*done)(struct chain_page *page);
	struct db_query        query;            /* private from here on */
};
void chain_page_send(struct store *store, struct chain_page *page);

/* Why an entry is in no position of the chain. */
enum unsealed_why {
	UNSEALED_RECENT,         /* written in the last minute */
	UNSEALED_WAITS,          /* a transaction that began before it is still open */
	UNSEALED_LATE,           /* nothing stands in its way */
	UNSEALED_FOREIGN,        /* from another cluster: a restart is due */
	UNSEALED_BEHIND          /* it would stand before what is sealed */
};
struct unsealed_row {
	enum unsealed_why why;
	struct chain_row  row;
};

/* All entries are walked, a page of `limit` of them at a time; the rows are those that are not sealed. */
struct unsealed_page {
	char                 after[UUID_TEXT_SIZE];      /* in: ""; out: where the next page begins */
	int                  limit;
	struct arena        *arena;
	bool                 more;
	int64_t              walked;             /* entries in this page */
	struct unsealed_row *rows;
	size_t               nrows;
	struct error         error;
	void               (*done)(struct unsealed_page *page);
	struct db_query      query;              /* private from here on */
	char                 from[UUID_TEXT_SIZE];
};
void unsealed_page_send(struct store *store, struct unsealed_page *page);

/* Of these entries, those that are not sealed now: the same array, made shorter. */
struct unsealed_again {
	const char    **ids;
	size_t          nids;
	struct arena   *arena;
	struct error    error;
	void          (*done)(struct unsealed_again *again);
	struct db_query query;           /* private from here on */
};
void unsealed_again_send(struct store *store, struct unsealed_again *again);

/*
 * The entry "audit.restart", whose subject_id says which positions are left
 * out. From now on only a seal_write with `restart` seals, until this entry is
 * sealed. Nothing happens unless the chain ends at `head` (`written` tells).
 */
struct restart_begin {
	int64_t         head;
	const char     *subject_id;
	struct actor    actor;
	struct arena   *arena;
	bool            written;
	struct error    error;
	void          (*done)(struct restart_begin *begin);
	struct db_query query;           /* private from here on */
};
void restart_begin_send(struct store *store, struct restart_begin *begin);

#endif
