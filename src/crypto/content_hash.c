#include "crypto/content_hash.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "base/error.h"

bool content_hash_file(const char *path, unsigned char out[CONTENT_HASH_BYTES], struct error *err)
{
	unsigned char piece[1 << 16];
	crypto_generichash_state state;
	FILE *file = fopen(path, "rbe");
	bool fine = file != NULL;
	size_t got;

	crypto_generichash_init(&state, NULL, 0, CONTENT_HASH_BYTES);
	while (fine && (got = fread(piece, 1, sizeof(piece), file)) > 0)
		crypto_generichash_update(&state, piece, got);
	fine = fine && !ferror(file);
	if (!fine)
		error_set(err, ERR_SYSTEM, "%s: cannot be read: %s", "%s: không đọc được: %s", path, strerror(errno));
	if (file)
		fclose(file);
	crypto_generichash_final(&state, out, CONTENT_HASH_BYTES);
	return fine;
}

void content_hash(const void *bytes, size_t len, unsigned char out[CONTENT_HASH_BYTES])
{
	crypto_generichash(out, CONTENT_HASH_BYTES, bytes, len, NULL, 0);
}
