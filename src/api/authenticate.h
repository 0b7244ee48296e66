#ifndef API_AUTHENTICATE_H
#define API_AUTHENTICATE_H

struct request;

/*
 * Who asks, may they, and not too often: then next(). Otherwise the request is
 * answered here: 401, 403, 429 or 503.
 */
void request_authenticate(struct request *r, void (*next)(struct request *r));
void request_reply_unauthenticated(struct request *r);

/* The session's text in the cookie of that name; NULL: none was sent. In the request's memory. */
const char *session_cookie(const struct request *r);
#define SESSION_COOKIE "__Host-giothong"
/* The same of any cookie. */
const char *request_cookie(const struct request *r, const char *name);

#endif
