#include "api/principals.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "api/private.h"
#include "base/log.h"

enum { SLOTS = 1024, MAX_KNOWN = 4096, TOUCH_SECONDS = 60 };

struct known_token {
	struct known_token *next;
	unsigned char       hash[TOKEN_HASH_BYTES];
	bool                used;        /* since it was last written down */
	struct arena        arena;
	struct access_token token;
};

/* A hash is random already: its first bytes choose the slot. */
static struct known_token **slot_of(struct principals *principals, const unsigned char *hash)
{
	return &principals->slots[(hash[0] | hash[1] << 8) % SLOTS];
}

void principals_clear(struct principals *principals)
{
	for (size_t i = 0; i < SLOTS; i++) {
		struct known_token *known = principals->slots[i];

		while (known) {
			struct known_token *next = known->next;

			arena_release(&known->arena);
			free(known);
			known = next;
		}
		principals->slots[i] = NULL;
	}
	principals->count = 0;
}

static void note_use(struct principals *principals, struct known_token *known)
{
	if (known->used || principals->nused >= MAX_KNOWN)
		return;
	known->used = true;
	if (principals->nused == principals->used_cap) {
		principals->used_cap = principals->used_cap ? principals->used_cap * 2 : 16;
		principals->used = xrealloc(principals->used, principals->used_cap * sizeof(*principals->used));
	}
	memcpy(principals->used[principals->nused++], known->token.id, UUID_TEXT_SIZE);
}

const struct access_token *principals_find(struct principals *principals,
					   const unsigned char hash[TOKEN_HASH_BYTES])
{
	struct known_token *known = *slot_of(principals, hash);

	/* Both are hashes of a secret: comparing them plainly tells nothing of use. */
	while (known && memcmp(known->hash, hash, TOKEN_HASH_BYTES) != 0)
		known = known->next;
	if (!known)
		return NULL;
	note_use(principals, known);
	return &known->token;
}

static void copy_token(struct arena *arena, struct access_token *to, const struct access_token *from)
{
	*to = *from;
	to->name = arena_strdup(arena, from->name);
	to->hash = NULL;                         /* it was found by it */
	to->team_id = arena_strdup(arena, from->team_id);
	to->unit_ids = arena_alloc(arena, (from->nunit_ids + 1) * sizeof(*to->unit_ids));
	for (size_t i = 0; i < from->nunit_ids; i++)
		to->unit_ids[i] = arena_strdup(arena, from->unit_ids[i]);
}

void principals_put(struct principals *principals, const unsigned char hash[TOKEN_HASH_BYTES],
		    const struct access_token *token)
{
	if (principals_find(principals, hash))
		return;
	if (principals->count >= MAX_KNOWN)
		principals_clear(principals);
	struct known_token **slot = slot_of(principals, hash);
	struct known_token *known = xcalloc(1, sizeof(*known));

	memcpy(known->hash, hash, TOKEN_HASH_BYTES);
	arena_init(&known->arena);
	copy_token(&known->arena, &known->token, token);
	known->next = *slot;
	*slot = known;
	principals->count++;
	note_use(principals, known);
}

static void on_touched(struct token_touch *touch)
{
	struct principals *principals = container_of(touch, struct principals, touch);

	principals->touching = false;
	arena_release(&principals->touch_arena);
	if (touch->error.code != ERR_NONE)
		log_warning("token_use_not_noted", "problem=%s", error_slug(touch->error.code));
}

static void forget_uses(struct principals *principals)
{
	principals->nused = 0;
	for (size_t i = 0; i < SLOTS; i++)
		for (struct known_token *known = principals->slots[i]; known; known = known->next)
			known->used = false;
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	struct principals *principals = context;
	const char **ids;

	(void)fd;
	(void)what;
	if (principals->touching || principals->nused == 0)
		return;
	ids = arena_alloc(&principals->touch_arena, principals->nused * sizeof(*ids));
	for (size_t i = 0; i < principals->nused; i++)
		ids[i] = arena_strdup(&principals->touch_arena, principals->used[i]);
	principals->touching = true;
	principals->touch = (struct token_touch){
		.ids = ids, .nids = principals->nused, .arena = &principals->touch_arena, .done = on_touched,
	};
	forget_uses(principals);
	token_touch_send(&principals->api->store, &principals->touch);
}

void principals_start(struct principals *principals, struct api *api)
{
	struct timeval period = { .tv_sec = TOUCH_SECONDS };

	*principals = (struct principals){ .api = api, .slots = xcalloc(SLOTS, sizeof(struct known_token *)) };
	arena_init(&principals->touch_arena);
	event_assign(&principals->tick, api->worker->base, -1, EV_PERSIST, on_tick, principals);
	event_add(&principals->tick, &period);
}

void principals_stop(struct principals *principals)
{
	event_del(&principals->tick);
	principals_clear(principals);
	free(principals->slots);
	free(principals->used);
	arena_release(&principals->touch_arena);
}
