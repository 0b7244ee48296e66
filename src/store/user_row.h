#ifndef STORE_USER_ROW_H
#define STORE_USER_ROW_H

#include "db/db.h"
#include "store/row.h"
#include "store/store.h"

struct user;

/* Columns of staff_user AS u, and how they are read from `column` on. */
#define USER_COLUMNS \
	"u.id, u.login, u.name, u.role, u.unit_ids, u.team_id, u.state = 'active', u.password_hash, u.password_long," \
	" u.must_change, u.totp_sealed, u.totp_key_id, u.totp_next_sealed, u.totp_next_key_id, u.totp_step," \
	" u.recovery_hashes, " SQL_MICROS("u.created_at") ", " SQL_MICROS("u.password_changed_at") ", " \
	SQL_MICROS("u.last_login_at") ", u.version," \
	" (SELECT f.failures FROM login_failure AS f WHERE f.account = u.id::text AND f.bucket = 'strangers')"
enum { USER_COLUMN_COUNT = 21 };

void user_read_row(struct user *user, struct arena *arena, const struct db_result *result, int row, int column);

/*
 * Deletes the tries of a user, of the networks only those of `network` (a parameter; NULL: all); those of strangers last:
 * who counts takes that row last, too.
 */
#define LOGIN_FORGIVE(user, network, condition) \
	"DELETE FROM login_failure WHERE (account, bucket) IN (SELECT f.account, f.bucket FROM login_failure AS f" \
	" WHERE f.account = " user "::uuid::text AND " condition \
	"  AND (" network "::text IS NULL OR f.bucket IN ('strangers', 'known', " network "))" \
	" ORDER BY f.bucket = 'strangers', f.bucket FOR UPDATE)"

/* The bucket of tries from a network (http_network_of()): a keyed digest. */
const char *login_network_bucket(const struct store *store, struct arena *arena, const char *network);

#endif
