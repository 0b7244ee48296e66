#ifndef DB_MIGRATE_H
#define DB_MIGRATE_H

#include <stdbool.h>
#include <stddef.h>

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

/*
 * What the migrations (GRANT and REVOKE of whole statements at the beginning of a line) leave the
 * daemon's role, table by table. Columns count where only some of a table's may be changed.
 */
enum migrate_right {
	MIGRATE_SELECT = 1, MIGRATE_INSERT = 2, MIGRATE_UPDATE = 4, MIGRATE_DELETE = 8
};
enum { MIGRATE_TABLE_SIZE = 64 };
struct migrate_grant {
	char     table[MIGRATE_TABLE_SIZE];
	unsigned rights;                 /* of migrate_right */
	int      update_columns;
};
/* At most `max` tables, in the order in which they are first named; how many. */
size_t migrate_grants(struct migrate_grant *out, size_t max);

/* Whether this program may serve on that database; nothing is changed. */
bool migrate_check(const char *conninfo, struct error *err) __attribute__((warn_unused_result));

#endif
