#ifndef HTTP_NEGOTIATE_H
#define HTTP_NEGOTIATE_H

#include <stdbool.h>

#include "base/error.h"

/* What the client would like to have. A NULL field means that it did not say. */

/* Accept-Language; English when it says neither. */
enum language http_choose_language(const char *accept_language);
/* Accept-Encoding allows gzip; q=0 does not. */
bool http_takes_gzip(const char *accept_encoding);
/*
 * If-None-Match names the tag (quoted), as it is or in its gzip form. Compared
 * weakly, as RFC 9110 wants it here. "*" names every tag.
 */
bool http_tag_listed(const char *if_none_match, const char *etag);

#endif
