#ifndef API_DONORS_H
#define API_DONORS_H

#include <stdbool.h>

#include "store/donor_store.h"

/* What the files of donors share. */
struct request;

/* 200 with the whole record and its version. */
void request_reply_donor(struct request *r, const struct donor_record *record);
/* Answers 403 itself when the donor lives beyond what the principal may write. */
bool request_may_write_donor(struct request *r, const struct donor *donor);
/* Whether `key`, an id or a number as it was typed, is this record's own: not that of one that was merged into it. */
bool donor_is_called(const struct donor *donor, const char *key);
/* 409: there is nothing personal left. */
void request_reply_erased_donor(struct request *r);

#endif
