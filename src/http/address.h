#ifndef HTTP_ADDRESS_H
#define HTTP_ADDRESS_H

#include <stdbool.h>

struct http_exchange;

/* Whose X-Forwarded-For is believed: a network, or every peer of a Unix socket. */
struct http_trust {
	unsigned char family;            /* 0: nobody */
	unsigned char address[16];
	unsigned char bits;
};
/* "10.0.0.0/8", "::1" or "unix"; NULL or anything else trusts nobody (false for anything else). */
bool http_trust_parse(struct http_trust *trust, const char *text);

/* Who asks, as text in the exchange's memory: the peer, or whom a trusted proxy names. */
const char *http_address_of_client(struct http_exchange *x);

#endif
