#ifndef STORE_SEAL_STORE_H
#define STORE_SEAL_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "crypto/audit_chain.h"
#include "db/db.h"
#include "store/store.h"

/* The chain over the audit entries: sealing it, reading it back. What is hashed: crypto/audit_chain.h. */

enum { SEAL_BATCH_MAX = 1000 };

/* The last row of a chain; position 0 and zeros: nothing is sealed yet. */
struct chain_head {
	int64_t       position;
	unsigned char hash[CHAIN_HASH_BYTES];
};

/* ---- sealing ---- */

/*
 * The head of the chain and the next entries, in order: one cheap statement,
 * however long the chain is. `known` is what the caller saw last (position 0:
 * nothing); the chain must still have it.
 */
struct seal_read {
	struct chain_head       known;
	struct arena           *arena;
	/* out */
	struct chain_head       head;
	bool                    known_holds;
	bool                    head_entry_is_there;
	/* An entry has a transaction number that this cluster has not given: the database was loaded from a dump. */
	bool                    foreign;
	bool                    restart_waits;   /* "giothong audit restart" is under way */
	int64_t                 restarted_at;    /* position of the newest restart entry, 0: none */
	bool                    has_checkpoint;
	struct chain_checkpoint checkpoint;      /* the newest */
	int64_t                 now_us;          /* of the database */
	int64_t                 waiting_us;      /* age of the oldest committed entry not sealed; below 0: none */
	struct chain_row       *rows;            /* position and sealed_us are the caller's to fill in */
	size_t                  nrows;
	struct error            error;
	void                  (*done)(struct seal_read *read);
	struct db_query         query;           /* private from here on */
};
void seal_read_send(struct store *store, struct seal_read *read);

/*
 * Puts rows behind `head`, in one statement that does nothing unless the chain
 * still ends there and nobody else seals at this moment (`written` tells).
 * `restart`: this is "giothong audit restart", for which everybody else waits;
 * only then may the first position be more than head.position + 1.
 */
struct seal_write {
	struct chain_head       head;
	const struct chain_row *rows;
	unsigned char         (*hashes)[CHAIN_HASH_BYTES];
	size_t                  nrows;
	bool                    restart;
	struct arena           *arena;
	bool                    written;
	struct error            error;
	void                  (*done)(struct seal_write *write);
	struct db_query         query;           /* private from here on */
};
void seal_write_send(struct store *store, struct seal_write *write);

/* Only if the chain has that hash there and nobody has signed that position; `written` tells. */
struct checkpoint_write {
	struct chain_checkpoint checkpoint;
	struct arena           *arena;
	bool                    written;
	struct error            error;
	void                  (*done)(struct checkpoint_write *write);
	struct db_query         query;           /* private from here on */
};
void checkpoint_write_send(struct store *store, struct checkpoint_write *write);

#endif
