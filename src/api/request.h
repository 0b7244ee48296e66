#ifndef API_REQUEST_H
#define API_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json_out.h"
#include "base/memory.h"
#include "domain/access.h"
#include "domain/round.h"
#include "http/http.h"
#include "http/router.h"
#include "store/round_store.h"
#include "store/store.h"

/*
 * One request on its way through the API: matched to a route, the principal
 * known and allowed, then handed to the route's start(). It lives in the
 * exchange's memory. Whoever answers does it with one of the api_reply_*()
 * below, exactly once.
 */
struct api;
struct request;
struct session_mark;
struct unit_map;

/* Who asks. Texts live as long as the request. */
struct principal {
	enum role          role;         /* ROLE_PUBLIC without a token */
	const char        *id;           /* of the token, or of the user who is logged in; NULL for the public */
	const char        *name;         /* of the token, or the login */
	const char *const *units;        /* scope; none: the whole province */
	size_t             nunits;
	const char        *team;         /* whose rounds are "own"; NULL */
	const char        *device;       /* the enrolled phone whose token it is; NULL */
	bool               device_revoked;
	const struct session_mark *session;      /* NULL: no session */
	const char        *session_text; /* its secret */
	int64_t            created_us, expires_us;       /* of a token; INT64_MIN: never */
};

enum route_flag {
	ROUTE_CACHED = 1 << 0,           /* the public answer may come from memory (topics rounds and units) */
	ROUTE_SMS = 1 << 1,              /* counted against the gateways' limit */
	ROUTE_DONORS = 1 << 3,           /* tells whether somebody is known: has a limit of its own beside the others */
	ROUTE_PERSONAL = 1 << 4,         /* nobody between may keep the answer */
	ROUTE_LOGIN = 1 << 5,            /* whoever asks begins anew: cookies count for nothing */
	ROUTE_SELF = 1 << 6,             /* open to a session that must change its password first */
	ROUTE_CHECKS = 1 << 7,           /* tells of a certificate whoever asks: has a limit of its own beside the others */
	ROUTE_QUARANTINE = 1 << 8,       /* open to a phone whose token was revoked: what it holds is handed in, and looked at */
	ROUTE_PACKS = 1 << 9,            /* opens many records: has a limit of its own beside the others */
	ROUTE_ANY_BODY = 1 << 2          /* looks at Content-Type itself; others take JSON only */
};

struct route {
	enum http_method method;
	const char      *pattern;        /* NULL ends a table */
	enum access_area area;
	enum access_mode mode;
	void           (*start)(struct request *r);
	unsigned         flags;
	size_t           body_max;       /* 0: the server's default */
};

struct request {
	struct http_exchange *x;
	struct api           *api;
	const struct route   *route;
	struct http_match     match;
	struct principal      principal;
	struct actor          actor;
	struct arena         *arena;
	bool                  anonymous; /* neither Authorization nor a session's cookie was sent */
	bool                  stored_fresh;      /* what is read now may be kept in memory: */
	uint64_t              generation;        /* ... unless the topics moved meanwhile */
	struct date           today;
	void                 *own;       /* of the route's handler, where it waits for the units */
	struct draft_sight   *sight;     /* private: of request_sight(), made when first asked for */
};

/* What all handlers use of the worker. */
struct store *api_store(struct api *api);
/* The units of the province; NULL until they were loaded once. */
const struct unit_map *api_units(struct api *api);
struct buf *api_scratch(struct api *api);            /* emptied; for one answer, used before returning to the loop */

const char *request_param(const struct request *r, const char *name);

/* What the principal sees beside what is public. Of a scope: only with the units at hand (request_with_units()). */
const struct draft_sight *request_sight(struct request *r);
/*
 * The units at which the principal may read what the area of the route holds: *ids NULL: at all of them and
 * where there is none. Only with the units at hand.
 */
void request_readable_units(struct request *r, const char *const **ids, size_t *count);
bool request_sees_round(struct request *r, const struct round *round);
/*
 * Whether the principal may write a record with these units on this date
 * (and of this team, for roles that own rounds). Answers 403 itself when not.
 */
