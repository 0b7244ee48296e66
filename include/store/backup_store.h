#ifndef STORE_BACKUP_STORE_H
#define STORE_BACKUP_STORE_H

#include "base/memory.h"
#include "db/db.h"
#include "domain/backup.h"
#include "store/store.h"

/* What the database says of itself just before it is copied. `program` is the caller's. */
struct backup_facts_load {
	struct arena  *arena;
	struct backup  backup;           /* out */
	struct error   error;
	void         (*done)(struct backup_facts_load *load);
	struct db_query query;           /* private */
};
void backup_facts_load_send(struct store *store, struct backup_facts_load *load);

/*
 * The audit's word on a backup that was made ("backup.make") or restored
 * ("backup.restore"); `file` is its backup.json. A restore also forgets the
 * daemons that ran on the lost database.
 */
struct backup_note {
	struct arena  *arena;
	struct actor   actor;
	bool           restored;
	const char    *name;             /* giothong-... */
	const struct buf *file;
	struct error   error;
	void         (*done)(struct backup_note *note);
	struct db_query query;           /* private */
};
void backup_note_send(struct store *store, struct backup_note *note);

#endif
