#ifndef STORE_REKEY_STORE_H
#define STORE_REKEY_STORE_H

#include <stdbool.h>

#include "base/memory.h"
#include "db/db.h"
#include "store/donor_store.h"
#include "store/store.h"

/*
 * Donors follow a rotation of the keyring (crypto/keyring.h), one record a
 * time, while the service runs: the donor's own key is wrapped again by the
 * active wrap key, and its digests stand under the hash keys that are written
 * today and no others. What a record says does not change, nor its version.
 * Until a record has followed it is found all the same, since look-ups probe
 * retired keys too. Killed at any place it goes on where it was.
 */

/* A record that is behind, opened. ERR_NOT_FOUND: there is none but those that are to be left out. */
struct rekey_find {
	const char *const   *skip;       /* ids */
	size_t               nskip;
	struct arena        *arena;
	char                 id[UUID_TEXT_SIZE];         /* out, also when it cannot be opened */
	struct donor_record  record;     /* out */
	struct error         error;
	void               (*done)(struct rekey_find *find);
	struct db_query      query;      /* private from here on */
	struct store        *store;
};
void rekey_find_send(struct store *store, struct rekey_find *find);

/* Writes it under today's keys. Audit "donor.rekey". ERR_STALE: it changed meanwhile, or keys did; look again. */
struct rekey_write {
	const struct donor_record *record;
	struct actor         actor;
	struct arena        *arena;
	struct error         error;
	void               (*done)(struct rekey_write *write);
	struct db_query      query;      /* private from here on */
	struct store        *store;
};
void rekey_write_send(struct store *store, struct rekey_write *write);

#endif
