#ifndef API_CERTIFICATES_H
#define API_CERTIFICATES_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "paper/paper.h"
#include "store/certificate_store.h"
#include "worker/pool.h"

/* What the routes of certificates share. */
struct json_out;
struct request;

/* The number in the path. Answers 404 itself when it is none: what to do about a slip of the pen. */
bool request_certificate_number(struct request *r, struct certificate_number *out);
void certificate_write(struct json_out *out, const char *key, const struct certificate *certificate);
void redemption_write(struct json_out *out, const char *key, const struct redemption *entry);
/* Whether the principal may write (or, with ACCESS_READ, see) certificates of this round. Answers 403 itself when not. */
bool request_may_certify(struct request *r, const char **units, size_t nunits, struct date on, const char *team);
struct actor request_reader(const struct request *r);
/* As request_idempotency(), of what cannot be done twice: without a key a lost answer could not be had again. Answers 400 itself. */
bool request_demand_key(struct request *r, struct idempotency *idempotency);
/* Whether it is no phone, or one that issues for a round that runs. Answers 403 itself when not. */
bool request_phone_may(struct request *r, enum round_status status, bool issues);

/* Draws opened pages in the pool and answers with the PDF, or a .zip of them. The pages live as long as the request. */
struct print_job {
	struct request                *r;
	const struct certificate_page *pages;
	size_t                         npages;
	enum form_kind                 kind;
	bool                           copies;   /* all are copies, whatever their print says */
	bool                           zip;      /* a PDF of each, not one for all */
	/* private */
	const char                    *form_path;
	struct buf                     bytes;
	struct error                   error;
	struct pool_job                job;
};
void request_reply_pdf(struct print_job *print);

#endif
