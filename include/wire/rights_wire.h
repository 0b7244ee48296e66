#ifndef WIRE_RIGHTS_WIRE_H
#define WIRE_RIGHTS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domain/consent.h"
#include "domain/donor_request.h"

struct arena;
struct error;
struct json_out;

/* Body of POST /donors/{id}/consents; an unsaid `at` is now. Faults never repeat what was sent. */
bool consent_fact_read(const char *body, size_t len, int64_t now_us, struct arena *arena, struct consent_fact *fact,
		       struct error *err);
void consent_fact_write(struct json_out *out, const char *key, const struct consent_fact *fact);
/* What holds, one object for each purpose and channel that was ever asked about; no proof. */
void consent_holdings_write(struct json_out *out, const char *key, const struct consent_fact *facts, size_t count);

/* Body of POST /donors/{id}/requests: kind, received_at (now when unsaid), third_party, note. The deadlines are the caller's to set. */
bool donor_request_read(const char *body, size_t len, int64_t now_us, struct arena *arena,
			struct donor_request *request, struct error *err);
/* Bodies of a request's other steps: extend, close. */
bool donor_request_until_read(const char *body, size_t len, struct arena *arena, struct date *until, struct error *err);
bool donor_request_end_read(const char *body, size_t len, struct arena *arena, enum request_outcome *outcome,
			    enum request_ground *ground, struct error *err);
/* Body of a refusal to erase. */
bool donor_request_ground_read(const char *body, size_t len, struct arena *arena, enum request_ground *ground,
			       struct error *err);
/* `whole`: with the note, which only those see who may read the donor. */
void donor_request_write(struct json_out *out, const char *key, const struct donor_request *request, struct date today,
			 bool whole);

#endif
