#ifndef CRYPTO_ERASURE_JOURNAL_H
#define CRYPTO_ERASURE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which donors were erased, kept beside the keys and not in the database: a backup restored later has them still,
 * and `giothong restore` erases them again before anybody serves it. A line is a time and the ids of the records of one
 * person; ids say nothing to who has no database. It is on disk before the erasure is committed, so it may name one
 * that did not come about: it was approved by two persons all the same. A line cut off by a crash is no line. Blocks.
 */
struct arena;
struct error;

/* The setting, or the file beside the folder of keys when that is "". In the arena. */
const char *erasure_journal_path(const char *setting, const char *keyring_dir, struct arena *arena);
/* False and ERR_UNAVAILABLE: it cannot be written here. */
bool erasure_journal_append(const char *path, const char *const *ids, size_t count, int64_t at_us, struct error *err)
	__attribute__((warn_unused_result));

struct erasure_line {
	const char **ids;
	size_t       count;
};
/* No such file: no lines. */
bool erasure_journal_read(const char *path, struct arena *arena, struct erasure_line **lines, size_t *count,
			  struct error *err) __attribute__((warn_unused_result));

#endif
