#ifndef STORE_FAILURE_H
#define STORE_FAILURE_H

#include <stdbool.h>

/*
 * From what the database said to what the caller is told. Constraint names
 * are part of the schema's contract; the table of them is in failure.c.
 */
struct db_result;
struct error;

/* Clears *err; false and *err filled when the statement did not succeed. */
bool result_ok(const struct db_result *result, struct error *err) __attribute__((warn_unused_result));

bool fail_not_found(struct error *err);
bool fail_stale(struct error *err);
bool fail_erased(struct error *err);
/* Who asked for it wants to approve it too. */
bool fail_second_person(struct error *err);
/* Keys are being changed, and this daemon has not followed yet. */
bool fail_keys(struct error *err);

/* A lock was not to be had in time: somebody is at the same thing now. */
bool result_is_lock_timeout(const struct db_result *result);
/* It was refused for that constraint. */
bool result_violates(const struct db_result *result, const char *constraint);

#endif
