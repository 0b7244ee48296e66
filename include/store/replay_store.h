#ifndef STORE_REPLAY_STORE_H
#define STORE_REPLAY_STORE_H

#include "base/memory.h"
#include "db/db.h"
#include "store/store.h"

/*
 * What an earlier call with an Idempotency-Key made. For a creating POST that
 * would be refused now: a retry of one that was done gets its receipt, though
 * the day or the state that allowed it is over. Writes the audit row of a
 * replay where there is one (audit action "<kind>.replay"), else nothing.
 */
struct replay_probe {
	struct idempotency idempotency;  /* in: with a key; out: replayed, status, resource_id */
	const char        *kind;         /* of what the POST makes: "round" */
	struct actor       actor;
	struct arena      *arena;
	struct error       error;        /* ERR_NONE and not replayed: there is no such key */
	void             (*done)(struct replay_probe *probe);
	struct db_query    query;        /* private from here on */
};
void replay_probe_send(struct store *store, struct replay_probe *probe);

#endif
