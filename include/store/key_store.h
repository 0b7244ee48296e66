#ifndef STORE_KEY_STORE_H
#define STORE_KEY_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "crypto/keyring.h"
#include "crypto/sign.h"
#include "db/db.h"
#include "store/store.h"

/*
 * What the database remembers of the keys (include/crypto/keyring.h says what
 * the states mean). Every change of state is one statement with its audit row
 * ("key.register", "key.stage", "key.dual", "key.activate", "key.retire", "key.replace"), for
 * all daemons at once; each daemon looks every second and says in its row of
 * `daemon` what it uses.
 */

/* A daemon counts as running this long after it was last seen. */
enum { KEY_LIVE_SECONDS = 20 };

/* All keys, by kind and id. */
struct key_load {
	struct key_record records[KEYS_MAX];
	int64_t           created_us[KEYS_MAX], changed_us[KEYS_MAX];
	int64_t           since_us[KEYS_MAX];    /* its last change of state, by the database's clock; INT64_MAX: none yet */
	unsigned char     public_keys[KEYS_MAX][SIGN_PUBLIC_BYTES];      /* of sign keys */
	size_t            nrecords;
	struct error      error;
	void            (*done)(struct key_load *load);
	struct db_query   query;         /* private from here on */
};
void key_load_send(struct store *store, struct key_load *load);

/*
 * Blocking, at the start of both programs: reads what the database remembers,
 * tells it the keys of kinds of which it knows none (a new database, or one of
 * before this table), and makes the keyring agree. ERR_CONFIG: it is another
 * database's keyring.
 */
bool keys_remember(const char *conninfo, struct keyring *keyring, const struct clock *clock,
		   const struct actor *actor, struct error *err) __attribute__((warn_unused_result));

/* A new key of the keyring becomes known, staged. `staged` false: a rotation of that kind is under way already. */
struct key_stage {
	enum key_kind     kind;
	int               id;
	struct actor      actor;
	struct arena     *arena;
	bool              staged;
	struct error      error;         /* ERR_ALREADY_EXISTS: another key has that id */
	void            (*done)(struct key_stage *stage);
	struct db_query   query;         /* private from here on */
};
void key_stage_send(struct store *store, struct key_stage *stage);

/*
 * The next step of a rotation, if every running daemon uses the keys of that
 * kind as the database has them now and no statement is at work that began
 * before the last step was done; `made` says whether. A key that is retired is
 * written by nobody then, and whatever was written under it alone is committed,
 * so that look-ups under the new key and the retired ones find everything.
 */
enum key_step { KEY_STEP_DUAL, KEY_STEP_ACTIVATE, KEY_STEP_RETIRE };
struct key_advance {
	enum key_kind     kind;
	enum key_step     step;
	struct key_record fresh, old;    /* the key that comes and the one that goes, in their states of now */
	struct actor      actor;
	struct arena     *arena;
	bool              made;
	struct error      error;
	void            (*done)(struct key_advance *advance);
	struct db_query   query;         /* private from here on */
};
void key_advance_send(struct store *store, struct key_advance *advance);

/* The running daemons, and what each still has to take up. */
struct key_holder {
	char         id[UUID_TEXT_SIZE];
	const char  *host, *version, *keyring;   /* the folder; NULL: it says nothing of keys, being too old */
	bool         fixed;
	int64_t      started_us, seen_us;
	/* Names of keys ("hash-2"): those that it does not use as the database says; those that it does not have at all. */
	size_t       nlagging, nabsent;
	const char **lagging, **absent;
};
struct key_holders {
	const char        *kind;         /* of these keys only; NULL: of all */
	struct arena      *arena;
	struct key_holder *holders;
	size_t             nholders;
	int                old_statements;       /* begun before the last step of that kind, still at work */
	struct error       error;
	void             (*done)(struct key_holders *holders);
	struct db_query    query;        /* private from here on */
};
void key_holders_send(struct store *store, struct key_holders *holders);

/*
 * New keys in the place of lost ones: every key that the database knows is
 * retired (audit "key.retire"), and those of the store's keyring are active
 * (audit "key.replace"). `replaced` false: a daemon runs, and with it the lost
 * keys are still there; or the keys are not as they were loaded any more.
 */
struct key_replace {
	const struct key_load *lost;     /* as the database has them */
	struct actor    actor;
	struct arena   *arena;
	bool            replaced;
	struct error    error;
	void          (*done)(struct key_replace *replace);
	struct db_query query;           /* private from here on */
};
void key_replace_send(struct store *store, struct key_replace *replace);

/* The audit row of an export ("key.export"), written before the file. */
struct key_export_note {
	size_t          nkeys;
	struct actor    actor;
	struct arena   *arena;
	struct error    error;
	void          (*done)(struct key_export_note *note);
	struct db_query query;           /* private from here on */
};
void key_export_note_send(struct store *store, struct key_export_note *note);

#endif
