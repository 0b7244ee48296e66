#ifndef API_SESSION_VIEW_H
#define API_SESSION_VIEW_H

#include <stdbool.h>

/* What is told of sessions, and who is asked for one. */
struct buf;
struct request;
struct session_mark;

/* False, and 409 answered: somebody with an access token, where a person is meant. */
bool request_has_session(struct request *r);

/* Who asks: GET /api/v1/sessions/current, and the answer of a login (`secret`: the text of a bearer session; NULL). */
struct buf *session_view(struct request *r, const char *secret, const char *device);

#endif