bool request_may_write(struct request *r, const struct named *units, size_t nunits, struct date on,
		       const char *team);
/* Whether the principal may read what the area of the route holds of this round. Answers 403 itself when not. */
bool request_may_read_of(struct request *r, const struct round *round);
/* Content-Type, without its parameters. */
bool request_has_type(const struct request *r, const char *type);
/* The version in If-Match. Answers 428 or 400 itself when there is none. */
bool request_if_match(struct request *r, int64_t *version);
/* Answers 412. */
void request_reply_stale(struct request *r, int64_t version);
/* Fills the key of a POST that creates. Answers 400 itself when the header is not usable. */
bool request_idempotency(struct request *r, struct idempotency *idempotency);
/*
 * Refuses a POST that creates, for what its body says or for the state that it
 * meets. But a retry of one that was done, whose answer was lost, gets what
 * that one made: then made() answers, with the id. `kind` is for the audit.
 *
 * Not known is a first attempt that is still on its way: refused here, it may be
 * done after all when it was read before the state changed and ends after this
 * look. A refusal leaves no mark, since a mended body may be sent under the same
 * key, so no lock could close this: the attempt may not have come to one yet. A
 * client that gave up early and is refused then sends the same once more, after
 * the 20 s in which every attempt has ended: what it is told then stands.
 */
void request_refuse_create(struct request *r, const struct error *err, const char *kind,
			   void (*made)(void *op, const char *id), void *op);
/*
 * Something was made, and what it looks like cannot be read just now: that is
 * no "nothing was changed". Says that the outcome is not known, which a retry with the same key mends.
 */
void request_reply_unread(struct request *r, const struct error *err);

/* ---- answers ---- */

void request_reply_error(struct request *r, const struct error *err);
void request_reply_no_round(struct request *r);      /* 404 */
/* Of reading one round: a draft that may not be seen and no round at all get the same answer. */
void request_reply_round_error(struct request *r, const struct error *err);
void request_reply_error_after(struct request *r, const struct error *err, int seconds);
/* `buf` as JSON; kept in memory where the route and the reader allow. etag may be NULL. */
void request_reply_json(struct request *r, int status, const struct buf *buf, const char *etag);
/* `buf`, which holds a secret: it goes to the client and stays nowhere. */
void request_reply_secret(struct request *r, int status, struct buf *buf);
/* 200 with text of another kind, under a digest of its bytes; kept in memory likewise. */
void request_reply_text(struct request *r, const char *content_type, const struct buf *buf);
/* The same as JSON for one thing with a version: the ETag is "<version>.<digest>", of which If-Match reads the version. */
void request_reply_versioned(struct request *r, int status, const struct buf *buf, int64_t version);
/* A strong ETag of bytes that have no version, into out. */
void request_digest_etag(const struct request *r, const char *bytes, size_t len, char out[64]);
/* {"items": [...], "next_cursor": ...}: the items are written between the two. next NULL: the last page. */
void request_list_begin(struct request *r, struct json_out *out);
void request_list_reply(struct request *r, struct json_out *out, const char *next);
/* 201 with Location: /api/v1/<collection>/<id>. */
void request_reply_created(struct request *r, const struct buf *buf, const char *collection,
			   const char *id, int64_t version);

/* Route tables, one per resource. */
extern const struct route health_routes[], page_routes[], round_routes[], report_routes[], plan_routes[],
	unit_routes[], catalog_routes[], token_routes[], audit_routes[], sms_routes[],
	feed_routes[], donor_routes[], donor_merge_routes[], donor_right_routes[], donor_request_routes[],
	donor_export_routes[], erasure_routes[], deferral_routes[], eligibility_routes[], session_routes[],
	user_routes[], self_routes[], gift_routes[], honour_routes[], honour_list_routes[],
	family_routes[], issuing_body_routes[], certificate_routes[], redemption_routes[],
	certificate_check_routes[], certificate_round_routes[], sync_routes[], pack_routes[], count_sheet_routes[],
	result_routes[], device_routes[], held_routes[], slot_routes[], appointment_routes[], seat_group_routes[];

#endif
