#ifndef STORE_IMAGE_H
#define STORE_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/date.h"
#include "domain/component.h"

/*
 * The canonical image of a record, over which the audit's digests are made:
 * the same record gives the same bytes, whether it was just read or is about
 * to be written. So only what its own row holds goes in, by id and not by
 * name, and nothing that changes without an audit row (booked places, last use).
 * Ids are written in lower case, and in order where the database keeps none.
 * `giothong audit verify --records` makes it again and compares: who adds a
 * member must leave the older image there to be made, for what was digested before.
 */
struct access_token;
struct buf;
struct catalog_item;
struct consent;
struct donation;
struct donor;
struct donor_request;
struct family;
struct family_member;
struct gift;
struct honour;
struct key_record;
struct plan;
struct redemption;
struct report;
struct round;
struct user;

/* Not the last code taken, nor when it was last used: they change without an audit row. */
void image_user(struct buf *buf, const struct user *user);
void image_token(struct buf *buf, const struct access_token *token);
void image_catalog_item(struct buf *buf, const struct catalog_item *item);
void image_key(struct buf *buf, const struct key_record *key);
void image_plan(struct buf *buf, const struct plan *plan);
void image_round(struct buf *buf, const struct round *round);
/* What register and change write; what is derived from donations and deferrals is not in it. */
void image_donor(struct buf *buf, const struct donor *donor);
void image_donation(struct buf *buf, const struct donation *donation);
/* Not when it enrolled: its token has an image of its own. */
void image_device(struct buf *buf, const char *id, const char *name, const char *team_id, bool revoked);
/* Over the sealed bytes, like a deferral. Ids and hash as the row has them; NULL: none. */
struct item_image {
	const char *id, *content_hash, *kind, *install, *corrects, *round_id, *donor_id, *provisional_id, *device_id, *held, *sealed;
	const char *accepts, *tie;       /* "true", "false"; NULL: it says neither */
	int64_t     seq, captured_us;
	bool        registers, staff;
};
void image_item(struct buf *buf, const struct item_image *item);
void image_consent(struct buf *buf, const char *id, const char *donor_id, const struct consent *consent, bool given);
void image_donor_request(struct buf *buf, const struct donor_request *request);
/*
 * Over the sealed bytes, which stay as they are: so it can be made again without the donor's key, and of one who
 * was erased. `lifts`: of the rows that lift, whose `sealed` is NULL.
 */
void image_deferral(struct buf *buf, const char *id, const char *donor_id, const char *ends, struct date until,
		    const char *sealed, const char *lifts);
void image_deferral_lift(struct buf *buf, const char *id, const char *deferral_id, const char *state,
			 const char *asked_by_kind, const char *asked_by, const char *decided_by_kind,
			 const char *decided_by);
/* Over the sealed bytes, like a deferral. Its number is the entry's subject. void_reason NULL: it stands. */
struct certificate_image {
	const char    *id, *donation_id, *donor_id, *code, *sealed, *void_reason;
	int            volume_ml;
	enum component component;
	struct date    donated_on, issued_on;
};
void image_certificate(struct buf *buf, const struct certificate_image *certificate);
void image_redemption(struct buf *buf, const struct redemption *entry, const char *certificate_id);
void image_honour(struct buf *buf, const struct honour *honour);
void image_family(struct buf *buf, const struct family *family);
void image_family_member(struct buf *buf, const char *family_id, const struct family_member *member);
void image_gift(struct buf *buf, const struct gift *gift);
void image_report(struct buf *buf, const char *round_id, const struct report *report);

#endif
