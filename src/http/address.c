#include "http/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "http/connection.h"
#include "http/exchange.h"
#include "http/server.h"

struct address {
	unsigned char family;
	unsigned char bytes[16];
};

static bool parse_address(const char *text, struct address *address)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	unsigned char *b = address->bytes;

	address->family = AF_INET;
	if (inet_pton(AF_INET, text, b) == 1)
		return true;
	address->family = AF_INET6;
	if (inet_pton(AF_INET6, text, b) != 1)
		return false;
	if (memcmp(b, mapped, sizeof(mapped)) == 0) {
		address->family = AF_INET;
		memmove(b, b + 12, 4);
	}
	return true;
}

bool http_trust_parse(struct http_trust *trust, const char *text)
{
	struct address address;
	char host[64];
	const char *slash;
	long bits, most;

	*trust = (struct http_trust){ 0 };
	if (!text || !*text)
		return true;
	if (streq(text, "unix")) {
		trust->family = AF_UNIX;
		return true;
	}
	slash = strchr(text, '/');
	if ((size_t)snprintf(host, sizeof(host), "%.*s", (int)(slash ? slash - text : (long)strlen(text)), text) >=
	    sizeof(host) || !parse_address(host, &address))
		return false;
	most = address.family == AF_INET ? 32 : 128;
	bits = most;
	if (slash && !text_to_int(slash + 1, 0, most, &bits))
		return false;
	trust->family = address.family;
	trust->bits = (unsigned char)bits;
	memcpy(trust->address, address.bytes, sizeof(trust->address));
	return true;
}

bool http_trusted_proxy_is_valid(const char *trusted_proxy)
{
	struct http_trust trust;

	return http_trust_parse(&trust, trusted_proxy);
}

static bool trusted(const struct http_trust *trust, const struct address *address)
{
	unsigned whole = trust->bits / 8, rest = trust->bits % 8;
	unsigned mask = 0xff00u >> rest & 0xff;

	if (trust->family == 0 || trust->family != address->family)
		return false;
	if (trust->family == AF_UNIX)
		return true;
	if (memcmp(trust->address, address->bytes, whole) != 0)
		return false;
	return rest == 0 || (trust->address[whole] & mask) == (address->bytes[whole] & mask);
}

static const char *address_text(struct http_exchange *x, const struct address *address)
{
	char text[INET6_ADDRSTRLEN];

	if (address->family == AF_UNIX || !inet_ntop(address->family, address->bytes, text, sizeof(text)))
		return "unix";
	return arena_strdup(&x->arena, text);
}

/* The last member of a list, cut off from it; false when none is left or it is no address. */
static bool cut_last(char *list, struct address *address)
{
	char *comma = strrchr(list, ',');
	char *last = comma ? comma + 1 : list;
	char text[64];
	size_t len;

	last += strspn(last, " \t");
	len = strcspn(last, " \t");
	if (len == 0 || len >= sizeof(text))
		return false;
	memcpy(text, last, len);
	text[len] = '\0';
	if (comma)
		*comma = '\0';
	else
		*list = '\0';
	return parse_address(text, address);
}

/* One field's list from its end, as far as those we trust wrote it; false where that ends. */
static bool follow(const struct http_trust *trust, char *list, struct address *address)
{
	struct address further;

	do {
		if (!trusted(trust, address) || !cut_last(list, &further))
			return false;
		*address = further;
	} while (*list);
	return true;
}

/*
 * Each proxy adds whom it saw at the end, to the last field or in one of its
 * own, so all is read from there. What stands before is only a claim.
 */
const char *http_address_of_client(struct http_exchange *x)
{
	const struct http_trust *trust = &x->conn->server->trust;
	struct address address = { .family = x->conn->family };
	bool further = trust->family != 0;

	memcpy(address.bytes, x->conn->address, sizeof(address.bytes));
	for (size_t i = x->nfields; i > 0 && further; i--)
		if (streq(x->fields[i - 1].name, "x-forwarded-for"))
			further = follow(trust, arena_strdup(&x->arena, x->fields[i - 1].value), &address);
	return address_text(x, &address);
}

void http_network_of(const char *text, char out[HTTP_NETWORK_SIZE])
{
	struct address address;

	if (parse_address(text, &address) && address.family == AF_INET6) {
		memset(address.bytes + 8, 0, 8);
		inet_ntop(AF_INET6, address.bytes, out, HTTP_NETWORK_SIZE);
		return;
	}
	snprintf(out, HTTP_NETWORK_SIZE, "%s", text);
}
