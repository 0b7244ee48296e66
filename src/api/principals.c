#include "api/principals.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "api/private.h"
#include "base/log.h"

enum { SLOTS = 1024, MAX_KNOWN = 4096, TOUCH_SECONDS = 60 };

struct known_token {
	struct known_token     *next;
	unsigned char           hash[TOKEN_HASH_BYTES];
	bool                    used;    /* since it was last written down */
	struct arena            arena;
	struct known_principal  who;
};

struct use {
	char id[UUID_TEXT_SIZE];
	bool is_session;
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

void principals_use(struct principals *principals, struct known_principal *who)
{
	struct known_token *known = container_of(who, struct known_token, who);
	struct use *use;

	if (who->is_session)
		who->session.used_t = board_service_t(&principals->api->board);
	if (known->used || principals->nused >= MAX_KNOWN)
		return;
	known->used = true;
	if (principals->nused == principals->used_cap) {
		principals->used_cap = principals->used_cap ? principals->used_cap * 2 : 16;
		principals->used = xrealloc(principals->used, principals->used_cap * sizeof(*principals->used));
	}
	use = &principals->used[principals->nused++];
	memcpy(use->id, who->is_session ? who->session.id : who->token.id, UUID_TEXT_SIZE);
	use->is_session = who->is_session;
}

static struct known_token *find(struct principals *principals, const unsigned char hash[TOKEN_HASH_BYTES])
{
	struct known_token *known = *slot_of(principals, hash);

	/* Both are hashes of a secret: comparing them plainly tells nothing of use. */
	while (known && memcmp(known->hash, hash, TOKEN_HASH_BYTES) != 0)
		known = known->next;
	return known;
}

struct known_principal *principals_find(struct principals *principals, const unsigned char hash[TOKEN_HASH_BYTES])
{
	struct known_token *known = find(principals, hash);

	return known ? &known->who : NULL;
}

static void copy_token(struct arena *arena, struct access_token *to, const struct access_token *from)
{
	*to = *from;
	to->name = arena_strdup(arena, from->name);
	to->hash = NULL;                         /* it was found by it */
	to->team_id = arena_strdup(arena, from->team_id);
	to->device_id = arena_strdup(arena, from->device_id);
	to->unit_ids = arena_alloc(arena, (from->nunit_ids + 1) * sizeof(*to->unit_ids));
	for (size_t i = 0; i < from->nunit_ids; i++)
		to->unit_ids[i] = arena_strdup(arena, from->unit_ids[i]);
}

static struct known_token *add(struct principals *principals, const unsigned char hash[TOKEN_HASH_BYTES])
{
	struct known_token **slot = slot_of(principals, hash);
	struct known_token *known = xcalloc(1, sizeof(*known));

	memcpy(known->hash, hash, TOKEN_HASH_BYTES);
	known->next = *slot;
	*slot = known;
	principals->count++;
	return known;
}

struct known_principal *principals_put(struct principals *principals, const unsigned char hash[TOKEN_HASH_BYTES],
				       const struct known_principal *who)
{
	struct known_token *known = find(principals, hash);

	if (!known && principals->count >= MAX_KNOWN)
		principals_clear(principals);
	if (known)
		arena_release(&known->arena);
	else
		known = add(principals, hash);
	arena_init(&known->arena);
	known->who = *who;
	copy_token(&known->arena, &known->who.token, &who->token);
	known->who.session.login = arena_strdup(&known->arena, who->session.login);
	known->who.session.name = arena_strdup(&known->arena, who->session.name);
	return &known->who;
}

/* ---- writing down what was used ---- */

static void one_touched(struct principals *principals, const struct error *err)
{
	if (err->code != ERR_NONE)
		log_warning("token_use_not_noted", "problem=%s", error_slug(err->code));
	if (--principals->touching == 0)
		arena_release(&principals->touch_arena);
}

static void on_touched(struct token_touch *touch)
{
	one_touched(container_of(touch, struct principals, touch), &touch->error);
}

static void on_sessions_touched(struct session_touch *touch)
{
	one_touched(container_of(touch, struct principals, session_touch), &touch->error);
}

static void forget_uses(struct principals *principals)
{
	principals->nused = 0;
	for (size_t i = 0; i < SLOTS; i++)
		for (struct known_token *known = principals->slots[i]; known; known = known->next)
			known->used = false;
}

/* Ids of one of both sorts. */
static const char **used_ids(struct principals *principals, bool sessions, size_t *count)
{
	const char **ids = arena_alloc(&principals->touch_arena, (principals->nused + 1) * sizeof(*ids));

	*count = 0;
	for (size_t i = 0; i < principals->nused; i++)
		if (principals->used[i].is_session == sessions)
			ids[(*count)++] = arena_strdup(&principals->touch_arena, principals->used[i].id);
	return ids;
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	struct principals *principals = context;

	(void)fd;
	(void)what;
	if (principals->touching || principals->nused == 0)
		return;
	principals->touch = (struct token_touch){ .arena = &principals->touch_arena, .done = on_touched };
	principals->touch.ids = used_ids(principals, false, &principals->touch.nids);
	principals->session_touch = (struct session_touch){ .now_t = board_service_t(&principals->api->board),
							    .arena = &principals->touch_arena,
							    .done = on_sessions_touched };
	principals->session_touch.ids = used_ids(principals, true, &principals->session_touch.nids);
	forget_uses(principals);
	principals->touching = (principals->touch.nids > 0) + (principals->session_touch.nids > 0);
	if (principals->touch.nids > 0)
		token_touch_send(&principals->api->store, &principals->touch);
	if (principals->session_touch.nids > 0)
		session_touch_send(&principals->api->store, &principals->session_touch);
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
