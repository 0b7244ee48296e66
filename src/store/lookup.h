#ifndef STORE_LOOKUP_H
#define STORE_LOOKUP_H

#include <stddef.h>

#include "crypto/keyring.h"
#include "db/db.h"

/*
 * Parameters of statements that look a keyed digest up. While keys change (a
 * rotation: include/crypto/keyring.h), one value has a digest under each hash
 * key: those of `query_written_keys()` are stored, in that order, and all are
 * looked for. Take one view for a statement.
 */
struct arena;
struct store;

/* In SQL: whether this daemon does not write under the key that the database calls active: it has slept through a change. */
#define KEYS_STALE(written) \
	"EXISTS (SELECT FROM key WHERE kind = 'hash' AND state = 'active' AND id <> ALL (" written "::integer[]))"

/* bytea[]: the written ones first, then those under retired keys. */
void query_digests(struct db_query *query, const struct store *store, const struct key_view *view,
		   const char *domain, const void *bytes, size_t len, struct arena *arena);
/* integer[]: the ids of the first so many, ascending. */
void query_written_keys(struct db_query *query, const struct key_view *view, struct arena *arena);

#endif
