#ifndef STORE_USER_STORE_H
#define STORE_USER_STORE_H

#include "base/memory.h"
#include "db/db.h"
#include "domain/user.h"
#include "store/store.h"

/* Users: include/domain/user.h. */

/* By id, or by login. ERR_NOT_FOUND. */
struct user_load {
	const char     *key;
	struct arena   *arena;
	struct user     user;
	struct error    error;
	void          (*done)(struct user_load *load);
	struct db_query query;           /* private from here on */
};
void user_load_send(struct store *store, struct user_load *load);

/* By login. */
struct user_list {
	char            after[UUID_TEXT_SIZE];   /* id of the last of the page before; "" */
	bool            disabled;        /* those too */
	int             limit;
	struct arena   *arena;
	struct user    *users;
	size_t          nusers;
	bool            more;
	struct error    error;
	void          (*done)(struct user_list *list);
	struct db_query query;           /* private from here on */
	char            limit_text[16];
};
void user_list_send(struct store *store, struct user_list *list);

/*
 * What next.totp_step is: SPENT: of a code that was shown for this change, and must not have served before
 * (else ERR_STALE); NEW: the first one of a new secret.
 */
enum user_step { STEP_KEPT, STEP_SPENT, STEP_NEW };

enum user_sessions { SESSIONS_STAY, SESSIONS_END, SESSIONS_END_OTHERS };

/*
 * A new user (`before` NULL) or a change over the version that was read. The
 * audit action is "user.<verb>". Bumps the topic `access`, so a change holds
 * everywhere within a second.
 *
 * Errors: ERR_ALREADY_EXISTS, ERR_INVALID_FIELD (no such team or unit), ERR_STALE, ERR_NOT_FOUND.
 */
struct user_save {
	const struct user *before;
	struct user        next;         /* out: id, version, created_us */
	const char        *verb;         /* static: "create", "edit", "password", ... */
	enum user_sessions sessions;
	const char        *session;      /* that stays, of SESSIONS_END_OTHERS */
	bool               forgive;      /* tries in vain are forgotten: */
	const char        *network;      /* ... of networks only those of this one (http_network_of()); NULL: of all */
	enum user_step     step;
	struct idempotency idempotency;  /* of a new one */
	struct actor       actor;
	struct arena      *arena;
	struct error       error;
	void             (*done)(struct user_save *save);
	struct db_query    query;        /* private from here on */
	struct store      *store;
};
void user_save_send(struct store *store, struct user_save *save);

/* A user whose second factor is sealed by another wrap key than that one. ERR_NOT_FOUND: nobody is. */
struct user_wrapped {
	int             not_by;
	struct arena   *arena;
	struct user     user;
	struct error    error;
	void          (*done)(struct user_wrapped *wrapped);
	struct db_query query;           /* private from here on */
};
void user_wrapped_send(struct store *store, struct user_wrapped *wrapped);

/* What the secret of a user's second factor is bound to (crypto/wrap.h). */
const char *user_totp_bound(struct arena *arena, const char *user_id);

#endif
