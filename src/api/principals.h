#ifndef API_PRINCIPALS_H
#define API_PRINCIPALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/event_struct.h>

#include "base/memory.h"
#include "crypto/token.h"
#include "store/access_store.h"

/*
 * Tokens that this worker knows, by hash, so that a request with one needs no
 * reading. Emptied when the topic `access` moves, used only while the board is
 * fresh. Remembers which were used, and writes that down once a minute.
 */
struct api;
struct known_token;

struct principals {
	struct api          *api;
	struct known_token **slots;
	size_t               count;
	/* ids used since they were last written down; kept through a clear, which new tokens cause */
	char               (*used)[UUID_TEXT_SIZE];
	size_t               nused, used_cap;
	struct event         tick;
	struct token_touch   touch;
	struct arena         touch_arena;
	bool                 touching;
};

void principals_start(struct principals *principals, struct api *api);
void principals_stop(struct principals *principals);
void principals_clear(struct principals *principals);
/* Borrowed until the next clear; NULL when it is not known. Counts as a use. */
const struct access_token *principals_find(struct principals *principals,
					   const unsigned char hash[TOKEN_HASH_BYTES]);
void principals_put(struct principals *principals, const unsigned char hash[TOKEN_HASH_BYTES],
		    const struct access_token *token);

#endif
