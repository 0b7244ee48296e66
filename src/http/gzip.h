#ifndef HTTP_GZIP_H
#define HTTP_GZIP_H

#include <stdbool.h>
#include <stddef.h>

/* Bodies up to this size are not worth compressing. */
enum { GZIP_MIN = 1024 };

/* zlib's working memory (some 260 KB), made once and used again. */
struct http_deflater;
struct http_deflater *http_deflater_new(void);
void http_deflater_free(struct http_deflater *deflater);         /* NULL is fine */

/* Text of some kind: pictures and archives are compressed already. */
bool http_compressible(const char *content_type);

struct buf;
/* Appends the gzip form to out; false (nothing appended) when it would not be smaller. Level 1 to 9. */
bool http_gzip(struct http_deflater *deflater, int level, const char *bytes, size_t len, struct buf *out);

#endif
