#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What went wrong, from where it is found to the client. Lower floors fill a
 * struct error and stay silent; the floor that answers reports it once.
 *
 * Texts are for people and come in both languages, English and Vietnamese,
 * formatted from the same arguments. They never hold personal data, SQL or
 * secrets. Machines read `code` (its slug is the problem type) and the codes
 * of the fields.
 */
enum language { LANGUAGE_EN, LANGUAGE_VI, LANGUAGE_COUNT };

enum error_code {
	ERR_NONE,
	/* what the client sent */
	ERR_MALFORMED,           /* not JSON, not UTF-8, not CSV, ... */
	ERR_INVALID_FIELD,       /* one or more fields; see error.fields */
	ERR_INVALID_QUERY,       /* a query parameter */
	ERR_UNSUPPORTED_MEDIA_TYPE,
	ERR_NOT_ACCEPTABLE,
	ERR_UNAUTHENTICATED,
	ERR_FORBIDDEN,
	ERR_LOGIN_REFUSED,       /* no such account, wrong password or code: one answer */
	ERR_LOGIN_LOCKED,        /* too many tries in vain: only known devices, or an administrator */
	ERR_CSRF,                /* a change by cookie without the session's own token */
	ERR_NO_SESSION,          /* an access token, where a person is meant */
	ERR_PASSWORD_CHANGE,     /* this session may only change its password */
	ERR_OUT_OF_SCOPE,        /* the role may, but not for this unit */
	ERR_NOT_FOUND,
	ERR_METHOD_NOT_ALLOWED,
	ERR_PRECONDITION_REQUIRED,
	ERR_STALE,               /* If-Match does not match */
	ERR_IDEMPOTENCY_MISMATCH,
	ERR_IDEMPOTENCY_RUNNING,
	ERR_TOO_MANY_REQUESTS,
	ERR_CURSOR_UNKNOWN,      /* a cursor of another history: the reader begins anew */
	/* what the rules and the database refuse */
	ERR_ILLEGAL_STEP,        /* a round's life does not allow this verb now */
	ERR_TEAM_BUSY,
	ERR_VENUE_BUSY,
	ERR_ALREADY_EXISTS,
	ERR_IMPORT_REFUSED,      /* the file would change announced rounds */
	ERR_NO_PROPOSAL,         /* the constraints of a plan cannot be met */
	ERR_DONOR_EXISTS,        /* an identifier of one person alone is known; see error.id */
	ERR_DONOR_DIFFERS,       /* the same, of somebody with another name or birth date */
	ERR_DEFERRAL_LIFTED,     /* a deferral was lifted before, or that is being asked */
	ERR_SECOND_PERSON,       /* who asked may not approve */
	ERR_ERASED,              /* the personal data is gone for ever */
	ERR_NOT_CERTIFIABLE,     /* a donation that no certificate is given for, or not yet */
	ERR_CERTIFICATE_VOID,
	ERR_CERTIFICATE_REDEEMED, /* it is not made void: something was redeemed, or a claim waits */
	ERR_OVERDRAWN,           /* more than is left on a certificate */
	ERR_REDEMPTION_SETTLED,  /* an entry of the ledger that nothing more is done to */
	ERR_PACK_OUTDATED,       /* what a phone holds cannot be continued: it loads the whole */
	ERR_DEVICE_REVOKED,      /* of a phone: it may hand in, and nothing else */
	ERR_NOT_ELIGIBLE,        /* by the rules the donor may not give on that day */
	ERR_ROUND_FULL,          /* no place is left, in the round or in that slot */
	ERR_ALREADY_BOOKED,      /* the person has a place in this round, or waits for one */
	/* the transport (written by http/) */
	ERR_BAD_REQUEST,
	ERR_REQUEST_TIMEOUT,
	ERR_CONTENT_TOO_LARGE,
	ERR_TARGET_TOO_LONG,
	ERR_EXPECTATION_FAILED,
	ERR_HEAD_TOO_LARGE,
	ERR_NOT_IMPLEMENTED,
	ERR_HTTP_VERSION,
	/* us */
	ERR_UNAVAILABLE,         /* nothing was written; try again */
	ERR_UNKNOWN_OUTCOME,     /* it may have been written; try again with the same key */
	ERR_INTERNAL,
	/* only of commands, never of a request */
	ERR_CONFIG,
	ERR_SYSTEM,
	ERR_COUNT
};

enum { ERROR_MAX_FIELDS = 16 };

struct error_field {
	char        pointer[96];         /* JSON pointer, or the parameter's name */
	const char *code;                /* static: "required", "unknown_field", ... */
	char        detail[LANGUAGE_COUNT][160];
};

struct error {
	enum error_code    code;
	char               detail[LANGUAGE_COUNT][320];
	char               id[40];       /* of the record that stands in the way, for who may know it; "": none */
	size_t             nfields;
	struct error_field fields[ERROR_MAX_FIELDS];
};

/* Makes *err empty (ERR_NONE). Every fallible function expects an empty one. */
void error_clear(struct error *err);

/* Fills code and both texts and returns false, so a failing path is one statement. */
bool error_set(struct error *err, enum error_code code, const char *en, const char *vi, ...)
	__attribute__((format(printf, 3, 5), format(printf, 4, 5)));

/*
 * Adds a field fault; the first one also sets code ERR_INVALID_FIELD (unless a
 * code is already there). Beyond ERROR_MAX_FIELDS faults are dropped. Returns
 * false. `code` is static and stable.
 */
bool error_add_field(struct error *err, const char *pointer, const char *code,
		     const char *en, const char *vi, ...)
	__attribute__((format(printf, 4, 6), format(printf, 5, 6)));

/* The stable slug of a code: "invalid-field". Never NULL. */
const char *error_slug(enum error_code code);

#endif
