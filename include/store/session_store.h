#ifndef STORE_SESSION_STORE_H
#define STORE_SESSION_STORE_H

#include "base/memory.h"
#include "crypto/token.h"
#include "db/db.h"
#include "domain/login.h"
#include "domain/user.h"
#include "store/access_store.h"
#include "store/store.h"

/*
 * Logging in, and the sessions that come of it.
 *
 * Sessions end by the service's own time: microseconds that daemons have lived
 * on this database, kept in one row (session_clock). While a daemon runs it
 * goes by its monotonic clock, so no jump of a wall clock, of a daemon or of the
 * database, ends a session or makes one immortal; what passed while none ran is
 * counted once, by the database's clock, when the first one starts. All daemons
 * hold the greatest value: service_clock_send() every few seconds, and
 * change_poll_send() brings it to every worker.
 */
struct session_mark {
	char        id[UUID_TEXT_SIZE];
	bool        bearer;              /* of a program, not a browser's cookie */
	int64_t     created_t, used_t;   /* in the service's time */
	int64_t     created_us;          /* for people */
	const char *login, *name;        /* of the user */
	bool        second_factor;       /* the user has one */
	bool        restricted;          /* domain/user.h */
};

/* ---- a try ---- */

/*
 * Counts a try at an account before its password is looked at, and brings what
 * it is to be compared with (domain/login.h). `counted` false: refused unseen;
 * wait_us says for how long, LOGIN_NEVER_US: until somebody unlocks it. A name that
 * no user has is counted just so.
 */
struct login_count {
	const char     *login;           /* folded */
	const char     *network;         /* http_network_of() */
	bool            known;           /* by a device's mark, or a session */
	int64_t         now_t;
	struct arena   *arena;
	bool            counted, found;
	int64_t         wait_us;
	struct user     user;            /* when found */
	struct error    error;
	void          (*done)(struct login_count *count);
	struct db_query query;           /* private from here on */
	struct store   *store;
	const char     *account;
	const char     *bucket;
};
void login_count_send(struct store *store, struct login_count *count);

/* Takes a counted try back, of which nothing came: the password was not looked at. */
struct login_uncount {
	const struct login_count *count;
	struct arena   *arena;
	struct error    error;
	void          (*done)(struct login_uncount *uncount);
	struct db_query query;           /* private from here on */
};
void login_uncount_send(struct store *store, struct login_uncount *uncount);

/* The audit row of a wrong try: "login.refused", of the user's id or of "unknown"; never what was typed. */
struct login_refuse {
	const char     *user_id;         /* NULL: nobody has that name */
	struct actor    actor;
	struct arena   *arena;
	struct error    error;
	void          (*done)(struct login_refuse *refuse);
	struct db_query query;           /* private from here on */
};
void login_refuse_send(struct store *store, struct login_refuse *refuse);

/*
 * A right try becomes a session; the tries in vain are forgotten (domain/login.h). Nothing
 * happens, and `opened` is false, when the user changed meanwhile or that
 * code was taken already. Audit "session.open", and "user.recovery_code" when one was used up.
 */
struct session_open {
	const struct user *user;         /* as the try found it */
	int64_t         totp_step;       /* of the code; -1: none was needed, or it was a recovery code */
	const char     *recovery;        /* hash of the recovery code that it cost; NULL */
	const char     *text;            /* of the session; only a digest of it is kept */
	const char     *network;         /* http_network_of() */
	bool            bearer;
	int64_t         now_t;
	struct actor    actor;           /* the user */
	struct arena   *arena;
	bool            opened;
	struct session_mark session;     /* out */
	struct error    error;
	void          (*done)(struct session_open *open);
	struct db_query query;           /* private from here on */
	struct store   *store;
};
void session_open_send(struct store *store, struct session_open *open);

/* ---- sessions ---- */

/* By its text, whatever its age; of an active user. `who` is the user as a principal. ERR_NOT_FOUND. */
struct session_find {
	const char         *text;
	struct arena       *arena;
	struct access_token who;         /* id, name (login), role, units, team */
	struct session_mark session;
	int64_t             now_t;       /* of the database's row */
	struct error        error;
	void              (*done)(struct session_find *find);
	struct db_query     query;       /* private from here on */
};
void session_find_send(struct store *store, struct session_find *find);

/* All of a user, newest first. */
struct session_list {
	const char          *user_id;
	struct arena        *arena;
	struct session_mark *sessions;
	size_t               nsessions;
	struct error         error;
	void               (*done)(struct session_list *list);
	struct db_query      query;      /* private from here on */
};
void session_list_send(struct store *store, struct session_list *list);

/* One session of a user, or all of them (`id` NULL: none is fine). Bumps `access`. Audit "session.end". ERR_NOT_FOUND. */
struct session_end {
	const char     *user_id, *id;
	struct actor    actor;
	struct arena   *arena;
	int64_t         ended;
	struct error    error;
	void          (*done)(struct session_end *end);
	struct db_query query;           /* private from here on */
};
void session_end_send(struct store *store, struct session_end *end);

/* They were used just now; written at most twice a minute each. */
struct session_touch {
	const char *const *ids;
	size_t             nids;
	int64_t            now_t;
	struct arena      *arena;
	struct error       error;
	void             (*done)(struct session_touch *touch);
	struct db_query    query;        /* private from here on */
};
void session_touch_send(struct store *store, struct session_touch *touch);

/*
 * Under an advisory lock: deletes sessions that are over, and of tries at names that nobody has and from networks,
 * beyond the `keep` newest, those of more than a day ago. (Forgotten sooner, they would tell which names there are.)
 */
struct session_purge {
	struct session_limits limits;
	int64_t         keep;
	int64_t         now_t;
	struct arena   *arena;
	int64_t         deleted;
	struct error    error;
	void          (*done)(struct session_purge *purge);
	struct db_query query;           /* private from here on */
};
void session_purge_send(struct store *store, struct session_purge *purge);

/* Moves the service's time on: to `t`, or (`begin`: the daemon has just started) by what passed unseen. */
struct service_clock {
	bool            begin;
	int64_t         t;               /* in, out */
	struct error    error;
	void          (*done)(struct service_clock *clock);
	struct db_query query;           /* private from here on */
	char            t_text[24];
};
void service_clock_send(struct store *store, struct service_clock *clock);

#endif
