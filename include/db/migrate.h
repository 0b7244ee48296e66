#ifndef DB_MIGRATE_H
#define DB_MIGRATE_H

#include <stdbool.h>

/*
 * The schema, as numbered SQL files that are part of the program. They run in
 * order on the owner's connection, each in its own transaction, under an
 * advisory lock; what ran is kept in `schema_migration` with a checksum.
 * Blocking: only for start-up and commands.
 *
 * A file begins with comment lines; `-- Oldest daemon: 0.1.0` names the oldest
 * version that may run on it: an older program refuses to serve.
 */
struct error;

struct migrate_report {
	int  applied;            /* by this call */
	int  newest;             /* number of the newest migration in the database */
	bool changed;            /* something was applied */
};

/*
 * Applies what is missing. Fails with one clear text when a file that ran was
 * edited since, when the database is newer than this program allows, or when
 * it cannot be reached. `app_role` is created and granted where missing.
 */
bool migrate_run(const char *owner_conninfo, const char *app_role, struct migrate_report *report,
		 struct error *err) __attribute__((warn_unused_result));

/* Whether no migration has ever run there: a database without data. */
bool migrate_is_new(const char *owner_conninfo, bool *is_new, struct error *err)
	__attribute__((warn_unused_result));

/* Whether this program may serve on that database; nothing is changed. */
bool migrate_check(const char *conninfo, struct error *err) __attribute__((warn_unused_result));

#endif
