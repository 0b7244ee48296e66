#ifndef CLUSTER_BACKUP_H
#define CLUSTER_BACKUP_H

#include <stdbool.h>

/*
 * Copies of a whole PostgreSQL cluster by its own programs. pg_basebackup takes
 * one while everybody works: all that was committed before it began is in it.
 * pg_verifybackup holds every file against the copy's manifest. A copy holds
 * what the database holds and never a key. Blocking, for minutes; commands only.
 */
struct error;

/* Into `folder`, which must not be there (0700). What a failure leaves of it is removed. */
bool backup_take(const char *conninfo, const char *folder, struct error *err)
	__attribute__((warn_unused_result));
/* Whether each byte of the copy is what was copied, and the log that makes it whole is in it. */
bool backup_check(const char *folder, struct error *err) __attribute__((warn_unused_result));
/* The folder and all in it. NULL `err`: as well as it can. */
bool backup_remove(const char *folder, struct error *err);

#endif
