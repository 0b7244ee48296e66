#ifndef STORE_SEAL_ROW_H
#define STORE_SEAL_ROW_H

#include "crypto/audit_chain.h"
#include "store/row.h"

/* Columns of an entry in the order of enum chain_field, as chain_hash() wants them. */
#define SQL_CHAIN_MICROS(column) "CASE WHEN isfinite(" column ") THEN " SQL_MICROS(column) " END"
#define SQL_CHAIN_COLUMNS(e) \
	e ".id, " SQL_CHAIN_MICROS(e ".at") " AS at_us, " e ".xid, " e ".actor_kind, " e ".actor_id, " e \
	".actor_role, " e ".action, " e ".subject_kind, " e ".subject_id, " e ".request_id, " e ".key_id, " \
	"encode(" e ".digest_before, 'hex') AS digest_before, encode(" e ".digest_after, 'hex') AS digest_after"

/* Microseconds since 1970 as an instant, exactly. */
#define SQL_INSTANT(parameter) "timestamptz 'epoch' + " parameter "::bigint * interval '1 microsecond'"

/* The entry's columns begin at `column`; copies in the arena. */
void chain_entry_read(const char *entry[CHAIN_FIELDS], struct arena *arena, const struct db_result *result,
		      int row, int column);
/* Columns position, hash, at_us, key_id, signature; false when they are not whole. */
bool chain_checkpoint_read(struct chain_checkpoint *checkpoint, const struct db_result *result, int row,
			   int column);

#endif
