#ifndef CRYPTO_KEY_FOLDER_H
#define CRYPTO_KEY_FOLDER_H

#include <stdbool.h>

/*
 * A folder of keys that comes whole: one that is not there (or empty) is built
 * beside, as DIR.new, filled and renamed into place; one that is there is
 * filled in place. The folder around it is made too if it alone is missing. `fill` must go well over what a crash left of an earlier try.
 */
struct error;

bool folder_make_or_fill(const char *dir, bool (*fill)(void *context, const char *dir, struct error *err),
			 void *context, struct error *err);
/* What happened to the name `path` is on disk. errno. */
bool folder_sync_parent(const char *path);

#endif
