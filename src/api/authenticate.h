#ifndef API_AUTHENTICATE_H
#define API_AUTHENTICATE_H

#include <stdbool.h>
#include <stdint.h>

struct request;
struct session_mark;

/*
 * Who asks, may they, and not too often: then next(). Otherwise the request is
 * answered here: 401, 403, 429 or 503.
 */
void request_authenticate(struct request *r, void (*next)(struct request *r));
void request_reply_unauthenticated(struct request *r);

bool session_live(const struct request *r, const struct session_mark *session, int64_t now_t);

/* The session's text in the cookie of that name; NULL: none was sent. In the request's memory. */
const char *session_cookie(const struct request *r);
#define SESSION_COOKIE "__Host-giothong"
#define COOKIE_ATTRIBUTES "; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age="
#define SESSION_COOKIE_ENDS SESSION_COOKIE "=" COOKIE_ATTRIBUTES "0"
/* The same of any cookie. */
const char *request_cookie(const struct request *r, const char *name);

#endif
