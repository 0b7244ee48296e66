#ifndef STORE_DEVICE_STORE_H
#define STORE_DEVICE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "crypto/token.h"
#include "db/db.h"
#include "store/store.h"

/*
 * Phones of the teams. One is made with a one-time code; the phone that brings the code first gets a token of its team,
 * and may bring it again (its answer may have been lost) until that token was used. A token is revoked alone: it then is
 * good for handing in, and what it hands in is held.
 */
struct device {
	char        id[UUID_TEXT_SIZE];
	const char *name;
	const char *team_id, *team_name;
	const char *install;             /* that enrolled; NULL: not yet */
	int64_t     created_us, enrolled_us, revoked_us, code_until_us, last_seen_us;    /* INT64_MIN: none */
};

/* Audit "device.create". ERR_ALREADY_EXISTS: the name; ERR_INVALID_FIELD: no such team. */
struct device_create {
	struct device      device;       /* in: name, team_id; out: all of it */
	unsigned char      code_hash[TOKEN_HASH_BYTES];
	struct idempotency idempotency;
	struct actor       actor;
	struct arena      *arena;
	struct error       error;
	void             (*done)(struct device_create *create);
	struct db_query    query;        /* private from here on */
	struct store      *store;
};
void device_create_send(struct store *store, struct device_create *create);

/*
 * A phone brings its code: its token is there from then on (the same for the same code and install, since the caller makes it
 * of both). Audit "device.enrol", "token.create". ERR_NOT_FOUND: no such code, its time is over, another install has it,
 * or the token was used.
 */
struct device_enrol {
	unsigned char   code_hash[TOKEN_HASH_BYTES];
	const char     *install;
	unsigned char   token_hash[TOKEN_HASH_BYTES];
	struct actor    actor;
	struct arena   *arena;
	struct device   device;          /* out */
	struct error    error;
	void          (*done)(struct device_enrol *enrol);
	struct db_query query;           /* private from here on */
	struct store   *store;
};
void device_enrol_send(struct store *store, struct device_enrol *enrol);

/* One by id, or (id NULL) all, newest first. ERR_NOT_FOUND. */
struct device_list {
	const char     *id;
	char            after[UUID_TEXT_SIZE];
	int             limit;
	struct arena   *arena;
	struct device  *devices;         /* out */
	size_t          ndevices;
	bool            more;
	struct error    error;
	void          (*done)(struct device_list *list);
	struct db_query query;           /* private from here on */
	char            limit_text[16];
};
void device_list_send(struct store *store, struct device_list *list);

/* Audit "device.revoke", once. ERR_NOT_FOUND. */
struct device_revoke {
	const char     *id;
	struct actor    actor;
	struct arena   *arena;
	struct device   device;          /* out */
	struct error    error;
	void          (*done)(struct device_revoke *revoke);
	struct db_query query;           /* private from here on */
	struct store   *store;
};
void device_revoke_send(struct store *store, struct device_revoke *revoke);

/* How long a code may be brought. */
enum { DEVICE_CODE_MINUTES = 60 };

#endif
