#ifndef API_PRINCIPALS_H
#define API_PRINCIPALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/event_struct.h>

#include "base/memory.h"
#include "crypto/token.h"
#include "store/access_store.h"
#include "store/session_store.h"

/*
 * Tokens and sessions that this worker knows, by hash, so that a request with one needs no
 * reading. Emptied when the topic `access` moves, used only while the board is
 * fresh. Remembers which were used, and writes that down once a minute.
 */
struct api;
struct known_token;

/* Who a text stands for. */
struct known_principal {
	struct access_token token;       /* of a session: its user, with the login as name */
	bool                is_session;
	struct session_mark session;     /* used_t is moved on here when it is used */
};

struct principals {
	struct api          *api;
	struct known_token **slots;
	size_t               count;
	/* what was used since it was last written down; kept through a clear, which new tokens cause */
	struct use          *used;
	size_t               nused, used_cap;
	struct event         tick;
	struct token_touch   touch;
	struct session_touch session_touch;
	struct arena         touch_arena;
	int                  touching;           /* of the two, under way */
};

void principals_start(struct principals *principals, struct api *api);
void principals_stop(struct principals *principals);
void principals_clear(struct principals *principals);
/* Borrowed until the next clear; NULL when it is not known. */
struct known_principal *principals_find(struct principals *principals, const unsigned char hash[TOKEN_HASH_BYTES]);
/* It was found and let in: last use is written down once a minute. */
void principals_use(struct principals *principals, struct known_principal *known);
/* Instead of what was known by that hash; copied. */
struct known_principal *principals_put(struct principals *principals, const unsigned char hash[TOKEN_HASH_BYTES],
				       const struct known_principal *who);

#endif
