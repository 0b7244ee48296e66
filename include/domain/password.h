#ifndef DOMAIN_PASSWORD_H
#define DOMAIN_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What may be a password (reliability: NIST SP 800-63B). Pure.
 *
 * Length is what counts: at least 15 characters where the password stands
 * alone, 8 where a second factor stands beside it; up to 256 bytes, blanks and
 * every letter allowed. Nothing is demanded of its composition. But what
 * everybody tries first is refused: common passwords, the words of this
 * account and of this service, and runs such as 12345, aaaa or qwerty are
 * taken out, marks or none and in any case, and enough must be left.
 *
 * One text for all its spellings: it is composed (NFC) before it is checked,
 * hashed or compared, since keyboards of Vietnamese differ.
 */
struct error;

enum { PASSWORD_ALONE_MIN = 15, PASSWORD_BESIDE_MIN = 8, PASSWORD_MAX_BYTES = 256, PASSWORD_SIZE = 257,
       PASSWORD_LEFT_MIN = 5 };

/* Composed, into out; false (and out empty) when it is not UTF-8 or longer than that. */
bool password_compose(const char *typed, char out[PASSWORD_SIZE]);

/* Whether it is long enough to stand alone. */
bool password_stands_alone(const char *composed);

struct password_owner {
	const char *login, *name;        /* of the account; NULL: not known */
	bool        second_factor;       /* stands beside it */
};
/* A new password, composed. False and a field fault at `pointer` of *err, which never quotes it. */
bool password_check(const char *composed, const struct password_owner *owner, const char *pointer,
		    struct error *err);

#endif
