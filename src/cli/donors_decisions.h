#ifndef CLI_DONORS_DECISIONS_H
#define CLI_DONORS_DECISIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/content_hash.h"
#include "domain/donor_number.h"

/*
 * What a person decided about rows of a list: the report of an earlier run with
 * its column "decision" filled in (.csv or .xlsx): "register", "skip", or the
 * number of the donor who it is. Rows without a decision are as before.
 */
struct arena;
struct error;

/* Of a list, as its report and the decisions about it name it: "L1e2f3a4b". */
enum { LIST_MARK_SIZE = 10 };
void list_mark(const unsigned char content[CONTENT_HASH_BYTES], char out[LIST_MARK_SIZE]);

enum decision_what { DECISION_REGISTER, DECISION_SKIP, DECISION_DONOR };
struct decision {
	int64_t            row;
	enum decision_what what;
	char               number[DONOR_NUMBER_SIZE];    /* of DECISION_DONOR */
};
struct decisions {
	struct decision *list;           /* in order of row; in the arena */
	size_t           count;
};

/*
 * Reads "row", "decision" and, where it is there, "list", which must be `mark`.
 * False: a file that is none (see sheet.h), no such columns, a decision that is
 * none, two about one row, or one about another list.
 */
bool decisions_read(const char *path, const char *mark, struct decisions *decisions, struct arena *arena,
		    struct error *err);
/* NULL: none about this row. */
const struct decision *decision_about(const struct decisions *decisions, int64_t row);

#endif
