#ifndef STORE_ACCESS_STORE_H
#define STORE_ACCESS_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/memory.h"
#include "crypto/token.h"
#include "db/db.h"
#include "store/store.h"

/* Tokens, the audit record, and the small tables of a running daemon. */
struct access_token {
	char         id[UUID_TEXT_SIZE];
	const char  *name;
	enum role    role;
	const char **unit_ids;           /* scope; none: the whole province */
	size_t       nunit_ids;
	const char  *team_id;            /* or NULL */
	int64_t      created_us, expires_us, revoked_us, last_used_us;   /* INT64_MIN: none */
	const char  *hash;               /* of its text, hexadecimal: out only */
	const char  *device_id;          /* of an enrolled phone; NULL */
	bool         device_revoked;     /* good for handing in only */
};

/* By hash, whatever its state: the caller looks at expiry and revocation. ERR_NOT_FOUND. */
struct token_find {
	unsigned char       hash[TOKEN_HASH_BYTES];
	struct arena       *arena;
	struct access_token token;
	struct error        error;
	void              (*done)(struct token_find *find);
	struct db_query     query;       /* private from here on */
	struct store       *store;
	char                hash_text[TOKEN_HASH_HEX_SIZE];
};
void token_find_send(struct store *store, struct token_find *find);

/* By id, whatever its state. ERR_NOT_FOUND. */
struct token_load {
	const char         *id;
	struct arena       *arena;
	struct access_token token;
	struct error        error;
	void              (*done)(struct token_load *load);
	struct db_query     query;       /* private from here on */
};
void token_load_send(struct store *store, struct token_load *load);

/* Audit action "token.create". ERR_ALREADY_EXISTS: the name; ERR_INVALID_FIELD: no such team or unit. */
struct token_create {
	struct access_token token;       /* in: name, role, units, team, expiry; out: id, created */
	unsigned char       hash[TOKEN_HASH_BYTES];
	struct actor        actor;
	struct arena       *arena;
	struct error        error;
	void              (*done)(struct token_create *create);
	struct db_query     query;       /* private from here on */
	struct store       *store;
};
void token_create_send(struct store *store, struct token_create *create);

struct token_list {
	struct arena        *arena;
	struct access_token *tokens;
	size_t               ntokens;
	struct error         error;
	void               (*done)(struct token_list *list);
	struct db_query      query;      /* private from here on */
	struct store        *store;
};
void token_list_send(struct store *store, struct token_list *list);

/* By id or by name of a live one. Bumps the topic `access`. ERR_NOT_FOUND. Audit "token.revoke". */
struct token_revoke {
	const char     *key;
	struct actor    actor;
	struct arena   *arena;
	struct error    error;
	void          (*done)(struct token_revoke *revoke);
	struct db_query query;           /* private from here on */
	struct store   *store;
};
void token_revoke_send(struct store *store, struct token_revoke *revoke);

/* Sets last_used_at = now() of tokens whose mark is over a minute old. */
struct token_touch {
	const char *const *ids;
	size_t             nids;
	struct arena      *arena;
	struct error       error;
	void             (*done)(struct token_touch *touch);
	struct db_query    query;        /* private from here on */
};
void token_touch_send(struct store *store, struct token_touch *touch);

struct audit_row {
	char        id[UUID_TEXT_SIZE];
	int64_t     at_us;
	const char *actor_kind, *actor_id, *actor_role, *action, *subject_kind, *subject_id, *request_id;
	int         key_id;
	const char *digest_before, *digest_after;        /* hexadecimal, or NULL */
	int64_t     position;            /* in the chain; 0: not sealed yet */
};
/* Newest first. Filters NULL: any. `after`: id of the last of a page. */
struct audit_list {
	const char       *subject_kind, *subject_id, *actor_id, *action;
	const char       *donor;         /* id or number, instead of a subject: all about that person's records */
	char              after[UUID_TEXT_SIZE];
	int               limit;
	struct arena     *arena;
	struct audit_row *rows;
	size_t            nrows;
	bool              more;
	struct error      error;
	void            (*done)(struct audit_list *list);
	struct db_query   query;         /* private from here on */
	struct store     *store;
	char              limit_text[16];
};
void audit_list_send(struct store *store, struct audit_list *list);

/* Versions of the topics, in one row: what caches watch. */
struct change_poll {
	int64_t         rounds, units, access;
	int64_t         service_t;       /* the service's time: store/session_store.h */
	struct error    error;
	void          (*done)(struct change_poll *poll);
	struct db_query query;           /* private from here on */
};
void change_poll_send(struct store *store, struct change_poll *poll);

/*
 * May a help text go to this number now? At most one an hour; the same message
 * (a gateway's retry) gets it again. Both are kept as keyed digests only.
 */
struct sms_help_claim {
	const char     *number, *message_id;     /* message_id NULL: none was given */
	bool            granted;
	struct error    error;
	void          (*done)(struct sms_help_claim *claim);
	struct arena   *arena;
	struct db_query query;           /* private from here on */
};
void sms_help_claim_send(struct store *store, struct sms_help_claim *claim);

/* A daemon's sign of life, with its rule set and the keys as it uses them; also forgets daemons not seen for a day. */
struct daemon_beat {
	char            id[UUID_TEXT_SIZE];
	const char     *version, *host;
	const char     *rules;           /* their edition */
	struct error    error;
	void          (*done)(struct daemon_beat *beat);
	struct db_query query;           /* private from here on */
	char            key_ids[64];
	struct buf      keys;            /* start it zeroed, release it at the end */
};
void daemon_beat_send(struct store *store, struct daemon_beat *beat);

/* It ends: nobody need wait for its word any more. */
struct daemon_leave {
	const char     *id;
	struct error    error;
	void          (*done)(struct daemon_leave *leave);
	struct db_query query;           /* private from here on */
};
void daemon_leave_send(struct store *store, struct daemon_leave *leave);

/* Under an advisory lock (another daemon at it: nothing): deletes help marks older than a day. */
struct sms_help_purge {
	int64_t         deleted;
	struct error    error;
	void          (*done)(struct sms_help_purge *purge);
	struct db_query query;           /* private from here on */
};
void sms_help_purge_send(struct store *store, struct sms_help_purge *purge);

#endif
