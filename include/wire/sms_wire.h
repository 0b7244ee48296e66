#ifndef WIRE_SMS_WIRE_H
#define WIRE_SMS_WIRE_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct error;

/* A donor's message as a gateway hands it over in JSON. */
struct sms_inbound {
	const char *id;                  /* the gateway's own, of this message */
	const char *from;                /* the donor's number */
	const char *text;                /* as typed, not cleaned; "" when there was none */
};

/* Body of POST /sms/inbound: `to` and `received_at` are read too, and not kept. */
bool sms_inbound_read(const char *body, size_t len, struct arena *arena, struct sms_inbound *inbound,
		      struct error *err);

#endif
