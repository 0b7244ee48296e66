#ifndef API_PASSWORD_TRY_H
#define API_PASSWORD_TRY_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/password.h"
#include "crypto/totp.h"
#include "domain/password.h"
#include "store/session_store.h"
#include "worker/pool.h"

/*
 * Somebody proves who they are: the try is counted, then password and code are
 * looked at in the pool, then done() runs, or the request is answered here:
 * 429 or 403 for too many tries, 503 when nobody has time for it, or refused()
 * after the audit row of a wrong one. All that takes the same steps whether
 * there is such an account or not.
 *
 * Embedded in an operation of the request; passwords are wiped in the pool.
 */
struct request;

struct password_try {
	struct request    *r;
	const char        *login;        /* folded */
	char               password[PASSWORD_SIZE];      /* composed */
	bool               composed;     /* false: what was typed can be nobody's password */
	const char        *code;         /* NULL: none was given */
	bool               needs_code;   /* if the account has a second factor */
	bool               confirms;     /* no password: the code is of the second factor that was enrolled and waits for it */
	bool               known;        /* a known device, or a session */
	char               next[PASSWORD_SIZE];          /* to be hashed if right; "": none */
	void             (*done)(struct password_try *try);
	void             (*refused)(struct password_try *try);
	/* out, in done(): count.user is the account */
	int64_t            totp_step;    /* of the code; -1 */
	char               recovery[RECOVERY_HASH_HEX_SIZE];     /* that served instead; "" */
	char               next_hash[PASSWORD_HASH_SIZE];
	struct login_count count;
	/* private */
	struct login_uncount  uncount;
	struct login_refuse   refuse;
	struct pool_job       job;
	enum password_verdict verdict;
	int64_t               wall_us;
};

/* Fills in r, login and password; the rest is the caller's. */
void password_try_init(struct password_try *try, struct request *r, const char *login, const char *password);
void password_try_send(struct password_try *try);
/* Right so far, but it came to nothing (the code was taken already, the account changed): audited as refused. */
void password_try_refuse(struct password_try *try);

/* A new password of somebody else's account, hashed in the pool; or the request is answered 503. */
struct password_making {
	struct request *r;
	char            password[PASSWORD_SIZE];         /* composed and checked */
	void          (*done)(struct password_making *making);
	char            hash[PASSWORD_HASH_SIZE];        /* out */
	bool            made;            /* private from here on */
	struct pool_job job;
};
void password_making_send(struct password_making *making);

#endif
