#ifndef DB_MIGRATIONS_H
#define DB_MIGRATIONS_H

#include <stdbool.h>

#include "base/embedded.h"
#include "db/migrate.h"

/* migrate_run() and migrate_check() with any set of files and any version of the program. */
struct migrations {
	const struct embedded_file *files;
	const char                 *version;
};

bool migrations_run(const struct migrations *migrations, const char *owner_conninfo, const char *app_role,
		    struct migrate_report *report, struct error *err) __attribute__((warn_unused_result));
bool migrations_check(const struct migrations *migrations, const char *conninfo, struct error *err)
	__attribute__((warn_unused_result));

size_t migrations_grants(const struct embedded_file *files, struct migrate_grant *out, size_t max);

#endif
