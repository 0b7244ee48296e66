#ifndef CRYPTO_CHAIN_CHECK_H
#define CRYPTO_CHAIN_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/uuid.h"
#include "crypto/audit_chain.h"

/*
 * Goes along a chain row by row and says what is wrong with it. Needs the same
 * little memory for a thousand rows and for a hundred million; only rows that
 * do not fit are kept for a while (at most CHAIN_KEPT), to find out how.
 *
 *	chain_check_init(&check, on_damage, context);
 *	chain_check_restarts(&check, restarts, n);
 *	chain_check_marks(&check, marks, n);
 *	chain_check_row(&check, ...) for each row in order of position
 *	chain_check_end(&check);
 *	chain_check_release(&check);
 *
 * That something is wrong is certain; what exactly was done is told as far as
 * it can be known.
 */
enum { CHAIN_KEPT = 256 };

enum chain_damage_kind {
	CHAIN_CHANGED,           /* row or entry is not what was sealed */
	CHAIN_REMOVED,           /* an entry, or positions up to `other`, are gone */
	CHAIN_INSERTED,          /* it was not there when its neighbours were sealed */
	CHAIN_REORDERED,         /* it belongs at position `other` */
	CHAIN_TRUNCATED,         /* the chain ends before a position that was signed */
	CHAIN_REWRITTEN,         /* a genuine checkpoint says that another hash stood here */
	CHAIN_FORGED,            /* a checkpoint whose signature is not right */
	CHAIN_UNKNOWN_KEY,       /* a checkpoint signed by a key that is not in the keyring */
	CHAIN_UNSEALED,          /* an entry that is old enough and in no position */
	CHAIN_DAMAGE_KINDS
};
/* "changed", "removed", ...: for machines. */
const char *chain_damage_slug(enum chain_damage_kind kind);

struct chain_damage {
	enum chain_damage_kind kind;
	int64_t                position;         /* 0: in none */
	int64_t                other;            /* see the kinds; 0: nothing to say */
	char                   entry_id[UUID_TEXT_SIZE];         /* "": none */
};

/* Positions that a restart left out; `at` is the restart entry's own position. */
struct chain_restart {
	int64_t at, first, last;                 /* first > last: none were left out */
};
/* "101-150" or "none" of an entry's subject_id; false for anything else. */
bool chain_restart_parse(const char *subject_id, struct chain_restart *out) __attribute__((warn_unused_result));

/* What a genuine checkpoint from elsewhere says. */
struct chain_mark {
	int64_t       position;
	unsigned char hash[CHAIN_HASH_BYTES];
};

struct chain_suspect;
struct chain_check {
	void                      (*on_damage)(void *context, const struct chain_damage *damage);
	void                       *context;
	const struct chain_restart *restarts;
	size_t                      nrestarts;
	const struct chain_mark    *marks;       /* by position */
	size_t                      nmarks, next_mark;
	/* what was seen so far */
	int64_t                     rows;
	int64_t                     marks_left_out;      /* in positions that a restart names */
	struct chain_mark           last;        /* position 0: nothing yet */
	/* private */
	unsigned char               computed[CHAIN_HASH_BYTES];
	bool                        last_differs;
	struct chain_suspect       *suspects;
	size_t                      nsuspects;
};

void chain_check_init(struct chain_check *check, void (*on_damage)(void *context, const struct chain_damage *damage),
		      void *context);
void chain_check_release(struct chain_check *check);
/* Borrowed until the end. */
void chain_check_restarts(struct chain_check *check, const struct chain_restart *restarts, size_t count);
/* Sorts them; borrowed until the end. */
void chain_check_marks(struct chain_check *check, struct chain_mark *marks, size_t count);

/*
 * `hash`: as stored, hexadecimal. `entry_id`: as the row has it; the row's
 * entry[] is all NULL when there is no such entry.
 */
void chain_check_row(struct chain_check *check, const struct chain_row *row, const char *entry_id, const char *hash);
void chain_check_end(struct chain_check *check);

#endif
