#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const slugs[ERR_COUNT] = {
	[ERR_NONE]                   = "none",
	[ERR_MALFORMED]              = "malformed",
	[ERR_INVALID_FIELD]          = "invalid-field",
	[ERR_INVALID_QUERY]          = "invalid-query",
	[ERR_UNSUPPORTED_MEDIA_TYPE] = "unsupported-media-type",
	[ERR_NOT_ACCEPTABLE]         = "not-acceptable",
	[ERR_UNAUTHENTICATED]        = "unauthenticated",
	[ERR_FORBIDDEN]              = "forbidden",
	[ERR_LOGIN_REFUSED]          = "login-refused",
	[ERR_LOGIN_LOCKED]           = "login-locked",
	[ERR_CSRF]                   = "csrf-token-missing",
	[ERR_NO_SESSION]             = "no-session",
	[ERR_PASSWORD_CHANGE]        = "password-change-required",
	[ERR_OUT_OF_SCOPE]           = "out-of-scope",
	[ERR_NOT_FOUND]              = "not-found",
	[ERR_METHOD_NOT_ALLOWED]     = "method-not-allowed",
	[ERR_PRECONDITION_REQUIRED]  = "precondition-required",
	[ERR_STALE]                  = "stale",
	[ERR_IDEMPOTENCY_MISMATCH]   = "idempotency-mismatch",
	[ERR_IDEMPOTENCY_RUNNING]    = "idempotency-running",
	[ERR_TOO_MANY_REQUESTS]      = "too-many-requests",
	[ERR_CURSOR_UNKNOWN]         = "cursor-unknown",
	[ERR_ILLEGAL_STEP]           = "illegal-step",
	[ERR_TEAM_BUSY]              = "team-busy",
	[ERR_VENUE_BUSY]             = "venue-busy",
	[ERR_ALREADY_EXISTS]         = "already-exists",
	[ERR_IMPORT_REFUSED]         = "import-refused",
	[ERR_NO_PROPOSAL]            = "no-proposal",
	[ERR_DONOR_EXISTS]           = "donor-exists",
	[ERR_DONOR_DIFFERS]          = "donor-differs",
	[ERR_DEFERRAL_LIFTED]        = "deferral-lifted",
	[ERR_SECOND_PERSON]          = "second-person",
	[ERR_ERASED]                 = "erased",
	[ERR_NOT_CERTIFIABLE]        = "not-certifiable",
	[ERR_CERTIFICATE_VOID]       = "certificate-void",
	[ERR_CERTIFICATE_REDEEMED]   = "certificate-redeemed",
	[ERR_OVERDRAWN]              = "overdrawn",
	[ERR_REDEMPTION_SETTLED]     = "redemption-settled",
	[ERR_PACK_OUTDATED]          = "pack-outdated",
	[ERR_DEVICE_REVOKED]         = "device-revoked",
	[ERR_NOT_ELIGIBLE]           = "not-eligible",
	[ERR_ROUND_FULL]             = "round-full",
	[ERR_ALREADY_BOOKED]         = "already-booked",
	[ERR_BAD_REQUEST]            = "bad-request",
	[ERR_REQUEST_TIMEOUT]        = "request-timeout",
	[ERR_CONTENT_TOO_LARGE]      = "content-too-large",
	[ERR_TARGET_TOO_LONG]        = "target-too-long",
	[ERR_EXPECTATION_FAILED]     = "expectation-failed",
	[ERR_HEAD_TOO_LARGE]         = "head-too-large",
	[ERR_NOT_IMPLEMENTED]        = "not-implemented",
	[ERR_HTTP_VERSION]           = "http-version",
	[ERR_UNAVAILABLE]            = "try-again",
	[ERR_UNKNOWN_OUTCOME]        = "unknown-outcome",
	[ERR_INTERNAL]               = "internal",
	[ERR_CONFIG]                 = "config",
	[ERR_SYSTEM]                 = "system",
};

void error_clear(struct error *err)
{
	err->code = ERR_NONE;
	err->detail[LANGUAGE_EN][0] = err->detail[LANGUAGE_VI][0] = '\0';
	err->id[0] = '\0';
	err->nfields = 0;
}

/* A cut must not leave half a character behind: the text goes into JSON. */
static void trim_partial_character(char *text)
{
	size_t len = strlen(text);
	size_t start = len;

	while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start == 0)
		return;
	unsigned char lead = (unsigned char)text[start - 1];
	size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;

	if (len - (start - 1) < want)
		text[start - 1] = '\0';
}

static void format_both(char *en_out, char *vi_out, size_t size, const char *en, const char *vi,
			va_list args)
{
	va_list again;

	va_copy(again, args);
	if ((size_t)vsnprintf(en_out, size, en, args) >= size)
		trim_partial_character(en_out);
	if ((size_t)vsnprintf(vi_out, size, vi, again) >= size)
		trim_partial_character(vi_out);
	va_end(again);
}

bool error_set(struct error *err, enum error_code code, const char *en, const char *vi, ...)
{
	va_list args;

	err->code = code;
	va_start(args, vi);
	format_both(err->detail[LANGUAGE_EN], err->detail[LANGUAGE_VI],
		    sizeof(err->detail[0]), en, vi, args);
	va_end(args);
	return false;
}

bool error_add_field(struct error *err, const char *pointer, const char *code, const char *en,
		     const char *vi, ...)
{
	struct error_field *field;
	va_list args;

	if (err->code == ERR_NONE)
		error_set(err, ERR_INVALID_FIELD, "The fields named in errors are not valid.",
			  "Các trường nêu trong errors không hợp lệ.");
	if (err->nfields == ERROR_MAX_FIELDS)
		return false;
	field = &err->fields[err->nfields++];
	if ((size_t)snprintf(field->pointer, sizeof(field->pointer), "%s", pointer) >=
	    sizeof(field->pointer))
		trim_partial_character(field->pointer);
	field->code = code;
	va_start(args, vi);
	format_both(field->detail[LANGUAGE_EN], field->detail[LANGUAGE_VI],
		    sizeof(field->detail[0]), en, vi, args);
	va_end(args);
	return false;
}

const char *error_slug(enum error_code code)
{
	return (unsigned)code < ERR_COUNT ? slugs[code] : slugs[ERR_INTERNAL];
}
