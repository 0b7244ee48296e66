#ifndef CRYPTO_ERASURE_JOURNAL_H
#define CRYPTO_ERASURE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which donors were erased, kept beside the keys and not in the database: a backup restored later has them still,
 * and `giothong restore` erases them again before anybody serves it. A line is a time and the ids of the records of one
 * person; ids say nothing to who has no database.
 *
 * A line is written when the erasure is committed, and an erasure is acknowledged when its line is on disk. So the
 * journal names nobody who was not erased; what a crash in between left out, a job writes down (jobs/erasures.c).
 * All daemons of a machine share one file; those of other machines write all of it into theirs.
 *
 * A line cut off by a crash is no line. Everything here blocks: for the pool and for commands.
 */
struct arena;
struct error;

struct erasure_line {
	const char **ids;
	size_t       count;
};

/* The setting, or the file beside the folder of keys when that is "". In the arena. */
const char *erasure_journal_path(const char *setting, const char *keyring_dir, struct arena *arena);
/* Whether lines can be written; makes an empty file where there is none. ERR_UNAVAILABLE. */
bool erasure_journal_ready(const char *path, struct error *err) __attribute__((warn_unused_result));
/*
 * Each of the lines is on disk: it was, or it is written. One at a time writes; who waits longer than some seconds
 * gives up. False and ERR_UNKNOWN_OUTCOME: what was begun is taken back.
 */
bool erasure_journal_note(const char *path, const struct erasure_line *lines, size_t count, int64_t at_us, struct error *err)
	__attribute__((warn_unused_result));
/* No such file: no lines. ERR_SYSTEM. */
bool erasure_journal_read(const char *path, struct arena *arena, struct erasure_line **lines, size_t *count,
			  struct error *err) __attribute__((warn_unused_result));

#endif
