#ifndef STORE_RECORD_STORE_H
#define STORE_RECORD_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "db/db.h"
#include "store/store.h"

/*
 * The records as they are, held against the digests that their last audit
 * entries left. What a digest is made over: store/image.h; so a change is
 * found in what an image holds, and nowhere else.
 */
enum record_kind {
	RECORD_ROUND, RECORD_PLAN, RECORD_REPORT, RECORD_VENUE, RECORD_TEAM, RECORD_CAMPAIGN, RECORD_TOKEN, RECORD_KEY,
	RECORD_DONOR, RECORD_USER, RECORD_LOOKUP, RECORD_DONATION, RECORD_DEFERRAL, RECORD_DEFERRAL_LIFT,
	RECORD_APPOINTMENT, RECORD_SEAT_GROUP, RECORD_SLOT_RULES,
	RECORD_CERTIFICATE, RECORD_REDEMPTION, RECORD_GIFT, RECORD_HONOUR, RECORD_FAMILY, RECORD_FAMILY_MEMBER,
	RECORD_ITEM, RECORD_ITEM_DECISION, RECORD_DEVICE,
	RECORD_KINDS
};
const char *record_kind_text(enum record_kind kind);     /* "round": the subject_kind of the audit */

/* The last entry about a record that says what became of it. */
struct record_last {
	const char *subject_id, *entry_id, *action;
	int         key_id;
	const char *digest;              /* "\x..." of digest_after; NULL: nothing is left */
};
/* By subject id, behind `after` (""), or of one subject alone. */
struct record_page {
	enum record_kind    kind;
	const char         *after, *only;        /* only NULL: all */
	int                 limit;
	struct arena       *arena;
	struct record_last *rows;
	size_t              nrows;
	struct error        error;
	void              (*done)(struct record_page *page);
	struct db_query     query;       /* private from here on */
};
void record_page_send(struct store *store, struct record_page *page);

/* The digest of a record as it is now, under that hash key; `there` false: no such record. */
struct record_digest {
	enum record_kind kind;
	const char      *id;
	int              key_id;
	struct arena    *arena;
	bool             there;
	char             digest[DIGEST_HEX_SIZE];
	struct error     error;
	void           (*done)(struct record_digest *digest);
	struct store    *store;          /* private from here on */
	struct db_query  query;
};
void record_digest_send(struct store *store, struct record_digest *digest);

/*
 * Records of which no audit entry says what became of them, at most a hundred.
 * Campaigns as the reference file has them need none.
 */
struct record_strays {
	enum record_kind kind;
	struct arena    *arena;
	const char     **ids;
	size_t           nids;
	struct error     error;
	void           (*done)(struct record_strays *strays);
	struct db_query  query;          /* private from here on */
};
void record_strays_send(struct store *store, struct record_strays *strays);

#endif
