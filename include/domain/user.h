#ifndef DOMAIN_USER_H
#define DOMAIN_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/uuid.h"
#include "domain/access.h"

/* A person who works here: an account with a password. Pure. Texts are borrowed. */
struct error;

enum { USER_NAME_MAX = 120 };            /* code points */

struct user {
	char         id[UUID_TEXT_SIZE];
	const char  *login;              /* domain/login.h; never changes */
	const char  *name;               /* as it is shown */
	enum role    role;               /* neither public nor gateway */
	const char **unit_ids;           /* scope; none: the whole province */
	size_t       nunit_ids;
	const char  *team_id;            /* or NULL; a team's role needs it */
	bool         active;             /* false: disabled, kept for the audit's sake */
	/* what logs in; never leaves the daemon */
	const char  *password_hash;
	bool         password_long;      /* may stand alone (domain/password.h) */
	bool         must_change;        /* somebody else chose the password */
	const char  *totp_sealed;        /* secret of the second factor, "\x..."; NULL: there is none */
	int          totp_key_id;        /* of the wrap key around it */
	const char  *totp_next_sealed;   /* enrolled, not confirmed yet */
	int          totp_next_key_id;
	int64_t      totp_step;          /* of the last code taken; -1: none */
	const char **recovery;           /* hashes of the recovery codes that are left */
	size_t       nrecovery;
	/* for people to read */
	int64_t      created_us, password_changed_us, last_login_us;     /* INT64_MIN: never */
	int          failures;           /* tries in vain of strangers since the last right one */
	bool         locked;             /* so many that only known devices come in */
	int64_t      version;
};

/*
 * Has to change the password before anything else: somebody else knows it, or
 * it is too short now that no second factor stands beside it.
 */
bool user_is_restricted(const struct user *user);

/* What is wanted of a new or a changed account, but for its password. False and field faults in *err. */
bool user_check(const struct user *user, struct error *err);

/* What a change of an account does to its sessions: they end when who it is or what it may has changed. */
bool user_change_ends_sessions(const struct user *before, const struct user *next);

#endif
