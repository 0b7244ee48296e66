#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/uuid.h"
#include "crypto/keyring.h"
#include "domain/access.h"

/*
 * The way from domain structs to SQL and back. One file per aggregate; each
 * operation is a struct that the caller embeds, fills and sends:
 *
 *	op->load.done = on_loaded;
 *	round_load_send(store, &op->load);
 *
 * done() runs exactly once, on the loop, never inside the send. Then either
 * error.code is ERR_NONE and the results are filled in, or error says why.
 * Results live in the arena given in the operation. Every write is one
 * statement: the change, its audit row and the version of its topic together.
 */
struct db;
struct clock;
struct donor_key;

struct store {
	struct db            *db;
	const struct keyring *keyring;
	const struct clock   *clock;
	struct donor_key     *donor_key; /* to open donors' records with, in turn; NULL where none are */
};

/* Who acts, for the audit. Borrowed texts. */
struct actor {
	const char *kind;                /* "token", "user", "command", "daemon", "public" */
	const char *id;                  /* id of token or user, operating-system user of a command; NULL */
	enum role   role;
	const char *request_id;          /* NULL for commands */
};

/*
 * An Idempotency-Key of a POST that creates. `key` NULL: none was sent.
 * After the operation: `replayed` says that nothing was made now because an
 * earlier call with the same key and body made `resource_id` with `status`
 * (the replay has then written its own audit row).
 * Errors: ERR_IDEMPOTENCY_MISMATCH, ERR_IDEMPOTENCY_RUNNING.
 */
struct idempotency {
	const char *principal;           /* token id */
	const char *route;               /* "POST /api/v1/teams" */
	const char *key;
	const char *body;
	size_t      body_len;
	int         status;              /* in: what success answers (201); out: what was answered */
	bool        replayed;
	char        resource_id[64];     /* out, when replayed */
};

#endif
