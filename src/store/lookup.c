#include "store/lookup.h"

#include "base/memory.h"
#include "store/row.h"
#include "store/store.h"

void query_digests(struct db_query *query, const struct store *store, const struct key_view *view,
		   const char *domain, const void *bytes, size_t len, struct arena *arena)
{
	size_t count = view->lookup[KEY_HASH].nprobed;
	const char **texts = arena_alloc(arena, count * sizeof(*texts));

	for (size_t i = 0; i < count; i++) {
		char *digest = arena_alloc(arena, DIGEST_HEX_SIZE);

		keyring_digest(store->keyring, view->lookup[KEY_HASH].ids[i], domain, bytes, len, digest);
		texts[i] = digest;
	}
	query_texts(query, arena, texts, count);
}

void query_written_keys(struct db_query *query, const struct key_view *view, struct arena *arena)
{
	size_t count = view->lookup[KEY_HASH].nwritten;
	const char **texts = arena_alloc(arena, count * sizeof(*texts));

	for (size_t i = 0; i < count; i++)
		texts[i] = arena_printf(arena, "%d", view->lookup[KEY_HASH].ids[i]);
	query_texts(query, arena, texts, count);
}
