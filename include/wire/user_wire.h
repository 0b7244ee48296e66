#ifndef WIRE_USER_WIRE_H
#define WIRE_USER_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/date.h"
#include "domain/user.h"

/* Users and what they log in with. Passwords come out as they were typed, not composed and not trimmed. */
struct arena;
struct error;
struct json_out;
struct unit_map;

/* Never a password, a hash, or a secret of the second factor. */
void user_write(struct json_out *out, const char *key, const struct user *user);

/*
 * Body of POST (`patch` false) or PATCH (*user is the account as it is; only
 * members in the body change). Units are ids or names valid on `today`.
 */
struct user_body {
	struct user *user;               /* in, out */
	const char  *password;           /* POST: always; PATCH: a new one, or NULL */
	bool         reset_second_factor, unlock;        /* PATCH */
};
bool user_body_read(const char *text, size_t len, bool patch, const struct unit_map *units, struct date today,
		    struct arena *arena, struct user_body *body, struct error *err);

struct login_body {
	const char *login, *password;
	const char *code;                /* of the second factor, or a recovery code; NULL */
	const char *device;              /* mark of a known device; NULL */
	bool        bearer;              /* a token for a program, instead of a cookie */
};
bool login_body_read(const char *text, size_t len, struct arena *arena, struct login_body *body,
		     struct error *err);

/* What a person who is logged in proves or changes; members not asked for are refused by name. */
enum secret_body_kind { SECRET_PASSWORD, SECRET_SECOND_FACTOR, SECRET_CODE };
struct secret_body {
	const char *current_password;    /* of the first two */
	const char *new_password;        /* SECRET_PASSWORD */
	const char *code;                /* SECRET_CODE needs it; SECRET_SECOND_FACTOR may have it: NULL */
};
bool secret_body_read(const char *text, size_t len, enum secret_body_kind kind, struct arena *arena,
		      struct secret_body *body, struct error *err);

#endif
