#ifndef WIRE_GIFT_WIRE_H
#define WIRE_GIFT_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "domain/tariff.h"

/* Gifts in, books and exceptions out. */
struct arena;
struct json_out;

/* Body of POST /rounds/{id}/gifts: *donor is an id or number. handed_on: `today` where it is not told. */
bool gift_read(const char *body, size_t len, struct date today, struct arena *arena, struct gift *gift, const char **donor,
	       struct error *err);

void gift_write(struct json_out *out, const char *key, const struct gift *gift);
/* A donation with what is owed for it. */
void gift_donation_write(struct json_out *out, const char *key, const struct tariff *tariff,
			 const struct gift_donation *donation, const char *donor_number);
/* `donor_number`: whose it is; NULL: of all together. */
void gift_exception_write(struct json_out *out, const char *key, const struct gift_exception *exception,
			  const char *donor_number);

#endif
