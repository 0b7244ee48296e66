#ifndef WIRE_CERTIFICATE_WIRE_H
#define WIRE_CERTIFICATE_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/date.h"
#include "domain/certificate.h"

/* Bodies of requests about certificates. Faults never repeat what was sent. */
struct arena;
struct error;

/* POST /issuing-bodies; an unsaid valid_from is `today`. */
struct issuing_body_body {
	const char *code, *name, *place, *signer;
	struct date valid_from;
};
bool issuing_body_read(const char *body, size_t len, struct date today, struct arena *arena, struct issuing_body_body *out,
		       struct error *err);

/* POST /donations/{id}/certificate, /rounds/{id}/certificates: no body, {}, or {"issuer"}. */
bool certificate_issue_read(const char *body, size_t len, struct arena *arena, const char **issuer, struct error *err);

/*
 * POST .../prints: {"form", "paper_serial"}, of a round also {"again", "as"}. `form` is one of the words of paper/paper.h:
 * "whole" when unsaid. Of a round the serial is that of the first form, and ends in 1 to 12 digits.
 */
struct certificate_print_body {
	const char *form, *paper_serial;
	bool        again;               /* those too that were printed before */
	const char *as;                  /* "pdf" (one for all), "zip" (one for each) */
};
bool certificate_print_read(const char *body, size_t len, bool round, struct arena *arena, struct certificate_print_body *out,
			    struct error *err);

/* POST .../void: {"reason"}, one of CERTIFICATE_VOID_WORDS. */
bool certificate_void_read(const char *body, size_t len, struct arena *arena, const char **reason, struct error *err);

/* POST .../redemptions: {"ml", "used_on", "source", "facility", "id"}; unsaid: none, online, NULL, NULL. */
struct redemption_body {
	int               ml;
	struct date       used_on;
	enum claim_source source;
	const char       *facility, *id;
};
bool redemption_read(const char *body, size_t len, struct arena *arena, struct redemption_body *out, struct error *err);

/* POST /certificates/verify: one of text, code, number; name and birth_date together or not at all. */
struct certificate_question {
	const char *text, *code, *number, *name;
	struct date birth_date;
};
bool certificate_question_read(const char *body, size_t len, struct arena *arena, struct certificate_question *out,
			       struct error *err);

/* POST /certificates/keys: {"issuer", "year", "generation", "compromised"}; issuer "": that of the list of revocations. */
struct certificate_key_body {
	const char *issuer;
	int         year, generation;    /* of the one that is replaced */
	bool        compromised;
};
bool certificate_key_read(const char *body, size_t len, struct arena *arena, struct certificate_key_body *out,
			  struct error *err);

/* ---- files that a verifier has, without any daemon ---- */

/* GET /certificates/keys as it was saved: public keys by id, in the arena. False and ERR_MALFORMED. */
struct published_key {
	const char   *use, *issuer;
	int           year, generation;
	bool          compromised;
	unsigned char public_key[32];
};
bool published_keys_read(const char *body, size_t len, struct arena *arena, struct published_key **keys, size_t *count,
			 struct error *err);
/* GET /certificates/revocations: its signed text. */
bool published_revocations_read(const char *body, size_t len, struct arena *arena, const char **signed_text,
				struct error *err);

#endif
